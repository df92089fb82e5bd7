"""Caption rewriting without a model: the facts that a prompt may state are found by their words and told in one or two
sentences, whose form a hash chooses. Only those words are copied, so no tempo, key or chord can come along.

The rules are those of arXiv 2606.07387 §II-B: genre or style, instruments, mood or theme; nothing else.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from .forbidden_facts import leftovers
from .vocabulary import ADJECTIVES, FIGURES, GENRES, INSTRUMENTS, KINDS, MOODS, STYLES, THEMES, WEAK_MOODS

REVISION = 1  # counted up when the same caption comes out differently
GAP = " ¦ "  # stands where words were taken out, so that their neighbours do not become neighbours
PIECES = {"classical", "neoclassical", "baroque", "chamber music", "ambient", "dark ambient", "new age", "choral"}
BEATS = {"hip hop", "lo-fi hip hop", "trap", "boom bap"}
MEASURED = re.compile(
    r"\b[\w-]+ (?:tempo|pace|paced|key|\d+(?:\.\d+)? ?bpm)\b", re.I
)  # a "lively tempo" is no lively piece
NEGATION = (
    r"\b(?:no|not|nor|never|without(?: any)?|lack(?:s|ing)?(?: of)?|(?:devoid|absence|free|instead) of|rather than)\b"
)
PRODUCTION = re.compile(
    r"\b(?:the mix|mix(?:ed|ing)|produc(?:ed|tion)|master(?:ed|ing)|record(?:ed|ing)|stereo|frequenc(?:y|ies)|"
    r"compress\w*|reverb\w*|equali\w+|(?:audio|sound) quality|fidelity|studio)\b",
    re.I,
)
PIECE = re.compile(r" (?:piece|track|music|tune|song|composition|instrumental|ballad|solo|work)\b", re.I)
USED_FOR = (
    r"\b(?:(?:perfect|ideal|suitable|suited|great|fit|fitting|appropriate|used|useful|usable)(?: as| in)?"
    r"(?: (?:a )?(?:soundtrack|background)(?: music)?)? for|(?:would|could) (?:fit|suit)|"
    r"(?:background |instrumental )?music for|an? [^,.;:]{3,40} for(?= the | a | an ))\s+"
)
EVOKES = (
    r"\b(?:evok(?:es|ing|e)|reminiscent of|conjur(?:es|ing)(?: up)?|call(?:s|ing) to mind|suggest(?:s|ing|ive of)|"
    r"captur(?:es|ing)|depict(?:s|ing)|creat(?:es|ing)(?= an? (?:sense|feeling) of)|convey(?:s|ing)|inspired by)\s+"
)
NOUN_PHRASE = r"((?:[a-z0-9'-]+ ?){1,8}?)"
ENDS = (
    r"(?=\s*(?:[.,;:()¦]|$)|\s+(?:with|while|as|that|which|who|making|through|featuring|due|because|but|where|throughout|thanks|by|"
    r"in a|in an|in the|and (?:the|it|is|its|has|a|an|featur\w+|driv\w+|mak\w+|creat\w+|blend\w+))\b)"
)
VAGUE = re.compile(
    r"\b(?:listen\w*|audience|piece|track|song|music\w*|melod\w+|rhythm\w*|sound\w*|beat|groove|vocal\w*|voice\w*|sing\w*|lyric\w*|"
    r"instrument\w*|it|its|this|these|their|variet\w+|overall|style|styles|genre\w*|elements?|energy|use|both)\b",
    re.I,
)


def _table(text: str) -> dict[str, str]:
    """ "rock|rawk; synth{}|synthesizers" -> how it is found, in lower case: how it is written."""
    words: dict[str, str] = {}
    for entry in text.split(";"):
        first, *others = (form.strip() for form in " ".join(entry.split()).split("|"))
        one, many = first.format(""), first.format("s")
        words |= {one.lower(): one, many.lower(): many}
        words |= {other.lower(): many if other.endswith("s") else one for other in others}
    return words


def _any(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


GENRE, STYLE, KIND, INSTRUMENT = _table(GENRES), _table(STYLES), _table(KINDS), _table(INSTRUMENTS)
COUNTED = [
    entry.split("|")[0].strip().format("") for entry in " ".join(INSTRUMENTS.split()).split(";") if "{}" in entry
]
COUNTED += ["music box", "tin whistle"]
MOOD, WEAK, ADJECTIVE = _table(MOODS), _table(WEAK_MOODS), _table(ADJECTIVES)
_ENTRIES = (" ".join(entry.split()).partition(": ") for entry in THEMES.split(";"))
THEME = {found.strip(): said.strip() for found, _, said in _ENTRIES}

_NOT_GENRE = r"(?! (?:floors?|videos?|class|hall|era|period)\b)"
_FIND_PLAYED = re.compile(
    rf"(?<![\w-])((?:(?:{_any(ADJECTIVE)})(?: and)? ){{0,3}}?)({_any(INSTRUMENT)})"
    rf"(?: ({FIGURES})(?! (?:out|in the)\b))?(?![\w-])",
    re.I,
)
_FIND_GENRE = re.compile(rf"(?<![\w-])({_any(GENRE)})(?![\w-]){_NOT_GENRE}", re.I)
_FIND_PLAYED_GENRE = re.compile(  # "drum and bass" has an instrument in its name
    rf"(?<![\w-])({_any(genre for genre in GENRE if set(re.split(r'[ &]', genre)) & set(INSTRUMENT))})(?![\w-])", re.I
)
_FIND_STYLE = re.compile(rf"(?<![\w-])(?<!in )({_any(STYLE)})(?![\w-]){_NOT_GENRE}", re.I)
_FIND_KIND = re.compile(rf"(?<![\w-])({_any(KIND)})(?![\w-])", re.I)
_FIND_MOOD = re.compile(rf"(?<![\w-])(?<!low )(?<!low-)({_any(MOOD)})(?![\w-])(?! (?:era|period))", re.I)
_FIND_WEAK = re.compile(rf"(?<![\w-])({_any(WEAK)})(?![\w-])", re.I)
_FIND_THEME = tuple(
    (how, re.compile(verb + NOUN_PHRASE + ENDS, re.I)) for how, verb in (("for", USED_FOR), ("evoke", EVOKES))
)


@dataclass(frozen=True)
class Facts:
    """What a prompt may say, as found in a caption, in its order."""

    genres: tuple[str, ...] = ()
    style: str = ""
    kind: str = ""
    instruments: tuple[str, ...] = ()
    moods: tuple[str, ...] = ()
    theme: tuple[str, str] = ("", "")  # how it relates ("for", "evoke"), and the noun phrase


def rewrite(caption: str, key: str = "") -> str:
    """One or two sentences with the genre, the instruments and the mood of a caption; a hash of both chooses the form.

    Raises ValueError where nothing is known of any of the three.
    """
    facts = read_facts(caption)
    if facts == Facts(kind=facts.kind):
        raise ValueError("no genre, instrument, mood or theme was found in it")
    rng = random.Random(hashlib.sha256(f"{key}\0{caption}".encode()).digest())
    text = tell(facts, rng)
    return tell(replace(facts, theme=("", "")), rng) if leftovers(text) else text


# --- reading -------------------------------------------------------------------------------------------------------


def read_facts(caption: str) -> Facts:
    """What a caption says of genre, style, instruments, mood and theme."""
    text = _affirmed(_plain(caption))
    theme, text = _take_theme(text)
    early, text = _take(_FIND_PLAYED_GENRE, GENRE, text)
    instruments, text = _take_instruments(text)
    kinds, text = _take(_FIND_KIND, KIND, text)
    told = GAP.join(clause for clause in re.split(r"[.,;:]", text) if not PRODUCTION.search(clause))
    genres, told = _take(_FIND_GENRE, GENRE, told)
    styles, told = _take(_FIND_STYLE, STYLE, MEASURED.sub(GAP, told))
    moods, told = _take(_FIND_MOOD, MOOD, told)
    if not moods:
        moods, _ = _take(_FIND_WEAK, WEAK, told)
    genres = _distinct(early + genres)[:2]
    styles = [s for s in styles if s != "instrumental" and not any(s in genre for genre in genres)]
    return Facts(
        genres=tuple(genres),
        style=" ".join(sorted(styles, key="electronic".__eq__)[:2]),
        kind=kinds[0] if kinds else "",
        instruments=tuple(instruments[:5]),
        moods=tuple([mood for mood in moods if not any(g.startswith(mood) or mood.startswith(g) for g in genres)][:2]),
        theme=theme,
    )


def _plain(caption: str) -> str:
    """One line, ASCII quotes and hyphens, no markdown, no heading of a list."""
    text = re.sub(r"[*_#`>|]+", " ", caption.translate(str.maketrans("‘’“”–—‑", "''\"\"---")))
    text = re.sub(r"(?i)((?:^|[,;]) ?world)(?= ?[,;]|$)", r"\1 music", text)  # a bare tag
    return " ".join(re.sub(r"(?:^|\s)\d{1,2}[.)]\s", " ", text).split())


def _affirmed(text: str) -> str:
    """The text without what it says is not there: "no drums, bass or vocals" is taken out whole."""
    text = re.sub(
        rf"{NEGATION}(?: [\w-]+){{1,3}}(?:,(?: [\w-]+){{1,3}})*,? (?:or|nor)(?: [\w-]+){{1,3}}", GAP, text, flags=re.I
    )
    text = re.sub(rf"{NEGATION}[^.,;:!?¦]*", GAP, text, flags=re.I)
    return re.sub(
        r"\b(?:major|minor|related|relative|various|different|between|of)(?: and \w+)? keys\b", GAP, text, flags=re.I
    )


def _take(find: re.Pattern[str], table: dict[str, str], text: str) -> tuple[list[str], str]:
    """The distinct words found, as they are written, in order; and the text without them."""
    found = [table[" ".join(match[1].lower().split())] for match in find.finditer(text)]
    return list(dict.fromkeys(found)), find.sub(GAP, text)


def _distinct(names: list[str]) -> list[str]:
    """Names none of which is a word of another: "blues rock" makes "rock" and "blues" needless."""
    return [n for n in names if not any(n != m and set(n.split()) < set(m.split()) for m in names)]


def _take_instruments(text: str) -> tuple[list[str], str]:
    phrases: dict[frozenset[str], str] = {}
    for match in _FIND_PLAYED.finditer(text):
        name = INSTRUMENT[match[2].lower()]
        words = frozenset(map(_single, name.split()))
        last = "bass" if name == "bass guitar" else _single(name.split()[-1])
        if any(last in known and (words < known or words == known) for known in phrases):
            continue
        said = match[1].lower()
        if PIECE.match(text, match.end()):  # a "gentle piano piece" is gentle itself
            said = "solo" if "solo " in said else ""
        adjectives = [a for a in said.replace(" and ", " ").split() if a not in name.split()][-2:]
        if match[3] and match[3].lower() not in name:
            name = f"{_single(name)} {match[3].lower()}"
        phrase = " ".join([*dict.fromkeys(adjectives), name])
        general = next((known for known in phrases if known < words and last in known), None)
        phrases = {(words if k == general else k): (phrase if k == general else p) for k, p in phrases.items()}
        phrases.setdefault(words, phrase)
    return list(phrases.values()), _FIND_PLAYED.sub(lambda m: m[1] + GAP if PIECE.match(text, m.end()) else GAP, text)


def _single(word: str) -> str:
    return re.sub(r"(?<=[^s])s$", "", word)


def _take_theme(text: str) -> tuple[tuple[str, str], str]:
    for how, find in _FIND_THEME:
        for match in find.finditer(text):
            phrase = re.sub(r"(?:\s(?:and|or|of|the|a|an|to|for))+$", "", match[1].strip(" ,"))
            genre = _FIND_GENRE.search(phrase)
            known = (genre and genre[1] != "dance") or _FIND_PLAYED.search(phrase) or VAGUE.search(phrase)
            proper = re.search(r"[A-Z]", phrase.replace("Christmas", "").replace("Halloween", ""))
            if phrase and not known and not proper and not re.search(r"\d", phrase):
                return (how, phrase), text[: match.start(1)] + GAP + text[match.end(1) :]
    for tag in (part.strip().lower() for part in re.split(r"[,.;:]", text)):
        if tag in THEME:
            return ("evoke", THEME[tag]), text
    return ("", ""), text


# --- telling -------------------------------------------------------------------------------------------------------


def tell(facts: Facts, rng: random.Random) -> str:
    """Facts in one or two sentences; rng chooses the wording."""
    moods = (" and " if rng.random() < 0.5 else ", ").join(facts.moods)
    felt = " and ".join(facts.moods)
    piece = _piece(facts, rng)
    split = 3 if len(facts.instruments) == 5 else len(facts.instruments)
    bare = rng.random() < 0.5
    named = tuple(_player(name, bare) for name in facts.instruments)
    first, rest = named[:split], named[split:]
    players = _listed(first)
    sort = _kind_of_music(facts)
    mooded, music = f"{moods} {piece}".strip(), f"{moods} {sort}".strip()
    if players:
        forms = [f"{_a(mooded)} {how} {players}" for how in ("with", "featuring", "built around", "led by")]
        forms += [f"{players} in {_a(mooded)}"]
        forms += [f"{music} with {players}", f"{music} featuring {players}"] if sort else []
    else:
        forms = [_a(mooded), music] if sort else [_a(mooded)]
        forms += [f"this {piece} is {felt}"] if facts.moods else []
    if players and facts.moods:
        forms += [f"this {piece} is {felt}, with {players}", f"{_a(piece)} with {_a(felt)} mood, featuring {players}"]
        forms += [f"{players} give this {piece} {_a(felt)} feel"] if len(first) > 1 else []
    return _finish(rng.choice(forms), rest, facts.theme, rng)


def _finish(sentence: str, rest: tuple[str, ...], theme: tuple[str, str], rng: random.Random) -> str:
    """Add the theme and the instruments that were left over, and make it sentences."""
    how, what = theme
    evokes = how == "evoke"
    second = ""
    if rest:
        second = f" {_capital(_listed(rest))} {rng.choice(('fill out the sound', 'add colour', 'round it out'))}."
    elif what and rng.random() < 0.4:
        verb = "evokes" if evokes else rng.choice(("would suit", "is ideal for", "is made for"))
        second = f" It {verb} {what}."
    if what and what not in second:
        link = "evoking" if evokes else f"{rng.choice(('perfect', 'ideal', 'suitable'))} for"
        sentence += f", {link} {what}"
    return f"{_capital(sentence)}.{second}"


def _piece(facts: Facts, rng: random.Random) -> str:
    """ "acoustic folk tune": style, genres and the kind of piece."""
    genres = " and ".join(facts.genres)
    if facts.kind:
        kind = facts.kind
    elif PIECES & set(facts.genres) or facts.style in ("orchestral", "symphonic"):
        kind = "piece"
    elif BEATS & set(facts.genres[:1]):
        kind = rng.choice(("beat", "track", "instrumental"))
    elif facts.genres:
        kind = rng.choice(("track", "track", "piece", "piece" if genres.endswith("tune") else "tune"))
    else:
        kind = rng.choice(("track", "piece")) if facts.style else "instrumental piece"
    words = [facts.style, genres, kind]
    return " ".join(word for word in words if word and not (word in kind and word != kind))


def _kind_of_music(facts: Facts) -> str:
    """ "acoustic folk music", or "" where that would not be said."""
    if not facts.genres or facts.kind:
        return ""
    return f"{facts.style} {' and '.join(facts.genres)} music".strip().replace("music music", "music")


def _player(phrase: str, bare: bool) -> str:
    """ "a warm synth pad", "soft drums"; where articles may be left out, "piano"."""
    name = next((name for name in COUNTED if phrase == name or phrase.endswith(f" {name}")), None)
    plain = phrase == name and not phrase.endswith(
        ("pad", "lead", "synth", "machine", "drum", "sampler", "drone", "box")
    )
    return phrase if name is None or (bare and plain) or phrase.startswith("solo ") else _a(phrase)


def _listed(items: tuple[str, ...]) -> str:
    return " and ".join(filter(None, [", ".join(items[:-1]), *items[-1:]]))


def _a(phrase: str) -> str:
    """The phrase with "a" or "an", by its sound: an EDM track, an 80s tune, a euphoric piece."""
    word = re.split(r"[ ,-]", phrase)[0]
    spelled = word.isupper() and word[0] in "AEFHILMNORSX" or word.startswith("R&B")
    vowel = word[0].lower() in "aeiou8" and not re.match(r"(?i)eu|uk|uni|us|one", word)
    return f"{'an' if spelled or (vowel and not word.isupper()) else 'a'} {phrase}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
