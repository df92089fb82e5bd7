"""Captions of a recorded clip: its author's title, what it was made for, and what was heard and is likely enough."""

from __future__ import annotations

import random
import re

from ..caption.teller import Teller, article, cap, listed, tidy
from ..caption.vocabulary import NO_GENRE
from ..caption.wording import HAPPENINGS, METRES, chords, key, tempo
from ..challenge import MADE_FOR, SCENES, STYLES, named, origin

TITLE = re.compile(r', "([^"]+)"(?: by |$)')
NO_TITLE = re.compile(r"[;_@]|^\d+ - |\.\w{2,4}\b|looping", re.I)  # of several pieces, or the name of a file
UNKNOWN: dict = {"instruments": [], "roles": {}, "genre": None, "moods": [], "themes": [], "metre": "4/4",
           "dynamics": "", "solo": False, "drums": True, "tempo": 0.0, "bpm": 0, "key": None, "chords": []}  # fmt: skip


def recorded_captions(source: str, facts: dict, rng: random.Random) -> dict[str, list[str]]:
    """Captions by style of a clip of which `source` (of a row) and the told facts are known; a style with none is left
    out."""
    told = origin({"source": source, "licence": ""})
    game, scene, genre = MADE_FOR.get(told["package"], ""), named(told, SCENES), named(told, STYLES)
    t = Teller(UNKNOWN | facts, rng)
    found = {
        "title": _title(source, game),
        "short": _few(lambda: _short(t, facts, game, scene, genre), 3) if facts or game or scene or genre else [],
        "long": _few(lambda: _long(t, facts, game, scene, genre), 2) if len(_heard(t, facts)) > 1 else [],
        "dense": _few(lambda: _dense(t, facts, genre), 2) if {"bpm", "key"} <= facts.keys() else [],
        "plain": _few(lambda: _plain(t, facts, scene, genre), 3) if _heard(t, facts) or scene or genre else [],
    }
    return {style: texts for style, texts in found.items() if texts}


def _few(draw, count: int) -> list[str]:
    return list(dict.fromkeys(tidy(draw()) for _ in range(count)))


def _title(source: str, game: str) -> list[str]:
    """The title that its author gave it, where it has one that is more than a file's name."""
    found = TITLE.search(source)
    if not found or NO_TITLE.search(found[1]) or not re.search(r"[^\W\d]{3}", found[1]):
        return []
    return [f"{found[1]}, from the soundtrack of {game}" if game else found[1]]


def _heard(t: Teller, facts: dict) -> list[str]:
    """Sentences without a subject's name: what is told of drums, tempo, key, metre and chords."""
    found = [t.one(*HAPPENINGS[one][0]) for one in facts.get("happens", ())]
    if "drums" in facts and not facts.get("happens"):
        found.append(t.one("There are drums", "It has a drum beat") if facts["drums"] else "There are no drums")
    if "bpm" in facts:
        found.append(t.one(f"The tempo is {t.pace()}", f"It moves at {facts['bpm']} BPM", f"It is {t.pace()}"))
    if "key" in facts:
        found.append(t.one(f"The key is {facts['key']}", f"It is in {article(facts['tonality'])} key"))
    if "metre" in facts and (facts["metre"] != "4/4" or t.rng.random() < 0.3):
        found.append(f"It is in {facts['metre']}")
    if 1 < len(facts.get("chords", ())) <= 8:
        found.append(f"The chords are {', '.join(facts['chords'])}")
    return found


def _asked(t: Teller, facts: dict) -> list[str]:
    """The same in a few words each, as somebody asks for it."""
    found = [t.one(*HAPPENINGS[one][1]) for one in facts.get("happens", ())]
    if "drums" in facts and not facts.get("happens"):
        found.append(t.one("with drums", "with a beat") if facts["drums"] else t.one("no drums", "without drums"))
    found += [tempo(t)] if "bpm" in facts else []
    found += [key(t)] if "key" in facts else []
    found += [t.one(*METRES[facts["metre"]])] if facts.get("metre") in METRES else []
    return found + ([chords(t)] if len(facts.get("chords", ())) > 1 and chords(t) else [])


def _noun(t: Teller, genre: str) -> str:
    noun = t.rng.choice(NO_GENRE[0])
    return f"{genre} {noun}" if genre else noun


def _short(t: Teller, facts: dict, game: str, scene: str, genre: str) -> str:
    """One line: what it is, what it was made for, one or two things that are heard."""
    wishes = _asked(t, facts)
    some = t.rng.sample(wishes, min(len(wishes), t.rng.randint(1, 2)))
    noun = _noun(t, genre)
    use = f" for {scene}" if scene and t.rng.random() < 0.7 else ""
    whole = t.one(f"{article(noun)}{use}", f"{noun}{use}")
    if game and t.rng.random() < 0.5 or not (some or use):
        whole = f"{genre or 'instrumental'} soundtrack{use}" + (f" of {game}" if game else "")
    text = ", ".join([whole, *some])
    return cap(text) + "." if t.rng.random() < 0.5 else text


def _long(t: Teller, facts: dict, game: str, scene: str, genre: str) -> str:
    """Two or three sentences."""
    use = f" for {scene}" if scene else f" from {game}" if game else ""
    told = _heard(t, facts)
    t.rng.shuffle(told)
    return ". ".join([cap(f"{article(_noun(t, genre))}{use}"), *told[:3]]) + "."


def _dense(t: Teller, facts: dict, genre: str) -> str:
    """Everything in figures."""
    parts = [genre or "instrumental", f"{facts['bpm']} BPM", facts["key"]]
    parts += [facts["metre"]] if "metre" in facts else []
    parts += [f"chords {'-'.join(facts['chords'][:8])}"] if facts.get("chords") else []
    parts += [t.one(*HAPPENINGS[one][1]) for one in facts.get("happens", ())]
    parts += ["drums" if facts["drums"] else "no drums"] if "drums" in facts and not facts.get("happens") else []
    return ", ".join(parts)


def _plain(t: Teller, facts: dict, scene: str, genre: str) -> str:
    """A request as people type it."""
    wishes = _asked(t, facts)
    some = t.rng.sample(wishes, min(len(wishes), t.rng.randint(1, 3)))
    thing = f"{genre} music" if genre else t.one("music", "something", "a track", "a piece")
    use = f" for {scene}" if scene and (t.rng.random() < 0.6 or not some) else ""
    forms = (
        f"{t.one('make', 'play', 'I want', 'i need', 'give me')} {thing}{use}" + "".join(f", {wish}" for wish in some),
        ", ".join([f"{thing}{use}", *some]),
        f"{thing}{use}, {listed(some)}" if some else f"{thing}{use}",
    )
    return t.one(*forms)
