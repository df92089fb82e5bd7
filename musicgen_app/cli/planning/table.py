"""A decision about a plan -> the lines that `ttm-app plan` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...control.plan import counted
from ...control.theory import bar_length, beat_length
from ..terminal import one_line

if TYPE_CHECKING:
    from ...control.plan import Plan
    from ...control.reading.text import Demand
    from ...songbook.decision import Decision

BARS_A_LINE = 8


def table(decision: Decision, seconds: float, seed: int | None) -> str:
    """What a clip of so many seconds plays, where each part comes from, every bar, and what was understood.

    seed: by which a part may be borrowed; None where nothing is.
    """
    plan, origin = decision.plan, decision.origin
    facts = {
        "tempo": _tempo(plan),
        "metre": plan.metre,
        "key": plan.key or "unknown",
        "chords": "in the sections" if plan.sections else "as below",
        "drums": {None: "unknown", True: "yes", False: "no"}[plan.drums],
        "genre": decision.genre or "unknown",
    }
    if origin["chords"] == "default":
        facts["chords"] = "unknown"
    whence = origin | {part: f"{origin[part]}, worked out from the chords" for part in decision.worked_out}
    lines = [f"{name:<8}{one_line(value):<18}{whence[name]}" for name, value in facts.items()]
    if plan.swing is not None:
        lines.append(f"{'swing':<8}{plan.swing:.0%}")
    if plan.start:
        lines.append(f"{'start':<8}{plan.start:g} quarter notes into the song")
    lines.append(f"{'length':<8}{_length(plan, seconds)}")
    if seed is not None:
        lines.append(f"{'seed':<8}{seed}: another seed may borrow another plan")
    for section, stretch in zip(decision.sections(seconds), plan.stretches, strict=True):
        lines += ["", *_section(section, bar_length(stretch.metre))]
    told = _told("understood", decision.understood) + _told("approximated", decision.approximated)
    told += _told("not understood", decision.not_understood)
    return "\n".join([*lines, *([""] if told else []), *told])


def _tempo(plan: Plan) -> str:
    """In quarter notes a minute, and in beats where these are no quarter notes."""
    if plan.tempo is None:
        return "unknown"
    beat = beat_length(plan.metre)
    return f"{plan.tempo:g} BPM" + (f" (♩.={plan.tempo / 1.5:g})" if beat == 1.5 else "")


def _length(plan: Plan, seconds: float) -> str:
    """How long the clip is, and the plan."""
    if not plan.ends or None in {stretch.tempo for stretch in plan.stretches}:
        return f"{round(seconds, 1):g} s"
    cut = "; the clip is cut there" if plan.seconds > seconds else ""
    return f"{round(seconds, 1):g} s; the plan takes {plan.seconds:.1f} s{cut}"


def _section(section: dict, bar: float) -> list[str]:
    """A section's head, and its bars, eight a line. bar: quarter notes of one."""
    facts = [counted(section["bars"])]
    facts += ["drums" if section["drums"] else "no drums"] if "drums" in section else []
    facts += [f"{name} {section[name]}" for name in ("energy", "tempo", "metre", "key") if name in section]
    bars = _bars(section["chords"], bar)
    rows = [bars[n : n + BARS_A_LINE] for n in range(0, len(bars), BARS_A_LINE)]
    return [f"{one_line(section['name']) or 'song'}: {', '.join(facts)}", *(f"  | {' | '.join(row)} |" for row in rows)]


def _bars(chords: list, bar: float) -> list[str]:
    """What begins in each bar; "." where the chord before goes on."""
    bars: list[list[str]] = []
    place = 0.0
    for symbol, length in chords:
        number = int(place / bar + 1e-6)
        bars += [["."] for _ in range(number - len(bars))] + [[]] * (number >= len(bars))
        if number == len(bars) - 1 and not bars[-1] and place - number * bar > 1e-6:
            bars[-1] = ["."]
        bars[number] = [*bars[number], symbol or "?"]
        place += length
    bars += [["."] for _ in range(int(place / bar - 1e-6) + 1 - len(bars))] if chords else []
    return [" ".join(one) for one in bars]


def _told(head: str, demands: tuple[Demand, ...]) -> list[str]:
    lines = []
    for number, demand in enumerate(demands):
        same = demand.text == demand.meaning
        text = demand.text if same else f"{demand.text} -> {demand.meaning}" if demand.meaning else demand.text
        why = f"  ({one_line(demand.why)})" if demand.why else ""
        lines.append(f"{head if not number else '':<16}{one_line(text)}{why}")
    return lines
