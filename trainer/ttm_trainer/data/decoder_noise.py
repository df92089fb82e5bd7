"""What the decoders write to the standard error of the program, caught, so that it can be told with the file's name."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

OWN = re.compile(
    r"^(\[.*libmpg123/.*\] |\w*: ?)?(Note|Warning|Error|error|warning|note): |^\[.*(libmpg123|libFLAC|opus).*\]"
)
SAID = re.compile(r"^(\[[^\]]*\] *)?(error|warning|note): *", re.IGNORECASE)


@contextmanager
def decoder_noise() -> Iterator[list[str]]:
    """Within it what decoders write to file descriptor 2 is kept; at the end the list has its different lines.

    Lines of others, from another thread say, are passed on. Where there is no standard error nothing is caught.
    """
    lines: list[str] = []
    try:
        kept = os.dup(2)
    except OSError:
        yield lines
        return
    try:
        with tempfile.TemporaryFile() as caught:
            sys.stderr.flush() if sys.stderr else None
            os.dup2(caught.fileno(), 2)
            try:
                yield lines
            finally:
                os.dup2(kept, 2)
                if caught.tell() or os.fstat(caught.fileno()).st_size:
                    caught.seek(0)
                    for line in caught.read().decode("utf-8", "replace").splitlines():
                        if OWN.search(line):
                            lines.append(SAID.sub("", line).strip())
                        elif line.strip():
                            os.write(kept, f"{line}\n".encode())
                    lines[:] = list(dict.fromkeys(line for line in lines if line))
    finally:
        os.close(kept)
