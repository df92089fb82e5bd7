"""An edit of a recording -> the new timeline: how long it is, where the recording lies on it, which spans are made.

Spans are in samples of the recording's own rate. All outside them is kept to the bit; within them, what is made fades
in and out over what was there, in `FADE` seconds. So a recording that goes on is made anew from `FADE` before its end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..control.plan import Plan
from ..errors import RequestError
from ..request import SECONDS
from ..songbook.wishes import RING
from .bars import NEAR, NO_TEMPO, bars_of, lines_of, span_of
from .edit import Edit

FADE = 0.03  # seconds
LEAST = 0.1  # seconds of a region
BAR = 2.0  # seconds of a bar of an ending whose tempo is not known


@dataclass(frozen=True)
class Timeline:
    """samples: of the new recording; offset: where the old one begins on it; spans: what is made, [begin, end), in
    order and apart; ends: whether the last of them fades into silence."""

    samples: int
    offset: int
    spans: tuple[tuple[int, int], ...]
    ends: bool = False

    def kept(self, source: int) -> list[tuple[int, int]]:
        """What is kept of a recording of so many samples: stretches of the new timeline, in order."""
        edges = [self.offset, *(edge for span in self.spans for edge in span), self.offset + source]
        pairs = zip(edges[::2], edges[1::2], strict=True)
        found = [(max(begin, self.offset), min(end, self.offset + source)) for begin, end in pairs]
        return [(begin, end) for begin, end in found if begin < end]


def lay_out(edit: Edit, samples: int, rate: int, plan: Plan | None) -> Timeline:
    """The timeline of a checked edit of a recording of so many samples, `rate` a second, with its plan.

    Raises RequestError: regions outside it or over one another, bars without a tempo, a result that is too long.
    """
    if edit.kind in ("continue", "ending"):
        timeline = _longer(edit, samples, rate, plan)
    elif edit.regions:
        timeline = Timeline(samples, 0, _regions(edit, samples, rate, plan))
    else:
        timeline = Timeline(samples, 0, ((0, samples),))
    if timeline.samples > SECONDS[1] * rate:
        raise RequestError(f"that would make {timeline.samples / rate:,.0f} s: the longest is {SECONDS[1]:,.0f} s")
    return timeline


def _longer(edit: Edit, samples: int, rate: int, plan: Plan | None) -> Timeline:
    fade, ends, seconds = round(FADE * rate), edit.kind == "ending", samples / rate
    if ends and (plan is None or _timeless(plan)):
        added = (edit.bars or 0) * BAR
    elif edit.bars is None:
        added = edit.seconds or 0.0
    else:
        added = _bars(edit, seconds, plan)
    added = round((added + RING * ends) * rate)
    if edit.left:
        return Timeline(samples + added, added, ((0, added + fade),))
    return Timeline(samples + added, 0, ((samples - fade, samples + added),), ends)


def _bars(edit: Edit, seconds: float, plan: Plan | None) -> float:
    """Seconds that so many bars add, so that the result ends, or with `left` begins, on a bar line."""
    if plan is None or _timeless(plan):
        raise RequestError(NO_TEMPO)
    count, first = edit.bars or 0, bars_of(plan, seconds)[0]
    length = first.seconds
    if edit.left:
        return count * length - float(lines_of(plan, seconds)[0])
    ahead = lines_of(plan, seconds + 2 * (count + 2) * length)
    nearest = int(np.argmin(np.abs(ahead - seconds - 1e-3)))  # half way between two, the later one
    return float(ahead[min(nearest + count, len(ahead) - 1)]) - seconds


def _timeless(plan: Plan) -> bool:
    return any(stretch.tempo is None for stretch in plan.stretches)


def _regions(edit: Edit, samples: int, rate: int, plan: Plan | None) -> tuple[tuple[int, int], ...]:
    """The regions of an edit as spans, those that touch as one."""
    seconds, spans = samples / rate, []
    for region in edit.regions:
        if region.bars:
            if plan is None or _timeless(plan):
                raise RequestError(NO_TEMPO)
            begin, end = span_of(plan, int(region.start), int(region.end), seconds)
        else:
            begin, end = region.start, region.end
        if end > seconds + NEAR or begin >= seconds:
            raise RequestError(f"the region {begin:g}-{end:g} s lies outside the recording, which has {seconds:.2f} s")
        if min(end, seconds) - begin < LEAST:
            raise RequestError(f"the region {begin:g}-{end:g} s is too short: give it {LEAST:g} s or more")
        spans.append((round(begin * rate), min(round(end * rate), samples)))
    spans.sort()
    joined = [spans[0]]
    for begin, end in spans[1:]:
        if begin < joined[-1][1] - 1:
            raise RequestError(f"two regions overlap at {begin / rate:.2f} s: give each stretch once")
        if begin <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((begin, end))
    return tuple(joined)
