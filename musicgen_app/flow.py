"""Flow matching on one time axis: noise at t = 0, data at t = 1, v = data - noise. (B, T, D) -> (B, T, D).

A backbone trained on the other axis (noise at t = 1, v = noise - data) is converted here and nowhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, overload

from torch import Tensor

if TYPE_CHECKING:
    from .backbones.base import Backbone


def interpolate(data: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    """The point x_t (B, T, D) on the straight path from noise to data at t (B,)."""
    t = t[:, None, None]
    return (1 - t) * noise + t * data


def target(data: Tensor, noise: Tensor) -> Tensor:
    """The velocity dx/dt of that path (B, T, D)."""
    return data - noise


@overload
def velocity(backbone: Backbone, x: Tensor, t: Tensor, cond: Any, *, end: Tensor | None = None) -> Tensor: ...


@overload
def velocity(
    backbone: Backbone, x: Tensor, t: Tensor, cond: Any, return_hidden: Literal[True], end: Tensor | None = None
) -> tuple[Tensor, Tensor]: ...


def velocity(
    backbone: Backbone, x: Tensor, t: Tensor, cond: Any, return_hidden: bool = False, end: Tensor | None = None
) -> Tensor | tuple[Tensor, Tensor]:
    """The backbone's velocity (B, T, D) at x (B, T, D) and t (B,) on this axis, whatever its own axis is.

    With return_hidden also its last hidden state (B, T, H). end (B,): of a MeanFlow backbone, the mean velocity on the
    way from t to there.
    """
    flipped = backbone.time_axis == "noise_at_one"
    until = {} if end is None else {"end": 1 - end if flipped else end}
    v, hidden = backbone(x, 1 - t if flipped else t, cond, return_hidden=True, **until)
    v = (-v if flipped else v).to(x.dtype)
    return (v, hidden) if return_hidden else v
