"""Captions of known genre -> the classifier of text vectors that `musicgen_app.control.genre_classifier` reads."""

from __future__ import annotations

from collections import Counter

import numpy as np
import torch
import torch.nn.functional as F

from musicgen_app.control.genre_classifier import Genres

LEAST = 2  # genres
RARE = 0.01  # of the captions of the commonest genre: below that one is left out
DECAY = 1e-3  # of the squared weights
SCALE = 8.0  # of the vectors, which are of length 1
ITERATIONS = 200


def fit(vectors: np.ndarray, labels: list[str]) -> Genres | None:
    """Multinomial logistic regression of text vectors (N, V) on their genres; None where there are fewer than two.

    All genres count alike, however many captions they have; rare ones are left out. Same data, same weights.
    """
    counts = Counter(labels)
    names = tuple(sorted(name for name in counts if counts[name] >= RARE * max(counts.values())))
    if len(names) < LEAST:
        return None
    known = [i for i, label in enumerate(labels) if label in names]
    x = torch.from_numpy(vectors[known].astype(np.float32)) * SCALE
    y = torch.tensor([names.index(labels[i]) for i in known])
    share = len(y) / (len(names) * torch.bincount(y, minlength=len(names)).float())
    weights = torch.zeros(x.shape[1], len(names), requires_grad=True)
    bias = torch.zeros(len(names), requires_grad=True)
    optimizer = torch.optim.LBFGS([weights, bias], max_iter=ITERATIONS, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        value = F.cross_entropy(x @ weights + bias, y, share) + DECAY * weights.square().sum()
        value.backward()
        return value

    optimizer.step(loss)
    return Genres(names, (weights * SCALE).detach().numpy(), bias.detach().numpy())
