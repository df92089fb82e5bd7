"""Log-mel spectrogram of the ACE-Step v1 codec: waveform (B, N) -> (B, mels, N / hop), natural log of magnitudes.

Slaney's mel scale: linear below 1 kHz (200/3 Hz a mel), logarithmic above (27 mels for a factor of 6.4); triangles of
unit area, as in his Auditory Toolbox (1998).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

FLOOR = 1e-5  # smallest mel magnitude that is told from silence


def hertz_to_mel(hertz: float) -> float:
    return hertz * 3 / 200 if hertz < 1000 else 15 + math.log(hertz / 1000) * 27 / math.log(6.4)


def mel_to_hertz(mel: Tensor) -> Tensor:
    return torch.where(mel < 15, mel * 200 / 3, 1000 * ((mel - 15) * math.log(6.4) / 27).exp())


def mel_filters(sample_rate: int, n_fft: int, mels: int, low: float, high: float) -> Tensor:
    """Weights (n_fft / 2 + 1, mels) of triangles between `low` and `high` Hz, equally spaced in mel, each of area 1."""
    corners = torch.linspace(hertz_to_mel(low), hertz_to_mel(high), mels + 2, dtype=torch.float64)
    corners = mel_to_hertz(corners)
    bins = torch.linspace(0, sample_rate / 2, n_fft // 2 + 1, dtype=torch.float64)[:, None]
    left, centre, right = corners[:-2], corners[1:-1], corners[2:]
    triangles = torch.minimum((bins - left) / (centre - left), (right - bins) / (right - centre)).clamp_min(0)
    return (triangles * 2 / (right - left)).float()


class LogMel(nn.Module):
    """See the module docstring. The window and the filters are buffers, named as in the public checkpoint."""

    def __init__(self, sample_rate: int, n_fft: int, hop: int, mels: int, low: float, high: float):
        super().__init__()
        self.n_fft, self.hop = n_fft, hop
        self.spectrogram = nn.Module()
        self.spectrogram.register_buffer("window", torch.hann_window(n_fft))
        self.mel_scale = nn.Module()
        self.mel_scale.register_buffer("fb", mel_filters(sample_rate, n_fft, mels, low, high))

    def forward(self, waveform: Tensor) -> Tensor:
        """Waveform (B, N), N a multiple of `hop` and more than (n_fft - hop) / 2 -> (B, mels, N / hop)."""
        side = (self.n_fft - self.hop) // 2
        padded = F.pad(waveform[:, None], (side, side), mode="reflect")[:, 0]
        spectrum = torch.fft.rfft(
            padded.unfold(-1, self.n_fft, self.hop) * self.spectrogram.get_buffer("window")
        )  # (B, T, bins)
        magnitude = (spectrum.real.square() + spectrum.imag.square() + 1e-6).sqrt()
        return (magnitude @ self.mel_scale.get_buffer("fb")).clamp_min(FLOOR).log().transpose(1, 2)
