"""The blocks of `mamba.model` for inference: the same function from fewer, larger matrices, made ready once.

Both directions read the same x, so one matrix serves both at the start of a mixer; at its end the output matrices and
the merge, which follow each other without anything between, become one. The products run in the chosen dtype; norms,
modulation, the scan's state and the residual stream are float32.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from ..inference_layers import linear, ready
from ..layers import attend, modulate, normalise
from . import scan
from .model import BidirectionalMixer, Block, CrossAttention, Mamba, Mixer

TEXT_MULTIPLE = 32  # the fused attention takes twice as long over 12 keys as over 32


def make_ready(model: Mamba, dtype: torch.dtype) -> None:
    """Replace the blocks of a model one after the other; the small products at both ends stay in float32."""
    model.text_multiple = TEXT_MULTIPLE
    model.requires_grad_(False)
    for i in range(len(model.blocks)):
        model.blocks[i] = InferenceBlock(cast(Block, model.blocks[i]), dtype)
    ends: list[nn.Module] = [model.input_proj, model.time_embed, model.norm_out, model.out_proj]
    for end in [*ends, model.grid_input_proj] if model.config.grid_dim else ends:
        end.float()
    model.null_token = model.null_token.float()


class InferenceBlock(nn.Module):
    """A `Block`: x (B, T, H) -> (B, T, H), both float32."""

    def __init__(self, block: Block, dtype: torch.dtype):
        super().__init__()
        norms = [block.norm1.proj, block.norm3.proj]
        self.modulation = ready(_stacked(norms), torch.float32)
        self.bidir = InferenceMixer(block.bidir, dtype)
        self.norm2 = block.norm2.float()
        self.cross = InferenceCrossAttention(block.cross, dtype)
        first, last = (layer for layer in block.ffn if isinstance(layer, nn.Linear))
        self.widen, self.narrow = ready(first, dtype), ready(last, dtype)

    def forward(self, x: Tensor, time: Tensor, keys_values: Tensor, mask: Tensor) -> Tensor:
        scale1, shift1, scale3, shift3 = self.modulation(time).chunk(4, dim=-1)
        x = x + self.bidir(modulate(normalise(x), shift1, scale1))
        x = x + self.cross(self.norm2(x), keys_values, mask)
        h = self.widen.product(modulate(normalise(x), shift3, scale3), "gelu")
        return x + self.narrow.product(h)


class InferenceMixer(nn.Module):
    """A `BidirectionalMixer`: x (B, T, H) float32 -> (B, T, H) in the dtype of the products."""

    def __init__(self, bidir: BidirectionalMixer, dtype: torch.dtype):
        super().__init__()
        mixers = [bidir.fwd_ssm, bidir.bwd_ssm]
        self.in_proj = ready(linear(torch.cat([mixer.in_proj.weight for mixer in mixers])), dtype)
        self.directions = nn.ModuleList(InferenceDirection(mixer, dtype) for mixer in mixers)
        merges = bidir.merge.weight.float().chunk(2, dim=1)
        outs = [merge @ mixer.out_proj.weight.float() for merge, mixer in zip(merges, mixers, strict=True)]
        self.out_proj = ready(linear(torch.cat(outs, dim=1)), dtype)

    def forward(self, x: Tensor) -> Tensor:
        forwards, backwards = self.in_proj.product(x).chunk(2, dim=-1)
        return self.out_proj.product(
            torch.cat([self.directions[0](forwards), self.directions[1](backwards, reverse=True)], dim=-1)
        )


class InferenceDirection(nn.Module):
    """A `Mixer` between its first and its last matrix: xz (B, T, 2 I) -> (B, T, I)."""

    taps: Tensor
    bias: Tensor
    A: Tensor
    D: Tensor

    def __init__(self, mixer: Mixer, dtype: torch.dtype):
        super().__init__()
        self.sizes = [mixer.rank, mixer.state, mixer.state]
        self.register_buffer("taps", mixer.conv1d.weight.detach().float())
        assert mixer.conv1d.bias is not None
        self.register_buffer("bias", mixer.conv1d.bias.detach().float())
        self.x_proj = ready(mixer.x_proj, dtype)
        self.dt_proj = ready(mixer.dt_proj, dtype)
        A = -mixer.A_log.detach().float().exp()
        self.register_buffer("A", A.t().contiguous().t())  # laid out as the scan on a CPU reads it
        self.register_buffer("D", mixer.D.detach().float())

    def forward(self, xz: Tensor, reverse: bool = False) -> Tensor:
        kernels = scan.choose(xz.device)
        x, z = xz.chunk(2, dim=-1)
        x = kernels.convolve(x, self.taps, self.bias, reverse)
        dt, B, C = self.x_proj.product(x).split(self.sizes, dim=-1)
        return kernels.scan(x, self.dt_proj.product(dt), self.A, B, C, self.D, z, reverse)


class InferenceCrossAttention(nn.Module):
    """A `CrossAttention`: x (B, T, H) float32 -> (B, T, H) in the dtype of the products."""

    def __init__(self, cross: CrossAttention, dtype: torch.dtype):
        super().__init__()
        self.heads = cross.heads
        self.q = ready(cross.q, dtype)
        self.kv = ready(linear(torch.cat([cross.k.weight, cross.v.weight])), dtype)
        self.out = ready(cross.out, dtype)

    def keys_values(self, tokens: Tensor) -> Tensor:
        """tokens (B, S, text_dim) -> (B, 2, S, heads, head_dim)."""
        return self.kv.product(tokens).unflatten(-1, (2, self.heads, -1)).transpose(1, 2)

    def forward(self, x: Tensor, keys_values: Tensor, mask: Tensor) -> Tensor:
        q = self.q.product(x).unflatten(-1, (self.heads, -1))
        keys, values = keys_values.unbind(1)
        return self.out.product(attend(q, keys, values, mask))


def _stacked(layers: list[nn.Linear]) -> nn.Linear:
    """One layer that gives the outputs of all, one after the other."""
    return linear(torch.cat([layer.weight for layer in layers]), torch.cat([layer.bias for layer in layers]))
