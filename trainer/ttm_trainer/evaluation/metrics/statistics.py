"""An embedder that nothing was trained for: statistics of a sound, made by hand. A second opinion for FAD.

The bundled aligner has heard what the models here were trained on. These numbers have heard nothing: spectrum,
dynamics, attacks, rhythm and harmony of a window, each group divided by its spread among recordings so that all count
alike. They compare sounds and know no words. They hear less than a trained network does: two kinds of music with one
spectrum and one rhythm are the same to them.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.fft import dct

from musicgen_app.analysis.key import chroma
from musicgen_app.analysis.spectra import log_mel
from musicgen_app.analysis.tempo import autocorrelation
from musicgen_app.errors import ModelError

NAME = "statistics"
BANDS, FRAMES = 64, 50  # mel bands; frames a second
GROUPS = (slice(0, 8), slice(8, 40), slice(40, 64))  # of bands, whose rhythm is told: low, middle, high
LAGS = np.geomspace(0.1, 2.0, 16)  # seconds
# Numbers of each group, and the root of the mean variance of one of them among 100 ten-second clips of recordings.
SIZES = {"spectrum": 24, "dynamics": 16, "attacks": 16, "rhythm": len(GROUPS) * len(LAGS), "harmony": 12}
SPREAD = {"spectrum": 2.375, "dynamics": 0.739, "attacks": 0.537, "rhythm": 0.160, "harmony": 0.0240}


class SoundStatistics:
    """See above. Vectors are not of unit length: the mean variance of each group among recordings is 1 / groups."""

    name, sample_rate, seconds = "statistics-1", 48_000, 10.0
    width = sum(SIZES.values())

    def text(self, prompts: list[str]) -> np.ndarray:
        """Raises ModelError: there are no vectors of words."""
        raise ModelError(f"the embedder {NAME} knows no words: use aligner or clap for what compares music with text")

    def audio(self, waves: np.ndarray) -> np.ndarray:
        """Mono audio (B, N) float32 at `sample_rate` -> (B, width) float32."""
        return np.stack([self._vector(wave) for wave in waves])

    def _vector(self, wave: np.ndarray) -> np.ndarray:
        parts = [
            values / (SPREAD[name] * np.sqrt(len(values) * len(SIZES))) for name, values in self.groups(wave).items()
        ]
        return np.concatenate(parts).astype(np.float32)

    def groups(self, wave: np.ndarray) -> dict[str, np.ndarray]:
        """The numbers of each group of SIZES, of mono audio (N,) float32.

        Cosine transforms of the mean of log-mel bands, of their spread and of that of their change; autocorrelation of
        onsets in three groups of bands; pitch classes, the strongest first.
        """
        hop = self.sample_rate // FRAMES
        mel = log_mel(torch.from_numpy(wave)[None], self.sample_rate, 2048, BANDS, hop=hop)[0].numpy()  # (T, 64)
        change = np.diff(mel, axis=0)
        rises = [np.maximum(change[:, group], 0).mean(axis=1) for group in GROUPS]
        lags = (LAGS * FRAMES).round().astype(int)
        rhythm = [correlation[lags.clip(max=len(correlation) - 1)] for correlation in map(autocorrelation, rises)]
        pitches = chroma(wave, self.sample_rate)
        return {
            "spectrum": dct(mel.mean(axis=0), norm="ortho")[: SIZES["spectrum"]],
            "dynamics": dct(mel.std(axis=0), norm="ortho")[: SIZES["dynamics"]],
            "attacks": dct(change.std(axis=0), norm="ortho")[: SIZES["attacks"]],
            "rhythm": np.concatenate(rhythm),
            "harmony": np.roll(pitches, -int(pitches.argmax())),
        }
