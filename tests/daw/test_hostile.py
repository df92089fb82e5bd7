"""Files from elsewhere that lie: one line, the right exit code, nothing written."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from musicgen_app import audio, cli
from musicgen_app.daw.riff import ACID, chunk, read_acid, with_chunks
from musicgen_app.errors import FileError
from support.planned_clips import LOOP, write_planned


def wav(*chunks: bytes) -> bytes:
    sf.write("plain.wav", np.zeros(400), 8_000)
    return with_chunks(Path("plain.wav").read_bytes(), list(chunks))


def acid(flags=1, root=60, quarters=8, unit=4, beats=4, tempo=120.0) -> bytes:
    return ACID.pack(flags, root, 0x8000, 0.0, quarters, unit, beats, tempo)


def read(data: bytes):
    Path("x.wav").write_bytes(data)
    return read_acid(Path("x.wav"))


def refused(*argv: str, capfd) -> str:
    """The one line of an export that is refused as a file; nothing was written."""
    before = sorted(os.listdir())
    assert cli.run(["export", "reaper", *argv, "-o", "x.rpp"]) == 3
    out, err = capfd.readouterr()
    assert out == "" and err.count("\n") == 1 and len(err) < 500 and sorted(os.listdir()) == before
    return err


@pytest.mark.parametrize(
    "body",
    [
        b"",
        acid()[:-1],
        acid(tempo=float("nan")),
        acid(tempo=float("inf")),
        acid(tempo=0.0),
        acid(tempo=-120.0),
        acid(tempo=1e30),
    ],
)
def test_an_acid_chunk_that_cannot_be_is_none(body, capfd):
    assert read(wav(chunk(b"acid", body))) is None
    assert "say it with --bpm" in refused("x.wav", capfd=capfd)


@pytest.mark.parametrize(("unit", "beats"), [(0, 0), (65_535, 4), (3, 7), (4, 0)])
def test_a_metre_that_cannot_be_is_four_quarters(unit, beats):
    assert read(wav(chunk(b"acid", acid(unit=unit, beats=beats, root=60_000, flags=3)))) == (120, "4/4", 8, None, False)


@pytest.mark.parametrize("length", [0, 1, 23, 25, 2**31, 2**32 - 1])
def test_chunks_that_lie_about_their_size(length, capfd):
    """Neither memory nor time goes into what is not there."""
    lies = b"acid" + struct.pack("<I", length) + acid()
    found = read(wav(chunk(b"junk", b"x"), lies))
    assert found == (None if length < ACID.size else (120, "4/4", 8, None, False))
    lies = b"junk" + struct.pack("<I", length) + b"x" * 24
    found = read(wav(lies, chunk(b"acid", acid())))
    assert found is None or found.tempo == 120


@pytest.mark.parametrize(
    "data",
    [b"", b"RIFF", b"RIFF\0\0\0\0WAVE", b"RIFF\xff\xff\xff\xffWAVEdata\xff\xff\xff\xff", b"OggS" * 100, b"\0" * 5_000],
)
def test_damaged_files(data, capfd):
    assert read(data) is None
    assert "x.wav" in refused("x.wav", "--bpm", "90", capfd=capfd)


def test_more_chunks_than_a_file_has(capfd):
    assert read(wav(*[chunk(b"junk", b"")] * 100_000, chunk(b"acid", acid()))) is None


def test_a_folder_and_a_file_that_is_not_there():
    with pytest.raises(FileError, match="cannot read"):
        read_acid(Path("none.wav"))
    with pytest.raises(FileError, match="cannot read"):
        read_acid(Path())


@pytest.mark.parametrize(
    "comment",
    ['{"ai_generated":' + "[" * 60_000, '{"ai_generated":true,"a":' + "1" * 5_000 + "}", '{"ai_generated":true}'],
)
def test_json_bombs_in_tags(comment, capfd):
    audio.write("x.flac", np.full((1, 800), 0.1, np.float32), 8_000, {"comment": comment})
    assert "was not made by ttm-app, or its tags were changed" in refused("x.flac", "--bpm", "90", capfd=capfd)


def test_a_request_that_cannot_be(capfd):
    write_planned(Path("a.flac"), LOOP, 1.0, sidecar=False)
    sound, rate, tags = audio.read("a.flac")
    record = json.dumps(json.loads(tags["comment"]) | {"seconds": 1e9})
    audio.write("a.flac", sound, rate, {"comment": record}, overwrite=True)
    assert "asks for something impossible" in refused("a.flac", "--bpm", "90", capfd=capfd)


@pytest.mark.parametrize("comment", ["[" * 60_000, "recorded in my kitchen"])
def test_tags_of_others_are_no_plan(comment, capfd):
    audio.write("x.flac", np.full((1, 800), 0.1, np.float32), 8_000, {"comment": comment})
    assert "say it with --bpm" in refused("x.flac", capfd=capfd)
    assert cli.run(["export", "reaper", "x.flac", "-o", "x.rpp", "--bpm", "90"]) == 0


def damaged(played: object) -> str:
    record = json.loads(Path("a.wav.json").read_text(encoding="utf-8"))
    return json.dumps(record | {"played": played})


@pytest.mark.parametrize(
    ("played", "says"),
    [
        ("[" * 50_000, "a.wav"),
        ([1], "the plan cannot be used"),
        ({"tempo": 1e9}, "a tempo must lie between"),
        ({"tempo": "120"}, "tempo must be a number"),
        ({"sections": [{"bars": 1e9}]}, "bars"),
        ({"metre": "4/4\n\x1b[31m"}, "no metre"),
        ({"surprise": 1}, "the plan cannot be used"),
    ],
)
def test_damaged_sidecars(folder, capfd, played, says):
    write_planned(folder / "a.wav", LOOP, 1.0)
    Path("a.wav.json").write_text(damaged(played), encoding="utf-8")
    assert says in refused("a.wav", capfd=capfd)


@pytest.mark.parametrize("text", ["", "x", "[" * 100_000, "{}", "\x00" * 100])
def test_sidecars_that_are_none(folder, capfd, text):
    write_planned(folder / "a.wav", LOOP, 1.0)
    Path("a.wav.json").write_text(text)
    assert "a.wav" in refused("a.wav", capfd=capfd)


def test_the_sidecar_of_another_clip(folder, capfd):
    write_planned(folder / "a.wav", LOOP, 1.0)
    write_planned(folder / "b.wav", LOOP, 1.0, prompt="drums", seed=8)
    Path("a.wav.json").write_bytes(Path("b.wav.json").read_bytes())
    assert "describes another clip" in refused("a.wav", capfd=capfd)
