"""Decoder output -> a sound that is safe to play -> a file, and back.

audio (channels, samples) float32 at sample_rate -> master: exact length, ceiling, fades -> write: .wav .flac .ogg .mp3
with tags, all or nothing. Loudness and true peak follow ITU-R BS.1770-4. Same input, same samples; same bytes for WAV,
FLAC and MP3 (an Ogg stream carries a random serial number, so OGG files differ there).
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import soundfile as sf

from .daw.id3 import TEXT_FRAMES
from .daw.tags import tagged
from .errors import FileError, GenerationError
from .machine import files

if TYPE_CHECKING:
    from .daw.timeline import Timeline

CEILING = -1.0  # dBTP: leaves lossy encoders room to overshoot
ROUNDING = 0.001  # dB under the ceiling, more than rounding to float32 or 24 bits can add
SILENCE = -70.0  # dBFS RMS
OFFSET = 1e-3  # a mean beyond this (-60 dBFS) is a fault of the decoder, below it part of the music
FADE = 0.005  # seconds
PADDING = 0.2  # seconds: about two frames of the slowest codec (10.77 Hz)

FORMATS: dict[str, dict[str, Any]] = {
    ".wav": {"format": "WAV", "subtype": "PCM_24"},
    ".flac": {"format": "FLAC", "subtype": "PCM_24"},
    ".ogg": {"format": "OGG", "subtype": "VORBIS", "compression_level": 0.3},
    ".mp3": {"format": "MP3", "subtype": "MPEG_LAYER_III", "compression_level": 0.0, "bitrate_mode": "VARIABLE"},
}
MP3_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
VORBIS_RATE_MAX = 192_000  # libvorbis crashes the process far above it
WAV_COMMENT_BYTES = 2_000  # beyond 2,045 libsndfile silently drops every tag
BLOCK = 65_536  # frames; libvorbis overflows the stack on one long write
SEEN = 1_024  # samples between which peaks are looked for at once: what is computed then stays in the cache


def master(
    audio: np.ndarray, sample_rate: int, samples: int, loudness: float | None = None, loop: bool = False
) -> np.ndarray:
    """Make decoder output playable: (channels, n) float32 -> (channels, samples) float32.

    Trims to length (or pads a few missing codec frames), removes a constant offset, fades 5 ms at both ends, then sets
    the level by one gain: towards `loudness` in LUFS if given, and never above -1 dBTP, so a target the peaks do not
    allow is missed rather than clipped. The gain comes last so that the ceiling holds for exactly what is returned.
    A loop, whose end is followed by its beginning, has no fades, and the ceiling holds where both meet.
    Raises GenerationError for non-finite, silent or much too short audio.
    """
    if not np.isfinite(audio).all():
        raise GenerationError("the model produced NaN or infinite samples: try another seed or less guidance")
    missing = max(0, samples - audio.shape[1])
    if missing > PADDING * sample_rate:
        raise GenerationError(
            f"the model produced {audio.shape[1] / sample_rate:.2f} s instead of "
            f"{samples / sample_rate:.2f} s: ask for fewer seconds"
        )
    clip = audio[:, :samples].astype(np.float64)
    mean = clip.mean(axis=1, keepdims=True)
    if np.square(clip - mean).mean() < 10 ** (SILENCE / 10):
        raise GenerationError("the model produced silence: try another seed, more steps or a different prompt")
    clip -= np.where(np.abs(mean) > OFFSET, mean, 0.0)
    if not loop:
        clip *= _fades(clip.shape[1], sample_rate)
    clip *= _gain(clip, sample_rate, loudness, loop)
    return np.pad(clip, ((0, 0), (0, missing))).astype(np.float32)


def _fades(samples: int, sample_rate: int) -> np.ndarray:
    """(samples,) envelope: one, with a raised-cosine rise from zero and the same fall to zero."""
    envelope = np.ones(samples)
    length = round(FADE * sample_rate)
    rise = 0.5 - 0.5 * np.cos(np.pi * np.arange(length) / length)
    envelope[:length] = rise
    envelope[samples - length :] = rise[::-1]
    return envelope


def _gain(clip: np.ndarray, sample_rate: int, target: float | None, loop: bool) -> float:
    """Linear gain to the loudness target (none: 1), lowered to what the ceiling allows."""
    decibels = 0.0
    if target is not None and math.isfinite(measured := loudness(clip, sample_rate)):
        decibels = target - measured
    headroom = CEILING - ROUNDING - true_peak(np.tile(clip, 2) if loop else clip, sample_rate)
    return 10 ** (min(decibels, headroom) / 20)


def loudness(audio: np.ndarray, sample_rate: int) -> float:
    """Integrated loudness in LUFS of (1 or 2, samples) audio, gated (ITU-R BS.1770-4, annex 1).

    -inf if the audio is shorter than one 400 ms block or never above -70 LUFS.
    """
    from scipy.signal import sosfilt

    weighted = sosfilt(_k_weighting(sample_rate), audio.astype(np.float64), axis=1)
    hop = round(0.1 * sample_rate)  # blocks of 400 ms overlap by 75 %, so a block is four hops
    hops = weighted.shape[1] // hop
    if hops < 4:
        return -math.inf
    power = np.square(weighted[:, : hops * hop]).reshape(-1, hops, hop).mean(axis=2).sum(axis=0)  # (hops,)
    blocks = np.convolve(power, np.full(4, 0.25), mode="valid")

    def above(gate: float) -> np.ndarray:
        return blocks[blocks > 10 ** ((gate + 0.691) / 10)]

    if not above(-70.0).size:
        return -math.inf
    gate = _lufs(above(-70.0).mean()) - 10.0
    return _lufs(above(max(gate, -70.0)).mean())


def _lufs(power: float) -> float:
    return -0.691 + 10 * math.log10(power)


def _k_weighting(sample_rate: int) -> np.ndarray:
    """(2, 6) second-order sections of the K-weighting at any sample rate.

    The analogue prototypes are those whose bilinear transform at 48 kHz is the table of BS.1770-4: a high shelf of
    4 dB at 1,682 Hz (the head), then a high-pass at 38 Hz (revised low-frequency B curve). The table's high-pass is
    not normalised to unit gain; its gain at 48 kHz is kept for every rate.
    """
    from scipy.signal import bilinear

    def prewarped(frequency: float, rate: int) -> float:
        return 2 * rate * math.tan(math.pi * frequency / rate)

    shelf_q, shelf_gain = 0.7071752369554196, 10 ** (3.999843853973347 / 20)
    w = prewarped(1681.974450955533, sample_rate)
    shelf = bilinear(
        [shelf_gain, shelf_gain**0.4996667741545416 / shelf_q * w, w**2], [1, w / shelf_q, w**2], sample_rate
    )

    pass_q, pass_frequency = 0.5003270373238773, 38.13547087602444
    k = prewarped(pass_frequency, 48_000) / 96_000
    w = prewarped(pass_frequency, sample_rate)
    high_pass = bilinear([1 + k / pass_q + k**2, 0, 0], [1, w / pass_q, w**2], sample_rate)
    return np.array([np.concatenate(shelf), np.concatenate(high_pass)])


def true_peak(audio: np.ndarray, sample_rate: int) -> float:
    """Largest inter-sample peak of (channels, samples) audio in dBTP: 4x oversampled (ITU-R BS.1770-4, annex 2).

    From 80 kHz on, 2x is enough. -inf for digital silence.
    """
    up = 4 if sample_rate < 80_000 else 2
    support = 32
    taps = np.pad(up * _lowpass(up, support, cutoff=1.0), (0, up - 1)).reshape(-1, up)[::-1]  # a column a phase
    padded = np.pad(audio.astype(np.float64), ((0, 0), (support, support)))
    peak = np.abs(audio).max(initial=0.0)
    for channel in padded:
        seen = np.lib.stride_tricks.sliding_window_view(channel, len(taps))
        for start in range(0, len(seen), SEEN):
            peak = max(peak, np.abs(seen[start : start + SEEN] @ taps).max())
    return 20 * math.log10(peak) if peak > 0 else -math.inf


def resample(audio: np.ndarray, sample_rate: int, new_rate: int) -> np.ndarray:
    """(channels, n) float32 at sample_rate -> (channels, ceil(n * new_rate / sample_rate)) float32, band-limited."""
    if sample_rate == new_rate:
        return audio
    from scipy.signal import resample_poly

    common = math.gcd(sample_rate, new_rate)
    up, down = new_rate // common, sample_rate // common
    taps = _lowpass(max(up, down), 64, cutoff=0.95)
    return resample_poly(audio.astype(np.float64), up, down, axis=1, window=taps).astype(np.float32)


def _lowpass(rate: int, support: int, cutoff: float) -> np.ndarray:
    """(2 * support * rate + 1,) Kaiser-windowed sinc at `rate` times the sample rate; cutoff 1 is the old Nyquist."""
    at = np.arange(-support * rate, support * rate + 1)
    taps = np.sinc(cutoff / rate * at) * np.kaiser(len(at), 10.0)
    return taps / taps.sum()


def write(
    path: str | Path,
    audio: np.ndarray,
    sample_rate: int,
    tags: dict[str, str],
    overwrite: bool = False,
    timeline: Timeline | None = None,
) -> Path:
    """Write (channels, samples) float32 audio with text tags; the suffix .wav, .flac, .ogg or .mp3 is the format.

    WAV and FLAC hold 24-bit PCM: every player and editor reads it, a quiet fade keeps its resolution without dither,
    and both files hold identical samples (FLAC has no float). OGG is Vorbis at quality 7 and MP3 is VBR at its best;
    both are resampled where the format has no such rate, and MP3 readers that know the LAME header, soundfile among
    them, get the exact sample count back. A WAV comment too long for the format is shortened, see _wav_comment.
    timeline: tempo, key, bars and sections, for DAWs and players; see `daw.tags`.
    Raises FileError; then nothing was written and an existing file is as it was.
    """
    check_target(path, overwrite)
    return files.write(path, encode(audio, sample_rate, Path(path).suffix.lower(), tags, timeline), overwrite)


def check_target(path: str | Path, overwrite: bool = False) -> None:
    """FileError if write would refuse this name now: to be asked before minutes are spent on the sound."""
    path = Path(path)
    if path.suffix.lower() not in FORMATS:
        raise FileError(f"{path.name!r} does not name a format: end it in {', '.join(FORMATS)}")
    files.check_free(path, overwrite)


def encode(
    audio: np.ndarray, sample_rate: int, suffix: str, tags: dict[str, str], timeline: Timeline | None = None
) -> bytes:
    """The complete file that `write` writes, in memory, so that the disk sees all of it or nothing. FileError."""
    assert set(tags) <= set(TEXT_FRAMES), f"no format-independent tag: {set(tags) - set(TEXT_FRAMES)}"
    tags = {name: text for name, text in tags.items() if text}
    rate = sample_rate
    if suffix == ".mp3":
        rate = next((r for r in MP3_RATES if r >= sample_rate), MP3_RATES[-1])
    elif suffix == ".ogg":
        rate = min(sample_rate, VORBIS_RATE_MAX)
    frames = np.ascontiguousarray(resample(audio, sample_rate, rate).T)  # (samples, channels)
    if FORMATS[suffix]["subtype"] == "PCM_24":  # rounded here: libsndfile rounds otherwise for WAV than for FLAC
        frames = np.clip(np.rint(frames * 2.0**23), -(2**23), 2**23 - 1).astype(np.int32) << 8

    if suffix == ".wav" and "comment" in tags:
        tags = tags | {"comment": _wav_comment(tags["comment"])}
    # LAME writes its tags as Latin-1, which breaks every other script: MP3 gets an ID3 tag of our own
    texts = {} if suffix == ".mp3" else tags
    buffer = io.BytesIO()
    try:
        with sf.SoundFile(buffer, "w", rate, frames.shape[1], **FORMATS[suffix]) as file:
            for name, text in texts.items():
                setattr(file, name, text)
            for start in range(0, len(frames), BLOCK):
                file.write(frames[start : start + BLOCK])
    except sf.LibsndfileError as error:
        raise FileError(
            f"cannot encode {suffix} at {rate} Hz with {frames.shape[1]} channels: {error.error_string}; "
            "try another format"
        ) from error
    return tagged(buffer.getvalue(), suffix, tags, timeline, len(frames), rate)


def _wav_comment(comment: str) -> str:
    """The comment within WAV_COMMENT_BYTES of UTF-8.

    A JSON object gives up its longest texts, whole, and says "truncated": true; any other comment is cut at its end.
    """
    if len(comment.encode()) <= WAV_COMMENT_BYTES:
        return comment
    try:
        record = json.loads(comment)
    except ValueError:
        record = None
    if not isinstance(record, dict):
        return comment.encode()[:WAV_COMMENT_BYTES].decode(errors="ignore")
    record["truncated"] = True
    while len(short := json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()) > WAV_COMMENT_BYTES:
        del record[max(record, key=lambda name: len(str(record[name]).encode()))]
    return short.decode()


def read(path: str | Path, most: int | None = None) -> tuple[np.ndarray, int, dict[str, str]]:
    """Read a sound file: audio (channels, samples) float32, its sample rate in Hz, its text tags.

    most: samples that it may have. Raises FileError.
    """
    with _opened(path) as file:
        tags = _tags(file)
        blocks, samples = [np.zeros((0, file.channels), np.float32)], 0
        while len(block := file.read(BLOCK, dtype="float32", always_2d=True)):  # never trusts the header's length
            blocks.append(block)
            samples += len(block)
            if most is not None and samples > most:
                raise FileError(f"{path} is longer than {most / file.samplerate:,.0f} s: cut it first")
        return np.ascontiguousarray(np.concatenate(blocks).T), file.samplerate, tags


def read_tags(path: str | Path) -> dict[str, str]:
    """The text tags of a sound file, without decoding it. Raises FileError."""
    with _opened(path) as file:
        return _tags(file)


def shape_of(path: str | Path) -> tuple[int, int, int]:
    """Channels, samples and sample rate in Hz of a sound file, from its header. Raises FileError."""
    with _opened(path) as file:
        return file.channels, file.frames, file.samplerate


def subtype_of(path: str | Path) -> str:
    """What the samples of a sound file are, such as "PCM_16" or "FLOAT". Raises FileError."""
    with _opened(path) as file:
        return file.subtype


@contextlib.contextmanager
def _opened(path: str | Path):
    path = Path(path)
    if not os.path.isfile(path):
        raise FileError(f"there is no file {path}: check the name")
    try:
        with sf.SoundFile(path) as file:
            yield file
    except sf.LibsndfileError as error:
        raise FileError(f"{path} is not a sound file this app can read ({error.error_string})") from error
    except (OSError, TypeError) as error:  # TypeError: soundfile wants to be told the format of .raw
        raise FileError(f"cannot read {path}: {error}") from error


def _tags(file: sf.SoundFile) -> dict[str, str]:
    tags = file.copy_metadata()
    if "software" in tags:  # libsndfile signs what it writes
        tags["software"] = re.sub(r" \(libsndfile-[\d.]+\)$", "", tags["software"])
    return tags
