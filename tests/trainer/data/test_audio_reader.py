from __future__ import annotations

import shutil

import numpy as np
import pytest
import soundfile

from musicgen_app import audio
from musicgen_app.errors import FileError
from ttm_trainer.data.audio_reader import duration, read


def tone(seconds: float, rate: int = 44_100, channels: int = 2, hertz: float = 440.0) -> np.ndarray:
    wave = 0.3 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)
    return np.stack([wave / (i + 1) for i in range(channels)]).astype(np.float32)


def save(path, wave: np.ndarray, rate: int = 44_100):
    return audio.write(path, wave, rate, {}, overwrite=True)


@pytest.fixture(scope="module")
def mp3(tmp_path_factory):
    return save(tmp_path_factory.mktemp("mp3") / "music.mp3", tone(6.0))


def test_a_wav_is_read_as_it_is(tmp_path) -> None:
    wave = tone(2.0)
    path = save(tmp_path / "a.wav", wave)
    got = read(path, 44_100, 2)
    assert got.dtype == np.float32 and got.shape == wave.shape
    np.testing.assert_allclose(got, wave, atol=2e-7)
    assert duration(path) == 2.0


def test_part_of_a_file(tmp_path) -> None:
    wave = tone(4.0, hertz=3.0)
    path = save(tmp_path / "a.flac", wave)
    np.testing.assert_allclose(read(path, 44_100, 2, 1.5, 0.5), wave[:, 66_150:88_200], atol=2e-7)
    assert read(path, 44_100, 2, 3.5, 2.0).shape == (2, 22_050)
    assert read(path, 32_000, 1, 1.0, 1.0).shape == (1, 32_000)


def test_channels_are_mixed_or_copied(tmp_path) -> None:
    stereo, mono = save(tmp_path / "2.wav", tone(1.0)), save(tmp_path / "1.wav", tone(1.0, channels=1))
    np.testing.assert_allclose(read(stereo, 44_100, 1)[0], tone(1.0).mean(axis=0), atol=1e-6)
    left, right = read(mono, 44_100, 2)
    assert (left == right).all()
    soundfile.write(tmp_path / "4.wav", tone(1.0, channels=4).T, 44_100)
    assert read(tmp_path / "4.wav", 44_100, 2).shape == (2, 44_100)


def test_an_8_khz_file_is_raised_to_the_rate_asked_for(tmp_path) -> None:
    path = save(tmp_path / "telephone.wav", tone(2.0, rate=8_000), 8_000)
    got = read(path, 48_000, 1, 0.5, 1.0)
    assert got.shape == (1, 48_000)
    spectrum = np.abs(np.fft.rfft(got[0] * np.hanning(48_000)))
    assert spectrum.argmax() == 440


@pytest.mark.parametrize("name", ["music.wav", "music.ogg", "music"])
def test_an_mp3_under_another_name(mp3, tmp_path, name: str) -> None:
    path = shutil.copy(mp3, tmp_path / name)
    assert abs(duration(path) - 6.0) < 0.1
    np.testing.assert_array_equal(read(path, 44_100, 2, 2.0, 1.0), read(mp3, 44_100, 2, 2.0, 1.0))


def test_a_wav_called_mp3(tmp_path) -> None:
    path = shutil.move(save(tmp_path / "a.wav", tone(1.0)), tmp_path / "a.mp3")
    assert read(path, 44_100, 2).shape == (2, 44_100)


def test_seeking_in_an_mp3_lands_where_decoding_does(mp3) -> None:
    whole = read(mp3, 44_100, 2)
    part = read(mp3, 44_100, 2, 3.0, 1.0)
    np.testing.assert_allclose(part, whole[:, 132_300:176_400], atol=1e-4)


BAD = {
    "empty.mp3": (b"", "is empty"),
    "text.mp3": (b"this is not music\n" * 1000, "not a sound file"),
    "page.mp3": (b"<html>404</html>", "not a sound file"),
    "zeros.mp3": (bytes(100_000), "not a sound file"),
    "noise.mp3": (np.random.default_rng(0).bytes(300_000), "not a sound file"),
    "text.wav": (b"this is not music\n" * 1000, "not a sound file"),
    "a.raw": (b"12345678", "not a sound file"),
    "riff.wav": (b"RIFF\x24\x00\x00\x00WAVEfmt ", "not a sound file"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_not_sound_is_one_line(tmp_path, name: str) -> None:
    content, reason = BAD[name]
    path = tmp_path / name
    path.write_bytes(content)
    for ask in (duration, lambda path: read(path, 44_100, 2)):
        with pytest.raises(FileError, match=reason) as error:
            ask(path)
        assert name in str(error.value) and "\n" not in str(error.value)


def test_missing_files_and_folders(tmp_path) -> None:
    with pytest.raises(FileError, match="No such file"):
        read(tmp_path / "missing.mp3", 44_100, 2)
    with pytest.raises(FileError):
        read(tmp_path, 44_100, 2)


def test_silence_nan_and_no_samples(tmp_path) -> None:
    half = np.concatenate([tone(1.0), np.zeros((2, 44_100), np.float32)], axis=1)
    path = save(tmp_path / "half.wav", half)
    assert read(path, 44_100, 2, 0.0, 1.0).any()
    with pytest.raises(FileError, match="silent from 1.0 s to 2.0 s"):
        read(path, 44_100, 2, 1.0, 1.0)
    broken = half.T.copy()
    broken[7] = np.nan
    soundfile.write(tmp_path / "nan.wav", broken, 44_100, "FLOAT")
    with pytest.raises(FileError, match="NaN"):
        read(tmp_path / "nan.wav", 44_100, 2)
    soundfile.write(tmp_path / "none.wav", np.zeros((0, 2)), 44_100)
    with pytest.raises(FileError, match="holds no sound"):
        read(tmp_path / "none.wav", 44_100, 2)


def test_files_that_end_early(mp3, tmp_path) -> None:
    path = save(tmp_path / "short.wav", tone(3.0))
    assert read(path, 44_100, 2, 0.0, 10.0).shape == (2, 132_300)
    with pytest.raises(FileError, match="ends after 3.0 s, before 5.0 s"):
        read(path, 44_100, 2, 5.0, 1.0)
    cut = tmp_path / "cut.mp3"
    cut.write_bytes(mp3.read_bytes()[: mp3.stat().st_size // 3])
    assert 1.0 < read(cut, 44_100, 2).shape[1] / 44_100 < 3.0
    with pytest.raises(FileError, match="cut off|ends after"):
        read(cut, 44_100, 2, 5.0, 0.5)


def test_an_impossible_rate_is_refused(tmp_path) -> None:
    path = save(tmp_path / "a.wav", tone(1.0))
    data = bytearray(path.read_bytes())
    data[24:28] = (2**31 - 1).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(FileError, match="samples a second|not a sound"):
        read(path, 44_100, 2)
