"""Reconstruction error of a codec on tracks it never saw."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from musicgen_app.codecs.sketch import SketchCodec

from ..dataset import read_mono
from .losses import mel_error, sharp_error
from .train import audio_files


@torch.inference_mode()
def evaluate(codec: SketchCodec, data: Path, excerpts: int = 60, seconds: float = 8.0) -> dict[str, float]:
    """Means over random excerpts of the held-out files of a dataset folder.

    `log_mel` is the multi-resolution log-mel error (natural log), `stft` the sharp STFT error of the training loss.
    """
    files = audio_files((str(data),), "val")
    rng = np.random.default_rng(0)
    samples = int(seconds * codec.sample_rate) // codec.samples_per_latent * codec.samples_per_latent
    errors = []
    for _ in range(excerpts):
        path, length, _ = files[rng.integers(len(files))]
        wave = torch.from_numpy(read_mono(path, int(rng.integers(max(1, length - samples))), samples))[None]
        output = codec.decode(codec.encode(wave[:, None]))[:, 0]
        errors.append((mel_error(output, wave, codec.sample_rate).item(), sharp_error(output, wave).item()))
    log_mel, stft = np.mean(errors, axis=0)
    return {"excerpts": excerpts, "files": len(files), "log_mel": float(log_mel), "stft": float(stft)}
