"""Moments that are known exactly, for distances."""

from __future__ import annotations

import numpy as np

from ttm_trainer.evaluation.metrics.fad import Moments


def of_gaussian(mean: np.ndarray, covariance: np.ndarray) -> Moments:
    """Moments of a Gaussian given by its mean (D,) and covariance (D, D)."""
    values, vectors = np.linalg.eigh(np.asarray(covariance, dtype=np.float64))
    return Moments(np.asarray(mean, dtype=np.float64), np.sqrt(values.clip(0))[:, None] * vectors.T, 0)
