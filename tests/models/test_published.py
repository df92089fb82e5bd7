"""Models that others publish: what is told of them before they are here."""

from __future__ import annotations

import json
import re

import pytest

from musicgen_app.bench import expected
from musicgen_app.cli.commands import run
from musicgen_app.models import published
from musicgen_app.models.hub import PARTS
from musicgen_app.models.paper_systems import SYSTEMS


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Nothing is here."""
    monkeypatch.setenv("TTM_APP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    return tmp_path


def test_what_is_available(home, capsys):
    assert run(["models", "available"]) == 0
    printed = capsys.readouterr().out
    for name, model in published.PUBLISHED.items():
        assert name in printed and model.licence in printed
    for part in ("16 kHz mono", "44.1 kHz", "forbids commercial use", "estimates", "7.11 GB to fetch", "25 steps"):
        assert part in printed
    assert max(map(len, printed.splitlines())) <= 100


def test_every_one_can_be_looked_at_before_it_is_here(home, capsys):
    for name, model in published.PUBLISHED.items():
        assert run(["models", "show", name, "--json"]) == 0
        facts = json.loads(capsys.readouterr().out)
        assert facts["installed"] is False and facts["licence"] == model.licence and facts["parameters"] > 10**8
        assert ("bytes_to_fetch" in facts) == (model.why_not == "")
        assert run(["models", "show", name]) == 0
        assert model.licence in capsys.readouterr().out


DOWNLOADABLE = [*published.PUBLISHED, *published.EMBEDDERS, *PARTS]


@pytest.mark.parametrize("name", DOWNLOADABLE)
def test_whatever_can_be_downloaded_can_be_shown_in_words(name, home, capsys):
    assert run(["models", "show", name]) == 0
    keys = [line[:15].strip() for line in capsys.readouterr().out.splitlines()]
    assert not [key for key in keys if "_" in key]
    assert ("get it" in keys) == (name != "ttm-humanpref")


def test_a_name_that_is_nearly_one_of_these(home, capsys):
    assert run(["models", "show", "laion-clap-9014"]) == 4
    assert "did you mean laion-clap-90.14?" in capsys.readouterr().err


@pytest.mark.parametrize("name", [*DOWNLOADABLE[:4], *published.EMBEDDERS, *PARTS])
def test_offline_every_missing_file_has_its_address(name, home, capsys):
    assert run(["models", "download", name, "--offline"]) == 4
    said = capsys.readouterr().err
    part = published.PUBLISHED[name].weights if name in published.PUBLISHED else (PARTS | published.EMBEDDERS)[name]
    address = f"https://huggingface.co/{part.repo}/tree/{part.revision}"
    assert re.search(rf"{re.escape(part.files[-1])}[^;]* of {address};", said)
    assert "--from" in said and "to fetch" not in said


def test_offline_a_folder_of_anybody_has_its_address(home, capsys, monkeypatch):
    for options in (["--offline"], []):
        assert run(["models", "download", "hf:somebody/theirs@v1", *options]) == 4
        said = capsys.readouterr().err
        assert "https://huggingface.co/somebody/theirs/tree/v1" in said and "models import FOLDER" in said
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def test_from_a_folder_nothing_is_said_to_be_fetched(home, capsys):
    (home / "stick").mkdir()
    for name in ("meanaudio-s-full", "laion-clap-90.14", "flan-t5-base"):
        assert run(["models", "download", name, "--from", str(home / "stick")]) == 3
        said = capsys.readouterr().err
        assert "to fetch" not in said and f"{home / 'stick'} lacks" in said


@pytest.mark.parametrize("variable", ["HF_HOME", "HF_HUB_CACHE", "TTM_APP_HOME"])
def test_the_home_of_nobody_is_one_line(variable, home, capsys, monkeypatch):
    monkeypatch.setenv(variable, "~nobody-of-that-name")
    assert run(["models", "available"]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: {variable}: '~nobody-of-that-name' is in the folder of a user")
    assert said.count("\n") == 1


@pytest.mark.parametrize("busy", [True, False])
def test_an_estimate_says_when_the_machine_is_busy(busy, home, capsys, monkeypatch):
    expected.is_busy.cache_clear()
    monkeypatch.setattr("psutil.cpu_percent", lambda interval: 60.0 if busy else 5.0)
    try:
        assert run(["models", "available"]) == 0
        assert ("This machine is busy now" in capsys.readouterr().out) is busy
        assert run(["models", "show", "meanaudio-s-full"]) == 0
        assert ("busy  " in capsys.readouterr().out) is busy
    finally:
        expected.is_busy.cache_clear()


def test_the_list_says_where_more_is(home, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert run(["models", "list"]) == 0
    assert "ttm-app models available" in capsys.readouterr().err


def test_a_model_that_cannot_be_installed_says_why(home, capsys):
    assert run(["models", "download", "ttm-humanpref", "--accept-licence"]) == 4
    assert "it is not known how to read them" in capsys.readouterr().err


def test_options_of_a_published_model_are_refused_for_parts(home, capsys):
    for options in (["--as", "x"], ["--accept-licence"], ["--force"]):
        assert run(["models", "download", "flan-t5-large", *options]) == 2
        assert "published models" in capsys.readouterr().err


def test_every_file_is_pinned():
    for model in published.PUBLISHED.values():
        for part in model.parts().values() if not model.why_not else ():
            assert len(part.revision) == 40 and set(part.revision) <= set("0123456789abcdef")
            assert set(part.sha256) <= set(part.files)
    for part in (published.CODEC_FILES, published.CLAP_FILE, *published.EMBEDDERS.values()):
        assert set(part.sha256) == set(part.files)


def test_every_one_has_the_shape_of_a_system():
    for model in published.PUBLISHED.values():
        assert model.system in SYSTEMS and model.shape.codec["kind"] == "mmaudio-16k"


@pytest.mark.parametrize(
    ("licence", "forbidden"),
    [
        ("MIT", False),
        ("CC-BY-NC-4.0", True),
        ("cc by-nc-sa 4.0", True),
        ("NCSA", False),
        ("A Non-Commercial one", True),
        ("not for commercial use", True),
        ("Research use only", True),
    ],
)
def test_licences_that_forbid_commercial_use(licence, forbidden):
    assert published.forbidden_by(licence) == ("commercial use" if forbidden else "")


def test_the_time_grows_with_steps_and_guidance():
    one, guided, many = (expected.ten_seconds("fluxaudio-s", s, g) for s, g in ((1, 1.0), (1, 4.5), (25, 4.5)))
    assert 0 < one < guided < many and expected.ten_seconds("mamba-189m", 1, 1.0) is None
