"""BigVGAN (Lee et al., 2023, arXiv 2206.04658) for 16 kHz speech-band mels: log10-mel (B, 80, T) -> (B, 1, 256 T).

A HiFi-GAN generator whose activations are periodic (snake) and anti-aliased: each runs at twice the rate, between two
low-pass filters. Modules are named as in the public checkpoint; tensors are (B, C, 1, N), as in `acestep_v1.vocoder`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..acestep_v1.vocoder import WeightNormConv, fold_weight_norm

RATES = (4, 4, 2, 2, 2, 2)
KERNELS, DILATIONS = (3, 7, 11), (1, 3, 5)
TAPS = 12  # of the low-pass filters


def low_pass() -> Tensor:
    """Kaiser-windowed sinc (1, 1, 12) with its cut-off at half the band, a transition of 0.6 of it, and unit sum."""
    attenuation = 2.285 * (TAPS / 2 - 1) * math.pi * 4 * 0.3 + 7.95
    beta = 0.1102 * (attenuation - 8.7) if attenuation > 50 else 0.5842 * (attenuation - 21) ** 0.4
    beta += 0.0 if attenuation > 50 else 0.07886 * (attenuation - 21)
    window = torch.kaiser_window(TAPS, periodic=False, beta=beta, dtype=torch.float64)
    taps = window * torch.sinc(0.5 * (torch.arange(TAPS, dtype=torch.float64) - (TAPS - 1) / 2))
    return (taps / taps.sum()).float()[None, None]


class SnakeBeta(nn.Module):
    """x + sin^2(a x) / b with a frequency and an amplitude a channel, stored as logarithms; (B, C, 1, N)."""

    def __init__(self, width: int):
        super().__init__()
        self.alpha = nn.Parameter(torch.zeros(width))
        self.beta = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        alpha, beta = (value.exp()[:, None, None] for value in (self.alpha, self.beta))
        return torch.addcdiv(x, (x * alpha).sin().square(), beta + 1e-9)


class _Filter(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.filter: Tensor
        self.register_buffer("filter", low_pass())

    def depthwise(self, width: int) -> Tensor:
        return self.filter[:, :, None].expand(width, 1, 1, TAPS)


class Upsample(_Filter):
    """(B, C, 1, N) -> (B, C, 1, 2N)."""

    def forward(self, x: Tensor) -> Tensor:
        width, side = x.shape[1], TAPS // 2 - 1
        padded = F.pad(x, (side, side, 0, 0), mode="replicate")
        doubled = F.conv_transpose2d(padded, 2 * self.depthwise(width), stride=(1, 2), groups=width)
        crop = 2 * side + (TAPS - 2) // 2
        return doubled[..., crop:-crop]


class LowPass(_Filter):
    """(B, C, 1, 2N) -> (B, C, 1, N)."""

    def forward(self, x: Tensor) -> Tensor:
        width = x.shape[1]
        padded = F.pad(x, (TAPS // 2 - 1, TAPS // 2, 0, 0), mode="replicate")
        return F.conv2d(padded, self.depthwise(width), stride=(1, 2), groups=width)


class Activation(nn.Module):
    """The anti-aliased snake, float32 inside: (B, C, 1, N) -> (B, C, 1, N)."""

    def __init__(self, width: int):
        super().__init__()
        self.act = SnakeBeta(width)
        self.upsample = Upsample()
        self.downsample = nn.Module()
        self.downsample.lowpass = LowPass()

    def forward(self, x: Tensor) -> Tensor:
        low_pass = self.downsample.get_submodule("lowpass")
        return low_pass(self.act(self.upsample(x.float()))).to(x.dtype)


class AMPBlock(nn.Module):
    """Anti-aliased multi-periodicity block: pairs of convolutions, the first of a pair dilated; (B, C, 1, N)."""

    def __init__(self, width: int, kernel: int):
        super().__init__()
        self.convs1 = nn.ModuleList(WeightNormConv(width, width, kernel, dilation) for dilation in DILATIONS)
        self.convs2 = nn.ModuleList(WeightNormConv(width, width, kernel) for _ in DILATIONS)
        self.activations = nn.ModuleList(Activation(width) for _ in range(2 * len(DILATIONS)))

    def forward(self, x: Tensor) -> Tensor:
        for index, (first, second) in enumerate(zip(self.convs1, self.convs2, strict=True)):
            before, between = self.activations[2 * index], self.activations[2 * index + 1]
            x = x + second(between(first(before(x))))
        return x


class BigVGAN(nn.Module):
    """See the module docstring."""

    def __init__(self, mels: int = 80, width: int = 1536):
        super().__init__()
        self.conv_pre = WeightNormConv(mels, width, 7)
        self.ups, self.resblocks = nn.ModuleList(), nn.ModuleList()
        for rate in RATES:
            self.ups.append(nn.ModuleList([WeightNormConv(width, width // 2, 2 * rate, stride=rate)]))
            width //= 2
            self.resblocks.extend(AMPBlock(width, kernel) for kernel in KERNELS)
        self.activation_post = Activation(width)
        self.conv_post = WeightNormConv(width, 1, 7)

    def forward(self, mel: Tensor) -> Tensor:
        """log10-mel (B, 80, T) -> waveform (B, 1, 256 T) in [-1, 1], float32."""
        x = self.conv_pre(mel[:, :, None].to(self.conv_pre.bias.dtype))
        for index, (up,) in enumerate(cast("Iterable[tuple[nn.Module]]", self.ups)):
            x = up(x)
            blocks = self.resblocks[index * len(KERNELS) : (index + 1) * len(KERNELS)]
            x = sum(block(x) for block in blocks) / len(KERNELS)
        return self.conv_post(self.activation_post(x)).float().tanh()[:, :, 0]

    def prepare(self, dtype: torch.dtype) -> None:
        """Fold the weight norm and let the convolutions compute in `dtype`; activations stay float32."""
        fold_weight_norm(self, dtype)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # PyTorch leaves it out
