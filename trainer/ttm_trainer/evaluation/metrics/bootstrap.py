"""Confidence intervals by resampling whole clips: all that is measured on one prompt or file stays together.

Percentile bootstrap (Efron & Tibshirani, An Introduction to the Bootstrap, 1993, ch. 13), seeded. For a statistic with
a bias that depends on the number of different clips, such as the Fréchet distance, the percentiles are moved by the
bias that the resamples show (`centred`). A resample holds only about 63 % of the clips, so its distance is too large
once more, and the plain interval would lie above the figure it belongs to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """A figure with the ends of its interval; `low` and `high` are None where no interval can be given."""

    value: float
    low: float | None = None
    high: float | None = None
    bias: float | None = None  # mean of the resamples minus the value
    resamples: int = 0


def bootstrap(
    statistic: Callable[[np.ndarray], float],
    clips: int,
    resamples: int = 1000,
    seed: int = 0,
    centred: bool = False,
    fast: Callable[[np.ndarray], float] | None = None,
    tick: Callable[[int, int], None] = lambda done, total: None,
) -> Interval:
    """The interval of `statistic(numbers)`, a function of the clips' numbers, of which resamples repeat some.

    fast: used for the resamples instead, where they can do with less precision. tick(done, total) is called after each.
    With fewer than two clips, or no resamples, there is no interval.
    """
    value = float(statistic(np.arange(clips)))
    if clips < 2 or resamples < 1:
        return Interval(value)
    rng = np.random.default_rng(seed)
    values = np.empty(resamples)
    for i in range(resamples):
        values[i] = (fast or statistic)(rng.integers(clips, size=clips))
        tick(i + 1, resamples)
    bias = float(values.mean()) - value
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(values - (bias if centred else 0.0), [tail, 1 - tail])
    return Interval(value, float(low), float(high), bias, resamples)


def mean_interval(values: np.ndarray, weights: np.ndarray | None = None, **options) -> Interval:
    """The interval of the mean of `values` (n,), or of sum(values) / sum(weights): one entry a clip."""
    values = np.asarray(values, dtype=np.float64)
    weights = np.ones(len(values)) if weights is None else np.asarray(weights, dtype=np.float64)

    def ratio(clips: np.ndarray) -> float:
        return values[clips].sum() / max(weights[clips].sum(), 1e-12)

    return bootstrap(ratio, len(values), **options)
