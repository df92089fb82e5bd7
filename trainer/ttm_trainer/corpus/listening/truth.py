"""What was heard in a composed piece, compared with its plan: which answers are right."""

from __future__ import annotations

import numpy as np

from musicgen_app.analysis.tempo import same
from musicgen_app.control.plan import Plan
from musicgen_app.control.theory import DARK_MODES, bar_length, parse_chord, tonic_and_mode

from .evidence import BLOCK, NEAR, Sound

MOST = 0.9  # share of the beats, or of the bar lines, that must be right


def right(sound: Sound, plan: Plan) -> dict[str, np.ndarray]:
    """For each row of the sound's evidence whether its answer is that of the plan (n,): 1, 0, or NaN where it has none.

    Of keys tonic and third count, of chords root and triad. Of drums it is whether they play. Also "energy" (blocks,):
    that of the plan. plan: with a tempo, from the beginning of the sound.
    """
    times = sound.times
    bars = times[sound.downbeats]
    which, place = _places(plan, times)
    tempo = _share([same(sound.beats.tempo, plan.stretches[i].tempo or 0.1) for i in which])
    on_beat = _share([_near(q, 1.0, plan.stretches[i].tempo) for i, q in zip(which, place, strict=True)])
    at_bar = zip(*_places(plan, bars), strict=True)
    on_bar = _share([_near(q, bar_length(plan.stretches[i].metre), plan.stretches[i].tempo) for i, q in at_bar])
    metre = _share([plan.stretches[i].metre == f"{sound.beats.metre}/4" for i in which])
    middles = times + 30 / sound.beats.tempo
    truth = {
        "tempo": [tempo >= MOST],
        "beats": [tempo >= MOST and on_beat >= MOST],
        "bars": [min(tempo, on_beat, on_bar, metre) >= MOST],
        "metre": [metre >= MOST],
        "key": [_share([_same_key(sound.key, plan.stretches[i].key) for i in which]) >= MOST],
        "chords": [
            _same_chord(chord.symbol, symbol)
            for chord, symbol in zip(sound.chords, _chords_at(plan, middles), strict=True)
        ],
    }
    drums, energy = _of_blocks(plan, sound.blocks)
    found = {name: np.array(values, dtype=float) for name, values in truth.items()}
    if plan.stretches[0].key is None:
        found["key"][:] = np.nan
    return found | {"drums": drums, "energy": energy}


def _share(values: list[bool]) -> float:
    return float(np.mean(values)) if values else 0.0


def _places(plan: Plan, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The number of the stretch at each moment, and quarter notes from its beginning."""
    quarters = plan.quarters_at(times)
    if not np.isinf(plan.quarters):
        quarters = np.where(quarters >= plan.quarters, quarters % plan.quarters, quarters)
    begins = np.array([stretch.start for stretch in plan.stretches])
    which = np.searchsorted(begins, quarters + 1e-6, side="right") - 1
    return which, quarters - begins[which]


def _near(quarters: float, unit: float, tempo: float | None) -> bool:
    """Whether a place is near a multiple of a length, both in quarter notes."""
    return abs(quarters - unit * round(quarters / unit)) * 60 / (tempo or 1) <= NEAR


def _same_key(heard: str, written: str | None) -> bool:
    if written is None:
        return False
    (a, mode), (b, other) = tonic_and_mode(heard), tonic_and_mode(written)
    return a == b and (mode in DARK_MODES) == (other in DARK_MODES)


def _same_chord(heard: str, written: str) -> float:
    """1, 0, or NaN where nothing is written."""
    if not written:
        return float("nan")
    a, b = parse_chord(heard), parse_chord(written)
    return float(a.root == b.root and _triad(a) == _triad(b))


def _triad(chord) -> tuple[int, ...]:
    steps = {(pitch - chord.root) % 12 for pitch in chord.pitches}
    return tuple(next((step for step in among if step in steps), -1) for among in ((4, 3), (7, 6, 8)))


def _chords_at(plan: Plan, times: np.ndarray) -> list[str]:
    """The symbols that sound at moments; "" where the plan says none."""
    found = []
    for number, place in zip(*_places(plan, times), strict=True):
        chords = plan.stretches[number].chords
        ends = np.cumsum([length for _, length in chords])
        at = np.searchsorted(ends, place % ends[-1], side="right") if len(chords) else 0
        found.append(chords[min(at, len(chords) - 1)][0] if chords else "")
    return found


def _of_blocks(plan: Plan, blocks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Drums (1, 0, or NaN where it changes or is not known) and energy of blocks."""
    drums, energy = np.full(len(blocks), np.nan), np.full(len(blocks), np.nan)
    for number, begin in enumerate(blocks):
        which, _ = _places(plan, begin + np.linspace(0.1, BLOCK - 0.1, 5))
        stretches = [plan.stretches[i] for i in set(which.tolist())]
        flags = {stretch.drums for stretch in stretches}
        if len(flags) == 1 and None not in flags:
            drums[number] = float(flags == {True})
        levels = [stretch.energy for stretch in stretches]
        if len(levels) == 1 and levels[0] is not None:
            energy[number] = levels[0]
    return drums, energy
