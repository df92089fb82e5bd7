"""What a prompt states in so many words: prompt -> `Reading`, with facts, and what was understood and what was not.

A sentence encoder hardly tells 124 from 128 BPM, or "drums" from "no drums". What can be read exactly is read here. The
facts go into the plan (`planner`); tempo, key, metre and drums also become a vector (WIDTH,) that is appended to the
sentence's own. Every demand is told as understood, approximated, or not understood.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .chord_reader import NO_CHORD
from .known_words import tell_names, tell_unknown
from .reading.chords import find_rows, read_rows
from .reading.drums import read_drums
from .reading.form import Part, find_song, read_ending, read_feel, read_form, read_voices
from .reading.keys import read_key
from .reading.language import NAMES, language_of
from .reading.leftovers import tell_leftovers
from .reading.metre import read_metre
from .reading.negation import Refusal, read_refusals, read_unwanted
from .reading.tempo import read_pace, read_tempo
from .reading.text import Demand, Text
from .reading.words import read_styles
from .theory import pitch_class

LAYOUT = 1  # of the vector; a model names the one that it was trained with
BPM = (40.0, 220.0)  # that the vector has a place for
METRES = ("4/4", "3/4", "6/8")  # likewise
TEMPI = 40  # bumps on a logarithmic scale over BPM, about 4 % apart
WIDTH = 1 + TEMPI + 1 + 12 + 2 + len(METRES) + 2


@dataclass(frozen=True)
class PromptFacts:
    """What a prompt states; None, or nothing: it says nothing of that.

    What has a place in the vector comes first. tempo: beats a minute, of `beat` quarter notes each; key: tonic, mode or
    both, such as "F# minor", "E", "minor"; chords: symbols of `theory`, or NO_CHORD; degrees: "ii", "V", "I", where no
    key is stated; swing: as in a plan; form: parts of the clip, in order; ends: whether the music ends.
    """

    tempo: float | None = None
    tonic: int | None = None  # pitch class, 0 is C
    minor: bool | None = None
    metre: str | None = None
    drums: bool | None = None
    chords: tuple[str, ...] = ()
    pace: str | None = None  # "slow" or "fast", in words
    key: str | None = None
    beat: float = 1.0
    degrees: tuple[str, ...] = ()
    swing: float | None = None
    form: tuple[Part, ...] = ()
    ends: bool = False

    @property
    def quarters(self) -> float | None:
        """The tempo in quarter notes a minute."""
        return None if self.tempo is None else self.tempo * self.beat

    def vector(self) -> np.ndarray:
        """(WIDTH,) float32: zeros where nothing is stated, or what has no place; else a mark and the value.

        A tempo is two or three bumps of a logarithmic scale, so that near tempi have near vectors.
        """
        tempo, tonic, mode = np.zeros(1 + TEMPI), np.zeros(13), np.zeros(2)
        metre, drums = np.zeros(len(METRES)), np.zeros(2)
        if self.quarters is not None and BPM[0] <= self.quarters <= BPM[1]:
            low, high = map(math.log2, BPM)
            place = (math.log2(self.quarters) - low) / (high - low) * (TEMPI - 1)
            tempo[0] = 1
            tempo[1:] = np.exp(-0.5 * np.square(np.arange(TEMPI) - place))
        if self.tonic is not None:
            tonic[0] = tonic[1 + self.tonic] = 1
        if self.minor is not None:
            mode[int(self.minor)] = 1
        if self.metre in METRES:
            metre[METRES.index(self.metre)] = 1
        if self.drums is not None:
            drums[int(self.drums)] = 1
        return np.concatenate([tempo, tonic, mode, metre, drums]).astype(np.float32)


@dataclass(frozen=True)
class Reading:
    """A prompt as it was read. Every demand of it is in one of the three lists, in the order of the text.

    genres: styles that are asked for; unwanted: what is refused, as it was written; wanted: the prompt without the
    words that refuse, for a text encoder, which hears "techno" in "not techno" ("music" where nothing is left);
    negative: what is refused and no fact tells, for the negative prompt; language: its ISO code.
    """

    prompt: str
    facts: PromptFacts
    understood: tuple[Demand, ...] = ()
    approximated: tuple[Demand, ...] = ()
    not_understood: tuple[Demand, ...] = ()
    genres: tuple[str, ...] = ()
    unwanted: tuple[str, ...] = ()
    wanted: str = ""
    negative: str = ""
    language: str = "en"

    def to_dict(self) -> dict[str, list[dict[str, str]]]:
        """The three lists, JSON-safe."""
        lists = {
            "understood": self.understood,
            "approximated": self.approximated,
            "not_understood": self.not_understood,
        }
        return {name: [demand.to_dict() for demand in demands] for name, demands in lists.items()}


@lru_cache(maxsize=256)
def read_prompt(prompt: str) -> Reading:
    """Read a prompt. Of what is stated more than once the first counts, and the others are told. Never raises."""
    text = Text(prompt)
    text.language = language_of(text.plain)
    song = find_song(text)
    refusals = read_refusals(text)
    tell_names(text)
    rows = find_rows(text, song)
    key = read_key(text)
    read = read_rows(text, rows, key.name if key and key.tonic else None)
    metre = read_metre(text)
    tempo = read_tempo(text)
    genres = read_styles(text)
    drums = read_drums(text, refusals)
    pace = read_pace(text, tempo)
    swing = read_feel(text)
    form = read_form(text, refusals)
    ends = read_ending(text)
    read_voices(text)
    chords = tuple(chord.symbol for chord in read if chord.symbol is not None)
    facts = PromptFacts(
        tempo=tempo.value if tempo else None,
        tonic=pitch_class(key.tonic) if key and key.tonic else None,
        minor=key.dark if key else None,
        metre=metre,
        drums=drums,
        chords=chords if any(symbol != NO_CHORD for symbol in chords) else (),
        pace=pace,
        key=key.name if key else None,
        beat=tempo.beat if tempo else 1.0,
        degrees=tuple(chord.text for chord in read if rows.in_degrees and chord.symbol is None),
        swing=swing,
        form=form,
        ends=ends,
    )
    return _reading(text, facts, genres, refusals)


def two_sides(prompt: str, negative: str = "") -> tuple[str, str]:
    """What a text encoder is told to lead towards, and away from: what a prompt refuses goes to the negative side."""
    reading = read_prompt(prompt)
    return reading.wanted, ", ".join(filter(None, (negative, reading.negative)))


def parse_prompt(prompt: str) -> PromptFacts:
    """The facts of `read_prompt`."""
    return read_prompt(prompt).facts


def _reading(text: Text, facts: PromptFacts, genres: tuple[str, ...], refusals: list[Refusal]) -> Reading:
    unwanted = read_unwanted(text, refusals)
    told = {demand.text for _, demand in (*text.understood, *text.approximated, *text.missed)}
    for refusal in refusals:
        span, thing = (refusal.start, refusal.end), text.written(*refusal.what)
        if not refusal.known:
            text.takes(
                "unwanted", span, "words of the prompt", "not a word of music that is known: it stays where it is"
            )
        elif not refusal.partly and text.written(*span) not in told:
            text.says("unwanted", span, f"not {thing}")
    tell_leftovers(text)
    tell_unknown(text)
    approximated = [demand for _, demand in sorted(text.approximated, key=lambda one: one[0])]
    if text.language != "en":
        name = NAMES[text.language]
        why = (
            f"the models learned from English captions: words of {name} that state nothing exact may be heard less well"
        )
        approximated.append(Demand("language", f"the text is {name}", "the words as they are", why))
    said, carried = _without_refusals(text, refusals, facts)
    return Reading(
        text.prompt,
        facts,
        tuple(demand for _, demand in sorted(text.understood, key=lambda one: one[0])),
        tuple(approximated),
        tuple(demand for _, demand in sorted(text.missed, key=lambda one: one[0])),
        genres,
        unwanted,
        said,
        ", ".join(thing for thing in unwanted if thing not in carried),
        text.language,
    )


_PLAIN_NO_DRUMS = re.compile(
    r"(?:no|without(?:\s+any)?|free\s+of)\s+(?:drum|percussion|beat|rhythm)\w*.*|(?:drum|beat)less",
    re.IGNORECASE | re.DOTALL,
)


def _without_refusals(text: Text, refusals: list[Refusal], facts: PromptFacts) -> tuple[str, set[str]]:
    """The prompt without what it refuses, and what the plan carries: "no drums" stays, for captions have it."""
    said, carried, at = [], set(), 0
    drums = {demand.text for _, demand in text.understood if demand.kind == "drums" and demand.meaning == "no drums"}
    for refusal in refusals:
        start, end = text.in_prompt(refusal.start, refusal.end)
        if refusal.partly or not refusal.known:
            continue
        said.append(text.prompt[at:start])
        at = end
        if text.written(refusal.start, refusal.end) in drums:
            carried.add(text.written(*refusal.what))
            plain = _PLAIN_NO_DRUMS.fullmatch(text.prompt[start:end])
            comma = ", " if re.search(r"\w\s*$", "".join(said)) and not plain else ""
            said.append(text.prompt[start:end] if plain else f"{comma}no drums")
    if not refusals:
        return text.prompt, set()
    rest = "".join([*said, text.prompt[at:]])
    if rest == text.prompt:
        return rest, carried
    return _tidied(rest) or "music", carried


_LOOSE = (
    r"(?:absolutely|definitely|strictly|&|and|but|or|just|with|und|oder|aber|mit|et|mais|y|e|pero|con|ma|mas|maar|en|i"
    r"|,|;|\.|!)"
)


def _tidied(text: str) -> str:
    """Without the signs and words that stood around what was taken out."""
    text = re.sub(r"\(\s*\)|\[\s*\]", "", text)
    text = re.sub(rf"(?:(?<!\w){_LOOSE}\s*)+(?=[,.;!?]|$)", "", text)
    text = re.sub(r"\s+(?=[,.;!?])", "", re.sub(r"([,;.!?])(?:\s*[,;.])+", r"\1", text))
    return re.sub(r"[ \t]{2,}", " ", re.sub(rf"^(?:\s|{_LOOSE}(?!\w))+", "", text)).strip(" ,;/")
