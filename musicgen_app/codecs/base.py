"""What the engine and the trainer expect of a codec."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor


class Codec(Protocol):
    """Waveform <-> latents at a fixed rate.

    `sample_rate` in Hz, `channels` of the waveform, `latent_dim` D, `latent_rate` in frames a second
    (may be a fraction).
    """

    sample_rate: int
    channels: int
    latent_dim: int
    latent_rate: float

    def encode(self, waveform: Tensor) -> Tensor:
        """Waveform (B, channels, N) -> latents (B, T, D) with T = ceil(N / sample_rate * latent_rate)."""

    def decode(self, latents: Tensor) -> Tensor:
        """Latents (B, T, D) -> waveform (B, channels, T * sample_rate / latent_rate)."""
