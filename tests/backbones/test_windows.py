"""A long clip seen through windows of the length that a backbone was trained on."""

from __future__ import annotations

from typing import NamedTuple

import pytest
import torch

from musicgen_app import flow
from musicgen_app.backbones.windows import Windowed


class Told(NamedTuple):
    grid: torch.Tensor | None = None


class Echo:
    """Answers with what it is told of each frame; remembers how much it saw at once."""

    time_axis = "noise_at_one"

    def __init__(self):
        self.lengths: list[int] = []

    def __call__(self, x, t, cond, return_hidden=False):
        self.lengths.append(x.shape[1])
        return x if cond.grid is None else cond.grid.expand_as(x), None


@pytest.mark.parametrize("frames", [21, 40, 97, 300])
def test_every_frame_gets_the_answer_of_its_own_place(frames):
    echo, grid = Echo(), torch.arange(300.0)[None, :frames, None]
    windowed = Windowed(echo, 20)
    for _ in range(7):
        found = flow.velocity(windowed, torch.zeros(2, frames, 3), torch.full((2,), 0.5), Told(grid))
        torch.testing.assert_close(found, -grid.expand(2, frames, 3))  # its axis runs the other way
    assert set(echo.lengths) == {20} and windowed.time_axis == "noise_at_one"


def test_windows_lie_elsewhere_at_each_evaluation_and_cover_all():
    windowed = Windowed(Echo(), 20)
    rows = []
    for _ in range(10):
        rows.append(windowed.starts(200))
        assert {frame for start in rows[-1] for frame in range(start, start + 20)} == set(range(200))
        windowed.evaluations += 1
    assert len({tuple(row) for row in rows}) > 5
    again = Windowed(Echo(), 20)
    assert again.starts(200) == rows[0]  # the same for the same request


def test_answers_are_faded_into_one_another():
    class Number(Echo):
        def __call__(self, x, t, cond, return_hidden=False):
            self.lengths.append(1)
            return torch.full_like(x, float(len(self.lengths))), None

    (found,) = Windowed(Number(), 20)(torch.zeros(1, 50, 1), torch.zeros(1), Told())[0].squeeze(-1)
    assert (found.diff() >= 0).all() and found[0] == 1 and found.diff().max() < 0.6


def test_the_cost_grows_with_the_length():
    costs = []
    for frames in (150, 300, 600):
        windowed = Windowed(Echo(), 20)
        for _ in range(4):
            windowed(torch.zeros(1, frames, 1), torch.zeros(1), Told())
        costs.append(len(windowed.backbone.lengths) / frames)
    assert max(costs) < 1.15 * min(costs)
