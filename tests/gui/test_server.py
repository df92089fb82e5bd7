"""The server of `ttm-app gui`: its API, what can be fetched, who comes in. A real process, real files, no network."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from musicgen_app import audio
from musicgen_app.cli import run
from musicgen_app.cli.serving.listening import listener_on
from support.gui_server import GuiServer

pytestmark = pytest.mark.slow

EXAMPLE = Path(__file__).parents[2] / "docs" / "browser.md"
SECRET = "the secret of this test"


@pytest.fixture(scope="module")
def server(tmp_path_factory, tiny_bundle):
    """One for all tests; when they are done nothing outside was ever looked for."""
    server = GuiServer(tmp_path_factory.mktemp("gui"), tiny_bundle.path)
    (server.work / "secret.txt").write_text(SECRET)
    (server.home / "config").mkdir()
    server.start()
    yield server
    assert server.stop() == 0
    assert not server.log.exists(), server.log.read_text()
    assert "Traceback" not in server.errors.read_text(), server.errors.read_text()


def client_of(server, folder, **options):
    from gradio_client import Client

    return Client(server.url, verbose=False, download_files=str(folder), **options)


@pytest.fixture
def client(server, tmp_path):
    return client_of(server, tmp_path / "downloads")


def fetch(url: str, data: bytes | None = None, **headers) -> tuple[int, bytes, dict]:
    request = urllib.request.Request(url, data, {k.replace("_", "-"): v for k, v in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read(), dict(answer.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(), dict(error.headers)


# --- the API


def test_only_three_functions_are_public_and_each_is_explained(client):
    endpoints = client.view_api(return_format="dict", print_info=False)
    assert set(endpoints["named_endpoints"]) == {"/generate", "/models", "/library"}
    assert endpoints["unnamed_endpoints"] == {}
    info = json.loads(fetch(client.src + "gradio_api/info")[1])["named_endpoints"]
    assert set(info) == {"/generate", "/models", "/library"}
    assert [p["parameter_name"] for p in info["/generate"]["parameters"]][:3] == ["prompt", "seconds", "seed"]


def test_the_api_and_the_command_line_make_the_same_bytes(server, client):
    request = {"seconds": 0.7, "seed": 2**60 + 1, "negative": "drums", "guidance": 3.5}
    (clip,) = client.predict("soft bells", **request, api_name="/generate")["clips"]
    options = [
        "--model",
        "tiny",
        "--seconds",
        "0.7",
        "--seed",
        str(2**60 + 1),
        "--negative",
        "drums",
        "--guidance",
        "3.5",
    ]
    ran = server.run("generate", "soft bells", *options, "-o", "same.wav")
    assert ran.returncode == 0, ran.stderr
    assert Path(clip["file"]).read_bytes() == (server.work / "same.wav").read_bytes()
    assert fetch(f"{server.url}clips/{clip['id']}.wav")[1] == (server.work / "same.wav").read_bytes()
    assert clip["seed"] == 2**60 + 1


def test_the_api_and_the_command_line_play_the_same_plan(server, client):
    sheet = "tempo 96 · key Am · no drums\nverse 2: Am F"
    (server.work / "song.txt").write_text(sheet, encoding="utf-8")
    plan = {"tempo": 96, "key": "A minor", "drums": False,
            "sections": [{"bars": 2, "name": "verse", "chords": [["Am", 4], ["F", 4]]}]}  # fmt: skip
    files = []
    for form in (sheet, plan):
        options = {"plan": form, "bpm": 90, "form": "verse | verse"}
        (clip,) = client.predict("soft bells", seconds=0.5, seed=3, **options, api_name="/generate")["clips"]
        files.append(Path(clip["file"]).read_bytes())
    options = ["--plan", "song.txt", "--bpm", "90", "--form", "verse | verse", "--model", "tiny", "--seconds", "0.5"]
    ran = server.run("generate", "soft bells", "--seed", "3", *options, "-o", "planned.wav")
    assert ran.returncode == 0, ran.stderr
    assert files[0] == (server.work / "planned.wav").read_bytes()
    assert audio.read(server.work / "planned.wav")[0].shape[1] == 4_000 and len(files[0]) != len(files[1])  # its tags


def test_the_api_tells_where_a_request_stands(client):
    job = client.submit("soft bells", steps=300, variations=2, api_name="/generate")
    states = list(job)
    assert states[-1]["state"] == "done" and len(states[-1]["clips"]) == 2
    assert [state["state"] for state in states] == sorted(
        (s["state"] for s in states), key=["waiting", "running", "done"].index
    )
    sampled = [state["step"] for state in states if state["stage"] == "sampling"]
    assert len(sampled) > 2 and all(state["total"] == 300 for state in states if state["stage"] == "sampling")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"prompt": ""}, "prompt is empty"),
        ({"prompt": "x" * 10_000_000}, "10,000,000 characters"),
        ({"prompt": "x", "seconds": 601}, "from 0.5 to 600"),
        ({"prompt": "x", "model": "../../models/tiny"}, "is installed"),
        ({"prompt": "x", "format": "../../x.wav"}, "format must be one of"),
        ({"prompt": "x", "seed": "7; rm"}, "seed must be a whole number"),
        ({"prompt": "x", "guidance_interval": [0.9, 0.1]}, "lower end first"),
        ({"prompt": {"a": 1}}, "prompt must be text"),
    ],
)
def test_an_error_is_one_line_of_the_request(client, values, message):
    with pytest.raises(Exception, match=message) as caught:
        client.predict(**values, api_name="/generate")
    assert "\n" not in str(caught.value)


def test_library_and_models(client):
    made = client.predict("a very rare word: xylophonic", api_name="/generate", format=".flac")["clips"][0]
    (found,) = client.predict("XYLOPHONIC rare", api_name="/library")
    assert found["id"] == made["id"] and found["file"].endswith(".flac")
    assert client.predict("xylophonic", favourite=True, api_name="/library") == []
    assert client.predict(api_name="/models")[0]["name"] == "sketch"
    with pytest.raises(Exception, match="limit must be from 1"):
        client.predict(limit=10**6, api_name="/library")


def test_the_example_of_the_page_about_the_browser(server, tmp_path, monkeypatch, capsys):
    (example,) = re.findall(r"```python\n(from gradio_client .*?)```", EXAMPLE.read_text(encoding="utf-8"), re.S)
    monkeypatch.chdir(tmp_path)
    exec(compile(example.replace("http://127.0.0.1:7860", server.url), "browser.md", "exec"), {})
    (path,) = (line for line in capsys.readouterr().out.splitlines() if line.endswith(".wav"))
    assert audio.read(path)[1] == 8_000


def test_a_cancelled_job_stops(server, client):
    before = len(server.clips())
    job = client.submit("a long one", seconds=60, steps=1_000, variations=8, api_name="/generate")
    wait_for(lambda: any(state["stage"] == "sampling" for state in job.outputs()))
    job.cancel()
    began = time.monotonic()
    client.predict("a short one", api_name="/generate")
    assert time.monotonic() - began < 20 and len(server.clips()) == before + 1


def test_fifty_requests_of_five_users_and_none_is_lost(server, tmp_path):
    before, done = len(server.clips()), []

    def user(number):
        mine = client_of(server, tmp_path / str(number))
        jobs = [mine.submit(f"user {number}", seed=i, steps=1, api_name="/generate") for i in range(10)]
        done.extend((number, clip["seed"]) for job in jobs for clip in job.result(timeout=120)["clips"])

    threads = [threading.Thread(target=user, args=[number]) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(150)
    assert sorted(done) == [(number, seed) for number in range(5) for seed in range(10)]
    assert len(server.clips()) == before + 50


def wait_for(condition, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


# --- what can be fetched


def test_the_page_asks_for_nothing_from_elsewhere(server):
    page = fetch(server.url)[1].decode()
    assert '"title":"ttm-app"' in page
    sources = re.findall(r"""(?:src|href)=["']?([^"'\s>]+)|url\(["']?([^"')]+)|@import ["']([^"']+)""", page)
    theme = fetch(server.url + "theme.css")[1].decode()
    sources += re.findall(r"""url\(["']?([^"')]+)|@import ["']([^"']+)""", theme)
    outside = [s for found in sources for s in found if s.startswith(("http:", "https:", "//"))]
    assert outside == [] and "googleapis" not in page + theme
    config = json.loads(fetch(server.url + "config")[1])
    assert (
        not config.get("run_history") and config["footer_links"] == [] and config.get("analytics_enabled") is not True
    )


@pytest.mark.parametrize(
    "path",
    [
        "gradio_api/file={work}/secret.txt",
        "gradio_api/file={home}/models/tiny/config.json",
        "gradio_api/file={home}/results/../models/tiny/config.json",
        "gradio_api/file={home}/results/%2e%2e/models/tiny/config.json",
        "gradio_api/file=/etc/passwd",
        "gradio_api/file=secret.txt",
        "gradio_api/file=/tmp/../etc/passwd",
        "file={work}/secret.txt",
        "clips/..%2f..%2fmodels%2ftiny%2fconfig.json",
        "clips/%2e%2e/%2e%2e/etc/passwd",
        "clips/0123456789ab.wav%00.png",
        "clips/0123456789ab.py",
        "clips/ffffffffffff.wav",
        "clips.zip?ids=../../etc/passwd",
        "clips.zip?ids=ffffffffffff",
        "clips.zip?ids=",
        "static/../../../etc/passwd",
        "assets/..%2f..%2f..%2fetc%2fpasswd",
        "gradio_api/file=http://127.0.0.1:1/x",
        "gradio_api/proxy=http://127.0.0.1:1/x",
    ],
)
def test_nothing_but_clips_can_be_fetched(server, path):
    status, body, _ = fetch(server.url + path.format(work=server.work, home=server.home))
    assert status in (400, 403, 404, 405, 422), (status, body[:80])
    assert SECRET.encode() not in body and b"root:" not in body and b"backbone" not in body


def test_a_temporary_file_cannot_be_fetched(server, tmp_path):
    (tmp_path / "x.txt").write_text(SECRET)
    assert fetch(f"{server.url}gradio_api/file={tmp_path}/x.txt")[0] == 403


def test_clips_come_in_every_format_and_in_parts(server, client):
    (clip,) = client.predict("soft bells", seed=3, api_name="/generate")["clips"]
    address = f"{server.url}clips/{clip['id']}"
    status, whole, headers = fetch(address + ".wav")
    assert (status, headers["content-type"], headers["x-content-type-options"]) == (200, "audio/wav", "nosniff")
    assert fetch(address + ".wav", range="bytes=0-99")[:2] == (206, whole[:100])
    for suffix, magic in ((".flac", b"fLaC"), (".ogg", b"OggS"), (".mp3", b"ID3")):
        status, body, headers = fetch(f"{address}{suffix}?download=1")
        assert status == 200 and body.startswith(magic)
        assert re.fullmatch(rf'attachment; filename="soft-bells-3-[0-9a-f]+\{suffix}"', headers["content-disposition"])
    assert fetch(address + ".png")[1].startswith(b"\x89PNG")


def test_a_selection_comes_as_a_zip(server, client, tmp_path):
    import zipfile

    clips = client.predict("soft bells", variations=2, seed=5, api_name="/generate")["clips"]
    status, body, _ = fetch(f"{server.url}clips.zip?ids={','.join(clip['id'] for clip in clips)}&suffix=.flac")
    (tmp_path / "x.zip").write_bytes(body)
    names = zipfile.ZipFile(tmp_path / "x.zip").namelist()
    assert status == 200 and sorted(Path(name).suffix for name in names) == [".flac", ".flac", ".json", ".json"]


def test_other_sites_and_other_names_are_refused(server):
    assert fetch(server.url, origin="http://evil.example")[0] == 403
    assert fetch(server.url, host="evil.example")[0] == 403
    body = json.dumps({"data": [], "fn_index": 0, "session_hash": "x"}).encode()
    assert fetch(server.url + "gradio_api/queue/join", body, content_type="application/json", origin="null")[0] == 403


# --- starting


def test_an_open_address_without_a_password_is_refused(home, capfd, monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    assert run(["gui", "--host", "0.0.0.0", "--port", "0"]) == 2
    assert "password is needed" in capfd.readouterr().err
    assert run(["gui", "--host", "0.0.0.0", "--port", "0", "--password", "short"]) == 2
    assert "too short" in capfd.readouterr().err


def test_a_missing_gradio_is_one_line(home, capfd, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "gradio", None)
    assert run(["gui"]) == 6
    assert capfd.readouterr() == ("", "error: the page needs the package gradio: pip install gradio\n")


def test_the_next_port_is_taken_only_where_none_was_asked_for(home, capfd):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with listener_on("127.0.0.1", port, any_port=True) as other:
            assert other.getsockname()[1] not in (0, port)
        assert run(["gui", "--port", str(port)]) == 2
        assert f"port {port} of 127.0.0.1 is taken" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("options", "printed", "opened"),
    [
        (["--open"], "http://127.0.0.1:7999/\n", True),
        (["--no-open"], "http://127.0.0.1:7999/\n", False),
        ([], "http://127.0.0.1:7999/\n", False),  # no person is looking
        (["--json"], '{"url": "http://127.0.0.1:7999/", "library": "LIBRARY"}\n', False),
    ],
)
def test_the_address_is_printed_and_opened(home, capfd, monkeypatch, options, printed, opened):
    seen = []
    monkeypatch.setattr("musicgen_app.server.serving.serve", lambda *a: a[-1]("http://127.0.0.1:7999/"))
    monkeypatch.setattr("webbrowser.open", seen.append)
    assert run(["gui", "--port", "0", *options]) == 0
    assert capfd.readouterr() == (printed.replace("LIBRARY", str(home / "results")), "")
    assert seen == ["http://127.0.0.1:7999/"] * opened


def test_the_password_may_stand_in_the_environment(home, monkeypatch):
    given = []
    monkeypatch.setattr(
        "musicgen_app.server.serving.serve", lambda settings, listener, password, build, ready: given.append(password)
    )
    assert run(["gui", "--port", "0"]) == 0
    monkeypatch.setenv("TTM_APP_GUI_PASSWORD", "from outside")
    assert run(["gui", "--port", "0", "--host", "0.0.0.0"]) == 0
    assert run(["gui", "--port", "0", "--password", "from the flag"]) == 0
    assert given == [None, "from outside", "from the flag"]


def test_an_address_that_is_not_ours_is_refused(home, capfd):
    assert run(["gui", "--host", "192.0.2.1", "--password", "correct horse"]) == 2
    assert re.fullmatch(r"error: cannot listen on 192.0.2.1 .*\n", capfd.readouterr().err)


def test_with_a_password_a_client_comes_in_and_others_do_not(tmp_path, tiny_bundle):
    server = GuiServer(tmp_path, tiny_bundle.path)
    url = server.start("--host", "0.0.0.0", "--password", "correct horse")
    try:
        assert url.startswith("http://127.0.0.1:")
        for path in ("", "config", "gradio_api/info", "clips/0123456789ab.wav", "theme.css", "gradio_api/heartbeat/x"):
            assert fetch(url + path)[0] == 401, path
        with pytest.raises(Exception, match="401|redentials|password"):
            client_of(server, tmp_path, auth=("me", "wrong password"))
        client = client_of(server, tmp_path, auth=("me", "correct horse"))
        assert client.predict("soft bells", api_name="/generate")["state"] == "done"
    finally:
        assert server.stop() == 0
    assert "correct horse" not in server.errors.read_text()
