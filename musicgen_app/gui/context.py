"""What every tab is given: the one engine, the queue in front of it, the library and the settings.

A tab's module has `build(context) -> None`, which is called inside its `gr.Tab`, and, in a plug-in, its LABEL.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..engine import Engine
    from ..library.library import Library
    from ..machine.user_settings import Settings
    from .request_queue import Desk


class EngineHolder:
    """The server's one Engine, built when it is first needed and lent to one caller at a time."""

    def __init__(self, build: Callable[[], Engine]) -> None:
        self._build = build
        self._engine: Engine | None = None
        self._lock = threading.Lock()

    @contextmanager
    def lend(self) -> Iterator[Engine]:
        """The engine, for this caller alone; waits for the one before."""
        with self._lock:
            if self._engine is None:
                self._engine = self._build()
            yield self._engine

    def forget(self) -> None:
        """Free the memory of the loaded model, once the caller before is done: it was removed, or replaced."""
        with self._lock:
            self._engine = None


@dataclass(frozen=True)
class Context:
    """What the tabs share. `models_dir` None is the user's own folder, as in `store`."""

    engine: EngineHolder
    library: Library
    settings: Settings
    desk: Desk
    models_dir: Path | None = None
