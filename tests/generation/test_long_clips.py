"""Clips that are longer than a model makes in one pass: overlapping windows, told, and stopped at any of them."""

from __future__ import annotations

import numpy as np
import pytest

from musicgen_app.engine import CancelToken, Engine
from musicgen_app.errors import Cancelled, RequestError
from musicgen_app.models.bundle import write_bundle
from musicgen_app.request import GenerationRequest


@pytest.fixture
def model(home, tiny_parts, tmp_path) -> str:
    """The tiny model, made for a second and for at most two in one pass."""
    config, state, files = tiny_parts
    config = config | {"name": "short", "seconds": {"native": 1.0, "max": 2.0}}
    return str(write_bundle(tmp_path / "short", config, state, "# short\n", files).path)


def request(model: str, **values) -> GenerationRequest:
    return GenerationRequest(**({"prompt": "soft bells", "seconds": 5.0, "seed": 3, "model": model} | values))


def test_a_long_clip_is_whole_told_and_its_beginning_that_of_no_other(model):
    engine = Engine(device="cpu")
    (clip,) = engine.generate(request(model))
    assert clip.audio.shape == (1, 40_000) and np.abs(clip.audio).max() > 0
    assert clip.notes == ("longer than short plays at once: made in overlapping windows of 1 s",)
    (short,) = engine.generate(request(model, seconds=2.0))
    assert short.notes == ()
    levels = np.abs(clip.audio[0]).reshape(50, -1).mean(axis=1)
    assert levels.min() > 0.1 * levels.max()  # no hole where windows meet


def test_the_same_alone_and_in_a_batch(model):
    (one,), (again, other) = (Engine(device="cpu").generate(request(model, variations=n)) for n in (1, 2))
    np.testing.assert_allclose(one.audio, again.audio, atol=1e-4)
    assert not np.allclose(one.audio, other.audio, atol=1e-2)


@pytest.mark.parametrize("solver", ["euler", "midpoint"])
def test_progress_is_told_window_by_window_and_can_be_stopped_there(model, solver):
    engine, seen = Engine(device="cpu"), []
    engine.generate(request(model, solver=solver), progress=seen.append)
    sampling = [p for p in seen if p.stage == "sampling"]
    shares = [p.step / p.total for p in sampling]
    assert shares == sorted(shares) and shares[-1] == 1 and len(shares) > 3 * 6
    token, told = CancelToken(), []

    def stop(progress):
        if progress.stage == "sampling":
            told.append(progress)
            token.cancel()

    with pytest.raises(Cancelled):
        engine.generate(request(model, solver=solver), progress=stop, cancel=token)
    assert len(told) == 1


def test_ten_minutes_are_the_longest(model):
    with pytest.raises(RequestError, match="600"):
        Engine(device="cpu").generate(request(model, seconds=600.5))
