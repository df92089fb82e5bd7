"""What is heard in a recording that nobody wrote down: tempo, bar lines, key and chords, as a plan.

What is known better is told: a tempo, a metre, a key, where a bar begins. What is not clear is left open.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import replace

import numpy as np

from ..analysis.estimate import Estimate, estimate_plan
from ..control.plan import Plan
from ..control.theory import bar_length
from .bars import lines_of
from .source import Source

LISTENED = 60.0  # seconds of a recording
REMEMBERED = 32  # estimates: what is edited is often edited again

_known: OrderedDict[tuple, Estimate] = OrderedDict()


def heard_plan(
    source: Source,
    bpm: float | None = None,
    metre: str | None = None,
    key: str | None = None,
    downbeat: float | None = None,
    near: float = 0.0,
) -> tuple[Plan, list[str]]:
    """The plan that a recording seems to follow, and what to tell of it, a line each.

    near: a moment, in seconds; of a long recording what lies around it is listened to.
    """
    first = min(max(0.0, near - LISTENED / 2), max(0.0, source.seconds - LISTENED))
    begin = round(first * source.sample_rate)
    part = source.audio[:, begin : begin + round(LISTENED * source.sample_rate)]
    told = None if downbeat is None else downbeat - first
    found = _estimate(part, source.sample_rate, bpm, metre, told)
    plan = whole_bars(found.plan).later(-first)
    if key:
        plan = replace(plan, key=key)
    return plan, [f"heard in {source.name or 'the recording'}: {in_words(plan, source.seconds)}"]


def _estimate(part: np.ndarray, rate: int, bpm: float | None, metre: str | None, downbeat: float | None) -> Estimate:
    """As `estimate_plan`, of the same sound only once."""
    digest = hashlib.sha256(np.ascontiguousarray(part).tobytes()).hexdigest()
    asked = (digest, part.shape, rate, bpm, metre, downbeat)
    found = _known.pop(asked, None) or estimate_plan(part, rate, bpm, metre, downbeat)
    _known[asked] = found
    while len(_known) > REMEMBERED:
        _known.popitem(last=False)
    return found


def in_words(plan: Plan, seconds: float) -> str:
    """A plan that was heard, and what to say where it is wrong."""
    if plan.tempo is None:
        known = f"{plan.key}, but " if plan.key else ""
        return f"{known}no clear beat (say --bpm and --downbeat, the second of a bar line, if there is one)"
    line = float(lines_of(plan, seconds)[0])
    return f"{plan.describe()}, bar 1 at {line:.2f} s (if wrong: --bpm, --metre, --downbeat, --key, --plan)"


def corrected(plan: Plan, bpm: float | None, metre: str | None, key: str | None, downbeat: float | None) -> Plan:
    """A known plan with what is known better."""
    plan = replace(plan, tempo=bpm or plan.tempo, metre=metre or plan.metre, key=key or plan.key)
    if downbeat is not None and plan.tempo and not plan.sections:
        quarters = float(plan.quarters_at(np.array([downbeat]))[0])
        bar = bar_length(plan.metre)
        plan = replace(plan, start=plan.start - (quarters - round(quarters / bar) * bar))
    return plan


def whole_bars(plan: Plan) -> Plan:
    """A plan whose chords, which go round, go round in whole groups of four bars, or of one where they are shorter."""
    total, bar = sum(length for _, length in plan.chords), bar_length(plan.metre)
    if not total:
        return plan
    group = 4 * bar if total >= 4 * bar else bar
    missing = -total % group
    if missing > 1e-6:
        symbol, length = plan.chords[-1]
        plan = replace(plan, chords=(*plan.chords[:-1], (symbol, length + missing)))
    return plan
