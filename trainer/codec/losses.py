"""Reconstruction and adversarial losses of the codec, on waveforms (B, N)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..spectra import log_mel, magnitude

WINDOWS = {256: 24, 512: 40, 1024: 64, 2048: 96, 4096: 128}  # STFT window -> mel bands
SHARP_WINDOWS = (2048, 4096)  # full frequency resolution, for harmonics that mel bands would blur


def mel_error(output: Tensor, target: Tensor, sample_rate: int) -> Tensor:
    """Multi-resolution log-mel error: mean absolute difference of natural-log mel magnitudes over `WINDOWS`."""
    errors = [
        F.l1_loss(log_mel(output, sample_rate, n, bands), log_mel(target, sample_rate, n, bands))
        for n, bands in WINDOWS.items()
    ]
    return torch.stack(errors).mean()


def sharp_error(output: Tensor, target: Tensor) -> Tensor:
    """Multi-resolution STFT loss: log-magnitude error plus spectral convergence (Yamamoto et al., 2020, 1910.11480)."""
    errors = []
    for n in SHARP_WINDOWS:
        ours, theirs = magnitude(output, n), magnitude(target, n)
        errors.append(F.l1_loss(ours.clamp_min(1e-3).log(), theirs.clamp_min(1e-3).log()))
        errors.append((ours - theirs).norm() / theirs.norm().clamp_min(1e-3))
    return torch.stack(errors).mean()


class SpectrogramDiscriminator(nn.Module):
    """Judges log-magnitude STFT frames at three resolutions, per frequency band.

    Bands are groups of one-dimensional convolutions over time: what a two-dimensional patch discriminator sees, at a
    cost that a CPU can pay. Waveform (B, N) -> list of (scores (B, bands, frames), feature maps).
    """

    def __init__(self, windows: tuple[int, ...] = (512, 1024, 2048), bands: int = 8, width: int = 48):
        super().__init__()
        self.windows, self.bands = windows, bands
        self.stacks = nn.ModuleList()
        for n in windows:
            sizes = [n // 2, bands * width, bands * width, bands * width]
            layers = [nn.Conv1d(a, b, 5, padding=2, groups=bands) for a, b in zip(sizes, sizes[1:], strict=False)]
            self.stacks.append(nn.ModuleList([*layers, nn.Conv1d(sizes[-1], bands, 3, padding=1, groups=bands)]))

    def forward(self, waveform: Tensor) -> list[tuple[Tensor, list[Tensor]]]:
        results = []
        for n, layers in zip(self.windows, self.stacks, strict=True):
            x = magnitude(waveform, n)[..., 1:].clamp_min(1e-4).log().transpose(1, 2)
            features = []
            for layer in layers[:-1]:
                x = F.leaky_relu(layer(x), 0.1)
                features.append(x)
            results.append((layers[-1](x), features))
        return results


def discriminator_loss(real: list, fake: list) -> Tensor:
    """Hinge loss: real scores above 1, fake scores below -1."""
    return torch.stack([F.relu(1 - r).mean() + F.relu(1 + f).mean() for (r, _), (f, _) in zip(real, fake, strict=True)]).mean()


def generator_loss(real: list, fake: list) -> tuple[Tensor, Tensor]:
    """(adversarial loss, feature matching loss), the latter relative to the size of the real features."""
    adversarial = torch.stack([-f.mean() for f, _ in fake]).mean()
    matching = [
        F.l1_loss(ours, theirs.detach()) / theirs.detach().abs().mean().clamp_min(1e-3)
        for (_, real_maps), (_, fake_maps) in zip(real, fake, strict=True)
        for ours, theirs in zip(fake_maps, real_maps, strict=True)
    ]
    return adversarial, torch.stack(matching).mean()
