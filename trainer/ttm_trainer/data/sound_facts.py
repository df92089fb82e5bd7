"""What is in a sound file, read whole: its true length, level, clipping, silence, DC, and a digest of its samples.

This is the stage "sounds" of preparation and the first half of `ttm-app data check`: nothing about a file is believed
that was not heard.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from musicgen_app.errors import FileError

from ..runtime.stage_runner import Rows, digest
from .audio_reader import ABSURD, MIXED, SILENCE, header_seconds, mpeg_frames, opened
from .decoder_noise import decoder_noise
from .track import part_count, part_tracks

BLOCK = 0.1  # seconds, the grain of silence
QUIET = 1e-3  # RMS below which a block is silence (-60 dBFS)
FULL = 0.999  # of full scale, from which on samples in a row count as clipped
RUN = 3  # samples in a row
SHORTEST = 0.1  # seconds
CHUNK = 1 << 18  # frames that are decoded at once
FLAT = 0.5  # DC, as a share of the whole level, that is worth telling
CLIPPED = 0.001  # share of samples
LATE = 0.25  # seconds by which a header may be wrong before it is told


@dataclass(frozen=True)
class SoundFacts:
    """A sound file, as it was heard.

    seconds: that can be decoded; told: as the header has them; peak: largest sample that is a number; level: RMS in
    dBFS; clipped: share of samples at full scale, three in a row; silent: share of time below -60 dBFS; dc: the mean;
    unusable: share of time with samples that are no numbers or beyond all scales; digest: of the samples, "" where
    there are none; reason: why the file is left out, "" where it is kept; remarks: what else is to be told of it.
    """

    path: str
    seconds: float = 0.0
    told: float = 0.0
    rate: int = 0
    channels: int = 0
    format: str = ""
    peak: float = 0.0
    level: float | None = None
    clipped: float = 0.0
    silent: float = 0.0
    dc: float = 0.0
    unusable: float = 0.0
    digest: str = ""
    reason: str = ""
    remarks: tuple[str, ...] = ()


class Meter:
    """Adds up what is told of samples that come in chunks (frames, channels)."""

    def __init__(self, rate: int, channels: int):
        self.block, self.channels = max(1, round(BLOCK * rate)), channels
        self.frames = self.blocks = self.silent = self.unusable = self.clipped = self.run = 0
        self.peak = self.squares = self.mono = 0.0
        self.sums, self.low, self.high = np.zeros(channels), np.full(channels, np.inf), np.full(channels, -np.inf)
        self.hash = hashlib.sha256(f"{rate} {channels}".encode())
        self._left = np.zeros((0, channels), np.float32)

    def add(self, chunk: np.ndarray) -> None:
        self.hash.update(np.ascontiguousarray(chunk).data)
        self.frames += len(chunk)
        self._left = np.concatenate([self._left, chunk])
        whole = len(self._left) // self.block * self.block
        self._blocks(self._left[:whole].reshape(-1, self.block, self.channels))
        self._left = self._left[whole:]

    def close(self) -> None:
        if len(self._left):
            self._blocks(self._left[None])
            self._left = self._left[:0]

    def _blocks(self, blocks: np.ndarray) -> None:
        """Blocks (n, frames, channels); those with samples that cannot be are counted and not measured."""
        usable = (np.abs(np.nan_to_num(blocks, nan=np.inf)) <= ABSURD).all(axis=(1, 2))
        self.blocks += len(blocks)
        self.unusable += int((~usable).sum())
        blocks = blocks[usable].astype(np.float64)
        if not blocks.size:
            return
        self.silent += int((np.sqrt(np.square(blocks).mean(axis=(1, 2))) < QUIET).sum())
        samples = blocks.reshape(-1, self.channels)
        size = np.abs(samples)
        self.peak = max(self.peak, float(size.max()))
        self.squares += float(np.square(samples).sum())
        self.mono += float(np.square(samples.mean(axis=1)).sum())
        self.sums += samples.sum(axis=0)
        self.low, self.high = np.minimum(self.low, samples.min(axis=0)), np.maximum(self.high, samples.max(axis=0))
        if self.peak >= FULL:
            full = size >= FULL
            row = full[2:] & full[1:-1] & full[:-2]
            self.clipped += int(row.sum()) + 2 * int((row[1:] > row[:-1]).sum())

    @property
    def measured(self) -> int:
        """Frames that were measured."""
        return max(1, self.frames - self.unusable * self.block)


def sound_facts(path: Path | str) -> SoundFacts:
    """Read a file to its end. What cannot be read has a `reason`; nothing is raised."""
    name, remarks = str(path), list[str]()
    with decoder_noise() as noise:
        try:
            facts, meter = _heard(path, remarks)
            reason = _reason(facts, meter)
        except FileError as error:
            facts, reason = {"path": name}, str(error).removeprefix(f"{name} ")
        except (OSError, ValueError, MemoryError) as error:
            facts, reason = {"path": name}, f"cannot be read: {error}"
    if noise:
        remarks.append(f"the decoder says: {noise[0]}" + (f" (and {len(noise) - 1} more)" if len(noise) > 1 else ""))
    return SoundFacts(**facts, reason=reason, remarks=tuple(remarks))


def _heard(path: Path | str, remarks: list[str]) -> tuple[dict, Meter]:
    told = _told(path)
    with opened(path) as file:
        meter = Meter(file.samplerate, file.channels)
        facts = {"path": str(path), "rate": file.samplerate, "channels": file.channels, "format": file.format}
        while len(chunk := file.read(CHUNK, dtype="float32", always_2d=True)):
            meter.add(chunk)
        if meter.frames < file.frames - LATE * file.samplerate:
            remarks.append(f"it ends after {_time(meter.frames, file)}, its header says {_time(file.frames, file)}")
    meter.close()
    seconds = meter.frames / facts["rate"]
    told = seconds if told is None else told
    if abs(told - seconds) > LATE and not remarks:
        remarks.append(f"it lasts {seconds:.1f} s, its header says {told:.1f} s")
    if facts["format"] in ("MP3", "MPEG") and (frames := mpeg_frames(path)):
        if frames.foreign:
            remarks.append(f"{frames.foreign:,} bytes in it are no MP3 and are left aside")
        if frames.others:
            remarks.append(
                f"{frames.others:.1f} s in it are of another sample rate or number of channels and are not read"
            )
    count = meter.measured * meter.channels
    rms = math.sqrt(meter.squares / count)
    facts |= {
        "seconds": seconds,
        "told": told,
        "peak": meter.peak,
        "level": 20 * math.log10(rms) if rms > 0 else None,
        "clipped": meter.clipped / count,
        "silent": meter.silent / max(1, meter.blocks),
        "dc": float((meter.sums / meter.measured)[np.abs(meter.sums).argmax()]),
        "unusable": meter.unusable / max(1, meter.blocks),
        "digest": meter.hash.hexdigest()[:32] if meter.frames else "",
    }
    _remark(facts, meter, rms, remarks)
    return facts, meter


def _remark(facts: dict, meter: Meter, rms: float, remarks: list[str]) -> None:
    """What is worth telling of a sound that may be kept all the same."""
    if facts["clipped"] > CLIPPED:
        remarks.append(f"{facts['clipped']:.1%} of its samples are clipped")
    if rms and abs(facts["dc"]) > FLAT * rms:
        remarks.append(f"it has a DC offset of {facts['dc']:.2f}")
    if facts["silent"] > 0.5 and facts["peak"] >= SILENCE:
        remarks.append(f"{facts['silent']:.0%} of it is below -60 dBFS")
    if facts["unusable"]:
        remarks.append(f"{facts['unusable']:.1%} of it has samples that are NaN, infinite or beyond {ABSURD:g}")
    flat = meter.high - meter.low < SILENCE
    if flat.any() and not flat.all():
        quiet = ", ".join(str(number + 1) for number in np.flatnonzero(flat))
        remarks.append(f"channel {quiet} is silent")


def _reason(facts: dict, meter: Meter) -> str:
    """Why a file that can be decoded is left out; "" where it is kept."""
    flat = meter.high - meter.low < SILENCE
    if not meter.frames:
        return "holds no sound"
    if facts["unusable"] > 0.5:
        share = f"{facts['unusable']:.0%}"
        return f"has samples that are NaN, infinite or beyond {ABSURD:g} (full scale is 1) in {share} of it"
    if facts["seconds"] < SHORTEST:
        return f"is {facts['seconds']:.3f} s long"
    if facts["peak"] < SILENCE:
        return "is silent"
    if flat.all():
        return f"is constant: DC of {facts['dc']:.2f}"
    if flat[:2].all():
        return MIXED[2]
    if meter.mono < 1e-6 * meter.squares / meter.channels:
        return MIXED[1]
    return ""


def _told(path: Path | str) -> float | None:
    """Seconds as the header has them; None where it has none or cannot be read."""
    try:
        return header_seconds(path)
    except FileError:
        return None


def _time(frames: int, file) -> str:
    return f"{frames / file.samplerate:.1f} s"


class Sounds:
    """The work of the stage "sounds": a part is some files, its rows what was heard in them."""

    name = "sounds"

    def __init__(self, paths: Iterable[str], origin: dict | None = None):
        """origin: where the files were found, so that it can be named when another folder is asked for."""
        self.paths = sorted(set(paths))
        self.parts = part_count(len(self.paths))
        self.settings = (origin or {}) | {"files": len(self.paths), "list": digest({"files": self.paths})}

    def __call__(self, part: int) -> Rows:
        heard = [sound_facts(self.paths[number]) for number in part_tracks(part, len(self.paths))]
        return {"sounds": [asdict(facts) for facts in heard]}
