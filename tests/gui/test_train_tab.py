"""The Train tab: its form is checked as on the command line; trainings are started, watched, stopped and used."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from musicgen_app.machine import paths, user_settings
from musicgen_app.models import installed
from musicgen_app.server.context import Context
from support.background_run import SIZES, prepare_tiny, until
from ttm_trainer.gui import train_tab
from ttm_trainer.runtime import background_jobs
from ttm_trainer.runtime.background_jobs import BackgroundJob, Jobs

NASTY = "<img src=x onerror=alert(1)>"


class Engine:
    forgotten = 0

    def forget(self) -> None:
        self.forgotten += 1


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return prepare_tiny(tmp_path_factory.mktemp("prepared"))


@pytest.fixture
def context(home, tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "jobs", lambda: tmp_path / "jobs")
    found = Context(engine=Engine(), library=None, settings=user_settings.Settings(), requests=None,
                    models_dir=tmp_path / "models")  # fmt: skip
    yield found
    for job in Jobs().list():
        if process := background_jobs.process_of(job):
            process.kill()
            process.wait(10)


def form(music: object, folder: object, **fields: object) -> list:
    """The values of the form for a tiny training on the CPU; a field that nobody touched is None."""
    changes = "\n".join([*(f"model.{name}={size}" for name, size in SIZES.items()), "precision=fp32", "log_every=2"])
    usual = dict.fromkeys(train_tab.FIELDS) | {
        "data": str(music), "name": "tones", "recipe": "sketch", "steps": "4", "batch": " 2 ",
        "preview_every": "2", "separate": False, "licence": "CC0-1.0", "preview_prompt": " a tone \n\n",
        "set": changes, "out": str(folder),
    }  # fmt: skip
    return [(usual | fields)[name] for name in train_tab.FIELDS]


def shown(context: Context, *args: object) -> dict:
    """The values of the view by the names of its parts."""
    names = ("picked", "chosen", "state", "stop", "resume", "forget", "usable", "as_name", "plot", "listen", "step",
             "log", "timer", "seen")  # fmt: skip
    return dict(zip(names, train_tab.look(context, *args), strict=True))


def test_check_tells_what_it_takes_and_writes_nothing(context, data, tmp_path):
    said = train_tab.check_run(context, *form(data, tmp_path / "run"))
    for text in ("20 train", "parameters", "weights", "a checkpoint", "Nothing was changed", "model.hidden", "--set"):
        assert text in said, said
    assert not (tmp_path / "run").exists() and Jobs().list() == []


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"data": ""}, "give the folder with the music"),
        ({"data": "/no/such/place" + NASTY}, "is no folder"),
        ({"name": "My Model"}, "no name for a model"),
        ({"name": "../../x", "out": ""}, "no name for a model"),
        ({"clusters": "genre-3"}, "text-K or audio-K"),
        ({"steps": "0"}, "steps&#x27;: 0 is not in the range"),
        ({"lr": "fast"}, "lr&#x27;: &#x27;fast&#x27; is not a valid float"),
        ({"set": "training.bach=3"}, "did you mean training.batch"),
        ({"set": NASTY}, "&lt;img src"),
        ({"preview_prompt": "a\nb\nc\nd"}, "3 prompts"),
        ({"out": "relative/folder"}, "whole path"),
        ({"encoders": "nobody"}, "nobody"),
    ],
)
def test_what_cannot_be_is_said_before_anything_starts(context, data, tmp_path, fields, message):
    values = form(data, tmp_path / "run", **fields)
    said, id = train_tab.start_run(context, *values)
    assert message in said and 'role="alert"' in said and id is None and "<img" not in said
    assert train_tab.check_run(context, *values) == said
    assert not (tmp_path / "run").exists() and not (tmp_path / "jobs").exists()


def test_without_a_training_the_tab_says_what_to_do(context):
    view = shown(context)
    assert "No training yet" in view["state"] and view["timer"].active is False
    assert not any(view[name]["visible"] for name in ("chosen", "stop", "resume", "forget", "usable", "plot", "log"))
    for work in (train_tab.stop_run, train_tab.resume_run, train_tab.forget_run):
        assert "choose a training first" in work(context, None) and "is no job" in work(context, NASTY)
    assert all(clip["visible"] is False for clip in train_tab.hear(context, None, 4))


@pytest.mark.slow
def test_a_training_from_the_form_to_a_model_of_ones_own(context, data, tmp_path):
    said, id = train_tab.start_run(context, *form(data, tmp_path / "run"))
    assert "is training" in said and 'role="status"' in said, said
    view = shown(context, id)
    assert view["timer"].active is True and view["stop"]["visible"] and not view["resume"]["visible"]
    assert view["picked"] == view["chosen"]["value"] == id and view["chosen"]["choices"] == [("run: running", id)]
    until(lambda: not Jobs().status(Jobs().get(id)).running)

    after = shown(context, id, view["seen"])
    assert "Finished: all 4 steps" in after["state"] and "4 of 4" in after["state"], after["state"]
    assert after["timer"].active is False and after["forget"]["visible"] and after["usable"]["visible"]
    assert not after["stop"]["visible"] and not after["resume"]["visible"]
    assert after["plot"]["visible"] and {"Loss", "Loss, held-out music"} <= set(after["plot"]["value"]["curve"])
    assert after["step"]["choices"] == [4, 2] and after["step"]["value"] == 4 and "step 4/4" in after["log"]["value"]
    clips = train_tab.hear(context, id, 4)
    assert [clip["visible"] for clip in clips] == [True, False, False] and clips[0]["label"] == "a tone (step 4)"
    assert Path(clips[0]["value"]).read_bytes()[:4] == b"RIFF" and str(tmp_path / "run") not in clips[0]["value"]
    again = shown(context, id, after["seen"])  # nothing is new: nothing is drawn anew
    assert not {"value", "choices"} & set(again["plot"]) and "choices" not in again["chosen"]

    assert "tones is among your models" in train_tab.use_run(context, id, "", False)
    assert installed.find("tones", context.models_dir).config["training"]["step"] == 4
    assert "tick Replace" in train_tab.use_run(context, id, "", False) and context.engine.forgotten == 0
    assert "among your models" in train_tab.use_run(context, id, "tones", True) and context.engine.forgotten == 1
    assert "off the list" in train_tab.forget_run(context, id) and (tmp_path / "run" / "bundle").is_dir()
    assert "No training yet" in shown(context, id)["state"]


def test_names_and_numbers_of_a_run_are_harmless(context, tmp_path):
    out = tmp_path / NASTY
    out.mkdir()
    rows = [{"step": n, "loss": 1 / n, "val": float("nan")} for n in range(1, 2001)] + [{"step": 9, "loss": "x"}]
    (out / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (out / "outcome.json").write_text(json.dumps({"error": {"message": NASTY, "code": 3}}))
    (tmp_path / "jobs").mkdir()
    Jobs()._write(BackgroundJob("0123456789ab", out, (), "/", "2026", process=(os.getpid(), 1.0)))
    (tmp_path / "jobs" / "ffffffffffff.json").write_text("{")
    view = shown(context)
    assert "<img" not in view["state"] and "Failed: &lt;img" in view["state"] and "no record of a job" in view["state"]
    drawn = view["plot"]["value"]
    assert len(drawn) <= train_tab.POINTS + 1 and set(drawn["curve"]) == {"Loss"} and drawn["step"].max() == 2000
    assert view["resume"]["visible"] and not view["usable"]["visible"]


def test_the_tab_is_built(context):
    import gradio as gr

    with gr.Blocks() as page, gr.Tab("Train"):
        train_tab.build(context)
    assert {event["api_visibility"] for event in page.config["dependencies"]} == {"private"}
