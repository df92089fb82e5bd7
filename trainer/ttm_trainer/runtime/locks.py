"""Keeps two runs out of one folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from musicgen_app.machine import files


@contextmanager
def alone(folder: Path, what: str = "run", name: str = ".run.lock") -> Iterator[None]:
    """Lock `folder` by a file `name` in it; the system frees the lock however this process ends.

    Raises FileError when another process holds it, or when it cannot be written.
    """
    with files.reported(f"write in {folder}", "give another --out"):
        folder.mkdir(parents=True, exist_ok=True)
    busy = f"another {what} is at work in {folder}: wait for its end, or give another --out"
    with files.locked(folder / name, busy):
        yield
