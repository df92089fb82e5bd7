"""The times at which a training step looks at each sample, on our axis: noise at t = 0, data at t = 1.

A schedule maps uniform numbers u to times, one to one. So the time of a sample depends on its own number and quality
only, and every process draws the same times for the same samples. The score-aware schedule (Cheng, Huang and Tan,
2026, arXiv 2606.07387, section II-C) sends samples whose caption fits badly to the noisy end:

    t' ~ Beta(alpha, 1),  alpha = 1 + lambda (1 - S)        (equations 1 and 2)

where S is the quality of the sample and t' = 1 - t, for the paper has noise at t' = 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

from musicgen_app.errors import RequestError

Normalisation = Literal["p75", "min-p75"]


@dataclass(frozen=True)
class Uniform:
    """All times alike."""

    kind: Literal["uniform"] = "uniform"

    def times(self, u: Tensor, quality: Tensor | None = None) -> Tensor:
        return u

    def density(self, t: Tensor, quality: float = 1.0) -> Tensor:
        return torch.ones_like(t)

    def __str__(self) -> str:
        return "Uniform times"


@dataclass(frozen=True)
class LogitNormal:
    """sigmoid of a normal number (Esser et al., 2024, arXiv 2403.03206); a mean above 0 prefers times near the data."""

    mean: float = 0.0
    std: float = 1.0
    kind: Literal["logit-normal"] = "logit-normal"

    def __post_init__(self):
        if not (math.isfinite(self.mean) and 0 < self.std < math.inf):
            raise RequestError(f"no logit-normal distribution has mean {self.mean} and std {self.std}")

    def times(self, u: Tensor, quality: Tensor | None = None) -> Tensor:
        return torch.sigmoid(self.mean + self.std * torch.special.ndtri(u))

    def density(self, t: Tensor, quality: float = 1.0) -> Tensor:
        z = (torch.logit(t) - self.mean) / self.std
        return torch.exp(-z.square() / 2) / (self.std * math.sqrt(2 * math.pi) * t * (1 - t))

    def __str__(self) -> str:
        return f"Logit-normal times, mean {self.mean:g}, std {self.std:g}"


@dataclass(frozen=True)
class Beta:
    """The score-aware schedule; lam is lambda, and `normalisation` how scores become S, see `Quality`."""

    lam: float = 1.0
    normalisation: Normalisation = "p75"
    kind: Literal["beta"] = "beta"

    def __post_init__(self):
        if not 0 <= self.lam < math.inf:
            raise RequestError(f"lambda of the Beta schedule is {self.lam}: use a number from 0 upwards")
        _check(self.normalisation)

    def alpha(self, quality: Tensor | float) -> Tensor | float:
        """Equation 2."""
        return 1 + self.lam * (1 - quality)

    def times(self, u: Tensor, quality: Tensor | None = None) -> Tensor:
        if quality is None:
            return u
        return 1 - u ** (1 / self.alpha(quality.to(u)))  # on the paper's axis P(t' < x) = x^alpha

    def density(self, t: Tensor, quality: float = 1.0) -> Tensor:
        alpha = self.alpha(quality)
        return alpha * (1 - t) ** (alpha - 1)

    def __str__(self) -> str:
        return f"Score-aware times, \u03bb = {self.lam:g}"


Schedule = Uniform | LogitNormal | Beta


def sample(schedule: Schedule, count: int, generator: torch.Generator, quality: Tensor | None = None) -> Tensor:
    """Times (count,) float32 in [0, 1]. quality (count,) in [0, 1] counts for Beta; None: all samples are perfect."""
    u = torch.rand(count, generator=generator, dtype=torch.float64)
    return schedule.times(u, quality).float()


def density(schedule: Schedule, t: Tensor, quality: float = 1.0) -> Tensor:
    """The probability density of times t in (0, 1), for samples of one quality."""
    return schedule.density(t, quality)


@dataclass(frozen=True)
class Quality:
    """How scores become qualities S in [0, 1]: (score - low) / (high - low), clipped, and 1 from `high` on.

    high: the 75th percentile of the training scores; low: their minimum ("min-p75") or 0 ("p75"). The paper gives the
    percentile and no more. A sample without a score (NaN) has quality 1.
    """

    normalisation: Normalisation
    low: float
    high: float

    @classmethod
    def fit(cls, scores: np.ndarray, normalisation: Normalisation = "p75") -> Quality:
        """Fit to the scores (N,) of the training samples. Without any score, every quality will be 1."""
        _check(normalisation)
        known = np.asarray(scores, dtype=np.float64)
        known = known[~np.isnan(known)]
        if not len(known):
            return cls(normalisation, 0.0, 0.0)
        low = float(known.min()) if normalisation == "min-p75" else 0.0
        return cls(normalisation, low, float(np.percentile(known, 75)))

    def __call__(self, scores: np.ndarray) -> Tensor:
        """Qualities (N,) float32 of scores (N,)."""
        scores = np.asarray(scores, dtype=np.float64)
        width = max(self.high - self.low, 1e-12)
        clipped = np.clip((scores - self.low) / width, 0, 1)
        return torch.from_numpy(np.where(scores < self.high, clipped, 1.0).astype(np.float32))  # NaN is not below


def picture(schedule: Schedule, path: Path, qualities: tuple[float, ...] = (1.0, 0.75, 0.5, 0.25, 0.0)) -> None:
    """Draw the densities of a schedule as lines and 100,000 draws of each as dots; as figure 2 of the paper."""
    from ..runtime import charts

    beta = isinstance(schedule, Beta)
    t = torch.linspace(0.001, 0.999, 999, dtype=torch.float64)
    edges = np.linspace(0, 1, 26)
    with charts.picture(path, size=(6.4, 3.8)) as axes:
        for s, colour in zip(qualities, charts.shades(len(qualities)), strict=True) if beta else [(1.0, None)]:
            draws = sample(schedule, 100_000, torch.Generator().manual_seed(0), torch.full((100_000,), s))
            share, _ = np.histogram(draws, edges, density=True)
            (line,) = axes.plot(t, density(schedule, t, s), color=colour, label=f"S = {s:g}")
            axes.plot((edges[1:] + edges[:-1]) / 2, share, "o", markersize=3, color=line.get_color())
        axes.set(xlim=(0, 1), ylim=(0, None), xlabel="time t of the app (0: noise, 1: data)")
        axes.set_ylabel("density (line) and 100,000 draws (dots)")
        other = axes.secondary_xaxis("top", functions=(lambda x: 1 - x, lambda x: 1 - x))
        other.set_xlabel("time 1 \u2212 t of the paper")
        axes.set_title(str(schedule))
        if beta:
            axes.legend(title="quality", title_fontsize=8, loc="upper right")


def _check(normalisation: str) -> None:
    if normalisation not in get_args(Normalisation):
        raise RequestError(f"there is no normalisation of scores {normalisation!r}: use p75 or min-p75")
