"""The composer: a seed, a length in seconds and a genre -> a `Score`, the same one every time.

harmony gives the chords, form the sections, band the players; here they play, section by section.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field, replace

from musicgen_app.control.theory import MODES

from ..render.patches import master
from . import performance
from .band import form_band, playing
from .form import Block, Form, form
from .genres import GENRES, STYLES, Genre, genre_of
from .harmony import KINDS, Harmony, harmony, relative, symbols, timeline
from .players import bass, chords, drums, melody
from .players.figures import ARPEGGIOS
from .players.metres import COMPOUND, Metre, bar_of
from .players.player import Player, Span
from .score import Note, Score, Section
from .theory import PENTATONIC, Key

__all__ = ["GENRES", "compose", "genre_of"]

PLAY = {
    "melody": melody.melody,
    "chords": chords.comp,
    "arpeggio": chords.arpeggio,
    "bass": bass.bass,
    "drums": drums.drums,
    "percussion": drums.drums,
    "effect": chords.effect,
}
PAD_STYLES = {"pad": chords.pad, "drone": chords.drone, "swell": chords.comp}
PICKUPS = {"melody": melody.pickup, "bass": bass.pickup, "drums": drums.pickup, "percussion": drums.pickup}
ODD = 0.25  # chance of a rarer metre in genres that have some
SWUNG = 0.04  # chance of swing in genres that have none

# Moods that only fit some tempos (quarter notes a minute): lowest, highest.
MOOD_TEMPO = {
    "upbeat": (100, 999), "energetic": (100, 999), "lively": (100, 999), "fast-paced": (120, 999),
    "furious": (140, 999),
    "playful": (96, 999), "cheerful": (90, 999), "intense": (100, 999), "driving": (96, 999), "triumphant": (90, 999),
    "laid-back": (0, 105), "relaxed": (0, 150), "gentle": (0, 112), "introspective": (0, 110), "sad": (0, 90),
    "melancholic": (0, 110), "romantic": (0, 150), "tragic": (0, 100), "powerful": (80, 999), "smoky": (0, 140),
    "aggressive": (125, 999), "moody": (0, 150), "peaceful": (0, 112), "majestic": (0, 125), "emotional": (0, 120),
}  # fmt: skip


@dataclass
class _Piece:
    """What is drawn once for a piece, and what its sections add."""

    style: Genre
    form: Form
    harmony: Harmony
    other: Harmony | None  # in the relative key, where some section is
    five_notes: bool  # melodies are pentatonic
    fill: str
    swing: float
    band: list[Player]
    tracks: list[list[Note]]
    sections: list[Section] = field(default_factory=list)
    progress: dict[tuple, int] = field(default_factory=dict)  # bars of each cycle that have been played


def compose(seed: int, seconds: float = 30.0, genre: str | None = None) -> Score:
    """A piece of at least `seconds`, in `genre` of `GENRES` (drawn from the seed when None).

    A piece that ends within them has silence after its last chord. Raises KeyError for an unknown genre.
    """
    rng = random.Random(seed)
    drawn = rng.choice(GENRES)
    name = genre or drawn
    style = STYLES[name]
    metre = rng.choice(style.odd if style.odd and rng.random() < ODD else style.metres)
    low, high = style.tempo
    tempo = round(rng.uniform(low, high) if rng.random() < 0.5 else rng.randint(low, high), 1)
    found = harmony(style, rng)
    plan = form(style, seconds, tempo, metre, rng)
    band = form_band(style, rng)
    if not found.clear:
        band = [replace(p, style="pad") if p.style == "drone" else p for p in band]
    other = relative(style, found, rng) if any(block.relative for block in plan.blocks) else None
    swing = _swing(style, metre, rng)
    piece = _Piece(
        style, plan, found, other, rng.random() < style.pentatonic, rng.choice(style.fills), swing, band,
        [[] for _ in band],
    )  # fmt: skip
    for index in range(len(plan.blocks)):
        _play_block(piece, index, rng)
    end = piece.sections[-1].end
    last = plan.blocks[-1]
    rest = seconds - Score(0, None, (), (), tempo, metre, None, 0, (), tuple(piece.sections)).seconds_at(end)
    beats = end + (math.ceil(rest * last.tempo / 60 * 1e4) / 1e4 if plan.ends and rest > 0 else 0)
    room = rng.choice(style.rooms)
    parts = performance.parts(band, piece.tracks, style, room, tempo, end, rng)
    moods = _moods(style, found.key, tempo, rng)
    themes = tuple(rng.sample(style.themes, 2))
    key = _key_name(found.key) if found.clear and not style.percussive else None
    return Score(
        seed, name, moods, themes, tempo, metre, key, beats, parts, tuple(piece.sections), room, master(style, rng),
        excerpt=not plan.ends, swing=round(swing, 3), swing_unit=style.swing_unit if swing > 0.5 else 0.5,
    )  # fmt: skip


def _swing(style: Genre, metre: Metre, rng: random.Random) -> float:
    """Where the second note of a pair begins; straight in metres that have no pairs."""
    swing = rng.uniform(*style.swing)
    rare = rng.uniform(0.58, 0.67)
    if metre in COMPOUND or metre == (7, 8):
        return 0.5
    return rare if style.swing == (0.5, 0.5) and style.swing_unit == 0.5 and rng.random() < SWUNG else swing


def _key_name(key: Key) -> str:
    return f"{key.spelling[key.tonic]} {'major' if key.mode == 'blues' else key.mode}"


def _play_block(piece: _Piece, index: int, rng: random.Random) -> None:
    """Adds a section and what everybody plays in it."""
    block = piece.form.blocks[index]
    following = piece.form.blocks[index + 1] if index + 1 < len(piece.form.blocks) else None
    start = piece.sections[-1].end if piece.sections else 0.0
    bar = bar_of(block.metre)
    end = round(start + block.bars * bar, 4)
    found = piece.other if block.relative and piece.other else piece.harmony
    found = found.moved(block.shift) if block.shift else found
    cycle = found.cycle(block.name)
    place = (KINDS.get(block.name, "A"), block.relative)
    first = 0 if block.bars % len(cycle) == 0 else piece.progress.get(place, 0)
    if block.cast != "pick-up":
        piece.progress[place] = first + round(block.bars)
    sounding = timeline(cycle, first, start, end, block.metre)
    lands = piece.form.ends and following is None
    if lands:
        sounding = timeline(cycle, first, start, end - bar, block.metre) if block.bars > 1 else []
        sounding.append((end - bar, end, found.last))
    who = playing(piece.band, block, rng)
    span = _span(piece, block, following, (start, end), sounding, found.key, rng)
    roles = {piece.band[i].role for i in who}
    span.bassless, span.alone = "bass" not in roles, len(who) == 1
    if lands and block.bars > 1:
        body = replace(span, end=end - bar, chords=sounding[:-1])
        _play(piece, who, body, block.cast)
    elif not lands:
        _play(piece, who, span, block.cast)
    if lands:
        ring = replace(span, start=end - bar, chords=sounding[-1:])
        for number in sorted(who):
            piece.tracks[number] += chords.landing(piece.band[number], ring)
    told = symbols(sounding) if roles - {"drums", "percussion", "effect"} and block.cast != "pick-up" else ("",)
    key = _key_name(found.key) if found.clear else None
    main = _key_name(piece.harmony.key) if piece.harmony.clear else None
    drummed = block.metre == (4, 4) and "drums" in roles
    piece.sections.append(
        Section(
            block.name, start, end, told, block.energy,
            tempo=block.tempo if block.tempo != piece.form.blocks[0].tempo else None,
            metre=block.metre if block.metre != piece.form.blocks[0].metre else None,
            key=key if key != main else None, feel=block.feel if drummed else "",
        )
    )  # fmt: skip


def _span(
    piece: _Piece, block: Block, following: Block | None, edges: tuple[float, float],
    sounding: list, key: Key, rng: random.Random,
) -> Span:  # fmt: skip
    style, energy = piece.style, block.energy
    name = key.mode if key.mode == "blues" else "minor" if key.dark else "major"
    return Span(
        section=block.name, start=edges[0], end=edges[1], metre=block.metre, energy=energy,
        force=round(33 + 50 * style.level + 42 * (energy - 0.5) * (0.5 + 0.5 * style.loose) + rng.uniform(-4, 4)),
        chords=sounding, key=key, scale=PENTATONIC[name] if piece.five_notes else MODES[key.mode], fill=piece.fill,
        rise=following.energy - energy if following else 0.0, club=style.form == "club", rng=rng, feel=block.feel,
        bounded=following is not None and following.cast in ("no drums", "alone", "stop"),
    )  # fmt: skip


def _play(piece: _Piece, who: set[int], span: Span, cast: str) -> None:
    """Everybody's notes for a span, swung."""
    swing = 0.5 if span.compound or span.metre == (7, 8) else piece.swing
    for number in sorted(who):
        player = piece.band[number]
        if cast == "stop":
            notes = chords.landing(player, replace(span, chords=span.chords[:1]), rings=False)
        elif cast == "drum solo" and player.role in ("drums", "percussion") and len(who) == 1:
            notes = drums.solo(player, span)
        elif cast == "pick-up":
            notes = PICKUPS[player.role](player, span) if player.role in PICKUPS else []
        elif player.role == "pad":
            notes = PAD_STYLES[player.style](player, span)
        elif player.role == "chords" and player.style in ARPEGGIOS:
            notes = chords.arpeggio(player, span)
        else:
            notes = PLAY[player.role](player, span)
        effect = player.role == "effect"
        piece.tracks[number] += notes if effect else performance.swung(notes, span.start, swing, piece.style.swing_unit)


def _moods(style: Genre, key: Key, tempo: float, rng: random.Random) -> tuple[str, ...]:
    pool = style.moods["dark" if key.dark else "bright"]
    fitting = [mood for mood in pool if MOOD_TEMPO.get(mood, (0, 999))[0] <= tempo <= MOOD_TEMPO.get(mood, (0, 999))[1]]
    return tuple(rng.sample(fitting or pool[:1], min(len(fitting) or 1, rng.choice((2, 2, 3)))))
