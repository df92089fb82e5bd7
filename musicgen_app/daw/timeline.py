"""What of a plan lies in a clip, and when: sections, bar lines and tempi in seconds from the clip's beginning."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from ..control.plan import MAX_BARS, MAX_SECTIONS, Plan
from ..control.theory import DARK_MODES, bar_length, pitch_class

TINY = 1e-6  # seconds: nearer than a sample of any sound
END = "end"
UNNAMED = "section"


class Span(NamedTuple):
    """A section of the plan, as far as it lies in the clip: one tempo, one metre. It begins with a bar line."""

    name: str  # "" where the plan has no sections
    start: float  # seconds; negative where it began before the clip
    stop: float  # seconds; at most the length of the clip
    quarter: float  # quarter notes from the beginning of the clip to `start`
    tempo: float  # quarter notes a minute
    metre: str
    key: str | None


class Mark(NamedTuple):
    """A place in the clip that has a name: a bar line, a section, the end of the piece."""

    seconds: float
    text: str
    length: float | None = None  # seconds, of a section


@dataclass(frozen=True)
class Timeline:
    """The musical time of a clip. Without spans its tempo is not known.

    seconds: its length; key: the one it begins in, such as "F# minor"; loop: whether it is to be played in a circle;
    end: when the piece is over, where that is before the clip is.
    """

    seconds: float
    spans: tuple[Span, ...] = ()
    key: str | None = None
    loop: bool = False
    end: float | None = None

    @property
    def tempo(self) -> float | None:
        """Quarter notes a minute at the beginning."""
        return self.spans[0].tempo if self.spans else None

    @property
    def tempi(self) -> list[float]:
        """All tempi in the clip, each once, ascending."""
        return sorted({span.tempo for span in self.spans})

    @property
    def quarters(self) -> float:
        """The length of the clip in quarter notes; it has a tempo."""
        return self.quarters_at(self.seconds)

    @property
    def before(self) -> float:
        """Quarter notes from the last bar line before the clip to its beginning: 0 where it begins with one."""
        first = self.spans[0]
        return max(0.0, -first.quarter % bar_length(first.metre))

    def quarters_at(self, seconds: float) -> float:
        """Quarter notes from the beginning of the clip to a moment; after the last span its tempo goes on."""
        span = next((span for span in reversed(self.spans) if span.start <= seconds), self.spans[0])
        return span.quarter + (seconds - span.start) * span.tempo / 60

    @property
    def sections(self) -> list[Mark]:
        """The sections in the clip, from its beginning on."""
        return [Mark(max(0.0, s.start), s.name, s.stop - max(0.0, s.start)) for s in self.spans if s.name]

    @property
    def marks(self) -> list[Mark]:
        """Every bar line, "bar 5", the first of a section with its name, "bar 5: verse", and the end of the piece.

        Bars are counted from the first that begins in the clip. A section that began before it is marked at 0.
        """
        marks: list[Mark] = []
        number = 0
        for span in self.spans:
            bar = bar_length(span.metre) * 60 / span.tempo
            if span.name and span.start < -TINY:
                marks.append(Mark(0.0, span.name, span.stop))
            for place in islice(_bars(span, bar), MAX_BARS):
                number += 1
                opens = span.name and place == span.start
                text, length = (f"bar {number}: {span.name}", span.stop - place) if opens else (f"bar {number}", None)
                marks.append(Mark(max(0.0, place), text, length))
        return marks + ([] if self.end is None else [Mark(self.end, END)])


def _bars(span: Span, bar: float) -> Iterator[float]:
    """The bar lines of a span that lie in the clip, `bar` seconds apart."""
    number = max(0, math.ceil((-span.start - TINY) / bar))
    while (place := span.start + number * bar) < span.stop - TINY:
        yield place
        number += 1


def timeline_of(plan: Plan, seconds: float, loop: bool = False) -> Timeline:
    """The timeline of a clip of so many seconds that was made to a plan.

    A plan of which more than `MAX_SECTIONS` sections fit into the clip gives no spans.
    """
    first = plan.stretches[0]
    if any(stretch.tempo is None for stretch in plan.stretches):
        return Timeline(seconds, (), first.key, loop)
    if math.isinf(plan.quarters):
        return Timeline(seconds, (_endless(plan, seconds),), first.key, loop)
    rounds, place = divmod(plan.start, plan.quarters)
    over = plan.ends and rounds > 0
    dense = plan.seconds * MAX_SECTIONS < seconds and not (plan.ends and rounds == 0)
    spans = [] if over or dense else list(islice(_spans(plan, seconds, int(rounds), place), MAX_SECTIONS + 1))
    if not spans or len(spans) > MAX_SECTIONS:
        return Timeline(seconds, (), first.key, loop)
    stop = spans[-1].stop
    return Timeline(seconds, tuple(spans), spans[0].key, loop, stop if stop < seconds - TINY else None)


def _endless(plan: Plan, seconds: float) -> Span:
    """The one span of a plan without sections, from the bar line before the clip on."""
    (stretch,) = plan.stretches
    assert stretch.tempo is not None
    before = plan.start % bar_length(stretch.metre)
    return Span("", -before * 60 / stretch.tempo, seconds, -before, stretch.tempo, stretch.metre, stretch.key)


def _spans(plan: Plan, seconds: float, number: int, place: float) -> Iterator[Span]:
    """The spans of a clip that begins `place` quarter notes into round `number` of the sections, round after round."""
    played = [min(max(place - stretch.start, 0.0), stretch.quarters) for stretch in plan.stretches]
    start = -sum(quarters * 60 / (one.tempo or 1) for quarters, one in zip(played, plan.stretches, strict=True))
    quarter = -place
    while start < seconds - TINY and not (plan.ends and number > 0):
        for stretch in plan.stretches:
            assert stretch.tempo is not None
            stop = start + stretch.quarters * 60 / stretch.tempo
            if stop > TINY and start < seconds - TINY:
                name = stretch.name or UNNAMED
                yield Span(name, start, min(stop, seconds), quarter, stretch.tempo, stretch.metre, stretch.key)
            start, quarter = stop, quarter + stretch.quarters
        number += 1


def short_key(key: str) -> str:
    """A key in the words of players: "F# minor" -> "F#m", "D dorian" -> "Dm", by its third."""
    tonic, _, mode = key.partition(" ")
    return tonic + ("m" if mode in DARK_MODES else "")


def root_note(key: str | None) -> int | None:
    """The MIDI note of a key's tonic in the octave of middle C, 60 to 71; None where no key is known."""
    return None if key is None else 60 + pitch_class(key.partition(" ")[0])
