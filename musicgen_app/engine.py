"""The one inference path: request -> conditioning -> noise -> sampling -> decode -> mastered audio (-> the best of N).

The command line, the GUI, scripts and the trainer's previews all call `Engine.generate`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from . import audio, sampling
from .aligner import Aligner, load_aligner
from .backbones import expand_condition, with_grid
from .backbones.inference import prepare
from .codecs import load_codec
from .codecs.base import Codec
from .codecs.chunks import decode_chunked
from .codecs.onnx import OnnxCodec
from .control.genre_classifier import Genres, load_genres, told
from .control.plan import Plan
from .control.planner import Pieces, check_layout, load_pieces, plan_for
from .errors import Cancelled, GenerationError
from .machine.device import PRECISIONS, pick_device, pick_precision
from .models import hub, installed
from .models.bundle import Bundle, frozen_parts, load_backbone
from .request import VARIATIONS, Choice, GenerationRequest, GenerationResult
from .text import TextCondition, TextEncoder, load_text_encoder


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


@dataclass(frozen=True)
class LoadedModel:
    """A bundle with its parts in memory."""

    bundle: Bundle
    backbone: nn.Module
    codec: Codec
    text: TextEncoder
    mean: Tensor  # (D,) latent statistics
    std: Tensor
    pieces: Pieces | None = None  # whose plans are borrowed, where the model follows plans
    genres: Genres | None = None  # which it knows, where it reads them from prompts

    def plan(self, prompt: str, vector: np.ndarray | None, seed: int) -> Plan | None:
        """The plan of the clip of a seed, where the model follows plans; vector: see `planning.plan_for`."""
        return plan_for(prompt, vector, seed, self.pieces) if self.bundle.follows_plans else None

    def grid(self, plans: list[Plan], frames: int) -> Tensor:
        """What plans say of the frames of their clips (B, frames, grid_dim)."""
        grids = [plan.grid(frames, self.codec.latent_rate) for plan in plans]
        return torch.from_numpy(np.stack(grids)).to(self.mean.device)


class Engine:
    """Loads models when they are first asked for and keeps the last one.

    models_dir: folder of installed models (default: the user's); device: "auto", "cpu", "cuda" or "mps";
    batch: how many variations are sampled together. More is faster on an accelerator (default there: all). On a CPU it
    gains nothing, and one at a time (default there) makes every clip equal to the bit to the same clip asked for alone;
    precision: of the matrix products, "auto", "fp32" or "bf16"; decoder: what runs the codec's decoder, "auto" (what
    the model names), "torch" or "onnx"; aligner: folder of the aligner that judges candidates (default: the app's).
    """

    def __init__(
        self,
        models_dir: Path | str | None = None,
        device: str = "auto",
        batch: int | None = None,
        precision: str = "auto",
        decoder: str = "auto",
        aligner: Path | str | None = None,
    ):
        self.models_dir = models_dir
        self.device = pick_device(device)
        self.precision = pick_precision(precision, self.device)
        self.decoder = decoder
        self.batch = batch or (1 if self.device.type == "cpu" else VARIATIONS[1])
        self._aligner = aligner
        self._loaded: LoadedModel | None = None

    @cached_property
    def judge(self) -> Aligner:
        """What ranks candidates, read when first needed; it computes in float32 on the CPU. Raises ModelError."""
        return load_aligner(self._aligner)

    def load(self, name: str) -> LoadedModel:
        """The model of that name (or folder), read and checked once. Raises ModelError."""
        return self._load(installed.find(name, self.models_dir))

    def _load(self, bundle: Bundle) -> LoadedModel:
        if self._loaded is None or self._loaded.bundle != bundle:
            self._loaded = None  # never two models in memory
            for source in frozen_parts(bundle.config):
                hub.locate(source, bundle.path)  # a missing part is found out before the others are read
            check_layout(bundle)
            pieces, genres = load_pieces(bundle), load_genres(bundle)
            dtype = PRECISIONS[self.precision]
            text_dtype = torch.float32 if self.device.type == "cpu" else dtype  # there bfloat16 gains a text nothing
            backbone = load_backbone(bundle).to(self.device)
            prepare(backbone, dtype)
            self._loaded = LoadedModel(
                bundle,
                backbone,
                load_codec(bundle, self.device, dtype, self.decoder),
                load_text_encoder(bundle, self.device, text_dtype),
                torch.tensor(bundle.config["latent"]["mean"], device=self.device),
                torch.tensor(bundle.config["latent"]["std"], device=self.device),
                pieces,
                genres,
            )
        return self._loaded

    @torch.inference_mode()
    def generate(
        self,
        request: GenerationRequest,
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
        began = time.perf_counter()

        def report(stage: str, step: int, total: int) -> None:
            if cancel is not None and cancel.cancelled:
                raise Cancelled("cancelled; nothing was written")
            if progress is not None:
                progress(Progress(stage, step, total, time.perf_counter() - began))

        request = request.validated()
        bundle = installed.find(request.model, self.models_dir)
        request = request.resolved(bundle.sampler, bundle.max_seconds)
        model = self._load(bundle)
        seeds = [request.seed + i for i in range(request.variations * request.best_of)]
        if request.best_of > 1:
            _ = self.judge  # one that cannot be read is found out first

        report("text", 0, 1)
        started = time.perf_counter()
        genre, wanted = self._read(model, request.prompt)
        prompt = told(genre, request.prompt)
        condition, null, vector, cut = self._conditions(model, wanted, request.negative)
        plans = [model.plan(prompt, vector, seed) for seed in seeds]
        score = self._scorer(prompt, model) if request.best_of > 1 else None
        report("text", 1, 1)

        text_done = time.perf_counter()
        samples = round(request.seconds * model.codec.sample_rate)
        frames = math.ceil(samples * model.codec.latent_rate / model.codec.sample_rate)
        latents = []

        def sampled(done: int, together: int, step: int, total: int) -> None:
            report("sampling", done * total + step * together, len(seeds) * total)

        for first in range(0, len(seeds), self.batch):
            noise = sampling.noise(seeds[first : first + self.batch], frames, model.codec.latent_dim).to(self.device)
            wanted, unwanted = (expand_condition(one, len(noise)) for one in (condition, null))
            away = []
            if bundle.follows_plans:
                grid = model.grid(plans[first : first + self.batch], frames)
                if bundle.plan_guidance != 1:
                    planless = with_grid(model.backbone, wanted, torch.zeros_like(grid))
                    away = [(planless, bundle.plan_guidance - 1)]
                wanted, unwanted = (with_grid(model.backbone, one, grid) for one in (wanted, unwanted))
            velocity = sampling.guided(
                model.backbone,
                wanted,
                unwanted,
                request.guidance,
                request.guidance_interval or (0.0, 1.0),
                away,
            )
            latents += sampling.sample(
                velocity,
                noise,
                request.steps,
                request.solver,
                on_step=partial(sampled, len(latents), len(noise)),
            )

        sampling_done = time.perf_counter()
        candidates = zip(seeds, self._decoded(model, request, latents, report), strict=True)
        best = [_best(islice(candidates, request.best_of), score) for _ in range(request.variations)]
        taken = {
            "text": text_done - started,
            "sampling": sampling_done - text_done,
            "decoding": time.perf_counter() - sampling_done,
        }
        identity = {
            "name": bundle.name,
            "version": bundle.config["version"],
            "weights_sha256": bundle.weights_sha256,
            "licence": bundle.licence,
        }
        decoder = "onnx" if isinstance(model.codec, OnnxCodec) else "torch"
        computed = {"device": self.device.type, "precision": self.precision, "decoder": decoder}
        notes = [f"{cut} tokens of the prompt did not fit the text encoder and were left out"] if cut else []
        results = []
        plan_of = dict(zip(seeds, plans, strict=True))
        for first, (seed, clip, value, unusable) in zip(seeds[:: request.best_of], best, strict=True):
            useless = [f"{unusable} of {request.best_of} candidates had no usable sound"] if unusable else []
            results.append(
                GenerationResult(
                    clip,
                    model.codec.sample_rate,
                    replace(request, seed=seed, variations=1, best_of=1),
                    identity,
                    taken,
                    computed,
                    (*notes, *useless),
                    Choice(request.best_of, first, round(value, 4), self.judge.name) if score else None,
                    plan_of[seed],
                    genre,
                )
            )
        return results

    def _scorer(self, prompt: str, model: LoadedModel) -> Callable[[np.ndarray], float]:
        """A function that says how well a clip (channels, samples) fits the prompt."""
        text = self.judge.text([prompt])[0]
        return lambda clip: self.judge.score(clip, model.codec.sample_rate, text)

    def _decoded(
        self,
        model: LoadedModel,
        request: GenerationRequest,
        latents: list[Tensor],
        report: Callable[[str, int, int], None],
    ) -> Iterator[np.ndarray | GenerationError]:
        """The clip (channels, samples) of each of the latents (T, D), made when it is wanted, or why there is none."""
        rate = model.codec.sample_rate
        samples = round(request.seconds * rate)
        for number, item in enumerate(latents):

            def decoded(done: int, total: int, number: int = number) -> None:
                report("decoding", number * total + done, len(latents) * total)

            try:
                if not torch.isfinite(item).all():
                    advice = "try a lower --guidance or more --steps"
                    raise GenerationError(f"the model gave values that are not finite: {advice}")
                waveform = decode_chunked(model.codec, (item * model.std + model.mean)[None], decoded)[0]
                clip = audio.master(waveform.float().cpu().numpy(), rate, samples, request.loudness)
            except GenerationError as error:
                clip = error
            yield clip

    def _read(self, model: LoadedModel, prompt: str) -> tuple[str, TextCondition]:
        """The genre that a prompt means ("": it names one, or none is sure), and the features of both together."""
        features = model.text.encode([prompt])
        if model.genres is None or features.vector is None:
            return "", features
        genre = model.genres.meant(prompt, features.vector[0].cpu().numpy())
        return genre, model.text.encode([told(genre, prompt)]) if genre else features

    def _conditions(self, model: LoadedModel, wanted: TextCondition, negative: str) -> tuple:
        """Conditions (batch 1) of the prompt and of the negative prompt or no prompt; the prompt's vector (G,), if the
        text encoder gives one; how many of its tokens did not fit."""

        def condition(features: TextCondition):
            parts = (features.tokens, features.mask, features.vector)
            return model.backbone.condition(*(part if part is None else part.to(self.device) for part in parts))

        vector = None if wanted.vector is None else wanted.vector[0].cpu().numpy()
        if not negative:
            return condition(wanted), model.backbone.null_condition(1), vector, wanted.cut
        unwanted = model.text.encode([negative])
        return condition(wanted), condition(unwanted), vector, max(wanted.cut, unwanted.cut)


def _best(
    candidates: Iterable[tuple[int, np.ndarray | GenerationError]], score: Callable[[np.ndarray], float] | None
) -> tuple[int, np.ndarray, float, int]:
    """Seed, clip and score of the candidate that scores highest, and how many are not usable.

    Without `score` the first one that is usable. Raises GenerationError if none is.
    """
    best, faults = None, []
    for seed, clip in candidates:
        if isinstance(clip, GenerationError):
            faults.append(clip)
            continue
        value = score(clip) if score else 0.0
        if best is None or value > best[2]:
            best = seed, clip, value
    if best is None:
        raise faults[0]
    return *best, len(faults)
