"""The composer: a seed, a length in seconds and a genre -> a `Score`, the same one every time.

Every `Section.chords` lists one symbol per equal slot of the section, so the chords of any moment can be told.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from musicgen_app.control.theory import MODES

from ..render.patches import GAINS, master, patch, place
from . import players
from .genres import GENRES, STYLES, Genre
from .grooves import ARPEGGIOS
from .instruments import DRUM_KITS, EFFECTS, INSTRUMENTS
from .melody import melody
from .players import Player, Span
from .score import Note, Part, Score, Section
from .theory import PENTATONIC, Chord, Key, progression

__all__ = ["GENRES", "compose"]

ENERGY = {"intro": 0.38, "verse": 0.62, "chorus": 0.92, "build": 0.68, "drop": 1.0, "bridge": 0.45, "outro": 0.42}
FORMS = {
    "song": ("intro", "verse", "chorus", "verse", "chorus", "bridge", "chorus", "outro"),
    "club": ("intro", "build", "drop", "bridge", "build", "drop", "outro"),
    "loop": ("intro", "verse", "chorus", "verse", "bridge", "chorus", "outro"),
    "arc": ("intro", "verse", "chorus", "bridge", "verse", "chorus", "outro"),
}
CENTERS = {"melody": 73, "chords": 60, "arpeggio": 64, "pad": 60, "bass": 40}
PLAY = {
    "melody": melody,
    "chords": players.comp,
    "arpeggio": players.arpeggio,
    "bass": players.bass,
    "drums": players.drums,
    "percussion": players.drums,
    "effect": players.effect,
}
PAD_STYLES = {"pad": players.pad, "drone": players.drone, "swell": players.comp}

# Moods that only fit some tempos (quarter notes a minute): lowest, highest.
MOOD_TEMPO = {
    "upbeat": (100, 999), "energetic": (100, 999), "lively": (100, 999), "fast-paced": (120, 999),
    "furious": (140, 999),
    "playful": (96, 999), "cheerful": (90, 999), "intense": (100, 999), "driving": (96, 999), "triumphant": (90, 999),
    "laid-back": (0, 105), "relaxed": (0, 150), "gentle": (0, 112), "introspective": (0, 110), "sad": (0, 90),
    "melancholic": (0, 110), "romantic": (0, 150), "tragic": (0, 100), "powerful": (80, 999), "smoky": (0, 140),
    "aggressive": (125, 999), "moody": (0, 150), "peaceful": (0, 112), "majestic": (0, 125), "emotional": (0, 120),
}  # fmt: skip


def compose(seed: int, seconds: float = 30.0, genre: str | None = None) -> Score:
    """A piece of at least `seconds`, in `genre` of `GENRES` (drawn from the seed when None).

    Raises KeyError for an unknown genre.
    """
    rng = random.Random(seed)
    drawn = rng.choice(GENRES)
    name = genre or drawn
    style = STYLES[name]
    metre = rng.choice(style.metres)
    bar = metre[0] * 4 / metre[1]
    low, high = style.tempo
    tempo = round(rng.uniform(low, high) if rng.random() < 0.5 else rng.randint(low, high), 1)
    key, harmony = _harmony(style, rng)
    bars = max(4, math.ceil(seconds * tempo / 60 / bar - 1e-9))
    form = _form(style, bars - 1, bar * 60 / tempo, rng)
    band = _band(style, rng)
    swing = rng.uniform(*style.swing)
    scale = _scale(style, key, rng)
    fill = rng.choice(style.fills)

    tracks: list[list[Note]] = [[] for _ in band]
    sections, slots, cursor = [], _slots(harmony), 0.0
    tonic = _tonic(harmony[0][0][0], key)
    progress = [0, 0]
    energies = [max(0.2, min(1.0, ENERGY[section] + rng.uniform(-0.08, 0.08))) for section, _ in form]
    for index, (section, length) in enumerate(form):
        which = int(section in ("chorus", "drop", "bridge"))
        cycle = harmony[which]
        first = 0 if length % len(cycle) == 0 else progress[which]
        timeline, symbols = _timeline(cycle, first, cursor, length, bar, slots)
        progress[which] = first + length
        energy = energies[index]
        span = Span(
            section=section, start=cursor, bars=length, bar=bar, compound=metre == (6, 8), energy=energy,
            force=round(33 + 50 * style.level + 34 * (energy - 0.5) * (0.5 + 0.5 * style.loose) + rng.uniform(-4, 4)),
            chords=timeline, key=key, scale=scale, fill=fill,
            rise=energies[index + 1] - energy if index + 1 < len(form) else 0.0, club=style.form == "club", rng=rng,
        )  # fmt: skip
        playing = _playing(band, span)
        for number, player in enumerate(band):
            if number in playing:
                tracks[number].extend(_play(player, span))
        cursor += length * bar
        if index == len(form) - 1:
            symbols += (tonic.symbol,) * slots
            for number in playing:
                tracks[number].extend(players.ending(band[number], cursor, bar, tonic, span.force))
        sections.append(Section(section, span.start, span.start + len(symbols) / slots * bar, symbols))

    beats = bars * bar
    room = rng.choice(style.rooms)
    parts = _parts(band, tracks, style, room, tempo, beats, swing, rng)
    moods = _moods(style, key, tempo, rng)
    themes = tuple(rng.sample(style.themes, 2))
    key_name = f"{key.spelling[key.tonic]} {'major' if key.mode == 'blues' else key.mode}"
    return Score(
        seed, name, moods, themes, tempo, metre, key_name, beats, parts, tuple(sections), room, master(style, rng)
    )  # fmt: skip


def _play(player: Player, span: Span) -> list[Note]:
    if player.role == "pad":
        return PAD_STYLES[player.style](player, span)
    if player.role == "chords" and player.style in ARPEGGIOS:
        return players.arpeggio(player, span)
    return PLAY[player.role](player, span)


def _harmony(style: Genre, rng: random.Random) -> tuple[Key, list[list[list[Chord]]]]:
    """The key and two progressions (verse, chorus), each a list of bars of chords; modal keys stay in their mode."""
    key = Key(rng.choice(style.tonics), rng.choice(style.modes))
    pool: Sequence[str] = style.progressions["dark" if key.dark else "bright"]
    if key.mode not in ("major", "minor", "blues"):
        fitting = [text for text in pool if _diatonic(text, key)]
        if fitting:
            pool = fitting
        else:
            key = Key(key.tonic, "minor" if key.dark else "major")
    verse = rng.choice(pool)
    chorus = verse if rng.random() < 0.35 else rng.choice(pool)
    stretch = rng.choice(style.bars_per_chord)
    cycles = [[bar for bar in progression(text, key) for _ in range(stretch)] for text in (verse, chorus)]
    return key, cycles


def _scale(style: Genre, key: Key, rng: random.Random) -> tuple[int, ...]:
    """What melodies are made of: the notes of the key's mode, or five of them."""
    name = key.mode if key.mode == "blues" else "minor" if key.dark else "major"
    return PENTATONIC[name] if rng.random() < style.pentatonic else MODES[key.mode]


def _tonic(first: Chord, key: Key) -> Chord:
    """The chord to end on: the first of the piece where that stands on the tonic, else the plain one."""
    if first.root == key.tonic:
        return first
    third = "m" if key.dark else ""
    return Chord(key.tonic, third, key.spelling[key.tonic] + third)


def _diatonic(text: str, key: Key) -> bool:
    return all(set(chord.pitch_classes) <= set(key.pitch_classes) for bar in progression(text, key) for chord in bar)


def _slots(harmony: list[list[list[Chord]]]) -> int:
    return max(len(bar) for cycle in harmony for bar in cycle)


def _timeline(
    cycle: list[list[Chord]], first: int, start: float, bars: int, bar: float, slots: int
) -> tuple[list[tuple[float, float, Chord]], tuple[str, ...]]:
    """Chords as (start, end, chord), repeated ones joined within four bars, and one symbol per slot."""
    timeline: list[tuple[float, float, Chord]] = []
    symbols: list[str] = []
    for index in range(bars):
        chords = cycle[(first + index) % len(cycle)]
        width = bar / len(chords)
        for number, chord in enumerate(chords):
            begin = start + index * bar + number * width
            if timeline and timeline[-1][2] == chord and begin - timeline[-1][0] < 2 * bar - 1e-6 and index % 2:
                timeline[-1] = (timeline[-1][0], begin + width, chord)
            else:
                timeline.append((begin, begin + width, chord))
            symbols += [chord.symbol] * (slots // len(chords))
    return timeline, tuple(symbols)


def _form(style: Genre, bars: int, bar_seconds: float, rng: random.Random) -> list[tuple[str, int]]:
    """Sections with their lengths in bars: an excerpt of the genre's form that ends with the piece."""
    unit = 8 if bar_seconds * 8 <= 12 else 4 if bar_seconds * 4 <= 13 else 2
    if unit == 4 and bar_seconds * 4 > 9 and rng.random() < 0.5:
        unit = 2
    count = max(1, round(bars / unit))
    pattern = FORMS[style.form]
    at = rng.choice((0, 0, 0, 1, 1, 2, 3, 4))
    names = []
    for _ in range(count):
        names.append(pattern[at])
        at = at + 1 if at + 1 < len(pattern) - 1 else 1
    if count >= 3 and not {"chorus", "drop"} & set(names):
        names[-1] = "drop" if style.form == "club" else "chorus"
    if count >= 3 and rng.random() < 0.35 and names[-2] in ("chorus", "drop", "verse"):
        names[-1] = "outro"
    lengths = [unit] * (count - 1)
    lengths.append(bars - sum(lengths))
    if names[0] == "intro" and count >= 3 and rng.random() < 0.4:
        lengths[0] -= unit // 2
        lengths[1] += unit // 2
    return list(zip(names, lengths, strict=True))


def _band(style: Genre, rng: random.Random) -> list[Player]:
    """The players of the piece: layers drawn by chance, with one instrument each and no instrument twice."""
    band: list[Player] = []
    used: dict[str, str] = {}
    seats: dict[str, tuple[str, str]] = {}
    acoustic_break = style.form != "club" and rng.random() < 0.1
    for index, text in enumerate(style.layers.splitlines()):
        role, styles, instruments, tail = (field.strip() for field in text.split("|"))
        options = dict(item.split("=") for item in tail.split())
        present = rng.random() < float(options.get("p", 1))
        play = rng.choice(styles.split(", "))
        names = instruments.split(", ")
        slot = options.get("slot", f"layer {index}")
        if acoustic_break and role in ("drums", "percussion"):
            continue
        if not present:
            continue
        free = [n for n in names if n not in used or used[n] == slot] or (
            names if role == "chords" or "harm" in options else []
        )
        if slot not in seats:
            if not free:
                continue
            name = rng.choice(free)
            sound = rng.choice(DRUM_KITS.get(name) or INSTRUMENTS.get(name, ((EFFECTS.get(name, ""),),))[0])
            seats[slot] = name, sound
        name, sound = seats[slot]
        used[name] = slot
        low, high = INSTRUMENTS[name][1:] if name in INSTRUMENTS else (0, 127)
        center = int(options.get("c", CENTERS.get(role, 60)))
        at = float(options.get("at", 0))
        band.append(
            Player(
                role=role,
                style=play,
                name=name,
                sound=sound,
                low=low,
                high=high,
                center=max(low + 6, min(high - 6, center)),
                at=at + rng.uniform(-0.15, 0.15) if at else 0.0,
                top=float(options.get("top", 2)),
                harmony="harm" in options,
                gain=float(options.get("db", 0)) + GAINS.get(role, -4.0) + round(rng.uniform(-1.5, 1.5), 1),
                slot=slot,
                seed=rng.getrandbits(32),
            )  # fmt: skip
        )
    if not any(p.role in ("melody", "chords", "arpeggio", "pad") and not p.harmony for p in band):
        return _band(style, rng)
    if rng.random() < 0.14:
        band = _small(band, 1.0 if style.form == "club" else 0.45, rng)
    return band


def _small(band: list[Player], rhythm: float, rng: random.Random) -> list[Player]:
    """A sparse arrangement: one to three pitched players, bass and drums each with the chance `rhythm`."""
    melodies = [p.slot for p in band if p.role == "melody" and not p.harmony]
    backing = [p.slot for p in band if p.role in ("chords", "arpeggio", "pad")]
    if not backing:
        return band
    keep = {rng.choice(backing), *rng.sample(melodies, min(len(melodies), rng.choice((0, 1, 1, 2))))}
    keep |= {p.slot for p in band if p.role in ("bass", "drums") and rng.random() < rhythm}
    small = [player for player in band if player.slot in keep]
    for player in small:
        player.at = min(player.at, 0.4)
    return small


def _playing(band: list[Player], span: Span) -> set[int]:
    """Who plays in this section: by its energy, and never a section without a pitched part."""
    playing = {i for i, p in enumerate(band) if p.at <= span.energy <= p.top}
    if span.section == "bridge":
        optional = [i for i in playing if band[i].role in ("bass", "drums", "percussion", "chords")]
        if optional and span.rng.random() < 0.5:
            playing.discard(span.rng.choice(optional))
    if not any(band[i].harmony is False and band[i].role == "melody" for i in playing):
        playing = {i for i in playing if not band[i].harmony}
    pitched = [i for i, p in enumerate(band) if p.role in ("chords", "arpeggio", "pad", "melody") and not p.harmony]
    backing = [i for i in pitched if band[i].role != "melody"] or pitched
    if not playing & set(backing) and (len(playing) < 3 or span.rng.random() < 0.7):
        playing.add(span.rng.choice(backing))
    return playing


def _moods(style: Genre, key: Key, tempo: float, rng: random.Random) -> tuple[str, ...]:
    pool = style.moods["dark" if key.dark else "bright"]
    fitting = [mood for mood in pool if MOOD_TEMPO.get(mood, (0, 999))[0] <= tempo <= MOOD_TEMPO.get(mood, (0, 999))[1]]
    moods = rng.sample(fitting or pool[:1], min(len(fitting) or 1, rng.choice((2, 2, 3))))
    return tuple(moods)


def _parts(
    band: list[Player], tracks: list[list[Note]], style: Genre, room: str, tempo: float, beats: float, swing: float,
    rng: random.Random,
) -> tuple[Part, ...]:  # fmt: skip
    """One part per slot, swung, humanised, without overlaps of one pitch, with its place in the mix."""
    slots: dict[str, list[int]] = {}
    for number, player in enumerate(band):
        slots.setdefault(player.slot, []).append(number)
    side = rng.choice((-1, 1))
    parts = []
    for numbers in slots.values():
        player = band[numbers[0]]
        notes = [note for number in numbers for note in tracks[number]]
        if not notes:
            continue
        role = "melody" if any(band[n].role == "melody" for n in numbers) else player.role
        synthetic = player.sound.startswith("synth:") or player.sound in ("gm:drums:24", "gm:drums:25")
        loose = style.loose * (0.35 if synthetic else 1.0)
        played = _finish(notes, style, swing, loose, tempo, beats, player.role, rng)
        pan, reverb = place(role, room, side, rng)
        side = -side if pan else side
        options = patch(player.role, player.sound, style.sidechain, rng)
        parts.append(Part(player.name, role, player.sound, played, player.gain, pan, reverb, options))
    return tuple(parts)


def _finish(
    notes: list[Note], style: Genre, swing: float, loose: float, tempo: float, beats: float, role: str,
    rng: random.Random,
) -> tuple[Note, ...]:  # fmt: skip
    jitter = 0.016 * loose * tempo / 60  # beats; 16 ms at the loosest
    dynamics = 1.0 + 7.0 * loose
    unit = style.swing_unit

    def swung(beat: float) -> float:
        pair, place = divmod(beat, 2 * unit)
        place = place / unit * swing if place < unit else swing + (place / unit - 1) * (1 - swing)
        return (pair + place) * 2 * unit

    done: list[Note] = []
    sounding: dict[int, int] = {}
    for note in sorted(notes, key=lambda n: (n.start, n.pitch)):
        start = max(0.0, swung(note.start) + (rng.gauss(0, jitter) if jitter else 0.0))
        end = min(beats, swung(note.start + note.beats))
        if role == "effect":
            start, end = note.start, note.start + note.beats
        velocity = max(1, min(127, round(note.velocity + rng.gauss(0, dynamics))))
        before = sounding.get(note.pitch)
        if before is not None and done[before].start + done[before].beats > start:
            earlier = done[before]
            if start - earlier.start < 0.06:
                continue
            done[before] = Note(earlier.start, start - earlier.start - 0.01, earlier.pitch, earlier.velocity)
        start = min(start, beats - 0.05)
        sounding[note.pitch] = len(done)
        done.append(Note(round(start, 4), round(max(0.04, end - start), 4), note.pitch, velocity))
    return tuple(
        sorted(
            (
                n if n.start + n.beats <= beats else Note(n.start, round(beats - n.start, 4), n.pitch, n.velocity)
                for n in done
            ),
            key=lambda n: n.start,
        )
    )
