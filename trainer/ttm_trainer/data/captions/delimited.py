"""Tables of lines (CSV, TSV and their relatives) as people write them -> rows, with every doubtful one told.

The separator and whether there is a line of column names are told from the content. A quote that is never closed costs
its own line and no other. Fields too many become one caption again where the caption is the last column.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from .text_files import Remark

SEPARATORS = (",", "\t", ";", "|")
LOOKED_AT = 50  # lines, for the separator
SHOWN = 60  # characters of a caption in a message
LONGEST = 1_000  # lines of one record: a quote that is open for longer was never closed
csv.field_size_limit(1 << 24)  # Python's own limit is shorter than some captions


@dataclass(frozen=True)
class Form:
    """How a table is laid out: its separator, its columns, the places of path and caption, and its first row.

    remarks: what was guessed.
    """

    separator: str
    columns: tuple[str, ...]
    path: int | None
    caption: int | None
    first: int
    remarks: tuple[Remark, ...] = ()


def delimited_rows(
    text: str, usual: str, is_path: Callable[[str], bool], is_caption: Callable[[str], bool], is_sound: Callable
) -> Iterator[tuple[int, dict[str, str]] | str]:
    """The rows of a table, (number of the line, {column: value}); a string says why a line is not used.

    usual: the separator where the content does not tell. is_path, is_caption: whether a column's name, in lower case
    with "_" for blanks, is known as one of a path or a caption; is_sound: whether a value is the name of a sound file.
    """
    lines = list(io.StringIO(text, newline=""))
    form = _form(lines, usual, is_path, is_caption, is_sound)
    yield from form.remarks
    at = form.first
    while at < len(lines):
        record, used, doubt = _record(lines, at, form, is_sound)
        number, at = at + 1, at + used
        if not any(field.strip() for field in record):
            continue
        row, more = _named(record, form)
        if row is None:
            yield f"line {number}: {doubt or more}: it is left out; put its caption in quotes"
            continue
        yield number, row
        if doubt or more:
            caption = "" if form.caption is None else row.get(form.columns[form.caption], "").strip()
            taken = f", taken as {caption[:SHOWN]!r}" if caption else ""
            yield Remark(f"line {number}: {doubt or more}{taken}; put its caption in quotes if that is wrong")


def _record(lines: list[str], at: int, form: Form, is_sound: Callable) -> tuple[list[str], int, str]:
    """Fields of the record that begins at a line, the lines it takes, and what is doubtful about it ("": nothing)."""
    reader = csv.reader(islice(lines, at, at + LONGEST), delimiter=form.separator, strict=True)
    try:
        record = next(reader)
    except (csv.Error, StopIteration):
        return _as_it_stands(lines[at], form), 1, "a quote is not closed, or has text behind it"
    inner = lines[at + 1 : at + reader.line_num]
    place = form.path or 0
    fields = (line.split(form.separator) for line in inner)
    if any(len(found) >= len(form.columns) > place and is_sound(found[place].strip(' "\r\n')) for found in fields):
        return _as_it_stands(lines[at], form), 1, "a quote is not closed before the next row"
    return record, reader.line_num, ""


def _as_it_stands(line: str, form: Form) -> list[str]:
    """The fields of one line whose quotes are not to be trusted; those beyond the last column belong to it."""
    fields = line.strip("\r\n").split(form.separator, max(len(form.columns) - 1, 0))
    return [field[1:] if field.startswith('"') and field.count('"') % 2 else field for field in fields]


def _named(record: list[str], form: Form) -> tuple[dict[str, str] | None, str]:
    """A record by column, and a doubt about it; None where it has too many fields to know which is which."""
    wanted = len(form.columns)
    while len(record) > wanted and not record[-1].strip():
        record = record[:-1]
    doubt = ""
    if len(record) > wanted:
        doubt = f"{len(record)} fields in {wanted} columns"
        if form.caption is None:  # a table of other things
            return dict(zip(form.columns, record, strict=False)), ""
        if form.caption != wanted - 1:
            return None, doubt
        record = [*record[: wanted - 1], form.separator.join(record[wanted - 1 :])]
    return dict(zip(form.columns, record, strict=False)), doubt


def _form(lines: list[str], usual: str, is_path: Callable, is_caption: Callable, is_sound: Callable) -> Form:
    """How a table is laid out, by its first lines."""
    start = next((number for number, line in enumerate(lines) if line.strip()), 0)
    if lines and lines[start].strip().lower().startswith("sep=") and len(lines[start].strip()) == 5:  # Excel's own
        usual, start = lines[start].strip()[4], start + 1
    found = []
    for separator in dict.fromkeys((usual, *SEPARATORS)):
        records = _sample(lines, start, separator)
        head = [column_name(field) for field in records[0]] if records else []
        path = next((i for i, name in enumerate(head) if is_path(name)), None)
        caption = next((i for i, name in enumerate(head) if is_caption(name)), None)
        sounds = sum(len(record) > 1 and any(map(is_sound, record)) for record in records)
        found.append((((path is not None) + (caption is not None), sounds), separator, records, head, path, caption))
    (names, sounds), separator, records, head, path, caption = max(found, key=lambda one: one[0])  # the first of equals
    if names == 0 and records and _is_data(records, is_sound):
        return _without_names(separator, records, is_sound, start)
    remarks = []
    if path is None and sounds:
        path = max(range(len(head)), key=lambda i: sum(len(r) > i and is_sound(r[i]) for r in records[1:]))
        remarks.append(Remark(f"column {head[path]!r} is taken as the files: none has a name that is known"))
        head[path] = "path"
    if caption is None:
        likely = [i for i, name in enumerate(head) if "caption" in name or "description" in name or "prompt" in name]
        if len(likely) == 1:
            caption = likely[0]
            remarks.append(Remark(f"column {head[caption]!r} is taken as the captions"))
            head[caption] = "caption"
    return Form(separator, tuple(head), path, caption, start + 1, tuple(remarks))


def _is_data(records: list[list[str]], is_sound: Callable) -> bool:
    """Whether the first line is a row already: it names a sound file, or is a number with words behind it."""
    first = records[0]
    numbers = len(first) == 2 and all(
        len(record) >= 2 and record[0].strip().isdecimal() and any(map(str.isalpha, record[1])) for record in records
    )
    return len(first) > 1 and (any(map(is_sound, first)) or numbers)


def _without_names(separator: str, records: list[list[str]], is_sound: Callable, start: int) -> Form:
    """A table without column names: the column of the files is seen, the longest of the others is the caption."""
    width = min(len(record) for record in records if len(record) > 1)
    path = max(range(width), key=lambda i: sum(len(record) > i and is_sound(record[i]) for record in records))
    others = [i for i in range(width) if i != path]
    caption = max(others, key=lambda i: sum(len(record[i]) for record in records if len(record) > i))
    columns = [f"column {i + 1}" for i in range(width)]
    columns[path], columns[caption] = "path", "caption"
    said = f"there is no line of column names: column {path + 1} is taken as the files, {caption + 1} as the captions"
    return Form(separator, tuple(columns), path, caption, start, (Remark(said),))


def _sample(lines: list[str], start: int, separator: str) -> list[list[str]]:
    """The first records, each line taken alone where its quotes are wrong."""
    records, at = [], start
    while at < min(len(lines), start + LOOKED_AT):
        reader = csv.reader(islice(lines, at, at + LOOKED_AT), delimiter=separator, strict=True)
        try:
            record = next(reader)
            at += reader.line_num
        except (csv.Error, StopIteration):
            record, at = lines[at].strip("\r\n").split(separator), at + 1
        if any(field.strip() for field in record):
            records.append(record)
    return records


def column_name(name: str) -> str:
    """A column's name as the lists of known names have it."""
    return "_".join(name.strip().lower().replace("-", " ").replace("_", " ").split())
