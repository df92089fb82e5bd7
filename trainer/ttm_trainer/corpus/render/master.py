"""Mastering: a bus (2, N) float32 -> a piece that measures as recorded music does.

Glue, saturation, tone, width, tape, loudness. What is aimed at was measured on free recorded music (`ttm-app corpus
sound`): medians and spreads of its octave bands, of its width and of its loudness. A piece is moved only part of the
way, and not far, so that a flute stays a flute.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.fft import irfft, rfft
from scipy.ndimage import gaussian_filter1d
from scipy.signal import oaconvolve

from musicgen_app.audio import loudness

from ..compose.score import Score
from .casting import random_of
from .effects.dynamics import compress, limit, saturate
from .effects.filters import filtered, high_cut, low_cut
from .effects.modulation import delayed, widen

CEILING = 0.97
BANDS = np.array([31.0, 63, 125, 250, 500, 1000, 2000, 4000, 8000, 16000])  # Hz, octaves
TONE = np.array([-17.0, -8.5, -7.0, -8.0, -9.5, -13.5, -17.0, -20.8, -27.0, -36.0])  # dB of the whole power
LOWS = np.array([9.0, 4.0, 1.0, 0, 0, 0, 0, 0, 0, 0])  # dB for one standard deviation of how deep records go
HIGHS = np.array([0, 0, -0.5, 0, 0.5, 2.5, 4.0, 5.0, 7.0, 11.0])  # the same of how bright they are
OWN = 1.5  # dB, what is left to chance in each band
STRENGTH, MOST, LEAST = 0.75, 8.0, -14.0  # part of the way to the aim, and dB within which a band is moved
SIDES = (("low", 40.0, 250.0, -7.0, 3.5), ("middle", 250.0, 4000.0, -4.8, 2.8), ("high", 4000.0, 2e4, -5.3, 3.5))
WIDER, NARROWER = 9.0, -4.0  # dB within which the side is moved
LOUDNESS, SPREAD = -15.3, 3.3  # LUFS
DRUMS = 1.5  # LUFS that music with drums is above, and without them below that
TAPS = 4096
FRAME = 16384


def _powers(audio: np.ndarray, rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Power of the spectrum of middle and side (2, bins), summed over frames, and the bins' Hz."""
    frames = audio[:, : audio.shape[1] // FRAME * FRAME] if audio.shape[1] >= FRAME else np.pad(audio, ((0, 0), (0, FRAME)))
    frames = frames[:, : frames.shape[1] // FRAME * FRAME].reshape(2, -1, FRAME) * np.hanning(FRAME).astype(np.float32)
    spectrum = rfft(np.stack([frames[0] + frames[1], frames[0] - frames[1]]))
    return (spectrum.real**2 + spectrum.imag**2).sum(axis=1), np.linspace(0, rate / 2, spectrum.shape[2])


def _share(power: np.ndarray, hertz: np.ndarray, low: float, high: float) -> float:
    start, end = np.searchsorted(hertz, (low, high))
    return float(power[start:end].sum(dtype=np.float64)) + 1e-12


def _minimum_phase(decibels: np.ndarray, rate: int) -> np.ndarray:
    """FIR (TAPS,) with the given gain at each of BANDS and no delay."""
    octave = np.log2(np.maximum(np.linspace(0, rate / 2, TAPS // 2 + 1), 10) / BANDS[0])
    shape = gaussian_filter1d(np.interp(octave, np.arange(len(BANDS)), decibels), 2)
    folded = irfft(shape * (math.log(10) / 20), TAPS)
    folded[1 : TAPS // 2] *= 2
    folded[TAPS // 2 + 1 :] = 0
    return irfft(np.exp(rfft(folded)), TAPS).astype(np.float32)


def tone(audio: np.ndarray, rate: int, brightness: float, rng: np.random.Generator) -> np.ndarray:
    """Moves the octave bands towards those of a record drawn at random; `brightness` in dB at the treble's end."""
    power, hertz = _powers(audio, rate)
    both = power.sum(axis=0)
    octaves = [_share(both, hertz, hz / 2**0.5, hz * 2**0.5) for hz in BANDS if hz < 0.45 * rate]
    now = 10 * np.log10(np.array(octaves) / both.sum(dtype=np.float64))
    aim = TONE + rng.normal() * LOWS + rng.normal() * HIGHS + rng.normal(0, OWN, len(BANDS))
    aim += brightness * np.linspace(-0.5, 0.7, len(BANDS))
    gain = np.zeros(len(BANDS))
    gain[: len(now)] = STRENGTH * (aim[: len(now)] - now)
    gain -= np.median(gain[2:6])
    gain = np.clip(gain, LEAST, MOST)
    gain[:2] = np.minimum(gain[:2], 4.0)  # where there is no bass, none is made
    gain[len(now) :] = gain[len(now) - 1]
    return oaconvolve(audio, _minimum_phase(gain, rate)[None], axes=1)[:, : audio.shape[1]].astype(np.float32)


def width(audio: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    """Moves the level of the side in three bands towards that of a record drawn at random, adding side if need be."""
    common = rng.normal()
    aims = [middle + spread * (0.8 * common + 0.6 * rng.normal()) for *_, middle, spread in SIDES]
    for attempt in range(2):
        power, hertz = _powers(audio, rate)
        now = [10 * math.log10(_share(power[1], hertz, *band) / _share(power[0], hertz, *band)) for _, *band, _, _ in SIDES]
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
    audio = compress(audio, rate, rng.uniform(-3, 2), rng.uniform(1.2, 2.5), rng.uniform(0.01, 0.04), 0.2)
    audio = saturate(audio, 0.5 * float(options.get("drive", 0.0)) + rng.uniform(0, 0.1))
    audio = tone(audio, rate, float(options.get("brightness", 0.0)), rng)
    audio = width(audio, rate, rng)
    audio /= np.float32(np.sqrt(np.mean(audio**2)) + 1e-9)
    if lofi := float(options.get("lofi", 0.0)):
        audio = tape(audio, lofi, rate, rng)
    drums = any(part.role == "drums" for part in score.parts)
    aim = LOUDNESS + (DRUMS if drums else -DRUMS) + rng.normal(0, SPREAD / 1.35)
    now = loudness(audio, rate)
    gain = aim - now if math.isfinite(now) else aim - 20 * math.log10(float(np.sqrt(np.mean(audio**2))))
    return limit(audio * np.float32(10 ** (gain / 20)), rate, CEILING).astype(np.float32)
