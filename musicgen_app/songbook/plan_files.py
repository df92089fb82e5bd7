"""A plan from a file of any form, and into one: chord sheet (.txt, .cho, .md), JSON (.json), MIDI (.mid).

The sidecar of a clip gives the plan that the clip was made to; `library.metadata` has it of the clip itself. Files are
untrusted.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from ..control.operations import checked
from ..control.plan import FoundPlan, Plan
from ..errors import FileError, RequestError
from .midi_reader import MIDI_BYTES, read_midi
from .midi_writer import write_midi
from .sheet import SHEET_LENGTH, read_sheet
from .sheet_writer import write_sheet
from .wishes import PLAN_BYTES, Wishes

MIDI, JSON, SHEET = (
    (".mid", ".midi", ".smf"),
    (".json",),
    (".txt", ".cho", ".crd", ".chordpro", ".pro", ".md", ".sheet", ""),
)
SCHEMA = Path(__file__).parent / "plan.schema.json"
MOST_BYTES = max(MIDI_BYTES, 4 * SHEET_LENGTH, PLAN_BYTES)


def read_plan(path: Path) -> FoundPlan:
    """The plan in a file, by how it begins. Raises FileError, with line and column in a sheet."""
    data = _bytes(path)
    try:
        return parse_plan(data)
    except RequestError as error:
        raise FileError(f"{path}: {error}") from None


def parse_plan(data: bytes) -> FoundPlan:
    """The plan in the bytes of a MIDI file, of JSON or of a sheet. Raises RequestError."""
    if data[:4] == b"MThd":
        return read_midi(data)
    text = text_of(data)
    if re.match(r'\s*\{\s*["}]', text):  # "{key: Am}" is a line of a sheet
        return FoundPlan(_of_json(text))
    if not text.strip():
        raise RequestError("line 1, column 1: the file is empty: write a plan such as tempo 96 · Am F C G")
    sheet = read_sheet(text)
    told = [f"{change.text}: read as {change.symbol or 'no chord'} ({change.why})" for change in sheet.changes]
    told += [f"{what}: {meaning} ({why})" for what, meaning, why in sheet.told]
    return FoundPlan(sheet.plan, tuple(told), text)


def text_of(data: bytes) -> str:
    """UTF-8 text, or UTF-16 with its mark. Raises RequestError with the place of what is none."""
    if len(data) > MOST_BYTES:
        line = data[:MOST_BYTES].count(b"\n") + 1
        raise RequestError(f"line {line}, column 1: the file is longer than {MOST_BYTES:,} bytes")
    try:
        wide = len(data) > 2 and data[:2] in (b"\xff\xfe", b"\xfe\xff")
        text = data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        raise RequestError(f"line {line}, column {column}: it is not UTF-8 text: save it as UTF-8") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def plan_bytes(plan: Plan, suffix: str) -> bytes:
    """A plan in the form of a suffix. Raises RequestError: no such form, or one that cannot hold this plan."""
    if suffix.lower() in MIDI:
        return write_midi(plan)
    if suffix.lower() in JSON:
        return (json.dumps(checked(plan).to_dict(), ensure_ascii=False, indent=2) + "\n").encode()
    if suffix.lower() in SHEET:
        return write_sheet(plan).encode()
    raise RequestError(f"a plan cannot be written as {suffix[:20]}: use .txt, .json or .mid")


def _bytes(path: Path) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise FileError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error


def _once(entries: list[tuple[str, Any]]) -> dict:
    """A JSON object whose names stand once each: of two with one name, one would be dropped."""
    if len(facts := dict(entries)) < len(entries):
        names = [name for name, _ in entries]
        twice = next(name for name in facts if names.count(name) > 1)
        raise RequestError(f"line 1, column 1: {twice[:40]!a} stands twice in one object: keep one")
    return facts


def _of_json(text: str) -> Plan:
    """A plan as JSON, what `ttm-app plan --json` prints, or the record of a clip."""
    try:
        facts: Any = json.loads(text, object_pairs_hook=_once)
    except RecursionError:
        raise RequestError("line 1, column 1: the JSON nests too deep") from None
    except ValueError as error:
        place = f"line {getattr(error, 'lineno', 1)}, column {getattr(error, 'colno', 1)}"
        raise RequestError(f"{place}: it is not JSON ({getattr(error, 'msg', 'a number is too long')})") from None
    if not isinstance(facts, dict):
        raise RequestError("line 1, column 1: a plan is a JSON object")
    if facts.get("ai_generated") is True:
        facts = facts.get("played", facts.get("plan"))
        if not isinstance(facts, dict | str):
            raise RequestError("line 1, column 1: this record has no plan")
    elif "origin" in facts:
        known = {*Plan.__dataclass_fields__}
        facts = {name: value for name, value in facts.items() if name in known}
    return Wishes.checked({"plan": facts}).sheet.plan
