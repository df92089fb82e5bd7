"""The entries of a sheet's header and of the heads of its sections: tempo, metre, key, drums, swing;
and where its words belong."""

from __future__ import annotations

import re
from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache

from ..control.chord_reader import read_chords
from ..control.grid import FORM
from ..control.key_names import read_key
from ..control.plan import SWING, Plan
from ..control.theory import bar_length
from .chord_row import LONGEST, REPEAT
from .sheet_lexer import Token

LEVELS = {  # words for the energy of a section
    "pp": 0.1, "p": 0.25, "mp": 0.4, "mf": 0.6, "f": 0.8, "ff": 1.0,
    "quiet": 0.2, "soft": 0.25, "sparse": 0.2, "medium": 0.5, "loud": 0.8, "full": 1.0,
}  # fmt: skip
PARTS = {name for part, names in FORM.items() for name in (part, *names)}
NUMBER = re.compile(r"\d+(?:\.\d*)?(?:e[-+]?\d+)?|\.\d+", re.IGNORECASE)
SIGNED = re.compile(r"[-−+]\d+(?:\.\d*)?")
METRE = re.compile(r"\d{1,3}/\d{1,3}")
TEMPO = re.compile(r"([♩♪qeh]|𝅗𝅥)(\.?)=(.*)|(.+)bpm", re.IGNORECASE)
NOTES = {"♩": 1.0, "q": 1.0, "♪": 0.5, "e": 0.5, "h": 2.0, "𝅗𝅥": 2.0}  # in quarter notes
NOTE = re.compile(r"([♩♪qeh]|𝅗𝅥)(\.?)", re.IGNORECASE)
HEADER = ("tempo", "bpm", "key", "time", "metre", "meter", "swing", "straight", "drums", "no", "with", "without",
          "ends", "start", "chords")  # fmt: skip
ATTRIBUTES = {
    "drums",
    "no",
    "with",
    "without",
    "energy",
    "tempo",
    "bpm",
    "key",
    "bars",
    "bar",
    "beats",
    "beat",
    *LEVELS,
}


@lru_cache(maxsize=4096)
def is_chord(text: str) -> bool:
    """Whether a word is a chord, and no part of a form: "Solo" is both."""
    read = read_chords(text.split("*")[0], "C major") if len(text) <= LONGEST else []
    return bool(read) and read[0].symbol is not None and (len(text) == 1 or text.lower() not in PARTS)


class Words:
    """Tokens that are taken one after the other."""

    def __init__(self, found: list[Token]):
        self.left = [token for token in found if token.kind != "separator"]

    def next(self, after: Token | None = None, what: str = "") -> Token:
        if not self.left:
            assert after
            raise after.fail(f"{after.shown} lacks {what}")
        return self.left.pop(0)

    def ahead(self) -> str:
        return self.left[0].text.lower() if self.left else ""

    def number(self, after: Token, what: str, signed: bool = False) -> float:
        token = self.next(after, what)
        value = token.text.removesuffix("%")
        if not NUMBER.fullmatch(value.removeprefix("-") if signed else value):
            raise token.fail(f"{token.shown} is no number: {after.text[:40]} needs {what}")
        return float(value)


def common(token: Token, word: str, words: Words) -> dict:
    """What a song and a section may both say, as entries of either; {} for another word."""
    try:
        if word in ("tempo", "bpm") and (TEMPO.fullmatch(words.ahead()) or NOTE.fullmatch(words.ahead())):
            token = words.next()
            word = token.text.lower()
        if word in ("tempo", "bpm"):
            tempo = words.number(token, "a number, as in tempo 96")
            if words.ahead() == "bpm":
                words.next()
            return {"tempo": _tempo(tempo)}
        if NOTE.fullmatch(word) and words.ahead().startswith("="):
            word += words.next().text
        if found := TEMPO.fullmatch(word):
            beats = float(found[4] or found[3] or words.number(token, "a number, as in ♩.=88"))
            return {"tempo": _tempo(beats * NOTES.get(found[1], 1.0) * (1.5 if found[2] else 1.0))}
        if NUMBER.fullmatch(word) and words.ahead() == "bpm":
            words.next()
            return {"tempo": _tempo(float(word))}
        if METRE.fullmatch(word):
            bar_length(word)
            return {"metre": word}
        if word == "key":
            return {"key": _key(token, words)}
        if word in ("no", "without", "with"):
            if (after := words.next(token, "the word drums")).text.lower() != "drums":
                raise after.fail(f"{after.shown}: drums alone can be left out, or be said to be there")
            return {"drums": word == "with"}
        return {"drums": True} if word == "drums" else {}
    except ValueError as error:
        raise token.fail(str(error)) from None


def _key(token: Token, words: Words) -> str:
    """The key in the next word, or in the next three or two where these are one: "C harmonic minor", "Do menor"."""
    first = words.next(token, "a key, as in key Am")
    for more in (2, 1):
        with suppress(ValueError):
            key = read_key(" ".join(one.text for one in (first, *words.left[:more])))
            del words.left[:more]
            return key
    return read_key(first.text)


def _tempo(tempo: float) -> float:
    Plan(tempo=tempo).check()
    return tempo


def swing(words: Words) -> float:
    """Where the second eighth note begins: "60%" -> 0.6; of triplets where nothing is said."""
    if not words.ahead().endswith("%"):
        return SWING
    token = words.next()
    if not NUMBER.fullmatch(token.text[:-1]) or not 50 <= float(token.text[:-1]) <= 75:
        raise token.fail(f"{token.shown} is no swing: it is between 50% (straight) and 75%")
    return float(Decimal(token.text[:-1]) / 100)


def is_equals(token: Token, before: Token) -> bool:
    """Whether a token is the sign in "key = G", and not that in a tempo of another note."""
    return token.text == "=" and before.text.lower() in HEADER


def usual(inner: list[Token], known: Collection[str]) -> list[Token]:
    """Tokens of a section as the grammar has them: "Repeat chorus" -> "chorus", "[Verse] Am F" -> "[Verse]: Am F"."""
    if len(inner) > 1 and inner[0].text.lower() == "repeat" and name_of(inner[1:]).casefold() in known:
        return inner[1:]
    if len(inner) > 1 and inner[0].kind == "bracket" and not any(token.kind == "colon" for token in inner):
        word = inner[1].text
        chord = is_chord(word) and word.lower() not in ATTRIBUTES and not NUMBER.fullmatch(word)
        if not is_chord(inner[0].text) and inner[1].kind == "word" and chord:
            return [inner[0], replace(inner[1], kind="colon", text=":"), *inner[1:]]
    return inner


def is_degree(token: Token) -> bool:
    """Whether a word is a chord in a key alone, "6-", "bVII" or "1/3", which may look like a number of bars."""
    read = read_chords(token.text) if token.kind == "word" and len(token.text) <= LONGEST else []
    return len(read) == 1 and read[0].symbol is None and is_chord(token.text)


def name_tokens(inner: list[Token]) -> list[Token]:
    """The tokens of a section's name: one in quotes or brackets, or words up to its bars or another entry."""
    if inner[0].kind in ("quoted", "bracket"):
        return inner[:1]
    end = 1
    while end < len(inner) and inner[end].kind == "word":
        word, after = inner[end].text.lower(), inner[end + 1].text.lower() if end + 1 < len(inner) else ""
        number = NUMBER.fullmatch(word) and not NUMBER.fullmatch(after)
        entry = any(kind.fullmatch(word) for kind in (SIGNED, METRE, TEMPO, REPEAT))
        if number or entry or word in ATTRIBUTES:
            break
        end += 1
    return inner[:end]


def name_of(inner: list[Token]) -> str:
    return " ".join(token.text for token in name_tokens(inner))


def stretches_of(found: list[Token]) -> list[list[Token]]:
    """Tokens of a line, split at its bar lines; a stretch keeps the bar line that it begins with, ":|" the end."""
    stretches: list[list[Token]] = [[]]
    for token in found:
        if token.kind in ("bar", "open"):
            stretches.append([])
        stretches[-1].append(token)
        if token.kind == "close":
            stretches.append([])
    return [stretch for stretch in stretches if stretch]
