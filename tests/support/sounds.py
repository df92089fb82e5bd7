"""Synthetic music of known tempo and key, for tests of what measures them."""

from __future__ import annotations

import numpy as np

RATE = 32_000
MAJOR, MINOR = (0, 4, 7), (0, 3, 7)
CADENCE = {
    "major": ((0, MAJOR), (5, MAJOR), (7, MAJOR), (0, MAJOR)),
    "minor": ((0, MINOR), (5, MINOR), (7, MAJOR), (0, MINOR)),
}


def beat(bpm: float, seconds: float = 10.0, seed: int = 0, rate: int = RATE) -> np.ndarray:
    """A kick on every beat, a snare on every second one and hats between them."""
    rng = np.random.default_rng(seed)
    wave = np.zeros(round(seconds * rate), np.float32)
    t = np.arange(round(0.2 * rate)) / rate
    kick = np.sin(2 * np.pi * 60 * t) * np.exp(-t / 0.06)
    snare = rng.standard_normal(len(t)) * np.exp(-t / 0.04)
    hat = np.diff(rng.standard_normal(len(t) + 1)) * np.exp(-t / 0.015)
    for half in range(int(2 * seconds * bpm / 60)):
        place = wave[round(half * 30 / bpm * rate) :][: len(t)]
        place += 0.15 * hat[: len(place)]
        if half % 2 == 0:
            place += 0.7 * kick[: len(place)]
        if half % 4 == 2:
            place += 0.3 * snare[: len(place)]
    return wave


def tones(notes, seconds: float, rate: int = RATE) -> np.ndarray:
    """Notes (MIDI) together, each with four overtones."""
    t = np.arange(round(seconds * rate)) / rate
    wave = sum(np.sin(2 * np.pi * h * 440 * 2 ** ((n - 69) / 12) * t) / h**1.5 for n in notes for h in (1, 2, 3, 4))
    return (0.1 * wave * np.minimum(1, 20 * np.minimum(t, t[::-1]))).astype(np.float32)


def cadence(tonic: int, mode: str, seconds: float = 8.0) -> np.ndarray:
    """I IV V I (with the major dominant in minor) over its bass notes."""
    chords = [
        tones([36 + (tonic + root) % 12, *(60 + (tonic + root + step) % 12 for step in chord)], seconds / 4)
        for root, chord in CADENCE[mode]
    ]
    return np.concatenate(chords)


SONG = (("Am", (45, 57, 60, 64)), ("F", (41, 57, 60, 65)), ("C", (36, 55, 60, 64)), ("G", (43, 55, 59, 62)))


def played(bpm: float, metre: int, seconds: float = 20.0, late: float = 0.0) -> np.ndarray:
    """A bar of each chord of SONG, over and over, struck on every beat with a drum; the first bar begins at `late`."""
    rng, quarter = np.random.default_rng(0), 60 / bpm
    wave = np.zeros(round((seconds + 4) * RATE), np.float32)
    drum = rng.standard_normal(RATE // 20) * np.exp(-np.arange(RATE // 20) / 400)
    thud = np.sin(2 * np.pi * 60 * np.arange(RATE // 8) / RATE) * np.exp(-np.arange(RATE // 8) / 1500)
    for number in range(int((seconds - late) / quarter) + 1):
        at = round((late + number * quarter) * RATE)
        pitches = SONG[number // metre % 4][1]
        note = tones(pitches, quarter * 0.95) * np.exp(-np.arange(round(quarter * 0.95 * RATE)) / (0.4 * RATE))
        wave[at : at + len(note)] += (0.3 if number % metre else 0.5) * note
        struck = drum if number % metre else thud
        wave[at : at + len(struck)] += 0.4 * struck
    return wave[: round(seconds * RATE)].astype(np.float32)
