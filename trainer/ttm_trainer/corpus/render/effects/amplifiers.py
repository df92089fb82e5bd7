"""Guitar and bass amplifiers: drive at twice the sample rate, a tone stack, and cabinets made here."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft
from scipy.signal import oaconvolve

from .dynamics import compress, level, saturate
from .filters import Section, bell, filtered, high_cut, high_shelf, low_cut, low_shelf, minimum_phase

CABINET = 2048  # samples of a cabinet's impulse response at 48 kHz
OVERSAMPLING = 2


class Amplifier(NamedTuple):
    """Settings of a guitar amplifier."""

    drive: float  # 0 clean .. 1 high gain
    bass: float  # dB
    middle: float  # dB
    treble: float  # dB
    sag: float  # ratio of the compression before the drive


def draw_amplifier(kind: str, rng: np.random.Generator) -> Amplifier:
    """An amplifier as it is set for "clean", "overdriven" or "distorted" guitars."""
    drive = {"clean": (0.02, 0.12), "overdriven": (0.3, 0.6), "distorted": (0.75, 1.0)}[kind]
    middle = (-7.0, 2.0) if kind == "distorted" else (-3.0, 4.0)
    return Amplifier(
        rng.uniform(*drive), rng.uniform(-3, 4), rng.uniform(*middle), rng.uniform(-3, 3), rng.uniform(1.5, 4)
    )


def cabinet(rate: int, rng: np.random.Generator, bass: bool = False) -> np.ndarray:
    """Impulse response (n,) float32 of a speaker in its box before a microphone: minimum phase, unit energy.

    Guitar: resonance near 110 Hz, presence near 3 kHz, little above 5 kHz. Bass: lower, duller and flatter.
    """
    size = CABINET * rate // 48000 * 4
    hz = np.maximum(np.linspace(0, rate / 2, size // 2 + 1), 1.0)
    low, high = (
        (rng.uniform(38, 55), rng.uniform(2500, 4500)) if bass else (rng.uniform(75, 100), rng.uniform(4300, 5600))
    )
    shape = -10 * np.log10(1 + (low / hz) ** 4) - 10 * np.log10(1 + (hz / high) ** (6 if bass else 9))

    def bump(at: float, decibels: float, octaves: float) -> np.ndarray:
        return decibels * np.exp(-0.5 * (np.log2(hz / at) / octaves) ** 2)

    shape += bump(1.4 * low, rng.uniform(1, 4), 0.35) + bump(rng.uniform(350, 600), rng.uniform(-5, -1), 0.5)
    shape += bump(rng.uniform(2200, 3400), 0.0 if bass else rng.uniform(2, 6), 0.35)
    for _ in range(12):  # the cone breaks up, the microphone is off its middle
        shape += bump(np.exp(rng.uniform(np.log(700), np.log(7000))), rng.normal(0, 2.0), rng.uniform(0.03, 0.12))
    response = minimum_phase(np.maximum(shape, -90))[: size // 4]
    response[-64:] *= np.linspace(1, 0, 64)
    return (response / np.sqrt(np.sum(response**2))).astype(np.float32)


def shaped(sound: np.ndarray, gain: float, bias: float) -> np.ndarray:
    """A channel (N,) through a bent valve curve at OVERSAMPLING times the rate, so that little aliases."""
    size = next_fast_len(len(sound) + 512, real=True)
    size += size % 2
    fine = irfft(rfft(sound, size), size * OVERSAMPLING) * np.float32(gain * OVERSAMPLING)
    bent = np.tanh(fine + np.float32(bias)) - np.float32(np.tanh(bias))
    return irfft(rfft(bent)[: size // 2 + 1], size)[: len(sound)] / np.float32(OVERSAMPLING)


def _stack(amplifier: Amplifier, rate: int) -> list[Section]:
    return [
        low_shelf(180, amplifier.bass, rate),
        bell(650, amplifier.middle, rate, 0.6),
        high_shelf(2200, amplifier.treble, rate),
    ]


def guitar(sound: np.ndarray, amplifier: Amplifier, rate: int, rng: np.random.Generator) -> np.ndarray:
    """One guitar (N,) as the microphone before its cabinet hears it, at the level it came with."""
    before = level(sound[None])
    if before < -150:
        return sound
    driven = amplifier.drive > 0.2
    tight = filtered(sound, low_cut(110 if driven else 70, rate), bell(900, 4 if driven else 1, rate, 0.5))
    tight = compress(tight[None], rate, -6, amplifier.sag, 0.004, 0.12)[0]
    unit = tight / np.float32(10 ** (level(tight[None]) / 20))
    gain = 0.35 * 60**amplifier.drive
    bent = shaped(filtered(unit, high_cut(7500, rate)), gain, 0.15)
    if driven:  # a second valve
        bent = shaped(filtered(bent, low_cut(90, rate)), 0.7 + 2.5 * amplifier.drive, -0.1)
    out = oaconvolve(filtered(bent, *_stack(amplifier, rate)), cabinet(rate, rng))[: len(sound)]
    return (out * 10 ** ((before - level(out[None])) / 20)).astype(np.float32)


def bass(stem: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    """A bass (2, N): compressed, direct sound beside a slightly driven amplifier, in the middle."""
    mono = stem.mean(axis=0, keepdims=True)
    if level(mono) < -150:
        return stem
    even = compress(mono, rate, -4, rng.uniform(3, 6), 0.012, 0.12)
    dirty = saturate(even, rng.uniform(0.2, 1.0), 0.2)
    box = oaconvolve(dirty[0], cabinet(rate, rng, bass=True))[: stem.shape[1]].astype(np.float32)
    box *= np.float32(10 ** ((level(even) - level(box[None])) / 20))
    blend = np.float32(rng.uniform(0.3, 0.8))
    return np.repeat((1 - blend) * even + blend * box[None], 2, axis=0)
