"""What a prompt states in so many words: prompt -> tempo, key, metre, drums -> a vector (WIDTH,) for a generator.

Pace ("slow", "up-tempo") and chords are read too, but only for the plan (`planner`).

A sentence encoder hardly tells 124 from 128 BPM, or "drums" from "no drums". What can be read exactly is read here, and
is appended to the sentence's own vector.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np

from .theory import ACCIDENTALS, DARK_MODES, MODE_WORDS, QUALITIES, pitch_class

LAYOUT = 1  # of the vector; a model names the one that it was trained with
BPM = (40.0, 220.0)
METRES = ("4/4", "3/4", "6/8")  # that the vector has a place for
TEMPI = 40  # bumps on a logarithmic scale over BPM, about 4 % apart
WIDTH = 1 + TEMPI + 1 + 12 + 2 + len(METRES) + 2

_NUMBER = r"(\d{2,3}(?:\.\d+)?)"
_TEMPO = re.compile(
    rf"{_NUMBER}[\s-]*(?:bpm|b\.p\.m|beats?[\s-]per[\s-]minute)|\b(?:tempo|bpm)(?:\s+(?:of|is|at)|\s*[:=])?\s*{_NUMBER}\b",
    re.IGNORECASE,
)
_KEY = re.compile(
    rf"\b([A-Ga-g])(?:([#♯♭b])|[\s-]?(sharp|flat))?[\s-](?i:({'|'.join(MODE_WORDS)}))\b(?!\s+(?:key|mode|mood|scale|chord|tonality|feel))"
)
_METRE = re.compile(r"(?<![\d/])([2-9]|12)/([248])(?![\d/])")
_MODE_ALONE = re.compile(r"\b(major|minor)(?:[\s-]key|[\s-]mode|[\s-]tonality|\s+scale)\b", re.IGNORECASE)
_DRUMS = r"(?:drum(?:s|mer|ming)?|percussion|beats?|rhythm|drum\s+(?:kit|machine))"
_NO_DRUMS = re.compile(rf"\b(?:no|without(?:\s+any)?|free\s+of)\s+{_DRUMS}\b|\b(?:drum|beat)less\b", re.IGNORECASE)
_WITH_DRUMS = re.compile(
    r"\b(?:drum(?:s|mer|ming)?|percussion|808|snares?|kicks?(?!\s+(?:in|off|back))|hi[\s-]?hats?|cymbals?|brushes|congas?"
    r"|bongos?|breakbeats?|four[\s-](?:on|to)[\s-]the[\s-]floor)\b",
    re.IGNORECASE,
)
_SYMBOL = rf"[A-G][#♯b♭]?(?:{'|'.join(sorted(map(re.escape, QUALITIES), key=len, reverse=True))})(?![\w#♯♭])"
_CHORDS = re.compile(
    rf"\b(?:[Cc]hords?|[Pp]rogression)\b(?:\s+(?:are|is|of))?[\s:]*({_SYMBOL}(?:[\s,|>–-]+{_SYMBOL})+)"
)
_NOT = r"(?<!not )(?<!not too )(?<!never )(?<!less )(?<!too )"
_PACES = {
    "slow": re.compile(rf"\b{_NOT}(?:slow(?:ly|er)?|unhurried|adagio|largo|lento|down[\s-]?tempo)\b", re.IGNORECASE),
    "fast": re.compile(
        rf"\b{_NOT}(?:fast(?:er)?|quick(?:ly)?|rapid(?:ly)?|up[\s-]?tempo|high[\s-]speed|breakneck|presto|allegro|vivace)\b",
        re.IGNORECASE,
    ),
}
_WORD_METRES = {
    "3/4": re.compile(r"\bwaltz\b|\btriple\s+(?:time|met(?:re|er))\b|\bthree[\s-](?:four|quarter|beats)\b", re.I),
    "6/8": re.compile(r"\bsix[\s-]eight\b", re.I),
    "4/4": re.compile(r"\bfour[\s-](?:four|to[\s-]the[\s-]floor|on[\s-]the[\s-]floor)\b|\bcommon\s+time\b", re.I),
}  # fmt: skip


@dataclass(frozen=True)
class PromptFacts:
    """What a prompt states; None: it says nothing of that."""

    tempo: float | None = None  # beats a minute, within BPM
    tonic: int | None = None  # pitch class, 0 is C
    minor: bool | None = None
    metre: str | None = None  # one of METRES
    drums: bool | None = None
    chords: tuple[str, ...] = ()  # symbols of `theory.QUALITIES`; not in the vector
    pace: str | None = None  # "slow" or "fast", in words; not in the vector

    def vector(self) -> np.ndarray:
        """(WIDTH,) float32: zeros where nothing is stated, else a mark and the value.

        A tempo is two or three bumps of a logarithmic scale, so that near tempi have near vectors.
        """
        tempo, tonic, mode = np.zeros(1 + TEMPI), np.zeros(13), np.zeros(2)
        metre, drums = np.zeros(len(METRES)), np.zeros(2)
        if self.tempo is not None:
            low, high = map(math.log2, BPM)
            place = (math.log2(self.tempo) - low) / (high - low) * (TEMPI - 1)
            tempo[0] = 1
            tempo[1:] = np.exp(-0.5 * np.square(np.arange(TEMPI) - place))
        if self.tonic is not None:
            tonic[0] = tonic[1 + self.tonic] = 1
        if self.minor is not None:
            mode[int(self.minor)] = 1
        if self.metre is not None:
            metre[METRES.index(self.metre)] = 1
        if self.drums is not None:
            drums[int(self.drums)] = 1
        return np.concatenate([tempo, tonic, mode, metre, drums]).astype(np.float32)


def parse_prompt(prompt: str) -> PromptFacts:
    """Read a prompt. The first tempo and key that are named count; a tempo outside of BPM is not taken."""
    tonic, minor = _key(prompt)
    return PromptFacts(_tempo(prompt), tonic, minor, _metre(prompt), _drums(prompt), _chords(prompt), _pace(prompt))


def _tempo(prompt: str) -> float | None:
    found = _TEMPO.search(prompt)
    tempo = float(found[1] or found[2]) if found else 0.0
    return tempo if BPM[0] <= tempo <= BPM[1] else None


def _key(prompt: str) -> tuple[int | None, bool | None]:
    for note, sign, word, mode in _KEY.findall(prompt):
        if note == "a" and not (sign or word) and not re.search(r"\b(?:in|of|key)\s+a\s+" + mode, prompt):
            continue  # the article: "a minor point"
        return (pitch_class(note.upper()) + ACCIDENTALS[sign or word]) % 12, MODE_WORDS[mode.lower()] in DARK_MODES
    alone = _MODE_ALONE.search(prompt)
    return None, MODE_WORDS[alone[1].lower()] in DARK_MODES if alone else None


def _metre(prompt: str) -> str | None:
    found = _METRE.search(prompt)
    if found:
        return found[0] if found[0] in METRES else None
    return next((metre for metre, words in _WORD_METRES.items() if words.search(prompt)), None)


def _pace(prompt: str) -> str | None:
    """The pace that a prompt asks for; one that asks for both says nothing."""
    said = [pace for pace, words in _PACES.items() if words.search(prompt)]
    return said[0] if len(said) == 1 else None


def _chords(prompt: str) -> tuple[str, ...]:
    found = _CHORDS.search(prompt)
    if not found:
        return ()
    return tuple(symbol.replace("♯", "#").replace("♭", "b") for symbol in re.findall(_SYMBOL, found[1]))


def _drums(prompt: str) -> bool | None:
    if _NO_DRUMS.search(prompt):
        return False
    return True if _WITH_DRUMS.search(prompt) else None
