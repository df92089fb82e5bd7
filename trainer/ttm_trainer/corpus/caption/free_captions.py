"""Captions in free wording: how people ask for music who do not use musicians' words.

`free_requests.tsv` holds some 43 requests for each style, written for this project with a language model (CC0), and the
mood of the pieces that each fits: "bright", "dark" or "any". They name no instrument that a piece of the style may
lack, and none shares four words in a row with a prompt that models are measured with. One in ten requests of a style is
kept for unseen clips.
"""

from __future__ import annotations

import csv
import random
import re
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

FILE = Path(__file__).with_name("free_requests.tsv")
HELD_OUT = 10  # one request in so many
NO_BEAT = re.compile(r"\b(?:no|without|zero) (?:any |a )?(?:beats?|drums?|pulse|rhythm)\b|\b(?:beat|drum)less\b", re.I)
BEAT = re.compile(r"\b(?:beats?|drum\w*|thump\w*|kicks?|rhythms?|percussion)\b", re.I)


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
        return request.held_out == held_out and request.mood in ("any", mood) and not wrong.search(said)

    return [request.text for request in requests().get(facts["genre"], ()) if fits(request)]


def asked(request: str, tails: list[str], rng: random.Random) -> str:
    """A request with more wishes after it."""
    for tail in tails:
        if request[-1] in ".!?)":
            request = f"{request} {tail[0].upper() + tail[1:] if rng.random() < 0.5 else tail}"
        else:
            request = f"{request}, {tail}"
    return request
