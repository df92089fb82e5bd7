"""A model with times of its own, a solver of several steps and joint guidance makes all that others make."""

from __future__ import annotations

import json

import numpy as np
import pytest

from musicgen_app import Engine, GenerationRequest
from musicgen_app.control.plan import Plan
from musicgen_app.editing.edit import Edit, Region
from musicgen_app.editing.source import Source
from support.planned_model import planned, wide

PLAN = Plan(120.0, "4/4", 0.0, "A minor", (("Am", 4.0), ("F", 4.0)))
SAMPLER = {"solver": "ab2", "steps": 4, "power": 1.5, "joint_guidance": True}


@pytest.fixture
def model(home, tiny_parts, tmp_path) -> str:
    """The planned model with `SAMPLER`, for a second and at most two in one pass."""
    path = planned(tiny_parts, tmp_path, wide().tensors()).path
    config = json.loads((path / "config.json").read_text())
    config["sampler"] |= SAMPLER
    config["seconds"] = {"native": 1.0, "max": 2.0}
    (path / "config.json").write_text(json.dumps(config))
    return str(path)


@pytest.fixture
def engine(tiny_aligner) -> Engine:
    return Engine(device="cpu", precision="fp32", aligner=tiny_aligner)


def request(model: str, **values) -> GenerationRequest:
    return GenerationRequest(**({"prompt": "soft bells", "seed": 3, "model": model, "negative": "drums"} | values))


def test_long_clips_loops_and_batches(engine, model):
    long = [clip.audio for clip in engine.generate(request(model, seconds=4.0, variations=2))]
    engine.batch = 2
    for alone, together in zip(long, engine.generate(request(model, seconds=4.0, variations=2)), strict=True):
        assert alone.shape == (1, 32_000) and together.audio.shape == alone.shape
        np.testing.assert_allclose(alone, together.audio, atol=2e-3)
    (loop,) = engine.generate(request(model, bars=1, loop=True, bpm=120.0))
    assert loop.audio.shape == (1, 16_000) and np.isfinite(loop.audio).all()


def test_the_best_of_several_is_the_clip_of_its_own_seed(engine, model):
    (best,) = engine.generate(request(model, seconds=1.0, best_of=3))
    (alone,) = engine.generate(request(model, seconds=1.0, seed=best.request.seed))
    assert np.array_equal(best.audio, alone.audio)


@pytest.mark.parametrize("edit", [Edit("repaint", regions=(Region(1.0, 2.0),)), Edit("vary", strength=0.4)])
def test_edits(engine, model, edit):
    sound = (0.1 * np.random.default_rng(1).standard_normal((1, 24_000))).astype(np.float32)
    (result,) = engine.edit(Source(sound, 8_000, PLAN, name="a.wav"), edit, request(model))
    assert np.isfinite(result.audio).all() and not np.array_equal(result.audio, sound)
    for begin, end in result.edit["kept"]:
        kept = slice(round(begin * 8_000), round(end * 8_000))
        assert np.array_equal(result.audio[:, kept], sound[:, kept])
