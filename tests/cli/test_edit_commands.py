"""`ttm-app continue`, `repaint`, `vary`, `ending`, `add` and `layers` end to end: real files in, real files out."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from musicgen_app import audio
from musicgen_app.cli import run

FAST = ("--model", "tiny", "--steps", "2", "--seed", "4")


@pytest.fixture
def cli(home, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)

    def call(*argv: object) -> tuple[int, str, str]:
        return run([str(value) for value in argv]), *capfd.readouterr()

    return call


@pytest.fixture
def song(cli) -> Path:
    """A clip of the app with a plan: six bars in six seconds."""
    plan = ("--bpm", "120", "--metre", "2/4", "--chords", "Am F")
    assert cli("generate", "slow bells", *FAST, "--seconds", 6, *plan, "-o", "song.wav", "--no-keep")[0] == 0
    return Path("song.wav")


@pytest.mark.parametrize(
    "argv, seconds",
    [
        (("continue", "--bars", 2), 8.0),
        (("continue", "--seconds", 1.5, "--left"), 7.5),
        (("repaint", "--bars", "2-3", "--bars", "5", "--chords", "Dm"), 6.0),
        (("repaint", "loud drums", "--from", 1, "--to", 2, "--from", 4, "--to", 5), 6.0),
        (("vary", "--strength", 0.3), 6.0),
        (("ending", "--bars", 1), 9.0),
    ],
)
def test_every_edit_writes_a_new_file_and_leaves_the_old_one(cli, song, argv, seconds):
    before = song.read_bytes()
    code, out, err = cli(argv[0], song, *argv[1:], *FAST, "-o", "new.wav")
    assert code == 0 and re.match(r"new\.wav  [\d.]+ s  seed 4 .*kept ", out), (out, err)
    sound, rate, _ = audio.read("new.wav")
    old, _, _ = audio.read(song)
    assert sound.shape == (1, round(seconds * rate)) and song.read_bytes() == before
    record = json.loads(Path("new.wav.json").read_text()) if os.path.exists("new.wav.json") else None
    record = record or json.loads(audio.read_tags("new.wav")["comment"])
    offset = 12_000 if "--left" in argv else 0
    for begin, end in record["edit"]["kept"]:
        begin, end = round(begin * rate), round(end * rate)
        assert np.array_equal(sound[:, begin:end], old[:, begin - offset : end - offset])
    assert "heard" not in err
    listed = json.loads(cli("library", "list", "--json")[1])
    assert listed[0]["request"]["seconds"] == seconds and listed[0]["edited"] == f"{argv[0]} of song.wav"
    code, _, err = cli("generate", "--from", "new.wav", "-o", "again.wav")
    assert code == 3 and re.fullmatch(r"error: new.wav was edited, .*edit song.wav again\n", err)


def test_a_clip_of_the_library_is_named_by_its_id(cli, song):
    assert cli("generate", "--from", song, "-o", "kept.wav")[0] == 0
    item = json.loads(cli("library", "list", "--json")[1])[0]
    before = Path(item["path"]).read_bytes()
    code, _, err = cli("continue", item["id"], "--bars", 1, *FAST, "-o", "a.wav", "--no-keep")
    assert code == 0, err
    assert cli("continue", item["path"], "--bars", 1, *FAST, "-o", "b.wav", "--no-keep")[0] == 0
    assert Path("a.wav").read_bytes() == Path("b.wav").read_bytes() and Path(item["path"]).read_bytes() == before
    code, _, err = cli("continue", "0" * 12, "-o", "c.wav")
    assert code == 3 and re.fullmatch(r"error: there is no item '0{12}' [^\n]*\n", err)


def test_the_name_of_an_edit_says_what_it_is(cli, song):
    code, out, _ = cli("vary", song, *FAST, "-n", 2, "--format", ".flac", "-q", "--no-keep")
    assert (code, out) == (0, "song-vary-4-1.flac\nsong-vary-4-2.flac\n")
    code, out, _ = cli("repaint", song, "--bars", "1", *FAST, "--json", "--no-keep")
    assert json.loads(out)["edit"]["regions"] == [{"bars": [1, 1]}] and json.loads(out)["played"]["tempo"] == 120


def test_a_recording_of_anybody_is_listened_to(cli):
    from support.sounds import beat, cadence

    sound = 0.5 * beat(120, 16.0) + np.tile(cadence(9, "minor", 8.0), 2)
    sf.write("their.flac", np.stack([sound, 0.5 * sound]).T * 0.5, 32_000, subtype="PCM_16")
    code, _, err = cli("repaint", "their.flac", "bells", "--bars", "3-4", *FAST, "-o", "new.flac", "--no-keep")
    assert code == 0 and re.search(r"heard in their.flac: 1(19|20)[\d.]* BPM, 4/4, .*bar 1 at", err), err
    old, new = (sf.read(name, dtype="int32")[0] for name in ("their.flac", "new.flac"))
    assert new.shape == old.shape and np.mean((old == new).all(axis=1)) > 0.6
    code, _, err = cli("repaint", "their.flac", "bells", "--bars", "3-4", "--bpm", 60, "--downbeat", 0.5,
                       *FAST, "-o", "slow.flac", "--no-keep")  # fmt: skip
    assert code == 0 and "60 BPM" in err and "bar 1 at 0.50 s" in err, err


def test_a_recording_without_a_beat_says_what_to_do(cli):
    sf.write("noise.wav", 0.1 * np.random.default_rng(0).standard_normal(8_000 * 8), 8_000)
    code, _, err = cli("continue", "noise.wav", "--bars", 4, *FAST, "-o", "new.wav")
    assert code == 2 and re.fullmatch(r"error: [^\n]*--bpm[^\n]*\n", err) and not os.path.exists("new.wav")
    assert cli("continue", "noise.wav", "bells", "--seconds", 1, *FAST, "-o", "new.wav", "--no-keep")[0] == 0


@pytest.mark.parametrize(
    "argv, code, message",
    [
        (("repaint", "song.wav"), 2, "say what to play again"),
        (("repaint", "song.wav", "--bars", "5-9"), 2, "the recording has 6 bars"),
        (("repaint", "song.wav", "--bars", "x"), 2, "write bars as 5-8"),
        (("repaint", "song.wav", "--from", "1"), 2, "--from and --to go together"),
        (("repaint", "song.wav", "--from", "7", "--to", "9"), 2, "outside the recording"),
        (("vary", "song.wav", "--strength", "2"), 2, "strength must be"),
        (("vary", "none.wav"), 3, "no file none.wav"),
        (("vary", "song.wav", "-o", "song.wav", "--force"), 3, "the recording itself"),
        (("vary", "song.wav", "-o", "there.wav"), 3, "exists"),
        (("add", "song.wav"), 2, "say which part is added"),
        (("layers", "bass", "Bass"), 2, "each once"),
        (("layers", "bass", "keys", "--levels", "1"), 2, "2 parts need as many levels"),
        (("layers", "bass", "keys", "--levels", "a,b"), 2, "numbers in dB"),
    ],
)
def test_mistakes_are_one_line_and_nothing_is_written(cli, song, argv, code, message):
    Path("there.wav").write_bytes(b"mine")
    before = {name: Path(name).read_bytes() for name in os.listdir() if os.path.isfile(name)}
    fast = FAST if argv[0] != "layers" else FAST[:4]
    ran = cli(*argv, *fast)
    assert (ran[0], ran[1]) == (code, "") and re.fullmatch(r"(note: [^\n]*\n)*error: [^\n]*\n", ran[2]), ran
    assert message in ran[2]
    assert {name: Path(name).read_bytes() for name in os.listdir() if os.path.isfile(name)} == before


def test_an_added_part_lies_over_the_recording(cli, song):
    code, out, err = cli("add", song, "bass line", *FAST, "-o", "sum.wav", "-q", "--no-keep")
    assert (code, out) == (0, "sum.wav\nsum-part.wav\n"), err
    whole, part, old = (audio.read(name)[0] for name in ("sum.wav", "sum-part.wav", "song.wav"))
    rest = whole - part
    gain = float((rest * old).sum() / np.square(old).sum())
    assert gain <= 1 + 1e-6 and np.abs(rest - gain * old).max() < 2**-21 and np.abs(part).max() > 0.01
    assert audio.true_peak(whole, 8_000) <= audio.CEILING + 1e-3


def test_layers_add_up_to_their_sum(cli):
    code, out, err = cli("layers", "bass", "drums", "--style", "slow bells", "--bpm", 120, "--chords", "Am F",
                         "--seconds", 2, "--levels", "0,-6", *FAST, "-o", "l.wav", "--json", "--no-keep")  # fmt: skip
    assert code == 0, err
    whole, bass, drums = map(json.loads, out.splitlines())
    assert [one["path"] for one in (whole, bass, drums)] == ["l.wav", "l-bass.wav", "l-drums.wav"]
    assert set(bass["edit"]["heard"]) == {"bass", "drums"} and bass["seed"] == drums["seed"] == 4
    assert bass["prompt"] == "bass alone, slow bells" and bass["negative"] == "drums"
    sounds = [audio.read(one["path"])[0] for one in (whole, bass, drums)]
    assert np.abs(sounds[0] - sounds[1] - sounds[2]).max() < 2**-21
    assert audio.true_peak(sounds[0], 8_000) <= audio.CEILING + 1e-3
