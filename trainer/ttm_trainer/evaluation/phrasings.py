"""How much of what people write is read as they mean it: requests with their right reading, against the parser.

A file of phrasings is JSON Lines, a request a line: `text`, and what it states: `tempo`, `pace`, `metre`, `key`,
`chords`, `drums`, `genres`, `not` (what is refused) and `told` (pieces that nobody could carry out, and that a reader
has to tell). The readings were written by people who did not know the parser.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from musicgen_app.control.chord_reader import read_chord
from musicgen_app.control.prompt_parser import Reading, read_prompt
from musicgen_app.control.reading.text import mended
from musicgen_app.control.reading.words import VOICES, style_named
from musicgen_app.control.theory import pitch_class
from musicgen_app.errors import FileError

RIGHT, TOLD, WRONG = "right", "told", "silently wrong"
FIELDS = ("tempo", "pace", "metre", "key", "chords", "drums", "genres", "not", "told")
_KINDS = {"tempo": ("tempo", "number"), "chords": ("chords",), "not": ("unwanted", "drums"), "genres": ("genre",)}


@dataclass(frozen=True)
class Verdict:
    """Of one phrasing: for each field RIGHT, TOLD (not read so, but named as not read) or WRONG; got: what was read."""

    text: str
    fields: dict[str, str]
    got: dict[str, object]

    @property
    def whole(self) -> str:
        """The worst of its fields."""
        found = set(self.fields.values())
        return WRONG if WRONG in found else TOLD if TOLD in found else RIGHT


def read_phrasings(path: Path) -> list[dict]:
    """The rows of a file of phrasings. Raises FileError."""
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        if not all(isinstance(row["text"], str) and set(FIELDS) <= row.keys() for row in rows):
            raise ValueError(f"each line needs text, {', '.join(FIELDS)}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FileError(f"{path}: no file of phrasings ({error})") from error
    return rows


def judge(row: dict) -> Verdict:
    """Read the text of a row and compare."""
    reading = read_prompt(row["text"])
    facts = reading.facts
    told = [demand.text for demand in (*reading.approximated, *reading.not_understood) if demand.kind != "language"]
    got: dict[str, object] = {
        "tempo": facts.tempo,
        "pace": facts.pace,
        "metre": facts.metre,
        "key": facts.key,
        "chords": list(facts.degrees or facts.chords) or None,
        "drums": facts.drums,
        "genres": list(reading.genres),
        "not": list(reading.unwanted),
        "told": told,
    }
    same = {
        "tempo": row["tempo"] == got["tempo"],
        "pace": row["pace"] == got["pace"],
        "metre": row["metre"] == got["metre"],
        "key": _key(row["key"]) == _key(facts.key),
        "chords": _chords(row["chords"]) == _chords(got["chords"]),
        "drums": row["drums"] == got["drums"],
        "genres": _genres(row["genres"], reading),
        "not": _refused(row, reading),
        "told": all(any(_overlap(piece, said) for said in told) for piece in row["told"]),
    }
    fields = {name: RIGHT if right else TOLD if _is_told(name, reading) else WRONG for name, right in same.items()}
    return Verdict(row["text"], fields, got)


def shares(verdicts: Iterable[Verdict]) -> dict[str, float]:
    """Share of phrasings of which all is right, of which the rest is told, and of which something is silently wrong."""
    counts = Counter(verdict.whole for verdict in verdicts)
    return {status: counts[status] / max(counts.total(), 1) for status in (RIGHT, TOLD, WRONG)}


def table(verdicts: list[Verdict]) -> str:
    """The shares, whole and by field, as a table in Markdown."""
    rows = [("all of it", Counter(verdict.whole for verdict in verdicts))]
    rows += [(name, Counter(verdict.fields[name] for verdict in verdicts)) for name in FIELDS]
    lines = [f"| of {len(verdicts)} phrasings | {RIGHT} | {TOLD} | {WRONG} |", "|---|---|---|---|"]
    for name, counts in rows:
        cells = (f"{counts[status] / max(len(verdicts), 1):.1%}" for status in (RIGHT, TOLD, WRONG))
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _is_told(name: str, reading: Reading) -> bool:
    kinds = _KINDS.get(name, (name,))
    return any(demand.kind in kinds for demand in (*reading.approximated, *reading.not_understood))


def _key(name: str | None) -> tuple[int | None, str] | None:
    if name is None:
        return None
    tonic, _, mode = name.partition(" ")
    return (None, tonic) if tonic in ("major", "minor") else (pitch_class(tonic), mode)


def _chords(symbols: object) -> list[str] | None:
    """Symbols with pitch classes for names, so that C# and Db are one."""
    if not symbols:
        return None
    assert isinstance(symbols, list)
    return [_chord(symbol) for symbol in symbols]


def _chord(symbol: str) -> str:
    read = read_chord(symbol)
    if read is None or not read.symbol:
        return "N.C." if read or not symbol else symbol
    return re.sub(r"[A-G][#b]?(?![a-z])", lambda note: f"<{pitch_class(note[0])}>", read.symbol)


def _words(text: str) -> set[str]:
    return {word.removesuffix("s") for word in re.findall(r"[^\W_]+", text.lower())}


def _overlap(one: str, other: str) -> bool:
    return bool(_words(one) & _words(other))


def _genres(expected: list[str], reading: Reading) -> bool:
    """None made up where none is asked for; what is asked for named, or left in the words and not refused."""
    if not expected:
        return not reading.genres
    return not any(
        _overlap(genre, refused) and genre not in reading.genres for genre in expected for refused in reading.unwanted
    )


def _refused(row: dict, reading: Reading) -> bool:
    expected, got = row["not"], reading.unwanted
    if row["lang"] != "en":  # the words are of another language than the reading
        voiced = reading.facts.drums is False and all(
            thing in ("drums", "percussion", "instruments") for thing in expected
        )
        return voiced or len(got) == len(expected)
    return all(_is_refused(thing, reading) for thing in expected) and all(
        any(_overlap(thing, other) or _alike(thing, other) for other in expected) for thing in got
    )


def _is_refused(thing: str, reading: Reading) -> bool:
    if thing in ("drums", "percussion", "drum kit") and reading.facts.drums is False:
        return True
    return any(_overlap(thing, other) or _alike(thing, other) for other in reading.unwanted)


def _alike(one: str, other: str) -> bool:
    """Both voices, both drums, one style by two names, or one a form of the other; typing errors do not count."""
    one, other = (" ".join(map(mended, text.split())) for text in (one, other))
    voices = all(re.search(rf"(?<!\w)(?:{VOICES})(?!\w)", text, re.IGNORECASE) for text in (one, other))
    drums = all(re.search(r"drum|dr?u?r?ms?\b|percuss|beat|rhythm", text, re.IGNORECASE) for text in (one, other))
    styles = style_named(one) == style_named(other)
    return voices or drums or styles or one.lower()[:4] == other.lower()[:4]
