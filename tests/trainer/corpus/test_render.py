from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from musicgen_app.errors import DependencyError
from ttm_trainer.corpus.compose.score import Note, Part, Score
from ttm_trainer.corpus.render import casting, master, mix, strips
from ttm_trainer.corpus.render import soundfonts as players
from ttm_trainer.corpus.render.drum_sounds import KITS
from ttm_trainer.corpus.render.drums import of_machine, render_drums
from ttm_trainer.corpus.render.effects.rooms import SHOEBOXES
from ttm_trainer.corpus.render.oscillators import oscillator, wavetable
from ttm_trainer.corpus.render.render import render, stems
from ttm_trainer.corpus.render.soundfonts import SOUNDFONTS, soundfonts
from ttm_trainer.corpus.render.sounds import SOUNDS
from ttm_trainer.corpus.render.synth import Event

RATE = 32000


def scale(sound: str, role: str = "melody", **options: object) -> Part:
    pitches = (36, 38, 42, 46) if "drums" in sound else (48, 52, 55, 60)
    return Part(sound, role, sound, tuple(Note(i * 0.5, 0.5, p, 90) for i, p in enumerate(pitches)), options=options)


def piece(*parts: Part, seed: int = 7, **fields: object) -> Score:
    return Score(seed, "test", (), (), 120.0, (4, 4), "C major", 4.0, parts, (), **fields)


def check(audio: np.ndarray) -> None:
    assert audio.shape == (2, 2 * RATE)
    assert audio.dtype == np.float32
    assert np.isfinite(audio).all()
    assert np.abs(audio).max() <= 0.97
    assert np.sqrt(np.mean(audio**2)) > 0.02


def needs_fluidsynth() -> None:
    pytest.importorskip("fluidsynth", exc_type=ImportError)
    try:
        soundfonts()
    except DependencyError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("sound", [*SOUNDS, *(f"drums:{kit}" for kit in KITS)])
def test_synth_sound_is_audible_and_deterministic(sound: str) -> None:
    score = piece(scale(f"synth:{sound}", "drums" if "drums" in sound else "melody"))
    audio = render(score)
    check(audio)
    assert np.array_equal(audio, render(score))


def test_seed_changes_the_patch() -> None:
    part = scale("synth:supersaw")
    assert not np.array_equal(render(piece(part)), render(piece(part, seed=8)))


@pytest.mark.slow
def test_general_midi_parts_are_separate_and_deterministic() -> None:
    needs_fluidsynth()
    silent = replace(scale("gm:40"), notes=())
    score = piece(scale("gm:0"), silent, scale("gm:drums:8", "drums"))
    piano, violin, drums = stems(score)
    assert np.abs(piano).max() > 1e-3 and np.abs(drums).max() > 1e-3
    assert np.abs(violin).max() < 1e-4
    check(render(score))
    assert np.array_equal(render(score), render(score))


def test_a_piece_does_not_hear_the_end_of_the_one_before() -> None:
    needs_fluidsynth()
    late = piece(Part("piano", "melody", "gm:0", (Note(3.0, 1.0, 60, 90),)))
    held = piece(Part("strings", "pad", "gm:48", tuple(Note(0.0, 4.0, pitch, 110) for pitch in (48, 55, 60, 64))))
    assert np.abs(stems(held)[0][:, -RATE // 10 :]).max() > 1e-2
    assert np.abs(stems(late)[0][:, :RATE]).max() < 1e-4


def test_what_was_played_before_changes_nothing() -> None:
    needs_fluidsynth()
    takes = [take for seed in (1, 2) for take in casting.cast(piece(scale("gm:0"), seed=seed))[0].takes]
    events = [Event(0.1 * i, 0.5, 40 + 3 * i, 100) for i in range(12)]
    other = [Event(0.05 * i, 1.0, 50 + i, 30 + i) for i in range(20)]
    players._player.cache_clear()  # as in a new process
    players._bank.cache_clear()
    first = players.play(takes, [events] * len(takes), 2 * RATE, RATE)
    players.play(takes[:1], [other], RATE, RATE)
    assert np.array_equal(first, players.play(takes, [events] * len(takes), 2 * RATE, RATE))


def test_general_midi_note_starts_on_time() -> None:
    needs_fluidsynth()
    part = Part("block", "percussion", "gm:drums", (Note(1.0, 0.5, 76, 120),))
    (stem,) = stems(piece(part))
    loud = np.flatnonzero(np.abs(stem).max(axis=0) > 0.1 * np.abs(stem).max())
    assert abs(loud[0] - RATE // 2) <= 0.01 * RATE


def test_no_soundfont_names_the_packages(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setattr("ttm_trainer.corpus.render.soundfonts.FOLDERS", (str(tmp_path),))
    monkeypatch.delenv("TTM_APP_SOUNDFONTS", raising=False)
    with pytest.raises(DependencyError, match="musescore-general-soundfont-small"):
        render(piece(scale("gm:0")))


def test_pitch_of_an_oscillator() -> None:
    sound = oscillator("saw", 440.0, RATE, RATE)
    assert np.argmax(np.abs(np.fft.rfft(sound))) == 440


def test_oscillator_does_not_alias() -> None:
    spectrum = np.abs(np.fft.rfft(oscillator("saw", 3000.0, RATE, RATE)))
    harmonic = np.arange(len(spectrum)) % 3000 < 3
    assert spectrum[~harmonic].max() < 10 ** (-50 / 20) * spectrum.max()
    assert np.abs(wavetable("pulse0.25", 40)).max() == pytest.approx(1)


def test_sidechain_ducks_on_the_kick() -> None:
    kicks = Part("kick", "drums", "synth:drums:909", (Note(2.0, 0.25, 36, 110),))
    pad = Part("pad", "pad", "synth:sub_bass", (Note(0.0, 4.0, 57, 90),))
    curve = mix.duck(piece(kicks, pad), 2 * RATE, RATE)
    assert curve[: RATE - 10].max() == 0
    assert curve[RATE : RATE + 2000].max() > 0.95
    flat = np.ones((2, 2 * RATE), np.float32)
    level = np.sqrt(np.mean((flat * (1 - 0.9 * curve))[:, RATE + 300 : RATE + 1500] ** 2))
    assert level < 0.5
    dry = [np.zeros((2, 2 * RATE), np.float32), stems(piece(kicks, pad))[1]]

    def dip(amount: float) -> float:
        score = piece(kicks, replace(pad, options={"sidechain": amount}, reverb=0.0), room="dry")
        audio = mix.mix(score, dry, RATE)
        return float(np.std(audio[:, RATE + 400 : RATE + 1600]) / np.std(audio[:, RATE - 4000 : RATE]))

    assert dip(0.9) < 0.5 * dip(0.0)


@pytest.mark.parametrize("room", [*SHOEBOXES, "plate"])
def test_reverb_rings_on_after_the_note(room: str) -> None:
    part = Part("blip", "melody", "synth:chip_pulse", (Note(0.0, 0.2, 72, 100),), reverb=1.0)
    audio = render(piece(part, room=room))
    assert np.isfinite(audio).all()
    tail = np.std(audio[:, RATE : 2 * RATE]) / np.std(audio[:, :RATE])
    assert tail > 0.004 if room in ("hall", "plate", "cathedral") else tail < 0.5


def test_loudness_and_lofi_stay_in_range() -> None:
    score = piece(scale("synth:supersaw"), master={"lofi": 1.0, "drive": 1.0, "brightness": 6.0})
    audio = render(score)
    check(audio)
    assert -24 < mix.decibels(float(np.sqrt(np.mean(audio**2)))) < -10


def test_parts_without_notes_give_silence() -> None:
    audio = render(piece(replace(scale("synth:pluck"), notes=())))
    assert np.array_equal(audio, np.zeros_like(audio))


def hits(spread: float) -> list[np.ndarray]:
    """Eight hits of the same tom at the same strength, each alone."""
    events = [Event(float(i), 0.1, 45, 100) for i in range(8)]
    stem = render_drums(of_machine("909", RATE), spread, events, 8 * RATE, RATE, np.random.default_rng(1))
    return [stem[:, i * RATE : i * RATE + RATE // 2] for i in range(8)]


def test_no_hit_of_a_drum_is_the_one_before() -> None:
    for before, after in zip(hits(1.0), hits(1.0)[1:], strict=False):
        likeness = np.corrcoef(before.ravel(), after.ravel())[0, 1]
        assert likeness < 0.999
        assert np.std(after) == pytest.approx(np.std(before), rel=0.4)


def test_versions_of_a_drummer_differ_more_than_those_of_a_machine() -> None:
    def differences(spread: float) -> float:
        first, *others = hits(spread)
        return float(np.mean([np.std(other - first) for other in others]))

    assert differences(1.0) > 1.5 * differences(0.15)


def test_soft_hits_are_softer_and_duller() -> None:
    def hit(velocity: int) -> np.ndarray:
        events = [Event(0.0, 0.1, 38, velocity)]
        return render_drums(of_machine("909", RATE), 1.0, events, RATE, RATE, np.random.default_rng(1))

    def brightness(sound: np.ndarray) -> float:
        power = np.abs(np.fft.rfft(sound[0])) ** 2
        return float(power[5000:].sum() / power.sum())

    assert np.std(hit(30)) < 0.4 * np.std(hit(115))
    assert brightness(hit(30)) < 0.8 * brightness(hit(115))


def guitars(role: str, seed: int) -> Score:
    return piece(scale("gm:30", role), seed=seed)


def test_casting_is_drawn_from_the_seed_and_credits_what_it_uses() -> None:
    needs_fluidsynth()
    scores = [guitars("chords", seed) for seed in range(40)]
    cast = [casting.cast(score)[0] for score in scores]
    assert cast == [casting.cast(score)[0] for score in scores]
    doubled = [one for one in cast if one.doubled]
    assert 15 < len(doubled) < 40
    assert all({take.pan for take in one.takes} == {-1.0, 1.0} for one in doubled)
    assert {one.amplifier for one in cast} == {"distorted", None}
    for score, one in zip(scores, cast, strict=True):
        titles = {f"soundfont {' ('.join(SOUNDFONTS[take.font.stem])})" for take in one.takes}
        assert set(casting.sources(score)) == titles
    if len(soundfonts()) > 1:
        assert len({take.font for one in cast for take in one.takes}) > 1


def test_doubled_guitars_stand_on_both_sides() -> None:
    needs_fluidsynth()
    score = next(
        score for score in map(lambda seed: guitars("chords", seed), range(40)) if casting.cast(score)[0].doubled
    )
    (stem,) = stems(score)
    left, right = strips.strip(stem, score.parts[0], casting.cast(score)[0], RATE, np.random.default_rng(0))
    assert np.std(left) == pytest.approx(np.std(right), rel=0.5)
    assert np.corrcoef(left, right)[0, 1] < 0.7


def test_every_sound_has_a_strip() -> None:
    sounds = [*(f"gm:{program}" for program in range(128)), *(f"synth:{name}" for name in SOUNDS), "gm:drums"]
    for role in mix.LEVELS:
        assert all(strips.family(scale(sound, role)) in strips.STRIPS for sound in sounds)
    assert strips.family(scale("gm:18")) == "organ"
    assert strips.family(scale("synth:warm_pad")) == "pad"


def test_master_moves_tone_and_width_towards_records() -> None:
    rng = np.random.default_rng(0)
    noise = np.repeat(rng.standard_normal((1, 10 * RATE), np.float32), 2, axis=0)  # mono, far too bright
    audio = master.width(master.tone(noise, RATE, 0.0, rng), RATE, rng)
    power = np.abs(np.fft.rfft(audio)) ** 2
    assert power[0, 300 * 10 : 600 * 10].mean() > 10 * power[0, 5000 * 10 : 9000 * 10].mean()
    side, middle = np.std(audio[0] - audio[1]), np.std(audio[0] + audio[1])
    assert -15 < mix.decibels(float(side / middle)) < 0


def test_brightness_is_heard() -> None:
    def treble(brightness: float) -> float:
        power = np.abs(np.fft.rfft(render(piece(scale("synth:supersaw"), master={"brightness": brightness}))[0])) ** 2
        return float(power[8000:].sum() / power.sum())

    assert treble(5.0) > 1.5 * treble(-5.0)


@pytest.mark.parametrize("sound", ["handpan", "singing_bowl"])
def test_struck_metal_rings_on_and_is_in_tune(sound: str) -> None:
    (stem,) = stems(piece(Part("m", "melody", f"synth:{sound}", (Note(0.0, 0.1, 69, 100),))))
    assert np.std(stem[:, RATE : RATE + 6400]) > 0.05 * np.std(stem[:, :6400])
    power = np.abs(np.fft.rfft(stem.mean(axis=0)))
    assert np.argmax(power) / 2 == pytest.approx(440, abs=2)  # 2 s: half a hertz a bin
