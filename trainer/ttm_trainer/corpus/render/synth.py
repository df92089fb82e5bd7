"""Software synthesiser of the corpus: notes of one part -> stereo stem (2, samples) float32.

A note is rendered once per distinct (pitch, length, loudness class, glide origin) and placed wherever it occurs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .effects.modulation import echo
from .oscillators import Voice, filter_sweep, frequency
from .sounds import SOUNDS

LENGTH_STEP = 0.02  # seconds; note lengths are rounded to this, so that repeated notes share one rendering


class Event(NamedTuple):
    """A note in seconds."""

    start: float
    seconds: float
    pitch: int
    velocity: int


def patch(name: str, options: dict, rng: np.random.Generator) -> dict:
    """The part's own variation of a sound: choices the composer left open, drawn once per part."""
    drawn = {
        "detune_scale": float(rng.uniform(0.6, 1.5)),
        "duty": float(rng.choice([0.125, 0.25, 0.5])),
        "wave": str(rng.choice(["saw", "pulse0.5"])),
    }
    if name == "fm_bell":
        drawn["ratio"] = float(rng.choice([1.41, 2.0, 3.5, 5.0]))
    if name == "fm_bass":
        drawn["ratio"] = float(rng.choice([0.5, 1.0, 2.0]))
    return {**drawn, **options}


def render_part(
    name: str, events: Sequence[Event], samples: int, rate: int, options: dict, rng: np.random.Generator, beat: float
) -> np.ndarray:
    """Play `events` on the sound `name` of SOUNDS -> (2, samples) float32.

    `options` as in `Part.options`; `beat` is the length of a quarter note in seconds (for the echo).
    """
    note = SOUNDS[name]
    options = patch(name, options, rng)
    seed = int(rng.integers(2**32))
    rendered: dict[tuple, np.ndarray] = {}
    out = np.zeros((2, samples), np.float32)
    before = None
    for event in sorted(events):
        start = max(0, int(round(event.start * rate)))
        if start >= samples:
            continue
        origin = event.pitch if before is None or not options.get("glide") else before
        before = event.pitch
        key = (event.pitch, max(1, round(event.seconds / LENGTH_STEP)), event.velocity // 20, origin)
        if key not in rendered:
            held = min(int(key[1] * LENGTH_STEP * rate), samples)
            loudness = min(1.0, (key[2] + 0.5) * 20 / 127)
            own = np.random.default_rng([seed, *key])
            voice = Voice(frequency(event.pitch), frequency(origin), held, loudness, rate, options, own)
            rendered[key] = note(voice).astype(np.float32, copy=False)
        sound = rendered[key][:, : samples - start]
        out[:, start : start + sound.shape[1]] += (event.velocity / 127) ** 1.4 * sound
    if name == "fm_epiano":
        t = np.arange(samples, dtype=np.float32) / rate
        wobble = 0.25 * np.sin(2 * np.pi * 4.7 * t)
        out *= np.stack([1 + wobble, 1 - wobble])
    if "cutoff" in options:
        low, high = options["cutoff"]
        out = filter_sweep(out, lambda x: low * (high / low) ** x, rate, options.get("resonance", 0.1), 1024)
    if drive := options.get("drive", 0.0):
        level = np.abs(out).max() + 1e-9
        out = np.tanh(out / level * (1 + 5 * drive)) * level
    if amount := options.get("delay", 0.0):
        out = echo(out, float(amount), beat, rate)
    return out
