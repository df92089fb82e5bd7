"""Makes sound files as they come from careless programs: wrong headers, joined files, absurd samples. All synthetic."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import soundfile

RATE = 44_100
SECONDS = 6.0


def music(seconds: float = SECONDS, channels: int = 2, rate: int = RATE, seed: int = 0) -> np.ndarray:
    """Partials that swell, with a little noise; the first half is quiet, so that a VBR encoder changes its rate."""
    time = np.arange(round(seconds * rate)) / rate
    wave = sum(0.2 * np.sin(2 * np.pi * 220 * k * time) / k for k in (1, 2, 3)) * (0.6 + 0.4 * np.sin(12 * time))
    wave = wave + 0.01 * np.random.default_rng(seed).standard_normal(len(time))
    wave[: len(wave) // 2] *= 0.002
    return np.stack([wave] * channels, axis=1).astype(np.float32)


def encoded(samples: np.ndarray, rate: int = RATE, **options) -> bytes:
    data = io.BytesIO()
    soundfile.write(data, samples, rate, **options)
    return data.getvalue()


def mp3(samples: np.ndarray, rate: int = RATE, mode: str = "VARIABLE") -> bytes:
    return encoded(
        samples, rate, format="MP3", subtype="MPEG_LAYER_III", bitrate_mode=mode, compression_level=0.3
    )  # fmt: skip


def frame_length(data: bytes) -> int:
    """The bytes of the first frame of an MP3 of version 1."""
    bits = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)[data[2] >> 4]
    return 144 * bits * 1000 // RATE + (data[2] >> 1 & 1)


def mp3_files() -> dict[str, tuple[bytes, float, str]]:
    """By name: the bytes, the seconds of sound in them, and a word of what is to be told of them."""
    plain = mp3(music())
    head = frame_length(plain)
    count = plain.find(b"Xing") + 8
    assert count > 8, "the encoder writes a Xing frame"
    sound, middle = plain[head:], len(plain) // 2

    def counted(number: int) -> bytes:
        return plain[:count] + struct.pack(">I", number) + plain[count + 4 :]

    cover = b"APIC" + struct.pack(">I", 50_000) + b"\0\0" + np.random.default_rng(1).bytes(50_000)
    tag = b"ID3\3\0\0" + bytes(len(cover) >> shift & 0x7F for shift in (21, 14, 7, 0)) + cover
    other = mp3(music(1.0, 1, 22_050), 22_050)
    return {
        "plain.mp3": (plain, SECONDS, ""),
        "constant.mp3": (mp3(music(), mode="CONSTANT"), SECONDS, ""),
        "no_xing.mp3": (sound, SECONDS, "header says"),
        "no_frames_told.mp3": (counted(0), SECONDS, "header says"),
        "too_many_told.mp3": (counted(0xFFFFFF), SECONDS, "header says"),
        "too_few_told.mp3": (counted(20), SECONDS, "header says"),
        "joined.mp3": (plain + plain, 2 * SECONDS, "header says"),
        "joined_thrice_without_xing.mp3": (sound + sound + sound, 3 * SECONDS, "header says"),
        "garbage_inside.mp3": (
            plain[:middle] + np.random.default_rng(2).bytes(5_000).replace(b"\xff", b"\0") + plain[middle:],
            SECONDS, "no MP3",
        ),
        "cover.mp3": (tag + plain, SECONDS, ""),
        "cover_between.mp3": (plain + tag + plain, 2 * SECONDS, "header says"),
        "old_tags.mp3": (plain + b"TAG" + bytes(125), SECONDS, ""),
        "zeros_first.mp3": (bytes(4_096) + plain, SECONDS, ""),
        "other_rate_behind.mp3": (plain + other, SECONDS, "another sample rate"),
        "called_wav.wav": (plain, SECONDS, ""),
    }  # fmt: skip


def wav_files() -> dict[str, tuple[bytes, float, str]]:
    """As `mp3_files`; a reason after "-" is why the file is left out."""
    wave = music()
    plain = encoded(wave, format="WAV", subtype="PCM_16")
    at = plain.find(b"data")
    samples = wave.copy()

    def sized(riff: bytes, data: bytes) -> bytes:
        return plain[:4] + riff + plain[8 : at + 4] + data + plain[at + 8 :]

    def floats(values: np.ndarray) -> bytes:
        return encoded(values.astype(np.float32), format="WAV", subtype="FLOAT")

    hole = samples.copy()
    hole[1_000:1_010] = np.nan
    turned = samples * [1, -1]
    left = samples * [1, 0]
    late = samples.copy()
    late[len(late) // 4 :] = 0
    return {
        "streamed.wav": (sized(b"\xff" * 4, b"\xff" * 4), SECONDS, ""),
        "sizes_zero.wav": (sized(bytes(4), bytes(4)), SECONDS, "header says"),
        "behind_the_end.wav": (plain + b"<html>404</html>" * 99, SECONDS, ""),
        "half.wav": (plain[: at + (len(plain) - at) // 2], SECONDS / 2, ""),
        "nan_in_it.wav": (floats(hole), SECONDS, "NaN"),
        "left_only.wav": (floats(left), SECONDS, "channel 2 is silent"),
        "mostly_silent.wav": (floats(late), SECONDS, "below -60 dBFS"),
        "clipped.wav": (floats(np.clip(samples * 30, -1, 1)), SECONDS, "clipped"),
        "offset.wav": (floats(samples + 0.3), SECONDS, "DC offset"),
        "beyond.wav": (floats(samples * 1e30), 0, "-beyond 10"),
        "all_nan.wav": (floats(samples * np.nan), 0, "-NaN"),
        "integers.wav": (floats(samples * 32_768), 0, "-beyond 10"),
        "constant.wav": (floats(np.full((RATE * 2, 1), 0.5)), 0, "-is constant"),
        "silent.wav": (floats(np.zeros((RATE * 2, 2))), 0, "-is silent"),
        "turned.wav": (floats(turned), 0, "-channels cancel out"),
        "no_frames.wav": (floats(np.zeros((0, 2))), 0, "-holds no sound"),
        "short.wav": (floats(samples[: RATE // 100]), 0, "-is 0.010 s long"),
        "nothing.wav": (b"", 0, "-is empty"),
    }


def other_files() -> dict[str, tuple[bytes, float, str]]:
    """Formats that are read, and files that only have the name of one."""
    wave = music()
    kinds = {"w64": "W64", "caf": "CAF", "au": "AU", "rf64": "RF64", "flac": "FLAC", "aif": "AIFF", "ogg": "OGG"}
    made: dict[str, tuple[bytes, float, str]] = {}
    for suffix, kind in kinds.items():
        subtype = "VORBIS" if kind == "OGG" else "PCM_16"
        made[f"a.{suffix}"] = (
            encoded(wave if kind == "OGG" else np.round(wave * 32_767).astype(np.int16), format=kind, subtype=subtype),
            SECONDS,
            "",
        )
    return made | {
        "page.mp3": (b"<!DOCTYPE html><html>404</html>" * 50, 0, "-a web page"),
        "pointer.flac": (b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64, 0, "-git lfs pull"),
        "real.m4a": (b"\0\0\0\x20ftypM4A \0\0\0\0" + bytes(20_000), 0, "-MP4 or AAC"),
        "archive.ogg": (b"PK\3\4" + bytes(2_000), 0, "-a ZIP archive"),
        "noise.mp3": (np.random.default_rng(3).bytes(50_000).replace(b"\xff", b"\0"), 0, "-not a sound file"),
    }


def write_all(folder: Path) -> dict[str, tuple[bytes, float, str]]:
    """Write all of these files -> what is known of them."""
    known = mp3_files() | wav_files() | other_files()
    folder.mkdir(parents=True, exist_ok=True)
    for name, (data, _, _) in known.items():
        (folder / name).write_bytes(data)
    return known
