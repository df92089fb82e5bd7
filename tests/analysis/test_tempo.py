"""Tempo, its octaves, steadiness and strength of beats of known tempo."""

from __future__ import annotations

import numpy as np
import pytest

from musicgen_app.analysis import tempo
from support.sounds import RATE, beat, tones


@pytest.mark.parametrize("bpm", [76, 90, 104, 118, 132, 147, 165])
def test_tempo_of_a_beat(bpm):
    assert tempo.same(tempo.tempo(beat(bpm), RATE), bpm)


def test_half_as_fast_is_an_octave_error():
    heard = tempo.tempo(beat(58), RATE)
    assert tempo.same_octave(heard, 58) and (tempo.same(heard, 58) or tempo.same(heard, 116))


def test_tempo_does_not_depend_on_level_or_sample_rate():
    wave = beat(97)
    assert tempo.tempo(0.01 * wave, RATE) == pytest.approx(97, rel=0.01)
    assert tempo.tempo(wave[::2], RATE // 2) == pytest.approx(97, rel=0.02)


def test_tempo_under_held_chords():
    assert tempo.same(tempo.tempo(0.3 * beat(84) + tones((48, 60, 64, 67), 10.0), RATE), 84)


def test_octaves_are_counted_apart():
    assert tempo.same(124, 120) and not tempo.same(126, 120) and not tempo.same(60, 120)
    assert all(tempo.same_octave(heard, 120) for heard in (120, 60, 240, 61, 40))
    assert not tempo.same_octave(80, 120)


def test_a_steady_beat_is_told_from_a_wandering_one():
    steady = beat(120)
    wandering = np.concatenate([beat(bpm, 2.0, seed=bpm) for bpm in (112, 118, 124, 130, 136)])
    noise = np.random.default_rng(0).standard_normal(10 * RATE).astype(np.float32)
    clear, wander = tempo.steadiness(steady, RATE)
    assert wander < 0.5 < 2 < tempo.steadiness(wandering, RATE)[1]
    assert clear > 2 * tempo.steadiness(wandering, RATE)[0] and clear > 2 * tempo.steadiness(noise, RATE)[0]
    assert tempo.steadiness(beat(120, 3.0), RATE)[1] == 0.0


def test_silence_has_some_tempo_and_no_beat():
    silence = np.zeros(4 * RATE, np.float32)
    assert tempo.BPM[0] <= tempo.tempo(silence, RATE) <= tempo.BPM[1]
    assert tempo.steadiness(silence, RATE) == (0.0, 0.0)


def test_drums_are_told_from_held_tones_by_their_onsets():
    soft = tones((57, 60, 64), 4.0)
    assert tempo.beatiness(soft + 0.5 * beat(120, 4.0), RATE) > 2 * tempo.beatiness(soft, RATE)
