"""stdin, stdout and stderr that may be closed, full, or have lost their reader: no work is lost for that.

What is written to them is a report of the work, so the work goes on. A reader that went away wanted no more. Where
stdout could not take what it was given for another reason, that is told at the end.
"""

from __future__ import annotations

import errno
import io
import json
import os
import sys
from typing import Any, TextIO

CANCELLED, CANNOT_WRITE = 130, 3  # exit codes, as in `errors`, which need not be imported yet


class Outlet(io.RawIOBase):
    """A raw stream that takes everything, and keeps the first error of the one behind it (None: closed)."""

    def __init__(self, behind: io.RawIOBase | None):
        self.behind = behind
        self.fault: OSError | None = None

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        if self.behind is None:
            raise io.UnsupportedOperation("it is closed")
        return self.behind.fileno()

    def isatty(self) -> bool:
        return self.behind is not None and self.behind.isatty()

    def write(self, data) -> int | None:
        if self.fault is None:
            try:
                if self.behind is None:
                    raise OSError(errno.EBADF, "it is closed")
                return self.behind.write(data)
            except OSError as error:
                self.fault = error
        return len(data)


def guard() -> Outlet:
    """Put streams that never fail in the place of sys.stdin, sys.stdout and sys.stderr; the one behind stdout."""
    for number in (0, 1, 2):  # a file that is opened later must not become one of them
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")
    out, sys.stdout = _outlet(sys.stdout)
    _, sys.stderr = _outlet(sys.stderr)
    return out


def _outlet(stream: TextIO | None) -> tuple[Outlet, TextIO]:
    buffer: Any = stream and stream.buffer
    outlet = Outlet(buffer and getattr(buffer, "raw", buffer))
    encoding = stream.encoding if stream else "utf-8"
    # A title or a path must not fail on a terminal that lacks its characters.
    text = io.TextIOWrapper(io.BufferedWriter(outlet), encoding, "backslashreplace", line_buffering=outlet.isatty())
    return outlet, text


def settle(out: Outlet, code: int) -> int:
    """The exit code at the end of a command that gave `code`: where stdout lost something, that is told."""
    sys.stdout.flush()
    if code or out.fault is None or out.fault.errno == errno.EPIPE:
        return code
    print(f"error: stdout cannot be written: {out.fault.strerror}", file=sys.stderr, flush=True)
    return CANNOT_WRITE


def cancelled() -> int:
    """Tell of Ctrl-C and SIGTERM where no command does it, as `root.run` does."""
    print("error: cancelled", file=sys.stderr, flush=True)
    if "--json" in sys.argv:
        print(json.dumps({"error": {"message": "cancelled", "code": CANCELLED}}), flush=True)
    return CANCELLED
