"""Training an adapter: what changes and what does not, exact resume, and the folder that comes out."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from musicgen_app.backbones.presets import build_backbone
from musicgen_app.errors import ModelError, RequestError
from musicgen_app.models.adapters import adapted, apply, write_adapter
from musicgen_app.models.bundle import WEIGHTS, load_backbone, write_bundle
from support.tiny_training import DIT, MAMBA, TINY, contents, quiet, tiny_folder
from ttm_trainer.runtime import checkpoint
from ttm_trainer.training import lora
from ttm_trainer.training.loop import EmaSettings, train

FAMILIES = {"dit": ("sketch-dit", DIT), "mamba": ("sketch-mamba", MAMBA)}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return tiny_folder(tmp_path_factory.mktemp("prepared"))


@pytest.fixture(params=FAMILIES)
def base(request, tiny_parts, tmp_path):
    """A model of the sizes of the tiny runs."""
    preset, overrides = FAMILIES[request.param]
    config, _, files = tiny_parts
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = build_backbone(preset, overrides)
        for value in model.parameters():
            if value.requires_grad and not value.any():
                torch.nn.init.normal_(value, std=0.1)
    config = config | {"name": "base", "backbone": {"preset": preset, "overrides": overrides}}
    return write_bundle(tmp_path / "base", config, model.state_dict(), "", files)


def settings(base, **more):
    backbone = base.config["backbone"]
    return replace(
        TINY, init=str(base.path), lora=2, preset=backbone["preset"], overrides=backbone["overrides"], **more
    )


def run(training, prepared, out, **options):
    return train(training, prepared, out, device="cpu", show=quiet, **options)


def test_only_the_adapter_is_trained_and_it_gives_the_model_that_was_heard(base, prepared, tmp_path):
    heard = []
    training = settings(base, preview_every=4)
    result = run(training, prepared, tmp_path / "run", on_preview=lambda step, model: heard.append(model.state_dict()))
    assert len(heard) == 4 and all(state.keys() == result.model.state_dict().keys() for state in heard)
    factors = result.adapter
    assert factors and all(b.any() and a.shape[0] == 2 for a, b in factors.values())
    own = load_backbone(base)
    changed = {
        name for name, value in result.model.state_dict().items() if not torch.equal(value, own.state_dict()[name])
    }
    assert changed == {f"{name}.weight" for name in factors}
    saved = load_file(result.checkpoint / "model.safetensors")
    assert sum(value.numel() for value in saved.values()) == sum(a.numel() + b.numel() for a, b in factors.values())
    facts = {"name": "mine", "licence": "CC0-1.0",
             "base": {"name": "base", "version": "1", "weights_sha256": base.config["files"][WEIGHTS]}}  # fmt: skip
    adapter = write_adapter(tmp_path / "mine", factors, 2, facts, "")
    apply(own, adapted(base, {str(adapter.path): 1.0}).adapters)
    for name, value in result.model.state_dict().items():
        torch.testing.assert_close(value, own.state_dict()[name], rtol=0, atol=1e-3)


@pytest.mark.parametrize("ema", [EmaSettings(sigma_rel=0.1), None])
def test_a_run_that_was_stopped_gives_the_same_adapter_to_the_bit(base, prepared, tmp_path, ema):
    straight = run(settings(base, ema=ema), prepared, tmp_path / "straight")
    for end in (3, 7, None):
        again = run(settings(base, ema=ema), prepared, tmp_path / "again", stop_at=end)
    for name, pair in straight.adapter.items():
        assert all(torch.equal(one, other) for one, other in zip(pair, again.adapter[name], strict=True))
    first, second = contents(straight.checkpoint), contents(again.checkpoint)
    assert first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)


def test_the_average_is_of_the_adapter_alone(base, prepared, tmp_path):
    result = run(settings(base), prepared, tmp_path / "run")
    average, last = (load_file(result.checkpoint / f"{name}.safetensors") for name in ("average", "model"))
    assert average.keys() == last.keys() and all(name.endswith((".A", ".B")) for name in last)
    assert any(not torch.equal(average[name], last[name]) for name in last)


def test_other_weights_under_the_same_name_are_refused(base, prepared, tmp_path, tiny_parts):
    run(settings(base), prepared, tmp_path / "run", stop_at=3)
    state = {name: value + 1 if value.ndim > 1 else value for name, value in base.load().items()}
    write_bundle(base.path, base.config, state, "", tiny_parts[2], overwrite=True)
    with pytest.raises(ModelError, match="other settings .*base: "):
        run(settings(base), prepared, tmp_path / "run")


def test_a_base_of_other_sizes_and_none_are_refused(base, prepared, tmp_path):
    wide = settings(base)
    wide = replace(wide, overrides=dict(wide.overrides) | {"depth": wide.overrides["depth"] + 1})
    with pytest.raises(ModelError, match="very sizes"):
        run(wide, prepared, tmp_path / "run")
    assert checkpoint.latest(tmp_path / "run") is None
    with pytest.raises(RequestError, match="init"):
        replace(TINY, lora=2)


def test_an_adapter_begins_as_nothing(base):
    model = build_backbone(base.config["backbone"]["preset"], base.config["backbone"]["overrides"])
    lora.attach(model, str(base.path), 4, seed=0)
    own = load_backbone(base).state_dict()
    assert all(torch.equal(value, own[name].float()) for name, value in lora.merged(model).items())
    assert {name.rpartition(".")[2] for name, value in model.named_parameters() if value.requires_grad} == {"A", "B"}
