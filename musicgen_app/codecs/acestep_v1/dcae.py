"""The decoder of the deep compression autoencoder (Chen et al., 2024, arXiv 2410.10733), arranged to run fast.

`FastDecoder` takes the layers of diffusers' `AutoencoderDC.decoder` and computes the same, with channels innermost in
memory throughout (diffusers turns its tensors around several times a block) and without temporary copies. On a CPU
half of the time of diffusers' own forward in bfloat16 goes into those.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Foreign = Any  # a module of diffusers, whose attributes have no types


def add_normed(residual: Tensor, x: Tensor, norm: Foreign) -> Tensor:
    """residual + RMS norm of x over its channels, all (B, C, H, W); `x` is overwritten."""
    x = x.permute(0, 2, 3, 1)
    rms = torch.linalg.vector_norm(x, dim=-1, keepdim=True).div_(x.shape[-1] ** 0.5)
    x.mul_(rms.square_().add_(norm.eps).rsqrt_())
    return torch.addcmul(residual.permute(0, 2, 3, 1), x, norm.weight).add_(norm.bias).permute(0, 3, 1, 2)


class ResBlock(nn.Module):
    """(B, C, H, W) -> (B, C, H, W)."""

    def __init__(self, block: Foreign):
        super().__init__()
        self.conv1, self.conv2, self.norm = block.conv1, block.conv2, block.norm

    def forward(self, x: Tensor) -> Tensor:
        return add_normed(x, self.conv2(F.silu(self.conv1(x), inplace=True)), self.norm)


class LinearAttention(nn.Module):
    """ReLU linear attention over all positions, at several scales; (B, C, H, W) -> (B, C, H, W)."""

    def __init__(self, attention: Foreign):
        super().__init__()
        self.width, self.eps = attention.attention_head_dim, attention.eps
        projections = (attention.to_q, attention.to_k, attention.to_v)
        self.qkv = nn.Parameter(torch.cat([layer.weight.detach() for layer in projections]), requires_grad=False)
        self.scales, self.out, self.norm = attention.to_qkv_multiscale, attention.to_out, attention.norm_out

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        qkv = F.linear(x.permute(0, 2, 3, 1), self.qkv).permute(0, 3, 1, 2)
        qkv = torch.cat([qkv, *(scale(qkv) for scale in self.scales)], dim=1)
        heads = qkv.permute(0, 2, 3, 1).flatten(1, 2).unflatten(-1, (-1, 3 * self.width)).transpose(1, 2).float()
        query, key, value = heads.chunk(3, dim=-1)  # (B, heads, H W, width)
        summary = F.relu(key).transpose(-1, -2) @ F.pad(value, (0, 1), value=1.0)  # the last column is the normaliser
        mixed = F.relu(query) @ summary
        mixed = mixed[..., :-1] / mixed[..., -1:].clamp_min(self.eps)
        mixed = self.out(mixed.transpose(1, 2).flatten(2).to(x.dtype)).unflatten(1, (height, width))
        return add_normed(x, mixed.permute(0, 3, 1, 2), self.norm)


class EfficientViTBlock(nn.Module):
    """Linear attention, then a gated MLP with a depthwise convolution; (B, C, H, W) -> (B, C, H, W)."""

    def __init__(self, block: Foreign):
        super().__init__()
        self.attention, mlp = LinearAttention(block.attn), block.conv_out
        self.inverted, self.depth, self.point, self.norm = mlp.conv_inverted, mlp.conv_depth, mlp.conv_point, mlp.norm

    def forward(self, x: Tensor) -> Tensor:
        x = self.attention(x)
        hidden, gate = self.depth(F.silu(self.inverted(x), inplace=True)).chunk(2, dim=1)
        return add_normed(x, self.point(hidden * F.silu(gate)), self.norm)


class UpBlock(nn.Module):
    """Nearest neighbours and a convolution, plus the pixel-shuffled input; (B, 2C, H, W) -> (B, C, 2H, 2W)."""

    def __init__(self, block: Foreign):
        super().__init__()
        self.conv = block.conv

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))
        # pixel (2h + i, 2w + j) of channel c takes channel 2c + i of pixel (h, w)
        shuffled = x.permute(0, 2, 3, 1).unflatten(-1, (-1, 2)).permute(0, 1, 4, 2, 3).contiguous()  # (B, H, i, W, C)
        y.permute(0, 2, 3, 1).unflatten(2, (-1, 2)).unflatten(1, (-1, 2)).add_(shuffled.unsqueeze(4))
        return y


class FastDecoder(nn.Module):
    """Latents (B, 8, 16, T) -> image (B, 2, 128, 8 T), float32. It takes the layers of `decoder` over, as `dtype`."""

    def __init__(self, decoder: Foreign, dtype: torch.dtype):
        super().__init__()
        fast: dict[str, Callable[[Foreign], nn.Module]] = {
            "ResBlock": ResBlock,
            "EfficientViTBlock": EfficientViTBlock,
            "DCUpBlock2d": UpBlock,
        }
        decoder.to(dtype)
        self.repeats = decoder.in_shortcut_repeats
        self.conv_in = decoder.conv_in
        self.blocks = nn.Sequential(
            *(fast[type(block).__name__](block) for blocks in reversed(decoder.up_blocks) for block in blocks)
        )
        self.norm_out, self.conv_out = decoder.norm_out, decoder.conv_out
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # PyTorch leaves it out

    def forward(self, latents: Tensor) -> Tensor:
        x = latents.to(self.conv_in.weight.dtype).contiguous(memory_format=torch.channels_last)
        x = self.blocks(self.conv_in(x) + x.repeat_interleave(self.repeats, dim=1))
        x = F.relu(add_normed(torch.zeros_like(x), x, self.norm_out))
        return self.conv_out(x).float()
