"""What a long evaluation tells its caller: lines of text, its progress, and whether it was cancelled."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from musicgen_app.engine import CancelToken, Progress
from musicgen_app.errors import Cancelled


@dataclass
class Work:
    """`tick` is called often: it tells how far a stage is, and stops the work when the user asks for it."""

    show: Callable[[str], None]
    progress: Callable[[Progress], None] | None = None
    cancel: CancelToken | None = None
    began: float = field(default_factory=time.perf_counter)

    def tick(self, stage: str, done: int, total: int) -> None:
        if self.cancel is not None and self.cancel.cancelled:
            raise Cancelled("cancelled; what is finished is kept in the folder you gave, no report was written")
        if self.progress is not None:
            self.progress(Progress(stage, done, total, time.perf_counter() - self.began))

    def ticker(self, stage: str) -> Callable[[int, int], None]:
        return lambda done, total: self.tick(stage, done, total)
