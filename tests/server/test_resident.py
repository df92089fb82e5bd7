"""`ttm-app generate --server`: the same bytes from a server that runs, and from here where none can be used."""

from __future__ import annotations

import io
import json
import os
import threading

import pytest

from musicgen_app import __version__, cli
from musicgen_app.aligner import load_aligner
from musicgen_app.engine import CancelToken, Engine
from musicgen_app.errors import Cancelled, GenerationError, RequestError
from musicgen_app.machine import paths
from musicgen_app.machine.user_settings import Settings
from musicgen_app.models import installed
from musicgen_app.request import GenerationRequest
from musicgen_app.server import api, resident, serving
from musicgen_app.server.access import Guard
from support.planned_model import planned

TOKEN = "a token of this test"


@pytest.fixture
def address(context, monkeypatch, tmp_path):
    """A server in this process, with a password that nobody here knows; its file in a folder of this test."""
    import uvicorn

    monkeypatch.setattr(paths, "running", lambda: tmp_path / "run")
    app = Guard(api.application(context), "127.0.0.1", "a password", TOKEN)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not (server.started and server.servers):
        threading.Event().wait(0.01)
    url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    resident.announce(context.settings, url, TOKEN)
    yield url
    server.should_exit = True
    thread.join(20)


@pytest.fixture
def no_engine(monkeypatch):
    """No clip can be made here."""
    monkeypatch.setattr(resident, "own_engine", lambda settings: pytest.fail("it was made here"))


def asked(**values):
    request = {"prompt": "soft bells", "model": "tiny", "seconds": 0.5, "seed": 3, "steps": 2} | values
    return installed.resolve(GenerationRequest(**request))


def through(context, **settings):
    return resident.engine_for(Settings(**{"server": "auto", "library": context.library.folder} | settings), print)


REQUESTS = [
    {},
    {"variations": 3, "negative": "drums"},
    {"plan": "tempo 96\nkey Am\nverse 2: Am F", "prompt": "bells, zork, 7/8"},
    {"best_of": 2, "chords": "Am F", "bpm": 90.0},
    {"loudness": -20.0, "conditions": {}},
    {"bars": 1, "loop": True, "bpm": 240.0, "seconds": None},
]


@pytest.mark.parametrize("values", REQUESTS)
def test_a_result_of_the_server_is_that_of_the_engine(
    address, context, no_engine, engine, values, tiny_aligner, monkeypatch
):
    if "best_of" in values:
        monkeypatch.setitem(vars(engine), "judge", load_aligner(tiny_aligner))
    there, here = through(context).generate(asked(**values)), engine.generate(asked(**values))
    assert len(there) == len(here) == values.get("variations", 1)
    for one, other in zip(there, here, strict=True):
        assert one.audio.dtype == other.audio.dtype and (one.audio == other.audio).all()
        assert {**vars(one), "audio": 0, "seconds_taken": 0} == {**vars(other), "audio": 0, "seconds_taken": 0}
    assert context.library.count() == 0


def test_a_plan_that_was_played_comes_along(tiny_parts, tmp_path):
    model = planned(tiny_parts, tmp_path / "planned")
    request = GenerationRequest("bells in A minor", model=str(model.path), seconds=0.5, seed=1, chords="Am F", bpm=90.0)
    (made,) = Engine(device="cpu").generate(request)
    assert made.plan is not None
    facts = json.loads(json.dumps(resident.packed(made)))
    again = resident.unpacked(facts, io.BytesIO(made.audio.tobytes()))
    assert {**vars(again), "audio": 0} == {**vars(made), "audio": 0} and (again.audio == made.audio).all()
    with pytest.raises(ValueError, match="cut off"):
        resident.unpacked(facts, io.BytesIO(made.audio.tobytes()[:-1]))
    with pytest.raises(ValueError, match="no possible size"):
        resident.unpacked(facts | {"shape": [2, 2**40]}, io.BytesIO())


@pytest.mark.parametrize("format", ["wav", "mp3"])
def test_the_command_writes_the_same_file(address, context, monkeypatch, tmp_path, capsys, format):
    command = ["generate", "soft bells", "--model", "tiny", "--seconds", "0.5", "--seed", "7", "--no-keep", "--json"]
    files = [tmp_path / f"{name}.{format}" for name in ("here", "there")]
    assert cli.run([*command, "-o", str(files[0])]) == 0
    monkeypatch.setattr(resident, "own_engine", lambda settings: pytest.fail("it was made here"))
    assert cli.run([*command, "--server", "auto", "-o", str(files[1])]) == 0
    assert files[0].read_bytes() == files[1].read_bytes()
    here, there = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert here | {"path": 0, "timings": 0} == there | {"path": 0, "timings": 0}


def test_a_batch_goes_through_it_too(address, context, no_engine, tmp_path):
    (tmp_path / "prompts.txt").write_text("soft bells\nloud drums\n")
    options = [
        "--model",
        "tiny",
        "--seconds",
        "0.5",
        "--no-keep",
        "--server",
        "auto",
        "--out-dir",
        str(tmp_path / "out"),
    ]
    assert cli.run(["generate", "--prompts", str(tmp_path / "prompts.txt"), *options]) == 0
    assert len(list((tmp_path / "out").glob("*.wav"))) == 2


def test_progress_and_cancelling_go_through(address, context, no_engine):
    seen, token = [], CancelToken()

    def look(progress):
        seen.append(progress)
        if progress.stage == "sampling":
            token.cancel()

    with pytest.raises(Cancelled):
        through(context).generate(asked(seconds=60.0, steps=1000), look, token)
    assert seen[-1].total == 1000 and seen[-1].step < 900
    (ticket,) = context.requests.tickets("api 127.0.0.1")
    end = threading.Event()
    for _ in range(200):
        if ticket.over:
            break
        end.wait(0.05)
    assert ticket.state == "cancelled"


def test_an_error_of_the_model_is_the_same_error(address, context, no_engine, monkeypatch):
    def fail(*arguments, **options):
        raise GenerationError("the model produced silence: try another seed")

    monkeypatch.setattr(Engine, "generate", fail)
    with pytest.raises(GenerationError, match="silence: try another seed"):
        through(context).generate(asked())


# --- where it cannot be used


def test_only_this_user_can_read_the_file(address, context):
    path = paths.running() / resident.FILE
    assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o077 == 0
    assert isinstance(through(context), resident.ServerEngine)
    path.chmod(0o644)
    assert isinstance(through(context), Engine)


@pytest.mark.parametrize(
    "change", [{"version": "0.0.1"}, {"device": "cuda"}, {"precision": "bf16"}, {"decoder": "onnx"}]
)
def test_a_server_that_differs_is_not_asked(address, context, change):
    path = paths.running() / resident.FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    assert isinstance(through(context), Engine)


@pytest.mark.parametrize("content", ["", "[]", "null", "{", '{"pid": 1}', "[" * 5_000])
def test_a_damaged_file_is_no_server(address, context, content):
    (paths.running() / resident.FILE).write_text(content)
    assert isinstance(through(context), Engine)


@pytest.mark.parametrize("fault", ["gone", "token", "model"])
def test_where_the_server_refuses_the_clip_is_made_here(address, context, fault, monkeypatch, engine):
    told = []
    monkeypatch.setattr(resident, "own_engine", lambda settings: engine)
    path = paths.running() / resident.FILE
    if fault == "model":
        monkeypatch.setattr(resident, "digest", lambda bundle, calls=[]: calls.append(1) or str(len(calls)))
    else:
        facts = {"gone": {"url": "http://127.0.0.1:9"}, "token": {"token": "another"}}[fault]
        path.write_text(json.dumps(json.loads(path.read_text()) | facts))
    maker = resident.engine_for(Settings(server="auto", library=context.library.folder), told.append)
    (made,) = maker.generate(asked())
    assert (made.audio == engine.generate(asked())[0].audio).all()
    assert len(told) == 1 and "made here instead" in told[0]


def test_an_address_that_was_named_is_no_guess(address, context, monkeypatch, no_engine):
    monkeypatch.setenv(resident.KEY, TOKEN)
    assert len(through(context, server=address).generate(asked())) == 1
    monkeypatch.setenv(resident.KEY, "wrong")
    with pytest.raises(RequestError, match="wrong password; leave --server out"):
        through(context, server=address).generate(asked())
    with pytest.raises(RequestError, match="cannot be used"):
        through(context, server="http://127.0.0.1:9").generate(asked())


@pytest.mark.parametrize("value", ["on", "ftp://x", "http://", "http://me@host", "127.0.0.1:7860"])
def test_a_setting_that_is_no_address(home, value, capfd):
    assert cli.run(["generate", "x", "--server", value]) == 2
    assert "server must be auto, off, or an address" in capfd.readouterr().err


def test_a_server_takes_only_its_own_file_away(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "running", lambda: tmp_path / "run")
    path = resident.announce(Settings(), "http://127.0.0.1:1", TOKEN)
    assert json.loads(path.read_text())["version"] == __version__ and len(list(path.parent.iterdir())) == 1
    path.write_text(json.dumps(json.loads(path.read_text()) | {"pid": os.getpid() + 1}))
    resident.withdraw()
    assert path.exists()
    resident.announce(Settings(), "http://127.0.0.1:1", TOKEN)
    resident.withdraw()
    assert not path.exists()
    resident.withdraw()


def test_a_folder_that_cannot_be_written_stops_no_server(tmp_path, monkeypatch, capfd):
    (tmp_path / "file").touch()
    monkeypatch.setattr(paths, "running", lambda: tmp_path / "file" / "run")
    serving._announce(Settings(), "http://127.0.0.1:1", TOKEN)
    assert "will not find this server" in capfd.readouterr().err


@pytest.mark.parametrize("request_", [{}, 3, None, {"prompt": "x", "model": "/etc"}])
@pytest.mark.parametrize("computing", [None, {}, {"device": "auto", "precision": "auto", "decoder": "auto"}])
@pytest.mark.parametrize("version", [1, __version__])
def test_the_route_refuses_what_does_not_fit(client, version, computing, request_):
    body = {"version": version, "bundle": [], "computing": computing, "request": request_}
    assert client.post("/v1/engine", json=body).status_code in (404, 409, 422)
    assert client.post("/v1/engine", json={"version": version}).status_code == 422
