"""Everything that was ever made, kept: GenerationResult -> audio file + sidecar in the library -> found again.

    FOLDER/2026-01/slow-piano-7-0123456789ab.wav          audio, the same bytes as `ttm-app generate` writes
    FOLDER/2026-01/slow-piano-7-0123456789ab.wav.json     its sidecar, with title, tags and favourite
    FOLDER/.trash/                                        what was deleted and can be restored
    FOLDER/.index.sqlite                                  made from the files whenever it is needed (catalogue.py)

An item is where its audio file is. That file comes, moves and goes in one step, and its sidecar follows: whatever a
process that was killed has left behind is put right by the next look at the folder. Several processes may work at once.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from pathlib import Path

from . import audio, paths
from .catalogue import Catalogue
from .errors import FileError, RequestError, TTMError
from .item import NOTE, SOURCES, TRASH, Item, checked_note, folded, moment
from .provenance import (
    AI_MARK,
    full_tags,
    needs_sidecar,
    read_sidecar,
    record_of,
    request_in,
    sidecar_bytes,
    sidecar_for,
    sidecar_path,
    tags_for,
)
from .request import GenerationResult

__all__ = ["Item", "Library", "Report"]

ID = re.compile(r"[0-9a-f]{12}")
LOCK = ".lock"
BUSY = 30.0  # seconds to wait for another process
STALE = 3600  # seconds after which what is hidden belongs to a process that was killed


@dataclass(frozen=True)
class Report:
    """What is in a library: items outside and inside the trash, and the files that cannot be shown, each with why."""

    items: int
    trashed: int
    unreadable: dict[Path, str]


class Library:
    """The results in `folder` (default: the user's). Nothing is created before something is kept."""

    def __init__(self, folder: str | os.PathLike | None = None):
        self.folder = Path(folder or paths.results()).expanduser().absolute()
        self._catalogue = Catalogue(self.folder, self._find_sidecar)
