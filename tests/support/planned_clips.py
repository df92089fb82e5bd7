"""Clips of noise that were made to a plan."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from musicgen_app.control.plan import Plan, Section
from musicgen_app.library.clip_files import write_clip
from musicgen_app.request import GenerationResult
from support.results import RATE, made

SONG = Plan(
    tempo=120.0,
    key="A minor",
    chords=(("Am", 4.0), ("F", 4.0)),
    sections=(Section(2.0, "intro"), Section(3.5, "vérse", tempo=90.0), Section(2.0, metre="7/8")),
    ends=True,
)
LOOP = Plan(tempo=120.0, key="F# minor", chords=(("F#m", 8.0),))


def planned(plan: Plan | None = SONG, seconds: float = 18.0, seed: int = 7, prompt: str = "piano") -> GenerationResult:
    """A clip of so many seconds at 8 kHz."""
    noise = 0.1 * np.random.default_rng(seed).standard_normal((1, round(seconds * RATE)))
    return replace(made(prompt, seed), audio=noise.astype(np.float32), plan=plan)


def write_planned(path: Path, *args, sidecar: bool = True, **values) -> Path:
    """A clip of `planned` on the disk."""
    write_clip(planned(*args, **values), path, sidecar)
    return path
