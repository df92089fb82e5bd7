"""Codecs: waveform <-> latents. `load_codec` picks the one that a bundle names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ModelError

if TYPE_CHECKING:
    from ..bundle import Bundle
    from .base import Codec


def load_codec(bundle: Bundle) -> Codec:
    """The codec of a bundle, ready to use; raises ModelError for a kind this version does not know."""
    codec = bundle.config["codec"]
    if codec["kind"] != "sketch":
        raise ModelError(f"{bundle.path}: unknown codec {codec['kind']!r}; update ttm-app")
    from .sketch import load_codec as load

    name = f"{codec['path']}/model.safetensors"
    return load(bundle.path / codec["path"], bundle.config["files"].get(name))
