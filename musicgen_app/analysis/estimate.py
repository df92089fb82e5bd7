"""A recording -> the plan that it seems to follow, and how far that can be trusted.

What is not sure is left open: without a clear beat there is no tempo and there are no chords.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..control.plan import Plan
from ..control.theory import key_name
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


def estimate_plan(audio: np.ndarray, sample_rate: int) -> Estimate:
    """The plan of a recording (channels, samples) of some ten seconds to a minute, whose tempo holds.

    The plan has no sections, and says nothing of drums. Its tempo counts quarter notes as beats; it may be twice or
    half of what was written.
    """
    mono = _at(audio.mean(axis=0), sample_rate)
    (tonic, mode), fit = key_of(chroma(mono, RATE))
    key = key_name(tonic, mode) if fit >= KEY else None
    beats = find_beats(mono, RATE)
    if beats.clarity < CLEAR or beats.certainty < CERTAIN:
        return Estimate(Plan(key=key), beats.clarity, beats.certainty, fit, 0.0)
    times = beats.times(len(mono) / RATE)
    downbeats = np.arange(len(times)) % beats.metre == beats.downbeat
    heard = find_chords(mono, RATE, times, downbeats)
    share = float(np.mean([chord.fit >= FITS for chord in heard]))
    return Estimate(_plan(beats, heard, key), beats.clarity, beats.certainty, fit, share)


def _plan(beats: Beats, heard: list[Heard], key: str | None) -> Plan:
    """The plan of beats with their chords. It begins with the bar in which the clip does."""
    before = -(-(beats.first * beats.tempo / 60 + beats.downbeat) // beats.metre) * beats.metre
    start = before - beats.downbeat - beats.first * beats.tempo / 60  # of the clip, in the piece
    lead = start + beats.first * beats.tempo / 60  # quarter notes before the first beat that was heard
    chords: list[tuple[str, float]] = [("", float(round(lead)))] if round(lead) else []
    for chord in heard:
        symbol = chord.symbol if chord.fit >= FITS else ""
        if chords and chords[-1][0] == symbol:
            chords[-1] = (symbol, chords[-1][1] + 1.0)
        else:
            chords.append((symbol, 1.0))
    return Plan(round(beats.tempo, 2), f"{beats.metre}/4", round(start, 4), key, tuple(chords))


def _at(mono: np.ndarray, sample_rate: int) -> np.ndarray:
    """Resampled to RATE."""
    from ..audio import resample

    return mono.astype(np.float32) if sample_rate == RATE else resample(mono[None], sample_rate, RATE)[0]
