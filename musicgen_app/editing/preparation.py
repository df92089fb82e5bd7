"""A recording, an edit and a request -> all that is to be known before the first step: plan, timeline, prompt."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from ..control.operations import checked
from ..control.plan import Plan
from ..control.prompt_parser import parse_prompt
from ..errors import ModelError, RequestError
from ..models.adapters import adapted
from ..models.adapters import find_installed as find_adapter
from ..models.installed import find_installed
from ..request import ANY_PROMPT, DRAWN_SEEDS, GenerationRequest, GenerationResult
from ..songbook.decision import Decision
from ..songbook.sheet import read_row
from ..songbook.wishes import RING, Wishes
from .bars import NEAR, NO_TEMPO, changed_within, with_cadence, with_row
from .edit import WITHOUT, Edit
from .hearing import corrected, heard_plan
from .source import Source
from .timeline import Timeline, lay_out


@dataclass(frozen=True, eq=False)
class Prepared:
    """An edit that was checked. plan: of the whole new timeline; notes: what was heard, a line each."""

    source: Source
    edit: Edit
    timeline: Timeline
    plan: Plan
    notes: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """The length of the new recording."""
        return self.timeline.samples / self.source.sample_rate

    def record(self) -> dict:
        """JSON-safe: what was done, to what, and what was kept of it to the bit, in seconds of the new recording."""
        kept = self.timeline.kept(self.source.audio.shape[1])
        rate = self.source.sample_rate
        about = {"source": self.source.about(), "kept": [[round(a / rate, 4), round(b / rate, 4)] for a, b in kept]}
        return self.edit.to_dict() | about

    def told(self, result: GenerationResult) -> GenerationResult:
        """A result with what it was made of, and with what the user should know of that."""
        notes = (*self.source.notes, *self.notes, *result.notes)
        plan, rate = result.plan or self.plan, self.source.sample_rate
        return replace(result, sample_rate=rate, plan=plan, edit=self.record(), notes=notes)


def asked_for(
    source: Source, given: dict[str, Any], usual: str, models_dir: str | os.PathLike | None = None
) -> tuple[GenerationRequest, list[str]]:
    """The request of an edit that has these fields, with a seed, and what to tell of its model.

    Its model is the one that is named, else that of the recording, with its adapters, where these are here, else the
    usual one. A prompt may be left out. Raises RequestError.
    """
    given, notes = dict(given), []
    if given.get("model") is None:
        given["model"] = usual
        if source.request is not None:
            model, adapters = source.request.model, source.request.adapters
            try:
                adapted(find_installed(model, models_dir), adapters, find_adapter)
                given |= {"model": model, "adapters": given.get("adapters", adapters)}
            except ModelError:
                named = f"{model} with {', '.join(adapters)}" if adapters else model
                notes.append(f"the model {named} of the recording is not here: {usual} goes on")
    if given.get("seed") is None:
        given["seed"] = secrets.randbelow(DRAWN_SEEDS)
    return with_or_without_prompt(given), notes


def with_or_without_prompt(given: dict[str, Any]) -> GenerationRequest:
    """The validated request of these fields, whose prompt may be missing or empty. Raises RequestError."""
    prompted = given.get("prompt") not in (None, "")
    request = GenerationRequest.from_dict(given if prompted else given | {"prompt": ANY_PROMPT})
    return request if prompted else replace(request, prompt="")


def prepare(source: Source, edit: Edit, request: GenerationRequest, known: Callable[[Source], Plan | None]) -> Prepared:
    """Check an edit against its recording, whose plan is found: that of the request, its own, or what is heard.

    known: the plan that the request of a recording of the app leads to. Raises RequestError.
    """
    edit = edit.checked()
    for name, reason in WITHOUT.items():
        if getattr(request, name) not in (None, False):
            raise RequestError(f"{name} has no meaning in the request of an edit: {reason}")
    if edit.kind == "add" and not request.prompt:
        raise RequestError('say which part is added, such as "bass line"')
    request = _with_said(request)
    plan, notes = plan_of_source(source, edit, request, known)
    timeline = lay_out(edit, source.audio.shape[1], source.sample_rate, plan)
    return Prepared(source, edit, timeline, _planned(plan, edit, request, timeline, source.sample_rate), tuple(notes))


def plan_of_source(
    source: Source, edit: Edit, request: GenerationRequest, known: Callable[[Source], Plan | None]
) -> tuple[Plan, list[str]]:
    """The plan of a recording, and what to tell of it."""
    told = (request.bpm, request.metre, request.key)
    plan = source.plan
    if request.plan is not None:
        plan = Wishes(plan=request.plan).sheet.plan
    elif plan is None and source.request is not None:
        plan = known(source)
    if plan is None or plan == Plan():
        near = {"continue": 0.0 if edit.left else source.seconds, "ending": source.seconds}.get(edit.kind, 0.0)
        starts = [region.start for region in edit.regions if not region.bars]
        return heard_plan(source, *told, edit.downbeat, min(starts, default=near))
    return checked(corrected(plan, *told, edit.downbeat)), []


def _with_said(request: GenerationRequest) -> GenerationRequest:
    """A request with the chords and drums that its prompt names, where its own fields do not."""
    facts = parse_prompt(request.prompt)
    chords = " ".join(facts.chords) if facts.chords and all(facts.chords) else None
    drums = facts.drums if request.drums is None else request.drums
    return replace(request, chords=request.chords or chords, drums=drums)


def heeded(decision: Decision, given: bool) -> Decision:
    """What was understood of the prompt of an edit. given: or it is that of the recording, of which nothing is told.

    Chords and drums of a prompt that was given are played, though the plan of the recording has others.
    """
    kinds = ("chords", "drums")
    told = [one for one in decision.approximated if one.kind == "edition" or given and one.kind not in kinds]
    missed = decision.not_understood if given else ()
    return replace(decision, approximated=tuple(told), not_understood=missed)


def _planned(plan: Plan, edit: Edit, request: GenerationRequest, timeline: Timeline, rate: int) -> Plan:
    """The plan of the new timeline: that of the recording, shifted, with what is asked for where something is made."""
    plan = plan.later(-timeline.offset / rate)
    if edit.kind in ("continue", "ending"):
        plan = replace(plan, ends=False)
    seconds = timeline.samples / rate
    spans = [(begin / rate, end / rate) for begin, end in timeline.spans]
    timed = all(stretch.tempo is not None for stretch in plan.stretches)
    if not timed and request.chords:
        raise RequestError(NO_TEMPO)
    if request.chords:
        row = read_row(request.chords, plan.key or "C major").chords
        plan = changed_within(plan, seconds, spans, lambda bars: with_row(bars, row))
    if request.drums is not None and timed:
        plan = changed_within(plan, seconds, spans, lambda bars: [bar.playing(drums=request.drums) for bar in bars])
    elif request.drums is not None:
        plan = replace(plan, drums=request.drums)
    if edit.kind == "ending" and timed:
        plan = _ended(plan, edit, seconds, spans[0][0])
    return plan


def _ended(plan: Plan, edit: Edit, seconds: float, begin: float) -> Plan:
    """A plan whose last bars are a cadence, after which it is over."""
    key, over = plan.key, seconds - RING
    plan = changed_within(plan, over - NEAR, [(begin, over)], lambda bars: with_cadence(bars, key))
    return replace(plan, ends=True)
