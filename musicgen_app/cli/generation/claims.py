"""Who makes which file, where several processes make the files of one folder.

A claim is a lock of the system on a small file in a hidden folder: it ends with the process that holds it, however that
ends, so what a killed one had claimed is free again.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain, repeat
from pathlib import Path

from ...errors import FileError

FOLDER = ".claims"
LOOK = 0.2  # seconds between two looks at whether to wait on


class Claims:
    """The claims on files of `folder`, which exists."""

    def __init__(self, folder: Path):
        self.folder = folder / FOLDER

    @contextmanager
    def claim(self, target: Path, wait: Callable[[], bool]) -> Iterator[bool]:
        """Whether a file is ours while this lasts. As long as `wait()`, another's claim is waited for.

        Raises FileError.
        """
        from filelock import FileLock, Timeout

        lock = FileLock(self.folder / _name(target))
        try:
            for seconds in chain([0.0], repeat(LOOK)):
                self.folder.mkdir(exist_ok=True)
                with suppress(Timeout, FileNotFoundError):  # not found: another process has just closed its claims
                    lock.acquire(timeout=seconds)
                if lock.is_locked or not wait():
                    break
        except OSError as error:
            raise FileError(f"cannot write in {self.folder}: {error.strerror or error}") from error
        try:
            yield lock.is_locked
        finally:
            lock.release()

    def close(self) -> None:
        """Remove the files that nobody holds, and the folder when none is left."""
        from filelock import FileLock, Timeout

        for path in self.folder.glob("*.lock"):
            with suppress(Timeout, OSError), FileLock(path, timeout=0):
                path.unlink()
        with suppress(OSError):  # not there, or others are at work
            self.folder.rmdir()


def _name(target: Path) -> str:
    """The name of a file's lock, one for all the ways in which a system may write the file's own."""
    name = unicodedata.normalize("NFC", target.name).casefold()
    return f"{hashlib.sha256(name.encode(errors='surrogateescape')).hexdigest()[:16]}.lock"
