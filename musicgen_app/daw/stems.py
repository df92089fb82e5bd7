"""Sound files for samplers: WAV with loop points, tempo and root note inside, and in the name what samplers read there.

slow-piano_120bpm_Am_bass.wav: title, tempo, key, layer; what is not known is left out.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from .. import audio
from ..machine.paths import slug
from .arrangement import Track
from .id3 import TEXT_FRAMES
from .timeline import short_key


def stem_names(title: str, tracks: Sequence[Track]) -> list[str]:
    """The names of the stems of tracks, each another one; the layer is in the name where there are several."""
    names: list[str] = []
    for track in tracks:
        parts = [slug(title), *_tempo(track)]
        parts += [short_key(track.timeline.key)] if track.timeline.key else []
        parts += [slug(track.name)] if len(tracks) > 1 else []
        stem, number = "_".join(parts), 1
        while f"{stem}.wav" in names:
            number += 1
            stem = "_".join([*parts, str(number)])
        names.append(f"{stem}.wav")
    return names


def _tempo(track: Track) -> list[str]:
    """ "120bpm", or the slowest and the fastest, "90-120bpm"."""
    tempi = track.timeline.tempi
    return [f"{'-'.join(f'{tempo:g}' for tempo in dict.fromkeys((tempi[0], tempi[-1])))}bpm"] if tempi else []


def stem(track: Track) -> bytes:
    """The sound of a track as a WAV of 24 bits with its tags and timeline, the same samples. Raises FileError."""
    sound, sample_rate, tags = audio.read(track.file)
    known = {name: text for name, text in tags.items() if name in TEXT_FRAMES}
    return audio.encode(sound, sample_rate, ".wav", known, track.timeline)


def layer_names(names: list[str]) -> tuple[str, list[str]]:
    """The names of several files, such as song-bass and song-drums -> what they share, and what is each one's own."""
    shared = os.path.commonprefix(names)
    place = max(shared.rfind(letter) for letter in "-_ .") + 1
    own = [name[place:].strip("-_ .") for name in names]
    if len(names) < 2 or not place or not all(own):
        return (names[0] if len(names) == 1 else ""), list(names)
    return shared[:place].strip("-_ ."), own
