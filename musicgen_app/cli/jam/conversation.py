"""One line of a jam after the other: what it asks for is done, and told. Errors are for the caller to tell."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGINT
from typing import TYPE_CHECKING

import click

from ...errors import Cancelled, FileError, RequestError
from ...machine import paths
from ..editing.edits import with_part
from ..generation.output_files import check_folder, save
from ..terminal import cancel_on_signals, print_note, printable, progress_line
from .chain import sidecar_wanted, stem
from .equivalent import commands_for
from .player import PROGRAMS, Player
from .session import Session, Take
from .words import HELP, Order, read_line

if TYPE_CHECKING:
    from ...engine import CancelToken, Progress
    from ...request import GenerationResult


class Conversation:
    """Answers lines. player: where clips are heard as they come; folder: where `keep` writes to."""

    def __init__(self, session: Session, player: Player | None, folder: Path, interactive: bool):
        self._session, self._player, self._folder, self._interactive = session, player, folder, interactive
        self._does: dict[str, Callable[[Order], None]] = {
            "help": lambda _: print_lines(HELP, err=True),
            "undo": lambda _: self._went(session.move(-1)),
            "redo": lambda _: self._went(session.move(1)),
            "history": lambda _: self._history(),
            "command": lambda _: self._command(),
            "plan": lambda _: self._plan(),
            "play": lambda _: self._play(session.current),
            "stop": lambda _: self.silence(),
            "drop": lambda _: self._drop(),
            "keep": self._keep,
        }

    def answer(self, line: str) -> bool:
        """Do what a line asks for; False: it ends the session. Raises what makes that impossible; then all is as it
        was before the line."""
        if line.lstrip().startswith("#"):
            return True
        orders = read_line(line)
        if not orders:
            return True
        if orders[0].name == "quit":
            return False
        if orders[0].name in self._does:
            self._does[orders[0].name](orders[0])
            return True
        wanted, steps, told = self._session.wanted(orders)
        print_note(", ".join(told))
        with self._cancellable() as (progress, token):
            result = self._session.make(" ".join(line.split()), wanted, steps, progress, token)
        for note in dict.fromkeys(result.notes):
            print_note(f"warning: {note}")
        print_note(self._about(self._session.current))
        if self._player:
            self._hear(result)
        return True

    def silence(self) -> None:
        """Stop what plays."""
        if self._player:
            self._player.stop()

    def farewell(self) -> None:
        """Tell how many clips go with the session."""
        lost = sum(not take.kept for take in self._session.takes)
        if lost:
            print_note(f"{lost} {'clip was' if lost == 1 else 'clips were'} not kept")

    def before_a_line(self) -> None:
        """Tell what went wrong meanwhile."""
        if self._player and (fault := self._player.fault()):
            print_note(f"note: {fault}")

    @contextmanager
    def _cancellable(self) -> Iterator[tuple[Callable[[Progress], None] | None, CancelToken]]:
        """A clip in flight, which Ctrl-C cancels; other signals end the session, and so does Ctrl-C beside a pipe."""
        from ...engine import CancelToken

        token, came = CancelToken(), []
        try:
            with cancel_on_signals(token) as came, progress_line(show=self._interactive) as progress:
                yield progress, token
        except (Cancelled, KeyboardInterrupt):
            if not self._interactive or set(came) != {SIGINT}:
                raise Cancelled("cancelled; what was not kept is gone") from None
            print_note("cancelled; all is as it was before this line")
            raise Given from None

    # --- commands

    def _went(self, take: Take) -> None:
        print_note(self._about(take))
        if self._player:
            self._play(take)

    def _play(self, take: Take) -> None:
        if self._player is None:
            raise RequestError("this session is silent: begin it with ttm-app jam --play")
        with self._cancellable() as (progress, token):
            results = self._session.heard(progress, token)
        self._hear(results[0])

    def _hear(self, result: GenerationResult) -> None:
        if self._player and self._player.name:
            self._player.play(result, wait=not self._interactive)
            if not self._interactive:
                self.before_a_line()

    def _drop(self) -> None:
        self.silence()
        take = self._session.drop()
        kept = f" (but not what was kept: {', '.join(map(str, take.kept))})" if take.kept else ""
        print_note(f"thrown away: {take.line}{kept}")
        if self._session.takes:
            print_note(self._about(self._session.current))

    def _keep(self, order: Order) -> None:
        from .. import library

        take, settings = self._session.current, self._session.settings
        target = self._target(order.value, take)
        targets = with_part(target) if take.steps and take.steps[-1].edit.kind == "add" else [target]
        for one in targets:
            _check(one)
        with self._cancellable() as (progress, token):
            results = self._session.heard(progress, token)
        for result, one in zip(results, targets, strict=True):
            save(result, one, sidecar_wanted(result, one, settings), force=False)
            click.echo(str(one))
            if settings.keep:
                library.keep(result, one, settings.library)
        take.kept += (target,)

    def _command(self) -> None:
        take = self._session.current
        target = take.kept[-1] if take.kept else self._target(None, take)
        for command in commands_for(take.wanted.given, take.steps, self._session.usual, self._session.settings, target):
            click.echo(command)

    def _plan(self) -> None:
        from ...songbook.sheet_writer import write_sheet

        plan = self._session.current.plan
        if plan is None:
            raise RequestError("this clip was made to no plan")
        print_lines(write_sheet(plan))

    def _history(self) -> None:
        for number, take in enumerate(self._session.takes):
            here = ">" if number == self._session.place else " "
            kept = f"  kept as {', '.join(map(str, take.kept))}" if take.kept else ""
            print_lines(f"{here} {number + 1:>3}  seed {take.seed}  {take.line}{kept}")

    def _target(self, name: str | None, take: Take) -> Path:
        """The file of a name, or one that is still free of the name that `generate` would give."""
        folder, suffix = self._folder, self._session.settings.format
        if name is not None:
            path = paths.expanded(name)
            if not os.path.isdir(path):
                return path
            folder = path
        named = stem(take.wanted.given, take.steps)
        path, number = folder / f"{named}{suffix}", 1
        while os.path.lexists(path):
            number += 1
            path = folder / f"{named}-{number}{suffix}"
        return path

    def _about(self, take: Take) -> str:
        plan = take.plan.describe() if take.plan else ""
        return f"clip {self._session.place + 1}: {take.length:.5g} s, seed {take.seed}" + (f": {plan}" if plan else "")


class Given(Exception):
    """A line was given up; that is told already."""


def no_player() -> str:
    """The line that says why nothing is heard."""
    return f"note: nothing that plays sound is installed ({', '.join(PROGRAMS)}): the session is silent"


def print_lines(text: str, err: bool = False) -> None:
    """Lines without characters that could steer a terminal."""
    for line in text.splitlines():
        click.echo(printable(line), err=err)


def _check(target: Path) -> None:
    """Find out that a file cannot be written. Raises FileError."""
    from ...audio import check_target

    if os.path.lexists(target):
        raise FileError(f"{target} exists already: choose another name")
    check_target(target)
    check_folder(target.parent)
