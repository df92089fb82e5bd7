"""Losses of the codec on log-magnitude frames (B, T, F), and reconstruction errors of waveforms (B, N)."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from musicgen_app.analysis.spectra import log_mel
from musicgen_app.codecs.sketch.phases import frame, overlap_add
from musicgen_app.codecs.sketch.stereo import Frames, StereoCodec, StereoCodecConfig, bin_weights, mel_bands

BANDS = {192: (1,), 96: (1, 2, 4), 32: (1, 2, 4)}  # mel bands -> frames that are taken together
WINDOWS = {256: 24, 512: 40, 1024: 64, 2048: 96, 4096: 128}  # STFT window -> mel bands


def mel_error(output: Tensor, target: Tensor, sample_rate: int) -> Tensor:
    """Multi-resolution log-mel error: mean absolute difference of natural-log mel magnitudes over `WINDOWS`."""
    errors = [
        F.l1_loss(log_mel(output, sample_rate, n, bands), log_mel(target, sample_rate, n, bands))
        for n, bands in WINDOWS.items()
    ]
    return torch.stack(errors).mean()


class Reconstruction(NamedTuple):
    """How far what the decoder gave is from what it was to give, each a mean over the batch."""

    bins: Tensor  # log-magnitude error of single STFT bins, weighted by the mel scale
    bands: Tensor  # log error of mel bands, at several widths in frequency and in time
    convergence: Tensor  # sum of the errors of magnitudes over the sum of magnitudes
    stereo: Tensor  # error of the side's gain and rest, weighted by how loud the mid is


def reconstruction(codec: StereoCodec, output: Tensor, frames: Frames) -> Reconstruction:
    """The errors of what the decoder gave (B, T, F + 2S) of the waveform whose frames are given."""
    c = codec.config
    target = frames.magnitude.add(c.floor).log()
    levels, stereo = output[..., : c.bins], output[..., c.bins :]
    ours, theirs = levels.clamp_max(codec.loudest).exp(), target.exp()
    errors = ((stereo - frames.stereo).abs() * _loud(frames.power).repeat(1, 1, 2)).unflatten(-1, (2, c.stereo_bands))
    gain, rest = errors.mean(dim=(0, 1, 3))
    return Reconstruction(
        bins=((levels - target).abs() * bin_weights(c.sample_rate, c.bins)).mean(),
        bands=_band_error(ours.square(), theirs.square(), c),
        convergence=(ours - theirs).abs().sum() / theirs.sum(),
        stereo=gain + 0.5 * rest,
    )


def _band_error(ours: Tensor, theirs: Tensor, config: StereoCodecConfig) -> Tensor:
    """Mean absolute log difference of the magnitudes of bands of powers (B, T, F), over all of `BANDS`."""
    errors = []
    for bands, stretches in BANDS.items():
        filters = mel_bands(config.sample_rate, config.n_fft, bands)
        pair = [power @ filters for power in (ours, theirs)]
        for frames in stretches:
            whole = pair[0].shape[1] // frames * frames
            a, b = (power[:, :whole].unflatten(1, (-1, frames)).mean(dim=2).log() for power in pair)
            errors.append(0.5 * F.l1_loss(a, b))
    return torch.stack(errors).mean()


def _loud(power: Tensor) -> Tensor:
    """0 for a quiet band (B, T, S) of the mid, 1 for a loud one."""
    return ((power.log() + 4) / 8).clamp(0, 1)


def waveform_error(codec: StereoCodec, output: Tensor, target: Tensor) -> Tensor:
    """Multi-resolution log-mel error of the decoded mid with the phases that the codec itself would rebuild.

    The phases are taken as given: only the magnitudes are judged. target: waveform (B, 2, N).
    """
    n_fft, hop = codec.config.n_fft, codec.config.hop
    with torch.no_grad():
        rebuilt = frame(codec.finish(output).mean(dim=1), n_fft, hop)
    decoded = overlap_add(torch.polar(codec.magnitude(output), rebuilt.angle()), n_fft, hop)
    return mel_error(decoded, target.mean(dim=1), codec.sample_rate)


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
