"""What a listener would notice: each fault is put into a clip, and only its measure tells it."""

from __future__ import annotations

import numpy as np
import pytest

from musicgen_app.analysis.artefacts import MEASURES, NAMES, click, hole, listen
from support.sounds import RATE, beat, cadence


@pytest.fixture(scope="module")
def music() -> np.ndarray:
    """Eight seconds of chords over a beat, with a little noise in all bands."""
    noise = 0.002 * np.random.default_rng(0).standard_normal(8 * RATE)
    return (0.5 * beat(120, 8.0) + cadence(2, "minor", 8.0) + noise).astype(np.float32)


@pytest.fixture(scope="module")
def sound(music):
    return listen(music, RATE)


def test_all_measures_are_finite_and_named(sound):
    assert set(sound.values) | {"hole"} == set(MEASURES) and all(np.isfinite(v) for v in sound.values.values())
    assert {(name, side) for name, (_, sides, _) in MEASURES.items() for side in
            {"both": ("below", "above"), "": ()}.get(sides, (sides,))} == set(NAMES)  # fmt: skip


def test_a_click_stands_out_and_drums_do_not(music, sound):
    broken = music.copy()
    broken[round(4.2 * RATE)] += 0.3
    assert sound.values["click"] < 20 < 24 < click(broken, RATE)


def test_a_whine_is_found_with_its_frequency(music, sound):
    whining = music + 0.01 * np.sin(2 * np.pi * 9_000 * np.arange(len(music)) / RATE).astype(np.float32)
    heard = listen(whining, RATE)
    assert heard.values["whine"] > sound.values["whine"] + 10 and heard.whine == pytest.approx(9_000, abs=20)


def test_a_dead_end_and_a_pause(music, sound):
    dead, gap = music.copy(), music.copy()
    dead[-round(1.2 * RATE) :] *= 1e-4
    gap[3 * RATE : 5 * RATE] = 0
    assert listen(dead, RATE).values["end"] < -60 < -20 < sound.values["end"]
    assert listen(gap, RATE).values["pause"] == pytest.approx(2.0, abs=0.05) and sound.values["pause"] < 0.1


def test_loudness_that_changes_has_a_range(music, sound):
    swelling = (music * np.linspace(0.02, 1, len(music))).astype(np.float32)
    assert listen(swelling, RATE).values["range"] > sound.values["range"] + 10


def test_a_hole_in_the_spectrum_and_what_is_cut_off(music, sound):
    spectrum, frequencies = np.fft.rfft(music), np.fft.rfftfreq(len(music), 1 / RATE)
    spectrum[(frequencies > 2_700) & (frequencies < 3_700)] = 0
    missing, where = hole(listen(np.fft.irfft(spectrum).astype(np.float32), RATE).bands, sound.bands)
    assert missing > 15 and 2_500 < where < 4_000
    assert hole(sound.bands, sound.bands)[0] == 0
    spectrum[frequencies > 8_000] = 0
    dull = listen(np.fft.irfft(spectrum).astype(np.float32), RATE).values
    assert dull["above 8 kHz"] < sound.values["above 8 kHz"] - 10
    assert dull["above 12 kHz"] < sound.values["above 12 kHz"] - 10


@pytest.mark.parametrize("seconds", [0.05, 0.5])
def test_short_and_silent_clips_have_values(seconds):
    for wave in (np.zeros(round(seconds * RATE), np.float32), beat(120, seconds)):
        assert all(np.isfinite(v) for v in listen(wave, RATE).values.values())
