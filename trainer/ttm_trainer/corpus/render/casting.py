"""Who plays a part: soundfont, layers, double takes and amplifier. Drawn from the seed of the score."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..compose.score import Part, Score
from .drum_sounds import SAMPLED, SAMPLES
from .soundfonts import DRUM_BANK, SOUNDFONTS, Take, soundfonts

SUSTAINED = {*range(40, 45), *range(48, 55), *range(56, 80), 110}  # programs whose loudness breathes
SOLO = {40, 41, 42, 56, 57, 59, 60, *range(64, 76), 77, 78, 110}  # programs that play with vibrato
SECTIONS = {44, 48, 49, 50, 51, 52, 53, 61}  # many players: often two takes, one on each side
LAYERS = {
    0: (1, 2),
    1: (0, 2),
    48: (49, 50),
    49: (48, 50),
    50: (48, 51),
    52: (53,),
    61: (62, 57),
    89: (50, 91),
    16: (18,),
}
DRIVEN = {29: "overdriven", 30: "distorted"}
CLEAN = {26, 27, 28}


@dataclass(frozen=True)
class Casting:
    """The takes of a General MIDI part, of a drum part the one that names its kit; none for synth parts."""

    takes: tuple[Take, ...] = ()
    amplifier: str | None = None  # "clean", "overdriven" or "distorted": the takes go through it, each on its own
    doubled: bool = False  # two takes, left and right


def random_of(score: Score, purpose: str) -> np.random.Generator:
    """The random numbers of one purpose, the same for the same score."""
    return np.random.default_rng([score.seed, zlib.crc32(purpose.encode())])


def cast(score: Score) -> list[Casting]:
    """One casting a part. Raises DependencyError when a part needs a soundfont and there is none."""
    if not any(part.sound.startswith("gm:") for part in score.parts):
        return [Casting() for _ in score.parts]
    found = soundfonts()
    rng = random_of(score, "soundfont")
    main, other = (found[i] for i in rng.choice(len(found), 2, replace=len(found) < 2))
    castings = []
    for index, part in enumerate(score.parts):
        own = random_of(score, f"casting {index}")
        castings.append(_cast(part, *((main, other) if own.random() < 0.7 else (other, main)), own))
    return castings


def _cast(part: Part, font: Path, other: Path, rng: np.random.Generator) -> Casting:
    if not part.sound.startswith("gm:"):
        return Casting()
    kind, *kit = part.sound.split(":")[1:]
    if kind == "drums":
        return Casting((Take(font, DRUM_BANK, int(kit[0]) if kit else 0),))
    program = int(kind)
    amplifier = "clean" if program in CLEAN else None
    if program in DRIVEN and rng.random() < 0.7:  # a clean guitar through an amplifier, so that chords growl as one
        amplifier, program = DRIVEN[program], 27
    take = Take(
        font, 0, program,
        cents=float(rng.normal(0, 3)),
        curve=float(rng.uniform(0.8, 1.25)),
        swell=float(rng.uniform(0.2, 0.9)) if program in SUSTAINED else 0.0,
        vibrato=int(rng.integers(5, 45)) if program in SOLO else 0,
        seed=int(rng.integers(2**31)),
    )  # fmt: skip
    driven = amplifier in DRIVEN.values() or program in DRIVEN
    if driven and part.role in ("chords", "arpeggio") and rng.random() < 0.75:
        second = take._replace(cents=take.cents + float(rng.normal(0, 5)), seconds=0.007, seed=take.seed + 1)
        return Casting((take._replace(pan=-1.0), second._replace(pan=1.0)), amplifier, doubled=True)
    if program in SECTIONS and rng.random() < 0.6:
        second = take._replace(
            font=other, cents=take.cents + float(rng.normal(0, 6)), seconds=0.012, seed=take.seed + 1
        )
        wide = float(rng.uniform(0.4, 0.9))
        return Casting((take._replace(pan=-wide), second._replace(pan=wide)), amplifier)
    if rng.random() < 0.2 and amplifier is None:
        second = take._replace(
            font=other, program=int(rng.choice(LAYERS.get(program, (program,)))), cents=float(rng.normal(0, 5)),
            seconds=0.004, gain=float(rng.uniform(-9, -3)), seed=take.seed + 1,
        )  # fmt: skip
        return Casting((take, second), amplifier)
    return Casting((take,), amplifier)


def sources(score: Score) -> list[str]:
    """Recorded material a render of the score uses, with licences, for the credits."""
    used = {take.font.stem for casting in cast(score) for take in casting.takes}
    named = [f"soundfont {title} ({licence})" for stem, (title, licence) in SOUNDFONTS.items() if stem in used]
    if SAMPLES.is_dir() and any(part.sound in SAMPLED for part in score.parts):
        named.append("drum samples of Sonic Pi (CC0-1.0)")
    return named
