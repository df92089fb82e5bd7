"""`ttm-app train`: one command from a folder of music to a model that plays; resumed, refused, replaced."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from musicgen_app import Engine, GenerationRequest, audio, cli
from musicgen_app.control.genre_classifier import load_genres
from musicgen_app.errors import ModelError
from musicgen_app.models.adapters import open_adapter
from musicgen_app.models.bundle import open_bundle, verify
from ttm_trainer.output.export import replace_bundle
from ttm_trainer.run import WAIT

pytestmark = pytest.mark.slow

SIZES = {"hidden": 32, "depth": 2, "fused_depth": 1, "heads": 1, "mlp_width": 32}
SHORT = ("--encoders", "tiny", "--steps", 4, "--batch", 2, "--save-every", 2, "--precision", "fp32", "--device", "cpu")
PAPERS = ("--clusters", "text-2", "--beta-lambda", 1, "--repa-clap", 0.2, "--ema", "sigma:0.1", "--micro", 1)


@pytest.fixture(scope="module")
def music(tmp_path_factory) -> Path:
    """Six tracks of two seconds with captions in a file beside each, and their licences."""
    folder = tmp_path_factory.mktemp("music")
    rng, time = np.random.default_rng(0), np.arange(2 * 16_000) / 16_000
    for n in range(6):
        tone = 0.2 * np.sin(2 * np.pi * 110 * (n + 1) * time) + 0.02 * rng.standard_normal((1, len(time)))
        audio.write(folder / f"{n}.wav", tone.astype(np.float32), 16_000, {})
        (folder / f"{n}.txt").write_text(f"a tone called number {n}")
    (folder / "licences.csv").write_text("id,licence,source\n" + "".join(f"{n},CC0-1.0,maker {n}\n" for n in range(6)))
    return folder


@pytest.fixture
def train(home, music, tiny_aligner, capsys):
    """train(OUT, *OPTIONS) -> (exit code, stdout, stderr) of `ttm-app train` on the music with a tiny model."""
    tiny = [f"--set=model.{name}={size}" for name, size in SIZES.items()]
    data = {"embedder": tiny_aligner, "seconds": 1, "candidates": 3, "keep": 2, "val": 0.2}
    tiny += [f"--set=preparation.{name}={value}" for name, value in data.items()]
    tiny += ["--set=training.validation_items=2"]

    def run(out: Path, *options: object, data: Path = music) -> tuple[int, str, str]:
        code = cli.run(["train", "--data", str(data), "--out", str(out), *map(str, SHORT), *tiny, *map(str, options)])
        return (code, *capsys.readouterr())

    return run


def test_one_command_from_a_folder_to_a_model_that_plays(train, tmp_path):
    out = tmp_path / "run"
    code, stdout, said = train(out, *PAPERS, "--name", "tones", "--preview-every", 2)
    assert code == 0 and stdout.strip() == str(out / "bundle"), said
    bundle = open_bundle(out / "bundle")
    verify(bundle)
    assert bundle.config["name"] == "tones" and bundle.config["training"]["step"] == 4
    assert bundle.config["data"][0]["licence"] == "CC0-1.0"
    card = (out / "bundle/README.md").read_text()
    assert "pipeline_tag: text-to-audio" in card and "training.repa_clap" in card and "--repa-clap" in card
    assert "maker 0" in (out / "bundle/CREDITS.md").read_text()
    weights = load_file(out / "bundle/model.safetensors")
    assert not [name for name in weights if "head" in name and "attn" not in name]  # heads of REPA stay behind
    for name in ("curves.png", "times.png", "prepared/segments/scores.png", "prepared/clusters/text-2/report.png"):
        assert (out / name).read_bytes()[:4] == b"\x89PNG", name
    assert len(list((out / "previews/step-0000002").glob("*.wav"))) == 3
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert {"loss", "flow", "clap", "lr"} <= set().union(*rows)
    record = json.loads((out / "run.json").read_text())["parameters"]
    assert record["training.repa_clap"] == [0.2, "--repa-clap"] and record["training.drop"][1] == "ttm-app"
    request = GenerationRequest("a tone", seconds=1, seed=1, model=str(bundle.path))
    (result,) = Engine(device="cpu").generate(request)
    assert result.audio.shape == (1, 8_000) and np.isfinite(result.audio).all()


def test_stopped_and_run_again_gives_the_same_model(train, tmp_path):
    assert train(tmp_path / "straight", *PAPERS)[0] == 0
    assert train(tmp_path / "again", *PAPERS, "--stop-at", 2)[0] == 75
    code, stdout, said = train(tmp_path / "again", *PAPERS)
    assert code == 0 and "step 2 of 4" in said
    digests = {open_bundle(tmp_path / run / "bundle").weights_sha256 for run in ("straight", "again")}
    assert len(digests) == 1
    for name in ("bundle/README.md", "bundle/config.json", "bundle/CREDITS.md", "metrics.jsonl", "curves.png"):
        straight, again = ((tmp_path / run / name).read_bytes() for run in ("straight", "again"))
        assert straight == again, name
    code, stdout, _ = train(tmp_path / "again", *PAPERS, "--json")  # once more: nothing is left to do
    assert code == 0 and json.loads(stdout) | {"bundle": "", "checkpoint": ""} == {
        "step": 4, "finished": True, "stopped": None, "bundle": "", "checkpoint": "", "code": 0,
    }  # fmt: skip


def test_a_model_of_music_of_known_genres_reads_them_from_prompts(train, music, tmp_path):
    rows = [
        {"id": str(n), "path": f"{n}.wav", "start": 0.0, "seconds": 2.0, "split": "val" if n == 5 else "train",
         "captions": {"short": [f"{('fog', 'fire')[n % 2]} number {n}"]}, "facts": {"genre": ("calm", "loud")[n % 2]},
         "licence": "CC0-1.0", "source": "tests"} for n in range(6)
    ]  # fmt: skip
    folder = tmp_path / "named"
    shutil.copytree(music, folder, ignore=shutil.ignore_patterns("*.txt", "*.csv"))
    (folder / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    code, _, said = train(tmp_path / "run", data=folder)
    assert code == 0, said
    bundle = open_bundle(tmp_path / "run/bundle")
    verify(bundle)
    assert load_genres(bundle).names == ("calm", "loud")
    (clip,) = Engine(device="cpu").generate(GenerationRequest("fog", seconds=1, seed=1, model=str(bundle.path)))
    assert clip.read_as == "calm"


def test_fine_tuning_keeps_the_statistics_of_the_model_it_begins_from(train, tmp_path):
    donor = tmp_path / "donor/bundle"
    assert train(tmp_path / "donor")[0] == 0
    statistics = {"mean": [0.25] * 8, "std": [2.0] * 8}
    config = json.loads((donor / "config.json").read_text()) | {"latent": statistics}
    (donor / "config.json").write_text(json.dumps(config))
    for _ in range(2):
        code, _, said = train(tmp_path / "run", "--init", donor, "--stop-at", 2)
        assert code == 75 and f"latents are normalised as those of {donor}" in said
        assert open_bundle(tmp_path / "run/bundle").config["latent"] == statistics
    donor.rename(tmp_path / "gone")  # what is needed of it is in the run
    assert train(tmp_path / "run", "--init", donor)[0] == 0
    assert open_bundle(tmp_path / "run/bundle").config["latent"] == statistics


def test_a_model_of_another_codec_keeps_its_statistics_to_itself(train, tmp_path):
    donor = tmp_path / "donor/bundle"
    assert train(tmp_path / "donor")[0] == 0
    weights = load_file(donor / "codec/model.safetensors")
    save_file({name: value + 0.5 for name, value in weights.items()}, donor / "codec/model.safetensors")
    code, _, said = train(tmp_path / "run", "--init", donor, "--stop-at", 1)
    assert code == 75 and "another codec" in said
    config = open_bundle(tmp_path / "run/bundle").config
    assert config["latent"] == open_bundle(donor).config["latent"]  # those of the data, which are the same


def test_a_run_of_an_earlier_version_goes_on_with_what_its_recipe_had(tmp_path, monkeypatch):
    """Score-aware runs were begun with another normalisation of scores, and drew captions, not styles."""
    from ttm_trainer import run as module
    from ttm_trainer.options import recipe_for
    from ttm_trainer.training.config import harmless
    from ttm_trainer.training.timesteps import Beta

    recipe = recipe_for("score-aware", "sketch")
    begun = json.loads(json.dumps(asdict(recipe.training)))
    for name in ("captions", "remainder", "repa_muq_into"):
        del begun[name]
    begun["timesteps"]["normalisation"] = "p75"
    monkeypatch.setattr(module.checkpoint, "latest", lambda folder: tmp_path)
    monkeypatch.setattr(module.checkpoint, "read_state", lambda folder: {"settings": {"training": begun}})
    resumed = module._as_begun(module.TrainingJob(recipe, (tmp_path,), tmp_path)).training
    assert (resumed.captions, resumed.timesteps) == ("captions", Beta(1.0, "p75"))
    module.checkpoint.refuse_other(tmp_path, {"training": begun}, {"training": asdict(resumed)}, harmless(begun))
    asked = recipe.changed("captions", "styles")
    assert module._as_begun(module.TrainingJob(asked, (tmp_path,), tmp_path)).training.captions == "styles"


def test_other_settings_in_the_same_folder_are_refused_by_name(train, tmp_path):
    out = tmp_path / "run"
    assert train(out, "--stop-at", 2)[0] == 75
    before = (out / "run.json").read_text()
    code, _, said = train(out, "--lr", 0.5)
    assert code == 4 and "lr" in said and (out / "run.json").read_text() == before
    code, _, said = train(out, "--set", "preparation.keep=1")
    assert code == 3 and "keep" in said
    code, _, said = train(out, "--resume", "never")
    assert code == 3 and "holds a run already" in said


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--clusters", "genre-3"), 2, "text-K or audio-K"),
        (("--timesteps", "beta", "--set", "training.timesteps.lam=-1"), 2, "lam"),
        (("--timesteps", "gamma"), 2, "is not one of 'uniform', 'logit-normal', 'beta'"),
        (("--ema", "often"), 2, "sigma:WIDTH"),
        (("--set", "training.bach=3"), 2, "did you mean training.batch"),
        (("--set", "lr"), 2, "KEY=VALUE"),
        (("--name", "My Model"), 2, "no name for a model"),
        (("--resume", "nowhere"), 3, "there is no such checkpoint"),
        (("--encoders", "nobody"), 4, "nobody"),
        (("--clusters", "text-500"), 2, "500 clusters cannot be made"),
    ],
)
def test_wrong_options_are_one_line(train, tmp_path, options, code, message):
    found, stdout, said = train(tmp_path / "run", *options)
    assert found == code and message in said and not stdout
    assert "Traceback" not in said and not (tmp_path / "run" / "bundle").exists()


def test_missing_music_is_one_line(train, tmp_path):
    code, _, said = train(tmp_path / "run", data=tmp_path / "nowhere")
    assert code == 3 and "does not exist" in said and not (tmp_path / "run").exists()


def test_a_dry_run_tells_every_parameter_and_writes_nothing(train, tmp_path):
    code, stdout, _ = train(tmp_path / "run", *PAPERS, "--dry-run", "--json")
    assert code == 0 and not (tmp_path / "run").exists()
    facts = json.loads(stdout)
    rows = {row["name"]: (row["value"], row["from"]) for row in facts["parameters"]}
    assert rows["training.repa_clap"] == (0.2, "--repa-clap") and rows["model.hidden"] == (32, "--set")
    assert facts["estimate"]["memory"] > facts["estimate"]["weights"] > 0 and facts["estimate"]["seconds"] > 0
    code, stdout, _ = train(tmp_path / "run", "--dry-run")
    assert code == 0 and "nothing was changed" in stdout and "memory " in stdout


def test_a_run_that_a_limit_ends_says_so_by_its_code(train, tmp_path):
    code, stdout, said = train(tmp_path / "late", "--max-hours", 1e-9, "--json")  # preparation counts
    facts = json.loads(stdout)
    assert (code, facts["code"], facts["finished"], facts["stopped"], facts["step"]) == (75, 75, False, "time limit", 0)
    assert "time limit: sounds had 0 of 6 parts; run the same command to go on" in said
    assert train(tmp_path / "late", "--stop-at", 1)[0] == 75
    code, stdout, said = train(tmp_path / "late", "--max-hours", 1e-9, "--json")
    facts = json.loads(stdout)
    assert (code, facts["code"], facts["finished"], facts["stopped"], facts["step"]) == (75, 75, False, "time limit", 2)
    assert "run the same command to go on" in said
    code, stdout, said = train(tmp_path / "late", "--stop-at", 3, "--json")
    facts = json.loads(stdout)
    assert (code, facts["code"], facts["stopped"], facts["step"]) == (75, 75, "stop_at", 3) and "--stop-at" in said
    code, stdout, _ = train(tmp_path / "late", "--json")
    assert (code, json.loads(stdout)["code"], json.loads(stdout)["finished"]) == (0, 0, True)


def test_a_prepared_folder_serves_many_runs(train, tmp_path):
    assert train(tmp_path / "first", "--stop-at", 1)[0] == 75
    prepared = tmp_path / "first/prepared"
    code, _, said = train(tmp_path / "second", "--stop-at", 1, data=prepared)
    assert code == 75 and not (tmp_path / "second/prepared").exists(), said
    code, _, said = train(tmp_path / "third", "--encoders", "sketch", data=prepared)
    assert code == 2 and "was prepared with the encoders tiny" in said


def test_curves_of_runs_are_drawn_over_each_other(train, tmp_path, capsys):
    for run in ("a", "b"):
        assert train(tmp_path / run)[0] == 0
    picture = tmp_path / "curves.png"
    plot = ["train", "plot", str(tmp_path / "a"), str(tmp_path / "b"), "-o", str(picture)]
    assert cli.run(plot) == 0 and picture.read_bytes()[:4] == b"\x89PNG"
    assert cli.run(plot) == 3 and "--force" in capsys.readouterr().err  # not replaced unasked
    assert cli.run(["train", "plot", str(tmp_path / "none"), "-o", str(tmp_path / "x.png")]) == 3


def test_a_bundle_is_replaced_whole_or_not_at_all(tiny_parts, tmp_path):
    config, state, files = tiny_parts
    out = tmp_path / "bundle"
    replace_bundle(out, config, state, "first\n", files)
    replace_bundle(out, config | {"version": "2"}, state, "second\n", files)
    assert open_bundle(out).config["version"] == "2" and len(list(tmp_path.iterdir())) == 1
    with pytest.raises(ModelError, match="version"):
        replace_bundle(out, config | {"version": 3}, state, "third\n", files)
    assert open_bundle(out).config["version"] == "2" and len(list(tmp_path.iterdir())) == 1


def test_a_bundle_is_replaced_on_windows(tiny_parts, tmp_path, windows_rules):
    config, state, files = tiny_parts
    for version in ("1", "2"):
        replace_bundle(tmp_path / "bundle", config | {"version": version}, state, "", files)
    assert open_bundle(tmp_path / "bundle").config["version"] == "2" and os.listdir(tmp_path) == ["bundle"]


def test_values_that_16_bits_cannot_hold_stay_as_they_are():
    from ttm_trainer.output.export import half

    matrix = torch.ones(2, 2)
    state = half({"a": 1e6 * matrix, "b": matrix, "c": matrix[0], "d": matrix.long()})
    assert [state[name].dtype for name in "abcd"] == [torch.float32, torch.float16, torch.float32, torch.int64]


def test_processes_wait_for_what_the_first_one_prepares(music, tiny_aligner, home, tmp_path, monkeypatch):
    """The second process opens the folder once it is there, with the same recipe."""
    from ttm_trainer import run
    from ttm_trainer.options import recipe_for
    from ttm_trainer.run import TrainingJob

    recipe = recipe_for("sketch", "tiny", steps=2, batch=2)
    for name, value in {"seconds": "1", "keep": "2", "candidates": "3", "embedder": str(tiny_aligner)}.items():
        recipe = recipe.changed(f"preparation.{name}", value)
    job, waits = TrainingJob(recipe, (music,), tmp_path / "run", device="cpu"), []

    def prepare_meanwhile(seconds: float) -> None:
        waits.append(seconds)
        run.ready(job, show=lambda line: None)

    monkeypatch.setattr("ttm_trainer.run.time.sleep", prepare_meanwhile)
    mine, prepared, _ = run.wait_until_ready(job)
    assert waits == [WAIT] and mine.training == run.ready(job, show=lambda line: None)[0].training
    assert len(prepared.items("train")) > 0


def test_an_adapter_of_a_model_from_a_folder_of_music(train, tmp_path):
    out = tmp_path / "run"
    options = ("--lora", 2, "--init", "tiny", "--name", "tones", "--preview-every", 2)
    code, stdout, said = train(out, *options, "--stop-at", 2)
    assert code == 75, said
    code, stdout, said = train(out, *options)
    assert code == 0 and stdout.strip() == str(out / "adapter"), said
    adapter = open_adapter(out / "adapter")
    assert adapter.name == "tones" and adapter.base["name"] == "tiny" and adapter.rank == 2
    assert "maker 0" in (out / "adapter/CREDITS.md").read_text()
    card = (out / "adapter/README.md").read_text()
    assert "LoRA of rank 2" in card and "pipeline_tag: text-to-audio" in card
    assert len(list((out / "previews/step-0000002").glob("*.wav"))) == 3
    with_it = GenerationRequest("a tone", seconds=1, seed=1, model="tiny", adapters={str(out / "adapter"): 1.0})
    (result,) = Engine(device="cpu").generate(with_it)
    (plain,) = Engine(device="cpu").generate(GenerationRequest("a tone", seconds=1, seed=1, model="tiny"))
    assert result.audio.shape == (1, 8_000) and not np.array_equal(result.audio, plain.audio)
