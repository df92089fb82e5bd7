"""Sound files of any rate and number of channels -> the samples a codec or an embedder wants.

Lengths are those of the sound that is there: where the header of an MP3 or WAV says otherwise, it is mended in memory.
"""

from __future__ import annotations

import io
import os
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

import numpy as np
import soundfile as sf

from musicgen_app.audio import resample
from musicgen_app.errors import FileError

from .decoder_noise import decoder_noise
from .mpeg_frames import DELAY, Frames, frames_of

SILENCE = 1e-6  # a peak below it is digital silence
ABSURD = 10.0  # a sample beyond it (full scale is 1) is no sound but a scale gone wrong
RATES = (2_000, 400_000)  # Hz: others are headers gone wrong
OTHER = {  # what files that cannot be read begin with -> what they are
    b"version https://git-lfs": "a pointer of Git LFS: fetch the file itself with `git lfs pull`",
    b"<!DOCTYPE": "a web page", b"<!doctype": "a web page", b"<html": "a web page", b"<HTML": "a web page",
    b"PK\x03\x04": "a ZIP archive", b"%PDF": "a PDF",
    b"\x1aE\xdf\xa3": "a WebM or Matroska file: convert it with `ffmpeg -i`",
    b"0&\xb2u": "a WMA file: convert it with `ffmpeg -i`",
    b"wvpk": "a WavPack file: convert it with `ffmpeg -i`",
    b"MAC ": "a Monkey's Audio file: convert it with `ffmpeg -i`",
}  # fmt: skip
MIXED = {1: "is silent in mono: its channels cancel out", 2: "is silent in its first two channels"}


def read(
    path: str | Path, sample_rate: int, channels: int, start: float = 0.0, seconds: float | None = None
) -> np.ndarray:
    """Decode `seconds` from `start` (None: all of it) -> (channels, samples) float32 at sample_rate, channels 1 or 2.

    The format is told from the content, not from the name. Stereo becomes mono as the mean, mono becomes stereo as two
    copies; of more than two channels, stereo takes the first two. A file that ends early gives fewer samples.
    Raises FileError for what cannot be decoded, is empty or ends before `start`, is silent, also once it is mixed, or
    holds NaN, infinity or samples beyond ABSURD.
    """
    with decoder_noise() if start else told(path), opened(path) as file:  # a decoder complains of every jump
        first = round(start * file.samplerate)
        if first:
            if first >= file.frames:
                raise FileError(f"{path} ends after {file.frames / file.samplerate:.1f} s, before {start:.1f} s")
            file.seek(first)
        audio = _all(file) if seconds is None else _frames(file, round(seconds * file.samplerate))
        rate = file.samplerate
    if not audio.shape[1]:  # a header may promise more than there is
        raise FileError(f"{path} is cut off before {start:.1f} s" if start else f"{path} holds no sound")
    where = f" from {start:.1f} s to {start + seconds:.1f} s" if seconds else ""
    if not np.isfinite(audio).all():
        raise FileError(f"{path} holds NaN or infinite samples{where}")
    peak = np.abs(audio).max()
    if peak > ABSURD:
        raise FileError(f"{path} has samples of {peak:.3g}{where}, but full scale is 1")
    if peak < SILENCE:
        raise FileError(f"{path} is silent{where}")
    mixed = _mix(audio, channels)
    if np.ptp(mixed, axis=1).max() < SILENCE:
        constant = np.ptp(audio, axis=1).max() < SILENCE
        raise FileError(f"{path} {'is constant' if constant else MIXED[channels]}{where}")
    audio = resample(mixed, rate, sample_rate)
    return audio if seconds is None else audio[:, : round(seconds * sample_rate)]


def duration(path: str | Path) -> float:
    """Seconds of sound in a file; of all but MP3 as the header tells. Raises FileError."""
    with told(path), opened(path) as file:
        return file.frames / file.samplerate


@contextmanager
def told(path: str | Path) -> Iterator[None]:
    """What the decoder says of a file goes to the standard error with the file's name, once a process and file."""
    with decoder_noise() as noise:
        yield
    if noise and str(path) not in _told:
        _told.add(str(path))
        more = f" (and {len(noise) - 1} more)" if len(noise) > 1 else ""
        print(f"{ascii(str(path))[1:-1]}: the decoder says: {noise[0]}{more}", file=sys.stderr)


_told: set[str] = set()


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
def opened(path: str | Path) -> Iterator[sf.SoundFile]:
    """A sound file, whose `frames` are those that are there. Raises FileError for what cannot be read within it."""
    try:
        status = os.stat(path)
        if not status.st_size:
            raise FileError(f"{path} is empty")
        mended = _mended(os.fspath(path), status.st_size, status.st_mtime_ns)
        with sf.SoundFile(io.BytesIO(mended) if mended else _name(path)) as file:
            if not RATES[0] <= file.samplerate <= RATES[1]:
                raise FileError(f"{path} says it has {file.samplerate} samples a second: it is damaged")
            yield file
    except (sf.LibsndfileError, TypeError) as error:  # TypeError: soundfile wants to be told the format of .raw
        raise FileError(f"{path} is not a sound file that can be read, or damaged{_what(path)}") from error
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror or error}") from error


def header_seconds(path: str | Path) -> float:
    """Seconds of a file as its own header has them, right or wrong. Raises FileError."""
    try:
        with decoder_noise(), sf.SoundFile(_name(path)) as file:
            return file.frames / max(1, file.samplerate)
    except (sf.LibsndfileError, TypeError, OSError) as error:
        raise FileError(f"{path} cannot be read: {error}") from error


def mpeg_frames(path: str | Path) -> Frames | None:
    """The frames of an MP3; None of any other file. Raises OSError."""
    status = os.stat(path)
    return _frames_of(os.fspath(path), status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=1)  # of the file that is read just now, which is asked for stretch by stretch
def _frames_of(path: str, size: int, changed: int) -> Frames | None:
    data = Path(path).read_bytes()
    return None if data[:4] in (b"RIFF", b"fLaC", b"OggS", b"FORM", b"caff") else frames_of(data)


@lru_cache(maxsize=1)
def _mended(path: str, size: int, changed: int) -> bytes | None:
    """The file with a header that tells its true length; None where it does already, or nothing can be done."""
    try:
        with decoder_noise(), sf.SoundFile(_name(path)) as file:
            known, kind = file.frames, file.format
    except (sf.LibsndfileError, TypeError):
        known, kind = 0, ""
    if kind == "WAV" and not known:
        return _sized(Path(path).read_bytes())
    if kind not in ("MP3", "MPEG", "") or (not kind and not path.lower().endswith((".mp3", ".mp2"))):
        return None
    frames = _frames_of(path, size, changed)
    if frames is None or (kind and not frames.foreign and abs(known - len(frames) * frames.samples) <= 2 * DELAY):
        return None
    return frames.mended()


def _sized(data: bytes) -> bytes | None:
    """A WAV file that was written to a pipe, and says that it holds nothing, with its true sizes; None: it is empty."""
    at = data.find(b"data", 12)
    rest = len(data) - at - 8
    if at < 0 or rest <= 0 or data[at + 4 : at + 8] != bytes(4):
        return None
    return b"RIFF" + struct.pack("<I", len(data) - 8) + data[8 : at + 4] + struct.pack("<I", rest) + data[at + 8 :]


def _name(path: str | Path) -> str | bytes:
    """The name as libsndfile takes it: one that is no text of the system's encoding as its bytes."""
    name = os.fspath(path)
    return os.fsencode(name) if any("\ud800" <= letter <= "\udfff" for letter in name) else name


def _what(path: str | Path) -> str:
    """What a file that is no sound seems to be."""
    head = b""
    with suppress(OSError), open(path, "rb") as file:
        head = file.read(64).lstrip()
    if head[4:8] == b"ftyp":
        return ": it is an MP4 or AAC file, convert it with `ffmpeg -i`"
    found = next((kind for start, kind in OTHER.items() if head.startswith(start)), "")
    return f": it is {found}" if found else ""
