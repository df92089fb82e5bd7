"""`ttm-app evaluate plan`: songs that are played as written, songs that are not, and the whole command."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
import soundfile

from musicgen_app import cli
from musicgen_app.control.plan import Plan, Section
from musicgen_app.control.theory import METRES, parse_chord
from musicgen_app.errors import FileError, RequestError
from musicgen_app.models import installed
from support.planned_model import planned, wide
from support.sounds import beat, tones
from ttm_trainer.evaluation.clips.clip_features import RATE
from ttm_trainer.evaluation.clips.clips import Clip
from ttm_trainer.evaluation.clips.obedience import chord_stretches
from ttm_trainer.evaluation.clips.songs import Song, built_in, other_chords, read_songs
from ttm_trainer.evaluation.plan_obedience import _figures, _heard, _qualities

SONG = Plan(
    120.0, key="A minor", sections=(
        Section(4, "verse", (("Am", 4.0), ("F", 4.0), ("C/E", 4.0), ("E7", 4.0)), False, 0.3),
        Section(4, "chorus", (("Dm", 4.0), ("G", 4.0), ("Am", 4.0), ("Am", 4.0)), True, 0.9),
    ),
)  # fmt: skip


def played(plan: Plan) -> np.ndarray:
    wave = np.zeros(round(plan.seconds * RATE), np.float32)
    for symbol, start, end in chord_stretches(plan, plan.seconds):
        chord = parse_chord(symbol)
        note = 0.2 * tones([36 + (chord.bass - 36) % 12, *(60 + (p - 60) % 12 for p in chord.pitches)], end - start)
        place = wave[round(start * RATE) :][: len(note)]
        place += note[: len(place)]
    half = len(wave) // 2
    wave[half:] += beat(120, half / RATE)[: len(wave) - half]
    return wave


def row(tmp_path, plan: Plan, wave: np.ndarray) -> dict:
    soundfile.write(tmp_path / "song.wav", wave / abs(wave).max(), RATE)
    return _heard(Song(0, "song", "music", plan), Clip("song", tmp_path / "song.wav"))


def test_a_song_that_is_played_as_written_keeps_everything(tmp_path):
    right = row(tmp_path, SONG, played(SONG))
    assert (right["kept"], right["chords"], right["basses kept"], right["slashes"]) == (8, 8, 1, 1)
    assert right["key or relative"] and right["drums"] == right["energy"] == 1.0
    wrong = row(tmp_path, SONG, played(other_chords(SONG))[::-1].copy())
    assert wrong["kept"] < 4 and wrong["drums"] == wrong["energy"] == 0.0
    figures = {entry["name"]: entry for entry in _figures([right | {"onsets": 0.9}, wrong | {"onsets": None}], 50)}
    assert figures["chords"]["value"] == (right["kept"] + wrong["kept"]) / 16 and figures["chords"]["of"] == 16
    assert figures["drums"]["value"] == 0.5 and figures["onsets"]["of"] == 1
    kinds = {entry["quality"]: entry for entry in _qualities(right["heard"])}
    assert kinds["m"] == {"quality": "m", "chords": 4, "kept": 1.0} and kinds["7"]["chords"] == 1


def test_built_in_songs_have_64_bars_in_three_keys_and_five_metres():
    songs = built_in()
    assert {sum(section.bars for section in song.plan.sections) for song in songs} == {64}
    assert len({song.plan.key for song in songs}) == 3 and len({song.plan.metre for song in songs}) == 5
    assert len({(song.plan.key, song.plan.metre) for song in songs}) == len(songs) == 15
    assert {song.plan.metre for song in songs} <= set(METRES) and len({song.id for song in songs}) == 15
    assert len(Counter(parse_chord(s).quality for one in songs for t in one.plan.stretches for s, _ in t.chords)) > 20
    with pytest.raises(FileError, match="15 songs, not 16"):
        built_in(16)


def test_songs_of_ones_own_need_a_length(tmp_path):
    (tmp_path / "my song.txt").write_text("style: slow blues\ntempo 90\nverse 4: A7 D7\n", encoding="utf-8")
    (song, waltz) = read_songs([str(tmp_path / "my song.txt"), "waltz"])
    assert (song.id, song.prompt, song.plan.key) == ("my-song", "slow blues", "D major")
    assert waltz.prompt == "waltz for accordion and strings"
    (tmp_path / "open.txt").write_text("chords: A7 D7\n", encoding="utf-8")
    with pytest.raises(RequestError, match="its length is not known"):
        read_songs([str(tmp_path / "open.txt")])
    with pytest.raises(RequestError, match="of one name"):
        read_songs(["waltz", "waltz"])
    with pytest.raises(FileError):
        read_songs([str(tmp_path / "none.txt")])


def test_the_command_makes_the_same_report_again(home, tiny_parts, tmp_path, capsys):
    installed.install(planned(tiny_parts, tmp_path, wide().tensors()).path, replace=True)
    (tmp_path / "song.txt").write_text("tempo 120\nverse 2 no drums: Am F\nchorus 2 drums: C G\n", encoding="utf-8")
    words = ["evaluate", "plan", "planned", str(tmp_path / "song.txt"), "--seeds", "2", "--bootstrap", "20"]
    words += ["--audio-out", str(tmp_path / "clips"), "--quiet"]
    assert cli.run([*words, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [row["id"] for row in report["clips"]] == ["song", "song.1"] and report["follows_plans"]
    assert report["clips"][0]["chords"] == 4 and isinstance(report["clips"][0]["onsets"], float)
    assert sorted(path.name for path in (tmp_path / "clips").glob("*.wav")) == [
        "song.1.wav", "song.as-it-is.wav", "song.other-chords.wav", "song.wav",
    ]  # fmt: skip
    assert cli.run([*words, "-o", str(tmp_path / "report.json")]) == 0
    assert json.loads((tmp_path / "report.json").read_text()) == report
    assert "kinds of chords" in capsys.readouterr().out
    assert cli.run(["evaluate", "plan", "planned", str(tmp_path / "none.txt")]) == 3
