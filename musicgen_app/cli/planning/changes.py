"""The commands of `ttm-app plan` that change a plan in a file, or its form."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...errors import RequestError
from ..generation.plan_options import found_plan, tell_notes
from ..terminal import print_json

if TYPE_CHECKING:
    from ...control.plan import Plan

FILE = click.argument("source", type=click.Path(path_type=Path), metavar="FILE")
OUTPUT = click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="File to write: .txt, .json or .mid.  [default: stdout]"
)
FORCE = click.option("--force", is_flag=True, help="Replace a file that exists.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
SECTION = click.option("--section", metavar="NAME", help="Only in sections of this name.")
NEGATIVE_NUMBERS = "ignore_unknown_options"  # so that -3 is a number


def add_to(group: click.Group) -> None:
    """Put all commands of this module into a group."""
    for command in (to_sheet, to_json, to_midi, from_midi, transpose, key, tempo, metre, reharmonise, substitute, vary,
                    extend, repeat, examples):  # fmt: skip
        group.add_command(command)


def _writes(command: Callable) -> Callable:
    for option in (JSON, FORCE, OUTPUT, FILE):
        command = option(command)
    return command


def _read(source: Path) -> Plan:
    """The plan in a file, or on stdin for "-"; what was estimated is told. Raises FileError, RequestError."""
    found = found_plan(source)
    tell_notes(found, source)
    return found.plan


def _write(plan: Plan, output: Path | None, force: bool, as_json: bool) -> None:
    """Write a plan in the form of the file's suffix, or print it as a sheet or JSON. Raises FileError, RequestError."""
    from ...machine import files
    from ...songbook.plan_files import plan_bytes

    if output is not None:
        files.write(output, plan_bytes(plan, output.suffix), overwrite=force)
        print_json({"path": str(output)}) if as_json else click.echo(str(output))
    elif as_json:
        print_json(plan.to_dict())
    else:
        click.echo(plan_bytes(plan, ".txt").decode(), nl=False)


def _change(source: Path, output: Path | None, force: bool, as_json: bool, name: str, **values: object) -> None:
    """Read a plan, do one operation to it with the values that are given, and write it. Raises as those do."""
    from ...songbook.changes import changed

    given = {name: value for name, value in values.items() if value is not None}
    _write(changed(_read(source), name, given), output, force, as_json)


@click.command("to-sheet")
@_writes
def to_sheet(source: Path, output: Path | None, force: bool, as_json: bool) -> None:
    """Write the plan in FILE as a chord sheet."""
    _write(_read(source), output, force, as_json)


@click.command("to-json")
@FILE
@OUTPUT
@FORCE
def to_json(source: Path, output: Path | None, force: bool) -> None:
    """Write the plan in FILE as JSON; its schema comes with the app."""
    if output is not None and output.suffix.lower() != ".json":
        raise RequestError(f"{output} must end in .json")
    _write(_read(source), output, force, True)


@click.command("to-midi")
@FILE
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="MIDI file to write, - is stdout.")
@FORCE
def to_midi(source: Path, output: Path, force: bool) -> None:
    """Write the plan in FILE as MIDI: tempo, metre, markers, chords and bass."""
    from ...songbook.plan_files import MIDI, plan_bytes

    plan = _read(source)
    if str(output) == "-":
        sys.stdout.buffer.write(plan_bytes(plan, ".mid"))
        return
    if output.suffix.lower() not in MIDI:
        raise RequestError(f"{output} must end in .mid")
    _write(plan, output, force, False)


@click.command("from-midi")
@_writes
def from_midi(source: Path, output: Path | None, force: bool, as_json: bool) -> None:
    """Read a MIDI FILE of any origin: its markers and chord texts, or chords estimated from its notes."""
    _write(_read(source), output, force, as_json)


@click.command(context_settings={NEGATIVE_NUMBERS: True})
@_writes
@click.argument("semitones", type=click.IntRange(-48, 48))
def transpose(source: Path, semitones: int, output: Path | None, force: bool, as_json: bool) -> None:
    """Move the plan in FILE by SEMITONES, up or (with a minus) down."""
    _change(source, output, force, as_json, "transpose", semitones=semitones)


@click.command()
@_writes
@click.argument("name", metavar="KEY")
def key(source: Path, name: str, output: Path | None, force: bool, as_json: bool) -> None:
    """Move the plan in FILE to KEY, such as Cm."""
    _change(source, output, force, as_json, "key", key=name)


@click.command()
@_writes
@click.argument("bpm", type=float)
def tempo(source: Path, bpm: float, output: Path | None, force: bool, as_json: bool) -> None:
    """Give the plan in FILE another tempo; sections with one of their own change in proportion."""
    _change(source, output, force, as_json, "tempo", bpm=bpm)


@click.command()
@_writes
@click.argument("name", metavar="METRE")
def metre(source: Path, name: str, output: Path | None, force: bool, as_json: bool) -> None:
    """Give the plan in FILE another metre; every chord keeps its share of the bar."""
    _change(source, output, force, as_json, "metre", metre=name)


@click.command()
@_writes
@click.argument("chords")
@SECTION
def reharmonise(
    source: Path, chords: str, section: str | None, output: Path | None, force: bool, as_json: bool
) -> None:
    """Give the plan in FILE other CHORDS, a row such as "Am F (C G) E7"."""
    _change(source, output, force, as_json, "reharmonise", chords=chords, section=section)


@click.command()
@_writes
@click.argument("kind", type=click.Choice(("tritone", "relative")))
@click.option("--number", type=int, metavar="N", help="Only the Nth chord that is written.  [default: all that can]")
def substitute(source: Path, kind: str, number: int | None, output: Path | None, force: bool, as_json: bool) -> None:
    """Put a tritone substitute, or the relative, in the place of chords."""
    _change(source, output, force, as_json, "substitute", kind=kind, number=number)


@click.command()
@_writes
@click.option("--seed", type=int, default=0, show_default=True, metavar="N", help="The same seed gives the same plan.")
def vary(source: Path, seed: int, output: Path | None, force: bool, as_json: bool) -> None:
    """Change some chords of the plan in FILE, by the seed."""
    _change(source, output, force, as_json, "vary", seed=seed)


@click.command()
@_writes
@click.argument("section", metavar="SECTION")
@click.option("--at", type=click.IntRange(0), metavar="N", help="Before section N, from 0.  [default: at the end]")
def extend(source: Path, section: str, at: int | None, output: Path | None, force: bool, as_json: bool) -> None:
    """Add a SECTION as a sheet has it, such as "bridge 8: F G Am Am", or the name of one that is there."""
    _change(source, output, force, as_json, "extend", section=section, at=at)


@click.command()
@_writes
@click.argument("times", type=click.IntRange(1, 500))
@SECTION
def repeat(source: Path, times: int, section: str | None, output: Path | None, force: bool, as_json: bool) -> None:
    """Play the form of the plan in FILE so many TIMES, or each section of one name."""
    _change(source, output, force, as_json, "repeat", times=times, section=section)


@click.command()
@click.argument("name", required=False)
def examples(name: str | None) -> None:
    """List the songs that come with the app, or print the sheet of one."""
    from ...machine import paths

    songs = {path.stem: path for path in sorted((paths.assets() / "examples").glob("*.txt"))}
    if name is None:
        for stem, path in songs.items():
            click.echo(f"{stem:<10} {path.read_text(encoding='utf-8').splitlines()[0].removeprefix('#').strip()}")
        return
    if name not in songs:
        raise RequestError(f"no example {name[:40]!a}: there are {', '.join(songs)}")
    click.echo(songs[name].read_text(encoding="utf-8"), nl=False)
