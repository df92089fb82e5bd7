"""The stage "muq": MuQ's features of the items, the targets of REPA-MuQ."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import numpy as np

from ..config import Preparation
from ..embedders import MUQ, Muq, muq_folder
from .item_frames import ItemFrames


class MuqFrames(ItemFrames):
    """MuQ features of every item, the targets of REPA-MuQ. `show` is told the licence of MuQ's weights."""

    name = "muq"
    sample_rate, channels, width = Muq.sample_rate, 1, Muq.width

    def __init__(self, folder: Path, preparation: Preparation, show: Callable[[str], None] = print):
        super().__init__(folder, preparation)
        self.show = show

    def __reduce__(self):  # the licence is told once, not by every process
        return type(self), (self.folder, self.preparation, _quiet)

    @cached_property
    def settings(self) -> dict:
        weights = f"{MUQ}@{muq_folder().name[:8]}"
        return {"segments": self.made_from("segments"), "muq": weights, "layers": list(Muq.layers)}

    @cached_property
    def model(self) -> Muq:
        return Muq(self.show)

    def count(self, samples: int) -> int:
        return round(samples / self.sample_rate * Muq.rate)

    def encode(self, waves: np.ndarray) -> np.ndarray:
        return self.model.frames(waves[:, 0])


def _quiet(line: str) -> None:
    pass
