"""Whether a clip follows its plan, on sounds that do and on sounds that do not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from musicgen_app.control.plan import Plan, Section
from musicgen_app.control.theory import parse_chord
from support.sounds import RATE, beat, tones
from ttm_trainer.evaluation.clips.obedience import (
    chord_stretches,
    chords_heard,
    key_heard,
    same_performance,
    section_levels,
    tempo_error,
)

SONG = Plan(
    120.0, "4/4", key="A minor", chords=(("Am", 4.0), ("F", 2.0), ("C/E", 2.0)), sections=(
        Section(4, "verse", drums=False, energy=0.3),
        Section(2, "chorus", (("Dm", 4.0), ("E7", 4.0)), True, 0.9),
    ),
)  # fmt: skip


def played(plan: Plan, seconds: float) -> np.ndarray:
    wave = np.zeros(round(seconds * RATE), np.float32)
    for symbol, start, end in chord_stretches(plan, seconds):
        chord = parse_chord(symbol)
        note = tones([36 + (chord.bass - 36) % 12, *(60 + (pitch - 60) % 12 for pitch in chord.pitches)], end - start)
        place = wave[round(start * RATE) :][: len(note)]
        place += note[: len(place)]
    return wave


def test_every_bar_of_every_chord_is_named_with_its_time():
    found = list(chord_stretches(SONG, 14.0))
    assert [symbol for symbol, _, _ in found] == ["Am", "F", "C/E"] * 2 + ["Dm", "E7", "Am"]
    np.testing.assert_allclose([start for _, start, _ in found], [0, 2, 3, 4, 6, 7, 8, 10, 12], atol=0.01)
    held = list(chord_stretches(Plan(120.0, chords=(("G", 16.0),)), 5.0))
    assert [symbol for symbol, _, _ in held] == ["G"] * 3  # once a bar
    assert list(chord_stretches(replace(SONG, ends=True), 20.0))[-1][2] == pytest.approx(12, abs=0.01)
    assert not list(chord_stretches(Plan(120.0), 5.0))


def test_chords_that_are_played_are_heard_and_others_are_not():
    wave = played(SONG, 12.0)
    right = chords_heard(wave, RATE, SONG)
    assert len(right) == 8 and all(chord.kept for chord in right)
    assert [chord.bass for chord in right] == [None, None, True, None, None, True, None, None]
    wrong = chords_heard(played(replace(SONG, start=4.0), 12.0), RATE, SONG)
    assert sum(chord.kept for chord in wrong) <= 2
    swapped = replace(SONG, chords=(("Am", 4.0), ("F", 2.0), ("C", 2.0)))
    assert [chord.bass for chord in chords_heard(played(swapped, 4.0), RATE, SONG)] == [None, None, False]
    assert chords_heard(wave, RATE, Plan(120.0)) == []


def test_tempo_and_key():
    assert tempo_error(beat(97), RATE, 97) < 0.2 and 1 < tempo_error(beat(97), RATE, 100) < 5
    wave = played(SONG, 12.0)
    assert key_heard(wave, RATE, "A minor") == (True, True)
    assert key_heard(wave, RATE, "C major")[1] and not key_heard(wave, RATE, "F# minor")[1]


def test_drums_and_energy_of_sections():
    wave = 0.2 * played(SONG, 12.0)
    wave[8 * RATE :] += beat(120, 4.0)
    verse, chorus = section_levels(wave, RATE, SONG)
    assert (verse["drums"], chorus["drums"]) == (False, True) and (verse["energy"], chorus["energy"]) == (0.3, 0.9)
    assert chorus["struck"] > 3 * verse["struck"] and chorus["loud"] > verse["loud"] + 3


def test_the_same_performance_strikes_at_the_same_moments():
    one, other = beat(104, 8.0), beat(104, 8.0, seed=3) + 0.1 * played(SONG, 8.0)
    assert same_performance(one, other, RATE) > 0.8 > 0.4 > same_performance(one, beat(117, 8.0), RATE)
    assert same_performance(one, np.zeros_like(one), RATE) == 0
