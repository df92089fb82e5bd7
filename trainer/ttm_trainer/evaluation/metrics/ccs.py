"""Concept coverage: the share of a prompt's concepts (genre, instrument, mood) that a judge hears in its clip.

CCS = hits / (3 N) for N prompts of three concepts each, a hit where the judge's number for yes is above that for no
(the challenge's final metric). Prompts that name fewer concepts are asked about those: hits / concepts.

A judge that likes to say yes scores high on anything, so the same judge is also asked about concepts of other prompts:
the share it claims to hear there is reported beside the score.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from musicgen_app.errors import FileError

from ..clips.clips import Clip
from ..clips.prompts import Prompt
from .judges import Answer, Concept, Judge


@dataclass(frozen=True)
class Verdict:
    """What a judge said of one clip: of the prompt's concepts, and of concepts of other prompts (may be empty)."""

    concepts: list[Concept]
    answers: list[Answer]
    foreign: list[Concept] = field(default_factory=list)
    foreign_answers: list[Answer] = field(default_factory=list)

    def rows(self) -> list[dict]:
        """JSON-safe."""
        pairs = zip(self.concepts, self.answers, strict=True)
        return [{"kind": kind, "concept": name, "heard": a.heard, **_numbers(a)} for (kind, name), a in pairs]


def judge_clips(
    judge: Judge,
    pairs: Sequence[tuple[Prompt, Clip]],
    control: bool,
    seed: int = 0,
    tick: Callable[[int, int], None] = lambda done, total: None,
) -> list[Verdict]:
    """Ask about every clip. control: also about concepts of other prompts. tick(done, total)."""
    foreign = _foreign([prompt for prompt, _ in pairs], seed) if control else [[] for _ in pairs]
    verdicts = []
    for number, ((prompt, clip), strange) in enumerate(zip(pairs, foreign, strict=True)):
        tick(number, len(pairs))
        own = list(prompt.concepts.items())
        try:
            answers = judge.ask(clip, own + strange)
        except FileError as error:
            answers = [Answer(float("nan"), float("nan"), str(error))] * (len(own) + len(strange))
        verdicts.append(Verdict(own, answers[: len(own)], strange, answers[len(own) :]))
    tick(len(pairs), len(pairs))
    return verdicts


def counts(
    verdicts: Sequence[Verdict], kind: str | None = None, foreign: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Hits and questions of each clip (n,), of one kind or of all; of its own concepts or of the foreign ones."""
    hits, asked = np.zeros(len(verdicts)), np.zeros(len(verdicts))
    for i, verdict in enumerate(verdicts):
        concepts = verdict.foreign if foreign else verdict.concepts
        answers = verdict.foreign_answers if foreign else verdict.answers
        for (its_kind, _), answer in zip(concepts, answers, strict=True):
            if kind in (None, its_kind):
                hits[i] += answer.heard
                asked[i] += 1
    return hits, asked


def unanswered(verdicts: Sequence[Verdict]) -> int:
    return sum(bool(np.isnan(answer.yes)) for verdict in verdicts for answer in verdict.answers)


def _foreign(prompts: Sequence[Prompt], seed: int) -> list[list[Concept]]:
    """For each prompt the concepts of another one, drawn at random, where they are not its own."""
    rng = np.random.default_rng(seed)
    rows = []
    for prompt in prompts:
        row = []
        for kind, name in prompt.concepts.items():
            strange = sorted({p.concepts[kind] for p in prompts if kind in p.concepts} - {name})
            if strange:
                row.append((kind, strange[rng.integers(len(strange))]))
        rows.append(row)
    return rows


def _numbers(answer: Answer) -> dict:
    """JSON has neither NaN nor infinity."""
    shown = {name: float(v) if np.isfinite(v) else None for name, v in (("yes", answer.yes), ("no", answer.no))}
    return shown | ({"note": answer.note} if answer.note else {})
