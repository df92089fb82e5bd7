"""Mastering: a bus (2, N) float32 -> a piece that measures as recorded music does.

Glue, saturation, tone, width, tape, limiter. What is aimed at was measured on free recorded music (`ttm-app corpus
sound`): medians and spreads of its octave bands, of its width, peaks and crest. A piece is moved only part of the
way, and not far, so that a flute stays a flute.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.fft import rfft
from scipy.ndimage import gaussian_filter1d
from scipy.signal import oaconvolve

from ..compose.score import Score
from .casting import random_of
from .effects.dynamics import compress, limit, saturate
from .effects.filters import filtered, high_cut, low_cut, minimum_phase
from .effects.modulation import delayed, widen

CEILING = 0.97
BANDS = np.array([31.0, 63, 125, 250, 500, 1000, 2000, 4000, 8000, 16000])  # Hz, octaves
TONE = np.array([-17.5, -7.3, -8.2, -9.0, -9.4, -12.2, -16.6, -21.0, -26.6, -35.5])  # dB of the whole power, medians
# A piece ends up that many dB above what is aimed at: shares of the power sum up to 1, and medians of shares do not.
EXCESS = np.array([-5.0, 0, 0.5, 2.8, 4.0, 4.0, 4.8, 5.4, 3.2, 2.8])
TONES = np.array([  # dB; the three ways in which records differ most: each is drawn from a normal distribution
    [-9.5, -6.2, -1.8, 1.2, 1.9, 0.5, -1.7, -4.4, -7.4, -9.3],
    [7.8, 3.3, 1.0, -1.0, -2.0, -3.0, -3.1, -3.8, -4.3, -5.4],
    [1.9, 0.3, -0.7, 0.0, 1.5, 3.1, 3.4, 2.2, -0.3, -3.0],
])  # fmt: skip
OWN = 1.5  # dB, what is left to chance in each band
STRENGTH, MOST, LEAST = 0.85, 8.0, -16.0  # part of the way to the aim, and dB within which a band is moved
SIDES = ((40.0, 250.0, -7.5, 4.5), (250.0, 4000.0, -4.6, 3.0), (4000.0, 2e4, -5.6, 4.0))  # Hz, dB of the middle
WIDER, NARROWER = 9.0, -4.0  # dB within which the side is moved
PEAKS = (0.5, 4.0)  # shape and scale of the gamma distribution of how far peaks stay below full scale, in dB
CREST, SPREAD, PUSH = 16.3, 2.9, 6.0  # dB from RMS to peak that a limiter leaves, their spread, and the most it takes
TAPS = 4096  # of the equaliser
FRAME = 16384  # samples, of the analysis


def _powers(audio: np.ndarray, rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Power of the spectrum of middle and side (2, bins), summed over frames, and the bins' Hz."""
    count = max(1, audio.shape[1] // FRAME)
    padded = np.pad(audio, ((0, 0), (0, max(0, FRAME - audio.shape[1]))))
    frames = padded[:, : count * FRAME].reshape(2, count, FRAME) * np.hanning(FRAME).astype(np.float32)
    spectrum = rfft(np.stack([frames[0] + frames[1], frames[0] - frames[1]]))
    return (spectrum.real**2 + spectrum.imag**2).sum(axis=1), np.linspace(0, rate / 2, spectrum.shape[2])


def _share(power: np.ndarray, hertz: np.ndarray, low: float, high: float) -> float:
    start, end = np.searchsorted(hertz, (low, high))
    return float(power[start:end].sum(dtype=np.float64)) + 1e-12


def _equaliser(decibels: np.ndarray, rate: int) -> np.ndarray:
    """FIR (TAPS,) with the given gain at each of BANDS and straight lines between them."""
    octave = np.log2(np.maximum(np.linspace(0, rate / 2, TAPS // 2 + 1), 10) / BANDS[0])
    return minimum_phase(gaussian_filter1d(np.interp(octave, np.arange(len(BANDS)), decibels), 2))


def tone(audio: np.ndarray, rate: int, brightness: float, rng: np.random.Generator) -> np.ndarray:
    """Moves the octave bands towards those of a record drawn at random; `brightness` in dB at the treble's end."""
    power, hertz = _powers(audio, rate)
    both = power.sum(axis=0)
    octaves = [_share(both, hertz, hz / 2**0.5, hz * 2**0.5) for hz in BANDS if hz < 0.45 * rate]
    now = 10 * np.log10(np.array(octaves) / both.sum(dtype=np.float64))
    aim = TONE - EXCESS + rng.normal(size=3) @ TONES + rng.normal(0, OWN, len(BANDS))
    aim += brightness * np.linspace(-0.5, 0.7, len(BANDS))
    gain = np.zeros(len(BANDS))
    gain[: len(now)] = STRENGTH * (aim[: len(now)] - now)
    gain -= np.median(gain[2:6])
    gain = np.clip(gain, LEAST, MOST)
    gain[len(now) :] = gain[len(now) - 1]
    return oaconvolve(audio, _equaliser(gain, rate)[None], axes=1)[:, : audio.shape[1]].astype(np.float32)


def width(audio: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    """Moves the level of the side in three bands towards that of a record drawn at random, adding side if need be."""
    common = rng.normal()
    aims = [middle + spread * (0.8 * common + 0.6 * rng.normal()) for *_, middle, spread in SIDES]
    for attempt in range(2):
        power, hertz = _powers(audio, rate)
        now = [
            10 * math.log10(_share(power[1], hertz, *band) / _share(power[0], hertz, *band)) for *band, _, _ in SIDES
        ]
        missing = np.array(aims) - now
        if attempt or missing[1:].mean() < WIDER / 2:
            break
        audio = widen(audio, rate, rng, min(0.6, 10 ** (float(np.mean(aims[1:])) / 20)), above=60.0)
    low, middle, high = (np.float32(10 ** (gain / 20)) for gain in np.clip(missing, NARROWER, WIDER))
    side = 0.5 * (audio[0] - audio[1])
    bass, treble = filtered(side, high_cut(250, rate, 0.5)), filtered(side, low_cut(4000, rate, 0.5))
    moved = low * bass + middle * (side - bass - treble) + high * treble
    centre = 0.5 * (audio[0] + audio[1])
    return np.stack([centre + moved, centre - moved])


def tape(audio: np.ndarray, amount: float, rate: int, rng: np.random.Generator) -> np.ndarray:
    """Band limit, wow and hiss of an old tape; `amount` 0..1."""
    samples = audio.shape[1]
    t = np.arange(samples, dtype=np.float32) / rate
    wow = 0.0012 * np.sin(2 * np.pi * 0.55 * t + rng.uniform(0, 6)) + 0.00015 * np.sin(2 * np.pi * 6.1 * t)
    lag = (wow + 0.0014) * amount * rate
    audio = np.stack([delayed(side, lag) for side in audio])
    audio = filtered(audio, low_cut(30 + 60 * amount, rate), high_cut(13500 - 8500 * amount**0.7, rate))
    return audio + rng.standard_normal((2, samples), np.float32) * np.float32(0.004 * amount)


def master(audio: np.ndarray, score: Score, rate: int) -> np.ndarray:
    """The finished piece (2, N) float32, peak at most CEILING."""
    rng = random_of(score, "master")
    options = score.master
    rms = float(np.sqrt(np.mean(audio**2)))
    if rms < 1e-7:
        return np.zeros_like(audio)
    audio = filtered(audio / np.float32(rms), low_cut(rng.uniform(18, 32), rate))
    audio = compress(audio, rate, rng.uniform(0, 5), rng.uniform(1.1, 1.8), rng.uniform(0.02, 0.06), 0.25)
    audio = saturate(audio, 0.5 * float(options.get("drive", 0.0)) + rng.uniform(0, 0.1))
    audio = tone(audio, rate, float(options.get("brightness", 0.0)), rng)
    audio = width(audio, rate, rng)
    audio /= np.float32(np.sqrt(np.mean(audio**2)) + 1e-9)
    if lofi := float(options.get("lofi", 0.0)):
        audio = tape(audio, lofi, rate, rng)
    return _loud(audio, rate, rng)


def _loud(audio: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    """Pushes a piece of RMS 1 into the limiter until its crest is that of a record, or as far as PUSH allows."""
    crest = 20 * math.log10(float(np.abs(audio).max()) / float(np.sqrt(np.mean(audio**2))))
    push = min(max(crest - rng.normal(CREST, SPREAD), 0.0), PUSH)
    peak = 10 ** (-min(rng.gamma(*PEAKS), 8.0) / 20)
    audio = audio * np.float32(10 ** (push / 20) / np.abs(audio).max())
    return (limit(audio, rate, 1.0) * np.float32(min(peak, CEILING))).astype(np.float32)
