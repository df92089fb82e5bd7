"""Melodies: a motif of a rhythm and a contour, repeated, sequenced, varied and answered over the chords."""

from __future__ import annotations

import random
from itertools import accumulate

from ..score import Note
from ..theory import fold, ladder, nearest
from .metres import groups
from .player import Player, Span, velocity

# Rhythm cells in beats by style; a bar is filled with them.
CELLS = {
    "slow": ((2.0,), (1.0, 1.0), (1.5, 0.5), (3.0, 1.0), (2.0,)),
    "mid": ((1.0,), (0.5, 0.5), (1.5, 0.5), (1.0, 1.0), (0.5, 1.0, 0.5), (2.0,)),
    "fast": ((0.5, 0.5), (0.25, 0.25, 0.5), (0.5, 0.25, 0.25), (1.0,), (0.75, 0.25), (0.25, 0.25, 0.25, 0.25)),
    "sync": ((0.75, 0.75, 0.5), (0.5, 1.0, 0.5), (1.5, 0.5), (0.5, 0.5), (0.75, 0.25, 1.0), (1.0,)),
    "swing": ((0.5, 0.5), (0.5, 0.5), (1.0,), (0.5, 0.5, 0.5, 0.5), (1.5, 0.5), (0.5, 1.0, 0.5)),
    "bebop": ((0.5, 0.5), (0.5, 0.5, 0.5, 0.5), (0.5, 0.5), (1.0,), (0.25, 0.25, 0.5)),
    "riff": ((0.5, 0.5), (0.75, 0.75, 0.5), (0.25, 0.25, 0.5), (0.5, 0.25, 0.25), (1.0,)),
    "long": ((4.0,), (3.0, 1.0), (2.0, 2.0)),
}
COMPOUND = {
    "slow": ((3.0,), (1.5,), (1.0, 0.5), (1.5,)),
    "long": ((3.0,), (1.5, 1.5)),
    "fast": ((0.5, 0.5, 0.5), (0.25, 0.25, 0.5, 0.5), (1.0, 0.5), (0.5, 0.5, 0.25, 0.25)),
}
COMPOUND_OTHER = ((1.5,), (1.0, 0.5), (0.5, 0.5, 0.5), (0.5, 1.0), (0.75, 0.25, 0.5))
RESTS = {"slow": 0.08, "mid": 0.12, "fast": 0.1, "sync": 0.2, "swing": 0.16, "bebop": 0.08, "riff": 0.22, "long": 0.15}
PHRASES = ("aaba", "abac", "abab", "aabc", "a.a.", "ab.c", "abcb")

Motif = list[tuple[float, float, int]]  # (start in the bar, length, scale steps from the bar's first note)


def _motif(style: str, span: Span, rng: random.Random) -> Motif:
    """A bar of cells, of which none crosses from one group of an odd bar to the next."""
    cells = (COMPOUND.get(style, COMPOUND_OTHER)) if span.compound else CELLS[style]
    motif: Motif = []
    beat, step, leaning = 0.0, 0, rng.choice((-1, 1))
    for edge in accumulate(groups(span.metre)):
        while beat < edge - 1e-6:
            fitting = [cell for cell in cells if sum(cell) <= edge - beat + 1e-6] or [(edge - beat,)]
            for length in rng.choice(fitting):
                if not motif or rng.random() > RESTS[style]:
                    motif.append((beat, length, step))
                move = rng.choice((leaning,) * 5 + (-leaning,) * 2 + (0, 2 * leaning, -2 * leaning))
                if abs(step + move) > 4:
                    move, leaning = -move, -leaning
                step += move
                beat += length
    return motif


def _vary(motif: Motif, rng: random.Random) -> Motif:
    """The same opening, another end: the last two notes go elsewhere, or the last one is split."""
    varied = [(b, n, s if i < len(motif) - 2 else s + rng.choice((-2, -1, 1, 2))) for i, (b, n, s) in enumerate(motif)]
    beat, length, step = varied[-1]
    if length >= 1.0 and rng.random() < 0.5:
        varied[-1:] = [(beat, length / 2, step), (beat + length / 2, length / 2, step + rng.choice((-1, 1)))]
    return varied


def _phrase(player: Player, span: Span) -> tuple[str, dict[str, Motif]]:
    """The motifs and the plan for this kind of section: they return with the section."""
    kind = {"chorus": "B", "drop": "B", "bridge": "C", "solo": "C", "break": "C"}.get(span.section, "A")
    key = (kind, span.metre)
    if key not in player.memory:
        rng = random.Random(player.seed + ord(kind))
        style = player.style if player.style in CELLS else "mid"
        first = _motif(style, span, rng)
        cadence = [(beat, length, step) for beat, length, step in first if beat < span.bar / 2][:3]
        start = cadence[-1][0] + cadence[-1][1] if cadence else 0.0
        cadence.append((min(start, span.bar - 1), max(1.0, span.bar - start), 0))
        plan = "a" * 4 if style == "riff" else "aba." if style == "long" else rng.choice(PHRASES)
        answer = _vary(first, rng) if rng.random() < 0.5 else _motif(style, span, rng)
        player.memory[key] = plan, {"a": first, "b": answer, "c": cadence, ".": []}
    return player.memory[key]


def melody(player: Player, span: Span) -> list[Note]:
    """Four-bar phrases on the section's motif; strong beats take chord tones, other notes follow the scale."""
    if player.style in ("line", "inner"):
        return line(player, span)
    if player.style == "thirds":
        return harmony(player, span)
    plan, motifs = _phrase(player, span)
    center = min(player.center + round(9 * (span.energy - 0.55)), player.high - 7)
    last = player.memory.get("last", center)
    notes: list[Note] = []
    left_out = max(0.0, 0.65 - 1.2 * span.energy)  # share of the weak notes: the quieter, the more
    for bar in range(span.bars):
        symbol = plan[bar % 4]
        symbol = "b" if symbol == "." and span.alone else symbol
        final = bar % 4 == 3 or bar == span.bars - 1
        motif = (
            _vary(motifs[symbol], span.rng)
            if symbol == "a" and bar % 8 == 6 and len(motifs["a"]) > 2
            else motifs[symbol]
        )
        start = span.start + bar * span.bar
        anchor = nearest(span.chord_at(start).pitch_classes, 0.5 * last + 0.5 * center)
        for index, (beat, length, step) in enumerate(motif):
            at = start + beat
            if at >= span.end - 1e-6:
                break
            strong = beat % (1.5 if span.compound else 2.0) < 1e-6 or length >= 1.5
            if not strong and left_out and span.rng.random() < left_out:
                continue
            length = min(length, span.end - at)
            rungs = ladder(span.classes_at(at), player.low, player.high)
            base = min(range(len(rungs)), key=lambda i: abs(rungs[i] - anchor))
            pitch = rungs[max(0, min(len(rungs) - 1, base + step))]
            ends = final and index == len(motif) - 1
            if strong or ends:
                pitch = nearest(span.chord_at(at).pitch_classes, pitch)
            pitch = fold(pitch, player.low, player.high)
            if ends and player.style not in ("riff", "fast", "bebop"):
                length = max(length, min(span.bar - beat, 2.0, span.end - at))
            accent = 8 if strong else -4 if beat % 1 else 0
            arch = round(6 * (1 - abs(2 * (bar % 4 + beat / span.bar) / 4 - 1)))
            notes.append(
                Note(at, length * (0.95 if length >= 1 else 0.88), pitch, velocity(span.force + accent + arch))
            )
            last = pitch
    player.memory["last"] = last
    if not span.lead:
        span.lead.extend(notes)
    return notes


def harmony(player: Player, span: Span) -> list[Note]:
    """The lead's rhythm a third below (a fourth or a sixth where that is a chord tone)."""
    notes = []
    for note in span.lead:
        classes = span.chord_at(note.start).pitch_classes
        below = [p for p in ladder(span.classes_at(note.start), note.pitch - 9, note.pitch - 3)]
        chordal = [p for p in below if p % 12 in classes]
        strong = note.start % 1 < 1e-6
        pitch = (chordal if strong and chordal else below or [note.pitch - 12])[-1]
        notes.append(Note(note.start, note.beats, fold(pitch, player.low, player.high), velocity(note.velocity - 10)))
    return notes


def line(player: Player, span: Span) -> list[Note]:
    """A calm inner voice: the nearest chord tone, a passing note between, or repeated eighths ("inner")."""
    notes, last = [], player.memory.get("last", player.center)
    for start, end, chord in span.chords:
        target = nearest(chord.pitch_classes, 0.7 * last + 0.3 * player.center + span.rng.choice((-2, 0, 0, 2)))
        pitch = fold(target, player.low, player.high)
        if player.style == "inner":
            for step in range(round((end - start) * 2)):
                accent = 6 if step % 2 == 0 else 0
                notes.append(Note(start + step / 2, 0.42, pitch, velocity(span.force - 10 + accent)))
        elif end - start >= 3 and span.rng.random() < 0.5:
            rungs = ladder(span.classes_at(start), player.low, player.high)
            near = min(range(len(rungs)), key=lambda i: abs(rungs[i] - pitch))
            passing = rungs[max(0, min(len(rungs) - 1, near + span.rng.choice((-1, 1))))]
            notes.append(Note(start, end - start - 1.05, pitch, velocity(span.force - 6)))
            notes.append(Note(end - 1, 0.95, passing, velocity(span.force - 8)))
        else:
            notes.append(Note(start, (end - start) * 0.97, pitch, velocity(span.force - 6)))
        last = pitch
    player.memory["last"] = last
    return notes


def pickup(player: Player, span: Span) -> list[Note]:
    """A run along the scale into the first note of the piece."""
    count = max(1, round((span.end - span.start) / 0.5))
    goal = nearest(span.chord_at(span.start).pitch_classes, player.center)
    up = span.rng.random() < 0.7
    rungs = [pitch for pitch in ladder(span.classes_at(span.start), player.low, player.high) if pitch != goal]
    line = [p for p in rungs if p < goal][-count:] if up else [p for p in rungs if p > goal][:count][::-1]
    line = line if len(line) == count else [goal] * count
    return [Note(span.start + i * 0.5, 0.45, pitch, velocity(span.force - 4)) for i, pitch in enumerate(line)]
