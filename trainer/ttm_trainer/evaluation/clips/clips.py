"""Sound files that are measured: folders of them, matched to prompts by name, and the reference beside them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from musicgen_app.errors import FileError

from ...data.audio_reader import read
from ...prepare.prepared_folder import META, Prepared
from ...runtime.stage_runner import load_part
from .prompts import Prompt

SUFFIXES = (".wav", ".flac", ".ogg", ".mp3", ".opus", ".m4a", ".aif", ".aiff", ".au", ".w64")


@dataclass(frozen=True)
class Clip:
    """A stretch of a sound file: `seconds` from `start`, or (None) all of it."""

    id: str
    path: Path
    start: float = 0.0
    seconds: float | None = None

    def wave(self, sample_rate: int) -> np.ndarray:
        """Mono samples (N,) float32 at a rate; fewer where the file ends early. Raises as `data.audio_reader.read`."""
        return self.audio(sample_rate, 1)[0]

    def audio(self, sample_rate: int, channels: int) -> np.ndarray:
        """Samples (channels, N), else as `wave`."""
        return read(self.path, sample_rate, channels, self.start, self.seconds)


@dataclass(frozen=True)
class Reference:
    """A named set of real music, and how many seconds of each file count."""

    name: str
    what: str
    clips: list[Clip]


@dataclass(frozen=True)
class Match:
    """Prompts and their files, in the prompts' order; prompts without a file; files no prompt asked for."""

    pairs: list[tuple[Prompt, Clip]]
    missing: list[str]
    unknown: list[str]


def list_audio(folder: Path) -> list[Path]:
    """All sound files in a folder and the folders in it, sorted, no hidden ones. FileError: none, no folder."""
    if not os.path.isdir(folder):
        raise FileError(f"there is no folder {folder}: check the name")
    files = [
        Path(where) / name
        for where, folders, names in os.walk(folder)
        if not folders.sort() and not os.path.basename(where).startswith(".")
        for name in names
        if name.lower().endswith(SUFFIXES) and not name.startswith(".")
    ]
    if not files:
        raise FileError(f"{folder} holds no sound files ({', '.join(SUFFIXES)})")
    return sorted(files)


def match(folder: Path, prompts: Sequence[Prompt], seconds: float) -> Match:
    """Files named after the prompts' ids; "007.wav" also is id 7. FileError: none matches, or two for one id."""
    by_name: dict[str, list[Path]] = {}
    for path in list_audio(folder):
        by_name.setdefault(same_id(path.stem), []).append(path)
    wanted = {same_id(prompt.id) for prompt in prompts}
    double = next((paths for name, paths in by_name.items() if name in wanted and len(paths) > 1), None)
    if double:
        raise FileError(f"{double[0]} and {double[1].name} are of the same id: remove one")
    pairs = [
        (prompt, Clip(prompt.id, by_name[same_id(prompt.id)][0], 0.0, seconds))
        for prompt in prompts
        if same_id(prompt.id) in by_name
    ]
    unknown = sorted(str(path) for name, paths in by_name.items() if name not in wanted for path in paths)
    if not pairs:
        raise FileError(
            f"no file in {folder} is named after an id of the prompts: they are called {Path(unknown[0]).name}, the ids"
            f" {prompts[0].id}"
        )
    return Match(pairs, [p.id for p in prompts if same_id(p.id) not in by_name], unknown)


def all_clips(folder: Path, seconds: float | None) -> list[Clip]:
    """Every sound file of a folder, its path inside it as id."""
    return [Clip(str(path.relative_to(folder)), path, 0.0, seconds) for path in list_audio(folder)]


def open_reference(path: Path, seconds: float | None) -> Reference:
    """A folder of sound files, or the held-out items (val and test) of a prepared folder. Raises FileError."""
    part = "whole files" if seconds is None else f"first {seconds:g} s of each file"
    if os.path.isfile(path / META):
        what = part.replace("file", "held-out item")
        return Reference(str(path), what, _held_out(Prepared(path), seconds))
    return Reference(str(path), part, all_clips(path, seconds))


def _held_out(prepared: Prepared, seconds: float | None) -> list[Clip]:
    items = np.concatenate([prepared.items("val"), prepared.items("test")])
    if not len(items):
        raise FileError(f"{prepared.folder} has no held-out items: prepare it with --val or give another reference")
    segments = load_part(prepared.folder, "segments", 0)
    clips = []
    for item in items.tolist():
        track = prepared.track(item)
        start, length = (float(segments[name][item]) for name in ("start", "seconds"))
        path = Path(track["root"]) / track["path"]
        clips.append(Clip(f"{track['id']}@{start:g}", path, start, length if seconds is None else min(seconds, length)))
    return clips


def same_id(name: str) -> str:
    """What names that mean the same id have in common: the same number, or the same but for upper and lower case."""
    return str(int(name)) if name.isascii() and name.isdigit() else name.lower()
