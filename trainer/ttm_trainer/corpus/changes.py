"""Where a row of numbers changes its level for a while: the sections of a piece by what is heard, bar by bar."""

from __future__ import annotations

import numpy as np


def level_stretches(values: np.ndarray, least: int, step: float) -> list[tuple[int, int]]:
    """Rows (N, D) -> the stretches (first, end) that keep their level best, each of at least `least` rows.

    A change counts where it is as large as that of `step` in one column for `least` rows before and after it: the cost
    of another stretch is what this saves in squared distances to the means of the stretches. Exact, by dynamic
    programming. Fewer than 2 * `least` rows are one stretch.
    """
    count, penalty = len(values), least * step**2 / 2
    sums = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    squares = np.concatenate([[0.0], np.cumsum((values**2).sum(axis=1))])
    best, back = np.full(count + 1, np.inf), np.zeros(count + 1, dtype=int)
    best[0] = -penalty
    for end in range(min(least, count), count + 1):
        first = np.array([0] if end < least else [i for i in range(end - least + 1) if best[i] < np.inf])
        within = squares[end] - squares[first] - ((sums[end] - sums[first]) ** 2).sum(axis=1) / (end - first)
        costs = best[first] + within + penalty
        back[end], best[end] = first[np.argmin(costs)], costs.min()
    found, end = [], count
    while end > 0:
        found.append((int(back[end]), end))
        end = int(back[end])
    return found[::-1]
