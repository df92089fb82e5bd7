"""The Mamba backbone made ready for inference: the same function, its weights held once, whatever is installed."""

from __future__ import annotations

import copy
import weakref

import pytest
import torch

from musicgen_app import sampling
from musicgen_app.backbones import concat_conditions, inference_layers
from musicgen_app.backbones.inference import prepare
from musicgen_app.backbones.mamba import inference, scan
from musicgen_app.backbones.mamba.inference import InferenceBlock
from musicgen_app.backbones.presets import build_backbone, trainable_parameters

OVERRIDES = {"latent_dim": 6, "hidden": 64, "depth": 3, "heads": 2, "text_dim": 10}


@pytest.fixture
def model():
    """A small model whose weights are all random, and large enough for everything to reach the output."""
    torch.manual_seed(0)
    model = build_backbone("mamba-189m", OVERRIDES).eval()
    for name, parameter in model.named_parameters():
        if name.endswith(("A_log", ".D")):
            torch.nn.init.normal_(parameter)
        else:
            torch.nn.init.normal_(parameter, std=parameter[0].numel() ** -0.5 if parameter.dim() > 1 else 0.2)
    return model


@pytest.fixture
def reference_kernels(monkeypatch):
    monkeypatch.setattr(scan, "choose", lambda device: scan.REFERENCE)


def prepared(model, dtype=torch.float32):
    model = copy.deepcopy(model)
    prepare(model, dtype)
    return model


def prompt(model, length=5):
    """A prompt whose last token is padding, and no prompt, as one condition."""
    g = torch.Generator().manual_seed(1)
    tokens, mask = torch.randn(1, length, 10, generator=g), torch.arange(length)[None] < length - 1
    return concat_conditions(model.condition(tokens, mask), model.null_condition(1))


def latents(frames=9):
    g = torch.Generator().manual_seed(2)
    return torch.randn(2, frames, 6, generator=g), torch.rand(2, generator=g)


def relative_rms(value, expected) -> float:
    return ((value - expected).norm() / expected.norm()).item()


@pytest.mark.parametrize("frames", [1, 2, 9, 107])
def test_prepared_model_is_the_same_function(model, frames):
    ready, (x, t) = prepared(model), latents(frames)
    expected = model(x, t, prompt(model), return_hidden=True)
    for value, wanted in zip(ready(x, t, prompt(ready), return_hidden=True), expected, strict=True):
        assert value.dtype == torch.float32 and relative_rms(value, wanted) < 1e-5


@pytest.mark.parametrize("length", [2, 32, 33])
def test_prepared_model_reads_texts_of_any_length(model, length):
    ready, (x, t) = prepared(model), latents()
    assert relative_rms(ready(x, t, prompt(ready, length)), model(x, t, prompt(model, length))) < 1e-5


def test_prepared_model_drops_text_like_the_trained_one(model):
    (x, t), tokens, mask = latents(), torch.randn(2, 4, 10), torch.ones(2, 4, dtype=torch.bool)
    run = lambda m: m(x, t, m.condition(tokens, mask, drop=torch.tensor([True, False])))  # noqa: E731
    assert relative_rms(run(prepared(model)), run(model)) < 1e-5


def test_bfloat16_takes_and_gives_float32_and_errs_little(model):
    ready, (x, t) = prepared(model, torch.bfloat16), latents(33)
    v = ready(x, t, prompt(ready))
    assert v.dtype == torch.float32
    assert 1e-5 < relative_rms(v, model(x, t, prompt(model))) < 0.02


def test_bfloat16_sampling_stays_close(model):
    noise = sampling.noise([3], 21, 6)

    def sampled(model):
        g = torch.Generator().manual_seed(1)
        tokens = torch.randn(1, 5, 10, generator=g)
        condition = model.condition(tokens, torch.ones(1, 5, dtype=torch.bool))
        with torch.inference_mode():
            return sampling.sample(sampling.guided(model, condition, model.null_condition(1), 3.5), noise, 20)

    assert relative_rms(sampled(prepared(model, torch.bfloat16)), sampled(model)) < 0.02


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_without_packed_products_it_is_the_same(model, dtype, monkeypatch):
    (x, t), ready = latents(), prepared(model, dtype)
    expected = ready(x, t, prompt(ready))
    monkeypatch.setattr(inference_layers, "packing_works", lambda dtype: False)
    plain = prepared(model, dtype)
    assert not any(isinstance(module, inference_layers.PackedLinear) for module in plain.modules())
    assert relative_rms(plain(x, t, prompt(plain)), expected) < (1e-5 if dtype == torch.float32 else 0.02)


def test_without_compiled_kernels_it_is_the_same(model, reference_kernels):
    ready, (x, t) = prepared(model), latents()
    assert relative_rms(ready(x, t, prompt(ready)), model(x, t, prompt(model))) < 1e-5


def test_half_precision_weights_of_a_mapped_file_are_prepared(model, tmp_path):
    from safetensors.torch import load_file, save_file

    half = {name: value.half() for name, value in model.state_dict().items()}
    save_file(half, tmp_path / "model.safetensors")
    with torch.device("meta"):
        empty = build_backbone("mamba-189m", OVERRIDES)
    empty.load_state_dict(load_file(tmp_path / "model.safetensors"), assign=True)
    prepare(empty.eval(), torch.float32)
    model.load_state_dict(half)
    x, t = latents()
    assert relative_rms(empty(x, t, prompt(empty)), model(x, t, prompt(model))) < 1e-5


def test_originals_are_freed_block_by_block(model, monkeypatch):
    originals, alive = [weakref.ref(block) for block in model.blocks], []

    class Watched(InferenceBlock):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            alive.append(sum(original() is not None for original in originals))

    monkeypatch.setattr(inference, "InferenceBlock", Watched)
    prepare(model, torch.bfloat16)
    assert alive == [3, 2, 1] and not any(original() for original in originals)
    assert trainable_parameters(model) == 0


def test_training_with_compiled_kernels_gives_the_gradients_of_the_reference(model, monkeypatch):
    x, t = latents(33)

    def gradients():
        model.zero_grad(set_to_none=True)
        model(x, t, prompt(model)).square().mean().backward()
        return {name: parameter.grad for name, parameter in model.named_parameters()}

    fast = gradients()
    monkeypatch.setattr(scan, "choose", lambda device: scan.REFERENCE)
    for name, expected in gradients().items():
        assert relative_rms(fast[name], expected) < 1e-4, name


def test_training_in_bfloat16_autocast(model):
    x, t = latents(33)
    with torch.autocast("cpu", torch.bfloat16):
        v = model(x, t, prompt(model))
    v.float().square().mean().backward()
    assert relative_rms(v.float(), model(x, t, prompt(model))) < 0.03
    for name, parameter in model.named_parameters():
        assert parameter.grad.isfinite().all() and parameter.grad.dtype == torch.float32, name
