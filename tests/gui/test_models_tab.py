"""The Models tab: what it says of a model, and that adding, checking and removing are those of the command line."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import pytest

from musicgen_app.gui.tabs import models
from musicgen_app.machine import user_settings
from musicgen_app.models import installed
from musicgen_app.models.bundle import write_bundle
from musicgen_app.server.context import Context

NASTY = '<img src=x onerror="alert(1)">'


class Engine:
    """Counts how often the loaded model was given up."""

    forgotten = 0

    def forget(self) -> None:
        self.forgotten += 1


@pytest.fixture
def context(tiny_bundle, tmp_path, monkeypatch) -> Context:
    """A home of one's own with a copy of `tiny` in it."""
    monkeypatch.setenv("TTM_APP_HOME", str(tmp_path / "home"))
    shutil.copytree(tiny_bundle.path, tmp_path / "home" / "models" / "tiny")
    return Context(engine=Engine(), library=None, settings=user_settings.Settings(), requests=None)


def zipped(folder: Path, target: Path, root: str = "mine/", **extra: bytes) -> Path:
    with zipfile.ZipFile(target, "w") as archive:
        for file in folder.rglob("*"):
            if file.is_file():
                archive.write(file, root + str(file.relative_to(folder)))
        for name, data in extra.items():
            archive.writestr(name, data)
    return target


def test_the_list_names_the_default_and_shows_it(context):
    chosen, broken, about, card, removable, sure, said = models.look(context)
    assert chosen["value"] == "sketch" and broken == "" and sure["visible"] is False
    assert ("sketch: sketch, second edition (default)", "sketch") in chosen["choices"]
    assert "21,9" in about and "CC-BY-SA-4.0" in about and "CC-BY-SA-3.0+" in about and "10 s as it learned it" in about
    assert "broad strokes of a prompt" in card and "## Figures" not in card and removable["interactive"] is False
    assert models.look(context, "tiny")[4]["interactive"] is True


def test_a_damaged_model_is_named(context, tmp_path):
    broken = tmp_path / "home" / "models" / NASTY.replace("/", "")
    broken.mkdir()
    (broken / "config.json").write_text("{")
    said = models.look(context)[1]
    assert "not valid JSON" in said and "<img" not in said and 'role="alert"' in said


def test_what_a_model_says_of_itself_is_harmless(context, tiny_parts, tmp_path):
    config, state, files = tiny_parts
    config = config | {"title": NASTY, "licence": NASTY, "data": [{"name": NASTY, "licence": NASTY, "hours": NASTY}, 3]}
    config["training"] = {"imported_from": NASTY}
    card = f"---\nlicense: x\n---\n\n# {NASTY}\n\nHello {NASTY} ![a](http://far/x.png)\n\n## Limits\n\n<script>\n"
    write_bundle(tmp_path / "home" / "models" / "nasty", config | {"name": "nasty"}, state, card, files)
    about, text, *_ = models.show(context, "nasty")
    assert "<img" not in about and "&lt;img" in about
    assert "<" not in text and "![" not in text and "license: x" not in text
    assert "Hello" in text and "### Limits" in text


def test_the_default_is_a_setting(context, monkeypatch):
    assert "used from now on" in models.make_default(context, "tiny")
    assert user_settings.load().model == "tiny" == models.look(context)[0]["value"]
    monkeypatch.setenv("TTM_APP_MODEL", "sketch")
    assert "TTM_APP_MODEL wins" in models.make_default(context, "tiny")
    assert "unknown model" in models.make_default(context, "nobody")
    assert "choose a model" in models.make_default(context, None)


def test_changed_files_are_found(context, tmp_path):
    assert "tiny is intact" in models.check_files(context, "tiny")
    config = tmp_path / "home" / "models" / "tiny" / "codec" / "config.json"
    config.write_text(config.read_text() + " ")
    said = models.check_files(context, "tiny")
    assert "SHA-256 differs" in said and 'role="alert"' in said


def test_only_the_users_own_is_removed_and_only_after_a_question(context, tmp_path):
    question, sure = models.ask(context, "tiny")
    assert str(tmp_path / "home" / "models" / "tiny") in question and sure["visible"]
    assert installed.find("tiny")
    assert "comes with the app" in models.ask(context, "sketch")[0]
    assert "comes with the app" in models.remove_model(context, "sketch") and installed.find("sketch")
    assert "is deleted" in models.remove_model(context, "tiny") and context.engine.forgotten == 1
    assert [bundle.name for bundle in installed.list_models()] == ["sketch"]


def test_a_model_folder_is_added_under_its_name_or_another(context, tiny_bundle):
    kind = models.FOLDER
    said, path, _ = models.add_model(context, str(tiny_bundle.path), None, kind, "", "", False)
    assert "exists already" in said and "tick Replace" in said and path == str(tiny_bundle.path)
    said, path, _ = models.add_model(context, str(tiny_bundle.path), None, kind, "other", "", False)
    assert "other is added" in said and path == "" and context.engine.forgotten == 0
    other = installed.find("other")
    installed.check(other)
    assert other.path.name == "other" and other.weights_sha256 == tiny_bundle.weights_sha256
    said, *_ = models.add_model(context, str(tiny_bundle.path), None, kind, "other", "", True)
    assert "other is added" in said and context.engine.forgotten == 1


def test_an_upload_is_taken_and_cleared_away(context, tiny_bundle, tmp_path):
    upload = zipped(tiny_bundle.path, tmp_path / "mine.zip", **{"../../evil": b"x", "mine/more/notes.txt": b"x"})
    said, _, left = models.add_model(context, "", str(upload), models.FOLDER, "zipped", "", False)
    assert "zipped is added" in said and left is None and not upload.exists()
    found = installed.find("zipped")
    installed.check(found)
    assert not (found.path / "more").exists() and not list(tmp_path.rglob("evil"))


@pytest.mark.parametrize(
    ("path", "kind", "name", "message"),
    [
        ("", models.FOLDER, "", "say where the model is"),
        ("/nowhere/at/all", models.FOLDER, "", "no file"),
        ("nul\0l", models.FOLDER, "", "cannot read|no file"),
        ("{tmp}/empty", models.FOLDER, "", "no checkpoint|holds no|is no model folder|no file"),
        ("{tmp}/text.txt", models.FOLDER, "", "is no model folder"),
        ("{tmp}/text.txt", "dit-450m", "", "not a checkpoint"),
        ("{tiny}", models.FOLDER, "../../x", "is no name for a model"),
        ("{tmp}/cut.zip", models.FOLDER, "", "changed|cannot|truncated"),
        ("{tmp}/changed", models.FOLDER, "", "SHA-256 differs"),
    ],
)
def test_what_cannot_be_added_is_one_line_and_leaves_nothing(context, tiny_bundle, tmp_path, path, kind, name, message):
    import re

    (tmp_path / "empty").mkdir()
    (tmp_path / "text.txt").write_text("hello hello")
    cut = zipped(tiny_bundle.path, tmp_path / "whole.zip").read_bytes()
    (tmp_path / "cut.zip").write_bytes(cut.replace(b"safetensors", b"safetensorz"))
    shutil.copytree(tiny_bundle.path, tmp_path / "changed")
    (tmp_path / "changed" / "codec" / "config.json").write_text("{}")
    before = sorted((tmp_path / "home").rglob("*"))
    path = path.format(tmp=tmp_path, tiny=tiny_bundle.path)
    said, *_ = models.add_model(context, path, None, kind, name or "new", "", False)
    assert re.search(message, said) and 'role="alert"' in said, said
    assert sorted((tmp_path / "home").rglob("*")) == before


def test_the_tab_is_built(context):
    import gradio as gr

    with gr.Blocks() as page, gr.Tab("Models"):
        models.build(context)
    assert {event["api_visibility"] for event in page.config["dependencies"]} == {"private"}
    assert json.dumps(page.config["components"], default=str).count("Models on this machine") == 1
