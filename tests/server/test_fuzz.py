"""Every route of the page's server gets thousands of requests that no honest program sends.

None is answered with an error of the server, the server does not grow, and nothing outside the library is read. To send
more than the short run: FUZZ_REQUESTS=10000 FUZZ_SEED=1 python -m pytest -n 0 -s tests/server/test_fuzz.py
"""

from __future__ import annotations

import collections
import contextlib
import http.client
import json
import os
import random
import re
import time
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from support.gui_server import GuiServer

pytestmark = pytest.mark.slow

REQUESTS = int(os.environ.get("FUZZ_REQUESTS", "1500"))
SEED = int(os.environ.get("FUZZ_SEED", "0"))
GROWTH = 60 * 2**20  # bytes of memory that the server may have more at the end than after a fifth of the requests
SECRET = "the secret of this test"
WORDS = [
    "", " ", "0", "-1", "1", "7", "1e999", "nan", "null", "true", "../../secret.txt", "..%2f..%2fsecret.txt",
    "%2e%2e/%2e%2e/secret.txt", "....//secret.txt", "/etc/passwd", "//etc/passwd", "%00", "%ff%fe", "\u202e", "\x00",
    "a" * 3_000, "<script>alert(1)</script>", "' OR 1=1 --", "wav", ".wav", "index.sqlite", ".index", "tiny", "x.svg",
    "0123456789ab", "ffffffffffff", "file:///etc/passwd", "http://127.0.0.1:1/x", "http://169.254.169.254/", "C:\\x",
    "9" * 300, "__proto__", "%s%s%n", "{{7*7}}", "${7*7}", "predict", "generate", "models", "library",
]  # fmt: skip
LEAVES = [None, True, False, 0, -1, 1, 1.5, 1e308, 2**63, 10**30, [], {}, [[]], {"": 0}, *WORDS]
ROUTES = [
    "/", "/config", "/config/", "/theme.css", "/favicon.ico", "/robots.txt", "/manifest.json", "/login", "/logout",
    "/login/", "/openapi.json", "/docs", "/redoc", "/user", "/token", "/app_id", "/assets/X", "/static/X", "/svelte/X",
    "/file=X", "/file/X", "/clips/X", "/clips/X.wav", "/clips/X.png", "/clips.zip", "/scripts/X", "/monitoring/X",
    "/pwa_icon/X", "/_api/X", "/X", "/gradio_api/stream/clips/X/X", "/gradio_api/X",
    *(
        f"/gradio_api/{part}"
        for part in (
            "info", "openapi.json", "startup-events", "app_id", "user", "login_check", "token", "dev/reload",
            "deep_link", "heartbeat/X", "queue/data", "queue/join", "queue/status", "cancel", "reset", "upload",
            "upload_progress", "run/X", "api/X", "call/X", "call/v2/X", "call/X/X", "run/predict", "file=X", "file/X",
            "proxy=X", "stream/X", "stream/X/close", "stream/X/X/1/playlist.m3u8", "stream/X/X/1/X.ts",
            "stream/X/X/1/playlist-file", "component_server", "custom_component/X/client/component/X", "vibe-edit",
            "process_recording", "vibe-code", "undo-vibe-edit", "runs", "run-history/buckets", "run-history/records",
            "run-history/connect", "monitoring", "profiling/traces", "theme.css", "mcp/", "mcp/sse", "mcp/schema",
        )
    ),
]  # fmt: skip
OFTEN = ["/gradio_api/run/predict", "/gradio_api/queue/join", "/gradio_api/call/X", "/v1/X"]
HEADERS = {
    "Accept": ["text/html", "*/*", "x"],
    "Range": ["bytes=0-", "bytes=-1", "bytes=5-2", "bytes=0-0,2-3", "bytes=" + "9" * 99, "x"],
    "Cookie": ["ttm-app=x", "a=b; =;;", "ttm-app=1.2.3", "session=\xff"],
    "Authorization": ["Bearer x", "Basic %%%", "Basic", "Digest a"],
    "X-Forwarded-Host": ["evil.example", "a,b"],
    "X-Forwarded-Proto": ["https", "ftp"],
    "X-Forwarded-For": ["1.2.3.4", "x"],
    "X-Gradio-Server": ["http://evil.example"],
    "X-Gradio-User": ["app", "api"],
    "If-Range": ["x", "Tue, 01 Dec 2026 00:00:00 GMT"],
    "Content-Type": ["application/json", "text/html", "multipart/form-data; boundary=x", "multipart/form-data", ""],
    "Origin": ["null", "http://evil.example", ""],
    "Content-Encoding": ["gzip"],
}
METHODS = ["GET"] * 6 + ["POST"] * 9 + ["HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "X"]


@pytest.fixture
def server(tmp_path, tiny_bundle):
    server = GuiServer(tmp_path, tiny_bundle.path)
    (tmp_path / "secret.txt").write_text(SECRET)
    (server.work / "secret.txt").write_text(SECRET)
    server.start()
    yield server
    if server.process.poll() is None:
        server.stop()


class Fuzzer:
    """Draws requests, sends them over one connection, and looks at the answers."""

    def __init__(self, server: GuiServer, seed: int) -> None:
        self.server, self.draw = server, random.Random(seed)
        self.port = urlsplit(server.url).port
        self.line: http.client.HTTPConnection | None = None
        self.statuses: collections.Counter[int] = collections.Counter()
        self.functions = json.loads(self.ask("GET", "/config", None, {})[1])["dependencies"]
        described = json.loads(self.ask("GET", "/v1/openapi.json", None, {})[1])["paths"]
        self.api = [re.sub(r"\{\w+\}", "X", f"/v1{path}") for path in described] + ["/v1/engine", "/v1/X"]

    def ask(self, method: str, path: str, body: object, headers: dict) -> tuple[int, bytes]:
        """One request and at most the first part of its answer."""
        if self.line is None:
            self.line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        self.line.request(method, path, body, headers, encode_chunked=not isinstance(body, (bytes, type(None))))
        answer = self.line.getresponse()
        stream = "event-stream" in answer.headers.get("content-type", "")
        told = answer.read1(4_096) if stream else answer.read()
        if stream or answer.will_close:
            self.hang_up()
        return answer.status, told

    def hang_up(self) -> None:
        if self.line is not None:
            self.line.close()
        self.line = None

    def value(self, depth: int = 0):
        """Any JSON value."""
        kind = self.draw.random()
        if depth > 3 or kind < 0.7:
            return self.draw.choice(LEAVES)
        if kind < 0.8:
            return [self.value(depth + 1) for _ in range(self.draw.randrange(4))]
        if kind < 0.9:
            return {
                "path": self.draw.choice(WORDS),
                "meta": {"_type": "gradio.FileData"},
                "url": self.draw.choice(WORDS),
            }
        return {str(self.draw.choice(WORDS)): self.value(depth + 1) for _ in range(self.draw.randrange(4))}

    def session(self) -> str:
        """Of one page, or of one of many."""
        return self.draw.choice(["fuzz", f"fuzz{self.draw.randrange(100_000)}"])

    def call(self) -> dict:
        """A call of a function of the page, near to what a page sends."""
        function = self.draw.choice(self.functions)
        count = len(function["inputs"]) if self.draw.random() < 0.8 else self.draw.randrange(4)
        body = {
            "fn_index": function["id"],
            "data": [self.value(1) for _ in range(count)],
            "session_hash": self.session(),
        }
        body |= {"event_data": self.value(1)} if self.draw.random() < 0.3 else {}
        if self.draw.random() < 0.3:
            name = self.draw.choice(
                ["fn_index", "data", "session_hash", "event_id", "trigger_id", "simple_format", "batched"]
            )
            body[name] = self.value()
        return body

    def body(self):
        """A body, whole or in chunks."""
        kind = self.draw.random()
        if kind < 0.15:
            raw = [b"", b"[" * 5_000, b"\xff\xfe\x00", b'{"a":', b"null", b"password=x", self.draw.randbytes(200)]
            data = self.draw.choice(raw)
        elif kind < 0.25:
            head = 'Content-Disposition: form-data; name="files"; filename='
            data = f'--x\r\n{head}"{self.draw.choice(WORDS)}"\r\n\r\n<svg onload=alert(1)>\r\n--x--\r\n'.encode()
        else:
            value = self.call() if kind < 0.75 else self.value()
            data = json.dumps(value).encode()
        return iter([data[:7], data[7:]]) if self.draw.random() < 0.1 else data

    def request(self) -> tuple[str, str, object, dict]:
        """Method, path with its query, body and headers."""
        kind = self.draw.random()
        often = kind < 0.4
        path = self.draw.choice(OFTEN if often else self.api if kind < 0.65 else ROUTES)
        while "X" in path:
            path = path.replace("X", quote(self.draw.choice(WORDS), safe="%/:=.,"), 1)
        names = [
            "page",
            "deep_link",
            "ids",
            "suffix",
            "format",
            "download",
            "session_hash",
            "upload_id",
            "text",
            "limit",
        ]
        asked = [
            f"{self.draw.choice(names)}={quote(self.draw.choice(WORDS), safe='%')}"
            for _ in range(self.draw.randrange(3))
        ]
        method = "POST" if often and self.draw.random() < 0.95 else self.draw.choice(METHODS)
        body = self.body() if method in ("POST", "PUT", "PATCH") else None
        names = self.draw.sample(list(HEADERS), self.draw.choice((0, 0, 1, 2)))
        headers = {name: self.draw.choice(HEADERS[name]) for name in names}
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        if "multipart" not in headers.get("Content-Type", "") and path.endswith("/upload"):
            headers["Content-Type"] = "multipart/form-data; boundary=x"
        return method, path + ("?" + "&".join(asked) if asked else ""), body, headers

    def one(self) -> None:
        """Send one request. Fails where its answer is an error of ours, or tells what it should not."""
        method, path, body, headers = self.request()
        try:
            status, told = self.ask(method, path, body, headers)
        except (http.client.HTTPException, ConnectionError):  # it was hung up on, which is an answer too
            self.hang_up()
            self.statuses[0] += 1
            return
        self.statuses[status] += 1
        about = (method, path[:200], body if isinstance(body, bytes) else "chunks", headers, status, told[:300])
        assert status < 500 or status == 503, about
        assert SECRET.encode() not in told and b"root:x:" not in told and b"root:*:" not in told, about
        if status >= 400:
            assert str(self.server.home).encode() not in told and b"site-packages" not in told, about


def test_every_route_withstands_requests_of_any_kind(server):
    import psutil

    process = psutil.Process(server.process.pid)
    outside = {path: path.read_bytes() for path in (server.home / "models").rglob("*") if path.is_file()}
    fuzzer = Fuzzer(server, SEED)
    began, memory = time.monotonic(), 0
    for number in range(REQUESTS):
        fuzzer.one()
        if number == REQUESTS // 5:
            memory = process.memory_info().rss
    fuzzer.hang_up()
    grown = process.memory_info().rss - memory
    took = time.monotonic() - began
    print(f"\n{REQUESTS:,} requests in {took:.0f} s, {grown / 2**20:.1f} MiB more: {sorted(fuzzer.statuses.items())}")
    said = server.errors.read_text()
    print(f"{said.count('refused: ')} that Gradio gave up on, {said.count('Traceback')} with a traceback")
    assert {200, 400, 404, 422} <= set(fuzzer.statuses)
    assert grown < GROWTH
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", fuzzer.port, timeout=60)) as line:
        line.request("POST", "/v1/audio/music", '{"prompt": "soft bells"}')
        assert line.getresponse().read().startswith(b"RIFF")  # it works as before
    assert server.stop() == 0
    assert {path: path.read_bytes() for path in outside} == outside
    assert not server.log.exists(), server.log.read_text()  # nothing was looked for elsewhere
    known = {"home", "gate", "work", "secret.txt", "stderr.txt"}
    assert {path.name for path in Path(server.work.parent).iterdir()} <= known
    assert [path.name for path in server.work.iterdir()] == ["secret.txt"]
