"""Tables of captions as people have them (JSON, JSONL, CSV, TSV), and MTG-Jamendo's list of licences.

A table becomes rows (path, captions by style, licence, source), whatever its columns are called.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from musicgen_app.errors import FileError

SUFFIXES = (".json", ".jsonl", ".csv", ".tsv")
PATHS = ("path", "file", "file_name", "filename", "audio", "audio_path", "location", "track_id", "id")
CAPTIONS = ("captions", "caption", "text", "prompt", "description")
LICENCES = ("licence", "license")
SOURCES = ("source", "credit", "attribution", "artist")


@dataclass(frozen=True)
class Row:
    """One row of a table: the file it is about (a path or a number) and what is said of it."""

    path: str
    captions: dict[str, list[str]]  # by style
    licence: str = ""
    source: str = ""  # who made it, where it is from


def read_table(path: Path, style: str | None = None) -> Iterator[Row | str]:
    """The rows of a table; where a row is of no use, a string says why instead.

    JSON is a list of objects or an object {path: caption}; CSV and TSV have a line of column names. The path is in a
    column named like one of PATHS, the caption (a text, a list of texts, or texts by style) in one of CAPTIONS, licence
    and source in one of LICENCES and SOURCES; a row that has a licence needs no caption. The style is the row's own
    "style", else `style`, else what the file is called (jamendo_qwen.json holds style "qwen").
    Raises FileError where the file is no table at all.
    """
    style = style or style_of(path)
    try:
        rows = _PARSERS[path.suffix.lower()](path.read_text(encoding="utf-8-sig"))
    except KeyError:
        raise FileError(f"{path} is no table of captions: give a {', '.join(SUFFIXES)} file") from None
    except (OSError, ValueError, csv.Error) as error:
        raise FileError(f"{path} cannot be read as a table of captions: {error}") from error
    for number, row in enumerate(rows, 1):
        yield _row(row, number, style)


def style_of(path: Path) -> str:
    """jamendo_qwen.json -> "qwen"."""
    return path.stem.lower().removeprefix("jamendo_") or "caption"


def texts(value: object) -> list[str]:
    """A text or a list of texts -> the different ones that are not empty, each on one line."""
    values = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    clean = [" ".join(text.split()) for text in values if isinstance(text, str)]
    return [text for text in dict.fromkeys(clean) if text]


def read_licences(path: Path) -> Iterator[tuple[str, str, str]]:
    """MTG-Jamendo's audio_licenses.txt -> (path of the sound file, licence, credit line).

    Its blocks have a line each for the path, "TITLE by ARTIST from Jamendo: ADDRESS", and "Available under a ...
    license: ADDRESS". Raises FileError.
    """
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror}") from error
    track = credit = ""
    for line in map(str.strip, lines):
        if re.fullmatch(r"[\w/]+\.mp3", line):
            track, credit = line, ""
        elif found := re.search(r"licen[cs]e: (\S+)$", line):
            if track:
                yield track, licence_name(found[1]), credit
            track = ""
        elif line:
            credit = line


def licence_name(address: str) -> str:
    """http://creativecommons.org/licenses/by-nc-sa/3.0/ -> "CC-BY-NC-SA-3.0"; another address stays as it is."""
    found = re.search(r"creativecommons\.org/licenses/([a-z-]+)/([\d.]+)", address)
    return f"CC-{found[1].upper()}-{found[2]}" if found else address


def _row(row: object, number: int, style: str) -> Row | str:
    if isinstance(row, ValueError):
        return f"row {number} is no JSON: {row}"
    if not isinstance(row, dict):
        return f"row {number} is not an object"
    columns = {str(name).strip().lower(): value for name, value in row.items()}
    path = _first(columns, PATHS)
    captions = _first(columns, CAPTIONS)
    if isinstance(path, bool) or not isinstance(path, str | int) or not str(path).strip():
        return f"row {number} names no file (columns: {', '.join(columns)})"
    own = columns.get("style")
    style = own.strip() if isinstance(own, str) and own.strip() else style
    given = captions if isinstance(captions, dict) else {style: captions}
    by_style = {name: found for name, value in given.items() if (found := texts(value))}
    credits = (_first(columns, names) for names in (LICENCES, SOURCES))
    licence, source = (value.strip() if isinstance(value, str) else "" for value in credits)
    if not (by_style or licence):
        return f"row {number} ({path}) has no caption"
    return Row(str(path).strip(), by_style, licence, source)


def _first(columns: dict, names: tuple[str, ...]) -> object:
    return next((columns[name] for name in names if columns.get(name) not in (None, "")), None)


def _parse_json(text: str) -> list:
    value = json.loads(text)
    if isinstance(value, dict):
        return [
            {"path": path, **entry} if isinstance(entry, dict) else {"path": path, "caption": entry}
            for path, entry in value.items()
        ]
    if not isinstance(value, list):
        raise ValueError("it is neither a list nor an object")
    return value


def _parse_lines(text: str) -> Iterator[object]:
    for line in text.split("\n"):
        if line.strip():
            try:
                yield json.loads(line)
            except ValueError as error:
                yield error


def _parse_csv(text: str, separator: str = ",") -> list[dict]:
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=separator))


_PARSERS = {
    ".json": _parse_json,
    ".jsonl": _parse_lines,
    ".csv": _parse_csv,
    ".tsv": lambda text: _parse_csv(text, "\t"),
}
