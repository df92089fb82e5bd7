"""A loop (channels, N) float32 -> how its seam, where the end meets the beginning, compares with other places."""

from __future__ import annotations

import numpy as np
import torch

from .spectra import mel_filters

SIDE = 0.06  # seconds before and after a bar line whose spectra are compared
NEAR = 0.02  # seconds around the seam that tell how far apart neighbouring samples usually are
BANDS = 48
RANGE = 8.0  # natural log: what is that far (70 dB) below the loudest is silence


def bar_changes(loop: np.ndarray, sample_rate: int, bars: int) -> np.ndarray:
    """How much the spectrum changes at every bar line (bars,), the first of which is the seam: mean of log-mel bands."""
    samples, side = loop.shape[1], round(SIDE * sample_rate)
    lines = np.round(np.arange(bars) * samples / bars).astype(int)
    places = lines[:, None, None] + np.array([[-side], [0]]) + np.arange(side)  # (bars, 2, side)
    window = torch.hann_window(side, dtype=torch.float32)
    spectrum = torch.fft.rfft(torch.from_numpy(loop.mean(axis=0)[places % samples]) * window).abs()
    level = (spectrum @ mel_filters(sample_rate, side, BANDS)).clamp_min(1e-9).log()
    level = level.clamp_min(float(level.max()) - RANGE)
    return (level[:, 1] - level[:, 0]).abs().mean(dim=1).numpy()


def seam_step(loop: np.ndarray, sample_rate: int) -> float:
    """How far the first sample is from the last, in steps that are usual close by: about 1 where there is no seam."""
    near = round(NEAR * sample_rate)
    steps = np.abs(np.diff(loop[:, np.arange(-near, near) % loop.shape[1]], axis=1)).mean(axis=0)
    usual = np.delete(steps, near - 1).mean()
    return float(steps[near - 1] / max(usual, 1e-9))
