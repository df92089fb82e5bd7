"""SHA-256 of files."""

from __future__ import annotations

import hashlib
import json
import os
import time
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from ..errors import FileError
from . import files, paths

MOST = 256  # files whose sums are kept
SETTLED = 2.0  # seconds since its last change, after which another one shows in the time of a file


def sha256(path: str | os.PathLike) -> str:
    """SHA-256 of a file as hex, read in blocks."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_once(path: Path) -> str:
    """SHA-256 of a file, computed once for each (path, size, times of change): the cache keeps it between processes."""
    status = path.stat()
    return _of_version(path.resolve(), (status.st_size, status.st_mtime_ns, status.st_ctime_ns))


@lru_cache(maxsize=MOST)
def _of_version(path: Path, version: tuple[int, int, int]) -> str:
    known = _kept().get(str(path))
    if isinstance(known, list) and known[:-1] == list(version) and isinstance(known[-1], str):
        return known[-1]
    found = sha256(path)
    if time.time_ns() - max(version[1:]) > SETTLED * 1e9:
        _keep(str(path), [*version, found])
    return found


def _place() -> Path:
    return paths.cache() / "checksums.json"


def _kept() -> dict:
    """What was computed earlier: path -> [size, times of change, sum]; {} where nothing usable is there."""
    with suppress(OSError, ValueError, RecursionError):
        kept = json.loads(_place().read_text(encoding="utf-8"))
        if isinstance(kept, dict):
            return kept
    return {}


def _keep(path: str, found: list) -> None:
    """Add a sum. A disk that takes nothing is no fault; of two processes that write at once one wins."""
    kept = {name: value for name, value in _kept().items() if name != path} | {path: found}
    with suppress(OSError, FileError):
        _place().parent.mkdir(parents=True, exist_ok=True)
        files.write(_place(), json.dumps(dict(list(kept.items())[-MOST:])).encode(), overwrite=True)
