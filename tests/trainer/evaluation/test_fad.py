"""Fréchet distance against closed forms, its invariances, near-singular covariances, its sampling bias, intervals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import sqrtm
from scipy.stats import ortho_group

from ttm_trainer.evaluation.metrics.bootstrap import bootstrap, mean_interval
from ttm_trainer.evaluation.metrics.fad import Distance, Moments, extrapolate, frechet, moments


def of_gaussian(mean: np.ndarray, covariance: np.ndarray) -> Moments:
    """Moments of a Gaussian given by its mean (D,) and covariance (D, D)."""
    values, vectors = np.linalg.eigh(np.asarray(covariance, dtype=np.float64))
    return Moments(np.asarray(mean, dtype=np.float64), np.sqrt(values.clip(0))[:, None] * vectors.T, 0)


def covariance(dim: int, seed: int, rank: int | None = None) -> np.ndarray:
    x = np.random.default_rng(seed).standard_normal((rank or 2 * dim, dim))
    return x.T @ x / len(x)


def exactly(mean: np.ndarray, factor: np.ndarray, n: int, seed: int) -> np.ndarray:
    """n points whose sample mean and covariance (factor' factor) are these to rounding."""
    x = np.random.default_rng(seed).standard_normal((n, len(factor)))
    q, _ = np.linalg.qr(x - x.mean(axis=0))
    return mean + np.sqrt(n - 1) * q @ factor


def test_closed_form_of_commuting_covariances():
    """Same axes: |m1 - m2|^2 + sum of (s1 - s2)^2, from points with exactly these moments."""
    rng = np.random.default_rng(0)
    axes = ortho_group.rvs(12, random_state=1)
    m1, m2, s1, s2 = rng.normal(size=12), rng.normal(size=12), rng.uniform(0.1, 2, 12), rng.uniform(0.1, 2, 12)
    expected = np.square(m1 - m2).sum() + np.square(s1 - s2).sum()
    a, b = exactly(m1, s1[:, None] * axes, 200, 2), exactly(m2, s2[:, None] * axes, 300, 3)
    assert frechet(moments(a), moments(b)) == pytest.approx(expected, rel=1e-12)
    gaussians = (of_gaussian(m, axes.T @ np.diag(s**2) @ axes) for m, s in ((m1, s1), (m2, s2)))
    assert frechet(*gaussians) == pytest.approx(expected, rel=1e-12)


def test_one_dimension_by_hand():
    assert frechet(of_gaussian([1.0], [[4.0]]), of_gaussian([-2.0], [[9.0]])) == pytest.approx(9 + 1, rel=1e-14)


def test_general_covariances_agree_with_the_matrix_root():
    c1, c2 = covariance(20, 0), covariance(20, 1)
    expected = np.trace(c1 + c2 - 2 * sqrtm(c1 @ c2).real) + 20 * 0.25
    assert frechet(of_gaussian(np.zeros(20), c1), of_gaussian(np.full(20, 0.5), c2)) == pytest.approx(
        expected, rel=1e-9
    )


def test_a_set_against_itself_is_zero_and_order_does_not_matter():
    x = np.random.default_rng(0).standard_normal((300, 40))
    y = np.random.default_rng(1).standard_normal((50, 40)) + 0.1
    assert frechet(moments(x), moments(x)) < 1e-11
    assert frechet(moments(x[:10]), moments(x[:10])) < 1e-11  # rank 9 of 40
    assert frechet(moments(x), moments(y)) == pytest.approx(frechet(moments(y), moments(x)), rel=1e-10)


def test_rotations_and_shifts_change_nothing_and_scale_is_squared():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((100, 30)) @ rng.standard_normal((30, 30)), rng.standard_normal((80, 30))
    turn, shift = ortho_group.rvs(30, random_state=4), rng.normal(size=30)
    plain = frechet(moments(x), moments(y))
    assert frechet(moments(x @ turn + shift), moments(y @ turn + shift)) == pytest.approx(plain, rel=1e-10)
    assert frechet(moments(3 * x), moments(3 * y)) == pytest.approx(9 * plain, rel=1e-10)


@pytest.mark.parametrize("spread", [1e-4, 1e-8, 0.0])
def test_nearly_and_wholly_singular_covariances(spread):
    """Ten of thirty dimensions (nearly) without variance, fewer points than dimensions on one side."""
    scale1, scale2 = np.ones(30), 2 * np.ones(30)
    scale1[20:], scale2[20:] = spread, 3 * spread
    a, b = of_gaussian(np.zeros(30), np.diag(scale1**2)), of_gaussian(np.zeros(30), np.diag(scale2**2))
    assert frechet(a, b) == pytest.approx(20 + 10 * (2 * spread) ** 2, rel=1e-9)
    few = np.random.default_rng(0).standard_normal((15, 30)) * scale1
    value = frechet(moments(few), b)
    c = np.cov(few, rowvar=False)
    brute = np.square(few.mean(0)).sum() + np.trace(c) + np.square(scale2).sum()
    brute -= 2 * np.sqrt(np.linalg.eigvalsh(np.diag(scale2) @ c @ np.diag(scale2)).clip(0)).sum()
    assert value == pytest.approx(brute, rel=1e-6)


def test_what_cannot_be_measured_is_refused():
    for bad in (np.zeros((1, 4)), np.zeros(4), np.full((5, 4), np.nan)):
        with pytest.raises(ValueError):
            moments(bad)


def test_resamples_by_the_gram_matrix_are_the_exact_distance():
    rng = np.random.default_rng(0)
    for files, k in ((30, 10), (12, 1)):  # more and fewer windows than dimensions
        x = [rng.standard_normal((k, 40)) for _ in range(files)]
        distance = Distance(x, moments(rng.standard_normal((500, 40)) * 1.3))
        for _ in range(3):
            pick = rng.integers(files, size=files)
            rows = np.concatenate([x[i] for i in pick])
            assert distance.exact(pick) == pytest.approx(frechet(moments(rows), distance.reference), rel=1e-12)
            assert distance.fast(pick) == pytest.approx(distance.exact(pick), rel=1e-6)


def test_few_embeddings_make_the_distance_too_large():
    """Two samples of the same Gaussian: the true distance is 0; what is measured falls like 1 / n, not below."""
    rng = np.random.default_rng(0)
    truth = of_gaussian(np.zeros(16), np.eye(16))
    means = [
        np.mean([frechet(moments(rng.standard_normal((n, 16))), truth) for _ in range(20)]) for n in (50, 100, 200)
    ]
    assert means[0] > means[1] > means[2] > 0
    assert means[0] / means[2] == pytest.approx(4, rel=0.35)


def test_extrapolation_takes_the_bias_away():
    rng = np.random.default_rng(1)
    truth = of_gaussian(np.full(16, 0.5), np.eye(16))  # the distance is 4
    distance = Distance(rng.standard_normal((400, 1, 16)), truth)
    limit = extrapolate(distance)
    assert distance.exact(np.arange(400)) > 4.05 and limit.r2 > 0.9
    assert abs(limit.value - 4) < abs(distance.exact(np.arange(400)) - 4)
    assert extrapolate(Distance(rng.standard_normal((15, 1, 16)), truth)) is None


def test_intervals_cover_a_mean_about_as_often_as_they_say():
    rng = np.random.default_rng(0)
    hits = 0
    for seed in range(200):
        interval = mean_interval(rng.normal(1.0, 2.0, 40), resamples=200, seed=seed)
        hits += interval.low <= 1.0 <= interval.high
    assert 0.88 <= hits / 200 <= 0.99


def test_the_interval_of_the_distance_is_moved_by_its_bias():
    """It is for the expected distance of as many clips; unmoved it would lie above the figure it belongs to."""
    rng = np.random.default_rng(0)
    truth = of_gaussian(np.zeros(8), np.eye(8))
    expected = np.mean([frechet(moments(rng.standard_normal((40, 8)) * 1.5), truth) for _ in range(400)])
    covered = {True: 0, False: 0}
    for seed in range(60):
        distance = Distance(rng.standard_normal((40, 1, 8)) * 1.5, truth)
        for centred in covered:
            i = bootstrap(distance.exact, 40, 100, seed, centred=centred, fast=distance.fast)
            covered[centred] += i.low <= expected <= i.high
            assert i.bias > 0
    assert covered[True] >= 51 > covered[False]


def test_windows_of_a_file_stay_together():
    """Ten equal windows a file tell no more than one: the interval must not shrink."""
    values = np.random.default_rng(0).standard_normal((30, 1, 2))
    reference = of_gaussian(np.zeros(2), np.eye(2))
    widths = []
    for repeats in (1, 10):
        distance = Distance(np.repeat(values, repeats, axis=1), reference)
        interval = bootstrap(distance.exact, 30, 300, centred=True, fast=distance.fast)
        widths.append(interval.high - interval.low)
    assert widths[1] == pytest.approx(widths[0], rel=0.1)


def test_intervals_are_seeded_and_may_be_left_out():
    x = np.random.default_rng(0).standard_normal(20)
    assert mean_interval(x, resamples=50) == mean_interval(x, resamples=50) != mean_interval(x, resamples=50, seed=1)
    assert mean_interval(x, resamples=0).low is None and mean_interval(x[:1]).low is None
    ticks = []
    mean_interval(x, resamples=3, tick=lambda *place: ticks.append(place))
    assert ticks == [(1, 3), (2, 3), (3, 3)]
