"""Audio (C, N) float32 -> what of it can be told in exact numbers (NUMBERS,): tempo, harmony, width.

A network that sees a mel spectrogram through strided filters cannot count beats, tell major from minor, or hear where a
sound stands. These numbers say it.
"""

from __future__ import annotations

import numpy as np

from .key import PROFILES, chroma, key_of
from .tempo import comb, onsets

TEMPI = np.geomspace(50, 200, 60)  # how well a beat at each of them fits
EDGES = (60, 150, 300, 600, 1200, 2400, 4800, 9600, 14_000)  # Hz, of the bands whose width is told
NARROW = -3.0  # the width of a band whose sides are 60 dB below its middle, or nothing
NUMBERS = len(TEMPI) + 4 + 12 + 12 + 2 + len(EDGES)


def heard_numbers(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """(NUMBERS,) float32: how well each of TEMPI fits, with the halves of its beats; how much begins in four bands;
    pitch classes, C first; the same with the likeliest tonic first; how well a major and a minor key fit; width of
    bands, and the channels' correlation.
    """
    mono = audio.mean(axis=0)
    strength, rate = onsets(mono, sample_rate)
    classes = chroma(mono, sample_rate)
    (tonic, _), _ = key_of(classes)
    return np.concatenate(
        [
            comb(strength, rate, TEMPI) + comb(strength, rate, 2 * TEMPI),
            np.log1p(10 * strength.mean(axis=0)),
            classes,
            np.roll(classes, -tonic),
            [_fit(classes, profile) for profile in PROFILES],
            _widths(audio, sample_rate),
        ]
    ).astype(np.float32)


def _fit(classes: np.ndarray, profile: np.ndarray) -> float:
    """The correlation of pitch classes with a key's profile, of the best of twelve tonics; 0 of silence."""
    if classes.std() < 1e-9:
        return 0.0
    return max(float(np.corrcoef(classes, np.roll(profile, tonic))[0, 1]) for tonic in range(12))


def _widths(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """The logarithm (base ten) of the side's share of each band, and the correlation of the channels."""
    left, right = audio[0], audio[-1]
    mid, side = (np.abs(np.fft.rfft(channel)) ** 2 for channel in (left + right, left - right))
    hertz = np.fft.rfftfreq(len(left), 1 / sample_rate)
    bands = [(hertz >= low) & (hertz < high) for low, high in zip(EDGES, EDGES[1:], strict=False)]
    shares = [np.log10((side[band].sum() + 1e-9) / (mid[band].sum() + 1e-9)) / 2 for band in bands]
    power = np.sqrt((left**2).mean() * (right**2).mean())
    return np.array([*np.clip(shares, NARROW, 1), float((left * right).mean() / power) if power > 1e-12 else 1.0])
