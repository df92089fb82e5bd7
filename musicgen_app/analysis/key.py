"""Mono audio (N,) float32 -> semitones, pitch classes, the key, the movement of the harmony, and the notes that sound.

All of it reads the same semitone spectrum: peaks of a short-time spectrum with their frequencies interpolated, so that
a tuned note falls into one semitone whatever the bins are. Concert pitch is taken to be 440 Hz.
"""

from __future__ import annotations

import itertools

import numpy as np

from ..control.plan import Plan
from ..control.prompt_parser import parse_prompt
from ..control.theory import parse_chord

WINDOW = 0.25  # seconds, rounded up to a power of two of samples
LOWEST, HIGHEST = 33, 96  # MIDI: 55 Hz to 2,093 Hz
RANGE = 1e-3  # of the loudest peak of a clip: below it there is none
# Profiles of pieces in major and minor, C first: Albrecht & Shanahan, Music Perception 31 (2013)
PROFILES = (
    np.array([0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081]),
    np.array([0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052]),
)


def semitones(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """Magnitudes (T, 64) of the semitones from 55 Hz to 2,093 Hz, four frames every quarter of a second."""
    size = 1 << int(np.ceil(np.log2(WINDOW * sample_rate)))
    audio = np.pad(audio, (0, max(0, size - len(audio))))
    frames = np.lib.stride_tricks.sliding_window_view(audio, size)[:: size // 4]
    spectrum = np.abs(np.fft.rfft(frames * np.hanning(size).astype(np.float32)))
    level = np.log(spectrum + 1e-9)
    low, mid, high = level[:, :-2], level[:, 1:-1], level[:, 2:]
    floor = np.log(max(float(spectrum.max()), 1e-6) * RANGE)
    frame, number = np.nonzero((mid >= low) & (mid > high) & (mid > floor))
    a, b, c = (part[frame, number] for part in (low, mid, high))
    shift = 0.5 * (a - c) / np.minimum(a - 2 * b + c, -1e-6)  # vertex of a parabola
    place = 69 + 12 * np.log2(np.maximum(number + 1 + shift, 0.5) * sample_rate / size / 440)
    note = np.round(place).astype(int)
    inside = (note >= LOWEST) & (note <= HIGHEST)
    tuned = np.cos(np.pi * (place - note)) ** 2  # nothing for what lies between two semitones
    result = np.zeros((len(frames), HIGHEST - LOWEST + 1))
    np.maximum.at(result, (frame[inside], note[inside] - LOWEST), (np.exp(b) * tuned)[inside])
    return result


def frame_times(frames: int, sample_rate: int) -> np.ndarray:
    """Seconds of the middles of the frames of `semitones` (T,)."""
    size = 1 << int(np.ceil(np.log2(WINDOW * sample_rate)))
    return (np.arange(frames) * (size // 4) + size / 2) / sample_rate


def fold(magnitudes: np.ndarray, first: int = LOWEST) -> np.ndarray:
    """Semitones (T, S), the first of them MIDI `first` -> pitch classes (T, 12), C first."""
    classes = np.zeros((len(magnitudes), 12))
    np.add.at(classes.T, (np.arange(magnitudes.shape[1]) + first) % 12, magnitudes.T)
    return classes


def chroma(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """Share of each pitch class (12,), C first; roots of magnitudes, so that loud notes do not hide the others."""
    profile = fold(np.sqrt(semitones(audio, sample_rate))).sum(axis=0)
    return profile / max(profile.sum(), 1e-9)


def key(audio: np.ndarray, sample_rate: int) -> tuple[int, str]:
    """The key as (tonic 0..11, "major" or "minor"); of silence C major."""
    return key_of(chroma(audio, sample_rate))[0]


def key_of(classes: np.ndarray) -> tuple[tuple[int, str], float]:
    """Weights of the pitch classes (12,) -> the best of 24 keys and the correlation with its profile.

    The method of Krumhansl (Cognitive Foundations of Musical Pitch, 1990).
    """
    if classes.std() < 1e-9:
        return (0, "major"), 0.0
    fits = {
        (tonic, mode): float(np.corrcoef(classes, np.roll(profile, tonic))[0, 1])
        for tonic in range(12)
        for mode, profile in zip(("major", "minor"), PROFILES, strict=True)
    }
    best = max(fits, key=lambda key: fits[key])
    return best, fits[best]


def chords_kept(audio: np.ndarray, sample_rate: int, plan: Plan) -> list[bool]:
    """For each whole chord of a plan with tempo and chords that fits into the clip: is it the one of the plan's chords
    that fits best to the pitch classes of its stretch?"""
    symbols = sorted({symbol for symbol, _ in plan.chords})
    marks = np.stack([_tones(symbol) for symbol in symbols])
    assert plan.tempo, "a plan without a tempo has no times"
    kept: list[bool] = []
    at = 0.0
    for symbol, length in itertools.cycle(plan.chords):
        until = at + length * 60 / plan.tempo
        if round(until * sample_rate) > len(audio):
            break
        heard = chroma(audio[round(at * sample_rate) : round(until * sample_rate)], sample_rate)
        kept.append(symbols[int(np.argmax(marks @ heard))] == symbol)
        at = until
    return kept


def _tones(symbol: str) -> np.ndarray:
    """(12,): the pitch classes of a chord, without mean and of deviation 1."""
    marks = np.isin(np.arange(12), parse_chord(symbol).pitches).astype(float)
    return (marks - marks.mean()) / marks.std()


def parse_key(text: str) -> tuple[int, str]:
    """ "Bb dorian" -> (10, "minor"): the tonic, and the third of the mode. ValueError: no key."""
    found = parse_prompt(text)
    if found.tonic is None:
        raise ValueError(f"{text!r} is no key such as 'Bb minor'")
    return found.tonic, "minor" if found.minor else "major"


def relative(found: tuple[int, str]) -> tuple[int, str]:
    """The key of the other mode with the same notes: C major and A minor are relatives."""
    tonic, mode = found
    return ((tonic + 9) % 12, "minor") if mode == "major" else ((tonic + 3) % 12, "major")


def movement(audio: np.ndarray, sample_rate: int) -> float:
    """How much the harmony changes: the mean of 1 - cosine between the pitch classes of neighbouring seconds."""
    classes = fold(np.sqrt(semitones(audio, sample_rate)))
    length = max(1, round(len(classes) * sample_rate / max(len(audio), 1)))  # frames a second
    seconds = np.stack([part.sum(axis=0) for part in np.array_split(classes, max(1, len(classes) // length))])
    seconds = seconds / np.maximum(np.linalg.norm(seconds, axis=1, keepdims=True), 1e-9)
    return float(1 - (seconds[1:] * seconds[:-1]).sum(axis=1).mean()) if len(seconds) > 1 else 0.0


def notes(audio: np.ndarray, sample_rate: int, below: float = 30.0) -> np.ndarray:
    """Which semitones have a spectral peak: (T, 64) bool, those at most `below` dB under the loudest of half a second.

    Overtones are peaks too: this compares two versions of one piece, it writes no score.
    """
    magnitudes = semitones(audio, sample_rate)
    loudest = np.stack([magnitudes[max(0, i - 4) : i + 5].max() for i in range(len(magnitudes))])
    return magnitudes > np.maximum(loudest, magnitudes.max() * RANGE)[:, None] * 10 ** (-below / 20)
