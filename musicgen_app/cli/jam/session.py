"""The clips of a session: what is made is kept in memory for a while, and made again where it is wanted later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import RequestError
from ...request import GenerationRequest, GenerationResult, with_defaults
from ..generation.plan_options import check_words, resolved
from .changes import Wanted, begun, changed
from .words import Order

if TYPE_CHECKING:
    from ...engine import CancelToken, Engine, Progress
    from ...machine.user_settings import Settings
    from ...server.resident import ServerEngine
    from ...songbook.decision import Decision

REMEMBERED = 1_000_000_000  # bytes of sound


@dataclass
class Take:
    """One clip of the history. line: what was typed; seconds: its length; result: as long as it is remembered; kept:
    the files that it was written to."""

    line: str
    wanted: Wanted
    decision: Decision | None
    seconds: float
    result: GenerationResult | None
    kept: tuple[Path, ...] = ()


class Session:
    """Clips one after the other, one of them the current one. usual: fields of every request of the session."""

    def __init__(self, engine: Engine | ServerEngine, settings: Settings, usual: dict[str, Any]):
        self._engine, self.settings, self.usual = engine, settings, usual
        self.takes: list[Take] = []
        self.place = -1  # of the current take; -1: there is none

    @property
    def current(self) -> Take:
        """The clip that plays. Raises RequestError."""
        if self.place < 0:
            raise RequestError("nothing plays yet: type a prompt, such as slow piano over soft strings")
        return self.takes[self.place]

    def wanted(self, orders: list[Order]) -> tuple[Wanted, list[str]]:
        """What orders ask for, and what was understood. Raises RequestError."""
        if orders[0].name == "prompt":
            prompt = orders[0].value
            if prompt == "-":
                raise RequestError('"-" is no prompt: say what the music should sound like')
            check_words(prompt)
            return begun(prompt, self.usual), [f"a new prompt: {prompt}"]
        return changed(self.current.wanted, orders, self.current.decision, self.current.seconds)

    def make(
        self,
        line: str,
        wanted: Wanted,
        progress: Callable[[Progress], None] | None,
        cancel: CancelToken | None,
    ) -> GenerationResult:
        """Make a clip and make it the current one; what could have been redone is forgotten. Raises as the engine."""
        found = resolved(self.request(wanted), self.settings)
        (result,) = self._engine.generate(found, progress, cancel)
        wanted = replace(wanted, given=wanted.given | {"seed": result.request.seed})
        seconds = result.audio.shape[1] / result.sample_rate
        self.takes[self.place + 1 :] = [Take(line, wanted, result.decision, seconds, result)]
        self.place += 1
        self._forget()
        return result

    def request(self, wanted: Wanted) -> GenerationRequest:
        """The request that `ttm-app generate` makes of these fields. Raises RequestError."""
        return GenerationRequest(**with_defaults(wanted.given, self.settings.request())).validated()

    def heard(
        self, progress: Callable[[Progress], None] | None = None, cancel: CancelToken | None = None
    ) -> GenerationResult:
        """The sound of the current clip, made again where it was forgotten. Raises as the engine."""
        take = self.current
        if take.result is None:
            (take.result,) = self._engine.generate(resolved(self.request(take.wanted), self.settings), progress, cancel)
            self._forget()
        return take.result

    def move(self, step: int) -> Take:
        """Undo (-1) or redo (1). Raises RequestError where there is nothing to go to."""
        if not 0 <= self.place + step < len(self.takes):
            raise RequestError("nothing to undo" if step < 0 else "nothing to redo")
        self.place += step
        return self.current

    def drop(self) -> Take:
        """Take the current clip out of the history; the one before it is the current one. Raises RequestError."""
        take = self.current
        del self.takes[self.place]
        self.place = max(self.place - 1, -1 if not self.takes else 0)
        return take

    def _forget(self) -> None:
        """Let go of the sounds that are furthest from the current clip, beyond what is remembered."""
        left = REMEMBERED
        for take in sorted(self.takes, key=lambda one: abs(self.takes.index(one) - self.place)):
            left -= take.result.audio.nbytes if take.result else 0
            if left < 0 and take is not self.current:
                take.result = None
