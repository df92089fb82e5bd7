"""Reports that are kept with the bundled model -> the tables of its card."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from musicgen_app import cli
from musicgen_app.errors import RequestError
from musicgen_app.machine import paths
from ttm_trainer.evaluation.tables.model_card import cards, codec, following, music

CARD = paths.assets() / "sketch" / "README.md"
REPORTS = Path(__file__).parents[3] / "reports" / "sketch-2.2"


def report(name: str) -> dict:
    return json.loads((REPORTS / name).read_text())


def test_the_card_of_sketch_has_the_tables_of_its_reports():
    """The figures in the card are those of its reports: this is how they are written there."""
    card = CARD.read_text()
    heard = music([report("music.json"), report("log/music-2.1.json")])
    followed = [following(report(name)) for name in ("following.json", "asked.json")]
    tables = *followed, heard, codec(report("codec.json"))
    assert [line for table in tables for line in table.splitlines() if line not in card] == []


def test_the_command_prints_all_kinds(capsys):
    names = ("codec.json", "music.json", "following.json")
    assert cli.run(["evaluate", "show", *(str(REPORTS / name) for name in names)]) == 0
    text = capsys.readouterr().out
    first, second, third = text.strip().split("\n\n")
    assert "log-mel error" in third and "| Opus 24 |" in third
    assert "share of the way" in first and second.startswith("|  | sketch ") and "%  %" not in text
    assert all(line.startswith("| ") and line.endswith(" |") for line in first.splitlines()[2:])


def test_two_reports_of_music_stand_side_by_side():
    one, other = report("music.json"), report("music.json")
    other["model"] = {**one["model"], "version": "other"}
    head, _, *rows = music([one, other]).splitlines()
    assert head.count("|") == 5 and "sketch other" in head
    cells = rows[0].split(" | ")
    assert cells[1] == cells[2]


def test_other_files_are_refused(tmp_path, capsys):
    with pytest.raises(RequestError, match="only reports of"):
        cards([{"schema": 1}])
    (tmp_path / "broken.json").write_text("{")
    assert cli.run(["evaluate", "show", str(tmp_path / "broken.json")]) == 3
    assert "it is not JSON" in capsys.readouterr().err
    (tmp_path / "list.json").write_text("[]")
    assert cli.run(["evaluate", "show", str(tmp_path / "list.json")]) == 3
