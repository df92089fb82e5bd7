"""A recording -> the plan that it seems to follow, and how far that can be trusted.

What is not sure is left open: without a clear beat there is no tempo and there are no chords.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..control.plan import Plan
from ..control.theory import bar_length, key_name
from .beats import Beats, find_beats
from .chords import Heard, find_chords
from .key import chroma, key_of

RATE = 24_000  # Hz that are listened to
CLEAR, CERTAIN = 0.15, 0.5  # of `Beats`: from there on beats and bar lines are taken
FITS = 0.6  # of a chord
KEY = 0.6  # correlation with the profile of a key from which on it is taken


@dataclass(frozen=True)
class Estimate:
    """A plan, and what it was estimated from: each number says how sure the part of the plan is, from 0 on.

    chords: share of the beats whose chord fits.
    """

    plan: Plan
    beat: float
    bar: float
    key: float
    chords: float


def estimate_plan(
    audio: np.ndarray,
    sample_rate: int,
    tempo: float | None = None,
    metre: str | None = None,
    downbeat: float | None = None,
) -> Estimate:
    """The plan of a recording (channels, samples) of some ten seconds to a minute, whose tempo holds.

    The plan has no sections, and says nothing of drums. Its tempo counts quarter notes as beats; it may be twice or
    half of what was written. What is known may be told: the tempo in quarter notes a minute, the metre, and the second
    at which some bar begins. A tempo that is told is believed, however unclear the beat.
    """
    mono = _at(audio.mean(axis=0), sample_rate)
    (tonic, mode), fit = key_of(chroma(mono, RATE))
    key = key_name(tonic, mode) if fit >= KEY else None
    bar = bar_length(metre) if metre else None
    beats = find_beats(mono, RATE, tempo, int(bar) if bar in (3.0, 4.0) else None)
    sure = beats.certainty >= CERTAIN or downbeat is not None
    if tempo is None and (beats.clarity < CLEAR or not sure):
        return Estimate(Plan(key=key), beats.clarity, beats.certainty, fit, 0.0)
    beat = 60 / beats.tempo
    line = beats.first + beats.downbeat * beat
    if downbeat is not None:
        line = downbeat
        beats = replace(beats, first=downbeat % beat)
    times = beats.times(len(mono) / RATE)
    bar = bar or float(beats.metre)
    inside = (times - line) / beat % bar
    downbeats = np.minimum(inside, bar - inside) < 0.25
    heard = find_chords(mono, RATE, times, downbeats)
    share = float(np.mean([chord.fit >= FITS for chord in heard])) if heard else 0.0
    plan = _plan(beats, heard, key, metre or f"{beats.metre}/4", line)
    return Estimate(plan, beats.clarity, beats.certainty, fit, share)


def _plan(beats: Beats, heard: list[Heard], key: str | None, metre: str, line: float) -> Plan:
    """The plan of beats and chords; a bar begins at `line` seconds. It begins with the bar in which the clip does."""
    start = round(-line * beats.tempo / 60 % bar_length(metre), 4)  # of the clip, in the piece
    start = 0.0 if start == bar_length(metre) else start
    lead = start + beats.first * beats.tempo / 60  # quarter notes before the first beat that was heard
    chords: list[tuple[str, float]] = [("", float(round(lead)))] if round(lead) else []
    for chord in heard:
        symbol = chord.symbol if chord.fit >= FITS else ""
        if chords and chords[-1][0] == symbol:
            chords[-1] = (symbol, chords[-1][1] + 1.0)
        else:
            chords.append((symbol, 1.0))
    return Plan(round(beats.tempo, 2), metre, start, key, tuple(chords))


def _at(mono: np.ndarray, sample_rate: int) -> np.ndarray:
    """Resampled to RATE."""
    from ..audio import resample

    return mono.astype(np.float32) if sample_rate == RATE else resample(mono[None], sample_rate, RATE)[0]
