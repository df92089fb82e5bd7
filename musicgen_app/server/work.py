"""What a request in the queue is for: clips, an edit of a recording, or layers. Each is made by the engine.

A work says what it will be (`count` clips, its request, the rest as JSON), and into which parts it can be divided, so
that each clip is kept as soon as it is there.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..request import GenerationRequest, GenerationResult

if TYPE_CHECKING:
    from ..editing.edit import Edit
    from ..editing.source import Source
    from ..engine import CancelToken, Engine, Progress

OnProgress = Callable[["Progress"], None]


@dataclass(frozen=True, eq=False)
class Work(ABC):
    """request: with its seed; notes: what is known before it is begun, a line each."""

    request: GenerationRequest
    notes: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """How many clips it makes."""
        return self.request.variations

    @property
    def about(self) -> dict[str, Any]:
        """JSON-safe: what is asked for beside the request."""
        return {}

    def parts(self) -> Sequence[Work]:
        """One for each variation: together they make the same clips."""
        seeds = self.request.seeds[:: self.request.best_of]
        return [replace(self, request=replace(self.request, seed=seed, variations=1)) for seed in seeds]

    @abstractmethod
    def make(self, engine: Engine, progress: OnProgress, cancel: CancelToken) -> list[GenerationResult]:
        """Its clips. Raises as the engine."""


@dataclass(frozen=True, eq=False)
class Generation(Work):
    """Clips of a resolved request."""

    def make(self, engine: Engine, progress: OnProgress, cancel: CancelToken) -> list[GenerationResult]:
        return engine.generate(self.request, progress, cancel)


@dataclass(frozen=True, eq=False, kw_only=True)
class Editing(Work):
    """An edit. clip: what names the recording; read: reads it, when its turn has come."""

    edit: Edit
    clip: str
    read: Callable[[], Source]

    @property
    def count(self) -> int:
        return self.request.variations * (2 if self.edit.kind == "add" else 1)

    @property
    def about(self) -> dict[str, Any]:
        return {"clip": self.clip, "edit": self.edit.to_dict()}

    def make(self, engine: Engine, progress: OnProgress, cancel: CancelToken) -> list[GenerationResult]:
        return engine.edit(self.read(), self.edit, self.request, progress, cancel)


@dataclass(frozen=True, eq=False, kw_only=True)
class Layering(Work):
    """Parts on one plan: their sum, and each of them."""

    names: tuple[str, ...]
    levels: tuple[float, ...]

    @property
    def count(self) -> int:
        return 1 + len(self.names)

    @property
    def about(self) -> dict[str, Any]:
        return {"layers": {"parts": list(self.names), "levels": list(self.levels)}}

    def parts(self) -> Sequence[Work]:
        return [self]

    def make(self, engine: Engine, progress: OnProgress, cancel: CancelToken) -> list[GenerationResult]:
        return engine.layers(self.names, self.request, self.levels, progress, cancel)
