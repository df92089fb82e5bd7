"""What can be done to a plan, by name with plain values: the table that programs and agents work by.

`changed(plan, "transpose", {"semitones": 3})` is `ttm-app plan transpose FILE 3`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..control import operations
from ..control.plan import TEMPI, Plan
from ..errors import RequestError
from ..request import SEED_MAX, check_text, check_whole
from .sheet import read_form, read_row
from .wishes import TEXT_LENGTH, Wishes


@dataclass(frozen=True)
class Change:
    """An operation: what it does, the JSON Schema of each of its values, and those that must be given."""

    about: str
    schema: dict[str, dict[str, Any]]
    required: tuple[str, ...]
    apply: Callable[..., Plan]  # (plan, **values); raises RequestError


def changed(plan: Plan, name: object, values: dict[str, Any]) -> Plan:
    """The plan after one operation. Raises RequestError, also for a name or a value that nobody knows."""
    change = CHANGES.get(name) if isinstance(name, str) else None
    if change is None:
        raise RequestError(f"no operation {ascii(name)[:40]}: there are {', '.join(CHANGES)}")
    for value in values:
        if value not in change.schema:
            raise RequestError(f"{name} has no {ascii(value)[:40]}: it has {', '.join(change.schema)}")
    for value in change.required:
        if value not in values:
            raise RequestError(f"{name} needs {value}")
    return change.apply(plan, **values)


def transpose(plan: Plan, semitones: object) -> Plan:
    """Everything so many semitones higher, or lower."""
    return operations.transpose(plan, check_whole("semitones", semitones, -48, 48))


def key(plan: Plan, key: object) -> Plan:
    """Moved to another key."""
    return operations.in_key(operations.keyed(plan), _wish("key", key))


def tempo(plan: Plan, bpm: object) -> Plan:
    """At another tempo."""
    return operations.at_tempo(plan, _wish("bpm", bpm))


def metre(plan: Plan, metre: object) -> Plan:
    """In another metre."""
    return operations.in_metre(plan, _wish("metre", metre))


def reharmonise(plan: Plan, chords: object, section: object = None) -> Plan:
    """With other chords, in the song or in all sections of one name."""
    row = read_row(_wish("chords", chords), plan.key)
    return operations.with_chords(plan, row.chords, _section(section))


def substitute(plan: Plan, kind: object, number: object = None) -> Plan:
    """With tritone substitutes, or relatives."""
    if kind not in ("tritone", "relative"):
        raise RequestError("kind must be tritone or relative")
    count = None if number is None else check_whole("number", number, 1, 100_000)
    return operations.substitute(plan, str(kind), count)


def vary(plan: Plan, seed: object = 0) -> Plan:
    """With some other chords, by a seed."""
    return operations.vary(plan, check_whole("seed", seed, 0, SEED_MAX))


def extend(plan: Plan, section: object, at: object = None) -> Plan:
    """With one more section, as a sheet has it, or by the name of one that is there."""
    place = None if at is None else check_whole("at", at, 0, 10_000)
    if not isinstance(section, str) or len(section) > TEXT_LENGTH:
        raise RequestError(f"section must be text of at most {TEXT_LENGTH:,} characters")
    form = read_form(section, plan)
    for number, new in enumerate(form.plan.sections):
        plan = operations.extend(plan, new, None if place is None else place + number)
    return plan


def repeat(plan: Plan, times: object, section: object = None) -> Plan:
    """The form so many times, or each section of one name."""
    return operations.repeat(plan, check_whole("times", times, 1, 500), _section(section))


def _wish(name: str, value: object) -> Any:
    """A value as a field of a request has it. Raises RequestError."""
    wish = getattr(Wishes.checked({name: value}), name)
    if wish is None:
        raise RequestError(f"{name} is missing")
    return wish


def _section(name: object) -> str | None:
    return None if name is None else check_text("section", name, least=1)


def _text(about: str, most: int = TEXT_LENGTH) -> dict[str, Any]:
    return {"type": "string", "description": about, "maxLength": most}


def _whole(low: int, high: int, about: str = "") -> dict[str, Any]:
    return {"type": "integer", "minimum": low, "maximum": high, **({"description": about} if about else {})}


SECTION = _text("Only sections of this name.", 80)
CHANGES: dict[str, Change] = {
    change.__name__: Change(str(change.__doc__), schema, required, change)
    for change, schema, required in (
        (transpose, {"semitones": _whole(-48, 48)}, ("semitones",)),
        (key, {"key": _text("Such as Cm.", 100)}, ("key",)),
        (tempo, {"bpm": {"type": "number", "minimum": TEMPI[0], "maximum": TEMPI[1]}}, ("bpm",)),
        (metre, {"metre": _text("Such as 3/4.", 100)}, ("metre",)),
        (reharmonise, {"chords": _text("A row of a sheet."), "section": SECTION}, ("chords",)),
        (
            substitute,
            {
                "kind": {"type": "string", "enum": ["tritone", "relative"]},
                "number": _whole(1, 100_000, "Of the chord."),
            },
            ("kind",),
        ),
        (vary, {"seed": _whole(0, SEED_MAX)}, ()),
        (extend, {"section": _text("Such as bridge 8: F G."), "at": _whole(0, 10_000)}, ("section",)),
        (repeat, {"times": _whole(1, 500), "section": SECTION}, ("times",)),
    )
}
