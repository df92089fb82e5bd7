"""Mixing desk: dry stems (2, N) of a score's parts -> mastered piece (2, N) float32.

parts -> channel strips -> level, side-chain and place -> sends to the near and the far room -> bus -> master.

Every strip is brought to a level that suits the part's role, then the composer's gain, pan, send and ducking apply.
"""

from __future__ import annotations

import math

import numpy as np

from ..compose.score import Part, Score
from .casting import cast, random_of
from .effects.filters import filtered, high_cut, low_cut
from .effects.rooms import convolve, response
from .master import master
from .strips import STRIPS, family, strip

LEVELS = {  # active level in dB (weighted RMS) of a part before the composer's gain
    "melody": -19.5, "chords": -21.5, "arpeggio": -22.5, "pad": -24.0, "bass": -20.0, "drums": -18.5,
    "percussion": -25.0, "effect": -28.0,
}  # fmt: skip
BALANCE = 1.2  # dB, spread of what engineers think of it
ROOMS = {"dry": 0.35, "room": 0.7, "plate": 0.7, "hall": 0.8, "cathedral": 1.0}  # the far room's return
SPRINGS = ("rock", "blues", "country", "surf", "reggae", "garage", "soul")  # genres where a plate may be a spring


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


def duck(score: Score, samples: int, rate: int) -> np.ndarray:
    """Side-chain curve (samples,): 1 at a kick (any drum part), falling to 0 within about half a beat."""
    kicks = sorted(
        note.start
        for p in score.parts
        if p.role in ("drums", "percussion")
        for note in p.notes
        if note.pitch in (35, 36)
    )
    curve = np.zeros(samples, np.float32)
    for kick in kicks:
        at = score.seconds_at(kick)
        length = int(min(0.32, 0.9 * (score.seconds_at(kick + 1) - at)) * rate)
        x = np.arange(length, dtype=np.float32) / length
        shape = np.minimum(1, x * length / (0.004 * rate)) * 0.5 * (1 + np.cos(np.pi * x**0.8))
        span = curve[max(0, int(at * rate)) :][:length]
        np.maximum(span, shape[: len(span)], out=span)
    return curve


def pan(sound: np.ndarray, side: float) -> np.ndarray:
    """Equal-power pan of (2, N) towards `side`, -1 left to 1 right."""
    angle = (side + 1) * math.pi / 4
    return sound * (np.array([[math.cos(angle)], [math.sin(angle)]], np.float32) * np.float32(math.sqrt(2)))


def place(stem: np.ndarray, part: Part, rate: int, balance: float = 0.0) -> np.ndarray:
    """Level for the role, composer's gain and `balance` in dB, equal-power pan."""
    velocity = float(np.mean([note.velocity for note in part.notes])) if part.notes else 80.0
    wanted = LEVELS.get(part.role, -24.0) + part.gain + 0.5 * decibels(velocity / 85) + balance
    return pan(stem * np.float32(10 ** (min(wanted - active_level(stem, rate), 60.0) / 20)), part.pan)


def _far(score: Score, rng: np.random.Generator) -> str:
    """The far room: the score's, where a plate may be a spring."""
    sprung = any(word in (score.genre or "") for word in SPRINGS)
    return "spring" if score.room == "plate" and sprung and rng.random() < 0.5 else score.room


def mix(score: Score, stems: list[np.ndarray], rate: int) -> np.ndarray:
    """Mix and master: `stems` are the parts' dry (2, N) signals in order -> (2, N) float32, finite, peak <= 0.97."""
    samples = round(score.seconds * rate)
    rng = random_of(score, "mix")
    bus, near, far = (np.zeros((2, samples), np.float32) for _ in range(3))
    curve = duck(score, samples, rate) if any(p.options.get("sidechain") for p in score.parts) else None
    for index, (part, stem, casting) in enumerate(zip(score.parts, stems, cast(score), strict=True)):
        own = random_of(score, f"strip {index}")
        sound = place(strip(stem, part, casting, rate, own), part, rate, own.normal(0, BALANCE))
        if curve is not None and (amount := part.options.get("sidechain")):
            sound *= 1 - np.float32(amount) * curve
        bus += sound
        near += np.float32(STRIPS[family(part)].near * own.uniform(0.5, 1.5)) * sound
        if part.reverb > 0:
            far += np.float32(part.reverb * (0.35 if part.role == "bass" else 1.0)) * sound
    closeness = 0.2 if score.room == "dry" else rng.uniform(0.35, 0.8)
    bus += np.float32(closeness) * convolve(near, response("dry" if rng.random() < 0.5 else "room", rate, rng))
    shaped = filtered(far, low_cut(rng.uniform(60, 180), rate), high_cut(rng.uniform(5000, 11000), rate))
    late = int(rng.uniform(0.0, 0.03) * rate)
    wet = convolve(shaped, response(_far(score, rng), rate, rng))[:, : samples - late]
    bus[:, late:] += np.float32(ROOMS[score.room] * rng.uniform(0.8, 1.4)) * wet
    return master(bus, score, rate)
