"""A plan <-> its bars, section by section, and what can be done to them. All functions are pure.

A bar is known by its number, from 0, in the order of the strip, in which a section that is repeated stands once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

from ...control.operations import checked
from ...control.plan import Chords, Plan, Section
from ...control.theory import bar_length
from ...errors import RequestError

MOST = 400  # bars that a strip holds
EMPTY = 4  # bars of a strip of which nothing is known
SLOTS = 8  # parts of a bar, the most
_NEAR = 1e-6  # quarter notes


class Bar(NamedTuple):
    """One bar. chords: (symbol, length in quarter notes), which fill it; tied: the first goes on from the bar before;
    locked: it is not drawn anew."""

    chords: Chords
    tied: bool = False
    locked: bool = False

    @property
    def quarters(self) -> float:
        """Its length."""
        return sum(length for _, length in self.chords)

    def fitted(self, quarters: float) -> Bar:
        """The same in another length, each chord with its share."""
        ratio = quarters / self.quarters
        return self if ratio == 1 else self._replace(chords=tuple((name, long * ratio) for name, long in self.chords))


@dataclass(frozen=True)
class Part:
    """A section with its bars, and how often it comes in a row. section: None for a plan without sections."""

    bars: tuple[Bar, ...]
    section: Section | None = None
    times: int = 1


Parts = tuple[Part, ...]


def parts_of(plan: Plan, least: int = 0, locked: frozenset[int] = frozenset()) -> Parts:
    """The bars of a plan. least: of one without sections, whose chords come round; locked: numbers of bars.

    Raises RequestError: it has more than MOST bars.
    """
    found: list[Part] = []
    for number, stretch in enumerate(plan.stretches):
        section, bar = (plan.sections[number] if plan.sections else None), bar_length(stretch.metre)
        if section is not None and found and found[-1].section == section:
            found[-1] = replace(found[-1], times=found[-1].times + 1)
            continue
        quarters = stretch.quarters
        if math.isinf(quarters):
            row = math.ceil(sum(length for _, length in stretch.chords) / bar - _NEAR)
            quarters = max(row, least, 0 if row else EMPTY) * bar
        if sum(len(part.bars) for part in found) + quarters / bar > MOST:
            raise RequestError(
                f"the strip holds {MOST} bars, and this plan has more: play it with ttm-app generate --plan"
            )
        found.append(Part(_written_out(stretch.chords, quarters, bar), section))
    number = 0
    for place, part in enumerate(found):
        bars = tuple(one._replace(locked=number + n in locked) for n, one in enumerate(part.bars))
        found[place] = replace(part, bars=bars)
        number += len(bars)
    return tuple(found)


def plan_of(plan: Plan, parts: Parts) -> Plan:
    """The plan with these bars. Raises RequestError: it is no possible plan."""
    if parts[0].section is None:
        return checked(replace(plan, chords=_row(parts[0].bars), sections=(), ends=False))
    sections = []
    for part in parts:
        assert part.section is not None, "either all parts are sections or none"
        bar = bar_length(part.section.metre or plan.metre)
        length = sum(one.quarters for one in part.bars) / bar
        same = plan.sections and _written_out(part.section.chords or plan.chords, length * bar, bar) == _plain(
            part.bars
        )
        own = part.section.chords if same else _row(part.bars)
        sections += [replace(part.section, bars=length, chords=own)] * part.times
    bare = all(section.chords for section in sections)
    return checked(replace(plan, chords=() if bare else plan.chords, sections=tuple(sections)))


def locked_in(parts: Parts) -> frozenset[int]:
    """The numbers of the locked bars."""
    return frozenset(number for number, bar in enumerate(flat(parts)) if bar.locked)


def flat(parts: Parts) -> tuple[Bar, ...]:
    """The bars in order."""
    return tuple(bar for part in parts for bar in part.bars)


def with_bar(parts: Parts, number: int, change: Callable[[Bar], Bar]) -> Parts:
    """One bar changed. Raises RequestError: there is none of that number."""
    place, inner = where(parts, number)
    bars = list(parts[place].bars)
    bars[inner] = change(bars[inner])
    return _with(parts, place, replace(parts[place], bars=tuple(bars)))


def written(parts: Parts, number: int, bar: Bar) -> Parts:
    """Another bar in the place of one, which stays locked where it is."""
    return with_bar(parts, number, lambda old: bar.fitted(old.quarters)._replace(locked=old.locked))


def where(parts: Parts, number: int) -> tuple[int, int]:
    """Part, and bar within it, of a bar. Raises RequestError: there is none of that number."""
    rest = number
    for place, part in enumerate(parts):
        if 0 <= rest < len(part.bars):
            return place, rest
        rest -= len(part.bars)
    raise RequestError(f"there is no bar {number + 1}: the plan has {len(flat(parts))}")


def swapped(parts: Parts, one: int, other: int) -> Parts:
    """Two bars in each other's place, with their locks."""
    bars = flat(parts)
    where(parts, one), where(parts, other)
    first, second = bars[one], bars[other]
    parts = with_bar(parts, one, lambda old: second.fitted(old.quarters)._replace(tied=False))
    return with_bar(parts, other, lambda old: first.fitted(old.quarters)._replace(tied=False))


def copied(parts: Parts, source: int, number: int) -> Parts:
    """The chords of one bar in another, too."""
    where(parts, source)
    found = flat(parts)[source]
    return with_bar(parts, number, lambda old: found.fitted(old.quarters)._replace(tied=False, locked=old.locked))


def split(parts: Parts, number: int) -> Parts:
    """Every chord of a bar as two of half the length. Raises RequestError: it has too many already."""

    def halves(bar: Bar) -> Bar:
        if len(bar.chords) * 2 > SLOTS:
            raise RequestError(f"a bar is split into {SLOTS} parts at most")
        return bar._replace(chords=tuple((symbol, length / 2) for symbol, length in bar.chords for _ in (1, 2)))

    return with_bar(parts, number, halves)


def joined(parts: Parts, number: int) -> Parts:
    """A bar with its first chord alone."""
    return with_bar(parts, number, lambda bar: bar._replace(chords=((bar.chords[0][0], bar.quarters),)))


def added(parts: Parts, number: int) -> Parts:
    """The bar once more behind itself, not locked. Raises RequestError: there are too many."""
    place, inner = where(parts, number)
    if len(flat(parts)) >= MOST:
        raise RequestError(f"the strip holds {MOST} bars")
    bars = parts[place].bars
    new = bars[inner]._replace(locked=False, tied=False)
    return _with(parts, place, replace(parts[place], bars=(*bars[: inner + 1], new, *bars[inner + 1 :])))


def removed(parts: Parts, number: int) -> Parts:
    """Without a bar, and without its section where that has no other. Raises RequestError: it is the last one."""
    place, inner = where(parts, number)
    if len(flat(parts)) == 1:
        raise RequestError("a plan keeps one bar at least")
    bars = (*parts[place].bars[:inner], *parts[place].bars[inner + 1 :])
    return _with(parts, place, replace(parts[place], bars=bars)) if bars else (*parts[:place], *parts[place + 1 :])


def sectioned(parts: Parts, number: int = 0, name: str = "") -> Parts:
    """A section begins at that bar, in a plan without sections too."""
    place, inner = where(parts, number)
    if parts[0].section is None:
        parts = (replace(parts[0], section=Section(1.0, "A")),)
    part = parts[place]
    assert part.section is not None
    if not inner:
        return parts
    new = name or free_name(parts)
    head = replace(part, bars=part.bars[:inner])
    tail = replace(part, bars=part.bars[inner:], section=replace(part.section, name=new))
    return (*parts[:place], head, tail, *parts[place + 1 :])


def free_name(parts: Parts) -> str:
    """A letter that names no section yet."""
    taken = {part.section.name for part in parts if part.section}
    letters = [chr(ord("A") + n) for n in range(26)]
    return next((letter for letter in letters if letter not in taken), "more")


def _with(parts: Parts, place: int, part: Part) -> Parts:
    return (*parts[:place], part, *parts[place + 1 :])


def _plain(bars: tuple[Bar, ...]) -> tuple[Bar, ...]:
    return tuple(bar._replace(locked=False) for bar in bars)


def _written_out(chords: Chords, quarters: float, bar: float) -> tuple[Bar, ...]:
    """Chords, over and over through so many quarter notes, cut into bars; unknown ones where there are none."""
    bars: list[Bar] = []
    total = quarters
    number, left = 0, chords[0][1] if chords else math.inf
    while quarters > _NEAR and len(bars) <= MOST:
        room, found, tied = min(bar, quarters), [], False
        if total - quarters and chords and chords[number][1] - left > _NEAR:
            tied = True
        quarters -= room
        while room > _NEAR:
            symbol = chords[number][0] if chords else ""
            length = min(room, left)
            found.append((symbol, length if abs(length - room) > _NEAR else room))
            room, left = room - length, left - length
            if left <= _NEAR:
                number = (number + 1) % len(chords)
                left = chords[number][1]
        bars.append(Bar(tuple(found), tied))
    return tuple(bars)


def _row(bars: tuple[Bar, ...]) -> Chords:
    """The chords of bars, those that are tied as one, and no more bars than it takes where they come round."""
    bars = _plain(bars)
    count = len(bars)
    for size in range(1, count):
        if count % size == 0 and all(bars[n] == bars[n % size] for n in range(count)) and not bars[0].tied:
            bars = bars[:size]
            break
    chords: list[tuple[str, float]] = []
    for bar in bars:
        first, *rest = bar.chords
        if bar.tied and chords and chords[-1][0] == first[0]:
            chords[-1] = (first[0], chords[-1][1] + first[1])
        else:
            chords.append(first)
        chords += rest
    return tuple(chords) if any(symbol for symbol, _ in chords) else ()
