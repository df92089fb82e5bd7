"""Linear and convolution layers for inference, their weights made ready once.

On a CPU the weights are kept in the blocked layout of the oneDNN kernels. Ordinary layers convert them to it in every
call, which takes longer than the product itself for the few hundred positions of a ten-second clip.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .layers import ChannelLastConv1d

ACTIVATIONS: dict[str | None, Callable[[Tensor], Tensor]] = {None: lambda y: y, "silu": F.silu, "gelu": F.gelu}
_FUSED: dict[str | None, tuple[str, list, str]] = {
    None: ("none", [], ""),
    "silu": ("swish", [], ""),
    "gelu": ("gelu", [], "none"),
}  # oneDNN's names

Layer = nn.Linear | ChannelLastConv1d


class Product(nn.Module):
    """A Linear or ChannelLastConv1d in `dtype`: x (B, N, C) of any dtype -> (B, N, C_out) float32."""

    def __init__(self, layer: Layer, dtype: torch.dtype):
        super().__init__()
        self.dtype = dtype
        self.take(layer.to(dtype))

    def take(self, layer: Layer) -> None:
        """Keep what is needed of a layer that is in `dtype` already."""
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return self.product(x).float()

    def product(self, x: Tensor, activation: str | None = None, factor: Tensor | None = None) -> Tensor:
        """x (B, N, C) -> the layer's output, activated ("silu" or "gelu") or times factor, (B, N, C_out) in `dtype`."""
        y = ACTIVATIONS[activation](self.layer(x.to(self.dtype)))
        return y if factor is None else y * factor


class PackedLinear(Product):
    """A Linear on the CPU, packed for oneDNN, which computes activation or factor on its way out."""

    def take(self, layer: Layer) -> None:
        self.weight, self.bias = torch.ops.mkldnn._reorder_linear_weight(layer.weight.detach()), layer.bias

    def product(self, x: Tensor, activation: str | None = None, factor: Tensor | None = None) -> Tensor:
        x, call = x.to(self.dtype).contiguous(), torch.ops.mkldnn._linear_pointwise
        if factor is not None:
            return call.binary(x, factor, self.weight, self.bias, "mul")
        return call(x, self.weight, self.bias, *_FUSED[activation])


class PackedConvolution(Product):
    """A ChannelLastConv1d on the CPU, packed for oneDNN, which computes activation or factor on its way out.

    The layout that oneDNN wants depends on the input's shape. It converts weights in another layout in every call,
    which takes up to eight times as long as the product. So they are packed for every batch size of a length.
    """

    def take(self, layer: Layer) -> None:
        assert isinstance(layer, ChannelLastConv1d)
        # as a 2-d convolution of height one: padding, stride, dilation, groups
        self.geometry = [0, *layer.padding], [1, 1], [1, 1], 1
        self.plain: Tensor | None = layer.weight.detach().unsqueeze(2)  # until the first one is packed
        self.bias = layer.bias
        self.packed: dict[torch.Size, Tensor] = {}

    def product(self, x: Tensor, activation: str | None = None, factor: Tensor | None = None) -> Tensor:
        length, spare = x.shape[1], self._spare(x.shape[1])
        x, call = _image(x.to(self.dtype), spare), torch.ops.mkldnn._convolution_pointwise
        layer = self._packed_for(x.shape), self.bias, *self.geometry
        if factor is None:
            y = call(x, *layer, *_FUSED[activation])
        else:
            y = call.binary(x, _image(factor, spare), *layer, "mul", None, None, [], None)
        return y.squeeze(2).transpose(1, 2)[:, :length]

    def _packed_for(self, shape: torch.Size) -> Tensor:
        """The weights for inputs (B, C, 1, N), made when such a one first comes; those for another N are given up."""
        if shape not in self.packed:
            plain = next(iter(self.packed.values())).to_dense() if self.packed else self.plain
            self.plain = None
            self.packed = {known: weight for known, weight in self.packed.items() if known[-1] == shape[-1]}
            self.packed[shape] = torch.ops.mkldnn._reorder_convolution_weight(plain, *self.geometry, list(shape))
        return self.packed[shape]

    def _spare(self, length: int) -> int:
        """How many zeros to append, which change nothing: in bfloat16, oneDNN works on up to 256 positions together and
        takes up to three times as long for more of them that do not divide well (313 of the 10 s of fluxaudio-s).
        """
        return -length % 16 if self.dtype == torch.bfloat16 and length > 256 else 0


def ready(layer: Layer, dtype: torch.dtype) -> Product:
    """The fastest replacement of a layer for the device it is on; the layer is used up."""
    if layer.weight.device.type != "cpu" or not packing_works(dtype):
        return Product(layer, dtype)
    return pack(layer, dtype)


def pack(layer: Layer, dtype: torch.dtype) -> Product:
    """The packed replacement of a layer on the CPU; the layer is used up."""
    return (PackedLinear if isinstance(layer, nn.Linear) else PackedConvolution)(layer, dtype)


def linear(weight: Tensor, bias: Tensor | None = None) -> nn.Linear:
    """A Linear layer of these very tensors, weight (out, in) and bias (out,)."""
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias is not None, device="meta")
    for name, value in (("weight", weight), ("bias", bias)):
        if value is not None:
            setattr(layer, name, nn.Parameter(value.detach(), requires_grad=False))
    return layer


@functools.cache
def packing_works(dtype: torch.dtype) -> bool:
    """Whether this PyTorch has oneDNN's packed products: they are not public, so they are tried on small layers."""
    x, factor = torch.linspace(-1, 1, 2 * 5 * 32).view(2, 5, 32), torch.linspace(2, 0, 2 * 5 * 48).view(2, 5, 48)
    tolerance = 1e-4 if dtype == torch.float32 else 0.05
    try:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            for layer in (nn.Linear(32, 48), ChannelLastConv1d(32, 48, 3)):
                y = layer(x)
                packed = pack(layer, dtype)
                trials = [(packed.product(x, name), function(y)) for name, function in ACTIVATIONS.items()]
                trials.append((packed.product(x, factor=factor.to(dtype)), y * factor))
                # not torch.testing, whose import takes a second
                if not all(torch.allclose(v.float(), expected, tolerance, tolerance) for v, expected in trials):
                    return False
    except (AttributeError, RuntimeError, TypeError):
        return False
    return True


def _image(x: Tensor, spare: int) -> Tensor:
    """(B, N, C) -> (B, C, 1, N + spare), in memory still channel-last."""
    x = F.pad(x, (0, 0, 0, spare)) if spare else x.contiguous()
    return x.transpose(1, 2).unsqueeze(2)
