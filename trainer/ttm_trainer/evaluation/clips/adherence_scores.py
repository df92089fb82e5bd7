"""Targets and what is heard -> scores of every clip against every target, and their averages.

A measure gives a matrix (clips, targets), NaN where a target asks for nothing. The mean of its diagonal is the figure.
The mean of the other entries, the same clips against other prompts, is the floor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from musicgen_app.analysis.key import chords_kept, relative
from musicgen_app.analysis.tempo import same, same_octave

from ..metrics.bootstrap import Interval, bootstrap
from .clip_features import RATE, ClipFeatures
from .targets import Target

RANKED = 20  # prompts among which the own one is ranked
FEWEST = 5  # prompts that ask for something, for it to be measured
LEAST_WAY = 0.05  # from floor to ceiling, for a share of it to say something


@dataclass(frozen=True)
class Scores:
    """For each prompt (n,), means over its clips: the score against its own target, and against other ones (the floor).

    weight: how much each prompt counts.
    """

    ids: tuple[str, ...]
    own: np.ndarray
    floor: np.ndarray
    weight: np.ndarray

    def mean(self, values: np.ndarray, some: np.ndarray) -> float:
        return float(values[some] @ self.weight[some] / self.weight[some].sum())

    def value(self, **options) -> Interval:
        return bootstrap(lambda some: self.mean(self.own, some), len(self.own), **options)

    def chance(self, **options) -> Interval:
        return bootstrap(lambda some: self.mean(self.floor, some), len(self.floor), **options)

    def share(self, ceiling: float, **options) -> Interval | None:
        """The share of the way from floor to ceiling that is reached, 1 for all of it; None where there is none."""
        if ceiling - self.chance(resamples=0).value < LEAST_WAY:
            return None

        def gone(some: np.ndarray) -> float:
            floor = self.mean(self.floor, some)
            return (self.mean(self.own, some) - floor) / max(ceiling - floor, LEAST_WAY)

        return bootstrap(gone, len(self.own), **options)

    def gain(self, other: Scores, **options) -> Interval | None:
        """How much better these are than other scores of the same prompts; None without such."""
        theirs = dict(zip(other.ids, other.own, strict=True))
        both = np.array([name in theirs for name in self.ids])
        if not both.any():
            return None
        better = np.array([mine - theirs.get(name, mine) for name, mine in zip(self.ids, self.own, strict=True)])
        shared = np.flatnonzero(both)
        return bootstrap(lambda some: self.mean(better, shared[some]), len(shared), **options)


def measure(targets: Sequence[Target], heard: Sequence[ClipFeatures], text: np.ndarray) -> dict[str, Scores]:
    """All measures of clips and their targets, both (n,); text: the vectors (n, W) of the targets' texts.

    A measure is left out where fewer than `FEWEST` prompts ask for it.
    """
    matrices = _matrices(targets, heard, text)
    drums = [target.drums for target in targets]
    scores = {name: _scores(targets, matrix, drums if name == "drums" else None) for name, matrix in matrices.items()}
    found = {"alignment": scores.pop("alignment")} | _ranked(targets, matrices["alignment"]) | scores
    return {name: each for name, each in found.items() if each is not None}


def joined(parts: Sequence[dict[str, Scores]]) -> dict[str, Scores]:
    """The measures of all parts together; a clip's floor is still that of its part."""
    together = {}
    for name in dict.fromkeys(name for part in parts for name in part):
        each = [part[name] for part in parts if name in part]
        arrays = (np.concatenate([getattr(scores, field) for scores in each]) for field in ("own", "floor", "weight"))
        together[name] = Scores(tuple(i for scores in each for i in scores.ids), *arrays)
    return together


def _matrices(targets: Sequence[Target], heard: Sequence[ClipFeatures], text: np.ndarray) -> dict[str, np.ndarray]:
    def each(score: Callable[[ClipFeatures, Target], float | None]) -> np.ndarray:
        rows = [[score(h, t) for t in targets] for h in heard]
        return np.array([[np.nan if value is None else float(value) for value in row] for row in rows])

    return {
        "alignment": np.stack([h.vector for h in heard]).astype(float) @ text.T,
        "genre": each(lambda h, t: _genre(h, t, 1)),
        "genre among 3": each(lambda h, t: _genre(h, t, 3)),
        "instruments": each(_instruments),
        "drums": each(lambda h, t: None if None in (h.drums, t.drums) else h.drums == t.drums),
        "tempo": each(lambda h, t: None if t.tempo is None else same(h.tempo, t.tempo)),
        "tempo or octave": each(lambda h, t: None if t.tempo is None else same_octave(h.tempo, t.tempo)),
        "key": each(lambda h, t: None if t.key is None else h.key == t.key),
        "key or relative": each(lambda h, t: None if t.key is None else h.key in (t.key, relative(t.key))),
        "chords": np.array([_chords(h, targets) for h in heard]),
    }


def _chords(heard: ClipFeatures, targets: Sequence[Target]) -> list[float]:
    """For each target that names chords, the share of the whole bars of a clip in which its chord fits best."""
    if heard.clip is None or all(target.plan is None for target in targets):
        return [np.nan] * len(targets)
    wave = heard.clip.wave(RATE)
    kept = [chords_kept(wave, RATE, target.plan) if target.plan else [] for target in targets]
    return [float(np.mean(bars)) if bars else np.nan for bars in kept]


def _genre(heard: ClipFeatures, target: Target, first: int) -> bool | None:
    return target.genre in heard.genres[:first] if target.genre in heard.genres else None


def _instruments(heard: ClipFeatures, target: Target) -> float | None:
    """The share of the instruments asked for that are heard, of those the attribute probe knows."""
    told = heard.instruments or {}
    known = [told[name] for name in target.instruments if name in told]
    return float(np.mean(known)) if known else None


def _scores(targets: Sequence[Target], matrix: np.ndarray, answers: Sequence[object] | None = None) -> Scores | None:
    """Own and floor of each prompt that asks for something; None where fewer than `FEWEST` do.

    answers: of each target; prompts with one answer count as much together as those with another, so that always saying
    the same is no better than chance.
    """
    names = np.array([target.id for target in targets])
    given = np.array([None] * len(targets) if answers is None else answers, dtype=object)
    own = np.diag(matrix)
    firsts = {name: number for number, name in reversed(list(enumerate(names.tolist()))) if np.isfinite(own[number])}
    ids = [name for name in dict.fromkeys(names.tolist()) if name in firsts]
    if len(ids) < FEWEST:
        return None
    of = np.array([given[firsts[name]] for name in ids], dtype=object)
    floor = []
    for name in ids:
        rows = matrix[names == name]
        columns = [(names != name) & np.isfinite(own) & (given == answer) for answer in set(of.tolist())]
        floor.append(np.mean([np.nanmean(rows[:, these]) for these in columns if these.any()]))
    weight = np.array([1 / (of == answer).sum() for answer in of])
    return Scores(tuple(ids), np.array([np.nanmean(own[names == name]) for name in ids]), np.array(floor), weight)


def _ranked(targets: Sequence[Target], alignment: np.ndarray) -> dict[str, Scores]:
    """How often the own prompt is the first, or among the first three, of up to 20 prompts drawn for each clip.

    alignment: (clips, texts). The floor is what chance gives.
    """
    names = np.array([target.id for target in targets])
    texts = {name: number for number, name in reversed(list(enumerate(names.tolist())))}
    among = min(RANKED, len(texts))
    if among < FEWEST:
        return {}
    rng = np.random.default_rng(0)
    places: dict[str, list[int]] = {}
    for number, name in enumerate(names.tolist()):
        others = rng.choice([column for other, column in texts.items() if other != name], among - 1, replace=False)
        places.setdefault(name, []).append(int((alignment[number, others] >= alignment[number, number]).sum()))
    ids = tuple(places)
    return {
        f"top {first} of {among}": Scores(
            ids,
            np.array([np.mean(np.array(places[name]) < first) for name in ids]),
            np.full(len(ids), first / among),
            np.ones(len(ids)),
        )
        for first in (1, 3)
    }
