"""Exact numbers of a sound: its beat, its harmony, its width."""

from __future__ import annotations

import numpy as np

from musicgen_app.analysis.numbers import NUMBERS, TEMPI, heard_numbers
from support.sounds import RATE, beat, cadence


def test_tempo_mode_and_width_can_be_read_from_them():
    wave = beat(120.0) + np.tile(cadence(2, "minor", 5.0), 2)[: 10 * RATE]
    mono, narrow = heard_numbers(wave[None], RATE), heard_numbers(np.stack([wave, wave]), RATE)
    np.testing.assert_allclose(mono, narrow, atol=1e-5)
    assert mono.shape == (NUMBERS,) and mono.dtype == np.float32
    fits = {bpm: np.interp(bpm, TEMPI, mono[:60]) for bpm in (104, 120, 138)}
    assert fits[120] > 2 * max(fits[104], fits[138])
    classes, turned, (major, minor) = mono[64:76], mono[76:88], mono[88:90]
    assert np.allclose(np.roll(classes, -2), turned) and minor > major  # D is the tonic
    other = np.random.default_rng(0).standard_normal(len(wave)).astype(np.float32)
    wide = heard_numbers(np.stack([wave, 0.3 * other]), RATE)
    assert (wide[90:98] > narrow[90:98]).all() and wide[98] < narrow[98] == 1


def test_silence_has_numbers_too():
    assert np.isfinite(heard_numbers(np.zeros((2, RATE), np.float32), RATE)).all()
