"""Levels against the standards' own numbers, and files that are whole or not there."""

from __future__ import annotations

import errno
import json
import os

import numpy as np
import pytest
from scipy.signal import resample as fourier_resample

from musicgen_app import audio
from musicgen_app.errors import FileError, GenerationError

SUFFIXES = list(audio.FORMATS)
LOSSLESS = [".wav", ".flac"]
TAGS = {
    "title": "Música 音楽 🎹",
    "artist": "ttm-app (AI-generated)",
    "software": "ttm-app 0.1.0",
    "comment": '{"prompt":"été, 音"}',
    "copyright": "©",
    "date": "2026",
    "album": "Ünï",
    "genre": "Ambient",
}


def sine(level: float, seconds: float, rate: int = 48_000, frequency: float = 997.0, channels: int = 2) -> np.ndarray:
    """(channels, samples) sine with its peak at `level` dBFS."""
    time = np.arange(round(seconds * rate)) / rate
    return np.tile(10 ** (level / 20) * np.sin(2 * np.pi * frequency * time), (channels, 1)).astype(np.float32)


def noise(seconds: float, rate: int = 48_000, channels: int = 2, level: float = 0.1) -> np.ndarray:
    samples = np.random.default_rng(0).standard_normal((channels, round(seconds * rate)))
    return (level * samples).astype(np.float32)


# --- loudness and true peak -------------------------------------------------------------------------------------------


def test_k_weighting_at_48_khz_is_the_table_of_bs_1770():
    table = [
        [1.53512485958697, -2.69169618940638, 1.19839281085285, 1.0, -1.69065929318241, 0.73248077421585],
        [1.0, -2.0, 1.0, 1.0, -1.99004745483398, 0.99007225036621],
    ]
    np.testing.assert_allclose(audio._k_weighting(48_000), table, atol=1e-8)


@pytest.mark.parametrize("rate", [22_050, 32_000, 44_100, 48_000, 96_000])
def test_loudness_of_the_reference_sine(rate):
    assert audio.loudness(sine(-23, 5, rate), rate) == pytest.approx(-23.0, abs=0.1)
    assert audio.loudness(sine(-23, 5, rate, channels=1), rate) == pytest.approx(-26.01, abs=0.1)


@pytest.mark.parametrize(
    "parts",
    [
        [(-36, 5), (-23, 30), (-36, 5)],  # relative gate: EBU Tech 3341 case 3, shorter
        [(-72, 5), (-36, 5), (-23, 30), (-36, 5), (-72, 5)],  # absolute gate: case 4
        [(-26, 10), (-20, 10.05), (-26, 10)],  # no gate: case 5
    ],
)
def test_loudness_is_gated(parts):
    programme = np.concatenate([sine(level, seconds, 32_000) for level, seconds in parts], axis=1)
    assert audio.loudness(programme, 32_000) == pytest.approx(-23.0, abs=0.1)


def test_loudness_of_nothing():
    assert audio.loudness(np.zeros((2, 48_000), np.float32), 48_000) == -np.inf
    assert audio.loudness(sine(-23, 0.39), 48_000) == -np.inf


def test_the_relative_gate_does_not_undo_the_absolute_one():
    quiet = np.concatenate([sine(-73, 5, 32_000), sine(-66, 5, 32_000)], axis=1)
    assert audio.loudness(quiet, 32_000) == pytest.approx(-66.0, abs=0.2)


def test_true_peak_sees_between_the_samples():
    time, window = np.arange(4_800), np.hanning(4_800)
    halfway = window * np.cos(np.pi / 2 * (time - 0.5))  # samples 3 dB under the peaks
    assert 20 * np.log10(np.abs(halfway).max()) == pytest.approx(-3.01, abs=0.01)
    assert audio.true_peak(halfway[None], 48_000) == pytest.approx(0.0, abs=0.02)
    assert audio.true_peak(halfway[None], 96_000) == pytest.approx(0.0, abs=0.02)
    quarter_way = window * np.cos(np.pi / 3 * (time - 0.25))  # 2x would read 0.3 dB less
    assert audio.true_peak(quarter_way[None], 48_000) == pytest.approx(0.0, abs=0.02)
    assert audio.true_peak(np.zeros((2, 100)), 48_000) == -np.inf


def test_true_peak_does_not_depend_on_blocks(monkeypatch):
    clips = noise(0.5), sine(0, 0.5, frequency=50.0) * np.hanning(24_000)
    whole = [audio.true_peak(clip, 48_000) for clip in clips]
    monkeypatch.setattr(audio, "BLOCK", 1_000)
    assert [audio.true_peak(clip, 48_000) for clip in clips] == pytest.approx(whole, abs=1e-9)


# --- master -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loudness", [None, 6.0])
def test_ceiling_holds_between_the_samples(loudness):
    nasty = 1.5 * np.sign(np.sin(np.pi / 2 * np.arange(48_000) + np.pi / 4))  # +-+- pairs at full scale and over
    clip = audio.master(np.stack([nasty, -nasty]).astype(np.float32), 48_000, 48_000, loudness)
    finely = fourier_resample(clip.astype(np.float64), 16 * 48_000, axis=1)  # another method, 16x
    assert audio.true_peak(clip, 48_000) <= -1.0
    assert 20 * np.log10(np.abs(finely).max()) <= -1.0
    assert 20 * np.log10(np.abs(finely).max()) > -1.1  # no more was taken away than needed


def test_quiet_audio_is_only_faded():
    clip = noise(1.0, level=0.01)
    mastered = audio.master(clip, 48_000, 48_000)
    np.testing.assert_array_equal(mastered[:, 240:-240], clip[:, 240:-240])
    assert mastered.dtype == np.float32


def test_fades_start_and_end_at_zero():
    mastered = audio.master(sine(-6, 1.0, frequency=100.0) + 0.0, 48_000, 48_000)
    flat = audio._fades(48_000, 48_000)
    assert (flat[0], flat[239], flat[240], flat[-241], flat[-1]) == (0, flat[-240], 1, 1, 0)
    assert flat[120] == pytest.approx(0.5)
    assert (np.diff(flat[:241]) > 0).all()
    assert not mastered[:, [0, -1]].any()


def test_loudness_target_is_met_where_the_peaks_allow():
    assert audio.loudness(audio.master(sine(-40, 5), 48_000, 240_000, -20.0), 48_000) == pytest.approx(-20, abs=0.01)
    quieter = audio.master(sine(-3, 5), 48_000, 240_000, -30.0)
    assert audio.loudness(quieter, 48_000) == pytest.approx(-30, abs=0.01)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_non_finite_audio_is_refused(value):
    clip = noise(1.0)
    clip[1, 1_000] = value
    with pytest.raises(GenerationError, match="NaN or infinite"):
        audio.master(clip, 48_000, 48_000)


@pytest.mark.parametrize("offset", [0.0, 0.5])
def test_silence_is_refused_even_with_an_offset(offset):
    with pytest.raises(GenerationError, match="silence.*try"):
        audio.master(noise(1.0, level=2e-4) + np.float32(offset), 48_000, 48_000)
    audio.master(noise(1.0, level=5e-4), 48_000, 48_000)


def test_constant_offset_is_removed():
    mastered = audio.master(noise(1.0) + np.float32([[0.2], [-0.1]]), 48_000, 48_000)
    assert np.abs(mastered.mean(axis=1)).max() < 1e-4


def test_length_is_exact():
    clip = noise(1.0, channels=1)
    assert audio.master(clip, 48_000, 47_001).shape == (1, 47_001)
    padded = audio.master(clip, 48_000, 52_000)
    assert padded.shape == (1, 52_000)
    assert not padded[:, 47_999:].any()  # faded where the sound ends, so the padding does not click
    with pytest.raises(GenerationError, match=r"1\.00 s instead of 2\.00 s"):
        audio.master(clip, 48_000, 96_000)


def test_master_is_deterministic_and_leaves_its_input_alone():
    clip = noise(1.0, level=0.9)
    before = clip.copy()
    np.testing.assert_array_equal(audio.master(clip, 48_000, 48_000, -14.0), audio.master(clip, 48_000, 48_000, -14.0))
    np.testing.assert_array_equal(clip, before)


# --- resample ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("old", "new"), [(48_000, 44_100), (32_000, 48_000), (96_000, 48_000)])
def test_resample_keeps_the_music_and_drops_what_would_alias(old, new):
    again = audio.resample(sine(0, 1.0, old), old, new)
    assert again.shape == (2, new)
    assert np.abs(again - sine(0, 1.0, new))[:, 500:-500].max() < 1e-4
    if new < old:
        gone = audio.resample(sine(0, 1.0, old, frequency=new / 2 + 1_500), old, new)
        assert np.abs(gone[:, 500:-500]).max() < 1e-4


# --- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("rate", [32_000, 44_100, 48_000])
def test_ten_seconds_come_back_to_the_sample_with_all_tags(tmp_path, suffix, rate):
    clip = noise(10.0, rate)
    path = audio.write(tmp_path / f"clip{suffix}", clip, rate, TAGS)
    again, again_rate, tags = audio.read(path)
    assert (again.shape, again.dtype, again_rate, tags) == ((2, 10 * rate), np.float32, rate, TAGS)
    assert audio.read_tags(path) == TAGS
    if suffix in LOSSLESS:
        assert np.abs(again - clip).max() <= 2.0**-23
    else:  # lossy, but in place: no encoder delay is left in front
        band = np.stack([sine(-12, 1.0, rate, 440.0)[0], sine(-12, 1.0, rate, 660.0)[0]])
        coded, _, _ = audio.read(audio.write(tmp_path / f"band{suffix}", band, rate, {}))
        assert np.abs(coded - band)[:, 2_000:-2_000].max() < 0.02
    assert os.listdir(tmp_path).count(path.name) == 1
    assert not [name for name in os.listdir(tmp_path) if name.endswith(".part")]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_mono(tmp_path, suffix):
    again, rate, _ = audio.read(audio.write(tmp_path / f"clip{suffix}", noise(0.5, 32_000, 1), 32_000, {}))
    assert (again.shape, rate) == ((1, 16_000), 32_000)


def test_wav_and_flac_hold_identical_samples(tmp_path):
    """Rounded to nearest, halves to even, at every sample: libsndfile alone does it otherwise for WAV than for FLAC."""
    halves = (np.arange(-4_000, 4_000) + 0.5) / 2**23
    clip = np.concatenate([halves, noise(0.5)[0], [1.0, -1.0]]).astype(np.float32)[None]
    paths = [audio.write(tmp_path / f"clip{suffix}", clip, 48_000, {}) for suffix in LOSSLESS]
    wav, flac = (audio.read(path)[0] for path in paths)
    assert np.array_equal(wav, flac)
    assert np.array_equal(wav * 2**23, np.clip(np.rint(clip * 2.0**23), -(2**23), 2**23 - 1))


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".mp3"])
def test_same_clip_same_bytes(tmp_path, suffix):
    first, second = (audio.write(tmp_path / f"{n}{suffix}", noise(2.0), 48_000, TAGS).read_bytes() for n in "ab")
    assert first == second


def test_ogg_gives_the_same_samples(tmp_path):
    first, second = (audio.read(audio.write(tmp_path / f"{n}.ogg", noise(2.0), 48_000, TAGS))[0] for n in "ab")
    np.testing.assert_array_equal(first, second)


def test_a_minute_of_stereo_ogg_does_not_crash(tmp_path):
    again, _, _ = audio.read(audio.write(tmp_path / "long.ogg", noise(60.0), 48_000, TAGS))
    assert again.shape == (2, 60 * 48_000)


@pytest.mark.parametrize(
    ("suffix", "rate", "written"), [(".mp3", 96_000, 48_000), (".mp3", 40_000, 44_100), (".ogg", 384_000, 192_000)]
)
def test_rates_a_format_cannot_take_are_resampled(tmp_path, suffix, rate, written):
    again, again_rate, _ = audio.read(audio.write(tmp_path / f"clip{suffix}", noise(0.5, rate), rate, {}))
    assert (again.shape, again_rate) == ((2, written // 2), written)


@pytest.mark.parametrize("letter", ["a", "é", "音", "🎹", '"'])
def test_wav_with_a_long_prompt_keeps_its_tags(tmp_path, letter):
    comment = json.dumps({"prompt": letter * 5_000, "negative": "loud", "seed": 7}, ensure_ascii=False)
    tags = audio.read_tags(audio.write(tmp_path / "clip.wav", noise(0.5), 48_000, TAGS | {"comment": comment}))
    assert json.loads(tags["comment"]) == {"negative": "loud", "seed": 7, "truncated": True}
    assert tags | {"comment": ""} == TAGS | {"comment": ""}
    for suffix in (".flac", ".ogg", ".mp3"):
        path = audio.write(tmp_path / f"clip{suffix}", noise(0.5), 48_000, TAGS | {"comment": comment})
        assert audio.read_tags(path)["comment"] == comment


@pytest.mark.parametrize("length", [1_999, 2_000, 2_001, 2_045, 2_046, 9_999])
def test_wav_comment_of_any_length_keeps_the_tags(tmp_path, length):
    comment = "音" * (length // 3) + "x" * (length % 3)
    tags = audio.read_tags(audio.write(tmp_path / "clip.wav", noise(0.5), 48_000, TAGS | {"comment": comment}))
    assert comment.startswith(tags["comment"])
    assert min(length, 1_998) <= len(tags["comment"].encode()) <= 2_000
    assert tags["title"] == TAGS["title"]


def test_unknown_suffix_lists_the_formats(tmp_path):
    for name in ("clip.aac", "clip", ".wav", "clip.wav.txt"):
        with pytest.raises(FileError, match=r"\.wav, \.flac, \.ogg, \.mp3"):
            audio.write(tmp_path / name, noise(0.5), 48_000, {})
    audio.write(tmp_path / "CLIP.WAV", noise(0.5), 48_000, {})


def test_an_existing_file_is_kept_unless_forced(tmp_path):
    path = tmp_path / "clip.wav"
    path.write_bytes(b"mine")
    with pytest.raises(FileError, match="--force"):
        audio.write(path, noise(0.5), 48_000, {})
    assert path.read_bytes() == b"mine"
    audio.write(path, noise(0.5), 48_000, {}, overwrite=True)
    assert audio.read(path)[0].shape == (2, 24_000)
    assert os.listdir(tmp_path) == ["clip.wav"]


def test_a_dangling_link_is_a_file_that_exists(tmp_path):
    (tmp_path / "clip.wav").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileError, match="--force"):
        audio.write(tmp_path / "clip.wav", noise(0.5), 48_000, {})
    assert not (tmp_path / "elsewhere").exists()


def test_unusable_folders(tmp_path):
    with pytest.raises(FileError, match="create it first"):
        audio.write(tmp_path / "new" / "clip.wav", noise(0.5), 48_000, {})
    assert not (tmp_path / "new").exists()
    (tmp_path / "folder.wav").mkdir()
    with pytest.raises(FileError, match="is a folder"):
        audio.write(tmp_path / "folder.wav", noise(0.5), 48_000, {}, overwrite=True)
    with pytest.raises(FileError, match="cannot write"):
        audio.write(tmp_path / ("x" * 300 + ".wav"), noise(0.5), 48_000, {})
    with pytest.raises(FileError, match="cannot write"):
        audio.write(tmp_path / "nu\0l.wav", noise(0.5), 48_000, {})
    assert os.listdir(tmp_path) == ["folder.wav"]


def failing(number: int):
    def fail(*_, **__):
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize(("step", "overwrite"), [("fsync", False), ("fsync", True), ("replace", True)])
def test_failing_midway_leaves_nothing(tmp_path, monkeypatch, step, overwrite):
    path = tmp_path / "clip.wav"
    if overwrite:
        path.write_bytes(b"mine")
    monkeypatch.setattr(os, step, failing(errno.ENOSPC))
    with pytest.raises(FileError, match="free some space"):
        audio.write(path, noise(0.5), 48_000, {}, overwrite)
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"mine"] * overwrite


def test_interrupt_midway_leaves_nothing(tmp_path, monkeypatch):
    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        audio.write(tmp_path / "clip.wav", noise(0.5), 48_000, {})
    assert not os.listdir(tmp_path)


def test_reading_what_is_not_sound(tmp_path):
    with pytest.raises(FileError, match="no file"):
        audio.read(tmp_path / "none.wav")
    for name in (tmp_path, "x" * 300 + ".wav", "nu\0l.wav"):
        with pytest.raises(FileError, match="no file"):
            audio.read(name)
    for name in ("text.wav", "empty.mp3", "data.raw"):
        (tmp_path / name).write_bytes(b"" if name.startswith("empty") else b"not a sound file" * 40)
        with pytest.raises(FileError, match="cannot read|not a sound file"):
            audio.read(tmp_path / name)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_reading_half_a_file(tmp_path, suffix):
    path = audio.write(tmp_path / f"clip{suffix}", noise(2.0), 48_000, TAGS)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    try:
        assert audio.read(path)[0].shape[1] <= 96_000
    except FileError as error:
        assert "\n" not in str(error)
