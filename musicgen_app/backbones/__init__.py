"""Backbones: noisy latents (B, T, D), time (B,) and a text condition -> velocity (B, T, D).

Every backbone is an nn.Module (see `base.Backbone`) with `latent_dim`, `time_axis` ("data_at_one" or "noise_at_one":
where its own training puts data or noise), `condition(tokens, mask, vector, drop=None)`, `null_condition(batch)` and
`forward(x, t, cond, return_hidden=False)`. One whose `config.grid_dim` is not 0 can also be told the plan of the music,
one whose `config.scalars` is not 0 that many numbers, such as a reward.

fluxaudio, mamba              the two families; base: what both have
layers                        what they are made of
presets                       names of sizes -> a new model
inference, inference_layers   faster forms of the same, for sampling
windows                       a long clip seen through windows of the native length
periodic                      a loop seen from another place on at each evaluation
reference                     both families once more, in plain code, to test against
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from torch import Tensor

    from .base import Backbone

Condition = TypeVar("Condition")  # the condition of one kind of backbone


def concat_conditions(a: Condition, b: Condition) -> Condition:
    """Two conditions of one backbone, of batches A and B, as one condition of batch A + B (a first)."""
    first: Any = a
    return first.join(b)


def expand_condition(cond: Condition, batch: int) -> Condition:
    """A condition of batch 1, repeated (without copying) to `batch`."""
    parts: Any = cond
    return parts._make(part if part is None else part.expand(batch, *part.shape[1:]) for part in parts)


def with_grid(backbone: Backbone, cond: Condition, grid: Tensor) -> Condition:
    """The condition with the plan added to it: a grid (B, T, grid_dim), see `control.grid`."""
    parts: Any = cond
    return parts._replace(grid=backbone.grid_input_proj(grid))


def with_scalars(backbone: Backbone, cond: Condition, values: Tensor) -> Condition:
    """The condition with numbers (B, scalars) added to its vector; one that is NaN counts as not told."""
    parts: Any = cond
    return parts._replace(vector=parts.vector + backbone.scalar_input_proj(values))
