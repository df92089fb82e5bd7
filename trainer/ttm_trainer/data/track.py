"""A track of the manifest, the parts into which all stages divide the tracks, and the names of tracks in tables."""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath, PureWindowsPath

from ..runtime.stage_runner import load_part

AUDIO = (".mp3", ".wav", ".flac", ".ogg", ".oga", ".opus", ".aif", ".aiff", ".aac", ".m4a", ".mp4", ".wma", ".w64",
         ".caf", ".au", ".snd", ".rf64", ".bwf", ".aifc", ".mp2", ".webm", ".mka", ".wv", ".ape")  # fmt: skip
STEMS = ("instrumental", "vocals")  # endings of what a separator writes
UNKNOWN = "unknown"
PART_TRACKS = 256


@dataclass(frozen=True)
class Track:
    """A sound file, or a clip of one.

    path is relative to `root`. start and seconds (None: to the end) say which stretch of the file it is. captions are
    by style; `set` names the data it comes from; facts are whatever else is known, such as the stem. length: seconds of
    the whole file, where it was read to its end.
    """

    id: str
    path: str
    root: str
    start: float = 0.0
    seconds: float | None = None
    captions: dict[str, list[str]] = field(default_factory=dict)
    licence: str = UNKNOWN
    source: str = ""
    split: str = ""
    set: str = ""
    facts: dict = field(default_factory=dict)
    length: float | None = None

    @property
    def file(self) -> Path:
        return Path(self.root, self.path)

    def left_out(self, reason: str) -> dict:
        """The row of the list "bad" of a stage that could not use this track, or a stretch of it."""
        return {"id": self.id, "path": str(self.file), "reason": reason}


def load_tracks(folder: Path) -> list[Track]:
    """The tracks of a prepared folder, in the order of its manifest. Raises FileError."""
    return [Track(**row) for row in load_part(folder, "manifest", 0)["tracks"]]


def part_count(tracks: int) -> int:
    """The number of parts of every stage over `tracks` tracks."""
    return math.ceil(tracks / _part_size(tracks))


def part_tracks(part: int, tracks: int) -> range:
    """The numbers of the tracks in a part of every stage."""
    size = _part_size(tracks)
    return range(part * size, min((part + 1) * size, tracks))


def _part_size(tracks: int) -> int:
    """256; of a small manifest fewer, so that there are 64 parts to share out and to show progress by."""
    return max(1, min(PART_TRACKS, math.ceil(tracks / 64)))


class Source:
    """One folder of data: its tracks by key. `find` tells which of them a row of a table means."""

    def __init__(self, root: Path, tracks: dict[str, Track]):
        self.root, self.tracks = root, tracks
        self.beside: set[str] = set()  # files below root that are about one track each, and no tables
        self._keys = {same(key): key for key in tracks}
        self._folded: dict[str, list[str]] = {}
        self._names: dict[str, list[str]] = {}
        for key in tracks:
            self._names.setdefault(name_of(key), []).append(key)
            self._folded.setdefault(same(key).casefold(), []).append(key)

    def find(self, path: str) -> list[str]:
        """Keys of the tracks that a row of a table names: the file with that path, else those with that name or number.

        Raises ValueError where the path leads outside of the folder.
        """
        pure = PurePosixPath(path.replace("\\", "/"))
        if pure.is_relative_to(self.root.as_posix()):
            pure = pure.relative_to(self.root.as_posix())
        if pure.is_absolute() or PureWindowsPath(path).drive or ".." in pure.parts:
            raise ValueError("it leads outside of the folder")
        for key in (path, key_of(pure)[0]):
            if same(key) in self._keys:
                return [self._keys[same(key)]]
        name = name_of(key_of(pure)[0])
        keys = self._names.get(name) or self._folded.get(same(key_of(pure)[0]).casefold(), [])
        return keys if name.isdecimal() or len(keys) == 1 else []

    def add(
        self, key: str, captions: dict[str, list[str]], licence: str = "", source: str = "", split: str = ""
    ) -> None:
        """Give a track more captions, and licence, source and split where they are not known yet."""
        track = self.tracks[key]
        merged = {style: list(known) for style, known in track.captions.items()}
        for style, more in captions.items():
            merged[style] = list(dict.fromkeys(merged.get(style, []) + more))
        licence = licence if licence and track.licence == UNKNOWN else track.licence
        self.tracks[key] = replace(track, captions=merged, licence=licence, source=track.source or source,
                                   split=track.split or split)  # fmt: skip


def key_of(path: PurePosixPath) -> tuple[str, str]:
    """00/12_instrumental.mp3 -> ("00/12", "instrumental"); 00/12.low.mp3, as MTG-Jamendo has it -> ("00/12", "")."""
    name = path.name
    suffix = next((suffix for suffix in AUDIO if name.lower().endswith(suffix)), "")
    name = name[: len(name) - len(suffix)].removesuffix(".low")
    stem = next((stem for stem in STEMS if name.endswith(f"_{stem}")), "")
    name = name.removesuffix(f"_{stem}")
    return (str(path.with_name(name)), stem) if name else (str(path), "")


def stem_path(key: str) -> str:
    """Where the instrumental stem of a track is, below the folder of stems: as the challenge has it."""
    return f"{key}_instrumental.mp3"


def name_of(key: str) -> str:
    """The name that a key ends with; of a number, the number."""
    name = PurePosixPath(key).name
    return str(int(name)) if name.isdecimal() else same(name)


def same(text: str) -> str:
    """Text with its accents in one form: file systems and tables differ in it."""
    return unicodedata.normalize("NFC", text)
