"""Notes -> what can be told of their harmony: the key, and the chords that they clearly make."""

from __future__ import annotations

import numpy as np

from musicgen_app.analysis.key import key_of
from musicgen_app.control.theory import QUALITIES

from ..compose.score import Note
from ..compose.theory import Key

INSIDE = 0.85  # share of the sound that a chord must hold
PRESENT = 0.06  # share of the sound that each of its notes must have
TONE, BASS = 0.1, 0.1  # what each note of a chord costs, what its root in the bass gains: of several the simplest

AMBIGUOUS = {  # of composed pieces mostly found where another chord was meant, or too rare to be told from others
    "6", "sus2", "sus4", "7sus4", "9sus4", "maj9", "13", "maj13", "m13", "m11", "69", "7b5", "7b9", "7#9",
    "aug7", "mmaj7",
}  # fmt: skip

_CHORDS = [(root, quality) for quality in QUALITIES if quality not in AMBIGUOUS for root in range(12)]
_TONES = np.zeros((len(_CHORDS), 12), dtype=bool)
for _row, (_root, _quality) in zip(_TONES, _CHORDS, strict=True):
    _row[[(_root + step) % 12 for step in QUALITIES[_quality]]] = True
_ROOTS = np.array([root for root, _ in _CHORDS])
_COST = TONE * _TONES.sum(axis=1)


def classes(notes: list[Note], start: float, end: float) -> np.ndarray:
    """Beats for which each pitch class (12,) sounds from `start` to `end`."""
    weights = np.zeros(12)
    for note in notes:
        weights[note.pitch % 12] += max(0.0, min(note.start + note.beats, end) - max(note.start, start))
    return weights


def key_of_notes(notes: list[Note], start: float, end: float) -> tuple[Key, float]:
    """The major or minor key, and how well the notes fit it: a correlation, at most 1."""
    (tonic, mode), fit = key_of(classes(notes, start, end))
    return Key(tonic, mode), fit


def chords(notes: list[Note], start: float, end: float, bar: float, key: Key) -> tuple[str, ...]:
    """A symbol for every half bar, spelled as in `key`; nothing ("") where no chord fits well.

    A chord that fits the whole bar is taken for both its halves.
    """
    symbols: list[str] = []
    for number in range(round((end - start) / bar)):
        begin = start + number * bar
        middle, finish = begin + bar / 2, begin + bar
        whole = _chord(notes, begin, finish, key)
        symbols += [whole or _chord(notes, begin, middle, key), whole or _chord(notes, middle, finish, key)]
    return tuple(symbols)


def _chord(notes: list[Note], start: float, end: float, key: Key) -> str:
    sounding = [note for note in notes if note.start < end - 1e-6 and note.start + note.beats > start + 1e-6]
    weights = classes(sounding, start, end)
    if weights.sum() < 0.5 * (end - start):
        return ""
    share = weights / weights.sum()
    fits = _TONES @ share
    clear = (fits >= INSIDE) & (np.where(_TONES, share, 1.0).min(axis=1) >= PRESENT)
    if not clear.any():
        return ""
    bass = min(note.pitch for note in sounding) % 12
    best = int(np.argmax(np.where(clear, fits - _COST + BASS * (_ROOTS == bass), -1.0)))
    root, quality = _CHORDS[best]
    return key.spelling[root] + quality
