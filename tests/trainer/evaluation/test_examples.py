"""The fixed examples and their page."""

from __future__ import annotations

import re

import pytest

from musicgen_app import cli
from musicgen_app.engine import Engine
from musicgen_app.errors import FileError, RequestError
from musicgen_app.library.metadata import request_from
from ttm_trainer.evaluation.examples import make_examples, read_examples


def test_there_are_twenty_with_seeds_of_their_own():
    found = read_examples()
    assert len(found) == len({p.id for p in found}) == len({p.number for p in found}) == len({p.text for p in found})
    assert len(found) == 20


def test_the_page_plays_every_clip_and_loads_nothing_from_elsewhere(home, tmp_path, tiny_bundle):
    options = {"count": 2, "seconds": 0.5, "show": lambda line: None}
    page = make_examples(["tiny"], tmp_path / "out", Engine(device="cpu"), **options)
    text = page.read_text()
    assert page == tmp_path / "out" / "index.html" and text.count("<audio") == 2
    assert not re.search(r"https?://|//[a-z]|<script|@import", text)
    for path in re.findall(r'src="([^"]+)"', text):
        assert (page.parent / path).stat().st_size > 100
    first = read_examples()[0]
    request = request_from(page.parent / "tiny-1" / f"{first.id}.wav")
    assert (request.prompt, request.seed) == (first.text, first.number)
    before = {path: path.stat().st_mtime_ns for path in page.parent.rglob("*.wav")}
    make_examples(["tiny"], tmp_path / "out", Engine(device="cpu"), **options)
    assert before == {path: path.stat().st_mtime_ns for path in page.parent.rglob("*.wav")}


def test_a_page_of_somebody_else_is_left_alone(home, tmp_path):
    (tmp_path / "index.html").write_text("mine")
    with pytest.raises(FileError, match="choose another --out"):
        make_examples(["tiny"], tmp_path)
    with pytest.raises(RequestError):
        make_examples(["tiny", "tiny"], tmp_path / "out")
    assert (tmp_path / "index.html").read_text() == "mine"


def test_the_command_prints_the_page(home, tmp_path, capsys):
    out = tmp_path / "page"
    command = ["evaluate", "examples", "tiny", "--out", str(out), "--count", "1", "--seconds", "0.5", "--device", "cpu"]
    assert cli.run(command) == 0
    assert capsys.readouterr().out.strip() == str(out / "index.html")
