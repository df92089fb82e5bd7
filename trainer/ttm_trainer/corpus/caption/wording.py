"""Plain words for what is true of a window: tempo, metre, key, chords, form, what is missing; and requests made of them.

These captions sound as people ask: keywords, commands, questions, scenes, stories of what happens, with and without the
name of a genre.
"""

# ruff: noqa: E501
from __future__ import annotations

from collections.abc import Callable

from .teller import Teller, article, cap, listed, tidy
from .vocabulary import MASS, PLURAL

# What happens -> how it is told, and how it is asked for.
HAPPENINGS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "drums enter": (("It begins without drums, then the beat comes in", "The drums come in partway through"), ("starts without drums, then the drums come in", "drums come in later", "let the drums enter after a while")),
    "drums leave": (("The drums stop before the end", "The drums drop out partway through"), ("the drums drop out later", "starts with drums, ends without", "drums leave at some point")),
    "drums away": (("The drums pause in the middle and come back", "There is a break without drums"), ("drums take a break in the middle", "a breakdown without drums", "drums stop and come back")),
    "drums for a while": (("The drums play only in the middle",), ("drums only in the middle",)),
    "drums first": (("It opens with drums alone", "The drums begin by themselves"), ("starts with only drums", "drum intro", "begins with drums alone")),
    "drum break": (("There is a moment for the drums alone", "The drums play a break by themselves"), ("with a drum break", "a drum solo inside", "drums alone for a moment")),
    "drums only": (("Only drums play", "There is nothing but percussion"), ("only drums", "nothing but drums", "no melody, just rhythm")),
    "rises": (("The music builds up as it goes", "It grows in intensity", "The energy rises"), ("builds up", "gets bigger and bigger", "rising energy", "more and more intense")),
    "falls": (("The music winds down towards the end", "It becomes calmer towards the end", "The energy falls"), ("calms down", "gets quieter", "winds down")),
    "quiet then loud": (("It starts quietly and ends loud", "A quiet opening leads into a full arrangement"), ("starts quiet, ends big", "quiet at first, then everything comes in", "soft start, loud end")),
    "loud then quiet": (("It starts loud and ends quietly",), ("starts big, ends small", "loud first, then almost nothing")),
    "build and drop": (("It builds up to a drop", "A build-up leads into the drop"), ("builds to a drop", "with a build-up and a drop", "big drop")),
    "higher key": (("The key goes up on the way", "It modulates to a higher key"), ("key change upwards", "modulates up", "goes up a key")),
    "other key": (("The key changes on the way", "It moves to another key"), ("with a key change", "changes key")),
    "faster": (("The tempo becomes faster", "It speeds up in another section"), ("gets faster", "speeds up")),
    "slower": (("The tempo becomes slower", "It slows down in another section"), ("gets slower", "slows down")),
    "other metre": (("The metre changes",), ("the time signature changes", "changing metre")),
    "stop": (("Everything stops for a moment", "There is a sudden stop"), ("with a sudden stop", "everything stops, then goes on", "stop and go")),
    "solo": (("There is a solo", "One instrument takes a solo"), ("with a solo", "a solo in it")),
    "alone first": (("One instrument begins alone", "It opens with a single instrument"), ("one instrument starts alone", "begins with a single player")),
    "pick-up": (("It begins with a pick-up",), ("with a pick-up",)),
    "last chord": (("It comes to a clear ending on a held chord", "The piece closes on its final chord"), ("ends on a held chord", "with a real ending", "proper ending")),
    "silence": (("The last chord is followed by silence",), ("ends before the clip is over", "silence at the end")),
    "one chord": (("It stays on one chord", "The harmony does not move"), ("one chord only", "stays on one chord")),
    "half-time": (("The drums have a half-time feel",), ("half-time feel", "half-time drums")),
    "double-time": (("The drums play double-time",), ("double-time feel", "double-time drums")),
}  # fmt: skip
MUST_BE_SAID = ("higher key", "other key", "faster", "slower", "other metre")
METRES: dict[str, tuple[str, ...]] = {
    "4/4": ("in 4/4", "four-four", "common time"), "3/4": ("in three", "3/4", "three beats to the bar", "in triple time"),
    "6/8": ("in 6/8", "six eight", "in six-eight time"), "5/4": ("in five", "5/4", "five beats to the bar", "five four time"),
    "7/8": ("in seven", "7/8", "seven eight time", "counted two two three", "odd time signature 7/8"),
    "12/8": ("in 12/8", "twelve eight feel", "12/8 time"), "2/4": ("in two", "2/4", "two beats to the bar"),
    "2/2": ("cut time", "2/2", "alla breve"), "9/8": ("in nine", "9/8", "nine eight time"), "6/4": ("in 6/4", "six four time"),
}  # fmt: skip
MARKINGS = ((60, "largo"), (76, "adagio"), (108, "andante"), (120, "moderato"), (168, "allegro"), (999, "presto"))
SMALL = (
    "", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
FAMILIES = {
    "guitar": "guitars",
    "piano": "piano",
    "strings": "strings",
    "brass": "brass",
    "synth": "synths",
    "voices": "choir",
}


def in_words(number: int) -> str:
    """A number below 400 in English."""
    hundreds, rest = divmod(number, 100)
    small = SMALL[rest] if rest < 20 else TENS[rest // 10] + (f"-{SMALL[rest % 10]}" if rest % 10 else "")
    large = f"{SMALL[hundreds]} hundred" if hundreds else ""
    return f"{large} and {small}" if large and small else large or small


def tempo(t: Teller) -> str:
    """The tempo in numbers or words."""
    bpm, near = t.facts["bpm"], 5 * round(t.facts["bpm"] / 5)
    marking = next(word for limit, word in MARKINGS if bpm < limit)
    return t.one(
        f"{bpm} bpm", f"{bpm} BPM", f"{bpm}bpm", f"tempo {bpm}", f"around {near} bpm", f"about {in_words(near)} beats per minute",
        f"roughly {near}", f"{in_words(bpm)} beats a minute", f"♩={bpm}", marking, f"{t.pace()} tempo",
    )  # fmt: skip


def key(t: Teller) -> str:
    """The key, or nothing where it is not clear."""
    if not t.facts["key"]:
        return ""
    note, mode = t.facts["key"].split(" ", 1)
    short = {"minor": f"{note}m", "major": f"{note} maj"}.get(mode, t.facts["key"])
    return t.one(f"in {note} {mode}", f"key of {note} {mode}", f"{note} {mode}", f"key: {short}", f"in {short}")


def chords(t: Teller) -> str:
    """The chords of the window, where they are clear and few."""
    found = t.facts["chords"]
    if not found or len(found) > 8:
        return ""
    row = t.one(" ", ", ", " - ", " | ").join(found)
    return t.one(
        f"chords: {row}", f"chord progression {row}", f"chords {row}", row if len(found) > 2 else f"chords {row}"
    )


def happened(t: Teller, happening: str, asked: bool) -> str:
    """A happening as it is told or asked for, with the name of the instrument, where it is one that does it."""
    name = t.facts.get("soloists", {}).get(happening, "")
    if not name or name.endswith(PLURAL + MASS) or t.rng.random() < 0.3:
        return t.one(*HAPPENINGS[happening][asked])
    if happening == "solo":
        return t.one(f"with {article(name)} solo", f"{name} solo") if asked else f"There is {article(name)} solo"
    return (
        t.one(f"starts with only {article(name)}", f"{name} alone at first")
        if asked
        else f"It opens with {article(name)} alone"
    )


def told(t: Teller) -> list[str]:
    """Sentences about what happens in the window, its metre and its swing."""
    found = [happened(t, happening, asked=False) for happening in t.facts.get("happens", ())]
    if not t.facts.get("happens") and t.facts["change"] != "steady":
        found.append(t.one(*HAPPENINGS["rises" if t.facts["change"] == "builds" else "falls"][0]))
    if t.facts["ending"] and "last chord" not in t.facts.get("happens", ()):
        found.append(t.one(*HAPPENINGS["last chord"][0]))
    metre = t.facts["metre"]
    if metre == "3/4":
        found.append(t.one("It moves in triple time", "The metre is three beats to the bar"))
    elif metre == "6/8":
        found.append("It sways in six-eight time")
    elif metre != "4/4":
        found.append(t.one(f"The metre is {metre}", f"It is written in {metre}", f"The time signature is {metre}"))
    if t.facts.get("swing"):
        found.append(t.one(f"The {t.facts['swing']} swing", "It has a swung feel", "The rhythm swings"))
    return found


def wishes(t: Teller) -> list[str]:
    """The same as somebody asks for it, and the tempo, the key, the chords, and what is not there."""
    facts = t.facts
    found = [happened(t, happening, asked=True) for happening in facts.get("happens", ())]
    found += (
        [t.one("with swing", "swung", "with a swing feel", "shuffle feel")] if facts.get("swing") == "eighths" else []
    )
    if facts["metre"] != "4/4" or t.rng.random() < 0.2:
        found.append(t.one(*METRES.get(facts["metre"], (facts["metre"],))))
    return found + [tempo(t), *(part for part in (key(t), chords(t), without(t)) if part)]


def without(t: Teller) -> str:
    """Something that is not there."""
    absent = [FAMILIES[family] for family in t.facts.get("absent", ())]
    absent += [] if t.facts["drums"] else ["drums", "drums", "beat", "percussion"]
    absent += [] if t.facts.get("bass", True) or any("bass" in name for name in t.names) else ["bass"]
    sung = ["lyrics"] if {"voices", "choir pad"} & set(t.names) else ["vocals", "singing", "lyrics"]
    thing = t.rng.choice([*absent, *sung])
    return t.one(f"no {thing}", f"without {thing}", f"no {thing} please")


def changes(t: Teller) -> str:
    """What a caption with figures must add, since the figures are not those of the whole window."""
    found = [happening for happening in t.facts.get("happens", ()) if happening in MUST_BE_SAID]
    return "".join(f", {t.one(*HAPPENINGS[happening][1])}" for happening in found)


def plain(t: Teller) -> str:
    """A request or a description as people type it."""
    who = t.some(1, 3)
    names, players, mood = listed(who), t.players(who), t.mood()
    extra = t.rng.sample(wishes(t), min(len(wishes(t)), t.rng.choice((0, 1, 1, 2)))) if t.rng.random() < 0.85 else []
    tail = "".join(f", {wish}" for wish in extra)
    themes = t.facts["themes"]
    scene = t.theme() if themes else ""
    thing = t.one("something", "music", "a piece", "a track", f"a {t.one('tune', 'song', 'piece')}")
    named = t.one(thing, thing, t.noun())
    named = named if named == thing else article(named)
    forms: list[Callable[[], str]] = [
        lambda: ", ".join(_shuffled(t, [mood, *who, *extra, *([t.rng.choice(themes)] if themes else []), *([t.rng.choice(t.tags)] if t.rng.random() < 0.5 else [])])),
        lambda: f"{t.one('make', 'play', 'give me', 'compose', 'write', 'create', 'i need', 'I want', 'generate')} {named} {t.one('with', 'with', 'using', 'featuring')} {players}, {mood}{tail}",
        lambda: f"{t.one('can you make', 'could you play', 'do you have', 'may I have', 'is there')} {named} that is {mood}, with {players}{tail}?",
        lambda: f"{players}{tail}, {mood}",
        lambda: f"{mood} {names}{tail}",
        lambda: f"{t.one('something', 'music')} {mood}{tail}, {t.one('just', 'mainly', 'mostly')} {names}",
        lambda: f"{t.one('sounds', 'it should sound', 'it should feel')} {mood}, {players}{tail}",
    ]  # fmt: skip
    if scene and "video" not in scene and "film" not in scene:
        forms.append(
            lambda: f"I am {t.one('making', 'editing', 'filming')} a video about {scene} and need {mood} music{tail}"
        )
    if scene:
        forms += [
            lambda: f"{t.one('something', 'music', 'background music', 'a soundtrack')} for {scene}, {mood}{tail}",
            lambda: f"{scene}: {mood}, {names}{tail}",
            lambda: f"{t.one('sounds like', 'like', 'it feels like', 'reminds me of')} {scene}, {mood}, {players}{tail}",
            lambda: f"{t.one('what would you play for', 'what fits')} {scene}? {mood}, {names}{tail}",
        ]  # fmt: skip
    course = [happened(t, happening, asked=True) for happening in t.facts.get("happens", ())]
    if course:
        story = ", ".join(course[:2])
        forms += [lambda: f"{story}, {players}, {mood}", lambda: f"{mood}, {names}, {story}"] * 2
    if chords(t):
        forms.append(lambda: f"{chords(t)}, {tempo(t)}, {mood}, {names}")
    return _typed(tidy(t.rng.choice(forms)()), t)


def _shuffled(t: Teller, words: list[str]) -> list[str]:
    return t.rng.sample(words, len(words))


def _typed(text: str, t: Teller) -> str:
    """As it is typed: with or without a capital, a stop, a please."""
    draw = t.rng.random()
    if draw < 0.35:
        text = cap(text) + ("" if text.endswith("?") else ".")
    elif draw < 0.45 and not text.endswith("?"):
        text += t.one(" please", " pls", "!", ", thanks")
    elif draw < 0.5:
        text = cap(text)
    return text
