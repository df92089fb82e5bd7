"""The stage "latents": the items as the codec sees them, which is what a generator learns to make."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import torch

from musicgen_app.codecs.base import Codec
from musicgen_app.codecs.chunks import encode_chunked

from ..encoders import device_of
from .item_frames import ItemFrames


class Latents(ItemFrames):
    """Latents of every item. A codec with a posterior (ACE-Step v1.5) gives its mean, so that they are exact."""

    name = "latents"

    @cached_property
    def settings(self) -> dict:
        return {"segments": self.made_from("segments"), "codec": self.encoders.codec_identity()}

    @cached_property
    def codec(self) -> Codec:
        return self.encoders.load_codec()

    @property
    def sample_rate(self) -> int:
        return self.codec.sample_rate

    @property
    def channels(self) -> int:
        return self.codec.channels

    @property
    def width(self) -> int:
        return self.codec.latent_dim

    def count(self, samples: int) -> int:
        return -(-samples // self.codec.samples_per_latent)

    def encode(self, waves: np.ndarray) -> np.ndarray:
        return encode_chunked(self.codec, torch.from_numpy(waves).to(device_of(self.codec))).float().cpu().numpy()
