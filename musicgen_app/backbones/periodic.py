"""A backbone that sees a loop: the first frame follows the last one.

At every evaluation the clip is shown from another place on, with a stretch of what comes round again on both sides,
which is left out of the answer. So no place of the loop is ever at an edge, and none always where the showing begins.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .base import Backbone
from .windows import GOLDEN


class Periodic:
    """Takes the place of `backbone` for one sampling of loops.

    around: latent frames that are shown on both sides; evaluations: that were made before.
    """

    def __init__(self, backbone: Backbone, around: int, evaluations: int = 0):
        self.backbone, self.around, self.evaluations = backbone, around, evaluations

    def __getattr__(self, name: str) -> Any:
        return getattr(self.backbone, name)

    def __call__(self, x: Tensor, t: Tensor, cond: Any, **options: Any) -> tuple[Tensor, None]:
        """As the backbone, with `return_hidden`: velocity (B, T, D), and no hidden state."""
        frames = x.shape[1]
        first = int(self.evaluations * GOLDEN % 1 * frames)
        self.evaluations += 1
        shown = torch.arange(first - self.around, first + frames + self.around, device=x.device) % frames
        part = cond if cond.grid is None else cond._replace(grid=cond.grid[:, shown])
        answer, _ = self.backbone(x[:, shown], t, part, **options)
        return answer[:, self.around : self.around + frames].roll(first, dims=1), None
