"""Bar lines of a recording, and plans with other chords or drums in some bars.

A plan with a tempo is a row of bars, each with its chords; bars are changed, and put together as a plan again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..control.operations import checked
from ..control.plan import Chords, Plan, Section, Stretch
from ..control.theory import DARK_MODES, bar_length, key_of, spell_note, tonic_and_mode
from ..errors import RequestError

NEAR = 0.03  # seconds that a bar line may lie before the beginning of a recording, or after its end
SHARED = ("name", "drums", "energy", "tempo", "metre", "key")  # what the bars of a section have in common
NO_TEMPO = "its tempo is not known, so there are no bars: give --bpm, and --downbeat, the second of a bar line"


@dataclass(frozen=True)
class Bar:
    """One bar of a recording.

    begin: seconds, negative where it began before the recording; section: what it belongs to, a number that differs
    from that of the section before; music: what is played, for as long as it is, with all its chords and a tempo.
    """

    begin: float
    section: int
    music: Stretch

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.music.quarters * 60 / (self.music.tempo or 1.0)

    def playing(self, **changes: Any) -> Bar:
        """The same bar with other music: fields of `Stretch`."""
        return replace(self, music=self.music._replace(**changes))


def bars_of(plan: Plan, seconds: float) -> list[Bar]:
    """The bars that sound in a recording of so many seconds, the first and the last perhaps in part.

    Of a plan that ends, none after its end. Raises RequestError: no tempo.
    """
    stretches = plan.stretches
    if any(stretch.tempo is None for stretch in stretches):
        raise RequestError(NO_TEMPO)
    times = np.linspace(0.0, seconds, round(seconds * 500) + 2)
    quarters = plan.quarters_at(times)
    begin, end = float(quarters[0]), float(quarters[-1])
    found: list[Bar] = []
    endless = math.isinf(plan.quarters)
    size = bar_length(plan.metre) if endless else plan.quarters
    for turn in range(math.floor(begin / size + 1e-6), 1 if plan.ends else math.ceil(end / size - 1e-6)):
        for number, stretch in enumerate(stretches):
            bar = bar_length(stretch.metre)
            whole = bar if endless else stretch.quarters
            for place in (bar * count for count in range(math.ceil(whole / bar - 1e-6))):
                at, length = turn * size + stretch.start + place, min(bar, whole - place)
                if at + length > begin + 1e-6 and at < end - 1e-6:
                    inside = (turn * bar if endless else 0.0) + place
                    tempo = stretch.tempo or 1.0
                    moment = float(np.interp(at, quarters, times)) if at >= begin else (at - begin) * 60 / tempo
                    section = 0 if endless else turn * len(stretches) + number
                    row = sounding(stretch.chords, inside, length)
                    found.append(Bar(moment, section, stretch._replace(chords=row, start=at, quarters=length)))
    return found


def sounding(chords: Chords, start: float, quarters: float) -> Chords:
    """What sounds of chords, over and over, from a quarter note on for so many."""
    total = sum(length for _, length in chords)
    if not chords:
        return ()
    found: list[tuple[str, float]] = []
    place = -(start % total)
    while place < quarters - 1e-6:
        for symbol, length in chords:
            heard = min(place + length, quarters) - max(place, 0.0)
            if heard > 1e-6:
                _lay(found, symbol, heard)
            place += length
    return tuple(found)


def _lay(row: list[tuple[str, float]], symbol: str, length: float) -> None:
    """Put a chord behind others; the same one again is one that is longer."""
    if row and row[-1][0] == symbol:
        row[-1] = (symbol, row[-1][1] + length)
    else:
        row.append((symbol, length))


def plan_of(bars: Iterable[Bar], plan: Plan) -> Plan:
    """Bars as the sections of a plan that begins with the first of them, the rest as in `plan`. Raises RequestError."""
    bars = list(bars)
    groups: list[list[Bar]] = []
    for bar in bars:
        if groups and _same(groups[-1][-1], bar):
            groups[-1].append(bar)
        else:
            groups.append([bar])
    sections = []
    for group in groups:
        first, row = group[0].music, list[tuple[str, float]]()
        for bar in group:
            for symbol, length in bar.music.chords:
                _lay(row, symbol, length)
        length = sum(bar.music.quarters for bar in group) / bar_length(first.metre)
        row = row or [("", length * bar_length(first.metre))] * bool(plan.chords)
        about = {name: getattr(first, name) for name in SHARED}
        sections.append(Section(bars=length, chords=tuple(row), **about))
    before = -bars[0].begin * (bars[0].music.tempo or 0) / 60
    plan = replace(plan, sections=tuple(sections), start=round(before, 6) + 0.0)
    return checked(plan, "the plan of the edit is not possible")


def _same(before: Bar, bar: Bar) -> bool:
    """Whether two bars can stand in one section."""
    whole = math.isclose(before.music.quarters, bar_length(before.music.metre), abs_tol=1e-6)
    alike = all(getattr(before.music, name) == getattr(bar.music, name) for name in SHARED)
    return whole and alike and before.section == bar.section


def lines_of(plan: Plan, seconds: float) -> np.ndarray:
    """The moments of the bar lines of a recording, from that of bar 1 on: the first that is not before its beginning.

    The end of the last whole bar is among them, and the end of the recording where a bar was begun. RequestError.
    """
    bars = bars_of(replace(plan, ends=False), seconds)
    lines = np.array([bar.begin for bar in bars if bar.begin >= -NEAR])
    if not len(lines):
        raise RequestError("no bar begins in the recording")
    last = max(bars, key=lambda bar: bar.begin)
    ends = last.begin + last.seconds
    lines = np.append(lines[lines < seconds - NEAR], min(seconds, ends) if ends > seconds - NEAR else ends)
    return np.clip(lines, 0.0, seconds)


def span_of(plan: Plan, first: int, last: int, seconds: float) -> tuple[float, float]:
    """From when to when bars, from 1, both inclusive, sound in a recording of so many seconds. Raises RequestError."""
    lines = lines_of(plan, seconds)
    count = len(lines) - 1
    if last > count:
        raise RequestError(f"bars {first}-{last}: the recording has {count} bars (bar 1 begins at {lines[0]:.2f} s)")
    return float(lines[first - 1]), float(lines[last])


def changed_within(
    plan: Plan, seconds: float, spans: Iterable[tuple[float, float]], change: Callable[[list[Bar]], list[Bar]]
) -> Plan:
    """The plan of a recording whose bars within spans of seconds, those that follow one another, `change` is given.

    A bar belongs to a span where half of it lies there. Raises RequestError: no tempo, or nothing that is possible.
    """
    bars, spans = bars_of(plan, seconds), list(spans)
    middles = [bar.begin + bar.seconds / 2 for bar in bars]
    inside = [next((n for n, (begin, end) in enumerate(spans, start=1) if begin <= m < end), 0) for m in middles]
    if not any(inside):  # shorter than half a bar
        begin, end = spans[0]
        nearest = int(np.argmin([abs(m - (begin + end) / 2) for m in middles]))
        inside[nearest] = 1
    result: list[Bar] = []
    for number in range(len(bars)):
        if not inside[number]:
            result.append(bars[number])
        elif not number or inside[number] != inside[number - 1]:
            group = [bar for bar, mark in zip(bars, inside, strict=True) if mark == inside[number]]
            result += [replace(bar, section=-inside[number]) for bar in change(group)]
    return plan_of(result, plan)


def with_row(bars: list[Bar], chords_of: Callable[[float], Chords]) -> list[Bar]:
    """Bars with a row of chords, over and over, in the place of theirs. chords_of: quarter notes of a bar -> chords."""
    place, found, chords = 0.0, [], chords_of(bar_length(bars[0].music.metre))
    for bar in bars:
        found.append(bar.playing(chords=sounding(chords, place, bar.music.quarters)))
        place += bar.music.quarters
    return found


def with_cadence(bars: list[Bar], key: str | None) -> list[Bar]:
    """Bars that end on the tonic, after the dominant. Without a key, and without chords that tell one: as they are."""
    symbols = tuple(symbol for bar in bars for symbol, _ in bar.music.chords if symbol)
    key = key or (key_of(symbols) if symbols else None)
    if not key:
        return bars
    tonic, mode = tonic_and_mode(key)
    home = spell_note(tonic, key) + ("m" if mode in DARK_MODES else "")
    fifth = spell_note((tonic + 7) % 12, key) + "7"
    if len(bars) == 1:
        half = bars[0].music.quarters / 2
        return [bars[0].playing(name="ending", chords=((fifth, half), (home, half)))]
    pairs = zip(bars[-2:], (fifth, home), strict=True)
    cadence = [bar.playing(chords=((symbol, bar.music.quarters),)) for bar, symbol in pairs]
    return [bar.playing(name="ending") for bar in (*bars[:-2], *cadence)]
