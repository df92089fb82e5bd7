"""What was heard in a stretch of sound -> what of it is likely enough to be told, and the plan that this makes.

What is not likely enough is left open: without beats there is no tempo in a plan, without bar lines its beats are
counted by themselves, a chord that is not clear has no symbol, and drums may be unknown for a while.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from musicgen_app.control.plan import Chords, Plan, Section

from ..changes import level_stretches
from .calibration import Calibration
from .evidence import Sound

SAID = 0.8  # how likely an answer must be right to be told
SAID_OF_ENERGY = 0.6  # a number, which is never quite right nor quite wrong
LEAST, STEP = 2, 0.4  # blocks of a section; what the likelihood of drums, or the energy, must differ by
GRAIN = 2  # digits of a tempo


class Passage(NamedTuple):
    """A stretch of the sound, in seconds, whether drums play in it and its energy, or None where that is not sure."""

    begin: float
    end: float
    drums: bool | None
    sure: float  # how likely the drums are right
    energy: float | None


@dataclass(frozen=True, eq=False)
class Estimate:
    """What is told of a sound. confidence: how likely each field's answer is right, told or not.

    tempo: quarter notes a minute, metre and key: None where they are not likely enough; chords: one a beat, "" where
    it is not; sure_chords: how likely each is right (B,); plan: from the beginning of the sound, where there are beats
    with all of it, else with the key alone.
    """

    confidence: dict[str, float]
    tempo: float | None
    metre: str | None
    key: str | None
    chords: tuple[str, ...]
    sure_chords: np.ndarray
    passages: tuple[Passage, ...]
    plan: Plan


def estimate(sound: Sound, calibration: Calibration) -> Estimate:
    """What is likely enough of what was heard."""
    likely = {
        field: float(calibration.probability(field, sound.evidence[field])[0])
        for field in ("tempo", "beats", "bars", "metre", "key")
    }
    # Bars that are right are on beats that are, and those keep the tempo.
    likely["beats"] = max(likely["beats"], likely["bars"])
    likely["tempo"], likely["metre"] = max(likely["tempo"], likely["beats"]), max(likely["metre"], likely["bars"])
    sure = calibration.probability("chords", sound.evidence["chords"]) if sound.chords else np.zeros(0)
    chords = tuple(chord.symbol if p >= SAID else "" for chord, p in zip(sound.chords, sure, strict=True))
    passages = _passages(sound, calibration)
    likely["energy"] = calibration.energy_confidence
    key = sound.key if likely["key"] >= SAID else None
    tempo = round(sound.beats.tempo, GRAIN) if likely["tempo"] >= SAID else None
    metre = f"{sound.beats.metre}/4" if likely["metre"] >= SAID else None
    plan = _plan(sound, likely, key, chords, passages) if likely["beats"] >= SAID else Plan(key=key)
    return Estimate(likely, tempo, metre, key, chords, sure, passages, plan)


def _passages(sound: Sound, calibration: Calibration) -> tuple[Passage, ...]:
    """The sound cut where drums enter or leave, or the energy changes."""
    beaten = calibration.probability("drums", sound.evidence["drums"])
    energy = calibration.energy(sound.evidence["drums"])
    tell = calibration.energy_confidence >= SAID_OF_ENERGY
    found: list[Passage] = []
    values = np.stack([beaten, energy * tell], axis=1)
    for first, end in level_stretches(values, LEAST, STEP):
        share = float(beaten[first:end].mean())
        drums = True if share >= SAID else False if share <= 1 - SAID else None
        until = sound.seconds if end == len(beaten) else float(sound.blocks[end])
        level = round(float(energy[first:end].mean()), 2) if tell else None
        found.append(Passage(float(sound.blocks[first]), until, drums, max(share, 1 - share), level))
    return tuple(found)


def _plan(
    sound: Sound, likely: dict[str, float], key: str | None, chords: tuple[str, ...], passages: tuple[Passage, ...]
) -> Plan:
    """The plan of a sound with beats: it begins with the bar, or the beat, in which the sound does."""
    barred = likely["bars"] >= SAID
    metre, downbeat = (sound.beats.metre, sound.beats.downbeat) if barred else (1, 0)
    tempo = round(sound.beats.tempo, GRAIN)
    first = sound.beats.first * tempo / 60  # beats from the beginning of the sound to its first beat
    start = math.ceil((first + downbeat) / metre - 1e-6) * metre - downbeat - first
    lead = round(start + first)  # beats of the plan before the first one that was heard
    edges = [round((start + passage.begin * tempo / 60) / metre) * metre for passage in passages[1:]]
    last = math.ceil((start + sound.seconds * tempo / 60) / metre - 1e-6) * metre
    sounding = ([""] * lead + list(chords) + [""] * last)[:last]
    sections: list[Section] = []
    for passage, begin, end in zip(passages, [0, *edges], [*edges, last], strict=True):
        if end > begin:
            bars = (end - begin) / (metre if barred else 4)
            row = _joined(sounding[begin:end])
            sections.append(Section(bars, chords=row, drums=passage.drums, energy=passage.energy))
    return Plan(
        tempo, f"{metre if barred else 4}/4", round(max(0.0, start), 4), key, sections=tuple(sections),
        counted="bar" if barred else "beat",
    )  # fmt: skip


def _joined(symbols: list[str]) -> Chords:
    """(symbol, quarter notes), neighbours as one; nothing where no chord is known."""
    found: list[tuple[str, float]] = []
    for symbol in symbols:
        if found and found[-1][0] == symbol:
            found[-1] = (symbol, found[-1][1] + 1.0)
        else:
            found.append((symbol, 1.0))
    return tuple(found) if any(symbols) else ()
