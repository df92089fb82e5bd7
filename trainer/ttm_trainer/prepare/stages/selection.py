"""The stage "segments": which of the scored candidates are trained on.

The rule is that of score-aware training (arXiv 2606.07387, section II-A): candidates scored 0.33 and more are of the
high tier, those scored 0.20 and more of the medium one, the others are left out. Six random ones of the high tier are
kept where a track has as many, else all of them and the best of the medium tier.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from ...data.track import part_count
from ...runtime.stage_runner import Rows, load_part
from ..prepared_folder import SPLITS
from .candidates import random
from .worker import Worker


class Segments(Worker):
    """The work of the stage "segments": the scores of all candidates -> the items, in one part."""

    name = "segments"

    @cached_property
    def settings(self) -> dict:
        p = self.preparation
        rule = {"keep": p.keep, "high": p.high, "medium": p.medium} if p.seconds is not None else {}
        return {"scores": self.made_from("scores"), "seed": p.seed, **rule}

    def __call__(self, part: int) -> Rows:
        chosen = []
        for number in range(part_count(len(self.tracks))):
            rows = load_part(self.folder, "scores", number)
            place = self._kept(rows)
            columns = {name: rows[name][place] for name in ("track", "start", "seconds", "score")}
            columns["split"] = np.array([SPLITS.index(self.tracks[track].split) for track in columns["track"]], np.int8)
            chosen.append(columns | {"part": np.full(len(place), number, np.int32), "row": place.astype(np.int32)})
        return {name: np.concatenate([columns[name] for columns in chosen]) for name in chosen[0]}

    def _kept(self, rows: Rows) -> np.ndarray:
        """Rows of a part of "scores" to keep, in their order: all of them where whole tracks are wanted."""
        p = self.preparation
        if p.seconds is None:
            return np.arange(len(rows["track"]))
        assert p.high is not None and p.medium is not None  # see `with_tiers`
        kept = [np.zeros(0, np.int64)]
        for track in np.unique(rows["track"]):
            own = np.flatnonzero(rows["track"] == track)
            rng = random(p.seed, self.tracks[track].id, "kept")
            kept.append(own[keep(rows["score"][own], p.high, p.medium, p.keep, rng)])
        return np.concatenate(kept)


def tiers(scores: np.ndarray, high: float, medium: float) -> np.ndarray:
    """2 for high, 1 for medium, 0 for low; a score that is not a number is low."""
    return (scores >= high).astype(np.int64) + (scores >= medium)


def keep(scores: np.ndarray, high: float, medium: float, count: int, rng: np.random.Generator) -> np.ndarray:
    """Places in `scores` of the candidates of one track to keep, at most `count`, in their order.

    The paper does not say what happens to files with fewer than six that can be kept: here all of those are.
    """
    tier = tiers(scores, high, medium)
    best, rest = np.flatnonzero(tier == 2), np.flatnonzero(tier == 1)
    if len(best) >= count:
        return np.sort(rng.choice(best, count, replace=False))
    rest = rest[np.argsort(-scores[rest], kind="stable")]
    return np.sort(np.concatenate([best, rest[: count - len(best)]]))
