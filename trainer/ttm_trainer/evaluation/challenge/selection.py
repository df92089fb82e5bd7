"""Candidates of several seeds for every prompt -> the set that is best by FAD and CLAP score.

UCSD's entry (Wang and Dubnov, section IV) ran each prompt "a few times with different random seeds" and submitted what
seemed to have the best FAD and CLAP scores; how both were weighed it does not say. Here the set with the lowest

    FAD - weight * mean CLAP score

is looked for. It begins with the best CLAP score of each prompt and exchanges one clip at a time, prompt after prompt,
as long as that makes the sum smaller. FAD belongs to the whole set, so no clip is best by itself. The challenge asks
for one generation a prompt without a choice: a set that was chosen is no valid submission, and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..clips.clips import Clip
from ..metrics import fad
from ..metrics.embeddings import Vectors

ROUNDS = 5  # at most, through all prompts


@dataclass(frozen=True)
class Selection:
    """chosen: for each prompt the number of its candidate. fad (None without a reference), clap: of a whole set, by
    "first" (the first candidate of each prompt, single shot), "by_clap" (the best CLAP score of each) and "chosen"."""

    chosen: list[int]
    fad: dict[str, float | None]
    clap: dict[str, float]

    def rows(self) -> dict:
        """JSON-safe."""
        return {name: {"FAD windowed": self.fad[name], "CLAP score": self.clap[name]} for name in self.clap}


def select(
    prompts: Sequence[str],
    candidates: Sequence[Sequence[Clip]],
    vectors: Vectors,
    reference: Sequence[Clip] | None,
    weight: float = 1.0,
    tick: Callable[[int, int], None] = lambda done, total: None,
) -> Selection:
    """Choose one of the candidates of each prompt. reference: real music; without it CLAP scores alone decide.

    tick(done, total) is called for every prompt of every round. Raises FileError for a clip that cannot be measured.
    """
    text = vectors.embedder.text(list(prompts)).astype(np.float64)
    own = [np.array([vectors.first(clip) @ row for clip in clips]) for clips, row in zip(candidates, text, strict=True)]
    starts = np.cumsum([0, *map(len, own)])[:-1]  # of each prompt's candidates among all of them
    by_clap = np.array([int(scores.argmax()) for scores in own])
    sets = {"first": np.zeros(len(own), dtype=int), "by_clap": by_clap, "chosen": by_clap.copy()}
    distance = None
    if reference is not None:
        real = np.concatenate([vectors.of(clip) for clip in reference])
        distance = fad.Distance([vectors.of(clip) for clips in candidates for clip in clips], fad.moments(real))
        sets["chosen"] = _exchange(by_clap, own, starts, distance, weight, tick)
    clap = {name: _clap(own, chosen) for name, chosen in sets.items()}
    far = {name: distance.exact(starts + chosen) if distance else None for name, chosen in sets.items()}
    return Selection(sets["chosen"].tolist(), far, clap)


def _exchange(
    begin: np.ndarray,
    own: list[np.ndarray],
    starts: np.ndarray,
    distance: fad.Distance,
    weight: float,
    tick: Callable[[int, int], None],
) -> np.ndarray:
    """The choice (prompts,) from which no exchange of a single clip makes the sum smaller, or after ROUNDS."""
    chosen = begin.copy()
    best = distance.fast(starts + chosen) - weight * _clap(own, chosen)
    for turn in range(ROUNDS):
        before = best
        for prompt, scores in enumerate(own):
            tick(turn * len(own) + prompt, ROUNDS * len(own))
            for candidate in range(len(scores)):
                if candidate == chosen[prompt]:
                    continue
                tried = chosen.copy()
                tried[prompt] = candidate
                value = distance.fast(starts + tried) - weight * _clap(own, tried)
                if value < best:
                    best, chosen = value, tried
        if best == before:
            break
    tick(ROUNDS * len(own), ROUNDS * len(own))
    return chosen


def _clap(own: list[np.ndarray], chosen: np.ndarray) -> float:
    return float(np.mean([scores[i] for scores, i in zip(own, chosen, strict=True)]))
