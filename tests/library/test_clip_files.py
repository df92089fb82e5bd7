"""A clip and its sidecar: written together, and put right after a kill at any moment between the two."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from musicgen_app.errors import FileError
from musicgen_app.library import metadata
from musicgen_app.library.clip_files import settle_sidecars, write_clip
from support.killed import killed_at
from support.results import REQUEST, made

WRITE = """
import sys
from pathlib import Path
from support.results import made
from musicgen_app.library.clip_files import write_clip
write_clip(made("new", 8), Path(sys.argv[1]), sidecar=True, overwrite=True)
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_both_or_one(tmp_path):
    assert write_clip(made(), tmp_path / "a.wav", sidecar=False) is None
    beside = write_clip(made(), tmp_path / "b.wav", sidecar=True)
    assert names(tmp_path) == ["a.wav", "b.wav", "b.wav.json"] and beside == tmp_path / "b.wav.json"
    assert json.loads(beside.read_text()) == metadata.sidecar_for(made(), tmp_path / "b.wav")
    long = tmp_path / ("x" * 246 + ".wav")  # the longest that leaves room for the sidecar's
    assert write_clip(made(), long, sidecar=True).name == long.name + ".json"


def test_what_is_there_is_kept(tmp_path):
    path = tmp_path / "a.wav"
    metadata.sidecar_path(path).write_text("precious")
    with pytest.raises(FileError, match="a.wav.json exists already.*--force"):
        write_clip(made(), path, sidecar=True)
    assert names(tmp_path) == ["a.wav.json"]
    write_clip(made(), path, sidecar=True, overwrite=True)
    with pytest.raises(FileError, match="--force"):
        write_clip(made("other"), path, sidecar=True)
    assert metadata.request_from(path) == REQUEST and names(tmp_path) == ["a.wav", "a.wav.json"]


def test_where_the_sound_cannot_be_written_there_is_no_sidecar(tmp_path):
    with pytest.raises(FileError, match="does not name a format"):
        write_clip(made(), tmp_path / "a.txt", sidecar=True)
    assert names(tmp_path) == []


@pytest.mark.parametrize("before", [False, True])
def test_killed_before_the_sound_is_there(tmp_path, before):
    """There is no sidecar without sound; that of an older sound stays."""
    path = tmp_path / "a.wav"
    if before:
        write_clip(made("old"), path, sidecar=True)
    killed_at("musicgen_app.audio.write", WRITE, path)
    there = ["a.wav", "a.wav.json"] if before else []
    assert len(names(tmp_path)) == len(there) + 1
    settle_sidecars(tmp_path)
    assert names(tmp_path) == there
    if before:
        assert metadata.read_sidecar(path)["prompt"] == "old"


@pytest.mark.slow
@pytest.mark.parametrize("before", [False, True])
def test_killed_before_the_sidecar_is_beside_its_sound(tmp_path, before):
    path = tmp_path / "a.wav"
    if before:
        write_clip(made("old"), path, sidecar=True)
    killed_at("musicgen_app.library.clip_files.follow", WRITE, path)
    settle_sidecars(tmp_path)
    assert names(tmp_path) == ["a.wav", "a.wav.json"]
    assert metadata.read_sidecar(path)["prompt"] == metadata.request_from(path).prompt == "new"


def test_sidecars_of_living_processes_and_other_files_stay(tmp_path):
    from musicgen_app.library.clip_files import followed_by
    from musicgen_app.machine import files

    foreign = tmp_path / ".notes.sidecar"
    foreign.write_text("mine")
    os.utime(foreign, (1, 1))
    with followed_by(tmp_path / "a.wav", b"{}"):
        settle_sidecars(tmp_path)
        files.sweep(tmp_path)
        assert len(names(tmp_path)) == 2
        (tmp_path / "a.wav").write_bytes(b"sound")
    assert names(tmp_path) == [".notes.sidecar", "a.wav", "a.wav.json"]


def test_the_sidecar_of_another_clip_is_not_taken(tmp_path):
    path = tmp_path / "a.wav"
    killed_at("musicgen_app.library.clip_files.follow", WRITE, path)
    write_clip(replace(made("third")), path, sidecar=False, overwrite=True)
    settle_sidecars(tmp_path)
    assert names(tmp_path) == ["a.wav"]
