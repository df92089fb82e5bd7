"""Ends a run from outside: signals and a time limit, heeded between steps; and keeps two runs out of one folder."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .distributed import Team
from .locks import alone

REASONS = ("SIGTERM", "Ctrl-C", "time limit")


class Stop(AbstractContextManager):
    """Within it signals that end a program are noted and the step in flight is finished; a second Ctrl-C ends at once.

    Signals are only heard in the main thread of a program (Python delivers them nowhere else).
    """

    def __init__(self, max_hours: float | None = None):
        self.until = None if max_hours is None else time.monotonic() + 3600 * max_hours
        self.heard: set[str] = set()
        self.previous: dict[int, Any] = {}

    def __enter__(self) -> Stop:
        if threading.current_thread() is threading.main_thread():
            numbers = (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM))
            heard = {number for number in numbers if signal.getsignal(number) != signal.SIG_IGN}
            self.previous = {number: signal.signal(number, self._note) for number in heard}
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self.previous.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: object) -> None:
        reason = "Ctrl-C" if number == signal.SIGINT else "SIGTERM"
        if reason == "Ctrl-C" and reason in self.heard:
            raise KeyboardInterrupt
        self.heard.add(reason)

    def votes(self) -> Tensor:
        """1 for each of REASONS that this process has to stop, else 0; (3,) float64."""
        late = {"time limit"} if self.until is not None and time.monotonic() >= self.until else set()
        return torch.tensor([reason in self.heard | late for reason in REASONS], dtype=torch.float64)


def verdict(votes: list[float]) -> str | None:
    """The first of REASONS that any process voted for, given the sums of all votes; None: go on."""
    return next((reason for reason, count in zip(REASONS, votes, strict=True) if count), None)


@contextmanager
def only_one(folder: Path, team: Team) -> Iterator[None]:
    """Lock `folder` for the training of a team. Raises FileError, in all its processes; see `locks.alone`."""
    with ExitStack() as held:
        team.on_main(lambda: held.enter_context(alone(folder, "training", ".lock")))
        yield
