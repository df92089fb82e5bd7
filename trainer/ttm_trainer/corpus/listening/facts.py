"""An estimate of half a minute of sound -> the facts of a clip in it: what is told, and how likely all of it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..caption.form_facts import COURSES
from .evidence import Sound
from .plans import SAID, Estimate, Passage

GLIMPSE = 1.0  # seconds of a passage within a clip, for it to count
TOGETHER = 0.5  # of a beat's chord within a clip


def clip_facts(sound: Sound, estimate: Estimate, start: float, seconds: float) -> dict:
    """What is told of `seconds` from `start` on (seconds in the sound), JSON-safe.

    As in composed pieces: tempo, bpm, key, tonality, metre, chords, drums, happens, plan; what is not likely enough
    has no entry. estimated: how likely each field's answer is right, told or not.
    """
    facts: dict = {}
    if estimate.tempo is not None:
        facts |= {"tempo": round(estimate.tempo, 1), "bpm": round(estimate.tempo)}
    if estimate.key is not None:
        facts |= {"key": estimate.key, "tonality": estimate.key.split(" ")[1]}
    if estimate.metre is not None:
        facts["metre"] = estimate.metre
    here = [
        passage
        for passage in estimate.passages
        if min(passage.end, start + seconds) - max(passage.begin, start) >= min(GLIMPSE, seconds / 2)
    ]
    within = (sound.times > start - TOGETHER * 60 / sound.beats.tempo) & (sound.times < start + seconds)
    facts |= _chords(estimate, within) | _drums(here)
    plan = estimate.plan.later(start)
    plan = replace(plan, start=round(plan.start, 4))
    if plan.tempo is None:  # it has one column for all the time of the clip
        plan = replace(plan, drums=here[0].drums if len({passage.drums for passage in here}) == 1 else None)
    sure = dict(estimate.confidence)
    sure["drums"] = min((passage.sure for passage in here), default=0.0)
    sure["chords"] = float(estimate.sure_chords[within].mean()) if within.any() else 0.0
    return facts | {"plan": plan.to_dict(), "estimated": {field: round(p, 3) for field, p in sorted(sure.items())}}


def _chords(estimate: Estimate, within: np.ndarray) -> dict:
    """The chords of a clip, each change once; nothing where a beat's is not likely enough, or beats are not."""
    symbols = [symbol for symbol, inside in zip(estimate.chords, within, strict=True) if inside]
    if estimate.confidence["beats"] < SAID or not symbols or not all(symbols):
        return {}
    return {"chords": [s for s, before in zip(symbols, ["", *symbols], strict=False) if s != before]}


def _drums(here: list[Passage]) -> dict:
    """Whether drums are heard in a clip, and how they come and go; nothing where one passage is not sure."""
    flags = [passage.drums for passage in here]
    if not flags or None in flags:
        return {"drums": True} if True in flags else {}
    course = [flag for flag, before in zip(flags, [None, *flags], strict=False) if flag != before]
    happens = COURSES.get(tuple(course))
    return {"drums": True in flags, "happens": [happens] if happens else []}
