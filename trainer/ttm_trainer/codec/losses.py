"""Losses of the codec on log-magnitude frames (B, T, F), and reconstruction errors of waveforms (B, N)."""

from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from musicgen_app.codecs.sketch import SketchCodec, frame, overlap_add

from ..analysis.spectra import log_mel, mel_filters

WINDOWS = {256: 24, 512: 40, 1024: 64, 2048: 96, 4096: 128}  # STFT window -> mel bands


def mel_error(output: Tensor, target: Tensor, sample_rate: int) -> Tensor:
    """Multi-resolution log-mel error: mean absolute difference of natural-log mel magnitudes over `WINDOWS`."""
    errors = [
        F.l1_loss(log_mel(output, sample_rate, n, bands), log_mel(target, sample_rate, n, bands))
        for n, bands in WINDOWS.items()
    ]
    return torch.stack(errors).mean()


@lru_cache
def bin_weights(sample_rate: int, bins: int) -> Tensor:
    """The weight of each STFT bin (bins,), of mean 1: the slope of the mel scale, so that low bins count most."""
    weights = 1 / (700 + torch.linspace(0, sample_rate / 2, bins))
    return weights / weights.mean()


def magnitude_loss(output: Tensor, target: Tensor, sample_rate: int) -> tuple[Tensor, Tensor, Tensor]:
    """(weighted log-magnitude error, log-mel error, spectral convergence) of log-magnitude frames (B, T, F)."""
    bins = target.shape[-1]
    detail = ((output - target).abs() * bin_weights(sample_rate, bins)).mean()
    ours, theirs = output.clamp_max(7.0).exp(), target.exp()
    filters = mel_filters(sample_rate, 2 * (bins - 1), 96)
    bands = F.l1_loss((ours @ filters).log(), (theirs @ filters).log())
    return detail, bands, (ours - theirs).abs().sum() / theirs.sum()


def waveform_error(codec: SketchCodec, output: Tensor, target: Tensor) -> Tensor:
    """Multi-resolution log-mel error of decoded levels (B, T, F) with the phases that the codec itself would rebuild.

    The phases are taken as given: only the magnitudes are judged. target: waveform (B, N).
    """
    n_fft, hop = codec.config.n_fft, codec.config.hop
    with torch.no_grad():
        rebuilt = frame(codec.finish(output)[:, 0], n_fft, hop)
    decoded = overlap_add(torch.polar(codec.magnitude(output), rebuilt.angle()), n_fft, hop)
    return mel_error(decoded, target, codec.sample_rate)


class SpectrogramDiscriminator(nn.Module):
    """Judges log-magnitude frames (B, T, F) per frequency band -> (scores (B, bands, T), feature maps).

    Bands are groups of one-dimensional convolutions over time: what a two-dimensional patch discriminator sees, at a
    cost that a CPU can pay. The lowest F - 1 bins are split evenly.
    """

    def __init__(self, bins: int, bands: int = 16, width: int = 32):
        super().__init__()
        self.bins = bins - 1
        sizes = [self.bins, bands * width, bands * width, bands * width]
        layers = [nn.Conv1d(a, b, 5, padding=2, groups=bands) for a, b in zip(sizes, sizes[1:], strict=False)]
        self.layers = nn.ModuleList([*layers, nn.Conv1d(sizes[-1], bands, 3, padding=1, groups=bands)])

    def forward(self, frames: Tensor) -> tuple[Tensor, list[Tensor]]:
        x = frames[..., : self.bins].transpose(1, 2)
        features = []
        for layer in self.layers[:-1]:
            x = F.leaky_relu(layer(x), 0.1)
            features.append(x)
        return self.layers[-1](x), features


def discriminator_loss(real: tuple, fake: tuple) -> Tensor:
    """Hinge loss: real scores above 1, fake scores below -1."""
    return F.relu(1 - real[0]).mean() + F.relu(1 + fake[0]).mean()


def generator_loss(real: tuple, fake: tuple) -> tuple[Tensor, Tensor]:
    """(adversarial loss, feature matching loss), the latter relative to the size of the real features."""
    matching = [
        F.l1_loss(ours, theirs.detach()) / theirs.detach().abs().mean().clamp_min(1e-3)
        for theirs, ours in zip(real[1], fake[1], strict=True)
    ]
    return -fake[0].mean(), torch.stack(matching).mean()
