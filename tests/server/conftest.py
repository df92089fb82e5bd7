"""The API in this process, with the tiny model and a library of its own, behind the guard of a local server."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from musicgen_app import Engine
from musicgen_app.library import Library
from musicgen_app.machine.user_settings import Settings
from musicgen_app.server import api
from musicgen_app.server.access import Guard
from musicgen_app.server.context import Context
from musicgen_app.server.request_queue import EngineHolder, RequestQueue
from support.api_jobs import until_ended

ADDRESS = "http://127.0.0.1:7860"


@pytest.fixture(scope="session")
def engine() -> Engine:
    """One for all tests of this folder."""
    return Engine(device="cpu")


@pytest.fixture
def context(home, engine, tmp_path):
    kept = Library(tmp_path / "results")
    holder = EngineHolder(lambda: engine)
    settings = Settings(model="tiny", seconds=0.5, library=kept.folder)
    context = Context(holder, kept, settings, RequestQueue(holder, kept, places=8))
    yield context
    context.requests.close()
    context.recordings.close()


@pytest.fixture
def client(context):
    with TestClient(Guard(api.application(context), "127.0.0.1"), ADDRESS, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def make(client):
    """A function: fields of a request -> its job, when it has ended."""

    def make(**values) -> dict:
        made = client.post("/v1/jobs", json={"prompt": "soft bells", "steps": 2} | values)
        assert made.status_code == 202, made.text
        return until_ended(client, made.json()["id"])

    return make
