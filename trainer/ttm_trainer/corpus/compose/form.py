"""The form of a piece: blocks in order, each with its length, energy and who plays, and what changes with it.

An excerpt of a genre's form is taken; then things happen as they do in songs: drums enter, leave or play alone, breaks
and stops, solos, a last chorus a tone higher, another tempo or metre, an ending that rings.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, replace

from .genres import Genre
from .players.metres import Metre, bar_of

ENERGY = {
    "intro": 0.32, "verse": 0.58, "chorus": 0.9, "build": 0.68, "drop": 1.0, "bridge": 0.42, "outro": 0.36,
    "solo": 0.75, "break": 0.3,
}  # fmt: skip
FORMS = {
    "song": ("intro", "verse", "chorus", "verse", "chorus", "bridge", "solo", "chorus", "outro"),
    "club": ("intro", "build", "drop", "bridge", "build", "drop", "outro"),
    "loop": ("intro", "verse", "chorus", "verse", "bridge", "chorus", "outro"),
    "arc": ("intro", "verse", "chorus", "bridge", "verse", "chorus", "outro"),
    "still": ("verse", "verse", "bridge", "verse"),
}
PACES = (3.0, 4.0, 4.0, 5.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 12.0, 14.0)  # seconds of a section, about
SILENCE = 0.7  # seconds after the last chord, at least
ARCS = ("as named",) * 6 + ("rises", "falls", "arch", "valley", "level", "waves")
DRUM_STORIES = (
    ("as it comes",) * 34 + ("enter",) * 13 + ("leave",) * 9 + ("away",) * 12 + ("in and out",) * 8 + ("first",) * 6
    + ("solo",) * 4 + ("throughout",) * 8 + ("never",) * 8
)  # fmt: skip


@dataclass(frozen=True)
class Block:
    """A section to be; `cast` says who plays where energy does not decide.

    cast: "" | "no drums" | "drums" (with drums, whatever the energy) | "drums alone" | "drum solo" | "solo" (a lead
    over the rhythm section) | "alone" (one player) | "stop" (a stroke, then silence) | "pick-up".
    shift: semitones above the key of the piece; relative: it is in the relative key.
    """

    name: str
    bars: float
    energy: float
    cast: str = ""
    metre: Metre = (4, 4)
    tempo: float = 120.0
    shift: int = 0
    relative: bool = False
    feel: str = ""


@dataclass(frozen=True)
class Form:
    blocks: tuple[Block, ...]
    ends: bool  # the last bar is the last chord, and silence follows


def form(style: Genre, seconds: float, tempo: float, metre: Metre, rng: random.Random) -> Form:
    """The form of a piece that lasts `seconds`, or, where it does not end in them, that goes on after them."""
    bar_seconds = bar_of(metre) * 60 / tempo
    ends = rng.random() < 0.5
    bars = math.floor((seconds - SILENCE) / bar_seconds + 1e-9)
    if bars < 3 or seconds - bars * bar_seconds > 3.2:
        ends = False
    changed = style.form != "still" and rng.random() < 0.11
    length = seconds - SILENCE if ends else seconds
    blocks = _named(style, bars if ends else math.ceil(seconds / bar_seconds - 1e-9), bar_seconds, rng)
    blocks = [replace(block, metre=metre, tempo=tempo) for block in _heated(blocks, rng)]
    blocks = _with_drums(blocks, style, rng)
    if style.form != "still":
        blocks = _with_events(blocks, style, rng)
    if changed:
        blocks = _cut(_with_tempo_or_metre(blocks, style, rng), length, ends)
    last = blocks[-1]
    ends = ends and last.bars >= 1 and last.cast not in ("drums alone", "drum solo", "stop")
    missing = (seconds - seconds_of(blocks)) / (bar_of(last.metre) * 60 / last.tempo)
    if not ends and missing > 1e-9:
        blocks[-1] = replace(last, bars=last.bars + math.ceil(missing - 1e-9))
    return Form(tuple(blocks), ends)


def seconds_of(blocks: list[Block]) -> float:
    return sum(block.bars * bar_of(block.metre) * 60 / block.tempo for block in blocks)


def _named(style: Genre, bars: int, bar_seconds: float, rng: random.Random) -> list[Block]:
    """Sections with their lengths in bars: an excerpt of the genre's form."""
    pattern = FORMS[style.form]
    pace = rng.choice(PACES) * (2 if style.form == "still" else 1)
    unit = min((1, 2, 4, 8, 16), key=lambda n: abs(math.log(n * bar_seconds / pace)))
    unit = 2 if unit == 1 and bar_seconds < 2.5 else unit
    at = rng.choice((0, 0, 0, 0, 1, 1, 2, 3, 4)) % len(pattern)
    blocks: list[Block] = []
    left = bars
    while left > 0:
        name = pattern[at]
        length = unit
        draw = rng.random()
        if name in ("intro", "bridge", "build") and draw < 0.3:
            length = max(1, unit // 2)
        elif name in ("verse", "chorus", "drop") and draw < 0.12:
            length = unit * 2
        elif draw > 0.95 and unit >= 4:
            length = unit - 1
        length = min(length, left)
        if blocks and left - length < 0 or (blocks and length < unit / 2 and length == left):
            blocks[-1] = replace(blocks[-1], bars=blocks[-1].bars + length)
        else:
            blocks.append(Block(name, length, ENERGY[name]))
        left -= length
        at = at + 1 if at + 1 < len(pattern) - 1 else 1 % len(pattern)
    if len(blocks) >= 3 and not {"chorus", "drop"} & {block.name for block in blocks} and style.form != "still":
        blocks[-1] = replace(blocks[-1], name="drop" if style.form == "club" else "chorus")
    if len(blocks) >= 3 and rng.random() < 0.3:
        blocks[-1] = replace(blocks[-1], name="outro")
    return blocks


def _heated(blocks: list[Block], rng: random.Random) -> list[Block]:
    """Energies: those of the sections' names, with more or less contrast, or a course of their own."""
    arc, count = rng.choice(ARCS), len(blocks)
    contrast, level = rng.uniform(0.6, 1.3), rng.uniform(-0.08, 0.08)
    low, high = rng.uniform(0.15, 0.4), rng.uniform(0.75, 1.0)
    done = []
    for index, block in enumerate(blocks):
        place = index / max(1, count - 1)
        shape = {
            "rises": place, "falls": 1 - place, "arch": 1 - abs(2 * place - 1), "valley": abs(2 * place - 1),
            "level": 0.6, "waves": 0.5 + 0.5 * math.cos(math.pi * index),
        }.get(arc)  # fmt: skip
        if shape is None:
            energy = 0.6 + contrast * (ENERGY[block.name] - 0.6) + level
        else:
            energy = low + (high - low) * shape
        done.append(replace(block, energy=round(max(0.12, min(1.0, energy + rng.uniform(-0.05, 0.05))), 2)))
    return done


def _with_drums(blocks: list[Block], style: Genre, rng: random.Random) -> list[Block]:
    """A story of the drums: they come as energy lets them, or enter, leave, stay away for a while, play alone."""
    story, count = rng.choice(DRUM_STORIES), len(blocks)
    if story == "as it comes" or (style.percussive and story in ("never", "leave", "away")):
        return blocks
    if count == 1 and story in ("enter", "leave", "away", "in and out"):
        first = round(blocks[0].bars * rng.uniform(0.3, 0.7))
        if not 0 < first < blocks[0].bars:
            return blocks
        blocks = [replace(blocks[0], bars=first), replace(blocks[0], bars=blocks[0].bars - first)]
        count = 2
    at = rng.randrange(1, count) if count > 1 else 0
    casts = {
        "enter": ["no drums" if i < at else "drums" for i in range(count)],
        "leave": ["drums" if i < at else "no drums" for i in range(count)],
        "away": ["no drums" if i == at else "drums" for i in range(count)],
        "in and out": ["no drums" if (i + at) % 2 else "drums" for i in range(count)],
        "first": ["drums alone" if i == 0 else "drums" for i in range(count)],
        "solo": ["drum solo" if i == at else "drums" for i in range(count)],
        "throughout": ["drums"] * count,
        "never": ["no drums"] * count,
    }[story]
    return [
        replace(block, cast=cast, name="solo" if cast == "drum solo" else block.name)
        for block, cast in zip(blocks, casts, strict=True)
    ]


def _with_events(blocks: list[Block], style: Genre, rng: random.Random) -> list[Block]:
    """Now and then a solo, a player alone, a break, a stop, a pick-up, other drums, a key change."""
    count = len(blocks)
    free = [i for i in range(1, count) if not blocks[i].cast.startswith("drum")] or []
    draw = rng.random()
    if free and draw < 0.14:
        at = rng.choice(free)
        blocks[at] = replace(blocks[at], name="solo", cast="solo", energy=max(0.5, blocks[at].energy))
    elif draw < 0.2:
        at = rng.choice((0, 0, *free))
        if blocks[at].cast in ("", "no drums"):
            blocks[at] = replace(blocks[at], cast="alone", energy=min(0.4, blocks[at].energy))
    if count > 1 and rng.random() < 0.12:
        at = rng.randrange(1, count)
        shift = rng.choice((1, 2, 2, 2, 3, 5))
        blocks = blocks[:at] + [replace(block, shift=shift) for block in blocks[at:]]
    elif count > 1 and rng.random() < 0.09:
        names = rng.choice((("chorus", "drop"), ("bridge", "solo"), ("chorus", "drop", "outro")))
        blocks = [replace(block, relative=block.name in names) for block in blocks]
    if rng.random() < 0.2:
        feel = rng.choice(("half-time", "half-time", "double-time"))
        at = rng.randrange(count)
        blocks = [replace(block, feel=feel) if i >= at else block for i, block in enumerate(blocks)]
    return _with_breaks(blocks, style, rng)


def _with_breaks(blocks: list[Block], style: Genre, rng: random.Random) -> list[Block]:
    """A bar of break or stop taken from the end of some section; a pick-up before the first."""
    if len(blocks) > 1 and rng.random() < 0.3:
        at = rng.randrange(len(blocks) - 1)
        before = blocks[at]
        if before.bars >= 3 and before.cast != "drums alone":
            cast = rng.choice(("stop", "stop", "no drums", "alone", "drum solo"))
            energy = blocks[at + 1].energy if cast == "drum solo" else max(0.12, round(before.energy - 0.3, 2))
            gap = replace(before, name="break", bars=1, cast=cast, energy=energy, feel="")
            blocks = [*blocks[:at], replace(before, bars=before.bars - 1), gap, *blocks[at + 1 :]]
    if rng.random() < 0.09 and blocks[0].bars >= 2:
        first = blocks[0]
        rest = rng.choice((0.5, 0.75)) if first.metre != (7, 8) else 0.5
        lead = replace(first, name="pick-up", bars=1 - rest, cast="pick-up", feel="")
        blocks = [lead, replace(first, bars=first.bars - 1), *blocks[1:]]
    return blocks


def _with_tempo_or_metre(blocks: list[Block], style: Genre, rng: random.Random) -> list[Block]:
    """Another tempo, or in genres of more than one metre another metre, from some block on or for one block."""
    if len(blocks) == 1:
        return blocks
    at = rng.randrange(1, len(blocks))
    metres = [m for m in (*style.metres, *style.odd) if m != blocks[0].metre]
    last = rng.choice((len(blocks), len(blocks), at + 1))
    if metres and style.odd and rng.random() < 0.4:
        metre = rng.choice(metres)
        return [replace(b, metre=metre) if at <= i < last else b for i, b in enumerate(blocks)]
    factor = rng.choice((0.5, 2.0, *(rng.uniform(0.7, 0.92),) * 2, *(rng.uniform(1.08, 1.3),) * 2))
    tempo = round(blocks[0].tempo * factor, 1)
    if not 40 <= tempo <= 220:
        tempo = round(blocks[0].tempo * (0.8 if factor > 1 else 1.25), 1)
    return [replace(b, tempo=tempo) if at <= i < last else b for i, b in enumerate(blocks)]


def _cut(blocks: list[Block], seconds: float, ends: bool) -> list[Block]:
    """The blocks made to last `seconds` again: no longer where they end, no shorter where they do not."""
    done: list[Block] = []
    left = seconds
    for block in blocks:
        bar = bar_of(block.metre) * 60 / block.tempo
        room = math.floor(left / bar + 1e-9) if ends else math.ceil(left / bar - 1e-9)
        if room <= 0:
            break
        bars = min(block.bars, room)
        done.append(replace(block, bars=bars))
        left -= bars * bar
    bar = bar_of(done[-1].metre) * 60 / done[-1].tempo
    more = math.floor(left / bar + 1e-9) if ends else math.ceil(left / bar - 1e-9)
    if more > 0:
        done[-1] = replace(done[-1], bars=done[-1].bars + more)
    return done
