"""Comments of FLAC and Ogg Vorbis files beyond those that libsndfile writes: tempo, key, a chapter for each section.

FLAC (RFC 9639) has them in a block of its header, Ogg (RFC 3533) in the second packet of the stream; both in the form
of the Vorbis I specification, section 5. The sound itself is copied as it is.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from .timeline import Timeline, short_key

FLAC_COMMENTS = 4  # the type of the block
LAST_BLOCK = 0x80
PAGE_SEGMENTS = 255
CONTINUED, FIRST, UNFINISHED = 1, 2, -1  # flags of a page; the position of one on which no packet ends
_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def comments(timeline: Timeline) -> list[str]:
    """Names and values as the field has them: BPM=120, INITIALKEY=Am, CHAPTER001=00:00:08.000, CHAPTER001NAME=verse."""
    found = [] if timeline.tempo is None else [f"BPM={timeline.tempo:g}"]
    found += [f"INITIALKEY={short_key(timeline.key)}"] if timeline.key else []
    for number, mark in enumerate(timeline.sections, 1):
        minutes, seconds = divmod(round(mark.seconds, 3), 60)
        place = f"{int(minutes // 60):02d}:{int(minutes % 60):02d}:{seconds:06.3f}"
        found += [f"CHAPTER{number:03d}={place}", f"CHAPTER{number:03d}NAME={mark.text}"]
    return found


def flac_with_comments(flac: bytes, more: list[str]) -> bytes:
    """A FLAC file, as libsndfile writes it, with more comments."""
    place = len(b"fLaC")
    while True:
        head, length = flac[place], int.from_bytes(flac[place + 1 : place + 4], "big")
        body = flac[place + 4 : place + 4 + length]
        if head & ~LAST_BLOCK == FLAC_COMMENTS:
            body = _extended(body, more)
            return flac[:place] + bytes([head]) + len(body).to_bytes(3, "big") + body + flac[place + 4 + length :]
        assert not head & LAST_BLOCK, "libsndfile writes a block of comments"
        place += 4 + length


def ogg_with_comments(ogg: bytes, more: list[str]) -> bytes:
    """An Ogg Vorbis file, as libsndfile writes it, with more comments.

    Its header is three packets on pages of their own. The second is extended, so the pages may be more than before,
    and those of the sound get new numbers.
    """
    pages = list(_pages(ogg))
    packets, count = _header(pages)
    framing = packets[1][-1:]
    packets[1] = packets[1][:7] + _extended(packets[1][7:-1], more) + framing
    stream = pages[0][14:18]
    written = [pages[0], *_paged(packets[1:], stream)]
    written += [
        _with_checksum(page[:18] + struct.pack("<I", number) + page[22:])
        for number, page in enumerate(pages[count:], len(written))
    ]
    return b"".join(written)


def _extended(block: bytes, more: list[str]) -> bytes:
    """A list of comments with more at its end."""
    (vendor,) = struct.unpack_from("<I", block)
    (count,) = struct.unpack_from("<I", block, 4 + vendor)
    texts = [text.encode(errors="replace") for text in more]
    added = b"".join(struct.pack("<I", len(text)) + text for text in texts)
    return block[: 4 + vendor] + struct.pack("<I", count + len(texts)) + block[8 + vendor :] + added


def _pages(ogg: bytes) -> Iterator[bytes]:
    """The pages of an Ogg file."""
    place = 0
    while place < len(ogg):
        segments = ogg[place + 26]
        length = 27 + segments + sum(ogg[place + 27 : place + 27 + segments])
        yield ogg[place : place + length]
        place += length


def _header(pages: list[bytes]) -> tuple[list[bytes], int]:
    """The three packets that a Vorbis stream begins with, and on how many pages they are."""
    packets, packet = [], b""
    for number, page in enumerate(pages, 1):
        segments = page[26]
        place = 27 + segments
        for length in page[27:place]:
            packet += page[place : place + length]
            place += length
            if length < PAGE_SEGMENTS:
                packets.append(packet)
                packet = b""
        if len(packets) == 3:
            return packets, number
    raise AssertionError("libsndfile writes three packets of header")


def _paged(packets: list[bytes], stream: bytes) -> list[bytes]:
    """Packets one behind the other on pages, from page 1 of the stream on."""
    lacing = b"".join(b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255]) for packet in packets)
    body = b"".join(packets)
    pages: list[bytes] = []
    place, continued = 0, False
    for first in range(0, len(lacing), PAGE_SEGMENTS):
        segments = lacing[first : first + PAGE_SEGMENTS]
        length = sum(segments)
        position = 0 if any(segment < 255 for segment in segments) else UNFINISHED
        head = struct.pack("<4sBBq", b"OggS", 0, CONTINUED if continued else 0, position) + stream
        head += struct.pack("<II", len(pages) + 1, 0) + bytes([len(segments)])
        pages.append(_with_checksum(head + segments + body[place : place + length]))
        place += length
        continued = segments[-1] == 255
    return pages


def _with_checksum(page: bytes) -> bytes:
    """A page with its checksum: CRC-32 that reads bits from the top, without the two inversions of zlib's."""
    mirrored = (page[:22] + bytes(4) + page[26:]).translate(_MIRRORED)
    checksum = ~zlib.crc32(mirrored, 0xFFFFFFFF) & 0xFFFFFFFF
    return page[:22] + struct.pack("<I", checksum)[::-1].translate(_MIRRORED) + page[26:]
