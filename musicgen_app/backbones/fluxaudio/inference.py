"""FluxAudio for inference: its linear and convolution layers are replaced by ones that prepare their weights once.

The blocks of `fluxaudio.model` stay as they are. Norms, modulation and the residual stream run in float32; only the
replaced layers (`inference_layers`) compute in the chosen dtype.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ..inference_layers import ready
from ..layers import ChannelLastConv1d, GatedMLP, rotary_phase
from .model import Attention, FluxAudio


class ReadyGatedMLP(nn.Module):
    """A GatedMLP for inference: x (B, N, H) -> (B, N, H) float32."""

    def __init__(self, mlp: GatedMLP, dtype: torch.dtype):
        super().__init__()
        self.w1, self.w2, self.w3 = ready(mlp.w1, dtype), ready(mlp.w2, dtype), ready(mlp.w3, dtype)

    def forward(self, x: Tensor) -> Tensor:
        x = x.to(self.w1.dtype)
        return self.w2(self.w3.product(x, factor=self.w1.product(x, "silu")))


class ReadyAttention(nn.Module):
    """An Attention for inference: x (B, N, H) -> q, k, v (B, N, heads, head_dim) in `dtype`."""

    def __init__(self, attention: Attention, dtype: torch.dtype):
        super().__init__()
        self.heads = attention.heads
        qkv = attention.qkv
        for name in ("weight", "bias"):  # from the public order of rows, once
            setattr(qkv, name, nn.Parameter(attention.by_role(getattr(qkv, name).detach()), requires_grad=False))
        self.qkv = ready(qkv, dtype)
        scale = torch.stack([attention.q_norm.weight.detach(), attention.k_norm.weight.detach()])
        self.scale: Tensor
        self.register_buffer("scale", scale[:, None].float())  # (2, 1, head_dim)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        projected = self.qkv.product(x).unflatten(-1, (3, self.heads, -1))
        q, k = self._placed(projected[:, :, :2]).to(projected.dtype).unbind(2)
        return q, k, projected[:, :, 2]

    def _placed(self, qk: Tensor) -> Tensor:
        """q and k together (B, N, 2, heads, head_dim) -> the same normed and rotated, as by RMSNorm and `rotate`."""
        qk = qk.to(torch.float32, copy=True)
        mean_square = torch.linalg.vector_norm(qk, dim=-1, keepdim=True).square_() / qk.shape[-1]
        qk.mul_(mean_square.add_(torch.finfo(torch.float32).eps).rsqrt_()).mul_(self.scale)
        pairs = torch.view_as_complex(qk.unflatten(-1, (-1, 2)))
        pairs.mul_(rotary_phase(qk.shape[1], qk.shape[-1], qk.device)[:, None])
        return qk


_REPLACEMENTS: dict[type[nn.Module], Callable[[Any, torch.dtype], nn.Module]] = {
    nn.Linear: ready,
    ChannelLastConv1d: ready,
    GatedMLP: ReadyGatedMLP,
    Attention: ReadyAttention,
}


def make_ready(model: FluxAudio, dtype: torch.dtype) -> None:
    """Replace the layers of a model one after the other, so that no weight is in memory twice.

    The layers that read the latents, write the velocity and embed the time stay in float32: they are small, and
    rounding hurts most there.
    """
    exact = {model.audio_input_proj[0], model.final_layer.conv}
    exact.update(layer for embedding in model.time_embeddings for layer in embedding.mlp)
    if model.config.grid_dim:
        exact.add(model.grid_input_proj.conv)
    if model.config.scalars:
        exact.update(model.scalar_input_proj.modules())
    _replace(model, lambda layer: torch.float32 if layer in exact else dtype)
    for own in model.parameters(recurse=False):  # the statistics and the empty prompt
        own.data = own.data.float()
    model.requires_grad_(False)


def _replace(module: nn.Module, dtype_of: Callable[[nn.Module], torch.dtype]) -> None:
    for name in [name for name, _ in module.named_children()]:  # names only: a replaced layer is freed at once
        child = getattr(module, name)
        if type(child) in _REPLACEMENTS:
            setattr(module, name, _REPLACEMENTS[type(child)](child, dtype_of(child)))
        else:
            _replace(child, dtype_of)
