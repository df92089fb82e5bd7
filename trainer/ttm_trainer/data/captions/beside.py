"""The captions in files beside a sound file: song.txt, song.caption.txt, song_prompt.txt, song.mp3.txt, song.json."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from musicgen_app.errors import FileError

from ..caption_tables import Row, checked, table_row, texts
from ..track import same
from .text_files import Remark, read_text

TEXTS = (".txt", ".caption.txt", "_caption.txt", ".captions.txt", ".prompt.txt", "_prompt.txt", ".caption", ".prompt")
OBJECTS = (".json", ".caption.json", "_caption.json")
STYLE = "text"


class Beside:
    """The text files of a folder of music, by what they are called, in whatever case."""

    def __init__(self, root: Path, names: Iterable[str]):
        """names: paths below root of the files that may hold captions."""
        self.root = root
        self._names: dict[str, str] = {}
        for name in sorted(names):
            self._names.setdefault(same(name).casefold(), name)
        self.used: set[str] = set()  # paths below root that belong to a sound file

    def read(self, key: str, paths: Iterable[str]) -> tuple[Row, list[tuple[str, str]]]:
        """What the files beside a track say of it, and (path, what is doubtful or why it is not used).

        paths: of its sound files, below root; key: their common name.
        """
        captions: list[str] = []
        told = Row(key, {})
        said: list[tuple[str, str]] = []
        for name in self._files(key, list(paths)):
            self.used.add(name)
            try:
                text, doubt = read_text(self.root / name)
            except FileError as error:
                said.append((name, str(error).removeprefix(f"{self.root / name} ")))
                continue
            said += [(name, doubt)] if doubt else []
            for found in _object(text, key) if name.lower().endswith(".json") else _paragraphs(text):
                if isinstance(found, Row):
                    told = Row(key, {}, told.licence or found.licence, told.source or found.source,
                               told.split or found.split)  # fmt: skip
                    captions += [caption for values in found.captions.values() for caption in values]
                elif isinstance(found, Remark) or not captions:
                    said.append((name, found))
        unique = list(dict.fromkeys(captions))
        return Row(key, {STYLE: unique} if unique else {}, told.licence, told.source, told.split), said

    def _files(self, key: str, paths: list[str]) -> Iterator[str]:
        """The files that belong to a track and are there, each once, texts first."""
        bases = dict.fromkeys([*(os.path.splitext(path)[0] for path in paths), key, *paths])
        wanted = (f"{base}{suffix}" for suffixes in (TEXTS, OBJECTS) for base in bases for suffix in suffixes)
        yield from dict.fromkeys(
            self._names[name] for name in (same(one).casefold() for one in wanted) if name in self._names
        )


def _paragraphs(text: str) -> Iterator[Row | str]:
    """The captions of a text file: one a paragraph."""
    kept, doubts = checked(texts(re.split(r"\n\s*\n", text)))
    if kept:
        yield Row("", {STYLE: kept})
        yield from map(Remark, doubts)
    else:
        yield doubts[0] if doubts else "is empty"


def _object(text: str, key: str) -> Iterator[Row | str]:
    """The captions of a JSON object about one sound file."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        yield f"is no JSON: {error}"
        return
    if not isinstance(value, dict):
        yield "is no JSON object"
        return
    yield from table_row({**value, "path": key}, "the object", STYLE)
