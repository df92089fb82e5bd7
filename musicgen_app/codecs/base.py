"""What the engine and the trainer expect of a codec."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn


class Codec(Protocol):
    """Waveform <-> latents at a fixed rate. `encode` and `decode` take a whole clip of any length at once;
    `chunks.encode_chunked` and `chunks.decode_chunked` give the same in flat memory.

    A long clip goes through in pieces of `chunk` latents that see `context` latents more on either side. One whose
    decoder can leave PyTorch is an `ExportableCodec`; one that decodes long clips itself is a `ChunkedDecoder`, and
    one that decodes loops itself a `LoopDecoder`.
    """

    @property
    def sample_rate(self) -> int:
        """Of the waveform, in Hz."""

    @property
    def channels(self) -> int:
        """Of the waveform."""

    @property
    def latent_dim(self) -> int:
        """Numbers in a latent, D."""

    @property
    def latent_rate(self) -> float:
        """Latents a second; may be a fraction."""

    @property
    def samples_per_latent(self) -> int:
        """sample_rate / latent_rate."""

    @property
    def chunk(self) -> int: ...

    @property
    def context(self) -> int: ...

    def encode(self, waveform: Tensor) -> Tensor:
        """Waveform (B, channels, N) -> latents (B, T, D), float32, with T = ceil(N / samples_per_latent)."""

    def decode(self, latents: Tensor) -> Tensor:
        """Latents (B, T, D) -> waveform (B, channels, T * samples_per_latent), float32."""

    def to(self, device: torch.device, /) -> Any:
        """Move the codec to a device, in place."""

    def prepare(self, dtype: torch.dtype) -> None:
        """Make decoding fast, in place and for inference only: `dtype` is the type the decoder may compute in."""


@runtime_checkable
class ChunkedDecoder(Protocol):
    """A codec whose pieces depend on one another (a running phase) decodes long clips itself."""

    def decode_chunks(self, latents: Tensor) -> Iterator[Tensor]:
        """Latents (B, T, D) -> waveform pieces (B, channels, n), in order, T * samples_per_latent samples together."""


@runtime_checkable
class LoopDecoder(Protocol):
    """A codec that comes nearer to the length of a loop than whole latents do, and keeps the pitch."""

    def loop_samples(self, latents: int, samples: int, /) -> int:
        """How many samples it makes of so many latents, of a loop that is to have so many."""

    def decode_loop(
        self, latents: Tensor, samples: int, on_chunk: Callable[[int, int], None] | None = None, /
    ) -> Tensor:
        """Latents (B, T, D) of loops -> waveform (B, channels, loop_samples(T, samples)), periodic.

        on_chunk(done, total) is told of latents, and may raise to stop.
        """


@runtime_checkable
class ExportableCodec(Codec, Protocol):
    """A codec whose decoder network can leave PyTorch (ONNX): decode(latents) == finish(decoder_module()(latents))."""

    def decoder_module(self) -> nn.Module:
        """The network: latents (B, T, D) -> its output, for any T."""

    def finish(self, output: Tensor) -> Tensor:
        """What the network gives -> waveform (B, channels, N)."""
