"""Bass: patterns of chord degrees, walking lines, acid riffs. Under a slash chord it plays the note after the slash."""

from __future__ import annotations

import random

from ..score import Note
from ..theory import Chord, fold, ladder, nearest
from .figures import BASS
from .metres import pulses
from .player import STEP, Player, Span, struck, velocity


def bottom(player: Player, chord: Chord) -> int:
    """The bass note of a chord in the lowest octave of the player."""
    return fold(chord.bass + 24, player.low, player.low + 11)


def bass(player: Player, span: Span) -> list[Note]:
    """A pattern of chord degrees in the low register."""
    if player.style == "walking":
        return _walking(player, span)
    if player.style == "acid":
        return _acid(player, span)
    if player.style in ("held", "swell"):
        strokes = [(start, end - start, "1") for start, end, _ in span.chords]
    else:
        strokes = list(struck(player, span, BASS))
        strokes = _at_changes(strokes, span)
    notes = []
    ceiling = min(player.high, player.low + 19)
    for start, length, symbol in strokes:
        chord = span.chord_at(start)
        root = bottom(player, chord)
        interval = _interval(symbol, chord, span)
        pitch = root + interval if root + interval <= ceiling else root + interval - 12
        accent = 6 if (start - span.start) % span.bar == 0 else 0
        notes.append(Note(start, length * 0.94, fold(pitch, player.low, player.high), velocity(span.force + accent)))
    return notes


def _at_changes(strokes: list[tuple[float, float, str]], span: Span) -> list[tuple[float, float, str]]:
    """Strokes of a pattern, the first under each new chord on its bass note."""
    done, last = [], -1.0
    for start, length, symbol in strokes:
        begin = span.entry_at(start)[0]
        done.append((start, length, "1" if begin > last + 1e-6 and symbol not in "18" else symbol))
        last = max(last, begin)
    return done


def _interval(symbol: str, chord: Chord, span: Span) -> int:
    """Semitones above the chord's bass note for a degree of a pattern."""
    if chord.slash:
        return 12 if symbol == "8" else 0
    interval = {"1": 0, "3": chord.third, "5": chord.fifth, "6": 9, "7": min(chord.seventh, 11), "8": 12}[symbol]
    if symbol == "6" and ((chord.root + 9) % 12 not in span.key.pitch_classes or span.key.dark):
        return chord.fifth
    if symbol == "7" and (chord.root + interval) % 12 not in span.key.pitch_classes + chord.pitch_classes:
        return 10 if interval == 11 else 12
    return interval


def _walking(player: Player, span: Span) -> list[Note]:
    """One note a beat: the bass note on the chord, chord tones and steps between, a half-step into the next one."""
    notes, previous = [], player.memory.get("bass", player.center)
    top = min(player.high, player.low + 24)
    beats = [bar * span.bar + span.start + pulse for bar in range(span.bars) for pulse in pulses(span.metre)]
    beats = [beat for beat in beats if beat < span.end - 1e-6] + [span.end]
    struck_chord = -1.0
    for beat, following in zip(beats, beats[1:], strict=False):
        begin, end, chord = span.entry_at(beat)
        if begin > struck_chord + 1e-6:
            pitch = nearest((chord.bass,), 0.6 * previous + 0.4 * player.center)
            struck_chord = begin
        elif following >= end - 1e-6:
            goal = nearest((span.chord_at(min(following, span.end - 0.1)).bass,), previous)
            pitch = goal + span.rng.choice((-1, -1, 1, -2, 2))
        else:
            options = ladder(chord.pitch_classes if span.rng.random() < 0.6 else span.classes_at(beat), 28, 55)
            near = [p for p in options if 0 < abs(p - previous) <= 5] or [previous]
            pitch = span.rng.choice(near)
        pitch = fold(pitch, player.low, top)
        weak = round((beat - span.start) % span.bar) % 2
        notes.append(Note(beat, 0.92 * (following - beat), pitch, velocity(span.force + 4 * weak)))
        if span.rng.random() < 0.12 and not span.compound:
            notes.append(Note(beat + 0.5, 0.4, pitch, velocity(span.force - 22)))
        previous = pitch
    player.memory["bass"] = previous
    return notes


def _acid(player: Player, span: Span) -> list[Note]:
    """A fixed sixteen-step riff around the root with accents and slides (overlaps)."""
    riff = random.Random(player.seed)
    line = [(riff.random() < 0.72 or i == 0, riff.choice((0, 0, 0, 12, 0, 12, 7, 3)), riff.random()) for i in range(16)]
    notes = []
    for index in range(round((span.end - span.start) / STEP)):
        plays, interval, colour = line[index % span.steps % 16]
        if not plays:
            continue
        start = span.start + index * STEP
        chord = span.chord_at(start)
        interval = {3: chord.third, 7: chord.fifth}.get(interval, interval)
        pitch = bottom(player, chord) + (interval if not chord.slash or interval == 12 else 0)
        force = span.force + (16 if colour > 0.75 else -6)
        notes.append(Note(start, 0.34 if colour < 0.25 else 0.2, fold(pitch, player.low, player.high), velocity(force)))
    return notes


def pickup(player: Player, span: Span) -> list[Note]:
    """Steps that lead into the first chord from below."""
    goal = bottom(player, span.chord_at(span.start))
    count = max(1, round((span.end - span.start) / 0.5))
    rungs = [pitch for pitch in ladder(span.classes_at(span.start), player.low, player.high) if pitch < goal + 12]
    line = rungs[-count:] if len(rungs) >= count else [goal] * count
    return [Note(span.start + i * 0.5, 0.45, pitch, velocity(span.force - 6)) for i, pitch in enumerate(line)]
