"""A trained generator and its codec -> a bundle folder that `ttm-app generate --model` plays."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from musicgen_app.bundle import Bundle, write_bundle

from .latents import Cache


def export(
    model: nn.Module,
    preset: str,
    overrides: dict,
    cache: Cache,
    codec_folder: Path,
    out: Path,
    *,
    name: str,
    title: str,
    version: str,
    licence: str,
    training: dict,
    data: list[dict],
    sampler: dict,
    card: str,
    max_seconds: float = 30.0,
    extra_files: dict[str, Path] | None = None,
) -> Bundle:
    """Write the bundle `out` with 16-bit weights (they are read back as float32) and return it.

    `card` is Markdown without front matter. Raises FileError when `out` exists.
    """
    clip = cache.clips[0]
    config = {
        "name": name,
        "title": title,
        "version": version,
        "backbone": {"preset": preset, "overrides": overrides},
        "text": {"kind": "use", "length": cache.tokens.shape[1]},
        "codec": {"kind": "sketch", "path": "codec"},
        "latent": {"mean": cache.meta["mean"], "std": cache.meta["std"]},
        "sampler": sampler,
        "seconds": {"native": clip["seconds"], "max": max_seconds},
        "licence": licence,
        "training": training,
        "data": data,
    }
    tags = "\n".join(f"  - {tag}" for tag in ("music", "text-to-music", "flow-matching"))
    front = (
        f"---\nlicense: {licence.lower()}\npipeline_tag: text-to-audio\nlibrary_name: ttm-app\ntags:\n{tags}\n---\n\n"
    )
    files = {f"codec/{name}": codec_folder / name for name in ("config.json", "model.safetensors", "CREDITS.md")}
    state = {
        key: tensor.half() if tensor.dtype == torch.float32 else tensor for key, tensor in model.state_dict().items()
    }
    return write_bundle(out, config, state, front + card, files | (extra_files or {}))
