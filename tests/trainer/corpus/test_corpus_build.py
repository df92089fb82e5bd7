from __future__ import annotations

import json
import random

import numpy as np
import pytest
import soundfile

from musicgen_app import cli
from musicgen_app.errors import FileError
from ttm_trainer.corpus import build
from ttm_trainer.corpus.compose.score import Note, Part, Score


def compose(seed: int, seconds: float = 30.0, genre: str | None = None) -> Score:
    draw = random.Random(seed)
    notes = tuple(Note(i * 0.5, 0.5, draw.randrange(48, 72), 90) for i in range(int(seconds * 4)))
    part = Part("pluck", "melody", "synth:pluck", notes)
    return Score(seed, genre or "test", (), (), 120.0, (4, 4), "C major", seconds * 2, (part,), ())


@pytest.fixture(autouse=True)
def tiny_composer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build.composer, "compose", compose)
    monkeypatch.setattr(build.captions, "window_facts", lambda score, start, seconds: {"tempo": score.tempo})
    texts = {"short": ["a pluck"], "long": ["a plucked synth"], "dense": ["a plucked synth at 120 bpm"]}
    monkeypatch.setattr(build.captions, "captions", lambda facts, rng, held_out: texts)


def make(out, **changes) -> dict:
    options = {"hours": 6 / 3600, "seed": 3, "piece_seconds": 3.0, "clip_seconds": 1.5}
    return build.build_corpus(out, **options | changes)


def test_two_pieces_make_a_dataset(tmp_path) -> None:
    states = []
    summary = make(tmp_path, progress=states.append)
    assert (summary["pieces"], summary["rendered"], summary["clips"], summary["failed"]) == (2, 2, 4, [])
    assert [(s["done"], s["total"]) for s in states] == [(1, 2), (2, 2)]
    rows = [json.loads(line) for line in (tmp_path / "manifest.jsonl").read_text().splitlines()]
    assert [row["start"] for row in rows] == [0.0, 1.5, 0.0, 1.5]
    assert len({row["id"] for row in rows}) == 4
    for row in rows:
        info = soundfile.info(tmp_path / row["path"])
        assert (info.samplerate, info.channels, info.frames, info.subtype) == (32000, 2, 96000, "PCM_16")
        assert row["start"] + row["seconds"] <= info.duration
        assert row["split"] in ("train", "val") and row["licence"] == "CC0-1.0" and row["set"] == "composed"
        assert set(row["captions"]) == {"short", "long", "dense"}
    meta = json.loads((tmp_path / "meta.json").read_text())
    assert meta["clips"] == 4 and meta["seed"] == 3 and meta["sample_rate"] == 32000
    assert "CC0-1.0, 4 clips" in (tmp_path / "CREDITS.md").read_text()
    assert not list(tmp_path.rglob("*.part"))


def test_resume_renders_only_what_is_missing(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path)
    manifest = (tmp_path / "manifest.jsonl").read_text()
    first = sorted((tmp_path / "rows").iterdir())[0]
    first.unlink()
    rendered = []
    monkeypatch.setattr(build, "render", lambda score, rate: rendered.append(score.seed) or np.full((2, 96000), 0.1))
    assert make(tmp_path)["rendered"] == 1
    assert rendered == [build.piece_seed(3, 0)]
    assert (tmp_path / "manifest.jsonl").read_text() == manifest


def test_other_settings_are_refused(tmp_path) -> None:
    make(tmp_path)
    with pytest.raises(FileError, match="another seed"):
        make(tmp_path, seed=4)
    with pytest.raises(FileError, match="piece_seconds"):
        make(tmp_path, piece_seconds=4.0)
    with pytest.raises(FileError, match="sample_rate"):
        make(tmp_path, sample_rate=48_000)


def test_more_hours_extend_the_folder(tmp_path) -> None:
    make(tmp_path)
    summary = make(tmp_path, hours=9 / 3600)
    assert (summary["pieces"], summary["rendered"], summary["clips"]) == (3, 1, 6)


def test_failing_piece_is_reported_and_skipped(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    def sometimes(seed: int, seconds: float = 30.0, genre: str | None = None) -> Score:
        if seed == build.piece_seed(3, 0):
            raise ZeroDivisionError("no chords")
        return compose(seed, seconds, genre)

    monkeypatch.setattr(build.composer, "compose", sometimes)
    summary = make(tmp_path)
    assert summary["rendered"] == 1 and summary["clips"] == 2
    assert len(summary["failed"]) == 1 and "no chords" in summary["failed"][0]


def test_silent_clips_are_left_out(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    def half(score: Score, rate: int) -> np.ndarray:
        audio = np.zeros((2, 96000), np.float32)
        audio[:, 48000:] = 0.1
        return audio

    monkeypatch.setattr(build, "render", half)
    make(tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "manifest.jsonl").read_text().splitlines()]
    assert [row["start"] for row in rows] == [1.5, 1.5]


def test_recaption_uses_the_kept_scores(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path)
    kept = sorted((tmp_path / "scores").iterdir())[0]
    assert build.load_score(kept) == compose(build.piece_seed(3, 0), 3.0, build.load_score(kept).genre)
    monkeypatch.setattr(build, "render", None)
    monkeypatch.setattr(build.captions, "window_facts", lambda score, start, seconds: {"key": score.key})
    assert build.recaption(tmp_path)["clips"] == 4
    rows = [json.loads(line) for line in (tmp_path / "manifest.jsonl").read_text().splitlines()]
    assert [row["facts"] for row in rows] == [{"key": "C major"}] * 4


def test_the_command_for_captions_anew(tmp_path, capsys):
    make(tmp_path / "corpus")
    assert cli.run(["corpus", "recaption", str(tmp_path / "corpus"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["clips"] == 4
    (tmp_path / "empty").mkdir()
    for name, says in (("none", "there is no folder"), ("empty", "keeps no scores")):
        assert cli.run(["corpus", "recaption", str(tmp_path / name)]) == 3 and says in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_split_is_a_tenth() -> None:
    splits = [build.split_of(build.piece_seed(1, i)) for i in range(3000)]
    assert 0.07 < splits.count("val") / 3000 < 0.13


def test_two_builds_in_one_folder_are_refused(tmp_path, capsys):
    from musicgen_app import cli
    from ttm_trainer.runtime.locks import alone

    with alone(tmp_path, "build"):
        assert cli.run(["corpus", "build", "--out", str(tmp_path), "--hours", "0.01"]) == 3
    assert "another build is at work" in capsys.readouterr().err
