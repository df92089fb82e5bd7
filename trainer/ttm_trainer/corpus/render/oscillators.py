"""Oscillators, envelopes and filters of the synthesiser.

Oscillators read wavetables holding only the harmonics below the Nyquist frequency, so they do not alias.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.signal import sosfilt

TABLE_BITS = 13
TABLE = 1 << TABLE_BITS


@dataclass(frozen=True)
class Voice:
    """What a note function needs: (pitch in Hz, samples held, loudness 0..1, and the patch of the part)."""

    hz: float
    from_hz: float  # where a glide begins; hz when there is none
    held: int  # samples until the key is released
    loudness: float
    rate: int
    options: dict
    rng: np.random.Generator


def frequency(pitch: float) -> float:
    return 440.0 * 2.0 ** ((pitch - 69) / 12)


@lru_cache(maxsize=512)
def wavetable(wave: str, harmonics: int) -> np.ndarray:
    """One band-limited cycle (TABLE,) float32 of `wave`, peak 1, with `harmonics` partials."""
    spectrum = np.zeros(TABLE // 2 + 1, np.complex128)
    k = np.arange(1, min(harmonics, TABLE // 2 - 1) + 1)
    if wave == "sine":
        spectrum[1] = -1j
    elif wave == "saw":
        spectrum[k] = -1j / k
    elif wave == "triangle":
        spectrum[k] = np.where(k % 2 == 1, -1j * np.sin(k * np.pi / 2) / k**2, 0)
    elif wave == "stepped":
        cycle = np.round(np.abs(np.linspace(-2, 2, TABLE, endpoint=False)) * 7.5) / 7.5 - 1
        spectrum[k] = np.fft.rfft(cycle)[k]
    else:
        duty = float(wave.removeprefix("pulse"))
        spectrum[k] = -1j / k * (1 - np.exp(-2j * np.pi * k * duty))
    cycle = np.fft.irfft(spectrum)
    return (cycle / np.abs(cycle).max()).astype(np.float32)


def _harmonics(hz: float, rate: int) -> int:
    """Partials that fit below 0.47 of the sample rate, rounded to a coarse grid so that tables are shared."""
    fit = 0.47 * rate / hz
    return max(1, int(2 ** (math.floor(math.log2(max(fit, 1)) * 8) / 8)))


def oscillator(wave: str, hz: float | np.ndarray, samples: int, rate: int, phase: float = 0.0) -> np.ndarray:
    """(samples,) float32 of a band-limited wave; `hz` may be a curve (samples,), `phase` is in cycles."""
    if not isinstance(hz, np.ndarray):
        step = np.uint32(round(hz / rate * 2**32))
        angle = np.arange(samples, dtype=np.uint32) * step + np.uint32(int(phase % 1 * 2**32) & 0xFFFFFFFF)
        return wavetable(wave, _harmonics(hz, rate)).take(angle >> np.uint32(32 - TABLE_BITS))
    turns = phase + np.cumsum(hz / rate, dtype=np.float64)
    table = wavetable(wave, _harmonics(float(hz.max()), rate))
    return table.take((turns * TABLE).astype(np.int64) & (TABLE - 1))


def adsr(voice: Voice, attack: float, decay: float, sustain: float, release: float) -> np.ndarray:
    """Envelope (held + release samples,) float32; decay and release are exponential, times in seconds."""
    attack = voice.options.get("attack", attack)
    release = max(voice.options.get("release", release), 0.003)
    rate, held = voice.rate, voice.held
    tail = int(release * rate)
    t = np.arange(held, dtype=np.float32) / rate
    rise = np.minimum(t / max(attack, 0.001), 1)
    fall = sustain + (1 - sustain) * np.exp(-np.maximum(t - attack, 0) / max(decay / 3, 1e-3), dtype=np.float32)
    body = rise * fall
    end = body[-1] if held else 0.0
    ramp = np.arange(tail, dtype=np.float32) / max(tail, 1)
    return np.concatenate([body, end * np.exp(-4 * ramp) * (1 - ramp)]).astype(np.float32)


def lowpass(hz: float, resonance: float, rate: int, stages: int = 2) -> np.ndarray:
    """Second-order sections of a resonant low-pass (bilinear transform; resonance 0..1 goes on the first stage)."""
    hz = min(max(hz, 20.0), 0.45 * rate)
    w = 2 * math.pi * hz / rate
    sections = []
    for stage in range(stages):
        q = 0.6 + (11 * resonance**1.5 if stage == 0 else 0)
        alpha = math.sin(w) / (2 * q)
        b = (1 - math.cos(w)) / 2
        a0 = 1 + alpha
        sections.append([b / a0, 2 * b / a0, b / a0, 1, -2 * math.cos(w) / a0, (1 - alpha) / a0])
    return np.asarray(sections, np.float32)


def filter_sweep(
    audio: np.ndarray, cutoff: Callable[[float], float], rate: int, resonance: float = 0.0, block: int = 512
) -> np.ndarray:
    """Low-pass whose cutoff in Hz is a function of the position 0..1; new coefficients each `block` samples."""
    out = np.empty_like(audio)
    samples = audio.shape[-1]
    state = np.zeros((2, *audio.shape[:-1], 2), np.float32)
    for start in range(0, samples, block):
        sections = lowpass(cutoff(start / samples), resonance, rate)
        out[..., start : start + block], state = sosfilt(sections, audio[..., start : start + block], zi=state)
    return out


def bandpass(hz: float, q: float, rate: int) -> np.ndarray:
    w = 2 * math.pi * min(max(hz, 30.0), 0.45 * rate) / rate
    alpha = math.sin(w) / (2 * q)
    a0 = 1 + alpha
    return np.asarray([[alpha / a0, 0, -alpha / a0, 1, -2 * math.cos(w) / a0, (1 - alpha) / a0]], np.float32)


def pitch_curve(voice: Voice, samples: int, vibrato: float = 0.0) -> float | np.ndarray:
    """Hz: a constant, or a curve when the note glides or has delayed vibrato (`vibrato` in semitones)."""
    glide = voice.options.get("glide", 0.0)
    glide = 0.06 if glide is True else float(glide)
    if vibrato == 0 and (voice.from_hz == voice.hz or glide <= 0):
        return voice.hz
    t = np.arange(samples, dtype=np.float32) / voice.rate
    semitones = vibrato * np.clip((t - 0.25) / 0.3, 0, 1) * np.sin(2 * np.pi * 5.3 * t)
    if glide > 0:
        semitones = semitones + 12 * math.log2(voice.from_hz / voice.hz) * np.exp(-t / (glide / 2.5))
    return voice.hz * np.exp2(semitones / 12)


def unison(voice: Voice, samples: int, voices: int, cents: float, wave: str = "saw", vibrato: float = 0.0):
    """(2, samples): detuned copies spread over the stereo field, random phases."""
    cents *= voice.options.get("detune_scale", 1.0)
    if "detune" in voice.options:
        detune = float(voice.options["detune"])
        cents = detune if detune > 1 else 50 * detune
    base = pitch_curve(voice, samples, vibrato)
    out = np.zeros((2, samples), np.float32)
    for place in np.linspace(-1, 1, voices) if voices > 1 else (0.0,):
        ratio = 2 ** (cents * (place + 0.07 * voice.rng.standard_normal()) / 1200)
        sound = oscillator(wave, base * ratio, samples, voice.rate, voice.rng.random())
        side = place * (1 if int(round(place * 10)) % 2 else -1) * 0.8
        out[0] += math.cos((side + 1) * math.pi / 4) * sound
        out[1] += math.sin((side + 1) * math.pi / 4) * sound
    return out / math.sqrt(voices)


def swept(voice: Voice, sound: np.ndarray, low: float, high: float, seconds: float, resonance: float) -> np.ndarray:
    """Filter envelope of one note: cutoff falls exponentially from `high` to `low` Hz."""
    resonance = voice.options.get("resonance", resonance)
    span = sound.shape[-1] / voice.rate
    return filter_sweep(
        sound, lambda x: low + (high - low) * math.exp(-3 * x * span / seconds), voice.rate, resonance, block=256
    )


def fm(voice: Voice, samples: int, ratio: float, index: np.ndarray) -> np.ndarray:
    """Two-operator frequency modulation (Chowning 1973): sine carrier, modulator at `ratio`, index curve in radians."""
    t = np.arange(samples, dtype=np.float64) / voice.rate
    carrier = (t * voice.hz % 1).astype(np.float32)
    modulator = (t * voice.hz * ratio % 1).astype(np.float32)
    return np.sin(2 * np.pi * carrier + index * np.sin(2 * np.pi * modulator))


def decay(samples: int, seconds: float, rate: int) -> np.ndarray:
    return np.exp(np.arange(samples, dtype=np.float32) * np.float32(-3 / (seconds * rate)))
