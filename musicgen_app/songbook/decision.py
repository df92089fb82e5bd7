"""The plan of every clip of a request, and why: what was stated, wished, borrowed, and what could not be followed.

Options win over a plan that was given, that over the prompt, and what nobody states is borrowed (`planner`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..control.bars import cut_at_seam, in_words
from ..control.genre_classifier import with_genre
from ..control.grid import approximations
from ..control.operations import checked, spelt
from ..control.plan import MAX_CHORDS, Chords, Plan
from ..control.planner import Pieces, plans_for, shaped
from ..control.prompt_parser import PromptFacts, parse_prompt, read_prompt
from ..control.reading.form import ENDS, SHARED
from ..control.reading.text import Demand
from ..control.theory import DARK_MODES, MODES, bar_length, key_name, tonic_and_mode
from .wishes import NOTHING, RING, Wishes

PARTS = ("tempo", "metre", "key", "chords", "drums", "genre")
STATED, OPTION, PLAN, BORROWED, DEFAULT = "stated", "option", "plan", "borrowed", "default"
CHORDS_IN_WORDS = 16  # that a text encoder is told of


@dataclass(frozen=True)
class Decision:
    """The plan of one clip. origin: of each of PARTS, where it comes from; worked_out: those that nobody says.

    A key that is worked out from the chords has their origin.
    """

    plan: Plan
    origin: dict[str, str]
    genre: str = ""
    understood: tuple[Demand, ...] = ()
    approximated: tuple[Demand, ...] = ()
    not_understood: tuple[Demand, ...] = ()
    worked_out: tuple[str, ...] = ()

    def mere_words(self, model: str) -> str:
        """That what the prompt says of the plan is not followed."""
        return f"{model} follows no plan: what the prompt says of {', '.join(self.stated)} is mere words to it"

    def reading(self) -> dict:
        """JSON-safe: genre, understood, approximated, not_understood, origin, and what was worked out."""
        lists = {name: getattr(self, name) for name in ("understood", "approximated", "not_understood")}
        told = {name: [demand.to_dict() for demand in demands] for name, demands in lists.items()}
        return {"genre": self.genre, **told, "origin": self.origin, "worked_out": list(self.worked_out)}

    def sections(self, seconds: float) -> list[dict]:
        """The sections with all their chords, played out: {"name", "bars", "chords"}, and what else they say.

        A plan without any has one, which holds a clip of so many seconds.
        """
        found = []
        for number, stretch in enumerate(self.plan.stretches):
            bar = bar_length(stretch.metre)
            quarters = stretch.quarters
            if math.isinf(quarters):
                quarters = math.ceil(seconds * (stretch.tempo or 0) / 60 / bar) * bar
                quarters = quarters or sum(length for _, length in stretch.chords)
            own = self.plan.sections[number] if self.plan.sections else None
            says = {name: getattr(own, name) for name in ("drums", "energy", "tempo", "metre", "key")} if own else {}
            about = {
                "name": stretch.name,
                "bars": quarters / bar,
                "chords": _played(stretch.chords, quarters),
            }
            found.append(about | {name: value for name, value in says.items() if value is not None})
        return found

    def to_dict(self, seconds: float) -> dict:
        """JSON-safe: what a clip of so many seconds is made to, and why."""
        plan = self.plan
        sections = self.sections(seconds)
        facts = {"tempo": plan.tempo, "metre": plan.metre, "key": plan.key, "drums": plan.drums, "genre": self.genre}
        return facts | {"sections": sections} | {n: v for n, v in self.reading().items() if n != "genre"}

    @property
    def stated(self) -> list[str]:
        """What of tempo, metre, key and chords the prompt itself says."""
        return [name for name in PARTS[:4] if self.origin.get(name) == STATED and name not in self.worked_out]

    @property
    def notes(self) -> list[str]:
        """What the user should know, a line each."""
        told = [f"{one.text}: {one.meaning} ({one.why})" for one in self.approximated]
        missed = self.not_understood
        return told + [f"{one.text}: not understood" + (f" ({one.why})" if one.why else "") for one in missed]


def decide(
    prompt: str,
    vector: np.ndarray | None,
    seeds: Sequence[int],
    pieces: Pieces | None,
    wishes: Wishes = NOTHING,
    layout: int | None = None,
    genre: tuple[str, str] = ("", DEFAULT),
    seconds: float | None = None,
) -> list[Decision]:
    """The decision for the clip of every seed. layout: of the model's grids, None where it has none; genre: and its
    origin; seconds: of the clip, whose parts and ending a prompt can tell of. As `plans_for` for the rest. Raises
    RequestError."""
    facts = parse_prompt(with_genre(genre[0] if genre[1] == BORROWED else "", prompt))
    reading = read_prompt(prompt)
    wanted = facts_with(facts, wishes)
    plans = [wishes.over(plan, _key(facts)) for plan in plans_for(wanted, vector, seeds, pieces, genre[0])]
    understood, replaced = _outdone(reading.understood, facts, wanted, wishes)
    replaced += [Demand("chords", one.text, one.symbol or "no chord", one.why) for one in wishes.changes]
    understood, kin = _taken_for(understood, genre)
    replaced += [Demand("sheet", *one) for one in wishes.told]
    decisions = []
    for plan in plans:
        origin, worked_out = origins(plan, facts, wishes, pieces is not None and vector is not None)
        origin |= {"genre": genre[1]}
        plan = _spelt(plan, origin, facts)
        plan, missed = _in_parts(plan, facts, wishes, layout, seconds)
        lost = [one for one in reading.approximated if one.why in missed]
        kept = (one for one in reading.approximated if one.why not in missed)
        approximated = (*kept, *kin, *replaced, *_limits(plan, layout))
        failed = (*reading.not_understood, *(replace(one, meaning="", why=missed[one.why]) for one in lost))
        decisions.append(Decision(plan, origin, genre[0], understood, approximated, failed, worked_out))
    return decisions


def as_loop(decision: Decision, bars: int | None) -> Decision:
    """The decision of a loop of so many bars (None: of the sections): no ending, and what its seam cuts is told."""
    plan = replace(decision.plan, ends=False)
    told = [Demand("form", "ends", "it goes on", "a loop has no end")] * decision.plan.ends
    if bars and decision.origin["chords"] in (OPTION, PLAN, STATED) and (cut := cut_at_seam(plan, bars)):
        told.append(Demand("form", cut, f"cut at the end of the loop of {in_words(bars)}", "they do not fill it"))
    return replace(decision, plan=plan, approximated=(*decision.approximated, *told))


def _spelt(plan: Plan, origin: dict[str, str], facts: PromptFacts) -> Plan:
    """A plan whose borrowed chords have the names of their key, and that key its usual name: Bb minor, never A#."""
    if origin["key"] in (STATED, BORROWED) and plan.key:
        tonic, mode = tonic_and_mode(plan.key)
        name = (facts.key or "").partition(" ")[0]
        stated = facts.tonic == tonic and name
        plan = replace(plan, key=f"{name} {mode}" if stated else key_name(tonic, mode))
    return spelt(plan) if origin["chords"] == BORROWED else plan


def _limits(plan: Plan, layout: int | None) -> list[Demand]:
    """What a model of this layout cannot follow of a plan."""
    return [Demand("edition", *one) for one in approximations(plan, layout)] if layout else []


def _outdone(
    demands: tuple[Demand, ...], facts: PromptFacts, wanted: PromptFacts, wishes: Wishes
) -> tuple[tuple, list[Demand]]:
    """Demands of the prompt that still count, and those that an option or a plan wins over."""
    given = wishes.over(Plan()) if wishes.has_chords else _stated(facts)
    said = {
        "tempo": (facts.quarters, wanted.quarters, f"{wanted.quarters or 0:g} BPM"),
        "metre": (facts.metre, wanted.metre, wanted.metre or ""),
        "key": ((facts.tonic, facts.minor), (wanted.tonic, wanted.minor), wanted.key or ""),
        "chords": (_symbols(_stated(facts)), _symbols(given), "the chords that were given"),
        "drums": (facts.drums, wanted.drums, "drums" if wanted.drums else "no drums"),
    }
    lost = {kind: now for kind, (before, after, now) in said.items() if before != after}
    why = "an option or the plan that was given wins over the prompt"
    return (
        tuple(demand for demand in demands if demand.kind not in lost),
        [Demand(one.kind, one.text, lost[one.kind], why) for one in demands if one.kind in lost],
    )


def _stated(facts: PromptFacts) -> Plan:
    """What a prompt says of a plan, and nothing else."""
    return plans_for(facts, None, [0], None)[0]


def _symbols(plan: Plan) -> list[str]:
    """The chords of a plan in order, once through, each once where it sounds on."""
    symbols = [symbol for stretch in plan.stretches for symbol, _ in stretch.chords]
    return [symbol for symbol, before in zip(symbols, [None, *symbols], strict=False) if symbol != before]


def _in_parts(
    plan: Plan, facts: PromptFacts, wishes: Wishes, layout: int | None, seconds: float | None
) -> tuple[Plan, dict[str, str]]:
    """The plan with the parts and the ending that a prompt tells of, and of what is not in it why not."""
    ends = facts.ends and (layout or 1) > 1
    missed = {} if ends or not facts.ends else {ENDS: "this model is not told where the music is over"}
    if not facts.form and not ends:
        return plan, missed
    if [(s.name, s.energy) for s in plan.sections] == [(p.name, p.energy) for p in facts.form] and plan.ends == ends:
        return plan, missed  # the plan that was given is of that form
    if wishes.plan is not None or wishes.form:
        return plan, dict.fromkeys((SHARED, ENDS), "the plan or the form that was given wins over the prompt")
    if layout is None or seconds is None:
        return plan, dict.fromkeys((SHARED, ENDS), "this model follows no plan with parts")
    wanted = facts if wishes.drums is None else replace(facts, form=tuple(p._replace(drums=None) for p in facts.form))
    made = shaped(plan, wanted, seconds, ends)
    if made is None:
        return plan, dict.fromkeys((SHARED, ENDS), "the clip has too few bars for it: use a longer one, --seconds 30")
    return checked(made), missed


def _taken_for(demands: tuple[Demand, ...], genre: tuple[str, str]) -> tuple[tuple, list[Demand]]:
    """Demands that stay understood, and styles for which the model has another genre: a note of what it takes."""
    if genre[1] != BORROWED:
        return demands, []
    other = [one for one in demands if one.kind == "genre" and one.meaning != genre[0]]
    why = "this model does not know that style by name: the words of the prompt stay, the plan is of the nearest genre"
    return (
        tuple(one for one in demands if one not in other),
        [Demand("genre", one.text, genre[0], why) for one in other],
    )


def facts_with(facts: PromptFacts, wishes: Wishes) -> PromptFacts:
    """What a prompt states, with what is wished in its place: what to borrow by, and what the text vector tells."""
    plan = wishes.over(Plan())
    keyed = wishes.key or wishes.sheet.plan.key or wishes.has_chords and facts.tonic is None
    key = plan.key if keyed and plan.key else facts.key
    tonic, mode = tonic_and_mode(key) if keyed and key else (facts.tonic, "")
    return replace(
        facts,
        tempo=facts.tempo if plan.tempo is None else plan.tempo,
        beat=facts.beat if plan.tempo is None else 1.0,
        metre=plan.metre if wishes.metre or wishes.plan is not None else facts.metre,
        drums=facts.drums if plan.drums is None else plan.drums,
        key=key,
        tonic=tonic,
        minor=mode in DARK_MODES if keyed and key else facts.minor,
        chords=() if wishes.has_chords else facts.chords,
        degrees=() if wishes.has_chords else facts.degrees,
    )


def origins(plan: Plan, facts: PromptFacts, wishes: Wishes, borrows: bool) -> tuple[dict[str, str], tuple[str, ...]]:
    """Where tempo, metre, key, chords and drums of a plan come from: the first of the sources that says the part.

    And those parts that none says: a key is worked out from the chords, where these are not borrowed.
    """
    given = wishes.sheet.plan
    sources: dict[str, dict[str, bool]] = {
        OPTION: {
            "tempo": wishes.bpm is not None,
            "metre": wishes.metre is not None,
            "key": wishes.key is not None,
            "chords": wishes.chords is not None or wishes.form_has_chords,
            "drums": wishes.drums is not None,
        },
        PLAN: {
            "tempo": given.tempo is not None,
            "metre": wishes.plan is not None,
            "key": given.key is not None,
            "chords": wishes.has_chords,
            "drums": any(stretch.drums is not None for stretch in given.stretches),
        },
        STATED: {
            "tempo": facts.tempo is not None,
            "metre": facts.metre is not None,
            "key": facts.tonic is not None,
            "chords": bool(facts.chords),
            "drums": facts.drums is not None,
        },
        BORROWED: {
            "tempo": borrows and plan.tempo is not None,
            "metre": borrows,
            "key": borrows and plan.key is not None,
            "chords": borrows and any(stretch.chords for stretch in plan.stretches),
            "drums": borrows and plan.drums is not None,
        },
    }
    parts = sources[OPTION]
    found = {part: next((name for name, says in sources.items() if says[part]), DEFAULT) for part in parts}
    if found["key"] in (BORROWED, DEFAULT) and found["chords"] not in (BORROWED, DEFAULT) and plan.key:
        return found | {"key": found["chords"]}, ("key",)
    return found, ()


def plan_in_words(plan: Plan, wishes: Wishes) -> str:
    """What is wished, in words for a model that follows no plan: "96 BPM, 4/4, A minor, chords: Am F C G, no drums"."""
    said = [f"{plan.tempo:g} BPM"] if plan.tempo else []
    said += [plan.metre] if wishes.metre or wishes.plan is not None else []
    said += [plan.key] if plan.key else []
    symbols = [symbol for stretch in plan.stretches for symbol, _ in stretch.chords if symbol]
    more = " and so on" * (len(symbols) > CHORDS_IN_WORDS)
    said += [f"chords: {' '.join(symbols[:CHORDS_IN_WORDS])}{more}"] if symbols else []
    said += [] if plan.drums is None else ["drums" if plan.drums else "no drums"]
    return ", ".join(said)


def _played(chords: Chords, quarters: float) -> list[list]:
    """Chords, over and over, through so many quarter notes."""
    found: list[list] = []
    place = 0.0
    while chords and place < quarters - 1e-6 and len(found) < MAX_CHORDS:
        symbol, length = chords[len(found) % len(chords)]
        found.append([symbol, min(length, quarters - place)])
        place += length
    return found


def _key(facts: PromptFacts) -> str | None:
    """The key that a prompt names, where it names a tonic."""
    if facts.tonic is None:
        return None
    mode = (facts.key or "").partition(" ")[2]
    return key_name(facts.tonic, mode if mode in MODES else "minor" if facts.minor else "major")


def length_notes(plan: Plan, seconds: float, model: str, layout: int | None) -> list[str]:
    """That the sections of a plan take longer than their clip, or shorter where the model hears no ending."""
    if not plan.sections:
        return []
    if any(stretch.tempo is None for stretch in plan.stretches):
        return [f"the plan names no tempo, so that its length is not known: the clip has {seconds:g} s"]
    takes, length = f"the plan takes {plan.seconds:.1f} s", f"the clip has {round(seconds, 1):g} s"
    left = (plan.quarters - plan.start) / plan.quarters * plan.seconds
    if left > seconds + 0.05:
        return [f"{takes}, but {length}: it is cut there"]
    if plan.ends and layout == 1 and seconds > left + RING + 0.05:
        return [f"{takes}, but {length}: {model} is not told where music ends, and plays on"]
    return []
