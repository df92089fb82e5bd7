"""Edits on a tiny real model: what is kept, what is made, what is told, what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

from musicgen_app import Engine, GenerationRequest, audio
from musicgen_app.control.plan import Plan
from musicgen_app.editing.edit import Edit, Region
from musicgen_app.editing.passages import Work
from musicgen_app.editing.preparation import prepare
from musicgen_app.editing.source import Source, read_source
from musicgen_app.errors import FileError, ModelError, RequestError
from musicgen_app.library.metadata import made_by, played_in, request_from, sidecar_for, tags_for

PLAN = Plan(120.0, "4/4", 0.0, "A minor", (("Am", 4.0), ("F", 4.0)))
REQUEST = GenerationRequest("soft bells", seed=3, model="tiny")
RATES = (8_000, 11_025, 44_100)


@pytest.fixture
def engine(home):
    return Engine(device="cpu")


def sound(seconds: float = 6.0, rate: int = 8_000, channels: int = 1) -> np.ndarray:
    noise = np.random.default_rng(1).standard_normal((channels, round(seconds * rate)))
    return (0.1 * noise).astype(np.float32)


def source(seconds: float = 6.0, rate: int = 8_000, channels: int = 1) -> Source:
    return Source(sound(seconds, rate, channels), rate, PLAN, name="a.wav")


EDITS = {
    "repaint": Edit("repaint", regions=(Region(2.0, 3.5),)),
    "repaint bars": Edit("repaint", regions=(Region(1, 1, True), Region(3, 3, True))),
    "continue": Edit("continue", seconds=2.0),
    "continue bars": Edit("continue", bars=2),
    "left": Edit("continue", bars=1, left=True),
    "vary": Edit("vary", strength=0.4),
    "vary a part": Edit("vary", regions=(Region(0.0, 2.0),)),
    "ending": Edit("ending"),
}
LENGTHS = {"continue": 8.0, "continue bars": 10.0, "left": 8.0, "ending": 12.0}


@pytest.mark.parametrize("name", EDITS)
@pytest.mark.parametrize("rate, channels", [(8_000, 1), (44_100, 2)])
def test_what_is_not_edited_keeps_its_samples_to_the_bit(engine, name, rate, channels):
    given = source(rate=rate, channels=channels)
    (result,) = engine.edit(given, EDITS[name], REQUEST)
    seconds = LENGTHS.get(name, 6.0)
    assert result.audio.shape == (channels, round(seconds * rate)) and result.sample_rate == rate
    offset = result.audio.shape[1] - given.audio.shape[1] if name == "left" else 0
    made = np.ones(result.audio.shape[1], dtype=bool)
    for begin, end in result.edit["kept"]:
        begin, end = round(begin * rate), round(end * rate)
        made[begin:end] = False
        assert np.array_equal(result.audio[:, begin:end], given.audio[:, begin - offset : end - offset])
    assert np.isfinite(result.audio).all() and audio.true_peak(result.audio, rate) < 0
    assert all(np.abs(channel[made]).max() > 1e-3 for channel in result.audio)
    old = np.zeros(result.audio.shape[1])
    old[offset : offset + given.audio.shape[1]] = given.audio[0]
    assert np.mean(result.audio[0][made] != old[made].astype(np.float32)) > 0.9
    assert result.request.seconds == pytest.approx(seconds)


def test_the_same_edit_gives_the_same_samples_and_another_seed_others(engine):
    edit = EDITS["repaint"]
    first, second = engine.edit(source(), edit, GenerationRequest("bells", seed=3, variations=2, model="tiny"))
    (again,) = engine.edit(source(), edit, GenerationRequest("bells", seed=4, model="tiny"))
    assert second.request.seed == 4 and np.array_equal(second.audio, again.audio)
    assert not np.array_equal(first.audio, second.audio)


def test_strength_says_how_much_of_it_is_left(engine):
    model = engine.load("tiny")
    request = engine.resolve(REQUEST).request
    far = []
    for strength in (0.0, 0.1, 1.0):
        work = Work.of(model, prepare(source(), Edit("vary", strength=strength), REQUEST, lambda _: None))
        ((made,),) = work.sample(model.encode("bells"), PLAN, [3], request, lambda *steps: None)
        far.append(float((made - work.latents[0]).abs().mean()))
    assert far[0] < 1e-5 < far[1] < far[2]


def test_an_ending_goes_to_silence_and_its_plan_ends_on_the_tonic(engine):
    (result,) = engine.edit(source(), Edit("ending", bars=2), REQUEST)
    tail = result.audio[0, -200:]
    assert np.abs(tail).max() < 0.02 * np.abs(result.audio).max()
    assert result.plan.ends and result.plan.stretches[-1].chords == (("E7", 4.0), ("Am", 4.0))


def test_the_chords_of_a_region_are_those_that_are_asked_for(engine):
    request = GenerationRequest("soft bells", seed=3, model="tiny", chords="Dm G")
    (result,) = engine.edit(source(8.0), Edit("repaint", regions=(Region(2, 3, True),)), request)
    played = [(section.bars, section.chords) for section in result.plan.sections]
    assert played == [(1.0, (("Am", 4.0),)), (2.0, (("Dm", 4.0), ("G", 4.0))), (1.0, (("F", 4.0),))]


def test_a_recording_is_made_louder_or_softer_by_nobody(engine):
    for level in (0.01, 1.0, 8.0):
        given = Source(sound() * np.float32(level), 8_000, PLAN)
        (result,) = engine.edit(given, EDITS["repaint"], REQUEST)
        made, there = result.audio[:, 17_000:27_000], given.audio[:, 17_000:27_000]
        assert 0.1 < np.sqrt(np.square(made).mean() / np.square(there).mean()) < 10 or level == 8.0
        assert audio.true_peak(made, 8_000) < 0


def test_an_edited_clip_says_what_it_is_and_is_edited_again(engine, tmp_path):
    (first,) = engine.edit(source(), EDITS["continue"], REQUEST)
    path = audio.write(tmp_path / "b.flac", first.audio, first.sample_rate, tags_for(first))
    record = json.loads(audio.read_tags(path)["comment"])
    assert record["edit"]["kind"] == "continue" and record["edit"]["source"]["name"] == "a.wav"
    assert record["edit"]["kept"] == [[0.0, 5.97]] and sidecar_for(first, path)["edit"] == record["edit"]
    with pytest.raises(FileError, match="was edited.*edit a.wav again"):
        request_from(path)
    assert made_by(path).prompt == "soft bells" and played_in(path) == first.plan
    again = read_source(path)
    assert again.plan == first.plan and np.abs(again.audio - first.audio).max() < 2**-23
    (second,) = engine.edit(again, EDITS["repaint"], GenerationRequest("", model="tiny"))
    assert second.request.prompt == "soft bells" and second.edit["source"]["name"] == "b.flac"


def test_the_plan_of_a_clip_of_the_app_is_found_again(engine, tmp_path):
    (clip,) = engine.generate(GenerationRequest("bells, 100 bpm", seconds=3.0, seed=5, model="tiny"))
    path = audio.write(tmp_path / "a.wav", clip.audio, clip.sample_rate, tags_for(clip))
    (result,) = engine.edit(read_source(path), EDITS["continue"], GenerationRequest("", model="tiny"))
    assert result.decision.plan.tempo == 100.0 and not any("heard" in note for note in result.notes)


@pytest.mark.parametrize(
    "edit, request_, message",
    [
        (Edit("repaint"), {}, "say what to play again"),
        (Edit("repaint", regions=(Region(5.0, 7.0),)), {}, "outside the recording, which has 6.00 s"),
        (Edit("repaint", regions=(Region(2.0, 2.0001),)), {}, "too short"),
        (Edit("repaint", regions=(Region(3.0, 2.0),)), {}, "is empty"),
        (Edit("repaint", regions=(Region(1.0, 3.0), Region(2.0, 4.0))), {}, "overlap at 2.00 s"),
        (Edit("repaint", regions=(Region(2, 9, True),)), {}, "bars 2-9: the recording has 3 bars"),
        (Edit("repaint", regions=(Region(0, 1, True),)), {}, "whole number from 1"),
        (Edit("continue", seconds=1.0, bars=2), {}, "not both"),
        (Edit("continue", seconds=float("nan")), {}, "seconds must be a number"),
        (Edit("continue", bars=10_001), {}, "bars must be a whole number"),
        (Edit("vary", strength=1.5), {}, "strength must be a number"),
        (Edit("vary", seconds=1.0), {}, "seconds has no meaning for vary"),
        (Edit("sing"), {}, "'sing' is no edit"),
        (Edit("repaint", regions=(Region(2.0, 3.0),)), {"seconds": 4.0}, "seconds has no meaning in the request"),
        (Edit("repaint", regions=(Region(2.0, 3.0),)), {"form": "verse 4"}, "form has no meaning"),
        (Edit("repaint", regions=(Region(2.0, 3.0),)), {"chords": "Zz"}, "Zz"),
    ],
)
def test_impossible_edits_are_refused_with_one_line(engine, edit, request_, message):
    with pytest.raises(RequestError, match=message) as error:
        engine.edit(source(), edit, GenerationRequest("bells", model="tiny", **request_))
    assert "\n" not in str(error.value)


def test_bars_need_a_tempo(engine):
    given = Source(sound(), 8_000, Plan(key="C major"))
    for edit in (Edit("continue", bars=2), Edit("repaint", regions=(Region(1, 2, True),))):
        with pytest.raises(RequestError, match="--bpm"):
            engine.edit(given, edit, REQUEST)
    assert engine.edit(given, Edit("ending"), REQUEST)[0].audio.shape[1] == 12 * 8_000
    (told,) = engine.edit(given, Edit("continue", bars=2), GenerationRequest("bells", bpm=60.0, model="tiny"))
    assert told.audio.shape[1] == (6 + 8 + 2) * 8_000  # from the bar line nearest to the end


@pytest.mark.parametrize(
    "made, message",
    [
        (lambda: sound(0.1), "0.10 s: an edit takes 0.5 s to 15 minutes"),
        (lambda: sound(901, 8_000), "15 minutes"),
        (lambda: sound(2, channels=8), "8 channels"),
        (lambda: np.zeros((1, 16_000), np.float32), "silent"),
        (lambda: np.full((1, 16_000), np.nan, np.float32), "no numbers"),
    ],
)
def test_recordings_that_cannot_be_edited(made, message):
    with pytest.raises(FileError, match=message):
        Source(made(), 8_000)


def test_files_that_cannot_be_edited(tmp_path):
    import soundfile as sf

    sf.write(tmp_path / "many.wav", sound(1.0, channels=8).T, 8_000)
    (tmp_path / "text.wav").write_text("no sound")
    for name, message in {"many.wav": "8 channels", "text.wav": "not a sound file", "none.wav": "no file"}.items():
        with pytest.raises(FileError, match=message):
            read_source(tmp_path / name)
    sf.write(tmp_path / "float.wav", sound(1.0).T, 8_000, subtype="FLOAT")
    assert "24 bits are kept" in read_source(tmp_path / "float.wav").notes[0]


def test_a_codec_without_an_encoder_is_told(engine, monkeypatch):
    monkeypatch.setattr(type(engine.load("tiny").codec), "encode", None)
    with pytest.raises(ModelError, match="no encoder"):
        engine.edit(source(), EDITS["repaint"], REQUEST)


def test_an_edit_goes_through_json():
    for edit in (*EDITS.values(), Edit("add", level=-6.0), Edit("vary", downbeat=0.4)):
        edit = edit.checked()
        assert Edit.from_dict(json.loads(json.dumps(edit.to_dict()))) == edit
    for wrong in (None, [], {"kind": "vary", "speed": 1}, {"kind": "repaint", "regions": [{"bars": [1]}]},
                  {"kind": "repaint", "regions": 5}, {"kind": "repaint", "regions": [{"bars": ["1", 2]}]}):  # fmt: skip
        with pytest.raises(RequestError):
            Edit.from_dict(wrong)


def test_without_a_prompt_what_is_made_follows_the_recording_alone(engine):
    request = GenerationRequest("", seed=3, model="tiny")
    (result,) = engine.edit(source(), EDITS["repaint"], request)
    assert result.request.guidance == 1.0 and any("no prompt is known" in note for note in result.notes)
    (told,) = engine.edit(source(), EDITS["repaint"], GenerationRequest("", seed=3, model="tiny", guidance=2.0))
    assert told.request.guidance == 2.0


@pytest.mark.parametrize("left", [False, True])
def test_what_does_not_fit_into_one_pass_is_made_a_part_at_a_time(engine, monkeypatch, left):
    model = engine.load("tiny")
    monkeypatch.setitem(model.bundle.config["seconds"], "max", 2.0)
    edit = Edit("continue", seconds=5.0, left=left)
    work = Work.of(model, prepare(source(2.0), edit, REQUEST, lambda _: None))
    free = work._free(work.passages[0], len(work.latents[0]))
    made = np.zeros(len(free), dtype=int)
    for window, part in work._turns(free):
        assert window.stop - window.start <= model.frames(1.0) and window.start <= part.start < part.stop <= window.stop
        known = ~free.numpy()[window] | (made[window] > 0)
        assert known[-1 if left else 0]  # what is kept, or was made before
        made[part] += 1
    assert np.array_equal(made[free.numpy()], np.ones(free.sum(), dtype=int))
    (result,) = engine.edit(source(2.0), edit, REQUEST)
    kept = result.audio[:, -15_760:] if left else result.audio[:, :15_760]
    assert np.array_equal(kept, source(2.0).audio[:, -15_760:] if left else source(2.0).audio[:, :15_760])
    assert np.sqrt(np.square(result.audio.reshape(-1, 4_000)).mean(axis=1)).min() > 1e-3
