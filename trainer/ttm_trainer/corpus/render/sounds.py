"""The synthesiser's sounds: what a note function makes of a `Voice`, (2, samples) float32 or one channel of it."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.signal import sosfilt

from .oscillators import Voice, adsr, bandpass, decay, filter_sweep, fm, lowpass, oscillator, pitch_curve, swept, unison


def _supersaw(v: Voice) -> np.ndarray:
    shape = adsr(v, 0.008, 0.4, 0.8, 0.12)
    return unison(v, len(shape), 7, 18) * shape


def _saw_lead(v: Voice) -> np.ndarray:
    shape = adsr(v, 0.006, 0.3, 0.75, 0.1)
    sound = unison(v, len(shape), 3, 7, vibrato=0.12)
    return swept(v, sound, 2200 + v.hz, 5000 + 5000 * v.loudness, 0.3, 0.15) * shape


def _square_lead(v: Voice) -> np.ndarray:
    shape = adsr(v, 0.006, 0.25, 0.7, 0.09)
    sound = unison(v, len(shape), 2, 4, "pulse0.42", vibrato=0.15)
    return swept(v, sound, 1800 + v.hz, 4000 + 4000 * v.loudness, 0.25, 0.1) * shape


def _pluck(v: Voice) -> np.ndarray:
    shape = adsr(v, 0.002, 0.5, 0.0, 0.2)
    sound = unison(v, len(shape), 3, 8)
    return swept(v, sound, 300 + v.hz, 3000 + 6000 * v.loudness, 0.22, 0.2) * shape


def _fm_bell(v: Voice) -> np.ndarray:
    shape = adsr(v, 0.002, 1.6, 0.0, 0.6)
    n = len(shape)
    ratio = v.options.get("ratio", 3.5)
    index = (0.8 + 2.2 * v.loudness) * decay(n, 0.8, v.rate) * min(1, 900 / v.hz)
    left = fm(v, n, ratio, index)
    right = fm(v, n, ratio * 1.002, index)
    return np.stack([left, right]) * shape


def _fm_epiano(v: Voice) -> np.ndarray:
    shape = adsr(v, 0.003, 2.2, 0.0, 0.15)
    n = len(shape)
    body = fm(v, n, 1.0, (0.5 + 1.6 * v.loudness) * decay(n, 0.9, v.rate))
    partial = 14 if v.hz * 15 < 0.45 * v.rate else 4
    tine = fm(v, n, partial, 0.6 * v.loudness * decay(n, 0.25, v.rate))
    return np.repeat(((body + 0.4 * tine) * shape)[None], 2, 0)


def _warm_pad(v: Voice) -> np.ndarray:
    shape = adsr(v, 0.5, 1.0, 0.85, 0.8)
    sound = unison(v, len(shape), 5, 11)
    return sosfilt(lowpass(700 + 1.2 * v.hz + 900 * v.loudness, 0.05, v.rate), sound).astype(np.float32) * shape


def _air_pad(v: Voice) -> np.ndarray:
    shape = adsr(v, 0.8, 1.0, 0.9, 1.2)
    n = len(shape)
    sound = unison(v, n, 5, 14, "triangle")
    sound += 0.4 * unison(v, n, 2, 9, "sine")
    octave = oscillator("triangle", 2 * v.hz * 1.003, n, v.rate, v.rng.random())
    breath = v.rng.standard_normal((2, n), np.float32)
    breath = sosfilt(bandpass(min(3.0 * v.hz, 6000), 1.2, v.rate), breath).astype(np.float32)
    return (sound + 0.3 * octave + 0.25 * breath) * shape


def _drone(v: Voice) -> np.ndarray:
    shape = adsr(v, 1.5, 1.0, 1.0, 1.5)
    n = len(shape)
    sound = unison(v, n, 4, 8) + 0.5 * oscillator("saw", v.hz * 1.5, n, v.rate)
    sound += oscillator("sine", v.hz / 2, n, v.rate)
    speed, offset = 0.05 + 0.15 * v.rng.random(), v.rng.random()
    span = n / v.rate
    centre = 350 + 2.5 * v.hz
    return (
        filter_sweep(
            sound, lambda x: centre * 2 ** math.sin(2 * math.pi * (speed * x * span + offset)), v.rate, 0.25, 1024
        )
        * shape
    )


def _chip_pulse(v: Voice) -> np.ndarray:
    shape = adsr(v, 0.001, 0.15, 0.65, 0.02)
    duty = v.options.get("duty", 0.25)
    sound = oscillator(f"pulse{duty}", pitch_curve(v, len(shape), 0.2), len(shape), v.rate)
    return np.repeat((sound * shape)[None], 2, 0)


def _chip_triangle(v: Voice) -> np.ndarray:
    shape = adsr(v, 0.001, 0.1, 1.0, 0.01)
    sound = oscillator("stepped", pitch_curve(v, len(shape)), len(shape), v.rate)
    return np.repeat((sound * shape)[None], 2, 0)


def _sub_bass(v: Voice) -> np.ndarray:
    shape = adsr(v, 0.006, 0.8, 0.85, 0.06)
    sound = oscillator("sine", pitch_curve(v, len(shape)), len(shape), v.rate) * shape
    return np.repeat(np.tanh(1.9 * sound + 0.15)[None] - math.tanh(0.15), 2, 0)


def _saw_bass(v: Voice) -> np.ndarray:
    shape = adsr(v, 0.004, 0.35, 0.7, 0.06)
    n = len(shape)
    curve = pitch_curve(v, n)
    sound = oscillator("saw", curve, n, v.rate) + 0.7 * oscillator("pulse0.5", curve * 0.5, n, v.rate)
    sound = swept(v, sound, 180 + 2 * v.hz, 900 + 2500 * v.loudness, 0.25, 0.2)
    return np.repeat((sound * shape)[None], 2, 0)


def _reese_bass(v: Voice) -> np.ndarray:
    shape = adsr(v, 0.01, 0.5, 0.9, 0.08)
    n = len(shape)
    sound = unison(v, n, 3, 22)
    sound = sosfilt(lowpass(500 + 3 * v.hz + 700 * v.loudness, 0.2, v.rate), sound).astype(np.float32)
    return (0.6 * sound + 0.6 * oscillator("sine", pitch_curve(v, n), n, v.rate)) * shape


def _acid_bass(v: Voice) -> np.ndarray:
    shape = adsr(v, 0.003, 0.5, 0.5, 0.03)
    n = len(shape)
    sound = oscillator(v.options.get("wave", "saw"), pitch_curve(v, n), n, v.rate)
    accent = 1.0 if v.loudness > 0.75 else 0.5
    patch = Voice(**{**vars(v), "options": {"resonance": 0.65, **v.options}})
    sound = swept(patch, sound, 250 + v.hz, 800 + 3800 * accent, 0.25 - 0.1 * accent, 0.65)
    return np.repeat((np.tanh(1.5 * sound) * shape)[None], 2, 0)


def _fm_bass(v: Voice) -> np.ndarray:
    shape = adsr(v, 0.003, 0.6, 0.6, 0.05)
    n = len(shape)
    index = (0.8 + 3.0 * v.loudness) * (0.2 + 0.8 * decay(n, 0.25, v.rate))
    return np.repeat((fm(v, n, v.options.get("ratio", 1.0), index) * shape)[None], 2, 0)


def _modes(v: Voice, modes: tuple[tuple[float, float, float], ...], beating: float) -> np.ndarray:
    """Struck metal (2, n): modes (ratio, level, seconds to -60 dB), each a pair `beating` Hz apart, one a side."""
    n = int(min(max(seconds for *_, seconds in modes), 8.0) * v.rate)
    out = np.zeros((2, n), np.float32)
    for ratio, level, seconds in modes:
        if v.hz * ratio < 0.45 * v.rate:
            fade = np.float32(level) * np.exp(-np.arange(n, dtype=np.float32) * np.float32(6.91 / seconds / v.rate))
            for side in (0, 1):
                hz = v.hz * ratio + (side - 0.5) * beating * v.rng.uniform(0.5, 1.5)
                tone = fade * oscillator("sine", hz, n, v.rate, v.rng.random())
                out[side] += 0.8 * tone
                out[1 - side] += 0.4 * tone
    return out * np.minimum(1, np.arange(n, 0, -1, dtype=np.float32) / (0.05 * v.rate))


def _handpan(v: Voice) -> np.ndarray:
    loud = 0.3 + 0.7 * v.loudness
    sound = _modes(v, ((1, 1.0, 2.6), (2, 0.55, 2.0), (3, 0.3 * loud, 1.4), (4.1, 0.12 * loud, 0.6)), 0.5)
    tap = 0.15 * loud * v.rng.standard_normal(sound.shape, np.float32) * decay(sound.shape[1], 0.02, v.rate)
    return sound + sosfilt(lowpass(2500, 0, v.rate, 1), tap).astype(np.float32)


def _singing_bowl(v: Voice) -> np.ndarray:
    sound = _modes(
        v, ((1, 1.0, 8.0), (2.71, 0.5, 6.0), (5.15, 0.25 * v.loudness, 4.0), (8.2, 0.1 * v.loudness, 2.0)), 1.2
    )
    return sound * np.minimum(1, np.arange(sound.shape[1], dtype=np.float32) / (0.01 * v.rate))


def _riser(v: Voice) -> np.ndarray:
    n = max(v.held, 64)
    x = np.linspace(0, 1, n, dtype=np.float32)
    noise = 0.5 * v.rng.standard_normal((2, n), np.float32)
    noise = filter_sweep(noise, lambda p: 300 * 40**p, v.rate, 0.3)
    curve = v.hz * np.exp2(2 * x)
    tone = oscillator("saw", curve, n, v.rate) + oscillator("saw", 1.006 * curve, n, v.rate)
    fade = np.minimum(1, (1 - x) * n / (0.02 * v.rate))
    return (noise + 0.2 * tone) * x**1.5 * fade


def _noise_sweep(v: Voice) -> np.ndarray:
    n = max(v.held, 64)
    noise = v.rng.standard_normal((2, n), np.float32)
    down = v.options.get("direction", "down") == "down"
    sound = filter_sweep(noise, lambda p: 250 * 40 ** (1 - p if down else p), v.rate, 0.35)
    x = np.linspace(0, 1, n, dtype=np.float32)
    shape = np.exp(-3.5 * x) * (1 - x) if down else x**1.5
    return sound * shape * np.minimum(1, np.minimum(x, 1 - x) * n / (0.005 * v.rate))


def _vinyl(v: Voice) -> np.ndarray:
    n = max(v.held, 64)
    seconds = n / v.rate
    hiss = 0.02 * v.rng.standard_normal((2, n), np.float32)
    clicks = np.zeros((2, n), np.float32)
    count = v.rng.poisson(14 * seconds)
    at = v.rng.integers(0, n, count)
    clicks[v.rng.integers(0, 2, count), at] = v.rng.exponential(0.35, count) * v.rng.choice([-1, 1], count)
    clicks = sosfilt(bandpass(2800, 0.7, v.rate), clicks)
    rumble = sosfilt(lowpass(60, 0, v.rate, 1), v.rng.standard_normal((2, n), np.float32)) * 0.2
    return (hiss + 1.5 * clicks + rumble).astype(np.float32)


SOUNDS: dict[str, Callable[[Voice], np.ndarray]] = {
    "supersaw": _supersaw, "saw_lead": _saw_lead, "square_lead": _square_lead, "pluck": _pluck, "fm_bell": _fm_bell,
    "fm_epiano": _fm_epiano, "warm_pad": _warm_pad, "air_pad": _air_pad, "drone": _drone, "chip_pulse": _chip_pulse,
    "chip_triangle": _chip_triangle, "sub_bass": _sub_bass, "saw_bass": _saw_bass, "reese_bass": _reese_bass,
    "acid_bass": _acid_bass, "fm_bass": _fm_bass, "handpan": _handpan,
    "singing_bowl": _singing_bowl, "riser": _riser, "noise_sweep": _noise_sweep, "vinyl": _vinyl,
}  # fmt: skip
