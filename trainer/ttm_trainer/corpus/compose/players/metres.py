"""Bars of every metre: the pulses and groups they are felt in, and patterns of sixteenths fitted to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate

Metre = tuple[int, int]

PULSES: dict[Metre, tuple[float, ...]] = {  # quarter notes between the beats that are felt
    (4, 4): (1, 1, 1, 1), (3, 4): (1, 1, 1), (2, 4): (1, 1), (2, 2): (2, 2), (5, 4): (1, 1, 1, 1, 1), (6, 4): (1,) * 6,
    (7, 8): (1, 1, 1.5), (6, 8): (1.5, 1.5), (9, 8): (1.5, 1.5, 1.5), (12, 8): (1.5, 1.5, 1.5, 1.5),
}  # fmt: skip
GROUPS: dict[Metre, tuple[float, ...]] = {  # of pulses, where a bar has some: 3 + 2, 2 + 2 + 3 and so on
    (5, 4): (3, 2), (6, 4): (3, 3), (7, 8): (1, 1, 1.5), (12, 8): (3, 3),
}  # fmt: skip
HALVES: dict[Metre, float] = {  # where a second chord of a bar begins
    (4, 4): 2, (2, 2): 2, (3, 4): 2, (2, 4): 1, (5, 4): 3, (6, 4): 3, (7, 8): 2, (6, 8): 1.5, (9, 8): 3, (12, 8): 3,
}  # fmt: skip
COMPOUND = ((6, 8), (9, 8), (12, 8))
USUAL = ((4, 4), (3, 4), (6, 8))


def bar_of(metre: Metre) -> float:
    """Quarter notes of a bar."""
    return metre[0] * 4 / metre[1]


def steps_of(metre: Metre) -> int:
    """Sixteenth notes of a bar."""
    return round(4 * bar_of(metre))


def pulses(metre: Metre) -> tuple[float, ...]:
    """Where the beats of a bar begin, in quarter notes."""
    return tuple(accumulate((0, *PULSES[metre][:-1])))


def groups(metre: Metre) -> tuple[float, ...]:
    """Lengths in quarter notes of what phrases keep to: parts of an odd bar, else the whole bar."""
    return GROUPS.get(metre, (bar_of(metre),))


def splits(metre: Metre, count: int) -> tuple[float, ...]:
    """Where `count` chords of one bar begin."""
    if count == 1:
        return (0,)
    if count == 2:
        return (0, HALVES[metre])
    if count == 3 and metre in ((4, 4), (2, 2)):
        return (0, 2, 3)
    beats = pulses(metre)
    if count <= len(beats):
        return tuple(beats[index * len(beats) // count] for index in range(count))
    return tuple(index * bar_of(metre) / count for index in range(count))


def fitted(pattern: str, metre: Metre) -> str:
    """A pattern of a 4/4 bar as one of another metre: its first beats, its beats in groups, or its beats in three."""
    if metre in ((4, 4), (2, 2)) or len(pattern) != 16:
        return pattern
    if metre == (5, 4):
        return pattern[:12] + pattern[8:]
    if metre == (6, 4):
        return pattern[:12] * 2
    if metre in COMPOUND:
        return "".join(_in_three(pattern[beat * 4 : beat * 4 + 4]) for beat in range(metre[0] // 3))
    return pattern[: steps_of(metre)]


def _in_three(beat: str) -> str:
    """Four sixteenths as six: a beat of two eighths as one of three."""
    first, second, third, fourth = tuple(beat)
    third = fourth if third == "." and fourth not in ".-" else third
    eighths = (first, second, third)
    held = (second == "-", third == "-", fourth == "-" and third != ".")
    return "".join(mark + ("-" if on or mark == "-" else ".") for mark, on in zip(eighths, held, strict=True))


def patterns(table: Mapping[str, Sequence], style: str, metre: Metre) -> Sequence:
    """The patterns of a style for a metre: those written for it ("rock 7/8"), else those of 4/4 fitted to it.

    Patterns are strings, or strings by drum.
    """
    own = table.get(f"{style} {metre[0]}/{metre[1]}")
    if own:
        return own
    found = table[style]
    if isinstance(found[0], str):
        return [fitted(pattern, metre) for pattern in found]
    return [{drum: fitted(row, metre) for drum, row in groove.items()} for groove in found]
