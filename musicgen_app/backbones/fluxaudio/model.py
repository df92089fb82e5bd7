"""FluxAudio: noisy latents (B, T, D), time and text -> velocity (B, T, D), by a multimodal diffusion transformer.

The backbone of MeanAudio (Li et al., 2025), of the ICME 2026 text-to-music baseline and of the score-aware system
(arXiv 2606.07387); state names are the public ones. `depth - fused_depth` joint blocks attend over latents and text
together; the fused blocks see the latents only. Its own time axis has the data at t = 0 and the noise at t = 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .. import expand_condition
from ..base import Backbone
from ..layers import (
    ChannelLastConv1d,
    GatedMLP,
    GridInput,
    RMSNorm,
    ScalarInput,
    TimeEmbedding,
    attend,
    gated_width,
    modulate,
    normalise,
    projection,
    rotate,
)


@dataclass(frozen=True)
class FluxAudioConfig:
    """Sizes of a FluxAudio; the defaults are the score-aware system's."""

    latent_dim: int = 64
    hidden: int = 896
    depth: int = 12  # joint and fused blocks together
    fused_depth: int = 10
    heads: int = 7
    text_dim: int = 1024
    text_len: int = 77
    vector_dim: int = 512
    mlp_width: int | None = None  # None: gated_width(hidden)
    input_kernel: int = 7  # of the gated MLP behind the input convolution
    kernel: int = 3  # of output maps and gated MLPs of the latents' blocks
    grid_dim: int = 0  # numbers that the plan has for every frame; 0: the model follows no plan
    scalars: int = 0  # numbers that it can be told beside the text, such as a reward


class FluxAudioCondition(NamedTuple):
    """What the text becomes before sampling: projected tokens (B, S, H) and vector (B, H); grid: see `with_grid`."""

    text: Tensor
    vector: Tensor
    grid: Tensor | None = None  # (B, T, H)

    def join(self, other: FluxAudioCondition) -> FluxAudioCondition:
        """Both conditions in one batch, this one first."""
        grid = self.grid
        if grid is not None:
            assert other.grid is not None, "one batch has a grid for all or for none"
            grid = torch.cat([grid, other.grid])
        return FluxAudioCondition(torch.cat([self.text, other.text]), torch.cat([self.vector, other.vector]), grid)


class Attention(nn.Module):
    """The projections of one stream: x (B, N, H) -> q, k, v (B, N, heads, head_dim), q and k normed and rotated."""

    def __init__(self, hidden: int, heads: int):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(hidden, 3 * hidden)
        self.q_norm = RMSNorm(hidden // heads)
        self.k_norm = RMSNorm(hidden // heads)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        projected = F.linear(x, self.by_role(self.qkv.weight), self.by_role(self.qkv.bias))
        q, k, v = projected.unflatten(-1, (3, self.heads, -1)).unbind(2)
        return rotate(self.q_norm(q)).to(v.dtype), rotate(self.k_norm(k)).to(v.dtype), v

    def by_role(self, rows: Tensor) -> Tensor:
        """Reorder the public rows (head, dim, j), with j of {q, k, v} fastest, to (j, head, dim)."""
        return rows.unflatten(0, (-1, 3)).transpose(0, 1).flatten(0, 1)


class StreamBlock(nn.Module):
    """One stream of a transformer block: adaptive norm, attention, output map, adaptive norm, gated MLP.

    `open` gives q, k, v and `close` takes the attention's result, so that two streams can attend together. A
    pre-only block ends with the attention: it has neither output map nor MLP, and is never closed.
    """

    def __init__(self, hidden: int, heads: int, width: int, kernel: int, pre_only: bool = False):
        super().__init__()
        self.pre_only = pre_only
        self.attn = Attention(hidden, heads)
        if not pre_only:
            self.linear1 = projection(hidden, hidden, kernel)
            self.ffn = GatedMLP(hidden, width, kernel)
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(hidden, (2 if pre_only else 6) * hidden))

    def open(self, x: Tensor, c: Tensor) -> tuple[tuple[Tensor, Tensor, Tensor], tuple[Tensor, ...]]:
        """x (B, N, H), c (B, 1, H) -> (q, k, v), the modulation that `close` needs."""
        shift, scale, *rest = self.adaLN_modulation(c).chunk(2 if self.pre_only else 6, dim=-1)
        return self.attn(modulate(normalise(x), shift, scale)), tuple(rest)

    def close(self, x: Tensor, attended: Tensor, modulation: tuple[Tensor, ...]) -> Tensor:
        """x and the attention's result (B, N, H) -> x (B, N, H)."""
        gate, mlp_shift, mlp_scale, mlp_gate = modulation
        x = torch.addcmul(x, gate, self.linear1(attended))
        return torch.addcmul(x, mlp_gate, self.ffn(modulate(normalise(x), mlp_shift, mlp_scale)))

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        qkv, modulation = self.open(x, c)
        return self.close(x, attend(*qkv), modulation)


class JointBlock(nn.Module):
    """Latents and text attend together; the last one (pre_only) drops its text afterwards."""

    def __init__(self, hidden: int, heads: int, width: int, kernel: int, pre_only: bool):
        super().__init__()
        self.latent_block = StreamBlock(hidden, heads, width, kernel)
        self.text_block = StreamBlock(hidden, heads, width, kernel=1, pre_only=pre_only)

    def forward(self, x: Tensor, text: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        x_qkv, x_modulation = self.latent_block.open(x, c)
        text_qkv, text_modulation = self.text_block.open(text, c)
        attended = attend(*(torch.cat(pair, dim=1) for pair in zip(x_qkv, text_qkv, strict=True)))
        for_x, for_text = attended.split([x.shape[1], text.shape[1]], dim=1)
        x = self.latent_block.close(x, for_x, x_modulation)
        return x, text if self.text_block.pre_only else self.text_block.close(text, for_text, text_modulation)


class FinalLayer(nn.Module):
    """Adaptive norm and a convolution: (B, T, H) -> velocity (B, T, D)."""

    def __init__(self, hidden: int, latent_dim: int):
        super().__init__()
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(hidden, 2 * hidden))
        self.conv = ChannelLastConv1d(hidden, latent_dim, 7)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        shift, scale = self.adaLN_modulation(c).chunk(2, dim=-1)
        return self.conv(modulate(normalise(x), shift, scale))


class FluxAudio(Backbone):
    """x (B, T, D) on the noise-at-one axis, t (B,), condition -> velocity noise - data (B, T, D), for any T.

    `latent_mean`, `latent_std` and the features of the empty prompt are frozen entries of the state dict: data that
    travels with the weights. The forward pass works on normalised latents and does not read the statistics.
    """

    time_axis = "noise_at_one"
    config: FluxAudioConfig

    def __init__(self, config: FluxAudioConfig):
        super().__init__()
        self.config = config
        self.latent_dim = config.latent_dim
        hidden, width = config.hidden, config.mlp_width or gated_width(config.hidden)
        joint_depth = config.depth - config.fused_depth
        self.audio_input_proj = nn.Sequential(
            ChannelLastConv1d(config.latent_dim, hidden, 7), nn.SELU(), GatedMLP(hidden, width, config.input_kernel)
        )
        self.text_input_proj = nn.Sequential(nn.Linear(config.text_dim, hidden), GatedMLP(hidden, width))
        self.text_cond_proj = nn.Sequential(nn.Linear(config.vector_dim, hidden), GatedMLP(hidden, width))
        if config.grid_dim:
            self.grid_input_proj = GridInput(config.grid_dim, hidden)
        if config.scalars:
            self.scalar_input_proj = ScalarInput(config.scalars, hidden)
        self.t_embed = TimeEmbedding(hidden)
        self.joint_blocks = nn.ModuleList(
            JointBlock(hidden, config.heads, width, config.kernel, pre_only=i == joint_depth - 1)
            for i in range(joint_depth)
        )
        self.fused_blocks = nn.ModuleList(
            StreamBlock(hidden, config.heads, width, config.kernel) for _ in range(config.fused_depth)
        )
        self.final_layer = FinalLayer(hidden, config.latent_dim)
        self.latent_mean = _frozen(torch.zeros(1, 1, config.latent_dim))
        self.latent_std = _frozen(torch.ones(1, 1, config.latent_dim))
        self.empty_string_feat = _frozen(torch.zeros(config.text_len, config.text_dim))
        self.empty_string_feat_c = _frozen(torch.zeros(config.vector_dim))
        if not self.latent_mean.is_meta:  # on the meta device the weights are yet to be loaded
            self._initialise()

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        for layer in self.t_embed.mlp:
            if isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight, std=0.02)
        zeroed: list[nn.Module] = [
            module.adaLN_modulation for module in self.modules() if isinstance(module, StreamBlock | FinalLayer)
        ]
        if self.config.grid_dim:
            zeroed.append(self.grid_input_proj.out)
        if self.config.scalars:
            zeroed.append(self.scalar_input_proj.out)
        for module in [*zeroed, self.final_layer.conv]:
            for value in module.parameters():
                nn.init.zeros_(value)

    @property
    def time_embeddings(self) -> list[TimeEmbedding]:
        """What embeds times; kept in float32 where the rest is not."""
        return [self.t_embed]

    def condition(
        self, tokens: Tensor, mask: Tensor | None, vector: Tensor | None, drop: Tensor | None = None
    ) -> FluxAudioCondition:
        """tokens (B, S, text_dim), vector (B, vector_dim) -> the condition, computed once per request.

        S is cut or zero-padded to text_len. The mask is not used: this family attends to every position. Without a
        vector the empty prompt's stands in. Items where drop (B,) is True get the null condition.
        """
        batch, length, _ = tokens.shape
        tokens = F.pad(tokens, (0, 0, 0, self.config.text_len - length))  # a negative pad cuts
        if vector is None:
            vector = self.empty_string_feat_c.expand(batch, -1)
        if drop is not None:
            tokens = torch.where(drop[:, None, None], self.empty_string_feat, tokens)
            vector = torch.where(drop[:, None], self.empty_string_feat_c, vector)
        return FluxAudioCondition(self.text_input_proj(tokens), self.text_cond_proj(vector))

    def null_condition(self, batch: int) -> FluxAudioCondition:
        """The condition of the empty prompt, for guidance."""
        return expand_condition(self.condition(self.empty_string_feat[None], None, None), batch)

    def forward(
        self, x: Tensor, t: Tensor, cond: FluxAudioCondition, return_hidden: bool = False
    ) -> Tensor | tuple[Tensor, Tensor]:
        """x (B, T, D), t (B,) -> velocity (B, T, D); with return_hidden also the last hidden state (B, T, H)."""
        return self._at(x, self.t_embed(t), cond, return_hidden)

    def _at(
        self, x: Tensor, time: Tensor, cond: FluxAudioCondition, return_hidden: bool
    ) -> Tensor | tuple[Tensor, Tensor]:
        """As `forward`, of times that are embedded (B, H)."""
        c = (time + cond.vector)[:, None]
        text = cond.text
        x = self.audio_input_proj(x)
        if cond.grid is not None:
            x = x + cond.grid
        for block in self.joint_blocks:
            x, text = block(x, text, c)
        for block in self.fused_blocks:
            x = block(x, c)
        velocity = self.final_layer(x, c)
        return (velocity, x) if return_hidden else velocity


def _frozen(value: Tensor) -> nn.Parameter:
    return nn.Parameter(value, requires_grad=False)
