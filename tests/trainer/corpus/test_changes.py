"""Levels that change are found where they change, exactly, and no sooner than they last."""

import numpy as np

from ttm_trainer.corpus.changes import level_stretches


def found(values: list[float], least: int = 2, step: float = 0.3) -> list[tuple[int, int]]:
    return level_stretches(np.array(values, float)[:, None], least, step)


def test_a_level_that_changes_and_comes_back() -> None:
    assert found([0, 0, 0, 1, 1, 1, 1, 0, 0]) == [(0, 3), (3, 7), (7, 9)]
    assert found([0.5] * 9) == [(0, 9)]


def test_what_is_too_short_or_too_small_is_no_stretch() -> None:
    assert found([0, 0, 0, 0.5, 0, 0, 0, 0]) == [(0, 8)]
    assert found([0, 0, 0, 0.2, 0.2, 0.2]) == [(0, 6)]
    assert all(end - first >= 3 for first, end in found([0, 1] * 9, least=3))


def test_short_rows_and_several_columns() -> None:
    assert found([1]) == [(0, 1)] and found([0, 1, 0]) == [(0, 3)]
    values = np.array([[0, 0], [0, 0], [0, 1], [0, 1], [1, 1], [1, 1]], float)
    assert level_stretches(values, 2, 0.3) == [(0, 2), (2, 4), (4, 6)]
