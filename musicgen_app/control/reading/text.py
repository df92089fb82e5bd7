"""A prompt made plain for the readers, what they have used of it, and what they say of it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

# Signs with one meaning -> one of them. Accents fall in `plain`.
_SIGNS = str.maketrans({
    "♯": "#", "♭": "b", "–": "-", "—": "-", "−": "-", "‐": "-", "‑": "-", "‒": "-", "―": "-", "’": "'", "‘": "'",
    "`": "'", "´": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "…": ".", "×": "x", "→": ">", "⇒": ">",
    "\U0001d15f": "♩", "ı": "i", "≈": "=", "ł": "l", "Ł": "L", "ß": "ss", "æ": "ae",
    "、": ", ", "。": ". ", "，": ", ", "：": ":",
    "·": ",", "•": ",", "♮": "", "△": "Δ", "∆": "Δ", "∶": ":", "⁄": "/", "∕": "/",
})  # fmt: skip
_WORD = re.compile(r"[^\W\d_]+")
_RUN = 3  # equal signs in a row that are kept
_LONG_RUN = re.compile(r"([\W_])\1{3}")
_BLANKS = str.maketrans("\t\r\f\v_", "     ")
_ARROW = re.compile(r"[-=]+>")  # one sign, and no "E-" or "C="
# Pictures that say what is wanted -> its word. One that forbids does so with the picture before it, or what follows.
_PICTURES = {
    "\U0001f941": "drums", "\U0001fa98": "drums", "\U0001f3b8": "guitar", "\U0001f3b9": "piano", "\U0001f3bb": "violin",
    "\U0001f3ba": "trumpet", "\U0001f3b7": "saxophone", "\U0001fa97": "accordion", "\U0001fa95": "banjo",
    "\U0001fa88": "flute", "\U0001f3a4": "vocals",
}  # fmt: skip
_FORBIDDING = "\U0001f6ab\u274c\u26d4\u2716\U0001f645\U0001f44e"
_EDGES = " ,;:.!\"'\u2013\u2014"


@dataclass(frozen=True)
class Demand:
    """A demand found in a prompt. kind: what it is about; text: as written; meaning: what it is taken for."""

    kind: str
    text: str
    meaning: str = ""
    why: str = ""

    def to_dict(self) -> dict[str, str]:
        """As JSON has it: text, as, why."""
        return {"text": self.text, "as": self.meaning, "why": self.why}


TAKEN_BACK = "it is taken back: what follows holds"
# Words between two statements of one thing that take the first back.
_CORRECTION = re.compile(
    r"(?<!\w)(?:wait|make\s+(?:it|that|this)|change\s+(?:it|that|this)|scratch\s+that|correction|i\s+mean[t]?|or\s+rather"
    r"|actually|sorry|oops|on\s+second\s+thoughts?|let's\s+(?:say|do|go|make)|no,?\s+better|better\s+yet|now\s+i\s+want"
    r"|moment|quatsch|doch\s+lieber|nein,?\s+(?:lieber|besser|doch)|besser\s+gesagt|ich\s+meine?|vielmehr"
    r"|non,?\s+(?:plutot|attends?)|ou\s+plutot|pardon|je\s+veux\s+dire|no,?\s+(?:espera|mejor)|mejor\s+dicho|perdon"
    r"|quise\s+decir|digo|ahora\s+quiero|anzi|aspetta|scusa|volevo\s+dire|nao,?\s+(?:espera|melhor)|quer\s+dizer|alias"
    r"|desculpa|agora\s+quero)(?!\w)"
)
_NO_COMMA = re.compile(  # "no," at the end of what stands between
    r"(?:^|[,.;:!?-])\s*(?:(?:ach|oh|ah)\s+)?(?:no|nope|nein|non|nah|nao|niet)\s*[,!.:-]+\s*(?:it'?s\s+)?$"
)
_NEAR = 48  # signs between the two
# Words between two of them that put the second after the first.
_SEQUENCE = re.compile(
    r"(?<!\w)(?:then|to|into|until|till|later|next|after(?:wards)?|before|end(?:s|ing)?|finish\w*|modulat\w+|chang\w+"
    r"|switch\w*|ris(?:e|es|ing)|intro|verse|chorus|bridge|drop|outro|solo|dann|danach|puis|ensuite|luego|despues|poi"
    r"|depois)(?!\w)|>"
)


def _takes_back(gap: str) -> bool:
    return len(gap) <= _NEAR and (_CORRECTION.search(gap) or _NO_COMMA.search(gap)) is not None


class Text:
    """A prompt, and a plain form of it: one sign for each meaning, no accents, typing errors mended.

    Places are those of the plain form. Readers mark what they have used, so that no words are read twice and what is
    left over can be told.
    """

    def __init__(self, prompt: str):
        self.prompt = prompt
        letters, origin = _plain(prompt)
        self.plain, self._origin = _mend("".join(letters), origin, len(prompt))
        self.lower = self.plain.lower() if len(self.plain.lower()) == len(self.plain) else _lower(self.plain)
        self.language = "en"
        self.german = False  # whether a row of chords in it has German names of notes
        self._used = bytearray(len(self.plain))
        self._refused = bytearray(len(self.plain))  # what is not wanted, with the words that refuse it
        self.understood: list[tuple[int, Demand]] = []
        self.approximated: list[tuple[int, Demand]] = []
        self.missed: list[tuple[int, Demand]] = []

    def find(self, pattern: re.Pattern[str], used: bool = False, cased: bool = False) -> Iterator[re.Match[str]]:
        """Matches in lower case, of which nothing is used yet (or with those too) or refused.

        cased: in the letters that were written. In lower case it is some times quicker than a pattern without case.
        """
        for found in pattern.finditer(self.plain if cased else self.lower):
            if found.end() > found.start() and (used or self.is_free(*found.span())):
                yield found

    def is_free(self, start: int, end: int) -> bool:
        """Whether nothing of a place is used or refused."""
        return self._used.find(1, start, end) < 0 and not self.is_refused(start, end)

    def is_refused(self, start: int, end: int) -> bool:
        """Whether a place shares letters with what is not wanted."""
        return self._refused.find(1, start, end) >= 0

    def is_used_before(self, place: int) -> bool:
        """Whether the last letter before a place is used."""
        last = len(self.plain[:place].rstrip()) - 1
        return last >= 0 and self._used[last] == 1

    def holding(self, spans: list[tuple[int, int]]) -> int:
        """Which of the places that state one thing, in order, holds: the last that takes back one before it."""
        gaps = [self.lower[one[1] : other[0]] for one, other in zip(spans, spans[1:], strict=False)]
        taken = [number for number, gap in enumerate(gaps, 1) if _takes_back(gap)]
        return max(taken, default=0)

    def contradicts(self, one: tuple[int, int], other: tuple[int, int]) -> bool:
        """Whether of two places that state one thing the second does not come after the first in the music."""
        return _SEQUENCE.search(self.lower, one[1], other[0]) is None

    def refuse(self, start: int, end: int) -> None:
        """Mark a place as not wanted."""
        self._refused[start:end] = b"\1" * (end - start)

    def use(self, start: int, end: int) -> None:
        """Mark a place as used."""
        self._used[start:end] = b"\1" * (end - start)

    def in_prompt(self, start: int, end: int) -> tuple[int, int]:
        """Where in the prompt a place of the plain form comes from."""
        return self._origin[start], self._origin[end - 1] + 1 if end > start else self._origin[start]

    def written(self, start: int, end: int) -> str:
        """As it was written, in one line."""
        begin, until = self.in_prompt(start, end)
        line = " ".join(self.prompt[begin:until].split())
        return line.lstrip(_EDGES).rstrip(_EDGES + "-") or line

    def before(self, place: int, most: int = 40) -> str:
        """What stands before a place, in lower case."""
        return self.lower[max(0, place - most) : place]

    def after(self, place: int, most: int = 40) -> str:
        """What stands after a place, in lower case."""
        return self.lower[place : place + most]

    def begins(self, place: int) -> bool:
        """Whether a place begins a clause."""
        return re.search(r"(?:^|[,;:.!?()\[\]|\n/=+\"]|\s-)\s*$", self.plain[:place][-8:]) is not None or place == 0

    def ends(self, place: int) -> bool:
        """Whether a place ends a clause."""
        return re.match(r"\s*(?:$|[,;:.!?()\[\]|\n/+\"]|-\s)", self.plain[place:][:8]) is not None

    def says(self, kind: str, span: tuple[int, int], meaning: str) -> None:
        """A demand is understood."""
        self.use(*span)
        self.understood.append((span[0], Demand(kind, self.written(*span), meaning)))

    def takes(self, kind: str, span: tuple[int, int], meaning: str, why: str) -> None:
        """A demand is taken for something near."""
        self.use(*span)
        self.approximated.append((span[0], Demand(kind, self.written(*span), meaning, why)))

    def misses(self, kind: str, span: tuple[int, int], why: str) -> None:
        """A demand is not understood, or nothing can be done about it."""
        self.use(*span)
        self.missed.append((span[0], Demand(kind, self.written(*span), "", why)))

    def takes_word(self, kind: str, word: str, meaning: str, why: str, place: int) -> None:
        """As `takes`, for a word of what is used already."""
        self.approximated.append((place, Demand(kind, word, meaning, why)))

    def misses_word(self, kind: str, word: str, why: str, place: int) -> None:
        """As `misses`, for a word of what is used already."""
        self.missed.append((place, Demand(kind, word, "", why)))


def _plain(prompt: str) -> tuple[list[str], list[int]]:
    """Letters of the plain form, and where each comes from."""
    if prompt.isascii() and not _LONG_RUN.search(prompt) and ">" not in prompt:
        return list(prompt.translate(_BLANKS)), list(range(len(prompt)))
    letters: list[str] = []
    origin: list[int] = []
    pictured = False  # whether the last sign was a picture of a thing
    arrows = {place for arrow in _ARROW.finditer(prompt) for place in range(arrow.start(), arrow.end() - 1)}
    for place, sign in enumerate(prompt):
        if place in arrows:
            continue
        if sign.isascii():
            known = sign.translate(_BLANKS)
        else:
            known = sign.translate(_SIGNS)
            category = unicodedata.category(sign)
            if sign in _PICTURES:
                known = f" {_PICTURES[sign]}" + (", " if letters[-4:] == [" ", "n", "o", " "] else " ")
            elif sign in _FORBIDDING:
                known = ": no," if pictured else " no "
            elif category in ("Cf", "Mn") or sign == "\ufffd":
                known = ""  # joiners, and accents that follow their letter
            elif known == sign and category == "So" and sign not in "°♩♪":
                known = ","  # a picture stands between clauses
            elif known == sign:
                base = unicodedata.normalize("NFKD", sign)
                known = base[0] if base[:1].isascii() and base[:1].isalpha() and len(base) > 1 else sign
                known = known if known != sign else unicodedata.normalize("NFKC", sign)
        if known and len(letters) >= _RUN and not known.isalnum() and letters[-_RUN:] == [known] * _RUN:
            continue  # a long run of one sign says no more than a short one
        letters += known
        origin += [place] * len(known)
        pictured = sign in _PICTURES or pictured and not known
    return letters, origin


def _mend(plain: str, origin: list[int], length: int) -> tuple[str, list[int]]:
    """The plain form with known typing errors mended, and where its letters come from."""
    parts: list[str] = []
    places: list[int] = []
    at = 0
    for word in _WORD.finditer(plain):
        right = mended(word[0])
        if right != word[0]:
            parts += [plain[at : word.start()], right]
            places += origin[at : word.start()]
            first, last = origin[word.start()], origin[word.end() - 1]
            places += [first] * (len(right) - 1) + [last]
            at = word.end()
    parts.append(plain[at:])
    return "".join(parts), [*places, *origin[at:], length]


def _lower(plain: str) -> str:
    """Lower case, letter for letter."""
    return "".join(sign.lower() if len(sign.lower()) == 1 else sign for sign in plain)


# Words whose letters get lost or change places. Only those that decide something, or that negate.
_WORDS = (
    "minor major drums drum percussion without tempo chords chord slow fast waltz techno trance ambient acoustic guitar"
    " piano vocals reggae country electronic orchestral jazz blues metal moll blues synth bass brushes snare beats"
    " please minutes house with"
).split()
# What those errors make, but which are words of their own.
_OWN = frozenset("sing blue blus hose temp cords cord orchestra county trace fats minute vocal".split())
_USUAL = {
    "bmp": "bpm", "bpn": "bpm", "bmps": "bpm", "bpms": "bpm", "durms": "drums", "dumrs": "drums", "drms": "drums",
    "drumz": "drums", "minr": "minor", "majr": "major", "mnor": "minor",
    "mjor": "major", "jaz": "jazz", "drumms": "drums", "wiht": "with",
    "wihtout": "without", "whitout": "without", "whithout": "without", "witout": "without", "wthout": "without",
    "minro": "minor", "majro": "major", "minnor": "minor", "mayjor": "major", "kik": "kick", "dubble": "double",
    "deth": "death", "frm": "from", "tecno": "techno", "tekno": "techno", "regae": "reggae", "raggae": "reggae",
    "reggeaton": "reggaeton", "percusion": "percussion", "accoustic": "acoustic", "acustic": "acoustic",
    "gutiar": "guitar", "paino": "piano", "tempi": "tempo", "tempoo": "tempo",
    "chrods": "chords", "chrod": "chord", "walz": "waltz", "waltzes": "waltz", "shufle": "shuffle",
    "acapella": "a cappella", "acappella": "a cappella", "capella": "cappella", "flatt": "flat", "shrap": "sharp",
    "dont": "don't", "doesnt": "doesn't", "wont": "won't",
}  # fmt: skip


def _errors(word: str) -> set[str]:
    """Two neighbours changed places; in longer words also a letter was doubled, or lost."""
    swapped = {word[:i] + word[i + 1] + word[i] + word[i + 2 :] for i in range(len(word) - 1) if word[i] != word[i + 1]}
    kept = {error for error in swapped if error[0] == word[0]} if len(word) >= 4 else set()
    if len(word) >= 5:
        kept |= {word[:i] + word[i] + word[i:] for i in range(1, len(word))}
    if len(word) >= 6:
        kept |= {word[:i] + word[i + 1 :] for i in range(1, len(word))}
    return kept


_MENDED = {error: word for word in _WORDS for error in sorted(_errors(word))} | _USUAL
_KNOWN = frozenset(_WORDS) | _OWN


def mended(word: str) -> str:
    """The word that was meant, or the word itself; a capital stays one."""
    small = word.lower()
    if len(small) < 3 or small in _KNOWN:
        return word
    right = _MENDED.get(small, small)
    if right == small:
        return word
    return right.upper() if word.isupper() and len(word) > 1 else right.capitalize() if word[0].isupper() else right
