"""The clips of a session: what is made is kept in memory for a while, and made again where it is wanted later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...control.plan import Plan
from ...errors import RequestError
from ...request import GenerationRequest, GenerationResult, with_defaults
from ..generation.plan_options import check_words, resolved
from .chain import Files, Step, request_of, stem
from .changes import Wanted, begun, changed
from .words import Order

if TYPE_CHECKING:
    from ...engine import CancelToken, Engine, Progress
    from ...machine.user_settings import Settings
    from ...server.resident import ServerEngine
    from ...songbook.decision import Decision

REMEMBERED = 1_000_000_000  # bytes of sound
OnProgress = Callable[["Progress"], None] | None


@dataclass(frozen=True)
class Made:
    """What a clip is before its edits (decision; seconds: its length), and the results after them: of a part that was
    added the sum, and the part alone."""

    decision: Decision | None
    seconds: float
    results: tuple[GenerationResult, ...]


@dataclass
class Take:
    """One clip of the history. line: what was typed; steps: its edits; decision, seconds: of what was edited; length,
    plan: of what it is now; results: as long as they are remembered; kept: the files that it was written to."""

    line: str
    wanted: Wanted
    steps: tuple[Step, ...]
    decision: Decision | None
    seconds: float
    length: float
    plan: Plan | None
    results: tuple[GenerationResult, ...]
    kept: tuple[Path, ...] = ()

    @property
    def seed(self) -> int:
        """That of the last edit, or of the clip."""
        return (self.steps[-1].given if self.steps else self.wanted.given)["seed"]


class Session:
    """Clips one after the other, one of them the current one. usual: fields of every request of the session."""

    def __init__(self, engine: Engine | ServerEngine, settings: Settings, usual: dict[str, Any]):
        self._engine, self.settings, self.usual = engine, settings, usual
        self._files = Files(settings)
        self.takes: list[Take] = []
        self.place = -1  # of the current take; -1: there is none

    @property
    def current(self) -> Take:
        """The clip that plays. Raises RequestError."""
        if self.place < 0:
            raise RequestError("nothing plays yet: type a prompt, such as slow piano over soft strings")
        return self.takes[self.place]

    def wanted(self, orders: list[Order]) -> tuple[Wanted, tuple[Step, ...], list[str]]:
        """What orders ask for: a clip, and edits of it; and what was understood. Raises RequestError."""
        if orders[0].name == "prompt":
            prompt = orders[0].value
            if prompt == "-":
                raise RequestError('"-" is no prompt: say what the music should sound like')
            check_words(prompt)
            return begun(prompt, self.usual), (), [f"a new prompt: {prompt}"]
        take = self.current
        if orders[0].name == "edit":
            asked = orders[0].value
            step = Step(asked.edit, asked.given | {"seed": take.seed}, orders[0].text)
            return take.wanted, (*take.steps, step), [step.text]
        if take.steps and all(order.name in ("again", "seed") for order in orders):
            seed = take.seed + 1 if orders[-1].name == "again" else orders[-1].value
            last = take.steps[-1].with_seed(seed)
            return take.wanted, (*take.steps[:-1], last), [f"{last.text}, seed {seed}"]
        wanted, told = changed(take.wanted, orders, take.decision, take.seconds)
        return wanted, take.steps, [*told, *(f"and then {step.text}" for step in take.steps)]

    def make(
        self,
        line: str,
        wanted: Wanted,
        steps: tuple[Step, ...],
        progress: OnProgress,
        cancel: CancelToken | None,
    ) -> GenerationResult:
        """Make a clip and make it the current one; what could have been redone is forgotten. Raises as the engine."""
        made = self._made(wanted, steps, progress, cancel)
        result = made.results[0]
        if not steps:
            wanted = replace(wanted, given=wanted.given | {"seed": result.request.seed})
        length = result.audio.shape[1] / result.sample_rate
        plan = result.plan if steps or made.decision is None else made.decision.plan
        take = Take(line, wanted, steps, made.decision, made.seconds, length, plan, made.results)
        self.takes[self.place + 1 :] = [take]
        self.place += 1
        self._forget()
        return result

    def request(self, wanted: Wanted) -> GenerationRequest:
        """The request that `ttm-app generate` makes of these fields. Raises RequestError."""
        return GenerationRequest(**with_defaults(wanted.given, self.settings.request())).validated()

    def heard(self, progress: OnProgress = None, cancel: CancelToken | None = None) -> tuple[GenerationResult, ...]:
        """The current clip, made again where it was forgotten; behind a sum its part. Raises as the engine."""
        take = self.current
        if not take.results:
            take.results = self._made(take.wanted, take.steps, progress, cancel).results
            self._forget()
        return take.results

    def _made(self, wanted: Wanted, steps: tuple[Step, ...], progress: OnProgress, cancel: CancelToken | None) -> Made:
        """A clip after its edits, begun with what of it is remembered. Raises as the engine."""
        same = [take for take in self.takes if take.results and take.wanted == wanted]
        known = [take for take in same if take.steps == steps[: len(take.steps)]]
        take = max(known, key=lambda take: len(take.steps), default=None)
        if take is None:
            results = self._engine.generate(resolved(self.request(wanted), self.settings), progress, cancel)
            seconds = results[0].audio.shape[1] / results[0].sample_rate
            made, done = Made(results[0].decision, seconds, tuple(results)), 0
        else:
            made, done = Made(take.decision, take.seconds, take.results), len(take.steps)
        for count in range(done, len(steps)):
            source = self._files.source(made.results[0], stem(wanted.given, steps[:count]))
            request, notes = request_of(steps[count], source, self.usual, self.settings.request()["model"])
            results = self._engine.edit(source, steps[count].edit, request, progress, cancel)
            told = [replace(result, notes=(*notes, *result.notes)) for result in results]
            made = replace(made, results=tuple(told))
        return made

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

    def close(self) -> None:
        """Delete what was only written in order to be edited."""
        self._files.close()

    def _forget(self) -> None:
        """Let go of the sounds that are furthest from the current clip, beyond what is remembered."""
        left = REMEMBERED
        for take in sorted(self.takes, key=lambda one: abs(self.takes.index(one) - self.place)):
            left -= sum(result.audio.nbytes for result in take.results)
            if left < 0 and take is not self.current:
                take.results = ()
