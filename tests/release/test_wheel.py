"""What travels in the wheel: our two packages with what they need at run time, and nothing else."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from musicgen_app import __version__
from musicgen_app.models.bundle import open_bundle

TOP = Path(__file__).parents[2]
PROJECT = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def wheel() -> dict[str, int]:
    """Path in the wheel -> size in bytes, of every file that a build would put into it besides its metadata."""
    builder = pytest.importorskip("hatchling.builders.wheel").WheelBuilder(str(TOP))
    with builder.config.set_build_data({"force_include": {}, "force_include_editable": {}, "artifacts": []}):
        return {file.distribution_path: Path(file.path).stat().st_size for file in builder.recurse_included_files()}


def test_it_owns_no_top_level_name_but_ours(wheel):
    assert {path.split("/")[0] for path in wheel} == {"musicgen_app", "ttm_trainer"}


def test_no_report_log_picture_or_test_travels_in_it(wheel):
    kinds = {Path(path).suffix for path in wheel}
    assert not kinds & {".png", ".ipynb", ".pyc", ".wav"}, kinds
    assets = {path.removeprefix("musicgen_app/assets/") for path in wheel if path.startswith("musicgen_app/assets/")}
    bundles = {f"sketch/{name}" for name in open_bundle(TOP / "assets" / "sketch").config["files"]}
    cards = {f"{name}/{file}" for name in ("sketch", "aligner") for file in ("README.md", "CREDITS.md")}
    others = {"sketch/config.json", "sketch/CHANGELOG.md", "aligner/aligner.json", "aligner/model.safetensors"}
    songs = {f"examples/{path.name}" for path in (TOP / "assets" / "examples").iterdir()}
    assert assets == bundles | cards | others | songs | {"examples.json"} and len(songs) == 6


def test_it_has_what_is_read_at_run_time(wheel):
    for package, data in {"musicgen_app": "gui/static/page.js", "ttm_trainer": "corpus/recorded_tracks.jsonl"}.items():
        assert {f"{package}/{data}", f"{package}/__init__.py", f"{package}/py.typed"} <= wheel.keys()


def test_its_weights_are_all_that_is_large(wheel):
    """Weights hardly compress: what else there is must leave the wheel below 100 MB."""
    others = sum(size for path, size in wheel.items() if not path.endswith(".safetensors"))
    assert others < 4.5e6 and sum(wheel.values()) < 112e6


def test_its_metadata_names_every_licence_in_it():
    card = (TOP / "assets" / "aligner" / "README.md").read_text(encoding="utf-8")
    assert "Weights: CC0-1.0" in card
    named = PROJECT["license"].split(" AND ")
    assert named == ["Apache-2.0", open_bundle(TOP / "assets" / "sketch").licence, "CC0-1.0"]
    assert {path.stem for path in (TOP / "LICENSES").iterdir()} == set(named) - {"Apache-2.0"}
    assert PROJECT["license-files"] == ["LICENSE", "LICENSES/*.txt"]


def test_the_changelog_begins_with_this_version():
    sections = [
        line.split()[1]
        for line in (TOP / "CHANGELOG.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("## ")
    ]
    assert sections[0] == __version__ and "Unreleased" not in sections
    assert f"\nversion: {__version__}\n" in (TOP / "CITATION.cff").read_text(encoding="utf-8")


def test_every_credit_stands_once():
    lines = [
        line
        for file in (TOP / "assets").rglob("CREDITS.md")
        for line in file.read_text(encoding="utf-8").splitlines()
        if line.startswith("- ") and "/share/games/" in line
    ]
    assert len(lines) > 200 and len(lines) == len(set(lines))
