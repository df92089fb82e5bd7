"""Sampling: seeds -> noise (B, T, D) -> latents (B, T, D), by following a velocity field from t = 0 to t = 1."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import reduce
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from . import flow
from .backbones import concat_conditions


class VelocityFn(Protocol):
    """x (B, T, D) at time t -> its velocity (B, T, D); with `end`, the mean of it on the way from t to there."""

    def __call__(self, x: Tensor, t: float, end: float | None = None, /) -> Tensor: ...


def noise(seeds: list[int], frames: int, dim: int) -> Tensor:
    """Gaussian noise (B, frames, dim) float32 on the CPU, item i from seeds[i] alone.

    Each item is drawn in (frame, channel) order, so it is the same alone or in a batch and on every device, and a
    longer item starts with the same noise. The generator is PCG64: unlike torch's it uses all bits of the seed and
    draws strictly in order.
    """
    items = [np.random.Generator(np.random.PCG64(seed)).standard_normal((frames, dim), np.float32) for seed in seeds]
    return torch.from_numpy(np.stack(items))


def schedule(steps: int, start: float = 0.0, power: float = 1.0) -> Tensor:
    """Times (steps + 1,) from `start` (0: noise) to 1 (data): t = u ** power at equal distances of u.

    With a power above 1 the steps are short near the noise and long near the data.
    """
    return torch.linspace(start ** (1 / power), 1, steps + 1, dtype=torch.float64) ** power


def guided(
    backbone,
    cond,
    unconditional=None,
    guidance: float = 1.0,
    interval: tuple[float, float] = (0.0, 1.0),
    negatives: Sequence[tuple[object, float]] = (),
) -> VelocityFn:
    """The velocity function of a backbone with classifier-free guidance (Ho & Salimans, 2022).

    Inside the guidance interval (Kynkäänniemi et al., 2024), lo <= t <= hi, it is v_u + guidance * (v_c - v_u). Each
    (condition, weight) in `negatives` adds weight * (v_c - v_n) (Liu et al., 2022, arXiv 2206.01714). All of these come
    from one pass over the repeated batch. Outside the interval, and where nothing is guided away from, it is v_c.
    `unconditional` is only needed when guidance is not 1.
    """
    others = ([] if guidance == 1 else [unconditional]) + [negative for negative, _ in negatives]
    together = reduce(concat_conditions, others, cond)

    def of(x: Tensor, t: float, end: float | None, condition) -> Tensor:
        until = None if end is None else x.new_full((len(x),), end)
        return flow.velocity(backbone, x, x.new_full((len(x),), t), condition, end=until)

    def velocity(x: Tensor, t: float, end: float | None = None) -> Tensor:
        if not others or not interval[0] <= t <= interval[1]:
            return of(x, t, end, cond)
        v_c, *rest = of(torch.cat([x] * (1 + len(others))), t, end, together).split(len(x))
        v = v_c if guidance == 1 else torch.lerp(rest.pop(0), v_c, guidance)
        if not negatives:
            return v
        return v + sum(weight * (v_c - v_n) for (_, weight), v_n in zip(negatives, rest, strict=True))

    return velocity


def held(velocity: VelocityFn, data: Tensor, noise: Tensor, free: Tensor, clean: bool = False) -> VelocityFn:
    """The velocity function of a sampling in which only some frames are made: free (T,) or (B, T), True there.

    All others follow the straight path from their noise to their data (B, T, D), whatever the solver: before each
    evaluation they are put where the path has them, and after it they get its velocity (after Lugmayr et al., 2022,
    arXiv 2201.09865). clean: of a network that was trained so, they are shown as the data that they are.
    """
    free = free[..., None]

    def velocity_beside(x: Tensor, t: float, end: float | None = None) -> Tensor:
        known = data if clean else torch.lerp(noise, data, t)
        return torch.where(free, velocity(torch.where(free, x, known), t, end), data - noise)

    return velocity_beside


class Last(NamedTuple):
    """What a solver of several steps knows of the one before: its velocity (B, T, D), and how long it was."""

    velocity: Tensor
    h: float


Stepped = tuple[Tensor, Tensor | None]  # what a step leads to (B, T, D), and the velocity that the next one knows of


def euler(velocity: VelocityFn, x: Tensor, t: float, h: float, last: Last | None = None) -> Stepped:
    """One step of the first-order method (one evaluation)."""
    return x + h * velocity(x, t), None


def midpoint(velocity: VelocityFn, x: Tensor, t: float, h: float, last: Last | None = None) -> Stepped:
    """One step of the second-order midpoint method (two evaluations)."""
    return x + h * velocity(x + h / 2 * velocity(x, t), t + h / 2), None


def heun(velocity: VelocityFn, x: Tensor, t: float, h: float, last: Last | None = None) -> Stepped:
    """One step of the second-order method of Heun, the trapezoid (two evaluations)."""
    v = velocity(x, t)
    return x + h / 2 * (v + velocity(x + h * v, t + h)), None


def ab2(velocity: VelocityFn, x: Tensor, t: float, h: float, last: Last | None = None) -> Stepped:
    """One step of the second-order method of Adams and Bashforth (one evaluation), the first one that of Euler.

    The velocity half a step ahead is that of here and of one step ago, carried on in a straight line.
    """
    v = velocity(x, t)
    return x + h * (v if last is None else torch.lerp(last.velocity, v, 1 + h / (2 * last.h))), v


def mean(velocity: VelocityFn, x: Tensor, t: float, h: float, last: Last | None = None) -> Stepped:
    """One step of MeanFlow (Geng et al., 2025, arXiv 2505.13447), exact for a true mean velocity (one evaluation)."""
    return x + h * velocity(x, t, t + h), None


def _back(x: Tensor, t: float, before: float, noise: Tensor) -> Tensor:
    """x (B, T, D) at a time, as it may have been at an earlier one: as much noisier as the straight paths are there."""
    ratio = before / t
    return ratio * x + math.sqrt(max(0.0, (1 - before) ** 2 - (ratio * (1 - t)) ** 2)) * noise


SOLVERS = {"euler": euler, "midpoint": midpoint, "heun": heun, "ab2": ab2, "mean": mean}


def sample(
    velocity: VelocityFn,
    x: Tensor,
    steps: int,
    solver: str = "euler",
    on_step: Callable[[int, int], None] | None = None,
    start: float = 0.0,
    done: int = 0,
    keep: Callable[[int, Tensor, Tensor | None], None] | None = None,
    again: Tensor | None = None,
    power: float = 1.0,
    last: Tensor | None = None,
) -> Tensor:
    """Follow velocity(x, t) from x (B, T, D) at t = start, where 0 is noise, to the data at t = 1.

    power: of the times, see `schedule`. on_step(step, steps) is called after every step, step = 1..steps; what it
    raises stops the sampling. keep(step, x, last) is called before it with what is there then: where it is, and the
    velocity (B, T, D) that a solver of several steps goes on from. With those and `done` = step the sampling goes on.
    again (R, steps, B, T, D): noise to take every step but the last R times back, and go it again, by which what is
    made comes to fit what is kept beside it (Lugmayr et al., 2022, arXiv 2201.09865).
    """
    times = schedule(steps, start, power).tolist()
    for step, (t, t_next) in enumerate(zip(times, times[1:], strict=False), start=1):
        if step <= done:
            continue
        before = None if last is None else Last(last, t - times[step - 2])
        x, last = SOLVERS[solver](velocity, x, t, t_next - t, before)
        for noise in () if again is None or step == steps else again[:, step - 1]:
            x, last = SOLVERS[solver](velocity, _back(x, t_next, t, noise), t, t_next - t, None)
        if keep:
            keep(step, x, last)
        if on_step:
            on_step(step, steps)
    return x
