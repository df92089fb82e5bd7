"""A song in ChordPro, or lyrics with [Am] chords in them -> the same lines as a chord sheet has them.

Lines keep their numbers and chords their columns. Lyrics are not sung, so only their chords stay, a bar each.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .chord_row import HOLD, REPEAT
from .sheet_words import ATTRIBUTES, METRE, NUMBER, PARTS, is_chord

HEADER_WORDS = ("tempo", "key", "time", "metre", "meter", "bpm")  # directives that are lines of a header as well
COMMENTS = ("comment", "c", "comment_italic", "ci", "comment_box", "cb", "highlight")
REMARKS = ("title", "t", "subtitle", "st", "artist", "composer", "lyricist", "copyright", "album", "year", "style",
           "genre", "sorttitle", "arranger", "duration", "meta", "keywords", "ccli", "tag", *COMMENTS)  # fmt: skip
LONGEST_TOLD = 60  # characters
NOT_SUNG = ("lyrics", "not sung", "only their chords are played, each a bar")
SYLLABLES = {"la", "do", "re", "mi", "fa", "sol", "si"}  # that are sung, and names of chords as well
SHORT = {"v": "verse", "c": "chorus", "b": "bridge", "t": "tab", "g": "grid"}
_DIRECTIVE = re.compile(r"\s*\{\s*([A-Za-z_]+)\s*[:\s]?\s*([^{}]*?)\s*\}\s*(?:#.*)?")
_BEGIN = re.compile(r"(?:start_of_([a-z]+)|so([vcbtg]))")
_END = re.compile(r"(?:end_of_[a-z]+|eo[vcbtg])")
_HEAD = re.compile(r"\s*\[[^\[\]]*\]\s+\d")  # of a section
_BRACKET = re.compile(r"\[([^\[\]]*)\]")


class Translated(NamedTuple):
    """told: (what, as, why) of what is not read, or not as it stands."""

    text: str
    told: tuple[tuple[str, str, str], ...]


def translated(text: str) -> Translated:
    """A sheet for a text that has directives or lyrics with chords; any other text as it is."""
    lines = text.removeprefix("\ufeff").splitlines()
    if not any(_DIRECTIVE.fullmatch(line) or is_lyric(line) for line in lines):
        return Translated(text, ())
    return _Song(lines).translated()


def is_lyric(line: str) -> bool:
    """Whether a line is words with [Am] chords between them."""
    chords = [found for found in _BRACKET.finditer(line) if is_chord(found[1].strip())]
    if not chords or "|" in line or ":" in line[: chords[0].start()] or _HEAD.match(line):
        return False
    words = _BRACKET.sub(" ", line).split()
    attached = any(re.match(r"(?!x\d)[^\W\d]", line[found.end() :]) for found in chords)
    return attached or ":" not in line and any(_is_plain(word) or _bare(word) in SYLLABLES for word in words)


def part_of(name: str) -> str:
    """The part of a song that a heading such as "Verse 2" names; "" for none."""
    base = name.lower().strip().rstrip("0123456789").rstrip(" .-#:")
    return base if base in PARTS else ""


def _bare(word: str) -> str:
    return word.strip(".,;:!?'\"").lower()


def _is_plain(word: str) -> bool:
    """Whether a word means nothing in a sheet, so that it can be sung."""
    known = word in HOLD or word == "%" or NUMBER.fullmatch(word) or REPEAT.fullmatch(word) or METRE.fullmatch(word)
    bare = word.strip(".,;:!?'\"")
    return bool(re.search(r"[^\W\d]", word)) and not known and bare.lower() not in ATTRIBUTES and not is_chord(bare)


class _Song:
    """Translates the lines of one song."""

    def __init__(self, lines: list[str]):
        self.lines, self.out = lines, [""] * len(lines)
        self.told: dict[tuple[str, str, str], None] = {}
        self.heads: list[tuple[int, str]] = []  # line and name of every section
        self.full: set[int] = set()  # heads that chords follow
        self.tab = False

    def translated(self) -> Translated:
        for number, line in enumerate(self.lines):
            if found := _DIRECTIVE.fullmatch(line):
                self._directive(number, found[1].lower(), found[2])
            elif self.tab:
                continue
            elif is_lyric(line):
                self._lyric(number, line)
            elif self._is_sung(line):
                self._tell(*NOT_SUNG)
            else:
                self._other(number, line)
        self._empty_sections()
        return Translated("\n".join(self.out), tuple(self.told))

    def _tell(self, what: str, meaning: str, why: str) -> None:
        self.told[what[:LONGEST_TOLD], meaning[:LONGEST_TOLD], why] = None

    def _directive(self, number: int, name: str, value: str) -> None:
        begin = _BEGIN.fullmatch(name)
        if begin:
            part = begin[1] or SHORT[begin[2]]
            self.tab = part in ("tab", "abc", "ly", "textblock", "svg")
            if self.tab:
                self._tell(f"{{{name}}}", "left out", "it is no row of chords")
            elif part != "grid":
                self._head(number, re.sub(r'^label="(.*)"$', r"\1", value) or part)
        elif _END.fullmatch(name):
            self.tab = False
        elif name == "chorus":
            before = next((head for _, head in reversed(self.heads) if part_of(head) == "chorus"), "chorus")
            self._head(number, before)
        elif name in COMMENTS and part_of(value):
            self._head(number, value)
        elif name in REMARKS:
            self.out[number] = f"{name}: {value}" if name in ("title", "t", "style", "genre") else ""
        elif name in HEADER_WORDS:
            self.out[number] = f"{name} {value}"
        elif name == "capo":
            self._tell(f"capo {value}", "chords as they are written", "ttm-app plan transpose moves them")
        elif not value and name in ("drums", "ends", "straight", "swing"):
            self.out[number] = name
        else:
            self._tell(f"{{{name}}}", "left out", "this directive is not known")

    def _head(self, number: int, name: str) -> None:
        name = " ".join(re.sub(r'[\[\]"]', " ", name).split())
        self.heads.append((number, name))
        self.out[number] = f"[{name}]"

    def _lyric(self, number: int, line: str) -> None:
        self._tell(*NOT_SUNG)
        chords = [found for found in _BRACKET.finditer(line) if is_chord(found[1].strip())]
        row = [" "] * len(line)
        for found in chords:
            row[found.start() : found.end()] = found[0]
        begins = not self.heads
        if begins:
            self._head(number, "song")
        self.full.add(len(self.heads) - 1)
        self.out[number] = ("song: " if begins else "") + "".join(row).rstrip()

    def _is_sung(self, line: str) -> bool:
        """Whether a line is nothing but words."""
        words = line.split()
        if not words or line.lstrip().startswith("#") or any(sign in line for sign in "|[]{}:="):
            return False
        first, then = words[0].lower(), words[1] if len(words) > 1 else ""
        if first in HEADER_WORDS and (then[:1].isdigit() or first == "key" and len(words) < 4):
            return False
        if part_of(words[0]) and (not then or NUMBER.fullmatch(then) or then.lower() in ATTRIBUTES):
            return False
        same = {_bare(word) for word in words}
        return first != "ends" and (any(map(_is_plain, words)) or len(words) > 1 == len(same) and same <= SYLLABLES)

    def _other(self, number: int, line: str) -> None:
        """A line of a sheet: a heading, chords, or an entry of the header."""
        self.out[number] = line
        heading = re.fullmatch(r"\s*\[([^\[\]]+)\]\s*:?\s*", line)
        if heading and not is_chord(heading[1].strip()):
            self._head(number, heading[1])
        elif self.heads and line.strip():
            self.full.add(len(self.heads) - 1)

    def _empty_sections(self) -> None:
        """A section without chords is played as the one of its name or part before it; without such it is left out."""
        known: dict[str, str] = {}
        for place, (number, name) in enumerate(self.heads):
            part = part_of(name) or name.casefold()
            if place in self.full:
                known[part] = known[name.casefold()] = name
                continue
            same = known.get(name.casefold()) or known.get(part)
            self.out[number] = f"[{same}]" if same else ""
            if not same:
                self._tell(name, "left out", "it has no chords")
            elif same.casefold() != name.casefold():
                self._tell(name, f"as {same}", "it has no chords of its own")
