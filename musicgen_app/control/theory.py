"""Names of notes, modes, chords and metres: what of music theory both packages need. Pitch classes: 0 is C."""

from __future__ import annotations

import re

MODES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "blues": (0, 2, 4, 5, 7, 9, 10),
}
DARK_MODES = ("minor", "dorian", "phrygian")  # those with a minor third
# The words for a mode in the name of a key -> the mode.
MODE_WORDS = {
    "major": "major", "maj": "major", "ionian": "major", "lydian": "lydian", "mixolydian": "mixolydian",
    "minor": "minor", "min": "minor", "aeolian": "minor", "dorian": "dorian", "phrygian": "phrygian",
}  # fmt: skip
METRES = {"4/4": 4.0, "3/4": 3.0, "6/8": 3.0}  # quarter notes in a bar

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
}

SHARPS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
FLATS = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
ACCIDENTALS = {"": 0, "#": 1, "♯": 1, "sharp": 1, "b": -1, "♭": -1, "flat": -1}  # in semitones

_SYMBOL = re.compile(r"([A-G])([#b]?)(.*)")


def parse_chord(symbol: str) -> tuple[int, str]:
    """ "F#m7" -> its root (6) and quality ("m7"). Raises ValueError for what is no chord of QUALITIES."""
    found = _SYMBOL.fullmatch(symbol)
    if not found or found[3] not in QUALITIES:
        raise ValueError(f"{symbol!r} is no chord: write them as C, F#m7 or Bbmaj7")
    return pitch_class(found[1] + found[2]), found[3]


def pitch_class(note: str) -> int:
    """ "F#" or "Gb" -> 6. Raises ValueError for what is no note."""
    for names in (SHARPS, FLATS):
        if note in names:
            return names.index(note)
    if re.fullmatch(r"[A-G][#b]", note):  # B#, E#, Cb, Fb
        return (SHARPS.index(note[0]) + ACCIDENTALS[note[1]]) % 12
    raise ValueError(f"{note!r} is no note: write them as C, F# or Bb")


def transpose(symbol: str, semitones: int) -> str:
    """A chord's symbol, so many semitones higher; "" stays what it is."""
    if not symbol:
        return symbol
    root, quality = parse_chord(symbol)
    return SHARPS[(root + semitones) % 12] + quality
