"""Tables of captions as people have them (JSON, JSON Lines, CSV, TSV), and MTG-Jamendo's list of licences.

A table becomes rows (path, captions by style, licence, source, split), whatever its columns are called, with a string
for every row that is of no use and a `Remark` for every one that is doubtful.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from musicgen_app.errors import FileError

from .captions.delimited import column_name, delimited_rows
from .captions.text_files import Remark, read_text
from .track import AUDIO

SUFFIXES = (".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".tab")
LINES = (".jsonl", ".ndjson")
PATHS = ("path", "file", "file_name", "filename", "audio", "audio_path", "location", "track_id", "id", "filepath",
         "file_path", "audio_file", "audio_filename", "wav", "mp3", "song", "track", "ytid", "youtube_id")  # fmt: skip
LICENCE_FILE = "audio_licenses.txt"  # of MTG-Jamendo
CAPTIONS = ("captions", "caption", "text", "prompt", "description", "texts", "prompts", "descriptions")
LICENCES = ("licence", "license")
SOURCES = ("source", "credit", "attribution", "artist")
SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev", "eval", "evaluation"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
NOTHING = {"nan", "none", "n/a", "na", "#n/a", "<na>", "null", "nil", "undefined", "unknown", "tbd", "todo", "-", "--",
           "---", "?", "???", "...", "[]", "{}"}  # fmt: skip
LONG = 5_000  # characters: no text encoder reads that far
MOJIBAKE = re.compile(
    "\u00c3[\u0080-\u00bf\u0192\u2026\u201a\u2020]|\u00e2\u20ac"
)  # UTF-8 that was read as Windows-1252


@dataclass(frozen=True)
class Row:
    """One row of a table: the file it is about (a path or a number) and what is said of it."""

    path: str
    captions: dict[str, list[str]]  # by style
    licence: str = ""
    source: str = ""  # who made it, where it is from
    split: str = ""  # "train", "val" or "test" where the table says so


def read_table(path: Path, style: str | None = None) -> Iterator[Row | str]:
    """The rows of a table; a Remark says what is doubtful, another string why a row is of no use.

    JSON is a list of objects, an object {path: caption}, one that holds such a list, or an object a line. Lines of
    CSV and TSV are separated by whatever separates their columns. The path is in a column named like one of PATHS, the
    caption (a text, a list of texts, or texts by style) in one of CAPTIONS, licence and source in one of LICENCES and
    SOURCES, the split in "split"; a row that has a licence or a split needs no caption. The style is the row's own
    "style", else `style`, else what the file is called (jamendo_qwen.json holds style "qwen").
    Raises FileError where the file is no table at all.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise FileError(f"{path} is no table of captions: give a {', '.join(SUFFIXES)} file")
    text, doubt = read_text(path)
    if doubt:
        yield doubt
    unused: set[str] = set()
    for found in _parsed(text, path):
        if isinstance(found, str):
            yield found
            continue
        where, row = found
        yield from table_row(row, where, style or style_of(path), unused)
    if unused:
        yield Remark(f"not used, beside another column of captions: {', '.join(sorted(unused))}")


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
    lines = read_text(path)[0].splitlines()
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


def table_row(row: object, where: str, style: str, unused: set[str] | None = None) -> Iterator[Row | str]:
    """A row of a table as `read_table` gives it. where: "row 3"; unused: is given names of columns left aside."""
    if not isinstance(row, dict):
        yield f"{where} is not an object"
        return
    columns = {column_name(str(name)): value for name, value in row.items()}
    path = _first(columns, PATHS)
    if isinstance(path, bool) or not isinstance(path, str | int) or not str(path).strip():
        yield f"{where} names no file (columns: {', '.join(columns)})"
        return
    where, used = f"{where} ({str(path).strip()})", [name for name in CAPTIONS if columns.get(name) not in (None, "")]
    if unused is not None:
        unused |= set(used[1:])
    captions = columns[used[0]] if used else None
    own = columns.get("style")
    style = own.strip() if isinstance(own, str) and own.strip() else style
    given = captions if isinstance(captions, dict) else {style: captions}
    by_style: dict[str, list[str]] = {}
    doubts: list[str] = []
    for name, value in given.items():
        kept, said = checked(texts(value))
        by_style |= {str(name): kept} if kept else {}
        doubts += [f"{where}: {one}" for one in said]
    licence, source = (_string(_first(columns, names)) for names in (LICENCES, SOURCES))
    told = _string(columns.get("split"))
    split = SPLITS.get(told.lower(), "")
    if told and not split and told.lower() not in NOTHING:
        doubts.append(f"{where}: split {told!r} is neither train, val nor test, so it is not used")
    if by_style or licence or split:
        yield from map(Remark, doubts)
        yield Row(str(path).strip(), by_style, licence, source, split)
    else:
        yield doubts[0] if doubts else f"{where} has no caption (columns: {', '.join(columns)})"


def checked(captions: list[str]) -> tuple[list[str], list[str]]:
    """Captions without those that say nothing or cannot be written, and what is doubtful about all of them."""
    kept, doubts = [], []
    for caption in captions:
        short = caption if len(caption) <= 40 else caption[:40] + "..."
        if caption.lower() in NOTHING:
            doubts.append(f"the caption {caption!r} is taken as none")
            continue
        if any("\ud800" <= letter <= "\udfff" for letter in caption):
            doubts.append(f"the caption {ascii(short)} holds half a character, so it is not used")
            continue
        if "\ufffd" in caption or MOJIBAKE.search(caption):
            doubts.append(f"the caption {short!r} was damaged by a wrong encoding before; it is used as it is")
        if len(caption) > LONG:
            doubts.append(f"a caption of {len(caption):,} characters: only its beginning will be read")
        kept.append(caption)
    return kept, doubts


def is_sound(value: object) -> bool:
    """Whether a text is the name of a sound file."""
    return isinstance(value, str) and value.strip().lower().endswith(AUDIO)


def _first(columns: dict, names: tuple[str, ...]) -> object:
    return next((columns[name] for name in names if columns.get(name) not in (None, "")), None)


def _string(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _parsed(text: str, path: Path) -> Iterator[tuple[str, object] | str]:
    """The rows of a table with what they are called in messages, such as "row 3", or strings as of `read_table`."""
    suffix = path.suffix.lower()
    if suffix in (".json", *LINES):
        try:
            rows = _json(text, suffix in LINES)
        except (ValueError, RecursionError) as error:
            raise FileError(f"{path} cannot be read as a table of captions: {error}") from error
        for number, row in enumerate(rows, 1):
            if isinstance(row, Remark):
                yield row
            elif isinstance(row, ValueError):
                yield f"row {number} is no JSON: {row}"
            else:
                yield f"row {number}", row
        return
    usual = "," if suffix == ".csv" else "\t"
    for found in delimited_rows(text, usual, PATHS.__contains__, CAPTIONS.__contains__, is_sound):
        yield found if isinstance(found, str) else (f"line {found[0]}", found[1])


def _json(text: str, lines: bool) -> list:
    """Rows of JSON: one value, or one a line, whichever it is. Raises ValueError."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    one_a_line = isinstance(_value(first), dict) and first.strip() != text.strip()
    if lines and (one_a_line or isinstance(_value(text), ValueError)):
        return list(_json_lines(text))
    value = _value(text)
    if isinstance(value, ValueError):
        if one_a_line:
            return list(_json_lines(text))
        raise value
    return _rows_of(value)


def _rows_of(value: object) -> list:
    """The rows in a JSON value. Raises ValueError."""
    if isinstance(value, list):
        return value
    if not isinstance(value, dict):
        raise ValueError("it is neither a list nor an object")
    names = {column_name(name): name for name in value}
    paths, captions = (next((names[n] for n in known if n in names), None) for known in (PATHS, CAPTIONS))
    if paths and captions:
        both = [value[paths], value[captions]]
        if all(isinstance(column, dict) for column in both):  # as pandas writes it, by column
            return [{name: column.get(key) for name, column in value.items() if isinstance(column, dict)}
                    for key in value[paths]]  # fmt: skip
        if all(isinstance(column, list) for column in both) and len(both[0]) == len(both[1]):
            return [dict(zip(("path", "caption"), pair, strict=True)) for pair in zip(*both, strict=True)]
        return [value]
    if paths and isinstance(value[paths], str):
        return [value]
    held = [rows for rows in value.values() if isinstance(rows, list) and rows and isinstance(rows[0], dict)]
    if held and not any(map(is_sound, value)):
        return [row for rows in held for row in rows]
    return [
        {"path": path, **entry} if isinstance(entry, dict) else {"path": path, "caption": entry}
        for path, entry in value.items()
    ]


def _json_lines(text: str) -> Iterator[object]:
    for number, line in enumerate(filter(str.strip, text.split("\n")), 1):
        row = _value(line)
        if isinstance(row, ValueError) and line.strip().endswith(","):
            row = _value(line.strip()[:-1])
            if not isinstance(row, ValueError):
                yield Remark(f"row {number} ends with a comma, which is left aside")
        yield row


def _value(text: str) -> object:
    """A JSON value, or the ValueError why it is none. Of a name that an object has twice both values are kept."""
    try:
        return json.loads(text, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        return error if isinstance(error, ValueError) else ValueError("it is nested too deep")


def _object(pairs: list[tuple[str, object]]) -> dict:
    found: dict[str, object] = {}
    for name, value in pairs:
        before = found.get(name)
        if name in found and isinstance(value, str) and isinstance(before, str | list):
            value = [*([before] if isinstance(before, str) else before), value]
        found[name] = value
    return found
