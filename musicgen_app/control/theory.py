"""Names of notes, modes, chords and metres: what of music theory both packages need. Pitch classes: 0 is C."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

MODES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "blues": (0, 2, 4, 5, 7, 9, 10),
    "harmonic minor": (0, 2, 3, 5, 7, 8, 11),
    "phrygian dominant": (0, 1, 4, 5, 7, 8, 10),
    "locrian": (0, 1, 3, 5, 6, 8, 10),
}
DARK_MODES = ("minor", "dorian", "phrygian", "harmonic minor", "locrian")  # those with a minor third
# The words for a mode in the name of a key -> the mode.
MODE_WORDS = {
    "major": "major", "maj": "major", "ionian": "major", "lydian": "lydian", "mixolydian": "mixolydian",
    "minor": "minor", "min": "minor", "aeolian": "minor", "dorian": "dorian", "phrygian": "phrygian",
}  # fmt: skip
METRES = ("4/4", "3/4", "6/8", "12/8", "2/4", "2/2", "5/4", "7/8", "6/4", "9/8", "7/4", "5/8", "10/8", "11/8")

# What follows the root in a chord's symbol -> semitones above the root, in the order of stacking.
QUALITIES = {
    "": (0, 4, 7),
    "m": (0, 3, 7),
    "dim": (0, 3, 6),
    "5": (0, 7),
    "sus2": (0, 2, 7),
    "sus4": (0, 5, 7),
    "6": (0, 4, 7, 9),
    "m6": (0, 3, 7, 9),
    "7": (0, 4, 7, 10),
    "maj7": (0, 4, 7, 11),
    "m7": (0, 3, 7, 10),
    "m7b5": (0, 3, 6, 10),
    "dim7": (0, 3, 6, 9),
    "7sus4": (0, 5, 7, 10),
    "add9": (0, 4, 7, 14),
    "madd9": (0, 3, 7, 14),
    "9": (0, 4, 7, 10, 14),
    "maj9": (0, 4, 7, 11, 14),
    "m9": (0, 3, 7, 10, 14),
    "13": (0, 4, 10, 14, 21),
    "aug": (0, 4, 8),
    "aug7": (0, 4, 8, 10),
    "7b5": (0, 4, 6, 10),
    "mmaj7": (0, 3, 7, 11),
    "69": (0, 4, 7, 9, 14),
    "7b9": (0, 4, 7, 10, 13),
    "7#9": (0, 4, 7, 10, 15),
    "9sus4": (0, 5, 7, 10, 14),
    "m11": (0, 3, 7, 10, 17),
    "maj13": (0, 4, 11, 14, 21),
    "m13": (0, 3, 10, 14, 21),
}

FIFTHS = ("F", "C", "G", "D", "A", "E", "B")  # the naturals on the line of fifths, F at -1
# Where the scale of a mode on C lies on the line of fifths: minus its flats, or its sharps.
SIGNATURES = {"major": 0, "minor": -3, "dorian": -2, "phrygian": -4, "lydian": 1, "mixolydian": -1, "blues": -1,
              "harmonic minor": -3, "phrygian dominant": -4, "locrian": -5}  # fmt: skip

SHARPS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
FLATS = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
# The usual tonics of keys, and of those with a minor third.
TONICS = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
DARK_TONICS = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B")
ACCIDENTALS = {"": 0, "#": 1, "♯": 1, "sharp": 1, "b": -1, "♭": -1, "flat": -1}  # in semitones

_SYMBOL = re.compile(r"([A-G][#b]?)([^/]*)(?:/([A-G][#b]?))?")
_METRE = re.compile(r"([1-9]|[12]\d|3[0-2])/(2|4|8|16)")


class ChordSymbol(NamedTuple):
    """What a symbol such as "F#m7/C#" says: pitch classes of root and bass, and the quality, one of QUALITIES."""

    root: int
    quality: str
    bass: int  # the root where the symbol names no other

    @property
    def pitches(self) -> tuple[int, ...]:
        """Pitch classes in the order of stacking, the root first, without a bass that is not of the chord."""
        return tuple((self.root + step) % 12 for step in QUALITIES[self.quality])


@lru_cache(maxsize=4096)
def parse_chord(symbol: str) -> ChordSymbol:
    """ "F#m7/C#" -> root 6, quality "m7", bass 1. Raises ValueError for what is no chord of QUALITIES."""
    found = _SYMBOL.fullmatch(symbol)
    if not found or found[2] not in QUALITIES:
        raise ValueError(f"{symbol[:40]!r} is no chord: write them as C, F#m7 or Bbmaj7/D")
    root = pitch_class(found[1])
    return ChordSymbol(root, found[2], pitch_class(found[3]) if found[3] else root)


def bar_length(metre: str) -> float:
    """ "7/8" -> 3.5, the quarter notes of a bar. Raises ValueError for what is no metre."""
    beats, unit = parse_metre(metre)
    return beats * 4 / unit


def beat_length(metre: str) -> float:
    """Quarter notes between two beats that are felt: a dotted quarter in 6/8, 9/8 and 12/8. Raises ValueError."""
    beats, unit = parse_metre(metre)
    return 4 / unit * (3 if beats > 3 and beats % 3 == 0 and unit >= 8 else 1)


def parse_metre(metre: str) -> tuple[int, int]:
    """ "7/8" -> 7, 8. Raises ValueError for what is no metre."""
    found = _METRE.fullmatch(metre)
    if not found:
        raise ValueError(f"{metre[:40]!r} is no metre: write them as 4/4, 6/8 or 7/8")
    return int(found[1]), int(found[2])


def pitch_class(note: str) -> int:
    """ "F#" or "Gb" -> 6. Raises ValueError for what is no note."""
    for names in (SHARPS, FLATS):
        if note in names:
            return names.index(note)
    if re.fullmatch(r"[A-G][#b]", note):  # B#, E#, Cb, Fb
        return (SHARPS.index(note[0]) + ACCIDENTALS[note[1]]) % 12
    raise ValueError(f"{note[:40]!r} is no note: write them as C, F# or Bb")


def key_name(tonic: int, mode: str) -> str:
    """A key by the usual name of its tonic, a pitch class: 10, "minor" -> "Bb minor"."""
    return f"{(DARK_TONICS if mode in DARK_MODES else TONICS)[tonic % 12]} {mode}"


def tonic_and_mode(key: str) -> tuple[int, str]:
    """ "F# minor" -> 6, "minor"; the mode of "F#" is "". Raises ValueError for what names no tonic."""
    note, _, mode = key.partition(" ")
    return pitch_class(note), mode


def transpose(symbol: str, semitones: int) -> str:
    """A chord's symbol, so many semitones higher; "" stays what it is."""
    if not symbol:
        return symbol
    root, quality, bass = parse_chord(symbol)
    below = "/" + SHARPS[(bass + semitones) % 12] if bass != root else ""
    return SHARPS[(root + semitones) % 12] + quality + below


def spell(symbol: str, key: str | None) -> str:
    """A chord's symbol with the names that its key has for notes: "A#" is "Bb" in "F minor". Without a key as it is.

    key: tonic and mode, or the tonic alone, which is read as major. Raises ValueError for what is no chord or no key.
    """
    if not symbol or not key:
        return symbol
    root, quality, bass = parse_chord(symbol)
    below = "/" + spell_note(bass, key) if bass != root else ""
    return spell_note(root, key) + quality + below


def spell_note(pitch: int, key: str) -> str:
    """The name of a pitch class in a key, its notes first, then those that are borrowed most. Raises ValueError.

    Names lie on the line of fifths. A key takes twelve neighbours: a major key has five beyond its scale on the flat
    side and none of the raised fifth, a minor key has its leading note.
    """
    tonic, _, mode = key.partition(" ")
    pitch_class(tonic)
    home = FIFTHS.index(tonic[0]) - 1 + 7 * ACCIDENTALS[tonic[1:]]
    scale = home + SIGNATURES.get(mode, 0) - 1  # its first note on the line
    first = scale - (1 if mode in DARK_MODES else 4)
    place = first + (pitch * 7 - first) % 12
    if place in (-8, -7, 11, 12) and not scale <= place <= scale + 6 or not -8 <= place <= 12:
        place += 12 if place < 0 else -12  # E, where F flat is not of the key; no double signs
    letter, sign = FIFTHS[(place + 1) % 7], (place + 1) // 7
    return letter + {-1: "b", 0: "", 1: "#"}[sign]


def key_of(chords: tuple[str, ...]) -> str:
    """The major or minor key with most of the chords' notes; of equal ones, that of the first chord, or the last."""
    parsed = [parse_chord(symbol) for symbol in chords]
    notes = [pitch for chord in parsed for pitch in chord.pitches]

    def fit(tonic: int, mode: str) -> float:
        scale = {(tonic + step) % 12 for step in MODES[mode]}
        at_home = [c.root == tonic and ("m" in c.quality[:1]) == (mode == "minor") for c in parsed]
        return sum(note in scale for note in notes) + 0.6 * at_home[0] + 0.3 * at_home[-1]

    tonic, mode = max(((t, m) for m in ("major", "minor") for t in range(12)), key=lambda key: fit(*key))
    return key_name(tonic, mode)
