"""The app's own codecs: small convolutional autoencoders of STFT magnitudes, whose phases are rebuilt.

`mono` has the first two editions, `stereo` the third.
"""

from __future__ import annotations

import json
from pathlib import Path

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


def load_codec(folder: Path, sha256: str | None = None) -> SpectrumCodec:
    """Read a codec folder written by `save_codec`, in eval mode; raises ModelError when it does not fit."""
    codec: SpectrumCodec
    try:
        config = json.loads((folder / "config.json").read_text())
        kind = config.pop("kind")
        config.pop("data")
        if kind == SketchCodec.kind:
            codec = SketchCodec(SketchCodecConfig(**{"floor": FLOOR} | config))  # the first edition's file has no floor
        elif kind == StereoCodec.kind:
            codec = StereoCodec(StereoCodecConfig(**config))
        else:
            raise ValueError(f"its kind is {kind!r}")
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ModelError(f"{folder / 'config.json'}: not a sketch codec ({error}); install the model again") from error
    load_strict(codec, load_state(folder / "model.safetensors", sha256), folder)
    return codec.eval().requires_grad_(False)
