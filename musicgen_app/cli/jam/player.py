"""Sound for the ears: a program that plays sound files, where one is installed."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...request import GenerationResult

PROGRAMS = {  # the first that is there plays
    "afplay": (),
    "ffplay": ("-nodisp", "-autoexit", "-loglevel", "error"),
    "pw-play": (),
    "paplay": (),
    "aplay": ("-q",),
}


class Player:
    """Plays one clip at a time; a new one stops the one before. `name` is "" where nothing can play."""

    def __init__(self) -> None:
        self.name = next((name for name in PROGRAMS if shutil.which(name)), "")
        self._folder = tempfile.TemporaryDirectory(prefix="ttm-app-jam-")
        self._running: subprocess.Popen | None = None

    def play(self, result: GenerationResult, wait: bool) -> None:
        """Play a clip, to its end or while others go on. Raises FileError where it cannot be written."""
        from ...library.clip_files import write_clip

        self.stop()
        path = Path(self._folder.name) / "clip.wav"
        write_clip(result, path, sidecar=False, overwrite=True)
        found = shutil.which(self.name)
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with suppress(OSError):
            # In a group of its own: Ctrl-C is for the session, which stops it.
            command = [found or self.name, *PROGRAMS[self.name], str(path)]
            self._running = subprocess.Popen(command, **quiet, start_new_session=True)  # type: ignore[call-overload]
            if wait:
                self._running.wait()

    def stop(self) -> None:
        """Be silent."""
        if self._running is not None and self._running.poll() is None:
            self._running.terminate()
            try:
                self._running.wait(2)
            except subprocess.TimeoutExpired:
                self._running.kill()
                self._running.wait()
            self._running = None

    def fault(self) -> str:
        """Once, why the last clip was not heard; "" where it was, or still is."""
        code = self._running.poll() if self._running is not None else None
        if code is None:
            return ""
        self._running = None
        return f"{self.name} could not play it (code {code})" if code else ""

    def close(self) -> None:
        """Be silent, and leave nothing behind."""
        self.stop()
        self._folder.cleanup()
