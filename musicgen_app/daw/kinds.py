"""The kinds of export: what each writes, how its file ends, and what can be said of it."""

from __future__ import annotations

from dataclasses import dataclass

PACKED = ".zip"
MOST_CLIPS = 500  # of one export


@dataclass(frozen=True)
class Kind:
    """about: what it is; more: what is written; suffixes: of its file, the usual one first, none where it is a folder;
    sounds: whether the sounds of the clips are part of it, or referred to."""

    about: str
    more: str
    suffixes: tuple[str, ...]
    sounds: bool = True

    @property
    def suffix(self) -> str:
        """The usual one; "" for a folder."""
        return self.suffixes[0] if self.suffixes else ""


KINDS = {
    "reaper": Kind(
        "Clips as a Reaper project.",
        "a Reaper project: tempo map, sections as markers and regions, a track a clip. A .rpp refers to the clips"
        " where they are, a .zip has the project and the clips in it.",
        (".rpp", PACKED),
    ),
    "dawproject": Kind(
        "Clips as a DAWproject file, for many DAWs.",
        "a DAWproject file for Bitwig Studio, Studio One, Cubase and others, with the clips inside.",
        (".dawproject",),
    ),
    "midi": Kind(
        "The plan of clips as MIDI.",
        "the plan as MIDI: tempo map, markers, a track of chords and one of the bass.",
        (".mid",),
        sounds=False,
    ),
    "stems": Kind(
        "Clips as WAV files for samplers, in a folder.",
        "WAV files for samplers in a new folder: title, tempo and key in the name, loop points inside.",
        (),
    ),
    "zip": Kind(
        "Clips as WAV files for samplers, in a ZIP file.", "the WAV files of `stems` in one ZIP file.", (PACKED,)
    ),
}
