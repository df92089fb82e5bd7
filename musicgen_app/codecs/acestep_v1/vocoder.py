"""ADaMoS-HiFiGAN v1, the vocoder of ACE-Step v1: log-mel (B, 128, T) -> waveform (B, 1, 512 T) at 44.1 kHz.

A ConvNeXt backbone (Liu et al., 2022, arXiv 2201.03545) refines the mel frames; a HiFi-GAN generator (Kong et al.,
2020, arXiv 2010.05646) brings them to the sample rate. Modules are named as in the public checkpoint.

The head runs on tensors (B, C, 1, N) in channels-last memory: the one convolution layout in which every one of its
layers, from 1,024 channels to 8, is fast on a CPU, more than 10 times in bfloat16 where the processor has AMX.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .mel import LogMel

TILE, MIN_TILE = 2**19, 4096  # elements of a tensor that the head works on at once; samples that a tile has at least


@dataclass(frozen=True)
class VocoderConfig:
    """The keys of the public `config.json` that shape the network."""

    input_channels: int = 128
    depths: tuple[int, ...] = (3, 3, 9, 3)
    dims: tuple[int, ...] = (128, 256, 384, 512)
    kernel_sizes: tuple[int, ...] = (7,)
    upsample_rates: tuple[int, ...] = (4, 4, 2, 2, 2, 2, 2)
    upsample_kernel_sizes: tuple[int, ...] = (8, 8, 4, 4, 4, 4, 4)
    resblock_kernel_sizes: tuple[int, ...] = (3, 7, 11, 13)
    resblock_dilation_sizes: tuple[tuple[int, ...], ...] = ((1, 3, 5),) * 4
    num_mels: int = 512
    upsample_initial_channel: int = 1024
    use_template: bool = False
    pre_conv_kernel_size: int = 13
    post_conv_kernel_size: int = 13
    sampling_rate: int = 44_100
    n_fft: int = 2048
    win_length: int = 2048
    hop_length: int = 512
    f_min: float = 40
    f_max: float = 16_000
    n_mels: int = 128

    def __post_init__(self) -> None:
        rates = math.prod(self.upsample_rates)
        if len(self.kernel_sizes) != 1 or self.use_template or self.win_length != self.n_fft:
            raise ValueError("parallel kernels, a template or a short window are not supported")
        if (self.n_mels, self.dims[-1], rates) != (self.input_channels, self.num_mels, self.hop_length):
            raise ValueError("the sizes of backbone, head and mel do not match")

    @classmethod
    def read(cls, path: Path) -> VocoderConfig:
        """From a `config.json`; keys that do not shape the network are passed over."""
        values = json.loads(path.read_text(encoding="utf-8"))
        return cls(**{field.name: values[field.name] for field in fields(cls) if field.name in values})

    def mel_transform(self) -> LogMel:
        return LogMel(self.sampling_rate, self.n_fft, self.hop_length, self.n_mels, self.f_min, self.f_max)

    @property
    def stage_reach(self) -> list[int]:
        """Samples on either side, at its own output rate, that each stage of the head depends on."""
        blocks = zip(self.resblock_kernel_sizes, self.resblock_dilation_sizes, strict=True)
        widest = max(kernel // 2 * sum(dilation + 1 for dilation in dilations) for kernel, dilations in blocks)
        return [kernel + widest for kernel in self.upsample_kernel_sizes]

    @property
    def context(self) -> int:
        """Mel frames on either side that a sample of the waveform depends on (half the receptive field, rounded up)."""
        frames: float = 3 + sum(self.depths) * (self.kernel_sizes[0] // 2) + self.pre_conv_kernel_size // 2
        rates = [math.prod(self.upsample_rates[: index + 1]) for index in range(len(self.upsample_rates))]
        frames += sum(reach / rate for reach, rate in zip(self.stage_reach, rates, strict=True))
        return math.ceil(frames + self.post_conv_kernel_size // 2 / self.hop_length)


def windows(total: int, size: int, reach: int) -> Iterator[tuple[int, int, int, int]]:
    """Windows of one length, about `size` at most, over `total` positions: (first, last, start, stop) of each.

    start:stop is what a window first:last contributes; it has `reach` neighbours in the window or ends where all ends.
    All have one length, because the convolution library prepares itself again for every new length.
    """
    overlap = 2 * (reach + 1)
    count = 1 if total <= max(size, overlap) else math.ceil((total - overlap) / max(size - overlap, overlap))
    length = math.ceil((total + overlap * (count - 1)) / count)
    firsts = [index * (total - length) // max(count - 1, 1) for index in range(count)]
    cuts = [0, *((before + length + after) // 2 for before, after in pairwise(firsts)), total]
    for first, (start, stop) in zip(firsts, pairwise(cuts), strict=True):
        yield first, first + length, start, stop


class WeightNormConv(nn.Module):
    """A convolution over time as it is stored: direction `weight_v`, length `weight_g` (Salimans and Kingma, 2016).

    `fold` gives the layer to run, on (B, C, 1, N). With a `stride` it is transposed: N becomes N * stride.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, dilation: int = 1, stride: int | None = None):
        super().__init__()
        self.inputs, self.outputs, self.kernel, self.dilation, self.stride = inputs, outputs, kernel, dilation, stride
        first, second = (outputs, inputs) if stride is None else (inputs, outputs)
        self.weight_v = nn.Parameter(torch.randn(first, second, kernel) / math.sqrt(inputs * kernel))
        self.weight_g = nn.Parameter(self.weight_v.detach().norm(dim=(1, 2), keepdim=True))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def fold(self) -> nn.Conv2d | nn.ConvTranspose2d:
        """The same layer with a plain weight, float32."""
        with torch.device("meta"):
            layer: nn.Conv2d | nn.ConvTranspose2d
            if self.stride is None:
                reach = self.dilation * (self.kernel - 1) // 2
                layer = nn.Conv2d(
                    self.inputs, self.outputs, (1, self.kernel), padding=(0, reach), dilation=(1, self.dilation)
                )
            else:
                side = (self.kernel - self.stride) // 2
                layer = nn.ConvTranspose2d(
                    self.inputs, self.outputs, (1, self.kernel), stride=(1, self.stride), padding=(0, side)
                )
        direction, length = self.weight_v.detach().float(), self.weight_g.detach().float()
        weight = direction * (length / direction.norm(dim=(1, 2), keepdim=True))
        layer.weight = nn.Parameter(weight[:, :, None], requires_grad=False)
        layer.bias = nn.Parameter(self.bias.detach().float(), requires_grad=False)
        return layer

    def forward(self, x: Tensor) -> Tensor:
        return self.fold()(x)


def fold_weight_norm(module: nn.Module, dtype: torch.dtype) -> None:
    """Replace every `WeightNormConv` below `module` by its folded layer, one after another."""
    for name, child in module.named_children():
        if isinstance(child, WeightNormConv):
            setattr(module, name, child.fold().to(dtype))
        else:
            fold_weight_norm(child, dtype)


class ConvNeXtBlock(nn.Module):
    """Depthwise convolution over time, then a pointwise MLP, scaled; (B, T, C) -> (B, T, C)."""

    def __init__(self, width: int, kernel: int):
        super().__init__()
        self.dwconv = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.pwconv1 = nn.Linear(width, 4 * width)
        self.pwconv2 = nn.Linear(4 * width, width)
        self.gamma = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        h = self.dwconv(x.transpose(1, 2)).transpose(1, 2)
        h = self.pwconv2(F.gelu(self.pwconv1(self.norm(h).to(self.pwconv1.weight.dtype))))
        return x + self.gamma * h


class Backbone(nn.Module):
    """Log-mel (B, mels, T) -> features (B, T, C). `channel_layers` change the width: a stem, then 1x1 convolutions."""

    def __init__(self, config: VocoderConfig):
        super().__init__()
        dims, kernel = config.dims, config.kernel_sizes[0]
        stem = nn.Conv1d(config.input_channels, dims[0], 7, padding=3, padding_mode="replicate")
        self.channel_layers = nn.ModuleList([nn.ModuleList([stem, nn.LayerNorm(dims[0], eps=1e-6)])])
        for before, after in pairwise(dims):
            layers = [nn.LayerNorm(before, eps=1e-6), nn.Conv1d(before, after, 1)]
            self.channel_layers.append(nn.ModuleList(layers))
        self.stages = nn.ModuleList(
            nn.Sequential(*(ConvNeXtBlock(width, kernel) for _ in range(depth)))
            for width, depth in zip(dims, config.depths, strict=True)
        )
        self.norm = nn.LayerNorm(dims[-1], eps=1e-6)

    def forward(self, mel: Tensor) -> Tensor:
        (stem, norm), *transitions = cast("list[tuple[nn.Module, Any]]", self.channel_layers)
        x = self.stages[0](norm(stem(mel).transpose(1, 2)))
        for (norm, conv), stage in zip(transitions, self.stages[1:], strict=True):
            x = stage(F.linear(norm(x), conv.weight[:, :, 0], conv.bias))
        return self.norm(x)


class ResBlock(nn.Module):
    """Pairs of convolutions, the first of a pair dilated; (B, C, 1, N) -> (B, C, 1, N)."""

    def __init__(self, width: int, kernel: int, dilations: tuple[int, ...]):
        super().__init__()
        self.convs1 = nn.ModuleList(WeightNormConv(width, width, kernel, dilation) for dilation in dilations)
        self.convs2 = nn.ModuleList(WeightNormConv(width, width, kernel) for _ in dilations)

    def forward(self, x: Tensor, activated: Tensor) -> Tensor:
        """`activated` is silu(x), which the blocks side by side share."""
        for index, (first, second) in enumerate(zip(self.convs1, self.convs2, strict=True)):
            h = F.silu(x) if index else activated
            x = second(F.silu(first(h), inplace=True)).add_(x)
        return x


class Head(nn.Module):
    """Features (B, C, 1, T) -> waveform (B, 1, 1, T * hop): upsample, then the mean of residual blocks, 7 times."""

    def __init__(self, config: VocoderConfig):
        super().__init__()
        self.config = config
        width = config.upsample_initial_channel
        self.conv_pre = WeightNormConv(config.num_mels, width, config.pre_conv_kernel_size)
        self.ups, self.resblocks = nn.ModuleList(), nn.ModuleList()
        for rate, kernel in zip(config.upsample_rates, config.upsample_kernel_sizes, strict=True):
            self.ups.append(WeightNormConv(width, width // 2, kernel, stride=rate))
            width //= 2
            for size, dilations in zip(config.resblock_kernel_sizes, config.resblock_dilation_sizes, strict=True):
                self.resblocks.append(ResBlock(width, size, dilations))
        self.conv_post: nn.Module = WeightNormConv(width, 1, config.post_conv_kernel_size)

    def forward(self, x: Tensor, tiled: bool = False) -> Tensor:
        x = self.conv_pre(x)
        for index in range(len(self.ups)):
            x = self._tiles(index, x) if tiled else self._stage(index, x)
        return self.conv_post(F.silu(x.float())).tanh()

    def _stage(self, index: int, x: Tensor) -> Tensor:
        """Upsampling and the residual blocks that follow it: (B, 2C, 1, N) -> (B, C, 1, N * rate)."""
        x = self.ups[index](F.silu(x))
        activated = F.silu(x)
        count = len(self.resblocks) // len(self.ups)
        first, *others = self.resblocks[index * count : (index + 1) * count]
        total = first(x, activated)
        for block in others:
            total += block(x, activated)
        return total.div_(count)

    def _tiles(self, index: int, x: Tensor) -> Tensor:
        """The same as `_stage`, in tiles of time with all the context they depend on: they stay in the CPU's cache."""
        rate, width = self.config.upsample_rates[index], self.config.upsample_initial_channel // 2 ** (index + 1)
        tile = max(MIN_TILE, TILE // (len(x) * width)) // rate
        reach = math.ceil(self.config.stage_reach[index] / rate)
        out = x.new_empty(len(x), 1, x.shape[-1] * rate, width).permute(0, 3, 1, 2)  # channels-last
        for first, last, start, stop in windows(x.shape[-1], tile, reach):
            piece = self._stage(index, x[..., first:last])
            out[..., start * rate : stop * rate] = piece[..., (start - first) * rate : (stop - first) * rate]
        return out


class Vocoder(nn.Module):
    """See the module docstring. `mel_transform` is the analysis that its input comes from."""

    def __init__(self, config: VocoderConfig | None = None):
        super().__init__()
        self.config = config or VocoderConfig()
        self.mel_transform = self.config.mel_transform()
        self.backbone = Backbone(self.config)
        self.head = Head(self.config)

    def forward(self, mel: Tensor, tiled: bool = False) -> Tensor:
        """Log-mel (B, mels, T) -> waveform (B, 1, T * hop), float32 in [-1, 1]; `tiled`: the same, faster."""
        x = self.backbone(mel).to(self.head.conv_pre.bias.dtype)
        return self.head(x.transpose(1, 2)[:, :, None], tiled)[:, :, 0]

    def prepare(self, dtype: torch.dtype) -> None:
        """Fold the weight norm and compute in `dtype`, except the backbone's residual stream and the last layer."""
        self.backbone.float()
        for block in (block for stage in self.backbone.stages for block in cast(Iterable[ConvNeXtBlock], stage)):
            block.pwconv1.to(dtype)
            block.pwconv2.to(dtype)
        last = self.head.conv_post
        assert isinstance(last, WeightNormConv)
        self.head.conv_post = last.fold()
        fold_weight_norm(self.head, dtype)
        self.head.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # PyTorch leaves it out
