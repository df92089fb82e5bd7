"""Adapters: what they change, in every family of backbones; what is refused; the format of peft; merging."""

from __future__ import annotations

import json
import os
import pickle
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from musicgen_app import Engine, GenerationRequest, cli, save_pretrained
from musicgen_app.backbones.layers import ChannelLastConv1d
from musicgen_app.backbones.presets import build_backbone
from musicgen_app.errors import ModelError, RequestError
from musicgen_app.library.metadata import origin, request_from
from musicgen_app.models import adapters
from musicgen_app.models.adapters import FACTS, PEFT_CONFIG, PEFT_WEIGHTS, adapted, apply, open_adapter
from musicgen_app.models.bundle import load_backbone, open_bundle, verify, write_bundle
from support.adapter_files import write_random
from support.mean_flow_bundle import write_mean_flow

MAMBA = {"latent_dim": 8, "hidden": 16, "depth": 1, "heads": 1, "time_dim": 16}


@pytest.fixture(params=["dit", "mamba", "meanflow"])
def model(request, tiny_parts, tmp_path):
    """A tiny model of every family."""
    if request.param == "meanflow":
        return write_mean_flow(tmp_path / "meanflow", tiny_parts)
    config, state, files = tiny_parts
    if request.param == "mamba":
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            state = build_backbone("sketch-mamba", MAMBA).state_dict()
        config = config | {"backbone": {"preset": "sketch-mamba", "overrides": MAMBA}}
    half = {name: value.half() if value.ndim > 1 else value for name, value in state.items()}
    return write_bundle(tmp_path / request.param, config | {"name": request.param}, half, "# model\n", files)


def sound(bundle, wanted=None, **more) -> np.ndarray:
    request = GenerationRequest("a tone", seconds=1, seed=3, model=str(bundle.path), adapters=wanted or {}, **more)
    return Engine(device="cpu").generate(request)[0].audio


def test_an_adapter_changes_the_sound_by_its_strength_and_again_the_same(home, model, tmp_path):
    adapter = write_random(tmp_path / "bright", model)
    without, full = sound(model), sound(model, {str(adapter.path): 1.0})
    assert not np.array_equal(without, full)
    assert np.array_equal(full, sound(model, {str(adapter.path): 1.0}))
    assert np.array_equal(without, sound(model, {str(adapter.path): 0.0}))
    half = sound(model, {str(adapter.path): 0.5})
    assert not np.array_equal(half, full) and not np.array_equal(half, without)
    other = write_random(tmp_path / "dark", model, rank=3, seed=1)
    both = sound(model, {str(adapter.path): 1.0, str(other.path): -0.5})
    assert np.array_equal(both, sound(model, {str(other.path): -0.5, str(adapter.path): 1.0}))
    assert not np.array_equal(both, full)


def test_the_weights_are_those_of_the_formula(model, tmp_path):
    adapter = write_random(tmp_path / "bright", model, rank=2, alpha=3.0)
    bundle, before, after = adapted(model, {str(adapter.path): 0.5}), load_backbone(model), load_backbone(model)
    apply(after, bundle.adapters)
    state = load_file(adapter.path / PEFT_WEIGHTS)
    for name, layer in adapters.targets(after):
        a, b = (state[f"base_model.model.{name}.lora_{part}.weight"] for part in "AB")
        delta = torch.einsum("or,r...->o...", b.flatten(1), a)
        old = dict(adapters.targets(before))[name].weight
        torch.testing.assert_close(layer.weight, (old.float() + 0.5 * 1.5 * delta).to(old.dtype))


def test_a_merged_model_makes_the_same_music_to_the_byte(home, model, tmp_path):
    wanted = {str(write_random(tmp_path / name, model, seed=seed).path): 0.7 for seed, name in enumerate(("a", "b"))}
    made = save_pretrained(adapted(model, wanted), tmp_path / "merged")
    verify(made)
    assert np.array_equal(sound(made), sound(model, wanted))
    merged = made.config["training"]["merged"]
    assert [one["name"] for one in merged["adapters"]] == ["a", "b"] and merged["adapters"][0]["strength"] == 0.7
    assert "The adapter a (licence CC0-1.0" in (made.path / "README.md").read_text()


def plain(bundle) -> torch.nn.Module:
    """A backbone whose convolutions are PyTorch's own, since peft makes more of the class that it finds."""
    backbone = load_backbone(bundle).float()
    for name, layer in list(backbone.named_modules()):
        if isinstance(layer, ChannelLastConv1d):
            own = torch.nn.Conv1d(layer.in_channels, layer.out_channels, layer.kernel_size, bias=layer.bias is not None)
            own.load_state_dict(layer.state_dict())
            backbone.set_submodule(name, own)
    return backbone


def test_peft_reads_our_file_and_merges_it_to_the_same_weights(model, tmp_path):
    peft = pytest.importorskip("peft")
    adapter = write_random(tmp_path / "bright", model, alpha=3.0)
    theirs, ours = plain(model), load_backbone(model).float()
    config = peft.PeftConfig.from_pretrained(str(adapter.path))
    theirs = peft.inject_adapter_in_model(config, theirs)
    found = peft.set_peft_model_state_dict(theirs, load_file(adapter.path / PEFT_WEIGHTS))
    assert not found.unexpected_keys
    apply(ours, adapted(model, {str(adapter.path): 1.0}).adapters)
    layers, changed = dict(adapters.targets(ours)), 0
    for name, layer in theirs.named_modules():
        if isinstance(layer, peft.tuners.lora.LoraLayer):
            layer.merge()
            torch.testing.assert_close(layer.base_layer.weight, layers[name].weight, rtol=1e-5, atol=1e-5)
            changed += 1
    assert changed == len(layers)


def test_we_read_what_peft_writes(home, tiny_bundle, tmp_path):
    peft = pytest.importorskip("peft")
    backbone = plain(tiny_bundle)
    lora = peft.LoraConfig(r=2, target_modules=["w1", "qkv"], init_lora_weights=False)
    backbone = peft.inject_adapter_in_model(lora, backbone)
    folder = tmp_path / "from-peft"
    folder.mkdir()
    state = {f"base_model.model.{k}": v.contiguous() for k, v in peft.get_peft_model_state_dict(backbone).items()}
    save_file(state, folder / PEFT_WEIGHTS)
    lora.save_pretrained(str(folder))
    assert open_adapter(folder).rank == 2
    assert not np.array_equal(sound(tiny_bundle), sound(tiny_bundle, {str(folder): 1.0}))


def _change(file, **values):
    def change(folder):
        path = folder / file
        path.write_text(json.dumps(json.loads(path.read_text()) | values))

    return change


def _weights(change):
    def apply_to(folder):
        state = load_file(folder / PEFT_WEIGHTS)
        save_file(change({name: value.clone() for name, value in state.items()}), folder / PEFT_WEIGHTS)
        (folder / FACTS).unlink()  # which has its SHA-256

    return apply_to


def _first(state, value):
    return state | {next(iter(state)): value(state[next(iter(state))])}


HOSTILE = {
    "no config": lambda f: (f / PEFT_CONFIG).unlink(),
    "no weights": lambda f: (f / PEFT_WEIGHTS).unlink(),
    "a pickle beside": lambda f: (f / "optimizer.pt").write_bytes(pickle.dumps([1])),
    "a pickle in place": lambda f: ((f / PEFT_WEIGHTS).unlink(), (f / "adapter_model.bin").write_bytes(b"\x80\x04]")),
    "a pickle under its name": lambda f: ((f / PEFT_WEIGHTS).write_bytes(pickle.dumps([1])), (f / FACTS).unlink()),
    "changed": lambda f: (f / PEFT_WEIGHTS).write_bytes((f / PEFT_WEIGHTS).read_bytes()[:-4] + b"abcd"),
    "cut": lambda f: ((f / PEFT_WEIGHTS).write_bytes((f / PEFT_WEIGHTS).read_bytes()[:-4]), (f / FACTS).unlink()),
    "a bomb": lambda f: (f / PEFT_CONFIG).write_text("[" * 100_000),
    "too large": lambda f: (f / PEFT_CONFIG).write_text('{"a": "' + "x" * 2**21 + '"}'),
    "a list": lambda f: (f / PEFT_CONFIG).write_text("[]"),
    "not text": lambda f: (f / PEFT_CONFIG).write_bytes(b"\xff\xfe{"),
    "not lora": _change(PEFT_CONFIG, peft_type="IA3"),
    "dora": _change(PEFT_CONFIG, use_dora=True),
    "rank 0": _change(PEFT_CONFIG, r=0),
    "another rank": _change(PEFT_CONFIG, r=3),
    "rank as text": _change(PEFT_CONFIG, r="2"),
    "endless alpha": lambda f: (f / PEFT_CONFIG).write_text('{"peft_type": "LORA", "r": 2, "lora_alpha": Infinity}'),
    "alpha by layer": _change(PEFT_CONFIG, alpha_pattern={"w1": 100}),
    "a path as name": _change(FACTS, name="../../etc"),
    "another schema": _change(FACTS, schema=99),
    "no base": _change(FACTS, base=[]),
    "other weights": _change(FACTS, base={"name": "x", "version": "1", "weights_sha256": "0" * 64}),
    "not a number": _weights(lambda s: _first(s, lambda v: v * float("nan"))),
    "one half": _weights(lambda s: dict(list(s.items())[1:])),
    "another shape": _weights(lambda s: _first(s, lambda v: v[:, :-1].contiguous())),
    "whole numbers": _weights(lambda s: _first(s, lambda v: v.long())),
    "no such layer": _weights(lambda s: {n.replace("joint_blocks", "other"): v for n, v in s.items()}),
    "nothing": _weights(lambda s: {"x": torch.zeros(1)}),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_is_no_adapter_for_this_model_is_refused_in_one_line(home, tiny_bundle, tmp_path, capsys, kind):
    folder = tmp_path / "bad"
    write_random(folder, tiny_bundle)
    HOSTILE[kind](folder)
    target = tmp_path / "out.wav"
    command = ["generate", "a tone", "--model", "tiny", "--seconds", "1", "--adapter", str(folder), "-o", str(target)]
    assert cli.run(command) == 4
    said = capsys.readouterr().err
    assert len(said.strip().splitlines()) == 1 and "Traceback" not in said and len(said) < 600
    assert not target.exists()


@pytest.mark.skipif(os.name == "nt", reason="no named pipes")
def test_a_named_pipe_is_not_waited_for(tiny_bundle, tmp_path):
    for name in (PEFT_CONFIG, PEFT_WEIGHTS, FACTS):
        folder = tmp_path / name
        write_random(folder, tiny_bundle)
        (folder / name).unlink()
        os.mkfifo(folder / name)
        with pytest.raises(ModelError):
            open_adapter(folder)


def test_an_adapter_of_another_model_is_refused(home, tiny_bundle, model, tmp_path):
    adapter = write_random(tmp_path / "bright", model)
    with pytest.raises(ModelError, match="is for .*not for tiny"):
        sound(tiny_bundle, {str(adapter.path): 1.0})


@pytest.mark.parametrize(
    "value", [{"x": 5.0}, {"x": float("nan")}, {"x": True}, ["x"], {"": 1.0}, {str(n): 1.0 for n in range(17)}]
)
def test_requests_with_impossible_adapters_are_refused(value):
    with pytest.raises(RequestError, match="adapter"):
        GenerationRequest("piano", adapters=value).validated()


def test_a_clip_names_its_adapters_and_is_made_again_from_its_file(home, tiny_bundle, tmp_path, capsys):
    first = write_random(tmp_path / "bright", tiny_bundle)
    assert cli.run(["models", "import", str(first.path), "--force"]) == 0
    target, again = tmp_path / "one.wav", tmp_path / "two.wav"
    options = ["--model", "tiny", "--seconds", "1", "--seed", "5", "--sidecar", "--no-keep"]
    assert cli.run(["generate", "a tone", *options, "--adapter", "bright:0.5", "-o", str(target)]) == 0
    assert request_from(target).adapters == {"bright": 0.5}
    record = json.loads((tmp_path / "one.wav.json").read_text())
    assert record["adapters"] == [{"name": "bright", "weights_sha256": first.weights_sha256, "strength": 0.5}]
    assert origin(target)["weights"] != tiny_bundle.weights_sha256
    assert cli.run(["generate", "--from", str(target), "--sidecar", "--no-keep", "-o", str(again)]) == 0
    assert target.read_bytes() == again.read_bytes()
    request = GenerationRequest("a tone", adapters={"bright": 0.5})
    assert GenerationRequest.from_dict(request.to_dict()) == request.validated()
    assert "adapters" not in GenerationRequest("a tone").to_dict()
    capsys.readouterr()


def test_a_kept_clip_with_an_adapter_can_be_looked_up(home, tiny_bundle, tmp_path):
    from musicgen_app.library.library import Library

    adapter = write_random(tmp_path / "bright", tiny_bundle)
    request = GenerationRequest("a tone", seconds=1, seed=3, model="tiny", adapters={str(adapter.path): 1.0})
    (result,) = Engine(device="cpu").generate(request)
    item = Library(tmp_path / "library").add(result, ".wav", "python")
    assert item.request.adapters == {"bright": 1.0}
    assert item.model["adapters"][0]["weights_sha256"] == adapter.weights_sha256


def test_commands_list_merge_and_save(home, tiny_bundle, tmp_path, capsys, monkeypatch):
    own = tmp_path / "home"
    shutil.copytree(tiny_bundle.path, own / "models" / "tiny")
    monkeypatch.setenv("TTM_APP_HOME", str(own))
    adapter = write_random(tmp_path / "bright", tiny_bundle)
    assert cli.run(["models", "import", str(adapter.path)]) == 0
    assert cli.run(["models", "import", str(adapter.path)]) == 3
    capsys.readouterr()
    assert cli.run(["models", "adapters", "--json"]) == 0
    (listed,) = json.loads(capsys.readouterr().out)
    assert listed["name"] == "bright" and listed["base"]["name"] == "tiny"
    assert cli.run(["models", "merge", "tiny", "--adapter", "bright", "--as", "tiny-bright"]) == 0
    assert open_bundle(own / "models/tiny-bright").name == "tiny-bright"
    assert cli.run(["models", "merge", "tiny", "--as", "other"]) == 2
    for name in ("tiny", "bright"):
        assert cli.run(["models", "save", name, str(tmp_path / f"copy-of-{name}")]) == 0
    assert open_bundle(tmp_path / "copy-of-tiny").weights_sha256 == tiny_bundle.weights_sha256
    assert open_adapter(tmp_path / "copy-of-bright").weights_sha256 == adapter.weights_sha256
    assert cli.run(["models", "save", "tiny", str(tmp_path / "copy-of-tiny")]) == 3
