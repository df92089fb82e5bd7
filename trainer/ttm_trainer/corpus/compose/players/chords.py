"""Chords: comping, pads, drones and broken chords; effects; and how everybody lands on a last chord."""

from __future__ import annotations

import random

from ..score import Note
from ..theory import Chord, fold, nearest
from . import drums
from .bass import bottom
from .figures import ARPEGGIOS, COMPING
from .player import LIVELY, QUIET, STEP, Player, Span, stack, struck, velocity

PLAIN = (
    "",
    "m",
    "5",
    "6",
    "m6",
    "7",
    "m7",
    "maj7",
    "add9",
    "madd9",
    "9",
    "m9",
    "maj9",
)  # what a power chord stands for
STRUMMED = ("strum", "eighths", "boomchick", "ballad", "held", "shuffle", "flamenco", "grunge")
FIGURES = ("alberti", "broken", "wide", "pick", "banjo", "harp", "slow")  # arpeggios that begin anew with a chord
USUAL_ARPEGGIO = ((4, 4), (2, 2), (2, 4))  # metres in which arpeggios go on across bars
THROUGHOUT = ("vinyl", "waves", "birds")  # effects that never stop
SMALL = ("montuno", "skank", "ostinato", "ska")  # three notes


def _power(player: Player, chord: Chord) -> tuple[int, ...]:
    """Root, fifth and octave; the third instead of the octave where the chord is more than that."""
    root = fold(chord.root + 36, player.low, player.low + 11)
    if chord.slash:
        below = root - (chord.root - chord.bass) % 12
        root += 0 if below >= player.low else 12
        return (root - (chord.root - chord.bass) % 12, root, root + chord.fifth)
    return (root, root + chord.fifth, root + (12 if chord.quality in PLAIN else chord.third + 12))


def _guitar(player: Player, span: Span, chord: Chord) -> tuple[int, ...]:
    """An open-position shape: a low bass note and a close voicing above it."""
    low = fold(chord.bass + 36, player.low, player.low + 11)
    return (low, *(pitch for pitch in stack(player, span, chord) if pitch > low + 3))


def comp(player: Player, span: Span) -> list[Note]:
    """Chords on a rhythm: stabs, strums, skanks, power chords, ballad piano; held where a section is quiet."""
    notes: list[Note] = []
    guitar = "guitar" in player.name
    heavy = player.style in ("power", "chug") or player.name == "distorted guitar"
    held = player.style in ("held", "swell") or (span.energy < 0.28 and not heavy)
    strokes = [(start, end - start, "x") for start, end, _ in span.chords] if held else struck(player, span, COMPING)
    changes = {round(start, 3) for start, _, _ in span.chords}
    for start, length, symbol in strokes:
        chord = span.chord_at(start)
        if heavy:
            pitches = _power(player, chord)[: 2 if player.style == "chug" and symbol == "x" else 3]
        elif guitar and player.style in STRUMMED:
            pitches = _guitar(player, span, chord)
        else:
            pitches = stack(player, span, chord, 3 if player.style in SMALL else 4)
        if player.style == "ostinato" and not (chord.slash and span.bassless):
            pitches = pitches[:2]
        up = guitar and round((start - span.start) / STEP) % 4 == 2
        gap = 0.018 if guitar and not heavy else 0.004
        force = span.force + {"X": 10, "x": 0}.get(symbol, 0) - 5
        for index, pitch in enumerate(reversed(pitches) if up else pitches):
            notes.append(
                Note(start + index * gap, max(0.1, length * 0.95 - index * gap), pitch, velocity(force - index))
            )
        two_handed = player.style in ("ballad", "gospel", "doowop") and not guitar and player.low <= 36
        if two_handed and round(start, 3) in changes:
            notes.append(Note(start, length, fold(chord.bass + 36, 36, 47), velocity(force - 4)))
    return notes


def pad(player: Player, span: Span) -> list[Note]:
    """Sustained chords, nearest inversions, joined when a chord lasts."""
    notes: list[Note] = []
    for start, end, chord in span.chords:
        for pitch in stack(player, span, chord):
            notes.append(Note(start, end - start, pitch, velocity(span.force - 8)))
    return notes


def drone(player: Player, span: Span) -> list[Note]:
    """The tonic, its fifth where the range allows."""
    root = fold(span.key.tonic + 36, player.low, player.low + 11 if player.low > 30 else 47)
    pitches = (root, root + 7) if root + 7 <= player.high else (root,)
    return [Note(span.start, span.end - span.start, pitch, velocity(span.force - 12)) for pitch in pitches]


def arpeggio(player: Player, span: Span) -> list[Note]:
    """Broken chords; the pattern goes on across bars, or starts again with each chord when it is a figure."""
    style = "up8" if player.style == "sync16" and span.metre not in USUAL_ARPEGGIO else player.style
    rate, order = random.Random(player.seed + 7919 * (span.energy >= LIVELY)).choice(ARPEGGIOS[style])
    figure = style in FIGURES
    if span.steps == 12 and figure and rate == 2:
        order = (order * 2)[:6]
    if span.compound and rate >= 4:
        rate = 6
    elif rate == 1 and span.energy < QUIET:
        rate = 2
    step, notes, count = rate * STEP, [], 0
    length = step * (1.0 if figure else 0.7)
    for start, end, chord in span.chords:
        tones = stack(player, span, chord, 3 if figure else 4)
        count, beat = 0 if figure else count, start
        while beat < end - 1e-6:
            if span.metre not in USUAL_ARPEGGIO and (beat - span.start) % span.bar < 1e-6:
                count = 0
            degree = order[count % len(order)]
            count, at, beat = count + 1, beat, beat + step
            if degree < 0:
                continue
            pitch = tones[degree % len(tones)] + 12 * (degree // len(tones))
            if style == "wide" and degree == 0:
                pitch = fold(chord.bass + 36, 36, 50)
            accent = 8 if abs((at - span.start) % 1) < 1e-6 else 0
            held = min(length if style not in ("harp", "slow") else 2.0, end - at)
            pitch = fold(pitch, player.low, player.high)
            notes.append(Note(at, held, pitch, velocity(span.force - 12 + accent)))
    return notes


def effect(player: Player, span: Span) -> list[Note]:
    """Risers into louder sections, sweeps out of their first beat, vinyl, waves and birds throughout."""
    length = span.end - span.start
    if player.style == "rise" and (span.section == "build" or span.rise > 0.2):
        held = min(length, 4 * span.bar)
        return [Note(span.end - held, held, 60, velocity(span.force))]
    if player.style == "sweep" and (span.energy >= 0.85 or span.section == "bridge"):
        return [Note(span.start, min(length, span.bar), 60, velocity(span.force))]
    if player.style in THROUGHOUT:
        return [Note(span.start, length, 60, 70)]
    return []


def landing(player: Player, span: Span, rings: bool = True) -> list[Note]:
    """Everybody on the span's chord: it rings through the span, or stops after a moment."""
    start, force = span.start, span.force
    held = (span.end - start) * 0.96 if rings else 0.3
    chord = span.chords[-1][2]
    if player.role == "effect":
        return [Note(start, span.end - start, 60, 70)] if player.style in THROUGHOUT else []
    if player.style == "drone" and player.low > 60:
        return []
    if player.role in ("drums", "percussion"):
        return drums.hit(player, start, force, rings)
    if player.role == "bass":
        return [Note(start, held, bottom(player, chord), velocity(force))]
    if player.role == "melody":
        last = player.memory.get("last", player.center)
        pitch = fold(nearest(chord.pitch_classes[:1], last), player.low, player.high)
        return [Note(start, held, pitch, velocity(force - 4))]
    pitches = _power(player, chord) if player.name == "distorted guitar" else stack(player, span, chord)
    gap = 0.06 if player.role == "arpeggio" and rings else 0.01
    return [Note(start + i * gap, held - i * gap, pitch, velocity(force - 10)) for i, pitch in enumerate(pitches)]
