"""Players: a player (style, instrument, register) and a span of a section with its chords -> the notes played.

Notes come out straight and exact, in beats from the start of the piece; the composer swings and humanises them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from . import grooves
from .grooves import ARPEGGIOS, BASS, COMPING, FILLS, GROOVES, STRENGTH, Groove
from .score import Note
from .theory import Chord, Key, fold, ladder, nearest, scale_over, voicing

STEP = 0.25  # beats in a step of a pattern


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
    bars: int
    bar: float  # beats
    compound: bool  # 6/8
    energy: float  # 0..1
    force: int  # MIDI velocity of an ordinary note
    chords: list[tuple[float, float, Chord]]
    key: Key
    scale: tuple[int, ...]  # semitones above the tonic that melodies use
    fill: str  # kind of FILLS at the end of the span, or "none"
    rise: float  # energy of the next section minus this one's
    club: bool
    rng: random.Random
    lead: list[Note] = field(default_factory=list)  # the main melody of this span, for parts that follow it

    @property
    def end(self) -> float:
        return self.start + self.bars * self.bar

    @property
    def steps(self) -> int:
        return round(self.bar / STEP)

    def chord_at(self, beat: float) -> Chord:
        return next((c for start, end, c in self.chords if start - 1e-6 <= beat < end - 1e-6), self.chords[-1][2])

    def classes_at(self, beat: float) -> tuple[int, ...]:
        return scale_over(self.chord_at(beat), self.key, self.scale)


Figure = TypeVar("Figure")


def _choice(player: Player, span: Span, table: Mapping[str, Sequence[Figure]]) -> Figure:
    """The player's groove or figure for this kind of section: the same one whenever the section comes back."""
    options = table.get(f"{player.style} {span.steps}") or table[player.style]
    lively = span.energy >= 0.8
    return random.Random(player.seed + 7919 * lively).choice(options)


def velocity(force: float) -> int:
    return max(1, min(127, round(force)))


def _blocks(player: Player, span: Span, table: dict) -> Iterator[tuple[float, float, str]]:
    """(start, length in beats, symbol) of the player's pattern through the span; holds stop at chord changes.

    Four bars take one pattern or alternate two; "held" and "swell" sound once a chord.
    """
    if player.style in ("held", "swell"):
        yield from ((start, end - start, "1" if table is BASS else "x") for start, end, _ in span.chords)
        return
    options = table.get(f"{player.style} {span.steps}") or table[player.style]
    draw = random.Random(player.seed + 7919 * (span.energy >= 0.8))
    pair = draw.choice(options), draw.choice(options)
    plan = draw.choice(((0, 0, 0, 0), (0, 0, 0, 1), (0, 1, 0, 1), (0, 1, 0, 0)))
    for bar in range(span.bars):
        pattern = pair[plan[bar % 4]][: span.steps]
        for step, symbol in enumerate(pattern):
            if symbol in "-.":
                continue
            length = 1
            while step + length < len(pattern) and pattern[step + length] == "-":
                length += 1
            start = span.start + bar * span.bar + step * STEP
            change = next(end for begin, end, _ in span.chords if begin - 1e-6 <= start < end - 1e-6)
            yield start, min(length * STEP, change - start), symbol


def _chord(player: Player, chord: Chord, size: int = 4) -> tuple[int, ...]:
    stack = voicing(chord, player.memory.get("voicing"), player.center, size)
    player.memory["voicing"] = stack
    return tuple(sorted({fold(pitch, player.low, player.high) for pitch in stack}))


def _power(player: Player, chord: Chord) -> tuple[int, ...]:
    root = fold(chord.root + 36, player.low, player.low + 11)
    return (root, root + chord.fifth, root + 12)


def _guitar(player: Player, chord: Chord) -> tuple[int, ...]:
    """An open-position shape: a low root and a close voicing above it."""
    bass = fold(chord.root + 36, player.low, player.low + 11)
    return (bass, *(pitch for pitch in _chord(player, chord) if pitch > bass + 3))


def comp(player: Player, span: Span) -> list[Note]:
    """Chords on a rhythm: stabs, strums, skanks, power chords, ballad piano."""
    notes: list[Note] = []
    guitar = "guitar" in player.name
    heavy = player.style in ("power", "chug") or (player.name == "distorted guitar")
    for start, length, symbol in _blocks(player, span, COMPING):
        chord = span.chord_at(start)
        if heavy:
            pitches = _power(player, chord)[: 2 if player.style == "chug" and symbol == "x" else 3]
        elif guitar and player.style in ("strum", "eighths", "boomchick", "ballad", "held", "shuffle"):
            pitches = _guitar(player, chord)
        else:
            pitches = _chord(player, chord, 3 if player.style in ("montuno", "skank", "ostinato") else 4)
        if player.style == "ostinato":
            pitches = pitches[:2]
        up = guitar and round((start - span.start) / STEP) % 4 == 2
        gap = 0.018 if guitar and not heavy else 0.004
        force = span.force + {"X": 10, "x": 0}.get(symbol, 0) - 5
        for index, pitch in enumerate(reversed(pitches) if up else pitches):
            notes.append(
                Note(start + index * gap, max(0.1, length * 0.95 - index * gap), pitch, velocity(force - index))
            )
        if player.style == "ballad" and not guitar and start in [c[0] for c in span.chords] and player.low <= 36:
            notes.append(Note(start, length, fold(chord.root + 36, 36, 47), velocity(force - 4)))
    return notes


def pad(player: Player, span: Span) -> list[Note]:
    """Sustained chords, nearest inversions, joined when a chord lasts."""
    notes: list[Note] = []
    for start, end, chord in span.chords:
        for pitch in _chord(player, chord):
            notes.append(Note(start, end - start, pitch, velocity(span.force - 8)))
    return notes


def drone(player: Player, span: Span) -> list[Note]:
    """The tonic, its fifth where the range allows."""
    root = fold(span.key.tonic + 36, player.low, player.low + 11 if player.low > 30 else 47)
    pitches = (root, root + 7) if root + 7 <= player.high else (root,)
    return [Note(span.start, span.end - span.start, pitch, velocity(span.force - 12)) for pitch in pitches]


def arpeggio(player: Player, span: Span) -> list[Note]:
    """Broken chords; the pattern goes on across bars and starts again with each chord when it is a figure."""
    if player.style == "sync16" and span.steps != 16:
        rate, order = ARPEGGIOS["up8"][0]
    else:
        rate, order = _choice(player, span, ARPEGGIOS)
    figure = player.style in ("alberti", "broken", "wide", "pick", "banjo", "harp", "slow")
    if span.steps == 12 and figure and rate == 2:
        order = (order * 2)[:6]
    step, notes, count = rate * STEP, [], 0
    length = step * (1.0 if figure else 0.7)
    for start, end, chord in span.chords:
        stack = _chord(player, chord, 3 if figure else 4)
        count = 0 if figure else count
        for index in range(round((end - start) / step)):
            degree = order[count % len(order)]
            count += 1
            if degree < 0:
                continue
            pitch = stack[degree % len(stack)] + 12 * (degree // len(stack))
            if player.style == "wide" and degree == 0:
                pitch = fold(chord.root + 36, 36, 50)
            beat = start + index * step
            accent = 8 if abs((beat - span.start) % 1) < 1e-6 else 0
            held = length if player.style not in ("harp", "slow") else min(2.0, end - beat)
            pitch = fold(pitch, player.low, player.high)
            notes.append(Note(beat, held, pitch, velocity(span.force - 12 + accent)))
    return notes


def bass(player: Player, span: Span) -> list[Note]:
    """A pattern of chord degrees in the low register."""
    if player.style == "walking":
        return _walking(player, span)
    if player.style == "acid":
        return _acid(player, span)
    notes = []
    ceiling = min(player.high, player.low + 19)
    for start, length, symbol in _blocks(player, span, BASS):
        chord = span.chord_at(start)
        root = fold(chord.root + 24, player.low, player.low + 11)
        interval = {"1": 0, "3": chord.third, "5": chord.fifth, "6": 9, "7": min(chord.seventh, 11), "8": 12}[symbol]
        if symbol == "6" and span.key.dark:
            interval = chord.fifth
        if symbol == "7" and (root + interval) % 12 not in span.key.pitch_classes + chord.pitch_classes:
            interval = 10 if interval == 11 else 12
        pitch = root + interval if root + interval <= ceiling else root + interval - 12
        accent = 6 if (start - span.start) % span.bar == 0 else 0
        notes.append(Note(start, length * 0.94, fold(pitch, player.low, player.high), velocity(span.force + accent)))
    return notes


def _walking(player: Player, span: Span) -> list[Note]:
    """One note a beat: the root on the chord, chord tones and steps between, a half-step into the next root."""
    notes, previous = [], player.memory.get("bass", player.center)
    for index, (start, end, chord) in enumerate(span.chords):
        following = span.chords[(index + 1) % len(span.chords)][2]
        beats = max(1, round(end - start))
        for beat in range(beats):
            if beat == 0:
                pitch = nearest((chord.root,), 0.6 * previous + 0.4 * player.center)
            elif beat == beats - 1:
                goal = nearest((following.root,), previous)
                pitch = goal + span.rng.choice((-1, -1, 1, -2, 2))
            else:
                options = ladder(chord.pitch_classes if span.rng.random() < 0.6 else span.classes_at(start), 28, 55)
                near = [p for p in options if 0 < abs(p - previous) <= 5] or [previous]
                pitch = span.rng.choice(near)
            pitch = fold(pitch, player.low, min(player.high, player.low + 24))
            notes.append(Note(start + beat, 0.92, pitch, velocity(span.force + (4 if beat % 2 else 0))))
            if span.rng.random() < 0.12:
                notes.append(Note(start + beat + 0.5, 0.4, pitch, velocity(span.force - 22)))
            previous = pitch
    player.memory["bass"] = previous
    return notes


def _acid(player: Player, span: Span) -> list[Note]:
    """A fixed sixteen-step riff around the root with accents and slides (overlaps)."""
    riff = random.Random(player.seed)
    line = [(riff.random() < 0.72 or i == 0, riff.choice((0, 0, 0, 12, 0, 12, 7, 3)), riff.random()) for i in range(16)]
    notes = []
    for index in range(round((span.end - span.start) / STEP)):
        plays, interval, colour = line[index % 16]
        if not plays:
            continue
        start = span.start + index * STEP
        chord = span.chord_at(start)
        interval = chord.third if interval == 3 else interval
        pitch = fold(chord.root + 24, player.low, player.low + 11) + interval
        force = span.force + (16 if colour > 0.75 else -6)
        notes.append(Note(start, 0.34 if colour < 0.25 else 0.2, fold(pitch, player.low, player.high), velocity(force)))
    return notes


QUIET_KEYS = (grooves.HAT, grooves.SHAKER, grooves.RIDE, grooves.PEDAL, grooves.RIM, grooves.CABASA, grooves.TAMBOURINE)
NO_CRASH = ("swing", "bossa", "boombap", "reggae", "waltz", "march", "epic", "trap", "train", "latin")


def drums(player: Player, span: Span) -> list[Note]:
    """The groove bar by bar, thinned in quiet sections, with a fill or a roll at the end and crashes at the top."""
    table = GROOVES if player.style in GROOVES or f"{player.style} {span.steps}" in GROOVES else {}
    groove: Groove = _choice(player, span, table)
    notes: list[Note] = []
    beater = random.Random(player.seed + 1)
    if player.role == "drums" and span.energy < 0.5:
        hats = {k: row for k, row in groove.items() if k in QUIET_KEYS}
        kick = {k: row for k, row in groove.items() if k in (grooves.KICK, grooves.HAT)}
        groove = beater.choice((hats or groove, kick or groove, groove))
    roll = span.club and span.section == "build" and player.role == "drums"
    fill = None
    if span.fill != "none" and player.role == "drums" and not roll:
        fill = span.rng.choice(FILLS[span.fill])
    for bar in range(span.bars):
        last = bar == span.bars - 1
        for drum, row in groove.items():
            if roll and drum in (grooves.SNARE, grooves.CLAP):
                continue
            for step, symbol in enumerate(row[: span.steps]):
                if symbol == "." or (symbol == "?" and span.rng.random() > 0.4):
                    continue
                if fill and last and step >= span.steps - len(next(iter(fill.values()))):
                    continue
                beat = span.start + bar * span.bar + step * STEP
                force = STRENGTH[symbol] * (0.55 + 0.45 * span.force / 92)
                notes.append(Note(beat, 0.22, drum, velocity(force)))
                if player.style == "trap" and drum == grooves.HAT and span.rng.random() < 0.08:
                    notes.append(Note(beat + 0.125, 0.1, drum, velocity(force - 18)))
        if fill and last:
            for drum, row in fill.items():
                for step, symbol in enumerate(row):
                    if symbol != ".":
                        beat = span.start + (bar + 1) * span.bar - (len(row) - step) * STEP
                        notes.append(
                            Note(beat, 0.22, drum, velocity(STRENGTH[symbol] * (0.55 + 0.45 * span.force / 92)))
                        )
    if roll:
        notes += _roll(span)
    if span.energy >= 0.8 and player.role == "drums" and player.style not in NO_CRASH:
        notes.append(Note(span.start, 1.0, grooves.CRASH, velocity(span.force + 8)))
    return notes


def _roll(span: Span) -> list[Note]:
    """A snare roll: quarters, then eighths, then sixteenths, growing."""
    notes, beat, total = [], span.start, span.end - span.start
    while beat < span.end - 1e-6:
        position = (beat - span.start) / total
        notes.append(Note(beat, 0.2, grooves.SNARE, velocity(45 + 60 * position)))
        beat += 1.0 if position < 0.5 else 0.5 if position < 0.75 else STEP
    return notes


def effect(player: Player, span: Span) -> list[Note]:
    """Risers into louder sections, sweeps out of their first beat, vinyl throughout."""
    length = span.end - span.start
    if player.style == "rise" and (span.section == "build" or span.rise > 0.2):
        held = min(length, 4 * span.bar)
        return [Note(span.end - held, held, 60, velocity(span.force))]
    if player.style == "sweep" and (span.energy >= 0.85 or span.section == "bridge"):
        return [Note(span.start, min(length, span.bar), 60, velocity(span.force))]
    if player.style == "vinyl":
        return [Note(span.start, length, 60, 70)]
    return []


def ending(player: Player, start: float, bar: float, chord: Chord, force: int) -> list[Note]:
    """The last bar: everybody lands on the final chord and lets it ring."""
    if player.role == "effect":
        return [Note(start, bar, 60, 70)] if player.style == "vinyl" else []
    if player.role == "percussion" or player.style == "drone" and player.low > 60:
        return []
    if player.role == "drums":
        return [Note(start, 0.25, grooves.KICK, velocity(force)), Note(start, 1.0, grooves.CRASH, velocity(force - 15))]
    held = bar * 0.85
    if player.role == "bass":
        return [Note(start, held, fold(chord.root + 24, player.low, player.low + 11), velocity(force))]
    if player.role == "melody":
        pitch = fold(
            nearest(chord.pitch_classes[:1], player.memory.get("last", player.center)), player.low, player.high
        )
        return [Note(start, held, pitch, velocity(force - 4))]
    pitches = _power(player, chord) if player.name == "distorted guitar" else _chord(player, chord)
    gap = 0.06 if player.role == "arpeggio" else 0.01
    return [Note(start + i * gap, held - i * gap, pitch, velocity(force - 10)) for i, pitch in enumerate(pitches)]
