"""The declared word lists: which words of a prompt are its genre, its instrument and its mood.

Used where a prompt file has no such columns, and as the contrast of a zero-shot judge. Each entry is a concept and its
other spellings; a space also matches a hyphen or nothing, so tags that run together ("drummachine") are found.
"""

from __future__ import annotations

import re
from functools import lru_cache

KINDS = ("genre", "instrument", "mood")

WORDS: dict[str, dict[str, tuple[str, ...]]] = {
    "genre": {
        "acid jazz": (), "acoustic": (), "alternative": (), "ambient": (), "baroque": (), "big band": (), "blues": (),
        "bossa nova": (), "breakbeat": (), "celtic": (), "chamber music": (), "chillout": ("chill out", "chillhop"),
        "chiptune": ("8 bit",), "classical": (), "country": ("americana",), "dance": (), "darkwave": (), "disco": (),
        "downtempo": (), "drum and bass": ("drum & bass", "dnb"), "dub": (), "dubstep": (), "easy listening": (),
        "electro": (), "electronic": ("electronica",), "ethnic": (), "experimental": (), "flamenco": (), "folk": (),
        "funk": (), "fusion": (), "gospel": (), "grunge": (), "hard rock": (), "hip hop": ("rap beat",), "house": (),
        "improvisation": (), "indie": (), "industrial": (), "jazz": (), "latin": ("salsa",), "lo fi": ("lofi",),
        "lounge": (), "lullaby": (), "march": (), "metal": (), "minimal": ("minimalism",), "new age": (),
        "new wave": (), "orchestral": (), "pop": (), "post-rock": (), "progressive rock": ("progressive",),
        "punk": ("punk rock",), "r and b": ("r&b", "rnb"), "reggae": (), "rock": (), "rock and roll": ("rock n roll",),
        "singer songwriter": (), "soul": (), "soundtrack": ("film score", "cinematic"), "surf rock": (), "swing": (),
        "symphonic": ("symphony",), "synthpop": (), "synthwave": ("retrowave",), "tango": (), "techno": (),
        "trance": (), "trap": (), "trip hop": (), "tribal": (), "video game": (), "waltz": (),
        "world fusion": ("world music",),
    },
    "instrument": {
        "accordion": (), "acoustic bass": ("double bass", "upright bass"), "acoustic guitar": (), "banjo": (),
        "bass": ("bass guitar", "electric bass"), "bells": (), "bongos": ("bongo",), "brass": ("horns",), "cello": (),
        "clarinet": (), "classical guitar": ("nylon guitar",), "congas": ("conga",), "drum machine": ("drum computer",),
        "drums": ("drum kit",), "electric guitar": (), "electric piano": ("rhodes",), "fiddle": (), "flute": (),
        "glockenspiel": (), "guitar": (), "harmonica": (), "harp": (), "harpsichord": (), "horn": ("french horn",),
        "keyboard": ("keys",), "mandolin": (), "marimba": (), "oboe": (), "orchestra": (), "organ": (),
        "pad": ("pads",), "percussion": (), "piano": (), "saxophone": ("sax",), "sitar": (),
        "strings": ("string section",),
        "synthesizer": ("synth", "synths", "synthesiser", "synthesizers"), "timpani": (), "trombone": (),
        "trumpet": (), "tuba": (), "ukulele": (), "vibraphone": (), "viola": (), "violin": (),
    },
    "mood": {
        "adventurous": ("adventure",), "aggressive": (), "angry": (), "calm": ("calming",), "carefree": (),
        "cheerful": (), "cold": (), "confident": (), "cool": (), "dark": (), "deep": (), "dramatic": ("drama",),
        "dreamy": ("dream",), "emotional": (), "energetic": ("energy",), "epic": (), "fast": (), "fun": (),
        "funny": (), "futuristic": (), "gentle": (), "graceful": (), "groovy": (), "happy": (), "heavy": (),
        "heroic": (), "hopeful": (), "hypnotic": (), "inspiring": ("inspirational",), "intense": (),
        "introspective": (), "joyful": (), "lively": (), "lonely": (), "majestic": (), "meditative": ("meditation",),
        "melancholic": ("melancholy",), "mellow": (), "menacing": (), "motivational": (), "mysterious": (),
        "nostalgic": ("nostalgia",), "party": (), "passionate": (), "peaceful": (), "playful": (), "powerful": (),
        "proud": (), "relaxed": ("relaxing",), "retro": (), "romantic": (), "sad": (), "slow": (), "smooth": (),
        "soft": (), "spacey": ("space",), "summery": ("summer",), "tense": ("suspense",), "tragic": (),
        "triumphant": (), "upbeat": (), "uplifting": (), "warm": (), "wild": (),
    },
}  # fmt: skip


def extract(text: str) -> dict[str, str]:
    """The first concept of each kind that the text names, {"genre", "instrument", "mood"} as far as found.

    At one place the longest spelling wins: "acoustic guitar" is not "guitar". Words of the genre name nothing else:
    "drum and bass" has no bass in it.
    """
    found = {}
    for kind in KINDS:
        pattern, names = _patterns()[kind]
        if match := pattern.search(text):
            found[kind] = names[_plain(match[0])]
            if kind == "genre":
                text = text[: match.start()] + "." + text[match.end() :]
    return found


def others(kind: str, concept: str) -> list[str]:
    """The concepts of the list of `kind` that share no word with this one and are no spelling of it, in order."""
    words = set(re.findall(r"\w+", concept.lower()))
    known = _patterns()[kind][1].get(_plain(concept))
    return [name for name in WORDS[kind] if name != known and not words & set(re.split("[ -]", name))]


@lru_cache(maxsize=1)
def _patterns() -> dict[str, tuple[re.Pattern, dict[str, str]]]:
    """For each kind: a pattern of all spellings, longest first, and plain spelling -> concept."""
    patterns = {}
    for kind, concepts in WORDS.items():
        spellings = {spelling: name for name, more in concepts.items() for spelling in (name, *more)}
        longest = sorted(spellings, key=len, reverse=True)
        choice = "|".join(r"[\s-]?".join(map(re.escape, re.split("[ -]", spelling))) for spelling in longest)
        pattern = re.compile(rf"(?<!\w)(?:{choice})(?!\w)", re.IGNORECASE)
        patterns[kind] = pattern, {_plain(spelling): name for spelling, name in spellings.items()}
    return patterns


def _plain(text: str) -> str:
    return re.sub(r"[\s-]", "", text).lower()
