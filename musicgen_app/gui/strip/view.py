"""The strip as the browser draws it: nothing but texts, numbers and marks."""

from __future__ import annotations

from typing import Any

from ...errors import RequestError
from ...songbook.sheet_writer import write_sheet
from ..tabs.create_form import DRUMS
from .bars import Bar, Parts, flat
from .reading import Asked
from .state import State
from .words import described, in_slots, pretty, shown


def view(state: State, asked: Asked) -> dict[str, Any]:
    """What is shown of a strip. Raises RequestError."""
    plan = state.plan
    parts = state.parts(asked.bars(plan))
    metre = plan.metre if state.origin["metre"] != "default" else ""
    about = {
        "tempo": "" if plan.tempo is None else f"{plan.tempo:.5g}",
        "key": pretty(plan.key or ""),
        "metre": metre,
        "drums": word(plan.drums),
        "ends": plan.ends,
        "swing": "" if plan.swing is None else f"swing {100 * plan.swing:g} %",
    }
    shown_parts, number = [], 0
    for place, part in enumerate(parts):
        shown_parts.append(_part(state, asked, parts, place, number))
        number += len(part.bars)
    try:
        sheet = write_sheet(plan)
    except RequestError:
        sheet = ""
    model = asked.bundle.name if asked.bundle else ""
    notes = asked.notes(plan)
    if asked.bundle and not asked.follows and state.touched:
        notes.append(f"{model} follows no plan: what is said here is told to it in words")
    return about | {
        "parts": shown_parts,
        "origin": state.origin,
        "touched": state.touched,
        "limits": asked.limits(plan),
        "notes": notes,
        "sheet": sheet,
        "known": plan.tempo is not None or any(symbol for bar in flat(parts) for symbol, _ in bar.chords),
    }


def word(drums: bool | None) -> str:
    """Drums as the form has them: "yes", "no", or nothing."""
    return next(name for name, meant in DRUMS.items() if meant is drums)


def _part(state: State, asked: Asked, parts: Parts, place: int, first: int) -> dict[str, Any]:
    part = parts[place]
    section = part.section
    begins = sum(bar.quarters * one.times for one in parts[:place] for bar in one.bars)
    bars = []
    for n, bar in enumerate(part.bars):
        bars.append(_bar(bar, first + n, section.name if section else "", _past(state, asked, begins)))
        begins += bar.quarters
    if section is None:
        return {"bars": bars}
    own = [f"{section.tempo:g} BPM"] if section.tempo else []
    own += [section.metre] if section.metre else []
    own += [pretty(section.key)] if section.key else []
    return {
        "bars": bars,
        "section": {
            "name": section.name,
            "times": part.times,
            "drums": word(section.drums),
            "energy": section.energy,
            "says": ", ".join(own),
        },
    }


def _bar(bar: Bar, number: int, section: str, past: bool) -> dict[str, Any]:
    marks = [f" of {section}"] if section else []
    after = ["held"] * bar.tied + ["locked"] * bar.locked + ["after the end of the clip"] * past
    return {
        "slots": in_slots(bar.chords),
        "text": shown(bar),
        "label": ", ".join([f"Bar {number + 1}{''.join(marks)}: {described(bar)}", *after]),
        "locked": bar.locked,
        "tied": bar.tied,
        "past": past,
    }


def _past(state: State, asked: Asked, begins: float) -> bool:
    """Whether a bar that begins there is not reached by a clip of the length that is typed."""
    tempo = state.plan.tempo
    if not tempo or asked.seconds is None or "bars" in asked.fields or any(s.tempo for s in state.plan.sections):
        return False
    return begins * 60 / tempo >= asked.seconds - 1e-6
