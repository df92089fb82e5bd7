"""Drums and percussion: grooves bar by bar with fills and crashes, rolls, solos, breaks."""

from __future__ import annotations

import random

from ..score import Note
from . import grooves
from .grooves import FILLS, GROOVES, STRENGTH, Groove
from .metres import groups
from .player import STEP, Player, Span, choice, velocity

QUIET_KEYS = (grooves.HAT, grooves.SHAKER, grooves.RIDE, grooves.PEDAL, grooves.RIM, grooves.CABASA, grooves.TAMBOURINE)
NO_CRASH = (
    "swing", "bossa", "boombap", "reggae", "waltz", "march", "epic", "trap", "train", "latin", "salsa", "samba",
    "tango", "phonk", "triphop", "jig", "balkan", "drumline", "polka", "big band", "heartbeat", "garage", "amapiano",
)  # fmt: skip
SOLO_CELLS = (
    "x.x.", "xxxx", "x.xx", "xx.x", "x...", "X..x", "xox.", "X.o.", "xgxg", "Xgog", "..xx", "x.ox",
)  # fmt: skip
SOLO_DRUMS = (grooves.SNARE, grooves.TOM_HIGH, grooves.TOM_MID, grooves.TOM_LOW)
HAND_DRUMS = (grooves.CONGA_OPEN, grooves.CONGA_LOW, grooves.BONGO_HIGH, grooves.BONGO_LOW, grooves.CONGA_MUTE)


def _strength(symbol: str, span: Span) -> float:
    return STRENGTH[symbol] * (0.5 + 0.5 * span.force / 92)


def drums(player: Player, span: Span) -> list[Note]:
    """The groove, thinned in quiet sections, with a fill or a roll at the end and a crash at the top of loud ones."""
    groove = _felt(_thinned(choice(player, span, GROOVES), player, span), span)
    kit = player.role == "drums"
    roll = span.club and span.section == "build" and kit and not span.bounded
    fill: Groove = {}
    if span.fill != "none" and kit and not roll and not span.bounded and span.end - span.start >= span.bar - 1e-6:
        fill = span.rng.choice(FILLS[span.fill])
    filled = len(next(iter(fill.values()))) if fill else 0
    notes: list[Note] = []
    for drum, row in groove.items():
        if roll and drum in (grooves.SNARE, grooves.CLAP):
            continue
        for step in range(round((span.end - span.start) / STEP)):
            symbol = row[step % len(row)]
            beat = span.start + step * STEP
            late = beat >= span.end - filled * STEP - 1e-6
            if symbol == "." or late or (symbol == "?" and span.rng.random() > 0.4):
                continue
            notes.append(Note(beat, 0.22, drum, velocity(_strength(symbol, span))))
            if player.style in ("trap", "drill", "phonk") and drum == grooves.HAT and span.rng.random() < 0.08:
                notes.append(Note(beat + 0.125, 0.1, drum, velocity(_strength(symbol, span) - 18)))
    for drum, row in fill.items():
        for step, symbol in enumerate(row):
            if symbol != ".":
                beat = span.end - (len(row) - step) * STEP
                notes.append(Note(beat, 0.22, drum, velocity(_strength(symbol, span))))
    if roll:
        notes += _roll(span)
    if span.energy >= 0.8 and kit and player.style not in NO_CRASH:
        notes.append(Note(span.start, 1.0, grooves.CRASH, velocity(span.force + 8)))
    return notes


def _thinned(groove: Groove, player: Player, span: Span) -> Groove:
    """Less of the groove where a section is quiet."""
    if player.role != "drums" or span.energy >= 0.5:
        return groove
    beater = random.Random(player.seed + 1)
    hats = {drum: row for drum, row in groove.items() if drum in QUIET_KEYS}
    kick = {drum: row for drum, row in groove.items() if drum in (grooves.KICK, grooves.HAT)}
    chosen = beater.choice((hats or groove, kick or groove, groove))
    return (hats or kick or groove) if span.energy < 0.3 else chosen


def _felt(groove: Groove, span: Span) -> Groove:
    """The groove at half or twice its speed, where the section asks for it and the bar can be halved."""
    if span.feel == "half-time" and span.metre == (4, 4):
        cymbals = (grooves.HAT, grooves.RIDE, grooves.SHAKER, grooves.OPEN)
        return {
            drum: row * 2 if drum in cymbals else "".join(symbol + "." for symbol in row)
            for drum, row in groove.items()
        }
    if span.feel == "double-time" and span.metre == (4, 4):
        return {drum: row[::2] * 2 for drum, row in groove.items()}
    return groove


def _roll(span: Span) -> list[Note]:
    """A snare roll: quarters, then eighths, then sixteenths, growing."""
    notes, beat, total = [], span.start, span.end - span.start
    while beat < span.end - 1e-6:
        position = (beat - span.start) / total
        notes.append(Note(beat, 0.2, grooves.SNARE, velocity(45 + 60 * position)))
        beat += 1.0 if position < 0.5 else 0.5 if position < 0.75 else STEP
    return notes


def solo(player: Player, span: Span) -> list[Note]:
    """A solo: figures of half a beat to a beat on changing drums, the kick on the groups of the bar, a growing end."""
    by_hand = player.role == "percussion"
    pool = HAND_DRUMS if by_hand else SOLO_DRUMS
    cells = [span.rng.choice(SOLO_CELLS) for _ in range(4)]
    notes: list[Note] = []
    beat, count = span.start, 0
    drum = pool[0]
    while beat < span.end - 1e-6:
        cell = span.rng.choice(cells) if count % 8 < 6 else "xxxx"
        drum = span.rng.choice(pool) if span.rng.random() < 0.6 else drum
        for step, symbol in enumerate(cell):
            at = beat + step * STEP
            if symbol != "." and at < span.end - 1e-6:
                struck = span.rng.choice(pool) if span.rng.random() < 0.25 else drum
                force = _strength(symbol, span) * (0.8 + 0.2 * (at - span.start) / (span.end - span.start))
                notes.append(Note(at, 0.22, struck, velocity(force)))
        beat, count = beat + len(cell) * STEP, count + 1
    if not by_hand:
        for bar in range(span.bars):
            at = span.start + bar * span.bar
            for group in groups(span.metre) if span.metre != (4, 4) else (1, 1, 1, 1):
                if at < span.end - 1e-6:
                    notes.append(Note(at, 0.22, grooves.KICK, velocity(span.force)))
                at += group
        notes.append(Note(span.start, 1.0, grooves.CRASH, velocity(span.force)))
    return notes


def pickup(player: Player, span: Span) -> list[Note]:
    """Strokes that lead into the piece."""
    count = max(1, round((span.end - span.start) / 0.5))
    drum = grooves.SNARE if player.role == "drums" else grooves.CONGA_OPEN
    return [Note(span.start + i * 0.5, 0.22, drum, velocity(span.force - 10 + 5 * i)) for i in range(count)]


def hit(player: Player, start: float, force: int, rings: bool) -> list[Note]:
    """The last stroke of a piece, or of a stop."""
    if player.role == "percussion":
        return [Note(start, 0.25, _keys(player)[0], velocity(force))]
    crash = [Note(start, 1.0 if rings else 0.3, grooves.CRASH, velocity(force - 15))]
    quiet = player.style in NO_CRASH and not rings
    return [Note(start, 0.25, grooves.KICK, velocity(force)), *([] if quiet else crash)]


def _keys(player: Player) -> tuple[int, ...]:
    """The drums that a player's style uses."""
    found = GROOVES.get(player.style) or next(g for name, g in GROOVES.items() if name.startswith(player.style))
    return tuple(found[0])
