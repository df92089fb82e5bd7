"""Adapters in requests from elsewhere: by the name of an installed one, never by a folder."""

from __future__ import annotations

import os

import pytest

from musicgen_app.engine import Engine
from musicgen_app.errors import ModelError
from musicgen_app.gui.tabs.create_form import request_from
from musicgen_app.machine import paths
from musicgen_app.models.installed import resolve
from musicgen_app.models.publish import install_adapter
from musicgen_app.request import GenerationRequest
from musicgen_app.server import resident
from support.adapter_files import write_random

ASKED = {"prompt": "soft bells", "model": "tiny", "seconds": 0.5, "seed": 3, "steps": 2}


@pytest.fixture
def bright(home, tiny_bundle, tmp_path, monkeypatch):
    """The adapter `bright`, installed; the same folder, not installed, is `loose` in the working directory."""
    monkeypatch.setattr(paths, "adapters", lambda: tmp_path / "adapters")
    monkeypatch.chdir(tmp_path)
    write_random(tmp_path / "loose", tiny_bundle)
    return install_adapter(tmp_path / "loose", "bright")


@pytest.fixture
def opened(monkeypatch):
    """The folders that were opened as adapters."""
    from musicgen_app.models import adapters

    seen, open_adapter = [], adapters.open_adapter
    monkeypatch.setattr(adapters, "open_adapter", lambda path: seen.append(str(path)) or open_adapter(path))
    return seen


def test_a_job_with_an_adapter_is_the_clip_of_the_command_line(bright, client, make, engine):
    job = make(**ASKED, adapters={"bright": 0.5}, format="wav")
    assert job["state"] == "done" and job["request"]["adapters"] == {"bright": 0.5}
    plain = make(**ASKED, format="wav")
    sounds = [client.get(one["clips"][0]["links"]["audio"]).content for one in (job, plain)]
    assert sounds[0] != sounds[1]
    record = client.get(job["clips"][0]["links"]["self"]).json()
    assert record["model"]["adapters"][0]["weights_sha256"] == bright.weights_sha256
    (result,) = engine.generate(GenerationRequest(**ASKED, adapters={"bright": 0.5}))
    assert result.model == record["model"]


@pytest.mark.parametrize(
    "name", ["loose", "./loose", "{folder}/loose", "../loose", "adapters/bright", "~", "/etc", "nobody", "bright/"]
)
@pytest.mark.parametrize("door", ["jobs", "audio/music", "engine", "page"])
def test_no_door_opens_a_folder(bright, client, context, tmp_path, opened, name, door):
    name = name.format(folder=tmp_path)
    values = ASKED | {"adapters": {name: 1.0}}
    if door == "page":
        with pytest.raises(ModelError, match="unknown adapter"):
            request_from(values)
    else:
        body = values if door != "engine" else _for_the_engine(values, context)
        answer = client.post(f"/v1/{door}", json=body)
        assert answer.status_code == 404 and answer.json()["error"]["code"] == 4
        said = answer.json()["error"]["message"]
        assert "unknown adapter" in said and "\n" not in said
    assert set(opened) <= {str(bright.path)}  # which the message names as installed


@pytest.mark.parametrize(
    ("adapters", "words"), [([], "strengths by name"), ({"bright": 5}, "strength"), ({"bright": "1"}, "strength")]
)
def test_what_is_no_strength_is_refused(bright, client, adapters, words):
    answer = client.post("/v1/jobs", json=ASKED | {"adapters": adapters})
    assert answer.status_code == 422 and words in answer.json()["error"]["message"]


def test_an_adapter_that_cannot_be_used_is_told_without_folders(bright, client, tmp_path):
    (bright.path / "optimizer.pt").write_bytes(b"\x80\x04]")
    answer = client.post("/v1/jobs", json=ASKED | {"adapters": {"bright": 1}})
    assert answer.status_code == 404 and answer.json()["error"]["code"] == 4
    assert "can run code" in answer.json()["error"]["message"] and str(tmp_path) not in answer.text


def test_the_engine_of_a_server_answers_only_for_the_same_adapters(bright, client, context, tiny_bundle, tmp_path):
    body = _for_the_engine(ASKED | {"adapters": {"bright": 1.0}}, context, adapters={"bright": 1.0})
    assert client.post("/v1/engine", json=body).status_code == 200
    write_random(tmp_path / "other", tiny_bundle, seed=9)
    install_adapter(tmp_path / "other", "bright", replace=True)
    answer = client.post("/v1/engine", json=body)
    assert answer.status_code == 409 and "other adapters" in answer.json()["error"]["message"]


def test_a_folder_of_the_user_is_played_without_the_server(bright, engine, tmp_path):
    request = resolve(GenerationRequest(**ASKED, adapters={f".{os.sep}loose": 1.0}))
    (result,) = Engine(device="cpu").generate(request)
    (same,) = engine.generate(GenerationRequest(**ASKED, adapters={"bright": 1.0}))
    assert (result.audio == same.audio).all()


def _for_the_engine(values: dict, context, adapters: dict | None = None) -> dict:
    found = resolve(GenerationRequest(**ASKED, adapters=adapters or {}))
    return {
        "version": resident.__version__,
        "bundle": resident.digest(found.bundle),
        "computing": resident.computing(context.settings),
        "request": found.request.to_dict() | {"adapters": values["adapters"]},
    }
