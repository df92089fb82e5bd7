"""Harmony of a piece: its key, and for each kind of section a cycle of bars of chords.

Most cycles are those of the genre, some with several chords a bar, inversions, pedal points or richer chords. Some are
vamps. Some are drawn at random, as no genre would write them, so that a model learns to obey any chord sheet.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from musicgen_app.control.theory import MODES, QUALITIES

from .genres import Genre
from .players.metres import Metre, bar_of, splits
from .theory import PENTATONIC, Chord, Key, chord, progression, roman

Cycle = list[list[Chord]]  # bars, each of its chords
Timeline = list[tuple[float, float, Chord]]

KINDS = {"chorus": "B", "drop": "B", "bridge": "C", "solo": "C", "break": "C", "build": "C"}  # other sections: "A"
WILD, VAMP = 0.17, 0.07  # shares of pieces
RICHER = {
    "": ("6", "69", "add9", "maj7", "maj9", "sus2", "sus4", "maj13", "add9"),
    "m": ("m7", "m9", "madd9", "m6", "mmaj7", "m11", "m13", "m7"),
    "7": ("9", "13", "7sus4", "9sus4", "7b9", "7#9", "7b5", "aug7"),
    "maj7": ("maj9", "6", "69", "maj13"),
    "m7": ("m9", "m11", "m13", "m6"),
    "dim": ("dim7", "m7b5"),
    "9": ("13", "9sus4", "7#9", "7b9"),
    "maj9": ("69", "maj13"),
    "m9": ("m11", "m13"),
}
COMMON = ("", "m", "7", "maj7", "m7")  # four times as likely as other qualities in random sequences
VAMPS = {
    "dark": ("i", "i7", "i9", "i7 IV7", "i bII", "i7 ii7", "i VII", "i,VII VI,VII", "i11", "i i/7"),
    "bright": ("I", "I7", "Imaj7", "I bVII", "Imaj7 II7", "I7 IV7", "I9", "I,IV I", "I69", "Isus4 I", "I7#9"),
}


@dataclass(frozen=True)
class Harmony:
    """The key, whether one is clear, and the cycles of the kinds of section "A", "B" and "C"."""

    key: Key
    clear: bool
    cycles: dict[str, Cycle]

    def cycle(self, section: str) -> Cycle:
        return self.cycles[KINDS.get(section, "A")]

    @property
    def last(self) -> Chord:
        """The chord to end on: the first of the piece where that stands on the tonic, or no key is clear."""
        first = self.cycles["A"][0][0]
        if first.root == self.key.tonic or not self.clear:
            return first
        return chord(self.key.tonic, "m" if self.key.dark else "", self.key)

    def moved(self, steps: int) -> Harmony:
        """The same in another key."""
        key = Key((self.key.tonic + steps) % 12, self.key.mode)
        cycles = {kind: [[c.moved(steps, key) for c in bar] for bar in cycle] for kind, cycle in self.cycles.items()}
        return Harmony(key, self.clear, cycles)


def harmony(style: Genre, rng: random.Random) -> Harmony:
    """The harmony of a piece."""
    key = Key(rng.choice(style.tonics), rng.choice(style.modes))
    draw = rng.random()
    if draw < WILD:
        return _wild(key, rng)
    if draw < WILD + VAMP:
        text = rng.choice(VAMPS["dark" if key.dark else "bright"])
        key = (
            Key(key.tonic, key.mode if key.mode == "blues" else "dorian" if key.dark else "mixolydian")
            if not _diatonic(text, key) and key.mode != "blues"
            else key
        )
        cycle = progression(text, key)
        return Harmony(key, True, {"A": cycle, "B": cycle, "C": cycle})
    return of_genre(style, key, rng)


def of_genre(style: Genre, key: Key, rng: random.Random) -> Harmony:
    """Progressions of the genre in a key; modal keys stay in their mode. Some are varied."""
    pool: Sequence[str] = style.progressions["dark" if key.dark else "bright"]
    if key.mode not in ("major", "minor", "blues"):
        fitting = [text for text in pool if _diatonic(text, key)]
        if fitting:
            pool = fitting
        else:
            key = Key(key.tonic, "minor" if key.dark else "major")
    texts = {"A": rng.choice(pool)}
    texts["B"] = texts["A"] if rng.random() < 0.35 else rng.choice(pool)
    texts["C"] = rng.choice((texts["A"], texts["B"], rng.choice(pool)))
    stretch = rng.choice(style.bars_per_chord)
    quick, rich = rng.random() < 0.12, rng.random() < style.colour
    turned, passing, pedal = rng.random() < 0.16, rng.random() < 0.12, rng.random() < 0.05
    cycles: dict[str, Cycle] = {}
    for kind, text in texts.items():
        cycle = [bar for bar in progression(text, key) for _ in range(stretch)]
        if quick and len(cycle) % 2 == 0 and all(len(bar) == 1 for bar in cycle):
            cycle = [first if first == second else first + second for first, second in _pairs(cycle)]
        cycle = _passing(cycle, key, rng) if passing else cycle
        cycle = [[_richer(c, key, rng) for c in bar] for bar in cycle] if rich else cycle
        cycle = [[_turned(c, key, rng) for c in bar] for bar in cycle] if turned else cycle
        if pedal and kind != "B":
            cycle = [[c.over(key.tonic, key) for c in bar] for bar in cycle]
        cycles[kind] = cycle
    return Harmony(key, True, cycles)


def relative(style: Genre, found: Harmony, rng: random.Random) -> Harmony | None:
    """Harmony of the genre in the relative key: that of C major for A minor; None where the genre has none."""
    key = found.key
    if key.mode not in ("major", "minor") or not found.clear:
        return None
    other = Key((key.tonic + 3) % 12, "major") if key.dark else Key((key.tonic - 3) % 12, "minor")
    if ("dark" if other.dark else "bright") not in style.progressions:
        return None
    return of_genre(style, other, rng)


def scale(style: Genre, key: Key, rng: random.Random) -> tuple[int, ...]:
    """What melodies are made of: the notes of the key's mode, or five of them."""
    name = key.mode if key.mode == "blues" else "minor" if key.dark else "major"
    return PENTATONIC[name] if rng.random() < style.pentatonic else MODES[key.mode]


def timeline(cycle: Cycle, first: int, start: float, end: float, metre: Metre) -> Timeline:
    """Chords as (start, end, chord) from bar `first` of the cycle on; repeated ones joined within two bars."""
    bar = bar_of(metre)
    found: Timeline = []
    for index in range(math.ceil((end - start) / bar - 1e-6)):
        chords = cycle[(first + index) % len(cycle)]
        begins = [start + index * bar + split for split in splits(metre, len(chords))]
        for begin, finish, sounding in zip(begins, [*begins[1:], start + (index + 1) * bar], chords, strict=True):
            if begin >= end - 1e-6:
                break
            finish = min(finish, end)
            if found and found[-1][2] == sounding and begin - found[-1][0] < 2 * bar - 1e-6 and index % 2:
                found[-1] = (found[-1][0], finish, sounding)
            else:
                found.append((begin, finish, sounding))
    return found


def symbols(chords: Timeline) -> tuple[str, ...]:
    """One symbol for every slot of a timeline, the slots all of one length, the longest that fits."""
    start, end = chords[0][0], chords[-1][1]
    edges = [round((begin - start) * 48) for begin, _, _ in chords[1:]] + [round((end - start) * 48)]
    slot = math.gcd(*edges) / 48
    lengths = [round((finish - begin) / slot) for begin, finish, _ in chords]
    return tuple(c.symbol for (_, _, c), length in zip(chords, lengths, strict=True) for _ in range(length))


def _diatonic(text: str, key: Key) -> bool:
    return all(set(c.pitch_classes) <= set(key.pitch_classes) for bar in progression(text, key) for c in bar)


def _pairs(cycle: Cycle) -> list[tuple[list[Chord], list[Chord]]]:
    return list(zip(cycle[::2], cycle[1::2], strict=True))


def _wild(key: Key, rng: random.Random) -> Harmony:
    """Chords drawn at random, of the key or of all chords, with a rhythm of half a bar to four bars."""
    of_key = rng.random() < 0.4
    weights = [4 if quality in COMMON else 1 for quality in QUALITIES]
    counts = rng.choice(((1,), (1,), (1, 2), (2,), (1, 1, 2), (1, 2, 4), (2, 4), (1, 3)))
    repeat = rng.choice((1, 1, 1, 2, 4)) if counts == (1,) else 1

    def drawn() -> Chord:
        if of_key:
            root = rng.choice(key.pitch_classes)
            fitting = [q for q in QUALITIES if all((root + s) % 12 in key.pitch_classes for s in QUALITIES[q])]
            made = chord(root, rng.choice(fitting or [""]), key)
        else:
            made = chord(rng.randrange(12), rng.choices(list(QUALITIES), weights)[0], key)
        draw = rng.random()
        if draw < 0.12:
            return made.over(rng.choice(made.pitch_classes[1:]), key)
        if draw < 0.15:
            return made.over(rng.choice(key.pitch_classes) if of_key else rng.randrange(12), key)
        return made

    def cycle() -> Cycle:
        bars = rng.choice((2, 3, 4, 4, 5, 6, 8, 8))
        return [
            bar for bar in ([drawn() for _ in range(rng.choice(counts))] for _ in range(bars)) for _ in range(repeat)
        ]

    first = cycle()
    return Harmony(key, of_key, {"A": first, "B": cycle(), "C": cycle() if rng.random() < 0.5 else first})


def _passing(cycle: Cycle, key: Key, rng: random.Random) -> Cycle:
    """Second chords in some bars: a dominant of what follows, a suspension before its resolution, a step between."""
    done: Cycle = []
    for index, bar in enumerate(cycle):
        following = cycle[(index + 1) % len(cycle)][0]
        if len(bar) > 1 or rng.random() > 0.45 or following.root == bar[0].root:
            done.append(bar)
            continue
        draw = rng.random()
        if draw < 0.4:
            done.append([bar[0], chord(following.root + 7, rng.choice(("7", "7", "9", "7b9", "7sus4")), key)])
        elif draw < 0.6:
            done.append([bar[0], chord(following.root - 1, rng.choice(("dim7", "dim", "m7b5")), key)])
        elif draw < 0.8 and bar[0].quality in ("", "7"):
            done.append([chord(bar[0].root, "sus4" if bar[0].quality == "" else "7sus4", key), bar[0]])
        else:
            done.append([bar[0], roman("V/7" if key.mode == "major" else "VII", key)])
    return done


def _richer(plain: Chord, key: Key, rng: random.Random) -> Chord:
    options = RICHER.get(plain.quality)
    if not options or rng.random() < 0.35:
        return plain
    fitting = [q for q in options if all((plain.root + s) % 12 in key.pitch_classes for s in QUALITIES[q])]
    chosen = rng.choice(fitting) if fitting and rng.random() < 0.75 else rng.choice(options)
    return chord(plain.root, chosen, key).over(plain.bass, key)


def _turned(plain: Chord, key: Key, rng: random.Random) -> Chord:
    """An inversion, now and then."""
    if plain.slash or len(plain.pitch_classes) < 3 or rng.random() > 0.4:
        return plain
    return plain.over(plain.pitch_classes[rng.choice((1, 1, 2, len(plain.pitch_classes) - 1))], key)
