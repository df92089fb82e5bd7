"""Sampling beside frames that are kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from musicgen_app import Engine, GenerationRequest, sampling
from musicgen_app.control.grid import GIVEN
from musicgen_app.control.plan import Plan
from musicgen_app.errors import RequestError
from support.mean_flow_bundle import write_mean_flow

FREE = torch.tensor([False] * 6 + [True] * 4 + [False] * 6)


@pytest.mark.parametrize("solver", list(sampling.SOLVERS))
def test_what_is_kept_follows_the_straight_path_whatever_the_solver(solver):
    data, noise = torch.randn(2, 16, 3), torch.randn(2, 16, 3)
    seen = []

    def velocity(x, t, end=None):
        seen.append((t, x[:, ~FREE]))
        return torch.full_like(x, 0.3)

    made = sampling.sample(sampling.held(velocity, data, noise, FREE), noise, 5, solver)
    assert torch.allclose(made[:, ~FREE], data[:, ~FREE], atol=1e-5)
    assert torch.allclose(made[:, FREE], noise[:, FREE] + 0.3, atol=1e-5)
    for t, x in seen:
        assert torch.allclose(x, ((1 - t) * noise + t * data)[:, ~FREE], atol=1e-6)


def test_steps_that_are_gone_again_keep_the_noise_that_a_time_has():
    """Of data that is noise alone, and a velocity that is right: the deviation on the way is that of the path."""
    x, seen = torch.randn(1, 4_000, 3), []

    def velocity(x, t, end=None):
        seen.append((t, float(x.std())))
        return -x / max(1 - t, 1e-3)  # to data of zero

    again = torch.randn(3, 4, 1, 4_000, 3)
    made = sampling.sample(velocity, x, 4, "euler", again=again)
    assert [t for t, _ in seen] == [0.0] * 4 + [0.25] * 4 + [0.5] * 4 + [0.75]
    assert all(deviation == pytest.approx(1 - t, rel=0.05) for t, deviation in seen) and made.abs().max() < 1e-5


def test_a_network_that_was_trained_so_sees_what_is_kept_as_it_is():
    data, noise, seen = torch.randn(1, 16, 3), torch.randn(1, 16, 3), []

    def velocity(x, t, end=None):
        seen.append(x)
        return x

    sampling.sample(sampling.held(velocity, data, noise, FREE, clean=True), noise, 3, "midpoint")
    assert all(torch.equal(x[:, ~FREE], data[:, ~FREE]) for x in seen)


@pytest.mark.parametrize("family", ["flow", "mean", "windowed"])
def test_every_family_makes_what_is_free_and_keeps_the_rest(home, tiny_parts, tmp_path, family):
    name = str(write_mean_flow(tmp_path / "mean", tiny_parts).path) if family == "mean" else "tiny"
    model = Engine(device="cpu").load(name)
    frames = 31 if family != "windowed" else model.frames(model.bundle.pass_seconds) + 40
    request = GenerationRequest("bells", seed=1, steps=3).resolved(model.bundle.sampler, model.bundle.max_seconds)
    free = torch.zeros(frames, dtype=torch.bool)
    free[10:20] = True
    noise, kept = model.draw_noise([1, 2], frames), torch.randn(2, frames, 8)
    with torch.inference_mode():
        conditions = model.conditions(model.encode("bells"), 2, frames, None)
        made = model.sample(conditions, noise, request, initial=kept, free=free)
        again = model.sample(conditions, noise, request, initial=kept + 1, free=free)
    assert torch.equal(made[:, ~free], kept[:, ~free])
    assert not torch.equal(made[:, free], kept[:, free])
    assert not torch.equal(made[:, free], again[:, free])  # it hears what is around it


def test_a_mask_needs_latents_and_their_length(home):
    model = Engine(device="cpu").load("tiny")
    request = GenerationRequest("bells", seed=1).resolved(model.bundle.sampler, 10)
    conditions, noise = model.conditions(model.encode("bells"), 1, 16, None), model.draw_noise([1], 16)
    for wrong in ({"free": FREE}, {"free": FREE[:5], "initial": noise}):
        with pytest.raises(RequestError, match="frames that are kept"):
            model.sample(conditions, noise, request, **wrong)


def test_a_model_that_was_trained_with_given_frames_is_told_of_them(tiny_parts, tmp_path, monkeypatch):
    from support.planned_model import planned

    bundle = planned(tiny_parts, tmp_path, grid=2)
    model = Engine(device="cpu").load(str(bundle.path))
    grids = []
    monkeypatch.setattr(type(model.backbone.grid_input_proj), "forward", lambda self, grid: grids.append(grid) or 0)
    given = np.arange(20) < 8
    for settings in ({}, {"training.given": 0.3}):
        config = bundle.config | {"training": {"settings": settings}}
        told = replace(model, bundle=replace(bundle, config=config))
        grids.clear()
        told.conditions(told.encode("bells"), 1, 20, [Plan(120.0)], given=given)
        assert all(torch.equal(grid[0, :, GIVEN], torch.tensor(given) * float(bool(settings))) for grid in grids)
