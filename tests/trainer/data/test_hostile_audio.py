"""Sound files as careless programs leave them: true lengths, what is told, and why some are left out."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from musicgen_app.errors import FileError
from support import hostile_audio
from ttm_trainer.data.audio_reader import duration, mpeg_frames, read
from ttm_trainer.data.decoder_noise import decoder_noise
from ttm_trainer.data.mpeg_frames import frames_of
from ttm_trainer.data.sound_facts import sound_facts

FILES = hostile_audio.mp3_files() | hostile_audio.wav_files() | hostile_audio.other_files()


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("hostile")
    hostile_audio.write_all(root)
    return root


@pytest.mark.parametrize("name", FILES)
def test_every_file_is_heard_to_its_end_or_left_out_with_a_reason(folder, name, capfd) -> None:
    _, seconds, told = FILES[name]
    facts = sound_facts(folder / name)
    assert capfd.readouterr() == ("", "")  # what the decoder says is caught
    if told.startswith("-"):
        assert told[1:] in facts.reason and "\n" not in facts.reason and name not in facts.reason
        return
    assert not facts.reason and facts.seconds == pytest.approx(seconds, abs=0.12)
    assert facts.rate == hostile_audio.RATE and facts.digest
    said = " | ".join(facts.remarks)
    assert told in said if told else "says" not in said, said


@pytest.mark.parametrize("name", [name for name, (_, seconds, _) in FILES.items() if seconds])
def test_what_is_read_is_what_was_heard(folder, name) -> None:
    """Lengths agree, and the last seconds can be read, also where a header denies them."""
    seconds = sound_facts(folder / name).seconds
    assert duration(folder / name) == pytest.approx(seconds, abs=0.01)
    if name not in ("mostly_silent.wav",):
        assert read(folder / name, 16_000, 1, seconds - 1.0, 1.0).shape[1] == pytest.approx(16_000, abs=16)


def test_a_stretch_of_a_mended_file_is_the_same_as_in_the_whole(folder) -> None:
    for name in ("no_xing.mp3", "joined.mp3", "too_many_told.mp3"):
        whole = read(folder / name, hostile_audio.RATE, 2)
        start = 4 * hostile_audio.RATE
        part = read(folder / name, hostile_audio.RATE, 2, 4.0, 1.0)
        np.testing.assert_allclose(part, whole[:, start : start + hostile_audio.RATE], atol=1e-4)
    joined, plain = (read(folder / name, hostile_audio.RATE, 2) for name in ("joined.mp3", "plain.mp3"))
    np.testing.assert_allclose(joined[:, : hostile_audio.RATE * 5], plain[:, : hostile_audio.RATE * 5], atol=1e-4)


def test_a_file_whose_header_is_right_is_read_as_it_always_was(folder) -> None:
    for name in ("plain.mp3", "constant.mp3", "cover.mp3", "a.flac", "streamed.wav"):
        expected, _ = soundfile.read(folder / name, dtype="float32", always_2d=True)
        np.testing.assert_array_equal(read(folder / name, hostile_audio.RATE, 2), expected.T)


def test_stretches_that_cannot_be_trained_on_are_refused(folder) -> None:
    with pytest.raises(FileError, match="NaN or infinite samples from 0.0 s"):
        read(folder / "nan_in_it.wav", 16_000, 2, 0.0, 1.0)
    assert read(folder / "nan_in_it.wav", 16_000, 2, 1.0, 1.0).any()
    with pytest.raises(FileError, match=r"samples of \d\.\d+e\+29.*full scale is 1"):
        read(folder / "beyond.wav", 16_000, 2)
    with pytest.raises(FileError, match="is constant"):
        read(folder / "constant.wav", 16_000, 1)
    with pytest.raises(FileError, match="silent in mono: its channels cancel out"):
        read(folder / "turned.wav", 16_000, 1)
    assert read(folder / "turned.wav", 16_000, 2).any()


def test_the_same_sound_has_the_same_digest_whatever_holds_it(folder, tmp_path) -> None:
    kinds = [sound_facts(folder / f"a.{suffix}").digest for suffix in ("w64", "caf", "au", "rf64", "flac", "aif")]
    assert len(set(kinds)) == 1
    assert sound_facts(folder / "cover.mp3").digest == sound_facts(folder / "plain.mp3").digest
    assert sound_facts(folder / "constant.mp3").digest != sound_facts(folder / "plain.mp3").digest
    wave = hostile_audio.music()
    soundfile.write(tmp_path / "a.wav", wave, 44_100, "FLOAT")
    soundfile.write(tmp_path / "b.wav", wave, 48_000, "FLOAT")
    assert sound_facts(tmp_path / "a.wav").digest != sound_facts(tmp_path / "b.wav").digest


def test_levels(folder, tmp_path) -> None:
    time = np.arange(44_100) / 44_100
    soundfile.write(tmp_path / "sine.wav", 0.5 * np.sin(2 * np.pi * 1_000 * time), 44_100, "FLOAT")
    facts = sound_facts(tmp_path / "sine.wav")
    assert facts.peak == pytest.approx(0.5, abs=1e-3) and facts.level == pytest.approx(-9.03, abs=0.02)
    assert (facts.clipped, facts.silent, facts.channels) == (0, 0, 1)
    square = np.where(np.sin(2 * np.pi * 100 * time) > 0, 1.0, -1.0)
    soundfile.write(tmp_path / "square.wav", square, 44_100, "FLOAT")
    assert sound_facts(tmp_path / "square.wav").clipped > 0.9
    assert sound_facts(folder / "mostly_silent.wav").silent > 0.7


def test_frames_of_an_mp3_are_counted(folder) -> None:
    frames = mpeg_frames(folder / "no_xing.mp3")
    assert frames and len(frames) == pytest.approx(hostile_audio.SECONDS * 44_100 / 1152, abs=3)
    assert mpeg_frames(folder / "a.flac") is None and mpeg_frames(folder / "noise.mp3") is None


def test_files_with_names_that_are_no_text(folder, tmp_path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff\n.mp3"))
    shutil.copy(folder / "no_xing.mp3", path)
    assert sound_facts(path).seconds == pytest.approx(hostile_audio.SECONDS, abs=0.1)
    shutil.copy(folder / "a.flac", path)
    assert read(path, 44_100, 2).shape[1] == hostile_audio.SECONDS * 44_100


def test_what_others_write_meanwhile_is_passed_on(capfd) -> None:
    with decoder_noise() as noise:
        os.write(2, b"Note: Trying to resync...\nstep 3 of 4\n[src/libmpg123/layer3.c:do():17] error: bad\n")
    assert noise == ["Trying to resync...", "bad"]
    assert capfd.readouterr().err == "step 3 of 4\n"
    with decoder_noise() as noise:
        pass
    assert noise == []


def test_what_a_decoder_says_is_told_with_the_name(tmp_path, capfd) -> None:
    frames = bytearray(hostile_audio.mp3(hostile_audio.music()))
    for at, _ in frames_of(bytes(frames)).places[100::7]:
        frames[at + 6 : at + 36] = b"\x7f" * 30  # what tells how the sound of the frame is stored
    (tmp_path / "damaged.mp3").write_bytes(frames)
    facts = sound_facts(tmp_path / "damaged.mp3")
    assert facts.seconds and any("the decoder says" in remark for remark in facts.remarks), facts.remarks
    read(tmp_path / "damaged.mp3", 16_000, 1)
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith(f"{tmp_path}/damaged.mp3: the decoder says: ")
