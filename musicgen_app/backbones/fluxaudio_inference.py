"""FluxAudio for inference: its linear and convolution layers replaced by ones whose weights are made ready once.

The blocks of `fluxaudio.py` stay as they are: norms, modulation and the residual stream run in float32, and only what
happens inside the replaced layers runs in the chosen dtype. On a CPU the weights are kept in the blocked layout of the
oneDNN kernels, into which the ordinary layers bring them anew in every call.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .fluxaudio import Attention, FluxAudio
from .layers import ChannelLastConv1d, GatedMLP, rotary_phase


class Product(nn.Module):
    """A Linear or ChannelLastConv1d in `dtype`: x (B, N, C) of any dtype -> (B, N, C_out) float32."""

    def __init__(self, layer: nn.Module, dtype: torch.dtype):
        super().__init__()
        self.dtype = dtype
        self.take(layer.to(dtype))

    def take(self, layer: nn.Module) -> None:
        """Keep what is needed of a layer that is in `dtype` already."""
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return self.product(x).float()

    def product(self, x: Tensor, silu: bool = False, factor: Tensor | None = None) -> Tensor:
        """x (B, N, C) -> the layer's output y, silu(y) or y * factor (B, N, C_out) in `dtype`."""
        y = self.layer(x.to(self.dtype))
        return F.silu(y) if silu else y if factor is None else y * factor


class PackedLinear(Product):
    """A Linear on the CPU, packed for oneDNN, which computes silu or the factor on its way out."""

    def take(self, layer: nn.Linear) -> None:
        self.weight, self.bias = torch.ops.mkldnn._reorder_linear_weight(layer.weight.detach()), layer.bias

    def product(self, x: Tensor, silu: bool = False, factor: Tensor | None = None) -> Tensor:
        x, call = x.to(self.dtype).contiguous(), torch.ops.mkldnn._linear_pointwise
        if factor is not None:
            return call.binary(x, factor, self.weight, self.bias, "mul")
        return call(x, self.weight, self.bias, "swish" if silu else "none", [], "")


class PackedConvolution(Product):
    """A ChannelLastConv1d on the CPU, packed for oneDNN, which computes silu or the factor on its way out."""

    def take(self, layer: ChannelLastConv1d) -> None:
        # as a 2-d convolution of height one: padding, stride, dilation, groups
        self.geometry = [0, *layer.padding], [1, 1], [1, 1], 1
        weight = layer.weight.detach().unsqueeze(2)
        self.weight, self.bias = torch.ops.mkldnn._reorder_convolution_weight(weight, *self.geometry), layer.bias

    def product(self, x: Tensor, silu: bool = False, factor: Tensor | None = None) -> Tensor:
        length, spare = x.shape[1], self._spare(x.shape[1])
        x, call = _image(x.to(self.dtype), spare), torch.ops.mkldnn._convolution_pointwise
        layer = self.weight, self.bias, *self.geometry
        if factor is None:
            y = call(x, *layer, "swish" if silu else "none", [], "")
        else:
            y = call.binary(x, _image(factor, spare), *layer, "mul", None, None, [], None)
        return y.squeeze(2).transpose(1, 2)[:, :length]

    def _spare(self, length: int) -> int:
        """How many zeros to append, which change nothing: in bfloat16, oneDNN works on up to 256 positions together and
        takes up to three times as long for more of them that do not divide well (313 of the 10 s of fluxaudio-s).
        """
        return -length % 16 if self.dtype == torch.bfloat16 and length > 256 else 0


def _image(x: Tensor, spare: int) -> Tensor:
    """(B, N, C) -> (B, C, 1, N + spare), in memory still channel-last."""
    x = F.pad(x, (0, 0, 0, spare)) if spare else x.contiguous()
    return x.transpose(1, 2).unsqueeze(2)


def ready(layer: nn.Linear | ChannelLastConv1d, dtype: torch.dtype) -> Product:
    """The fastest replacement of a layer for the device it is on; the layer is used up."""
    if layer.weight.device.type != "cpu" or not _packing_works(dtype):
        return Product(layer, dtype)
    return _pack(layer, dtype)


def _pack(layer: nn.Module, dtype: torch.dtype) -> Product:
    return (PackedLinear if isinstance(layer, nn.Linear) else PackedConvolution)(layer, dtype)


@functools.cache
def _packing_works(dtype: torch.dtype) -> bool:
    """Whether this PyTorch has oneDNN's packed products: they are not public, so they are tried on small layers."""
    x, factor = torch.linspace(-1, 1, 2 * 5 * 32).view(2, 5, 32), torch.linspace(2, 0, 2 * 5 * 48).view(2, 5, 48)
    tolerance = 1e-4 if dtype == torch.float32 else 0.05
    try:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            for layer in (nn.Linear(32, 48), ChannelLastConv1d(32, 48, 3)):
                y = layer(x)
                packed = _pack(layer, dtype)
                for value, expected in (
                    (packed(x), y),
                    (packed.product(x, silu=True), F.silu(y)),
                    (packed.product(x, factor=factor.to(dtype)), y * factor),
                ):
                    torch.testing.assert_close(value.float(), expected, atol=tolerance, rtol=tolerance)
    except (AssertionError, AttributeError, RuntimeError, TypeError):
        return False
    return True


class ReadyGatedMLP(nn.Module):
    """A GatedMLP for inference: x (B, N, H) -> (B, N, H) float32."""

    def __init__(self, mlp: GatedMLP, dtype: torch.dtype):
        super().__init__()
        self.w1, self.w2, self.w3 = ready(mlp.w1, dtype), ready(mlp.w2, dtype), ready(mlp.w3, dtype)

    def forward(self, x: Tensor) -> Tensor:
        x = x.to(self.w1.dtype)
        return self.w2(self.w3.product(x, factor=self.w1.product(x, silu=True)))


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


_REPLACEMENTS = {nn.Linear: ready, ChannelLastConv1d: ready, GatedMLP: ReadyGatedMLP, Attention: ReadyAttention}


def make_ready(model: FluxAudio, dtype: torch.dtype) -> None:
    """Replace the layers of a model one after the other, so that the weights are never there twice.

    The layers that read the latents, write the velocity and embed the time stay in float32: they are small, and their
    rounding would count most.
    """
    exact = {model.audio_input_proj[0], model.final_layer.conv, *model.t_embed.mlp}
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
