"""MeanFlow on FluxAudio's network, and numbers that a backbone is told, against a plain implementation."""

from __future__ import annotations

import copy
import math

import pytest
import torch

from musicgen_app import flow, sampling
from musicgen_app.backbones import expand_condition, with_scalars
from musicgen_app.backbones.fluxaudio.mean_flow import MeanFlow
from musicgen_app.backbones.fluxaudio.model import FluxAudio, FluxAudioConfig
from musicgen_app.backbones.inference import prepare
from musicgen_app.backbones.reference import plain_twin

SIZES = dict(latent_dim=6, hidden=32, depth=4, fused_depth=2, heads=2, text_dim=10, text_len=5, vector_dim=7)


def random_model(kind=MeanFlow, **more):
    """A width-32 model whose weights are all random, so that everything reaches the output."""
    torch.manual_seed(0)
    model = kind(FluxAudioConfig(**SIZES | more)).eval().requires_grad_(False)
    for name, value in model.state_dict().items():
        if "norm" in name:
            torch.nn.init.uniform_(value, 0.5, 1.5)
        else:
            torch.nn.init.normal_(value, std=value[0].numel() ** -0.5 if value.dim() > 1 else 0.2)
    return model


def inputs(batch=2, frames=9):
    g = torch.Generator().manual_seed(1)
    x, t = torch.randn(batch, frames, 6, generator=g), torch.rand(batch, generator=g)
    return x, t, (torch.randn(batch, 5, 10, generator=g), None, torch.randn(batch, 7, generator=g))


def twin_of(model):
    twin = plain_twin(model).eval().requires_grad_(False)
    twin.load_state_dict(model.state_dict())
    return twin


def largest(a, b) -> float:
    return ((a - b).abs().max() / b.abs().max()).item()


@pytest.mark.parametrize("ready", [False, True])
@pytest.mark.parametrize("end", [0.0, 0.3, 1.0])
def test_it_equals_a_plain_second_implementation(ready, end):
    model = random_model()
    twin, (x, t, text) = twin_of(model), inputs()
    if ready:
        prepare(model, torch.float32)
    expected = twin(x, t, twin.condition(*text), end=torch.full((2,), end))
    assert largest(model(x, t, model.condition(*text), end=torch.full((2,), end)), expected) < 1e-5


def test_without_an_end_it_is_the_velocity_at_the_time_itself():
    model, (x, t, text) = random_model(), inputs()
    cond = model.condition(*text)
    assert torch.equal(model(x, t, cond), model(x, t, cond, end=t))
    assert not torch.allclose(model(x, t, cond), model(x, t, cond, end=torch.zeros(2)), atol=1e-3)


@pytest.mark.parametrize("steps", [1, 2, 25])
def test_sampling_is_that_of_the_published_description(steps):
    """x_r = x_t - (t - r) u(x_t, t, r) from t = 1 (noise) to r = 0, on the network's own axis of time."""
    model = random_model()
    twin, (x, _, text) = twin_of(model), inputs(batch=1)
    cond, times = twin.condition(*text), torch.linspace(1, 0, steps + 1)
    expected = x
    for t, r in zip(times, times[1:], strict=False):
        expected = expected - (t - r) * twin(expected, t[None], cond, end=r[None])
    found = sampling.sample(sampling.guided(model, model.condition(*text)), x, steps, "mean")
    assert largest(found, expected) < 1e-5


def test_the_state_is_that_of_a_fluxaudio_and_a_second_time_embedding():
    names = set(MeanFlow(FluxAudioConfig(**SIZES)).state_dict()) - set(FluxAudio(FluxAudioConfig(**SIZES)).state_dict())
    assert names == {f"r_embed.mlp.{layer}.{part}" for layer in (0, 2) for part in ("weight", "bias")}


def test_its_mean_velocity_can_be_differentiated_in_time():
    """Training a MeanFlow needs the derivative along its path, which PyTorch's fused attention does not have."""
    model, (x, t, text) = random_model(), inputs()
    cond, ones = model.condition(*text), torch.ones(2)
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        _, slope = torch.func.jvp(lambda t: model(x, t, cond, end=torch.zeros(2)), (t,), (ones,))
    step = 1e-3
    ahead, behind = (model(x, t + sign * step, cond, end=torch.zeros(2)) for sign in (1, -1))
    assert largest(slope, (ahead - behind) / (2 * step)) < 1e-2


# numbers


def embedded(model, value: float | None, index: int) -> torch.Tensor:
    """The embedding of one number, written plainly."""
    part = model.scalar_input_proj
    if value is None:
        return part.untold[index]
    angles = value * 10000 ** (-torch.arange(128) / 128)
    first, _, last = part.embeds[index].mlp
    hidden = torch.cat([angles.cos(), angles.sin()]) @ first.weight.T + first.bias
    return (hidden * hidden.sigmoid()) @ last.weight.T + last.bias


@pytest.mark.parametrize("kind", [FluxAudio, MeanFlow])
def test_numbers_are_added_to_the_vector(kind):
    model, (_, _, text) = random_model(kind, scalars=2), inputs()
    cond, out = model.condition(*text), model.scalar_input_proj.out
    told = with_scalars(model, cond, torch.tensor([[5.0, math.nan], [0.0, 2.5]]))
    for item, values in enumerate([(5.0, None), (0.0, 2.5)]):
        total = sum(embedded(model, value, index) for index, value in enumerate(values))
        torch.testing.assert_close(told.vector[item], cond.vector[item] + total @ out.weight.T + out.bias)


def test_a_fresh_model_answers_as_if_it_were_told_nothing():
    model = FluxAudio(FluxAudioConfig(**SIZES, scalars=1))
    cond = model.condition(*inputs()[2])
    assert torch.equal(with_scalars(model, cond, torch.tensor([[3.0], [math.nan]])).vector, cond.vector)


def test_numbers_that_are_not_told_leave_gradients_finite():
    model = random_model(FluxAudio, scalars=1).requires_grad_(True)
    x, t, text = inputs()
    cond = with_scalars(model, model.condition(*text), torch.tensor([[math.nan], [1.0]]))
    model(x, t, cond).sum().backward()
    assert all(p.grad.isfinite().all() for p in model.scalar_input_proj.parameters())


def test_numbers_work_in_a_model_made_ready():
    model, (x, t, text) = random_model(FluxAudio, scalars=1), inputs()
    values = torch.tensor([[1.0], [math.nan]])
    expected = flow.velocity(model, x, t, with_scalars(model, model.condition(*text), values))
    for dtype, tolerance in ((torch.float32, 1e-5), (torch.bfloat16, 0.05)):
        ready = copy.deepcopy(model)
        prepare(ready, dtype)
        found = flow.velocity(ready, x, t, with_scalars(ready, ready.condition(*text), values))
        assert largest(found, expected) < tolerance


def test_a_batch_of_one_is_repeated():
    model, (_, _, text) = random_model(FluxAudio, scalars=1), inputs(batch=1)
    cond = with_scalars(model, model.condition(*text), torch.tensor([[2.0]]))
    assert expand_condition(cond, 3).vector.shape == (3, 32)
