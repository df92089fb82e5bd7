"""A plan -> the grid (T, W) of numbers that tells a generator of every frame.

A network that sees 12 frames a second of noise cannot keep count of the beat by itself. It need not if it is told where
in the bar each frame is. The same holds for the chord that sounds, the key that it belongs to, and the form.

Models name the layout that they were trained with. Layout 1 knows the place in the bar, chord, scale and drums; layout
2 also knows the bass note, the form, energy, metre, swing and the ending, and has a column that no plan fills: whether
a frame is given, because it belongs to music that is continued or played again in part.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from .plan import Plan, Stretch
from .theory import METRES, MODES, QUALITIES, bar_length, beat_length, parse_chord, tonic_and_mode

LAYOUT = 2  # of what is trained from now on
# Numbers a frame: the place in the bar, the chord, the scale, the drums; then what layout 2 adds.
WIDTHS = {1: 60, 2: 95}
WIDTH = WIDTHS[LAYOUT]
OVER, GIVEN = 93, 94  # columns of layout 2: the music is over; the frame's latent is given, not to be made
# Columns that say what cannot be counted: the place in phrases of four bars and in the section; that in the bar, metre.
UNCOUNTED = {None: (), "bar": (72, 74, 76, 77), "beat": (0, 1, 5, 6, *range(72, 80))}
HEARD_TEMPI = (40.0, 220.0)  # quarter notes a minute that models were trained with
HEARD_METRES = {1: ("4/4", "3/4", "6/8"), 2: METRES}  # by layout
UNHEARD = "this model was not trained with such a"
HEARD_QUALITIES = {
    1: tuple(" m dim 5 sus2 sus4 6 m6 7 maj7 m7 m7b5 dim7 7sus4 add9 madd9 9 maj9 m9 13".split(" ")),
    2: tuple(QUALITIES),
}
FORM = {  # parts of a form that have a column, and other names of them
    "intro": ("introduction", "opening"),
    "verse": ("a", "strophe", "couplet", "theme", "head"),
    "chorus": ("refrain", "hook", "b"),
    "build": ("pre-chorus", "prechorus", "rise", "build-up", "buildup"),
    "drop": ("climax", "peak"),
    "bridge": ("break", "breakdown", "middle eight", "middle 8", "interlude", "c"),
    "solo": ("improvisation", "chorus solo"),
    "outro": ("ending", "coda", "close"),
}
_COLUMN = {name: i for i, part in enumerate(FORM) for name in (part, *FORM[part])}


def layout_of(width: int) -> int:
    """The layout of grids of so many numbers a frame. Raises ValueError."""
    for layout, size in WIDTHS.items():
        if size == width:
            return layout
    raise ValueError(f"no grid has {width} numbers a frame: use {' or '.join(map(str, WIDTHS.values()))}, or 0")


def approximations(plan: Plan, layout: int) -> list[tuple[str, str, str]]:
    """What of a plan a model of this layout cannot follow: (what, what it does instead, why), each once.

    The one place that says what an edition was trained to hear.
    """
    told: list[tuple[str, str, str]] = []
    stretches, chords = plan.stretches, {symbol for one in plan.stretches for symbol, _ in one.chords if symbol}
    tempi = {
        one.tempo for one in stretches if one.tempo is not None and not HEARD_TEMPI[0] <= one.tempo <= HEARD_TEMPI[1]
    }
    told += [(f"{tempo:g} BPM", f"{tempo:g} BPM", f"{UNHEARD} tempo") for tempo in sorted(tempi)]
    odd = dict.fromkeys(one.metre for one in stretches if one.metre not in HEARD_METRES[layout])
    told += [(metre, f"bars of {bar_length(metre):g} quarter notes", f"{UNHEARD} metre") for metre in odd]
    parsed = {symbol: parse_chord(symbol) for symbol in sorted(chords)}
    new = [symbol for symbol, chord in parsed.items() if chord.quality not in HEARD_QUALITIES[layout]]
    told += [(symbol, "its notes", f"{UNHEARD} chord") for symbol in new]
    if layout > 1:
        return told
    told += [
        (symbol, symbol.partition("/")[0], "this model is not told of the bass")
        for symbol, chord in parsed.items()
        if chord.bass != chord.root
    ]
    if len({one.drums for one in stretches}) > 1:
        told.append(
            ("drums that enter or leave", "drums that may stay as they are", "this model heard them in whole clips")
        )
    if any(one.energy is not None for one in stretches):
        told.append(("the energy of sections", "as it comes", "this model is not told of it"))
    if len({(one.tempo, one.metre) for one in stretches}) > 1:
        told.append(("a change of tempo or metre", "as far as it can", "this model heard none inside a clip"))
    told += [("swing", "as it comes", "this model is not told of it")] * (plan.swing not in (None, 0.5))
    told += [("the ending", "as it comes", "this model is not told where the music is over")] * plan.ends
    return told


def frame_grid(plan: Plan, frames: int, rate: float, first: int = 0, layout: int = LAYOUT) -> np.ndarray:
    """(frames, W) float32 of `frames` frames, `rate` a second, from number `first` on; unknown parts are zero."""
    seconds = (first + np.arange(frames) + 0.5) / rate
    stretches = plan.stretches
    if any(stretch.tempo is None for stretch in stretches):
        grid = np.zeros((frames, WIDTHS[layout]), dtype=np.float32)
        if len(stretches) == 1:  # what does not depend on where one is
            grid[:] = _columns(stretches[0], np.zeros(1), plan, layout)
        return grid
    quarters = plan.quarters_at(seconds)
    if math.isinf(plan.quarters):
        return _columns(stretches[0], quarters, plan, layout)
    grid = np.zeros((frames, WIDTHS[layout]), dtype=np.float32)
    over = quarters >= plan.quarters if plan.ends else np.zeros(frames, dtype=bool)
    place = np.where(over, plan.quarters, quarters % plan.quarters)
    which = np.searchsorted([stretch.start for stretch in stretches], place, side="right") - 1
    for number in np.unique(which[~over]):
        here = (which == number) & ~over
        grid[here] = _columns(stretches[number], place[here], plan, layout)
    if layout > 1 and over.any():
        grid[over, OVER] = 1
    return grid


def _columns(stretch: Stretch, quarters: np.ndarray, plan: Plan, layout: int) -> np.ndarray:
    """The numbers (N, W) of frames within one stretch, at quarter notes from the beginning of the piece."""
    place = quarters - stretch.start
    parts = [_pulse(stretch, place), _sounding(stretch, place, _chord, 24), _constant(_scale, stretch.key, 24)]
    parts.append(_either(stretch.drums))
    if layout > 1:
        parts += [
            _sounding(stretch, place, _bass, 12),
            _phrase(stretch, place),
            _metre(stretch),
            _either(None if plan.swing is None else min(1.0, (plan.swing - 0.5) * 6)),
            _either(stretch.energy),
            _constant(_part_of_form, stretch.name or None, len(FORM)),
            _ending(stretch, place, plan),
            np.zeros(1, dtype=np.float32),  # GIVEN
        ]
    grid = np.concatenate([np.broadcast_to(part, (len(place), part.shape[-1])) for part in parts], axis=1)
    grid[:, [column for column in UNCOUNTED[plan.counted] if column < WIDTHS[layout]]] = 0
    return grid


def _pulse(stretch: Stretch, place: np.ndarray) -> np.ndarray:
    """Sine and cosine (N, 10) of the place in the bar, its half, the quarter, eighth and sixteenth note."""
    if stretch.tempo is None:
        return np.zeros(10, dtype=np.float32)
    bar = bar_length(stretch.metre)
    turns = place[:, None] / np.array([bar, bar / 2, 1, 1 / 2, 1 / 4])
    return np.concatenate([np.sin(2 * np.pi * turns), np.cos(2 * np.pi * turns)], axis=1).astype(np.float32)


def _sounding(stretch: Stretch, place: np.ndarray, marks: Callable[[str], np.ndarray], width: int) -> np.ndarray:
    """Marks (N, width) of the chord that sounds at each place of the stretch."""
    if stretch.tempo is None or not stretch.chords:
        return np.zeros(width, dtype=np.float32)
    ends = np.cumsum([length for _, length in stretch.chords])
    sounding = np.searchsorted(ends, place % ends[-1], side="right")
    return np.stack([marks(symbol) for symbol, _ in stretch.chords])[np.minimum(sounding, len(ends) - 1)]


def _phrase(stretch: Stretch, place: np.ndarray) -> np.ndarray:
    """(N, 6): sine and cosine of the place in four bars and in the beat; how near the section's edges are."""
    if stretch.tempo is None:
        return np.zeros(6, dtype=np.float32)
    bar = bar_length(stretch.metre)
    turns = 2 * np.pi * place[:, None] / np.array([4 * bar, beat_length(stretch.metre)])
    edges = np.stack([place, stretch.quarters - place], axis=1) / bar
    known = not math.isinf(stretch.quarters)
    return np.concatenate([np.sin(turns), np.cos(turns), np.exp(-edges) * known], axis=1).astype(np.float32)


def _metre(stretch: Stretch) -> np.ndarray:
    """(2,): the length of the bar in whole notes, and whether its beats are of three."""
    if stretch.tempo is None:
        return np.zeros(2, dtype=np.float32)
    beat = beat_length(stretch.metre)
    return np.array([bar_length(stretch.metre) / 4, beat in (0.75, 1.5)], dtype=np.float32)


def _either(value: float | None) -> np.ndarray:
    """(2,): how much of it there is, and how much there is not; zeros where that is unknown."""
    return np.array([0, 0] if value is None else [value, 1 - value], dtype=np.float32)


def _ending(stretch: Stretch, place: np.ndarray, plan: Plan) -> np.ndarray:
    """(N, 2): whether the last chord rings; whether the music is over (nowhere within a stretch)."""
    last = plan.ends and stretch is plan.stretches[-1]
    rings = place >= stretch.quarters - bar_length(stretch.metre)
    return np.stack([rings & last, np.zeros_like(rings)], axis=1).astype(np.float32)


def _constant(marks: Callable[[str], np.ndarray], value: str | None, width: int) -> np.ndarray:
    return np.zeros(width, dtype=np.float32) if value is None else marks(value)


@lru_cache(maxsize=1024)
def _chord(symbol: str) -> np.ndarray:
    """(24,): pitch classes of a chord, and its root."""
    if not symbol:
        return np.zeros(24, dtype=np.float32)
    chord = parse_chord(symbol)
    return np.concatenate([_marks(chord.pitches), _marks([chord.root])])


@lru_cache(maxsize=1024)
def _bass(symbol: str) -> np.ndarray:
    """(12,): the pitch class of a chord's bass."""
    return _marks([parse_chord(symbol).bass] if symbol else [])


@lru_cache(maxsize=256)
def _scale(key: str) -> np.ndarray:
    """(24,): pitch classes of a key's scale, and its tonic."""
    tonic, mode = tonic_and_mode(key)
    return np.concatenate([_marks([tonic + step for step in MODES[mode]]), _marks([tonic])])


def _part_of_form(name: str) -> np.ndarray:
    """(8,): the part of the form that a section's name means, such as "Verse 2"; zeros for another name."""
    found = _COLUMN.get(name.lower().strip().rstrip("0123456789").rstrip(" .-#:"))
    return np.zeros(len(FORM), dtype=np.float32) if found is None else np.eye(len(FORM), dtype=np.float32)[found]


def _marks(pitches: list[int] | tuple[int, ...]) -> np.ndarray:
    """(12,): ones at pitch classes."""
    marks = np.zeros(12, dtype=np.float32)
    marks[[pitch % 12 for pitch in pitches]] = 1
    return marks
