"""The command line: arguments -> exit code. `main` is the console script, `run` the same for other programs.

This module imports next to nothing, so that a signal and a closed stream find the program ready from its first moment;
`commands` has the table of the commands themselves.

streams, groups, completion, terminal            what commands share
generation/, jam/, models/, serving/             `ttm-app generate`, `jam`, `models`; `gui`, `serve` and `mcp`
library, export, settings, doctor, bench         a command each
"""

from __future__ import annotations

import gc
import signal
import sys

ENDS = tuple(number for name in ("SIGTERM", "SIGHUP") if (number := getattr(signal, name, None)))  # as Ctrl-C

COLLECT = (20_000, 10, 10)  # how seldom cycles are looked for; as usual it is a tenth of a start


def main() -> None:
    """Console script: run this process's command line and exit with its code."""
    gc.set_threshold(*COLLECT)
    try:
        for number in ENDS:
            if signal.getsignal(number) != signal.SIG_IGN:  # nohup has it so
                signal.signal(number, signal.default_int_handler)  # what is half-written is removed
        from . import streams

        out = streams.guard()
        from .commands import run

        code = streams.settle(out, run())
    except KeyboardInterrupt:  # before the first command, or after the last
        from . import streams

        code = streams.cancelled()
    for number in (signal.SIGINT, *ENDS):  # the end has come: a signal more shall not change its code
        signal.signal(number, signal.SIG_IGN)
    exec("")  # else Python, interrupted within an exec before, ends by SIGINT whatever the code (CPython's Py_RunMain)
    sys.exit(code)


def __getattr__(name: str):
    """The names of `commands`, imported when they are used."""
    if name not in ("run", "root", "COMMANDS"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import commands

    return getattr(commands, name)
