"""The teller of captions: random wording for the facts of one window. It adds no facts."""

from __future__ import annotations

import random
import re

from .plans import RHYTHM
from .vocabulary import (
    ADJECTIVES,
    BARE,
    FAMILY,
    GENRE_WORDS,
    HALF_TIME,
    LOUD_ADJECTIVES,
    MASS,
    MOOD_SYNONYMS,
    NO_GENRE,
    PLURAL,
    ROLE_ADJECTIVES,
    THE,
    THEME_PHRASES,
)


def article(phrase: str) -> str:
    vowel = phrase[0].lower() in "aeio8" or phrase.startswith(("up", "un", "ur"))
    return ("an " if vowel and not phrase.startswith("eu") else "a ") + phrase


def listed(items: list[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def theme_words(theme: str) -> str:
    if theme in THEME_PHRASES:
        return THEME_PHRASES[theme]
    return theme if theme in BARE else f"the {theme}" if theme in THE else article(theme)


def genre_words(genre: str | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Nouns and tags of a genre; of one that is not known to be any, or not known here, plain ones."""
    if genre is None:
        return NO_GENRE
    return GENRE_WORDS.get(genre) or (tuple(f"{genre} {noun}" for noun in ("piece", "track", "tune")), (genre,))


class Teller:
    """Random phrases about one window: every method draws wording, none adds facts."""

    def __init__(self, facts: dict, rng: random.Random):
        self.facts, self.rng = facts, rng
        self.names = list(facts["instruments"])
        self.pitched = [n for n in self.names if facts["roles"][n] not in (*RHYTHM, "effect")]
        self.rhythm = [n for n in self.names if facts["roles"][n] in RHYTHM]
        nouns, self.tags = genre_words(facts["genre"])
        if facts["genre"] == "string quartet" and len(self.pitched) < 3:
            nouns, self.tags = nouns[1:3], self.tags[:2]
        if facts["genre"] == "classical piano" and not facts["solo"]:
            nouns = nouns[1:2] + nouns[3:]
        if facts["genre"] == "duet" and len(self.pitched) < 2:
            nouns, self.tags = GENRE_WORDS["solo instrument"]
        voices = all(name in ("voices", "choir pad") for name in self.names)
        kept = [noun for noun in nouns if (voices or "a cappella" not in noun) and self._in_metre(noun)]
        self.nouns = tuple(kept) or nouns
        self.tags = tuple(tag for tag in self.tags if voices or tag != "a cappella")

    def _in_metre(self, noun: str) -> bool:
        """Whether a dance may be in this metre."""
        return "jig" not in noun or self.facts["metre"] in ("6/8", "9/8", "12/8")

    def one(self, *options: str) -> str:
        return self.rng.choice(options)

    def noun(self) -> str:
        return self.rng.choice(self.nouns)

    def mood(self, but: str = "") -> str:
        moods = [m for m in self.facts["moods"] if m != but] or self.facts["moods"]
        mood = self.rng.choice(moods)
        return self.rng.choice(MOOD_SYNONYMS.get(mood, (mood,))) if self.rng.random() < 0.5 else mood

    def moods(self) -> str:
        drawn = self.rng.sample(self.facts["moods"], min(2, len(self.facts["moods"])))
        return listed(drawn) if self.rng.random() < 0.5 or len(drawn) == 1 else ", ".join(drawn)

    def theme(self) -> str:
        return theme_words(self.rng.choice(self.facts["themes"]))

    def player(self, name: str) -> tuple[str, bool]:
        """A noun phrase for an instrument and whether it is plural."""
        facts, rng = self.facts, self.rng
        role = facts["roles"][name]
        draw = rng.random()
        base = name
        if draw < 0.22 and name in FAMILY:
            base = rng.choice(FAMILY[name])
        pool = ADJECTIVES.get(name, ()) + (
            ROLE_ADJECTIVES[role] if rng.random() < 0.4 or name not in ADJECTIVES else ()
        )
        if facts["dynamics"] == "soft":
            pool = tuple(a for a in pool if a not in LOUD_ADJECTIVES)
        adjective = rng.choice(pool) + " " if pool and rng.random() < 0.55 else ""
        if adjective.strip() in base.split():
            adjective = ""
        if role == "effect" and name != "vinyl crackle":
            adjective = ""
        plural_base, mass = base.endswith(PLURAL), base.endswith(MASS)
        shape = rng.random()
        if not plural_base and not mass:
            if role == "melody" and shape < 0.25 and "lead" not in base and "synth" != base:
                return f"{article(adjective + base)} {rng.choice(('melody', 'lead', 'line'))}", False
            if role == "chords" and shape < 0.35 and "chord" not in base:
                return f"{adjective}{base} chords", True
            if role == "arpeggio" and shape < 0.35 and "arpegg" not in base + adjective:
                return f"{adjective}{base} arpeggios", True
            if role == "bass" and shape < 0.3 and "line" not in base:
                return f"{article(adjective + base)} line", False
        if plural_base or mass:
            return adjective + base, plural_base
        return article(adjective + base), False

    def players(self, names: list[str]) -> str:
        return listed([self.player(name)[0] for name in names])

    def verb(self, phrases: list[tuple[str, bool]], singular: str, plural: str) -> str:
        return plural if len(phrases) > 1 or phrases[0][1] else singular

    def some(self, low: int, high: int) -> list[str]:
        """The most important instruments, `low` to `high` of them, in order of importance with some chance."""
        names = [n for n in self.names if self.facts["roles"][n] != "effect"] or self.names
        count = min(len(names), self.rng.randint(low, high))
        if self.rng.random() < 0.6:
            return names[:count]
        chosen = set(self.rng.sample(names, count))
        return [n for n in names if n in chosen]

    def pace(self) -> str:
        tempo = self.facts["tempo"]
        if self.facts["genre"] in HALF_TIME:
            return self.one("half-time", "steady")
        if tempo < 76:
            return self.one("slow", "unhurried")
        if tempo < 100:
            return self.one("moderate", "medium-paced")
        if tempo < 132:
            return self.one("brisk", "steady", "medium-fast")
        return self.one("fast", "quick")

    def beatless(self) -> str:
        return self.one("without drums", "with no drums", "no percussion") if not self.facts["drums"] else ""


def cap(text: str) -> str:
    return text[0].upper() + text[1:]


def tidy(text: str) -> str:
    """Single spaces, and no word twice in a row."""
    return re.sub(r"\b(\w+) \1\b", r"\1", " ".join(text.split()), flags=re.IGNORECASE)
