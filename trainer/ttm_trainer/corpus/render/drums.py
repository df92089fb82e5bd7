"""Plays a drum part: every hit is chosen among versions of its drum, which differ a little, and never twice the same.

A version is the drum at another pitch, brightness and level, begun at another moment. Soft hits are duller. The kit as
a whole has its own tuning and balance, drawn once a part.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from .drum_sounds import CYMBALS, drum
from .effects.filters import filtered, high_cut, high_shelf
from .soundfonts import Take, struck
from .synth import Event

VERSIONS = 5  # of a drum at a strength
STRENGTHS = (28, 52, 74, 95, 116)  # MIDI velocities at which a drum is recorded
HATS = (42, 44, 46)
SPREAD = {"909": 0.35, "808": 0.35, "hardstyle": 0.3, "chip": 0.15}  # how far versions differ; drummers: 1

Shot = Callable[[int, int, np.random.Generator], np.ndarray]  # key, strength (an index), random -> (2, n)


def of_soundfont(take: Take, rate: int) -> Shot:
    """Drums of a soundfont's kit."""
    return lambda key, strength, rng: struck(take.font, take.program, key, STRENGTHS[strength], rate)


def of_machine(kit: str, rate: int) -> Shot:
    """Drums of a kit of `drum_sounds.KITS`; one-shots have a soft and a hard recording."""

    def shot(key: int, strength: int, rng: np.random.Generator) -> np.ndarray:
        sound = drum(kit, key, int(strength > 2 and kit == "acoustic_samples"), rate, rng)
        return sound * np.float32((STRENGTHS[strength] / 127) ** 1.5)

    return shot


def version(sound: np.ndarray, strength: int, spread: float, rate: int, rng: np.random.Generator) -> np.ndarray:
    """The drum (2, n) as another hit sounds: `spread` scales how far it differs."""
    ratio = 2 ** (spread * rng.normal(0, 11) / 1200)
    sound = _pitched(sound, ratio)
    late = int(spread * rng.uniform(0, 0.0012) * rate)
    sound = sound[:, late:] * np.float32(10 ** (spread * rng.normal(0, 0.6) / 20))
    if sound.shape[1] < 64:
        return sound
    soft = (2 - strength) * 0.8 * min(1.0, spread * 2)
    sound = filtered(sound, high_shelf(3500, spread * rng.normal(0, 1.3) - soft, rate))
    edge = min(24, sound.shape[1])
    sound[:, :edge] *= np.linspace(0.2, 1, edge, dtype=np.float32)
    return sound


def _pitched(sound: np.ndarray, ratio: float) -> np.ndarray:
    """(2, n) played `ratio` times as fast, with cubic (Catmull-Rom) curves between the samples."""
    n = sound.shape[1]
    if n < 8 or abs(ratio - 1) < 1e-5:
        return sound.copy()
    at = np.arange(1, n - 2, ratio)
    whole = at.astype(np.int64)
    x = (at - whole).astype(np.float32)
    a, b, c, d = (sound.take(whole + k, axis=1) for k in (-1, 0, 1, 2))
    return b + 0.5 * x * (c - a + x * (2 * a - 5 * b + 4 * c - d + x * (3 * (b - c) + d - a)))


class _Kit:
    """The versions of the drums of a part, made when they are first needed."""

    def __init__(self, shot: Shot, spread: float, rate: int, seed: int) -> None:
        self.shot, self.spread, self.rate, self.seed = shot, spread, rate, seed
        self.made: dict[tuple[int, int, int], np.ndarray] = {}
        self.last: dict[tuple[int, int], int] = {}
        self.rng = np.random.default_rng([seed, 1])
        self.shift = float(np.random.default_rng(seed).normal(0, 1))  # semitones, the tuning of the skins

    def hit(self, key: int, velocity: int) -> np.ndarray:
        strength = int(np.argmin([abs(velocity - other) for other in STRENGTHS]))
        number = int(self.rng.integers(VERSIONS - 1))
        number += number >= self.last.get((key, strength), VERSIONS)  # any but the last one
        self.last[key, strength] = number
        if (key, strength, number) not in self.made:
            self.made[key, strength, number] = self._make(key, strength, number)
        return self.made[key, strength, number] * np.float32((velocity / STRENGTHS[strength]) ** 1.5)

    def _make(self, key: int, strength: int, number: int) -> np.ndarray:
        drawn = np.random.default_rng([self.seed, key])
        balance, tone = drawn.normal(0, 1.5), drawn.normal(0, 2.0)
        sound = self.shot(key, strength, np.random.default_rng([self.seed, key, 0]))
        metal = key in CYMBALS or key in HATS
        sound = _pitched(sound, 2 ** ((0.4 if metal else 1.0) * self.shift / 12))
        sound = filtered(sound, high_shelf(4000, 0.6 * tone if metal else tone, self.rate))
        if metal:
            sound = filtered(sound, high_cut(15500, self.rate))
        own = np.random.default_rng([self.seed, key, strength, number, 2])
        return version(sound, strength, self.spread, self.rate, own) * np.float32(10 ** (balance / 20))


def render_drums(
    shot: Shot, spread: float, events: Sequence[Event], samples: int, rate: int, rng: np.random.Generator
) -> np.ndarray:
    """Play General MIDI percussion `events` -> (2, samples) float32; closed hats choke open ones.

    spread: how far two hits of a drum differ, 0 (a machine) to 1 (a drummer).
    """
    kit = _Kit(shot, spread, rate, int(rng.integers(2**32)))
    events = sorted(events)
    chokes = np.array([*(e.start for e in events if e.pitch in HATS), math.inf])
    out = np.zeros((2, samples), np.float32)
    for event in events:
        start = max(0, int(round(event.start * rate)))
        if start >= samples:
            continue
        sound = kit.hit(event.pitch, event.velocity)[:, : samples - start]
        if event.pitch == 46:
            until = chokes[np.searchsorted(chokes, event.start + 0.01)] - event.start
            if until * rate < sound.shape[1]:
                sound = sound[:, : int(until * rate)].copy()
                edge = min(160, sound.shape[1])
                sound[:, sound.shape[1] - edge :] *= np.linspace(1, 0, edge, dtype=np.float32)
        out[:, start : start + sound.shape[1]] += sound
    return out
