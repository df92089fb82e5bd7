"""What the engine and the trainer expect of a codec."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn


class Codec(Protocol):
    """Waveform <-> latents at a fixed rate. `encode` and `decode` take a whole clip of any length at once;
    `chunks.encode_chunked` and `chunks.decode_chunked` give the same in flat memory.

    `sample_rate` in Hz, `channels` of the waveform, `latent_dim` D, `latent_rate` in frames a second (may be a
    fraction), `samples_per_latent` = sample_rate / latent_rate. A long clip goes through in pieces of `chunk` latents
    that see `context` latents more on either side.
    """

    sample_rate: int
    channels: int
    latent_dim: int
    latent_rate: float
    samples_per_latent: int
    chunk: int
    context: int

    def encode(self, waveform: Tensor) -> Tensor:
        """Waveform (B, channels, N) -> latents (B, T, D), float32, with T = ceil(N / samples_per_latent)."""

    def decode(self, latents: Tensor) -> Tensor:
        """Latents (B, T, D) -> waveform (B, channels, T * samples_per_latent), float32."""

    def to(self, device: torch.device) -> Self:
        """Move the codec to a device, in place."""

    def prepare(self, dtype: torch.dtype) -> None:
        """Make decoding fast, in place and for inference only: `dtype` is the type the decoder may compute in."""


class ChunkedDecoder(Protocol):
    """A codec whose pieces depend on one another (a running phase) decodes long clips itself."""

    def decode_chunks(self, latents: Tensor) -> Iterator[Tensor]:
        """Latents (B, T, D) -> waveform pieces (B, channels, n), in order, T * samples_per_latent samples together."""


class ExportableDecoder(Protocol):
    """A codec whose decoder network can leave PyTorch (ONNX): decode(latents) == finish(decoder_module()(latents))."""

    def decoder_module(self) -> nn.Module:
        """The network: latents (B, T, D) -> its output, for any T."""

    def finish(self, output: Tensor) -> Tensor:
        """What the network gives -> waveform (B, channels, N)."""
