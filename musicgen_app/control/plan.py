"""The plan of a clip: tempo, metre, key, chords, drums -> the grid (T, WIDTH) that tells a generator of every frame.

A network that sees 12 frames a second of noise cannot keep count of the beat by itself. It need not if it is told where
in the bar each frame is. The same holds for the chord that sounds and the key that it belongs to.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from .theory import METRES, MODES, QUALITIES, parse_chord, pitch_class

LAYOUT = 1  # of the grid; a model names the one that it was trained with
SIZES = (10, 24, 24, 2)  # numbers a frame about the place in the bar, the chord, the scale, the drums
WIDTH = sum(SIZES)


@dataclass(frozen=True)
class Plan:
    """What a clip's music follows; any part may be unknown.

    tempo: quarter notes a minute; metre: of `theory.METRES`; start: quarter notes from the beginning of the piece, a
    bar line, to that of the clip; key: tonic and mode of `theory.MODES`, such as "F# minor"; chords: those of the
    piece, (symbol, length in quarter notes), over and over, the symbol "" where the chord is unknown; drums: whether
    there are any.
    """

    tempo: float | None = None
    metre: str = "4/4"
    start: float = 0.0
    key: str | None = None
    chords: tuple[tuple[str, float], ...] = ()
    drums: bool | None = None

    def to_dict(self) -> dict:
        """JSON-safe dictionary; from_dict gives the plan back."""
        return vars(self) | {"chords": [list(chord) for chord in self.chords]}

    @classmethod
    def from_dict(cls, facts: dict) -> Plan:
        return cls(**facts | {"chords": tuple((symbol, length) for symbol, length in facts.get("chords", ()))})

    def check(self) -> None:
        """Raise ValueError (or TypeError) where an entry is not what it should be."""
        if self.metre not in METRES:
            raise ValueError(f"{self.metre!r} is no metre of {', '.join(METRES)}")
        if self.tempo is not None and not 1 <= self.tempo <= 1_000:
            raise ValueError(f"a tempo of {self.tempo} cannot be")
        if self.drums not in (None, True, False):
            raise ValueError("drums are neither there nor not")
        if self.chords and not all(length > 0 for _, length in self.chords):
            raise ValueError("a chord has no length")
        if not np.isfinite(self.grid(1, 1.0)).all():
            raise ValueError("its grid is not finite")

    def describe(self) -> str:
        """In words, such as "124 BPM, 4/4, A minor, Am F C G, no drums"; at most the first eight chords."""
        parts = [] if self.tempo is None else [f"{self.tempo:g} BPM", self.metre]
        parts += [self.key] if self.key else []
        chords = [symbol for symbol, _ in self.chords if symbol]
        parts += [" ".join(chords[:8]) + (" ..." if len(chords) > 8 else "")] if chords else []
        parts += [] if self.drums is None else ["drums" if self.drums else "no drums"]
        return ", ".join(parts)

    def later(self, seconds: float) -> Plan:
        """The plan of the rest of the clip, from so many seconds on."""
        if self.tempo is None or not seconds:
            return self
        return replace(self, start=self.start + seconds * self.tempo / 60)

    def grid(self, frames: int, rate: float, first: int = 0) -> np.ndarray:
        """(frames, WIDTH) float32 of `frames` frames, `rate` a second, from number `first` on; unknown parts are zero.

        Sine and cosine of the place in the bar, its half, the quarter, eighth and sixteenth note; pitch classes of the
        chord, its root, pitch classes of the scale, its tonic; drums, none.
        """
        pulse, chord, scale, drums = (np.zeros((frames, n), dtype=np.float32) for n in SIZES)
        if self.tempo is not None:
            quarters = self.start + (first + np.arange(frames) + 0.5) / rate * self.tempo / 60
            bar = METRES[self.metre]
            turns = quarters[:, None] / np.array([bar, bar / 2, 1, 1 / 2, 1 / 4])
            pulse[:] = np.concatenate([np.sin(2 * np.pi * turns), np.cos(2 * np.pi * turns)], axis=1)
            if self.chords:
                ends = np.cumsum([length for _, length in self.chords])
                sounding = np.searchsorted(ends, quarters % ends[-1], side="right")
                chord[:] = np.stack([_chord(symbol) for symbol, _ in self.chords])[sounding]
        if self.key is not None:
            scale[:] = _scale(self.key)
        if self.drums is not None:
            drums[:, 0 if self.drums else 1] = 1
        return np.concatenate([pulse, chord, scale, drums], axis=1)


@lru_cache(maxsize=1024)
def _chord(symbol: str) -> np.ndarray:
    if not symbol:
        return np.zeros(24, dtype=np.float32)
    root, quality = parse_chord(symbol)
    return _marks([root + step for step in QUALITIES[quality]], root)


@lru_cache(maxsize=256)
def _scale(key: str) -> np.ndarray:
    note, _, mode = key.partition(" ")
    tonic = pitch_class(note)
    return _marks([tonic + step for step in MODES[mode]], tonic)


def _marks(pitches: list[int], first: int) -> np.ndarray:
    """(24,): ones at the pitch classes, then at the first one alone."""
    marks = np.zeros(24, dtype=np.float32)
    marks[[pitch % 12 for pitch in pitches]] = 1
    marks[12 + first] = 1
    return marks
