"""A row of chords of a sheet -> chords with their lengths: bars, splits of a bar, ties, repeats.

Without bar lines every chord is a bar, and "(Am F)" is one bar of two halves. Between bar lines the chords share the
bar. "." or "/" holds the chord before, "%" repeats a bar, "x2" repeats what stands before it, "Am*2.5" lasts 2.5
quarter notes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import NamedTuple

from ..control.chord_reader import ChordReading, read_chords
from ..control.plan import MAX_CHORDS, Chords
from .sheet_lexer import Token

HOLD = (".", "/")
REPEAT = re.compile(r"[x×](\d{1,4})|(\d{1,4})[x×]", re.IGNORECASE)
_FIXED = re.compile(r"(.*)\*([0-9.]+(?:e[-+]?\d+)?)")
LONGEST = 200  # characters of a word that may be a chord, or several with hyphens
UNKNOWN = "?"  # in a sheet: the chord is unknown


def times(word: str) -> int | None:
    """How often "x2" repeats; None for another word."""
    found = REPEAT.fullmatch(word)
    return int(found[1] or found[2]) if found else None


class Fixed(NamedTuple):
    """A chord of a length in quarter notes; symbol None: the chord before goes on."""

    symbol: str | None
    quarters: float


Bar = tuple[str | None, ...]  # symbols that share a bar; None: the chord before goes on


@dataclass
class ChordRow:
    """Chords as they are read, in bars; `chords` gives them in quarter notes.

    key: for degrees; names: the habit of naming notes, see `chord_reader`; words: all chords as written; changes:
    those that were approximated.
    """

    parts: list[Bar | Fixed] = field(default_factory=list)
    key: str | None = None
    names: str | None = None
    words: list[str] = field(default_factory=list)
    changes: list[ChordReading] = field(default_factory=list)
    _since: int = 0  # where the next "x2" begins
    _sign: int | None = None  # where "|:" stands

    def add(self, stretches: list[list[Token]], barred: bool) -> None:
        """Tokens of one line, stretch by stretch between its bar lines. Raises RequestError with the place."""
        for stretch in stretches:
            signs = [token for token in stretch if token.kind in ("open", "close")]
            inner = [
                part
                for token in stretch
                if token.kind not in ("open", "close", "separator")
                for part in _hyphens(token)
            ]
            if any(token.kind == "open" for token in signs[:1]):
                self._open(signs.pop(0))
            repeats = [token for token in inner if token.kind == "word" and times(token.text) is not None]
            if barred:
                self._bar([token for token in inner if token not in repeats])
                for token in repeats:
                    self._repeat(token, times(token.text) or 0)
            else:
                self._loose(inner)
            for sign in signs:
                self._close(sign)

    def chords(self, bar: float) -> Chords:
        """(symbol, length in quarter notes), where a bar has so many; chords that are held are one."""
        found: list[tuple[str, float]] = []
        for part in self.parts:
            if isinstance(part, Fixed):
                _append(found, part.symbol, part.quarters)
                continue
            place = 0
            while place < len(part):
                end = place + 1
                while end < len(part) and part[end] is None:
                    end += 1
                _append(found, part[place], bar * (end - place) / len(part))
                place = end
        return tuple(found)

    def _loose(self, tokens: list[Token]) -> None:
        """A stretch without bar lines: every chord, and every group in parentheses, is a bar."""
        group: list[Token] | None = None
        for token in tokens:
            if token.kind == "group":
                if group is not None:
                    raise token.fail("a split within a split: write the bar between bar lines")
                group, opened = [], token
            elif token.kind == "end":
                if not group:
                    raise token.fail("no chord before this parenthesis")
                self._bar(group)
                group = None
            elif group is not None:
                group.append(token)
            elif (count := times(token.text)) is not None:
                self._repeat(token, count)
            elif token.text in HOLD:
                raise token.fail("beats need bar lines or parentheses: write | Am . F . | or (Am . F .)")
            else:
                self._bar([token])
        if group is not None:
            raise opened.fail("this parenthesis has no partner")

    def _bar(self, tokens: list[Token]) -> None:
        """One bar of these tokens."""
        if not tokens:
            return
        first = tokens[0]
        if len(self.parts) + len(tokens) > MAX_CHORDS:
            raise first.fail(f"more than {MAX_CHORDS:,} chords")
        if first.text == "%":
            if len(tokens) > 1:
                raise tokens[1].fail("% repeats a whole bar: it stands alone in its own")
            bars = [part for part in self.parts if not isinstance(part, Fixed)]
            if not bars:
                raise first.fail("% repeats the bar before, but there is none")
            self.parts.append(bars[-1])
            return
        slots = [self._slot(token) for token in tokens]
        if not self.parts and (slots[0].symbol if isinstance(slots[0], Fixed) else slots[0]) is None:
            raise first.fail("there is no chord before that could go on")
        fixed = [slot for slot in slots if isinstance(slot, Fixed)]
        if fixed and len(fixed) < len(slots):
            raise first.fail("give all chords between two bar lines a length with *, or none")
        if fixed:
            self.parts += fixed
        else:
            self.parts.append(tuple(slot for slot in slots if not isinstance(slot, Fixed)))

    def _slot(self, token: Token) -> str | None | Fixed:
        if token.kind not in ("word", "bracket"):
            raise token.fail(f"{token.shown} does not belong among chords")
        if token.text in HOLD:
            return None
        found = _FIXED.fullmatch(token.text)
        if not found:
            return self._symbol(token, token.text)
        try:
            length = float(found[2])
        except ValueError:
            length = 0.0
        if not 0 < length < 1e6:
            raise token.fail(f"{token.shown} has no length: write Am*2.5 for two and a half quarter notes")
        return Fixed(None if found[1] in HOLD else self._symbol(token, found[1]), length)

    def _symbol(self, token: Token, text: str) -> str:
        if text == UNKNOWN:
            return ""
        found = _read(text, self.key, self.names)
        if len(found) != 1 or found[0].symbol is None:
            why = f" ({found[0].why})" if found and found[0].why else ""
            raise token.fail(f"{token.shown} is no chord{why}: write them as C, F#m7 or Bbmaj7/D")
        read = found[0]
        self.words.append(text)
        if read.why and read not in self.changes:
            self.changes.append(read)
        return read.symbol or ""

    def _repeat(self, token: Token, times: int) -> None:
        repeated = self.parts[self._since :]
        if not repeated or times < 1:
            raise token.fail(f"{token.shown} repeats nothing")
        if len(self.parts) + len(repeated) * (times - 1) > MAX_CHORDS:
            raise token.fail(f"more than {MAX_CHORDS:,} chords")
        self.parts += repeated * (times - 1)
        self._since = len(self.parts)

    def _open(self, token: Token) -> None:
        if self._sign is not None:
            raise token.fail("a repeat within a repeat: end the first one with :|")
        self._sign = self._since = len(self.parts)

    def _close(self, token: Token) -> None:
        if token.kind != "close" or self._sign is None and self._since:
            raise token.fail(f"{token.shown} has no partner")
        self._repeat(token, 2)
        self._sign = None


@lru_cache(maxsize=4096)
def _read(text: str, key: str | None, names: str | None) -> tuple[ChordReading, ...]:
    return tuple(read_chords(text, key, names)) if len(text) <= LONGEST else ()


def _hyphens(token: Token) -> list[Token]:
    """ "Am-F-C" as three tokens; any other as it is."""
    if token.kind != "word" or "-" not in token.text or "*" in token.text:
        return [token]
    read = _read(token.text, "C major", None) if len(token.text) <= LONGEST else ()
    if len(read) < 2 or any(one.symbol is None for one in read):
        return [token]
    return [replace(token, text=one.text) for one in read]


def _append(found: list[tuple[str, float]], symbol: str | None, length: float) -> None:
    if symbol is not None or not found:
        found.append((symbol or "", length))
    else:
        found[-1] = (found[-1][0], found[-1][1] + length)
