"""Backbones: noisy latents (B, T, D), time (B,) and a text condition -> velocity (B, T, D).

Every backbone is an nn.Module (see `base.Backbone`) with `latent_dim`, `time_axis` ("data_at_one" or "noise_at_one": where its own training
puts data or noise), `condition(tokens, mask, vector, drop=None)`, `null_condition(batch)` and
`forward(x, t, cond, return_hidden=False)`. One whose `config.grid_dim` is not 0 can also be told the plan of the music.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from torch import Tensor

    from .base import Backbone, Condition

    AnyCondition = TypeVar("AnyCondition", bound=Condition)


def concat_conditions(a: AnyCondition, b: AnyCondition) -> AnyCondition:
    """Two conditions of one backbone, of batches A and B, as one condition of batch A + B (a first)."""
    return a.join(b)


def expand_condition(cond: AnyCondition, batch: int) -> AnyCondition:
    """A condition of batch 1, repeated (without copying) to `batch`."""
    return cond._make(part if part is None else part.expand(batch, *part.shape[1:]) for part in cond)


def with_grid(backbone: Backbone, cond: AnyCondition, grid: Tensor) -> AnyCondition:
    """A condition that also says of every frame what the grid (B, T, grid_dim) of `plan.py` does."""
    return cond._replace(grid=backbone.grid_input_proj(grid))
