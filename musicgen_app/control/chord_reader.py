"""Chord symbols as people write them -> symbols of `theory`: "A-7", "Hm", "La m", "F#m7(b5)", "ii7" in a key.

`pychord` knows what most symbols are made of. Here are the habits that it does not know, the names of notes in other
languages, and the way from any chord to the nearest one that the models know.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from .theory import MODES, QUALITIES, parse_chord, pitch_class, spell_note

NO_CHORD = ""  # the symbol of "N.C.": the plan says nothing of the harmony there
ENGLISH, GERMAN, LATIN = "english", "german", "latin"  # habits of naming notes


class ChordReading(NamedTuple):
    """A chord as read. symbol: of `theory`, NO_CHORD for "N.C.", None for what is no chord; text: as written.

    why: empty where the symbol says just what was written; else what was changed, and why.
    """

    symbol: str | None
    text: str
    why: str = ""


MODE_NAMES = r"(?:minore?|mineur|menor|moll|majeur|major|maggiore|mayor|maior|dur|maj|min|мажор|минор)(?![^\W\d_])"
# Signs with one meaning -> how the tables below write them.
SIGNS = str.maketrans({
    "♯": "#", "＃": "#", "♭": "b", "–": "-", "—": "-", "−": "-", "‐": "-", "‑": "-", "∆": "Δ", "△": "Δ", "^": "Δ",
    "Ø": "ø", "º": "°", "⁺": "+", "×": "x", "\u00a0": " ", "\t": " ", "é": "e", "è": "e", "ó": "o", "á": "a",
    "í": "i",
})  # fmt: skip
_LATIN_NOTES = {"do": "C", "ut": "C", "re": "D", "mi": "E", "fa": "F", "sol": "G", "la": "A", "si": "B"}
_GERMAN_NOTES = {
    "cis": "C#", "des": "Db", "dis": "D#", "es": "Eb", "eis": "E#", "fes": "Fb", "fis": "F#", "ges": "Gb", "gis": "G#",
    "as": "Ab", "ais": "A#", "his": "B#", "ces": "Cb", "hes": "Bb", "bes": "Bb", "h": "B", "b": "Bb",
}  # fmt: skip
SHARP_WORDS, FLAT_WORDS = r"sharp|diesis|diese|sostenido|sustenido|kruis", r"flat|bemolle|bemol|mol(?!l)"
_ENGLISH_ROOT = re.compile(r"([A-Ga-g])(##?|b(?:b(?!\d))?|[\s-]*(?:sharp|flat)\b)?")
_GERMAN_ROOT = re.compile(r"((?ai:(?:[cdfgah]is|[cdfghb]es|es|eis|as|h)(?!us)|b|[acdefg]))(#|b)?")
_LATIN_ROOT = re.compile(rf"((?ai:do|ut|re|mi|fa|sol|la|si))(#|b|[\s-]*(?ai:{SHARP_WORDS}|{FLAT_WORDS}))?")
_ROOTS = {ENGLISH: _ENGLISH_ROOT, LATIN: _LATIN_ROOT, GERMAN: _GERMAN_ROOT}

# Habits of writing a quality -> the common way, one after the other; the case of "M" and "m" counts.
_HABITS = tuple((re.compile(habit), common) for habit, common in (
    (r"\([1-48]\)$", ""),  # a number of beats or bars
        (r"7M\((9|13)\)", r"maj\1"),
        (r"7\((9|11|13)\)", r"\1"),
        (r"thirteen(?:th)?", "13"), (r"eleven(?:th)?", "11"), (r"nine?(?:th)?(?![a-z])", "9"), (r"seven(?:th)?s?", "7"),
    (r"six(?:th)?", "6"), (r"five|fifth", "5"), (r"four(?:th)?", "4"), (r"two|second", "2"),
    (r"suspended", "sus"), (r"added", "add"), (r"[\s-]+flat[\s-]*(?=\d)", "b"), (r"[\s-]+sharp[\s-]*(?=\d)", "#"),
    (r"altered", "alt"), (r"power$", "5"),
        (r"[\s(),.\[\]_]|\bchord$", ""),
    (r"^-?(?:MINOR|MOLL|minore?|mineur|menor|moll|min|MIN|Min|Moll|Minor|mi|-)", "m"),
    (r"^m?-?(?:MAJOR|DUR|major|majeur|maggiore|mayor|maior|[Dd]ur|Major)$", ""),
    (r"^7M(?:aj)?", "maj7"), (r"^m/(?=[mM])", "m"),
    (r"(?<![a-z])(?:major|Maj|MAJ|maj|Ma|MA|ma|M|j)(?=\d|$)", "maj"), (r"(?<=^m)major(?=\d)", "maj"),
    (r"^maj$", ""),
    (r"(?<=^m)(?:Maj|MAJ|maj|Ma|MA|ma|M|Δ)7?(?=\d|$|7)", "maj7"),
    (r"^(m?)Δ7?(?=$|#|b|add)", r"\1maj7"), (r"Δ", "maj"), (r"maj77", "maj7"),
    (r"^(?:m?ø7?|half-?dim(?:inished)?7?|hdim7?|h7?)", "m7b5"),
    (r"^(?:o|°|diminished|Dim|DIM)(?=\d|$)", "dim"),
    (r"^(?:\+|augmented|Aug|AUG)", "aug"), (r"^7(?:\+|aug)$", "aug7"),
    (r"(?<=\d)\+(?=\d)", "#"), (r"(?<=\d)-(?=\d)", "b"),
    (r"^dom(?:inant)?7?(?=$|\D)", "7"), (r"^(?:m?6/9|6add9|6/?9)", lambda m: "m69" if m[0][0] == "m" else "69"),
    (r"[Ss]us(?!\d)", "sus4"), (r"^(sus[24])7$", r"7\1"), (r"add2\b|^2$|(?<=^m)2$", "add9"), (r"^7?alt$", "7alt"),
    (r"omit", "no"),
))  # fmt: skip
_CHANGES = re.compile(r"(?:add|no|sus|[b#])\d+$")
_STEPS = {1: 0, 2: 2, 3: 4, 4: 5, 5: 7, 6: 9, 7: 10, 9: 2, 11: 5, 13: 9}  # degrees above the root, in semitones
_TONE_NAMES = ("root", "b9", "9", "minor third", "third", "11", "b5", "fifth", "#5", "6", "7", "major 7")
_WEIGHTS = (9, 1.5, 1.5, 4, 4, 1.5, 2.5, 0.5, 2.5, 1.5, 4, 4)  # what it costs to lose a tone; to add one costs double
_USUAL = {"7alt": "7#9", "11": "9sus4"}  # chords with many readings -> the usual one
_OVER = re.compile(
    r"\s+(?:over|slash|with\s+an?|with|on)\s+([A-G](?:[\s-]?(?:sharp|flat)|[#b])?)(?:\s+(?:in|as)\s+the\s+bass"
    r"|\s+bass)?$"
)
_NO_CHORD = re.compile(r"\(?(?:N\.?\s?C\.?|no chord|tacet)\)?", re.IGNORECASE)


@lru_cache(maxsize=4096)
def read_chord(text: str, names: str | None = None) -> ChordReading | None:
    """Read one symbol; None: it is no chord. names: the habit of naming notes, None for any, English before others.

    "A-7" -> Am7; "G7(b9)" -> G7b9; "Hm" and "Si m" -> Bm; "C7alt" -> C7#9, and why.
    """
    if len(text) > 40:
        return None
    plain = text.strip().translate(SIGNS)
    plain = _OVER.sub(r"/\1", plain) if " " in plain else plain
    if _NO_CHORD.fullmatch(plain):
        return ChordReading(NO_CHORD, text, "no chord can be asked for: nothing is said of the harmony there")
    habits = (ENGLISH, LATIN, GERMAN) if plain.lower() != "do" else (LATIN,)
    for habit in habits if names in (None, ENGLISH) else (names, *habits):
        read = _read_as(plain, habit)
        if read:
            return ChordReading(read[0], text, read[1])
    return None


@lru_cache(maxsize=4096)
def _read_as(plain: str, habit: str) -> tuple[str, str] | None:
    """The symbol, and what is changed in it, by one habit of naming notes."""
    root = _ROOTS[habit].match(plain)
    if not root:
        return None
    split = re.fullmatch(r"(.*?)(?:/(?!9|[mM]a?j)(.*))?", plain[root.end() :])  # but not at the slash of 6/9
    rest, below = split.groups() if split else ("", None)
    bass = _ROOTS[habit].fullmatch(below.strip()) if below else None
    if below is not None and not bass:
        return None
    found = _quality(rest)
    if found is None or rest[:1] == "o" and (root[0].islower() or plain == "Go"):  # words: "go", "do"
        return None
    quality, why = found
    small = habit == GERMAN and root[1][0].islower() and len(root[1]) > 1
    if small and quality == "" and not rest:  # "cis" is C sharp minor
        quality = "m"
    symbol = _note(root, habit) + quality + ("/" + _note(bass, habit) if bass else "")
    parse_chord(symbol)
    return symbol, why


def _note(found: re.Match[str], habit: str) -> str:
    """The English name, with one accidental at most, of a note that a root's expression found."""
    name = found[1].lower()
    if habit == LATIN:
        sign = (found[2] or "").strip(" -").lower()
        return _LATIN_NOTES[name] + ("" if not sign else "#" if sign == "#" or re.match(SHARP_WORDS, sign) else "b")
    note = _GERMAN_NOTES.get(name, name.upper()) if habit == GERMAN else name.upper()
    sign = (found[2] or "").strip(" -")
    sign = {"sharp": "#", "flat": "b"}.get(sign, sign)
    if len(note + sign) <= 2:
        return note + sign
    if len(note) == 2:  # a German name with a sign of its own
        return note
    return {"##": {"C": "D", "D": "E", "E": "F#", "F": "G", "G": "A", "A": "B", "B": "C#"},
            "bb": {"C": "Bb", "D": "C", "E": "D", "F": "Eb", "G": "F", "A": "G", "B": "A"}}[sign][note]  # fmt: skip


@lru_cache(maxsize=2048)
def _quality(text: str) -> tuple[str, str] | None:
    """What follows a root -> a quality of QUALITIES, and what is changed; None: it is no quality."""
    if text and text.isspace():
        return "", ""
    for habit, common in _HABITS:
        text = habit.sub(common, text)
    if text in QUALITIES:
        return text, ""
    if text in _USUAL:
        return _USUAL[text], f"of the chords that the model knows, {_USUAL[text]} is the usual reading of {text}"
    tones = _tones(text)
    if tones is None:
        return None
    known = {quality: frozenset(step % 12 for step in steps) for quality, steps in QUALITIES.items()}
    quality = min(known, key=lambda name: _apart(tones, known[name]))
    lost, new = tones - known[quality], known[quality] - tones
    if not lost and not new:
        return quality, ""
    changes = [f"without its {_names(lost, tones)}"] if lost else []
    changes += [f"with a {_names(new, known[quality])}"] if new else []
    return quality, f"the nearest chord that the model knows, {' and '.join(changes)}"


def _names(tones: frozenset[int], chord: frozenset[int]) -> str:
    upper = ({6: "#11", 8: "b13"} if 7 in chord else {}) | ({9: "13"} if chord & {10, 11} else {})
    return " and ".join(upper.get(tone, _TONE_NAMES[tone]) for tone in sorted(tones))


def _apart(wanted: frozenset[int], known: frozenset[int]) -> float:
    """How badly a known chord stands for the wanted one."""
    if 7 in wanted:  # a tritone is an eleventh, then, and no fifth
        wanted, known = wanted - {6, 8}, known | ({7} if known & {6, 8} else set())
    return sum(_WEIGHTS[tone] for tone in wanted - known) + 2 * sum(_WEIGHTS[tone] for tone in known - wanted)


def _tones(text: str) -> frozenset[int] | None:
    """Pitch classes above the root of a quality that pychord knows, or one with tones added, left out or altered."""
    changes: list[str] = []
    while text not in QUALITIES and text not in _pychord():
        found = _CHANGES.search(text)
        if not found or len(changes) == 6:
            return None
        changes.append(found[0])
        text = text[: found.start()]
    tones = set(QUALITIES.get(text) or _pychord()[text])
    tones = {tone % 12 for tone in tones} - ({5} if text.startswith("13") else set())  # nobody plays it there
    for change in reversed(changes):
        kind, degree = re.fullmatch(r"(\D+)(\d+)", change).groups()  # type: ignore[union-attr]
        if int(degree) not in _STEPS:
            return None
        step = _STEPS[int(degree)] + {"b": -1, "#": 1}.get(kind, 0)
        if kind == "no" or kind == "sus":
            tones -= {3, 4} if degree == "3" or kind == "sus" else {9, 10, 11} if degree == "7" else {step}
        if kind in "b#" and degree == "5":
            tones.discard(7)
        if kind != "no":
            tones.add(step % 12)
    return frozenset(tones)


@lru_cache(maxsize=1)
def _pychord() -> dict[str, tuple[int, ...]]:
    """The qualities of `pychord` and their semitones above the root."""
    from pychord.quality import QualityManager

    return {name: quality.components for name, quality in QualityManager().get_qualities().items()}


# A row of chords: names of more than one word, pieces without blanks, and signs of repetition.
_WORDS = rf"(?:[A-H][#b]?|{'|'.join(_LATIN_NOTES)}|[a-h](?:is|es)?|[ae]s)"
_SIGN_WORDS = rf"[\s-]+(?:{SHARP_WORDS}|{FLAT_WORDS})\b"
# "B flat seven", "F sharp half diminished", "G sus four": a root, and words of which one at least is of chords alone.
_ROOT = r"(?-i:[A-H])(?:#|b|[\s-](?:sharp|flat))?"
_STEP = r"(?:six|seven|nine|eleven|thirteen|sixth|ninth|(?:seven|eleven|thirteen)th)"
_SPOKEN = (
    rf"\b{_ROOT}(?:[\s-](?:major|minor|maj|min)){{0,2}}(?:[\s-](?:dominant|half[\s-]dim(?:inished)?|diminished"
    rf"|augmented"
    rf"|altered|suspended|sus|add(?:ed)?|power))?(?:[\s-](?:{_STEP}|two|four|five|second|fourth))?"
    rf"(?:[\s-](?:sus|suspended|add)[\s-](?:two|four|nine|2|4|9))?"
    rf"(?:[\s-](?:sharp|flat)[\s-](?:five|nine|eleven|thirteen|5|9|11|13))*"
)
_BASS = rf"\s+(?:(?:over|slash)\s+{_ROOT}|with\s+(?:an?\s+)?{_ROOT}\s+(?:in\s+the\s+)?bass)(?!\w)"
_SEVENTH = r"(?:[\s-]?(?:7|9|11|13|seventh|seven|ninth)(?!\w))?"
_NAME = (
    rf"\b{_WORDS}(?:(?:{_SIGN_WORDS})?[\s-]+{MODE_NAMES}{_SEVENTH}|{_SIGN_WORDS}{_SEVENTH}|\sm(?=[\s\d(|,;)]|$)"
    r"|m?\s(?:add|sus|maj|dim|aug)(?=\d))[\w#()+°]*"
    rf"|\b(?:{'|'.join(_LATIN_NOTES)})[#b]?\s(?:m|maj)?(?:6|7|9|11|13)(?!\w)"
)
PIECE = re.compile(
    rf"(?P<name>{_SPOKEN}{_BASS}|{_SPOKEN}(?-i:(?<=[a-z]{{2}})|(?<=[\s-]\d)"
    rf"|(?<=1[13]))(?<!sharp)(?<!flat)(?<!major)(?<!minor)(?![\w#/-])|(?:{_NAME})(?:/\w+)?)"
    rf"|(?P<no>\(?\bN\.?C\b\.?\)?)|(?P<times>\bx\s?\d\d?\b|\b\d\d?\s?x(?!\w))|(?P<same>%)"
    r"|(?P<open>\()|(?P<close>\))|(?P<piece>[^\s,;"
    r"|>→:()\[\]{}%\"\u3040-\u9fff\uac00-\ud7af]+(?:\([^()\s]{1,16}\)[^\s,;|>→:()\[\]{}%\"]*)*)",
    re.IGNORECASE,
)
_DEGREE = re.compile(r"([b#]?)(VII|VI|IV|V|III|II|I|vii|vi|iv|v|iii|ii|i|[1-7](?!\d))(?![IiVv])([^/]*)(?:/(.+))?")
_LINKS = frozenset(
    "then and to plus und dann y et puis luego poi en dan finally lastly next into".split()
)  # between two chords
_ROMANS = ("i", "ii", "iii", "iv", "v", "vi", "vii")
MOST_CHORDS = 512  # of a row that is read; repeats are not played out beyond it


def read_chords(text: str, key: str | None = None, names: str | None = None, whole: bool = True) -> list[ChordReading]:
    """Read a row: "Am F C/E E7", "| Dm7 | G7 | % |", "(Em C) x2", "La m, Fa", "ii-V-I" with key "Bb major".

    key: tonic with or without a mode, for degrees ("ii7", "6-"); without it they come with symbol None. names: the
    habit of naming notes where the row itself does not tell it. What is no chord comes with symbol None and says why.
    A row is given once through: a repeat of all of it is that of the loop, and is not played out. whole: it is all that
    is played, and no other row follows.
    """
    pieces = list(_pieces(text.translate(SIGNS), text))
    written = [piece for kind, piece in pieces if kind == "chord"]
    habit = names_of(written) or names
    doubt = habit == GERMAN and names_of(written) != GERMAN
    small = {piece[0].islower() for piece in written if re.fullmatch(r"[a-h]|[A-H]\S*", piece)} == {True, False}
    strict = any(re.fullmatch(r"[b#]?[1-7](?:-|m).*", piece) for piece in written)
    minors = any(re.match(r"[A-Ha-h][#b]?(?:m(?!aj)|-|\s?min)", piece.translate(SIGNS)) for piece in written)
    read: list[ChordReading] = []
    groups: list[int] = []  # where those that are open begin
    last = 0  # where the one that was closed last began
    for number, (kind, piece) in enumerate(pieces):
        if kind == "open":
            groups.append(len(read))
        elif kind == "close":
            last = groups.pop() if groups else 0
        elif kind == "same":
            read += [read[-1]._replace(text=piece)] if read else [_unread(piece, "nothing stands before it")]
        elif kind == "times":
            group = read[last:]
            if last or number + 1 < len(pieces) or not whole:
                read += group * min(int(re.sub(r"\D", "", piece)) - 1, MOST_CHORDS // max(len(group), 1))
            last = len(read)
        else:
            read.append(
                _read_piece(piece, key, habit, doubt, ("major" if minors else "minor") if small else "", strict)
            )
    return read[:MOST_CHORDS]


def names_of(pieces: list[str]) -> str | None:
    """The habit of naming notes that only some of the pieces of a row can have; None where they all are English."""
    only = [next((h for h in _ROOTS if _read_as(piece.translate(SIGNS), h)), None) for piece in set(pieces)]
    return next((habit for habit in (LATIN, GERMAN) if habit in only), None)


def _pieces(plain: str, text: str) -> list[tuple[str, str]]:
    """(kind, text) of the pieces of a row: chord, same, times, open, close."""
    found: list[tuple[str, str]] = []
    for match in PIECE.finditer(plain):
        kind, piece = match.lastgroup or "", text[match.start() : match.end()]
        if kind in ("name", "no"):
            found.append(("chord", piece))
        elif kind == "piece":
            piece = piece.lstrip("<-–—−‐‑*_~'")
            parts = [piece[start:end] for start, end in parts_of(piece)]
            found += [("chord", p) for p in parts if re.search(r"[^\W_]", p) and p.lower() not in _LINKS]
        else:
            found.append((kind, piece))
    return found


@lru_cache(maxsize=4096)
def parts_of(piece: str) -> list[tuple[int, int]]:
    """Places in "Am-F-C-7": Am, F, C-7. A hyphen or a plus before a chord or a degree stands between two."""
    plain, parts, start = piece.translate(SIGNS), [], 0
    if "-" not in plain and "+" not in plain:
        return [(0, len(piece.rstrip(".")))]
    numbers = all(re.match(r"[b#]?[1-7]|$", part) for part in plain.split("-"))
    for hyphen in re.finditer("[-+]", plain):
        following = re.split("-" if hyphen[0] == "-" else "[-+]", plain[hyphen.end() :], maxsplit=1)[0]
        degree = _DEGREE.fullmatch(following)
        if hyphen.start() > start and (degree and (numbers or not degree[2].isdigit()) or read_chord(following)):
            parts.append((start, hyphen.start()))
            start = hyphen.end()
    return [*parts, (start, len(piece.rstrip(".-" if parts else ".")))]


def _read_piece(piece: str, key: str | None, habit: str | None, doubt: bool, small: str, strict: bool) -> ChordReading:
    """small: what a small letter alone is read as in this row; "" for the same as a capital."""
    degree = _DEGREE.fullmatch(piece.translate(SIGNS))
    if degree:
        return _read_degree(degree, piece, key, strict) if key else _unread(piece, "a degree, but no key is named")
    read = read_chord(piece, habit)
    if read is None or read.symbol is None:
        return _unread(piece, "no chord of that name is known")
    if small == "major" and piece == "a":
        return _unread(piece, "an article, or a chord: write A or Am")
    if small and re.fullmatch("[a-h]", piece):
        symbol = f"{read.symbol}m" if small == "minor" else read.symbol
        return read._replace(symbol=symbol, why=f"a small letter in a row with capitals is read as {small}")
    if doubt and re.match(r"[Bb](?![b#])", piece):
        return read._replace(why="B in a German text is read as B flat; write H or Bb to be sure")
    return read


def _unread(piece: str, why: str) -> ChordReading:
    return ChordReading(None, piece, why)


def _read_degree(found: re.Match[str], piece: str, key: str, strict: bool) -> ChordReading:
    """A degree in a key: "ii7", "bVII", "6-", "V/V", "1/3". strict: numbers say themselves which are minor."""
    tonic, _, mode = key.partition(" ")
    sign, degree, rest, below = found.groups()
    number = int(degree) if degree.isdigit() else _ROMANS.index(degree.lower()) + 1
    steps = MODES.get(mode, MODES["major"])
    why = ""
    if below and (under := _DEGREE.fullmatch(below)):
        inner = _read_degree(under, below, key, strict)
        if inner.symbol and not degree.isdigit():  # the dominant of another degree
            chord = parse_chord(inner.symbol)
            home = f"{spell_note(chord.root, key)} {'minor' if chord.quality[:1] == 'm' else 'major'}"
            return _read_degree(_DEGREE.fullmatch(sign + degree + rest) or found, piece, home, strict)  # fmt: skip
    if sign or rest[:1] in "°o" and rest and number == 7:  # an altered degree is counted from the major scale
        steps = MODES["major"]
    quality = _quality(rest)
    if quality is None:
        return _unread(piece, f"no chord of the quality {rest!r} is known")
    kind, why = quality
    if degree.islower() and kind in ("", "6", "7", "9", "13", "maj7", "7b5"):
        kind = "m" + kind
    if degree.isdigit() and not rest and not strict and not sign:
        third, fifth = ((steps[(number + up) % 7] - steps[number - 1]) % 12 for up in (1, 3))
        kind = "m" if third == 3 and fifth == 7 else "dim" if fifth == 6 else ""
        why = "the chord of the key on that degree" if kind else ""
    root = (pitch_class(tonic) + steps[number - 1] + {"b": -1, "#": 1}.get(sign, 0)) % 12
    symbol = spell_note(root, key) + kind
    if below and below.isdigit() and 1 <= int(below) <= 7:
        symbol += "/" + spell_note((pitch_class(tonic) + steps[int(below) - 1]) % 12, key)
    return ChordReading(symbol, piece, why)
