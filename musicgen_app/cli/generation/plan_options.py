"""Options that say what is played, the same for every command: --plan and the parts of a plan."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...errors import RequestError
from ..terminal import print_note, read_stdin
from .shared_options import with_options

if TYPE_CHECKING:
    from ...control.plan import FoundPlan, Plan
    from ...machine.user_settings import Settings
    from ...models.installed import ResolvedRequest
    from ...request import GenerationRequest

OPTIONS = (
    click.option(
        "--bpm", type=float, metavar="N", help="Tempo in quarter notes a minute.  [default: the prompt's, or borrowed]"
    ),
    click.option("--key", metavar="KEY", help="Such as Am, F# minor, D dorian; a plan is moved there."),
    click.option("--metre", metavar="M", help="Such as 3/4, 6/8, 7/8."),
    click.option("--chords", metavar="ROW", help='A bar each, (A B) share one: "Am F (C G) E7"; degrees with --key.'),
    click.option("--drums/--no-drums", default=None, help="Whether there are drums."),
    click.option("--form", metavar="ROW", help='Sections and bars: "intro 4 | verse 8: Am F | chorus 8 | ends".'),
)
NAME_LENGTH = 1_000  # characters of a file's name
SOUND = (".wav", ".flac", ".ogg", ".mp3")  # of a clip, which has the plan that it was made to
PLAN = click.option(
    "--plan", type=click.Path(path_type=Path), metavar="FILE", help="Chord sheet, JSON or MIDI to play; - is stdin."
)


def plan_options(command: Callable) -> Callable:
    """The command with the options of a plan's parts."""
    return with_options(*OPTIONS)(command)


def given_plan(source: Path) -> Plan | str:
    """The plan in a file, or on stdin for "-": the text of a sheet as it is, else a Plan. What was estimated is told.

    Raises FileError for a file, RequestError for stdin, with line and column.
    """
    found = found_plan(source)
    if found.sheet:
        return found.sheet
    tell_notes(found, source)
    return found.plan


def check_words(prompt: str) -> None:
    """Refuse a prompt that is the name of a file. Raises RequestError: which option reads such a file."""
    from ...songbook.plan_files import JSON, MIDI, SHEET

    name = prompt.strip()
    suffix = Path(name).suffix.lower()
    there = "\x00" not in name and len(name) <= NAME_LENGTH and os.path.isfile(name)
    usual = suffix and suffix in (*MIDI, *JSON, *SHEET, *SOUND) and not re.search(r"\s", name)
    if there and (suffix or os.path.dirname(name)):
        sound = "--from makes that clip again"
        reads = sound if suffix in SOUND else "--prompts makes a clip of every line" * (suffix not in MIDI)
        raise RequestError(
            f"the prompt {name!a} is a file: --plan plays the plan in it" + (f", {reads}" if reads else "")
        )
    if usual:
        raise RequestError(f"the prompt {name!a} is no file that is there: write music in words, or give --plan a file")


def resolved(request: GenerationRequest, chosen: Settings) -> ResolvedRequest:
    """A request with nothing left open; its model is read only where its length depends on what is borrowed."""
    if request.borrows_length:
        from ...server.resident import own_engine

        return own_engine(chosen).resolve(request)
    from ...models.installed import resolve

    return resolve(request)


def found_plan(source: Path) -> FoundPlan:
    """The plan in a file, or of a clip, or on stdin for "-". Raises as `given_plan`."""
    from ...songbook import plan_files

    if str(source) == "-":
        try:
            return plan_files.parse_plan(read_stdin(plan_files.MOST_BYTES + 1))
        except RequestError as error:
            raise RequestError(f"the plan on stdin: {error}") from None
    if source.suffix.lower() in SOUND:
        return _plan_of_clip(source)
    return plan_files.read_plan(source)


def _plan_of_clip(source: Path) -> FoundPlan:
    """The plan that a clip was made to; where nothing beside it says that, it is decided again."""
    from ...control.plan import FoundPlan
    from ...library.metadata import origin, plan_in, request_from

    if (plan := plan_in(source)) is not None:
        return FoundPlan(plan)
    from ...engine import Engine

    engine = Engine(device="cpu")
    resolved = engine.resolve(request_from(source))
    (decision, *_) = engine.decide(resolved)
    notes = ["its plan was worked out again from its prompt and seed"]
    if origin(source)["weights"] != resolved.bundle.weights_sha256:
        notes.append(f"it was made with other weights than {resolved.bundle.name} has, so that its plan may be another")
    return FoundPlan(decision.plan, tuple(notes))


def tell_notes(found: FoundPlan, source: Path) -> None:
    """Tell what was estimated, or approximated, in a plan that was found."""
    for note in found.notes:
        print_note(f"note: {source}: {note}")
