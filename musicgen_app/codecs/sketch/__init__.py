"""The app's own codecs: small convolutional autoencoders of STFT magnitudes, whose phases are rebuilt.

`mono` has the first two editions, `stereo` the third.
"""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import TypeVar

import torch

from ...errors import ModelError
from ...models.bundle import load_state, load_strict
from .codec import SpectrumCodec, save_codec
from .mono import FLOOR, SketchCodec, SketchCodecConfig
from .stereo import StereoCodec, StereoCodecConfig

__all__ = [
    "KINDS",
    "SketchCodec",
    "SketchCodecConfig",
    "SpectrumCodec",
    "StereoCodec",
    "StereoCodecConfig",
    "load_codec",
    "save_codec",
]

KINDS = (SketchCodec.kind, StereoCodec.kind)
MOST, LARGEST = 1_000, 1_000_000  # blocks or iterations, and any other size, that a codec may have
Config = TypeVar("Config", SketchCodecConfig, StereoCodecConfig)


def load_codec(folder: Path, sha256: str | None = None) -> SpectrumCodec:
    """Read a codec folder written by `save_codec`, in eval mode; raises ModelError when it does not fit."""
    codec: SpectrumCodec
    try:
        config = json.loads((folder / "config.json").read_text())
        kind = config.pop("kind")
        config.pop("data")
        with torch.device("meta"):
            if kind == SketchCodec.kind:
                # the first edition's file has no floor
                codec = SketchCodec(_checked(SketchCodecConfig(**{"floor": FLOOR} | config)))
            elif kind == StereoCodec.kind:
                codec = StereoCodec(_checked(StereoCodecConfig(**config)))
            else:
                raise ValueError(f"its kind is {str(kind)[:40]!a}")
    except (OSError, ValueError, TypeError, KeyError, AttributeError, MemoryError, RuntimeError) as error:
        raise ModelError(f"{folder / 'config.json'}: not a sketch codec ({error}); install the model again") from error
    load_strict(codec, load_state(folder / "model.safetensors", sha256), folder, assign=True)
    return codec.float().eval().requires_grad_(False)


def _checked(config: Config) -> Config:
    """The sizes of a codec, where each is of its kind and one that a codec can have; else ValueError."""
    for size in fields(config):
        value = getattr(config, size.name)
        kinds = int if isinstance(size.default, int) else int | float
        most = MOST if size.name.endswith(("blocks", "iterations")) else LARGEST
        if isinstance(value, bool) or not isinstance(value, kinds) or not 0 <= value <= most:
            raise ValueError(f"{size.name} cannot be {str(value)[:40]!a}")
    if not (0 < config.hop <= config.n_fft and config.sample_rate > 0 and config.frames_per_latent > 0):
        raise ValueError("its frames do not follow one another")
    return config
