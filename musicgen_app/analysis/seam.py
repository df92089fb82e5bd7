"""A loop (channels, N) float32 -> how its seam, where the end meets the beginning, compares with other places."""

from __future__ import annotations

import numpy as np
import torch

from .spectra import mel_filters

WINDOW, HOP, REACH = 0.032, 0.008, 0.032  # seconds: of spectra, between them, and around a bar line
NEAR = 0.02  # seconds around the seam that tell how far apart neighbouring samples usually are
BANDS = 40
RANGE = 8.0  # natural log: what is that far (70 dB) below the loudest is silence


def bar_changes(loop: np.ndarray, sample_rate: int, bars: int) -> np.ndarray:
    """How fast the spectrum changes around every bar line (bars,), the first of which is the seam.

    The mean change of log-mel bands from one short spectrum to the next, as far as REACH before and after the line.
    """
    size = round(WINDOW * sample_rate)
    windowed = torch.from_numpy(_around(loop.mean(axis=0), sample_rate, bars, WINDOW, HOP, REACH))
    windowed = windowed * torch.hann_window(size)
    level = (torch.fft.rfft(windowed).abs() @ mel_filters(sample_rate, size, BANDS)).clamp_min(1e-9).log()
    level = level.clamp_min(float(level.max()) - RANGE)
    return level.diff(dim=1).abs().mean(dim=(1, 2)).numpy()


def bar_dips(loop: np.ndarray, sample_rate: int, bars: int) -> np.ndarray:
    """How far the level falls at every bar line (bars,), the seam first, in dB: where a hole is heard, far below 0.

    The lowest level of some milliseconds within 10 ms of the line, against that of a tenth of a second around it.
    """
    mono = loop.mean(axis=0)
    short = np.square(_around(mono, sample_rate, bars, 0.004, 0.002, 0.01)).mean(axis=2).min(axis=1)
    wide = np.square(_around(mono, sample_rate, bars, 0.1, 0.1, 0.0)).mean(axis=(1, 2))
    return 10 * np.log10((short + 1e-9) / (wide + 1e-9))


def _around(mono: np.ndarray, sample_rate: int, bars: int, window: float, hop: float, reach: float) -> np.ndarray:
    """Windows (bars, count, size) of a loop, as far as `reach` around each of its bar lines; all in seconds."""
    lines = np.round(np.arange(bars) * len(mono) / bars).astype(int)
    steps, size = round(reach / hop), round(window * sample_rate)
    middles = lines[:, None] + round(hop * sample_rate) * np.arange(-steps, steps + 1)
    return mono[(middles[:, :, None] + np.arange(size) - size // 2) % len(mono)]


def seam_step(loop: np.ndarray, sample_rate: int) -> float:
    """How far the first sample is from the last, in steps that are usual close by: about 1 where there is no seam."""
    near = round(NEAR * sample_rate)
    steps = np.abs(np.diff(loop[:, np.arange(-near, near) % loop.shape[1]], axis=1)).mean(axis=0)
    usual = np.delete(steps, near - 1).mean()
    return float(steps[near - 1] / max(usual, 1e-9))
