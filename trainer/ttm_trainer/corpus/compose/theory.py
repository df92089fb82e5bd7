"""Keys, chords and voice leading: roman numerals and a key -> chords as pitch classes and MIDI numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from musicgen_app.control.theory import ACCIDENTALS, DARK_MODES, FLATS, MODES, QUALITIES, SHARPS

PENTATONIC = {"major": (0, 2, 4, 7, 9), "minor": (0, 3, 5, 7, 10), "blues": (0, 3, 5, 6, 7, 10)}
_NUMERALS = ("I", "II", "III", "IV", "V", "VI", "VII")
_ROMAN = re.compile(r"([b#]?)(VII|VI|IV|V|III|II|I|vii|vi|iv|v|iii|ii|i)([^/]*)(?:/([357TD]))?")


@dataclass(frozen=True)
class Key:
    """A tonic pitch class (0..11) and the name of a mode of `MODES`."""

    tonic: int
    mode: str

    @property
    def dark(self) -> bool:
        return self.mode in DARK_MODES

    @cached_property
    def pitch_classes(self) -> tuple[int, ...]:
        return tuple((self.tonic + step) % 12 for step in MODES[self.mode])

    @cached_property
    def spelling(self) -> tuple[str, ...]:
        """The twelve note names, with flats where the key signature has flats."""
        relative_major = (self.tonic - _MODE_ROOT[self.mode]) % 12
        return FLATS if relative_major in (1, 3, 5, 8, 10) or (relative_major == 6 and self.dark) else SHARPS

    @property
    def name(self) -> str:
        return f"{self.spelling[self.tonic]} {self.mode}"


_MODE_ROOT = {"major": 0, "dorian": 2, "phrygian": 4, "lydian": 5, "mixolydian": 7, "blues": 7, "minor": 9}


@dataclass(frozen=True)
class Chord:
    """A chord: pitch classes of root and bass, quality of `QUALITIES`, and its symbol, e.g. "F#m7/C#"."""

    root: int
    quality: str
    symbol: str
    bass: int

    @cached_property
    def pitch_classes(self) -> tuple[int, ...]:
        """Root first, then in the order of the stacked intervals; without a bass that is not of the chord."""
        return tuple((self.root + step) % 12 for step in QUALITIES[self.quality])

    @property
    def slash(self) -> bool:
        return self.bass != self.root

    @property
    def third(self) -> int:
        """Semitones from the root to the third (or to the tone that stands in for it)."""
        return QUALITIES[self.quality][1]

    @property
    def fifth(self) -> int:
        return next((step for step in QUALITIES[self.quality] if step in (6, 7, 8)), 7)

    @property
    def seventh(self) -> int:
        return next((step for step in QUALITIES[self.quality] if step in (9, 10, 11)), 12)

    def over(self, bass: int, key: Key) -> Chord:
        """The same chord with another note in the bass, spelled as in `key`."""
        plain = self.symbol.split("/")[0]
        return replace(self, bass=bass, symbol=plain if bass == self.root else f"{plain}/{spelt(bass, key)}")

    def moved(self, steps: int, key: Key) -> Chord:
        """The chord so many semitones higher, spelled as in `key`."""
        return chord(self.root + steps, self.quality, key).over((self.bass + steps) % 12, key)


def spelt(pitch_class: int, key: Key) -> str:
    """The name of a note in a key: the lowered second, third, sixth and seventh of major are flats."""
    lowered = (pitch_class - key.tonic) % 12 in (1, 3, 8, 10) and pitch_class not in key.pitch_classes
    return FLATS[pitch_class] if lowered else key.spelling[pitch_class]


def chord(root: int, quality: str, key: Key) -> Chord:
    """The chord on a pitch class, spelled as in `key`."""
    return Chord(root % 12, quality, spelt(root % 12, key) + quality, root % 12)


@lru_cache(maxsize=4096)
def roman(numeral: str, key: Key) -> Chord:
    """A chord from a numeral such as "i", "bVII", "V7", "iio", "iiø", "Imaj9".

    Degrees are counted on the natural minor scale in dark modes and on the major scale in all others. "/3", "/5" or
    "/7" behind it puts that note of the chord into the bass, "/T" the tonic of the key and "/D" its dominant.
    """
    found = _ROMAN.fullmatch(numeral)
    if not found:
        raise ValueError(f"{numeral!r} is no roman numeral of a chord")
    accidental, degree, suffix, below = found.groups()
    step = MODES["minor" if key.dark else "major"][_NUMERALS.index(degree.upper())]
    minor = degree.islower()
    quality = {"o": "dim", "o7": "dim7", "ø": "m7b5", "+": "aug"}.get(suffix) or (f"m{suffix}" if minor else suffix)
    made = chord(key.tonic + step + ACCIDENTALS[accidental], quality, key)
    if not below:
        return made
    low = {"T": key.tonic, "D": key.tonic + 7}.get(below)
    if low is None:
        low = made.root + {"3": made.third, "5": made.fifth, "7": made.seventh}[below]
    return made.over(low % 12, key)


def progression(text: str, key: Key) -> list[list[Chord]]:
    """Bars of chords from e.g. "ii7,V7 Imaj7": a space starts a new bar, a comma divides a bar evenly."""
    return [[roman(numeral, key) for numeral in bar.split(",")] for bar in text.split()]


def scale_over(chord: Chord, key: Key, scale: tuple[int, ...]) -> tuple[int, ...]:
    """Pitch classes to play over a chord: the scale, with notes that clash with chromatic chord tones replaced."""
    tones = {*chord.pitch_classes, chord.bass}
    classes = {(key.tonic + step) % 12 for step in scale}
    for tone in tones - set(key.pitch_classes):
        classes -= {(tone + 1) % 12, (tone - 1) % 12} - tones
        classes.add(tone)
    return tuple(sorted(classes))


@lru_cache(maxsize=16384)
def ladder(classes: tuple[int, ...], low: int, high: int) -> tuple[int, ...]:
    """Every MIDI number in low..high whose pitch class is in `classes`, ascending."""
    return tuple(pitch for pitch in range(low, high + 1) if pitch % 12 in classes)


def nearest(classes: tuple[int, ...], target: float) -> int:
    """The MIDI number nearest to `target` whose pitch class is in `classes`."""
    middle = round(target)
    return min((p for p in range(middle - 12, middle + 13) if p % 12 in classes), key=lambda p: (abs(p - target), p))


def fold(pitch: int, low: int, high: int) -> int:
    """`pitch` moved by octaves into low..high (a range of an octave or more)."""
    while pitch < low:
        pitch += 12
    while pitch > high:
        pitch -= 12
    return pitch


@lru_cache(maxsize=16384)
def voicing(chord: Chord, previous: tuple[int, ...] | None, center: int, size: int = 4) -> tuple[int, ...]:
    """Close voicing of at most `size` tones around MIDI `center`: the inversion nearest to the previous voicing."""
    classes = list(chord.pitch_classes)
    if len(classes) > size:
        steps = QUALITIES[chord.quality]
        least = next((step for step in (7, 14) if step in steps), 0)  # a plain fifth, a ninth, a root are missed least
        classes.pop(steps.index(least))
    classes = classes[-size:] if len(classes) > size else classes
    candidates = []
    for turn in range(len(classes)):
        order = classes[turn:] + classes[:turn]
        for base in range(center - 18, center + 6):
            if base % 12 != order[0]:
                continue
            stack = [base]
            for pitch_class in order[1:]:
                stack.append(stack[-1] + ((pitch_class - stack[-1]) % 12 or 12))
            candidates.append(tuple(stack))

    def cost(stack: tuple[int, ...]) -> float:
        off_center = abs(sum(stack) / len(stack) - center)
        if previous is None:
            return off_center
        motion = sum(min(abs(p - q) for q in previous) for p in stack)
        return motion + 0.5 * off_center + abs(stack[-1] - previous[-1]) * 0.5

    return min(candidates, key=cost)
