"""How likely it is that what was heard is right: evidence -> a probability, learnt from pieces whose truth is known.

For every field of `evidence.EVIDENCE` a logistic regression is fitted to the answers given in composed pieces, right or
wrong; that of energy is a linear fit with its error. The pieces are cut into parts, and the table says of each part
what the others' fit says: when it says 0.8, how often is the answer right?
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from musicgen_app.errors import FileError

from .evidence import EVIDENCE

BUILT_IN = Path(__file__).with_name("calibration.json")
STEPS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)  # of probability, for the table
PARTS = 5  # that the pieces are cut into
RIDGE = 1.0  # answers' worth of doubt for each standardised number
CLIP = 4.0  # standard deviations beyond which evidence counts no more
NEAR = 0.2  # of energy: what is that near is right


@dataclass(frozen=True, eq=False)
class Fit:
    """Of standardised evidence: mean, scale and weights (F,), and what is added. error: of a linear fit."""

    mean: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    bias: float
    error: float = 0.0

    def score(self, evidence: np.ndarray) -> np.ndarray:
        """Evidence (n, F) -> (n,): log odds, or of a linear fit the value."""
        return ((evidence - self.mean) / self.scale).clip(-CLIP, CLIP) @ self.weights + self.bias

    def to_dict(self) -> dict:
        """JSON-safe, rounded to six digits."""
        columns = {name: [float(f"{v:.6g}") for v in getattr(self, name)] for name in ("mean", "scale", "weights")}
        return {**columns, "bias": float(f"{self.bias:.6g}"), "error": float(f"{self.error:.6g}")}


class Calibration:
    """The fits of all fields, and of "energy"."""

    def __init__(self, fits: dict[str, Fit]):
        self.fits = fits

    def probability(self, field: str, evidence: np.ndarray) -> np.ndarray:
        """How likely each answer is right (n,). Of drums: how likely they play."""
        return 1 / (1 + np.exp(-self.fits[field].score(evidence)))

    def energy(self, evidence: np.ndarray) -> np.ndarray:
        """The energy of the blocks of a sound (n,), 0 to 1, by the evidence for drums in them."""
        return self.fits["energy"].score(_compared(evidence)).clip(0, 1)

    @property
    def energy_confidence(self) -> float:
        """How likely the energy of a stretch is right within NEAR."""
        return math.erf(NEAR / self.fits["energy"].error / math.sqrt(2))


def fit(evidence: dict[str, list[np.ndarray]], truth: dict[str, list[np.ndarray]]) -> Calibration:
    """Fit to the evidence of pieces, and which of their answers are right (`truth.right`), each a list by piece.

    ValueError: a field has no answers of both kinds.
    """
    fits = {}
    for field in EVIDENCE:
        x, y = np.concatenate(evidence[field]), np.concatenate(truth[field])
        known = ~np.isnan(y)
        if len(set(y[known].tolist())) < 2:
            raise ValueError(f"all answers for {field} are of one kind: too few pieces")
        fits[field] = _logistic(x[known], y[known])
    x, y = np.concatenate([_compared(own) for own in evidence["drums"]]), np.concatenate(truth["energy"])
    fits["energy"] = _linear(x[~np.isnan(y)], y[~np.isnan(y)])
    return Calibration(fits)


def _compared(blocks: np.ndarray) -> np.ndarray:
    """Evidence of the blocks of one sound (n, F) beside what it is against that of the others (n, 4 F)."""
    off = blocks - blocks.mean(axis=0)
    return np.concatenate([blocks, off, off**2, np.broadcast_to(blocks.std(axis=0), blocks.shape)], axis=1)


def _standard(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    mean, scale = x.mean(axis=0), x.std(axis=0) + 1e-6
    return mean, scale, ((x - mean) / scale).clip(-CLIP, CLIP)


def _logistic(x: np.ndarray, y: np.ndarray) -> Fit:
    """Newton's method on (n, F) and (n,) of 0 and 1, with a ridge on the weights."""
    mean, scale, z = _standard(x)
    z = np.concatenate([z, np.ones((len(z), 1))], axis=1)
    ridge = np.diag([RIDGE] * x.shape[1] + [1e-6])
    w = np.zeros(z.shape[1])
    for _ in range(30):
        p = 1 / (1 + np.exp(-z @ w))
        step = np.linalg.solve((z.T * (p * (1 - p))) @ z + ridge, z.T @ (y - p) - ridge @ w)
        w += step
        if np.abs(step).max() < 1e-8:
            break
    return Fit(mean, scale, w[:-1], float(w[-1]))


def _linear(x: np.ndarray, y: np.ndarray) -> Fit:
    mean, scale, z = _standard(x)
    w = np.linalg.solve(z.T @ z + RIDGE * np.eye(z.shape[1]), z.T @ (y - y.mean()))
    error = float(np.sqrt(np.mean((np.clip(z @ w + y.mean(), 0, 1) - y) ** 2)))
    return Fit(mean, scale, w, float(y.mean()), error)


def reliability(evidence: dict[str, list[np.ndarray]], truth: dict[str, list[np.ndarray]]) -> dict[str, list[dict]]:
    """For each field, by steps of the probability that is said: {"said", "answers", "mean", "right"}.

    Every piece is judged by fits to the pieces of other parts. Of drums the answer is the likelier one.
    """
    pieces = len(evidence["tempo"])
    said: dict[str, list[np.ndarray]] = {field: [] for field in (*EVIDENCE, "energy")}
    found: dict[str, list[np.ndarray]] = {field: [] for field in (*EVIDENCE, "energy")}
    for part in range(PARTS):
        own = [i for i in range(pieces) if i % PARTS == part]
        others = [i for i in range(pieces) if i % PARTS != part]
        fitted = fit(_some(evidence, others), _some(truth, others))
        for field in EVIDENCE:
            x = np.concatenate([evidence[field][i] for i in own])
            y = np.concatenate([truth[field][i] for i in own])
            p = fitted.probability(field, x)
            if field == "drums":
                y, p = np.where(np.isnan(y), np.nan, (p > 0.5) == (y == 1)), np.maximum(p, 1 - p)
            said[field].append(p[~np.isnan(y)])
            found[field].append(y[~np.isnan(y)])
        y = np.concatenate([truth["energy"][i] for i in own])
        heard = np.concatenate([fitted.energy(evidence["drums"][i]) for i in own])
        near = np.abs(heard - y)[~np.isnan(y)] <= NEAR
        said["energy"].append(np.full(len(near), fitted.energy_confidence))
        found["energy"].append(near.astype(float))
    return {field: list(_rows(np.concatenate(said[field]), np.concatenate(found[field]))) for field in said}


def _some(lists: dict[str, list[np.ndarray]], numbers: Sequence[int]) -> dict[str, list[np.ndarray]]:
    return {field: [values[i] for i in numbers] for field, values in lists.items()}


def _rows(said: np.ndarray, right: np.ndarray) -> Iterator[dict]:
    for low, high in zip(STEPS, STEPS[1:], strict=False):
        here = (said >= low) & ((said < high) | (high == 1))
        if here.any():
            yield {
                "said": [low, high],
                "answers": int(here.sum()),
                "mean": round(float(said[here].mean()), 3),
                "right": round(float(right[here].mean()), 3),
            }


def table(report: dict[str, list[dict]]) -> str:
    """A reliability report as Markdown: how often an answer was right, by the probability that was said of it."""
    spans = list(zip(STEPS, STEPS[1:], strict=False))
    heads = [f"up to {high:g}" if low == 0 else f"{low:g} to {high:g}" for low, high in spans]
    lines = ["| field | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
    for field, rows in report.items():
        by = {tuple(row["said"]): f"{row['right']:.2f} ({row['answers']})" for row in rows}
        lines.append(f"| {field} | " + " | ".join(by.get(span, "") for span in spans) + " |")
    return "\n".join(lines)


@lru_cache(maxsize=2)
def load(path: Path = BUILT_IN) -> Calibration:
    """The calibration in a file of `ttm-app corpus calibrate`. Raises FileError."""
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["fits"]
        fits = {}
        for field, own in found.items():
            columns = [np.array(own[name], dtype=float) for name in ("mean", "scale", "weights")]
            width = 4 * len(EVIDENCE["drums"]) if field == "energy" else len(EVIDENCE[field])
            if any(column.shape != (width,) for column in columns):
                raise ValueError(f"{field} has not {width} numbers")
            mean, scale, weights = columns
            fits[field] = Fit(mean, scale, weights, float(own["bias"]), float(own["error"]))
        missing = {*EVIDENCE, "energy"} - fits.keys()
        if missing:
            raise ValueError(f"no {', '.join(sorted(missing))}")
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise FileError(f"{path} is no calibration ({error}): make one with `ttm-app corpus calibrate`") from error
    return Calibration(fits)
