"""What a player is, the span of a section that it plays, and what all players share."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from ..score import Note
from ..theory import Chord, Key, fold, scale_over, voicing
from .metres import COMPOUND, Metre, bar_of, patterns, steps_of

STEP = 0.25  # beats in a step of a pattern
QUIET, LIVELY = 0.45, 0.8  # energy below which a player takes its sparser patterns, and from which on its denser ones


@dataclass
class Player:
    """One layer of the piece with its choices made; `memory` carries voicings, patterns and motifs along."""

    role: str
    style: str
    name: str
    sound: str
    low: int
    high: int
    center: int
    at: float
    top: float
    harmony: bool
    gain: float
    slot: str
    seed: int
    memory: dict = field(default_factory=dict)


@dataclass
class Span:
    """A stretch of one section as players see it; `chords` are (start, end, chord) in beats and fill it."""

    section: str
    start: float
    end: float
    metre: Metre
    energy: float  # 0..1
    force: int  # MIDI velocity of an ordinary note
    chords: list[tuple[float, float, Chord]]
    key: Key
    scale: tuple[int, ...]  # semitones above the tonic that melodies use
    fill: str  # kind of FILLS at the end of the span, or "none"
    rise: float  # energy of the next section minus this one's
    club: bool
    rng: random.Random
    feel: str = ""  # "half-time" or "double-time" drums
    bassless: bool = False  # no bass plays: who plays chords has to say a bass note that is not the root
    alone: bool = False  # one player plays alone: it does not rest for a whole bar
    bounded: bool = False  # what follows has no drums: no fill into it
    lead: list[Note] = field(default_factory=list)  # the main melody of this span, for parts that follow it

    @property
    def bar(self) -> float:
        return bar_of(self.metre)

    @property
    def bars(self) -> int:
        """Bars, the last of which may be short."""
        return max(1, round((self.end - self.start) / self.bar + 0.499))

    @property
    def compound(self) -> bool:
        return self.metre in COMPOUND

    @property
    def steps(self) -> int:
        return steps_of(self.metre)

    @cached_property
    def _begins(self) -> list[float]:
        return [start - 1e-6 for start, _, _ in self.chords]

    def entry_at(self, beat: float) -> tuple[float, float, Chord]:
        """Beginning, end and chord of what sounds at a beat."""
        return self.chords[max(0, bisect_right(self._begins, beat) - 1)]

    def chord_at(self, beat: float) -> Chord:
        return self.entry_at(beat)[2]

    def classes_at(self, beat: float) -> tuple[int, ...]:
        return scale_over(self.chord_at(beat), self.key, self.scale)


Figure = TypeVar("Figure")


def velocity(force: float) -> int:
    return max(1, min(127, round(force)))


def _strokes(pattern: str | dict[int, str]) -> int:
    """How much is struck in a bar of a pattern."""
    rows = [pattern] if isinstance(pattern, str) else pattern.values()
    return sum(len(row) - row.count(".") - row.count("-") for row in rows)


def suiting(options: Sequence, energy: float) -> list:
    """The patterns that suit an energy: the sparser half where it is low, the denser half where it is high."""
    ordered = sorted(options, key=_strokes)
    half = -(-len(ordered) // 2)
    return ordered[:half] if energy < QUIET else ordered[-half:] if energy >= LIVELY else ordered


def choice(player: Player, span: Span, table: Mapping[str, Sequence[Figure]]) -> Figure:
    """The player's groove or figure for this kind of section: the same one whenever the section comes back."""
    options = suiting(patterns(table, player.style, span.metre), span.energy)
    return random.Random(player.seed + 7919 * (span.energy >= LIVELY)).choice(options)


def struck(player: Player, span: Span, table: Mapping[str, Sequence[str]]) -> Iterator[tuple[float, float, str]]:
    """(start, length in beats, symbol) of the player's pattern through the span; holds stop at chord changes.

    Four bars take one pattern or alternate two.
    """
    options = suiting(patterns(table, player.style, span.metre), span.energy)
    draw = random.Random(player.seed + 7919 * (span.energy >= LIVELY))
    pair = draw.choice(options), draw.choice(options)
    plan = draw.choice(((0, 0, 0, 0), (0, 0, 0, 1), (0, 1, 0, 1), (0, 1, 0, 0)))
    for bar in range(span.bars):
        pattern = pair[plan[bar % 4]][: span.steps]
        for step, symbol in enumerate(pattern):
            start = span.start + bar * span.bar + step * STEP
            if symbol in "-." or start >= span.end - 1e-6:
                continue
            length = 1
            while step + length < len(pattern) and pattern[step + length] == "-":
                length += 1
            yield start, min(length * STEP, span.entry_at(start)[1] - start), symbol


def stack(player: Player, span: Span, chord: Chord, size: int = 4) -> tuple[int, ...]:
    """A voicing near the player's last one; with a bass note that is not the root below it where no bass plays.

    size: tones at most; who may play four plays all five of a ninth, so that the chord is told.
    """
    size = max(size, len(chord.pitch_classes)) if size >= 4 and player.role in ("chords", "pad") else size
    tones = voicing(chord, player.memory.get("voicing"), player.center, size)
    player.memory["voicing"] = tones
    pitches = {fold(pitch, player.low, player.high) for pitch in tones}
    if chord.slash and span.bassless and player.role in ("chords", "pad", "arpeggio"):
        below = min(pitches) - (min(pitches) - chord.bass) % 12
        if below >= player.low:
            pitches.add(below)
        else:  # an instrument without low notes: nothing of the chord below its bass
            lowest = player.low + (chord.bass - player.low) % 12
            pitches = {lowest} | {pitch if pitch > lowest else pitch + 12 for pitch in pitches}
            pitches = {pitch for pitch in pitches if pitch <= player.high}
    return tuple(sorted(pitches))
