"""What a listener would notice in a clip, in numbers: mono audio (N,) float32 -> {measure: value}.

MEASURES names each with its unit and says which values are odd: those below, those above, or those on either side of
what real clips have.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import median_filter, uniform_filter1d
from scipy.signal import stft

from ..audio import loudness
from .key import movement
from .tempo import steadiness

MEASURES = {  # name: (what it is, which side of the real clips is odd, the least or most that is never odd)
    "beat": ("clearness of the beat, 0 to 1", "", None),
    "wander": ("tempo of four-second stretches, standard deviation in %", "above", 3.0),
    "harmony": ("change of pitch classes from second to second, 0 to 1", "both", None),
    "loudness": ("LUFS", "", None),
    "range": ("dB from the quiet to the loud blocks of 0.4 s", "both", None),
    "end": ("level of the last second, dB against the whole", "below", -30.0),
    "pause": ("longest silence, s", "above", 1.0),
    "click": ("sharpest single-sample jump, dB over what surrounds it", "above", 20.0),
    "whine": ("strongest tone that never stops above 1 kHz, dB over its neighbours", "above", 15.0),
    "above 4 kHz": ("dB of the whole", "both", None),
    "above 8 kHz": ("dB of the whole", "both", None),
    "above 12 kHz": ("dB of the whole", "both", None),
    "hole": ("a third-octave band below what real clips have, dB", "above", 6.0),
}
NAMES = {  # (measure, side) -> what a listener would call it
    ("wander", "above"): "the beat wanders", ("harmony", "below"): "the harmony stands still",
    ("harmony", "above"): "the harmony is restless", ("range", "below"): "flat loudness",
    ("range", "above"): "uneven loudness", ("end", "below"): "dead end", ("pause", "above"): "silence inside",
    ("click", "above"): "clicking", ("whine", "above"): "whining", ("hole", "above"): "hole in the spectrum",
    ("above 4 kHz", "below"): "muffled", ("above 4 kHz", "above"): "shrill", ("above 8 kHz", "below"): "dull",
    ("above 8 kHz", "above"): "hissing", ("above 12 kHz", "below"): "no air", ("above 12 kHz", "above"): "fizzing",
}  # fmt: skip
BLOCK = 0.4  # seconds
SILENT = 1e-3  # of the loudest block: what is quieter is silence
FLOOR = 1e-12
WHINE_FROM = 1_000.0  # Hz
BANDS = 1_000 * 2.0 ** (np.arange(-13, 12) / 3)  # centres of the third octaves from 50 Hz to 12.7 kHz


@dataclass(frozen=True, eq=False)
class Impression:
    """What is measured of one clip: all measures but "hole", the levels of its third octaves (25,) in dB, and the
    frequency of its whine in Hz."""

    values: dict[str, float]
    bands: np.ndarray
    whine: float


def listen(wave: np.ndarray, sample_rate: int) -> Impression:
    """All that is measured of one clip."""
    clear, wander = steadiness(wave, sample_rate)
    levels = _levels(wave, sample_rate)
    power, frequencies = spectrum(wave, sample_rate)
    mean = power.mean(axis=1) / max(power.mean(axis=1).sum(), FLOOR)
    over, where = whine(power, frequencies)
    values = {
        "beat": clear,
        "wander": wander,
        "harmony": movement(wave, sample_rate),
        "loudness": max(loudness(wave[None], sample_rate), -70.0),
        "range": float(np.quantile(levels, 0.95) - np.quantile(levels, 0.1)),
        "end": _decibels(np.square(wave[-sample_rate:]).mean() / max(np.square(wave).mean(), FLOOR)),
        "pause": _pause(wave, sample_rate),
        "click": click(wave, sample_rate),
        "whine": over,
    }
    values |= {f"above {edge} kHz": _decibels(mean[frequencies > 1000 * edge].sum()) for edge in (4, 8, 12)}
    edge = 2 ** (1 / 6)
    inside = [(frequencies >= centre / edge) & (frequencies < centre * edge) for centre in BANDS]
    return Impression(values, np.array([_decibels(mean[band].sum()) for band in inside]), where)


def hole(levels: np.ndarray, usual: np.ndarray) -> tuple[float, float]:
    """(how far, in dB, the emptiest third octave lies under its usual least level; its frequency in Hz)."""
    missing = usual - levels
    return float(max(missing.max(), 0.0)), float(BANDS[int(np.argmax(missing))])


def click(wave: np.ndarray, sample_rate: int) -> float:
    """The sharpest jump between samples in dB over the jumps of the 10 ms around it, without the nearest millisecond.

    Jumps are second differences: what is smooth before and after stands out, the onset of a drum does not.
    """
    jumps = np.square(np.diff(wave.astype(np.float64), 2))
    near, wide = round(0.001 * sample_rate) | 1, round(0.01 * sample_rate) | 1
    around = (wide * uniform_filter1d(jumps, wide) - near * uniform_filter1d(jumps, near)) / (wide - near)
    quiet = max(0.01 * jumps.mean(), 1e-10)  # in near silence the smallest jump would be a click
    return _decibels(float((jumps / np.maximum(around, quiet)).max(initial=0.0)))


def whine(power: np.ndarray, frequencies: np.ndarray) -> tuple[float, float]:
    """(level of the strongest stationary narrow peak in dB over its neighbours, its frequency) of power (F, T).

    Stationary: the level that a bin keeps for nine tenths of the time.
    """
    kept = 10 * np.log10(np.quantile(power, 0.1, axis=1) + FLOOR)
    over = kept - median_filter(kept, 41)
    over[frequencies < WHINE_FROM] = 0.0
    over[kept < kept.max() - 70] = 0.0  # what nobody hears
    return float(over.max()), float(frequencies[int(np.argmax(over))])


def spectrum(wave: np.ndarray, sample_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Power (F, T) in frames of 4,096 samples, and the frequencies (F,)."""
    wave = np.pad(wave, (0, max(0, 4096 - len(wave))))
    frequencies, _, values = stft(wave, sample_rate, nperseg=4096, noverlap=2048, padded=False, boundary=None)
    return np.square(np.abs(values)), frequencies


def _levels(wave: np.ndarray, sample_rate: int) -> np.ndarray:
    """Levels in dB of blocks of 0.4 s, a quarter of a block apart."""
    size = min(round(BLOCK * sample_rate), len(wave))
    power = np.lib.stride_tricks.sliding_window_view(np.square(wave), size)[:: max(1, size // 4)].mean(axis=1)
    return 10 * np.log10(np.maximum(power, power.max() * SILENT**2) + FLOOR)


def _pause(wave: np.ndarray, sample_rate: int) -> float:
    """Seconds of the longest stretch of 20 ms blocks that are 60 dB under the loudest one."""
    size = round(0.02 * sample_rate)
    power = np.square(wave[: len(wave) // size * size]).reshape(-1, size).mean(axis=1)
    longest = run = 0
    for quiet in power <= power.max(initial=0.0) * SILENT**2:
        run = run + 1 if quiet else 0
        longest = max(longest, run)
    return 0.02 * longest


def _decibels(power: float) -> float:
    return float(10 * np.log10(power + FLOOR))
