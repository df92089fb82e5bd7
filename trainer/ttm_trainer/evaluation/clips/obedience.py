"""A clip and the plan it was made to -> whether it follows: chords bar by bar, tempo, key, drums and energy.

The plan says when everything should happen, so nothing has to be found first: each chord's stretch is compared with all
chords of the plan, the beat is looked for near the tempo, and sections are compared with one another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from musicgen_app.analysis.beats import find_beats
from musicgen_app.analysis.key import LOWEST, fold, frame_times, key, relative, semitones
from musicgen_app.analysis.tempo import onsets
from musicgen_app.control.plan import Plan
from musicgen_app.control.theory import DARK_MODES, bar_length, parse_chord, pitch_class

SHORTEST = 0.4  # seconds of a chord that is listened to
BASS = 55 - LOWEST  # semitones of the spectrum that are bass


@dataclass(frozen=True)
class ChordHeard:
    """One stretch of a chord: its symbol, seconds, and whether it is the one of the plan's chords that fits best.

    bass: of a chord over another bass than its root, whether that is the strongest low note; None for the others.
    """

    symbol: str
    start: float
    end: float
    kept: bool
    bass: bool | None = None


def chord_stretches(plan: Plan, seconds: float) -> Iterator[tuple[str, float, float]]:
    """(symbol, start, end) in seconds of the clip of every chord that sounds in a plan with a tempo, bar by bar.

    A chord longer than a bar is counted once a bar.
    """
    moments = np.arange(0, seconds, 0.005)
    quarters = plan.quarters_at(moments)
    whole = plan.quarters
    begin, before = 0.0, None
    for moment, quarter in zip(moments, quarters, strict=True):
        place = quarter % whole if np.isfinite(whole) and not plan.ends else quarter
        now = _at(plan, place)
        if before is not None and now != before:
            if before[0]:
                yield before[0], begin, float(moment)
            begin = float(moment)
        before = now
    if before is not None and before[0]:
        yield before[0], begin, seconds


def _at(plan: Plan, quarter: float) -> tuple[str, int, int, int]:
    """The chord at a place of the piece, "" for none, with the numbers of its section, bar and chord."""
    for number, stretch in enumerate(plan.stretches):
        place = quarter - stretch.start
        if 0 <= place < stretch.quarters:
            if not stretch.chords:
                return "", number, 0, 0
            ends = np.cumsum([length for _, length in stretch.chords])
            index = int(np.searchsorted(ends, place % ends[-1], side="right"))
            rounds = int(place // ends[-1])
            return stretch.chords[index][0], number, int(place // bar_length(stretch.metre)), rounds * len(ends) + index
    return "", -1, 0, 0


def chords_heard(audio: np.ndarray, sample_rate: int, plan: Plan) -> list[ChordHeard]:
    """What became of each chord of a plan with a tempo in mono audio (N,)."""
    levels = np.sqrt(semitones(audio, sample_rate))
    times = frame_times(len(levels), sample_rate)
    found = list(chord_stretches(plan, len(audio) / sample_rate))
    symbols = sorted({symbol for symbol, _, _ in found})
    if not symbols:
        return []
    marks = np.stack([_standard(np.isin(np.arange(12), parse_chord(symbol).pitches)) for symbol in symbols])
    heard = []
    for symbol, start, end in found:
        here = (times >= start + 0.1) & (times < end)  # what rang before dies away
        if end - start < SHORTEST or not here.any():
            continue
        fits = marks @ fold(levels[here]).sum(axis=0)
        own = fits[symbols.index(symbol)]
        chord = parse_chord(symbol)
        low = fold(levels[here][:, :BASS]).sum(axis=0)
        bass = None if chord.bass == chord.root else bool(low.argmax() == chord.bass)
        heard.append(ChordHeard(symbol, start, end, bool(own >= fits.max() - 1e-9), bass))
    return heard


def tempo_error(audio: np.ndarray, sample_rate: int, tempo: float) -> float:
    """How far the beat is from a tempo, in percent; half or a third of a beat counts as the beat."""
    found = find_beats(audio, sample_rate).tempo
    ratios = [found / tempo * factor for factor in (1, 2, 1 / 2, 3, 1 / 3, 2 / 3, 3 / 2, 4 / 3, 3 / 4)]
    return 100 * min(abs(ratio - 1) for ratio in ratios)


def key_heard(audio: np.ndarray, sample_rate: int, wanted: str) -> tuple[bool, bool]:
    """Whether a key such as "F# minor" is heard, and whether it or its relative is."""
    note, _, mode = wanted.partition(" ")
    own, found = (pitch_class(note), "minor" if mode in DARK_MODES else "major"), key(audio, sample_rate)
    return found == own, found in (own, relative(own))


def section_levels(audio: np.ndarray, sample_rate: int, plan: Plan) -> list[dict]:
    """Of each section that sounds for two seconds or more: its wishes, how struck it sounds and how loud it is.

    {"drums", "energy", "struck": mean onset strength of what is low and what is high, "loud": dB}.
    """
    strength, rate = onsets(audio, sample_rate)
    seconds = len(audio) / sample_rate
    moments = np.arange(0, seconds, 0.01)
    quarters = plan.quarters_at(moments)
    place = quarters if plan.ends or not np.isfinite(plan.quarters) else quarters % plan.quarters
    rows = []
    for stretch in plan.stretches:
        inside = moments[(place >= stretch.start) & (place < stretch.start + stretch.quarters)]
        if len(inside) < 200:
            continue
        frames = (inside * rate).astype(int).clip(max=len(strength) - 1)
        samples = np.concatenate([audio[int(m * sample_rate) : int((m + 0.01) * sample_rate)] for m in inside])
        rows.append(
            {
                "drums": stretch.drums,
                "energy": stretch.energy,
                "struck": float(strength[frames][:, [0, 3]].mean()),
                "loud": float(10 * np.log10((samples**2).mean() + 1e-9)),
            }
        )
    return rows


def same_performance(one: np.ndarray, other: np.ndarray, sample_rate: int) -> float:
    """Correlation of the onsets of two clips of one length: 1 where they strike at the same moments."""
    pair = [onsets(audio, sample_rate)[0].sum(axis=1) for audio in (one, other)]
    smooth = np.ones(5) / 5  # within 40 ms is the same moment
    a, b = (np.convolve(strength, smooth, "same") for strength in pair)
    return float(np.corrcoef(a, b)[0, 1]) if a.std() > 0 and b.std() > 0 else 0.0


def _standard(marks: np.ndarray) -> np.ndarray:
    return (marks - marks.mean()) / marks.std()
