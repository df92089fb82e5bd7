"""Folders heard to their end: who is kept, for how long, and which recordings stay together."""

from __future__ import annotations

import csv
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from musicgen_app import cli
from musicgen_app.errors import FileError, Unfinished
from support import hostile_audio
from ttm_trainer.data.splits import split
from ttm_trainer.data.survey import refuse_nothing, survey
from ttm_trainer.data.track import Track


def quiet(line: str) -> None:
    pass


@pytest.fixture(scope="module")
def messy(tmp_path_factory) -> Path:
    """Every hostile file, with captions in a table in an old encoding without quotes."""
    root = tmp_path_factory.mktemp("messy")
    hostile_audio.write_all(root)
    lines = [f"{path.name},café music, {path.stem}" for path in sorted(root.iterdir())]
    (root / "captions.csv").write_bytes("\n".join(["file,caption", *lines]).encode("cp1252"))
    return root


@pytest.fixture
def songs(tmp_path) -> Path:
    """Twelve songs of a second, of which four are two recordings twice over, and a page that is called a song."""
    root = tmp_path / "songs"
    root.mkdir()
    for n in range(12):
        wave = np.random.default_rng(n % 10).standard_normal((8_000, 1)) * 0.1
        soundfile.write(root / f"s{n:02d}.wav", wave, 8_000, "PCM_16")
        (root / f"s{n:02d}.txt").write_text(f"song {n}")
    (root / "page.mp3").write_text("<html>404</html>")
    (root / "page.txt").write_text("a page")
    return root


def test_only_what_decodes_is_split_and_copies_stay_together(songs, tmp_path) -> None:
    for seed in range(12):
        found = survey(tmp_path / str(seed), [songs], seed=seed, val=0.3, show=quiet)
        splits = {track.id: track.split for track in found.tracks}
        assert len(splits) == 12 and "page" not in splits
        assert splits["s00"] == splits["s10"] and splits["s01"] == splits["s11"]
        assert all(track.length == 1.0 for track in found.tracks)
    assert {Path(path).stem: number for path, number in found.copies.items()} == {
        "s00": 1,
        "s10": 1,
        "s01": 2,
        "s11": 2,
    }
    assert ["page"] == [row["id"] for row in found.findings.bad]
    said = "\n".join(row["reason"] for row in found.findings.doubts)
    assert said.count("the same recording as") == 2


def test_without_copies_and_faults_splits_are_those_of_before() -> None:
    tracks = [Track(str(n), f"{n}.wav", "/x", captions={"text": ["x"]}, set="x") for n in range(50)]
    plain, torn = split(tracks, 7, 0.1, 0.1)
    digests = {f"/x/{n}.wav": str(n) for n in range(50)}
    assert split(tracks, 7, 0.1, 0.1, digests) == (plain, torn) and torn == []
    assert sorted(track.split for track in plain).count("val") == 5


def test_what_the_data_say_of_splits_is_kept_and_told_where_it_tears_copies_apart() -> None:
    def track(name: str, part: str = "") -> Track:
        return Track(name, f"{name}.wav", "/x", split=part, set="x")

    tracks = [track("a", "test"), track("b"), track("c", "train"), track("d"), track("e")]
    digests = {f"/x/{name}.wav": {"a": "1", "b": "1", "c": "1"}.get(name, name) for name in "abcde"}
    done, torn = split(tracks, 0, 0.0, 0.0, digests)
    assert [track.split for track in done] == ["test", "test", "train", "train", "train"]
    assert torn == ["the same recording is in several splits, as the data say: a in test, c in train"]


def test_nothing_that_can_be_used(tmp_path) -> None:
    (tmp_path / "a.mp3").write_text("<html>404</html>")
    (tmp_path / "a.txt").write_text("a page")
    found = survey(tmp_path / "out", [tmp_path], skip=tmp_path / "out", show=quiet)
    with pytest.raises(FileError, match=r"none of the 1 tracks .*a\.mp3 is not a sound file.*a web page"):
        refuse_nothing(found, [tmp_path])


def test_a_time_limit_and_shards(songs, tmp_path) -> None:
    with pytest.raises(Unfinished, match="time limit: sounds had 0 of"):
        survey(tmp_path / "late", [songs], until=0.0, show=quiet)
    lines: list[str] = []
    assert survey(tmp_path / "out", [songs], shard=(0, 2), show=lines.append) is None
    assert "sounds: this shard is done" in lines[-1]
    assert len(survey(tmp_path / "out", [songs], shard=(1, 2), show=quiet).tracks) == 12


def test_the_check_of_a_messy_folder(messy, tmp_path, capsys) -> None:
    picture, table = tmp_path / "check.png", tmp_path / "table.csv"
    before = sorted((path.name, path.stat().st_mtime_ns) for path in messy.iterdir())
    assert cli.run(["data", "check", str(messy), "--json", "--picture", str(picture), "--write-table", str(table)]) == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert sorted((path.name, path.stat().st_mtime_ns) for path in messy.iterdir()) == before
    rows = {Path(row["path"]).name: row for row in found["tracks"]}
    known = hostile_audio.mp3_files() | hostile_audio.wav_files() | hostile_audio.other_files()
    same_name = [row for row in rows.values() if "the same name" in row["reason"]]
    assert (
        rows.keys() == known.keys() and len(same_name) == 7
    )  # a.aif, a.au ... are one track, and constant.mp3 and constant.wav
    for name, (_, seconds, told) in known.items():
        row = rows[name]
        if row in same_name:
            continue
        assert row["kept"] != told.startswith("-"), name
        assert row["captions"] == {"captions": [f"café music, {Path(name).stem}"]}
        if seconds:
            assert row["seconds"] == pytest.approx(seconds, abs=0.12) and row["split"] in ("train", "val")
        else:
            assert told[1:] in row["reason"]
    assert found["summary"]["kept"] == sum(row["kept"] for row in rows.values())
    assert any("not UTF-8" in row["reason"] for row in found["doubts"])
    assert picture.read_bytes()[:4] == b"\x89PNG" and "the decoder says" not in err

    written = list(csv.DictReader(table.open(encoding="utf-8", newline="")))
    assert {row["path"] for row in written} == {name for name, row in rows.items() if row["kept"]}
    clean = tmp_path / "clean"
    shutil.copytree(messy, clean, ignore=shutil.ignore_patterns("captions.csv"))
    shutil.copy(table, clean / "captions.csv")
    assert cli.run(["data", "check", str(clean), "--json", "-q"]) == 0
    again = json.loads(capsys.readouterr().out)
    for row in again["tracks"]:
        if row["kept"]:
            earlier = rows[Path(row["path"]).name]
            assert (row["captions"], row["split"]) == (earlier["captions"], earlier["split"])
    assert not any("captions.csv" in row["path"] for row in again["doubts"])


def test_the_check_for_people(songs, tmp_path, capsys) -> None:
    assert cli.run(["data", "check", str(songs), "-q"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:4] == ["track", "length", "ch", "rate"]
    (line,) = [line for line in lines if line.startswith("s03 ")]
    assert "1.00 s" in line and "8000" in line and line.endswith("song 3")
    (line,) = [line for line in lines if line.startswith("page ")]
    assert " no " in line and "not a sound file" in line
    assert lines[-1].startswith("12 of 13 tracks are kept") and "2 copies of other recordings" in lines[-1]
    table = tmp_path / "t.csv"
    table.write_text("there already")
    assert cli.run(["data", "check", str(songs), "--write-table", str(table)]) == 3
    assert table.read_text() == "there already"


def test_the_check_of_nothing_tells_each_reason_and_fails(tmp_path, capsys) -> None:
    (tmp_path / "a.mp3").write_text("<html>404</html>")
    (tmp_path / "b.mp3").write_bytes(b"x")
    (tmp_path / "a.txt").write_text("a page")
    assert cli.run(["data", "check", str(tmp_path), "-q"]) == 3
    out, err = capsys.readouterr()
    assert "a web page" in out and "no caption for it" in out and "none of the 1 tracks" in err
    assert cli.run(["data", "check", str(tmp_path / "missing")]) == 3


def test_a_name_that_is_no_text_stops_nothing(songs, tmp_path, capsys) -> None:
    name = os.fsdecode(os.fsencode(songs) + b"/bad\xff\n\xe9")
    shutil.copy(songs / "s05.wav", name + ".wav")
    Path(name + ".txt").write_text("of a strange name")
    assert cli.run(["data", "check", str(songs), "--json", "-q", "--write-table", str(tmp_path / "t.csv")]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["summary"]["kept"] == 13 and "rename it" in err
    assert cli.run(["data", "check", str(songs), "-q"]) == 0
    found = survey(tmp_path / "out", [songs], show=quiet)
    again = survey(tmp_path / "out", [songs], show=quiet)  # read back from the disk
    assert again.tracks == found.tracks and len(found.tracks) == 13
