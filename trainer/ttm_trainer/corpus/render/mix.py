"""Mixing desk of the corpus: dry stems (2, N) of a score's parts -> mastered piece (2, N) float32.

Stems are first brought to a level that suits their role, then the composer's gain, pan, send and ducking apply; the
piece goes through the room, glue, colour and loudness of the score's `room` and `master`.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft
from scipy.ndimage import minimum_filter1d, uniform_filter1d
from scipy.signal import butter, sosfilt

from ..compose.score import Part, Score

LEVELS = {  # active level in dB (weighted RMS) of a part before the composer's gain
    "melody": -19.5, "chords": -21.5, "arpeggio": -22.5, "pad": -24.0, "bass": -20.0, "drums": -18.5,
    "percussion": -25.0, "effect": -28.0,
}  # fmt: skip
ROOMS = {  # seconds to -60 dB, pre-delay s, early reflections, damping Hz, wet gain
    "dry": (0.25, 0.002, 6, 6000.0, 0.25),
    "room": (0.6, 0.006, 12, 7000.0, 0.6),
    "plate": (1.5, 0.004, 0, 9000.0, 0.7),
    "hall": (2.1, 0.018, 14, 5500.0, 0.8),
    "cathedral": (4.0, 0.03, 10, 4200.0, 1.0),
}
IMPULSES = 4  # different impulse responses of each room
LOUDNESS, SPREAD = -16.0, 3.0  # target RMS of the piece in dBFS and its random spread
CEILING = 0.97


def decibels(value: float) -> float:
    return 20 * math.log10(max(value, 1e-9))


def active_level(stem: np.ndarray, rate: int) -> float:
    """Weighted RMS in dB of the 50-ms frames within 30 dB of the loudest; lows count less, as in hearing."""
    mono = np.sqrt(0.5) * (stem[0] + stem[1])
    weighted = mono[1:] - 0.75 * mono[:-1]
    frame = rate // 20
    if len(weighted) < frame:
        return decibels(float(np.sqrt(np.mean(stem**2))))
    power = np.mean(weighted[: len(weighted) // frame * frame].reshape(-1, frame) ** 2, axis=1)
    full = np.mean(mono[: len(power) * frame].reshape(-1, frame) ** 2, axis=1)
    power = 0.7 * power + 0.3 * full
    active = power[power > power.max() * 1e-3]
    return 10 * math.log10(float(active.mean()) + 1e-12) if len(active) else -120.0


@lru_cache(maxsize=16)
def impulse_response(room: str, number: int, rate: int) -> np.ndarray:
    """Synthetic room (2, n) float32: sparse early reflections, then decaying noise whose highs die sooner."""
    decay, delay, early, damping, _ = ROOMS[room]
    rng = np.random.default_rng([number, list(ROOMS).index(room)])
    decay *= rng.uniform(0.85, 1.2)
    t = np.arange(int(decay * rate), dtype=np.float32) / rate
    tail = np.zeros((2, len(t)), np.float32)
    for low, high, scale in ((150, 0.35 * damping, 1.0), (0.35 * damping, damping, 0.7), (damping, 0.45 * rate, 0.35)):
        sections = butter(2, [low, min(high, 0.47 * rate)], "bandpass", fs=rate, output="sos")
        noise = sosfilt(sections, rng.standard_normal(tail.shape)).astype(np.float32)
        tail += noise * scale * np.exp(-6.9 * t / (decay * scale**0.7))
    tail *= np.minimum(1, t / (0.3 * delay + 0.002))
    tail /= np.sqrt(np.sum(tail**2) / 2)
    response = np.zeros((2, len(t) + int(delay * rate)), np.float32)
    response[:, int(delay * rate) :] = 0.8 * tail
    for at in rng.uniform(0.3, 3.0, early) * delay:
        response[rng.integers(2), int(at * rate)] += 0.5 / math.sqrt(early) * rng.choice([-1, 1])
    return response


def convolve(audio: np.ndarray, response: np.ndarray) -> np.ndarray:
    """Linear convolution of (2, N) with (2, n), cut to (2, N)."""
    size = next_fast_len(audio.shape[1] + response.shape[1] - 1, real=True)
    return irfft(rfft(audio, size) * rfft(response, size), size)[:, : audio.shape[1]]


def duck(score: Score, samples: int, rate: int) -> np.ndarray:
    """Side-chain curve (samples,): 1 at a kick (any drum part), falling to 0 within about half a beat."""
    beat = 60.0 / score.tempo
    kicks = sorted(
        n.start * beat for p in score.parts if p.role in ("drums", "percussion") for n in p.notes if n.pitch in (35, 36)
    )
    curve = np.zeros(samples, np.float32)
    length = int(min(0.32, 0.9 * beat) * rate)
    x = np.arange(length, dtype=np.float32) / length
    shape = np.minimum(1, x * length / (0.004 * rate)) * 0.5 * (1 + np.cos(np.pi * x**0.8))
    for kick in kicks:
        start = max(0, int(kick * rate))
        span = curve[start : start + length]
        np.maximum(span, shape[: len(span)], out=span)
    return curve


def place(stem: np.ndarray, part: Part, rate: int) -> np.ndarray:
    """Level for the role, composer's gain, equal-power pan."""
    velocity = float(np.mean([note.velocity for note in part.notes])) if part.notes else 80.0
    level = LEVELS.get(part.role, -24.0) + part.gain + 0.5 * decibels(velocity / 85)
    gain = 10 ** (min(level - active_level(stem, rate), 40.0) / 20)
    angle = (part.pan + 1) * math.pi / 4
    sides = np.array([math.cos(angle), math.sin(angle)], np.float32) * math.sqrt(2) * gain
    return stem * sides[:, None].astype(np.float32)


def _shelf(audio: np.ndarray, tilt: float, rate: int) -> np.ndarray:
    """Tilt of `tilt` dB around 900 Hz: highs up by half of it, lows down by half."""
    low = sosfilt(butter(1, 900, fs=rate, output="sos").astype(np.float32), audio)
    return low * np.float32(10 ** (-tilt / 40)) + (audio - low) * np.float32(10 ** (tilt / 40))


def _compress(audio: np.ndarray, rate: int, ratio: float = 2.0) -> np.ndarray:
    """Bus glue: `ratio`:1 above the piece's own RMS level, 10 ms blocks, about 80 ms smoothing."""
    block = rate // 100
    count = -(-audio.shape[1] // block)
    padded = np.pad(audio, ((0, 0), (0, count * block - audio.shape[1])))
    level = np.sqrt(np.mean(padded.reshape(2, count, block) ** 2, axis=(0, 2)) + 1e-9)
    level = uniform_filter1d(level, 8)
    over = np.maximum(level / (np.sqrt(np.mean(level**2)) + 1e-9), 1)
    gain = over ** (1 / ratio - 1)
    at = (np.arange(count) + 0.5) * block
    return audio * np.interp(np.arange(audio.shape[1]), at, gain).astype(np.float32)


def _lofi(audio: np.ndarray, amount: float, rate: int, rng: np.random.Generator) -> np.ndarray:
    """Band limit, wow and hiss of an old tape; `amount` 0..1."""
    samples = audio.shape[1]
    t = np.arange(samples, dtype=np.float32) / rate
    wow = 0.0012 * np.sin(2 * np.pi * 0.55 * t + rng.uniform(0, 6)) + 0.00015 * np.sin(2 * np.pi * 6.1 * t)
    at = np.clip(np.arange(samples) - (wow + 0.0014) * amount * rate, 0, samples - 1)
    audio = np.stack([np.interp(at, np.arange(samples), side) for side in audio]).astype(np.float32)
    sections = butter(2, [30 + 60 * amount, 13500 - 8500 * amount**0.7], "bandpass", fs=rate, output="sos")
    audio = sosfilt(sections, audio)
    hiss = rng.standard_normal((2, samples), np.float32) * np.float32(0.004 * amount)
    return audio + hiss


def _limit(audio: np.ndarray, rate: int) -> np.ndarray:
    """Look-ahead limiter: gain from 64-sample peaks, held and smoothed over about 10 ms, then a hard ceiling."""
    block = 64
    count = -(-audio.shape[1] // block)
    padded = np.pad(audio, ((0, 0), (0, count * block - audio.shape[1])))
    peak = np.abs(padded.reshape(2, count, block)).max(axis=(0, 2))
    gain = np.minimum(1, CEILING / np.maximum(peak, 1e-9))
    width = max(3, rate // 100 // block * 2 + 1)
    gain = uniform_filter1d(minimum_filter1d(gain, width + 2), width)
    at = (np.arange(count) + 0.5) * block
    out = audio * np.interp(np.arange(audio.shape[1]), at, gain).astype(np.float32)
    return np.clip(out, -CEILING, CEILING)


def master(audio: np.ndarray, score: Score, rate: int, rng: np.random.Generator) -> np.ndarray:
    """Glue, saturation, colour, loudness and ceiling -> (2, N) float32."""
    options = score.master
    rms = float(np.sqrt(np.mean(audio**2)))
    if rms < 1e-7:
        return np.zeros_like(audio)
    audio = _compress(audio / np.float32(rms), rate)
    push = np.float32(0.12 + 0.5 * float(options.get("drive", 0.0)))
    audio = np.tanh(push * audio) / push
    audio = _shelf(audio, float(options.get("brightness", 0.0)) + float(rng.uniform(-1, 1)), rate)
    if lofi := float(options.get("lofi", 0.0)):
        audio = _lofi(audio, lofi, rate, rng)
    target = LOUDNESS + rng.uniform(-SPREAD, SPREAD)
    audio = audio * np.float32(10 ** (target / 20) / np.sqrt(np.mean(audio**2)))
    return _limit(audio, rate).astype(np.float32)


def mix(score: Score, stems: list[np.ndarray], rate: int, rng: np.random.Generator) -> np.ndarray:
    """Mix and master: `stems` are the parts' dry (2, N) signals in order -> (2, N) float32, finite, peak <= 0.97."""
    samples = round(score.seconds * rate)
    low, music, send = (np.zeros((2, samples), np.float32) for _ in range(3))
    curve = duck(score, samples, rate) if any(p.options.get("sidechain") for p in score.parts) else None
    for part, stem in zip(score.parts, stems, strict=True):
        sound = place(stem, part, rate)
        if curve is not None and (amount := part.options.get("sidechain")):
            sound *= 1 - np.float32(amount) * curve
        bus = low if part.role in ("bass", "drums") else music
        bus += sound
        if part.reverb > 0:
            send += np.float32(part.reverb * (0.35 if part.role == "bass" else 1.0)) * sound
    music = sosfilt(butter(2, 75, "highpass", fs=rate, output="sos"), music)
    low = sosfilt(butter(2, 28, "highpass", fs=rate, output="sos"), low)
    wet = ROOMS[score.room][4]
    room = convolve(send, impulse_response(score.room, int(rng.integers(IMPULSES)), rate))
    return master(low + music + np.float32(wet) * room, score, rate, rng)
