"""What of Gradio's own server is open, and what may come in there: an ASGI layer in front of the page.

Gradio answers at many addresses that this page does not need; only those in OPEN are passed on. Bodies are JSON objects
of bounded depth and number of values, and files in them are uploads: without this, Gradio would read any file of this
computer that a request names, or fetch it from another. What Gradio cannot make sense of is a bad request, not an error
of the server. The page itself gets a Content-Security-Policy.
"""

from __future__ import annotations

import json
import re
import secrets
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..server.bodies import parse_object
from ..server.gate.answers import POLICY
from ..server.problems import Problem

OURS = re.compile(r"/(v1|clips|scripts|strip)(/|$)|/clips\.zip$|/gradio_api/stream/clips/")  # not Gradio's
NAME = r"[A-Za-z0-9_.-]{1,128}"
OPEN = {
    "GET": re.compile(
        r"/|/config/?|/theme\.css|/favicon\.ico|/robots\.txt|/manifest\.json|/(assets|static)/[\w./@+-]{1,256}"
        rf"|/gradio_api/(info/?|app_id/?|startup-events|theme\.css|heartbeat/{NAME}|queue/data|upload_progress"
        rf"|call/{NAME}/{NAME}|custom_component/{NAME}/(client|server)/(component|example)/[\w./@+-]{{1,256}}|file=.{{1,1024}})"
    ),
    "POST": re.compile(rf"/gradio_api/(queue/join|cancel|reset|upload|(run|api|call|call/v2)/{NAME})/?"),
}
QUERIES = re.compile(rb"[\w.=&%~-]{0,1024}")  # of Gradio's addresses that take one
ASKED = ("/gradio_api/queue/data", "/gradio_api/upload", "/gradio_api/upload_progress")
UPLOAD = "/gradio_api/upload"
FILE = "/gradio_api/file="
VALUES = 200_000  # numbers, texts and so on in one body
PARTS = 20  # files of one upload
UPLOADS = 2 * 2**30  # bytes of all files that were uploaded and are not deleted yet
SAFE = ("audio/", "image/png", "image/jpeg")  # what may be shown in place; all else is downloaded
# What the page may load, and from where. Each exception to 'self' is there for Gradio: it reads its configuration from
# a script in the page (the nonce), runs the little scripts of components as functions made of text ('unsafe-eval'),
# writes styles into elements ('unsafe-inline' of styles alone), and shows pictures and sounds from its memory (data:,
# blob:).
PAGE = (
    "default-src 'self'; script-src 'self' 'nonce-{nonce}' 'unsafe-eval'; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' blob:;"
    " worker-src 'self' blob:; frame-src 'none'; object-src 'none'; base-uri 'self'; form-action 'self';"
    " frame-ancestors 'none'"
)
STRANGE = "the page cannot do that with these values"


class Doors:
    """`app` with Gradio in it, behind these checks.

    uploads: the folder that Gradio keeps uploads in; head: HTML that is put at the start of the page's head.
    """

    def __init__(self, app: Callable, uploads: Path, head: str = "") -> None:
        self.app, self.uploads, self.head = app, uploads.resolve(), head

    async def __call__(self, scope: dict, receive: Callable, send: Callable) -> None:
        path = scope.get("path", "").removeprefix(scope.get("root_path", ""))
        if scope["type"] != "http" or OURS.match(path):
            return await self.app(scope, receive, send)
        try:
            scope, receive = await self._checked(scope, path, receive)
        except Problem as problem:
            return await _refuse(send, problem)
        sent = _Sent(send, path, self.head)
        try:
            await self.app(scope, receive, sent)
        except Exception as error:  # Gradio gave up on it
            if sent.begun and not sent.refused:
                raise
            print(f"refused: {scope['method']} {path[:80]!a}: {type(error).__name__}", file=sys.stderr)
            if not sent.refused:
                await _refuse(send, Problem(400, STRANGE))

    async def _checked(self, scope: dict, path: str, receive: Callable) -> tuple[dict, Callable]:
        """The request as Gradio may see it. Raises Problem."""
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        if method not in OPEN or not OPEN[method].fullmatch(path):
            raise Problem(404, "there is no such page")
        query = scope.get("query_string", b"")
        if path not in ASKED:
            scope = scope | {"query_string": b""}
        elif not QUERIES.fullmatch(query):
            raise Problem(400, "the address has a query that is not understood")
        if path.startswith(FILE) and not self._is_upload(path.removeprefix(FILE)):
            raise Problem(403, "no such file may be fetched")
        if method == "POST" and path.rstrip("/") == UPLOAD:
            return scope, self._few_parts(scope, receive)
        if method == "POST":
            body = await _whole(receive)
            self._check(body)
            return scope, _replay(body, receive)
        return scope, receive

    def _check(self, body: bytes) -> None:
        """Raises Problem: a body that no page of ours sends."""
        if sum(body.count(sign) for sign in (b",", b"[", b"{")) > VALUES and _values(body) > VALUES:
            raise Problem(413, f"a request may have {VALUES:,} values")
        told = parse_object(body)
        for name in ("session_hash", "event_id"):
            if told.get(name) is not None and not re.fullmatch(NAME, str(told[name])):
                raise Problem(400, f"{name} is not understood")
        for found in _objects(told):
            if "path" in found and not (isinstance(found["path"], str) and self._is_upload(found["path"])):
                raise Problem(422, "a file must be uploaded first")

    def _is_upload(self, path: str) -> bool:
        """Whether a path is that of a file that was uploaded, or put there to be fetched."""
        try:
            found = Path(path).resolve()
            return found.is_relative_to(self.uploads) and found.is_file()
        except (OSError, ValueError):
            return False

    def _few_parts(self, scope: dict, receive: Callable) -> Callable:
        """`receive` that counts the parts of an upload. Raises Problem: no room for it, or it is none."""
        kinds = [value.decode("latin-1") for name, value in scope["headers"] if name == b"content-type"]
        match = re.search(r'boundary="?([^";,]{1,200})', kinds[0]) if len(kinds) == 1 else None
        if match is None or not kinds[0].lower().startswith("multipart/form-data"):
            raise Problem(400, "an upload must be multipart/form-data")
        if sum(file.stat().st_size for file in self.uploads.rglob("*") if file.is_file()) > UPLOADS:
            raise Problem(503, "no more can be uploaded today")
        mark = b"--" + match[1].encode("latin-1")
        tail, parts = b"", 0

        async def counted() -> dict:
            nonlocal tail, parts
            message = await receive()
            text = tail + message.get("body", b"")
            parts += text.count(mark) - tail.count(mark)
            tail = text[-len(mark) + 1 :]
            if parts > PARTS + 1:
                raise Problem(413, f"an upload may have {PARTS} files")
            return message

        return counted


class _Sent:
    """`send` of ASGI that gives the page its policy, and turns answers of Gradio's that blame the server."""

    def __init__(self, send: Callable, path: str, head: str) -> None:
        self._send, self._path, self._head = send, path, head
        self._kept: dict | None = None  # the start of an answer that is changed, and its body so far
        self._body = b""
        self.begun = self.refused = False

    async def __call__(self, message: dict) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            if self._path == "/" or message["status"] >= 500:
                self._kept = message
                return
            if self._path.startswith(FILE):
                message = message | {"headers": _not_shown(message["headers"])}
        elif self._kept is not None:
            self._body += message.get("body", b"")
            if message.get("more_body"):
                return
            start, self._kept = self._kept, None
            if start["status"] >= 500:
                self.refused = True
                return await _refuse(self._send, Problem(422, _said(self._body)))
            nonce = secrets.token_urlsafe(16)
            body = dressed(self._body, nonce, self._head)
            heads = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
            heads += [(b"content-length", b"%d" % len(body)), (POLICY, PAGE.format(nonce=nonce).encode())]
            await self._send(start | {"headers": [*heads, (b"cache-control", b"no-store")]})
            message = {"type": "http.response.body", "body": body if self._body else b""}
        await self._send(message)


def dressed(page: bytes, nonce: str, head: str) -> bytes:
    """The HTML of the page with our own head in it, and the nonce on its scripts; its data has no `<` in it."""
    page = page.replace(b"<head>", b"<head>" + head.encode(), 1)
    return re.sub(rb"<script(?=[ >])", b'<script nonce="%s"' % nonce.encode(), page)


def _not_shown(headers: list) -> list:
    """The headers of a file that was brought in: only sound and plain pictures are what they say."""
    kind = next((value.decode("latin-1") for name, value in headers if name.lower() == b"content-type"), "")
    if kind.startswith(SAFE):
        return headers
    kept = [pair for pair in headers if pair[0].lower() not in (b"content-type", b"content-disposition")]
    return [*kept, (b"content-type", b"application/octet-stream"), (b"content-disposition", b"attachment")]


def _said(body: bytes) -> str:
    """What Gradio says of an error that one of our functions told; of any other nothing."""
    try:
        told = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        told = None
    return told if isinstance(told, str) and told else STRANGE


async def _refuse(send: Callable, problem: Problem) -> None:
    """An error in the form that pages of Gradio and gradio_client read."""
    heads = [(b"content-type", b"application/json")]
    heads += [(name.lower().encode(), value.encode()) for name, value in problem.headers.items()]
    body = json.dumps({"error": str(problem), "detail": str(problem), "visible": True}).encode()
    heads.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": problem.status, "headers": heads})
    await send({"type": "http.response.body", "body": body})


async def _whole(receive: Callable) -> bytes:
    """The body of a request, whose size the guard limits. Raises Problem: it was cut off."""
    parts, more = [], True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise Problem(400, "the body ended before its end")
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


def _replay(body: bytes, receive: Callable) -> Callable:
    """`receive` that gives a body that was read already, then what comes after it."""
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> dict:
        return waiting.pop() if waiting else await receive()

    return again


def _values(body: bytes) -> int:
    """About how many values a JSON text has; what stands within texts does not count."""
    bare = re.sub(rb'"(?:[^"\\]|\\.)*"', b"", body, flags=re.S)
    return sum(bare.count(sign) for sign in (b",", b"[", b"{"))


def _objects(value: Any) -> Iterator[dict]:
    """Every object in a JSON value."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield value
        waiting.extend(value.values() if isinstance(value, dict) else value if isinstance(value, list) else ())
