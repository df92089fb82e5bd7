"""Keys as people write them: "Am", "F# minor", "Bb", "D dorian" -> tonic and mode, as a plan has them, and back."""

from __future__ import annotations

import re

from ..control.reading import keys
from ..control.reading.text import Text
from ..control.theory import ACCIDENTALS, MODE_WORDS, MODES

_KEY = re.compile(r"\s*([A-Ga-g])([#b♯♭]|[\s-]?(?:sharp|flat)\b)?[\s-]*([A-Za-z]*(?: [a-z]+)?)\s*")


def read_key(text: str) -> str:
    """ "Am" -> "A minor", "Bb" -> "Bb major", "d dorian" -> "D dorian". Raises ValueError."""
    found = _KEY.fullmatch(text) if len(text) <= 40 else None
    word = found[3] if found else ""
    modes = {"": "major", "m": "minor", "M": "major"} | {mode: mode for mode in MODES} | MODE_WORDS
    mode = modes.get(word) or modes.get(word.lower() if len(word) > 1 else "?")
    if (not found or mode is None) and len(text) <= 40:
        other = keys.read_key(Text(f"key of {text}"))  # "c-Moll", "Sib menor", "H minor"
        if other and other.tonic:
            return f"{other.tonic} {other.mode or 'major'}"
    if not found or mode is None:
        raise ValueError(f"{ascii(text[:40])} is no key: write them as Am, F# minor or D dorian")
    sign = ("b", "", "#")[ACCIDENTALS[(found[2] or "").strip(" -")] + 1]
    return f"{found[1].upper()}{sign} {mode}"


def short_key(key: str) -> str:
    """ "A minor" -> "Am", "Bb major" -> "Bb", "D dorian" as it is."""
    note, _, mode = key.partition(" ")
    return note + {"major": "", "minor": "m"}.get(mode, f" {mode}")
