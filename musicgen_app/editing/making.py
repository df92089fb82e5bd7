"""What `Engine.edit` and `Engine.layers` do: edits of a recording, and parts on one plan, with a loaded model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from ..aligner import best_of
from ..control.plan import Plan
from ..engine import CancelToken, Clock, Engine, Progress
from ..errors import GenerationError, RequestError, TTMError
from ..pipeline import EncodedPrompt
from ..request import GenerationRequest, GenerationResult
from ..songbook.wishes import Wishes
from .edit import Edit
from .layers import added, checked_parts, layered, request_for
from .passages import Work
from .preparation import Prepared, heeded, prepare
from .source import Source

LEAST_STEPS = 4  # of an edit, where nobody says how many: what is kept is only seen from the second one on

NO_PROMPT = "instrumental music"  # of a recording of which none is known
FOLLOWING = "no prompt is known: what is made follows the recording alone (guidance 1)"

OnProgress = Callable[[Progress], None] | None


@torch.inference_mode()
def edited(
    engine: Engine,
    source: Source,
    edit: Edit,
    request: GenerationRequest,
    progress: OnProgress = None,
    cancel: CancelToken | None = None,
) -> list[GenerationResult]:
    """A recording edited, `request.variations` times, at its own rate and with its own channels.

    What is not edited keeps its samples to the bit. The request says what is made: a prompt (default: that of the
    recording; where there is none, nothing leads away from what is heard beside it), chords and drums. Its bpm, key,
    metre and plan tell what the recording is, where what its tags say or what is heard is wrong. Its length is the
    recording's, so it has no seconds. The edit "add" gives two results a variation, the sum and the part alone; of
    both nothing is kept to the bit.
    Seeds, best_of, progress and cancel are as in `Engine.generate`. Raises as that, and ModelError for a codec that
    cannot encode.
    """
    ready = prepare(source, edit, request, lambda source: _plan_of(engine, source))
    if edit.kind == "add":
        return _added(engine, ready, request, progress, cancel)
    clock = Clock(progress, cancel)
    words = request.prompt
    prompt = words or (source.request.prompt if source.request else "")
    if not prompt:
        ready = replace(ready, notes=(*ready.notes, FOLLOWING))
    given = replace(request, prompt=prompt or NO_PROMPT, seconds=ready.seconds)
    if not prompt and given.guidance is None:
        given = replace(given, guidance=1.0)
    request, bundle = engine.resolve(given)
    if given.steps is None:
        request = replace(request, steps=max(request.steps or 0, LEAST_STEPS))
    model, wishes = engine.load(bundle), Wishes(plan=ready.plan)
    if request.best_of > 1:
        _ = engine.judge  # one that cannot be read is found out first
    seeds, work = request.seeds, Work.of(model, ready)
    with clock.stage("text"):
        clock.report(0)
        text = model.encode(request.prompt, request.negative, wishes, request.conditions)
        (decision,) = model.decisions(text, seeds[:1], wishes, borrowing=False)
        decision = heeded(decision, given=bool(words))
        _ = work.latents
        score = engine.scorer(text.prompt, model) if request.best_of > 1 else None
        clock.report(1)
    with clock.stage("sampling", len(seeds) * len(work.passages) * (request.steps or 0)):
        made = _sampled(work, text, decision.plan, request, engine.batch, clock)
    with clock.stage("decoding"):
        candidates = zip(seeds, _spliced(work, made, clock), strict=True)
        best = [best_of(islice(candidates, request.best_of), score) for _ in range(request.variations)]
    return [
        ready.told(engine.result(model, request, text, clock.taken, first, candidate, decision, longest=work.longest))
        for first, candidate in zip(seeds[:: request.best_of], best, strict=True)
    ]


def layers(
    engine: Engine,
    parts: Sequence[str],
    request: GenerationRequest,
    levels: Sequence[float] | None = None,
    progress: OnProgress = None,
    cancel: CancelToken | None = None,
) -> list[GenerationResult]:
    """Parts on one plan, from one seed: their sum, and then each of them, which add up to it.

    parts: such as "bass"; the prompt of the request says the style (may be ""), its other fields the plan; levels: of
    the parts, in dB. The `edit` of each part has what the judge hears in it. Raises as `Engine.generate`.
    """
    names, levels = checked_parts(parts, levels)
    if request.variations != 1:
        raise RequestError("layers are made once: ask again with another seed")
    asked = engine.resolve(replace(request, prompt=request.prompt or ", ".join(names))).request
    plan = engine.decide(replace(asked, best_of=1))[0].plan
    whole = replace(request, seed=asked.seed, seconds=asked.seconds)
    made: list[GenerationResult] = []
    for number, name in enumerate(names):
        others = names[:number] + names[number + 1 :]
        told = progress and partial(_of_all, progress, number, len(names))
        made += engine.generate(request_for(name, others, whole, plan), told, cancel)
    return layered(names, made, levels, replace(request, plan=plan), engine.judge)


def _of_all(progress: Callable[[Progress], None], number: int, count: int, at: Progress) -> None:
    """Tell where one of several requests is, in steps of all of them."""
    progress(replace(at, step=number * at.total + at.step, total=count * at.total))


def _added(
    engine: Engine, ready: Prepared, request: GenerationRequest, progress: OnProgress, cancel: CancelToken | None
) -> list[GenerationResult]:
    """A recording with a part that the request asks for: of each variation the sum, and the part alone."""
    asked = request_for(request.prompt, (), replace(request, prompt=""), ready.plan)
    found: list[GenerationResult] = []
    for part in engine.generate(replace(asked, seconds=ready.source.seconds), progress, cancel):
        for result in added(ready.source, part, ready.edit.level, ready.record()):
            notes = (*ready.source.notes, *ready.notes, *result.notes)
            found.append(replace(result, plan=ready.plan, notes=notes))
    return found


def _plan_of(engine: Engine, source: Source) -> Plan | None:
    """The plan that a recording of the app was made to; None where its model is not here, or is another by now."""
    if source.request is None:
        return None
    try:
        request, bundle = engine.resolve(source.request)
    except TTMError:
        return None
    return engine.decide(request)[0].plan if bundle.weights_sha256 == source.weights else None


def _sampled(
    work: Work, text: EncodedPrompt, plan: Plan, request: GenerationRequest, batch: int, clock: Clock
) -> list[list[Tensor]]:
    """The latents of every passage of an edit, for every seed, `batch` of them sampled together."""
    seeds, passages = request.seeds, len(work.passages)
    made: list[list[Tensor]] = []
    for first in range(0, len(seeds), batch):
        together = seeds[first : first + batch]

        def on_step(passage: int, step: int, steps: int, done: int = first, count: int = len(together)) -> None:
            clock.report((done * passages + passage * count) * steps + step * count, len(seeds) * passages * steps)

        made += work.sample(text, plan, together, request, on_step)
    return made


def _spliced(work: Work, made: list[list[Tensor]], clock: Clock) -> Iterator[np.ndarray | GenerationError]:
    """The recording (channels, samples) anew for every seed, made when it is wanted, or why there is none."""
    for number, latents in enumerate(made):

        def on_part(done: int, total: int, number: int = number) -> None:
            clock.report(number * total + done, len(made) * total)

        try:
            yield work.finish(latents, on_part)
        except GenerationError as error:
            yield error
