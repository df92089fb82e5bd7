"""Clips whose length is in bars, and loops: exact to the sample, and no end of them to be heard."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
import torch

from musicgen_app.analysis.seam import bar_changes, bar_dips, seam_step
from musicgen_app.audio import CEILING, master, true_peak
from musicgen_app.backbones.periodic import Periodic
from musicgen_app.codecs.base import LoopDecoder
from musicgen_app.codecs.onnx import OnnxCodec
from musicgen_app.codecs.periodic import decode_loop, detuning
from musicgen_app.codecs.sketch import SketchCodec, SketchCodecConfig, StereoCodec, StereoCodecConfig
from musicgen_app.codecs.sketch.phases import close_turns, count_turns, frame, reconstruct
from musicgen_app.control.bars import extent_in_bars, seconds_of
from musicgen_app.control.plan import Plan, Section
from musicgen_app.engine import Engine
from musicgen_app.errors import RequestError
from musicgen_app.library.clip_files import write_clip
from musicgen_app.library.metadata import request_from
from musicgen_app.request import GenerationRequest, over, with_defaults
from support.planned_model import planned


class Told(NamedTuple):
    grid: torch.Tensor | None = None


class Edges:
    """A backbone that tells the first and the last frame that it sees from all others, and its grid from them."""

    time_axis = "data_at_one"

    def __init__(self):
        self.first: list[float] = []

    def __call__(self, x, t, cond, return_hidden=False):
        self.first.append(float(x[0, 0, 0]))
        answer = x + cond.grid
        answer[:, 0], answer[:, -1] = -1, -1
        return answer, None


@pytest.mark.parametrize("frames", [3, 7, 50])
def test_no_frame_of_a_loop_is_at_an_edge_and_each_gets_its_own_answer(frames):
    edges, x = Edges(), torch.arange(float(frames))[None, :, None]
    periodic = Periodic(edges, 5)
    for _ in range(6):
        answer, _ = periodic(x, torch.zeros(1), Told(100 * x))
        torch.testing.assert_close(answer, 101 * x)
    assert len(set(edges.first)) > 1  # the showing begins elsewhere each time
    assert periodic.time_axis == "data_at_one"


def tiny_codecs():
    torch.manual_seed(0)
    sizes = {"frame_components": 16, "encoder_width": 16, "latent_width": 16, "decoder_width": 16}
    sizes |= {"encoder_blocks": 1, "latent_blocks": 1, "decoder_blocks": 1}
    mono = SketchCodec(SketchCodecConfig(8_000, n_fft=256, hop=64, latent_dim=8, **sizes))
    stereo = StereoCodec(
        StereoCodecConfig(8_000, n_fft=256, hop=64, mid_dim=6, stereo_dim=2, bands=24, stereo_bands=4, **sizes)
    )
    return [mono.eval(), stereo.eval()]


class Plain:
    """A codec that decodes no loops itself: each sample depends on the latents around it."""

    sample_rate, channels, latent_dim, latent_rate, samples_per_latent = 8_000, 1, 2, 80.0, 100
    chunk, context = 40, 2

    def decode(self, latents):
        smooth = torch.nn.functional.avg_pool1d(latents.transpose(1, 2), 3, 1, 1)
        return torch.nn.functional.interpolate(smooth[:, :1], scale_factor=100.0, mode="linear")


@pytest.mark.parametrize("samples", [1, 320 * 25 - 117, 320 * 25, 320 * 25 + 140])
@pytest.mark.parametrize("codec", tiny_codecs(), ids=["mono", "stereo"])
def test_a_loop_is_decoded_to_the_sample_whatever_the_pieces(codec, samples):
    frames = 25 if samples > 1 else 1
    latents = torch.randn(1, frames, codec.latent_dim)
    assert isinstance(codec, LoopDecoder)
    loop = decode_loop(codec, latents, samples)
    assert loop.shape == (1, codec.channels, samples) and torch.isfinite(loop).all()
    chunk, codec.chunk = codec.chunk, 9
    torch.testing.assert_close(decode_loop(codec, latents, samples), loop, atol=2e-3, rtol=0)
    codec.chunk = chunk


@pytest.mark.parametrize("turn", [1, 7])
def test_a_codec_of_any_kind_makes_loops(turn):
    latents = torch.randn(1, 60, 2, generator=torch.Generator().manual_seed(1))
    loop, turned = (decode_loop(Plain(), item, 6_000) for item in (latents, latents.roll(turn, dims=1)))
    torch.testing.assert_close(turned, loop.roll(100 * turn, dims=-1), atol=1e-5, rtol=0)
    stretched = decode_loop(Plain(), latents, 6_030)
    assert stretched.shape[-1] == 6_030 and detuning(Plain(), 60, 6_030) == pytest.approx(-8.63, abs=0.01)


def test_a_steady_tone_stays_one_over_the_seam():
    """Phases that are rebuilt would else meet anywhere: a step that is heard as a click."""
    codec = tiny_codecs()[0]
    tone = torch.sin(2 * torch.pi * 701.3 / 8_000 * torch.arange(8_000))[None]
    magnitude = frame(tone, 256, 64).abs()[:, 20:100]
    turns = close_turns(count_turns(magnitude, 256, 64))
    assert (turns[:, -1] - turns[:, -1].round()).abs().max() < 1e-6
    around = torch.arange(-40, 120) % 80
    wave = reconstruct(magnitude[:, around], 256, 64, 6, turns[:, around])[:, 40 * 64 : 120 * 64]
    assert seam_step(wave.numpy(), 8_000) < 2
    open_turns = count_turns(magnitude, 256, 64)
    cut = reconstruct(magnitude, 256, 64, 6, open_turns).numpy()
    assert bar_changes(cut, 8_000, 4)[0] > 1.3 * bar_changes(wave.numpy(), 8_000, 4)[0]
    assert codec.loop_samples(80, 8_000 * 3) == 400 * 60


def test_mastering_a_loop_fades_nothing_and_keeps_the_ceiling_over_the_seam():
    """A pulse whose peak lies between the last sample and the first."""
    places = (np.arange(4_000) + 2_000) % 4_000 - 1_999.5
    sound = (2 * np.sinc(places))[None].astype(np.float32)
    loop = master(sound, 8_000, 4_000, loop=True)
    np.testing.assert_allclose(loop / loop[0, 0], sound / sound[0, 0], atol=1e-5)
    assert CEILING - 0.01 < true_peak(np.tile(loop, 2), 8_000) <= CEILING
    assert true_peak(loop, 8_000) < CEILING - 1


FORM = (Section(2, "verse"), Section(1, "turn", tempo=60.0, metre="3/4"))


@pytest.mark.parametrize(
    ("plan", "bars", "seconds"),
    [
        (Plan(120.0), 8, 16.0),
        (Plan(120.0, "7/8"), 4, 7.0),
        (Plan(120.0, start=1.0), 2, 4.0),
        (Plan(120.0, sections=FORM), 3, 7.0),
        (Plan(120.0, sections=FORM), 4, 9.0),  # it begins again
        (Plan(120.0, sections=FORM, ends=True), 4, 10.0),  # and here it does not
        (Plan(120.0, sections=FORM, start=8.0), 2, 5.0),
        (Plan(97.0, "3/4"), 2, 2 * 3 * 60 / 97),
    ],
)
def test_bars_take_the_time_of_the_plan(plan, bars, seconds):
    assert seconds_of(plan, bars) == pytest.approx(seconds, rel=1e-12)


@pytest.mark.parametrize(
    ("plan", "bars", "loop", "reason"),
    [
        (Plan(), 8, True, "needs a tempo"),
        (Plan(120.0, sections=FORM), None, True, "one tempo and one metre"),
        (Plan(120.0), 900, False, "0.5 to 60 s"),
        (Plan(900.0), 1, True, "0.5 to 60 s"),
    ],
)
def test_bars_that_cannot_be_are_refused(plan, bars, loop, reason):
    with pytest.raises(RequestError, match=reason):
        extent_in_bars(plan, bars, loop, (0.5, 60.0))


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"bars": 0}, "from 1 to 1000"),
        ({"bars": 10_000}, "from 1 to 1000"),
        ({"bars": True}, "whole number"),
        ({"bars": 8.5}, "whole number"),
        ({"bars": 8, "seconds": 10.0}, "two lengths"),
        ({"loop": True}, "length in bars"),
        ({"loop": True, "seconds": 10.0}, "as long as its bars"),
        ({"loop": "yes", "bars": 8}, "true or false"),
    ],
)
def test_lengths_that_contradict_are_refused(values, reason):
    with pytest.raises(RequestError, match=reason):
        GenerationRequest("x", **values).validated()


def test_a_length_that_is_given_takes_the_place_of_a_usual_one():
    assert over({"seconds": 20.0, "model": "m"}, {"bars": 8}) == {"model": "m", "bars": 8}
    assert over({"bars": 8}, {"seconds": 3.0}) == {"seconds": 3.0}
    assert over({"seconds": 20.0}, {"bars": None}) == {"seconds": 20.0, "bars": None}
    assert with_defaults({"loop": True, "form": "verse 4"}, {"seconds": 20.0}) == {"loop": True, "form": "verse 4"}


def test_a_request_in_bars_is_told_as_such_and_others_as_before():
    plain = GenerationRequest("x", seconds=3.0).to_dict()
    assert "bars" not in plain and "loop" not in plain
    loop = GenerationRequest("x", bars=8, loop=True).validated()
    assert GenerationRequest.from_dict(loop.to_dict()) == loop


@pytest.fixture(scope="module")
def model(tiny_parts, tmp_path_factory):
    """The tiny model, which follows plans of layout 2."""
    return str(planned(tiny_parts, tmp_path_factory.mktemp("planned"), grid=2).path)


def test_loops_of_an_engine(home, model, tmp_path):
    """To the sample, the same alone and in a batch, made again from the file, of its own tempo each."""
    engine = Engine(device="cpu")
    request = GenerationRequest("bells", bars=2, loop=True, bpm=97.0, metre="3/4", seed=5, model=model, variations=2)
    one, two = engine.generate(request)
    assert one.audio.shape == (1, round(2 * 3 * 60 / 97 * 8_000)) and one.audio.shape == two.audio.shape
    assert (one.extent.bars, one.extent.loop) == (2, True) and not np.array_equal(one.audio, two.audio)
    (alone,) = Engine(device="cpu", batch=4).generate(GenerationRequest(**vars(request) | {"variations": 1}))
    np.testing.assert_array_equal(alone.audio, one.audio)
    path = write_clip(one, tmp_path / "loop.wav", True) and tmp_path / "loop.wav"
    again = request_from(path)
    assert (again.bars, again.loop, again.seconds) == (2, True, None)
    (same,) = engine.generate(GenerationRequest(**vars(again) | {"model": model}))
    np.testing.assert_array_equal(same.audio, one.audio)
    (faster,) = engine.generate(GenerationRequest(**vars(again) | {"model": model, "bpm": 150.0}))
    assert faster.audio.shape[1] == round(2 * 3 * 60 / 150 * 8_000)


def test_lengths_of_one_request_may_differ():
    """On a machine that samples several together, those of one length."""
    engine = Engine(device="cpu", batch=8)
    spans = [*engine._batches([extent_in_bars(Plan(t), 2, False, (0.5, 60.0)) for t in (90, 90, 80, 90, 90)])]
    assert spans == [slice(0, 2), slice(2, 3), slice(3, 5)]


def test_a_loop_says_what_it_leaves_out(home, model):
    engine = Engine(device="cpu")
    request = GenerationRequest("bells", loop=True, bpm=120.0, form="verse 1: Am | chorus 1: F | ends", model=model)
    (clip,) = engine.generate(request)
    assert clip.audio.shape[1] == 4 * 8_000 and not clip.plan.ends
    assert any("a loop has no end" in note for note in clip.notes)
    (cut,) = engine.generate(GenerationRequest("bells", bars=2, loop=True, bpm=120.0, chords="Am F C", model=model))
    assert any("chords of 3 bars: cut at the end of the loop of 2 bars" in note for note in cut.notes)
    (whole,) = engine.generate(GenerationRequest("bells", bars=4, loop=True, bpm=120.0, chords="Am F", model=model))
    assert whole.notes == ()


def test_a_clip_in_bars_that_is_no_loop_is_as_one_of_those_seconds(home, model):
    engine = Engine(device="cpu")
    asked = {"prompt": "bells", "bpm": 120.0, "seed": 2, "model": model}
    (bars,), (seconds,) = (
        engine.generate(GenerationRequest(**asked, **more)) for more in ({"bars": 1}, {"seconds": 2.0})
    )
    np.testing.assert_array_equal(bars.audio, seconds.audio)


def test_a_seam_is_measured():
    rate, rng = 8_000, np.random.default_rng(0)
    smooth = np.cumsum(rng.standard_normal((1, 16_000)), axis=1)
    smooth = (smooth - np.linspace(0, smooth[0, -1] - smooth[0, 0], 16_000)).astype(np.float32)
    assert seam_step(smooth, rate) < 3 < seam_step(smooth + np.linspace(0, 50, 16_000, dtype=np.float32), rate)
    holed = smooth - smooth.mean()
    before = bar_changes(holed, rate, 4)
    holed[:, :40], holed[:, -40:] = 0, 0
    after = bar_changes(holed, rate, 4)
    assert bar_dips(holed, rate, 4)[0] < -20 < bar_dips(holed, rate, 4)[1:].min()
    assert after[0] > 1.5 * before[0] and after[1:] == pytest.approx(before[1:])


def test_an_onnx_decoder_makes_the_same_loops():
    codec = tiny_codecs()[0]
    latents = torch.randn(1, 12, codec.latent_dim)
    through = OnnxCodec(codec, codec.decoder)  # any function of the latents will do
    assert isinstance(through, LoopDecoder) and detuning(through, 12, 4_000) == detuning(codec, 12, 4_000)
    torch.testing.assert_close(decode_loop(through, latents, 4_000), decode_loop(codec, latents, 4_000))
