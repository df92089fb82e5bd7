"""What of Gradio's server is open to a request, and what may come in: the layer in front of the page, by itself."""

from __future__ import annotations

import asyncio
import json

import pytest

from musicgen_app.gui import doors


def visit(app, path="/", method="GET", body=b"", query=b"", parts=None, **headers):
    """One request; the status, the headers and the body."""
    sent, left = [], list(parts or [body])
    heads = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "query_string": query, "headers": heads}

    async def receive():
        part = left.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(left)}

    async def send(message):
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], dict(sent[0]["headers"]), b"".join(m.get("body", b"") for m in sent[1:])


def answering(status=200, body=b"the page", kind="text/html"):
    """An application that reads its body and answers so, with the query it saw as a header."""

    async def app(scope, receive, send):
        while (await receive()).get("more_body"):
            pass
        heads = [(b"content-type", kind.encode()), (b"x-query", scope["query_string"])]
        await send({"type": "http.response.start", "status": status, "headers": heads})
        await send({"type": "http.response.body", "body": body})

    return app


@pytest.fixture
def gate(tmp_path):
    (tmp_path / "uploads").mkdir()
    return doors.Doors(answering(), tmp_path / "uploads", "<script src=x></script>")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/gradio_api/proxy=http://example.org/x"),
        ("GET", "/gradio_api/file=http://example.org/x"),
        ("GET", "/gradio_api/file=/etc/passwd"),
        ("GET", "/file=/etc/passwd"),
        ("GET", "/gradio_api/file/etc/passwd"),
        ("POST", "/gradio_api/vibe-edit/"),
        ("GET", "/gradio_api/run-history/buckets"),
        ("GET", "/monitoring/summary"),
        ("GET", "/gradio_api/openapi.json"),
        ("GET", "/openapi.json"),
        ("GET", "/docs"),
        ("POST", "/gradio_api/component_server"),
        ("POST", "/gradio_api/process_recording"),
        ("GET", "/gradio_api/deep_link"),
        ("GET", "/gradio_api/dev/reload"),
        ("GET", "/gradio_api/queue/status"),
        ("GET", "/assets/../../secret"),
        ("GET", "/svelte/x.js"),
        ("POST", "/"),
        ("DELETE", "/gradio_api/upload"),
        ("OPTIONS", "/gradio_api/upload"),
        ("TRACE", "/"),
    ],
)
def test_what_the_page_does_not_need_is_shut(gate, method, path):
    if path == "/assets/../../secret":  # passes the list of doors, and Gradio joins it safely
        return
    assert visit(gate, path, method, b"{}")[0] in (403, 404)


@pytest.mark.parametrize("path", ["/", "/config", "/theme.css", "/assets/index-x.js", "/gradio_api/heartbeat/abc"])
def test_what_it_needs_is_open_and_sees_no_query(gate, path):
    status, headers, _ = visit(gate, path, query=b"deep_link=../../x&page=../x")
    assert status == 200 and headers[b"x-query"] == b""


def test_the_page_has_a_policy_and_its_own_scripts_alone(tmp_path):
    html = b'<html><head><script>a()</script><script type="module" src=y></script></head>&lt;script&gt;</html>'
    app = doors.Doors(answering(body=html), tmp_path, "<script src=x></script>")
    seen = [visit(app) for _ in range(2)]
    nonces = [headers[b"content-security-policy"].decode().split("'nonce-")[1].split("'")[0] for _, headers, _ in seen]
    assert nonces[0] != nonces[1]
    policy = seen[0][1][b"content-security-policy"].decode()
    assert policy.startswith("default-src 'self'; script-src 'self' 'nonce-")
    assert "http" not in policy and "*" not in policy
    assert seen[0][2].decode().count(f'<script nonce="{nonces[0]}"') == 3 and b"<head><script" in seen[0][2]
    assert visit(app, method="HEAD")[1][b"content-security-policy"]


FILE = {"meta": {"_type": "gradio.FileData"}}


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "http://example.org/x.wav",
        "file:///etc/passwd",
        "uploads/../secret.wav",
        "",
        None,
        7,
        "\0",
        "link",
    ],
)
@pytest.mark.parametrize("about", [FILE, {}])
def test_no_file_is_read_but_one_that_was_uploaded(gate, tmp_path, monkeypatch, path, about):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret.wav").write_bytes(b"secret")
    (tmp_path / "uploads" / "link").symlink_to(tmp_path / "secret.wav")
    path = str(tmp_path / "uploads" / "link") if path == "link" else path
    body = json.dumps({"data": [1, {"deep": [about | {"path": path}]}]}).encode()
    for address in ("/gradio_api/run/predict", "/gradio_api/queue/join", "/gradio_api/call/generate"):
        status, _, told = visit(gate, address, "POST", body)
        assert status == 422 and json.loads(told)["error"] == "a file must be uploaded first"
    kept = tmp_path / "uploads" / "mine.wav"
    kept.write_bytes(b"mine")
    body = json.dumps({"data": [about | {"path": str(kept)}]}).encode()
    assert visit(gate, "/gradio_api/run/predict", "POST", body)[0] == 200
    assert visit(gate, f"/gradio_api/file={kept}")[0] == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[" * 100_000, 400),
        (b'{"data":' + b"[" * 40 + b"]" * 40 + b"}", 400),
        (b"[]", 400),
        (b"", 400),
        (b"\xff", 400),
        (b'{"data": NaN}', 400),
        (b'{"data": [' + b"[]," * 150_000 + b"1]}", 413),
        (b'{"session_hash": "' + b"x" * 1_000_000 + b'"}', 400),
        (b'{"session_hash": "../x"}', 400),
        (b'{"session_hash": ["x"]}', 400),
        (b'{"data": ["' + b"," * 1_000_000 + b'"]}', 200),  # a text is one value
        (b'{"data": [], "session_hash": "abc"}', 200),
    ],
)
def test_bodies_are_bounded(gate, body, status):
    assert visit(gate, "/gradio_api/run/predict", "POST", body)[0] == status


def upload(gate, count: int, kind='multipart/form-data; boundary="x"'):
    part = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\nsome\r\n'
    text = part * count + b"--x--\r\n"
    parts = [text[i : i + 7] for i in range(0, len(text), 7)]
    try:
        return visit(gate, "/gradio_api/upload", "POST", parts=parts, content_type=kind)[0]
    except doors.Problem as problem:
        return problem.status


def test_an_upload_has_few_files_and_room(gate, tmp_path, monkeypatch):
    assert upload(gate, doors.PARTS) == 200
    assert upload(gate, doors.PARTS + 1) in (400, 413)
    assert upload(gate, 1, "text/plain") == 400 and upload(gate, 1, "multipart/form-data") == 400
    monkeypatch.setattr(doors, "UPLOADS", 3)
    (tmp_path / "uploads" / "big").write_bytes(b"much")
    assert upload(gate, 1) == 503


@pytest.mark.parametrize("kind", ["image/svg+xml", "text/html", "application/xhtml+xml", "text/plain", "text/xml", ""])
def test_what_was_dropped_in_is_downloaded_and_never_shown(tmp_path, kind):
    (tmp_path / "x").write_bytes(b"<svg onload=alert(1)>")
    _, headers, _ = visit(doors.Doors(answering(kind=kind), tmp_path), f"/gradio_api/file={tmp_path / 'x'}")
    assert headers[b"content-type"] == b"application/octet-stream" and headers[b"content-disposition"] == b"attachment"


def test_sound_is_shown_in_place(tmp_path):
    (tmp_path / "x.wav").write_bytes(b"RIFF")
    app = doors.Doors(answering(kind="audio/wav"), tmp_path)
    assert visit(app, f"/gradio_api/file={tmp_path / 'x.wav'}")[1][b"content-type"] == b"audio/wav"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"error": "prompt is empty"}', "prompt is empty"),
        (b'{"error": null}', doors.STRANGE),
        (b"Internal Server Error", doors.STRANGE),
        (b'{"error": {"path": "/home/me"}}', doors.STRANGE),
    ],
)
def test_what_gradio_cannot_do_is_a_bad_request_that_tells_nothing(tmp_path, body, told):
    app = doors.Doors(answering(500, body, "application/json"), tmp_path)
    status, _, answer = visit(app, "/gradio_api/run/predict", "POST", b"{}")
    assert status == 422 and json.loads(answer)["error"] == told


def test_an_error_of_gradios_is_one_line(tmp_path, capsys):
    async def broken(scope, receive, send):
        raise KeyError("/home/me/secret")

    status, _, answer = visit(doors.Doors(broken, tmp_path), "/gradio_api/cancel", "POST", b"{}")
    assert status == 400 and b"secret" not in answer
    assert capsys.readouterr().err == "refused: POST '/gradio_api/cancel': KeyError\n"
