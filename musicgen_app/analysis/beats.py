"""Mono audio (N,) float32 -> its beats and bars, for music whose tempo holds.

One tempo is fitted to the whole clip: the one whose harmonics are strongest in the onset strength, and then the phase
at which most things begin on the beat, low ones above all. A bar begins where harmony changes and the bass strikes
(Goto, J. New Music Research 30, 2001). Of music whose tempo wanders the clarity is low.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from .key import fold, frame_times, semitones
from .tempo import comb, likeliest_tempo, onsets

NEAR = 0.04  # of a first tempo: how far the fitted one may be from it
HARMONICS = {1: 1.0, 2: 1.0, 4: 0.5}  # of the beat, and what each counts
BANDS = (1.0, 0.6, 0.4, 0.3)  # what an onset in each band, from low to high, says of where the beat is
SMOOTH = 0.015  # seconds that an onset may be off
METRES = {4: 0.15, 3: 0.0}  # beats in a bar -> what speaks for it from the start
LOW, BEAT = 0.5, 1.0  # what low onsets say of bar lines beside harmony, and what the phase of the beat does
LATE = 2 / 125  # seconds: a rise is told against two frames before


@dataclass(frozen=True)
class Beats:
    """Where the beats and bars of a clip are.

    tempo: beats a minute; first: seconds of the first beat; clarity: how clear the beat is, from about 0 to 1;
    metre: beats in a bar; downbeat: the number of the first beat that begins a bar; certainty: how much better that
    downbeat fits than the next best one, from 0 on; lead: how much better the beats fit than half a beat later, 0 to 1.
    """

    tempo: float
    first: float
    clarity: float
    metre: int
    downbeat: int
    certainty: float
    lead: float = 0.0

    def times(self, seconds: float) -> np.ndarray:
        """The moments of all beats of a clip of so many seconds."""
        return np.arange(self.first, seconds, 60 / self.tempo)


def find_beats(audio: np.ndarray, sample_rate: int, tempo: float | None = None, metre: int | None = None) -> Beats:
    """The beats of a clip. A clip without a beat also gets an answer, with low clarity.

    tempo, metre: where they are known; a metre of 3 or 4 beats.
    """
    strength, rate = onsets(audio, sample_rate)
    rough = tempo or likeliest_tempo(strength, rate)
    strength = np.sqrt(strength / np.maximum(strength.mean(axis=0), 1e-9))
    tempo = tempo or _fitted(strength, rate, rough)
    clarity = float(comb(strength, rate, np.array([tempo]))[0])
    eighth = 30 / tempo
    first, lead = _phase(strength, rate, tempo)
    moments = np.arange(first % eighth, len(audio) / sample_rate, eighth)
    if len(moments) < 16:
        return Beats(tempo, first, clarity, metre or 4, 0, 0.0, lead)
    evidence = _standard(_changes(audio, sample_rate, moments, 4 * eighth))
    low = gaussian_filter1d(strength[:, 0], 0.02 * rate)
    evidence += LOW * _standard(np.interp(moments, np.arange(len(low)) / rate, low))
    on_beat = round((first - moments[0]) / eighth) % 2  # whether the moments that the phase prefers are odd ones
    metre, place, certainty = _bar(evidence, on_beat, lead, {metre: 0.0} if metre else METRES)
    return Beats(tempo, float(moments[place % 2]), clarity, metre, place // 2, certainty, lead)


def _fitted(strength: np.ndarray, rate: float, tempo: float) -> float:
    """The tempo near a given one whose harmonics are strongest in the onsets (T, bands)."""
    tempi = tempo * np.exp(np.linspace(-NEAR, NEAR, 401))
    signal = strength @ np.array(BANDS)
    signal = (signal - signal.mean()) * np.hanning(len(signal))
    moments = np.arange(len(signal)) / rate
    power = np.zeros(len(tempi))
    for harmonic, weight in HARMONICS.items():
        turns = np.exp(-2j * np.pi * harmonic * tempi[:, None] / 60 * moments)
        power += weight * np.abs(turns @ signal) ** 2
    return float(tempi[np.argmax(power)])


def _phase(strength: np.ndarray, rate: float, tempo: float) -> tuple[float, float]:
    """Seconds of the first beat at a tempo, and how much better it fits than half a beat later: 0 to 1."""
    signal = gaussian_filter1d(strength @ np.array(BANDS), SMOOTH * rate)
    period = 60 * rate / tempo
    phases = np.linspace(0, period, 96, endpoint=False)
    beats = np.arange(max(1, int((len(signal) - 1) / period)))
    fits = np.interp(phases[:, None] + beats * period, np.arange(len(signal)), signal).mean(axis=1)
    best = int(np.argmax(fits))
    lead = 1 - float(fits[(best + 48) % 96] / max(fits[best], 1e-9))
    return float(phases[best] / rate + LATE), lead


def _bar(evidence: np.ndarray, on_beat: int, lead: float, metres: dict[int, float]) -> tuple[int, int, float]:
    """Evidence for a bar line at each eighth note -> (beats in a bar, the first eighth that begins one, certainty).

    on_beat: 0 or 1, which eighths are rather beats; lead: how much rather; metres: that are possible, as METRES.
    """
    fits = {}
    for half in (0, 1):
        beats = evidence[half::2]
        number = np.arange(len(beats))
        parity = BEAT * lead * (1 if half == on_beat else -1)
        for metre, favour in metres.items():
            for beat in range(metre):
                here = number % metre == beat
                fits[metre, 2 * beat + half] = beats[here].mean() - beats[~here].mean() + favour + parity
    best = max(fits, key=lambda pair: fits[pair])
    others = [fit for (metre, place), fit in fits.items() if metre == best[0] and place != best[1]]
    return *best, float(fits[best] - max(others))


def _changes(audio: np.ndarray, sample_rate: int, moments: np.ndarray, reach: float) -> np.ndarray:
    """How much the pitch classes in `reach` seconds before and after each moment differ: 1 - cosine."""
    classes = fold(np.sqrt(semitones(audio, sample_rate)))
    summed = np.concatenate([np.zeros((1, 12)), np.cumsum(classes, axis=0)])
    times = frame_times(len(summed), sample_rate)

    def until(moment: np.ndarray) -> np.ndarray:
        return np.stack([np.interp(moment, times, column) for column in summed.T], axis=1)

    before, after = until(moments) - until(moments - reach), until(moments + reach) - until(moments)
    sizes = np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
    return np.where(sizes > 1e-9, 1 - (before * after).sum(axis=1) / np.maximum(sizes, 1e-9), 0.0)


def _standard(values: np.ndarray) -> np.ndarray:
    return (values - values.mean()) / max(values.std(), 1e-9)
