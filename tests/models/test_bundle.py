"""A bundle is written whole or not at all, and nothing that was changed, cut or swapped is ever loaded."""

from __future__ import annotations

import errno
import json
import os
import pickle
import shutil
from pathlib import Path

import pytest
import torch

from musicgen_app.errors import FileError, ModelError
from musicgen_app.machine import checksums
from musicgen_app.models import installed
from musicgen_app.models.bundle import (
    Bundle,
    load_backbone,
    load_state,
    open_bundle,
    parameter_count,
    rename,
    update_config,
    verify,
    write_bundle,
)


@pytest.fixture
def copy(tiny_bundle, tmp_path):
    """A copy of the tiny bundle that a test may damage."""
    return shutil.copytree(tiny_bundle.path, tmp_path / "tiny")


def edit(folder, change) -> None:
    """Apply `change` to the config of the bundle in `folder`."""
    path = folder / "config.json"
    config = json.loads(path.read_text())
    change(config)
    path.write_text(json.dumps(config))


def test_round_trip(tiny_bundle, tiny_parts):
    config, state, files = tiny_parts
    opened = open_bundle(tiny_bundle.path)
    assert opened == tiny_bundle
    assert opened.config["schema"] == 1
    assert set(opened.config["files"]) == {"model.safetensors", *files}
    assert (opened.name, opened.native_seconds) == ("tiny", 1.0)
    assert (opened.pass_seconds, opened.max_seconds) == (60.0, 600.0)
    verify(opened)
    backbone = load_backbone(opened)
    assert not backbone.training
    for name, tensor in backbone.state_dict().items():
        assert torch.equal(tensor, state[name]), name


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_named_pipe_is_no_model(tmp_path):
    os.mkfifo(tmp_path / "config.json")
    with pytest.raises(ModelError, match="is not a file"):
        open_bundle(tmp_path)


def test_parameter_count_is_that_of_the_loaded_model(tiny_bundle, tiny_parts):
    from musicgen_app.backbones.presets import build_backbone, trainable_parameters

    fresh = build_backbone("sketch-dit", tiny_parts[0]["backbone"]["overrides"])
    assert parameter_count(tiny_bundle) == trainable_parameters(fresh) > 10_000


def test_write_keeps_what_is_there(tiny_bundle, tiny_parts):
    config, state, files = tiny_parts
    before = (tiny_bundle.path / "config.json").read_bytes()
    with pytest.raises(FileError, match="exists already"):
        write_bundle(tiny_bundle.path, config, state, "", files)
    assert (tiny_bundle.path / "config.json").read_bytes() == before


@pytest.mark.parametrize("allowed", range(5))
def test_full_disk_leaves_nothing(tiny_parts, tmp_path, monkeypatch, allowed):
    """The disk fills up after `allowed` files were flushed."""
    left = [allowed]

    def full(handle):
        if not left[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        left[0] -= 1

    monkeypatch.setattr(os, "fsync", full)
    config, state, files = tiny_parts
    with pytest.raises(FileError, match="No space left"):
        write_bundle(tmp_path / "new", config, state, "", files)
    assert list(tmp_path.iterdir()) == []


def test_models_on_windows(tiny_parts, tmp_path, windows_rules):
    """Written, renamed, changed, installed, replaced and removed by its rules."""
    config, state, files = tiny_parts
    bundle = rename(write_bundle(tmp_path / "new", config, state, "", files), "other")
    bundle = update_config(bundle, bundle.config["codec"], bundle.config["files"])
    assert open_bundle(bundle.path) == bundle and bundle.name == "other"
    for _ in range(2):
        verify(installed.install(bundle.path, "mine", replace=True, models_dir=tmp_path / "models"))
    assert os.listdir(tmp_path / "models") == ["mine"]
    installed.remove("mine", models_dir=tmp_path / "models")
    assert os.listdir(tmp_path / "models") == []


def test_an_invalid_config_is_not_written(tiny_parts, tmp_path):
    config, state, files = tiny_parts
    with pytest.raises(ModelError, match="licence"):
        write_bundle(tmp_path / "new", config | {"licence": None}, state, "", files)
    with pytest.raises(ModelError, match="not a path inside"):
        write_bundle(tmp_path / "new", config, state, "", files | {"../out": next(iter(files.values()))})
    assert list(tmp_path.iterdir()) == []


def test_weights_are_told_apart_by_every_file_of_them():
    def bundle(files: dict[str, str]) -> Bundle:
        return Bundle(Path("anywhere"), {"files": files})

    model, codec = {"model.safetensors": "a" * 64}, {"codec/model.safetensors": "b" * 64}
    assert bundle(model | {"CREDITS.md": "c" * 64}).weights_sha256 == "a" * 64
    whole = bundle(model | codec).weights_sha256
    assert len(whole) == 64 and whole == bundle(codec | model).weights_sha256
    assert whole != bundle(model | {"codec/model.safetensors": "d" * 64}).weights_sha256


@pytest.mark.parametrize("name", ["model.safetensors", "codec/model.safetensors"])
@pytest.mark.parametrize("where", [0, 9, 0.5, -1])
def test_a_flipped_bit_is_found(copy, name, where):
    path = copy / name
    data = bytearray(path.read_bytes())
    data[int(len(data) * where) if isinstance(where, float) else where] ^= 1
    path.write_bytes(data)
    opened = open_bundle(copy)
    with pytest.raises(ModelError, match="was changed or is truncated"):
        verify(opened)
    with pytest.raises(ModelError, match="was changed or is truncated"):
        opened.load(name)


@pytest.mark.parametrize("keep", [0, 7, 100, 0.5, -1])
def test_truncated_weights(copy, keep):
    path = copy / "model.safetensors"
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep) if isinstance(keep, float) else keep])
    with pytest.raises(ModelError, match="truncated"):
        load_backbone(open_bundle(copy))
    with pytest.raises(ModelError, match="truncated"):
        load_state(path)


def test_missing_weights(copy):
    (copy / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="model.safetensors"):
        load_backbone(open_bundle(copy))
    with pytest.raises(ModelError, match="missing"):
        load_state(copy / "model.safetensors")


def test_a_pickle_is_never_opened(tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "hacked"),)

    for number, write in enumerate([lambda p: p.write_bytes(pickle.dumps(Evil())), lambda p: torch.save(Evil(), p)]):
        path = tmp_path / f"{number}.safetensors"
        write(path)
        with pytest.raises(ModelError, match="no other format is opened") as caught:
            load_state(path)
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "hacked").exists()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda state: state.pop("final_layer.conv.weight"), "missing: final_layer.conv.weight"),
        (lambda state: state.update(extra=torch.zeros(1)), "unknown: extra"),
        (lambda state: state.update({"latent_mean": torch.zeros(3)}), "wrong shape: latent_mean"),
        (lambda state: state.clear(), "and [0-9]+ more"),
    ],
)
def test_keys_must_fit(tiny_parts, tmp_path, change, named):
    config, state, files = tiny_parts
    state = dict(state)
    change(state)
    changed = write_bundle(tmp_path / "new", config, state, "", files)
    with pytest.raises(ModelError, match=named):
        load_backbone(changed)


@pytest.mark.parametrize(
    "name", ["../x", "a/../../x", "/etc/passwd", "C:/x", "a\\..\\x", "", ".", "a\0b", "a/../model.safetensors"]
)
def test_paths_out_of_the_bundle_are_refused(copy, name):
    edit(copy, lambda config: config["files"].update({name: "0" * 64}))
    with pytest.raises(ModelError, match="not a path inside"):
        open_bundle(copy)


@pytest.mark.parametrize("path", ["../codec", "/codec", 3, None])
def test_codec_out_of_the_bundle_is_refused(copy, path):
    edit(copy, lambda config: config["codec"].update(path=path))
    with pytest.raises(ModelError, match="not a path inside"):
        open_bundle(copy)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda c: c.update(schema=2), "schema 2.*update ttm-app"),
        (lambda c: c.pop("schema"), "schema None"),
        (lambda c: c.update(name="../x"), "bad name"),
        (lambda c: c.pop("codec"), "'codec' is missing"),
        (lambda c: c["backbone"].pop("preset"), "no preset"),
        (lambda c: c["latent"].update(std=[0.0] * 8), "not positive"),
        (lambda c: c["latent"].update(mean=[0.0]), "one length"),
        (lambda c: c["sampler"].update(steps=0), "steps"),
        (lambda c: c["sampler"].update(steps=True), "steps"),
        (lambda c: c["sampler"].update(guidance=float("nan")), "guidance"),
        (lambda c: c["sampler"].update(guidance_interval=[0.8, 0.2]), "guidance_interval"),
        (lambda c: c["sampler"].update(power=0), "'power' of the sampler is not a number from 0.2 to 5"),
        (lambda c: c["sampler"].update(power=None), "power"),
        (lambda c: c["sampler"].update(joint_guidance=1), "joint_guidance"),
        (lambda c: c["sampler"].update(joint_guidance=True, plan_guidance=2.0), "both 'joint_guidance' and"),
        (lambda c: c["seconds"].update(native=90), "native"),
        (lambda c: c["files"].pop("codec/model.safetensors"), "codec/model.safetensors"),
        (lambda c: c["files"].update({"model.safetensors": "abc"}), "bad SHA-256"),
    ],
)
def test_bad_config(copy, change, named):
    edit(copy, change)
    with pytest.raises(ModelError, match=named) as caught:
        open_bundle(copy)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, b"\xff\xfe"])
def test_config_that_is_not_json(copy, text):
    (copy / "config.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ModelError):
        open_bundle(copy)


@pytest.mark.parametrize("overrides", [{"hidden": "wide"}, {"hidden": -1}, {"heads": 0}, {"colour": 1}])
def test_backbone_that_cannot_be_built(copy, overrides):
    edit(copy, lambda config: config["backbone"].update(overrides=overrides))
    with pytest.raises(ModelError):
        load_backbone(open_bundle(copy))


def test_unknown_preset_and_other_latents(copy):
    edit(copy, lambda config: config["latent"].update(mean=[0.0] * 9, std=[1.0] * 9))
    with pytest.raises(ModelError, match="9 dims"):
        load_backbone(open_bundle(copy))
    edit(copy, lambda config: config["backbone"].update(preset="sketch-dat"))
    with pytest.raises(ModelError, match="sketch-dat"):
        load_backbone(open_bundle(copy))


def test_hash_is_taken_once_a_file_version(copy, monkeypatch):
    read = []
    monkeypatch.setattr(checksums, "sha256", lambda path, real=checksums.sha256: read.append(path) or real(path))
    opened = open_bundle(copy)
    opened.load()
    opened.load()
    assert len(read) == 1
    os.utime(copy / "model.safetensors", ns=(1, 1))
    opened.load()
    assert len(read) == 2
