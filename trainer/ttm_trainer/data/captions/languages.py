"""The language of a caption, as far as its letters and its commonest words tell it: text encoders know some only."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

SCRIPTS = {"HIRAGANA": "ja", "KATAKANA": "ja", "HANGUL": "ko", "CJK": "zh", "ARABIC": "ar", "HEBREW": "he",
           "GREEK": "el", "DEVANAGARI": "hi", "THAI": "th", "CYRILLIC": "ru"}  # fmt: skip
WORDS = {
    "en": "the and with of a in is on this for song music slow fast guitar drums bass piano by an to mood",
    "de": "der die das und mit ein eine von ist im zu auf den langsam schnell musik klavier schlagzeug gitarre lied",
    "fr": "le la les et avec un une de des du est dans lent rapide musique guitare batterie chanson pour",
    "es": "el la los las y con un una de del es en lento rápido lenta rápida música guitarra batería canción para",
    "it": "il lo la gli e con un una di del è in lento veloce musica chitarra batteria canzone per che",
    "pt": "o a os as e com um uma de do da é em lento rápido música guitarra violão bateria canção para",
    "nl": "de het een en met van is in op langzaam snel muziek gitaar drums lied voor",
    "pl": "i z na w jest do wolny szybki muzyka gitara perkusja utwór piosenka oraz",
}
KNOWN = {
    word: [name for name, words in WORDS.items() if word in words.split()] for w in WORDS.values() for word in w.split()
}


def language_of(text: str) -> str:
    """The language code of a text, such as "en"; "" where it is too short or of none that is known."""
    letters = [letter for letter in text if letter.isalpha()][:400]
    scripts = Counter(unicodedata.name(letter, "?").split()[0].split("-")[0] for letter in letters)
    foreign = Counter({SCRIPTS[name]: count for name, count in scripts.items() if name in SCRIPTS})
    if foreign and sum(foreign.values()) > len(letters) / 2:
        return "ja" if foreign["ja"] else foreign.most_common(1)[0][0]
    votes: dict[str, float] = {}
    for word in re.findall(r"\w+", text.lower()):
        for name in KNOWN.get(word, ()):
            votes[name] = votes.get(name, 0.0) + 1 / len(KNOWN[word])
    best = sorted(votes.items(), key=lambda vote: -vote[1])[:2]
    return best[0][0] if best and (len(best) == 1 or best[0][1] > best[1][1]) else ""
