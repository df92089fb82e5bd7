"""Filters of second order (Bristow-Johnson's audio EQ cookbook): each returns one section, `filtered` applies them;
and filters of any shape."""

from __future__ import annotations

import math

import numpy as np
from scipy.fft import irfft, rfft
from scipy.signal import sosfilt

Section = list[float]  # b0, b1, b2, a0, a1, a2


def _angle(hz: float, rate: int) -> float:
    return 2 * math.pi * min(max(hz, 10.0), 0.45 * rate) / rate


def low_cut(hz: float, rate: int, q: float = 0.707) -> Section:
    """High-pass of 12 dB an octave."""
    cos, alpha = math.cos(_angle(hz, rate)), math.sin(_angle(hz, rate)) / (2 * q)
    return [(1 + cos) / 2, -1 - cos, (1 + cos) / 2, 1 + alpha, -2 * cos, 1 - alpha]


def high_cut(hz: float, rate: int, q: float = 0.707) -> Section:
    """Low-pass of 12 dB an octave."""
    cos, alpha = math.cos(_angle(hz, rate)), math.sin(_angle(hz, rate)) / (2 * q)
    return [(1 - cos) / 2, 1 - cos, (1 - cos) / 2, 1 + alpha, -2 * cos, 1 - alpha]


def bell(hz: float, decibels: float, rate: int, q: float = 0.8) -> Section:
    """A rise or dip of `decibels` around `hz`."""
    amp, cos, alpha = 10 ** (decibels / 40), math.cos(_angle(hz, rate)), math.sin(_angle(hz, rate)) / (2 * q)
    return [1 + alpha * amp, -2 * cos, 1 - alpha * amp, 1 + alpha / amp, -2 * cos, 1 - alpha / amp]


def low_shelf(hz: float, decibels: float, rate: int) -> Section:
    """Everything below `hz` by `decibels`."""
    amp, cos = 10 ** (decibels / 40), math.cos(_angle(hz, rate))
    slope = 2 * math.sqrt(amp) * math.sin(_angle(hz, rate)) / math.sqrt(2)
    up, down = amp + 1, amp - 1
    return [
        amp * (up - down * cos + slope), 2 * amp * (down - up * cos), amp * (up - down * cos - slope),
        up + down * cos + slope, -2 * (down + up * cos), up + down * cos - slope,
    ]  # fmt: skip


def high_shelf(hz: float, decibels: float, rate: int) -> Section:
    """Everything above `hz` by `decibels`."""
    amp, cos = 10 ** (decibels / 40), math.cos(_angle(hz, rate))
    slope = 2 * math.sqrt(amp) * math.sin(_angle(hz, rate)) / math.sqrt(2)
    up, down = amp + 1, amp - 1
    return [
        amp * (up + down * cos + slope), -2 * amp * (down + up * cos), amp * (up + down * cos - slope),
        up - down * cos + slope, 2 * (down - up * cos), up - down * cos - slope,
    ]  # fmt: skip


def filtered(audio: np.ndarray, *sections: Section) -> np.ndarray:
    """Audio (..., N) float32 through the sections, one after another."""
    if not sections:
        return audio
    rows = np.asarray(sections, np.float64)
    return sosfilt((rows / rows[:, 3:4]).astype(np.float32), audio)


def minimum_phase(decibels: np.ndarray) -> np.ndarray:
    """FIR (2 n - 2,) float32 of least delay, whose gain at n frequencies from 0 Hz to half the rate is given in dB.

    By the cepstrum: what it has of negative times is folded onto the positive ones.
    """
    size = 2 * len(decibels) - 2
    cepstrum = irfft(decibels * (math.log(10) / 20), size)
    cepstrum[1 : size // 2] *= 2
    cepstrum[size // 2 + 1 :] = 0
    return irfft(np.exp(rfft(cepstrum)), size).astype(np.float32)
