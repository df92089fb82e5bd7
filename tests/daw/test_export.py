"""Clips as projects, MIDI and stems, read by programs of other people: rpp, lxml, mido, wavinfo, libsndfile."""

from __future__ import annotations

import io
import os
import re
import shlex
import zipfile
from dataclasses import replace
from pathlib import Path

import mido
import numpy as np
import pytest
import rpp
import soundfile as sf
import wavinfo
from lxml import etree

from musicgen_app import audio, cli
from musicgen_app.control.plan import Plan, Section
from musicgen_app.daw.kinds import KINDS
from musicgen_app.daw.stems import layer_names
from musicgen_app.errors import FileError, RequestError
from musicgen_app.library.clip_files import write_clip
from musicgen_app.library.hand_over import export, find_clip
from musicgen_app.library.library import Library
from musicgen_app.songbook.midi_reader import read_midi
from support.planned_clips import LOOP, SONG, planned, write_planned
from support.results import RATE


@pytest.fixture
def layers(folder) -> list[Path]:
    """Two layers of one song."""
    return [write_planned(folder / f"song-{name}.wav", seed=n) for n, name in enumerate(("bass", "drums"))]


def numbers(element, name: str) -> list[float]:
    return [float(text) for text in element.find(name)[1:]]


# --- Reaper


def read_project(path: Path = Path("x.rpp")):
    return rpp.loads(path.read_text(encoding="utf-8"))


def test_a_reaper_project(layers):
    assert export(layers, "reaper", "x.rpp") == [Path("x.rpp")]
    project = read_project()
    assert project.tag == "REAPER_PROJECT" and project.find("TITLE")[1] == "song"
    assert numbers(project, "TEMPO") == [120, 4, 4] and numbers(project, "LOOP") == [0]
    tracks = project.findall("TRACK")
    assert [track.find("NAME")[1] for track in tracks] == ["bass", "drums"]
    for track, layer in zip(tracks, layers, strict=True):
        item = track.find("ITEM")
        assert (numbers(item, "POSITION"), numbers(item, "LENGTH"), numbers(item, "LOOP")) == ([0], [18], [0])
        assert item.find("SOURCE").attrib == ["WAVE"] and item.find("SOURCE").find("FILE")[1] == layer.name


def test_the_tempo_map_of_a_reaper_project(layers):
    """The bar before the third section is cut short, so that section's first point allows it."""
    export(layers, "reaper", "x.rpp")
    points = [[float(value) for value in point[1:]] for point in read_project().find("TEMPOENVEX").findall("PT")]
    assert [point[:3] for point in points] == [[0, 120, 1], [4, 90, 1], [pytest.approx(40 / 3), 120, 1]]
    assert [(int(point[3]) & 0xFFFF, int(point[3]) >> 16, point[5]) for point in points] == [
        (4, 4, 1), (4, 4, 1), (7, 8, 5),
    ]  # fmt: skip


def test_markers_and_regions_of_a_reaper_project(layers):
    export(layers, "reaper", "x.rpp")
    found = [(float(m[2]), m[3], int(m[4])) for m in read_project().findall("MARKER")]
    verse, section, end = 4, pytest.approx(40 / 3), pytest.approx(40 / 3 + 3.5)
    assert [mark for mark in found if not mark[2]] == [
        (0, "intro", 0), (verse, "vérse", 0), (section, "section", 0), (end, "end", 0),
    ]  # fmt: skip
    assert [mark[:2] for mark in found if mark[2]] == [
        (0, "intro"), (4, ""), (verse, "vérse"), (section, ""), (section, "section"), (end, ""),
    ]  # fmt: skip


def test_a_loop_repeats_in_reaper(folder):
    write_planned(folder / "loop.wav", LOOP, 4.0)
    export(["loop.wav"], "reaper", "x.rpp", loop=True)
    project = read_project()
    assert numbers(project, "LOOP") == [1] and numbers(project, "SELECTION") == numbers(project, "SELECTION2") == [0, 4]
    assert numbers(project.find("TRACK").find("ITEM"), "LOOP") == [1]


def test_a_clip_that_begins_within_a_bar_lies_within_one(folder):
    write_planned(folder / "a.wav", Plan(tempo=60.0, metre="3/4", start=4.0), 5.0)
    export(["a.wav"], "reaper", "x.rpp")
    assert numbers(read_project().find("TRACK").find("ITEM"), "POSITION") == [1]
    export(["a.wav"], "dawproject", "x.dawproject")
    clip = project_xml().find(".//Clip")
    assert (clip.get("time"), clip.get("duration")) == ("1", "5")


def test_hostile_names_stay_in_their_place(folder):
    """Neither a title nor a section can end a line or a block of a project."""
    name = "a\"b'c`d > <TRACK é"
    write_planned(folder / 'it"s >.wav', Plan(tempo=120.0, sections=(Section(2.0, name),)), 4.0)
    export(['it"s >.wav'], "reaper", "x.rpp", title="x\n  >\n<TRACK\u202e")
    project = read_project()
    assert len(project.findall("TRACK")) == 1 and project.find("TITLE")[1] == "x   > <TRACK "
    assert project.findall("MARKER")[0][3] == "a\"b'c'd > <TRACK é"
    assert project.find("TRACK").find("ITEM").find("SOURCE").find("FILE")[1] == 'it"s >.wav'
    export(['it"s >.wav'], "dawproject", "x.dawproject", title="x\n\x01<&>")
    assert project_xml().find(".//Marker").get("name") == name
    with zipfile.ZipFile("x.dawproject") as archive:
        assert etree.fromstring(archive.read("metadata.xml")).findtext("Title") == "x  <&>"
        assert archive.namelist()[2:] == ["audio/01-it-s.wav"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_a_name_that_reaper_cannot_read_is_told(folder):
    write_planned(folder / "a\nb.wav", LOOP, 1.0)
    with pytest.raises(FileError, match="cannot be written in a Reaper project"):
        export(["a\nb.wav"], "reaper", "x.rpp")
    assert not Path("x.rpp").exists()


def test_a_project_elsewhere_finds_the_clips(layers):
    Path("projects").mkdir()
    export(layers, "reaper", "projects/x.rpp")
    file = read_project(Path("projects/x.rpp")).find("TRACK").find("ITEM").find("SOURCE").find("FILE")[1]
    assert file == "../song-bass.wav" and (Path("projects") / file).is_file()


# --- DAWproject


def project_xml(path: str = "x.dawproject") -> etree._Element:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return etree.fromstring(archive.read("project.xml"))


def attributes(elements, *names: str) -> list[tuple]:
    return [tuple(element.get(name) for name in names) for element in elements]


def test_a_dawproject(layers):
    export(layers, "dawproject", "x.dawproject")
    root = project_xml()
    assert root.tag == "Project" and root.get("version") == "1.0"
    assert [child.tag for child in root] == ["Application", "Transport", "Structure", "Arrangement"]
    assert attributes(root.findall("Structure/Track"), "name", "contentType")[:2] == [
        ("bass", "audio"), ("drums", "audio"),
    ]  # fmt: skip
    assert root.find("Transport/Tempo").get("value") == "120"
    with zipfile.ZipFile("x.dawproject") as archive:
        for layer, audio_ in zip(layers, root.iter("Audio"), strict=True):
            assert (audio_.get("channels"), audio_.get("sampleRate"), audio_.get("duration")) == ("1", "8000", "18")
            assert archive.read(audio_.find("File").get("path")) == layer.read_bytes()


def test_every_reference_of_a_dawproject_leads_somewhere(layers):
    export(layers, "dawproject", "x.dawproject")
    root = project_xml()
    ids = root.xpath("//@id")
    assert len(ids) == len(set(ids))
    assert set(root.xpath("//@track | //@destination | //@parameter")) <= set(ids)


def test_the_time_of_a_dawproject(layers):
    export(layers, "dawproject", "x.dawproject")
    arrangement = project_xml().find("Arrangement")
    assert [child.tag for child in arrangement] == [
        "Lanes", "Markers", "TempoAutomation", "TimeSignatureAutomation",
    ]  # fmt: skip
    assert attributes(arrangement.iter("RealPoint"), "time", "value") == [("0", "120"), ("8", "90"), ("22", "120")]
    assert attributes(arrangement.iter("TimeSignaturePoint"), "time", "numerator", "denominator") == [
        ("0", "4", "4"), ("8", "4", "4"), ("22", "7", "8"),
    ]  # fmt: skip
    assert attributes(arrangement.iter("Marker"), "time", "name") == [
        ("0", "intro"), ("8", "vérse"), ("22", "section"), ("29", "end"),
    ]  # fmt: skip
    ties = attributes(next(arrangement.iter("Warps")).findall("Warp"), "time", "contentTime")
    assert [(float(a), round(float(b), 6)) for a, b in ties] == [
        (0, 0), (8, 4), (22, 13.333333), (pytest.approx(22 + 28 / 3), 18),
    ]  # fmt: skip


def test_a_loop_repeats_in_a_dawproject(folder):
    write_planned(folder / "loop.flac", LOOP, 4.0)
    export(["loop.flac"], "dawproject", "x.dawproject", loop=True)
    assert attributes(project_xml().iter("Clip"), "duration", "loopStart", "loopEnd") == [("8", "0", "8")]
    export(["loop.flac"], "dawproject", "y.dawproject")
    assert attributes(project_xml("y.dawproject").iter("Clip"), "loopStart") == [(None,)]


# --- MIDI


def test_midi(layers):
    export(layers, "midi", "x.mid")
    file = mido.MidiFile("x.mid", charset="utf-8")
    conductor = file.tracks[0]
    assert [m.text for m in conductor if m.type == "marker"] == ["intro", "vérse", ""]
    assert [round(6e7 / m.tempo, 2) for m in conductor if m.type == "set_tempo"] == [120, 90, 120]
    assert any(m.type == "note_on" for m in file.tracks[1])
    assert read_midi(Path("x.mid").read_bytes()).plan == SONG


def test_midi_of_clips_with_different_plans_is_refused(folder):
    write_planned(folder / "a.wav", LOOP, 1.0)
    write_planned(folder / "b.wav", SONG, 1.0)
    with pytest.raises(RequestError, match="different plans"):
        export(["a.wav", "b.wav"], "midi", "x.mid")


# --- stems


def test_stems(layers):
    written = export(layers, "stems", "stems", title="Night drive, 音")
    assert written == [Path(f"stems/night-drive_90-120bpm_Am_{name}.wav") for name in ("bass", "drums")]
    assert sorted(os.listdir("stems")) == [path.name for path in written]
    for path, layer in zip(written, layers, strict=True):
        np.testing.assert_array_equal(sf.read(path, dtype="int32")[0], sf.read(layer, dtype="int32")[0])


@pytest.mark.parametrize("suffix", audio.FORMATS)
def test_a_stem_of_a_loop_is_for_a_sampler(folder, suffix):
    write_planned(folder / f"deep house{suffix}", LOOP, 4.0)
    assert export([f"deep house{suffix}"], "zip", "x.zip", loop=True) == [Path("x.zip")]
    with zipfile.ZipFile("x.zip") as archive:
        (name,) = archive.namelist()
        archive.extract(name)
    assert name == "deep-house_120bpm_F#m.wav"
    (loop,) = wavinfo.WavInfoReader(name).smpl.sample_loops
    assert (loop.start, loop.end) == (0, 4 * RATE - 1)
    assert audio.read_tags(name)["artist"] == "ttm-app (AI-generated)"


def test_stems_of_one_name_have_numbers(folder):
    for place in ("a", "b"):
        Path(place).mkdir()
        write_planned(folder / place / "x.wav", LOOP, 1.0)
    written = export(["a/x.wav", "b/x.wav"], "stems", "stems")
    assert [path.name for path in written] == ["music_120bpm_F#m_x.wav", "music_120bpm_F#m_x_2.wav"]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["song"], ("song", ["song"])),
        (["song-bass", "song-drums"], ("song", ["bass", "drums"])),
        (["my_song_1", "my_song_2"], ("my_song", ["1", "2"])),
        (["bass", "drums"], ("", ["bass", "drums"])),
        (["bass", "base"], ("", ["bass", "base"])),
        (["song", "song-bass"], ("", ["song", "song-bass"])),
        (["a-x", "a-x"], ("a", ["x", "x"])),
        (["a-", "a-b"], ("", ["a-", "a-b"])),
    ],
)
def test_names_of_layers(names, expected):
    assert layer_names(names) == expected


# --- what is exported


def test_an_item_of_the_library(folder):
    item = Library(folder / "kept").add(planned(SONG, 2.0, prompt="slow piano"), ".flac")
    export([item.id], "zip", "x.zip", library=Library(folder / "kept"))
    with zipfile.ZipFile("x.zip") as archive:
        assert archive.namelist() == ["slow-piano_120bpm_Am.wav"]
    clip = find_clip(item.id, Library(folder / "kept"))
    assert (clip.name, clip.path, clip.plan) == ("slow piano", item.path, SONG)


def test_a_wav_without_its_sidecar_still_knows_its_tempo(folder):
    write_planned(folder / "a.wav", replace(SONG, tempo=92.5, metre="3/4"), 2.0, sidecar=False)
    assert find_clip("a.wav").plan == Plan(tempo=92.5, metre="3/4")


@pytest.mark.parametrize("suffix", audio.FORMATS)
def test_a_clip_without_a_sidecar_is_known_by_its_copy_in_the_library(folder, suffix):
    result = planned(SONG, 2.0)
    write_planned(folder / f"a{suffix}", SONG, 2.0, sidecar=False)
    library = Library(folder / "kept")
    for other in (planned(LOOP, 2.0, seed=8), result):
        library.add(other, ".flac")
    assert find_clip(f"a{suffix}", library).plan == SONG
    assert find_clip(f"a{suffix}", Library(folder / "none")).plan != SONG


def test_a_clip_without_any_sidecar_has_what_its_request_says(folder):
    """Options win over the plan of the request; the tempo, which the prompt said, is in the file."""
    request = replace(planned().request, plan=Plan(tempo=90.0, sections=(Section(2.0, "a"),)), metre="3/4", bpm=150.0)
    write_clip(replace(planned(LOOP, 1.0), request=request), folder / "a.flac", sidecar=False)
    assert find_clip("a.flac").plan == Plan(tempo=150.0, metre="3/4", sections=(Section(2.0, "a"),))
    request = replace(planned().request, form="intro 2 | verse 4")
    write_clip(replace(planned(LOOP, 1.0), request=request), folder / "b.wav", sidecar=False)
    plan = find_clip("b.wav").plan
    assert plan.tempo == LOOP.tempo and [section.name for section in plan.sections] == ["intro", "verse"]


def test_what_is_said_wins(folder):
    write_planned(folder / "a.wav", LOOP, 2.0)
    export(["a.wav"], "midi", "x.mid", bpm=60, metre="3/4", key="Cm")
    plan = read_midi(Path("x.mid").read_bytes()).plan
    assert (plan.tempo, plan.metre, plan.key) == (60, "3/4", "C minor")


def test_a_recording_of_anybody_with_its_tempo_said(folder):
    sf.write("x.aiff", np.zeros((400, 2)), 8_000)
    export(["x.aiff"], "reaper", "x.rpp", bpm=92)
    assert numbers(read_project(), "TEMPO") == [92, 4, 4]


def test_layers_of_two_lengths_and_clips_of_two_tempi(folder):
    write_planned(folder / "a.wav", SONG, 18.0)
    write_planned(folder / "b.wav", SONG, 5.0)
    export(["a.wav", "b.wav"], "reaper", "x.rpp")
    lengths = [numbers(track.find("ITEM"), "LENGTH") for track in read_project().findall("TRACK")]
    assert lengths == [[18], [5]]
    write_planned(folder / "c.wav", replace(SONG, tempo=90.0), 5.0)
    for kind in ("reaper", "dawproject"):
        with pytest.raises(RequestError, match="not of one plan.*120 BPM, 4/4; c.wav: 90 BPM, 4/4"):
            export(["a.wav", "c.wav"], kind, f"y{KINDS[kind].suffix}")
    assert len(export(["a.wav", "c.wav"], "stems", "stems")) == 2  # each is locked to its own


@pytest.mark.parametrize("kind", ["reaper", "dawproject", "midi", "zip"])
def test_the_same_clips_give_the_same_bytes(layers, kind):
    one, two = (export(layers, kind, f"{name}{KINDS[kind].suffix}")[0].read_bytes() for name in "ab")
    assert one == two


def test_a_reaper_project_with_its_sounds_in_one_file(layers):
    assert export(layers, "reaper", "x.zip", title="Night drive") == [Path("x.zip")]
    with zipfile.ZipFile("x.zip") as archive:
        assert archive.namelist() == ["night-drive.rpp", "01-bass.wav", "02-drums.wav"]
        project = rpp.loads(archive.read("night-drive.rpp").decode())
        files = [track.find("ITEM").find("SOURCE").find("FILE")[1] for track in project.findall("TRACK")]
        assert files == archive.namelist()[1:]
        assert [archive.read(name) for name in files] == [layer.read_bytes() for layer in layers]


# --- nothing is lost


@pytest.mark.parametrize("kind", list(KINDS))
def test_what_is_there_is_kept(layers, kind):
    output = Path(f"x{KINDS[kind].suffix}")
    if kind == "stems":
        output.mkdir()
        (output / "mine.txt").write_text("precious")
        with pytest.raises(FileError, match="exists already: name a new folder"):
            export(layers, kind, output, force=True)
        assert os.listdir(output) == ["mine.txt"]
        return
    output.write_text("precious")
    with pytest.raises(FileError, match="exists already"):
        export(layers, kind, output)
    assert output.read_text() == "precious"
    assert export(layers, kind, output, force=True) == [output] and output.stat().st_size > 300
    before = [layer.read_bytes() for layer in layers]
    for layer in layers:
        with pytest.raises(FileError, match="does not end in"):
            export(layers, kind, layer, force=True)
    assert [layer.read_bytes() for layer in layers] == before


@pytest.mark.parametrize("kind", ["dawproject", "stems", "zip"])
def test_a_clip_that_goes_away_leaves_nothing(layers, kind, monkeypatch):
    from musicgen_app.daw import dawproject, stems

    def gone(*args):
        raise FileError("gone")

    monkeypatch.setattr(stems.audio, "read", gone)
    monkeypatch.setattr(dawproject, "add_file", gone)
    with pytest.raises(FileError, match="gone"):
        export(layers, kind, f"x{KINDS[kind].suffix}")
    assert sorted(os.listdir()) == sorted(file.name for path in layers for file in (path, Path(f"{path}.json")))


# --- the command line and the documentation


def test_the_examples_of_the_documentation_run(layers):
    text = (Path(__file__).parents[2] / "docs" / "daw.md").read_text(encoding="utf-8")
    write_planned(Path("song.wav"))
    for name in ("recording.wav", "recording.flac", "break.wav"):
        write_planned(Path(name), None, 2.0)
    for line in re.findall(r"^ttm-app (export .*?)(?:  +#.*)?$", text, re.M):
        assert cli.run(shlex.split(line)) == 0, line
    (code,) = re.findall(r"^```python\n(.*?)^```", text, re.S | re.M)
    exec(compile(code.replace("song.dawproject", "again.dawproject"), "daw.md", "exec"), {})
    with zipfile.ZipFile("rain.zip") as archive:
        assert archive.namelist() == ["rain_174bpm_Fm.wav"]


def test_the_commands(layers, capfd):
    for kind in KINDS:
        assert cli.run(["export", kind, *map(str, layers), "-o", f"x{KINDS[kind].suffix}"]) == 0
    out, err = capfd.readouterr()
    assert (len(out.splitlines()), err) == (6, "")
    assert cli.run(["export", "zip", str(layers[0]), "--loop", "--title", "t", "-o", "y.zip", "--json"]) == 0
    assert capfd.readouterr().out == '{"kind": "zip", "files": ["y.zip"]}\n'
    with zipfile.ZipFile("y.zip") as archive:
        assert archive.namelist() == ["t_90-120bpm_Am.wav"]
        assert wavinfo.WavInfoReader(io.BytesIO(archive.read("t_90-120bpm_Am.wav"))).smpl.sample_loops


@pytest.mark.parametrize(
    ("argv", "code", "says"),
    [
        (["reaper", "none.wav", "-o", "x.rpp"], 3, "no file none.wav"),
        (["reaper", "0123456789ab", "-o", "x.rpp"], 3, "no item '0123456789ab'"),
        (["reaper", "plain.wav", "-o", "x.rpp"], 3, "plain.wav has no plan with a tempo: say it with --bpm"),
        (["midi", "plain.wav", "-o", "x.mid"], 3, "plain.wav has no plan: say its tempo with --bpm"),
        (["reaper", "song-bass.wav", "-o", "x.txt"], 3, "does not end in .rpp or .zip"),
        (["zip", "song-bass.wav", "-o", "no/x.zip"], 3, "the folder no does not exist"),
        (["reaper", "song-bass.wav", "-o", "x.rpp", "--bpm", "0"], 2, "bpm must be a number from 1 to 1000"),
        (["reaper", "song-bass.wav", "-o", "x.rpp", "--bpm", "nan"], 2, "bpm must be a number from 1 to 1000"),
        (["reaper", "song-bass.wav", "-o", "x.rpp", "--metre", "9"], 2, "no metre"),
        (["reaper", "song-bass.wav", "-o", "x.rpp", "--key", "H"], 2, "no key"),
        (["reaper", "empty.wav", "-o", "x.rpp", "--bpm", "90"], 3, "no sound in it"),
        (["stems", "-o", "x"], 2, "CLIP"),
        (["reaper", "song-bass.wav"], 2, "--output"),
    ],
)
def test_a_mistake_is_one_line(layers, capfd, argv, code, says):
    sf.write("plain.wav", np.zeros(400), 8_000)
    sf.write("empty.wav", np.zeros(0), 8_000)
    before = sorted(os.listdir())
    assert cli.run(["export", *argv]) == code
    out, err = capfd.readouterr()
    assert out == "" and says in err and err.count("\n") == 1
    assert sorted(os.listdir()) == before
