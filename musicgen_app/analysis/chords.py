"""Mono audio (N,) float32 and its beats -> the chord that sounds on every beat, and how sure that is.

Pitch classes of each beat are compared with those of chords, with some overtones; the best way through all beats is
that of a hidden Markov model that would rather stay (Sheh & Ellis, ISMIR 2003), most of all within a bar.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..control.theory import SHARPS, key_name, parse_chord, spell_note
from .key import LOWEST, fold, frame_times, key_of, semitones

KINDS = {"": 0.0, "m": 0.0, "7": 0.03, "m7": 0.03, "maj7": 0.03, "dim": 0.05}  # chords looked for -> what they cost
OVERTONES = {0: 1.0, 7: 0.25, 4: 0.12}  # semitones above a note that sound with it
STAY, BAR = 0.45, 0.08  # what a change of chord costs within a bar, and at a bar line
BASS = 0.1  # what a root in the bass gains
BASS_HIGHEST = 55  # MIDI: the bass is below


class Heard(NamedTuple):
    """The chord of a beat: its symbol, and how well it fits: the correlation of its pitch classes, up to 1."""

    symbol: str
    fit: float


def find_chords(audio: np.ndarray, sample_rate: int, times: np.ndarray, downbeats: np.ndarray) -> list[Heard]:
    """The chord of every beat. times: where beats begin, seconds (B,); downbeats: whether a bar begins there (B,)."""
    if not len(times):
        return []
    levels = np.sqrt(semitones(audio, sample_rate))
    moments = frame_times(len(levels), sample_rate)
    last = (times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else np.inf  # as long as the others
    ends = np.append(times[1:], times[-1] + last)
    spans = [(moments >= begin) & (moments < end) for begin, end in zip(times, ends, strict=True)]
    classes = np.stack([fold(levels[span]).sum(axis=0) for span in spans])
    bass = np.stack([fold(levels[span][:, : BASS_HIGHEST - LOWEST + 1]).sum(axis=0) for span in spans])
    symbols = [(root, kind) for kind in KINDS for root in range(12)]
    marks = np.stack([_marks(root, kind) for root, kind in symbols])
    fits = _standard(classes) @ marks.T / 12
    roots = np.array([root for root, _ in symbols])
    low = bass / np.maximum(bass.max(axis=1, keepdims=True), 1e-9)
    scores = fits + BASS * low[:, roots] - np.array([KINDS[kind] for _, kind in symbols])
    path = _best_path(scores, np.where(downbeats, BAR, STAY))
    key = key_name(*key_of(classes.sum(axis=0))[0])
    names = [spell_note(root, key) + kind for root, kind in symbols]
    return [Heard(names[i], float(fits[beat, i])) for beat, i in enumerate(path)]


def _best_path(scores: np.ndarray, costs: np.ndarray) -> list[int]:
    """The way through scores (B, S), where a change to beat b costs costs[b] (Viterbi)."""
    best, back = scores[0], []
    for score, cost in zip(scores[1:], costs[1:], strict=True):
        leap = int(np.argmax(best))
        stays = best >= best[leap] - cost
        back.append(np.where(stays, np.arange(len(best)), leap))
        best = np.where(stays, best, best[leap] - cost) + score
    path = [int(np.argmax(best))]
    for pointers in reversed(back):
        path.append(int(pointers[path[-1]]))
    return path[::-1]


def _marks(root: int, kind: str) -> np.ndarray:
    """Pitch classes (12,) of a chord with the overtones of its notes, without mean and of deviation 1."""
    marks = np.zeros(12)
    for pitch in parse_chord(SHARPS[root] + kind).pitches:
        for step, level in OVERTONES.items():
            marks[(pitch + step) % 12] = max(marks[(pitch + step) % 12], level)
    return _standard(marks[None])[0]


def _standard(rows: np.ndarray) -> np.ndarray:
    centred = rows - rows.mean(axis=1, keepdims=True)
    return centred / np.maximum(centred.std(axis=1, keepdims=True), 1e-9)
