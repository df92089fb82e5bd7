"""An ID3v2.3 tag (id3.org, "ID3 tag version 2.3.0" and "ID3v2 Chapter Frame Addendum"), which every player reads.

Texts are UTF-16. MP3 begins with the tag; in a WAV it is a chunk, for players that look for tempo and key there.
"""

from __future__ import annotations

import struct

from .timeline import Mark, Timeline, short_key

TEXT_FRAMES = {
    "title": "TIT2",
    "artist": "TPE1",
    "album": "TALB",
    "date": "TYER",
    "genre": "TCON",
    "comment": "COMM",
    "software": "TSSE",
    "copyright": "TCOP",
}
TEMPO, KEY = "TBPM", "TKEY"
MOST_LISTED = 255  # chapters in the table of contents
_NO_OFFSET = 0xFFFFFFFF


def id3_tag(tags: dict[str, str], timeline: Timeline | None = None) -> bytes:
    """The tag with texts by the names of TEXT_FRAMES, and with tempo, key and sections; b"" where there is nothing."""
    frames = [_text(TEXT_FRAMES[name], text) for name, text in tags.items()]
    if timeline and timeline.tempo is not None:
        frames.append(_text(TEMPO, f"{timeline.tempo:g}"))
    if timeline and timeline.key:
        frames.append(_text(KEY, short_key(timeline.key)))
    if timeline and timeline.sections:
        frames += _chapters(timeline.sections)
    body = b"".join(frames)
    if not body:
        return b""  # libsndfile does not recognise every file that begins with an empty tag
    size = bytes(len(body) >> shift & 0x7F for shift in (21, 14, 7, 0))  # four 7-bit bytes
    return b"ID3\x03\0\0" + size + body


def _frame(name: str, body: bytes) -> bytes:
    return name.encode() + len(body).to_bytes(4, "big") + b"\0\0" + body


def _text(name: str, text: str) -> bytes:
    language = b"eng" + _utf16("") + b"\0\0" if name == TEXT_FRAMES["comment"] else b""
    return _frame(name, b"\x01" + language + _utf16(text))


def _utf16(text: str) -> bytes:
    return ("\ufeff" + text).encode("utf-16-le")


def _chapters(sections: list[Mark]) -> list[bytes]:
    """A chapter for each section, and their table of contents where it can hold them all."""
    frames = []
    for number, mark in enumerate(sections, 1):
        start, stop = round(mark.seconds * 1000), round((mark.seconds + (mark.length or 0)) * 1000)
        times = struct.pack(">IIII", start, stop, _NO_OFFSET, _NO_OFFSET)
        frames.append(_frame("CHAP", _id(number) + times + _text(TEXT_FRAMES["title"], mark.text)))
    if len(sections) <= MOST_LISTED:
        names = b"".join(_id(number) for number in range(1, len(sections) + 1))
        frames.insert(0, _frame("CTOC", b"toc\0" + bytes((3, len(sections))) + names))  # 3: the top one, in order
    return frames


def _id(number: int) -> bytes:
    return b"chp%d\0" % number
