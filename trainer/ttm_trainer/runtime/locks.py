"""Keeps two runs out of one folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from musicgen_app.errors import FileError


@contextmanager
def alone(folder: Path, what: str = "run", name: str = ".run.lock") -> Iterator[None]:
    """Lock `folder` by a file `name` in it; the system frees the lock however this process ends.

    Raises FileError when another process holds it, or when it cannot be written.
    """
    from filelock import FileLock, Timeout

    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / name, blocking=False)
        lock.acquire()
    except Timeout:
        raise FileError(f"another {what} is at work in {folder}: wait for its end, or give another --out") from None
    except OSError as error:
        raise FileError(f"cannot write in {folder}: {error.strerror or error}; give another --out") from error
    try:
        yield
    finally:
        lock.release()
