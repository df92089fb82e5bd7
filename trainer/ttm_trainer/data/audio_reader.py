"""Sound files of any rate and number of channels -> the samples a codec or an embedder wants."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import soundfile as sf

from musicgen_app.audio import resample
from musicgen_app.errors import FileError

SILENCE = 1e-6  # a peak below it is digital silence
RATES = (2_000, 400_000)  # Hz: others are headers gone wrong


def read(
    path: str | Path, sample_rate: int, channels: int, start: float = 0.0, seconds: float | None = None
) -> np.ndarray:
    """Decode `seconds` from `start` (None: all of it) -> (channels, samples) float32 at sample_rate, channels 1 or 2.

    The format is told from the content, not from the name. Stereo becomes mono as the mean, mono becomes stereo as two
    copies; of more than two channels, stereo takes the first two. A file that ends early gives fewer samples.
    Raises FileError for what cannot be decoded, is empty or ends before `start`, is silent, or holds NaN or infinity.
    """
    with _opened(path) as file:
        first = round(start * file.samplerate)
        if first:
            if first >= file.frames:
                raise FileError(f"{path} ends after {file.frames / file.samplerate:.1f} s, before {start:.1f} s")
            file.seek(first)
        audio = _all(file) if seconds is None else _frames(file, round(seconds * file.samplerate))
        rate = file.samplerate
    if not audio.shape[1]:  # a header may promise more than there is
        raise FileError(f"{path} is cut off before {start:.1f} s" if start else f"{path} holds no sound")
    if not np.isfinite(audio).all():
        raise FileError(f"{path} holds NaN or infinite samples")
    if np.abs(audio).max() < SILENCE:
        raise FileError(f"{path} is silent" + (f" from {start:.1f} s to {start + seconds:.1f} s" if seconds else ""))
    audio = resample(_mix(audio, channels), rate, sample_rate)
    return audio if seconds is None else audio[:, : round(seconds * sample_rate)]


def duration(path: str | Path) -> float:
    """Seconds of sound in a file as its header tells, an estimate for an MP3 without one. Raises FileError."""
    with _opened(path) as file:
        return file.frames / file.samplerate


def _mix(audio: np.ndarray, channels: int) -> np.ndarray:
    """(any, samples) -> (channels, samples)"""
    if channels == 1:
        return audio.mean(axis=0, keepdims=True, dtype=np.float32)
    return np.repeat(audio, 2, axis=0) if len(audio) == 1 else audio[:2]


def _frames(file: sf.SoundFile, count: int) -> np.ndarray:
    return file.read(count, dtype="float32", always_2d=True).T


def _all(file: sf.SoundFile) -> np.ndarray:
    """(channels, samples) to the end of what can be decoded, whatever the header's length."""
    blocks = [np.zeros((0, file.channels), np.float32)]
    while len(block := file.read(1 << 18, dtype="float32", always_2d=True)):
        blocks.append(block)
    return np.concatenate(blocks).T


@contextmanager
def _opened(path: str | Path) -> Iterator[sf.SoundFile]:
    try:
        if not os.stat(path).st_size:
            raise FileError(f"{path} is empty")
        with sf.SoundFile(path) as file:
            if not RATES[0] <= file.samplerate <= RATES[1]:
                raise FileError(f"{path} says it has {file.samplerate} samples a second: it is damaged")
            yield file
    except (sf.LibsndfileError, TypeError) as error:  # TypeError: soundfile wants to be told the format of .raw
        raise FileError(f"{path} is not a sound file that can be read, or damaged") from error
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror or error}") from error
