"""The inference path on a tiny real bundle."""

from __future__ import annotations

import weakref

import numpy as np
import pytest
import torch

from musicgen_app import Engine, GenerationRequest, audio
from musicgen_app.control.plan import Plan
from musicgen_app.engine import CancelToken, pick_device
from musicgen_app.errors import Cancelled, GenerationError, ModelError, RequestError


@pytest.fixture
def engine(home):
    return Engine(device="cpu")


def request(**values) -> GenerationRequest:
    return GenerationRequest(**({"prompt": "soft bells", "seconds": 1.0, "seed": 3, "model": "tiny"} | values))


def test_exact_length_shape_and_resolved_request(engine):
    (result,) = engine.generate(request(seconds=1.2345))
    assert result.audio.shape == (1, round(1.2345 * 8_000)) and result.audio.dtype == np.float32
    assert result.sample_rate == 8_000 and np.abs(result.audio).max() < 1
    assert (result.request.steps, result.request.solver, result.request.seed) == (3, "euler", 3)
    assert result.model["name"] == "tiny" and len(result.model["weights_sha256"]) == 64
    assert set(result.seconds_taken) == {"text", "sampling", "decoding"}


def test_same_seed_same_samples_other_seed_others(engine):
    a, b, c = (engine.generate(request(seed=s))[0].audio for s in (3, 3, 4))
    assert np.array_equal(a, b) and not np.array_equal(a, c)


def test_a_variation_is_the_clip_of_its_seed_alone(engine):
    batch = engine.generate(request(seed=10, variations=3))
    assert [r.request.seed for r in batch] == [10, 11, 12]
    assert all(r.request.variations == 1 for r in batch)
    for result in batch:
        assert np.array_equal(result.audio, engine.generate(result.request)[0].audio)


def test_variations_in_one_batch_are_the_same_music(home):
    """Sampled together, latents differ in the last bits only; phase reconstruction makes of that less than -60 dB."""
    one, together = (Engine(device="cpu", batch=b).generate(request(variations=3)) for b in (1, 3))
    for a, b in zip(one, together, strict=True):
        assert np.abs(a.audio - b.audio).max() < 1e-3


@pytest.mark.parametrize("field, value", [("prompt", "loud drums"), ("guidance", 7.0), ("steps", 5), ("solver", "heun"),
                                          ("negative", "loud drums"), ("guidance_interval", (0.0, 0.2))])  # fmt: skip
def test_every_field_of_the_request_reaches_the_sampler(engine, field, value):
    plain, changed = engine.generate(request())[0].audio, engine.generate(request(**{field: value}))[0].audio
    assert not np.array_equal(plain, changed)


def test_loudness_is_reached(engine):
    from musicgen_app.audio import loudness

    (result,) = engine.generate(request(loudness=-30.0))
    assert loudness(result.audio, result.sample_rate) == pytest.approx(-30, abs=0.5)


def test_progress_reports_every_step(engine):
    seen = []
    engine.generate(request(steps=4), progress=seen.append)
    assert [(p.stage, p.step, p.total) for p in seen] == [
        ("text", 0, 1), ("text", 1, 1), *[("sampling", i, 4) for i in (1, 2, 3, 4)], ("decoding", 25, 25),  # in latents
    ]  # fmt: skip
    assert all(a.elapsed <= b.elapsed for a, b in zip(seen, seen[1:], strict=False))


def test_cancel_stops_at_the_next_step(engine):
    token, steps = CancelToken(), []

    def progress(p):
        steps.append(p.step)
        if p.stage == "sampling" and p.step == 2:
            token.cancel()

    with pytest.raises(Cancelled):
        engine.generate(request(steps=50), progress, token)
    assert max(steps) == 2


def test_conditions_are_computed_once(engine, monkeypatch):
    backbone = engine.load("tiny").backbone
    calls = []
    original = backbone.condition
    monkeypatch.setattr(backbone, "condition", lambda *a, **k: calls.append(1) or original(*a, **k))
    engine.generate(request(steps=6))
    few = len(calls)
    engine.generate(request(steps=12))
    assert len(calls) == 2 * few


def test_what_is_not_led_away_from_is_told(engine):
    """A refusal in the prompt, or a negative prompt, needs guidance."""
    for told in ({"prompt": "bells, no techno please"}, {"negative": "techno"}):
        (plain,), (guided,) = engine.generate(request(guidance=1.0, **told)), engine.generate(request(**told))
        assert any("without guidance" in note and "techno" in note for note in plain.notes)
        assert not any("without guidance" in note for note in guided.notes)


def test_limits_come_from_the_model(engine):
    with pytest.raises(RequestError, match="600"):
        engine.generate(request(seconds=601))
    with pytest.raises(ModelError, match="tiny"):
        engine.generate(request(model="tinny"))


def test_non_finite_output_is_an_error(engine):
    model = engine.load("tiny")
    with torch.no_grad():
        model.backbone.final_layer.conv.bias.fill_(float("nan"))
    with pytest.raises(GenerationError, match="not finite"):
        engine.generate(request())


# --- the steps by themselves


def test_the_steps_in_turn_give_the_clip(engine):
    (result,) = engine.generate(request(seed=5, negative="noise"))
    with torch.inference_mode():
        resolved, bundle = engine.resolve(request(seed=5, negative="noise"))
        model = engine.load(bundle)
        text = model.encode(resolved.prompt, resolved.negative)
        frames = model.frames(resolved.seconds)
        conditions = model.conditions(text, 1, frames, model.plans(text, [5]))
        (latents,) = model.sample(conditions, model.draw_noise([5], frames), resolved)
        clip = model.master(model.decode(latents), resolved.seconds)
    assert np.array_equal(clip, result.audio)


def test_sampling_may_begin_with_latents(engine):
    resolved, bundle = engine.resolve(request(seed=5, steps=4))
    model = engine.load(bundle)
    with torch.inference_mode():
        text = model.encode(resolved.prompt)
        frames = model.frames(resolved.seconds)
        conditions, noise = model.conditions(text, 1, frames, None), model.draw_noise([5], frames)
        initial = model.sample(conditions, model.draw_noise([6], frames), resolved)

        def varied(strength: float) -> torch.Tensor:
            return model.sample(conditions, noise, resolved, initial=initial, strength=strength)

        torch.testing.assert_close(varied(0.0), initial)
        torch.testing.assert_close(varied(1.0), model.sample(conditions, noise, resolved))
        far = [(varied(strength) - initial).square().mean() for strength in (0.0, 0.3, 0.6, 1.0)]
    assert far == sorted(far) and far[1] < far[3] / 2


def test_steps_refuse_what_does_not_fit(engine):
    resolved, bundle = engine.resolve(request(seed=5, steps=2))
    model = engine.load(bundle)
    with torch.inference_mode():
        text = model.encode(resolved.prompt)
        frames = model.frames(resolved.seconds)
        conditions, noise = model.conditions(text, 1, frames, None), model.draw_noise([5], frames)
        for strength in (-0.1, 1.5, float("nan")):
            with pytest.raises(RequestError, match="strength"):
                model.sample(conditions, noise, resolved, initial=noise, strength=strength)
        with pytest.raises(RequestError, match="needs initial latents"):
            model.sample(conditions, noise, resolved, strength=0.5)
        for initial in (noise[:, :1], noise[..., :1], torch.cat([noise, noise])):
            with pytest.raises(RequestError, match="shape"):
                model.sample(conditions, noise, resolved, initial=initial, strength=0.5)
        with pytest.raises(RequestError, match="not resolved"):
            model.sample(conditions, noise, request())
        with pytest.raises(RequestError, match="as many plans"):
            model.conditions(text, 2, frames, [Plan()])
    for seconds in (-1, 0, float("nan"), float("inf")):
        with pytest.raises(RequestError, match="seconds"):
            model.frames(seconds)
    for seeds in ([], [-1], [0.5]):
        with pytest.raises(RequestError, match="seed"):
            model.draw_noise(seeds, frames)
    with pytest.raises(RequestError, match="loudness"):
        model.master(torch.zeros(1, 8000), 1.0, float("nan"))
    for batch in (0, -1, 1.5):
        with pytest.raises(RequestError, match="batch"):
            Engine(device="cpu", batch=batch)


def test_a_request_is_resolved_once(engine, monkeypatch):
    from musicgen_app.models import installed

    opened, scan = [], installed.scan
    monkeypatch.setattr(installed, "scan", lambda *folders: opened.append(folders) or scan(*folders))
    resolved = engine.resolve(request(seed=5))
    engine.generate(resolved)
    assert len(opened) == 1


# --- the best of several


@pytest.fixture
def judging(home, tiny_aligner):
    return Engine(device="cpu", aligner=tiny_aligner)


def scores(engine, seeds) -> dict[int, float]:
    """The score of the clip of each seed, made alone."""
    text = engine.judge.text(["soft bells"])[0]
    clips = {seed: engine.generate(request(seed=seed))[0] for seed in seeds}
    return {seed: engine.judge.score(clip.audio, clip.sample_rate, text) for seed, clip in clips.items()}


def test_the_best_of_several_is_the_clip_of_the_best_seed(judging):
    alone = scores(judging, range(10, 16))
    results = judging.generate(request(seed=10, variations=2, best_of=3))
    for result, first in zip(results, (10, 13), strict=True):
        best = max(range(first, first + 3), key=alone.get)
        assert (result.request.seed, result.request.variations, result.request.best_of) == (best, 1, 1)
        assert np.array_equal(result.audio, judging.generate(result.request)[0].audio)
        choice = result.choice
        assert (choice.best_of, choice.first_seed, choice.judge) == (3, first, judging.judge.name)
        assert choice.score == round(alone[best], 4) and result.notes == ()
    assert len(set(alone.values())) == 6  # the scores tell the clips apart
    assert judging.generate(request())[0].choice is None


def test_sampled_together_the_same_is_chosen(home, tiny_aligner):
    one, together = (
        Engine(device="cpu", batch=b, aligner=tiny_aligner).generate(request(best_of=3, variations=2)) for b in (1, 4)
    )
    assert [a.request.seed for a in one] == [b.request.seed for b in together]


def test_progress_and_cancel_go_over_all_candidates(judging):
    seen, token = [], CancelToken()
    judging.generate(request(steps=2, variations=2, best_of=2), progress=seen.append)
    assert [(p.stage, p.step, p.total) for p in seen] == [
        ("text", 0, 1), ("text", 1, 1), *[("sampling", i, 8) for i in range(1, 9)],
        *[("decoding", 25 * i, 100) for i in (1, 2, 3, 4)],
    ]  # fmt: skip

    def progress(p):
        seen.append(p)
        if p.stage == "decoding":
            token.cancel()

    seen.clear()
    with pytest.raises(Cancelled):
        judging.generate(request(steps=2, best_of=4), progress, token)
    assert seen[-1].step == 25  # of the first candidate


def test_only_the_best_waveform_is_kept(judging, monkeypatch):
    alive, most = weakref.WeakSet(), []
    master = audio.master

    class Clip(np.ndarray):  # a plain array cannot be told apart in a set
        __hash__ = object.__hash__

    def counted(*args):
        clip = master(*args).view(Clip)
        alive.add(clip)
        most.append(len(alive))
        return clip

    monkeypatch.setattr(audio, "master", counted)
    judging.generate(request(best_of=12, steps=1))
    assert len(most) == 12 and max(most) <= 3  # the best, the one before and the new one


def test_candidates_without_sound_are_passed_over(judging, monkeypatch):
    alone = scores(judging, range(3, 6))
    best, next_best = sorted(alone, key=alone.get, reverse=True)[:2]
    master, number = audio.master, iter(range(3, 6))

    def silent(*args):
        if next(number) == best:
            raise GenerationError("silence")
        return master(*args)

    monkeypatch.setattr(audio, "master", silent)
    (result,) = judging.generate(request(seed=3, best_of=3))
    assert result.request.seed == next_best
    assert result.notes == ("1 of 3 candidates had no usable sound",)
    monkeypatch.setattr(audio, "master", lambda *args: (_ for _ in ()).throw(GenerationError("silence")))
    with pytest.raises(GenerationError, match="silence"):
        judging.generate(request(best_of=3))


def test_an_aligner_that_cannot_be_read_is_found_out_first(home, tmp_path):
    seen = []
    with pytest.raises(ModelError, match="not an aligner"):
        Engine(device="cpu", aligner=tmp_path).generate(request(best_of=2), seen.append)
    assert seen == []


def test_unavailable_device_is_a_request_error():
    with pytest.raises(RequestError, match="cpu"):
        pick_device("tpu")
