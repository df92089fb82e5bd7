"""A bar as it is typed, shown and read aloud: text -> chords in quarter notes, and back."""

from __future__ import annotations

from collections.abc import Sequence

from ...control.chord_reader import ChordReading
from ...control.plan import Chords
from ...control.theory import parse_chord
from ...errors import RequestError
from ...songbook.chord_row import HOLD, UNKNOWN
from ...songbook.sheet import read_row
from ...songbook.sheet_writer import write_row
from .bars import Bar

TYPED = 500  # characters of what is typed into a bar
NAMES = {  # quality of a chord -> how it is read aloud
    "": "major", "m": "minor", "dim": "diminished", "5": "power chord", "sus2": "suspended second",
    "sus4": "suspended fourth", "6": "sixth", "m6": "minor sixth", "7": "seventh", "maj7": "major seventh",
    "m7": "minor seventh", "m7b5": "half-diminished", "dim7": "diminished seventh", "7sus4": "seventh suspended fourth",
    "add9": "added ninth", "madd9": "minor added ninth", "9": "ninth", "maj9": "major ninth", "m9": "minor ninth",
    "13": "thirteenth", "aug": "augmented", "aug7": "augmented seventh", "7b5": "seventh flat fifth",
    "mmaj7": "minor major seventh", "69": "six nine", "7b9": "seventh flat ninth", "7#9": "seventh sharp ninth",
    "9sus4": "ninth suspended fourth", "m11": "minor eleventh", "maj13": "major thirteenth", "m13": "minor thirteenth",
}  # fmt: skip


def read_bars(
    text: str, key: str | None, before: Bar | None, quarters: Sequence[float]
) -> tuple[list[Bar], list[ChordReading]]:
    """Bars as they are typed, "Am", "Am F", "Am | F . . C", and chords of it that are approximated.

    before: the bar before, which "%" repeats and whose last chord "." holds; quarters: lengths of the bars from there
    on, of which the last goes for all that follow. Raises RequestError.
    """
    if len(text) > TYPED:
        raise RequestError(f"a bar takes {TYPED} characters: open longer ones as a sheet")
    bars: list[Bar] = []
    changes: list[ChordReading] = []
    for number, one in enumerate(_between_lines(text)):
        length = quarters[min(number, len(quarters) - 1)]
        if one in ("", UNKNOWN):
            bars.append(Bar((("", length),)))
        elif one == "%" or one in HOLD:
            last = bars[-1] if bars else before
            if last is None:
                raise RequestError(f"there is no bar before that {one} could go on with")
            held = Bar(((last.chords[-1][0], length),), tied=True)
            bars.append(held if one in HOLD else last.fitted(length)._replace(tied=False, locked=False))
        else:
            try:
                row = read_row(f"| {one} |", key or "C major")
            except RequestError as error:
                raise RequestError(str(error).partition(": ")[2] or str(error)) from None  # no place: it is one bar
            chords = row.chords(length)
            if abs(sum(long for _, long in chords) - length) > 1e-6:
                raise RequestError(f"{one[:40]} does not fill one bar: write bars between | lines")
            bars.append(Bar(chords))
            changes += [change for change in row.changes if change not in changes]
    return bars, changes


def shown(bar: Bar) -> str:
    """A bar as it is typed: "Am", "Am F", "Am . . F"; nothing where its chord is unknown."""
    if not any(symbol for symbol, _ in bar.chords):
        return ""
    text = write_row(bar.chords, bar.quarters)
    return text.strip("|() ") if "*" not in text else text


def aloud(symbol: str) -> str:
    """ "F#m7/C#" -> "F sharp minor seventh over C sharp"; "no chord" for an unknown one."""
    if not symbol:
        return "no chord"
    root, _, bass = symbol.partition("/")
    note = root[:2] if root[1:2] in ("#", "b") else root[:1]
    quality = NAMES[parse_chord(symbol).quality]
    return f"{_note(note)} {quality}" + (f" over {_note(bass)}" if bass else "")


def described(bar: Bar) -> str:
    """All chords of a bar, to be read aloud."""
    return ", ".join(aloud(symbol) for symbol, _ in bar.chords)


def pretty(symbol: str) -> str:
    """A symbol as it is shown, with ♯ and ♭ behind its notes."""
    root, slash, bass = symbol.partition("/")
    return _signed(root) + slash + _signed(bass)


def in_slots(chords: Chords) -> list[dict]:
    """The chords of a bar for the browser: {"chord", "share"}, shares of the bar in per cent."""
    total = sum(length for _, length in chords)
    return [{"chord": pretty(symbol), "share": round(100 * length / total, 3)} for symbol, length in chords]


def _between_lines(text: str) -> list[str]:
    whole = text.strip()
    if whole.startswith("|"):
        whole = whole[1:]
    if whole.endswith("|"):
        whole = whole[:-1]
    bars = [one.strip() for one in whole.split("|")]
    return [one[1:-1].strip() if one.startswith("(") and one.endswith(")") else one for one in bars]


def _note(name: str) -> str:
    return name[:1] + {"#": " sharp", "b": " flat"}.get(name[1:], "")


def _signed(text: str) -> str:
    """ "Bbm7" -> "B♭m7": the sign of the root alone."""
    return text[:1] + {"#": "♯", "b": "♭"}.get(text[1:2], text[1:2]) + text[2:]
