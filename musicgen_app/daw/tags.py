"""A sound file as libsndfile writes it -> the same sound with what other programs look for in a file of its format.

.wav        chunks with bars, sections, loop, tempo and root note, and an ID3 tag in a chunk, for tempo and key
.flac .ogg  comments BPM, INITIALKEY and chapters
.mp3        an ID3 tag with all texts, tempo, key and chapters
"""

from __future__ import annotations

from .id3 import id3_tag
from .riff import chunk, music_chunks, with_chunks
from .timeline import Timeline
from .vorbis_comments import comments, flac_with_comments, ogg_with_comments


def tagged(
    sound: bytes, suffix: str, tags: dict[str, str], timeline: Timeline | None, samples: int, sample_rate: int
) -> bytes:
    """The file with tags and timeline. Without a timeline only MP3 gets anything: its texts.

    tags: the texts, as `id3.TEXT_FRAMES` names them, which libsndfile has already written to other formats.
    """
    if suffix == ".mp3":
        return id3_tag(tags, timeline) + sound
    if timeline is None:
        return sound
    if suffix == ".wav":
        chunks = music_chunks(timeline, samples, sample_rate)
        if timeline.spans or timeline.key:
            chunks.append(chunk(b"id3 ", id3_tag(tags, timeline)))
        return with_chunks(sound, chunks)
    more = comments(timeline)
    return (flac_with_comments if suffix == ".flac" else ogg_with_comments)(sound, more)
