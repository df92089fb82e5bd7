"""The plan of a clip: what its music follows, section by section: tempo, metre, key, chords, drums, energy.

`grid.frame_grid` tells a generator of it, frame by frame.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from .theory import MODES, bar_length, parse_chord, tonic_and_mode

MAX_SECTIONS, MAX_BARS, MAX_CHORDS = 500, 10_000, 10_000  # of a plan: what hostile files may ask for at most
LATEST = 1e6  # quarter notes to the beginning of a clip
ROW_BARS = 8  # of a row of chords in words
NAME_LENGTH = 80  # characters of a section's name
TEMPI = (1.0, 1_000.0)  # quarter notes a minute
COUNTED = (None, "bar", "beat")  # see `Plan`
SWING = 0.66  # where the second of two eighth notes begins when swing is asked for, and no more is said

Chords = tuple[tuple[str, float], ...]  # (symbol, length in quarter notes)


@dataclass(frozen=True)
class Section:
    """A stretch of a plan. What is None, or has no chords, is as the plan says.

    bars: its length, a fraction for a pick-up; chords: (symbol, length in quarter notes), over and over through the
    section, the symbol "" where the chord is unknown; energy: 0 (quiet, sparse) to 1 (loud, full).
    """

    bars: float
    name: str = ""
    chords: Chords = ()
    drums: bool | None = None
    energy: float | None = None
    tempo: float | None = None
    metre: str | None = None
    key: str | None = None


class Stretch(NamedTuple):
    """A section with all that it takes from the plan, and where it lies in the piece."""

    name: str
    chords: Chords
    drums: bool | None
    energy: float | None
    tempo: float | None
    metre: str
    key: str | None
    start: float  # quarter notes from the beginning of the piece
    quarters: float  # its length; infinite for a plan without sections


@dataclass(frozen=True)
class Plan:
    """What a clip's music follows; any part may be unknown.

    tempo: quarter notes a minute; metre: such as "7/8"; start: quarter notes from the beginning of the piece, a bar
    line, to that of the clip; key: tonic and mode of `theory.MODES`, such as "F# minor"; chords: those of the piece,
    (symbol, length in quarter notes), over and over, the symbol "" where the chord is unknown; drums: whether there
    are any; sections: the form, where it is known, played over and over; ends: or played once, and then it is over,
    the chord of the last bar rings; swing: where the second of two eighth notes begins, 0.5 (straight) to 0.75.

    counted: how far a place in the piece can be counted. None: all the way. Of a recording it may be to "bar" alone,
    neither to phrases of bars nor to the edges of its sections, or only to "beat" (quarter notes): then bar lines and
    metre are not known, and bars are a measure of length.
    """

    tempo: float | None = None
    metre: str = "4/4"
    start: float = 0.0
    key: str | None = None
    chords: Chords = ()
    drums: bool | None = None
    sections: tuple[Section, ...] = ()
    ends: bool = False
    swing: float | None = None
    counted: str | None = None

    def to_dict(self) -> dict:
        """JSON-safe dictionary without what is unknown; from_dict gives the plan back."""
        facts = {name: value for name, value in asdict(self).items() if value not in (None, (), False)}
        if self.sections:
            known = [{n: v for n, v in asdict(section).items() if v not in (None, (), "")} for section in self.sections]
            facts["sections"] = known
        for place in (facts, *facts.get("sections", ())):
            if "chords" in place:
                place["chords"] = [list(chord) for chord in place["chords"]]
        return facts | ({} if self.drums is None else {"drums": self.drums})

    @classmethod
    def from_dict(cls, facts: dict) -> Plan:
        """A plan from a JSON object. TypeError or ValueError for one that is none, with the place of what is wrong
        (sections[2].chords[0]); see `check` for its values."""
        sections = []
        for number, section in enumerate(_list("sections", facts)):
            typed = _typed(section, Section, f"sections[{number}]")
            if "bars" not in typed:
                raise TypeError(f"sections[{number}] has no bars")
            sections.append(Section(**typed))
        return cls(**_typed(facts, cls) | {"sections": tuple(sections)})

    def check(self) -> None:
        """Raise ValueError (or TypeError) where an entry is not what it should be."""
        if len(self.sections) > MAX_SECTIONS:
            raise ValueError(f"{len(self.sections):,} sections, but {MAX_SECTIONS} are the most")
        for number, section in enumerate(self.sections):
            place = f"sections[{number}]."
            if len(section.name) > NAME_LENGTH or not section.name.isprintable():
                raise ValueError(f"{place}name is longer than {NAME_LENGTH} characters, or cannot be printed")
            if not 0 < section.bars <= MAX_BARS:
                most = f"give it more than 0 and at most {MAX_BARS:,}"
                raise ValueError(f"{place}bars: a section of {section.bars:,} bars: {most}")
            _check_values(section, place)
            if section.energy is not None and not 0 <= section.energy <= 1:
                raise ValueError(f"{place}energy: {section.energy} is not between 0 and 1")
        if sum(section.bars for section in self.sections) > MAX_BARS:
            raise ValueError(f"{sum(section.bars for section in self.sections):,} bars, but {MAX_BARS:,} are the most")
        if len(self.chords) + sum(len(section.chords) for section in self.sections) > MAX_CHORDS:
            raise ValueError(f"more than {MAX_CHORDS:,} chords")
        _check_values(self)
        if not abs(self.start) <= LATEST:
            raise ValueError(f"start must lie within {LATEST:,.0f} quarter notes")
        if self.swing is not None and not 0.5 <= self.swing <= 0.75:
            raise ValueError(f"a swing of {self.swing} is not between 0.5 and 0.75")
        if self.counted not in COUNTED:
            raise ValueError(f"counted {self.counted!r} is neither bar nor beat")
        if self.ends and not self.sections:
            raise ValueError("it ends, but has no sections")

    @cached_property
    def stretches(self) -> tuple[Stretch, ...]:
        """The sections in order, each with what it takes from the plan; one without end for a plan without any."""
        if not self.sections:
            whole = Stretch(
                name="",
                chords=self.chords,
                drums=self.drums,
                energy=None,
                tempo=self.tempo,
                metre=self.metre,
                key=self.key,
                start=0.0,
                quarters=math.inf,
            )
            return (whole,)
        found, start = [], 0.0
        for section in self.sections:
            metre = section.metre or self.metre
            length = section.bars * bar_length(metre)
            found.append(
                Stretch(
                    name=section.name,
                    chords=section.chords or self.chords,
                    drums=self.drums if section.drums is None else section.drums,
                    energy=section.energy,
                    tempo=section.tempo or self.tempo,
                    metre=metre,
                    key=section.key or self.key,
                    start=start,
                    quarters=length,
                )
            )
            start += length
        return tuple(found)

    @property
    def quarters(self) -> float:
        """Length of the piece in quarter notes; infinite without sections."""
        return self.stretches[-1].start + self.stretches[-1].quarters

    @property
    def seconds(self) -> float:
        """Length of the piece, of sections once through, in seconds. ValueError without a tempo."""
        if any(stretch.tempo is None for stretch in self.stretches):
            raise ValueError("the plan has no tempo")
        return sum(stretch.quarters * 60 / stretch.tempo for stretch in self.stretches if stretch.tempo)

    def quarters_at(self, seconds: np.ndarray) -> np.ndarray:
        """Quarter notes from the beginning of the piece to moments of the clip, in seconds. The plan has a tempo.

        A piece that does not end begins again: the first time its second round begins, that is `quarters`.
        """
        tempi = [stretch.tempo for stretch in self.stretches]
        assert None not in tempi, "a plan without a tempo has no times"
        if len(set(tempi)) == 1:
            return self.start + seconds * tempi[0] / 60
        quarters = np.array([stretch.quarters for stretch in self.stretches])
        ends, beats = np.cumsum(quarters * 60 / np.array(tempi)), np.cumsum(quarters)
        rounds, rest = divmod(self.start, beats[-1])
        begin = rounds * ends[-1] + float(np.interp(rest, [0, *beats], [0, *ends]))
        whole, place = np.divmod(begin + seconds, ends[-1])
        within = np.interp(place, [0, *ends], [0, *beats])
        if self.ends:  # past the end time goes on at the last tempo
            return np.where(whole > 0, beats[-1] + (begin + seconds - ends[-1]) * tempi[-1] / 60, within)
        return whole * beats[-1] + within

    def describe(self) -> str:
        """In words, such as "124 BPM, 4/4, A minor, Am F C G, no drums"; of a long row of chords
        the first eight bars.

        With sections: "..., intro 4 bars | verse 8 bars: Am F".
        """
        parts = [] if self.tempo is None else [f"{self.tempo:g} BPM"]
        parts += [] if self.tempo is None or self.counted == "beat" else [self.metre]
        parts += [self.key] if self.key else []
        parts += filter(None, [_row(self.chords, self.metre)])
        parts += [] if self.drums is None else ["drums" if self.drums else "no drums"]
        if self.sections:
            parts.append(" | ".join(_in_words(section, section.metre or self.metre) for section in self.sections))
        return ", ".join(parts)

    def later(self, seconds: float) -> Plan:
        """The plan of the rest of the clip, from so many seconds on."""
        if not seconds or any(stretch.tempo is None for stretch in self.stretches):
            return self
        return replace(self, start=float(self.quarters_at(np.asarray(seconds))))


class FoundPlan(NamedTuple):
    """A plan as it was found in a file. notes: what was estimated, a line each; sheet: the text, where it is one."""

    plan: Plan
    notes: tuple[str, ...] = ()
    sheet: str = ""


def _typed(facts: dict, kind: type, at: str = "") -> dict:
    """Entries of a JSON object with numbers as floats and chords as tuples. TypeError where one is of another type.

    kind: Plan or Section; at: its place in the plan.
    """
    if not isinstance(facts, dict):
        raise TypeError(f"{at or 'a plan'} must be a JSON object")
    place = f"{at}." if at else ""
    chords = (_chord(chord, f"{place}chords[{number}]") for number, chord in enumerate(_list("chords", facts, place)))
    typed: dict = {"chords": tuple(chords)}
    for name, value in facts.items():
        if name not in kind.__dataclass_fields__:  # type: ignore[attr-defined]
            parts = ", ".join(kind.__dataclass_fields__)  # type: ignore[attr-defined]
            raise TypeError(f"{place}{str(name)[:40]!a} is no part of a {kind.__name__.lower()}: it has {parts}")
        if name in ("name", "metre", "key", "counted") and not isinstance(value, str | None):
            raise TypeError(f"{place}{name} must be text")
        if name in ("drums", "ends") and not isinstance(value, bool | None):
            raise TypeError(f"{place}{name} must be true or false")
        if value is not None and name not in ("chords", "sections"):
            numeric = name in ("tempo", "start", "swing", "bars", "energy")
            typed[name] = _float(f"{place}{name}", value) if numeric else value
    return typed


def _list(name: str, facts: dict, place: str = "") -> list | tuple:
    found = facts.get(name, ()) if isinstance(facts, dict) else ()
    if not isinstance(found, list | tuple):
        raise TypeError(f"{place}{name} must be a list")
    return found


def _chord(chord: object, place: str) -> tuple[str, float]:
    if not isinstance(chord, list | tuple) or len(chord) != 2 or not isinstance(chord[0], str):
        raise TypeError(f"{place}: a chord must be its symbol and its length in quarter notes")
    return chord[0], _float(f"{place}: the length of a chord", chord[1])


def _float(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} must be a number")
    try:
        return float(value)
    except OverflowError:
        raise ValueError(f"{name} is too large") from None


def _row(chords: Chords, metre: str) -> str:
    """Chords as a sheet has them, "Am F (C G) % E7"; of a long row the first eight bars."""
    bar, bars, place = bar_length(metre), list[list[str]](), 0.0
    for symbol, length in chords:
        first, last = int(place / bar + 1e-6), int((place + length) / bar - 1e-6)
        if first < len(bars):
            bars[first].append(symbol or "?")
        else:
            bars.append([symbol or "?"])
        bars += [["%"] for _ in range(last - first)]
        place += length
        if len(bars) > ROW_BARS:
            break
    if not any(symbol for symbol, _ in chords):
        return ""
    row = [one[0] if len(one) == 1 else f"({' '.join(one)})" for one in bars[:ROW_BARS]]
    return " ".join(row) + (" ..." if len(bars) > ROW_BARS else "")


def _in_words(section: Section, metre: str) -> str:
    drums = {None: "", True: ", drums", False: ", no drums"}[section.drums]
    row = _row(section.chords, metre)
    chords = f": {row}" if row else ""
    return f"{section.name or 'section'} {counted(section.bars)}{drums}{chords}"


def counted(bars: float) -> str:
    """ "1 bar", "8 bars"."""
    return f"{bars:g} bar" + ("" if bars == 1 else "s")


def _check_values(part: Plan | Section, place: str = "") -> None:
    """ValueError or TypeError where what a plan or one of its sections says cannot be. place: of the section."""
    if part.drums not in (None, True, False):
        raise ValueError(f"{place}drums must be true or false")
    at = "tempo"
    try:
        if part.tempo is not None and not TEMPI[0] <= part.tempo <= TEMPI[1]:
            most = f"{TEMPI[0]:g} and {TEMPI[1]:,.0f}"
            raise ValueError(f"a tempo of {part.tempo}: a tempo must lie between {most}")
        if part.metre is not None:
            at = "metre"
            bar_length(part.metre)
        for number, (symbol, length) in enumerate(part.chords):
            at = f"chords[{number}]"
            if not 0 < length < math.inf:
                raise ValueError("a chord has no length")
            if symbol:
                parse_chord(symbol)
        if part.key is not None:
            at = "key"
            _, mode = tonic_and_mode(part.key)
            if mode not in MODES:
                raise ValueError(f"{part.key[:40]!r} is no key: write them as F# minor")
    except (TypeError, ValueError) as error:
        raise type(error)(f"{place}{at}: {error}") from None
