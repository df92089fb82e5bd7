"""Long clips that were stopped go on from the step they had reached, to the same bytes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from musicgen_app import cli
from musicgen_app.engine import CancelToken, Engine
from musicgen_app.errors import Cancelled
from musicgen_app.machine import files, unfinished
from musicgen_app.models import installed
from musicgen_app.models.bundle import write_bundle
from musicgen_app.request import GenerationRequest

KILL = """
import os, signal, sys
from pathlib import Path
from musicgen_app.engine import Engine
from musicgen_app.request import GenerationRequest
def kill(progress):
    if progress.stage == "sampling" and progress.step > progress.total * 0.7:
        os.kill(os.getpid(), signal.SIGKILL)
engine = Engine(device="cpu", unfinished=Path(sys.argv[2]))
engine.generate(GenerationRequest("soft bells", seconds=5.0, seed=3, model=sys.argv[1]), kill)
"""


@pytest.fixture
def model(home, tiny_parts, tmp_path) -> str:
    """The tiny model, made for a second and for at most two in one pass."""
    config, state, parts = tiny_parts
    config = config | {"name": "short", "seconds": {"native": 1.0, "max": 2.0}}
    return str(write_bundle(tmp_path / "short", config, state, "# short\n", parts).path)


def request(model: str, **values) -> GenerationRequest:
    return GenerationRequest(**({"prompt": "soft bells", "seconds": 5.0, "seed": 3, "model": model} | values))


def stopped(engine: Engine, asked: GenerationRequest, share: float) -> None:
    token = CancelToken()

    def stop(progress):
        if progress.stage == "sampling" and progress.step > progress.total * share:
            token.cancel()

    with pytest.raises(Cancelled):
        engine.generate(asked, stop, token)


@pytest.mark.parametrize("solver", ["euler", "midpoint", "ab2"])
def test_a_stopped_clip_goes_on_to_the_same_bytes(model, tmp_path, solver):
    place, asked = tmp_path / "unfinished", request(model, solver=solver)
    (whole,) = Engine(device="cpu").generate(asked)
    engine = Engine(device="cpu", unfinished=place)
    stopped(engine, asked, 0.7)
    assert engine.steps_done(engine.resolve(asked)) == 2 and len(list(place.iterdir())) == 1
    assert engine.steps_done(engine.resolve(request(model, solver=solver, seed=4))) == 0
    seen = []
    (again,) = Engine(device="cpu", unfinished=place).generate(asked, seen.append)
    assert again.audio.tobytes() == whole.audio.tobytes() and not list(place.iterdir())
    sampling = [progress for progress in seen if progress.stage == "sampling"]
    assert sampling[0].step > sampling[0].total * 0.6 and sampling[-1].step == sampling[-1].total


def test_variations_that_were_done_are_not_made_again(model, tmp_path):
    asked = request(model, variations=3)
    whole = Engine(device="cpu").generate(asked)
    engine = Engine(device="cpu", unfinished=tmp_path / "unfinished")
    stopped(engine, asked, 0.6)
    assert engine.steps_done(engine.resolve(asked)) in (4, 5)  # of nine
    again = engine.generate(asked)
    assert [clip.audio.tobytes() for clip in again] == [clip.audio.tobytes() for clip in whole]
    assert not list((tmp_path / "unfinished").iterdir())


def test_one_that_was_killed_goes_on(model, tmp_path):
    place = tmp_path / "unfinished"
    done = subprocess.run([sys.executable, "-c", KILL, model, str(place)], env=dict(os.environ), timeout=120)
    assert done.returncode == -signal.SIGKILL
    engine = Engine(device="cpu", unfinished=place)
    assert engine.steps_done(engine.resolve(request(model))) == 2
    (again,), (whole,) = engine.generate(request(model)), Engine(device="cpu").generate(request(model))
    assert again.audio.tobytes() == whole.audio.tobytes()


def test_what_cannot_be_used_is_not(model, tmp_path, monkeypatch):
    place = tmp_path / "unfinished"
    engine = Engine(device="cpu", unfinished=place)
    stopped(engine, request(model), 0.7)
    (kept,) = place.iterdir()
    data = kept.read_bytes()
    kept.write_bytes(data[: len(data) // 2])
    assert engine.steps_done(engine.resolve(request(model))) == 0
    (whole,) = Engine(device="cpu").generate(request(model))
    (again,) = engine.generate(request(model))
    assert again.audio.tobytes() == whole.audio.tobytes()
    place.rmdir()
    place.write_text("a file where the folder should be")
    assert engine.generate(request(model))[0].audio.tobytes() == whole.audio.tobytes()


def test_short_clips_leave_nothing_and_old_remains_go(model, tmp_path):
    place = tmp_path / "unfinished"
    place.mkdir()
    old, new = place / "a-1-1-b.safetensors", place / "c-1-1-d.safetensors"
    for path in (old, new):
        path.write_bytes(b"")
    os.utime(old, (1.0, 1.0))
    engine = Engine(device="cpu", unfinished=place)
    with pytest.raises(Cancelled):
        stopped_token = CancelToken()
        stopped_token.cancel()
        engine.generate(request(model, seconds=2.0), cancel=stopped_token)
    assert sorted(place.iterdir()) == [old, new]
    engine.generate(request(model))
    assert list(place.iterdir()) == [new] and unfinished.KEPT == 7 * files.DAY


def test_the_same_command_goes_on_and_says_so(model, tmp_path, capsys, monkeypatch):
    """Without a seed as well: it takes the one that was drawn."""
    monkeypatch.setattr("musicgen_app.machine.unfinished.folder", lambda: tmp_path / "unfinished")
    bundle = installed.find(model)
    words = ["generate", "soft bells", "--model", str(bundle.path), "--seconds", "5", "--no-keep"]
    words += ["-o", str(tmp_path / "a.wav")]
    keep = unfinished.Unfinished.keep

    def keep_and_stop(self, step, *latents):
        keep(self, step, *latents)
        if step == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(unfinished.Unfinished, "keep", keep_and_stop)
    assert cli.run(words) == 130
    assert "nothing was written; run the same command again to go on" in capsys.readouterr().err
    monkeypatch.setattr(unfinished.Unfinished, "keep", keep)
    assert cli.run(words) == 0
    told = capsys.readouterr().err
    assert "goes on from step 2 of 3 (seed " in told
    assert (tmp_path / "a.wav").exists() and not list((tmp_path / "unfinished").iterdir())
    assert cli.run([*words, "--force"]) == 0 and "goes on" not in capsys.readouterr().err
