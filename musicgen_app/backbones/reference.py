"""Both backbone families written the straightforward way: what the fast ones are measured and checked against.

Only stock PyTorch layers in float32, channels-first convolutions, rotary positions from sines and cosines, a scan that
loops over time. State names are those of `backbones`, so the same weights load; the code is independent of it.
"""

from __future__ import annotations

import math
from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .fluxaudio.mean_flow import MeanFlow
from .fluxaudio.model import FluxAudio, FluxAudioConfig
from .mamba.model import Mamba, MambaConfig


def plain_twin(backbone: nn.Module) -> PlainFluxAudio | PlainMamba:
    """The plain model of the same sizes as a backbone, without its weights."""
    if isinstance(backbone, FluxAudio):
        return PlainFluxAudio(backbone.config, two_times=isinstance(backbone, MeanFlow))
    if isinstance(backbone, Mamba):
        return PlainMamba(backbone.config)
    raise TypeError(f"no plain version of {type(backbone).__name__}")


def guided_step(model: nn.Module, x: Tensor, t: float, condition: tuple[Tensor, Tensor], guidance: float) -> Tensor:
    """Classifier-free guidance: x (1, T, D), t on the model's own axis, `conditions` -> velocity (1, T, D)."""
    with_prompt, without = model(x.expand(2, -1, -1), x.new_full((2,), t), condition).chunk(2)
    return without + guidance * (with_prompt - without)


# ---- FluxAudio


class Conv(nn.Conv1d):
    """A "same" convolution along N of (B, N, C), which nn.Conv1d wants as (B, C, N)."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int, bias: bool = True):
        super().__init__(channels_in, channels_out, kernel, padding=kernel // 2, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


class GatedFeedForward(nn.Module):
    """w2(silu(w1 x) * w3 x); x (B, N, C)."""

    def __init__(self, hidden: int, width: int, kernel: int):
        super().__init__()
        self.w1 = _layer(hidden, width, kernel, bias=False)
        self.w2 = _layer(width, hidden, kernel, bias=False)
        self.w3 = _layer(hidden, width, kernel, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.w2(F.silu(self.w1(x)) * self.w3(x))


class CosineEmbedding(nn.Module):
    """t (B,) -> (B, hidden)."""

    def __init__(self, hidden: int):
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(256, hidden), nn.SiLU(), nn.Linear(hidden, hidden))

    def forward(self, t: Tensor) -> Tensor:
        frequencies = torch.tensor([10000 ** (-2 * i / 256) for i in range(128)])
        angles = torch.outer(t, frequencies)
        return self.mlp(torch.cat([torch.cos(angles), torch.sin(angles)], dim=1))


class Heads(nn.Module):
    """x (B, N, H) -> q, k, v (B, heads, N, head_dim), normed and rotated."""

    def __init__(self, hidden: int, heads: int):
        super().__init__()
        self.heads, self.dim = heads, hidden // heads
        self.qkv = nn.Linear(hidden, 3 * hidden)
        self.q_norm = nn.RMSNorm(self.dim)
        self.k_norm = nn.RMSNorm(self.dim)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        batch, length, _ = x.shape
        qkv = self.qkv(x).reshape(batch, length, self.heads, self.dim, 3).permute(4, 0, 2, 1, 3)
        q, k, v = qkv
        return _rotated(self.q_norm(q)), _rotated(self.k_norm(k)), v


class Stream(nn.Module):
    """One stream of a transformer block."""

    def __init__(self, hidden: int, heads: int, width: int, kernel: int, pre_only: bool = False):
        super().__init__()
        self.pre_only = pre_only
        self.attn = Heads(hidden, heads)
        if not pre_only:
            self.linear1 = _layer(hidden, hidden, kernel)
            self.ffn = GatedFeedForward(hidden, width, kernel)
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(hidden, hidden * (2 if pre_only else 6)))

    def before(self, x: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        shift, scale = self.adaLN_modulation(c).chunk(2 if self.pre_only else 6, dim=-1)[:2]
        return self.attn(_norm(x) * (1 + scale) + shift)

    def after(self, x: Tensor, attended: Tensor, c: Tensor) -> Tensor:
        if self.pre_only:
            return x
        _, _, gate, mlp_shift, mlp_scale, mlp_gate = self.adaLN_modulation(c).chunk(6, dim=-1)
        x = x + gate * self.linear1(attended)
        return x + mlp_gate * self.ffn(_norm(x) * (1 + mlp_scale) + mlp_shift)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        return self.after(x, _attention(*self.before(x, c)), c)


class Joint(nn.Module):
    """Latents and text in one attention."""

    def __init__(self, hidden: int, heads: int, width: int, kernel: int, pre_only: bool):
        super().__init__()
        self.latent_block = Stream(hidden, heads, width, kernel)
        self.text_block = Stream(hidden, heads, width, kernel=1, pre_only=pre_only)

    def forward(self, x: Tensor, text: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        both = zip(self.latent_block.before(x, c), self.text_block.before(text, c), strict=True)
        attended = _attention(*(torch.cat(pair, dim=2) for pair in both))
        length = x.shape[1]
        x = self.latent_block.after(x, attended[:, :length], c)
        return x, self.text_block.after(text, attended[:, length:], c)


class Final(nn.Module):
    """(B, T, H) -> velocity (B, T, D)."""

    def __init__(self, hidden: int, latent_dim: int):
        super().__init__()
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(hidden, 2 * hidden))
        self.conv = Conv(hidden, latent_dim, 7)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        shift, scale = self.adaLN_modulation(c).chunk(2, dim=-1)
        return self.conv(_norm(x) * (1 + scale) + shift)


class Grid(nn.Module):
    """What a plan says of every frame (B, T, G) -> (B, T, H)."""

    def __init__(self, grid_dim: int, hidden: int):
        super().__init__()
        self.conv = Conv(grid_dim, hidden, 7)
        self.out = nn.Linear(hidden, hidden)

    def forward(self, grid: Tensor) -> Tensor:
        return self.out(F.selu(self.conv(grid)))


class PlainFluxAudio(nn.Module):
    """FluxAudio (Li et al., 2025): x (B, T, D), t (B,), condition (text (B, S, H), vector (B, H)) -> velocity.

    two_times: its MeanFlow, which also takes the time `end` (B,) of the step (default: t).
    """

    def __init__(self, config: FluxAudioConfig, two_times: bool = False):
        super().__init__()
        hidden, kernel = config.hidden, config.kernel
        width = config.mlp_width or math.ceil(int(2 * 4 * hidden / 3) / 256) * 256
        joint = config.depth - config.fused_depth
        self.audio_input_proj = nn.Sequential(
            Conv(config.latent_dim, hidden, 7), nn.SELU(), GatedFeedForward(hidden, width, config.input_kernel)
        )
        self.text_input_proj = nn.Sequential(nn.Linear(config.text_dim, hidden), GatedFeedForward(hidden, width, 1))
        self.text_cond_proj = nn.Sequential(nn.Linear(config.vector_dim, hidden), GatedFeedForward(hidden, width, 1))
        if config.grid_dim:
            self.grid_input_proj = Grid(config.grid_dim, hidden)
        self.t_embed = CosineEmbedding(hidden)
        if two_times:
            self.r_embed = CosineEmbedding(hidden)
        self.two_times = two_times
        self.joint_blocks = nn.ModuleList(
            Joint(hidden, config.heads, width, kernel, pre_only=i == joint - 1) for i in range(joint)
        )
        self.fused_blocks = nn.ModuleList(
            Stream(hidden, config.heads, width, kernel) for _ in range(config.fused_depth)
        )
        self.final_layer = Final(hidden, config.latent_dim)
        self.latent_mean = nn.Parameter(torch.zeros(1, 1, config.latent_dim))
        self.latent_std = nn.Parameter(torch.ones(1, 1, config.latent_dim))
        self.empty_string_feat = nn.Parameter(torch.zeros(config.text_len, config.text_dim))
        self.empty_string_feat_c = nn.Parameter(torch.zeros(config.vector_dim))

    def conditions(self, tokens: Tensor, mask: Tensor, vector: Tensor | None) -> tuple[Tensor, Tensor]:
        """Tokens (1, text_len, text_dim) and vector (1, vector_dim) -> conditions of the prompt and of no prompt."""
        tokens = torch.cat([tokens, self.empty_string_feat[None]])
        assert vector is not None  # this family has one
        return self.condition(tokens, mask, torch.cat([vector, self.empty_string_feat_c[None]]))

    def condition(self, tokens: Tensor, mask: Tensor, vector: Tensor | None) -> tuple[Tensor, Tensor]:
        """Tokens (B, text_len, text_dim) and vector (B, vector_dim) -> conditions of B prompts."""
        return self.text_input_proj(tokens), self.text_cond_proj(vector)

    def forward(
        self,
        x: Tensor,
        t: Tensor,
        condition: tuple[Tensor, Tensor],
        grid: Tensor | None = None,
        end: Tensor | None = None,
    ) -> Tensor:
        text, vector = condition
        time = self.t_embed(t)
        if self.two_times:
            time = time + self.r_embed(t if end is None else end)
        c = (time + vector)[:, None]
        x = self.audio_input_proj(x)
        if grid is not None:
            x = x + self.grid_input_proj(grid)
        for block in self.joint_blocks:
            x, text = block(x, text, c)
        for block in self.fused_blocks:
            x = block(x, c)
        return self.final_layer(x, c)


def _layer(channels_in: int, channels_out: int, kernel: int, bias: bool = True) -> nn.Module:
    if kernel == 1:
        return nn.Linear(channels_in, channels_out, bias=bias)
    return Conv(channels_in, channels_out, kernel, bias=bias)


def _norm(x: Tensor) -> Tensor:
    return F.layer_norm(x, x.shape[-1:])


def _attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> Tensor:
    """q, k, v (B, heads, N, head_dim) -> (B, N, H)."""
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).flatten(2)


def _rotated(x: Tensor) -> Tensor:
    """Rotary positions on x (B, heads, N, head_dim): channels 2i and 2i + 1 turn by n 10000^(-2i / head_dim)."""
    length, dim = x.shape[-2:]
    angles = torch.outer(torch.arange(length).float(), 10000 ** (-torch.arange(0, dim, 2).float() / dim))
    cosine, sine = torch.cos(angles), torch.sin(angles)
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack([even * cosine - odd * sine, even * sine + odd * cosine], dim=-1).flatten(-2)


# ---- bidirectional Mamba


class SineEmbedding(nn.Module):
    """t (B,) -> (B, dim)."""

    def __init__(self, dim: int):
        super().__init__()
        self.freqs: Tensor
        self.register_buffer("freqs", torch.exp(-math.log(10000) * torch.arange(dim // 2) / (dim // 2 - 1)))
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.SiLU(), nn.Linear(4 * dim, dim))

    def forward(self, t: Tensor) -> Tensor:
        angles = torch.outer(t, self.freqs)
        return self.mlp(torch.cat([torch.sin(angles), torch.cos(angles)], dim=1))


class TimeNorm(nn.Module):
    """LayerNorm with scale and shift from the time embedding."""

    def __init__(self, hidden: int, time_dim: int):
        super().__init__()
        self.proj = nn.Linear(time_dim, 2 * hidden)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        scale, shift = self.proj(time)[:, None].chunk(2, dim=-1)
        return _norm(x) * (1 + scale) + shift


class OneWay(nn.Module):
    """Mamba-1 (Gu & Dao, 2023), one step of time after the other: x (B, T, H) -> (B, T, H)."""

    def __init__(self, hidden: int, state: int, kernel: int, expand: int):
        super().__init__()
        self.inner, self.state, self.rank = expand * hidden, state, math.ceil(hidden / 16)
        self.A_log = nn.Parameter(torch.zeros(self.inner, state))
        self.D = nn.Parameter(torch.ones(self.inner))
        self.in_proj = nn.Linear(hidden, 2 * self.inner, bias=False)
        self.conv1d = nn.Conv1d(self.inner, self.inner, kernel, groups=self.inner, padding=kernel - 1)
        self.x_proj = nn.Linear(self.inner, self.rank + 2 * state, bias=False)
        self.dt_proj = nn.Linear(self.rank, self.inner)
        self.out_proj = nn.Linear(self.inner, hidden, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        batch, length, _ = x.shape
        x, z = self.in_proj(x).chunk(2, dim=-1)
        x = F.silu(self.conv1d(x.transpose(1, 2))[:, :, :length].transpose(1, 2))
        dt, B, C = self.x_proj(x).split([self.rank, self.state, self.state], dim=-1)
        dt = F.softplus(self.dt_proj(dt))
        A = -torch.exp(self.A_log)
        h = x.new_zeros(batch, self.inner, self.state)
        y = []
        for i in range(length):
            h = torch.exp(dt[:, i, :, None] * A) * h + (dt[:, i] * x[:, i])[:, :, None] * B[:, i, None]
            y.append((h * C[:, i, None]).sum(dim=-1) + self.D * x[:, i])
        return self.out_proj(torch.stack(y, dim=1) * F.silu(z))


class BothWays(nn.Module):
    """One Mamba forwards, one backwards."""

    def __init__(self, config: MambaConfig):
        super().__init__()
        self.fwd_ssm = OneWay(config.hidden, config.state, config.kernel, config.expand)
        self.bwd_ssm = OneWay(config.hidden, config.state, config.kernel, config.expand)
        self.merge = nn.Linear(2 * config.hidden, config.hidden, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.merge(torch.cat([self.fwd_ssm(x), self.bwd_ssm(x.flip(1)).flip(1)], dim=-1))


class ToText(nn.Module):
    """Attention from the latents (B, T, H) to the text tokens (B, S, text_dim), mask (B, S)."""

    def __init__(self, hidden: int, text_dim: int, heads: int):
        super().__init__()
        self.heads = heads
        self.q = nn.Linear(hidden, hidden, bias=False)
        self.k = nn.Linear(text_dim, hidden, bias=False)
        self.v = nn.Linear(text_dim, hidden, bias=False)
        self.out = nn.Linear(hidden, hidden, bias=False)

    def forward(self, x: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
        projected = (self.q(x), self.k(tokens), self.v(tokens))
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in projected)
        return self.out(_attention(q, k, v, mask[:, None, None]))


class MambaBlock(nn.Module):
    """Mixing, attention to the text, feed-forward."""

    def __init__(self, config: MambaConfig):
        super().__init__()
        hidden = config.hidden
        self.norm1 = TimeNorm(hidden, config.time_dim)
        self.bidir = BothWays(config)
        self.norm2 = nn.LayerNorm(hidden)
        self.cross = ToText(hidden, config.text_dim, config.heads)
        self.norm3 = TimeNorm(hidden, config.time_dim)
        self.ffn = nn.Sequential(
            nn.Linear(hidden, 4 * hidden), nn.GELU(), nn.Dropout(0), nn.Linear(4 * hidden, hidden), nn.Dropout(0)
        )

    def forward(self, x: Tensor, time: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
        x = x + self.bidir(self.norm1(x, time))
        x = x + self.cross(self.norm2(x), tokens, mask)
        return x + self.ffn(self.norm3(x, time))


class PlainMamba(nn.Module):
    """Bidirectional Mamba: x (B, T, D), t (B,), condition (tokens (B, S, text_dim), mask (B, S)) -> velocity."""

    def __init__(self, config: MambaConfig):
        super().__init__()
        hidden = config.hidden
        self.input_proj = nn.Sequential(OrderedDict(proj=Conv(config.latent_dim, hidden, 1)))
        if config.grid_dim:
            self.grid_input_proj = Grid(config.grid_dim, hidden)
        self.time_embed = SineEmbedding(config.time_dim)
        self.blocks = nn.ModuleList(MambaBlock(config) for _ in range(config.depth))
        self.norm_out = nn.LayerNorm(hidden)
        self.out_proj = nn.Linear(hidden, config.latent_dim)
        self.null_token: Tensor
        self.register_buffer("null_token", torch.zeros(1, config.text_dim))

    def conditions(self, tokens: Tensor, mask: Tensor, vector: Tensor | None) -> tuple[Tensor, Tensor]:
        """Tokens (1, S, text_dim), mask (1, S) -> conditions of the prompt and of no prompt: one visible null token."""
        nothing = self.null_token.expand_as(tokens)
        mask = torch.cat([mask, (torch.arange(mask.shape[1]) == 0)[None]])
        return self.condition(torch.cat([tokens, nothing]), mask, vector)

    def condition(self, tokens: Tensor, mask: Tensor, vector: Tensor | None) -> tuple[Tensor, Tensor]:
        """Tokens (B, S, text_dim) and mask (B, S) -> conditions of B prompts."""
        return tokens, mask

    def forward(self, x: Tensor, t: Tensor, condition: tuple[Tensor, Tensor], grid: Tensor | None = None) -> Tensor:
        tokens, mask = condition
        time = self.time_embed(t)
        x = self.input_proj(x)
        if grid is not None:
            x = x + self.grid_input_proj(grid)
        for block in self.blocks:
            x = block(x, time, tokens, mask)
        return self.out_proj(self.norm_out(x))
