"""What a prompt and the strip would be made to: the decision of the engine, or without it what is stated alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from ...control.grid import approximations
from ...control.plan import Plan
from ...control.theory import bar_length
from ...errors import ModelError, RequestError
from ...models.installed import ResolvedRequest, find_installed
from ...server.request_queue import EngineBusy
from ...songbook.decision import Decision, decide, length_notes
from ..tabs.create_form import request_from
from .state import State

if TYPE_CHECKING:
    from ...models.bundle import Bundle
    from ...server.context import Context

FIELDS = ("prompt", "model", "seconds", "bars", "loop", "seed")
TEXT = 10_000  # characters of one of them
MOST_SHOWN = 256  # bars of a clip that chords are written out for


class Asked(NamedTuple):
    """What the form says beside the strip, as it was typed, and the model of that name where it is here."""

    fields: dict[str, Any]
    bundle: Bundle | None
    usual: float | None = None  # seconds that the page opens with

    @classmethod
    def checked(cls, value: Any, context: Context) -> Asked:
        """What a browser sent. Raises RequestError."""
        if not isinstance(value, dict) or not all(_plain(value.get(name)) for name in FIELDS):
            raise RequestError("this is not the form of the page: load the page again")
        fields = {name: value[name] for name in FIELDS if value.get(name) not in (None, "", False)}
        try:
            bundle = find_installed(str(fields.get("model") or context.settings.model), context.models_dir)
        except ModelError:
            bundle = None
        return cls(fields, bundle, context.settings.seconds)

    def beside(self, state: State) -> Asked:
        """The same, without the length that the page opens with where the sections of the strip have their own."""
        if not state.has_length or self.seconds != self.usual:
            return self
        return self._replace(fields={name: value for name, value in self.fields.items() if name != "seconds"})

    @property
    def prompt(self) -> str:
        return str(self.fields.get("prompt", "")).strip()

    @property
    def follows(self) -> bool:
        """Whether the model follows plans."""
        return self.bundle is not None and self.bundle.follows_plans

    @property
    def seconds(self) -> float | None:
        """The length that is typed, where it is one."""
        try:
            seconds = float(self.fields.get("seconds", ""))
        except (TypeError, ValueError, OverflowError):
            return None
        return seconds if 0 < seconds < math.inf else None

    def bars(self, plan: Plan) -> int:
        """How many bars of a plan without sections the clip has; 0 where that is not known."""
        found = 0.0
        try:
            found = float(self.fields.get("bars", ""))
        except (TypeError, ValueError, OverflowError):
            if plan.tempo and self.seconds:
                found = self.seconds * plan.tempo / 60 / bar_length(plan.metre)
        return math.ceil(found - 1e-6) if 0 < found <= MOST_SHOWN else 0

    def limits(self, plan: Plan) -> list[dict[str, str]]:
        """What the model cannot follow of a plan: {"text", "as", "why"} each."""
        if self.bundle is None or not self.follows:
            return []
        return [
            {"text": text, "as": meaning, "why": why}
            for text, meaning, why in approximations(plan, self.bundle.grid_layout)
        ]

    def notes(self, plan: Plan) -> list[str]:
        """That the sections of a plan do not fill the clip."""
        if self.seconds is None or self.bundle is None or "bars" in self.fields or self.fields.get("loop"):
            return []
        return length_notes(plan, self.seconds, self.bundle.name, self.bundle.grid_layout)


def decision(context: Context, asked: Asked, seed: int, wishes: dict[str, Any]) -> Decision:
    """What a clip of that seed would be made to. wishes: fields of a request that win over the prompt.

    Nothing is borrowed without a prompt, for a model that follows no plans, and while the engine is busy with another
    model. Raises RequestError, ModelError.
    """
    values = {name: value for name, value in asked.fields.items() if name != "seed"}
    request = request_from(values | wishes | {"prompt": asked.prompt or "music", "seed": seed}, context.models_dir)
    if asked.prompt and asked.follows and asked.bundle is not None:
        try:
            return context.engine.decide(ResolvedRequest(request, asked.bundle))
        except EngineBusy:
            pass
    layout = asked.bundle.grid_layout if asked.bundle and asked.follows else None
    prompt = request.prompt if asked.prompt else ""
    return decide(prompt, None, [seed], None, request.wishes, layout, seconds=request.seconds)[0]


def _plain(value: Any) -> bool:
    return isinstance(value, str | int | float | bool | None) and (not isinstance(value, str) or len(value) <= TEXT)
