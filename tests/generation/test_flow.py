"""The time axis: paths, targets, and backbones trained on either axis."""

from __future__ import annotations

import pytest
import torch

from musicgen_app import flow, sampling


class LinearFlow:
    """The exact velocity towards one data point, as a backbone trained on either axis would give it."""

    def __init__(self, data, time_axis):
        self.data, self.time_axis = data, time_axis

    def __call__(self, x, t, cond, return_hidden=False):
        t = t[:, None, None]
        v = (self.data - x) / (1 - t) if self.time_axis == "data_at_one" else (x - self.data) / t
        return (v, x) if return_hidden else v


class Curved:
    """A backbone with a curved flow; `flipped` is the same field on the other axis (noise at one).

    With `end` it gives the field in the middle between both times.
    """

    def __init__(self, flipped):
        self.time_axis = "noise_at_one" if flipped else "data_at_one"

    def __call__(self, x, t, cond, return_hidden=False, end=None):
        flipped = self.time_axis == "noise_at_one"
        t = t if end is None else (t + end) / 2
        s = (1 - t if flipped else t)[:, None, None]
        v = torch.tanh(x) * torch.cos(3 * s) + s
        return -v if flipped else v, x


def test_path_and_target():
    data, noise = torch.randn(3, 5, 2), torch.randn(3, 5, 2)
    assert torch.equal(flow.interpolate(data, noise, torch.zeros(3)), noise)
    assert torch.equal(flow.interpolate(data, noise, torch.ones(3)), data)
    t = torch.tensor([0.1, 0.5, 0.9], dtype=torch.float64)
    data, noise = data.double(), noise.double()
    slope = (flow.interpolate(data, noise, t + 1e-6) - flow.interpolate(data, noise, t - 1e-6)) / 2e-6
    torch.testing.assert_close(slope, flow.target(data, noise), atol=1e-8, rtol=1e-8)


@pytest.mark.parametrize("time_axis", ["data_at_one", "noise_at_one"])
def test_velocity_is_the_target_on_the_internal_axis(time_axis):
    data, noise = torch.randn(2, 4, 3).double(), torch.randn(2, 4, 3).double()
    t = torch.tensor([0.2, 0.7], dtype=torch.float64)
    v = flow.velocity(LinearFlow(data, time_axis), flow.interpolate(data, noise, t), t, None)
    torch.testing.assert_close(v, flow.target(data, noise))


@pytest.mark.parametrize("time_axis", ["data_at_one", "noise_at_one"])
@pytest.mark.parametrize("steps", [1, 3, 10])
def test_a_straight_flow_is_integrated_exactly(time_axis, steps):
    data, noise = torch.randn(2, 4, 3).double(), torch.randn(2, 4, 3).double()
    x = sampling.sample(sampling.guided(LinearFlow(data, time_axis), None), noise, steps)
    torch.testing.assert_close(x, data)


@pytest.mark.parametrize("solver", sampling.SOLVERS)
def test_both_axes_give_the_same_trajectory(solver):
    noise = torch.randn(2, 4, 3, dtype=torch.float64)
    one, other = (sampling.sample(sampling.guided(Curved(f), None), noise, 8, solver) for f in (False, True))
    assert (one - noise).abs().max() > 0.1
    torch.testing.assert_close(one, other)


def test_hidden_state_passes_through():
    x = torch.randn(2, 4, 3)
    v, hidden = flow.velocity(Curved(True), x, torch.rand(2), None, return_hidden=True)
    assert v.shape == x.shape and hidden is x


def test_velocity_keeps_the_precision_of_its_input():
    """A backbone under autocast answers in bfloat16; the solver must go on in float32."""

    class Half(Curved):
        def __call__(self, x, t, cond, return_hidden=False):
            v, hidden = super().__call__(x, t, cond)
            return v.bfloat16(), hidden

    assert flow.velocity(Half(False), torch.randn(1, 2, 3), torch.rand(1), None).dtype == torch.float32
