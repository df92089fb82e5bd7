"""Mono audio (N,) float32 -> where sounds begin, how fast the beat is, and how steady it stays.

Tempo: the rise of a log-mel spectrum between frames is the onset strength. Its autocorrelation, in four bands, is
summed at the multiples of a beat (a comb, as in Scheirer, JASA 103, 1998) and of half a beat, and weighted by how usual
a tempo is; the two numbers of that weighting were set on training clips of the composed corpus. A listener may count
twice or half as fast: octave errors are counted apart wherever tempi are compared.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from .spectra import log_mel

BPM = (50.0, 200.0)
TEMPI = np.geomspace(*BPM, 556)  # a quarter of a percent apart
TEETH = 8  # multiples of a beat that are looked at
REACH = 6.0  # seconds; no tooth lies further off
COMMON, SPREAD = 133.0, 1.1  # beats a minute, octaves: the middle of the weighting, and how wide it is
BANDS = ((0, 6), (6, 16), (16, 32), (32, 48))  # of 48 mel bands: what is low, and so on
RANGE = 8.0  # natural log: what is that far (70 dB) below the loudest is silence
TOLERANCE = 0.04  # of a tempo that counts as the same, as in the MIREX tempo task
LOCAL = 4.0  # seconds whose beat is compared with that of the whole clip


def onsets(audio: np.ndarray, sample_rate: int) -> tuple[np.ndarray, float]:
    """Onset strength (T, 4) of four bands, above its mean over a second or zero, and its frames a second.

    The rise of each mel band against the loudest neighbour two frames before, which leaves vibrato out (Böck & Widmer,
    DAFx 2013).
    """
    hop = round(sample_rate / 125)
    waveform = torch.from_numpy(np.ascontiguousarray(audio))[None]
    mel = log_mel(waveform, sample_rate, 4 * hop, BANDS[-1][1], hop=hop)[0].numpy()
    mel = np.maximum(mel, mel.max() - RANGE)
    rise = np.maximum(mel[2:] - maximum_filter1d(mel, 3, axis=1)[:-2], 0)
    strength = np.stack([rise[:, low:high].mean(axis=1) for low, high in BANDS], axis=1)
    rate = sample_rate / hop
    return np.maximum(strength - uniform_filter1d(strength, round(rate), axis=0), 0), rate


def autocorrelation(signal: np.ndarray) -> np.ndarray:
    """Autocorrelation of a zero-mean signal (T,) at every lag, 1 at lag 0."""
    centred = signal - signal.mean()
    spectrum = np.fft.rfft(centred, 2 * len(centred))
    correlation = np.fft.irfft(np.abs(spectrum) ** 2)[: len(centred)]
    return correlation / max(correlation[0], 1e-9)


def comb(strength: np.ndarray, rate: float, tempi: np.ndarray) -> np.ndarray:
    """How well a beat at each of some tempi fits onset strength (T, bands): from about 0 to 1, mean of the bands."""
    period = 60 * rate / tempi
    lags = np.arange(len(strength))
    reach = min(REACH * rate, 0.8 * len(lags))
    scores = np.zeros(len(tempi))
    for band in strength.T:
        correlation = autocorrelation(band) / (1 - 0.9 * lags / len(lags))  # few products are summed at long lags
        score, weight = np.zeros(len(tempi)), np.full(len(tempi), 1e-9)
        for tooth in range(1, TEETH + 1):
            inside = (tooth * period <= reach) / tooth**0.5
            score += inside * np.interp(tooth * period, lags, correlation)
            weight += inside
        scores += np.maximum(score / weight, 0)
    return scores / strength.shape[1]


def tempo(audio: np.ndarray, sample_rate: int) -> float:
    """Beats a minute, between 50 and 200; a number comes out even where there is no beat."""
    return likeliest_tempo(*onsets(audio, sample_rate))


def likeliest_tempo(strength: np.ndarray, rate: float) -> float:
    """The tempo whose beats, and the halves between them, are where things begin."""
    score = comb(strength, rate, TEMPI) + comb(strength, rate, 2 * TEMPI)
    usual = np.exp(-0.5 * (np.log2(TEMPI / COMMON) / SPREAD) ** 2)
    return float(TEMPI[np.argmax(score * usual)])


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
    near = TEMPI[np.abs(np.log(TEMPI / likeliest_tempo(strength, rate))) < np.log(1.15)]
    length, hop = round(LOCAL * rate), round(rate)
    stretches = [strength[i : i + length] for i in range(0, len(strength) - length + 1, hop)]
    tempi = [near[np.argmax(comb(stretch, rate, near))] for stretch in stretches if stretch.any()]
    clear = float(comb(strength, rate, near).max())
    return clear, 100 * float(np.std(np.log(tempi))) if len(tempi) > 1 else 0.0


def beatiness(audio: np.ndarray, sample_rate: int) -> float:
    """How strongly sudden broadband onsets stand out: the 95th percentile of the summed rise of a log-mel spectrum."""
    mel = log_mel(torch.from_numpy(audio)[None], sample_rate, 1024, 40, hop=256)[0].numpy()
    return float(np.quantile(np.maximum(np.diff(mel, axis=0), 0).mean(axis=1), 0.95))
