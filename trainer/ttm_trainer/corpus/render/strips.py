"""Channel strips: what each kind of instrument goes through before it meets the others.

Amplifier, then equaliser, then compressor, then what moves or widens the sound. How much of each is drawn once a part.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..compose.score import Part
from .casting import Casting
from .effects import amplifiers, modulation
from .effects.dynamics import compress, level, saturate
from .effects.filters import bell, filtered, high_shelf, low_cut
from .effects.rooms import convolve, response


class Strip(NamedTuple):
    """Usual settings for a kind of instrument; every one varies by what is drawn."""

    cut: float  # Hz, of the low cut
    bells: tuple[tuple[float, float], ...] = ()  # (Hz, dB)
    air: float = 0.0  # dB above 7 kHz
    ratio: float = 1.0  # of the compressor
    width: float = 0.0  # 0..1, how much side is added
    near: float = 0.3  # send to the near room


STRIPS = {
    "piano": Strip(40, ((300, -1.5), (3200, 1.0)), 0.5, 2.0, 0.25, 0.35),
    "electric piano": Strip(60, ((350, -1.5), (2200, 1.5)), 0.0, 2.5, 0.3, 0.2),
    "organ": Strip(60, ((400, -1.0),), 0.0, 1.5, 0.1, 0.3),
    "mallets": Strip(120, ((3500, 1.0),), 1.0, 1.5, 0.35, 0.5),
    "acoustic guitar": Strip(90, ((220, -2.0), (4000, 1.5)), 2.0, 3.0, 0.3, 0.3),
    "electric guitar": Strip(95, ((300, -1.5), (2500, 1.5)), -1.0, 2.0, 0.15, 0.3),
    "bass": Strip(30, ((250, -1.5), (800, 1.0)), -3.0, 1.0, 0.0, 0.05),
    "double bass": Strip(35, ((200, -1.0), (900, 1.5)), -1.0, 2.5, 0.05, 0.25),
    "solo": Strip(110, ((350, -1.0), (2800, 1.0)), 0.0, 2.0, 0.15, 0.45),
    "ensemble": Strip(60, ((400, -1.0),), -0.5, 1.3, 0.5, 0.5),
    "brass": Strip(80, ((500, -1.0), (2800, 1.0)), -1.0, 2.0, 0.25, 0.45),
    "plucked": Strip(80, ((3000, 1.0),), 1.0, 1.5, 0.25, 0.45),
    "lead": Strip(110, ((3000, 1.0),), 0.0, 1.5, 0.35, 0.15),
    "pad": Strip(90, ((350, -2.0),), -1.0, 1.2, 0.6, 0.2),
    "chip": Strip(60, (), -2.0, 1.0, 0.1, 0.1),
    "drums": Strip(28, ((350, -2.0), (4500, 1.0)), 0.5, 1.5, 0.1, 0.1),
    "percussion": Strip(110, (), 0.0, 1.5, 0.2, 0.5),
    "effect": Strip(40, (), 0.0, 1.0, 0.2, 0.1),
}
PROGRAMS = (  # first General MIDI program of a family, in order
    (0, "piano"), (4, "electric piano"), (6, "plucked"), (8, "mallets"), (15, "plucked"), (16, "organ"),
    (19, "ensemble"), (21, "solo"), (24, "acoustic guitar"), (26, "electric guitar"), (32, "double bass"),
    (33, "bass"), (40, "solo"), (43, "double bass"), (44, "ensemble"), (45, "plucked"), (47, "percussion"),
    (48, "ensemble"), (56, "brass"), (64, "solo"), (80, "lead"), (88, "pad"), (104, "plucked"), (109, "solo"),
    (112, "percussion"), (120, "effect"),
)  # fmt: skip
SYNTHS = {
    "fm_epiano": "electric piano",
    "fm_bell": "mallets",
    "handpan": "mallets",
    "singing_bowl": "mallets",
    "pluck": "plucked",
    "supersaw": "lead",
}


def family(part: Part) -> str:
    """The kind of instrument of a part, a name of STRIPS."""
    if "drums" in part.sound:
        return "drums" if part.role == "drums" else "percussion"
    if part.role in ("bass", "effect"):
        return "double bass" if part.sound in ("gm:32", "gm:43") else part.role
    kind, _, name = part.sound.partition(":")
    if kind == "gm":
        return [found for first, found in PROGRAMS if first <= int(name)][-1]
    named = {"pad": "pad", "drone": "pad", "chip": "chip", "bass": "bass"}
    return SYNTHS.get(name) or next((found for word, found in named.items() if word in name), "lead")


def strip(stem: np.ndarray, part: Part, casting: Casting, rate: int, rng: np.random.Generator) -> np.ndarray:
    """A dry stem (2, N) of a part as its channel sends it on; its level is as it comes."""
    if level(stem) < -120:
        return stem
    kind = family(part)
    settings = STRIPS[kind]
    if casting.amplifier:
        stem = _amplified(stem, casting, rate, rng)
    elif kind == "bass":
        stem = amplifiers.bass(stem, rate, rng) if "gm:" in part.sound else saturate(stem, rng.uniform(0, 0.6), 0.1)
    sections = [low_cut(settings.cut * rng.uniform(0.85, 1.2), rate)]
    sections += [bell(hz * rng.uniform(0.8, 1.25), db + rng.normal(0, 1.2), rate) for hz, db in settings.bells]
    sections.append(high_shelf(7000, settings.air + rng.normal(0, 1.2), rate))
    stem = filtered(stem, *sections)
    if kind == "drums":
        stem = _kit(stem, rate, rng)
    if settings.ratio > 1:
        stem = compress(stem, rate, -2.0, max(1.0, settings.ratio * rng.uniform(0.6, 1.2)), rng.uniform(0.008, 0.03))
    return _moved(stem, kind, part, settings.width, rate, rng)


def _amplified(stem: np.ndarray, casting: Casting, rate: int, rng: np.random.Generator) -> np.ndarray:
    """The guitar through its amplifier; of a doubled part each side through one of its own."""
    amplifier = amplifiers.draw_amplifier(str(casting.amplifier), rng)
    if casting.doubled:
        return np.stack([amplifiers.guitar(side, amplifier, rate, rng) for side in stem])
    return np.repeat(amplifiers.guitar(stem.mean(axis=0), amplifier, rate, rng)[None], 2, axis=0)


def _kit(stem: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    """Drums with a squashed copy beneath them, and what microphones in the room hear of them, squashed as well."""
    crushed = compress(stem, rate, -12, 8, 0.002, 0.08)
    crushed = saturate(crushed, 0.3) * np.float32(10 ** ((level(stem) - level(crushed)) / 20))
    heard = convolve(stem, response("room" if rng.random() < 0.75 else "dry", rate, rng))
    heard = compress(filtered(heard, low_cut(70, rate)), rate, -12, 6, 0.004, 0.1)
    heard *= np.float32(10 ** ((level(stem) - level(heard)) / 20))
    return stem + np.float32(rng.uniform(0.05, 0.35)) * crushed + np.float32(rng.uniform(0.08, 0.4)) * heard


def _moved(stem: np.ndarray, kind: str, part: Part, width: float, rate: int, rng: np.random.Generator) -> np.ndarray:
    """Chorus, tremolo or rotary speaker where the instrument often has one, and some width."""
    chance = rng.random()
    if kind == "organ":
        stem = modulation.rotary(stem, rate, rng, fast=bool(rng.random() < 0.5))
    elif kind == "electric piano" and chance < 0.5:
        stem = modulation.tremolo(stem, rate, rng.uniform(4, 6.5), rng.uniform(0.2, 0.6), stereo=True)
    elif (kind in ("electric piano", "lead", "pad") and chance < 0.8) or (part.sound == "gm:27" and chance < 0.35):
        stem = modulation.chorus(stem, rate, rng, rng.uniform(0.3, 1.0), rng.uniform(0.2, 0.6))
    elif part.sound == "gm:27" and chance < 0.45:
        stem = modulation.tremolo(stem, rate, rng.uniform(4, 7), rng.uniform(0.3, 0.7), stereo=False)
    if width and (amount := width * rng.uniform(0.4, 1.3)) > 0.05:
        stem = modulation.widen(stem, rate, rng, amount)
    return stem
