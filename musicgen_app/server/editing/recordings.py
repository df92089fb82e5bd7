"""Sound files that programs send in order to edit them: kept for an hour after their last use, and no longer than the
server runs. The file of one that is still being worked with stays until that is done.
"""

from __future__ import annotations

import secrets
import shutil
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ...errors import FileError, RequestError
from ...machine import files, paths
from ...request import check_text
from ..access import BODY_BYTES
from ..problems import Problem

if TYPE_CHECKING:
    from ...editing.source import Source

MOST_BYTES = BODY_BYTES  # of one
KEPT = 3_600.0  # seconds since it was last used
PLACES, PLACES_EACH = 32, 8  # in all, and of one owner
NAME_LENGTH = 200  # characters
UNNAMED = "recording"


class Recording:
    """A sound file that was sent. Its folder is deleted when nobody holds this object any more, or by `discard`."""

    def __init__(self, owner: str, name: str) -> None:
        self.id = secrets.token_hex(8)
        self.owner, self.name = owner, name
        self.used = time.monotonic()
        folder = paths.cache() / "recordings"
        with files.reported(f"keep anything in {folder}"):
            folder.mkdir(parents=True, exist_ok=True)
            files.sweep(folder)  # what killed servers have left
            own = files.hidden(folder)
            own.mkdir(mode=0o700)
        self.discard = weakref.finalize(self, shutil.rmtree, own, ignore_errors=True)
        self.path = own / "sound"

    def read(self) -> Source:
        """The recording, under the name that it was sent by. Raises FileError: it cannot be edited."""
        from ...editing.source import read_source

        try:
            return read_source(self.path, self.name)
        except FileError as error:
            raise FileError(str(error).replace(str(self.path), self.name)) from None


class Recordings:
    """Those that are here."""

    def __init__(self) -> None:
        self._here: dict[str, Recording] = {}
        self._coming: list[Recording] = []
        self._all: weakref.WeakSet[Recording] = weakref.WeakSet()  # those too that work in the queue still has
        self._lock = threading.Lock()

    @contextmanager
    def arriving(self, owner: str, name: str | None) -> Iterator[Recording]:
        """One whose file is written within the `with`; it is here afterwards, or nothing is where that fails.

        Raises Problem (too many are here), RequestError (that is no name), FileError.
        """
        named = UNNAMED if name is None else _checked(name)
        with self._lock:
            self._forget()
            held = [*self._here.values(), *self._coming]
            if len(held) >= PLACES or sum(one.owner == owner for one in held) >= PLACES_EACH:
                raise Problem(429, "too many recordings are here: delete one, or send it later")
            recording = Recording(owner, named)
            self._coming.append(recording)
            self._all.add(recording)
        try:
            yield recording
            with self._lock:
                recording.used = time.monotonic()
                self._here[recording.id] = recording
        except BaseException:
            recording.discard()
            raise
        finally:
            with self._lock:
                self._coming.remove(recording)

    def get(self, id: str) -> Recording:
        """The recording of that id. Raises Problem: there is none."""
        with self._lock:
            self._forget()
            recording = self._here.get(id)
            if recording is None:
                raise Problem(404, f"there is no recording {id[:40]!a}: send it again")
            recording.used = time.monotonic()
            return recording

    def remove(self, id: str) -> None:
        """Take one away. Raises Problem: there is none."""
        self.get(id)
        with self._lock:
            self._here.pop(id, None)

    def close(self) -> None:
        """Delete all: the server stops."""
        with self._lock:
            self._here.clear()
            for recording in list(self._all):
                recording.discard()

    def _forget(self) -> None:
        old = time.monotonic() - KEPT
        self._here = {id: one for id, one in self._here.items() if one.used > old}


def _checked(name: str) -> str:
    """The name of a file, which goes into tags. Raises RequestError: it is a path, or no name."""
    text = check_text("name", name, least=1)
    if len(text) > NAME_LENGTH or "/" in text or "\\" in text:
        raise RequestError(f"name must be that of a file, without its folder, of at most {NAME_LENGTH} characters")
    return text
