"""Effects that move: chorus, tremolo, rotary speaker, echo, and what makes a sound wider. All (2, N) float32."""

from __future__ import annotations

import numpy as np
from scipy.signal import lfilter, oaconvolve

from .filters import filtered, high_cut, low_cut

CROSSOVER = 800.0  # Hz, between the drum and the horn of a rotary speaker


def _wave(samples: int, rate: int, hz: float, phase: float) -> np.ndarray:
    """A sine (samples,) float32, drawn every 64 samples; `phase` in turns."""
    at = np.arange(0, samples + 64, 64)
    return np.interp(np.arange(samples), at, np.sin(2 * np.pi * (hz / rate * at + phase))).astype(np.float32)


def delayed(sound: np.ndarray, lag: np.ndarray) -> np.ndarray:
    """A channel (N,) as it was `lag` (N,) samples ago, between samples on a straight line."""
    at = np.maximum(np.arange(len(sound), dtype=np.float64) - lag, 0)
    whole = at.astype(np.int64)
    part = (at - whole).astype(np.float32)
    return sound.take(whole) * (1 - part) + sound.take(np.minimum(whole + 1, len(sound) - 1)) * part


def chorus(audio: np.ndarray, rate: int, rng: np.random.Generator, depth: float = 0.5, mix: float = 0.4) -> np.ndarray:
    """Copies 12 to 25 ms late whose pitch sways, another on each side; depth and mix 0..1."""
    base, sway = rng.uniform(0.012, 0.02), depth * rng.uniform(0.0015, 0.004)
    hz, phase = rng.uniform(0.25, 0.9), rng.random()
    samples = audio.shape[1]
    wet = np.stack([
        delayed(audio[side], rate * (base + sway * _wave(samples, rate, hz * (1 + 0.13 * side), phase + 0.27 * side)))
        for side in (0, 1)
    ])  # fmt: skip
    return audio * np.float32(1 - 0.5 * mix) + wet * np.float32(mix)


def tremolo(audio: np.ndarray, rate: int, hz: float, depth: float, stereo: bool) -> np.ndarray:
    """Loudness goes up and down; with `stereo` the sound goes from side to side instead."""
    wave = np.float32(0.5 * depth) * _wave(audio.shape[1], rate, hz, 0.0)
    return audio * np.stack([1 + wave, 1 - wave if stereo else 1 + wave])


def rotary(audio: np.ndarray, rate: int, rng: np.random.Generator, fast: bool) -> np.ndarray:
    """A rotating speaker heard by two microphones: pitch, loudness and side of treble and bass turn at own speeds."""
    mono, samples = audio.mean(axis=0), audio.shape[1]
    low = filtered(mono, high_cut(CROSSOVER, rate))
    out = np.zeros_like(audio)
    for band, hz, reach in (
        (low, rng.uniform(5.5, 6.0) if fast else rng.uniform(0.6, 0.75), 0.00012),
        (mono - low, rng.uniform(6.4, 7.2) if fast else rng.uniform(0.75, 0.95), 0.0004),
    ):
        turn = rng.random()
        for side in (0, 1):
            wave = _wave(samples, rate, hz, turn + 0.25 + 0.3 * side)
            out[side] += delayed(band, rate * reach * (1.2 + wave)) * (1 - np.float32(0.35) * (1 + wave))
    return out


def echo(stem: np.ndarray, amount: float, beat: float, rate: int) -> np.ndarray:
    """Ping-pong delay of three eighth notes (`beat` in seconds), `amount` 0..1."""
    out, tap = stem.copy(), stem
    lag = int(0.75 * beat * rate)
    for repeat in range(1, 5):
        if repeat * lag >= stem.shape[1]:
            break
        tap = lfilter([0.6], [1, -0.4], tap[::-1]).astype(np.float32)
        out[:, repeat * lag :] += np.float32((0.5 * amount) ** (0.5 + 0.5 * repeat)) * tap[:, : -repeat * lag]
    return out


def widen(audio: np.ndarray, rate: int, rng: np.random.Generator, amount: float, above: float = 150.0) -> np.ndarray:
    """Adds a side that has the middle's spectrum but not its phases, from `above` Hz on; the mono sum stays the same.

    The side is the middle through 20 ms of sparse random taps (velvet noise), which fade.
    """
    size = round(0.02 * rate)
    taps = np.zeros(size, np.float32)
    at = rng.integers(round(0.001 * rate), size, 24)
    taps[at] = rng.choice([-1, 1], 24) * np.exp(-2.0 * at / size)
    taps *= np.float32(amount) / np.sqrt(np.sum(taps**2))
    middle = 0.5 * (audio[0] + audio[1])
    side = oaconvolve(filtered(middle, low_cut(above, rate)), taps)[: audio.shape[1]].astype(np.float32)
    return audio + np.stack([side, -side])
