"""A plan -> the text of a chord sheet that reads back equal."""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal

from ..control.key_names import short_key
from ..control.operations import checked
from ..control.plan import Chords, Plan, Section
from ..control.theory import bar_length
from ..errors import RequestError
from .chord_row import UNKNOWN
from .chordpro import REMARKS
from .sheet import read_row, read_sheet
from .sheet_words import ATTRIBUTES, HEADER, is_chord

SLOTS = (1, 2, 3, 4, 6, 8, 12, 16)  # parts of a bar that a split is tried with
_PLAIN = re.compile(r"[A-Za-z]{2,}[A-Za-z'-]*(?: [A-Za-z'-]+)*")


def write_sheet(plan: Plan) -> str:
    """The canonical text of a plan; `read_sheet` gives the plan back. Raises RequestError: it is no possible plan."""
    lines = [_header(checked(plan))]
    if plan.chords:
        lines.append("chords: " + write_row(plan.chords, bar_length(plan.metre)))
    before: dict[str, Section] = {}
    for section in plan.sections:
        lines.append(_section(section, before.get(section.name.casefold()), plan))
        before[section.name.casefold()] = section
    text = "\n".join(lines) + "\n"
    try:
        same = read_sheet(text).plan == plan
    except RequestError:
        same = False
    if not same:
        raise RequestError("a chord sheet cannot hold this plan, such as chords beyond their section: keep it as JSON")
    return text


def _header(plan: Plan) -> str:
    entries = [] if plan.tempo is None else [f"tempo {_number(plan.tempo)}"]
    entries += [plan.metre] + ([f"key {short_key(plan.key)}"] if plan.key else [])
    if plan.swing is not None:
        entries.append(f"swing {(Decimal(repr(plan.swing)) * 100).normalize():f}%")
    entries += [] if plan.drums is None else ["drums" if plan.drums else "no drums"]
    entries += [f"start {_number(plan.start)}"] if plan.start else []
    return " · ".join(entries + ["ends"] * plan.ends)


def _section(section: Section, before: Section | None, plan: Plan) -> str:
    name = _name(section.name)
    if section == before:
        return name
    facts = [name, _number(section.bars)]
    facts += [] if section.drums is None else ["drums" if section.drums else "no drums"]
    facts += [] if section.energy is None else [f"energy {_number(section.energy)}"]
    facts += [] if section.tempo is None else [f"tempo {_number(section.tempo)}"]
    facts += [section.metre] if section.metre else []
    facts += [f"key {short_key(section.key)}"] if section.key else []
    head = " ".join(facts)
    if section.chords:
        return f"{head}: {write_row(section.chords, bar_length(section.metre or plan.metre))}"
    return f"{head}:" if before and before.chords else head


def _name(name: str) -> str:
    """A name as it is, where it can be nothing else; "Verse 2" in brackets, any other in quotes."""
    words = name.lower().split()
    if _PLAIN.fullmatch(name) and not {*ATTRIBUTES, *HEADER, *REMARKS}.intersection(words) and not is_chord(words[0]):
        return name
    bare = not name or name != name.strip() or re.search(r'[\[\]"\\]', name)
    return json.dumps(name, ensure_ascii=False) if bare else f"[{name}]"


def write_row(chords: Chords, bar: float) -> str:
    """Chords as bars where that says it exactly, else each with its length."""
    for slots in SLOTS:
        text = _bars(chords, bar, slots)
        if text and read_row(text).chords(bar) == chords:
            return text
    return " ".join(f"{symbol or UNKNOWN}*{_number(length)}" for symbol, length in chords)


def _bars(chords: Chords, bar: float, slots: int) -> str:
    """Bars of at most so many slots; "" where the chords do not fall onto them."""
    marks: list[str] = []
    for symbol, length in chords:
        count = round(length / bar * slots)
        if count < 1 or not math.isclose(count * bar / slots, length, rel_tol=1e-9):
            return ""
        marks += [symbol or UNKNOWN] + ["."] * (count - 1)
    if len(marks) % slots:
        return ""
    bars = [_shortest(marks[n : n + slots]) for n in range(0, len(marks), slots)]
    if all(len(one) == 1 and one != ["."] for one in bars):
        return " ".join(one[0] for one in bars)
    return "| " + " | ".join(" ".join(one) for one in bars) + " |"


def _shortest(marks: list[str]) -> list[str]:
    """One bar in as few slots as say the same."""
    for size in range(1, len(marks)):
        step = len(marks) // size
        if len(marks) % size == 0 and all(mark == "." for n, mark in enumerate(marks) if n % step):
            return marks[::step]
    return marks


def _number(value: float) -> str:
    return repr(float(value)).removesuffix(".0")
