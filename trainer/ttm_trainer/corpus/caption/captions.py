"""Captions that are true by construction: the facts of a window -> short, long, dense, plain and free texts."""

from __future__ import annotations

import random
from collections.abc import Callable

from .facts import window_facts
from .free_captions import asked, fitting
from .teller import Teller, article, cap, listed, tidy
from .vocabulary import HALF_TIME
from .wording import changes, plain, told, wishes

__all__ = ["captions", "window_facts"]


def _short(t: Teller) -> str:
    a, two = article, t.some(1, 3)
    who = t.players(two)
    mood, noun = t.mood(), t.noun()
    tag, tags = t.rng.choice(t.tags), t.rng.sample(t.tags, min(2, len(t.tags)))
    plain = listed(two)
    themes = t.facts["themes"]
    forms: list[Callable[[], str]] = [
        lambda: f"{a(mood)} {noun} with {who}.",
        themes and (lambda: f"{a(mood)} {noun} with {who}, perfect for {t.theme()}."),
        lambda: f"{a(mood)} {noun} featuring {who}.",
        lambda: f"{a(t.moods())} {noun} built on {who}.",
        lambda: f"{mood} {noun} with {plain}",
        lambda: f"{mood} {tag} music with {who}",
        lambda: f"{mood} {tag} music featuring {plain}",
        lambda: f"{noun}, {plain}, {mood}",
        lambda: f"{', '.join(tags)}, {', '.join(two)}, {', '.join(t.facts['moods'][:2])}",
        themes and (lambda: f"{tag}, {t.rng.choice(t.names or t.tags)}, {t.mood()}, {t.rng.choice(t.facts['themes'])}"),
        lambda: f"{tag}, {two[0]}, {mood}",
        lambda: f"This {noun} has {a(mood)} feel and features {who}.",
        lambda: f"The {noun} is {t.moods()}, led by {t.player((t.pitched or t.names)[0])[0]}.",
        lambda: f"{a(t.pace())} {noun} in {a(mood)} mood, with {who}.",
        themes and (lambda: f"{a(mood)} {noun} for {t.theme()}, with {who}."),
        lambda: f"{who} in {a(mood)} {noun}.",
        lambda: f"{who} create {a(mood)} {tag} atmosphere." if len(two) > 1 else f"{a(mood)} {tag} mood around {who}.",
        lambda: f"Instrumental {tag} with {plain}, {mood} and at {a(t.pace().removesuffix('-paced'))} tempo.",
        lambda: f"Create {a(mood)} {noun} with {who}.",
        lambda: f"I want {a(mood)} {noun} with {plain}.",
        themes and (lambda: f"Background music for {t.theme()}: {mood} {tag} with {plain}."),
        lambda: f"{a(mood)} {noun} in a {t.facts['tonality']} key with {who}."
        if t.facts["tonality"] and t.facts["genre"] != "blues" else f"{a(mood)} {noun} with {who}.",
        themes and (lambda: f"{a(t.pace())}, {mood} {noun} that evokes {t.theme()}, played by {plain}."
        if all(n not in ("vinyl crackle",) for n in two) else f"{a(mood)} {noun} with {who}."),
    ]  # fmt: skip
    forms = [form for form in forms if callable(form)]
    if not t.facts["drums"]:
        forms += [
            lambda: f"{a(mood)} {noun} with {who}, {t.one('no drums', 'without drums', 'no percussion')}.",
            lambda: f"{mood} {tag}, {plain}, no drums",
        ]
    if t.facts["solo"]:
        forms += [lambda: f"solo {two[0]}, {mood} {tag}", lambda: f"{a(mood)} piece for solo {two[0]}."] * 3
    text = t.rng.choice(forms)()
    return tidy(cap(text) if text.endswith(".") or t.rng.random() < 0.3 else text)


def _rhythm(t: Teller) -> str:
    basses = [n for n in t.pitched if t.facts["roles"][n] == "bass"]
    drums, low = [t.player(n) for n in t.rhythm[:2]], [t.player(n) for n in basses[:1]]
    if drums and low:
        both = listed([p for p, _ in drums + low])
        return t.one(
            f"{both} keep the groove moving",
            f"The rhythm section consists of {both}",
            f"Underneath, {both} lay down the rhythm",
        )
    if drums:
        text = listed([p for p, _ in drums])
        return (
            f"{text} {t.verb(drums, t.one('carries', 'drives', 'marks'), t.one('carry', 'drive', 'mark'))} the rhythm"
        )
    ends = "There are no drums" if not t.facts["drums"] else ""
    if low:
        hold = f"{low[0][0]} {t.verb(low, 'anchors', 'anchor')} the harmony"
        return f"{hold}, {t.one('and there are no drums', 'without any drums')}" if ends else hold
    return t.one(ends, "It has no percussion", "There is no drum part") if ends else ""


def _colour(t: Teller, said: list[str]) -> str:
    rest = [n for n in t.pitched if n not in said and t.facts["roles"][n] != "bass"][:2]
    if not rest:
        return ""
    phrases = [t.player(n) for n in rest]
    text = listed([p for p, _ in phrases])
    singular = t.one("adds colour", "fills out the sound", "completes the arrangement", "adds warmth in the background")
    plural = {"adds": "add", "fills": "fill", "completes": "complete"}[singular.split()[0]] + singular[
        singular.index(" ") :
    ]
    return f"{text} {t.verb(phrases, singular, plural)}"


def _remarks(t: Teller) -> list[str]:
    """True remarks about texture, pace, form and use."""
    f, remarks = t.facts, []
    if f["density"] == "sparse":
        remarks.append(t.one("The texture is sparse and open", "There is a lot of space between the notes"))
    if f["density"] == "busy":
        remarks.append(t.one("The texture is dense and busy", "The arrangement is full and active"))
    if f["dynamics"] == "soft":
        remarks.append(t.one("It is played softly", "The playing is quiet and delicate"))
    if f["dynamics"] == "loud":
        remarks.append(t.one("The playing is loud and forceful", "It is played with a lot of power"))
    remarks += told(t)
    if f["tonality"] and f["genre"] != "blues":
        remarks.append(t.one(f"The harmony is in a {f['tonality']} key", f"It is set in a {f['tonality']} key"))
    if f["lofi"]:
        remarks.append(t.one("The sound is warm, dull and tape-like", "It has a dusty lo-fi production"))
    if f["room"] == "cathedral":
        remarks.append("A long reverb surrounds the sound")
    if f["genre"] in HALF_TIME:
        remarks.append("It has a half-time feel")
    else:
        pace = t.pace()
        remarks.append(t.one(f"The tempo is {pace}", f"It moves at {article(pace)} pace"))
    t.rng.shuffle(remarks)
    if f["metre"] == "4/4":
        remarks.append(t.one("It is in common time", "It is in four-four time"))
    uses = t.one(
        f"It would fit {t.theme()}",
        f"The mood is {t.moods()}, suitable for {t.theme()}",
        f"Overall it feels {t.moods()}",
        f"It evokes {t.theme()}", f"It is ideal as background music for {t.theme()}",
    ) if f["themes"] else t.one(f"Overall it feels {t.moods()}", f"The mood is {t.moods()}")  # fmt: skip
    return [uses, *remarks] if t.rng.random() < 0.6 else [*remarks[:1], uses, *remarks[1:]]


def _long(t: Teller) -> str:
    """Two or three sentences of 30 to 60 words together."""
    lead = t.some(1, 2)
    phrases = [t.player(name) for name in lead]
    who, mood, noun = listed([text for text, _ in phrases]), t.mood(), t.noun()
    opening = t.one(
        f"{article(mood)} {noun} featuring {who}",
        f"This is {article(t.moods())} {noun} with {who}",
        f"This {noun}, led by {who}, is {t.moods()}",
        f"{article(noun)} with {article(mood)} character, built around {who}",
        f"{article(t.pace())} {noun} where {who} {t.verb(phrases, 'sets', 'set')} {article(mood)} tone",
        f"Here is {article(mood)} {noun} that features {who}",
    )
    t.rhythm = [n for n in t.rhythm if n not in lead]
    t.pitched = [n for n in t.pitched if n not in lead or t.facts["roles"][n] != "bass"]
    middle = [s for s in (_colour(t, lead), _rhythm(t) if not (t.facts["drums"] and not t.rhythm) else "") if s]
    t.rng.shuffle(middle)
    clauses = [opening, *middle, *_remarks(t)]
    sentences: list[str] = []
    joined: set[int] = set()
    words = 0
    for clause in clauses:
        size = len(clause.split())
        if words + size > 48 or words >= 32:
            continue
        if len(sentences) == 3:
            free = [i for i in (1, 2, 0) if i not in joined]
            if not free:
                continue
            shortest = min(free[:2], key=lambda i: len(sentences[i]))
            joined.add(shortest)
            sentences[shortest] += t.one(", and ", "; ") + clause[0].lower() + clause[1:]
        else:
            sentences.append(cap(clause))
        words += size
    return tidy(". ".join(sentences) + ".")


def _dense(t: Teller) -> str:
    f = t.facts
    instruments = ", ".join(f["instruments"])
    chords = "-".join(f["chords"][:8])
    key, mood, noun = f["key"], t.mood(), t.noun()

    def known(text: str, fact: object) -> str:
        return text if fact else ""

    if t.rng.random() < 0.5:
        text = f"{f['genre'] or t.tags[0]}, {f['bpm']} BPM{known(f', {key}', key)}, {f['metre']}, {instruments}"
        text += f", {', '.join(f['moods'])}"
        text += t.one(
            "",
            known(f", chords {chords}", chords),
            known(f", {f['section']}", f["section"]),
            f", {f['density']} texture, {f['dynamics']} dynamics",
        )
        return text + changes(t) + (t.one("", ", no drums") if not f["drums"] else "")
    text = t.one(
        f"{article(mood)} {noun}{known(f' in {key}', key)} at {f['bpm']} BPM in {f['metre']}, "
        f"with {listed(f['instruments'])}.",
        f"{article(noun)} at {f['tempo']} BPM, {f['metre']} time{known(f', key of {key}', key)}. "
        f"Instruments: {instruments}.",
        f"Tempo {f['bpm']} BPM, metre {f['metre']}{known(f', key {key}', key)}. "
        f"{cap(article(mood))} {noun} played on {instruments}.",
    )
    extra = t.one(
        known(f" Chords: {chords}.", chords),
        f" The mood is {t.moods()}.",
        f" {f['density'].capitalize()} texture, {f['dynamics']} dynamics.",
        "",
    )
    changing = changes(t)
    extra += f" {cap(changing.removeprefix(', '))}." if changing else ""
    return tidy(cap(text) + extra + (t.one("", " No drums.") if not f["drums"] else ""))


def _free(t: Teller, request: str) -> str:
    """A request, often with instruments, drums, mood or pace named behind it."""
    tails = []
    if t.names and t.rng.random() < 0.4:
        who = t.players(t.some(1, 2))
        tails.append(t.one(f"with {who}", f"maybe with {who}", f"{who} please", f"{who} would be nice"))
    if t.beatless() and t.rng.random() < 0.3:
        tails.append(t.one("no drums", "no drums please", "without any drums", "no beat"))
    tails += t.rng.sample(wishes(t), 1) if wishes(t) and t.rng.random() < 0.4 else []
    if t.facts["drums"] and t.rng.random() < 0.1:
        tails.append(t.one("with drums", "with a good beat", "drums please"))
    if t.rng.random() < 0.2:
        tails.append(t.one(f"{t.mood()} please", f"make it {t.mood()}", f"something {t.mood()}"))
    if t.rng.random() < 0.1:
        tails.append(t.one(f"{t.pace()} please", f"at {article(t.pace())} pace"))
    t.rng.shuffle(tails)
    return asked(request, [tidy(tail) for tail in tails[:2]], t.rng)


def _numbered(text: str, t: Teller) -> str:
    """Some captions with the tempo, the key or both added in numbers, as people do."""
    bpm, key = t.facts["bpm"], t.facts["key"]
    tempo = t.one(f"at {bpm} BPM", f"at {bpm} bpm", f"at {bpm} beats per minute", f"at a tempo of {bpm} BPM")
    draw = t.rng.random()
    said = tempo if draw < 0.25 else f"in {key}" if draw < 0.37 else f"{tempo} in {key}" if draw < 0.5 else ""
    if not key:
        said = tempo if draw < 0.37 else ""
    if not said:
        return text
    if not text.endswith("."):
        return f"{text}, {said.removeprefix('at a tempo of ').removeprefix('at ')}"
    if text.count(". "):
        return f"{text} {t.one('It is', 'It was written', 'The music is')} {said}."
    return f"{text[:-1]} {said}."


def captions(facts: dict, rng: random.Random, held_out: bool = False) -> dict[str, list[str]]:
    """Three short, two long, two dense and three plain captions of a window with at least one named instrument, and
    three in free wording where its style is known; those of unseen clips (`held_out`) are made of requests kept for
    them."""
    if not facts["instruments"]:
        bare = f"{facts['genre'] or 'instrumental'}, {', '.join(facts['moods'])}"
        figures = ", ".join(filter(None, (f"{facts['bpm']} BPM", facts["key"])))
        return {"short": [bare], "long": [], "dense": [f"{bare}, {figures}"], "free": [], "plain": []}
    found = {
        "short": [_numbered(_short(t), t) for t in (Teller(facts, rng) for _ in range(3))],
        "long": [_numbered(_long(t), t) for t in (Teller(facts, rng) for _ in range(2))],
        "dense": [_dense(Teller(facts, rng)) for _ in range(2)],
        "plain": [plain(Teller(facts, rng)) for _ in range(3)],
    }
    told = fitting(facts, held_out)
    return found | {"free": [_free(Teller(facts, rng), rng.choice(told)) for _ in range(3)] if told else []}
