"""An embedder that hears four bands and reads their names, and sounds in one band each."""

from __future__ import annotations

import numpy as np
import soundfile

RATE = 8_000


class FakeEmbedder:
    """Hears the shares of four bands; reads the words low, middle, high and top."""

    name, sample_rate, seconds, width = "fake 1", RATE, 2.0, 4

    def __init__(self):
        self.heard = 0

    def text(self, prompts):
        rows = np.array([[0.1 + (word in p) for word in ("low", "middle", "high", "top")] for p in prompts])
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)

    def audio(self, waves):
        assert waves.dtype == np.float32 and waves.shape[1] == 2 * RATE
        self.heard += len(waves)
        energy = np.abs(np.fft.rfft(waves)) ** 2
        bands = np.sqrt(np.stack([part.sum(axis=1) for part in np.array_split(energy, 4, axis=1)], axis=1)) + 1e-3
        return (bands / np.linalg.norm(bands, axis=1, keepdims=True)).astype(np.float32)


def tone(path, band: int, seconds: float = 3.0, seed: int = 0):
    """A noisy tone in one of the four bands of the embedder."""
    rng = np.random.default_rng(seed)
    wave = np.sin(2 * np.pi * (500 + 1000 * band) * np.arange(round(seconds * RATE)) / RATE)
    path.parent.mkdir(exist_ok=True)
    soundfile.write(path, 0.3 * wave + rng.uniform(0.02, 0.1) * rng.standard_normal(len(wave)), RATE)
