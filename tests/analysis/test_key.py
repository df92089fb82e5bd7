"""Keys, pitch classes, movement and notes of chords that are known."""

from __future__ import annotations

import numpy as np
import pytest

from musicgen_app.analysis import key as key_analysis
from musicgen_app.control.plan import Plan
from support.sounds import RATE, cadence, tones

KEYS = [(tonic, mode) for tonic in range(12) for mode in ("major", "minor")]


@pytest.mark.parametrize("key", KEYS, ids=[f"{tonic} {mode}" for tonic, mode in KEYS])
def test_key_of_a_cadence(key):
    assert key_analysis.key(cadence(*key, seconds=4.0), RATE) == key


def test_key_at_another_sample_rate_and_level():
    assert key_analysis.key(0.01 * cadence(3, "minor")[::2], RATE // 2) == (3, "minor")


@pytest.mark.parametrize(
    ("text", "key"),
    [("C major", (0, "major")), ("Bb dorian", (10, "minor")), ("F# lydian", (6, "major")), ("Cb minor", (11, "minor"))],
)
def test_keys_are_read(text, key):
    assert key_analysis.parse_key(text) == key


@pytest.mark.parametrize("text", ["", "X major", "C", "C loud", "jazz in blue"])
def test_what_is_no_key_is_refused(text):
    with pytest.raises(ValueError, match="no key"):
        key_analysis.parse_key(text)


def test_relative_keys_have_the_same_notes():
    assert key_analysis.relative((0, "major")) == (9, "minor") and key_analysis.relative((9, "minor")) == (0, "major")
    assert all(key_analysis.relative(key_analysis.relative(key)) == key for key in KEYS)


def test_chroma_of_a_chord():
    assert set(np.argsort(key_analysis.chroma(tones((60, 64, 67), 2.0), RATE))[-3:]) == {0, 4, 7}
    assert key_analysis.chroma(np.zeros(RATE, np.float32), RATE).sum() == 0


def test_harmony_moves_with_the_chords():
    held = tones((48, 60, 64, 67), 8.0)
    moving = cadence(0, "major", 8.0)
    assert key_analysis.movement(held, RATE) < 0.02 < 0.1 < key_analysis.movement(moving, RATE)
    assert key_analysis.movement(held[: RATE // 2], RATE) == 0.0


def test_notes_are_the_semitones_that_sound():
    heard = key_analysis.notes(np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE).astype(np.float32), RATE)
    assert (heard.sum(axis=1) == 1).all() and heard[:, 69 - key_analysis.LOWEST].all()
    two = key_analysis.notes(tones((57, 69), 1.0), RATE)[4:-4]
    assert two[:, 57 - key_analysis.LOWEST].all() and two[:, 69 - key_analysis.LOWEST].all()
    assert not key_analysis.notes(np.zeros(RATE, np.float32), RATE).any()


def test_chords_kept():
    """A cadence of four chords, two seconds each: kept as it is, not as others, and only whole chords count."""
    wave = cadence(0, "major", 8.0)
    plan = Plan(120.0, chords=(("C", 4.0), ("F", 4.0), ("G", 4.0), ("C", 4.0)))
    assert key_analysis.chords_kept(wave, RATE, plan) == [True] * 4
    assert key_analysis.chords_kept(wave[: 5 * RATE], RATE, plan) == [True] * 2
    late = Plan(120.0, chords=(("G", 4.0), ("C", 4.0), ("F", 4.0), ("G", 4.0)))
    assert key_analysis.chords_kept(wave, RATE, late) == [False] * 4
