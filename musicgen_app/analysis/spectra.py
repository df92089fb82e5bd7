"""Spectrograms shared by losses and measurements: waveform (B, N) -> STFT magnitude and log-mel frames."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor


def magnitude(waveform: Tensor, n_fft: int, hop: int | None = None) -> Tensor:
    """Waveform (B, N) -> STFT magnitude (B, frames, n_fft / 2 + 1), Hann window, hop n_fft / 4 unless given."""
    window = torch.hann_window(n_fft, device=waveform.device)
    spectrum = torch.stft(waveform, n_fft, hop or n_fft // 4, window=window, return_complex=True)
    return (spectrum.real.square() + spectrum.imag.square() + 1e-9).sqrt().transpose(1, 2)


@lru_cache
def mel_filters(sample_rate: int, n_fft: int, bands: int, low: float = 20.0, high: float | None = None) -> Tensor:
    """Triangular filters (n_fft / 2 + 1, bands), equally spaced on the HTK mel scale, each summing to one."""
    frequencies = torch.linspace(0, sample_rate / 2, n_fft // 2 + 1)
    edges = torch.linspace(_mel(low), _mel(high or sample_rate / 2), bands + 2)
    edges = 700 * (10 ** (edges / 2595) - 1)
    rising = (frequencies[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - frequencies[:, None]) / (edges[2:] - edges[1:-1])
    filters = torch.minimum(rising, falling).clamp_min(0)
    nearest = (frequencies[:, None] - edges[1:-1]).abs().argmin(0)  # a band narrower than a bin takes the nearest bin
    empty = filters.sum(0) == 0
    filters[nearest[empty], empty.nonzero()[:, 0]] = 1.0
    return filters / filters.sum(0)


def _mel(frequency: float) -> float:
    return float(2595 * torch.log10(torch.tensor(1 + frequency / 700)))


def log_mel(waveform: Tensor, sample_rate: int, n_fft: int, bands: int, hop: int | None = None) -> Tensor:
    """Waveform (B, N) -> natural-log mel magnitude (B, frames, bands), floored at 1e-4."""
    filters = mel_filters(sample_rate, n_fft, bands).to(waveform.device)
    return (magnitude(waveform, n_fft, hop) @ filters).clamp_min(1e-4).log()
