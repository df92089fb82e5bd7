"""FluxAudio made ready for inference: the same function, for any dtype of the weights, length and batch."""

from __future__ import annotations

import copy
import math
import weakref
from functools import partial

import pytest
import torch

from musicgen_app import sampling
from musicgen_app.backbones import concat_conditions, inference_layers, layers
from musicgen_app.backbones.fluxaudio.model import FluxAudio, FluxAudioConfig
from musicgen_app.backbones.inference import prepare

SIZES = dict(latent_dim=6, hidden=32, depth=4, fused_depth=2, heads=2, text_dim=10, text_len=5, vector_dim=7)
EXACT, ROUNDED = 1e-5, 0.02  # largest relative error of the root mean square, in float32 and in bfloat16


def tiny(**more) -> FluxAudio:
    """A width-32 model whose weights are all random, so that everything reaches the output."""
    torch.manual_seed(0)
    model = FluxAudio(FluxAudioConfig(**SIZES | more)).eval().requires_grad_(False)
    for name, value in model.state_dict().items():
        if value.dim() > 1 and "feat" not in name:
            torch.nn.init.normal_(value, std=value[0].numel() ** -0.5)
        elif "norm" not in name:
            torch.nn.init.normal_(value, std=0.2)
        else:
            torch.nn.init.uniform_(value, 0.5, 1.5)
    return model


def prepared(model: FluxAudio, dtype: torch.dtype = torch.float32) -> FluxAudio:
    """A copy of the model, loaded as a bundle is and made ready; the model itself stays as it is."""
    with torch.device("meta"):
        copy = FluxAudio(model.config)
    copy.load_state_dict({name: value.clone() for name, value in model.state_dict().items()}, assign=True)
    prepare(copy, dtype)
    return copy.eval()


def inputs(batch: int = 2, frames: int = 9, seed: int = 1) -> tuple:
    """x, t and the arguments of `condition`."""
    g = torch.Generator().manual_seed(seed)
    x, t = torch.randn(batch, frames, 6, generator=g), torch.rand(batch, generator=g)
    return x, t, (torch.randn(batch, 5, 10, generator=g), None, torch.randn(batch, 7, generator=g))


def error(value: torch.Tensor, expected: torch.Tensor) -> float:
    """Root mean square of the difference over that of what was expected."""
    assert value.dtype == torch.float32 and value.shape == expected.shape
    return ((value - expected).norm() / expected.norm()).item()


def difference(model: FluxAudio, reference: FluxAudio, *sizes) -> float:
    """The larger relative error of velocity and last hidden state."""
    x, t, text = inputs(*sizes)
    pairs = zip(
        model(x, t, model.condition(*text), return_hidden=True),
        reference(x, t, reference.condition(*text), return_hidden=True),
        strict=True,
    )
    return max(error(value, expected) for value, expected in pairs)


@pytest.fixture(params=["packed", "plain"])
def kernels(request, monkeypatch):
    """Both ways to compute a product: the packed one of this machine, and the ordinary layers."""
    if request.param == "plain":
        monkeypatch.setattr(inference_layers, "packing_works", lambda dtype: False)


@pytest.mark.parametrize("frames", [1, 2, 3, 33, 130])
def test_prepared_equals_unprepared(kernels, frames):
    model = tiny()
    assert difference(prepared(model), model, 2, frames) < EXACT


@pytest.mark.parametrize(
    "sizes", [dict(heads=4), dict(mlp_width=48, input_kernel=3), dict(depth=3, fused_depth=2), dict(kernel=1)]
)
def test_prepared_equals_unprepared_for_other_sizes(sizes):
    model = tiny(**sizes)
    assert difference(prepared(model), model) < EXACT


@pytest.mark.parametrize("frames", [1, 33, 270])  # above 256 the packed convolutions append zeros
def test_bfloat16_is_near_float32(kernels, frames):
    model = tiny()
    assert EXACT < difference(prepared(model, torch.bfloat16), model, 2, frames) < ROUNDED


def test_whole_sampling_in_bfloat16_is_near_float32():
    model = tiny(hidden=64, depth=6, fused_depth=4)
    _, _, text = inputs(1)

    def sample(backbone):
        velocity = sampling.guided(backbone, backbone.condition(*text), backbone.null_condition(1), guidance=4.5)
        return sampling.sample(velocity, sampling.noise([1], 50, 6), steps=25)

    expected = sample(model)
    assert error(sample(prepared(model)), expected) < EXACT
    assert EXACT < error(sample(prepared(model, torch.bfloat16)), expected) < 0.03


def test_float16_weights_are_read_as_they_are():
    half = tiny().half()
    ready = prepared(half)
    assert difference(ready, half.float()) < EXACT
    assert all(value.dtype == torch.float32 for value in ready.state_dict().values())


@pytest.mark.parametrize("frames", [7, 40])
def test_an_item_does_not_depend_on_its_batch(frames):
    ready = prepared(tiny())
    x, t, (tokens, _, vector) = inputs(4, frames)
    four = ready(x, t, ready.condition(tokens, None, vector))
    for count in (1, 2):
        part = ready(x[:count], t[:count], ready.condition(tokens[:count], None, vector[:count]))
        assert error(part, four[:count]) < EXACT


def test_the_null_condition_is_that_of_the_stored_features():
    model = tiny()
    ready = prepared(model)
    x, t, text = inputs()
    for backbone in (model, ready):
        null = backbone.null_condition(2)
        features = backbone.empty_string_feat.expand(2, -1, -1), None, backbone.empty_string_feat_c.expand(2, -1)
        for part, expected in zip(null[:2], model.condition(*features)[:2], strict=True):
            assert error(part, expected) < EXACT
        both = backbone(torch.cat([x, x]), torch.cat([t, t]), concat_conditions(backbone.condition(*text), null))
        assert error(both[2:], model(x, t, model.null_condition(2))) < EXACT
        assert error(both[:2], both[2:]) > 0.1


def test_weights_are_never_there_twice(monkeypatch):
    model = tiny()
    large = [weakref.ref(p) for name, p in model.named_parameters() if name.endswith("weight") and p.dim() > 1]
    alive, pack, pack_for = [], inference_layers.pack, inference_layers.PackedConvolution._packed_for

    def counted(call, *given):
        alive.append(sum(ref() is not None for ref in large))
        return call(*given)

    assert inference_layers.packing_works(torch.float32)
    monkeypatch.setattr(inference_layers, "pack", partial(counted, pack))
    monkeypatch.setattr(inference_layers.PackedConvolution, "_packed_for", lambda *given: counted(pack_for, *given))
    prepare(model, torch.float32)
    x, t, text = inputs(1)
    with torch.inference_mode():
        model(x, t, model.condition(*text))  # convolutions are packed when their length is known
    assert alive == sorted(alive, reverse=True)
    assert alive[0] == len(large) and alive[-1] < 6  # at the end, the small ones that are not packed


def test_a_packed_convolution_is_right_for_one_length_after_another():
    layer = layers.ChannelLastConv1d(512, 320, 3)
    packed_one = inference_layers.ready(copy.deepcopy(layer), torch.float32)
    for batch, frames in ((3, 125), (1, 125), (1, 40), (2, 313), (3, 125)):
        x = torch.randn(batch, frames, 512)
        with torch.inference_mode():
            torch.testing.assert_close(packed_one(x), layer(x), atol=1e-4, rtol=1e-4)


def test_without_packed_products_the_ordinary_layers_are_used(monkeypatch):
    def missing(layer, dtype):
        raise AttributeError("no such operator")

    monkeypatch.setattr(inference_layers, "pack", missing)
    monkeypatch.setattr(inference_layers, "packing_works", inference_layers.packing_works.__wrapped__)
    ready = prepared(model := tiny())
    assert type(ready.final_layer.conv) is inference_layers.Product
    assert difference(ready, model) < EXACT


def test_trying_the_packed_products_draws_no_random_numbers():
    state = torch.get_rng_state()
    inference_layers.packing_works.__wrapped__(torch.float32)
    assert torch.equal(torch.get_rng_state(), state)


def test_rotary_positions_are_exact_far_out_and_do_not_depend_on_the_length():
    length, dim = 7500, 128  # five minutes of latents at 25 Hz
    x = torch.randn(1, length, 1, dim)
    y = layers.rotate(x)
    for n in (1, 250, 4999, length - 1):
        for pair in (0, 1, 31, dim // 2 - 1):
            angle = n * 10000 ** (-2 * pair / dim)
            a, b = x[0, n, 0, 2 * pair : 2 * pair + 2].tolist()
            expected = [a * math.cos(angle) - b * math.sin(angle), a * math.sin(angle) + b * math.cos(angle)]
            assert y[0, n, 0, 2 * pair : 2 * pair + 2].tolist() == pytest.approx(expected, abs=1e-5)
    assert torch.equal(layers.rotate(x[:, :250]), y[:, :250])


def test_attention_sees_distances_not_positions():
    """Rotated queries and keys have the same products wherever they start."""
    q, k = torch.randn(2, 1, 20, 2, 16).unbind()
    later = [torch.cat([torch.zeros(1, 600, 2, 16), part], dim=1) for part in (q, k)]
    scores = [torch.einsum("bnhd,bmhd->bhnm", *map(layers.rotate, pair)) for pair in ((q, k), later)]
    torch.testing.assert_close(scores[1][:, :, 600:, 600:], scores[0], atol=1e-4, rtol=1e-4)
