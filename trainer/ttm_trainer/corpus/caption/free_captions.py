"""Captions in free wording: how people ask for music who do not use musicians' words.

`free_requests.tsv` holds some 43 requests for each main style and some 20 for each other, written for this project with
a language model (CC0), and the mood of the pieces that each fits: "bright", "dark" or "any". One that names an
instrument or counts beats is for windows that have them. None shares four words in a row with a prompt that models are
measured with. One in ten requests of a style is kept for unseen clips.
"""

from __future__ import annotations

import csv
import random
import re
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from .vocabulary import FAMILY

FILE = Path(__file__).with_name("free_requests.tsv")
HELD_OUT = 10  # one request in so many
NO_BEAT = re.compile(r"\b(?:no|without|zero) (?:any |a )?(?:beats?|drums?|pulse|rhythm)\b|\b(?:beat|drum)less\b", re.I)
BEAT = re.compile(r"\b(?:beats?|drum\w*|thump\w*|kicks?|rhythms?|percussion)\b", re.I)


# Words for instruments that a request may use -> parts of the names of what then must sound.
SOUNDS: dict[str, tuple[str, ...]] = {
    "guitar": ("guitar",), "guitars": ("guitar",), "trumpet": ("trumpet", "brass"), "trumpets": ("trumpet", "brass"),
    "horns": ("horn", "brass", "trumpet", "trombone", "sax"), "brass": ("brass", "trumpet", "trombone", "horn", "tuba"),
    "banjo": ("banjo",), "clarinet": ("clarinet",), "accordion": ("accordion",), "violin": ("violin", "fiddle"),
    "harpsichord": ("harpsichord",), "trombones": ("trombone",), "tubas": ("tuba",), "drumline": ("drums",),
    "whistles": ("whistle",), "shakers": ("shaker",), "shaker": ("shaker",), "lute": ("guitar", "harp"),
    "recorder": ("recorder", "flute"), "strings": ("string", "violin"), "cowbell": ("cowbell",), "wah": ("guitar",),
    "tambourine": ("tambourine",), "castanets": ("claps",), "piccolo": ("piccolo",),
    "mallets": ("marimba", "vibraphone"),
    "keyboards": ("synth", "piano", "organ"), "rhodes": ("electric piano",), "organ": ("organ",), "log": ("drum",),
}  # fmt: skip
NAMED = re.compile(rf"\b(?:{'|'.join(SOUNDS)})\b", re.I)
COUNTED = {
    "7/8": re.compile(r"\bseven (?:beats|eight)|\b7/8", re.I), "5/4": re.compile(r"\bfive (?:beats|four)|\b5/4", re.I),
}  # fmt: skip
UNEVEN = re.compile(r"\b(?:uneven|odd|limping|crazy time|time signatures?)\b", re.I)
EVEN = ("4/4", "3/4", "6/8", "2/4", "2/2", "12/8")


class Request(NamedTuple):
    text: str
    mood: str  # "bright", "dark" or "any"
    held_out: bool


@lru_cache(maxsize=1)
def requests() -> dict[str, tuple[Request, ...]]:
    """The requests of each style, in the order of the file."""
    found: dict[str, list[Request]] = {}
    with open(FILE, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            own = found.setdefault(row["style"], [])
            own.append(Request(row["request"], row["mood"], len(own) % HELD_OUT == HELD_OUT - 1))
    return {style: tuple(own) for style, own in found.items()}


def fitting(facts: dict, held_out: bool) -> list[str]:
    """The requests that are true of a window (its facts): of its style and mood, and none that is wrong about a beat.

    Those for unseen clips if `held_out`, else the others; none where the style is not known.
    """
    mood = "dark" if facts["tonality"] == "minor" or facts["genre"] == "blues" else "bright"
    wrong = NO_BEAT if facts["drums"] else BEAT

    def fits(request: Request) -> bool:
        said = request.text if facts["drums"] else NO_BEAT.sub("", request.text)
        if request.held_out != held_out or request.mood not in ("any", mood) or wrong.search(said):
            return False
        return _heard(request.text, facts) and _in_metre(request.text, facts)

    return [request.text for request in requests().get(facts["genre"], ()) if fits(request)]


def _heard(text: str, facts: dict) -> bool:
    """Whether the instruments that a request names sound in the window."""
    if "instruments" not in facts:
        return True
    heard = " ".join((*facts["instruments"], *(name for i in facts["instruments"] for name in FAMILY.get(i, ()))))
    return all(any(sound in heard for sound in SOUNDS[word.lower()]) for word in NAMED.findall(text))


def _in_metre(text: str, facts: dict) -> bool:
    """Whether a request that counts beats counts those of the window."""
    told = [metre for metre, words in COUNTED.items() if words.search(text)]
    return facts.get("metre") in told if told else not (UNEVEN.search(text) and facts.get("metre") in (None, *EVEN))


def asked(request: str, tails: list[str], rng: random.Random) -> str:
    """A request with more wishes after it."""
    for tail in tails:
        if request[-1] in ".!?)":
            request = f"{request} {tail[0].upper() + tail[1:] if rng.random() < 0.5 else tail}"
        else:
            request = f"{request}, {tail}"
    return request
