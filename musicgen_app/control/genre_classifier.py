"""Prompt -> the genre it means, where it does not name one.

People ask for "that wobbly robot sound" or "something for our first dance". A model that was trained on captions of
known genres comes with a linear classifier of their vectors (`genres.safetensors`). A genre that it is sure of is put
before the prompt, which then conditions the model as if it had been typed so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..errors import ModelError
from ..models.bundle import Bundle
from .genre_kin import nearest, occasion, ruled_out

FILE = "genres.safetensors"
SURE = 0.4  # probability from which on a genre is taken
LEFT = 0.05  # of the probability, at least, to genres that are not ruled out: below that it is a guess
NAME_LENGTH = 60  # characters


@dataclass(frozen=True)
class Genres:
    """The genres that a model knows, G of them, and a classifier of text vectors: weights (V, G), bias (G,) float32."""

    names: tuple[str, ...]
    weights: np.ndarray
    bias: np.ndarray

    def probabilities(self, vectors: np.ndarray) -> np.ndarray:
        """Text vectors (N, V or more) -> (N, G), each row of sum 1. Only the first V numbers of a vector count."""
        logits = vectors[:, : len(self.weights)] @ self.weights + self.bias
        grown = np.exp(logits - logits.max(axis=1, keepdims=True))
        return grown / grown.sum(axis=1, keepdims=True)

    def named(self, prompt: str) -> str:
        """The longest name of a genre that stands in a prompt; "" for none."""
        names = [n for n in self.names if re.search(rf"(?<!\w){re.escape(n)}(?!\w)", prompt, re.IGNORECASE)]
        return max(names, key=len, default="")

    def meant(self, prompt: str, vector: np.ndarray, styles: Sequence[str] = (), drums: bool | None = None) -> str:
        """The genre that a prompt with this vector (V or more,) means; "" where it names one, or none is likely.

        styles: those that the prompt asks for, of which the nearest known genre is taken; drums: whether it asks for
        or refuses them. Genres that it rules out are not meant.
        """
        if self.named(prompt):
            return ""
        kin = next(filter(None, (nearest(style, self.names) for style in (*styles, occasion(prompt)))), "")
        if kin:
            return kin
        (probabilities,) = self.probabilities(vector[None])
        out = ruled_out(prompt, drums)
        probabilities = np.where([name in out for name in self.names], 0, probabilities)
        likeliest = int(probabilities.argmax())
        sure = probabilities[likeliest] >= SURE * max(float(probabilities.sum()), 1e-9)
        return self.names[likeliest] if sure and probabilities.sum() >= LEFT else ""

    def tensors(self) -> dict[str, Tensor]:
        """As FILE keeps them: weights float16, bias float32, the names as UTF-8 JSON."""
        names = np.frombuffer(json.dumps(self.names).encode(), dtype=np.uint8).copy()
        weights, bias = torch.from_numpy(self.weights.astype(np.float16)), torch.from_numpy(self.bias)
        return {"weights": weights, "bias": bias, "names": torch.from_numpy(names)}


def with_genre(genre: str, prompt: str) -> str:
    """A prompt with the genre it means before it."""
    return f"{genre}. {prompt}" if genre else prompt


def is_name(value: object) -> bool:
    """Whether something can be the name of a genre."""
    return isinstance(value, str) and value.isprintable() and 0 < len(value) <= NAME_LENGTH


def reads_genres(bundle: Bundle) -> bool:
    """Whether a model comes with a classifier."""
    return FILE in bundle.config["files"]


def load_genres(bundle: Bundle) -> Genres | None:
    """The classifier that comes with a model; None where it has none. Raises ModelError."""
    if not reads_genres(bundle):
        return None
    given = bundle.load(FILE)
    try:
        names = tuple(json.loads(given["names"].numpy().tobytes()))
        weights, bias = given["weights"].float().numpy(), given["bias"].float().numpy()
        if weights.ndim != 2 or weights.shape[1:] != bias.shape or len(names) != len(bias) or not len(names):
            raise ValueError(f"{len(names)} names, weights {weights.shape}, bias {bias.shape}")
        if not all(map(is_name, names)):
            raise ValueError("a name that is none")
        if not (np.isfinite(weights).all() and np.isfinite(bias).all()):
            raise ValueError("values that are not finite")
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise ModelError(f"{bundle.path}: its {FILE} cannot be used ({error}); install the model again") from error
    return Genres(names, weights, bias)
