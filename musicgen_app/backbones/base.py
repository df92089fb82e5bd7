"""What the engine and the trainer expect of a backbone.

A backbone of a plug-in needs the same attributes and methods; it need not be a subclass.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from .layers import GridInput, ScalarInput


class Backbone(nn.Module):
    """Noisy latents x (B, T, D), time t (B,) and a condition -> velocity (B, T, D), for any T.

    time_axis: "data_at_one" or "noise_at_one", where its own training puts data or noise. A condition is a NamedTuple
    of tensors (or None) with the batch axis first, `grid` (see `with_grid`) among them, and a method `join(other)`.
    One that gives mean velocities (see `fluxaudio.mean_flow`) also takes the time `end` (B,) of the step.
    """

    time_axis: str
    gives_means = False  # whether `forward` takes the time `end` and gives the mean velocity on the way there
    latent_dim: int
    config: Any  # a dataclass with `latent_dim`, `hidden`, `text_dim`, `grid_dim` and sizes of its own
    scalar_input_proj: ScalarInput  # where `config.scalars` is not 0
    grid_input_proj: GridInput  # where `config.grid_dim` is not 0

    def condition(self, tokens: Tensor, mask: Tensor, vector: Tensor | None, drop: Tensor | None = None) -> Any:
        """tokens (B, S, text_dim), mask (B, S) True = real, vector (B, V) -> the condition, computed once per request.

        Items where drop (B,) is True get the null condition.
        """
        raise NotImplementedError

    def null_condition(self, batch: int) -> Any:
        """The condition of dropped text, for guidance."""
        raise NotImplementedError
