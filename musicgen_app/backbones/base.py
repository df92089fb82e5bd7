"""What the engine and the trainer expect of a backbone and of its conditions.

A backbone of a plug-in needs the same attributes and methods; it need not be a subclass of these.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Protocol, Self

from torch import Tensor, nn

from .layers import GridInput


class Condition(Protocol):
    """A NamedTuple of tensors (or None) with the batch axis first: what a text becomes before sampling."""

    @property
    def grid(self) -> Tensor | None:
        """What is said of every frame (B, T, H), see `with_grid`."""

    @classmethod
    def _make(cls, iterable: Iterable[Any], /) -> Self: ...

    def _replace(self, /, **parts: Any) -> Self: ...

    def __iter__(self) -> Iterator[Any]: ...

    def join(self, other: Self) -> Self:
        """Both conditions in one batch, this one first."""


class Backbone(nn.Module):
    """Noisy latents x (B, T, D), time t (B,) and a condition -> velocity (B, T, D), for any T.

    time_axis: "data_at_one" or "noise_at_one", where its own training puts data or noise.
    """

    time_axis: str
    latent_dim: int
    config: Any  # a dataclass with `latent_dim`, `hidden`, `text_dim`, `grid_dim` and sizes of its own
    grid_input_proj: GridInput  # where `config.grid_dim` is not 0

    def condition(self, tokens: Tensor, mask: Tensor, vector: Tensor | None, drop: Tensor | None = None) -> Any:
        """tokens (B, S, text_dim), mask (B, S) True = real, vector (B, V) -> the condition, computed once per request.

        Items where drop (B,) is True get the null condition.
        """
        raise NotImplementedError

    def null_condition(self, batch: int) -> Any:
        """The condition of dropped text, for guidance."""
        raise NotImplementedError
