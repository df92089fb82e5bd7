"""Fréchet audio distance: how far two sets of embeddings are apart, each taken as a Gaussian.

    |m1 - m2|^2 + tr(C1) + tr(C2) - 2 tr((C1 C2)^(1/2))     Kilgour et al. 2019, arXiv 1812.08466

The last trace is that of the symmetric root (C1^½ C2 C1^½)^½. With any factors C = A'A it is the sum of the singular
values of A1 A2': no square root of a product is taken, nothing is squared, and covariances of low rank (fewer
embeddings than dimensions) need no special care.

The figure depends on the number of embeddings: few of them make it too large. `extrapolate` estimates its limit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Moments:
    """Mean (D,) and a factor A (r, D) of the covariance A'A (that of `numpy.cov`) of `count` embeddings."""

    mean: np.ndarray
    factor: np.ndarray
    count: int

    @property
    def trace(self) -> float:
        return float(np.square(self.factor).sum())


def moments(embeddings: np.ndarray) -> Moments:
    """Moments of embeddings (n, D), n >= 2. The factor has at most min(n, D) rows. ValueError: too few, not finite."""
    x = np.asarray(embeddings, dtype=np.float64)
    if x.ndim != 2 or len(x) < 2:
        raise ValueError("a covariance needs at least two embeddings")
    if not np.isfinite(x).all():
        raise ValueError("an embedding is not finite")
    mean = x.mean(axis=0)
    factor = (x - mean) / np.sqrt(len(x) - 1)
    if len(x) > x.shape[1]:
        factor = np.linalg.qr(factor, mode="r")
    return Moments(mean, factor, len(x))


def frechet(a: Moments, b: Moments) -> float:
    """Fréchet distance (squared, as FAD is always given) of two Gaussians, >= 0."""
    cross = np.linalg.svd(a.factor @ b.factor.T, compute_uv=False).sum()
    return max(0.0, float(np.square(a.mean - b.mean).sum() + a.trace + b.trace - 2 * cross))


class Distance:
    """The distance of resamples of one set of files to a fixed reference.

    embeddings: (files, k, D) or a list of (k_i, D), the windows of each file; reference: its moments.
    """

    def __init__(self, embeddings: list[np.ndarray] | np.ndarray, reference: Moments):
        sizes = [len(windows) for windows in embeddings]
        self.x = np.concatenate([np.asarray(windows, dtype=np.float64) for windows in embeddings])
        self.projected = self.x @ reference.factor.T  # (n, r)
        self.norms = np.square(self.x).sum(axis=1)
        self.rows = np.split(np.arange(len(self.x)), np.cumsum(sizes)[:-1])
        self.reference = reference

    def exact(self, files: np.ndarray) -> float:
        return frechet(moments(self.x[self._windows(files)]), self.reference)

    def fast(self, files: np.ndarray) -> float:
        """As `exact`, to about 1e-7 of the traces: the singular values come from the smaller Gram matrix."""
        rows = self._windows(files)
        n = len(rows)
        mean, projected = self.x[rows].mean(axis=0), self.projected[rows]
        centred = projected - projected.mean(axis=0)
        gram = centred.T @ centred if n > centred.shape[1] else centred @ centred.T
        cross = np.sqrt(np.linalg.eigvalsh(gram).clip(0) / (n - 1)).sum()
        trace = (self.norms[rows].sum() - n * mean @ mean) / (n - 1)
        return max(0.0, float(np.square(mean - self.reference.mean).sum() + trace + self.reference.trace - 2 * cross))

    def _windows(self, files: np.ndarray) -> np.ndarray:
        return np.concatenate([self.rows[i] for i in files])


@dataclass(frozen=True)
class Extrapolation:
    """A straight line through distances of subsets against 1 / embeddings: its value at 0 and how well it fits."""

    value: float
    r2: float
    points: list[tuple[int, float]]  # embeddings, mean distance


def extrapolate(distance: Distance, sizes: int = 8, draws: int = 8, seed: int = 0) -> Extrapolation | None:
    """The distance for endlessly many clips (FAD-infinity).

    Chong & Forsyth 2020, arXiv 1911.07023, for images; Gui et al. 2024, arXiv 2311.01616, for music.
    Subsets of a quarter to all of the files, without replacement, `draws` of each size. None with fewer than 16 files.
    """
    files = len(distance.rows)
    if files < 16:
        return None
    rng = np.random.default_rng(seed)
    points = []
    for size in np.linspace(files // 4, files, sizes).astype(int):
        subsets = [rng.permutation(files)[:size] for _ in range(draws if size < files else 1)]
        windows = [sum(len(distance.rows[i]) for i in subset) for subset in subsets]
        points.append((round(float(np.mean(windows))), float(np.mean([distance.fast(s) for s in subsets]))))
    x, y = 1 / np.array([n for n, _ in points]), np.array([value for _, value in points])
    slope, value = np.polyfit(x, y, 1)
    spread = np.square(y - y.mean()).sum()
    r2 = 1 - np.square(y - slope * x - value).sum() / spread if spread > 0 else 1.0
    return Extrapolation(float(value), float(r2), points)
