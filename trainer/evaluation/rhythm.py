"""Mono audio (N,) float32 -> when something begins, how fast the beat is, how steady it stays.

Tempo: the rise of a log-mel spectrum between frames is the onset strength; its autocorrelation is summed at the
multiples of a beat ("comb"), a common way since Scheirer (1998), and weighted by how common a tempo is. A listener may
count twice or half as fast: octave errors are counted apart wherever tempi are compared.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from ..spectra import log_mel

BPM = (50.0, 200.0)
TEMPI = np.exp(np.arange(np.log(BPM[0]), np.log(BPM[1] + 0.1), 0.0025))  # a quarter of a percent apart
TEETH = 8  # multiples of a beat that are looked at
REACH = 6.0  # seconds; no tooth lies further off
COMMON, SPREAD = 112.0, 0.75  # beats a minute, octaves: the most usual tempo and how fast others get rarer
RANGE = 8.0  # natural log: what is that far (70 dB) below the loudest is silence
TOLERANCE = 0.04  # of a tempo that counts as the same, as in the MIREX tempo task
LOCAL = 4.0  # seconds whose beat is compared with that of the whole clip


def onsets(audio: np.ndarray, sample_rate: int) -> tuple[np.ndarray, float]:
    """Onset strength (T,), zero on average over a second and never below it, and its frames a second.

    The rise of each band against the loudest neighbour two frames before, which leaves vibrato out (Böck & Widmer, DAFx
    2013).
    """
    hop = round(sample_rate / 125)
    mel = log_mel(torch.from_numpy(np.ascontiguousarray(audio))[None], sample_rate, 2 * round(2 * hop), 48, hop=hop)
    mel = mel[0].numpy()
    mel = np.maximum(mel, mel.max() - RANGE)
    before = maximum_filter1d(mel, 3, axis=1)[:-2]
    rise = np.maximum(mel[2:] - before, 0).mean(axis=1)
    rate = sample_rate / hop
    return np.maximum(rise - uniform_filter1d(rise, round(rate)), 0), rate


def autocorrelation(signal: np.ndarray) -> np.ndarray:
    """Autocorrelation of a zero-mean signal (T,) at every lag, 1 at lag 0."""
    centred = signal - signal.mean()
    spectrum = np.fft.rfft(centred, 2 * len(centred))
    correlation = np.fft.irfft(np.abs(spectrum) ** 2)[: len(centred)]
    return correlation / max(correlation[0], 1e-9)


def comb(strength: np.ndarray, rate: float) -> np.ndarray:
    """How well a beat at each of `TEMPI` fits onset strength (T,): from about 0 to 1."""
    correlation = autocorrelation(strength)
    lags = np.arange(len(correlation))
    correlation = correlation / (1 - 0.9 * lags / len(lags))  # fewer products are summed at long lags
    period = 60 * rate / TEMPI
    reach = min(REACH * rate, 0.8 * len(lags))
    score, weight = np.zeros(len(TEMPI)), np.zeros(len(TEMPI))
    for tooth in range(1, TEETH + 1):
        inside = tooth * period <= reach
        score += inside * np.interp(tooth * period, lags, correlation) / tooth**0.5
        weight += inside / tooth**0.5
    return score / np.maximum(weight, 1e-9)


def tempo(audio: np.ndarray, sample_rate: int) -> float:
    """Beats a minute, between 50 and 200; a number comes out even where there is no beat."""
    score = comb(*onsets(audio, sample_rate))
    usual = np.exp(-0.5 * (np.log2(TEMPI / COMMON) / SPREAD) ** 2)
    return float(TEMPI[np.argmax((score - min(score.min(), 0)) * usual)])


def same(heard: float, wanted: float) -> bool:
    """Whether two tempi are within 4 %."""
    return abs(heard / wanted - 1) <= TOLERANCE


def same_octave(heard: float, wanted: float) -> bool:
    """Whether a tempo is the other one, or twice, half, three times or a third of it."""
    return any(same(heard * factor, wanted) for factor in (1, 2, 1 / 2, 3, 1 / 3))


def steadiness(audio: np.ndarray, sample_rate: int) -> tuple[float, float]:
    """(how clear the beat is, from about 0 to 1; how far it wanders).

    Wandering is the standard deviation, in percent, of the tempi of four-second stretches that begin a second apart,
    each looked for within 15 % of the tempo of the whole. Short clips wander by 0.
    """
    strength, rate = onsets(audio, sample_rate)
    score = comb(strength, rate)
    whole = tempo(audio, sample_rate)
    near = np.abs(np.log(TEMPI / whole)) < np.log(1.15)
    length, hop = round(LOCAL * rate), round(rate)
    stretches = [strength[i : i + length] for i in range(0, len(strength) - length + 1, hop)]
    tempi = [TEMPI[near][np.argmax(comb(stretch, rate)[near])] for stretch in stretches if stretch.any()]
    clear = float(score[near].max())
    return clear, 100 * float(np.std(np.log(tempi))) if len(tempi) > 1 else 0.0


def beatiness(audio: np.ndarray, sample_rate: int) -> float:
    """How strongly sudden broadband onsets stand out: the 95th percentile of the summed rise of a log-mel spectrum."""
    mel = log_mel(torch.from_numpy(audio)[None], sample_rate, 1024, 40, hop=256)[0].numpy()
    return float(np.quantile(np.maximum(np.diff(mel, axis=0), 0).mean(axis=1), 0.95))
