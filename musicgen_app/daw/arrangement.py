"""Sound files on tracks, one above the other, along one timeline: what a project of a DAW is made of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from ..control.theory import bar_length
from ..errors import RequestError
from .timeline import TINY, Mark, Span, Timeline


@dataclass(frozen=True)
class Track:
    """A sound file of one layer. Its timeline has a tempo."""

    name: str
    file: Path
    channels: int
    samples: int
    sample_rate: int
    timeline: Timeline

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.samples / self.sample_rate


class TempoPoint(NamedTuple):
    """Where tempo or metre change, or a bar is cut short: a bar line. Counted from the beginning of the project."""

    seconds: float
    quarter: float  # quarter notes
    tempo: float
    metre: str
    cuts: bool  # the bar before is not full


@dataclass(frozen=True)
class Arrangement:
    """Tracks that begin together. The project begins with the last bar line before them, at `start` seconds later.

    There is at least one. Raises RequestError where their tempi and bars are not the same.
    """

    title: str
    tracks: tuple[Track, ...]

    def __post_init__(self) -> None:
        for track in self.tracks:
            if not _agree(self.timeline, track.timeline):
                ours, theirs = (_in_words(timeline) for timeline in (self.timeline, track.timeline))
                raise RequestError(
                    f"the clips are not of one plan ({ours}; {track.file.name}: {theirs}): export them one by one, or"
                    " say the --bpm and --metre of all"
                )

    @cached_property
    def timeline(self) -> Timeline:
        """That of the longest track."""
        return max((track.timeline for track in self.tracks), key=lambda timeline: timeline.seconds)

    @property
    def loop(self) -> bool:
        """Whether all of it is to be played in a circle."""
        return all(track.timeline.loop for track in self.tracks)

    @property
    def start(self) -> float:
        """Seconds from the beginning of the project to that of the tracks: 0 where they begin with a bar line."""
        return self.timeline.before * 60 / self.timeline.spans[0].tempo

    @property
    def seconds(self) -> float:
        """The length of the project."""
        return self.start + self.timeline.seconds

    @cached_property
    def tempo_points(self) -> list[TempoPoint]:
        """The tempo map; its first point is the beginning of the project."""
        points: list[TempoPoint] = []
        previous: Span | None = None
        for span in self.timeline.spans:
            place, quarter = self.start + span.start, self.timeline.before + span.quarter
            cuts = previous is not None and _cuts(previous, span)
            if previous is None or cuts or (span.tempo, span.metre) != (previous.tempo, previous.metre):
                points.append(TempoPoint(max(0.0, place), max(0.0, quarter), span.tempo, span.metre, cuts))
            previous = span
        return points

    @property
    def sections(self) -> list[Mark]:
        """The sections, from the beginning of the project."""
        return [mark._replace(seconds=mark.seconds + self.start) for mark in self.timeline.sections]

    @property
    def end(self) -> float | None:
        """Seconds from the beginning of the project to where the piece is over, within the tracks."""
        return None if self.timeline.end is None else self.start + self.timeline.end


def _cuts(before: Span, after: Span) -> bool:
    """Whether the bars of a span do not end where the next one begins."""
    bar = bar_length(before.metre)
    rest = (after.quarter - before.quarter) % bar
    return min(rest, bar - rest) > TINY


def _agree(one: Timeline, other: Timeline) -> bool:
    """Whether two timelines are the same as far as both reach."""
    reach = min(one.seconds, other.seconds) - TINY
    first, second = ([span for span in timeline.spans if span.start < reach] for timeline in (one, other))
    return len(first) == len(second) and all(
        abs(a.start - b.start) < TINY and a.tempo == b.tempo and a.metre == b.metre
        for a, b in zip(first, second, strict=True)
    )


def _in_words(timeline: Timeline) -> str:
    return f"{timeline.tempo:g} BPM, {timeline.spans[0].metre}"
