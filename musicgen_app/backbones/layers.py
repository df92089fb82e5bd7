"""Parts shared by the backbones: channel-last convolutions, gated MLPs, time embedding, rotary positions.

Sequences are (B, N, C) throughout.
"""

from __future__ import annotations

import functools

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ChannelLastConv1d(nn.Conv1d):
    """A "same" 1-d convolution over (B, N, C) with the usual (out, in, k) weight.

    It runs as a 2-d convolution of height one: (B, N, C) is then already the channels-last layout the kernels
    want, so nothing is transposed in memory.
    """

    def __init__(self, channels_in: int, channels_out: int, kernel: int, bias: bool = True):
        super().__init__(channels_in, channels_out, kernel, padding=kernel // 2, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        image = x.transpose(1, 2).unsqueeze(2)
        y = F.conv2d(image, self.weight.unsqueeze(2), self.bias, padding=(0, self.kernel_size[0] // 2))
        return y.squeeze(2).transpose(1, 2)


def projection(channels_in: int, channels_out: int, kernel: int, bias: bool = True) -> nn.Linear | ChannelLastConv1d:
    """A map over (B, N, C): a Linear for kernel 1, else a convolution along N."""
    if kernel == 1:
        return nn.Linear(channels_in, channels_out, bias=bias)
    return ChannelLastConv1d(channels_in, channels_out, kernel, bias=bias)


def gated_width(hidden: int) -> int:
    """Width of a gated MLP that costs as much as a plain one of width 4 * hidden, in multiples of 256."""
    return -(-int(2 * 4 * hidden / 3) // 256) * 256


class GatedMLP(nn.Module):
    """w2(silu(w1 x) * w3 x) without biases; convolutional along N when kernel > 1."""

    def __init__(self, hidden: int, width: int, kernel: int = 1):
        super().__init__()
        self.w1 = projection(hidden, width, kernel, bias=False)
        self.w2 = projection(width, hidden, kernel, bias=False)
        self.w3 = projection(hidden, width, kernel, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.w2(F.silu(self.w1(x)) * self.w3(x))


class GridInput(nn.Module):
    """What is said of every frame (B, T, grid_dim) -> (B, T, hidden), to be added to the embedded latents.

    It begins as zero, so that a model that is given one answers as before.
    """

    def __init__(self, grid_dim: int, hidden: int):
        super().__init__()
        self.conv = ChannelLastConv1d(grid_dim, hidden, 7)
        self.out = nn.Linear(hidden, hidden)

    def forward(self, grid: Tensor) -> Tensor:
        return self.out(F.selu(self.conv(grid)))


class TimeEmbedding(nn.Module):
    """t (B,) in [0, 1] -> (B, hidden): a 256-d sinusoid (cosines first) of the raw t, then an MLP."""

    def __init__(self, hidden: int, frequencies: int = 256):
        super().__init__()
        self.frequencies = frequencies
        self.mlp = nn.Sequential(nn.Linear(frequencies, hidden), nn.SiLU(), nn.Linear(hidden, hidden))

    def forward(self, t: Tensor) -> Tensor:
        half = torch.arange(0, self.frequencies, 2, device=t.device, dtype=torch.float32)
        angle = t.float()[:, None] * 10000 ** (-half / self.frequencies)
        return self.mlp(torch.cat([angle.cos(), angle.sin()], dim=-1))


class ScalarInput(nn.Module):
    """Numbers (B, count) -> (B, hidden), the sum of an embedding of each; one that is NaN, not told, has its own.

    Numbers are to be of the order of 1 to 10. It begins as zero, so that a model that is given one answers as before.
    """

    def __init__(self, count: int, hidden: int):
        super().__init__()
        self.embeds = nn.ModuleList(TimeEmbedding(hidden) for _ in range(count))
        self.untold = nn.Parameter(torch.zeros(count, hidden))
        self.out = nn.Linear(hidden, hidden)

    def forward(self, values: Tensor) -> Tensor:
        numbers = values.nan_to_num().unbind(1)
        told = torch.stack([embed(number) for embed, number in zip(self.embeds, numbers, strict=True)], dim=1)
        known = torch.where(values.isnan()[:, :, None], self.untold, told)
        return self.out(known.sum(dim=1))


def normalise(x: Tensor) -> Tensor:
    """LayerNorm over the channels, without affine parameters."""
    return F.layer_norm(x, x.shape[-1:], eps=1e-5)


def modulate(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """x (B, N, C) scaled by 1 + scale (B, 1, C) and shifted by shift (B, 1, C)."""
    return torch.addcmul(shift, x, 1 + scale)


class RMSNorm(nn.Module):
    """RMS norm over the last axis with a learned scale, in float32 (its backward pass is cheaper than nn.RMSNorm's)."""

    def __init__(self, dim: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x: Tensor) -> Tensor:
        x = x.float()
        mean_square = torch.linalg.vector_norm(x, dim=-1, keepdim=True).square() / x.shape[-1]
        return x * (mean_square + torch.finfo(torch.float32).eps).rsqrt() * self.weight


@functools.lru_cache(maxsize=64)
def rotary_phase(length: int, dim: int, device: torch.device) -> Tensor:
    """exp(i n 10000^(-2k / dim)) (length, 1, dim / 2) for position n and pair k, complex64."""
    with torch.inference_mode(False):  # cached across calls: a sampling run must not leave inference tensors behind
        theta = 10000 ** (-torch.arange(0, dim, 2, dtype=torch.float64) / dim)
        angle = torch.arange(length, dtype=torch.float64)[:, None, None] * theta
        return torch.polar(torch.ones_like(angle), angle).to(torch.complex64).to(device)


def rotate(x: Tensor) -> Tensor:
    """Rotary positions 0..N-1 (RoFormer) on x (B, N, heads, dim) float32; channels (2i, 2i+1) form a pair."""
    pairs = torch.view_as_complex(x.unflatten(-1, (-1, 2)))
    return torch.view_as_real(pairs * rotary_phase(x.shape[1], x.shape[-1], x.device)).flatten(-2)


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> Tensor:
    """Softmax attention, q (B, N, heads, dim), k and v (B, S, heads, dim), mask (B, S) True = visible -> (B, N, C)."""
    q, k, v = (part.transpose(1, 2) for part in (q, k, v))
    if mask is not None:
        mask = mask[:, None, None]
    if q.requires_grad and q.device.type == "cpu":  # the CPU's fused backward pass is 3x slower than these products
        scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)
        if mask is not None:
            scores = scores.masked_fill(~mask, -torch.inf)
        attended = scores.softmax(dim=-1).to(v.dtype) @ v
    else:
        attended = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    return attended.transpose(1, 2).flatten(2)
