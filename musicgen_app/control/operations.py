"""What can be done to a plan: another key, tempo or metre, other chords, more sections. All functions are pure.

Chords that come out are spelt by their key. Lengths of chords are in quarter notes.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ..errors import RequestError
from . import theory
from .plan import Chords, Plan, Section
from .theory import (
    MODES,
    QUALITIES,
    bar_length,
    key_name,
    key_of,
    parse_chord,
    spell,
    spell_note,
    tonic_and_mode,
)

KINDS = ("tritone", "relative")  # of substitutes
_RELATIVES = {"": (-3, "m"), "m": (3, ""), "maj7": (-3, "m7"), "m7": (3, "maj7"), "6": (-3, "m7"), "m6": (3, "maj7")}
_SHARE = 0.3  # of the chords that `vary` changes


def checked(plan: Plan, about: str = "the plan is not possible") -> Plan:
    """The same plan, if it is a possible one. Raises RequestError: what it is about, and why."""
    try:
        plan.check()
    except (TypeError, ValueError) as error:
        raise RequestError(f"{about}: {error}") from None
    return plan


def transpose(plan: Plan, semitones: int) -> Plan:
    """Everything so many semitones higher, or lower where that is negative."""
    if not semitones:
        return plan

    return _each(plan, lambda old: _key_moved(old, semitones), lambda symbol, old, new: _moved(symbol, semitones, new))


def in_key(plan: Plan, key: str) -> Plan:
    """In another key, such as "F minor": moved to its tonic, and what belongs to the scale put into the new mode.

    A plan without a key keeps its chords and gets the key. Keys of sections move along.
    """
    home = plan.key
    if home is None:
        return checked(replace(plan, key=key))
    step = tonic_and_mode(key)[0] - tonic_and_mode(home)[0]

    def chord(symbol: str, old: str | None, new: str | None) -> str:
        if old and new and tonic_and_mode(old)[1] != tonic_and_mode(new)[1]:
            return _in_mode(symbol, old, new)
        return _moved(symbol, step, new)

    return _each(plan, lambda old: key if old == home else _key_moved(old, step), chord)


def at_tempo(plan: Plan, tempo: float) -> Plan:
    """At another tempo in quarter notes a minute; sections with one of their own change in proportion."""
    ratio = tempo / plan.tempo if plan.tempo else None
    sections = (replace(s, tempo=s.tempo * ratio if s.tempo and ratio else None) for s in plan.sections)
    return checked(replace(plan, tempo=float(tempo), sections=tuple(sections)))


def in_metre(plan: Plan, metre: str) -> Plan:
    """In another metre: as many bars, a chord has the same share of its bar."""
    if metre == plan.metre and all(section.metre in (None, metre) for section in plan.sections):
        return plan

    def shared(chords: Chords, old: str) -> Chords:
        ratio = bar_length(metre) / bar_length(old)
        return tuple((symbol, length * ratio) for symbol, length in chords)

    sections = (replace(s, chords=shared(s.chords, s.metre or plan.metre), metre=None) for s in plan.sections)
    return checked(replace(plan, metre=metre, chords=shared(plan.chords, plan.metre), sections=tuple(sections)))


def with_chords(plan: Plan, chords_of: Callable[[float], Chords], section: str | None = None) -> Plan:
    """Other chords: for the song, or for all sections of one name.

    chords_of: quarter notes of a bar -> chords. For the song no section keeps chords or a key of its own. Raises
    RequestError: no such section, or chords that do not fit into it.
    """
    if section is None:
        sections = tuple(replace(s, chords=(), key=None) for s in plan.sections)
        return checked(replace(plan, chords=chords_of(bar_length(plan.metre)), sections=sections))

    def changed(old: Section) -> Section:
        new = chords_of(bar_length(old.metre or plan.metre))
        if sum(length for _, length in new) > old.bars * bar_length(old.metre or plan.metre) * (1 + 1e-9):
            raise RequestError(f"these chords do not fit into the {old.bars:g} bars of {section!a}")
        return replace(old, chords=new)

    named = _named(plan, section)
    return checked(replace(plan, sections=tuple(changed(s) if n in named else s for n, s in enumerate(plan.sections))))


def substitute(plan: Plan, kind: str, number: int | None = None) -> Plan:
    """Chords that can stand for those there are, one (its number from 1, in the order written) or all that can.

    "tritone": a dominant seventh chord half an octave away; "relative": the minor for the major chord, and back.
    Raises RequestError: no such kind, or no chord that it can be done to.
    """
    if kind not in KINDS:
        raise RequestError(f"{kind[:40]!a} is no substitute: choose {' or '.join(KINDS)}")
    count = done = 0

    def chord(symbol: str, old: str | None, new: str | None) -> str:
        nonlocal count, done
        count += 1
        if number not in (None, count) or (other := _substitute(symbol, kind, new)) is None:
            return symbol
        done += 1
        return other

    changed = _each(plan, lambda key: key, chord)
    if not done:
        if number is not None and number > count:
            raise RequestError(f"there is no chord {number}: the plan has {count}")
        what = f"chord {number} of {count} has no" if number is not None else "no chord has a"
        raise RequestError(f"{what} {kind} substitute here")
    return changed


def vary(plan: Plan, seed: int) -> Plan:
    """Another harmony of the same form: some chords give way to a relative, or to the fifth before the next one.

    The same seed gives the same plan. The first chord of every row stays, and so do tempo, metre, form and key.
    """
    draw = random.Random(seed)

    def row(chords: Chords, key: str | None) -> Chords:
        new: list[tuple[str, float]] = []
        for number, (symbol, length) in enumerate(chords):
            other = _substitute(symbol, "relative", key) if symbol else None
            if not number or draw.random() >= _SHARE:
                new.append((symbol, length))
            elif other and draw.random() < 0.6:
                new.append((other, length))
            elif symbol and number + 1 < len(chords) and chords[number + 1][0]:
                root = parse_chord(chords[number + 1][0]).root
                fifth = f"{spell_note((root + 7) % 12, key or 'C major')}7"
                new += [(symbol, length / 2), (fifth, length / 2)]
            else:
                new.append((symbol, length))
        return tuple(new)

    sections = tuple(replace(s, chords=row(s.chords, s.key or plan.key)) for s in plan.sections)
    return checked(replace(plan, chords=row(plan.chords, plan.key), sections=sections))


def extend(plan: Plan, section: Section, at: int | None = None) -> Plan:
    """With one more section, before number `at` (from 0), or at the end. A plan without any gets its first.

    Raises RequestError: no possible section, or too many.
    """
    sections = list(plan.sections)
    sections.insert(len(sections) if at is None else at, section)
    return checked(replace(plan, sections=tuple(sections)))


def repeat(plan: Plan, times: int, section: str | None = None) -> Plan:
    """The whole form so many times, or all sections of one name, each so many times in its place.

    Raises RequestError: no such section, or too many.
    """
    if times < 1 or times * len(plan.sections) > 10_000:
        raise RequestError("repeat it once or more, and not beyond what a plan can hold")
    if section is None:
        return checked(replace(plan, sections=plan.sections * times))
    named = _named(plan, section)
    sections = [s for n, s in enumerate(plan.sections) for _ in range(times if n in named else 1)]
    return checked(replace(plan, sections=tuple(sections)))


def spelt(plan: Plan) -> Plan:
    """The chords with the names that notes have in their key: Bb in F minor, never A#."""
    return _each(plan, lambda key: key, lambda symbol, old, new: spell(symbol, new))


def keyed(plan: Plan) -> Plan:
    """A plan without a key with that of its chords, where it has any."""
    symbols = [symbol for stretch in plan.stretches for symbol, _ in stretch.chords if symbol]
    return replace(plan, key=key_of(tuple(symbols))) if plan.key is None and symbols else plan


def usual_key(key: str) -> str:
    """A key by the usual one of its two names: "A# minor" is "Bb minor"."""
    return key_name(*tonic_and_mode(key))


def _named(plan: Plan, name: str) -> set[int]:
    found = {n for n, section in enumerate(plan.sections) if section.name.casefold() == name.strip().casefold()}
    if not found:
        there = ", ".join(dict.fromkeys(section.name for section in plan.sections)) or "none"
        raise RequestError(f"the plan has no section {name[:40]!a}: there are {there[:200]}")
    return found


def _each(plan: Plan, key: Callable[[Any], Any], chord: Callable[[str, str | None, str | None], str]) -> Plan:
    """A plan with every key and every chord changed; `chord` is given the symbol, the old key there and the new one."""

    def row(chords: Chords, old: str | None) -> Chords:
        new = key(old)
        return tuple((chord(symbol, old, new) if symbol else symbol, length) for symbol, length in chords)

    sections = tuple(replace(s, key=key(s.key), chords=row(s.chords, s.key or plan.key)) for s in plan.sections)
    return checked(replace(plan, key=key(plan.key), chords=row(plan.chords, plan.key), sections=sections))


def _key_moved(key: str | None, semitones: int) -> str | None:
    if key is None:
        return None
    tonic, mode = tonic_and_mode(key)
    return key_name(tonic + semitones, mode)


def _moved(symbol: str, semitones: int, key: str | None) -> str:
    """A chord so many semitones higher, spelt by the new key, or else by a major key on its root."""
    moved = theory.transpose(symbol, semitones)
    return spell(moved, key or key_name(parse_chord(moved).root, "major"))


def _in_mode(symbol: str, old: str, new: str) -> str:
    """A chord of one key in another of another mode: on the same degree, of the notes that the new scale has there."""
    root, quality, bass = parse_chord(symbol)
    (home, mode), (tonic, other) = tonic_and_mode(old), tonic_and_mode(new)
    before = [(home + step) % 12 for step in MODES[mode]]
    after = [(tonic + step) % 12 for step in MODES[other]]
    step = after[0] - before[0]
    if root not in before or not {(root + tone) % 12 for tone in QUALITIES[quality]} <= set(before):
        return _moved(symbol, step, new)
    there = after[before.index(root)]
    size = len(QUALITIES[quality])
    fitting = [q for q, tones in QUALITIES.items() if len(tones) == size and q not in ("sus2", "sus4", "6", "m6")]
    inside = [q for q in fitting if {(there + tone) % 12 for tone in QUALITIES[q]} <= set(after)]
    if quality in inside or not inside:
        inside = [quality]
    low = after[before.index(bass)] if bass in before else (bass + step) % 12
    return spell_note(there, new) + inside[0] + (f"/{spell_note(low, new)}" if bass != root else "")


def _substitute(symbol: str, kind: str, key: str | None) -> str | None:
    root, quality, bass = parse_chord(symbol) if symbol else (0, "?", 0)
    home = key or "C major"
    if kind == "tritone":
        dominant = quality in ("7", "9", "13", "7b9", "7#9", "7b5", "aug7")
        return spell_note((root + 6) % 12, _flat(home)) + "7" if dominant else None
    if quality not in _RELATIVES or bass != root:
        return None
    step, other = _RELATIVES[quality]
    return spell_note((root + step) % 12, home) + other


def _flat(key: str) -> str:
    """A key in which what lies between its notes is spelt with flats."""
    return key if "b" in key else "F major"
