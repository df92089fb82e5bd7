"""Every effect of the renderer does what its name says."""

from __future__ import annotations

import numpy as np
import pytest

from ttm_trainer.corpus.render.effects import amplifiers, dynamics, filters, modulation, rooms

RATE = 48000


def random() -> np.random.Generator:
    return np.random.default_rng(3)


def tone(hz: float, seconds: float = 1.0) -> np.ndarray:
    return np.repeat(np.sin(2 * np.pi * hz * np.arange(int(seconds * RATE)) / RATE, dtype=np.float32)[None], 2, axis=0)


def gain(before: np.ndarray, after: np.ndarray) -> float:
    """dB by which the second half of a sound has changed."""
    half = before.shape[-1] // 2
    return float(20 * np.log10(np.std(after[..., half:]) / np.std(before[..., half:])))


def band(signal: np.ndarray, low: float, high: float) -> float:
    """Power of (n,) between two frequencies, in dB."""
    power = np.abs(np.fft.rfft(signal)) ** 2
    hz = np.fft.rfftfreq(len(signal), 1 / RATE)
    return float(10 * np.log10(power[(hz >= low) & (hz < high)].mean()))


@pytest.mark.parametrize(
    ("section", "hz", "decibels"),
    [
        (filters.low_cut(200, RATE), 50, -24), (filters.low_cut(200, RATE), 2000, 0),
        (filters.high_cut(2000, RATE), 8000, -25.7), (filters.high_cut(2000, RATE), 200, 0),
        (filters.bell(1000, 6, RATE), 1000, 6), (filters.bell(1000, -6, RATE), 60, 0),
        (filters.low_shelf(300, 6, RATE), 40, 6), (filters.low_shelf(300, 6, RATE), 5000, 0),
        (filters.high_shelf(3000, -6, RATE), 12000, -6), (filters.high_shelf(3000, -6, RATE), 200, 0),
    ],
)  # fmt: skip
def test_filter_changes_the_band_it_names_and_no_other(section: list[float], hz: float, decibels: float) -> None:
    sound = tone(hz)
    assert gain(sound, filters.filtered(sound, section)) == pytest.approx(decibels, abs=0.7)


def test_filter_of_any_shape_has_it_and_no_delay() -> None:
    shape = np.interp(np.arange(513), [0, 100, 200, 512], [-20.0, 0, 6, -30])
    taps = filters.minimum_phase(shape)
    assert 20 * np.log10(np.abs(np.fft.rfft(taps))) == pytest.approx(shape, abs=0.1)
    assert np.sum(taps[:32] ** 2) > 0.9 * np.sum(taps**2)


def test_compressor_brings_loud_and_soft_closer() -> None:
    sound = tone(400, 2.0)
    sound[:, :RATE] *= 0.1
    squeezed = dynamics.compress(sound, RATE, -6, 4)
    before, after = (gain(x[:, :RATE], x[:, RATE:]) for x in (sound, squeezed))
    assert before == pytest.approx(20, abs=0.5)
    assert 8 < after < 17


@pytest.mark.parametrize("ceiling", [0.2, 0.97])
def test_limiter_holds_its_ceiling_without_clipping_the_wave(ceiling: float) -> None:
    sound = 0.15 * tone(300, 2.0)
    sound[:, RATE : RATE + 2000] *= 20
    held = dynamics.limit(sound, RATE, ceiling)
    assert np.abs(held).max() <= ceiling + 1e-6
    inside = held[0, RATE + 400 : RATE + 1600]  # still a sine, only smaller
    assert band(inside, 800, 20000) < band(inside, 200, 400) - 35
    assert np.array_equal(held[:, : RATE // 2], sound[:, : RATE // 2])


def test_saturation_adds_harmonics_and_little_to_what_is_soft() -> None:
    sound = 0.01 * tone(300)
    clean, dirty = dynamics.saturate(sound, 0.0), dynamics.saturate(sound, 1.0)
    assert band(dirty[0], 890, 910) > band(clean[0], 890, 910) + 15
    assert gain(sound, clean) == pytest.approx(0, abs=0.5)


@pytest.mark.parametrize("bass", [False, True])
def test_cabinet_rolls_off_both_ends(bass: bool) -> None:
    response = np.pad(amplifiers.cabinet(RATE, random(), bass), (0, 1 << 14))
    middle = band(response, 150, 1500)
    assert band(response, 9000, 20000) < middle - 20
    assert band(response, 5, 25) < middle - 8
    assert np.abs(response[:200]).sum() > 0.5 * np.abs(response).sum()  # no delay


@pytest.mark.parametrize(("kind", "least", "most"), [("clean", -60, -18), ("distorted", -18, 10)])
def test_amplifier_distorts_as_it_is_set(kind: str, least: float, most: float) -> None:
    sound = 0.2 * (tone(220)[0] + tone(330)[0])
    setting = amplifiers.draw_amplifier(kind, random())
    loud = amplifiers.guitar(sound, setting, RATE, random())
    between = band(loud, 105, 115) - band(loud, 215, 225)  # two notes growl at their difference
    assert least < between < most
    assert dynamics.level(loud[None]) == pytest.approx(dynamics.level(sound[None]), abs=0.1)


def test_driven_valve_does_not_alias() -> None:
    spectrum = np.abs(np.fft.rfft(amplifiers.shaped(tone(5000)[0], 5.0, 0.0)))
    inharmonic = np.arange(len(spectrum)) % 5000
    assert spectrum[(inharmonic > 50) & (inharmonic < 4950)].max() < 10 ** (-25 / 20) * spectrum.max()


def test_bass_amplifier_is_mono_and_keeps_the_ground_tone() -> None:
    sound = tone(55) * np.float32(0.3)
    out = amplifiers.bass(sound, RATE, random())
    assert np.array_equal(out[0], out[1])
    assert band(out[0], 50, 60) > band(out[0], 100, 120) + 8
    assert band(out[0], 160, 170) > band(sound[0], 160, 170) + 10


def test_moving_effects_move() -> None:
    sound = tone(500, 3.0)
    swung = modulation.tremolo(sound, RATE, 5.0, 0.8, stereo=False)
    frames = np.abs(swung[0].reshape(-1, 480)).max(axis=1)
    assert frames.max() > 1.8 * frames.min()
    for out in (
        modulation.chorus(sound, RATE, random()),
        modulation.rotary(sound, RATE, random(), fast=True),
        modulation.tremolo(sound, RATE, 5.0, 0.8, stereo=True),
    ):
        assert np.std(out[0] - out[1]) > 0.02
        assert abs(gain(sound, out)) < 6


def test_widening_adds_side_and_keeps_the_middle() -> None:
    noise = np.repeat(random().standard_normal((1, RATE), np.float32), 2, axis=0)
    wide = modulation.widen(noise, RATE, random(), 0.5)
    assert np.allclose(wide.sum(axis=0), noise.sum(axis=0), atol=1e-4)
    side, middle = wide[0] - wide[1], wide[0] + wide[1]
    assert band(side, 500, 8000) - band(middle, 500, 8000) == pytest.approx(-6, abs=1.5)
    assert band(side, 10, 60) < band(middle, 10, 60) - 15


def decay_seconds(response: np.ndarray, low: float, high: float) -> float:
    """Seconds to -60 dB by Schroeder's backward integration, from the fall between -5 and -25 dB."""
    spectrum = np.fft.rfft(response)
    hz = np.fft.rfftfreq(len(response), 1 / RATE)
    spectrum[(hz < low) | (hz >= high)] = 0
    left = np.cumsum((np.fft.irfft(spectrum, len(response)) ** 2)[::-1])[::-1]
    fall = 10 * np.log10(left / left[0] + 1e-15)
    return 3 * (np.argmax(fall < -25) - np.argmax(fall < -5)) / RATE


@pytest.mark.parametrize(
    ("kind", "shortest", "longest"),
    [("dry", 0.05, 0.4), ("room", 0.15, 1.2), ("hall", 0.9, 4.0), ("cathedral", 1.8, 6.0), ("plate", 0.8, 4.0)],
)
def test_room_decays_as_its_size_says_and_treble_first(kind: str, shortest: float, longest: float) -> None:
    response = rooms.response(kind, RATE, random())
    assert shortest < decay_seconds(response[0, 0], 350, 1400) < longest
    assert decay_seconds(response[0, 0], 6000, 12000) < decay_seconds(response[0, 0], 350, 1400)
    assert np.sum(response**2) == pytest.approx(2, rel=1e-3)


@pytest.mark.parametrize("kind", [*rooms.SHOEBOXES, "plate", "spring"])
def test_room_sounds_different_in_each_ear_and_to_each_seed(kind: str) -> None:
    response = rooms.response(kind, RATE, random())
    assert abs(np.corrcoef(response[0, 0], response[0, 1])[0, 1]) < 0.5
    other = rooms.response(kind, RATE, np.random.default_rng(4))
    assert other.shape != response.shape or not np.allclose(other, response)
    assert np.array_equal(response, rooms.response(kind, RATE, random()))


def test_convolution_of_two_sides_with_two_ears() -> None:
    audio = random().standard_normal((2, 5000)).astype(np.float32)
    room = random().standard_normal((2, 2, 300)).astype(np.float32)
    heard = rooms.convolve(audio, room)
    for ear in (0, 1):
        expected = sum(np.convolve(audio[side], room[side, ear])[:5000] for side in (0, 1))
        assert np.allclose(heard[ear], expected, atol=1e-3)
