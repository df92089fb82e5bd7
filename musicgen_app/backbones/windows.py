"""A backbone that sees a long clip through windows of the length it was trained on.

At every evaluation it answers for each of a row of overlapping windows, and the answers are faded into one another
(MultiDiffusion: Bar-Tal et al., ICML 2023, arXiv 2302.08113). The row begins elsewhere each time, so that no place of
the clip always lies at an edge. Time grows with the length of the clip, memory does not.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from .base import Backbone

OVERLAP = 0.25  # of a window, with each neighbour
GOLDEN = 0.6180339887498949  # of a hop: how much further the row of windows begins at each evaluation


def hop_of(size: int) -> int:
    """Frames from the beginning of a window of `size` frames to that of the next."""
    return max(1, round(size * (1 - OVERLAP)))


def most_windows(frames: int, size: int) -> int:
    """How many windows of `size` frames are looked through at an evaluation of `frames`, at most."""
    return math.ceil(frames / hop_of(size)) + 1


class WindowProgress:
    """Tells how many windows of a sampling are done, tell(done, total): `windows` of them in each of `steps`.

    made: steps that were made before.
    """

    def __init__(self, tell: Callable[[int, int], None], steps: int, windows: int, made: int = 0):
        self.tell, self.total, self.windows = tell, steps * windows, windows
        self.before = self.done = made * windows

    def window(self) -> None:
        """Another window is done."""
        self.done = min(self.done + 1, self.before + self.windows - 1)
        self.tell(self.done, self.total)

    def step(self, step: int, steps: int) -> None:
        """So many steps are done."""
        self.before = self.done = step * self.windows
        self.tell(self.done, self.total)


class Windowed:
    """Takes the place of `backbone` for one sampling of clips that are longer than `size` latent frames.

    on_window is called after each window; what it raises stops the sampling. evaluations: that were made before.
    """

    def __init__(
        self, backbone: Backbone, size: int, on_window: Callable[[], None] = lambda: None, evaluations: int = 0
    ):
        self.backbone, self.size, self.on_window = backbone, size, on_window
        self.hop = hop_of(size)
        self.evaluations = evaluations

    def __getattr__(self, name: str) -> Any:
        return getattr(self.backbone, name)

    def __call__(self, x: Tensor, t: Tensor, cond: Any, **options: Any) -> tuple[Tensor, None]:
        """As the backbone, with `return_hidden`: velocity (B, T, D), and no hidden state."""
        total, weights = torch.zeros_like(x), x.new_zeros(x.shape[1], 1)
        for start in self.starts(x.shape[1]):
            span = slice(start, start + self.size)
            part = cond if cond.grid is None else cond._replace(grid=cond.grid[:, span])
            answer, _ = self.backbone(x[:, span], t, part, **options)
            fade = self._fade(start, x.shape[1]).to(x)
            total[:, span] += fade * answer.to(x.dtype)
            weights[span] += fade
            self.on_window()
        self.evaluations += 1
        return total / weights, None

    def starts(self, frames: int) -> list[int]:
        """Where the windows of this evaluation begin."""
        first = -int(self.evaluations * GOLDEN % 1 * self.hop)
        return sorted({max(0, min(start, frames - self.size)) for start in range(first, frames, self.hop)})

    def _fade(self, start: int, frames: int) -> Tensor:
        """Weights (size, 1) of a window: it fades in and out where it has neighbours."""
        edge = self.size - self.hop
        ramp = (torch.arange(1, edge + 1) / (edge + 1))[:, None]
        fade = torch.ones(min(self.size, frames), 1)
        if start > 0:
            fade[:edge] = ramp
        if start + self.size < frames:
            fade[-edge:] = torch.minimum(fade[-edge:], ramp.flip(0))
        return fade
