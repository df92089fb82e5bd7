"""Orders -> fields of a request: what was asked for changes, what plays otherwise stays as it is heard.

Tempo, key, metre, chords and drums that the last clip borrowed become fields of the request, so that "slower" is the
same music slower. Those that nobody said give way where a change needs that: other chords have a key of their own, and
another style its own tempo and drums.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ...control import operations
from ...control.key_names import read_key
from ...control.plan import Plan
from ...control.prompt_parser import read_prompt
from ...control.theory import bar_length
from ...errors import RequestError
from ...songbook.decision import DEFAULT
from ...songbook.sheet import read_row
from ...songbook.sheet_writer import write_row
from .words import Order

if TYPE_CHECKING:
    from ...songbook.decision import Decision

PARTS = {"tempo": "bpm", "key": "key", "metre": "metre", "chords": "chords", "drums": "drums"}  # of a decision: fields
FURTHEST = 48  # semitones up or down


@dataclass(frozen=True)
class Wanted:
    """Fields of a request as far as they are given, and those of the plan that the user said: others were borrowed."""

    given: dict[str, Any]
    said: frozenset[str] = frozenset()


@dataclass
class Work:
    """Fields on their way through the orders of a line. told: what was understood, in the order of the line."""

    given: dict[str, Any]
    said: set[str]
    seconds: float  # of what plays
    told: list[str] = field(default_factory=list)

    def says(self, name: str, value: Any, told: str) -> None:
        self.given[name] = value
        self.said.add(name)
        self.told.append(told)

    def gives_way(self, *names: str) -> None:
        """Forget what was borrowed of these."""
        for name in set(names) - self.said:
            self.given.pop(name, None)

    @property
    def plan(self) -> Plan:
        """Key, metre and chords as they are."""
        metre, key = self.given.get("metre", "4/4"), self.given.get("key")
        chords = read_row(self.given["chords"], key or "C major").chords(bar_length(metre)) if self.has_chords else ()
        return operations.keyed(Plan(metre=metre, key=read_key(key) if key else None, chords=chords))

    @property
    def has_chords(self) -> bool:
        return "chords" in self.given


def begun(prompt: str, usual: dict[str, Any]) -> Wanted:
    """A new prompt, with what holds for all clips of a session. Raises RequestError."""
    return Wanted(usual | {"prompt": prompt})


def changed(before: Wanted, orders: list[Order], decision: Decision | None, seconds: float) -> tuple[Wanted, list[str]]:
    """What is wanted after some orders, and what was understood.

    decision: what the last clip was made to; seconds: its length. Raises RequestError.
    """
    work = Work(dict(before.given), set(before.said), seconds)
    if decision is not None and any(order.name not in ("again", "seed") for order in orders):
        work.given |= {name: value for name, value in _heard(decision).items() if name not in work.given}
    for order in orders:
        APPLIED[order.name](work, order.value)
    return Wanted(work.given, frozenset(work.said)), work.told


def _heard(decision: Decision) -> dict[str, Any]:
    """The fields that ask for what a clip was made to; only what somebody stated, or what was borrowed."""
    plan = decision.plan
    values = {
        "tempo": plan.tempo,
        "key": plan.key,
        "metre": plan.metre,
        "chords": write_row(plan.chords, bar_length(plan.metre)) if plan.chords else None,
        "drums": plan.drums,
    }
    return {
        PARTS[part]: value
        for part, value in values.items()
        if value is not None and decision.origin.get(part, DEFAULT) != DEFAULT
    }


# --- what each order does


def _tempo(work: Work, bpm: float) -> None:
    work.says("bpm", bpm, f"{bpm:g} BPM")


def _pace(work: Work, factor: float) -> None:
    if "bpm" not in work.given:
        raise RequestError("the tempo of this clip is not known: say one, such as 90 bpm")
    bpm = float(round(work.given["bpm"] * factor))
    _tempo(work, bpm)


def _key(work: Work, name: str) -> None:
    if name in ("major", "minor"):
        home = work.plan.key
        if home is None:
            raise RequestError(f"the key of this clip is not known: say one, such as in A {name}")
        name = f"{home.partition(' ')[0]} {name}"
    try:
        key = read_key(name)
    except ValueError as error:
        raise RequestError(f"key: {error}") from None
    _moved(work, operations.in_key(work.plan, key))
    work.says("key", key, key)


def _transpose(work: Work, semitones: int) -> None:
    if not 0 < abs(semitones) <= FURTHEST:
        raise RequestError(f"{abs(semitones)} semitones: choose 1 to {FURTHEST}")
    plan = work.plan
    if plan.key is None and not plan.chords:
        raise RequestError("neither the key nor the chords of this clip are known: say a key, such as in A minor")
    moved = operations.transpose(plan, semitones)
    if moved.key:
        moved = replace(moved, key=operations.usual_key(moved.key))
        work.given["key"] = moved.key
    _moved(work, operations.spelt(moved))
    where = f"in {moved.key}" if moved.key else work.given["chords"]
    work.told.append(f"{abs(semitones)} semitones {'up' if semitones > 0 else 'down'}, {where}")


def _moved(work: Work, plan: Plan) -> None:
    if plan.chords:
        work.given["chords"] = write_row(plan.chords, bar_length(plan.metre))


def _chords(work: Work, row: str) -> None:
    key = work.given.get("key")
    read_row(row, key or "C major")
    work.gives_way("key")
    if key and re.search(r"\b[ivIV]+\b", row):
        work.given["key"] = key  # degrees are of the key that is heard
    work.says("chords", row, f"chords {row}")


def _metre(work: Work, metre: str) -> None:
    work.says("metre", metre, metre)


def _drums(work: Work, drums: bool) -> None:
    work.says("drums", drums, "drums" if drums else "no drums")


def _seconds(work: Work, seconds: float) -> None:
    for name in ("bars", "loop"):
        work.given.pop(name, None)
    work.given["seconds"] = round(seconds, 3)
    work.told.append(f"{work.given['seconds']:g} s")


def _bars(work: Work, bars: int) -> None:
    work.given.pop("seconds", None)
    work.given["bars"] = bars
    work.told.append(f"{bars} bars")


def _length(work: Work, factor: float) -> None:
    if "bars" in work.given:
        _bars(work, max(1, round(work.given["bars"] * (2 if factor > 1 else 0.5))))
    else:
        _seconds(work, round(work.seconds * factor, 1))


def _loop(work: Work, bars: int | None) -> None:
    if bars is None and "bars" not in work.given:
        raise RequestError("a loop has a length in bars: say loop 8 bars")
    _bars(work, bars if bars is not None else work.given["bars"])
    work.given["loop"] = True
    work.told[-1] = f"a loop of {work.told[-1]}"


def _no_loop(work: Work, _: None) -> None:
    work.given.pop("loop", None)
    work.told.append("no loop")


def _again(work: Work, _: None) -> None:
    _seed(work, work.given["seed"] + 1)


def _seed(work: Work, seed: int) -> None:
    work.given["seed"] = seed
    work.told.append(f"seed {seed}")


def _style(work: Work, words: str) -> None:
    """Other words for its style; tempo and drums are those of the new one, unless somebody said them."""
    prompt = work.given["prompt"]
    named = [demand.text for demand in read_prompt(prompt).understood if demand.kind == "genre"]
    for number, text in enumerate(named):
        written = r"\s+".join(map(re.escape, text.split()))
        instead = "" if number else words.replace("\\", r"\\")
        prompt = re.sub(rf"(?<!\w){written}(?!\w)", instead, prompt, count=1)
    prompt = " ".join(prompt.split()) if named else f"{words}, {prompt}"
    work.gives_way("bpm", "drums")
    _prompt(work, prompt)


def _add(work: Work, words: str) -> None:
    _prompt(work, f"{work.given['prompt']}, {words}")


def _prompt(work: Work, prompt: str) -> None:
    work.given["prompt"] = prompt
    work.told.append(f"the prompt is: {prompt}")


# What can be done to a clip, by the name of its order; what is added here and in `words.CHANGES` can be said.
APPLIED: dict[str, Callable[[Work, Any], None]] = {
    "tempo": _tempo,
    "pace": _pace,
    "key": _key,
    "transpose": _transpose,
    "chords": _chords,
    "metre": _metre,
    "drums": _drums,
    "seconds": _seconds,
    "bars": _bars,
    "length": _length,
    "loop": _loop,
    "no loop": _no_loop,
    "again": _again,
    "seed": _seed,
    "style": _style,
    "add": _add,
}
