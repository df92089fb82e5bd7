"""A loaded model as the five steps from a prompt to a clip: encode -> draw noise -> sample -> decode -> master.

`Engine.generate` strings them together. Each can be called by itself, and what it takes may come from elsewhere:
conditions of one's own, another plan, latents to begin with.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from . import audio, flow, sampling
from .backbones import expand_condition, with_grid, with_scalars
from .backbones.base import Backbone
from .backbones.inference import prepare
from .backbones.periodic import Periodic
from .backbones.windows import Windowed, WindowProgress, most_windows
from .codecs import load_codec
from .codecs.base import Codec
from .codecs.chunks import decode_chunked
from .codecs.periodic import decode_loop, detuning
from .control.genre_classifier import Genres, load_genres, with_genre
from .control.grid import GIVEN, frame_grid
from .control.plan import Plan
from .control.planner import Pieces, check_layout, load_pieces
from .control.prompt_parser import parse_prompt, read_prompt, two_sides
from .errors import GenerationError, RequestError
from .machine.device import PRECISIONS
from .machine.unfinished import Unfinished
from .models import hub
from .models.adapters import apply
from .models.bundle import Bundle, frozen_parts, load_backbone
from .request import EVALUATIONS, LOUDNESS, SECONDS, SEED_MAX, GenerationRequest, check_number, check_whole
from .songbook.decision import BORROWED, DEFAULT, STATED, Decision, decide, facts_with, plan_in_words
from .songbook.wishes import NOTHING, Wishes
from .text import TextCondition, TextEncoder, load_text_encoder, with_stated

AROUND = 1.0  # seconds of a loop that a backbone sees on either side of it


@dataclass(frozen=True)
class EncodedPrompt:
    """What the text encoder and the backbone make of a prompt, for a batch of 1.

    prompt: as the model is told it, without what it refuses, and with `genre` before it where it was read as one (else
    ""). conditional: the backbone's condition of it; unconditional: that of the negative prompt, or of no prompt.
    vector (G,): of the whole prompt, where the encoder gives one. cut: tokens that did not fit the encoder. written: as
    it was typed. named: the genre that the prompt itself names. words: what of a plan the model was told in words,
    because it follows none. negative: what to lead away from, of the request and of the prompt.
    """

    prompt: str
    genre: str
    conditional: Any
    unconditional: Any
    vector: np.ndarray | None
    cut: int
    written: str = ""
    named: str = ""
    words: str = ""
    negative: str = ""


@dataclass(frozen=True)
class Conditions:
    """What the backbone is told while a batch of B clips is sampled, each a condition of batch B.

    Guidance leads from `unconditional` to `conditional`. A model that follows plans is also led away from `planless`,
    the prompt without its plan, with `plan_guidance` (1: not at all); one of joint guidance has an `unconditional`
    without a plan instead.
    """

    conditional: Any
    unconditional: Any
    planless: Any = None
    plan_guidance: float = 1.0

    @property
    def negatives(self) -> list[tuple[Any, float]]:
        """Conditions to lead away from beside the unconditional one, with their weights; see `sampling.guided`."""
        return [] if self.planless is None else [(self.planless, self.plan_guidance - 1)]


@dataclass(frozen=True)
class LoadedModel:
    """A bundle with its parts in memory, and the steps that they do."""

    bundle: Bundle
    backbone: Backbone
    codec: Codec
    text: TextEncoder
    mean: Tensor  # (D,) latent statistics
    std: Tensor
    pieces: Pieces | None = None  # whose plans are borrowed, where the model follows plans
    genres: Genres | None = None  # which it knows, where it reads them from prompts

    @property
    def device(self) -> torch.device:
        return self.mean.device

    def samples(self, seconds: float) -> int:
        """Samples of a clip of so many seconds. RequestError: none, or not a number."""
        check_number("seconds", seconds, 0.001, SECONDS[1])
        return round(seconds * self.codec.sample_rate)

    def frames(self, seconds: float) -> int:
        """Latent frames that hold a clip of so many seconds."""
        return math.ceil(self.samples(seconds) * self.codec.latent_rate / self.codec.sample_rate)

    def loop_frames(self, seconds: float) -> int:
        """Latent frames of a loop of so many seconds: the nearest whole number, which `conditions` and `decode` fit."""
        return max(1, round(self.samples(seconds) * self.codec.latent_rate / self.codec.sample_rate))

    def loop_detuning(self, seconds: float) -> float:
        """Cents by which the pitch of a loop of so many seconds is off."""
        return detuning(self.codec, self.loop_frames(seconds), self.samples(seconds))

    # 1. encode

    def encode(
        self,
        prompt: str,
        negative: str = "",
        wishes: Wishes = NOTHING,
        scalars: Mapping[str, float] | None = None,
    ) -> EncodedPrompt:
        """The prompt and what to lead away from, encoded once for all clips.

        wishes: what is said of the plan; scalars: numbers that the model is told, by name, its own for those left out.
        What the prompt refuses goes to the negative side. A model that follows no plans is told of them in words.
        """
        written = prompt
        wanted, negative = two_sides(prompt, negative)
        prompt = wanted or prompt
        features, genre, told = self.text.encode([prompt]), "", ""
        named = "" if self.genres is None else self.genres.named(prompt)
        if self.genres is not None and features.vector is not None:
            read = read_prompt(written)
            genre = self.genres.meant(prompt, features.vector[0].cpu().numpy(), read.genres, read.facts.drums)
        prompt = with_genre(genre, prompt)
        if wishes.given and not self.bundle.follows_plans:
            told = plan_in_words(wishes.over(Plan()), wishes)
        if genre or told:
            features = self.text.encode([f"{prompt}, {told}" if told else prompt])
        if wishes.given and getattr(self.text, "stated", False):
            features = with_stated(features, facts_with(parse_prompt(with_genre(genre, written)), wishes).vector())
        unwanted = self.text.encode([negative]) if negative else None
        return EncodedPrompt(
            prompt,
            genre,
            conditional=self._with_scalars(self._condition(features), scalars or {}),
            unconditional=self._with_scalars(
                self._condition(unwanted) if unwanted else self.backbone.null_condition(1), None
            ),
            vector=None if features.vector is None else features.vector[0].cpu().numpy(),
            cut=max(features.cut, unwanted.cut if unwanted else 0),
            written=written,
            named=named,
            words=told,
            negative=negative,
        )

    def _condition(self, features: TextCondition) -> Any:
        tokens, mask, vector = features.tokens.to(self.device), features.mask.to(self.device), features.vector
        return self.backbone.condition(tokens, mask, None if vector is None else vector.to(self.device))

    def _with_scalars(self, condition: Any, told: Mapping[str, float] | None) -> Any:
        """The condition with the numbers that the model is told; None: it is told none of them."""
        if not self.bundle.scalars:
            return condition
        own = {name: math.nan if told is None else facts["default"] for name, facts in self.bundle.scalars.items()}
        return with_scalars(
            self.backbone, condition, torch.tensor([list((own | dict(told or {})).values())]).to(self.device)
        )

    def plans(self, text: EncodedPrompt, seeds: Sequence[int]) -> list[Plan] | None:
        """The plan of the clip of every seed; None where the model follows no plans."""
        return [one.plan for one in self.decisions(text, seeds)] if self.bundle.follows_plans else None

    def decisions(
        self,
        text: EncodedPrompt,
        seeds: Sequence[int],
        wishes: Wishes = NOTHING,
        seconds: float | None = None,
        borrowing: bool = True,
    ) -> list[Decision]:
        """The plan of the clip of every seed, and where it comes from. seconds: its length, for the parts that the
        prompt tells of; borrowing: what nobody says. Raises RequestError."""
        genre = (text.named, STATED) if text.named else (text.genre, BORROWED if text.genre else DEFAULT)
        pieces = self.pieces if self.bundle.follows_plans and borrowing else None
        layout, prompt = self.bundle.grid_layout, text.written or text.prompt
        return decide(prompt, text.vector, seeds, pieces, wishes, layout, genre, seconds)

    def conditions(
        self,
        text: EncodedPrompt,
        batch: int,
        frames: int,
        plans: Sequence[Plan] | None,
        seconds: float | None = None,
        given: np.ndarray | None = None,
    ) -> Conditions:
        """The conditions of `batch` clips of so many latent frames, each with its plan where the model follows them.

        plans: one for each clip; None leaves them open. seconds: that the frames stand for together, in a loop, which
        they do not fill exactly. given: frames (frames,) whose latents are known, of which a model that was trained so
        is told. Raises RequestError.
        """
        if plans is not None and len(plans) != batch:
            raise RequestError(f"{batch} clips need as many plans, not {len(plans)}")
        conditional, unconditional = (expand_condition(c, batch) for c in (text.conditional, text.unconditional))
        if plans is None:
            return Conditions(conditional, unconditional)
        rate, layout = frames / seconds if seconds else self.codec.latent_rate, self.bundle.grid_layout
        grids = np.stack([frame_grid(plan, frames, rate, layout=layout) for plan in plans])
        bare = np.zeros_like(grids)
        if given is not None and self.bundle.takes_given:
            grids[..., GIVEN] = bare[..., GIVEN] = given
        grid, no_grid = (torch.from_numpy(g).to(self.device) for g in (grids, bare))  # (B, frames, grid_dim)

        def with_plan(condition: Any, grid: Tensor) -> Any:
            return with_grid(self.backbone, condition, grid)

        if self.bundle.joint_guidance:
            return Conditions(with_plan(conditional, grid), with_plan(unconditional, no_grid))
        guidance = self.bundle.plan_guidance
        planless = with_plan(conditional, no_grid) if guidance != 1 else None
        return Conditions(with_plan(conditional, grid), with_plan(unconditional, grid), planless, guidance)

    # 2. draw noise

    def draw_noise(self, seeds: Sequence[int], frames: int) -> Tensor:
        """Noise (B, frames, D) on the model's device, each item of its seed alone. Raises RequestError."""
        if not seeds or frames < 1:
            raise RequestError("noise needs at least one seed and one frame")
        for seed in seeds:
            check_whole("seed", seed, 0, SEED_MAX)
        return sampling.noise(list(seeds), frames, self.codec.latent_dim).to(self.device)

    # 3. sample

    def sample(
        self,
        conditions: Conditions,
        noise: Tensor,
        request: GenerationRequest,
        on_step: Callable[[int, int], None] | None = None,
        initial: Tensor | None = None,
        strength: float = 1.0,
        unfinished: Unfinished | None = None,
        loop: bool = False,
        free: Tensor | None = None,
        again: Tensor | None = None,
    ) -> Tensor:
        """Noise (B, T, D) -> latents (B, T, D) in the codec's own scale, as the request's sampler settings say.

        With initial latents (B, T, D, the codec's scale) the sampling begins between them and the noise: strength 1
        leaves nothing of them, 0 leaves them as they are (audio-to-audio; Meng et al., 2022, arXiv 2108.01073).
        With loop the last frame is followed by the first, and no frame is at an edge.
        free (T,) says which frames are made, True there; the others keep their initial latents (`sampling.held`); again
        (R, steps, B, T, D) is noise to go the steps so many times more, as `sampling.sample` has it.
        on_step(done, total) is called after every step, of a clip that does not fit into one pass after every window.
        unfinished: where it goes on from, and keeps what is there after every step.
        Raises RequestError for a request that is not resolved, and for latents or a strength that do not fit.
        """
        if request.guidance is None or request.steps is None or request.solver is None:
            raise RequestError("the request is not resolved: take that of Engine.resolve")
        start = self._start(noise, initial, strength)
        if free is not None and (initial is None or free.shape != noise.shape[1:2]):
            raise RequestError("frames that are kept need initial latents, and a mask of as many frames")
        kept = unfinished.read(request.steps, noise) if unfinished else None
        done = kept[0] if kept else 0
        around = self.frames(AROUND) if loop else 0
        backbone, on_step = self._view(noise.shape[1] + 2 * around, request, on_step, done)
        if loop:
            backbone = Periodic(backbone, around, done * EVALUATIONS[request.solver])
        velocity = sampling.guided(
            backbone,
            conditions.conditional,
            conditions.unconditional,
            request.guidance,
            request.guidance_interval or (0.0, 1.0),
            conditions.negatives,
        )
        x = noise
        if initial is not None:
            data = (initial - self.mean) / self.std
            x = flow.interpolate(data, noise, noise.new_full((len(noise),), start))
            if free is not None:
                velocity = sampling.held(velocity, data, noise, free, self.bundle.takes_given)
        keep = unfinished.keep if unfinished else None
        x = kept[1] if kept else x
        power, last = self.bundle.power, kept[2] if kept else None
        latents = sampling.sample(
            velocity, x, request.steps, request.solver, on_step, start, done, keep, again, power, last
        )
        latents = latents * self.std + self.mean
        return latents if initial is None or free is None else torch.where(free[:, None], latents, initial)

    def _view(
        self, frames: int, request: GenerationRequest, on_step: Callable[[int, int], None] | None, done: int = 0
    ) -> tuple[Any, Callable[[int, int], None] | None]:
        """The backbone, seen through windows where the clip does not fit into one pass, and whom to tell of progress.

        Then on_step is called after every window, with the windows done and to do. done: steps that were made before.
        """
        if frames <= self.frames(self.bundle.pass_seconds):
            return self.backbone, on_step
        size, evaluations = self.frames(self.bundle.native_seconds), EVALUATIONS[request.solver or ""]
        if on_step is None:
            return Windowed(self.backbone, size, evaluations=done * evaluations), None
        progress = WindowProgress(on_step, request.steps or 1, evaluations * most_windows(frames, size), done)
        return Windowed(self.backbone, size, progress.window, done * evaluations), progress.step

    def _start(self, noise: Tensor, initial: Tensor | None, strength: float) -> float:
        """The time at which sampling begins. Raises RequestError."""
        strength = check_number("strength", strength, 0.0, 1.0)
        if initial is None:
            if strength != 1:
                raise RequestError("a strength needs initial latents")
            return 0.0
        if initial.shape != noise.shape:
            shapes = f"{tuple(initial.shape)}, not {tuple(noise.shape)} as the noise"
            raise RequestError(f"the initial latents have the shape {shapes}")
        return 1.0 - strength

    # 4. decode

    def decode(
        self, latents: Tensor, on_part: Callable[[int, int], None] | None = None, loop_seconds: float | None = None
    ) -> Tensor:
        """Latents (T, D) of one clip -> waveform (channels, samples). GenerationError: they are not finite.

        loop_seconds: the length of a loop, which the waveform then has to the sample, its end followed by its start.
        """
        if not torch.isfinite(latents).all():
            raise GenerationError("the model gave values that are not finite: try a lower --guidance or more --steps")
        if loop_seconds is not None:
            return decode_loop(self.codec, latents[None], self.samples(loop_seconds), on_part)[0]
        return decode_chunked(self.codec, latents[None], on_part)[0]

    # 5. master

    def master(self, waveform: Tensor, seconds: float, loudness: float | None = None, loop: bool = False) -> np.ndarray:
        """Waveform (channels, samples) -> the clip (channels, `samples(seconds)`), float32; see `audio.master`."""
        rate = self.codec.sample_rate
        if loudness is not None:
            check_number("loudness", loudness, *LOUDNESS)
        return audio.master(waveform.float().cpu().numpy(), rate, self.samples(seconds), loudness, loop)


def load_model(bundle: Bundle, device: torch.device, precision: str, decoder: str) -> LoadedModel:
    """Read and check a model. precision: a key of `PRECISIONS`; decoder: as in `load_codec`. Raises ModelError."""
    for source in frozen_parts(bundle.config):
        hub.locate(source, bundle.path)  # a missing part is found out before the others are read
    check_layout(bundle)
    pieces, genres = load_pieces(bundle), load_genres(bundle)
    dtype = PRECISIONS[precision]
    text_dtype = torch.float32 if device.type == "cpu" else dtype  # there bfloat16 gains a text nothing
    backbone = load_backbone(bundle)
    apply(backbone, bundle.adapters)
    backbone.to(device)
    prepare(backbone, dtype)
    return LoadedModel(
        bundle,
        backbone,
        load_codec(bundle, device, dtype, decoder),
        load_text_encoder(bundle, device, text_dtype),
        torch.tensor(bundle.config["latent"]["mean"], device=device),
        torch.tensor(bundle.config["latent"]["std"], device=device),
        pieces and pieces.told_apart(genres),
        genres,
    )
