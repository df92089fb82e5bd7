"""Decoding a loop: latents whose first follows their last -> a waveform whose first sample follows its last.

What goes through the decoder is wrapped around at both ends. A loop has a whole number of latents, and any number of
samples; what a codec does not make up itself is taken by a periodic, band-limited resampling.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .base import Codec, LoopDecoder
from .chunks import OnChunk, decode_chunked

FADE = 0.02  # seconds before the seam; both sides of it are the same sound but for what lies beyond a codec's context


@torch.no_grad()
def decode_loop(codec: Codec, latents: Tensor, samples: int, on_chunk: OnChunk | None = None) -> Tensor:
    """Latents (B, T, D) of loops -> waveform (B, channels, samples), each of them a loop."""
    if isinstance(codec, LoopDecoder):
        return resample_loop(codec.decode_loop(latents, samples, on_chunk), samples)
    frames, around, hop = latents.shape[1], codec.context + 1, codec.samples_per_latent
    shown = torch.arange(-around, frames + around, device=latents.device) % frames
    waveform = decode_chunked(codec, latents[:, shown], on_chunk)
    first, last = around * hop, (around + frames) * hop
    fade = torch.linspace(0, 1, min(round(FADE * codec.sample_rate), hop), device=latents.device)
    loop, before = waveform[..., first:last], waveform[..., first - len(fade) : first]
    loop[..., -len(fade) :].lerp_(before, fade)
    return resample_loop(loop, samples)


def detuning(codec: Codec, latents: int, samples: int) -> float:
    """Cents by which `decode_loop` moves the pitch of so many latents when they become so many samples."""
    made = latents * codec.samples_per_latent
    if isinstance(codec, LoopDecoder):
        made = codec.loop_samples(latents, samples)
    return 1200 * math.log2(made / samples)


def resample_loop(waveform: Tensor, samples: int) -> Tensor:
    """Loops (B, channels, N) -> (B, channels, samples): the same sound, all of it, a little faster or slower."""
    from scipy.signal import resample

    if waveform.shape[-1] == samples:
        return waveform
    return torch.from_numpy(resample(waveform.cpu().numpy(), samples, axis=-1)).to(waveform)
