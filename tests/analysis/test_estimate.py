"""Beats, bars, chords and key of a recording, as a plan; what is not clear is left open."""

from __future__ import annotations

import numpy as np
import pytest

from musicgen_app.analysis.beats import find_beats
from musicgen_app.analysis.chords import find_chords
from musicgen_app.analysis.estimate import RATE as HEARD
from musicgen_app.analysis.estimate import estimate_plan
from musicgen_app.control.grid import frame_grid
from musicgen_app.control.plan import Plan
from support.sounds import RATE, SONG, played, tones


@pytest.mark.parametrize("bpm, metre, late", [(96.0, 4, 0.3), (123.4, 4, 1.1), (110.0, 3, 0.7)])
def test_a_played_song_is_heard_as_its_plan(bpm, metre, late):
    wave = played(bpm, metre, late=late)
    heard = estimate_plan(np.stack([wave, wave]), RATE)
    heard.plan.check()
    assert heard.plan.tempo == pytest.approx(bpm, rel=0.003) and heard.plan.metre == f"{metre}/4"
    bar = (heard.plan.start + late * heard.plan.tempo / 60) % metre
    assert min(bar, metre - bar) < 0.12
    chords = tuple((name, float(metre)) for name, _ in SONG)
    true = Plan(bpm, f"{metre}/4", -late * bpm / 60 % (4 * metre), chords=chords)
    frames = slice(round(10 * late) + 5, 190)
    same = (frame_grid(true, 200, 10.0)[frames, 10:22] == frame_grid(heard.plan, 200, 10.0)[frames, 10:22]).all(axis=1)
    assert same.mean() > 0.85 and heard.chords > 0.8
    assert heard.plan.key in ("A minor", "C major", "F major", "G major")


def test_what_has_no_beat_has_no_tempo():
    noise = 0.1 * np.random.default_rng(1).standard_normal((1, 10 * RATE)).astype(np.float32)
    held = tones((57, 60, 64), 10.0)[None].astype(np.float32)
    for wave in (noise, held, np.zeros((1, 10 * RATE), np.float32), held[:, : RATE // 5]):
        plan = estimate_plan(wave, RATE).plan
        assert plan.tempo is None and plan.chords == ()
    assert estimate_plan(noise, RATE).plan.key is None


def test_beats_and_chords_of_very_short_sounds():
    short = np.zeros(HEARD // 10, np.float32)
    assert find_beats(short, HEARD).certainty == 0
    assert find_chords(short, HEARD, np.zeros(0), np.zeros(0, bool)) == []
    assert len(find_chords(short, HEARD, np.zeros(1), np.ones(1, bool))) == 1
