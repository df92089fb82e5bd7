"""Words that are no words: what of a prompt neither English nor the language of music knows, and names of artists.

`known_words.txt` has the words (lower case) and names (capital first), without those that follow from another by an
ending, a beginning or as a compound. Its words of music are those of the captions that models learn from.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from .reading.text import Text
from .reading.words import NAMED, STYLE

FILE = Path(__file__).with_suffix(".txt")
SHORTEST = 4  # letters of a word that is judged
MOST = 8  # words that are told one by one
MANY = 0.5  # share of unknown words from which on the whole text is told instead
_ENDINGS = (
    ("ies", "y"), ("ier", "y"), ("iest", "y"), ("ily", "y"), ("iness", "y"), ("'s", ""), ("s'", "s"), ("es", ""),
    ("s", ""), ("ing", ""), ("ing", "e"), ("ed", ""), ("ed", "e"), ("d", ""), ("ers", ""), ("ers", "e"), ("er", ""),
    ("er", "e"), ("est", ""), ("est", "e"), ("ly", ""), ("y", ""), ("y", "e"), ("ey", ""), ("ish", ""), ("ness", ""),
    ("less", ""), ("ful", ""), ("able", ""), ("in", "ing"), ("esque", ""), ("wise", ""), ("like", ""),
)  # fmt: skip
_BEGINNINGS = "un re over under out non pre mid super hyper ultra micro mini semi".split()
_BRITISH = (
    (re.compile(r"our(?=(?:s|ed|ing|ful|ite|less|able)?$)"), "or"), (re.compile(r"(?<=[bcdtv])re(?=s?$)"), "er"),
    (re.compile(r"is(?=(?:e[sdr]?|ing|ations?)$)"), "iz"),
)  # fmt: skip
_TOKEN = re.compile(r"(?<![\w@#/.'-])[A-Za-z][a-z]{3,39}(?:'s)?(?![\w@/]|\.\w|')|(?<=-)[a-z]{4,40}(?![\w@/]|\.\w)")
_ANY = re.compile(r"[^\W\d_]{2,}")
_RUN = re.compile(r"(\w)\1{2,}")
# What makes a comparison of a name: the first is about nothing else than music, the others may be about anything.
_CUE = re.compile(
    r"(?<!\w)(?:(?P<sure>(?:in|with)\s+the\s+(?:style|manner|vein|spirit|sound|mood)\s+of|in\s+style\s+of|(?:a|alla)\s+la"
    r"|alla(?=\s+[A-Z])|inspired\s+by|influenced\s+by|reminiscent\s+of|cover\s+(?:of|version\s+of)|remix\s+of|similar\s+to"
    r"|reminds?\s+(?:(?:me|us|you)\s+)?of|(?:songs?|tracks?|music|pieces?|tunes?|hits?)\s+by|(?:song|theme|score|soundtrack|hit)\s+from|type\s+beats?"
    r"|(?:im|dans\s+le|al|no|en\s+el|nello|nel|in)\s+(?:stile?|style|estilo)\s+(?:von|de|do|di|d')|estilo|stile|tipo)"
    r"|(?:sounds?|sounding|feels?|something|anything|music|song|track|beat|just|exactly|more|much|a\s+lot)\s+like"
    r"|(?:(?:^|(?<=,\s))like|think)(?=\s)|(?<!\w)like(?=\s+[\"']?[A-Z])|comme|como|wie|(?:suona|musica)\s+come)\s+"
    r"(?:(?:the|early|late|old|new|classic|vintage|famous|band|artist|composer|dj|mr)\s+)*[\"']?",
    re.IGNORECASE,
)
_NAME = re.compile(
    r"[A-Za-z][\w'&.-]*\w(?:\s+(?:de\s+|van\s+|von\s+|of\s+the\s+)?[A-Z][\w'&.-]*\w){0,3}(?:\s+\d{1,3}(?!\s?[\w/]))?"
)
_AFTER = re.compile(
    r"(?<![\w-])([A-Z][a-z'&]+(?:\s+[A-Z][a-z'&]+){0,2}|[a-z]{4,}(?=-))"
    r"(?=(?:[\s-]+(?:style|esque|(?P<type>type\s+beat)|cover|vibes?|riffs?)|-like)(?!\w))"
)
_OF_NATIONS = re.compile(r"(?:ish|ian|ean|can|man|ese|ic|al|que|ch)$")
# Names that are also words, or whose letters are: in small letters they are names where a comparison ends with them.
_ALSO_WORDS = frozenset(
    "abba bach blondie blur cream cure doors drake eagles genesis handel keane kiss korn madonna moby muse oasis pink"
    " pixies police prince pulp queen ramones rush sade santana seal slayer smiths sting strokes tool toto tricky usher"
    " vivaldi yes".split()
)
_COMMON = frozenset(
    "christmas halloween easter hanukkah sunday monday tuesday wednesday thursday friday saturday january february"
    " march april may june july august september october november december".split()
)


@lru_cache(maxsize=1)
def _lists() -> tuple[frozenset[str], frozenset[str]]:
    """Words, and names in lower case."""
    lines = [line for line in FILE.read_text(encoding="ascii").splitlines() if not line.startswith("#")]
    names = frozenset(line.lower() for line in lines if line[:1].isupper())
    return frozenset(line for line in lines if line[:1].islower()), names


@lru_cache(maxsize=8192)
def is_word(word: str, names: bool = True, compounds: bool = True) -> bool:
    """Whether a word in lower case is known, as it is, with an ending or a beginning, or as a compound."""
    words, capital = _lists()

    def known(part: str) -> bool:
        return part in words or names and part in capital

    american = word
    for british, instead in _BRITISH:
        american = british.sub(instead, american)
    return len(word) < SHORTEST or derived(word, known, compounds) or derived(american, known, compounds)


def derived(word: str, known: Callable[[str], bool], compounds: bool = True) -> bool:
    """Whether a word is known, or follows from one that is."""
    short = _RUN.sub(r"\1", word)  # "sooo"
    if known(word) or short != word and (len(short) < SHORTEST or known(short) or known(_RUN.sub(r"\1\1", word))):
        return True
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            base = word[: -len(ending)] + instead
            if known(base) or len(base) > 3 and base[-1] == base[-2] and known(base[:-1]):
                return True
    if any(word.startswith(b) and len(word) - len(b) >= 4 and known(word[len(b) :]) for b in _BEGINNINGS):
        return True
    return compounds and any(
        known(word[:at]) and (known(word[at:]) or known(word[at:].removesuffix("s"))) for at in range(3, len(word) - 2)
    )


def tell_unknown(text: Text) -> None:
    """Tell words that are none, of a text in English, where no reader has used them."""
    if text.language != "en":
        return
    unknown = [
        m
        for m in _TOKEN.finditer(text.plain)
        if text.is_free(*m.span()) and not is_word(m[0].lower().removesuffix("'s"))
    ]
    if len(unknown) >= MOST // 2 and len(unknown) > MANY * len(_ANY.findall(text.plain)):
        why = "most of its words are not known: write what it should sound like in English"
        text.misses_word("word", text.written(0, len(text.plain))[:80], why, 0)
        return
    for match in unknown[:MOST]:
        why = "not a word that is known: it stays in the prompt, but may mean nothing to the model"
        text.misses_word("word", text.written(*match.span()), why, match.start())


def tell_names(text: Text) -> None:
    """Tell artists and pieces that are named as a model of the music. Their words are used: "Daft Punk" is no punk."""
    found: dict[int, int] = {}
    for cue in _CUE.finditer(text.plain):
        match = _NAME.match(text.plain, cue.end())
        sure = (cue["sure"] or re.search(r"like\s+$", cue[0])) and text.plain[: cue.end()] != text.plain[
            : cue.end()
        ].title()
        also = match and match[0] in _ALSO_WORDS and text.ends(match.end())
        if match and (also or _is_name(match[0], text.language, bool(sure))):
            found[match.start()] = match.end()
    for match in _AFTER.finditer(text.plain):
        if _is_name(match[1], sure=match["type"] is not None) and (
            match["type"] or not is_word(match[1].lower(), names=match[1].istitle() and " " in match[1])
        ):
            found[match.start(1)] = match.end(1)
    spans = [(start, end) for start, end in sorted(found.items()) if text.is_free(start, end)]
    for start, end in spans[:MOST]:
        text.misses("name", (start, end), "artists and pieces are not known by name: say in words what it sounds like")


def _is_name(words: str, language: str = "en", sure: bool = False) -> bool:
    """Whether words after "like" are a name: a capital that is not a day's, or a word that is none.

    sure: any word with a capital is one, if it is of no style, instrument or nation.
    """
    first = words.split()[0]
    small = first.lower().removesuffix("'s")
    if small in _COMMON or STYLE.fullmatch(words.lower()) or NAMED.fullmatch(small) or STYLE.match(words.lower()):
        return False
    if first[0].isupper() and not first.isupper():
        whole = is_word(small, names=False, compounds=False) and " " not in words.strip()
        return not whole or sure and not _OF_NATIONS.search(small)
    return language == "en" and len(small) >= SHORTEST and not is_word(small, names=False, compounds=False)
