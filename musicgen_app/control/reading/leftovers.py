"""What no reader has used, and what states something all the same: numbers and words of music."""

from __future__ import annotations

import re

from .text import Text

# kind -> what looks like a demand of it; why: what to write instead.
_LOOKS = {
    "tempo": (
        r"-?\d+(?:[.,]\d+)?\s*(?:bpm|beats|schlage|battements|pulsos|battiti|batidas)\b|\b(?:tempo"
        r"|bpm)\b[^,;.\n\d]{0,16}\d+"
        r"|(?:[^\s,;]{1,24}\s+){0,2}\bbpm\b|\btempo\s*(?:of|[:=])\s*\w+"
    ),
    "key": r"\bkey\s*[:=]\s*\w+[^,;.\n]{0,16}|\bkey of\b[^,;.\n]{0,24}|\b(?:[1-7]|one|two|three|four|five"
    r"|six)\s+(?:sharps?|flats?)\b"
    r"|\b(?:relative|parallel)\s+(?:major|minor)\b|(?-i:\b[A-H])(?:#|b)?[\s-](?:major|minor)\b(?!\s+(?:league|label"
    r"|key))",
    "chords": r"\bchords?\s*(?::|are)\s*[^.\n]{1,40}",
    "metre": r"(?<![\d+])\d(?:\+\d)+(?:\s+(?:groove|feel|pattern))?|\b\d{1,2}/\d{1,2}\s+(?:time|metre|meter)\b"
    r"|\btime signature\b[^,;.\n]{0,24}",
    "pitch": (
        r"[+-]?\d+\s*(?:semitones?|cents|octaves?|st)\b|\b4(?:15|32|4[0-4])\s*hz\b"
        r"|\b(?:drop|open|standard)\s+[A-G][b#]?\s+tuning\b|\btuned?\s+(?:down|up|to)\s+[^,;.\n]{1,20}"
    ),
    "level": r"-\d+(?:\.\d+)?\s*(?:db|lufs)\b",
}
_WHY = {
    "tempo": "no tempo was found in it: write one such as 96 BPM",
    "key": "no key was found in it: write one such as F# minor",
    "chords": "no chords were found in it: write them such as Am F C G",
    "metre": "no metre was found in it: write one such as 7/8",
    "pitch": "tuning and transposition cannot be asked for",
    "level": "the level is set beside the prompt",
}
_PATTERNS = {kind: re.compile(words, re.IGNORECASE) for kind, words in _LOOKS.items()}
# A number, or a note, that is a clause of its own.
_NUMBER = re.compile(
    r"(?<![\w./:,#'-])(\d{2,3})(?![\w/%:'-]|[.,]\d|\s*[a-z])|(?<![\w./:#-])(?:between )?\d{2,3}"
    r" ?(?:-|to|and) ?\d{2,3}(?![\w/%:])"
)
_NOTE = re.compile(r"(?<![\w#'.&-])[A-H][#b]?(?:m|m?[679])?(?!\.?\w|[#'&/+])")
_MINOR = re.compile(r"(?<![\w#'.&-])(?:[BCFGH]|[A-H][#b])m(?!\.?\w|[#'&/+])")  # likely a chord, wherever it stands
_MOST = 8  # of one kind


def tell_leftovers(text: Text) -> None:
    """Tell what is left over that looks like a demand."""
    for kind, pattern in _PATTERNS.items():
        for match in list(text.find(pattern, cased=True))[:_MOST]:
            text.misses(kind, match.span(), _WHY[kind])
    for match in list(text.find(_NUMBER))[:_MOST]:
        if text.begins(match.start()) and text.ends(match.end()):
            why = "what the number counts is not said: 96 BPM is a tempo, --seconds 96 a length"
            text.misses("number", match.span(), why)
    for match in (*list(text.find(_NOTE, cased=True))[:_MOST], *list(text.find(_MINOR, cased=True))[:_MOST]):
        if match.re is _MINOR and text.is_free(*match.span()) or text.begins(match.start()) and text.ends(match.end()):
            text.misses("key", match.span(), "a key or a chord: write key of C, or chords: C")
