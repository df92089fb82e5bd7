"""Checkpoints as the public trainers write them become models; anything else is one clear error and leaves nothing.

The public names and shapes are spelled out here from the published description, not taken from our modules.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import pickle
import resource
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from musicgen_app.backbones import presets
from musicgen_app.backbones.presets import Preset
from musicgen_app.codecs import load_codec
from musicgen_app.convert.importer import import_checkpoint
from musicgen_app.convert.state_mapping import map_state
from musicgen_app.errors import FileError, ModelError, RequestError
from musicgen_app.machine import files
from musicgen_app.models import installed
from musicgen_app.models.bundle import load_backbone, verify
from musicgen_app.models.hub import source
from support.codec_files import write_mmaudio

TINY_DIT = {"hidden": 32, "depth": 3, "fused_depth": 1, "heads": 1, "mlp_width": 48}
TINY_MAMBA = {"hidden": 32, "depth": 2, "heads": 2}
STRAY = {"t_embed.freqs": torch.ones(128), "latent_rot": torch.ones(312, 1, 32, 2, 2), "text_rot": torch.ones(77)}


@pytest.fixture
def tiny(monkeypatch):
    """The paper systems with small backbones, their latents and text widths kept."""
    small = {
        "mamba-189m": Preset(presets.MAMBA, TINY_MAMBA),
        "dit-450m": Preset(presets.FLUXAUDIO, TINY_DIT | {"fused_depth": 2}),
        "fluxaudio-s": Preset(presets.FLUXAUDIO, TINY_DIT | {"latent_dim": 20}),
        "fluxaudio-l": Preset(presets.FLUXAUDIO, TINY_DIT | {"latent_dim": 20, "heads": 2}),
        "meanaudio-s": Preset(presets.MEANFLOW, TINY_DIT | {"latent_dim": 20}),
    }
    monkeypatch.setattr(presets, "PRESETS", presets.PRESETS)
    for name, preset in small.items():
        monkeypatch.setitem(presets.PRESETS, name, preset)


@pytest.fixture
def models(tmp_path, monkeypatch) -> Path:
    """An empty folder of models, and no frozen part on this machine."""
    monkeypatch.setenv("TTM_APP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    return tmp_path / "home" / "models"


def random_state(shapes: dict[str, tuple], dtype=torch.float32) -> dict[str, torch.Tensor]:
    numbers = torch.randn(max(math.prod(shape) for shape in shapes.values()), dtype=dtype)
    return {name: numbers[: math.prod(shape)].reshape(shape).clone() for name, shape in shapes.items()}


def gated(name: str, hidden: int, width: int, *kernel: int) -> dict[str, tuple]:
    sizes = {"w1": (width, hidden), "w2": (hidden, width), "w3": (width, hidden)}
    return {f"{name}.{part}.weight": (*size, *kernel) for part, size in sizes.items()}


def biased(name: str, *shape: int) -> dict[str, tuple]:
    return {f"{name}.weight": shape, f"{name}.bias": shape[:1]}


def stream(name: str, hidden: int, head: int, width: int, *kernel: int, pre_only: bool = False) -> dict[str, tuple]:
    shapes = biased(f"{name}.attn.qkv", 3 * hidden, hidden)
    shapes |= {f"{name}.attn.q_norm.weight": (head,), f"{name}.attn.k_norm.weight": (head,)}
    shapes |= biased(f"{name}.adaLN_modulation.1", (2 if pre_only else 6) * hidden, hidden)
    if not pre_only:
        shapes |= biased(f"{name}.linear1", hidden, hidden, *kernel) | gated(f"{name}.ffn", hidden, width, *kernel)
    return shapes


def fluxaudio(latent, hidden, width, heads, joint, fused, text=1024) -> dict[str, tuple]:
    """Names and shapes of a public FluxAudio state dict."""
    head = hidden // heads
    shapes = biased("audio_input_proj.0", hidden, latent, 7) | gated("audio_input_proj.2", hidden, width, 7)
    shapes |= biased("text_input_proj.0", hidden, text) | gated("text_input_proj.1", hidden, width)
    shapes |= biased("text_cond_proj.0", hidden, 512) | gated("text_cond_proj.1", hidden, width)
    shapes |= biased("t_embed.mlp.0", hidden, 256) | biased("t_embed.mlp.2", hidden, hidden)
    for i in range(joint):
        shapes |= stream(f"joint_blocks.{i}.latent_block", hidden, head, width, 3)
        shapes |= stream(f"joint_blocks.{i}.text_block", hidden, head, width, pre_only=i == joint - 1)
    for i in range(fused):
        shapes |= stream(f"fused_blocks.{i}", hidden, head, width, 3)
    shapes |= biased("final_layer.adaLN_modulation.1", 2 * hidden, hidden)
    shapes |= biased("final_layer.conv", latent, hidden, 7)
    shapes |= {"latent_mean": (1, 1, latent), "latent_std": (1, 1, latent)}
    return shapes | {"empty_string_feat": (77, text), "empty_string_feat_c": (512,)}


def fluxaudio_state(latent=64, heads=1, joint=2, fused=1, hidden=32, width=48, text=1024, dtype=torch.float32) -> dict:
    state = random_state(fluxaudio(latent, hidden, width, heads, joint, fused, text), dtype)
    state["latent_std"] = state["latent_std"].abs() + 0.5
    return state


def mixer(name: str, hidden: int) -> dict[str, tuple]:
    inner, rank = 2 * hidden, math.ceil(hidden / 16)
    shapes = {f"{name}.A_log": (inner, 16), f"{name}.D": (inner,), f"{name}.in_proj.weight": (2 * inner, hidden)}
    shapes |= biased(f"{name}.conv1d", inner, 1, 4) | {f"{name}.x_proj.weight": (rank + 32, inner)}
    return shapes | biased(f"{name}.dt_proj", inner, rank) | {f"{name}.out_proj.weight": (hidden, inner)}


def mamba_state(hidden=32, depth=2, latent=128, text=768) -> dict[str, torch.Tensor]:
    """A state dict with UCSD's names and shapes."""
    shapes = biased("input_proj.proj", hidden, latent, 1) | biased("norm_out", hidden)
    shapes |= biased("out_proj", latent, hidden)
    shapes |= biased("time_embed.mlp.0", 1024, 256) | biased("time_embed.mlp.2", 256, 1024)
    for i in range(depth):
        block = f"blocks.{i}"
        shapes |= biased(f"{block}.norm1.proj", 2 * hidden, 256) | biased(f"{block}.norm3.proj", 2 * hidden, 256)
        shapes |= mixer(f"{block}.bidir.fwd_ssm", hidden) | mixer(f"{block}.bidir.bwd_ssm", hidden)
        shapes |= {f"{block}.bidir.merge.weight": (hidden, 2 * hidden)} | biased(f"{block}.norm2", hidden)
        for part, width in {"q": hidden, "k": text, "v": text, "out": hidden}.items():
            shapes[f"{block}.cross.{part}.weight"] = (hidden, width)
        shapes |= biased(f"{block}.ffn.0", 4 * hidden, hidden) | biased(f"{block}.ffn.3", hidden, 4 * hidden)
    shapes["norm_out.bias"] = (hidden,)
    state = random_state(shapes)
    return state | {"time_embed.freqs": torch.exp(-math.log(10000) * torch.arange(128) / 127)}


def ucsd(**changes) -> dict:
    """A whole checkpoint dict as UCSD's trainer writes it."""
    adam = {"state": {0: {"step": torch.tensor(9.0), "exp_avg": torch.ones(3)}}, "param_groups": [{"lr": 1e-4}]}
    parts = {"step": 9, "model_state": mamba_state(), "cond_state": {"null_embed": torch.randn(1, 768)}}
    return parts | {"optimizer": adam, "scaler": None, "model_config": {"d_model": 32, "use_ada_ln": True}} | changes


def saved(content: object, path: Path, **options) -> Path:
    torch.save(content, path, **options)
    return path


def assert_loads(bundle, state: dict[str, torch.Tensor]) -> None:
    """The model on disk is intact and holds exactly these tensors (bit for bit, the file's dtype kept)."""
    verify(bundle)
    loaded = load_backbone(bundle).state_dict()
    for name, tensor in state.items():
        assert loaded[name].dtype == tensor.dtype, name
        assert torch.equal(loaded[name], tensor), name


def assert_refused(models: Path, kind: type[Exception], pattern: str, *args, **options) -> str:
    """One line that matches, and the folder of models as it was."""
    before = sorted(models.rglob("*"))
    with pytest.raises(kind, match=pattern) as caught:
        import_checkpoint(*args, **options)
    assert "\n" not in str(caught.value)
    assert "weights_only" not in str(caught.value)
    assert sorted(models.rglob("*")) == before
    return str(caught.value)


# --- what becomes a model


@pytest.mark.slow
def test_full_size_fluxaudio_s(models, tmp_path):
    """120 M parameters under public names with an average's prefix and stray buffers, in 16 bit."""
    state = random_state(fluxaudio(64, hidden=448, width=1280, heads=7, joint=4, fused=8), torch.float16)
    state["latent_std"] = state["latent_std"].abs() + 0.5
    content = {f"ema_model.{name}": tensor for name, tensor in (state | STRAY).items()}
    path = saved(content | {"initted": torch.tensor(True), "step": torch.tensor(200_000)}, tmp_path / "S_full.pth")
    bundle, report = import_checkpoint(path, "fluxaudio-s")
    assert (report.parameters, report.overrides, report.part) == (120_382_400, {"latent_dim": 64}, "ema_model")
    assert sorted(report.dropped) == ["initted", "latent_rot", "step", "t_embed.freqs", "text_rot"]
    assert (report.tensors, report.renamed, report.unused, report.computed) == (len(state), len(state), [], [])
    for name in ("latent_mean", "latent_std"):
        state[name] = state[name].float()
    assert_loads(bundle, state)
    assert (bundle.path, bundle.name) == (models / "s_full", "s_full")
    assert bundle.config["latent"]["std"] == state["latent_std"].flatten().tolist()
    assert bundle.config["codec"] == {"kind": "acestep-v15", "source": source("acestep-v15")}
    assert bundle.config["text"]["t5"] == source("flan-t5-large")
    assert bundle.config["licence"] == "unknown"
    card = (bundle.path / "README.md").read_text()
    assert "pipeline_tag: text-to-audio" in card and "S_full.pth" in card
    assert bundle.config["training"]["sha256"] in card


@pytest.mark.parametrize("write", ["safetensors", "zip", "legacy", "folder"])
def test_ucsd_in_every_format(models, tmp_path, tiny, write):
    content = ucsd()
    flat = {f"model_state.{name}": tensor for name, tensor in content["model_state"].items()}
    path = tmp_path / "step_00300000.pt"
    if write == "safetensors":  # no nested dicts there
        save_file(flat | {"cond_state.null_embed": content["cond_state"]["null_embed"]}, path)
    elif write == "folder":
        (tmp_path / "run").mkdir()
        saved(content, tmp_path / "run" / "step_00300000.ckpt")
        (tmp_path / "run" / "config.yaml").write_text("x: 1")
        path = tmp_path / "run"
    else:
        saved(content, path, _use_new_zipfile_serialization=write == "zip")
    bundle, report = import_checkpoint(path, "mamba-189m", "mine", title="My\nMamba", licence="MIT")
    assert_loads(bundle, content["model_state"] | {"null_token": content["cond_state"]["null_embed"]})
    assert (report.part, report.averaged, report.overrides) == ("model_state", False, {})
    assert report.renamed == (report.tensors if write == "safetensors" else 1)
    assert report.unused == ([] if write == "safetensors" else ["optimizer"])
    assert bundle.config["latent"] == {"mean": [0.0527] * 128, "std": [0.8134] * 128}
    assert bundle.config["sampler"]["steps"] == 100
    assert bundle.config["codec"]["kind"] == "acestep-v1"
    assert (bundle.config["title"], bundle.config["licence"]) == ("My Mamba", "MIT")


@pytest.mark.parametrize(
    ("wrap", "part", "renamed"),
    [
        (lambda s: s, "", False),
        (lambda s: {f"module.{n}": t for n, t in s.items()}, "module", True),
        (lambda s: {f"module.{n}": t for n, t in s.items()} | {"n_averaged": torch.tensor(3)}, "module", True),
        (lambda s: {f"_orig_mod.{n}": t for n, t in s.items()}, "_orig_mod", True),
        (lambda s: {"state_dict": {f"model.{n}": t for n, t in s.items()}, "epoch": 3}, "state_dict/model", True),
        (lambda s: {"model": s}, "model", False),
        (lambda s: {"weights": s, "it": 5, "ema": None}, "weights", False),
        (lambda s: {"ema_model": s}, "ema_model", False),
        (lambda s: {n: torch.nn.Parameter(t) for n, t in s.items()}, "", False),
    ],
)
def test_wrappers(models, tmp_path, tiny, wrap, part, renamed):
    state = fluxaudio_state(joint=1, fused=2)
    bundle, report = import_checkpoint(saved(wrap(state), tmp_path / "x.pth"), "dit-450m")
    assert_loads(bundle, state)
    assert (report.part, report.unused, report.renamed) == (part, [], len(state) if renamed else 0)
    assert report.averaged is (part == "ema_model")


def averaged(plain: dict, average: dict) -> list[dict]:
    """Both in one file, as three trainers write them."""
    flat = {f"online_model.{n}": t for n, t in plain.items()} | {f"ema_model.{n}": t for n, t in average.items()}
    other = {f"ema_models.1.ema_model.{n}": t * 2 for n, t in average.items()}
    first = {f"ema_models.0.ema_model.{n}": t for n, t in average.items()}
    return [
        flat | {"initted": torch.tensor(True), "step": torch.tensor(5)},
        {"weights": plain, "ema": first | {"ema_models.0.step": torch.tensor(5)} | other, "scheduler": {"x": 1}},
        plain | {f"ema.{n}": t for n, t in average.items()},
    ]


@pytest.mark.parametrize("way", range(3))
@pytest.mark.parametrize("weights", [None, "ema", "model"])
def test_an_average_comes_first(models, tmp_path, tiny, way, weights):
    plain, average = (fluxaudio_state(joint=1, fused=2) for _ in range(2))
    path = saved(averaged(plain, average)[way], tmp_path / "x.pth")
    bundle, report = import_checkpoint(path, "dit-450m", weights=weights)
    assert_loads(bundle, plain if weights == "model" else average)
    assert report.averaged is (weights != "model")
    assert ("moving average" in bundle.config["training"]["taken"]) is report.averaged
    assert report.unused  # what was not taken is named


def test_weights_that_are_not_there(models, tmp_path, tiny):
    path = saved({"model": fluxaudio_state(joint=1, fused=2)}, tmp_path / "x.pth")
    assert_refused(models, ModelError, "no weights of the kind 'ema': it holds model", path, "dit-450m", weights="ema")
    two = saved({"a": fluxaudio_state(joint=1, fused=2), "b": fluxaudio_state(joint=1, fused=2)}, tmp_path / "y.pth")
    assert_refused(models, ModelError, r"several sets of weights \(a, b\)", two, "dit-450m")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("write", [torch.save, save_file])
def test_dtypes(models, tmp_path, tiny, dtype, write):
    state = {name: tensor.to(dtype) for name, tensor in fluxaudio_state(joint=1, fused=2).items()}
    write(state, tmp_path / "x.pth")
    bundle, _ = import_checkpoint(tmp_path / "x.pth", "dit-450m")
    stored = torch.float32 if dtype == torch.float64 else dtype
    statistics = ("latent_mean", "latent_std")
    assert_loads(bundle, {n: t.to(torch.float32 if n in statistics else stored) for n, t in state.items()})


def test_dtype_asked_for(models, tmp_path, tiny):
    state = fluxaudio_state(joint=1, fused=2)
    path = saved(state, tmp_path / "x.pth")
    bundle, report = import_checkpoint(path, "dit-450m", dtype="bf16")
    kept = ("latent_mean", "latent_std", "empty_string_feat", "empty_string_feat_c")
    assert_loads(bundle, {n: t if n in kept else t.bfloat16() for n, t in state.items()})
    assert report.dtypes.keys() == {"bfloat16", "float32"}
    big = saved(state | {"final_layer.conv.bias": torch.full((64,), 1e6)}, tmp_path / "big.pth")
    assert_refused(
        models, ModelError, r"final_layer.conv.bias .* not finite \(as float16\)", big, "dit-450m", dtype="fp16"
    )


def test_16_bit_time_frequencies_become_exact(models, tmp_path, tiny):
    content = ucsd()
    exact = content["model_state"]["time_embed.freqs"]
    content["model_state"]["time_embed.freqs"] = exact.bfloat16()
    bundle, _ = import_checkpoint(saved(content, tmp_path / "x.pt"), "mamba-189m")
    torch.testing.assert_close(load_backbone(bundle).time_embed.freqs, exact)


def test_tensors_that_share_memory(models, tmp_path, tiny):
    """One flat buffer that every weight is a view of, and a weight in another memory order."""
    state = fluxaudio_state(joint=1, fused=2)
    buffer = torch.cat([tensor.flatten() for tensor in state.values()])
    pieces = buffer.split([tensor.numel() for tensor in state.values()])
    views = {name: piece.view(state[name].shape) for name, piece in zip(state, pieces, strict=True)}
    views["text_input_proj.0.weight"] = state["text_input_proj.0.weight"].t().contiguous().t()
    bundle, _ = import_checkpoint(saved(views, tmp_path / "x.pth"), "dit-450m")
    assert_loads(bundle, state)
    assert (bundle.path / "model.safetensors").stat().st_size < 1.1 * buffer.nbytes


def test_other_text_width(models, tmp_path, tiny):
    """A score-aware model on FLAN-T5-base tokens: the encoder changes with the width."""
    path = saved(fluxaudio_state(joint=1, fused=2, text=768), tmp_path / "x.pth")
    bundle, report = import_checkpoint(path, "dit-450m")
    assert report.overrides == bundle.config["backbone"]["overrides"] == {"text_dim": 768}
    assert bundle.config["text"]["t5"] == source("flan-t5-base")
    assert load_backbone(bundle).config.text_dim == 768


def test_statistics_from_a_file(models, tmp_path, tiny):
    state = fluxaudio_state(joint=1, fused=2)
    del state["latent_mean"], state["latent_std"]
    path = saved(state, tmp_path / "x.pth")
    assert_refused(models, ModelError, "--latent-stats", path, "dit-450m")
    stats = tmp_path / "stats.json"
    stats.write_text(json.dumps({"mean": [0.5] * 64, "std": [2] * 64, "frames": 10}))
    bundle, _ = import_checkpoint(path, "dit-450m", latent_stats=stats)
    assert bundle.config["latent"] == {"mean": [0.5] * 64, "std": [2.0] * 64}
    assert_loads(bundle, state | {"latent_std": torch.full((1, 1, 64), 2.0)})


def test_statistics_of_other_latents_are_asked_for(models, tmp_path, tiny):
    """The paper's numbers hold for its own codec only."""
    path = saved(ucsd(model_state=mamba_state(latent=64)), tmp_path / "x.pt")
    assert_refused(models, ModelError, "the 64 latent dimensions", path, "mamba-189m")
    (tmp_path / "s.json").write_text(json.dumps({"mean": [0.0] * 64, "std": [1.0] * 64}))
    bundle, _ = import_checkpoint(path, "mamba-189m", latent_stats=tmp_path / "s.json")
    assert bundle.config["codec"]["kind"] == "acestep-v15"


def test_features_of_no_text_are_computed(models, tmp_path, tiny, monkeypatch):
    from musicgen_app import text

    class Encoder:
        def encode(self, prompts):
            assert prompts == [""]
            return text.TextCondition(torch.ones(1, 77, 1024), torch.ones(1, 77) > 0, torch.full((1, 512), 2.0))

    asked = []
    monkeypatch.setattr(text, "load_text_encoder", lambda bundle: asked.append(bundle.config["text"]) or Encoder())
    state = fluxaudio_state(joint=1, fused=2)
    del state["empty_string_feat_c"]
    bundle, report = import_checkpoint(saved(state, tmp_path / "x.pth"), "dit-450m")
    assert report.computed == ["empty_string_feat_c"]
    assert_loads(bundle, state | {"empty_string_feat_c": torch.full((512,), 2.0)})
    assert asked == [bundle.config["text"]]


def test_features_of_no_text_need_the_encoders(models, tmp_path, tiny):
    state = fluxaudio_state(joint=1, fused=2)
    del state["empty_string_feat"], state["empty_string_feat_c"]
    said = assert_refused(models, ModelError, "empty_string_feat", saved(state, tmp_path / "x.pth"), "dit-450m")
    assert "ttm-app models download dit-450m" in said


# --- what is refused


class Evil:
    """A pickle that makes the folder it names, when it is opened without care."""

    def __init__(self, path: Path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize(
    ("write", "pattern"),
    [
        (lambda evil, path: torch.save({"optimizer": evil}, path), r"asks to run code of this computer \(\w+\.mkdir\)"),
        (lambda evil, path: torch.save({"model": fluxaudio_state(), "x": evil}, path), "run code"),
        (lambda evil, path: torch.save(evil, path, _use_new_zipfile_serialization=False), "run code"),
        (lambda evil, path: path.write_bytes(pickle.dumps(evil, protocol=2)), "damaged|not opened"),
        (lambda evil, path: path.write_bytes(pickle.dumps(evil, protocol=4)), "damaged|not opened"),
        (lambda evil, path: path.write_bytes(pickle.dumps(evil, protocol=0)), "not a checkpoint"),
    ],
    ids=["zip", "beside weights", "legacy", "pickle 2", "pickle 4", "pickle 0"],
)
def test_code_in_a_pickle_never_runs(models, tmp_path, tiny, write, pattern, monkeypatch):
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    path, hacked = tmp_path / "x.bin", tmp_path / "hacked"
    write(Evil(hacked), path)
    assert_refused(models, ModelError, pattern, path, "dit-450m")
    assert not hacked.exists()
    with contextlib.suppress(RuntimeError):  # a bare pickle is not what PyTorch expects, but it runs all the same
        torch.load(path, weights_only=False)
    assert hacked.exists()


def half(path: Path, keep: float) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])


@pytest.mark.parametrize("keep", [0, 0.0005, 0.3, 0.99])
@pytest.mark.parametrize("write", ["safetensors", "zip", "legacy"])
def test_truncated(models, tmp_path, tiny, write, keep):
    path, state = tmp_path / "x.pth", fluxaudio_state(joint=1, fused=2)
    if write == "safetensors":
        save_file(state, path)
    else:
        saved(state, path, _use_new_zipfile_serialization=write == "zip")
    half(path, keep)
    assert_refused(models, ModelError, "truncated|is empty", path, "dit-450m")


def a_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", "x" * 1000)


def a_loop(path: Path) -> None:
    loop: dict = {}
    loop["again"] = loop
    torch.save(loop, path)


@pytest.mark.parametrize(
    ("write", "pattern"),
    [
        (lambda path: path.write_text("I am a text file.\n" * 50), "not a checkpoint"),
        (lambda path: path.write_text("12345678{"), "no safetensors file"),
        (lambda path: path.write_bytes(bytes(5000)), "not a checkpoint"),
        (lambda path: path.write_bytes(b"\x80\x02" + bytes(range(256))), "damaged|not opened"),
        (a_zip, "damaged"),
        (a_loop, "damaged"),
        (lambda path: torch.jit.save(torch.jit.script(torch.nn.ReLU()), path), "TorchScript"),
        (lambda path: torch.save(torch.nn.Linear(2, 2), path), "run code"),
        (lambda path: torch.save([torch.ones(2)], path), "no named tensors"),
        (lambda path: torch.save({"step": 3}, path), "no named tensors"),
        (lambda path: torch.save({"a": torch.ones(2)}, path), "none of its names: a"),
    ],
)
@pytest.mark.filterwarnings("ignore:`torch.jit")
def test_other_files(models, tmp_path, tiny, write, pattern):
    write(tmp_path / "x.pth")
    assert_refused(models, ModelError, pattern, tmp_path / "x.pth", "dit-450m")


def test_paths(models, tmp_path, tiny):
    assert_refused(models, FileError, "no file .*none.pth", tmp_path / "none.pth", "dit-450m")
    assert_refused(models, FileError, "no file|cannot read", "a\0b", "dit-450m")
    assert_refused(models, FileError, "File name too long", "a" * 300, "dit-450m")
    assert_refused(models, FileError, "not a file", "/dev/zero", "dit-450m")
    assert_refused(models, FileError, "no checkpoint", tmp_path, "dit-450m")
    for name in ("a.pth", "b.safetensors"):
        (tmp_path / name).touch()
    assert_refused(models, FileError, r"several checkpoints \(a.pth, b.safetensors\)", tmp_path, "dit-450m")


def change(**tensors):
    return lambda state: state.update(tensors)


@pytest.mark.parametrize(
    ("edit", "pattern"),
    [
        (lambda s: s.pop("joint_blocks.0.latent_block.attn.qkv.bias"), "missing: joint_blocks.0.latent_block.attn.qkv"),
        (lambda s: s.pop("audio_input_proj.0.weight"), "missing: audio_input_proj.0.weight"),
        (lambda s: [s.pop(name) for name in list(s) if name.startswith("fused_blocks.1")], "missing: .* and 8 more"),
        (change(extra=torch.ones(2)), "unknown: extra"),
        (lambda s: s.update({"score_embed.weight": torch.ones(2)}), "unknown: score_embed.weight"),
        (lambda s: s.update({"r_embed.mlp.0.weight": torch.ones(2)}), "unknown: r_embed.mlp.0.weight"),
        (lambda s: s.update({"cond_state.null_embed": torch.ones(768)}), "unknown: cond_state.null_embed"),
        (lambda s: s.update({"final_layer.conv.bias": torch.ones(65)}), r"layer.conv.bias \(65,\) instead of \(64,\)"),
        (change(latent_mean=torch.zeros(64)), r"latent_mean \(64,\) instead of \(1, 1, 64\)"),
        (change(latent_std=torch.zeros(1, 1, 64)), "standard deviation of the latents is not positive"),
        (change(latent_std=torch.full((1, 1, 64), math.inf)), "latent_std has values that are not finite"),
        (lambda s: s["final_layer.conv.weight"].view(-1)[7].fill_(math.nan), "conv.weight has values that are not fin"),
        (change(empty_string_feat_c=torch.full((512,), -math.inf)), "string_feat_c has values that are not finite"),
        (change(empty_string_feat_c=torch.ones(512, dtype=torch.int8)), "empty_string_feat_c is torch.int8"),
        (change(empty_string_feat_c=torch.ones(512).to_sparse()), "empty_string_feat_c .*sparse"),
        (change(empty_string_feat_c=torch.ones(512, device="meta")), "empty_string_feat_c"),
        (change(empty_string_feat_c=torch.ones(512, dtype=torch.complex64)), "complex64"),
    ],
)  # fmt: skip
def test_states_that_do_not_fit(models, tmp_path, tiny, edit, pattern):
    state = fluxaudio_state(joint=1, fused=2)
    edit(state)
    assert_refused(models, ModelError, pattern, saved(state, tmp_path / "x.pth"), "dit-450m")


@pytest.mark.parametrize(
    ("cond", "pattern"),
    [
        ({}, r"but has 0 \(no cond_state\)"),
        ({"null_embed": torch.ones(1, 512)}, r"but has 0 \(cond_state/null_embed\)"),
        ({"a": torch.ones(768), "b": torch.ones(1, 768)}, r"but has 2 \(cond_state/a, cond_state/b\)"),
        ({"null_embed": torch.full((768,), math.nan)}, "cond_state/null_embed has values that are not finite"),
    ],
)
def test_null_vectors_that_do_not_fit(models, tmp_path, tiny, cond, pattern):
    assert_refused(models, ModelError, pattern, saved(ucsd(cond_state=cond), tmp_path / "x.pt"), "mamba-189m")


def test_other_time_frequencies(models, tmp_path, tiny):
    state = mamba_state() | {"time_embed.freqs": torch.linspace(1, 0, 128)}
    assert_refused(
        models, ModelError, "time_embed.freqs", saved(ucsd(model_state=state), tmp_path / "x.pt"), "mamba-189m"
    )


@pytest.mark.parametrize("preset", ["mamba-189m", "dit-450m", "fluxaudio-s", "fluxaudio-l"])
def test_the_right_preset_is_named(models, tmp_path, tiny, preset):
    states = {
        "mamba-189m": lambda: ucsd(),
        "dit-450m": lambda: fluxaudio_state(joint=1, fused=2),
        "fluxaudio-s": lambda: fluxaudio_state(joint=2, fused=1),
        "fluxaudio-l": lambda: fluxaudio_state(joint=2, fused=1, heads=2),
    }
    for right, state in states.items():
        path = saved(state(), tmp_path / f"{right}.pth")
        if right != preset:
            assert_refused(models, ModelError, f"; this looks like --preset {right}$", path, preset)
    import_checkpoint(tmp_path / f"{preset}.pth", preset)


def test_the_real_presets_are_told_apart(tmp_path):
    """Full-size shapes of the score-aware model, without their memory."""
    shapes = fluxaudio(64, hidden=896, width=2560, heads=7, joint=2, fused=10)
    state = {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}
    with pytest.raises(ModelError, match="this looks like --preset dit-450m$"):
        map_state(state, "fluxaudio-l")


def test_latents_without_a_codec(models, tmp_path, tiny):
    path = saved(fluxaudio_state(latent=7), tmp_path / "x.pth")
    assert_refused(models, ModelError, "no codec for latents of 7 dimensions", path, "fluxaudio-s")


def test_text_without_an_encoder(models, tmp_path, tiny):
    path = saved(fluxaudio_state(text=640), tmp_path / "x.pth")
    assert_refused(models, ModelError, "no text encoder gives tokens of 640", path, "fluxaudio-s")


@pytest.mark.parametrize(
    ("options", "pattern"),
    [
        ({"preset": "dit-900m"}, "--preset 'dit-900m'.*dit-450m"),
        ({"preset": "sketch-dit"}, "--preset"),
        ({"weights": "best"}, "--weights"),
        ({"dtype": "int4"}, "--dtype.*fp32"),
        ({"name": "../x"}, "no name for a model"),
        ({"name": "Mine"}, "no name for a model"),
        ({"name": "a" * 65}, "no name for a model"),
    ],
)
def test_bad_options(models, tmp_path, tiny, options, pattern):
    path = saved(fluxaudio_state(joint=1, fused=2), tmp_path / "x.pth")
    assert_refused(models, RequestError, pattern, path, **({"preset": "dit-450m"} | options))


def test_codec_files_become_part_of_a_fluxaudio_s(models, tmp_path, tiny):
    (tmp_path / "mmaudio").mkdir()
    write_mmaudio(tmp_path / "mmaudio")
    path = saved(fluxaudio_state(latent=20), tmp_path / "x.pth")
    assert_refused(models, ModelError, "--codec-files", path, "fluxaudio-s")
    assert_refused(models, ModelError, "v1-16.pth is missing", path, "fluxaudio-s", codec_files=models)
    bundle, _ = import_checkpoint(path, "fluxaudio-s", codec_files=tmp_path / "mmaudio")
    verify(bundle)
    assert load_codec(bundle).decode(torch.randn(1, 3, 20)).shape == (1, 1, 3 * 512)
    other = saved(fluxaudio_state(latent=64), tmp_path / "y.pth")
    assert_refused(models, RequestError, "20 dimensions.*writes 64", other, "fluxaudio-s", codec_files=tmp_path)


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"mean": 1, "std": 1}', '{"mean": ["a"], "std": [1]}', '{"mean": [0], "std": [1]}',
                json.dumps({"mean": [math.nan] * 64, "std": [1] * 64}), b"\xff", "[" * 100_000],
)  # fmt: skip
def test_bad_statistics_files(models, tmp_path, tiny, content):
    path = saved(fluxaudio_state(joint=1, fused=2), tmp_path / "x.pth")
    stats = tmp_path / "stats.json"
    stats.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert_refused(models, FileError, "stats.json", path, "dit-450m", latent_stats=stats)
    assert_refused(models, FileError, "cannot read", path, "dit-450m", latent_stats=tmp_path / "none.json")
    stats.write_text(json.dumps({"mean": [0] * 64, "std": [0] * 64}))
    assert_refused(models, ModelError, "stats.json.* not positive", path, "dit-450m", latent_stats=stats)


# --- the folder of models


def test_nothing_is_replaced_without_force(models, tmp_path, tiny):
    first, second = (fluxaudio_state(joint=1, fused=2) for _ in range(2))
    import_checkpoint(saved(first, tmp_path / "x.pth"), "dit-450m", "mine")
    path = saved(second, tmp_path / "y.pth")
    assert_refused(models, FileError, "mine exists already .*--force", path, "dit-450m", "mine")
    assert_refused(models, FileError, "sketch exists already", path, "dit-450m", "sketch")
    assert_loads(installed.find("mine"), first)
    bundle, _ = import_checkpoint(path, "dit-450m", "mine", force=True)
    assert_loads(installed.find("mine"), second)
    assert [entry.name for entry in models.iterdir()] == ["mine"]
    assert bundle.path == models / "mine"
    half(path, 0.5)
    assert_refused(models, ModelError, "truncated", path, "dit-450m", "mine", force=True)
    assert_loads(installed.find("mine"), second)


def test_a_failed_replacement_keeps_what_was_there(models, tmp_path, tiny, monkeypatch):
    state = fluxaudio_state(joint=1, fused=2)
    path = saved(state, tmp_path / "x.pth")
    import_checkpoint(path, "dit-450m")

    def stop(source, target, real=files._move):
        if target == models / "x" and source.suffix == ".part":
            raise KeyboardInterrupt
        return real(source, target)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(files, "_move", stop)
        import_checkpoint(path, "dit-450m", force=True)
    assert [entry.name for entry in models.iterdir()] == ["x"]
    assert_loads(installed.find("x"), state)


def test_no_room(models, tmp_path, tiny, monkeypatch):
    path = saved(fluxaudio_state(joint=1, fused=2), tmp_path / "x.pth")
    with monkeypatch.context() as patch:
        patch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 1000})())
        assert_refused(models, FileError, "the model needs .* MB, but only 1 kB are free in", path, "dit-450m")


@pytest.mark.parametrize("force", [False, True])
def test_the_disk_fills_up(models, tmp_path, tiny, force):
    path = saved(fluxaudio_state(joint=1, fused=2), tmp_path / "x.pth")
    models.mkdir(parents=True)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, before[1]))
    try:
        pattern = "cannot write .*/models/x: .*too large; free some space"
        assert_refused(models, FileError, pattern, path, "dit-450m", force=force)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.slow
def test_killed_half_way(models, tmp_path, tiny):
    """`kill -9` while the weights are flushed: no model is seen, and a later import clears up."""
    path = saved(fluxaudio_state(latent=64, joint=1, fused=2), tmp_path / "x.pth")
    code = (
        "import sys, time; from musicgen_app.machine import files;"
        "from musicgen_app.backbones.presets import FLUXAUDIO, PRESETS, Preset;"
        f"PRESETS['dit-450m'] = Preset(FLUXAUDIO, {TINY_DIT | {'fused_depth': 2}});"
        "files.sync = lambda path: (print('writing', flush=True), time.sleep(60));"
        "from musicgen_app.convert.importer import import_checkpoint; import_checkpoint(sys.argv[1], 'dit-450m')"
    )
    environment = dict(os.environ)
    process = subprocess.Popen([sys.executable, "-c", code, path], env=environment, stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline() == b"writing\n"
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == -signal.SIGKILL
    (left,) = models.iterdir()
    assert left.name.startswith(".") and (left / "model.safetensors").exists()
    assert "x" not in [bundle.name for bundle in installed.list_models()]
    bundle, _ = import_checkpoint(path, "dit-450m")
    verify(bundle)
    assert [entry.name for entry in models.iterdir()] == ["x"]


def test_a_mean_flow_checkpoint(models, tmp_path, tiny):
    """FluxAudio's names and a second time embedding; MeanAudio's files may put `ema_model.` before all of them."""
    state = fluxaudio_state(latent=20, joint=2, fused=1)
    state |= random_state(biased("r_embed.mlp.0", 32, 256) | biased("r_embed.mlp.2", 32, 32))
    path = saved({f"ema_model.{name}": value for name, value in state.items()} | STRAY, tmp_path / "mean.pth")
    with pytest.raises(ModelError, match="unknown: r_embed.*this looks like --preset meanaudio-s"):
        import_checkpoint(path, "fluxaudio-s", codec_files=write_mmaudio(tmp_path))
    bundle, report = import_checkpoint(path, "meanaudio-s", codec_files=write_mmaudio(tmp_path))
    assert report.averaged and report.dropped == list(STRAY)
    assert (bundle.sampler["solver"], bundle.sampler["steps"], bundle.sampler["guidance"]) == ("mean", 1, 1.0)
    loaded = load_backbone(bundle).state_dict()
    assert torch.equal(loaded["r_embed.mlp.2.bias"], state["r_embed.mlp.2.bias"])


def test_remove(models, tmp_path, tiny, tiny_bundle):
    path = saved(fluxaudio_state(joint=1, fused=2), tmp_path / "x.pth")
    for name in ("one", "two"):
        import_checkpoint(path, "dit-450m", name)
    (models / "linked").symlink_to(tiny_bundle.path)
    (models / "two" / "config.json").write_text("{")
    with pytest.raises(ModelError, match="no model 'three' among those you added: one, tiny"):
        installed.remove("three")
    with pytest.raises(ModelError, match="sketch comes with the app"):
        installed.remove("sketch")
    with pytest.raises(ModelError):
        installed.remove("../models/one")
    assert installed.remove("tiny") == models / "linked"
    verify(tiny_bundle)
    assert installed.remove("two") == models / "two"
    assert installed.remove("one") == models / "one"
    assert list(models.iterdir()) == []


@pytest.mark.slow
def test_memory_is_not_doubled(models, tmp_path):
    """What an import takes beyond the mapped file stays far below one copy of the weights."""
    state = fluxaudio_state(hidden=448, width=1280, heads=7, joint=1, fused=2)
    path = saved({"weights": state, "optimizer": {"m": torch.zeros(1000)}}, tmp_path / "x.pth")
    code = (
        "import sys, threading, time; from musicgen_app.convert import importer;"
        "from musicgen_app.backbones.presets import FLUXAUDIO, PRESETS, Preset;"
        "PRESETS['dit-450m'] = Preset(FLUXAUDIO, {'hidden': 448, 'depth': 3, 'fused_depth': 2});"
        "own = lambda: int(next(x for x in open('/proc/self/status') if 'RssAnon' in x).split()[1]) * 1024;"
        "seen = [own()]; done = threading.Event();"
        "watch = lambda: [seen.append(own()) for _ in iter(lambda: done.wait(0.002), True)];"
        "thread = threading.Thread(target=watch, daemon=True); thread.start();"
        "importer.import_checkpoint(sys.argv[1], 'dit-450m'); done.set(); thread.join(); print(max(seen) - seen[0])"
    )
    environment = dict(os.environ)
    command = [sys.executable, "-c", code, path]
    taken = int(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)
    assert taken < 0.6 * path.stat().st_size
