"""A song in ChordPro, lyrics with chords in or above them, and what stands around a sheet -> a chord sheet's lines.

Lines keep their numbers and chords their columns. Lyrics are not sung, so only their chords stay, a bar each.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from .chord_row import HOLD, REPEAT, UNKNOWN
from .sheet_words import ATTRIBUTES, HEADER, METRE, NUMBER, PARTS, is_chord

DIRECTIVES = ("tempo", "key", "time", "metre", "meter", "bpm")  # those that are lines of a header as well
COMMENTS = ("comment", "c", "comment_italic", "ci", "comment_box", "cb", "highlight")
REMARKS = ("title", "t", "subtitle", "st", "artist", "composer", "lyricist", "copyright", "album", "year", "style",
           "genre", "sorttitle", "arranger", "duration", "meta", "keywords", "ccli", "tag", "author", "written by",
           "words and music", "transcribed by", *COMMENTS)  # fmt: skip
LONGEST_LINE = 300  # characters of a line about the song, or with the name of a section
MOST_BEFORE = 4  # lines with words before the song
LONGEST_TOLD = 60  # characters
NOT_SUNG = ("lyrics", "not sung", "only their chords are played, each a bar")
TAB = ("tablature", "left out", "it is no row of chords")
SHORT = {"v": "verse", "c": "chorus", "b": "bridge", "t": "tab", "g": "grid"}
_DIRECTIVE = re.compile(r"\s*\{\s*([A-Za-z_]+)\s*[:\s]?\s*([^{}]*?)\s*\}\s*(?:#.*)?")
_BEGIN = re.compile(r"(?:start_of_([a-z]+)|so([vcbtg]))")
_END = re.compile(r"(?:end_of_[a-z]+|eo[vcbtg])")
_HEAD = re.compile(r"\s*\[[^\[\]]*\]\s+\d")  # of a section
_BRACKET = re.compile(r"\[([^\[\]]*)\]")
_TIMES = r"\(?\s*(?:[x×]\s*\d{1,4}|\d{1,4}\s*[x×])\s*\)?"
_HEADING = re.compile(
    rf"(?:\[ ?([^\[\]]+?) ?({_TIMES})? ?\]|(?:repeat )?([^\W\d_][^\[\]:|]*?)) ?({_TIMES})? ?:?", re.IGNORECASE
)
_BETWEEN = re.compile(rf"{_TIMES}|[|:,;·–—%]|(?<=\s)-(?=\s)|[()](?=\s)|(?<=\s)[()]", re.IGNORECASE)
_NUMBERED = re.compile(r"\s*([^\W\d_][^\[\]:|\d]*?)[ \t]+(\d{1,2})[ \t]*(?::(.*))?")  # "Verse 1", "Verse 1: Am F"
_TAB = re.compile(r"\s*[A-Ga-g][#b]?\s*[|:](?=.*--)[-–|\d\shpbrxX/\\~^()*<>.=]*")
_FRETS = re.compile(r"\s*[A-G]\S*\s*[:=]?\s+[xX\d]{6}\s*")  # a shape of the hand: "Am x02210"
_ASIDE = re.compile(r"\s*(?:capo|kapo|tuning|strumming|strum|picking)\b.*", re.IGNORECASE)
_CAPO = re.compile(
    r"[\s,;·]*\b[ck]apo\b[\s:=]*(?:on\s+)?(?:fret\s+)?\d{1,2}(?:st|nd|rd|th)?(?:\s+fret)?", re.IGNORECASE
)
_DIAMOND = re.compile(r"(?<!\S)<([^\s<>]+)>(?!\S)")  # a chord that rings
_SIGNATURE = re.compile(r"(\s*time)(\s+signature)(?=\W)", re.IGNORECASE)
# "Night train    Key: A": a title before entries of the header
_TITLED = re.compile(r"(\s*[^\W\d_][^:|\[\]{}]*?)(?:\t|\s{2,})((?:key|tempo|time|bpm|[ck]apo)\b.*)", re.IGNORECASE)
_WEAK = re.compile(r"(?i:do|ut|re|mi|fa|sol|la|si|[ae]s)|[a-h]m?|[iIvV]+")  # words that are chords by some habit


class Translated(NamedTuple):
    """told: (what, as, why) of what is not read, or not as it stands; title: the words before the song.

    numbered: parts of which a number behind the name is no number of bars, "Verse 2".
    """

    text: str
    told: tuple[tuple[str, str, str], ...] = ()
    title: str = ""
    numbered: frozenset[str] = frozenset()


def translated(text: str) -> Translated:
    """A sheet for a text that has directives, lyrics or words about the song; any other text as it is."""
    lines = text.removeprefix("\ufeff").splitlines()
    song = _Song(lines).translated()
    return song if song.text != "\n".join(lines) else song._replace(text=text)


def is_lyric(line: str) -> bool:
    """Whether a line is words with [Am] chords between them."""
    if "[" not in line:
        return False
    chords = [found for found in _BRACKET.finditer(line) if is_chord(found[1].strip())]
    if not chords or "|" in line or ":" in line[: chords[0].start()] or _HEAD.match(line):
        return False
    words = _BRACKET.sub(" ", line).split()
    attached = any(re.match(r"[^\W\d]", line[found.end() :]) for found in chords)
    if not any(map(_is_plain, words)):  # "[G]la [C]la"
        weak = bool(words) and all(map(_is_weak, words)) and (attached or all(len(_bare(word)) > 1 for word in words))
        return weak and _in_letters(found[1] for found in chords)
    return attached or ":" not in line


def is_row(line: str) -> bool:
    """Whether a line is chords alone, with what may stand between them."""
    if not line or "[" in line or line.isspace():
        return False
    words = [word for word in _BETWEEN.sub(" ", f" {' '.join(line.split())} ").split() if word not in HOLD]
    return not all(map(METRE.fullmatch, words)) and all(is_chord(word) or word.startswith(UNKNOWN) for word in words)


def part_of(name: str) -> str:
    """The part of a song that a heading such as "Verse 2" names; "" for none."""
    base = name.lower().strip().rstrip("0123456789").rstrip(" .-#:")
    return base if base in PARTS else ""


def _bare(word: str) -> str:
    return word.strip(".,;:!?'\"")


def _is_plain(word: str) -> bool:
    """Whether a word means nothing in a sheet, so that it can be sung."""
    known = word in HOLD or word == "%" or NUMBER.fullmatch(word) or REPEAT.fullmatch(word) or METRE.fullmatch(word)
    bare = _bare(word)
    return bool(re.search(r"[^\W\d_]", word)) and not known and bare.lower() not in ATTRIBUTES and not is_chord(bare)


def _is_weak(word: str) -> bool:
    """Whether a word is a chord, but also one of those that people sing: "la", "a", "I"."""
    return bool(_WEAK.fullmatch(_bare(word)))


def _in_letters(chords: Iterable[str]) -> bool:
    """Whether chords are named by letters, so that "la" is none of them."""
    return any(re.match("[A-H]", chord.strip()) and not _is_weak(chord.strip()) for chord in chords)


def _stands_over(row: str, words: str) -> bool:
    """Whether a line of chords stands over words that are sung, and not over the name of the next section."""
    if not is_row(row) or not _can_be_sung(words):
        return False
    count = len(words.split())
    return count > 3 or count > 2 and bool(re.search(r"\S(?:\s{2,}|\t)\S|^\s{2,}", row))


def _can_be_sung(line: str) -> bool:
    """Whether a line is nothing but words."""
    words = line.split()
    if not words or is_row(line) or line.lstrip().startswith("#") or any(sign in line for sign in "|[]{}="):
        return False
    name, colon, after = line.partition(":")
    entry = part_of(name) or name.strip().lower() in (*REMARKS, *HEADER)
    if colon and (entry or is_row(after) or not any(map(_is_plain, after.split()))):
        return False
    first, then = _bare(words[0].lower()), words[1] if len(words) > 1 else ""
    if first in DIRECTIVES and (colon or then[:1].isdigit() or first == "key" and len(words) < 4):
        return False
    if part_of(words[0]) and (not then or NUMBER.fullmatch(then) or then.lower() in ATTRIBUTES):
        return False
    return first != "ends" and any(map(_is_plain, words))


def _heading(line: str) -> re.Match[str] | None:
    return _HEADING.fullmatch(" ".join(line.split())) if len(line) <= LONGEST_LINE else None


class _Song:
    """Translates the lines of one song."""

    def __init__(self, lines: list[str]):
        self.lines, self.out = lines, [""] * len(lines)
        self.told: dict[tuple[str, str, str], None] = {}
        self.heads: list[tuple[int, str, str]] = []  # line and name of every section, and how often it comes
        self.full: set[int] = set()  # heads that chords follow
        self.tab = False
        self.title, self.before = "", 0
        self.has_lyrics = any(map(is_lyric, lines)) or any(map(_stands_over, lines, lines[1:]))
        self.is_song = self.has_lyrics or any(map(_DIRECTIVE.fullmatch, lines))
        self.in_letters = _in_letters(
            word for line in lines for word in _BRACKET.findall(line) or (line.split() if is_row(line) else ())
        )
        self.numbered = frozenset(PARTS if self.has_lyrics else self._numbered())
        self.begun = False  # whether the header or a section has

    def translated(self) -> Translated:
        for number, line in enumerate(self.lines):
            if not line or line.isspace():
                self.out[number] = line
            elif found := _DIRECTIVE.fullmatch(line):
                self._directive(number, found[1].lower(), found[2])
            elif self.tab:
                continue
            elif _TAB.fullmatch(line):
                self._tell(*TAB)
            elif len(line) <= LONGEST_LINE and _FRETS.fullmatch(line):
                self._tell(" ".join(line.split()), "left out", "it is no row of chords")
            elif _ASIDE.fullmatch(line) and not is_lyric(line) and not is_row(line.partition(":")[2]):
                self._aside(" ".join(line.split()))
            elif self.is_song and is_lyric(line):
                self._lyric(number, line)
            elif self._is_heading(line):
                self._heading(number, line)
            elif not self.begun and self._is_title(number):
                self._before(number, " ".join(line.split()))
            elif self.is_song and self._is_sung(line):
                self._tell(*NOT_SUNG)
            else:
                self._other(number, line)
            self.begun = self.begun or bool(self.out[number].strip())
        self._empty_sections()
        return Translated("\n".join(self.out), tuple(self.told), self.title, self.numbered)

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
            before = next((head for _, head, _ in reversed(self.heads) if part_of(head) == "chorus"), "chorus")
            self._head(number, before)
        elif name in COMMENTS and part_of(value):
            self._head(number, value)
        elif name in REMARKS:
            self.out[number] = f"{name}: {value}" if name in ("title", "t", "style", "genre") else ""
        elif name in DIRECTIVES:
            self.out[number] = f"{name} {value}"
        elif name == "capo":
            self._tell(f"capo {value}", "chords as they are written", "ttm-app plan transpose moves them")
        elif not value and name in ("drums", "ends", "straight", "swing"):
            self.out[number] = name
        else:
            self._tell(f"{{{name}}}", "left out", "this directive is not known")

    def _head(self, number: int, name: str, times: str = "") -> None:
        name = " ".join(re.sub(r'[\[\]"]', " ", name).split())
        self.heads.append((number, name, times))
        self.out[number] = f"[{name}]{times}"

    def _is_heading(self, line: str) -> bool:
        found = _heading(line)
        if not found:
            return False
        if found[1]:
            return not is_chord(found[1].strip())
        return self.has_lyrics and bool(part_of(found[3])) and not is_row(found[3])

    def _heading(self, number: int, line: str) -> None:
        found = _heading(line)
        assert found
        times = found[2] or found[4] or ""
        self._head(number, found[1] or found[3], times and f" {times}")
        if not self.is_song and not found[2]:  # nothing but a sheet: as it stands
            self.out[number] = self.lines[number]

    def _numbered(self) -> set[str]:
        """Parts whose number is none of bars: more chords than one follow a "Verse 1"."""
        found: set[str] = set()
        for number, line in enumerate(self.lines):
            head = _NUMBERED.fullmatch(line) if len(line) <= LONGEST_LINE else None
            if not head or not part_of(head[1]) or int(head[2]) != 1:
                continue
            row = (head[3] or "").strip() or next(filter(str.strip, self.lines[number + 1 :]), "")
            if is_row(row):
                bars = re.sub(rf"\([^()]*\)|{_TIMES}", " A ", row, flags=re.IGNORECASE)
                cells = [cell for cell in bars.split("|") if cell.strip(" :")]
                if (len(cells) if "|" in row else len(bars.split())) > 1:
                    found.add(part_of(head[1]))
        return found

    def _is_title(self, number: int) -> bool:
        """Whether a line before the song is words about it: no chords follow that would be its own."""
        line = self.lines[number]
        if len(line) > LONGEST_LINE or self.before == MOST_BEFORE:
            return False
        if found := _TITLED.fullmatch(line):
            return not part_of(found[1]) and _can_be_sung(found[1])
        if not _can_be_sung(line) or re.search(r"\d", line) or line.split()[0].lower() in HEADER:
            return False
        after = next(filter(str.strip, self.lines[number + 1 :]), "")
        over = self.has_lyrics and number and _stands_over(self.lines[number - 1], line)
        return bool(after) and not over and (self.has_lyrics or not is_row(after)) and not part_of(line)

    def _before(self, number: int, line: str) -> None:
        """Take a title, or what stands below it."""
        self.before += 1
        if found := _TITLED.fullmatch(self.lines[number]):
            line = " ".join(found[1].split())
            self._other(number, " " * found.start(2) + found[2])
        if self.title:
            self._tell(line, "left out", "it stands before the song")
        else:
            self.title = line
            self._tell(line, "the title", "it stands before the song")

    def _aside(self, line: str) -> None:
        if line.lower().startswith(("capo", "kapo")):
            self._tell(line, "chords as they are written", "ttm-app plan transpose moves them")
        else:
            self._tell(line, "left out", "it is no part of a plan")

    def _lyric(self, number: int, line: str) -> None:
        self._tell(*NOT_SUNG)
        chords = [found for found in _BRACKET.finditer(line) if is_chord(found[1].strip())]
        for found in _BRACKET.finditer(line):
            if not is_chord(found[1].strip()):
                self._tell(found[0], "left out", "it is no chord")
        row = [" "] * len(line)
        for found in chords:
            row[found.start() : found.end()] = found[0]
        self._row(number, "".join(row).rstrip())

    def _row(self, number: int, row: str) -> None:
        """Chords of the section, which is begun where there is none."""
        begins = not self.heads
        if begins:
            self._head(number, "song")
        self.full.add(len(self.heads) - 1)
        self.out[number] = ("song: " if begins else "") + row

    def _is_sung(self, line: str) -> bool:
        """Whether a line is nothing but words, or but syllables that only the other habit names chords by."""
        return _can_be_sung(line) or self.in_letters and bool(line.split()) and all(map(_is_weak, line.split()))

    def _other(self, number: int, line: str) -> None:
        """A line of a sheet: chords, the head of a section, or an entry of the header."""
        if self.has_lyrics and is_row(line):
            self._row(number, line)
            return
        if len(line) > LONGEST_LINE:
            self.out[number] = line
            if self.heads:
                self.full.add(len(self.heads) - 1)
            return
        for found in _DIAMOND.finditer(line):
            if is_chord(found[1]):
                self._tell(found[0], found[1], "it does not ring longer than any other chord")
                line = f"{line[: found.start()]} {found[1]} {line[found.end() :]}"
        line = _SIGNATURE.sub(lambda found: found[1] + " " * len(found[2]), line)
        head = line.partition(":")[0].split()
        if not self.begun or head and _bare(head[0].lower()) in DIRECTIVES:
            for found in _CAPO.finditer(line):
                self._aside(" ".join(found[0].strip(" ,;·").split()))
                line = line[: found.start()] + " " * len(found[0]) + line[found.end() :]
        self.out[number] = line
        if self.heads and line.strip():
            self.full.add(len(self.heads) - 1)

    def _empty_sections(self) -> None:
        """A section without chords is played as the one of its name or part before it; without such it is left out."""
        known: dict[str, str] = {}
        for place, (number, name, times) in enumerate(self.heads):
            part = part_of(name) or name.casefold()
            if place in self.full:
                known[part] = known[name.casefold()] = name
                continue
            same = known.get(name.casefold()) or known.get(part)
            if not self.is_song and (not same or same.casefold() == name.casefold()):
                continue  # the sheet's own ways
            self.out[number] = f"[{same}]{times}" if same else ""
            if not same:
                self._tell(name, "left out", "it has no chords")
            elif same.casefold() != name.casefold():
                self._tell(name, f"as {same}", "it has no chords of its own")
