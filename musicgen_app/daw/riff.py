"""Chunks of a WAV that samplers and DAWs read: `cue ` with `LIST adtl`, `smpl`, `acid`; numbers are little-endian.

cue     the samples of the marks; adtl holds their names (labl) and the lengths of sections (ltxt)
smpl    for a loop: its first and last sample, and the note that plays it as it is
acid    one-shot or loop, root note, length in quarter notes, metre, tempo
"""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ..control.plan import TEMPI
from ..control.theory import METRES, parse_metre
from ..errors import FileError
from .timeline import Mark, Timeline, root_note

ONE_SHOT, ROOT_KNOWN, STRETCHED = 1, 2, 4  # flags of acid
ACID = struct.Struct("<IHHfIHHf")  # flags, root note, 0x8000, 0, quarter notes, metre's unit and beats, tempo
MIDDLE_C = 60
MOST_CHUNKS = 1_000  # that are looked at in a file from elsewhere


class AcidFacts(NamedTuple):
    """What an acid chunk says. root: a MIDI note, None where it names none."""

    tempo: float
    metre: str
    quarters: int
    root: int | None
    loop: bool


def with_chunks(wav: bytes, chunks: list[bytes]) -> bytes:
    """A WAV with chunks after those it has. What was there stays as it is, but for the length in its header."""
    more = b"".join(chunks)
    return wav[:4] + struct.pack("<I", len(wav) + len(more) - 8) + wav[8:] + more


def chunk(name: bytes, body: bytes) -> bytes:
    """A chunk, padded to an even length."""
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def music_chunks(timeline: Timeline, samples: int, sample_rate: int) -> list[bytes]:
    """The chunks of a clip of so many samples. None where its tempo is not known, and it is no loop."""
    found = []
    if timeline.spans:
        found += _cues(timeline.marks, samples, sample_rate)
    if timeline.loop:
        found.append(_sampler(timeline, samples, sample_rate))
    if timeline.spans:
        found.append(_acid(timeline))
    return found


def _cues(marks: list[Mark], samples: int, sample_rate: int) -> list[bytes]:
    points, texts, lengths = b"", b"", b""
    for number, mark in enumerate(marks, 1):
        place = min(round(mark.seconds * sample_rate), samples - 1)
        points += struct.pack("<II4sIII", number, place, b"data", 0, 0, place)
        texts += chunk(b"labl", struct.pack("<I", number) + mark.text.encode(errors="replace") + b"\0")
        if mark.length is not None:
            length = min(round(mark.length * sample_rate), samples - place)
            lengths += chunk(b"ltxt", struct.pack("<II4sHHHH", number, length, b"rgn ", 0, 0, 0, 0))
    # the names first: libsndfile reads none that stands behind a length
    return [chunk(b"cue ", struct.pack("<I", len(marks)) + points), chunk(b"LIST", b"adtl" + texts + lengths)]


def _sampler(timeline: Timeline, samples: int, sample_rate: int) -> bytes:
    """The whole clip as one loop without end, forwards."""
    root = root_note(timeline.key)
    period = round(1e9 / sample_rate)  # nanoseconds
    head = struct.pack("<9I", 0, 0, period, MIDDLE_C if root is None else root, 0, 0, 0, 1, 0)
    return chunk(b"smpl", head + struct.pack("<6I", 0, 0, 0, samples - 1, 0, 0))


def _acid(timeline: Timeline) -> bytes:
    root = root_note(timeline.key)
    flags = (STRETCHED if timeline.loop else ONE_SHOT) | (0 if root is None else ROOT_KNOWN)
    beats, unit = parse_metre(timeline.spans[0].metre)
    note = MIDDLE_C if root is None else root
    quarters = round(timeline.quarters)
    return chunk(b"acid", ACID.pack(flags, note, 0x8000, 0.0, quarters, unit, beats, timeline.spans[0].tempo))


def read_acid(path: Path) -> AcidFacts | None:
    """What the acid chunk of a WAV says; None where there is none, or it says nothing that can be. Raises FileError.

    Lengths in the file are not believed: a chunk ends where the file does.
    """
    try:
        with open(path, "rb") as file:
            body = next((body for name, body in _chunks(file, b"acid") if name == b"acid"), b"")
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror}") from error
    if len(body) < ACID.size:
        return None
    flags, root, _, _, quarters, unit, beats, tempo = ACID.unpack(body[: ACID.size])
    if not (math.isfinite(tempo) and TEMPI[0] <= tempo <= TEMPI[1]):
        return None
    metre = f"{beats}/{unit}"
    known = root if flags & ROOT_KNOWN and root < 128 else None
    return AcidFacts(round(tempo, 4), metre if metre in METRES else METRES[0], quarters, known, not flags & ONE_SHOT)


def _chunks(file: BinaryIO, wanted: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Names of a WAV's chunks, with the bodies (their beginnings) of those that are wanted."""
    if file.read(4) != b"RIFF" or len(file.read(8)) < 8:
        return
    end = os.fstat(file.fileno()).st_size
    for _ in range(MOST_CHUNKS):
        head = file.read(8)
        if len(head) < 8:
            return
        name, length = struct.unpack("<4sI", head)
        after = file.tell() + length + length % 2
        yield name, file.read(min(length, ACID.size)) if name == wanted else b""
        if after >= end:
            return
        file.seek(after)
