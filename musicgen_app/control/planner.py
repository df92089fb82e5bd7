"""Prompt, its vector and a seed -> the `Plan` of a clip: what the prompt states, and the rest from a similar piece.

A model that follows plans comes with those of pieces it was trained on, each with the vector of its captions
(`plans.safetensors`). A prompt that names no tempo, metre, key or chords borrows them from one of the nearest pieces of
its genre; seeds that follow one another borrow from different ones. The plan has drums if most of these pieces have.
"Slow" and "fast" mean the slowest and the fastest of the pieces that are like it: what is slow for a waltz is not for a
ballad.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ..errors import ModelError
from ..models.bundle import Bundle
from .chord_reader import read_chords
from .genre_classifier import Genres
from .grid import WIDTHS
from .operations import at_tempo, in_key, in_metre, transpose, with_chords
from .plan import Chords, Plan, Section
from .prompt_parser import PromptFacts
from .reading.form import Part
from .theory import DARK_MODES, MODES, bar_length, key_name, key_of, tonic_and_mode

FILE = "plans.safetensors"
NEAREST = 5  # pieces to draw from
ALIKE = 40  # pieces among which a pace is slow or fast
EXTREME = 8  # of these, the slowest or the fastest
RINGS = 2.0  # seconds that a last chord rings on
_EPSILON = 1e-6  # quarter notes


@dataclass(frozen=True)
class Pieces:
    """Plans to borrow from, P of them, and the vector of each (P, G) float32, of length 1."""

    vectors: np.ndarray
    plans: tuple[Plan, ...]
    genres: tuple[str, ...] = ()  # of each piece, where it is known

    def told_apart(self, genres: Genres | None) -> Pieces:
        """The same with the genre that each piece's vector means most."""
        if genres is None or not self.plans:
            return self
        likeliest = genres.probabilities(self.vectors).argmax(axis=1)
        return replace(self, genres=tuple(genres.names[i] for i in likeliest))

    def tensors(self) -> dict[str, Tensor]:
        """As FILE keeps them: vectors float16, the plans as UTF-8 JSON."""
        text = json.dumps([plan.to_dict() for plan in self.plans], separators=(",", ":")).encode()
        return {
            "vectors": torch.from_numpy(self.vectors.astype(np.float16)),
            "plans": torch.from_numpy(np.frombuffer(text, dtype=np.uint8).copy()),
        }

    def near(self, vector: np.ndarray, facts: PromptFacts, genre: str = "") -> list[Plan]:
        """The plans of the pieces nearest to a vector, of its genre, of the stated metre, drums and mode where there
        are any.

        With a stated pace: of the pieces that are near, the slowest (or fastest). Of a vector longer than G only the
        first G numbers count.
        """
        vector = vector[: self.vectors.shape[1]]
        similar = self.vectors @ (vector / max(float(np.linalg.norm(vector)), 1e-9))
        fitting = np.array([_fits(plan, facts) for plan in self.plans])
        same = np.array(self.genres) == genre if genre and self.genres else np.ones(len(self.plans), dtype=bool)
        fitting = next((some for some in (fitting & same, same, fitting) if some.any()), ~fitting)
        similar[~fitting] = -np.inf
        near = np.argsort(-similar, kind="stable")[: fitting.sum() or None]
        if facts.pace and facts.tempo is None:
            speed = np.array([self.plans[i].tempo or 0.0 for i in near[:ALIKE]])
            order = np.argsort(speed if facts.pace == "slow" else -speed, kind="stable")
            near = near[np.sort(order[:EXTREME])]
        return [self.plans[i] for i in near[:NEAREST]]


def load_pieces(bundle: Bundle) -> Pieces | None:
    """The pieces that come with a model that follows plans; None where it has none. Raises ModelError."""
    if FILE not in bundle.config["files"]:
        return None
    given = bundle.load(FILE)
    try:
        plans = tuple(Plan.from_dict(row) for row in json.loads(given["plans"].numpy().tobytes()))
        for plan in plans:
            plan.check()
        vectors = given["vectors"].float().numpy()
        if len(vectors) != len(plans) or not np.isfinite(vectors).all():
            raise ValueError(f"{len(vectors)} vectors of {len(plans)} plans")
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise ModelError(f"{bundle.path}: its {FILE} cannot be used ({error}); install the model again") from error
    return Pieces(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9), plans)


def check_layout(bundle: Bundle) -> None:
    """Refuse a model that was trained with a grid that is not known here. Raises ModelError."""
    if bundle.follows_plans and bundle.grid_layout not in WIDTHS:
        has = f"this ttm-app has {' and '.join(map(str, WIDTHS))}"
        raise ModelError(f"{bundle.path}: grid layout {bundle.grid_layout!r}, but {has}; update ttm-app")


def plans_for(
    facts: PromptFacts,
    vector: np.ndarray | None,
    seeds: Sequence[int],
    pieces: Pieces | None,
    genre: str = "",
) -> list[Plan]:
    """The plan of the clip of every seed. facts: what is stated; vector: the prompt's, of the model's text encoder.

    genre: the one to keep to, where one is known. Without pieces the plans hold only what is stated.
    """
    if pieces is None or vector is None:
        return [_with_facts(Plan(), facts)] * len(seeds)
    if facts.tonic is not None and facts.minor is None and not (facts.chords or facts.degrees):
        facts = replace(facts, minor=False)  # "in G" is not in G minor
    near = pieces.near(vector, facts, genre)
    drums = [piece.drums for piece in near]
    usual = max(drums, key=drums.count)
    plans = []
    for seed in seeds:
        block, place = divmod(seed, len(near))
        borrowed = near[np.random.default_rng((block, 1)).permutation(len(near))[place]]
        plans.append(_with_facts(replace(borrowed, start=0.0, drums=usual), facts))  # its own clip may be a pause
    return plans


def _with_facts(plan: Plan, facts: PromptFacts) -> Plan:
    """The plan with what a prompt states in the place of what was borrowed."""
    if facts.quarters is not None:
        plan = at_tempo(plan, facts.quarters)
    if facts.metre is not None:
        plan = in_metre(plan, facts.metre)
    if facts.drums is not None:
        plan = _with_drums(plan, facts.drums)
    if facts.swing is not None:
        plan = replace(plan, swing=facts.swing)
    if facts.chords:
        plan = with_chords(plan, lambda bar: tuple((symbol, bar) for symbol in facts.chords))
        plan = replace(plan, key=key_of(tuple(filter(None, facts.chords))) if facts.tonic is None else None)
    if facts.tonic is not None:
        plan = _on_tonic(plan, facts.tonic, facts.minor)
    mode = (facts.key or "").partition(" ")[2]
    if mode in MODES and plan.key and facts.tonic is not None:
        plan = replace(plan, key=f"{plan.key.partition(' ')[0]} {mode}")
    if facts.degrees:
        home = plan.key or f"C {'minor' if facts.minor else 'major'}"
        read = read_chords(" ".join(facts.degrees), home)
        symbols = [chord.symbol for chord in read if chord.symbol is not None]
        plan = replace(with_chords(plan, lambda bar: tuple((symbol, bar) for symbol in symbols)), key=home)
    return plan


def shaped(plan: Plan, facts: PromptFacts, seconds: float, ends: bool = False) -> Plan | None:
    """The plan of a clip of so many seconds with the parts that a prompt tells of, each of some bars.

    ends: whether its last chord is to ring before the clip is over. None where the clip has too few bars for that, or
    no tempo, or where nothing is told.
    """
    parts = facts.form or ((Part("", None, None),) if ends else ())
    if not parts or plan.tempo is None or plan.sections:
        return None
    bar = bar_length(plan.metre)
    count = (seconds - RINGS * ends) * plan.tempo / 60 / bar
    bars = math.floor(count) if ends else math.ceil(count)
    if bars < len(parts):
        return None
    loudest = sorted(range(len(parts)), key=lambda number: -(parts[number].energy or 0))
    spare = bars % len(parts)
    sections, place = [], 0.0
    for number, part in enumerate(parts):
        length = bars // len(parts) + (loudest.index(number) < spare)
        drums = None if plan.drums is False and facts.drums is False else part.drums
        chords = _stretch(plan.chords, place, length * bar)
        sections.append(Section(length, part.name, chords, drums, part.energy))
        place += length * bar
    return replace(plan, sections=tuple(sections), ends=ends)


def _stretch(chords: Chords, start: float, quarters: float) -> Chords:
    """Of chords that are played over and over those of a stretch."""
    found: list[tuple[str, float]] = []
    total = sum(length for _, length in chords)
    place, left = (start % total if total else 0.0), quarters
    while chords and left > _EPSILON:
        for symbol, length in chords:
            if place >= length - _EPSILON:
                place = max(place - length, 0.0)
            elif left > _EPSILON:
                found.append((symbol, min(length - place, left)))
                left, place = left - found[-1][1], 0.0
    return tuple(found)


def _with_drums(plan: Plan, drums: bool) -> Plan:
    """The plan with drums, at least in those sections that had some, or with none at all."""
    if drums and any(section.drums for section in plan.sections):
        return replace(plan, drums=True)
    return replace(plan, drums=drums, sections=tuple(replace(section, drums=None) for section in plan.sections))


def _on_tonic(plan: Plan, tonic: int, minor: bool | None) -> Plan:
    """A plan moved to another tonic (pitch class), its chords with it, and to major or minor where that is told.

    One without a key gets it, its chords stay.
    """
    key = key_name(tonic, "minor" if minor else "major")
    if plan.key is None:
        return replace(plan, key=key)
    home, mode = tonic_and_mode(plan.key)
    if minor is not None and minor != (mode in DARK_MODES):
        return in_key(plan, key)
    return transpose(plan, (tonic - home) % 12)


def _fits(plan: Plan, facts: PromptFacts) -> bool:
    if facts.metre not in (None, plan.metre) or None not in (facts.drums, plan.drums) and facts.drums != plan.drums:
        return False
    return facts.minor is None or plan.key is None or (tonic_and_mode(plan.key)[1] in DARK_MODES) == facts.minor
