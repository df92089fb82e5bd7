"""Encoding and decoding clips of any length in flat memory.

A clip is cut into chunks. Every chunk goes through the codec with some context on either side, which is trimmed off
again, so the chunks join without a seam. A convolutional codec whose context covers its receptive field gives exactly
what it gives for the whole clip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from .base import ChunkedDecoder, Codec

OnChunk = Callable[[int, int], None]  # latents done, latents in all; may raise to stop


@torch.no_grad()
def decode_chunked(codec: Codec, latents: Tensor, on_chunk: OnChunk | None = None) -> Tensor:
    """Latents (B, T, D) -> waveform (B, channels, T * samples_per_latent); `codec.decode` chunk by chunk."""
    batch, frames = latents.shape[:2]
    hop = codec.samples_per_latent
    waveform = torch.empty(batch, codec.channels, frames * hop, device=latents.device)
    done = 0  # samples
    for piece in codec.decode_chunks(latents) if isinstance(codec, ChunkedDecoder) else _decode_windows(codec, latents):
        waveform[..., done : done + piece.shape[-1]] = piece
        done += piece.shape[-1]
        if on_chunk:
            on_chunk(done // hop, frames)
    return waveform


@torch.no_grad()
def encode_chunked(codec: Codec, waveform: Tensor, on_chunk: OnChunk | None = None) -> Tensor:
    """Waveform (B, channels, N) -> latents (B, ceil(N / samples_per_latent), D); `codec.encode` chunk by chunk."""
    hop = codec.samples_per_latent
    frames = -(-waveform.shape[-1] // hop)
    latents = torch.empty(len(waveform), frames, codec.latent_dim, device=waveform.device)
    for start, stop in spans(frames, codec.chunk):
        first = max(0, start - codec.context)
        window = codec.encode(waveform[..., first * hop : (stop + codec.context) * hop])
        latents[:, start:stop] = window[:, start - first : stop - first]
        if on_chunk:
            on_chunk(stop, frames)
    return latents


def spans(total: int, chunk: int) -> Iterator[tuple[int, int]]:
    """(start, stop) of chunks that cover `total` latents; the last one also takes a remainder of up to chunk / 4."""
    start = 0
    while start < total:
        stop = start + chunk if total - start > chunk + chunk // 4 else total
        yield start, stop
        start = stop


def _decode_windows(codec: Codec, latents: Tensor) -> Iterator[Tensor]:
    """Waveforms of the chunks of latents (B, T, D), each decoded with its context."""
    hop = codec.samples_per_latent
    for start, stop in spans(latents.shape[1], codec.chunk):
        first = max(0, start - codec.context)
        window = codec.decode(latents[:, first : stop + codec.context])
        yield window[..., (start - first) * hop : (stop - first) * hop]
