"""`ttm-app serve` as a process: the examples of its documentation run, and it cannot be hurt or left behind."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from musicgen_app import audio
from support.gui_server import GuiServer

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[2] / "docs" / "api.md"
KEY = "correct horse"


@pytest.fixture(scope="module")
def server(tmp_path_factory, tiny_bundle):
    """One for all tests; when they are done nothing outside was ever looked for, and no error was unexpected."""
    server = GuiServer(tmp_path_factory.mktemp("serve"), tiny_bundle.path)
    server.start(command=("serve",))
    yield server
    assert server.stop() == 0
    assert not server.log.exists(), server.log.read_text()
    assert server.errors.read_text() == ""


def fetch(server, path: str, body: object = None, **headers) -> tuple[int, bytes, dict]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(server.url.rstrip("/") + path, data, headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read(), dict(answer.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(), dict(error.headers)


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.S | re.M)


def ran(command: list[str], server, folder: Path) -> str:
    environment = server.environment | {"PYTHONPATH": str(server.gate)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return done.stdout


def here(server, block: str) -> str:
    assert "http://127.0.0.1:7860" in block
    return block.replace("http://127.0.0.1:7860", server.url.rstrip("/"))


# --- the examples


def test_the_examples_with_curl_run(server, tmp_path):
    if not shutil.which("curl"):
        pytest.skip("there is no curl")
    calls = [block for block in blocks("sh") if "curl" in block]
    assert len(calls) == 5
    script = "\n".join(here(server, block) for block in calls)
    told = ran(["bash", "-euo", "pipefail", "-c", script], server, tmp_path)
    assert audio.read(tmp_path / "piano.flac")[0].shape[1] == 80_000
    assert audio.read(tmp_path / "jazz-1.mp3")[1] == 8_000
    assert all((tmp_path / name).read_bytes().startswith(b"MThd") for name in ("jazz-1.mid", "verse.mid"))
    assert audio.read(tmp_path / "strings.wav")[0].shape[1] == 64_000
    assert audio.read(tmp_path / "ended.flac")[0].shape[1] > 64_000
    assert (tmp_path / "night.zip").read_bytes().startswith(b"PK")
    assert (tmp_path / "night.mid").read_bytes().startswith(b"MThd")
    assert "event: end" in told and '"tempo":96' in told and "Cm Ab" in told


def test_the_example_in_python_runs(server, tmp_path):
    block = "\n".join(blocks("python"))
    told = ran([sys.executable, "-c", here(server, block)], server, tmp_path)
    assert told.splitlines()[-1] == "done None ['repaint of 7.flac']"
    assert audio.read(tmp_path / "7.flac")[0].shape[1] == 4_000


def test_the_example_in_javascript_runs(server, tmp_path):
    if not shutil.which("node"):
        pytest.skip("there is no node")
    (block,) = blocks("javascript")
    (tmp_path / "example.mjs").write_text(here(server, block), encoding="utf-8")
    seed, edited = ran(["node", "example.mjs"], server, tmp_path).splitlines()
    assert seed == "7" and edited.startswith("done continue of ")
    assert audio.read(tmp_path / "piano.mp3")[1] == 8_000


def test_the_page_names_every_route_group_and_every_error(server):
    text = PAGE.read_text(encoding="utf-8")
    told = json.loads(fetch(server, "/v1/openapi.json")[1])
    assert all(f"/v1{path.split('/{')[0]}" in text for path in told["paths"] if path != "/")
    kinds = told["components"]["schemas"]["Error"]["properties"]["error"]["properties"]["type"]["enum"]
    assert all(f"`{kind}`" in text for kind in kinds if kind not in ("unexpected", "method_not_allowed"))


# --- the process


def test_it_answers_without_the_page_and_without_gradio(server, tmp_path):
    assert fetch(server, "/")[0] == 404
    assert json.loads(fetch(server, "/v1")[1])["name"] == "ttm-app"
    code = (
        "import sys, musicgen_app.server.api, musicgen_app.server.serving, musicgen_app.cli.serving.serve;"
        "print('gradio' in sys.modules)"
    )
    assert (
        ran([sys.executable, "-c", f"import sys; sys.path[:0] = {sys.path!r}; {code}"], server, tmp_path) == "False\n"
    )


def test_the_same_bytes_as_the_command_line(server):
    body = {"prompt": "soft bells", "seed": 2**60 + 1, "guidance": 3.5, "seconds": 0.7}
    status, sound, headers = fetch(server, "/v1/audio/music", body)
    options = ["--seed", str(2**60 + 1), "--guidance", "3.5", "--seconds", "0.7", "-o", "same.wav"]
    done = server.run("generate", "soft bells", *options)
    assert done.returncode == 0, done.stderr
    assert status == 200 and sound == (server.work / "same.wav").read_bytes()
    assert headers["x-seed"] == str(2**60 + 1)


def connect(server) -> socket.socket:
    host, port = re.search(r"//([\d.]+):(\d+)", server.url).groups()
    return socket.create_connection((host, int(port)), timeout=30)


def test_a_client_that_goes_away_cancels_its_work(server):
    before = json.loads(fetch(server, "/v1/library")[1])["total"]
    body = json.dumps({"prompt": "a long one", "seconds": 60, "steps": 1000, "variations": 1}).encode()
    body = body.replace(b', "variations": 1', b"")
    with connect(server) as line:
        line.sendall(
            b"POST /v1/audio/music HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        )
        running = wait_for(lambda: [job for job in jobs(server) if job["state"] == "running"])
    ended = wait_for(
        lambda: [job for job in jobs(server) if job["id"] == running[0]["id"] and job["state"] == "cancelled"]
    )
    assert ended[0]["clips"] == [] and json.loads(fetch(server, "/v1/library")[1])["total"] == before


def jobs(server) -> list[dict]:
    return json.loads(fetch(server, "/v1/jobs")[1])["jobs"]


def wait_for(look, seconds: float = 30.0):
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)
    return found


@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/edits", "/v1/layers", "/v1/plans/convert", "/v1/audio/music"])
def test_a_body_in_chunks_is_refused_as_soon_as_it_is_too_long(server, path):
    import psutil

    process = psutil.Process(server.process.pid)
    before = process.memory_info().rss
    with connect(server) as line:
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        line.sendall(head.encode())
        sent = 0
        try:
            while sent < 200 * 2**20:
                line.sendall(b"100000\r\n" + b"x" * 2**20 + b"\r\n")
                sent += 2**20
        except OSError:
            pass  # it was told, and hung up on
        assert sent < 60 * 2**20, sent
        with_answer = b""
        try:
            with_answer = line.recv(65_536)
        except OSError:
            pass
        assert with_answer == b"" or b" 413 " in with_answer.split(b"\r\n")[0]
    assert process.memory_info().rss - before < 30 * 2**20
    assert fetch(server, "/v1")[0] == 200


def sent(server) -> set[Path]:
    """The recordings that are there."""
    return set((server.home / "cache" / "recordings").glob("*/*"))


@pytest.mark.parametrize("head", [b"Content-Length: 5000000", b"Transfer-Encoding: chunked"])
def test_a_recording_that_is_cut_off_leaves_nothing(server, head):
    before = sent(server)
    with connect(server) as line:
        line.sendall(b"POST /v1/recordings HTTP/1.1\r\nHost: 127.0.0.1\r\n" + head + b"\r\n\r\n")
        line.sendall((b"" if b"Length" in head else b"100000\r\n") + b"x" * 1_000_000)
        wait_for(lambda: sent(server) > before)
    wait_for(lambda: sent(server) == before)
    assert fetch(server, "/v1")[0] == 200


def test_a_recording_without_a_length_has_the_same_limit(server):
    before = sent(server)
    with connect(server) as line:
        line.sendall(b"POST /v1/recordings HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n")
        count = 0
        try:
            while count < 200:
                line.sendall(b"100000\r\n" + b"x" * 2**20 + b"\r\n")
                count += 1
        except OSError:
            pass  # it was told, and hung up on
    assert 60 <= count < 130
    wait_for(lambda: sent(server) == before)


def test_events_end_when_the_server_stops(tmp_path, tiny_bundle):
    server = GuiServer(tmp_path, tiny_bundle.path)
    server.start(command=("serve",))
    job = json.loads(fetch(server, "/v1/jobs", {"prompt": "a long one", "seconds": 60, "steps": 1000})[1])
    with urllib.request.urlopen(server.url.rstrip("/") + job["links"]["events"], timeout=30) as events:
        assert events.readline().startswith(b"event: progress")
        assert server.stop() == 0
    assert "Traceback" not in server.errors.read_text()


def test_an_open_address_needs_a_key(tmp_path, tiny_bundle):
    server = GuiServer(tmp_path, tiny_bundle.path)
    refused = server.run("serve", "--host", "0.0.0.0", "--port", "0")
    assert refused.returncode == 2 and "TTM_APP_API_KEY" in refused.stderr
    server.start("--host", "0.0.0.0", "--api-key", KEY, command=("serve",))
    try:
        assert fetch(server, "/v1/models")[0] == 401
        assert fetch(server, "/v1/openapi.json")[0] == 401
        assert fetch(server, "/v1/models", Authorization=f"Bearer {KEY}")[0] == 200
        status, sound, _ = fetch(server, "/v1/audio/music", {"prompt": "soft bells"}, Authorization=f"Bearer {KEY}")
        assert status == 200 and sound.startswith(b"RIFF")
    finally:
        assert server.stop() == 0
    assert server.errors.read_text() == ""


def test_the_page_has_the_same_api_and_queue(tmp_path, tiny_bundle):
    server = GuiServer(tmp_path, tiny_bundle.path)
    server.start()
    try:
        status, sound, headers = fetch(server, "/v1/audio/music", {"prompt": "soft bells", "seed": 3})
        assert status == 200 and sound.startswith(b"RIFF")
        assert fetch(server, f"/clips/{headers['x-clip-id']}.wav")[1] == sound
        assert json.loads(fetch(server, "/v1/nothing")[1])["error"]["type"] == "not_found"
        assert fetch(server, "/", Accept="text/html")[1].startswith(b"<!doctype html>")
    finally:
        assert server.stop() == 0
