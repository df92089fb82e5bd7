"""Costs and qualities of many settings -> those that no other beats, and the one from which more cost gains little."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def front(costs: Sequence[float], qualities: Sequence[float]) -> list[int]:
    """The numbers of the points that no other one beats (less or equal cost, higher or equal quality), by cost.

    Higher quality is better; of equal points the first counts.
    """
    best, found = -np.inf, []
    for number in sorted(range(len(costs)), key=lambda i: (costs[i], -qualities[i], i)):
        if qualities[number] > best:
            best = qualities[number]
            found.append(number)
    return found


def knee(costs: Sequence[float], qualities: Sequence[float]) -> int:
    """The number of the point of the front furthest above the straight line from its cheapest to its best point.

    Costs count by their logarithm. Of a front of one or two points it is the best one. ValueError: no points.
    """
    if not len(costs):
        raise ValueError("there are no points")
    points = front(costs, qualities)
    x = np.log([costs[i] for i in points])
    y = np.array([qualities[i] for i in points], float)
    if len(points) < 3 or x[-1] - x[0] < 1e-9 or y[-1] - y[0] < 1e-12:
        return points[-1]
    above = (y - y[0]) / (y[-1] - y[0]) - (x - x[0]) / (x[-1] - x[0])
    return points[int(np.argmax(above))]


def together(*qualities: Sequence[float]) -> np.ndarray:
    """Several qualities as one: each is scaled from 0 (worst point) to 1 (best point), and their mean (n,) is taken."""
    scaled = []
    for values in map(np.asarray, qualities):
        width = values.max() - values.min()
        scaled.append((values - values.min()) / width if width > 0 else np.ones(len(values)))
    return np.mean(scaled, axis=0)
