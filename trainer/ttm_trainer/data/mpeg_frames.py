"""The frames of an MP3, counted one by one, because what its header says of its length is often not so.

An MP3 is a row of frames, each with its own length. Their number may stand in a first frame of its own (Xing, Info),
which an encoder writes and nobody mends when the file is cut, joined or streamed. Decoders believe it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cached_property

RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}  # by version
BITRATES = {
    True: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),  # MPEG 1
    False: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
LAYER_3 = 1
SURE = 4  # frames in a row that make an MP3
DELAY = 529 + 1152  # samples that a decoder may leave out at either end, and more than an encoder adds


@dataclass(frozen=True)
class Frames:
    """What an MP3 holds: first bytes (`places`) and lengths of its frames of sound.

    samples: a frame has; rate: of the first one, in Hz; head: the first frame of sound; told: the frame that tells the
    length, or b""; foreign: bytes between frames that are neither sound nor tags; others: seconds in frames of another
    sample rate or number of channels.
    """

    data: bytes
    places: list[tuple[int, int]]
    samples: int
    rate: int
    told: bytes
    foreign: int
    others: float

    def __len__(self) -> int:
        return len(self.places)

    @cached_property
    def seconds(self) -> float:
        return len(self) * self.samples / self.rate

    def mended(self) -> bytes:
        """The same frames of sound behind a first frame that tells their number, and nothing else."""
        sound = b"".join([self.data[at : at + length] for at, length in self.places])
        return self._first(len(sound)) + sound

    def _first(self, size: int) -> bytes:
        head = self.data[self.places[0][0] :][:4]
        mpeg1, mono = head[1] >> 3 & 3 == 3, head[3] >> 6 == 3
        side = (17 if mono else 32) if mpeg1 else (9 if mono else 17)
        if self.told:
            new = bytearray(self.told)
        else:
            new = bytearray(_length(bytes([head[0], head[1] | 1, 0x90 | head[2] & 0x0C, head[3]])))
            new[:4] = bytes([head[0], head[1] | 1, 0x90 | head[2] & 0x0C, head[3]])  # no checksum, no padding
            new[4 + side : 4 + side + 8] = b"Info\0\0\0\3"
        at = 4 + side
        flags = struct.unpack(">I", new[at + 4 : at + 8])[0]
        if not flags & 1:
            return Frames(self.data, self.places, self.samples, self.rate, b"", 0, 0)._first(size)
        new[at + 8 : at + 12] = struct.pack(">I", len(self))
        if flags & 2:
            new[at + 12 : at + 16] = struct.pack(">I", size + len(new))
        after = at + 8 + 4 * (flags & 1) + 2 * (flags & 2) + 25 * (flags & 4) + (flags & 8) // 2
        if len(new) >= after + 24:
            new[after + 22] &= 0xF0  # nothing is cut off at the end: what the encoder added is no longer there
            new[after + 23] = 0
        return bytes(new)


def frames_of(data: bytes) -> Frames | None:
    """The frames of an MP3 (MPEG layer 3); None where the data is something else."""
    at, first = _start(data)
    if first is None:
        return None
    kind = _kind(first)
    places: list[tuple[int, int]] = []
    told, foreign, others, apart = b"", 0, 0.0, False
    while at + 4 <= len(data):
        head = data[at : at + 4]
        length = _length(head)
        if length and head[0] == 0xFF and _kind(head) == kind and at + length <= len(data):
            if not places and not told and _tells(data[at : at + length]):
                told = data[at : at + length]
            elif not _tells(data[at : at + length]):
                places.append((at, length))
            at += length
        elif skip := _tag(data, at):
            at += skip
        elif length and _kind(head) != kind and (apart or _chain(data, at, SURE)):  # joined with one of another rate
            apart = _chain(data, at, 2)
            others += _samples(head) / _rate(head)
            at += length
        else:
            following = _next(data, at + 1, kind)
            foreign += following - at if following < len(data) or at + (length or 1) <= len(data) else 0
            at = following
    if len(places) < SURE:
        return None
    return Frames(data, places, _samples(first), _rate(first), told, foreign, others)


def _start(data: bytes) -> tuple[int, bytes | None]:
    """Where the first of several frames in a row begins, and its head."""
    at = 0
    while skip := _tag(data, at):
        at += skip
    limit = min(len(data), at + (1 << 20))
    while 0 <= at < limit:
        if _length(data[at : at + 4]) and _chain(data, at, SURE):
            return at, data[at : at + 4]
        at = data.find(b"\xff", at + 1)
    return 0, None


def _chain(data: bytes, at: int, count: int) -> bool:
    """Whether `count` frames of one kind stand in a row."""
    kind = _kind(data[at : at + 4]) if len(data) >= at + 4 else None
    for _ in range(count):
        head = data[at : at + 4]
        length = _length(head)
        if not length or _kind(head) != kind:
            return False
        at += length
    return True


def _next(data: bytes, at: int, kind: tuple) -> int:
    """Where frames go on after something else, at the end of the data if they do not."""
    while (at := data.find(b"\xff", at)) >= 0:
        head = data[at : at + 4]
        length = _length(head)
        if length and (
            _kind(head) == kind and (_chain(data, at, 2) or at + length == len(data)) or _chain(data, at, SURE)
        ):
            return at
        at += 1
    return len(data)


def _tag(data: bytes, at: int) -> int:
    """The bytes of a tag, or of zeros, that begin here; 0 for none."""
    if data[at : at + 3] == b"ID3" and len(data) >= at + 10:
        a, b, c, d = data[at + 6 : at + 10]
        return 10 + (a << 21 | b << 14 | c << 7 | d)
    if data[at : at + 8] == b"APETAGEX" and len(data) >= at + 32:
        size, _, flags = struct.unpack("<III", data[at + 12 : at + 24])
        return size + 32 if flags & 1 << 29 else 32
    if data[at : at + 3] == b"TAG":
        return 128
    if data[at : at + 1] == b"\0":
        rest = data[at : at + 65_536]
        return len(rest) - len(rest.lstrip(b"\0"))
    return 0


def _tells(frame: bytes) -> bool:
    """Whether a frame holds the length of the whole in place of sound."""
    return any(frame[at : at + 4] in (b"Xing", b"Info") for at in (13, 21, 36)) or frame[36:40] == b"VBRI"


def _length(head: bytes) -> int:
    """The bytes of the frame with this head; 0 where it is no head of layer 3."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return 0
    version, layer, bits, rate = head[1] >> 3 & 3, head[1] >> 1 & 3, head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or layer != LAYER_3 or bits in (0, 15) or rate == 3:
        return 0
    kilobits = BITRATES[version == 3][bits]
    return _samples(head) // 8 * kilobits * 1000 // RATES[version][rate] + (head[2] >> 1 & 1)


def _kind(head: bytes) -> tuple[int, int, bool]:
    """Version, sample rate and whether it is mono: what stays the same within one recording."""
    return head[1] >> 3 & 3, head[2] >> 2 & 3, head[3] >> 6 == 3


def _rate(head: bytes) -> int:
    return RATES[head[1] >> 3 & 3][head[2] >> 2 & 3]


def _samples(head: bytes) -> int:
    return 1152 if head[1] >> 3 & 3 == 3 else 576
