"""Compression, saturation and limiting of (2, N) float32. Levels are followed in blocks of 64 samples."""

from __future__ import annotations

import math

import numpy as np
from scipy.ndimage import minimum_filter1d, uniform_filter1d

BLOCK = 64
LOOK_AHEAD = 0.005  # seconds that the limiter sees a peak coming


def _blocks(audio: np.ndarray) -> np.ndarray:
    """(2, N) -> (2, blocks, BLOCK), the last one filled with zeros."""
    return np.pad(audio, ((0, 0), (0, -audio.shape[1] % BLOCK))).reshape(len(audio), -1, BLOCK)


def _stretched(gain: np.ndarray, samples: int) -> np.ndarray:
    """One gain a block -> (samples,) float32, straight lines between the middles."""
    at = (np.arange(len(gain)) + 0.5) * BLOCK
    return np.interp(np.arange(samples, dtype=np.float32), at, gain).astype(np.float32)


def follow(curve: np.ndarray, rate: int, attack: float, release: float) -> np.ndarray:
    """A curve (blocks,) as a detector sees it: it rises in `attack` seconds and falls in `release` seconds."""
    up, down = (1 - math.exp(-BLOCK / rate / max(seconds, 1e-6)) for seconds in (attack, release))
    state, out = float(curve[0]), []
    for value in curve.tolist():
        state += (up if value > state else down) * (value - state)
        out.append(state)
    return np.array(out)


def level(audio: np.ndarray) -> float:
    """RMS in dB of the blocks that sound: those within 40 dB of the loudest. -180 for silence."""
    power = np.mean(_blocks(audio) ** 2, axis=(0, 2))
    loud = power[power > power.max() * 1e-4]
    return 10 * math.log10(float(loud.mean()) + 1e-18) if loud.size else -180.0


def compress(
    audio: np.ndarray, rate: int, above: float, ratio: float, attack: float = 0.01, release: float = 0.15,
    knee: float = 6.0,
) -> np.ndarray:  # fmt: skip
    """Levels more than `above` dB over the sound's own `level` rise by 1 dB for every `ratio` dB that they rose by.

    attack, release: seconds; knee: dB over which it sets in. Sides are turned down together.
    """
    power = np.mean(_blocks(audio) ** 2, axis=(0, 2))
    over = 10 * np.log10(power + 1e-12) - level(audio) - above
    bent = np.where(over > knee / 2, over, np.maximum(over + knee / 2, 0) ** 2 / (2 * knee))
    reduction = follow(bent * (1 - 1 / ratio), rate, attack, release)
    return audio * _stretched(10 ** (-reduction / 20), audio.shape[1])


def saturate(audio: np.ndarray, drive: float, even: float = 0.0) -> np.ndarray:
    """Soft clipping: `drive` 0 (nearly clean) to 1 (heavy) for a sound of any level; `even` 0..0.5 bends it askew."""
    loud = 10 ** (level(audio) / 20)
    push = np.float32((0.04 + drive) / max(loud, 1e-6))
    bias = np.float32(even)
    slope = 1 - np.tanh(bias) ** 2
    return ((np.tanh(push * audio + bias) - np.tanh(bias)) / (push * slope)).astype(np.float32)


def limit(audio: np.ndarray, rate: int, ceiling: float, release: float = 0.08) -> np.ndarray:
    """Nothing above `ceiling`: the gain falls before a peak comes and returns within `release` seconds."""
    peak = np.abs(_blocks(audio)).max(axis=(0, 2))
    if peak.max() <= ceiling:
        return audio
    width = 2 * max(1, round(LOOK_AHEAD * rate / BLOCK / 2)) + 1
    wanted = -np.log(np.minimum(1, ceiling / np.maximum(peak, 1e-9)))
    held = -minimum_filter1d(-wanted, width + 2)
    smooth = np.exp(-uniform_filter1d(follow(held, rate, 0.0, release), width))
    return np.clip(audio * _stretched(smooth, audio.shape[1]), -ceiling, ceiling)
