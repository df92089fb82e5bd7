"""What was made, in the place of what was there: at its level, faded over it, never above the ceiling."""

from __future__ import annotations

import numpy as np

from .. import audio
from ..songbook.wishes import RING
from .timeline import FADE

LEVEL = 4.0  # what is made is brought to the level of what is kept by at most so much (12 dB)
NEAR = (-4.0, 3.0)  # dB that what is made may be softer or louder than what is kept around it
SETTLE = 0.005  # seconds over which what is made begins, or stops, at an end of the recording


def gain(made: np.ndarray, there: np.ndarray) -> np.ndarray:
    """(channels, 1): what brings the codec's version of what is kept (channels, n) to the level of the original."""
    power = [np.square(sound, dtype=np.float64).mean(axis=1, keepdims=True) for sound in (there, made)]
    heard = np.minimum(*power) > 10 ** (audio.SILENCE / 10)
    ratio = np.sqrt(np.where(heard, power[0], 1.0) / np.where(heard, power[1], 1.0))
    return np.clip(ratio, 1 / LEVEL, LEVEL)


def beside(made: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """What was made (channels, n); where it is far louder or softer than what is kept around it, near to that level."""
    power = [float(np.square(sound, dtype=np.float64).mean()) for sound in (kept, made)]
    if min(power) <= 10 ** (audio.SILENCE / 10):
        return made
    over = 10 * np.log10(power[1] / power[0])
    return made * np.float32(10 ** ((np.clip(over, *NEAR) - over) / 20))


def spliced(
    there: np.ndarray, made: np.ndarray, sample_rate: int, before: bool, after: bool, ends: bool = False
) -> np.ndarray:
    """A span (channels, n) of what was made, faded over what was there (channels, n) at its edges.

    before, after: whether something is kept on that side; else it begins, or stops, at once, without a click. ends: its
    last chord dies away. Lowered by one gain where it would be above the ceiling of `audio`.
    """
    result = made.astype(np.float64)
    fade = min(round(FADE * sample_rate), result.shape[1] // 2)
    settle = min(round(SETTLE * sample_rate), result.shape[1] // 2)
    if not before:
        result[:, :settle] *= _rise(settle)
    if ends:
        dying = min(round(RING * sample_rate), result.shape[1] // 2)
        result[:, -dying:] *= _rise(dying)[::-1]
    elif not after:
        result[:, -settle:] *= _rise(settle)[::-1]
    headroom = audio.CEILING - audio.ROUNDING - audio.true_peak(result, sample_rate)
    result *= min(1.0, 10 ** (headroom / 20))
    if before:
        result[:, :fade] = faded(there[:, :fade], result[:, :fade])
    if after:
        result[:, -fade:] = faded(there[:, : -fade - 1 : -1], result[:, : -fade - 1 : -1])[:, ::-1]
    return result.astype(np.float32)


def faded(old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """(channels, n): from the old sound to the new one, of equal power whether they are alike or not."""
    place = (np.arange(old.shape[1]) + 0.5) / old.shape[1] * np.pi / 2
    out, into = np.cos(place), np.sin(place)
    energies = np.square(old, dtype=np.float64).sum() * np.square(new, dtype=np.float64).sum()
    alike = float((old.astype(np.float64) * new).sum() / np.sqrt(energies)) if energies > 0 else 0.0
    return (out * old + into * new) / np.sqrt(1 + 2 * out * into * max(0.0, alike))


def _rise(samples: int) -> np.ndarray:
    return 0.5 - 0.5 * np.cos(np.pi * (np.arange(samples) + 0.5) / max(samples, 1))
