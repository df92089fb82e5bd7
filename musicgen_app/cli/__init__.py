"""The command line: arguments -> exit code. `main` is the console script, `run` the same for other programs.

This module imports next to nothing, so that a signal and a closed stream find the program ready from its first moment;
`commands` has the table of the commands themselves.

streams, groups, completion, terminal            what commands share
generation/, models/                             `ttm-app generate`, `ttm-app models`
library, gui, export, settings, doctor, bench    a command each
"""

from __future__ import annotations

import signal
import sys

from . import streams


def main() -> None:
    """Console script: run this process's command line and exit with its code."""
    try:
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: what is half-written is removed
        out = streams.guard()
        from .commands import run

        code = streams.settle(out, run())
    except KeyboardInterrupt:  # before the first command, or after the last
        code = streams.cancelled()
    exec("")  # else Python, interrupted within an exec before, ends by SIGINT whatever the code (CPython's Py_RunMain)
    sys.exit(code)


def __getattr__(name: str):
    """The names of `commands`, imported when they are used."""
    if name not in ("run", "root", "COMMANDS"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import commands

    return getattr(commands, name)
