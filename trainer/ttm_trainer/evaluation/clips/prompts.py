"""Prompt files -> prompts. CSV with columns id and prompt (the challenge's form), JSON lines, or text, one a line.

Optional columns genre, instrument and mood name the concepts that should be heard. Without them, the word lists of
`metrics.concepts` find them in the prompt. The built-in set has 100 prompts, each with one genre, instrument and mood:
0-49 are of two or three sentences, 50-99 of one.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from dataclasses import dataclass
from pathlib import Path

from musicgen_app.errors import FileError, RequestError
from musicgen_app.request import GenerationRequest

from ..metrics.concepts import KINDS, extract

BUILT_IN = Path(__file__).parents[1] / "prompt_sets" / "standard.csv"
FILE_BYTES = 50_000_000
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class Prompt:
    """One prompt; `number` is its place in the whole file, so that its seed does not depend on what else is made."""

    number: int
    id: str
    text: str
    concepts: dict[str, str]  # kind -> concept, kinds of `concepts.KINDS`


@dataclass(frozen=True)
class PromptSet:
    name: str  # "built-in" or the file's name
    sha256: str  # of the file
    extracted: bool  # concepts come from the word lists, not from columns
    prompts: tuple[Prompt, ...]

    def some(self, count: int | None) -> PromptSet:
        """`count` prompts spread evenly over the file, or all; FileError if there are fewer."""
        if count is None:
            return self
        if count > len(self.prompts):
            raise FileError(f"{self.name} has {len(self.prompts)} prompts, not {count}: ask for fewer")
        picked = [self.prompts[i * len(self.prompts) // count] for i in range(count)]
        return PromptSet(self.name, self.sha256, self.extracted, tuple(picked))


def read_prompts(path: Path | None = None) -> PromptSet:
    """Read a .csv, .jsonl or .txt file of prompts (None: the built-in set).

    Raises FileError: unreadable, columns missing, no prompts, an id that is no plain file name or comes twice, a prompt
    no request may have.
    """
    source = path or BUILT_IN
    data = _read(source)
    readers = {".csv": _csv, ".jsonl": _json_lines, ".txt": _lines}
    if source.suffix.lower() not in readers:
        raise FileError(f"{source}: prompts are read from {', '.join(readers)}")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError(f"{source} is not UTF-8 text (byte {error.start + 1}): save it as UTF-8") from error
    rows = readers[source.suffix.lower()](text, source)
    if not rows:
        raise FileError(f"{source} holds no prompts")
    given = any(kind in row for row in rows for kind in KINDS)
    prompts = tuple(_prompt(number, row, given, source) for number, row in enumerate(rows))
    _check_ids(prompts, source)
    name = "built-in" if source == BUILT_IN else source.name
    return PromptSet(name, hashlib.sha256(data).hexdigest(), not given, prompts)


def _read(path: Path) -> bytes:
    try:
        with open(path, "rb") as file:
            data = file.read(FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        raise FileError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error
    if len(data) > FILE_BYTES:
        raise FileError(f"{path} is larger than {FILE_BYTES // 1_000_000} MB: it is no list of prompts")
    return data


def _csv(text: str, path: Path) -> list[dict]:
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        columns = [name.strip().lower() for name in reader.fieldnames or []]
        if missing := {"id", "prompt"} - set(columns):
            found = ", ".join(columns) or "none"
            raise FileError(f"{path} has no column {' and '.join(sorted(missing))}: found {found}; wanted id,prompt")
        reader.fieldnames = columns
        rows: list[dict] = []
        for row in reader:
            if None in row or None in row.values():
                raise FileError(f"{path}, line {reader.line_num}: not {len(columns)} cells; quote prompts with commas")
            rows.append(row)
        return rows
    except csv.Error as error:
        raise FileError(f"{path} is not valid CSV ({error})") from error


def _json_lines(text: str, path: Path) -> list[dict]:
    rows: list[dict] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise FileError(f"{path}, line {number}: not JSON ({error})") from error
        if not isinstance(row, dict) or "prompt" not in row:
            raise FileError(f'{path}, line {number}: not an object such as {{"id": "7", "prompt": "slow piano"}}')
        known = {name: row[name] for name in ("id", "prompt", *KINDS) if row.get(name) is not None}
        if any(isinstance(value, bool | float | list | dict) for value in known.values()):
            raise FileError(f"{path}, line {number}: id, prompt, {', '.join(KINDS)} must be text")
        rows.append({"id": len(rows), **known})
    return rows


def _lines(text: str, path: Path) -> list[dict]:
    return [{"id": i, "prompt": line} for i, line in enumerate(filter(str.strip, text.splitlines()))]


def _prompt(number: int, row: dict, given: bool, path: Path) -> Prompt:
    name = str(row["id"]).strip()
    if not ID.fullmatch(name):
        raise FileError(f"{path}: id {ascii(name)[:60]} cannot name a file: use letters, digits, '.', '_' and '-'")
    try:
        text = GenerationRequest(row["prompt"]).validated().prompt
    except RequestError as error:
        raise FileError(f"{path}, id {name}: {error}") from error
    if given:
        concepts = {kind: str(row[kind]).strip() for kind in KINDS if str(row.get(kind, "")).strip()}
    else:
        concepts = extract(text)
    return Prompt(number, name, text, concepts)


def _check_ids(prompts: tuple[Prompt, ...], path: Path) -> None:
    seen: set[str] = set()
    for prompt in prompts:
        if prompt.id.lower() in seen:
            raise FileError(f"{path}: id {prompt.id} comes twice (upper and lower case count as one)")
        seen.add(prompt.id.lower())
