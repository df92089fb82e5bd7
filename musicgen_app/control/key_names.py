"""Keys as people write them: "Am", "F# minor", "Bb", "D dorian" -> tonic and mode, as a plan has them, and back."""

from __future__ import annotations

import re

from .chord_reader import GERMAN, read_chord
from .reading import keys
from .reading.text import Text
from .theory import ACCIDENTALS, MODE_WORDS, MODES

_KEY = re.compile(r"\s*([A-Ga-g])([#b♯♭]|[\s-]?(?:sharp|flat)\b)?[\s-]*([A-Za-z]*(?: [a-z]+)?)\s*")

_GERMAN_KEY = re.compile(r"\s*([a-z]+)[\s-]+(?:dur|moll?)\s*", re.IGNORECASE)
_ASKS = "key of "  # before what is read as in a prompt


def read_key(text: str) -> str:
    """ "Am" -> "A minor", "Bb" -> "Bb major", "d dorian" -> "D dorian". Raises ValueError."""
    found = _KEY.fullmatch(text) if len(text) <= 40 else None
    word = found[3] if found else ""
    modes = {"": "major", "m": "minor", "M": "major"} | {mode: mode for mode in MODES} | MODE_WORDS
    mode = modes.get(word) or modes.get(word.lower() if len(word) > 1 else "?")
    if not found or mode is None:
        key = _as_in_a_prompt(text) if len(text) <= 40 else None
        if key:
            return key
        raise ValueError(f"{ascii(text[:40])} is no key: write them as Am, F# minor or D dorian")
    sign = ("b", "", "#")[ACCIDENTALS[(found[2] or "").strip(" -")] + 1]
    return f"{found[1].upper()}{sign} {mode}"


def _as_in_a_prompt(text: str) -> str | None:
    """A key in another language, "c-Moll", "Sib menor", "H minor"; None where it is none, or is not all of the text."""
    german = _GERMAN_KEY.fullmatch(text)
    if german and read_chord(german[1], GERMAN) is None:
        return None
    prompt = Text(f"{_ASKS}{text}")
    key = keys.read_key(prompt)
    unused = (
        prompt.plain[place].isalnum() and prompt.is_free(place, place + 1)
        for place in range(len(_ASKS), len(prompt.plain))
    )
    if key is None or key.tonic is None or prompt.approximated or prompt.missed or any(unused):
        return None
    return f"{key.tonic} {key.mode or 'major'}"


def short_key(key: str) -> str:
    """ "A minor" -> "Am", "Bb major" -> "Bb", "D dorian" as it is."""
    note, _, mode = key.partition(" ")
    return note + {"major": "", "minor": "m"}.get(mode, f" {mode}")
