"""What a clip sounds like in a few numbers: spectrum, harmony, rhythm."""

from __future__ import annotations

import numpy as np
import torch

from musicgen_app.analysis.key import chroma
from musicgen_app.analysis.spectra import log_mel
from musicgen_app.analysis.tempo import autocorrelation


def descriptor(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """What mono audio (N,) float32 sounds like, independent of its place in time: (D,) float32.

    Mean and spread of 64 log-mel bands, their spread of change, the pitch-class profile, and the autocorrelation of
    the onset strength of all bands, the lowest and the highest, at lags of 0.2 to 2 s.
    """
    mel = log_mel(torch.from_numpy(audio)[None], sample_rate, 2048, 64, hop=512)[0].numpy()  # (T, 64)
    change = np.diff(mel, axis=0)
    rate = sample_rate / 512
    lags = np.linspace(0.2 * rate, 2.0 * rate, 48).round().astype(int)
    onsets = [np.maximum(bands, 0).mean(axis=1) for bands in (change, change[:, :6], change[:, 44:])]
    parts = [mel.mean(0), mel.std(0), change.std(0), chroma(audio, sample_rate)]
    parts += [c[lags.clip(max=len(c) - 1)] for c in map(autocorrelation, onsets)]
    return np.concatenate(parts).astype(np.float32)
