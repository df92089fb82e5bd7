"""Marks and tags inside sound files, read by programs of other people: wavinfo, libsndfile, mutagen, ffprobe."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
from dataclasses import replace

import mutagen
import numpy as np
import pytest
import soundfile as sf
import wavinfo
from mutagen.id3 import ID3

from musicgen_app import audio
from musicgen_app.control.plan import Plan, Section
from musicgen_app.daw.riff import read_acid
from musicgen_app.daw.timeline import timeline_of
from musicgen_app.library.clip_files import write_clip
from musicgen_app.library.library import Library
from musicgen_app.library.metadata import tags_for
from support.planned_clips import LOOP, SONG, planned, write_planned
from support.results import RATE

TAGS = {"title": "été 音楽", "artist": "ttm-app", "software": "ttm-app 1", "comment": '{"a": 1}'}
BARS = [0, 2, 4, 4 + 8 / 3, 4 + 16 / 3, 12, 4 + 28 / 3, 4 + 28 / 3 + 1.75]  # seconds of SONG
END = 4 + 28 / 3 + 3.5
NAMES = ["bar 1: intro", "bar 2", "bar 3: vérse", "bar 4", "bar 5", "bar 6", "bar 7: section", "bar 8", "end"]


def encoded(suffix: str, plan: Plan | None = SONG, loop: bool = False, seconds: float = 18.0, tags=TAGS) -> bytes:
    timeline = None if plan is None else timeline_of(plan, seconds, loop)
    return audio.encode(planned(None, seconds).audio, RATE, suffix, tags, timeline)


def read_wav(tmp_path, data: bytes) -> wavinfo.WavInfoReader:
    (tmp_path / "x.wav").write_bytes(data)
    return wavinfo.WavInfoReader(str(tmp_path / "x.wav"), info_encoding="utf-8")


def log_of(data: bytes) -> str:
    """What libsndfile says of the chunks of a file."""
    with sf.SoundFile(io.BytesIO(data)) as file:
        return file.extra_info


def test_cues_of_a_wav(tmp_path):
    cues = read_wav(tmp_path, encoded(".wav")).cues
    found = list(cues.each_cue())
    assert [place for _, place in found] == [round(seconds * RATE) for seconds in [*BARS, END]]
    assert [cues.label_and_note(number)[0] for number, _ in found] == NAMES
    log = log_of(encoded(".wav", tags={}))
    assert re.findall(r"labl : \d+ : (.*)", log) == NAMES
    lengths = {number: cues.range(number) for number, _ in found if cues.range(number)}
    assert lengths == {1: 4 * RATE, 3: round(28 / 3 * RATE), 7: round(3.5 * RATE)}


@pytest.mark.parametrize(("key", "note"), [("F# minor", 66), (None, 60)])
def test_a_loop_has_loop_points(tmp_path, key, note):
    data = encoded(".wav", replace(LOOP, key=key), loop=True, seconds=4.0)
    sampler = read_wav(tmp_path, data).smpl
    (loop,) = sampler.sample_loops
    assert (sampler.midi_note, sampler.sample_period_ns) == (note, 125_000)
    assert (loop.loop_type, loop.start, loop.end, loop.repetition_count) == (0, 0, 4 * RATE - 1, 0)
    log = log_of(data)
    assert re.search(r"Flags +: 0x000[46] \(Loop,RootNote(V|Inv)alid,StretchOn", log), log
    for line in (f"Root note : 0x{note:X}", "Beats     : 8", "Meter     : 4/4", "Tempo     : 120.0"):
        assert line in log


def test_a_clip_that_is_no_loop_is_a_one_shot(tmp_path):
    data = encoded(".wav", replace(SONG, metre="6/8", tempo=92.5), tags={"title": "x"})
    assert read_wav(tmp_path, data).smpl is None
    log = log_of(data)
    assert "(OneShot,RootNoteValid,StretchOff" in log and "Meter     : 6/8" in log and "Tempo     : 92.5" in log


def test_without_a_known_key_there_is_no_root_note():
    assert "0x0001 (OneShot,RootNoteInvalid" in log_of(encoded(".wav", Plan(tempo=100.0), tags={}))


@pytest.mark.parametrize("suffix", audio.FORMATS)
@pytest.mark.parametrize("plan", [SONG, LOOP, Plan(key="C major"), Plan(tempo=61.25), Plan()])
def test_the_sound_and_the_texts_stay_as_they_are(tmp_path, suffix, plan):
    with_marks, without = encoded(suffix, plan, loop=True, seconds=1.01), encoded(suffix, None, seconds=1.01)
    (tmp_path / f"a{suffix}").write_bytes(with_marks)
    (tmp_path / f"b{suffix}").write_bytes(without)
    (sound, rate, tags), (bare, _, bare_tags) = (audio.read(tmp_path / f"{name}{suffix}") for name in "ab")
    assert rate == RATE and tags == bare_tags == TAGS
    np.testing.assert_array_equal(sound, bare)
    if suffix == ".wav":
        place = without.index(b"data")
        assert with_marks[12:].startswith(without[12:]) and len(with_marks) % 2 == 0 and place > 0


@pytest.mark.parametrize("suffix", audio.FORMATS)
def test_tempo_and_key_in_every_format(tmp_path, suffix):
    (tmp_path / f"x{suffix}").write_bytes(encoded(suffix, replace(SONG, tempo=92.5)))
    tags = mutagen.File(tmp_path / f"x{suffix}").tags
    if suffix in (".wav", ".mp3"):
        found = [str(tags[name]) for name in ("TBPM", "TKEY", "TIT2", "TPE1", "COMM::eng")]
    else:
        found = [tags[name][0] for name in ("bpm", "initialkey", "title", "artist", "comment")]
    assert found == ["92.5", "Am", TAGS["title"], TAGS["artist"], TAGS["comment"]]


@pytest.mark.parametrize("suffix", [".flac", ".ogg", ".mp3"])
def test_sections_are_chapters(tmp_path, suffix):
    (tmp_path / f"x{suffix}").write_bytes(encoded(suffix))
    tags = mutagen.File(tmp_path / f"x{suffix}").tags
    if suffix == ".mp3":
        chapters = [tags[f"CHAP:{name}"] for name in tags["CTOC:toc"].child_element_ids]
        found = [(c.start_time, c.end_time, str(c.sub_frames["TIT2"])) for c in chapters]
        assert found == [(0, 4000, "intro"), (4000, 13333, "vérse"), (13333, 16833, "section")]
    else:
        found = [(tags[f"chapter00{n}"][0], tags[f"chapter00{n}name"][0]) for n in (1, 2, 3)]
        assert found == [("00:00:00.000", "intro"), ("00:00:04.000", "vérse"), ("00:00:13.333", "section")]
        assert "chapter004" not in tags


@pytest.mark.parametrize("suffix", [".flac", ".ogg", ".mp3"])
@pytest.mark.skipif(not shutil.which("ffprobe"), reason="ffmpeg is not installed")
def test_a_player_lists_the_chapters(tmp_path, suffix):
    (tmp_path / f"x{suffix}").write_bytes(encoded(suffix))
    command = ["ffprobe", "-v", "error", "-of", "json", "-show_chapters", tmp_path / f"x{suffix}"]
    run = subprocess.run(command, capture_output=True, check=True)
    chapters = json.loads(run.stdout)["chapters"]
    assert run.stderr == b"" and [c["tags"]["title"] for c in chapters] == ["intro", "vérse", "section"]
    assert [float(c["start_time"]) for c in chapters] == [0, 4, 13.333]


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".flac", ".ogg"])
def test_hundreds_of_chapters_and_a_long_comment(tmp_path, suffix):
    """The header takes more than one page of an Ogg stream, and all that is behind it moves."""
    plan = Plan(tempo=120.0, sections=tuple(Section(0.25, f"part {n} " + "é" * 60) for n in range(300)))
    tags = TAGS | {"comment": "音" * 50_000}
    (tmp_path / f"x{suffix}").write_bytes(encoded(suffix, plan, seconds=150.0, tags=tags))
    found = mutagen.File(tmp_path / f"x{suffix}").tags
    assert found["chapter300name"] == ["part 299 " + "é" * 60] and found["comment"] == [tags["comment"]]
    sound, _, read = audio.read(tmp_path / f"x{suffix}")
    assert sound.shape == (1, 150 * RATE) and read == tags
    if suffix == ".ogg" and shutil.which("ffmpeg"):  # it checks every page
        command = ["ffmpeg", "-v", "error", "-i", tmp_path / "x.ogg", "-f", "null", "-"]
        assert subprocess.run(command, capture_output=True, check=True).stderr == b""


def test_more_chapters_than_a_table_of_contents_holds():
    plan = Plan(tempo=240.0, sections=tuple(Section(0.25, f"part {n}") for n in range(256)))
    tags = ID3(io.BytesIO(encoded(".mp3", plan, seconds=64.0)))
    assert len(tags.getall("CHAP")) == 256 and not tags.getall("CTOC")


def test_files_of_a_clip_without_a_plan_are_as_they_were():
    """No plan, no marks: every byte is what libsndfile writes."""
    wav = encoded(".wav", None)
    assert not {b"cue ", b"acid", b"smpl", b"id3 "} & {wav[place : place + 4] for place in range(len(wav))}
    assert b"BPM=" not in encoded(".flac", None) + encoded(".ogg", None)


def test_every_way_to_a_file_marks_it(tmp_path):
    """What `generate` writes, what the library keeps, and what it converts."""
    result = planned(seconds=2.0)
    write_clip(result, tmp_path / "a.wav", sidecar=False)
    write_clip(result, tmp_path / "b.wav", sidecar=True)
    library = Library(tmp_path / "library")
    kept = library.add(result, ".flac")
    converted = library.convert(kept.id, ".wav", tmp_path)
    data = {path.read_bytes() for path in (tmp_path / "a.wav", tmp_path / "b.wav", library.add(result).path)}
    assert len(data) == 1
    for path in (tmp_path / "a.wav", converted):
        assert read_acid(path) == (120.0, "4/4", 4, 69, False)
        assert len(list(wavinfo.WavInfoReader(str(path)).cues.each_cue())) == 1
    assert mutagen.File(kept.path).tags["bpm"] == ["120"]
    (tmp_path / "c.wav").write_bytes(audio.encode(result.audio, RATE, ".wav", tags_for(result)))
    assert (audio.read(tmp_path / "c.wav")[0] == audio.read(tmp_path / "a.wav")[0]).all()


def test_acid_reads_back(tmp_path):
    path = write_planned(tmp_path / "x.wav", replace(LOOP, metre="7/8", tempo=92.5), 4.0, sidecar=False)
    assert read_acid(path) == (92.5, "7/8", 6, 66, False)
    (tmp_path / "y.wav").write_bytes(encoded(".wav", None))
    assert read_acid(tmp_path / "y.wav") is None
