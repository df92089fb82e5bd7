"""A stretch of a song and a seed -> a `Score`: the same notes for other instruments, in another key, tempo and room.

A band is drawn from a genre's layers (that of the song, where it is known); every voice gets an instrument of that band
which has its role and its range. Now and then the voices keep the instruments of the file.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from functools import lru_cache
from statistics import fmean, median

from ..compose.genres import GENRES, STYLES
from ..compose.instruments import DRUM_KITS, INSTRUMENTS
from ..compose.score import Note, Part, Score
from ..compose.theory import fold
from ..render.patches import GAINS, master, patch, place
from . import chords_and_key
from .form import sections
from .midi_file import Song, Stretch, Voice

TEMPO = 0.85, 1.2  # by which the file's is multiplied
STEPS = -5, 6  # semitones to transpose by
AS_WRITTEN = 0.25  # chance that the voices keep their instruments
FITS = 0.9  # share of a voice's notes that must lie in an instrument's range
CLEAR_KEY = 0.8  # correlation below which a key is not said; of composed pieces 4 in 5 reach it
UNPITCHED = {*range(112, 114), *range(115, 128)}  # programs that are left out: percussion and noises
PROGRAMS = {
    int(sound[3:]): name
    for name, (sounds, _, _) in reversed(INSTRUMENTS.items())
    for sound in sounds
    if sound.startswith("gm:")
} | {
    2: "electric piano", 20: "organ", 53: "choir pad", 54: "choir pad", 67: "saxophone", 80: "square lead",
    81: "saw lead", 90: "synth strings", 95: "warm pad",
}  # fmt: skip
KITS = {
    0: "acoustic drums", 8: "acoustic drums", 16: "rock drums", 24: "electronic drums", 25: "808 drums",
    32: "jazz drums", 40: "brushed drums", 48: "orchestral percussion",
}  # fmt: skip
ORCHESTRA = 48  # a kit of which the keys mean something else
HAND = {
    "congas": (62, 63, 64), "hand drums": (60, 61, 65, 66), "shaker": (69, 70, 82), "tambourine": (54,),
}  # fmt: skip


def starts(stretch: Stretch, seconds: float) -> list[float]:
    """The beats, on bar lines, where excerpts of about `seconds` begin that together cover the stretch."""
    bars, count = round((stretch.end - stretch.start) / stretch.bar), max(1, round(stretch.seconds / seconds))
    return [stretch.start + stretch.bar * (bars * number // count) for number in range(count)]


def excerpt(stretch: Stretch, start: float, seconds: float, seed: int) -> tuple[float, float, float]:
    """Tempo, beginning and end (beats of the file) of an arrangement; `seconds` at least, or the whole stretch."""
    tempo = round(stretch.tempo * random.Random(f"{seed} tempo").uniform(*TEMPO), 1)
    bars = math.ceil(seconds * tempo / 60 / stretch.bar - 1e-9)
    start = max(stretch.start, min(start, stretch.end - bars * stretch.bar))
    return tempo, start, min(stretch.end, start + bars * stretch.bar)


def arrange(song: Song, stretch: Stretch, start: float, seconds: float, seed: int, genre: str | None = None) -> Score:
    """The same score for the same arguments. Raises ValueError where no pitched notes begin in the excerpt."""
    tempo, start, end = excerpt(stretch, start, seconds, seed)
    rng = random.Random(seed)
    band = genre if genre in STYLES else rng.choice(GENRES)
    style = STYLES[band]
    steps, as_written, room = rng.randint(*STEPS), rng.random() < AS_WRITTEN, rng.choice(style.rooms)
    level, contrast = rng.uniform(58, 100), rng.uniform(0.6, 1.2)
    heard = [(voice, _cut(voice.notes, start, end)) for voice in song.voices]
    heard = [(v, notes) for v, notes in heard if notes and (v.drums or v.program not in UNPITCHED)]
    if all(voice.drums for voice, _ in heard):
        raise ValueError("nothing but drums in the excerpt")
    mean = fmean(note.velocity for _, notes in heard for note in notes)
    volume = median(voice.volume for voice, _ in heard)
    roles = _roles(heard)
    used: Counter[str] = Counter()
    parts, side = [], rng.choice((-1, 1))
    for (voice, notes), role in zip(heard, roles, strict=True):
        notes = [_stroke(note, level + (note.velocity - mean) * contrast + rng.gauss(0, 2)) for note in notes]
        if voice.drums:
            played = _drums(voice, notes, band, as_written, rng)
        else:
            notes = [Note(n.start, n.beats, n.pitch + steps, n.velocity) for n in notes]
            played = [_instrument(voice, notes, role, band, as_written, used, rng)]
        gain = max(-6.0, min(6.0, 40 * math.log10(voice.volume / volume)))
        for name, role, sound, notes in played:
            pan, reverb = place(role, room, side, rng)
            side = -side if pan else side
            total = GAINS[role] + gain + rng.uniform(-1.5, 1.5)
            options = patch(role, sound, style.sidechain, rng)
            parts.append(Part(name, role, sound, tuple(_untangled(notes)), round(total, 1), pan, reverb, options))
    pitched = [note for part in parts if part.role not in ("drums", "percussion") for note in part.notes]
    key, fit = chords_and_key.key_of_notes(pitched, 0.0, end - start)
    symbols = chords_and_key.chords(pitched, 0.0, end - start, stretch.bar, key)
    form = sections(parts, end - start, stretch.bar, symbols)
    estimated = ["key", "chords"] + ["metre"] * (not stretch.metre_stated) + ["sections", "energy"] * (len(form) > 1)
    return Score(
        seed, genre, (), (), tempo, stretch.metre, key.name if fit >= CLEAR_KEY else None, end - start, tuple(parts),
        form, room, master(style, rng), excerpt=True, estimated=tuple(estimated),
    )  # fmt: skip


def _cut(notes: tuple[Note, ...], start: float, end: float) -> list[Note]:
    """The notes that begin from `start` to `end`, counted from there; what still sounds at `start` begins with it."""
    found = []
    for note in notes:
        begin, stop = max(note.start, start), min(note.start + note.beats, end)
        if note.start < end - 0.01 and (note.start >= start - 0.01 or stop - begin >= 1):
            found.append(Note(round(begin - start, 4), round(max(0.04, stop - begin), 4), note.pitch, note.velocity))
    return found


def _stroke(note: Note, force: float) -> Note:
    return Note(note.start, note.beats, note.pitch, max(1, min(127, round(force))))


def _untangled(notes: list[Note]) -> list[Note]:
    """Notes in order of time, without one pitch sounding twice at the same time."""
    done: list[Note] = []
    last: dict[int, int] = {}
    for note in sorted(notes, key=lambda n: (n.start, n.pitch)):
        number = last.get(note.pitch)
        if number is not None and done[number].start + done[number].beats > note.start:
            before = done[number]
            if note.start - before.start < 0.05:
                continue
            done[number] = Note(before.start, round(note.start - before.start - 0.01, 4), note.pitch, before.velocity)
        last[note.pitch] = len(done)
        done.append(note)
    return done


def _roles(heard: list[tuple[Voice, list[Note]]]) -> list[str]:
    """The role of each voice; where none leads, the highest of those that could does."""
    roles = ["drums" if voice.drums else _role(voice.program, notes) for voice, notes in heard]
    if "melody" not in roles:
        high = [i for i, role in enumerate(roles) if role in ("arpeggio", "chords") and _together(heard[i][1]) < 1.5]
        if high:
            roles[max(high, key=lambda i: median(note.pitch for note in heard[i][1]))] = "melody"
    return roles


def _together(notes: list[Note]) -> float:
    """How many notes begin at the same time, on average."""
    return len(notes) / len({round(note.start * 8) for note in notes})


def _role(program: int, notes: list[Note]) -> str:
    pitch, length, together = median(n.pitch for n in notes), fmean(n.beats for n in notes), _together(notes)
    if 32 <= program < 40 or (pitch < 48 and together < 1.3):
        return "bass"
    if together >= 1.6:
        return "pad" if length >= 2 else "chords"
    if length >= 3 and (48 <= program < 56 or 88 <= program < 104):
        return "pad"
    leaps = [abs(b.pitch - a.pitch) for a, b in zip(notes, notes[1:], strict=False)]
    span = max(notes[-1].start - notes[0].start, 1e-6)
    return "arpeggio" if leaps and fmean(leaps) >= 3.5 and len(notes) / span >= 1.8 else "melody"


@lru_cache(maxsize=64)
def _layers(genre: str) -> dict[str, tuple[str, ...]]:
    """The instruments of a genre by role, as often as its layers name them."""
    found: dict[str, tuple[str, ...]] = {}
    for layer in STYLES[genre].layers.splitlines():
        role, _, names, _ = (field.strip() for field in layer.split("|"))
        found[role] = found.get(role, ()) + tuple(names.split(", "))
    return found


@lru_cache(maxsize=16)
def _everybody(role: str) -> tuple[str, ...]:
    """The instruments that play a role in any genre."""
    return tuple(name for genre in GENRES for name in _layers(genre).get(role, ()))


def _instrument(
    voice: Voice, notes: list[Note], role: str, band: str, as_written: bool, used: Counter, rng: random.Random
) -> tuple[str, str, str, list[Note]]:
    """Name, role and sound of an instrument for a voice, and its notes in that instrument's range."""
    layers = _layers(band)
    choices = [
        (PROGRAMS[voice.program],) if as_written and voice.program in PROGRAMS else (),
        layers.get(role, ()),
        tuple(name for names in layers.values() for name in names),
        _everybody(role),
    ]
    for names in choices:
        fitting = [name for name in names if name in INSTRUMENTS and _shift(name, notes) is not None]
        fitting = [name for name in fitting if not used[name]] or fitting
        if fitting:
            break
    name = rng.choice(fitting or [name for name in _everybody(role) if name in INSTRUMENTS])
    used[name] += 1
    sounds, low, high = INSTRUMENTS[name]
    sound = f"gm:{voice.program}" if as_written and f"gm:{voice.program}" in sounds else rng.choice(sounds)
    shift = _shift(name, notes) or 0
    return name, role, sound, [Note(n.start, n.beats, fold(n.pitch + shift, low, high), n.velocity) for n in notes]


def _shift(name: str, notes: list[Note]) -> int | None:
    """Semitones, whole octaves, by which notes come into an instrument's range; None: they do not."""
    _, low, high = INSTRUMENTS[name]
    for shift in (0, 12, -12, 24, -24):
        if sum(low <= note.pitch + shift <= high for note in notes) >= FITS * len(notes):
            return shift
    return None


def _drums(
    voice: Voice, notes: list[Note], band: str, as_written: bool, rng: random.Random
) -> list[tuple[str, str, str, list[Note]]]:
    """Name, role, sound and notes of a kit and of what is played by hand beside it."""
    if voice.program == ORCHESTRA:
        return [(KITS[ORCHESTRA], "percussion", f"gm:drums:{ORCHESTRA}", notes)]
    rest, parts = notes, []
    for name, keys in HAND.items():
        by_hand = [note for note in rest if note.pitch in keys]
        rest = [note for note in rest if note.pitch not in keys]
        if by_hand:
            parts.append((name, "percussion", rng.choice(DRUM_KITS[name]), by_hand))
    if rest:
        name, sound = KITS.get(voice.program, KITS[0]), f"gm:drums:{voice.program if voice.program in KITS else 0}"
        if not as_written:
            name = rng.choice(_layers(band).get("drums") or _everybody("drums"))
            sound = rng.choice(DRUM_KITS[name])
        parts.append((name, "drums", sound, rest))
    return parts
