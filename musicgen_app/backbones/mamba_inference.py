"""The blocks of `mamba.py` for inference: the same function from fewer, larger matrices, made ready once.

Both directions read the same x, so one matrix serves both at the start of a mixer; at its end the output matrices and
the merge, which follow each other without anything between, become one. The products run in the chosen dtype; norms,
modulation, the scan's state and the residual stream are float32.
"""

from __future__ import annotations

import functools

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from . import scan
from .layers import attend, modulate, normalise
from .mamba import Block, CrossAttention, Mixer

TEXT_MULTIPLE = 32  # the fused attention takes twice as long over 12 keys as over 32


class Product(nn.Module):
    """x (B, T, in) -> x W^T + b (B, T, out) in `dtype`, then GELU if asked, for a weight W (out, in).

    On a CPU the weight is kept in the blocked layout of oneDNN's kernels; `F.linear` makes that anew in every call,
    which takes longer than the product of a ten-second clip.
    """

    def __init__(self, dtype: torch.dtype, weight: Tensor, bias: Tensor | None = None, gelu: bool = False):
        super().__init__()
        self.dtype, self.gelu = dtype, gelu
        weight = weight.detach().to(dtype)
        self.packed = weight.device.type == "cpu" and _packing_works(dtype)
        if self.packed:
            self.weight = torch.ops.mkldnn._reorder_linear_weight(weight)
        else:
            self.register_buffer("weight", weight)
        self.register_buffer("bias", None if bias is None else bias.detach().to(dtype).contiguous())

    def forward(self, x: Tensor) -> Tensor:
        x = x.to(self.dtype)
        if self.packed:
            return _packed_product(x.contiguous(), self.weight, self.bias, self.gelu)
        y = F.linear(x, self.weight, self.bias)
        return F.gelu(y) if self.gelu else y


def _packed_product(x: Tensor, weight: Tensor, bias: Tensor | None, gelu: bool) -> Tensor:
    activation = ("gelu", [], "none") if gelu else ("none", [], "")
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, *activation)


@functools.cache
def _packing_works(dtype: torch.dtype) -> bool:
    """Whether this PyTorch and processor have the packed products, which are not public: tried on a small one."""
    x, weight = torch.linspace(-1, 1, 5 * 32).view(1, 5, 32), torch.linspace(-0.2, 0.2, 48 * 32).view(48, 32)
    bias = torch.linspace(-1, 1, 48)
    try:
        packed = torch.ops.mkldnn._reorder_linear_weight(weight.to(dtype))
        y = _packed_product(x.to(dtype), packed, bias.to(dtype), gelu=True)
    except (AttributeError, RuntimeError, TypeError):
        return False
    return torch.allclose(y.float(), F.gelu(F.linear(x, weight, bias)), atol=0.02)


class InferenceBlock(nn.Module):
    """A `Block`: x (B, T, H) -> (B, T, H), both float32."""

    def __init__(self, block: Block, dtype: torch.dtype):
        super().__init__()
        norms = [block.norm1.proj, block.norm3.proj]
        self.modulation = Product(torch.float32, *_stacked(norms))
        self.bidir = InferenceMixer(block.bidir, dtype)
        self.norm2 = block.norm2.float()
        self.cross = InferenceCrossAttention(block.cross, dtype)
        widen, narrow = block.ffn[0], block.ffn[3]
        self.ffn = nn.Sequential(
            Product(dtype, widen.weight, widen.bias, gelu=True), Product(dtype, narrow.weight, narrow.bias)
        )

    def forward(self, x: Tensor, time: Tensor, keys_values: Tensor, mask: Tensor) -> Tensor:
        scale1, shift1, scale3, shift3 = self.modulation(time).chunk(4, dim=-1)
        x = x + self.bidir(modulate(normalise(x), shift1, scale1))
        x = x + self.cross(self.norm2(x), keys_values, mask)
        return x + self.ffn(modulate(normalise(x), shift3, scale3))


class InferenceMixer(nn.Module):
    """A `BidirectionalMixer`: x (B, T, H) float32 -> (B, T, H) in the dtype of the products."""

    def __init__(self, bidir: nn.Module, dtype: torch.dtype):
        super().__init__()
        mixers = [bidir.fwd_ssm, bidir.bwd_ssm]
        self.in_proj = Product(dtype, torch.cat([mixer.in_proj.weight for mixer in mixers]))
        self.directions = nn.ModuleList(InferenceDirection(mixer, dtype) for mixer in mixers)
        merges = bidir.merge.weight.float().chunk(2, dim=1)
        outs = [merge @ mixer.out_proj.weight.float() for merge, mixer in zip(merges, mixers, strict=True)]
        self.out_proj = Product(dtype, torch.cat(outs, dim=1))

    def forward(self, x: Tensor) -> Tensor:
        forwards, backwards = self.in_proj(x).chunk(2, dim=-1)
        return self.out_proj(
            torch.cat([self.directions[0](forwards), self.directions[1](backwards, reverse=True)], dim=-1)
        )


class InferenceDirection(nn.Module):
    """A `Mixer` between its first and its last matrix: xz (B, T, 2 I) -> (B, T, I)."""

    def __init__(self, mixer: Mixer, dtype: torch.dtype):
        super().__init__()
        self.sizes = [mixer.rank, mixer.state, mixer.state]
        self.register_buffer("taps", mixer.conv1d.weight.detach().float())
        self.register_buffer("bias", mixer.conv1d.bias.detach().float())
        self.x_proj = Product(dtype, mixer.x_proj.weight)
        self.dt_proj = Product(dtype, mixer.dt_proj.weight, mixer.dt_proj.bias)
        A = -mixer.A_log.detach().float().exp()
        self.register_buffer("A", A.t().contiguous().t())  # laid out as the scan on a CPU reads it
        self.register_buffer("D", mixer.D.detach().float())

    def forward(self, xz: Tensor, reverse: bool = False) -> Tensor:
        kernels = scan.choose(xz.device)
        x, z = xz.chunk(2, dim=-1)
        x = kernels.convolve(x, self.taps, self.bias, reverse)
        dt, B, C = self.x_proj(x).split(self.sizes, dim=-1)
        return kernels.scan(x, self.dt_proj(dt), self.A, B, C, self.D, z, reverse)


class InferenceCrossAttention(nn.Module):
    """A `CrossAttention`: x (B, T, H) float32 -> (B, T, H) in the dtype of the products."""

    def __init__(self, cross: CrossAttention, dtype: torch.dtype):
        super().__init__()
        self.heads = cross.heads
        self.q = Product(dtype, cross.q.weight)
        self.kv = Product(dtype, torch.cat([cross.k.weight, cross.v.weight]))
        self.out = Product(dtype, cross.out.weight)

    def keys_values(self, tokens: Tensor) -> Tensor:
        """tokens (B, S, text_dim) -> (B, 2, S, heads, head_dim)."""
        return self.kv(tokens).unflatten(-1, (2, self.heads, -1)).transpose(1, 2)

    def forward(self, x: Tensor, keys_values: Tensor, mask: Tensor) -> Tensor:
        q = self.q(x).unflatten(-1, (self.heads, -1))
        return self.out(attend(q, *keys_values.unbind(1), mask))


def _stacked(layers: list[nn.Linear]) -> tuple[Tensor, Tensor]:
    """Weight and bias of one layer that gives the outputs of all, one after the other."""
    return torch.cat([layer.weight for layer in layers]), torch.cat([layer.bias for layer in layers])
