"""Clips -> unit vectors of an embedder: one for each window, kept so that every measure uses the same ones.

Windows are as in the challenge: mono at the embedder's rate and as long as the embedder hears at once (10 s). A window
begins every second until the clip ends, and its rest is filled with zeros, so a clip of 10 s gives ten. Where one
vector is wanted, the first window stands for the whole clip.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from musicgen_app.errors import FileError

from ...prepare.embedders import Embedder
from ..clips.clips import Clip

HOP = 1.0  # seconds
BATCH = 16  # windows that go through the embedder at once


def windows(wave: np.ndarray, sample_rate: int, seconds: float, hop: float = HOP) -> np.ndarray:
    """Samples (N,) -> (ceil(N / hop), seconds) in samples: a window begins at every hop that the clip reaches."""
    length, step = round(seconds * sample_rate), round(hop * sample_rate)
    count = math.ceil(len(wave) / step)
    padded = np.pad(wave, (0, max(0, (count - 1) * step + length - len(wave))))
    return np.lib.stride_tricks.sliding_window_view(padded, length)[: (count - 1) * step + 1 : step]


class Vectors:
    """The vectors of clips by one embedder. `windowed`: all windows, not the first alone."""

    def __init__(self, embedder: Embedder, windowed: bool = True):
        self.embedder, self.windowed = embedder, windowed
        self._known: dict[Clip, np.ndarray] = {}

    def of(self, clip: Clip) -> np.ndarray:
        """(windows, W) float32, computed once. Raises FileError for a clip that cannot be read or embedded."""
        if clip not in self._known:
            self._known[clip] = self._embed(clip)
        return self._known[clip]

    def first(self, clip: Clip) -> np.ndarray:
        """The one vector (W,) of a clip."""
        return self.of(clip)[0]

    def _embed(self, clip: Clip) -> np.ndarray:
        rate = self.embedder.sample_rate
        cut = windows(clip.wave(rate), rate, self.embedder.seconds)
        cut = cut if self.windowed else cut[:1]
        rows = [self.embedder.audio(np.ascontiguousarray(cut[i : i + BATCH])) for i in range(0, len(cut), BATCH)]
        vectors = np.concatenate(rows).astype(np.float32)
        if not np.isfinite(vectors).all():
            raise FileError(f"{clip.path}: {self.embedder.name} gives vectors that are not finite")
        return vectors

    def usable(
        self, clips: Sequence[Clip], tick: Callable[[int, int], None] = lambda done, total: None
    ) -> tuple[list[Clip], list[dict]]:
        """The clips that have vectors, and {"id", "path", "reason"} of those that have none. tick(done, total)."""
        good, bad = [], []
        for number, clip in enumerate(clips):
            tick(number, len(clips))
            try:
                self.of(clip)
                good.append(clip)
            except FileError as error:
                bad.append({"id": clip.id, "path": str(clip.path), "reason": str(error)})
        tick(len(clips), len(clips))
        return good, bad
