"""SHA-256 of files."""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from pathlib import Path


def sha256(path: str | os.PathLike) -> str:
    """SHA-256 of a file as hex, read in blocks."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@lru_cache(maxsize=256)
def _of_version(path: Path, size: int, mtime_ns: int) -> str:
    return sha256(path)


def sha256_once(path: Path) -> str:
    """SHA-256 of a file, computed once a process for each (path, size, time of change)."""
    status = path.stat()
    return _of_version(path.resolve(), status.st_size, status.st_mtime_ns)
