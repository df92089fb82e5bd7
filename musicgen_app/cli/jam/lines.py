"""Where the lines of a jam come from: a terminal, with line editing and a history, or whatever is piped in."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from ...errors import FileError, RequestError
from ...machine import files, paths
from ...request import TEXT_LENGTH
from ..terminal import print_note

PROMPT = "jam> "
REMEMBERED = 1_000  # lines of the history
LINE_BYTES = 8 * TEXT_LENGTH


class Terminal:
    """Lines that somebody types. Ctrl-C gives up a line, Ctrl-D is the end."""

    interactive = True

    def __init__(self) -> None:
        self._readline = _readline()
        self._new: list[str] = []
        if self._readline:
            self._readline.clear_history()
            for line in _remembered():
                self._readline.add_history(line)

    def read(self) -> str | None:
        """The next line; None at the end. Raises KeyboardInterrupt."""
        try:
            line = input(PROMPT)
        except EOFError:
            print_note("")
            return None
        except UnicodeDecodeError:
            raise RequestError("this line is not UTF-8 text") from None
        if line.strip():
            self._new.append(line)
        return line

    def close(self) -> None:
        """Remember the lines for the next session, for this user alone."""
        if not (self._readline and self._new):
            return
        lines = [*_remembered(), *(line for line in self._new if line.isprintable())][-REMEMBERED:]
        try:
            files.write_private(history_file(), "".join(f"{line}\n" for line in lines).encode())
        except FileError as error:
            print_note(f"note: the lines of this session are not remembered: {error}")


class Pipe:
    """Lines of a file or of another program. Each is text of at most LINE_BYTES."""

    interactive = False

    def read(self) -> str | None:
        """The next line; None at the end. Raises FileError, and RequestError for a line that is no text."""
        try:
            line = sys.stdin.buffer.readline(LINE_BYTES + 1)
            if len(line) > LINE_BYTES:
                while (rest := sys.stdin.buffer.readline(LINE_BYTES)) and not rest.endswith(b"\n"):
                    pass
                raise RequestError(f"a line of more than {LINE_BYTES:,} bytes")
            return line.decode("utf-8-sig") if line else None
        except OSError as error:
            raise FileError(f"cannot read stdin: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise RequestError(f"this line is not UTF-8 text (byte {error.start + 1})") from None

    def close(self) -> None:
        """Nothing is remembered."""


def source() -> Terminal | Pipe:
    """A terminal where there is one on both sides."""
    return Terminal() if sys.stdin.isatty() and sys.stdout.isatty() else Pipe()


def history_file() -> Path:
    """The lines of earlier sessions."""
    return paths.config() / "jam-history"


def _remembered() -> list[str]:
    try:
        return history_file().read_text(encoding="utf-8", errors="replace").splitlines()[-REMEMBERED:]
    except OSError:
        return []


def _readline() -> Any:
    """The module, where this Python has it."""
    try:
        import readline
    except ImportError:
        return None
    return readline
