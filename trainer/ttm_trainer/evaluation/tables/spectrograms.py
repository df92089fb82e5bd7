"""Spectrograms as pictures: waveform (N,) -> axes of `charts.picture`, or a PNG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from musicgen_app.analysis.spectra import log_mel

BANDS, N_FFT = 96, 2048
RANGE = 80.0  # dB below the loudest


def spectrogram(wave: np.ndarray, sample_rate: int, frames: int = 400) -> np.ndarray:
    """Log-mel spectrogram (BANDS, frames) in dB below its loudest point, to at most `RANGE`."""
    hop = max(1, len(wave) // frames)
    padded = torch.from_numpy(np.ascontiguousarray(np.pad(wave, (0, max(0, N_FFT - len(wave))))))
    mel = log_mel(padded[None], sample_rate, N_FFT, BANDS, hop)[0].numpy().T * (20 / np.log(10))
    return np.maximum(mel - mel.max(), -RANGE)


def show_spectrogram(axes, wave: np.ndarray, sample_rate: int, title: str) -> None:
    """Draw a spectrogram: seconds to the right, mel bands upwards with their frequencies."""
    end = len(wave) / sample_rate
    axes.imshow(
        spectrogram(wave, sample_rate), origin="lower", aspect="auto", cmap="magma", vmin=-RANGE, vmax=0,
        extent=(0, end, 0, BANDS), interpolation="nearest",
    )  # fmt: skip
    top = 2595 * np.log10(1 + sample_rate / 2 / 700)
    marks = [f for f in (100, 500, 1000, 2000, 4000, 8000, 16000) if f <= sample_rate / 2]
    axes.set_yticks([2595 * np.log10(1 + f / 700) / top * BANDS for f in marks], [f"{f:,}" for f in marks], fontsize=5)
    axes.tick_params(axis="x", labelsize=5)
    axes.grid(False)
    axes.set_title(title, fontsize=6)


def contact_sheet(clips: Sequence[tuple[str, np.ndarray, str]], sample_rate: int, path: Path, columns: int = 6) -> None:
    """A PNG of the spectrograms of (name, wave (N,), what is odd) clips; those that are odd are framed in red.

    FileError: it cannot be written.
    """
    from ...runtime.charts import picture

    rows = -(-len(clips) // columns)
    with picture(path, rows, columns, (2.3 * columns, 1.35 * rows)) as axes:
        grid = np.asarray(axes, dtype=object).ravel()
        for ax, (name, wave, odd) in zip(grid, clips, strict=False):
            show_spectrogram(ax, wave, sample_rate, "")
            ax.tick_params(length=1, labelsize=4)
            ax.set_title(f"{name}: {odd}"[:64] if odd else name, fontsize=4.5, color="#b00020" if odd else "#222222")
            for spine in ax.spines.values():
                spine.set(visible=bool(odd), color="#b00020", linewidth=1.5)
        for ax in grid[len(clips) :]:
            ax.set_axis_off()
