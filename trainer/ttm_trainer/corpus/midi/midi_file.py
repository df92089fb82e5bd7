"""A MIDI file (bytes) -> its voices and the stretches of it that keep one tempo and one metre.

Only notes, programs, volumes, the sustain pedal, tempi and metres of a file are read. Pitch bends are ignored.
"""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from musicgen_app.errors import DependencyError, FileError

from ..compose.score import Note

METRES = {(4, 4): 4.0, (3, 4): 3.0, (6, 8): 3.0}  # of pieces that are taken -> quarter notes in a bar
TEMPI = 40.0, 250.0  # quarter notes a minute; outside of it the file's beat is not the music's
STEADY = 0.01  # a tempo that strays no further is one tempo
SHORTEST = 20.0  # seconds of a stretch
LONGEST = 15 * 60.0  # seconds of a file
LARGEST = 1_000_000  # bytes of a file
CROWD = 128  # notes at once
HANGING = 4.0  # beats of a note that nothing ends
DRUMS = 9  # channel
BARS = (3, 4, 5, 7)  # quarter notes; where the rhythm comes back after another of them, the metre is not the music's
DOUBT = 0.05  # by so much more, that is, if the file states its metre
ON_THE_BEAT = 0.8  # share of the notes that begin on a sixteenth or a triplet where the beat is the music's
VOLUME, PEDAL, SILENCE = 7, 64, (120, 123)  # controllers


@dataclass(frozen=True)
class Voice:
    """The notes of one program on one channel; times are in beats (quarter notes) from the beginning of the file."""

    program: int  # General MIDI, 0..127; of drums the kit
    drums: bool
    volume: float  # 0..127, of the average note
    notes: tuple[Note, ...]  # in order of time


@dataclass(frozen=True)
class Stretch:
    """Whole bars of one tempo and one metre."""

    tempo: float  # quarter notes a minute
    metre: tuple[int, int]
    start: float  # beats from the beginning of the file, as is `end`
    end: float
    metre_stated: bool  # by the file; else it is 4/4, as the standard has it, and the notes bear it out

    @property
    def bar(self) -> float:
        """Beats in a bar."""
        return METRES[self.metre]

    @property
    def seconds(self) -> float:
        return (self.end - self.start) * 60 / self.tempo


@dataclass(frozen=True)
class Song:
    """What can be used of a file, and a number (63 bits) that files with the same notes share."""

    digest: int
    voices: tuple[Voice, ...]
    stretches: tuple[Stretch, ...]


def read(data: bytes) -> Song:
    """Raises FileError, with the reason alone, where nothing of the file can be used; DependencyError without mido."""
    try:
        import mido
    except ImportError as error:
        raise DependencyError("MIDI files need mido: pip install mido") from error
    if len(data) > LARGEST:
        raise FileError(f"it is larger than {LARGEST // 1_000_000} MB")
    try:
        file = mido.MidiFile(file=io.BytesIO(data), clip=True)
    except Exception as error:  # mido raises whatever a damaged file makes it stumble over
        raise FileError(f"it is damaged ({type(error).__name__}: {error})") from error
    if file.type == 2 or file.ticks_per_beat <= 0:
        raise FileError("it does not count in beats")
    messages = sorted(_timed(file), key=lambda timed: timed[0])
    voices = _voices(messages)
    notes = [note for voice in voices for note in voice.notes]
    if not notes:
        raise FileError("it has no notes")
    if all(voice.drums for voice in voices):
        raise FileError("it has only drums")
    if _most_at_once(notes) > CROWD:
        raise FileError(f"more than {CROWD} of its notes sound at once")
    stretches = _stretches(messages, voices)
    digest = hashlib.sha256(repr(sorted((round(n.start * 8), n.pitch) for n in notes)).encode()).digest()
    return Song(int.from_bytes(digest[:8], "big") >> 1, voices, stretches)


def _timed(file) -> Iterator[tuple[float, int, object]]:
    """(beat, track, message) of every message."""
    for number, track in enumerate(file.tracks):
        ticks = 0
        for message in track:
            ticks += message.time
            yield ticks / file.ticks_per_beat, number, message


def _voices(messages: list[tuple[float, int, Any]]) -> tuple[Voice, ...]:
    program, volume, pedal = [0] * 16, [100] * 16, [False] * 16
    sounding: dict[tuple[int, int], tuple[tuple, float, int]] = {}  # channel, pitch -> voice, beginning, velocity
    released: set[tuple[int, int]] = set()  # let go, but held by the pedal
    found: dict[tuple, list[tuple[Note, int]]] = {}

    def end(key: tuple[int, int], beat: float) -> None:
        released.discard(key)
        if key not in sounding:
            return
        voice, start, velocity = sounding.pop(key)
        if beat > start and volume[key[0]]:
            found.setdefault(voice, []).append((Note(start, beat - start, key[1], velocity), volume[key[0]]))

    for beat, track, message in messages:
        kind = message.type
        if kind == "program_change":
            program[message.channel] = message.program
        elif kind == "note_on" and message.velocity:
            key = message.channel, message.note
            end(key, beat)
            sounding[key] = (track, message.channel, program[message.channel]), beat, message.velocity
        elif kind in ("note_on", "note_off"):
            key = message.channel, message.note
            if pedal[message.channel]:
                released.add(key)
            else:
                end(key, beat)
        elif kind == "control_change":
            channel = message.channel
            if message.control == VOLUME:
                volume[channel] = message.value
            elif message.control == PEDAL:
                pedal[channel] = message.value >= 64
                if not pedal[channel]:
                    for key in [key for key in released if key[0] == channel]:
                        end(key, beat)
            elif message.control in SILENCE:
                for key in [key for key in sounding if key[0] == channel]:
                    end(key, beat)
    for key, (_, start, _) in list(sounding.items()):
        end(key, start + HANGING)
    return tuple(
        Voice(
            kit,
            channel == DRUMS,
            sum(loud for _, loud in notes) / len(notes),
            tuple(sorted((note for note, _ in notes), key=lambda note: (note.start, note.pitch))),
        )
        for (_, channel, kit), notes in sorted(found.items())
    )


def _most_at_once(notes: list[Note]) -> int:
    most = now = 0
    for _, change in sorted([(n.start, 1) for n in notes] + [(n.start + n.beats, -1) for n in notes]):
        now += change
        most = max(most, now)
    return most


def _stretches(messages: list[tuple[float, int, Any]], voices: tuple[Voice, ...]) -> tuple[Stretch, ...]:
    """The stretches that can be used, in order. Raises FileError, with the reason of the last, where there are none.

    Bars are counted from where the metre begins.
    """
    notes = [note for voice in voices for note in voice.notes]
    first, last = min(n.start for n in notes), max(n.start + n.beats for n in notes)
    tempi = {0.0: 120.0}
    tempi |= {beat: 6e7 / max(message.tempo, 1) for beat, _, message in messages if message.type == "set_tempo"}
    metres = {beat: (m.numerator, m.denominator) for beat, _, m in messages if m.type == "time_signature"}
    stated = bool(metres)
    metres = {0.0: (4, 4)} | metres
    seconds = sum((b - a) * 60 / tempi[a] for a, b in _pairs(sorted(beat for beat in tempi if beat < last), last))
    if seconds > LONGEST:
        raise FileError(f"it is longer than {LONGEST / 60:.0f} minutes")
    found, reason = [], "it is too short"
    for begin, end in _pairs(sorted(beat for beat in metres if beat < last), last):
        if metres[begin] not in METRES:
            reason = f"its metre is {metres[begin][0]}/{metres[begin][1]}"
            continue
        bar = METRES[metres[begin]]
        for tempo, start, stop in _steady(tempi, begin, end):
            start = begin + bar * math.ceil((start - begin) / bar - 1e-6)
            start += bar * max(0, math.floor((first - start) / bar + 1e-6))
            bars = (stop - begin) / bar
            stop = begin + bar * (math.ceil(bars - 1e-6) if stop == last else math.floor(bars + 1e-6))
            stretch = Stretch(tempo, metres[begin], start, stop, stated)
            why = _unfit(stretch, notes)
            if why:
                reason = why
            else:
                found.append(stretch)
    if not found:
        raise FileError(reason)
    return tuple(found)


def _pairs(beats: list[float], last: float) -> Iterator[tuple[float, float]]:
    """Each beat with the next, the last one with `last`."""
    return zip(beats, [*beats[1:], last], strict=True)


def _steady(tempi: dict[float, float], begin: float, end: float) -> Iterator[tuple[float, float, float]]:
    """(tempo, beginning, end) of the parts of a stretch that keep their tempo."""
    start = begin
    tempo = tempi[max(beat for beat in tempi if beat <= begin)]
    for beat in sorted(beat for beat in tempi if begin < beat < end):
        if abs(tempi[beat] / tempo - 1) > STEADY:
            yield tempo, start, beat
            start, tempo = beat, tempi[beat]
    yield tempo, start, end


def _unfit(stretch: Stretch, notes: list[Note]) -> str:
    """Why a stretch cannot be used; nothing where it can."""
    if not TEMPI[0] <= stretch.tempo <= TEMPI[1]:
        return f"its tempo is {stretch.tempo:.0f}"
    if stretch.seconds < SHORTEST:
        return f"its tempo or its metre changes before {SHORTEST:.0f} seconds are over, or it is as short as that"
    onsets = [note.start - stretch.start for note in notes if stretch.start <= note.start < stretch.end]
    if not onsets:
        return "it is silent"
    near = sum(min(abs(at * 4 - round(at * 4)) / 4, abs(at * 3 - round(at * 3)) / 3) < 0.04 for at in onsets)
    if near < ON_THE_BEAT * len(onsets):
        return "its notes do not follow its beat"
    own = _repeats(onsets, round(stretch.bar)) + (DOUBT if stretch.metre_stated else 0.0)
    if own < max(_repeats(onsets, bar) for bar in BARS):
        return "its notes are in another metre than it says"
    return ""


def _repeats(onsets: list[float], bar: int) -> float:
    """How alike the rhythms of neighbouring bars are, 0 to 1 (correlation)."""
    steps = np.bincount([round(at * 12) for at in onsets]).astype(float)
    steps -= steps.mean()
    shift = 12 * bar
    if len(steps) <= 2 * shift:
        return 0.0
    early, late = steps[:-shift], steps[shift:]
    return float(early @ late / max(1e-9, np.sqrt((early @ early) * (late @ late))))
