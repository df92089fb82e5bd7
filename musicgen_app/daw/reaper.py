"""An arrangement as a Reaper project: plain text, read by Reaper and by the converters of other DAWs.

The project refers to the sound files where they are, by a path relative to the project where there is one.
"""

from __future__ import annotations

import os
from pathlib import Path

from .. import __version__
from ..control.theory import parse_metre
from ..errors import FileError
from .arrangement import Arrangement, TempoPoint, Track
from .timeline import END

SOURCES = {".wav": "WAVE", ".flac": "FLAC", ".ogg": "VORBIS", ".mp3": "MP3"}
SELECTIONS = ("SELECTION", "SELECTION2")  # of time, and what is played in a circle
REGION = 1  # flag of a marker
STEP = 1  # shape of the tempo between two points
NEW_METRE, PARTIAL_BAR = 1, 4  # flags of a point: it sets metre and tempo; the bar before may be cut short


def reaper_project(arrangement: Arrangement, folder: Path) -> bytes:
    """The text of the project that will lie in `folder`. Raises FileError: a name that cannot be written in it."""
    first = arrangement.tempo_points[0]
    beats, unit = parse_metre(first.metre)
    lines = [
        f'<REAPER_PROJECT 0.1 "6.0/ttm-app-{__version__}" 0',
        f"  LOOP {int(arrangement.loop)}",
        f"  SAMPLERATE {arrangement.tracks[0].sample_rate} 0 0",
        f"  TEMPO {_number(first.tempo)} {beats} {unit}",
        *(f"  {name} 0 {_number(arrangement.seconds if arrangement.loop else 0)}" for name in SELECTIONS),
        f"  TITLE {quoted(arrangement.title)}",
        "  <TEMPOENVEX",
        "    ACT 1 -1",
        "    VIS 1 0 1",
        "    LANEHEIGHT 0 0",
        "    ARM 0",
        "    DEFSHAPE 1 -1 -1",
        *(f"    {_point(point)}" for point in arrangement.tempo_points),
        "  >",
        *(f"  {line}" for line in _markers(arrangement)),
    ]
    for track in arrangement.tracks:
        lines += [f"  {line}" for line in _track(track, arrangement.start, folder)]
    return ("\n".join([*lines, ">"]) + "\n").encode()


def _point(point: TempoPoint) -> str:
    beats, unit = parse_metre(point.metre)
    flags = NEW_METRE | (PARTIAL_BAR if point.cuts else 0)
    return f"PT {_number(point.seconds)} {_number(point.tempo)} {STEP} {unit << 16 | beats} 0 {flags}"


def _markers(arrangement: Arrangement) -> list[str]:
    """A marker and a region for each section, and a marker at the end of the piece."""
    lines = []
    for number, mark in enumerate(arrangement.sections, 1):
        stop = mark.seconds + (mark.length or 0)
        lines.append(f"MARKER {number} {_number(mark.seconds)} {quoted(mark.text)} 0")
        lines.append(f"MARKER {number} {_number(mark.seconds)} {quoted(mark.text)} {REGION}")
        lines.append(f'MARKER {number} {_number(stop)} "" {REGION}')
    if arrangement.end is not None:
        lines.append(f"MARKER {len(arrangement.sections) + 1} {_number(arrangement.end)} {quoted(END)} 0")
    return lines


def _track(track: Track, start: float, folder: Path) -> list[str]:
    name = quoted(track.name)
    return [
        "<TRACK",
        f"  NAME {name}",
        f"  NCHAN {max(2, track.channels + track.channels % 2)}",
        "  <ITEM",
        f"    POSITION {_number(start)}",
        f"    LENGTH {_number(track.seconds)}",
        f"    LOOP {int(track.timeline.loop)}",
        f"    NAME {name}",
        "    SOFFS 0",
        "    PLAYRATE 1 1 0 -1 0 0.0025",
        f"    <SOURCE {SOURCES.get(track.file.suffix.lower(), 'WAVE')}",
        f"      FILE {quoted(_path(track.file, folder))}",
        "    >",
        "  >",
        ">",
    ]


def _path(file: Path, folder: Path) -> str:
    """A path from the folder of the project; the whole one where they are on two drives. Raises FileError."""
    try:
        path = Path(os.path.relpath(file, folder)).as_posix()
    except ValueError:
        path = str(file.absolute())
    if not path.isprintable() or {'"', "'", "`"} <= set(path):
        raise FileError(f"the name of {path!r} cannot be written in a Reaper project: give it another one")
    return path


def quoted(text: str) -> str:
    """A text between quotes that it does not have itself; where it has all three kinds, `'` stands for one of them."""
    text = "".join(letter if letter.isprintable() else " " for letter in text)
    quote = next((quote for quote in "\"'`" if quote not in text), "`")
    return quote + text.replace(quote, "'") + quote


def _number(value: float) -> str:
    """A number with as many decimals as Reaper writes: finer than a sample."""
    return f"{value:.12f}".rstrip("0").rstrip(".") or "0"
