"""The bench with tiny models: counts against formulas, plain models against ours, every part and the whole report."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from musicgen_app import Engine, GenerationRequest, sampling
from musicgen_app.backbones.presets import build_backbone, trainable_parameters
from musicgen_app.backbones.reference import guided_step, plain_twin
from musicgen_app.bench import child, measure, musicgen, parts
from musicgen_app.bench.products import count_products, products_alone
from musicgen_app.bench.run import BenchSettings, run
from musicgen_app.bench.standin import write_stand_in
from musicgen_app.bench.table import lines
from musicgen_app.cli import run as run_command
from musicgen_app.errors import DependencyError, ModelError, RequestError, TTMError
from musicgen_app.models.bundle import open_bundle

DIT = {"latent_dim": 64, "hidden": 32, "depth": 3, "fused_depth": 1, "heads": 2, "text_dim": 24, "vector_dim": 16}
MAMBA = {"latent_dim": 128, "hidden": 32, "depth": 2, "heads": 2, "text_dim": 16}
PRESETS = {"dit-450m": DIT, "mamba-189m": MAMBA, "fluxaudio-s": DIT | {"latent_dim": 20}}
PRESETS |= {"meanaudio-s": PRESETS["fluxaudio-s"]}
LATENTS = 9


@pytest.fixture
def cli_run(capfd):
    """Run a command line in this process: (exit code, stdout, stderr)."""

    def call(*argv: str) -> tuple[int, str, str]:
        return run_command(list(argv)), *capfd.readouterr()

    return call


@pytest.fixture(params=PRESETS)
def backbone(request) -> torch.nn.Module:
    """A tiny backbone of either family whose every parameter matters."""
    torch.manual_seed(1)
    model = build_backbone(request.param, PRESETS[request.param]).eval().requires_grad_(False)
    for name, parameter in model.named_parameters():
        parameter.uniform_(-1, 1) if name.endswith("A_log") else parameter.normal_(std=0.2)
    return model


def _features(backbone, length: int):
    """Random tokens, a mask that hides some of them, and a vector."""
    config = backbone.config
    mask = torch.arange(length)[None] < length - 3
    return torch.randn(1, length, config.text_dim), mask, torch.randn(1, getattr(config, "vector_dim", 1))


@torch.inference_mode()
def test_the_plain_models_agree_with_ours(backbone):
    twin = plain_twin(backbone).eval()
    twin.load_state_dict(backbone.state_dict(), strict=True)
    tokens, mask, vector = _features(backbone, getattr(backbone.config, "text_len", 12))
    x = torch.randn(1, LATENTS, backbone.latent_dim)
    ours = sampling.guided(backbone, backbone.condition(tokens, mask, vector), backbone.null_condition(1), 3.0)(x, 0.3)
    sign, t = (-1, 0.7) if backbone.time_axis == "noise_at_one" else (1, 0.3)
    plain = sign * guided_step(twin, x, t, twin.conditions(tokens, mask, vector), 3.0)
    assert measure.relative_error(plain.numpy(), ours.numpy()) < 1e-4
    assert plain.std() > 0.05


def _mamba_multiplications(c, rows: int) -> int:
    hidden, inner, rank = c.hidden, c.expand * c.hidden, -(-c.hidden // 16)
    mixer = 2 * hidden * inner + inner * (rank + 2 * c.state) + rank * inner + inner * hidden
    block = 2 * mixer + 2 * hidden * hidden + 2 * hidden * hidden + 8 * hidden * hidden  # merge, cross, feed-forward
    for_time = 8 * c.time_dim**2 + c.depth * 2 * c.time_dim * 2 * hidden  # embedding, two norms a block
    return rows * (2 * c.latent_dim * hidden + c.depth * block) + 2 * for_time


def _fluxaudio_multiplications(c, rows: int) -> int:
    hidden, width, joint = c.hidden, c.mlp_width or 256, c.depth - c.fused_depth
    stream = 6 * hidden**2 + 9 * hidden * width
    for_x = 14 * c.latent_dim * hidden + 21 * hidden * width + c.depth * stream
    for_text = (joint - 1) * (4 * hidden**2 + 3 * hidden * width) + 3 * hidden**2
    modulation = (c.depth + joint - 1) * 6 * hidden**2 + 2 * hidden**2 + 2 * hidden**2
    return rows * for_x + 2 * c.text_len * for_text + 2 * (256 * hidden + hidden**2 + modulation)


@torch.inference_mode()
@pytest.mark.parametrize("preset", PRESETS)
def test_products_are_counted_as_the_formulas_say(preset):
    with torch.device("meta"):
        backbone = build_backbone(preset, PRESETS[preset]).eval()
        features = _features(backbone, 12)
        x = torch.empty(1, LATENTS, backbone.latent_dim)
        velocity = sampling.guided(backbone, backbone.condition(*features), backbone.null_condition(1), 2.0)
        counted = count_products(lambda: velocity(x, 0.5))
    formula = _mamba_multiplications if preset == "mamba-189m" else _fluxaudio_multiplications
    total = sum(product.multiplications * count for product, count in counted.items())
    second_time = 2 * (256 * 32 + 32**2) if preset == "meanaudio-s" else 0
    assert total == formula(backbone.config, 2 * LATENTS) + second_time
    products_alone(counted, torch.bfloat16)()


def test_median_and_patience(monkeypatch):
    clock = iter([0, 3, 10, 11, 20, 22])
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    assert measure.timed(lambda: None, 3) == {"seconds": 2, "runs": 3}
    clock = iter([0, 15, 20, 36])
    assert measure.timed(lambda: None, 3, patience=20) == {"seconds": 15, "runs": 1}


def test_errors():
    reference = np.array([3.0, -4.0])
    assert measure.relative_error(1.1 * reference, reference) == pytest.approx(0.1)
    assert measure.snr_db(1.1 * reference, reference) == pytest.approx(20)
    assert measure.snr_db(reference, reference) is None
    assert json.dumps(measure.peak_memory())


T5 = {"d_ff": 24, "d_kv": 8, "num_layers": 1, "num_heads": 2, "vocab_size": 200}
CLAP = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2}
DCAE = {"attention_head_dim": 8, "encoder_layers_per_block": [1] * 4, "decoder_layers_per_block": [1] * 4}
DCAE |= dict.fromkeys(("encoder_block_out_channels", "decoder_block_out_channels"), [8, 16, 32, 64])
SIZES = {
    "flan-t5-base": T5 | {"d_model": 16},
    "flan-t5-large": T5 | {"d_model": 24},
    "clap-general": CLAP | {"vocab_size": 300, "projection_dim": 16},
    "acestep-v1": {"dcae": DCAE, "vocoder": {"depths": (1, 1, 1, 1), "dims": (8, 8, 8, 8), "num_mels": 8,
                                             "upsample_initial_channel": 128}},
    "mmaudio-16k": {"vae": {"width": 8}, "vocoder": {"width": 64}},
    "acestep-v15": {"channel_multiples": [1, 1, 1, 1, 1], "decoder_channels": 8},
}  # fmt: skip


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory):
    """preset -> a tiny stand-in, complete with text encoders and codec, written when it is first asked for."""

    @cache
    def written(preset: str) -> Path:
        folder = tmp_path_factory.mktemp("stand-in") / preset
        return write_stand_in(folder, preset, PRESETS[preset], SIZES).path

    return written


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
def test_a_stand_in_is_a_model_that_plays(stand_in, preset):
    request = GenerationRequest("slow piano", seconds=1, steps=2, seed=0, model=str(stand_in(preset)))
    result = Engine().generate(request)
    assert 0.01 < np.abs(result[0].audio).max() <= 1


@pytest.fixture
def in_process(stand_in, monkeypatch):
    """Children run here, with plain values in and out as through a pipe; stand-ins are tiny."""

    def measured(part: str, threads: int | None, **arguments) -> dict:
        try:
            return json.loads(json.dumps(parts.PARTS[part](**json.loads(json.dumps(arguments)))))
        except TTMError as error:
            raise child.PartError(str(error), error.exit_code) from error

    def tiny(folder, preset):
        return open_bundle(shutil.copytree(stand_in(preset), folder))

    monkeypatch.setattr(child, "measure", measured)
    monkeypatch.setattr(parts, "write_stand_in", tiny)


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["mamba-189m", "dit-450m"])
def test_the_report_has_every_part_and_its_errors(in_process, home, preset, monkeypatch):
    monkeypatch.setattr("musicgen_app.bench.run.GROWTH_SECONDS", {"step": (1.0, 2.0), "decode": (1.0, 3.0)})
    settings = BenchSettings(models=(preset,), seconds=1, steps=2, repeats=1, growth=True)
    report = run(replace(settings, decoders=("torch",)))
    assert report["faults"] == []
    system = json.loads(json.dumps(report))["systems"][0]
    assert system["weights"] == "random"
    assert system["parameters"] == trainable_parameters(build_backbone(preset, PRESETS[preset]))
    assert system["text_encoding"]["seconds"] > 0
    for precision, largest in {"fp32": 1e-5, "bf16": 0.1}.items():
        step = system["step"][precision]
        assert 0 < step["relative_error"] < largest
        assert step["over_products"] == step["seconds"] / step["products"]["seconds"]
        assert step["faster_than_plain"] == step["plain_fp32_seconds"] / step["seconds"]
    assert set(system["decode"]) == {"torch fp32", "torch bf16"}
    assert system["decode"]["torch bf16"]["snr_db"] > 10
    rows = {(row["precision"], row["evaluations"]): row for row in system["whole"]}
    assert set(rows) == {(precision, count) for precision in ("fp32", "bf16") for count in (2, 20)}
    assert 0 < rows["bf16", 2]["latents_error"] < 0.2
    assert set(rows["fp32", 2]["stages"]) >= {"text", "sampling", "decoding"}
    growth = system["growth"]
    assert [point["audio_seconds"] for point in growth["decode"]["points"]] == [1, 3]
    assert growth["step"]["time_ratio"] > 0
    text = "\n".join(lines(report))
    assert preset in text and "whole bf16, 2 steps" in text and "not measured" not in text


@pytest.mark.slow
def test_an_installed_model_is_measured_with_its_own_weights(in_process, home, tiny_bundle):
    report = run(BenchSettings(models=("tiny",), seconds=1, quick=True, decoders=("torch",)))
    assert report["faults"] == []
    assert report["systems"][0]["weights"] == "own"
    assert {row["steps"] for row in report["systems"][0]["whole"]} == {2}
    assert "quick" in "\n".join(lines(report))


def test_a_part_that_fails_is_reported_and_the_others_go_on(in_process, home, monkeypatch):
    def broken(**arguments):
        raise DependencyError("no such package: pip install it")

    monkeypatch.setitem(parts.PARTS, "text", broken)
    report = run(BenchSettings(models=("tiny",), seconds=1, quick=True, precisions=("fp32",), decoders=("torch",)))
    assert report["faults"] == [{"part": "tiny: text", "error": "no such package: pip install it", "code": 6}]
    assert report["systems"][0]["step"]["fp32"]["seconds"] > 0
    assert "not measured: tiny: text: no such package" in "\n".join(lines(report))


def test_cancelled_it_reports_what_it_has(in_process, cli_run, home, monkeypatch):
    def stop(**arguments):
        raise KeyboardInterrupt

    monkeypatch.setitem(parts.PARTS, "decode", stop)
    code, out, _ = cli_run("bench", "tiny", "--seconds", "1", "--quick", "--precision", "fp32", "--json")
    report = json.loads(out)
    assert code == 130 and report["cancelled"]
    assert report["systems"][0]["step"]["fp32"]["seconds"] > 0 and "decode" not in report["systems"][0]
    assert "cancelled" in "\n".join(lines(report))


def test_unknown_names_are_refused_before_anything_is_measured(home, monkeypatch):
    monkeypatch.setattr(child, "measure", lambda *given, **named: pytest.fail("measured"))
    with pytest.raises(ModelError, match=r"unknown model 'tinny'; did you mean tiny\?.*random weights: mamba-189m"):
        run(BenchSettings(models=("tinny",)))
    with pytest.raises(RequestError, match="musicgen-small"):
        run(BenchSettings(against="jukebox"))


@pytest.mark.slow
def test_ratio_against_the_rival(in_process, home, monkeypatch):
    monkeypatch.setattr(musicgen, "build_musicgen", tiny_musicgen)
    settings = BenchSettings(models=("tiny",), seconds=1, quick=True, precisions=("fp32",), decoders=("torch",))
    report = run(replace(settings, against="musicgen-small"))
    rival, row = report["against"], report["systems"][0]["whole"][0]
    assert rival["audio_seconds"] == 1
    assert rival["precision"] == min(rival["trial_seconds"], key=rival["trial_seconds"].get)
    assert row["faster_than_rival"] == pytest.approx(rival["rtf"] / row["rtf"])
    assert "x as fast as the rival" in "\n".join(lines(report))


def tiny_musicgen():
    from transformers import EncodecConfig, MusicgenConfig, MusicgenDecoderConfig, T5Config
    from transformers import MusicgenForConditionalGeneration as MusicGen

    text = T5Config(d_model=16, d_ff=24, d_kv=8, num_layers=1, num_heads=2)
    audio = EncodecConfig(
        sampling_rate=32_000, num_filters=4, upsampling_ratios=[8, 5, 4, 4], codebook_size=64, hidden_size=16,
        target_bandwidths=[2.2], num_lstm_layers=1,
    )  # fmt: skip
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "ffn_dim": 16}
    decoder = MusicgenDecoderConfig(vocab_size=64, pad_token_id=64, bos_token_id=64, **sizes)
    return MusicGen(MusicgenConfig(text_encoder=text, audio_encoder=audio, decoder=decoder)).eval()


def test_musicgen_small_has_its_published_size():
    with torch.device("meta"):
        model = musicgen.build_musicgen()
    assert sum(p.numel() for p in model.parameters()) == 586_884_674


@pytest.mark.slow
def test_a_part_in_a_process_of_its_own():
    facts = child.measure("machine", threads=1)
    assert facts["threads"] == 1 and facts["torch"] == torch.__version__
    with pytest.raises(child.PartError, match="unknown model 'none'"):
        child.measure("facts", model="none", seconds=1)


def test_command(in_process, cli_run, home):
    code, out, err = cli_run("bench", "tiny", "--seconds", "1", "--quick", "--decoder", "torch", "--json")
    report = json.loads(out)
    assert code == 0 and report["schema"] == 1
    assert set(report) == {"schema", "machine", "settings", "against", "systems", "cancelled", "faults"}
    assert report["systems"][0]["whole"][0]["peak_bytes"] > 1e7
    assert "tiny: text" in err
    code, out, err = cli_run("bench", "tinny", "--json")
    assert code == 4 and json.loads(out)["error"]["code"] == 4
