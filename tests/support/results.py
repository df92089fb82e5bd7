"""Clips as the engine gives them, of noise."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from musicgen_app.library import metadata
from musicgen_app.request import GenerationRequest, GenerationResult

RATE = 8_000
REQUEST = GenerationRequest(
    "slow piano, été", seconds=0.5, seed=7, steps=2, guidance=3.0, guidance_interval=(0.0, 1.0), solver="euler"
)
MODEL = {"name": "sketch", "version": "1.1", "weights_sha256": "ab" * 32, "licence": "CC-BY-SA-4.0"}


def made(prompt: str = REQUEST.prompt, seed: int = 7, model: str = "sketch") -> GenerationResult:
    clip = 0.1 * np.random.default_rng(seed % 1000).standard_normal((1, RATE // 2))
    request = replace(REQUEST, prompt=prompt, seed=seed, model=model)
    taken = {"text": 0.1, "sampling": 2.0, "decoding": 0.3}
    return GenerationResult(clip.astype(np.float32), RATE, request, MODEL | {"name": model}, taken)


def write_sidecar(result: GenerationResult, path: Path) -> None:
    """Write the sidecar that a clip at `path` would have, in place of what is there."""
    metadata.sidecar_path(path).write_bytes(metadata.sidecar_bytes(metadata.sidecar_for(result, path)))
