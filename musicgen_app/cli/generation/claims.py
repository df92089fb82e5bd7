"""Who makes which file, where several processes of this machine make the files of one batch.

A claim is a lock of the system on a small file in the app's cache: it ends with the process that holds it, however that
ends, so what a killed one had claimed is free again. Where the cache cannot be written every claim is granted: then a
clip may be made twice, which is slower and not wrong.
"""

from __future__ import annotations

import hashlib
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ...machine import paths

LOOK = 0.2  # seconds between two looks at whether to wait on
STALE = 86_400  # seconds after which the file of a claim that nobody holds is removed


@contextmanager
def claim(target: Path, wait: Callable[[], bool]) -> Iterator[bool]:
    """Whether a file is ours while this lasts. As long as `wait()`, another's claim is waited for."""
    from filelock import FileLock, Timeout

    lock = FileLock(_folder() / _name(target))
    granted = False
    try:
        _folder().mkdir(parents=True, exist_ok=True)
        while not granted:
            try:
                lock.acquire(timeout=0)
                granted = True
            except Timeout:
                if not wait():
                    break
                time.sleep(LOOK)
    except OSError:
        granted = True
    try:
        yield granted
    finally:
        lock.release()


def sweep() -> None:
    """Remove the files of old claims that nobody holds."""
    from filelock import FileLock, Timeout

    for path in _folder().glob("*.lock"):
        with suppress(Timeout, OSError):
            if time.time() - path.stat().st_mtime > STALE:
                with FileLock(path, timeout=0):
                    path.unlink()


def _folder() -> Path:
    return paths.cache() / "claims"


def _name(target: Path) -> str:
    """The name of a file's lock, one for all the ways in which a system may write the file's own."""
    name = unicodedata.normalize("NFC", str(target.parent.resolve() / target.name)).casefold()
    return f"{hashlib.sha256(name.encode(errors='surrogateescape')).hexdigest()[:16]}.lock"
