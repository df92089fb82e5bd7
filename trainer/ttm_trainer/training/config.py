"""The settings of a training run: phases, batches, losses, optimizer and averages. Impossible values are refused."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from musicgen_app.backbones.presets import configuration
from musicgen_app.control.grid import layout_of
from musicgen_app.errors import RequestError

from . import PRECISIONS, optim
from .cluster_sampler import Remainder
from .timesteps import LogitNormal, Schedule

HARMLESS = frozenset(
    "micro precision save_every keep validate_every validation_items preview_every log_every max_bad_steps".split()
)


def _above(name: str, value: float, least: float) -> None:
    if not (value >= least and math.isfinite(value)):
        raise RequestError(f"{name} of {value} cannot be: use at least {least}")


@dataclass(frozen=True)
class Phase:
    """A stretch of training with its own learning-rate schedule and its own choice of the data."""

    steps: int
    lr: float
    warmup: int = 0  # steps of linear warm-up
    schedule: str = "cosine"  # "constant", "cosine" (down to `floor` of lr) or "step" (times 0.1 at each milestone)
    floor: float = 0.0
    milestones: tuple[float, ...] = (0.8, 0.9)  # fractions of `steps`
    crop: int | None = None  # latent frames of a random crop; None: as long as the longest item
    batch: int | None = None  # samples an optimizer step over all processes; None: the run's
    styles: tuple[str, ...] | None = None  # caption styles to draw from; None: all
    fraction: float = 1.0  # of the training tracks, chosen by the seed

    def __post_init__(self):
        if self.schedule not in ("constant", "cosine", "step"):
            raise RequestError(f"there is no learning-rate schedule {self.schedule!r}: use constant, cosine or step")
        _above("steps of a phase", self.steps, 1)
        _above("warm-up", self.warmup, 0)
        if not (self.lr > 0 and math.isfinite(self.lr)):
            raise RequestError(f"a learning rate of {self.lr} cannot be: use a number above 0")
        if not 0 < self.fraction <= 1:
            raise RequestError(
                f"a phase cannot train on a fraction of {self.fraction}: use a number above 0, at most 1"
            )
        for name, value in (("crop", self.crop), ("batch", self.batch)):
            if value is not None:
                _above(name, value, 1)

    def rate(self, step: int) -> float:
        """The learning rate at a step of this phase, counted from 0."""
        if self.schedule == "cosine":
            factor = optim.cosine(step, self.steps, self.warmup, self.floor)
        else:
            factor = optim.steps_down(step, self.steps, self.milestones) if self.schedule == "step" else 1.0
        return self.lr * optim.warm(step, self.warmup) * factor


@dataclass(frozen=True)
class EmaSettings:
    """How the weights are averaged: a constant `decay`, or with `sigma_rel` the power-function average (see `EMA`)."""

    decay: float | None = 0.999
    sigma_rel: float | None = None

    def __post_init__(self):
        if self.sigma_rel is not None and not 0 < self.sigma_rel < 0.28:
            raise RequestError(f"a relative width of {self.sigma_rel} cannot be: use a number between 0 and 0.28")
        if self.sigma_rel is None and (self.decay is None or not 0 <= self.decay < 1):
            raise RequestError(f"a decay of {self.decay} cannot be: use a number from 0 to below 1")


@dataclass(frozen=True)
class Training:
    """Settings of a run. A checkpoint of other settings is refused, but for those that `harmless` lets through.

    init: the name or folder of the model whose weights the run begins with (None: random weights).
    micro: samples in one forward pass of a process (None: its whole share of a batch); gradients of all passes add up.
    clusters: what clusters are made from, and how many there are (1: batches are drawn from everything).
    remainder: where the rest of a cluster goes that fills no batch, see `cluster_sampler`.
    captions: what is drawn for a sample: any of its "captions" alike, or first one of its "styles", as in the paper of
    score-aware training.
    repa_clap, repa_muq: lambdas of the alignment losses, 0 for none; the losses are weighted by t^repa_alpha.
    repa_muq_into: what REPA-MuQ compares: projected hidden states ("features"), or what the frozen layers 3 to 9 of MuQ
    make of them ("conformer"); see `muq_layers`.
    channel_weights: weight latent channels by `Prepared.channel_weights`. A 0 in one of `..._every` means never.
    """

    preset: str = "sketch-dit"
    overrides: dict = field(default_factory=dict)
    init: str | None = None
    lora: int = 0  # rank of an adapter of `init`, which is trained in place of the weights; 0: the weights are
    phases: tuple[Phase, ...] = (Phase(steps=5_800, lr=7e-4, warmup=200, floor=0.05),)
    batch: int = 32
    micro: int | None = None
    clusters: tuple[str, int] = ("text", 1)
    remainder: Remainder = "next-epoch"
    captions: Literal["captions", "styles"] = "captions"
    timesteps: Schedule = field(default_factory=LogitNormal)
    repa_clap: float = 0.0
    repa_muq: float = 0.0
    repa_muq_into: Literal["features", "conformer"] = "features"
    repa_alpha: float = 2.0
    repa_layers: int = 1  # of each projection head
    drop: float = 0.1  # chance that a sample's text is dropped, for classifier-free guidance
    given: float = 0.0  # chance that a sample is given a part of its frames, to continue or fill up; needs a grid
    plan_drop: float = 0.1  # chance that a sample's plan is dropped, for backbones that have a grid
    weight_decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.95)
    eps: float = 1e-8
    clip: float = 1.0  # largest gradient norm
    ema: EmaSettings | None = field(default_factory=EmaSettings)
    precision: str = "bf16"
    channel_weights: bool = False
    seed: int = 0
    save_every: int = 1_000
    keep: int = 2  # checkpoints; 0: all
    validate_every: int = 1_000
    validation_items: int = 192
    preview_every: int = 0
    log_every: int = 50
    max_bad_steps: int = 5

    def __post_init__(self):
        if not self.phases:
            raise RequestError("a run needs at least one phase")
        if self.precision not in PRECISIONS:
            raise RequestError(f"precision {self.precision!r} is unknown: use {', '.join(PRECISIONS)}")
        for name in ("batch", "save_every", "log_every", "max_bad_steps", "repa_layers"):
            _above(name, getattr(self, name), 1)
        for name in (
            "seed",
            "keep",
            "validate_every",
            "validation_items",
            "preview_every",
            "repa_clap",
            "repa_muq",
            "lora",
        ):
            _above(name, getattr(self, name), 0)
        if self.lora and not self.init:
            raise RequestError("an adapter (lora) changes a model: name it as init")
        if self.micro is not None:
            _above("micro", self.micro, 1)
        if not (0 <= self.drop <= 1 and 0 <= self.plan_drop <= 1) or not self.clip > 0:
            raise RequestError(f"a text dropout of {self.drop} with clipping at {self.clip} cannot be")
        if not 0 <= self.given <= 1 or self.given and (self.grid_layout or 0) < 2:
            raise RequestError(
                f"given frames (given {self.given}) need a chance between 0 and 1 and a grid of layout 2"
            )

    @property
    def grid_layout(self) -> int | None:
        """How the backbone is told the plan of the music, None: it is not; see `musicgen_app.control.grid`."""
        width = configuration(self.preset, self.overrides).grid_dim
        return layout_of(width) if width else None

    @property
    def steps(self) -> int:
        """Optimizer steps of the whole run."""
        return sum(phase.steps for phase in self.phases)

    def phase_at(self, step: int) -> tuple[int, int]:
        """The number of the phase that a step (counted from 0) belongs to, and the step within it."""
        for number, phase in enumerate(self.phases):
            if step < phase.steps:
                return number, step
            step -= phase.steps
        raise RequestError(f"the run has only {self.steps} steps")

    def rate(self, step: int) -> float:
        """The learning rate at a step."""
        number, within = self.phase_at(step)
        return self.phases[number].rate(within)

    def samples(self, step: int) -> int:
        """Samples in the global batch of a step."""
        return self.phases[self.phase_at(step)[0]].batch or self.batch


# Settings that checkpoints of earlier versions lack -> what these versions did.
NEWER = {"given": 0.0, "lora": 0, "remainder": "next-epoch", "captions": "captions", "repa_muq_into": "features"}


def harmless(old: dict) -> Callable[[str, object, object], bool]:
    """A function that tells which settings may change when a run goes on; for `checkpoint.refuse_other`.

    Those in HARMLESS may: how work is split, computed, saved and watched. Phases may be added after the last one, and
    the last phase may have more steps when its schedule is "constant"; with any other schedule, more steps would have
    meant other learning rates from the beginning.
    """
    last = len(old["phases"]) - 1
    constant = old["phases"][last]["schedule"] == "constant"

    def ignore(name: str, before: Any, after: Any) -> bool:
        parts = name.removeprefix("training.").split(".")
        if parts[0] == "phases" and int(parts[1]) > last:
            return before is None
        if parts == ["phases", str(last), "steps"]:
            return constant and after > before
        if before is None and parts[0] in NEWER:
            return after == NEWER[parts[0]]
        return parts[0] in HARMLESS

    return ignore
