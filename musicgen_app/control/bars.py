"""How long a clip is that was asked for in bars of its plan, and what is played where it is a loop."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import RequestError
from .plan import Plan, Stretch
from .theory import bar_length


@dataclass(frozen=True)
class Extent:
    """How long a clip is. bars: where it was asked for in bars; loop: whether its end is followed by its beginning."""

    seconds: float
    bars: float | None = None
    loop: bool = False


def extent_in_bars(plan: Plan, bars: float | None, loop: bool, limits: tuple[float, float]) -> Extent:
    """The extent of so many bars of a plan or, for None, of its sections once through. limits: seconds, least and most.

    Raises RequestError: the plan has no tempo, a loop several, or the bars do not take a length within the limits.
    """
    what = "a loop" if loop else "a clip"
    if any(stretch.tempo is None for stretch in plan.stretches):
        raise RequestError(f"{what} in bars needs a tempo: name it in the prompt, such as 96 BPM, or as bpm")
    speeds = dict.fromkeys((stretch.tempo, stretch.metre) for stretch in plan.stretches)
    if loop and len(speeds) > 1:
        several = " and ".join(f"{tempo:g} BPM in {metre}" for tempo, metre in speeds)
        raise RequestError(f"a loop keeps one tempo and one metre, but the plan has {several}: keep one of them")
    count = sum(section.bars for section in plan.sections) if bars is None else bars
    seconds, (least, most) = seconds_of(plan, count), limits
    if not least <= seconds <= most:
        raise RequestError(
            f"{in_words(count)}: {seconds:.4g} s at {plan.stretches[0].tempo:g} BPM in {plan.stretches[0].metre}, but"
            f" {what} of this model takes {least:g} to {most:g} s: change the bars or the tempo"
        )
    return Extent(seconds, count, loop)


def in_words(bars: float) -> str:
    """Such as "8 bars"."""
    return f"{bars:g} bar{'s' * (bars != 1)}"


def seconds_of(plan: Plan, bars: float) -> float:
    """How long the first bars of a clip take, each in its own metre and at its own tempo. The plan has tempi."""
    seconds = 0.0
    for stretch, quarters in _played(plan):
        bar = bar_length(stretch.metre)
        here = min(bars, quarters / bar)
        seconds += here * bar * 60 / (stretch.tempo or math.nan)
        bars -= here
        if bars < 1e-9:
            break
    return seconds


def _played(plan: Plan) -> Iterator[tuple[Stretch, float]]:
    """The stretches of a clip in the order in which they are played, and quarter notes of each. Without end."""
    skipped = 0.0 if math.isinf(plan.quarters) or plan.ends else plan.start % plan.quarters
    while True:
        for stretch in plan.stretches:
            if skipped < stretch.quarters:
                yield stretch, stretch.quarters - skipped
            skipped = max(0.0, skipped - stretch.quarters)
        if plan.ends:
            yield plan.stretches[-1], math.inf


def cut_at_seam(plan: Plan, bars: float) -> str:
    """What of a plan does not go into a loop of so many bars a whole number of times: "chords"; else ""."""
    first = plan.stretches[0]
    turn = plan.quarters if plan.sections else sum(length for _, length in first.chords)
    rounds = bars * bar_length(first.metre) / turn if turn else 1.0
    if abs(rounds - round(rounds)) * turn < 1e-6 and round(rounds):
        return ""
    return f"{'sections' if plan.sections else 'chords'} of {in_words(turn / bar_length(first.metre))}"
