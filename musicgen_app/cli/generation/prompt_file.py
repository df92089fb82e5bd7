"""What a batch reads: lines of prompts -> numbered prompts, and a template of names -> safe file names.

A line is a prompt, or a JSON object of a request's fields and perhaps "output", the name of its file. Blank lines and
those that start with # are skipped. What a line says is untrusted: no name leaves the folder.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from string import Formatter
from typing import BinaryIO

from ...errors import FileError, RequestError, TTMError
from ...machine.user_settings import FORMATS
from ..terminal import print_note
from .output_files import safe_stem, unsafe

LINE_BYTES = 65_536  # more than the longest prompts take as escaped JSON
PROMPTS = 100_000  # of a batch
NAME = "{line:04d}-{slug}-{seed}"
WHOLE, TEXT = r"(0?[1-9]\d?)?d?", r"(\.[1-9]\d?)?"  # what may follow a field's colon: width, most characters
FIELDS = {"index": WHOLE, "line": WHOLE, "slug": TEXT, "seed": WHOLE, "model": TEXT, "n": WHOLE}


@dataclass(frozen=True)
class Prompt:
    """One prompt: its line and its place among the prompts (both from 1), the fields it gives, and its file."""

    line: int
    index: int
    values: dict
    output: str | None = None


@dataclass(frozen=True)
class Failure:
    """A line that gives no clip."""

    line: int
    error: TTMError


def read(source: Path) -> Iterator[Prompt | Failure]:
    """The prompts of a file, or of stdin for "-", line by line.

    Raises FileError (cannot be read) and RequestError (more than PROMPTS of them).
    """
    try:
        if str(source) == "-":
            yield from parse(sys.stdin.buffer)
        else:
            with open(source, "rb") as stream:
                yield from parse(stream, source.parent)
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        raise FileError(f"cannot read {source}: {getattr(error, 'strerror', None) or error}") from error


def parse(stream: BinaryIO, folder: Path | None = None) -> Iterator[Prompt | Failure]:
    """The prompts of UTF-8 lines; of a line that is too long no more than LINE_BYTES are kept in memory.

    folder: where plans are that a line names as files, if it may.
    """
    index = 0
    for number in count(1):
        raw = stream.readline(LINE_BYTES + 1)
        if not raw:
            return
        start = raw.removeprefix(b"\xef\xbb\xbf").lstrip() if number == 1 else raw.lstrip()
        if not start or start.startswith(b"#"):
            _skip_rest(stream, raw)
            continue
        index += 1
        if index > PROMPTS:
            raise RequestError(f"more than {PROMPTS:,} prompts: split them into several files")
        try:
            if _skip_rest(stream, raw):
                raise RequestError(f"it is longer than {LINE_BYTES:,} bytes: shorten it")
            values = _values(start)
            if isinstance(values, dict):
                _read_plan(values, folder, number)
            yield Prompt(number, index, values, values.pop("output", None))
        except TTMError as error:
            yield Failure(number, error)


def _skip_rest(stream: BinaryIO, raw: bytes) -> bool:
    """Go to the end of the line whose first LINE_BYTES + 1 bytes, at most, are `raw`; whether there was more of it."""
    longer = len(raw) > LINE_BYTES and not raw.endswith(b"\n")
    while longer and raw and not raw.endswith(b"\n"):
        raw = stream.readline(LINE_BYTES)
    return longer


def _values(line: bytes) -> dict:
    """The fields of a request that a line gives. Raises RequestError."""
    try:
        text = line.decode().strip()
    except UnicodeDecodeError as error:
        raise RequestError("it is not UTF-8 text") from error
    if not text.startswith("{"):
        return {"prompt": text}
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "it nests too deep, or a number is too long"
        raise RequestError(f"it starts with {{ but is not a JSON object ({reason})") from error


def _read_plan(values: dict, folder: Path | None, number: int) -> None:
    """Put a plan in the place of the name of its file, such as "song.txt", beside the prompts.

    Raises RequestError and FileError.
    """
    from ...songbook import plan_files

    name = values.get("plan")
    suffixes = (*plan_files.MIDI, *plan_files.JSON, *filter(None, plan_files.SHEET))
    if not isinstance(name, str) or "\n" in name or not name.strip().lower().endswith(suffixes):
        return
    path = Path(name.strip())
    if folder is None or path.is_absolute() or ".." in path.parts:
        raise RequestError(
            f"the plan {ascii(name)[:80]} is no file beside a file of prompts: name one, or write it out"
        )
    found = plan_files.read_plan(folder / path)
    for note in () if found.sheet else found.notes:
        print_note(f"note: line {number}: {name.strip()}: {note}")
    values["plan"] = found.sheet or found.plan


class Names:
    """A template such as "{line:04d}-{slug}-{seed}" -> file names without suffix.

    Its fields are FIELDS, a number with a width ({index:03d}), a text with a length ({slug:.20}). Raises RequestError.
    """

    def __init__(self, template: str = NAME):
        self._parts: list[tuple[str, str | None, str]] = []
        allowed = ", ".join(f"{{{name}}}" for name in FIELDS)
        try:
            for literal, field, form, conversion in Formatter().parse(template):
                self._parts.append((literal, field, form or ""))
                if field is not None and (
                    field not in FIELDS or conversion or not re.fullmatch(FIELDS[field], form or "")
                ):
                    shown = field + (f"!{conversion}" if conversion else "") + (f":{form}" if form else "")
                    raise RequestError(f"--name cannot have {{{ascii(shown)[1:-1][:40]}}}: the fields are {allowed}")
        except ValueError as error:
            raise RequestError(f"--name has a brace without its partner: the fields are {allowed}") from error
        literals = "".join(literal for literal, _, _ in self._parts)
        if bad := unsafe(literals):
            raise RequestError(f"--name cannot have the character {ascii(bad)}: --out-dir names the folder")
        if not template.strip() or Path(template).suffix.lower() in FORMATS:
            raise RequestError("--name is a file name without suffix: --format chooses that")
        self._tells_apart = any(field in ("n", "seed") for _, field, _ in self._parts)

    def __call__(self, variations: int, **fields: int | str) -> str:
        """The name of one clip; `fields` are values of all FIELDS. Variations get their numbers where nothing else
        tells them apart."""
        stem = "".join(literal + (format(fields[field], form) if field else "") for literal, field, form in self._parts)
        number = "" if variations == 1 or self._tells_apart else f"-{fields['n']}"
        return safe_stem(stem) + number


def output_name(output: object, suffix: str) -> str:
    """The file that a line asks for by "output", with `suffix` where it names no format. Raises RequestError."""
    if not isinstance(output, str):
        raise RequestError("output must be text: a file name")
    if bad := unsafe(output):
        raise RequestError(f"output cannot have the character {ascii(bad)}: it is a file name, --out-dir the folder")
    known = Path(output).suffix.lower() in FORMATS
    stem, suffix = (Path(output).stem, Path(output).suffix) if known else (output, suffix)
    if safe_stem(stem) != stem:
        raise RequestError(f"output {ascii(output)[:80]} is no file name that is safe on every system: choose another")
    return stem + suffix
