"""What every command shares: error lines, JSON lines, the progress line, signals -> cancel token."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from ..errors import Cancelled, FileError
from . import ENDS

if TYPE_CHECKING:
    from ..engine import CancelToken, Progress


def print_error(message: str, code: int, as_json: bool, line: int | None = None) -> int:
    """One line on stderr, and with --json one object on stdout, about a `line` of input if given; returns `code`."""
    message = one_line(message)
    click.echo(f"error: {message}" if line is None else f"error: line {line}: {message}", err=True)
    if as_json:
        print_json(({} if line is None else {"line": line}) | {"error": {"message": message, "code": code}})
    return code


def print_json(value: dict | list) -> None:
    """One JSON value on one ASCII line of stdout."""
    click.echo(json.dumps(value, ensure_ascii=True))


def print_note(message: str) -> None:
    """One line on stderr."""
    click.echo(one_line(message), err=True)


def read_stdin(limit: int) -> bytes:
    """Up to so many bytes of stdin. Raises FileError."""
    try:
        return sys.stdin.buffer.read(limit)
    except OSError as error:
        raise FileError(f"cannot read stdin: {error.strerror}") from error


def one_line(text: str) -> str:
    """Text on one line, without characters that could steer a terminal."""
    return printable(" ".join(text.split()))


def printable(text: str) -> str:
    """Text without characters that could steer a terminal, spaces as they are."""
    return "".join(c if c.isprintable() else "?" for c in text)


@contextmanager
def progress_line(
    show: bool, before: str = "", left: Callable[[Progress], float | None] | None = None
) -> Iterator[Callable[[Progress], None] | None]:
    """A function for `Engine.generate(progress=...)` that keeps one line of stderr up to date; None when not shown.

    Shown only on a terminal; the line is wiped at the end. It begins with `before`. `left` gives the seconds left of
    all the work, if there is more than this clip, or None as long as that cannot be said.
    """
    if not (show and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"):
        yield None
        return
    began: dict[str, tuple[int, float]] = {}  # the first step that was seen of each stage, and when

    def update(progress: Progress) -> None:
        now = time.monotonic()
        first, start = began.setdefault(progress.stage, (progress.step, now))
        line = f"{before}{progress.stage} {progress.step}/{progress.total}"
        if progress.step > first and now > start:
            rate = (progress.step - first) / (now - start)
            seconds = left(progress) if left else (progress.total - progress.step) / rate
            line += f"  {rate:.1f}/s" + ("" if seconds is None else f"  {_duration(seconds)} left")
        click.echo(f"\r{line:<60}", nl=False, err=True)

    try:
        yield update
    finally:
        click.echo(f"\r{'':<60}\r", nl=False, err=True)


def _duration(seconds: float) -> str:
    """A time to wait, in the unit that people would say it in."""
    if seconds < 600:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


@contextmanager
def cancellable(message: str = "cancelled; run the same command again to go on") -> Iterator[None]:
    """Ctrl-C, SIGTERM and SIGHUP stop the work at once, what is half done is cleaned up, and `message` says so."""
    try:
        with _heard(signal.default_int_handler):
            yield
    except KeyboardInterrupt:
        raise Cancelled(message) from None


@contextmanager
def _heard(handler: Callable[[int, Any], None], numbers: Iterable[int] = (signal.SIGINT, *ENDS)) -> Iterator[None]:
    """Within it the signals that end a program go to `handler`, but for those that it was started to ignore."""
    numbers = [number for number in numbers if signal.getsignal(number) != signal.SIG_IGN]
    previous = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, before in previous.items():
            signal.signal(number, before)


@contextmanager
def ended_by_signals(message: str) -> Iterator[None]:
    """SIGTERM and SIGHUP end the work at once, as Cancelled with this message; Ctrl-C is as it was."""

    def handle(number: int, frame: object) -> None:
        raise Cancelled(message)

    with _heard(handle, ENDS):
        yield


@contextmanager
def cancel_on_signals(token: CancelToken) -> Iterator[list[int]]:
    """Ctrl-C, SIGTERM and SIGHUP cancel the token: work stops at its next step. A second one stops it at once.

    The signals that came are in the list.
    """
    came: list[int] = []

    def handle(number: int, frame: object) -> None:
        came.append(number)
        if token.cancelled:
            raise KeyboardInterrupt
        token.cancel()

    with _heard(handle):
        yield came
