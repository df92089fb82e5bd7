"""What was done in the strip -> the strip as it is then: `answer` is what the browser gets to see."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ...control import operations
from ...control.plan import Plan
from ...errors import RequestError
from ...request import check_number, check_text, check_whole
from ...songbook.plan_files import parse_plan
from ...songbook.wishes import Wishes
from ..tabs.create_form import DRUMS
from . import bars, drawing
from .bars import Parts
from .reading import Asked, decision
from .state import State, state_of, state_of_plan
from .view import view
from .words import described, read_bars

if TYPE_CHECKING:
    from ...server.context import Context

Outcome = tuple[State, str, list[str]]  # the strip, what is said of it, and what a file was read as


def answer(context: Context, values: dict[str, Any]) -> dict[str, Any]:
    """The strip after one action.

    values: {"state", "asked", "action"}; the answer: {"state", "view", "said"}, with "reading" where the prompt was
    read, "notes" where a plan was taken from elsewhere, and "asked" where that is a clip. Raises a TTMError.
    """
    asked = Asked.checked(values.get("asked"), context)
    action = values.get("action")
    if not isinstance(action, dict):
        raise RequestError("there is no action")
    name = str(action.get("name"))
    state = State.checked(values.get("state"))
    asked = asked.beside(state)
    more: dict[str, Any] = {}
    if name in ("read", "reset"):
        state = replace(State(), roll=state.roll) if name == "reset" else state
        state, more["reading"] = read(context, state, asked)
        more["read"] = {"prompt": asked.fields.get("prompt", ""), "model": asked.fields.get("model", "")}
        said = "The plan is as the prompt says." if name == "reset" else ""
    elif name in TAKEN:
        state, said, more["notes"] = TAKEN[name](context, state, asked, action)
    elif name == "clip":
        state, asked, said = _clip(context, action)
        more["asked"], more["notes"] = asked.fields, []
    elif name == "roll":
        state, said = drawing.drawn(context, state, asked)
    elif name in CHANGES:
        state, said = CHANGES[name](state, state.parts(asked.bars(state.plan)), action)
    else:
        raise RequestError(f"no action {name[:40]!a}")
    return {"state": state.to_dict(), "view": view(state, asked.beside(state)), "said": said, **more}


def read(context: Context, state: State, asked: Asked) -> tuple[State, dict[str, Any]]:
    """The strip filled from the prompt, where the user did not say the part here; and how the prompt was read."""
    seed = asked.fields.get("seed")
    roll = int(seed) if isinstance(seed, str) and seed.isascii() and seed.isdigit() and len(seed) < 20 else state.roll
    found = decision(context, asked, roll, state.wishes())
    origin = {part: state.origin[part] if state.own(part) else one for part, one in found.origin.items()}
    reading = found.reading() | {"approximated": [d.to_dict() for d in found.approximated if d.kind != "edition"]}
    return State(found.plan, origin, state.locked if state.own("chords") else frozenset(), roll), reading


def _clip(context: Context, action: dict) -> tuple[State, Asked, str]:
    """The plan that a clip was made to, and what it was made from."""
    item = context.library.get(str(action.get("id")))
    request = item.request
    fields = {"prompt": request.prompt, "model": request.model, "seconds": request.seconds, "bars": request.bars,
              "loop": request.loop, "seed": str(request.seed)}  # fmt: skip
    asked = Asked.checked(fields, context)
    state = state_of_plan(item.played, request.seed or 0) if item.played else state_of(request)
    return state, asked, f"The plan of {item.title}."


def _open(context: Context, state: State, asked: Asked, action: dict) -> Outcome:
    """A file that was dropped, or chosen: MIDI, a sheet or JSON."""
    name, data = check_text("file", action.get("file"), least=1), action.get("data")
    try:
        found = parse_plan(base64.b64decode(data if isinstance(data, str) else "", validate=True))
    except binascii.Error:
        raise RequestError("the file did not arrive whole: open it again") from None
    except RequestError as error:
        raise RequestError(f"{name[:80]}: {error}") from None
    return state_of_plan(found.plan, state.roll), f"The plan of {name[:80]}.", list(found.notes)


def _sheet(context: Context, state: State, asked: Asked, action: dict) -> Outcome:
    """The text of a chord sheet."""
    found = parse_plan(str(action.get("text", "")).encode("utf-8", "replace"))
    return state_of_plan(found.plan, state.roll), "The plan of the sheet.", list(found.notes)


def _set(context: Context, state: State, asked: Asked, action: dict) -> Outcome:
    """As it was before: undone."""
    return State.checked(action.get("state")), "Undone.", []


def _take(context: Context, state: State, asked: Asked, action: dict) -> Outcome:
    """The plan of another strip, that of a card."""
    return State.checked(action.get("state")), "The plan of the clip.", []


def _wish(part: str, field: str, change: Callable[[Plan, Any], Plan]) -> Callable[..., tuple[State, str]]:
    """The action that sets tempo, key or metre; without a value it is left to the prompt."""

    def act(state: State, parts: Parts, action: dict) -> tuple[State, str]:
        typed = str(action.get("value") or "").strip()
        if not typed:
            nothing: dict[str, Any] = {} if part == "metre" else {part: None}
            plan = replace(state.plan, **nothing)
            return replace(state, plan=plan, origin=state.origin | {part: "default"}), f"{part.title()} is left open."
        value: Any = typed
        if field == "bpm":
            try:
                value = float(typed.replace(",", "."))
            except ValueError:
                raise RequestError(
                    f"tempo: {typed[:40]!a} is no number: write quarter notes a minute, such as 96"
                ) from None
        wish = getattr(Wishes.checked({field: value}), field)
        plan = change(state.plan, wish)
        return state.set(plan, part), f"{part.title()}: {f'{wish:g}' if field == 'bpm' else wish}."

    return act


def _drums(state: State, parts: Parts, action: dict) -> tuple[State, str]:
    drums = _choice(action.get("value"))
    if drums is None:
        plan = replace(state.plan, drums=None)
        return replace(state, plan=plan, origin=state.origin | {"drums": "default"}), "Drums are left open."
    sections = tuple(replace(section, drums=None) for section in state.plan.sections)
    plan = replace(state.plan, drums=drums, sections=sections)
    return state.set(plan, "drums"), "With drums." if drums else "Without drums."


def _ends(state: State, parts: Parts, action: dict) -> tuple[State, str]:
    ends = action.get("value") is True
    plan = _with_parts(state, bars.sectioned(parts) if ends else parts).plan
    return state.set(replace(plan, ends=ends), "chords"), "It ends." if ends else "It begins again."


def _type(state: State, parts: Parts, action: dict) -> tuple[State, str]:
    number = _number(action, "bar")
    bars.where(parts, number)
    there = bars.flat(parts)
    text = str(action.get("text", ""))
    before = there[number - 1] if number else None
    typed, changes = read_bars(text, state.plan.key, before, [bar.quarters for bar in there[number:]])
    for extra, bar in enumerate(typed):
        if number + extra >= len(bars.flat(parts)):
            parts = bars.added(parts, number + extra - 1)
        parts = bars.written(parts, number + extra, bar)
    said = "; ".join(f"Bar {number + n + 1}: {described(bar)}" for n, bar in enumerate(typed[:4]))
    said += "".join(f". {one.text} is read as {one.symbol or 'no chord'}: {one.why}" for one in changes)
    return _with_parts(state, parts), f"{said}."


def _lock(state: State, parts: Parts, action: dict) -> tuple[State, str]:
    number, on = _number(action, "bar"), action.get("on") is True
    parts = bars.with_bar(parts, number, lambda bar: bar._replace(locked=on))
    return _with_parts(state, parts), f"Bar {number + 1} is {'locked' if on else 'not locked any more'}."


def _moves(change: Callable[[Parts, int, int], Parts], said: str) -> Callable[..., tuple[State, str]]:
    def act(state: State, parts: Parts, action: dict) -> tuple[State, str]:
        source, number = _number(action, "from"), _number(action, "bar")
        return _with_parts(state, change(parts, source, number)), said.format(source + 1, number + 1)

    return act


def _one(change: Callable[[Parts, int], Parts], said: str) -> Callable[..., tuple[State, str]]:
    def act(state: State, parts: Parts, action: dict) -> tuple[State, str]:
        number = _number(action, "bar")
        return _with_parts(state, change(parts, number)), said.format(number + 1)

    return act


def _section(state: State, parts: Parts, action: dict) -> tuple[State, str]:
    """One thing that a section says of itself: name, times, drums or energy."""
    place, what, value = _number(action, "part"), action.get("what"), action.get("value")
    part = parts[place] if place < len(parts) else None
    if part is None or part.section is None:
        raise RequestError("there is no such section")
    section, times = part.section, part.times
    if what == "name":
        section = replace(section, name=check_text("name", value, least=0))
    elif what == "times":
        times = check_whole("times", value, 1, 100)
    elif what == "drums":
        section = replace(section, drums=_choice(value))
    elif what == "energy":
        section = replace(section, energy=None if value is None else check_number("energy", value, 0.0, 1.0))
    else:
        raise RequestError("a section has a name, times, drums and energy")
    changed = (*parts[:place], replace(part, section=section, times=times), *parts[place + 1 :])
    return _with_parts(state, changed), f"Section {section.name}: {what} changed."


def _again(state: State, parts: Parts, action: dict) -> tuple[State, str]:
    """A section once more at the end, under a name of its own."""
    parts = bars.sectioned(parts)
    place = _number(action, "part")
    if not 0 <= place < len(parts):
        raise RequestError("there is no such section")
    if len(bars.flat(parts)) + len(parts[place].bars) > bars.MOST:
        raise RequestError(f"the strip holds {bars.MOST} bars")
    source = parts[place]
    assert source.section is not None
    name = bars.free_name(parts)
    new = bars.Part(tuple(bar._replace(locked=False) for bar in source.bars), replace(source.section, name=name))
    return _with_parts(state, (*parts, new)), f"Section {name} is new, with the bars of {source.section.name}."


def _drop(state: State, parts: Parts, action: dict) -> tuple[State, str]:
    place = _number(action, "part")
    if len(parts) < 2 or place >= len(parts):
        raise RequestError("a plan keeps one section at least")
    section = parts[place].section
    name = section.name if section else ""
    return _with_parts(state, (*parts[:place], *parts[place + 1 :])), f"Section {name} is removed."


def _carry(state: State, parts: Parts, action: dict) -> tuple[State, str]:
    """A section one place to the left or to the right."""
    place = _number(action, "part")
    other = place + (1 if action.get("right") is True else -1)
    if not (0 <= place < len(parts) and 0 <= other < len(parts)):
        return state, "It is at the end already."
    moved = list(parts)
    moved[place], moved[other] = moved[other], moved[place]
    return _with_parts(state, tuple(moved)), f"The section is number {other + 1} of {len(parts)} now."


def _with_parts(state: State, parts: Parts) -> State:
    """The strip with these bars, whose chords are the user's now."""
    plan = bars.plan_of(state.plan, parts)
    return replace(state.set(plan, "chords"), locked=bars.locked_in(parts))


def _choice(value: object) -> bool | None:
    if not isinstance(value, str) or value not in DRUMS:
        raise RequestError("drums must be yes, no or open")
    return DRUMS[value]


def _number(action: dict, name: str) -> int:
    return check_whole(name, action.get(name), 0, bars.MOST)


TAKEN: dict[str, Callable[..., Outcome]] = {"open": _open, "sheet": _sheet, "set": _set, "take": _take}
CHANGES: dict[str, Callable[..., tuple[State, str]]] = {
    "tempo": _wish("tempo", "bpm", operations.at_tempo),
    "key": _wish("key", "key", lambda plan, key: operations.in_key(operations.keyed(plan), key)),
    "metre": _wish("metre", "metre", operations.in_metre),
    "drums": _drums,
    "ends": _ends,
    "type": _type,
    "lock": _lock,
    "swap": _moves(bars.swapped, "Bars {0} and {1} have changed places."),
    "copy": _moves(bars.copied, "Bar {1} is a copy of bar {0}."),
    "split": _one(bars.split, "Bar {0} is split."),
    "join": _one(bars.joined, "Bar {0} has one chord."),
    "add": _one(bars.added, "There is one more bar behind bar {0}."),
    "remove": _one(bars.removed, "Bar {0} is removed."),
    "begin": _one(bars.sectioned, "A section begins at bar {0}."),
    "section": _section,
    "again": _again,
    "drop": _drop,
    "carry": _carry,
}
