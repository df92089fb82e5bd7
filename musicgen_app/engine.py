"""The one way from a request to clips, for the command line, the page, scripts and the trainer's previews.

request -> resolve -> load -> encode -> for a few clips at a time: draw noise -> sample -> decode -> master (-> the best
of N). The steps themselves are `pipeline.LoadedModel`'s.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .aligner import Aligner, Candidate, best_of, load_aligner
from .codecs.onnx import OnnxCodec
from .control.bars import Extent, extent_in_bars
from .control.plan import Plan
from .editing.edit import Edit
from .editing.source import Source
from .errors import Cancelled, GenerationError
from .machine.device import pick_device, pick_precision
from .machine.unfinished import Unfinished, asked_for, digest
from .models import installed
from .models.bundle import Bundle
from .models.installed import ResolvedRequest
from .pipeline import EncodedPrompt, LoadedModel, load_model
from .request import SECONDS, VARIATIONS, Choice, GenerationRequest, GenerationResult, check_whole
from .songbook.decision import Decision, as_loop, length_notes

AUDIBLE = 5.0  # cents: a smaller change of pitch is not heard


@dataclass(frozen=True)
class Progress:
    """Where the work is: stage "text", "sampling" or "decoding", step of total, seconds since the request began.

    Steps and total are those of all clips together, candidates too.
    """

    stage: str
    step: int
    total: int
    elapsed: float


class CancelToken:
    """Asks a running generation to stop; it does so at the next solver step. Safe to use from any thread."""

    def __init__(self) -> None:
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Engine:
    """Loads models when they are first asked for and keeps the last one.

    models_dir: folder of installed models (default: the user's); device: "auto", "cpu", "cuda" or "mps";
    batch: how many variations are sampled together. More is faster on an accelerator (default there: all). On a CPU it
    gains nothing, and one at a time (default there) makes every clip equal to the bit to the same clip asked for alone;
    precision: of the matrix products, "auto", "fp32" or "bf16"; decoder: what runs the codec's decoder, "auto" (what
    the model names), "torch" or "onnx"; aligner: folder of the aligner that judges candidates (default: the app's);
    unfinished: folder in which clips that are longer than one pass keep what is there after every step, so that the
    same request goes on where it was stopped, to the same bytes (default: they do not).
    """

    def __init__(
        self,
        models_dir: Path | str | None = None,
        device: str = "auto",
        batch: int | None = None,
        precision: str = "auto",
        decoder: str = "auto",
        aligner: Path | str | None = None,
        unfinished: Path | None = None,
    ):
        self._unfinished = unfinished
        self.models_dir = models_dir
        self.device = pick_device(device)
        self.precision = pick_precision(precision, self.device)
        self.decoder = decoder
        usual = 1 if self.device.type == "cpu" else VARIATIONS[1]
        self.batch = usual if batch is None else check_whole("batch", batch, *VARIATIONS)
        self._aligner = aligner
        self._loaded: LoadedModel | None = None

    @cached_property
    def judge(self) -> Aligner:
        """What ranks candidates, read when first needed; it computes in float32 on the CPU. Raises ModelError."""
        return load_aligner(self._aligner)

    def resolve(self, request: GenerationRequest) -> ResolvedRequest:
        """The request with nothing left open, and the model it is for. Raises RequestError and ModelError.

        Sections without a tempo take as long as they do at the one that is borrowed, of several clips at the slowest.
        """
        resolved = installed.resolve(request, self.models_dir)
        if not request.borrows_length or not resolved.bundle.follows_plans:
            return resolved
        plans = [one.plan for one in self.decide(resolved)]
        seconds = [request.wishes.seconds(plan.tempo) or resolved.request.length for plan in plans]
        length = min(max(seconds), resolved.bundle.max_seconds)
        return resolved._replace(request=replace(resolved.request, seconds=length))

    @torch.inference_mode()
    def decide(self, request: GenerationRequest | ResolvedRequest) -> list[Decision]:
        """What the clips of a request would be made to, without making them. Raises RequestError, ModelError."""
        request, bundle = request if isinstance(request, ResolvedRequest) else self.resolve(request)
        model, wishes = self.load(bundle), request.wishes
        text = model.encode(request.prompt, request.negative, wishes)
        return [one for one, _ in self._decisions(model, request, text, request.seeds[:: request.best_of])]

    def _decisions(
        self, model: LoadedModel, request: GenerationRequest, text: EncodedPrompt, seeds: list[int]
    ) -> list[tuple[Decision, Extent]]:
        """What the clip of every seed plays, and how long it is. Raises RequestError."""
        seconds = None if request.in_bars else request.length
        decisions = model.decisions(text, seeds, request.wishes, seconds)
        return [_made_to(decision, request, model.bundle) for decision in decisions]

    def load(self, model: str | Bundle) -> LoadedModel:
        """The model (or the one of that name, or in that folder), read and checked once. Raises ModelError."""
        bundle = model if isinstance(model, Bundle) else installed.find(model, self.models_dir)
        if self._loaded is None or self._loaded.bundle != bundle:
            self._loaded = None  # never two models in memory
            self._loaded = load_model(bundle, self.device, self.precision, self.decoder)
        return self._loaded

    def holds(self, bundle: Bundle) -> bool:
        """Whether this model is the one in memory."""
        return self._loaded is not None and self._loaded.bundle == bundle

    @torch.inference_mode()
    def generate(
        self,
        request: GenerationRequest | ResolvedRequest,
        progress: Callable[[Progress], None] | None = None,
        cancel: CancelToken | None = None,
    ) -> list[GenerationResult]:
        """Make `request.variations` clips; item i has seed `seed + i` and does not depend on the others.

        With best_of = N > 1, item i is the one of the N clips of seeds `seed + i * N` and on that fits the prompt best
        by the aligner's score (of equal ones the first), as if its own seed had been asked for; candidates without
        usable sound are passed over. Only the best waveform so far is kept.
        `progress` is called after every stage and solver step, `cancel` is looked at in the same places.
        Raises RequestError, ModelError, Cancelled, and GenerationError when what came out is not usable.
        """
        clock = Clock(progress, cancel)
        request, bundle = request if isinstance(request, ResolvedRequest) else self.resolve(request)
        model = self.load(bundle)
        seeds = request.seeds
        if request.best_of > 1:
            _ = self.judge  # one that cannot be read is found out first

        wishes = request.wishes
        with clock.stage("text"):
            clock.report(0)
            text = model.encode(request.prompt, request.negative, wishes, request.conditions)
            made_to = self._decisions(model, request, text, seeds)
            plans = [decision.plan for decision, _ in made_to] if bundle.follows_plans else None
            extents = [extent for _, extent in made_to]
            score = self.scorer(text.prompt, model) if request.best_of > 1 else None
            clock.report(1)
        with clock.stage("sampling", len(seeds) * (request.steps or 0)):
            latents = self._sampled(model, request, text, plans, extents, seeds, clock)
        with clock.stage("decoding"):
            candidates = zip(seeds, self._decoded(model, request, latents, extents, clock), strict=True)
            best = [best_of(islice(candidates, request.best_of), score) for _ in range(request.variations)]
        for kept in self._kept(request, bundle, extents).values():
            kept.remove()
        what = dict(zip(seeds, made_to, strict=True))
        return [
            self.result(model, request, text, clock.taken, first, candidate, *what[candidate.seed])
            for first, candidate in zip(seeds[:: request.best_of], best, strict=True)
        ]

    def edit(
        self,
        source: Source,
        edit: Edit,
        request: GenerationRequest | None = None,
        progress: Callable[[Progress], None] | None = None,
        cancel: CancelToken | None = None,
    ) -> list[GenerationResult]:
        """A recording edited, `request.variations` times; see `editing.making.edited`."""
        from .editing.making import edited

        return edited(self, source, edit, request or GenerationRequest(""), progress, cancel)

    def layers(
        self,
        parts: Sequence[str],
        request: GenerationRequest,
        levels: Sequence[float] | None = None,
        progress: Callable[[Progress], None] | None = None,
        cancel: CancelToken | None = None,
    ) -> list[GenerationResult]:
        """Parts on one plan: their sum, and then each of them; see `editing.making.layers`."""
        from .editing.making import layers

        return layers(self, parts, request, levels, progress, cancel)

    def _sampled(
        self,
        model: LoadedModel,
        request: GenerationRequest,
        text: EncodedPrompt,
        plans: list[Plan] | None,
        extents: list[Extent],
        seeds: list[int],
        clock: Clock,
    ) -> list[Tensor]:
        """The latents (T, D) of the clip of every seed, up to `self.batch` of one length sampled together."""
        latents: list[Tensor] = []
        kept = self._kept(request, model.bundle, extents)
        for together in self._batches(extents):
            frames, loop = _frames(model, extents[together.start]), extents[together.start].loop
            seconds = extents[together.start].seconds
            noise = model.draw_noise(seeds[together], frames)
            conditions = model.conditions(text, len(noise), frames, plans and plans[together], loop and seconds or None)

            def on_step(step: int, steps: int, done: int = together.start, batch: int = len(noise)) -> None:
                clock.report(done * steps + step * batch, len(seeds) * steps)

            latents += model.sample(conditions, noise, request, on_step, unfinished=kept.get(together.start), loop=loop)
        return latents

    def _batches(self, extents: list[Extent]) -> Iterator[slice]:
        """Neighbours of one length, up to `self.batch` at a time."""
        start = 0
        for stop in range(1, len(extents) + 1):
            if stop == len(extents) or stop - start == self.batch or extents[stop] != extents[start]:
                yield slice(start, stop)
                start = stop

    @torch.inference_mode()
    def steps_done(self, request: ResolvedRequest) -> int:
        """How many sampler steps of a request are done already, of all its clips together, because it was stopped."""
        asked, bundle = request
        steps, model, found = asked.steps or 0, self.load(bundle), 0
        if asked.in_bars:
            text = model.encode(asked.prompt, asked.negative, asked.wishes)
            extents = [extent for _, extent in self._decisions(model, asked, text, asked.seeds)]
        else:
            extents = [Extent(asked.length)] * len(asked.seeds)
        kept = self._kept(asked, bundle, extents)
        for together in self._batches(extents):
            batch = together.stop - together.start
            like = torch.empty(batch, _frames(model, extents[together.start]), model.codec.latent_dim)
            read = kept[together.start].read(steps, like) if together.start in kept else None
            found += read[0] * batch if read else 0
        return found

    def _kept(self, request: GenerationRequest, bundle: Bundle, extents: list[Extent]) -> dict[int, Unfinished]:
        """Where each batch of a request keeps what is there, by the place of its first seed; {} for short clips."""
        if self._unfinished is None or all(extent.seconds <= bundle.pass_seconds for extent in extents):
            return {}
        how = {"device": self.device.type, "precision": self.precision, "batch": self.batch, "torch": torch.__version__}
        how |= {"sampler": bundle.sampler}
        asked, computed = asked_for(request.to_dict(), bundle.weights_sha256), digest(how)
        seeds = request.seeds
        return {
            together.start: Unfinished(self._unfinished, asked, seeds[0], seeds[together.start], computed)
            for together in self._batches(extents)
        }

    def _decoded(
        self,
        model: LoadedModel,
        request: GenerationRequest,
        latents: list[Tensor],
        extents: list[Extent],
        clock: Clock,
    ) -> Iterator[np.ndarray | GenerationError]:
        """The clip (channels, samples) of each of the latents (T, D), made when it is wanted, or why there is none."""
        for number, (item, extent) in enumerate(zip(latents, extents, strict=True)):

            def on_part(done: int, total: int, number: int = number) -> None:
                clock.report(number * total + done, len(latents) * total)

            try:
                waveform = model.decode(item, on_part, extent.seconds if extent.loop else None)
                yield model.master(waveform, extent.seconds, request.loudness, extent.loop)
            except GenerationError as error:
                yield error

    def scorer(self, prompt: str, model: LoadedModel) -> Callable[[np.ndarray], float]:
        """A function that says how well a clip (channels, samples) fits the prompt."""
        text = self.judge.text([prompt])[0]
        return lambda clip: self.judge.score(clip, model.codec.sample_rate, text)

    def result(
        self,
        model: LoadedModel,
        request: GenerationRequest,
        text: EncodedPrompt,
        taken: dict[str, float],
        first_seed: int,
        candidate: Candidate,
        decision: Decision,
        extent: Extent | None = None,
        longest: float | None = None,
    ) -> GenerationResult:
        """The clip that was chosen, with all it takes to make it again and what the user should know.

        extent: of a clip made from nothing; longest: of others, the seconds that went through the model at once.
        """
        notes = []
        if text.cut:
            notes.append(f"{text.cut} tokens of the prompt did not fit the text encoder and were left out")
        if candidate.unusable:
            notes.append(f"{candidate.unusable} of {request.best_of} candidates had no usable sound")
        notes += decision.notes
        if extent is not None and not extent.loop:
            notes += length_notes(decision.plan, extent.seconds, model.bundle.name, model.bundle.grid_layout)
        elif extent is not None and abs(cents := model.loop_detuning(extent.seconds)) > AUDIBLE:
            notes.append(f"the pitch is {cents:+.0f} cents off, so that {model.bundle.name} fills the loop exactly")
        if (extent.seconds if extent is not None else longest or 0.0) > model.bundle.pass_seconds:
            native = f"{model.bundle.native_seconds:g} s"
            notes.append(f"longer than {model.bundle.name} plays at once: made in overlapping windows of {native}")
        if text.negative and request.guidance == 1:
            notes.append(f"{text.negative}: only left out of the prompt (nothing is led away from without guidance)")
        if text.words:
            notes.append(f"{model.bundle.name} follows no plan: it was told in words ({text.words})")
        elif not model.bundle.follows_plans and decision.stated:
            notes.append(decision.mere_words(model.bundle.name))
        count, score = request.best_of, round(candidate.score, 4)
        choice = Choice(count, first_seed, score, self.judge.name) if count > 1 else None
        return GenerationResult(
            candidate.clip,
            model.codec.sample_rate,
            replace(request, seed=candidate.seed, variations=1, best_of=1),
            model.bundle.identity,
            taken,
            {
                "device": self.device.type,
                "precision": self.precision,
                "decoder": "onnx" if isinstance(model.codec, OnnxCodec) else "torch",
            },
            tuple(notes),
            choice,
            decision.plan if model.bundle.follows_plans else None,
            text.genre,
            decision,
            extent,
        )


def _frames(model: LoadedModel, extent: Extent) -> int:
    """Latent frames of a clip."""
    return model.loop_frames(extent.seconds) if extent.loop else model.frames(extent.seconds)


def _made_to(decision: Decision, request: GenerationRequest, bundle: Bundle) -> tuple[Decision, Extent]:
    """What the clip of a decision plays, and how long it is. Raises RequestError."""
    if not request.in_bars:
        return decision, Extent(request.length)
    if request.loop:
        decision = as_loop(decision, request.bars)
    return decision, extent_in_bars(decision.plan, request.bars, request.loop, (SECONDS[0], bundle.max_seconds))


class Clock:
    """Reports where the work of one request is, how long each stage took, and stops it when that is asked for."""

    def __init__(self, progress: Callable[[Progress], None] | None, cancel: CancelToken | None):
        self._progress, self._cancel = progress, cancel
        self._began = time.perf_counter()
        self._stage, self._total = "", 1
        self.taken: dict[str, float] = {}  # seconds of each stage that is done

    @contextmanager
    def stage(self, name: str, total: int = 1) -> Iterator[None]:
        """A stage of `total` steps, which the work inside reports."""
        self._stage, self._total = name, total
        started = time.perf_counter()
        yield
        self.taken[name] = time.perf_counter() - started

    def report(self, step: int, total: int | None = None) -> None:
        """Tell the step of the stage (of `total`, where that was not known before). Raises Cancelled."""
        if self._cancel is not None and self._cancel.cancelled:
            raise Cancelled("cancelled; nothing was written")
        if self._progress is not None:
            elapsed = time.perf_counter() - self._began
            self._progress(Progress(self._stage, step, total or self._total, elapsed))
