"""Free MIDI files -> a dataset folder like the composed one: every file in many arrangements, rendered and captioned.

`sources.csv` in the folder of the files (columns file, licence, source and, where it is known, genre) or `sources.json`
(a list of objects with these keys) says whose they are. What this table leaves open can be given for all files at once.
"""

from __future__ import annotations

import csv
import io
import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

from musicgen_app.errors import DependencyError, FileError

from ..build import SAMPLE_RATE, VALIDATION, check_settings, digest, make, results, split_of, store
from ..render.casting import sources as sources_of
from .arrange import arrange, excerpt, starts
from .midi_file import Song, read

SUFFIXES = ".mid", ".midi"
TABLES = "sources.csv", "sources.json"
REFUSED = re.compile(r"\bA?GPL|\bN[CD]\b|non-?commercial|no-?deriv", re.IGNORECASE)


@dataclass(frozen=True)
class Origin:
    """A file and what is known of it."""

    name: str  # path inside the folder
    path: Path
    licence: str
    source: str
    genre: str | None


@dataclass(frozen=True)
class Version:
    """One arrangement: which part of which file, as what."""

    index: int
    seed: int
    origin: Origin
    stretch: int
    start: float  # beats


def origins(data: Path, licence: str = "", source: str = "") -> tuple[list[Origin], list[str]]:
    """The MIDI files of a folder that may be used, in order of their names, and the reason why each other one may not.

    `licence` and `source` are those of files of which the folder's table says none. Raises FileError: no folder, no
    files, or a table that cannot be read or names a file that is not there.
    """
    data = Path(data)
    if not data.is_dir():
        raise FileError(f"{data} is no folder: name one with MIDI files")
    paths = {p.relative_to(data).as_posix(): p for p in sorted(data.rglob("*")) if p.suffix.lower() in SUFFIXES}
    if not paths:
        raise FileError(f"{data} holds no MIDI files ({', '.join(SUFFIXES)})")
    table = _table(data)
    missing = sorted(set(table) - set(paths))
    if missing:
        raise FileError(f"{data} has no {missing[0]}, which its table of sources names: correct the table")
    found, left_out = [], []
    for name, path in paths.items():
        row = table.get(name, {})
        terms, whose = row.get("licence") or licence, row.get("source") or source
        if not terms or not whose:
            left_out.append(f"{name}: nobody says its licence and source; write them into {TABLES[0]}")
        elif all(REFUSED.search(term) for term in re.split(r"\s+or\s+|\|", terms, flags=re.IGNORECASE)):
            left_out.append(f"{name}: {terms} is no licence for training data here")
        else:
            found.append(Origin(name, path, terms, whose, row.get("genre") or None))
    return found, left_out


def _table(data: Path) -> dict[str, dict[str, str]]:
    """The rows of the folder's table of sources by file, none where it has no table."""
    path = next((data / name for name in TABLES if (data / name).is_file()), None)
    if path is None:
        return {}
    try:
        text = path.read_text("utf-8-sig")
        rows = json.loads(text) if path.suffix == ".json" else list(csv.DictReader(io.StringIO(text)))
        return {
            row["file"]: {key: (row.get(key) or "").strip() for key in ("licence", "source", "genre")} for row in rows
        }
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FileError(f"{path} is no table with the columns file, licence, source and genre ({error})") from error


@lru_cache(maxsize=64)
def _song(path: Path) -> Song:
    return read(path.read_bytes())


def _scan(origin: Origin) -> tuple[Origin, Song | None, str]:
    """A file with what is in it, or with the reason why it is left out."""
    try:
        return origin, read(origin.path.read_bytes()), ""
    except FileError as error:
        return origin, None, f"{origin.name}: {error}"
    except OSError as error:
        return origin, None, f"{origin.name}: cannot be read ({error.strerror})"


def songs(found: list[Origin], workers: int = 1) -> tuple[list[tuple[Origin, Song]], list[str]]:
    """The files that hold something usable, in the given order, and the reason why each other one does not."""
    usable, left_out = [], []
    seen: dict[int, str] = {}
    for origin, song, reason in sorted(results(_scan, found, workers), key=lambda result: result[0].name):
        if song is None:
            left_out.append(reason)
        elif song.digest in seen:
            left_out.append(f"{origin.name}: the same notes as {seen[song.digest]}")
        else:
            seen[song.digest] = origin.name
            usable.append((origin, song))
    return usable, left_out


def versions(usable: list[tuple[Origin, Song]], seed: int, piece_seconds: float) -> Iterator[Version]:
    """Arrangements without end: all excerpts of all files, in an order drawn by the seed, then all of them again."""
    excerpts = [
        (origin, number, start)
        for origin, song in usable
        for number, stretch in enumerate(song.stretches)
        for start in starts(stretch, piece_seconds)
    ]
    index = 0
    while True:
        order = list(excerpts)
        random.Random(digest("order", seed, index)).shuffle(order)
        for origin, number, start in order:
            yield Version(index, digest("version", seed, index), origin, number, start)
            index += 1


def build_version(
    out: Path, seed: int, piece_seconds: float, clip_seconds: float, sample_rate: int, version: Version
) -> dict:
    """Arrange, render and write one version -> {"seconds", "error"}; one that fails leaves nothing."""
    origin = version.origin
    try:
        song = _song(origin.path)
        stretch = song.stretches[version.stretch]
        score = arrange(song, stretch, version.start, piece_seconds, version.seed, origin.genre)
        source = "; ".join([f"{origin.name} of {origin.source}, arranged by ttm-app", *sources_of(score)])
        about = {"split": split_of(song.digest), "set": "midi", "licence": origin.licence, "source": source}
        seconds = store(out, _identity(seed, version), version.index, score, clip_seconds, sample_rate, about)
    except (DependencyError, FileError, OSError):
        raise
    except Exception as error:
        return {"seconds": 0.0, "error": f"version {version.index} of {origin.name}: {type(error).__name__}: {error}"}
    return {"seconds": seconds, "error": None}


def _identity(seed: int, version: Version) -> str:
    return f"m{seed}-{version.index:06d}"


def build_midi(
    data: Path,
    out: Path,
    hours: float,
    seed: int,
    workers: int = 1,
    licence: str = "",
    source: str = "",
    piece_seconds: float = 30.0,
    clip_seconds: float = 10.0,
    sample_rate: int = SAMPLE_RATE,
    progress: Callable[[dict], None] | None = None,
    note: Callable[[str], None] = lambda line: None,
) -> dict:
    """Make (or go on with) a corpus of `hours` of the MIDI files in `data` in the folder `out`.

    `note` is called with a line for every file that is left out. `progress`, more hours and what is raised are as in
    `build_corpus`; other files in `data` count as other settings. The result also has {"files", "left_out": [message]}.
    Raises FileError where no file can be used.
    """
    out = Path(out)
    found, left_out = origins(data, licence, source)
    usable, unfit = songs(found, workers)
    left_out = sorted(left_out + unfit)
    for line in left_out:
        note(f"left out {line}")
    if not usable:
        raise FileError(f"none of the MIDI files in {data} can be used ({left_out[0]})")
    facts = [(song.digest, o.name, o.licence, o.source, o.genre) for o, song in usable]
    settings = {
        "schema": 1, "set": "midi", "seed": seed, "sample_rate": sample_rate, "channels": 2,
        "piece_seconds": piece_seconds, "clip_seconds": clip_seconds, "validation": VALIDATION,
        "files": f"{digest(facts):016x}",
    }  # fmt: skip
    check_settings(out, settings, hours)
    planned, chosen = 0.0, []
    stretches = {origin.name: song.stretches for origin, song in usable}
    for version in versions(usable, seed, piece_seconds):
        if planned >= hours * 3600 - 1e-6:
            break
        stretch = stretches[version.origin.name][version.stretch]
        tempo, start, end = excerpt(stretch, version.start, piece_seconds, version.seed)
        planned += max(1, (end - start) * 60 / tempo // clip_seconds) * clip_seconds
        chosen.append(version)
    todo = [version for version in chosen if not (out / "rows" / f"{_identity(seed, version)}.json").exists()]
    task = partial(build_version, out, seed, piece_seconds, clip_seconds, sample_rate)
    made = make(out, task, todo, len(chosen), workers, progress)
    return {"files": len(usable), "left_out": left_out, **made}
