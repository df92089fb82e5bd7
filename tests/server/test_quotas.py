"""What one visitor may have waiting: places in the queue and seconds of music, whatever names it gives itself."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from musicgen_app.models import installed
from musicgen_app.request import GenerationRequest
from musicgen_app.server.access import Guard
from musicgen_app.server.api import application
from musicgen_app.server.context import Context
from musicgen_app.server.request_queue import QueueFull, RequestQueue
from musicgen_app.server.work import Generation

PLACES = 20


class Busy:
    """An engine that nobody gets."""

    def __init__(self) -> None:
        self.gate = threading.Event()

    def lend(self):
        self.gate.wait()
        raise RuntimeError("over")


@pytest.fixture
def busy(context):
    """A queue of which nothing is worked off, with a limit of a minute of music."""
    engine = Busy()
    queue = RequestQueue(engine, context.library, PLACES, music=60.0)
    yield queue
    engine.gate.set()
    queue.close()


@pytest.fixture
def ask(busy, context):
    bundle = installed.find_installed("tiny", context.models_dir)

    def ask(owner: str, visitor: str | None, **values):
        request = installed.completed(GenerationRequest("bells", model="tiny", **{"seconds": 1} | values), bundle)
        return busy.submit(owner, Generation(request), ".wav", "gui", visitor=visitor)

    return ask


def test_forty_invented_names_have_the_places_of_one_visitor(busy, ask):
    refused = 0
    for i in range(40):
        try:
            ask(f"browser {i}", "10.0.0.1")
        except QueueFull:
            refused += 1
    assert 40 - refused in (PLACES // 4, PLACES // 4 + 1)  # one may be in work
    assert ask("another", "10.0.0.2").state == "waiting"


def test_music_is_counted_with_all_its_variations_and_candidates(busy, ask):
    ask("a", "10.0.0.1", seconds=5, variations=2, best_of=4)
    with pytest.raises(QueueFull, match="asks for 30 s of music, and 40 s wait already: each may have 60 s"):
        ask("b", "10.0.0.1", seconds=30)
    ask("b", "10.0.0.1", seconds=20)
    ask("c", "10.0.0.2", seconds=60)
    with pytest.raises(QueueFull, match="asks for 80 s of music: each may have 60 s waiting; ask for less"):
        ask("c", "10.0.0.3", seconds=20, variations=4)


def test_what_was_cancelled_is_counted_no_more(busy, ask):
    ask("first", "x", seconds=1)
    ticket = ask("a", "10.0.0.1", seconds=60)
    busy.cancel("a", ticket.id)
    assert ask("a", "10.0.0.1", seconds=60).state == "waiting"


def test_lengths_in_bars_are_counted_too():
    request = GenerationRequest("x", variations=2, bars=8)
    assert Generation(request).music == 2 * 8 * 4
    assert Generation(replace(request, bars=None, loop=True)).music == 2 * 32 * 4


def test_programs_have_them_by_address(context, busy, home):
    from fastapi.testclient import TestClient

    limited = Context(context.engine, context.library, context.settings, busy, context.models_dir)
    guard = Guard(application(limited), "0.0.0.0", "correct horse")
    key = {"Authorization": "Bearer correct horse"}
    with TestClient(guard, "http://127.0.0.1:7860", client=("10.0.0.1", 1), headers=key) as client:
        statuses = [client.post("/v1/jobs", json={"prompt": "bells"}).status_code for _ in range(12)]
        assert statuses[:5] == [202] * 5 and statuses[-1] == 429
    with TestClient(guard, "http://127.0.0.1:7860", client=("10.0.0.2", 1), headers=key) as client:
        assert client.post("/v1/jobs", json={"prompt": "bells", "seconds": 10, "variations": 7}).status_code == 429
        made = client.post("/v1/jobs", json={"prompt": "bells", "seconds": 10, "variations": 6})
        assert made.status_code == 202 and made.headers["location"] == made.json()["links"]["self"]
