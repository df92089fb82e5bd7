"""The rows of chords that a prompt states, with or without the word, in letters, degrees or numbers."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from ..chord_reader import GERMAN, NO_CHORD, PIECE, ChordReading, names_of, parts_of, read_chord, read_chords
from .lexicon.chords import (
    APART,
    ARTICLE,
    BEHIND_ROW,
    BETWEEN,
    CAPO,
    CHORD_ALONE,
    FAR,
    FORMS,
    HEARD,
    KEPT,
    LABEL,
    LABEL_AFTER,
    LATIN,
    LENGTHS,
    LIST_SIGN,
    MELODY,
    MELODY_AFTER,
    MODE_WORDS,
    MOVES,
    NASHVILLE,
    NEXT,
    NO_KEY,
    NO_STRANGERS,
    NOTATION,
    NOTES,
    NOUN,
    NUMBER,
    ODD,
    OF_KEY,
    OF_SECTION,
    ON,
    PICK_UP,
    POWER,
    RICH,
    RIFF,
    ROMAN,
    SCALES,
    SEVENTH,
    SHAPE,
    SILENCE,
    STRANGE,
    WEAK,
)
from .text import Text


class Rows(NamedTuple):
    """Places of the text that hold chords; in_degrees: written as degrees of a key; power: "power chords" are meant;
    doubtful: what may be chords, and may not."""

    spans: list[tuple[int, int]]
    in_degrees: bool = False
    power: bool = False
    doubtful: tuple[tuple[int, int], ...] = ()


class _Chord(NamedTuple):
    start: int
    end: int
    strength: int  # 2: hardly anything else; 1: may be a word; 0: only the shape of one


def find_rows(text: Text, song: list[tuple[int, int]]) -> Rows:
    """Where chords stand, before keys are read; their places are marked as used. song: those of `find_song`."""
    if song:
        return Rows(song)
    for match in text.find(NOTATION, cased=True):
        text.german = True
        text.says("notation", match.span(), "German names of notes: H is B, B is B flat")
    runs = _runs(text)
    rows = [run for run in runs if _is_row(text, run)]
    rows = [run for run in rows if HEARD.search(text.before(run[0].start, 24))] or rows  # with a capo
    if rows:
        spans = [_use(text, (run[0].start, _with_repeats(text, run[-1].end))) for run in rows]
        text.german = text.german or names_of([text.plain[c.start : c.end] for run in rows for c in run]) == GERMAN
        power = POWER.search(text.lower) is not None
        return Rows(spans, power=power)
    return _degrees(text)._replace(doubtful=_doubtful(text, runs))


def _use(text: Text, span: tuple[int, int]) -> tuple[int, int]:
    text.use(*span)
    return span


def _with_repeats(text: Text, end: int) -> int:
    more = re.compile(r"[\s|)\]:]*(?:\bx\s?\d{1,2}\b|%)").match(text.plain, end)
    return more.end() if more else end


def _runs(text: Text) -> list[list[_Chord]]:
    """Chords with nothing but signs and "then" or "and" between."""
    runs: list[list[_Chord]] = []
    for chord in _chords(text):
        last = runs[-1][-1].end if runs else 0
        near = runs and chord.start - last <= FAR
        rest = near and SILENCE.fullmatch(text.plain, runs[-1][-1].start, last)
        if near and (
            BETWEEN.fullmatch(text.plain, last, chord.start)
            or rest
            and PICK_UP.fullmatch(text.plain, last, chord.start)
        ):
            runs[-1].append(chord)
        else:
            runs.append([chord])
    runs = [_without_words(text, run) for run in runs]
    runs = [run[1:] if len(run) > 1 and _is_a_key(text, run) else run for run in runs if run]
    return [run for run in runs if any(chord.strength for chord in run)]


def _without_words(text: Text, run: list[_Chord]) -> list[_Chord]:
    """A run without the small words at its ends: "with a C and a G", "Am F C G as a loop", "play Dm G la la"."""
    pieces = [text.plain[chord.start : chord.end] for chord in run]
    latin = any(re.match(rf"(?:{LATIN})(?![a-z])", piece) for piece in pieces[:-1])
    capitals = any(piece[0].isupper() for piece in pieces)
    while run and NOUN.match(text.plain, run[-1].end):
        word = BEHIND_ROW.fullmatch(pieces[-1]) if capitals else pieces[-1] == "a"
        if not word or latin and len(pieces[-1]) > 1:
            break
        run, pieces = run[:-1], pieces[:-1]
    if len(run) > 1 and pieces[0] == "a" and re.search(r"\w $", text.plain[: run[0].start]) and pieces[1][0].isupper():
        run = run[1:]
    return run


def _is_a_key(text: Text, run: list[_Chord]) -> bool:
    """Whether the first of a run is the key of the rest: "in D minor | Em7b5 | A7", "in E, E A B7", "D-Dur: D A G"."""
    named = [MODE_WORDS.search(text.plain[chord.start : chord.end]) is not None for chord in run]
    if named[0] and not any(named[1:]) and len(run) > 2 and not LABEL.search(text.before(run[0].start, 60)):
        return True
    if not OF_KEY.search(text.before(run[0].start, 12)):
        return False
    gap = text.plain[run[0].end : run[1].start]
    name = " " in text.plain[run[0].start : run[0].end]
    return name or len(run) > 2 and "," in gap or re.search(r"[|:;.\n]|then", gap) is not None


def _chords(text: Text) -> list[_Chord]:
    """All that has the shape of a chord and is not used yet."""
    found = []
    for match in PIECE.finditer(text.plain):
        if match.lastgroup in ("name", "no"):
            places = [(*match.span(), 2 if SEVENTH.search(match[0]) else 1)]
        elif match.lastgroup == "piece":
            places = [_placed(match, *part) for part in parts_of(match[0])]
        else:
            continue
        found += [_Chord(*place) for place in places if place[2] >= 0 and text.is_free(*place[:2])]
    return found


def _placed(match: re.Match[str], start: int, end: int) -> tuple[int, int, int]:
    """Where a part of a piece lies without the signs around it, and its strength; -1: it is no chord."""
    part = match[0][start:end]
    piece = part.strip(".'!?*<")
    begin = match.start() + start + part.find(piece)
    strength = _strength(piece) if 0 < len(piece) <= 16 else -1
    return begin, begin + len(piece), strength


def _doubtful(text: Text, runs: list[list[_Chord]]) -> tuple[tuple[int, int], ...]:
    """Two capital letters or more that may be chords, and may not."""
    capitals = (
        run
        for run in runs
        if len(run) > 1
        and all(text.plain[one.start].isupper() or one.strength == 2 for one in run)
        or len(run) > 2
        and any(re.fullmatch("[a-h][#b]?m", text.plain[one.start : one.end]) for one in run)
    )
    return tuple((run[0].start, run[-1].end) for run in capitals)


@lru_cache(maxsize=4096)
def _strength(piece: str) -> int:
    """2 for what is hardly anything but a chord, 1 for what may be a word, 0 for the shape alone, -1 for the rest."""
    read = read_chord(piece) if SHAPE.fullmatch(piece) else None
    if read is None or not read.symbol:
        return 0 if STRANGE.fullmatch(piece) and piece not in NO_STRANGERS else -1
    return 1 if WEAK.fullmatch(piece) else 2


def _is_row(text: Text, run: list[_Chord]) -> bool:
    """Whether a run of chord-like pieces is meant as chords; those with the shape alone speak neither way."""
    run = [chord for chord in run if chord.strength]
    plain, start, end = text.plain, run[0].start, run[-1].end
    pieces = [plain[chord.start : chord.end] for chord in run]
    label = LABEL.search(plain[max(0, start - 60) : start])
    if all(NOTES.fullmatch(piece) for piece in pieces) and not label:
        after = MELODY_AFTER.match(text.lower, end)
        if all(piece[-1] == "5" for piece in pieces) and len(run) > 1 and RIFF.search(text.lower) and not after:
            return True
        if len(run) > 1 and (after or MELODY.search(text.before(start, 60))):
            text.misses("melody", (start, end), "notes of a melody cannot be asked for: write chords: Am F C G")
            return False
    if label and not re.search(r"rhythm\s+changes", label[0].lower()):
        return len(run) > 1 or pieces[0][0].isupper() or label[0].rstrip()[-1:] in (":", "=") and text.ends(end)
    gaps = [plain[a.end : b.start] for a, b in zip(run, run[1:], strict=False)]
    strong = sum(c.strength == 2 or len(run) > 1 and p.endswith("7") for c, p in zip(run, pieces, strict=True))
    listed = bool(gaps) and all(LIST_SIGN.search(gap) for gap in gaps)
    clause = text.begins(start) and text.ends(end)
    section = OF_SECTION.search(text.before(start))
    if section and len(run) > 1 and (section["sign"] or text.ends(end) and not re.search("section|part", section[0])):
        return True
    barred = plain[:start].rstrip()[-1:] == "|" and (plain[end:].lstrip()[:1] == "|" or len(run) > 1)
    if barred or plain[:start].endswith("[") and plain[end:].startswith("]") and strong + len(run) > 1:
        return True
    if len(run) == 1:
        return _is_chord(text, run[0], pieces[0])
    if all(piece[0].islower() for piece in pieces):
        named = len(run) > 3 or any(len(piece) > 1 for piece in pieces)
        return len(run) > 2 and named and (listed or clause or len(run) > 3 and (text.begins(start) or text.ends(end)))
    if len(run) == 2:
        return _is_pair(text, run, pieces, strong, listed, clause)
    letters = "".join(pieces)
    if strong == 0 and (FORMS.fullmatch(letters) or letters in SCALES):
        return False  # A, B, C or the form A B A
    return (
        strong > 0
        or listed
        or text.ends(end)
        or len(run) > 3
        or ON.search(text.before(start, 60)) is not None
        or (LABEL_AFTER.match(plain, end) is not None)
    )


def _is_chord(text: Text, chord: _Chord, piece: str) -> bool:
    """Whether a single piece is meant as a chord: it is a rich one, or words around say so."""
    before = text.before(chord.start, 60)
    if re.search(r"\bkey(?:\s+of)?\W*$", before):
        return False
    after = LABEL_AFTER.match(text.plain, chord.end)
    minor = re.fullmatch(r"[A-H][#b]?m", piece) is not None
    if re.fullmatch(r"[A-H](?:[#b]|m|7)\S*/[A-G][#b]?", piece) and text.begins(chord.start) and text.ends(chord.end):
        return True
    if chord.strength == 2 and RICH.search(piece):
        return True
    seventh = re.fullmatch(r"[A-H][#b]?[679]", piece) is not None
    if (chord.strength == 2 or minor or seventh) and (after or ON.search(before) and piece != "Am"):
        return True
    if after and re.match(r"\s*chord", after[0]):
        return piece[0].isupper() and piece != "A"
    return KEPT.search(before) is not None and piece[0].isupper() and text.ends(chord.end)


def _is_pair(text: Text, run: list[_Chord], pieces: list[str], strong: int, listed: bool, clause: bool) -> bool:
    """Whether two pieces are meant as chords; two bare notes with "and" between may be anything."""
    linked = re.search(r"\w", text.plain[run[0].end : run[1].start]) is not None
    minor = any(re.fullmatch(rf"(?:[A-H][#b]?|{LATIN}[#b]?) ?m", piece) for piece in pieces)
    notes = all(re.fullmatch("[A-H][#b]?", piece) for piece in pieces)
    after = LABEL_AFTER.match(text.plain, run[-1].end) is not None
    if LENGTHS.search(text.plain, run[0].end, run[1].start):
        return True  # "Am for 4 bars then E7"
    if strong == 2 or strong and (listed or after or ON.search(text.before(run[0].start, 60))):
        return listed or not (linked and notes)
    asked = ON.search(text.before(run[0].start, 60)) is not None and text.ends(run[-1].end)
    return after or (strong > 0 or minor) and (asked or not linked and (listed or clause))


def _degrees(text: Text) -> Rows:
    """Runs of Roman numerals, or of numbers where they are said to be chords or a key stands near."""
    named = NASHVILLE.search(text.plain) is not None
    for pattern, least in ((ROMAN, 2), (NUMBER, 2 if named else 3)):
        runs: list[list[tuple[int, int]]] = []
        for match in text.find(pattern, cased=True):
            if runs and BETWEEN.fullmatch(text.plain, runs[-1][-1][1], match.start()):
                runs[-1].append(match.span())
            else:
                runs.append([match.span()])
        spans = [
            (run[0][0], run[-1][1])
            for run in runs
            if len(run) >= least and _are_degrees(text, run, pattern is NUMBER, named)
        ]
        if spans:
            return Rows([_use(text, span) for span in spans], True, POWER.search(text.lower) is not None)
    return Rows([])


def _are_degrees(text: Text, run: list[tuple[int, int]], numbers: bool, named: bool) -> bool:
    written = [text.plain[start:end] for start, end in run]
    if not numbers:
        return len(set(written)) > 1 or len(run) > 2
    if named:
        return True
    key_near = re.search(r"\b(?:key|in|blues)\b", text.lower) is not None
    counting = written[:3] in (["1", "2", "3"], ["4", "3", "2"], ["3", "2", "1"], ["5", "6", "7"])
    return key_near and not counting and any(re.match("[b#]?[146]", piece) for piece in written)


def read_rows(text: Text, rows: Rows, key: str | None) -> list[ChordReading]:
    """The chords of the rows, in order; tells what of them is changed or cannot be read."""
    names = GERMAN if text.language in ("de", "pl", "cs") or text.german else None
    if names and not text.german and names_of([text.plain[slice(*span)] for span in rows.spans]):
        names = None
    chords: list[ChordReading] = []
    for start, end in rows.spans:
        written = text.plain[start:end]
        row = APART.sub("", LENGTHS.sub(" ", ARTICLE.sub(r"\g<link> ", MOVES.sub(" ", written))))
        if LENGTHS.search(written):
            why = "each chord gets a bar, or those between two | lines share one: write a chord sheet for other lengths"
            text.takes_word("chords", text.written(start, end), "a bar each", why, start)
        whole = len(rows.spans) == 1
        read = read_chords(f"({row}" if row.count(")") > row.count("(") else row, key, names, whole)
        if rows.power:
            read = [
                c._replace(symbol=f"{c.symbol}5") if c.symbol and re.fullmatch("[A-G][#b]?", c.symbol) else c
                for c in read
            ]
        chords += read
        _tell(text, (start, end), read, key)
        if more := NEXT.match(text.plain, end):
            if text.is_free(*more.span("piece")):
                text.misses("chords", more.span("piece"), "it follows a row of chords, and is no chord that is known")
    parts = [span for span in rows.spans if OF_SECTION.search(text.before(span[0]))]
    for span in parts if len(rows.spans) > 1 else ():
        why = "chords of sections are not told apart in a prompt: write a chord sheet"
        text.takes_word("chords", text.written(*span), "a part of one row of chords", why, span[0])
    for match in text.find(CAPO, cased=True):
        text.takes("chords", match.span(), "the chords as they are written", "a capo is not reckoned with")
    for span in rows.doubtful:
        if text.is_free(*span):
            text.misses("chords", span, "these may be chords, or not: write them as chords: Am F C G")
    _tell_odd(text)
    _tell_left(text, bool(chords))
    return chords


def _tell_left(text: Text, beside: bool) -> None:
    """What can hardly be anything but a chord and is in no row; beside a row also a letter that ends a clause."""
    for start, end, strength in _chords(text):
        piece = text.plain[start:end]
        letter = (
            re.fullmatch(r"[B-H][#b]?m?", piece) and text.ends(end) and text.plain[start - 1 : start] in (" ", "\n")
        )
        if strength == 2 and CHORD_ALONE.fullmatch(piece) or beside and letter:
            text.misses("chords", (start, end), "a chord that is in no row: write all of them as chords: Am F C G")


def _tell(text: Text, span: tuple[int, int], read: list[ChordReading], key: str | None) -> None:
    symbols = " ".join(chord.symbol or ("N.C." if chord.symbol == NO_CHORD else "?") for chord in read)
    degrees = not key and any(chord.symbol is None and "no key" in chord.why for chord in read)
    if degrees:
        text.takes("chords", span, "the same degrees of the clip's key", NO_KEY)
    else:
        text.says("chords", span, symbols)
    for chord in dict.fromkeys(chord for chord in read if chord.why):
        at = text.plain.find(chord.text, *span)
        chord = chord._replace(text=text.written(at, at + len(chord.text))) if at >= 0 else chord
        if chord.symbol is not None:
            text.takes_word("chords", chord.text, chord.symbol or "no chord", chord.why, span[0])
        elif not degrees:
            text.misses_word("chords", chord.text, chord.why, span[0])


def _tell_odd(text: Text) -> None:
    """What is called a chord, and is none: "a Q7 chord"."""
    for match in text.find(ODD, cased=True):
        if match["what"] == "I" or len(match["what"]) < 2:
            continue
        near = re.match(r"[\s-]+chords?\b", text.after(match.end(), 8)) or LABEL.search(text.before(match.start(), 40))
        if near and read_chord(match["what"]) is None:
            text.misses("chords", match.span(), "no chord of that name is known")
