"""The songs of `evaluate plan`: 64 bars each, three keys and five metres, or sheets of one's own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from musicgen_app.control import operations
from musicgen_app.control.plan import Plan, Section
from musicgen_app.errors import FileError, RequestError
from musicgen_app.machine import paths
from musicgen_app.songbook.plan_files import read_plan
from musicgen_app.songbook.sheet import read_sheet

KEYS = ("D major", "Ab major", "F# minor")
METRES = {  # each with its tempo, in quarter notes a minute, and a prompt
    "4/4": (112.0, "pop, piano, bass and drums"),
    "3/4": (126.0, "waltz, piano, strings and drums"),
    "6/8": (108.0, "ballad, guitar, piano and drums"),
    "5/4": (132.0, "jazz, piano, double bass and drums"),
    "7/8": (120.0, "progressive rock, organ, bass and drums"),
}
# In C and in A minor, with the kinds of chords that songs have. Each row is sixteen bars.
MAJOR = """4/4 · key C · ends
intro 8 no drums energy 0.3: C F C Gsus4
verse 16 drums energy 0.5: C Am7 Dm7 G7 Em Am F G C/E F Cmaj7 A7 Dm7 Fm6 C G7sus4
chorus 16 drums energy 0.9: F G Em7 Am Dm9 G9 Cmaj9 C7 Fmaj7 F#dim7 C/G Am7 D9 G13 Cadd9 C6
bridge 8 no drums energy 0.2: Am Em F Caug Dm Bdim G/B C5
chorus
"""
MINOR = """4/4 · key Am · ends
intro 8 no drums energy 0.3: Am Dm Am E
verse 16 drums energy 0.5: Am F C/E E7 Dm7 G7 Cmaj7 Fmaj7 Bm7b5 E7 Am7 Am6 Dm E7sus4 Am C5
chorus 16 drums energy 0.9: F G Am Em Dm9 G9 C A7 Dm6 G#dim7 Am/C Fmaj9 Bdim E9 Asus2 Am
bridge 8 no drums energy 0.2: C G/B Am Caug Dm Dmadd9 E Am
chorus
"""
STYLE = re.compile(r"[\s{]*style\s*:\s*([^}]*?)[\s}]*", re.IGNORECASE)
USUAL = "pop, piano, bass and drums"  # of a sheet that names no style


@dataclass(frozen=True)
class Song:
    """What is played: `number` decides on its seed; id: a file name."""

    number: int
    id: str
    prompt: str
    plan: Plan


def built_in(count: int | None = None) -> list[Song]:
    """Fifteen songs, or so many of them: as different in key and metre as can be. Raises FileError for more."""
    cases = [
        (metre, KEYS[(place + turn) % len(KEYS)]) for turn in range(len(KEYS)) for place, metre in enumerate(METRES)
    ]
    if count is not None and count > len(cases):
        raise FileError(f"there are {len(cases)} songs, not {count}: ask for fewer")
    return [_song(number, metre, key) for number, (metre, key) in enumerate(cases[:count])]


def _song(number: int, metre: str, key: str) -> Song:
    tempo, prompt = METRES[metre]
    plan = read_sheet(MINOR if key.endswith("minor") else MAJOR).plan
    plan = operations.at_tempo(operations.in_metre(operations.in_key(plan, key), metre), tempo)
    return Song(number, f"{metre.replace('/', '-')}-{key.replace('#', '-sharp').replace(' ', '-')}", prompt, plan)


def read_songs(sources: Sequence[str]) -> list[Song]:
    """Songs in files of any form, or of the names that `ttm-app plan examples` lists.

    The prompt of a sheet is what its line "style: ..." says. Raises FileError and RequestError: no plan, or one without
    a tempo, without sections, or of a name that comes twice.
    """
    songs = []
    for number, source in enumerate(sources):
        path = Path(source)
        if not path.exists() and (example := paths.assets() / "examples" / f"{path.name}.txt").is_file():
            path = example
        found = read_plan(path)
        styles = [line[1] for line in map(STYLE.fullmatch, found.sheet.splitlines()) if line and line[1]]
        plan = operations.keyed(found.plan)
        if not plan.sections or None in {stretch.tempo for stretch in plan.stretches}:
            raise RequestError(f"{path}: its length is not known: give it a tempo and sections")
        songs.append(Song(number, paths.slug(path.stem), styles[0] if styles else USUAL, plan))
    names = [song.id for song in songs]
    if len(set(names)) < len(names):
        raise RequestError("two songs are of one name: give each file a name of its own")
    return songs


def other_chords(plan: Plan) -> Plan:
    """The same song, each chord in the place of the one before it."""

    def moved(place: Plan | Section) -> dict:
        symbols = [symbol for symbol, _ in place.chords]
        lengths = [length for _, length in place.chords]
        return {"chords": tuple(zip(symbols[1:] + symbols[:1], lengths, strict=True))}

    sections = tuple(replace(section, **moved(section)) for section in plan.sections)
    return replace(plan, **moved(plan), sections=sections)
