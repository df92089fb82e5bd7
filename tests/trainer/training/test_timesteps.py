"""Schedules of times: draws against analytic densities, the direction of the score-aware one, and qualities."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import kstest

from musicgen_app.errors import RequestError
from ttm_trainer.training.timesteps import (
    Beta,
    LogitNormal,
    Quality,
    Uniform,
    density,
    picture,
    sample,
)

CASES = [(Uniform(), 1.0), (LogitNormal(), 1.0), (LogitNormal(-0.8, 0.6), 1.0)] + [
    (Beta(lam), s) for lam in (0.0, 0.2, 1.0, 2.0) for s in (0.0, 0.4, 1.0)
]


def draw(schedule, count: int, s: float = 1.0, seed: int = 0) -> torch.Tensor:
    return sample(schedule, count, torch.Generator().manual_seed(seed), torch.full((count,), s))


def quality(scores: np.ndarray, normalisation: str = "p75") -> torch.Tensor:
    return Quality.fit(scores, normalisation)(scores)


def at(schedule, t: float, s: float) -> float:
    return density(schedule, torch.tensor(t, dtype=torch.float64), s).item()


@pytest.mark.parametrize(("schedule", "s"), CASES)
def test_draws_follow_the_density(schedule, s):
    """Kolmogorov-Smirnov against the numerical integral of the density; the wrong time axis fails by far."""
    grid = np.linspace(0, 1, 401)
    steps = [quad(lambda t: at(schedule, t, s), a, b)[0] for a, b in zip(grid[:-1], grid[1:], strict=True)]
    cdf = np.concatenate([[0], np.cumsum(steps)])
    assert cdf[-1] == pytest.approx(1, abs=1e-6)
    assert kstest(draw(schedule, 20_000, s).numpy(), lambda t: np.interp(t, grid, cdf)).pvalue > 1e-3


def test_low_scores_are_drawn_towards_noise():
    """On our axis noise is at 0. E t' = alpha / (alpha + 1) on the paper's, so ours is 1 / (alpha + 1)."""
    for s, alpha in ((1.0, 1.0), (0.5, 1.5), (0.0, 2.0)):
        assert draw(Beta(1.0), 100_000, s).mean().item() == pytest.approx(1 / (alpha + 1), abs=5e-3)
    assert (draw(Beta(1.0), 1_000, 0.0) <= draw(Beta(1.0), 1_000, 0.6)).all()  # for each uniform number
    assert at(Beta(1.0), 0.0, 0.0) == 2.0 and at(Beta(1.0), 1.0, 0.0) == 0.0  # equation 1 at t' = 1 and 0


def test_perfect_samples_get_uniform_times():
    for schedule in (Beta(1.0), Beta(0.0)):
        t = draw(schedule, 5_000, 1.0)
        assert kstest(t.numpy(), "uniform").pvalue > 1e-3


@pytest.mark.parametrize("schedule", [Uniform(), LogitNormal(0.3, 1.2), Beta(1.0)])
def test_a_time_hangs_on_its_own_sample_only(schedule):
    """Two processes that slice the global draw have what one has, and changing one sample changes one time."""
    qualities = torch.rand(64, generator=torch.Generator().manual_seed(1))
    t = sample(schedule, 64, torch.Generator().manual_seed(5), qualities)
    assert torch.equal(t, sample(schedule, 64, torch.Generator().manual_seed(5), qualities))
    assert not torch.equal(t, sample(schedule, 64, torch.Generator().manual_seed(6), qualities))
    qualities[7] = 0.5
    other = sample(schedule, 64, torch.Generator().manual_seed(5), qualities)
    assert (t != other).nonzero().flatten().tolist() == ([7] if schedule.kind == "beta" else [])
    assert t.dtype == torch.float32 and t.shape == (64,)


@pytest.mark.parametrize("schedule", [Uniform(), LogitNormal(), LogitNormal(4.0, 3.0), Beta(2.0)])
def test_extreme_numbers_stay_in_the_interval(schedule):
    u = torch.tensor([0.0, 2.0**-53, 0.5, 1 - 2.0**-53], dtype=torch.float64)
    t = schedule.times(u, torch.tensor([0.0, 0.0, 1.0, 0.3]))
    assert t.isfinite().all() and (t >= 0).all() and (t <= 1).all()


def test_quality_is_the_score_over_the_75th_percentile():
    scores = np.array([0.2, 0.25, 0.3, 0.35, 0.4])  # 75th percentile 0.35
    np.testing.assert_allclose(quality(scores), [0.2 / 0.35, 0.25 / 0.35, 0.3 / 0.35, 1, 1], rtol=1e-6)
    np.testing.assert_allclose(quality(scores, "min-p75"), [0, 1 / 3, 2 / 3, 1, 1], rtol=1e-6)


def test_a_quarter_of_the_samples_is_perfect():
    scores = np.random.default_rng(0).normal(0.33, 0.08, 10_000)
    for normalisation in ("p75", "min-p75"):
        qualities = quality(scores, normalisation)
        assert (qualities == 1).float().mean().item() == pytest.approx(0.25, abs=1e-3)
        assert qualities.min() >= 0 and (np.diff(qualities.numpy()[np.argsort(scores)]) >= 0).all()


def test_fitted_numbers_are_recorded_and_serve_other_scores():
    fitted = Quality.fit(np.array([0.1, 0.2, 0.3, 0.4, 0.5, np.nan]), "min-p75")
    assert (fitted.low, fitted.high) == (pytest.approx(0.1), pytest.approx(0.4))
    again = Quality(**json.loads(json.dumps(asdict(fitted))))
    np.testing.assert_allclose(again(np.array([0.0, 0.25, 0.9, np.nan])), [0, 0.5, 1, 1], rtol=1e-6)


@pytest.mark.parametrize("normalisation", ["p75", "min-p75"])
@pytest.mark.parametrize("scores", [[np.nan, np.nan], [], [0.3, 0.3, 0.3], [0.0, 0.0]])
def test_scores_that_say_nothing_give_quality_one(scores, normalisation):
    assert (quality(np.array(scores), normalisation) == 1).all()


def test_negative_scores_have_no_quality():
    np.testing.assert_array_equal(quality(np.array([-0.5, -0.4, -0.3, -0.2, -0.1])), [0, 0, 0, 1, 1])


@pytest.mark.parametrize(
    "make",
    [
        lambda: LogitNormal(0, 0),
        lambda: LogitNormal(float("nan"), 1),
        lambda: Beta(-0.1),
        lambda: Beta(float("inf")),
        lambda: Beta(normalisation="rank"),
        lambda: Quality.fit(np.ones(3), "max"),
    ],
)
def test_impossible_settings_are_refused(make):
    with pytest.raises(RequestError):
        make()


def test_the_picture_is_written(tmp_path):
    pytest.importorskip("matplotlib")
    picture(Beta(1.0), tmp_path / "times.png")
    assert (tmp_path / "times.png").read_bytes().startswith(b"\x89PNG")
