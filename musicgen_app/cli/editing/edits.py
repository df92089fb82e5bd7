"""`ttm-app continue`, `repaint`, `vary`, `ending` and `add`: a sound file -> a new one beside it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...errors import FileError, RequestError
from ...machine import paths, user_settings
from ...request import SOLVERS, parse_adapters, parse_conditions
from ..completion import MODEL
from ..generation.output_files import check_target, numbered, write_clips
from ..generation.plan_options import given_plan
from ..generation.shared_options import ADAPTER, BEST_OF, COMPUTING, GUIDANCE, NEGATIVE, SEED, WRITING, with_options
from ..terminal import print_note

if TYPE_CHECKING:
    from ...editing.edit import Edit, Region
    from ...request import GenerationRequest

EPILOG = """
\b
FILE is a WAV, FLAC, OGG or MP3 of 0.5 s to 15 minutes, mono or stereo, or the ID of an item of the library. What is
not edited keeps its samples to the bit in a .wav or .flac, at the rate of FILE, but for samples finer than 24 bits.
FILE is never written to.
Without PROMPT it is the one that made FILE; of a recording that the app did not make, what is made follows the
recording alone. Of such a recording tempo, bars, key and chords are heard too, and told: where they are wrong say
--bpm, --metre, --downbeat (the second of a bar line), --key, or --plan FILE. Bars are counted from the first bar line.

\b
Example:
  {example}
"""

LOSSLESS = (".wav", ".flac")
SOURCE = click.argument("file", type=click.Path(path_type=Path))
PROMPT = click.argument("prompt", required=False)
BPM = click.option("--bpm", type=float, metavar="N", help="The tempo of FILE in quarter notes a minute.")
METRE = click.option("--metre", metavar="M", help="The metre of FILE, such as 3/4.")
KEY = click.option("--key", metavar="KEY", help="The key of FILE, such as Am.")
DOWNBEAT = click.option("--downbeat", type=float, metavar="S", help="The second at which some bar of FILE begins.")
PLAN = click.option("--plan", type=click.Path(path_type=Path), metavar="FILE", help="The plan of FILE; - is stdin.")
MADE = (
    click.option("-o", "--output", type=click.Path(path_type=Path), help="File to write, or a folder to write into."),
    SEED,
    click.option("-n", "--variations", type=int, metavar="N", help="How many results, with seeds one apart."),
    BEST_OF,
    click.option("--chords", metavar="ROW", help='Of what is made, a bar each: "Am F (C G) E7".'),
    click.option("--drums/--no-drums", default=None, help="Whether what is made has drums."),
    BPM,
    METRE,
    KEY,
    DOWNBEAT,
    PLAN,
    click.option("--model", type=MODEL, metavar="NAME", help="Model name or folder.  [default: that of FILE]"),
    NEGATIVE,
    click.option("--steps", type=int, metavar="N", help="Sampler steps.  [default: the model's, but at least 4]"),
    GUIDANCE,
    click.option("--solver", type=click.Choice(SOLVERS), help="[default: the model's]"),
    click.option("--condition", "conditions", multiple=True, metavar="NAME=NUMBER", help="A number the model is told."),
    ADAPTER,
    *COMPUTING,
    *WRITING,
)
BARS = click.option("--bars", "bars", multiple=True, metavar="A-B", help="These bars, from 1; give it again for more.")
FROM = click.option("--from", "begins", type=float, multiple=True, metavar="S", help="From this second, with --to.")
TO = click.option("--to", "ends", type=float, multiple=True, metavar="S", help="To this second.")


def edit_command(name: str, example: str, short_help: str) -> Callable[[Callable], click.Command]:
    """A command that edits a FILE, with the options that all have."""

    def made(function: Callable) -> click.Command:
        command = with_options(SOURCE, PROMPT, *MADE)(function)
        return click.command(name, epilog=EPILOG.replace("{example}", example), short_help=short_help)(command)

    return made


@edit_command(
    "continue", "ttm-app continue song.wav --bars 8 -o longer.wav", "Make a recording go on, or begin earlier."
)
@click.option("--seconds", type=float, metavar="S", help="How much longer.  [default: 10]")
@click.option("--bars", type=int, metavar="N", help="How many bars longer, up to a bar line.")
@click.option("--left", is_flag=True, help="Before it, not after.")
def continue_(file: Path, prompt: str | None, seconds: float | None, bars: int | None, left: bool, **values) -> None:
    """Make the recording in FILE go on, or with --left begin earlier.

    Its last 0.03 s (with --left its first) fade into what is made.
    """
    _edit(file, prompt, {"kind": "continue", "seconds": seconds, "bars": bars, "left": left}, values)


@edit_command("repaint", 'ttm-app repaint song.wav "with strings" --bars 5-8', "Play parts of a recording again.")
@BARS
@FROM
@TO
@click.option("--strength", type=float, metavar="X", help="0 leaves it as it is, 1 makes it anew.  [default: 1]")
def repaint(file: Path, prompt: str | None, bars: tuple, begins: tuple, ends: tuple, strength, **values) -> None:
    """Play these parts of the recording in FILE again, between what is before and after."""
    regions = _regions(bars, begins, ends)
    _edit(file, prompt, {"kind": "repaint", "regions": regions, "strength": strength}, values)


@edit_command("vary", "ttm-app vary song.wav --strength 0.4 -n 3", "Make variations of a recording.")
@click.option("--strength", type=float, metavar="X", help="0 leaves it as it is, 1 makes it anew.  [default: 0.5]")
@BARS
@FROM
@TO
def vary(
    file: Path, prompt: str | None, strength: float | None, bars: tuple, begins: tuple, ends: tuple, **values
) -> None:
    """Make variations of the recording in FILE, of all of it or of parts."""
    regions = _regions(bars, begins, ends)
    _edit(file, prompt, {"kind": "vary", "regions": regions, "strength": strength}, values)


@edit_command("ending", "ttm-app ending song.wav --bars 4", "Give a recording an ending.")
@click.option("--bars", type=int, metavar="N", help="Bars that it takes; then the last chord rings.  [default: 2]")
def ending(file: Path, prompt: str | None, bars: int | None, **values) -> None:
    """Give the recording in FILE an ending: bars that lead to the tonic, which rings into silence."""
    _edit(file, prompt, {"kind": "ending", "bars": bars}, values)


@edit_command("add", 'ttm-app add song.wav "bass line" --level -3 -o with-bass.wav', "Add a part to a recording.")
@click.option("--level", type=float, metavar="DB", help="How much louder the part is, or with -3 softer.  [default: 0]")
def add(file: Path, prompt: str | None, level: float | None, **values) -> None:
    """Add the part in PROMPT, such as "bass line", to the recording in FILE, to its beat and chords.

    A second file, with -part in its name, has the part alone. Where the sum would be too loud both are lowered.
    """
    _edit(file, prompt, {"kind": "add", "level": level}, values)


def _edit(file: Path, prompt: str | None, said: dict, values: dict) -> None:
    """Edit a file as said, with the values of the options that all edits have, and write what comes out."""
    from ...editing.edit import Edit
    from ...editing.preparation import asked_for
    from ...editing.source import read_source
    from ...library.library import ID, Library

    given = {name: value for name, value in values.items() if value is not None}
    named = ("output", "format", "sidecar", "keep", "force", "as_json", "quiet", "device", "precision", "decoder")
    options = {name: given.pop(name, None) for name in named}
    said |= {"downbeat": given.pop("downbeat", None)}
    edit = Edit(**{name: value for name, value in said.items() if value is not None}).checked()
    kept = ("device", "precision", "decoder", "sidecar", "keep", "format")
    chosen = user_settings.load(**{name: options[name] for name in kept})
    if ID.fullmatch(str(file)) and not os.path.isfile(file):
        file = Library(chosen.library).get(str(file)).path
    source = read_source(file)
    given["conditions"] = parse_conditions(given["conditions"])
    if adapters := given.pop("adapters"):
        given["adapters"] = parse_adapters(adapters)
    if "plan" in given:
        given["plan"] = given_plan(given["plan"])
    request, notes = asked_for(source, given | {"prompt": prompt}, chosen.request()["model"])
    targets = targets_of(file, edit, request, options["output"], options["format"], chosen.format)
    for target in targets:
        check_target(target, chosen.sidecar, options["force"])
    for note in (*notes, *source.notes):
        print_note(f"note: {note}")

    if targets[0].suffix.lower() not in LOSSLESS and edit.kind != "add":
        print_note(f"note: {targets[0].suffix} is lossy: only a .wav or .flac keeps the samples that are not edited")

    def make(progress, token):
        from ...server.resident import own_engine

        return own_engine(chosen).edit(source, edit, request, progress, token)

    write_clips(make, targets, chosen, chosen.sidecar, *(options[name] for name in ("force", "as_json", "quiet")))


def targets_of(
    file: Path, edit: Edit, request: GenerationRequest, output: Path | None, format: str | None, suffix: str
) -> list[Path]:
    """The files to write, none of which is the recording itself. Raises RequestError, FileError."""
    if format and output is not None and not os.path.isdir(output):
        raise RequestError(f"the suffix of {output} chooses its format: leave --format out")
    if output is None or os.path.isdir(output):
        best = f"-best-of-{request.best_of}" if request.best_of > 1 else ""
        output = (output or Path()) / f"{paths.slug(file.stem)}-{edit.kind}-{request.seed}{best}{suffix}"
    targets = numbered(output, request.variations)
    if edit.kind == "add":
        targets = [path for one in targets for path in with_part(one)]
    for target in targets:
        if target.exists() and os.path.samefile(target, file):
            raise FileError(f"{target} is the recording itself, which is never replaced: name another file with -o")
    return targets


def with_part(target: Path) -> list[Path]:
    """The file of a recording with a part more, and that of the part alone."""
    return [target, target.with_name(f"{target.stem}-part{target.suffix}")]


def _regions(bars: tuple[str, ...], begins: tuple[float, ...], ends: tuple[float, ...]) -> tuple[Region, ...]:
    """The regions of --bars, --from and --to. Raises RequestError."""
    from ...editing.edit import Region

    found = []
    for text in bars:
        for part in text.split(","):
            numbers = re.fullmatch(r"\s*(\d{1,6})\s*(?:-\s*(\d{1,6})\s*)?", part, re.ASCII)
            if not numbers:
                raise RequestError(f"--bars {text[:40]!a}: write bars as 5-8, or 5")
            found.append(Region(int(numbers[1]), int(numbers[2] or numbers[1]), True))
    if len(begins) != len(ends):
        raise RequestError("--from and --to go together: give as many of the one as of the other")
    return (*found, *(Region(begin, end) for begin, end in zip(begins, ends, strict=True)))
