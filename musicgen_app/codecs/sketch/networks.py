"""What the networks of the sketch codecs are made of, and what they start from.

ConvNeXt blocks (Liu et al., 2022, arXiv 2201.03545), frames side by side, principal components.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

KERNEL = 7  # of the depthwise convolutions, in frames or latents


class ConvNeXtBlock(nn.Module):
    """Depthwise convolution over time, then a pointwise MLP; (B, T, C) -> (B, T, C)."""

    def __init__(self, width: int, layer_scale: float):
        super().__init__()
        self.conv = nn.Conv1d(width, width, KERNEL, padding=KERNEL // 2, groups=width)
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, 3 * width)
        self.down = nn.Linear(3 * width, width)
        self.scale = nn.Parameter(torch.full((width,), layer_scale))

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv(x.transpose(1, 2)).transpose(1, 2)
        return x + self.scale * self.down(F.gelu(matmul(self.up, self.norm(h))))


def matmul(layer: nn.Linear, x: Tensor) -> Tensor:
    """`layer(x)` in the precision of its weights; see `SpectrumCodec.prepare`."""
    return layer(x.to(layer.weight.dtype))


def blocks(width: int, count: int) -> nn.Sequential:
    """`count` blocks in a row, each scaled so that their sum begins at the size of one."""
    return nn.Sequential(*(ConvNeXtBlock(width, 1 / max(count, 1)) for _ in range(count)))


def side_by_side(frames: Tensor, ratio: int) -> Tensor:
    """(B, ratio * T, C) -> (B, T, ratio * C)."""
    return frames.reshape(frames.shape[0], frames.shape[1] // ratio, -1)


def one_after_another(latents: Tensor, ratio: int) -> Tensor:
    """(B, T, ratio * C) -> (B, ratio * T, C)."""
    return latents.reshape(latents.shape[0], latents.shape[1] * ratio, -1)


def principal(frames: Tensor, count: int, weights: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Components of frames (B, T, F) with bins scaled by the root of `weights`: mean, basis, deviation, scaling."""
    emphasis = weights.sqrt()
    rows = frames.flatten(0, 1) * emphasis
    mean = rows.mean(dim=0)
    _, _, basis = torch.svd_lowrank(rows - mean, q=min(count + 20, *rows.shape), niter=3)
    basis = basis[:, :count]
    return mean, basis, ((rows - mean) @ basis).std(dim=0), emphasis


def set_whitening(layer: nn.Linear, mean: Tensor, basis: Tensor, scale: Tensor, emphasis: Tensor) -> None:
    """Make a layer give what `principal` found, each component of deviation 1."""
    layer.weight.copy_((basis / scale).t() * emphasis)
    layer.bias.copy_(-(mean @ basis) / scale)
