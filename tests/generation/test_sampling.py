"""Noise, solvers and guidance."""

from __future__ import annotations

import math

import pytest
import torch

from musicgen_app import sampling


class Constant:
    """A backbone whose velocity is its condition (B, 1), and which counts what it is asked for."""

    time_axis = "data_at_one"

    def __init__(self):
        self.batches = []

    def __call__(self, x, t, cond, return_hidden=False):
        self.batches.append(len(x))
        return cond.value[:, :, None].expand_as(x), x


class Condition:
    def __init__(self, *values):
        self.value = torch.tensor(values)[:, None]

    def join(self, other):
        return Condition(*self.value.flatten().tolist(), *other.value.flatten().tolist())


@pytest.mark.parametrize("frames, dim", [(5, 3), (21, 64), (1, 1)])
def test_a_longer_clip_starts_with_the_same_noise(frames, dim):
    short, long = sampling.noise([7], frames, dim), sampling.noise([7], frames + 9, dim)
    assert short.shape == (1, frames, dim) and short.dtype == torch.float32
    assert torch.equal(long[:, :frames], short)


def test_noise_of_an_item_does_not_depend_on_its_batch():
    batch = sampling.noise([3, 4, 5], 11, 6)
    for i, seed in enumerate([3, 4, 5]):
        assert torch.equal(batch[i : i + 1], sampling.noise([seed], 11, 6))
    assert not torch.equal(batch[0], batch[1])


def test_noise_is_standard_normal_and_uses_the_whole_seed():
    x = sampling.noise([0], 1000, 64)
    assert abs(x.mean()) < 0.02 and abs(x.std() - 1) < 0.02
    assert not torch.equal(x, sampling.noise([2**32], 1000, 64))
    assert sampling.noise([2**63 - 1], 2, 2).isfinite().all()


def test_schedule():
    times = sampling.schedule(4)
    assert times.tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert torch.equal(sampling.schedule(7, 0.3), torch.linspace(0.3, 1, 8, dtype=torch.float64))
    assert sampling.schedule(4, power=2.0).tolist() == [0, 0.0625, 0.25, 0.5625, 1]
    later = sampling.schedule(5, 0.4, power=1.7)
    assert later[0] == pytest.approx(0.4) and later[-1] == 1 and (later.diff() > 0).all()


@pytest.mark.parametrize("solver, order", [("euler", 1), ("midpoint", 2), ("heun", 2), ("ab2", 2)])
@pytest.mark.parametrize("power", [1.0, 1.5])
def test_solver_order(solver, order, power):
    """dx/dt = -2 t x has x(1) = x(0) / e: halving the step divides the error by 2^order."""
    x0 = torch.ones(1, 1, 1, dtype=torch.float64)
    exact = math.exp(-1)
    errors = [
        abs(sampling.sample(lambda x, t: -2 * t * x, x0, steps, solver, power=power).item() - exact)
        for steps in (64, 128)
    ]
    assert math.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.1)


@pytest.mark.parametrize("steps", [1, 2, 25])
def test_steps_of_a_true_mean_velocity_are_exact(steps):
    """dx/dt = cos t has the mean velocity (sin b - sin a) / (b - a) on the way from a to b."""

    def mean_velocity(x, t, end=None):
        return torch.full_like(x, (math.sin(end) - math.sin(t)) / (end - t))

    x = sampling.sample(mean_velocity, torch.zeros(1, 1, 1, dtype=torch.float64), steps, "mean")
    assert x.item() == pytest.approx(math.sin(1), abs=1e-12)


def test_guidance_extrapolates_from_the_unconditional_velocity():
    x = torch.zeros(2, 3, 4)
    velocity = sampling.guided(Constant(), Condition(2.0, 3.0), Condition(1.0, 1.0), guidance=4.0)
    v = velocity(x, 0.5)
    torch.testing.assert_close(v[:, 0, 0], torch.tensor([1 + 4 * (2 - 1.0), 1 + 4 * (3 - 1.0)]))


def test_guidance_takes_one_doubled_pass():
    backbone = Constant()
    sampling.sample(sampling.guided(backbone, Condition(2.0), Condition(1.0), 3.0), torch.zeros(1, 2, 2), 5)
    assert backbone.batches == [2] * 5


def test_guidance_interval_saves_the_unconditional_work_outside_it():
    backbone = Constant()
    guided = sampling.guided(backbone, Condition(2.0), Condition(1.0), 3.0, interval=(0.25, 0.5))
    x = sampling.sample(guided, torch.zeros(1, 2, 2), 8)
    assert backbone.batches == [1, 1, 2, 2, 2, 1, 1, 1]  # evaluated at t = 0, 1/8, ..., 7/8
    torch.testing.assert_close(x, torch.full_like(x, (5 * 2 + 3 * (1 + 3 * 1)) / 8))


def test_without_guidance_nothing_unconditional_is_evaluated():
    backbone = Constant()
    x = sampling.sample(sampling.guided(backbone, Condition(2.0), guidance=1), torch.zeros(1, 2, 2), 4, "heun")
    assert backbone.batches == [1] * 8
    torch.testing.assert_close(x, torch.full_like(x, 2))


def test_guidance_away_from_further_conditions():
    """v_c = 2 and 3, text left out 1 and 1, plan left out 0 and 4: each difference counts by its own weight."""
    backbone, x = Constant(), torch.zeros(2, 3, 4)
    conditions = Condition(2.0, 3.0), Condition(1.0, 1.0)
    v = sampling.guided(backbone, *conditions, 4.0, negatives=[(Condition(0.0, 4.0), 0.5)])(x, 0.5)
    torch.testing.assert_close(v[:, 0, 0], torch.tensor([5 + 0.5 * 2, 9 - 0.5 * 1]))
    alone = sampling.guided(backbone, conditions[0], negatives=[(Condition(0.0, 4.0), 0.5)], interval=(0.2, 0.6))
    torch.testing.assert_close(alone(x, 0.5)[:, 0, 0], torch.tensor([2 + 0.5 * 2, 3 - 0.5 * 1]))
    torch.testing.assert_close(alone(x, 0.7)[:, 0, 0], torch.tensor([2.0, 3.0]))
    assert backbone.batches == [6, 4, 2]


def test_on_step_counts_every_step_and_may_stop_the_sampling():
    seen = []

    def stop_at_three(step, total):
        seen.append((step, total))
        if step == 3:
            raise KeyboardInterrupt

    evaluations = []
    with pytest.raises(KeyboardInterrupt):
        sampling.sample(lambda x, t: evaluations.append(t) or x, torch.zeros(1, 1, 1), 9, on_step=stop_at_three)
    assert seen == [(1, 9), (2, 9), (3, 9)]
    assert len(evaluations) == 3


@pytest.mark.parametrize("solver", ["midpoint", "ab2"])
def test_a_sampling_goes_on_from_what_was_kept_to_the_same_bits(solver):
    kept, noise = [], torch.randn(2, 5, 3)

    def velocity(x, t, end=None):
        return torch.sin(3 * x + t)

    whole = sampling.sample(
        velocity, noise, 6, solver, power=1.5, keep=lambda step, x, last: kept.append((step, x.clone(), last))
    )
    assert [step for step, *_ in kept] == [1, 2, 3, 4, 5, 6]
    assert all((last is not None) == (solver == "ab2") for *_, last in kept)
    for step, x, last in kept:
        assert torch.equal(sampling.sample(velocity, x, 6, solver, done=step, power=1.5, last=last), whole)


def test_a_step_that_is_gone_again_does_not_go_on_from_another_path():
    """Of a velocity that is told by the noise, that of a path which was left must not count."""
    x, again = torch.zeros(1, 2, 2), torch.full((1, 3, 1, 2, 2), 5.0)
    seen = []

    def velocity(x, t, end=None):
        seen.append((t, x[0, 0, 0].item()))
        return x + 1

    sampling.sample(velocity, x, 3, "ab2", again=again)
    assert [round(t, 3) for t, _ in seen] == [0.0, 0.0, 0.333, 0.333, 0.667]
    (_, first), (_, later) = seen[1], seen[2]
    assert later == pytest.approx(first + (first + 1) / 3, abs=1e-6)  # Euler's
