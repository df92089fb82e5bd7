"""The band of a piece: players drawn from the layers of its genre, and which of them play in a block."""

from __future__ import annotations

import random
from functools import lru_cache

from ..render.patches import GAINS
from .form import Block
from .genres import STYLES, Genre
from .instruments import DRUM_KITS, EFFECTS, INSTRUMENTS
from .players.player import Player

CENTERS = {"melody": 73, "chords": 60, "arpeggio": 64, "pad": 60, "bass": 40}
GUEST = 0.12  # chance that somebody plays an instrument that the genre does not know
SMALL = 0.14  # chance of a sparse arrangement
BEAT = ("drums", "percussion")
PITCHED = ("chords", "arpeggio", "pad", "melody")


def form_band(style: Genre, rng: random.Random) -> list[Player]:
    """Layers drawn by chance, with one instrument each and no instrument twice; never without a pitched player."""
    while True:
        band = _drawn(style, rng)
        if style.percussive and band or any(p.role in PITCHED and not p.harmony for p in band):
            break
    if rng.random() < SMALL:
        band = _small(band, 1.0 if style.form == "club" else 0.45, rng)
    return band


@lru_cache(maxsize=16)
def everybody(role: str) -> tuple[str, ...]:
    """The instruments that play a role in any genre."""
    layers = [line.split("|") for style in STYLES.values() for line in style.layers.splitlines()]
    return tuple(
        sorted({name for layer in layers if layer[0].strip() == role for name in layer[2].strip().split(", ")})
    )


def _drawn(style: Genre, rng: random.Random) -> list[Player]:
    band: list[Player] = []
    used: dict[str, str] = {}
    seats: dict[str, tuple[str, str]] = {}
    lines = style.layers.splitlines()
    guest = rng.randrange(len(lines)) if rng.random() < GUEST else -1
    for index, text in enumerate(lines):
        role, styles, instruments, tail = (field.strip() for field in text.split("|"))
        options = dict(item.split("=") for item in tail.split())
        present = rng.random() < float(options.get("p", 1))
        play = rng.choice(styles.split(", "))
        names = list(everybody(role)) if index == guest and role in PITCHED else instruments.split(", ")
        slot = options.get("slot", f"layer {index}")
        if not present:
            continue
        if slot not in seats:
            repeats = names if role == "chords" or "harm" in options else []
            free = [name for name in names if name not in used or used[name] == slot] or repeats
            if not free:
                continue
            seats[slot] = _seat(rng.choice(free), rng)
        name, sound = seats[slot]
        used[name] = slot
        band.append(_player(role, play, name, sound, slot, options, rng))
    return band


def _seat(name: str, rng: random.Random) -> tuple[str, str]:
    """An instrument and the sound that plays it."""
    return name, rng.choice(DRUM_KITS.get(name) or INSTRUMENTS.get(name, ((EFFECTS.get(name, ""),),))[0])


def _player(
    role: str, play: str, name: str, sound: str, slot: str, options: dict[str, str], rng: random.Random
) -> Player:
    low, high = INSTRUMENTS[name][1:] if name in INSTRUMENTS else (0, 127)
    center = int(options.get("c", CENTERS.get(role, 60)))
    at = float(options.get("at", 0))
    return Player(
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
    )


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


def playing(band: list[Player], block: Block, rng: random.Random) -> set[int]:
    """The numbers of those who play in a block: by its energy and its cast, mostly with a pitched part among them."""
    beat = [i for i, p in enumerate(band) if p.role in BEAT]
    pitched = [i for i, p in enumerate(band) if p.role in PITCHED and not p.harmony]
    if block.cast in ("drums alone", "drum solo") and beat:
        kit = [i for i in beat if band[i].role == "drums"] or beat
        return set(beat) if block.cast == "drums alone" else {kit[0]}
    if not pitched:
        return set(beat) & {i for i, p in enumerate(band) if p.at <= block.energy} or set(beat[:1])
    leads = [i for i in pitched if band[i].role == "melody"]
    if block.cast == "alone":
        return {rng.choice(pitched)}
    if block.cast == "pick-up":
        return {rng.choice(leads or pitched)} if band[(leads or pitched)[0]].role == "melody" else set(beat[:1])
    chosen = {i for i, p in enumerate(band) if p.at <= block.energy <= p.top}
    if block.cast == "no drums" or block.cast == "drums alone":
        chosen -= set(beat)
    elif block.cast in ("drums", "drum solo"):
        kit = [i for i in beat if band[i].role == "drums"] or beat
        chosen |= set(kit[:1])
    elif block.cast == "solo" and leads:
        lead = rng.choice(leads)
        chosen = {i for i in chosen if band[i].role != "melody"} | {lead}
    elif block.name == "bridge":
        optional = [i for i in sorted(chosen) if band[i].role in ("bass", *BEAT, "chords")]
        if optional and rng.random() < 0.5:
            chosen.discard(rng.choice(optional))
    return _with_backing(chosen, band, pitched, rng)


def _with_backing(chosen: set[int], band: list[Player], pitched: list[int], rng: random.Random) -> set[int]:
    """No second voice without a first, and somebody who plays the chords."""
    if not any(band[i].role == "melody" and not band[i].harmony for i in chosen):
        chosen = {i for i in chosen if not band[i].harmony}
    backing = [i for i in pitched if band[i].role != "melody"] or pitched
    if not chosen & set(backing) and (len(chosen) < 3 or rng.random() < 0.7):
        chosen.add(rng.choice(backing))
    return chosen
