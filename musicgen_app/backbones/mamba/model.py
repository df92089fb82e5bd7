"""Bidirectional Mamba: noisy latents (B, T, D), time and text -> velocity (B, T, D).

The backbone of UCSD's entry to the ICME 2026 text-to-music challenge, from its published description: blocks of two
Mamba-1 mixers (one per direction), cross-attention to the text and an MLP. State names are the public ones. Its own
time axis has the noise at t = 0 and the data at t = 1. There is no positional encoding: the scan gives the order.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .. import expand_condition
from ..base import Backbone
from ..layers import ChannelLastConv1d, GridInput, attend, modulate, normalise
from . import scan


@dataclass(frozen=True)
class MambaConfig:
    """Sizes of a bidirectional Mamba; the defaults are the 189M model's."""

    latent_dim: int = 128
    hidden: int = 512
    depth: int = 24
    heads: int = 8  # of the cross-attention
    text_dim: int = 768
    state: int = 16  # states per channel
    kernel: int = 4  # taps of the mixer's causal convolution
    expand: int = 2  # inner width of the mixer over hidden
    time_dim: int = 256
    dropout: float = 0.1
    grid_dim: int = 0  # numbers that the plan has for every frame; 0: the model follows no plan


class MambaCondition(NamedTuple):
    """What the text becomes before sampling: keys and values (B, depth, 2, S, heads, head_dim) and mask (B, S).

    grid: see `with_grid`.
    """

    keys_values: Tensor
    mask: Tensor
    grid: Tensor | None = None  # (B, T, H)

    def join(self, other: MambaCondition) -> MambaCondition:
        """Both conditions in one batch, this one first; the shorter text is padded and masked."""
        length = max(self.mask.shape[1], other.mask.shape[1])
        a, b = self.padded(length), other.padded(length)
        grid = self.grid
        if grid is not None:
            assert other.grid is not None, "one batch has a grid for all or for none"
            grid = torch.cat([grid, other.grid])
        return MambaCondition(torch.cat([a.keys_values, b.keys_values]), torch.cat([a.mask, b.mask]), grid)

    def padded(self, length: int) -> MambaCondition:
        """The same with a text of `length` tokens, the new ones masked."""
        missing = length - self.mask.shape[1]
        return self._replace(
            keys_values=F.pad(self.keys_values, (0, 0, 0, 0, 0, missing)), mask=F.pad(self.mask, (0, missing))
        )


class SineEmbedding(nn.Module):
    """t (B,) in [0, 1] -> (B, dim): a sinusoid (sines first) of the raw t, then an MLP of width 4 * dim."""

    def __init__(self, dim: int):
        super().__init__()
        half = dim // 2
        self.freqs: Tensor
        self.register_buffer("freqs", torch.tensor([10000 ** (-i / (half - 1)) for i in range(half)]))
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.SiLU(), nn.Linear(4 * dim, dim))

    def forward(self, t: Tensor) -> Tensor:
        angle = t.float()[:, None] * self.freqs
        return self.mlp(torch.cat([angle.sin(), angle.cos()], dim=-1))


class AdaptiveNorm(nn.Module):
    """LayerNorm whose scale and shift come from the time embedding: x (B, T, H), time (B, 1, E) -> (B, T, H)."""

    def __init__(self, hidden: int, time_dim: int):
        super().__init__()
        self.proj = nn.Linear(time_dim, 2 * hidden)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        scale, shift = self.proj(time).chunk(2, dim=-1)
        return modulate(normalise(x), shift, scale)


class Mixer(nn.Module):
    """Mamba-1, causal along T (with `reverse` from the end): x (B, T, H) -> (B, T, H) (Gu & Dao, 2023)."""

    def __init__(self, hidden: int, state: int, kernel: int, expand: int):
        super().__init__()
        inner, self.rank, self.state = expand * hidden, math.ceil(hidden / 16), state
        self.A_log = nn.Parameter(torch.tensor([[math.log(n) for n in range(1, state + 1)]] * inner))
        self.D = nn.Parameter(torch.ones(inner))
        self.in_proj = nn.Linear(hidden, 2 * inner, bias=False)
        self.conv1d = nn.Conv1d(inner, inner, kernel, groups=inner, padding=kernel - 1)
        self.x_proj = nn.Linear(inner, self.rank + 2 * state, bias=False)
        self.dt_proj = nn.Linear(self.rank, inner)
        self.out_proj = nn.Linear(inner, hidden, bias=False)

    def forward(self, x: Tensor, reverse: bool = False) -> Tensor:
        kernels = scan.choose(x.device)
        x, z = self.in_proj(x).chunk(2, dim=-1)
        x = kernels.convolve(x, self.conv1d.weight, self.conv1d.bias, reverse)
        dt, B, C = self.x_proj(x).split([self.rank, self.state, self.state], dim=-1)
        y = kernels.scan(x, self.dt_proj(dt), -self.A_log.exp(), B, C, self.D, z, reverse)
        return self.out_proj(y)


class BidirectionalMixer(nn.Module):
    """One mixer reads forwards, another backwards; their outputs are merged: (B, T, H) -> (B, T, H)."""

    def __init__(self, config: MambaConfig):
        super().__init__()
        self.fwd_ssm = Mixer(config.hidden, config.state, config.kernel, config.expand)
        self.bwd_ssm = Mixer(config.hidden, config.state, config.kernel, config.expand)
        self.merge = nn.Linear(2 * config.hidden, config.hidden, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.merge(torch.cat([self.fwd_ssm(x), self.bwd_ssm(x, reverse=True)], dim=-1))


class CrossAttention(nn.Module):
    """Attention from the latents (B, T, H) to the text, whose keys and values are made once per request."""

    def __init__(self, hidden: int, text_dim: int, heads: int):
        super().__init__()
        self.heads = heads
        self.q = nn.Linear(hidden, hidden, bias=False)
        self.k = nn.Linear(text_dim, hidden, bias=False)
        self.v = nn.Linear(text_dim, hidden, bias=False)
        self.out = nn.Linear(hidden, hidden, bias=False)

    def keys_values(self, tokens: Tensor) -> Tensor:
        """tokens (B, S, text_dim) -> (B, 2, S, heads, head_dim)."""
        return torch.stack([self.k(tokens), self.v(tokens)], dim=1).unflatten(-1, (self.heads, -1))

    def forward(self, x: Tensor, keys_values: Tensor, mask: Tensor) -> Tensor:
        q = self.q(x).unflatten(-1, (self.heads, -1))
        keys, values = keys_values.unbind(1)
        return self.out(attend(q, keys, values, mask))


class Block(nn.Module):
    """Bidirectional mixing, cross-attention and MLP, each normed and residual: x (B, T, H) -> (B, T, H)."""

    def __init__(self, config: MambaConfig):
        super().__init__()
        hidden = config.hidden
        self.norm1 = AdaptiveNorm(hidden, config.time_dim)
        self.bidir = BidirectionalMixer(config)
        self.norm2 = nn.LayerNorm(hidden)
        self.cross = CrossAttention(hidden, config.text_dim, config.heads)
        self.norm3 = AdaptiveNorm(hidden, config.time_dim)
        self.ffn = nn.Sequential(
            nn.Linear(hidden, 4 * hidden),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(4 * hidden, hidden),
            nn.Dropout(config.dropout),
        )

    def forward(self, x: Tensor, time: Tensor, keys_values: Tensor, mask: Tensor) -> Tensor:
        x = x + self.bidir(self.norm1(x, time))
        x = x + self.cross(self.norm2(x), keys_values, mask)
        return x + self.ffn(self.norm3(x, time))


class Mamba(Backbone):
    """x (B, T, D) on the data-at-one axis, t (B,), condition -> velocity data - noise (B, T, D), for any T.

    `null_token` stands for the dropped text: a fixed random vector that travels with the weights and is not trained.
    """

    time_axis = "data_at_one"
    config: MambaConfig
    null_token: Tensor

    def __init__(self, config: MambaConfig):
        super().__init__()
        self.config = config
        self.latent_dim = config.latent_dim
        self.text_multiple = 1  # texts are padded to a multiple of this
        hidden = config.hidden
        self.input_proj = nn.Sequential(OrderedDict(proj=ChannelLastConv1d(config.latent_dim, hidden, 1)))
        if config.grid_dim:
            self.grid_input_proj = GridInput(config.grid_dim, hidden)
        self.time_embed = SineEmbedding(config.time_dim)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.depth))
        self.norm_out = nn.LayerNorm(hidden)
        self.out_proj = nn.Linear(hidden, config.latent_dim)
        self.register_buffer("null_token", torch.empty(1, config.text_dim))
        if not self.null_token.is_meta:  # on the meta device the weights are yet to be loaded
            self._initialise()

    def _initialise(self) -> None:
        nn.init.normal_(self.null_token, std=0.02)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        if self.config.grid_dim:
            nn.init.zeros_(self.grid_input_proj.out.weight)

    def condition(
        self, tokens: Tensor, mask: Tensor, vector: Tensor | None = None, drop: Tensor | None = None
    ) -> MambaCondition:
        """tokens (B, S, text_dim), mask (B, S) True = real -> the condition, computed once per request.

        The vector is not used by this family. Items where drop (B,) is True get the null condition.
        """
        if drop is not None:
            first = torch.arange(mask.shape[1], device=mask.device) == 0
            tokens = torch.where(drop[:, None, None], self.null_token, tokens)
            mask = torch.where(drop[:, None], first, mask)
        keys_values = torch.stack(
            [block.cross.keys_values(tokens) for block in cast(Iterable[Block], self.blocks)], dim=1
        )
        length = -(-mask.shape[1] // self.text_multiple) * self.text_multiple
        return MambaCondition(keys_values, mask).padded(length)

    def null_condition(self, batch: int) -> MambaCondition:
        """The condition of dropped text, for guidance: one null token."""
        mask = torch.ones(1, 1, dtype=torch.bool, device=self.null_token.device)
        return expand_condition(self.condition(self.null_token[None], mask), batch)

    def forward(
        self, x: Tensor, t: Tensor, cond: MambaCondition, return_hidden: bool = False
    ) -> Tensor | tuple[Tensor, Tensor]:
        """x (B, T, D), t (B,) -> velocity (B, T, D); with return_hidden also the last hidden state (B, T, H)."""
        time = self.time_embed(t)[:, None]
        x = self.input_proj(x)
        if cond.grid is not None:
            x = x + cond.grid
        for block, keys_values in zip(self.blocks, cond.keys_values.unbind(1), strict=True):
            x = block(x, time, keys_values, cond.mask)
        velocity = self.out_proj(self.norm_out(x))
        return (velocity, x) if return_hidden else velocity
