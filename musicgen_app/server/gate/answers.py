"""What is sent: refusals, the headers that every answer has, and an end to bodies that are too large."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from ..problems import error_body

LINGER, REST = 1.0, 32 * 2**20  # seconds and bytes that a body which is too large is read on
API = "/v1"  # whose refusals are JSON
POLICY = b"content-security-policy"
# Of what is no page: a browser that is led to such an address runs nothing of it
NO_PAGE = (
    "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'; sandbox"
)
FORM = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
]

LOGIN = """<!doctype html><html lang="en"><meta charset="utf-8"><title>ttm-app</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<style>body{font:16px/1.5 system-ui,sans-serif;display:grid;place-items:center;min-height:90vh;margin:0}
form{width:min(20rem,88vw);display:grid;gap:.75rem}h1{font-size:1.25rem;margin:0}input,button{font:inherit;padding:.6rem;
border-radius:.5rem;border:1px solid #8888}button{background:#0f766e;color:#fff;border:0}p{margin:0}</style>
<form method="post" action="login"><h1>ttm-app</h1><label for="password">Password of this ttm-app</label>
<input id="password" name="password" type="password" autocomplete="current-password" autofocus required>
<p role="alert">%s</p><button>Open</button></form></html>"""


def is_api(path: str) -> bool:
    """Whether what is asked for there is of the HTTP API."""
    return path == API or path.startswith(API + "/")


async def answer(
    send: Callable, status: int, text: str, page: bool = False, more: list | None = None, path: str = ""
) -> None:
    """A whole answer: HTML, JSON for the API, or text."""
    kind, body = b"text/html; charset=utf-8" if page else b"text/plain; charset=utf-8", text.encode()
    if is_api(path):
        kind, body = b"application/json", error_body(status, text, 1)
    known = [(b"www-authenticate", b"Bearer")] if status == 401 and is_api(path) else []
    known += [(b"connection", b"close")] if status == 413 else []  # so that the rest need not be read
    known += [(b"retry-after", b"60")] if status == 429 else []
    known += [(POLICY, (FORM if page else NO_PAGE).encode()), (b"cache-control", b"no-store")]
    heads = [*HEADERS, *known, *(more or [(b"content-type", kind)]), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": heads})
    await send({"type": "http.response.body", "body": body})


async def read(receive: Callable, most: int, seconds: float) -> bytes:
    """A body of at most that many bytes. Raises TimeoutError: it does not come."""

    async def whole() -> bytes:
        body, more = b"", True
        while more and len(body) <= most:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        return body[:most]

    return await asyncio.wait_for(whole(), seconds)


class Answer:
    """`send` of ASGI that adds HEADERS, can be ended early, and refuses what was too large whatever the app answers."""

    def __init__(self, send: Callable, path: str, most: int) -> None:
        self._send, self._path, self.most = send, path, most
        self._begun = self._ended = False
        self.too_large = False

    async def __call__(self, message: dict) -> None:
        if self.too_large and (not self._begun or self._ended):
            return await self.refuse()
        if message["type"] == "http.response.start":
            self._begun = True
            ours = {name for name, _ in HEADERS}
            heads = [(name, value) for name, value in message["headers"] if name.lower() not in ours]
            if not any(name.lower() == POLICY for name, _ in heads):
                heads.append((POLICY, NO_PAGE.encode()))
            message = message | {"headers": [*heads, *HEADERS]}
        await self._send(message)
        self._ended = message["type"] == "http.response.body" and not message.get("more_body", False)

    async def refuse(self, rest: Callable | None = None) -> None:
        """Say once that the body was too large. rest: reads on for a while, or who still sends would not hear it."""
        if self._begun:
            return
        self._begun = self._ended = True

        async def send(message: dict) -> None:
            if rest is not None and message["type"] == "http.response.body":
                await self._send(message | {"more_body": True})
                await rest()
                message = {"type": "http.response.body", "body": b""}
            await self._send(message)

        await answer(send, 413, too_large(self.most), path=self._path)

    async def end(self) -> None:
        """End it, as the server stops."""
        if not self._begun:
            await answer(self._send, 503, "ttm-app is stopping", path=self._path)
        elif not self._ended:
            await self._send({"type": "http.response.body", "body": b""})


class Counted:
    """`receive` of ASGI that counts the bytes of a body as they come; one that is too large ends as if cut off."""

    def __init__(self, receive: Callable, answer: Answer) -> None:
        self._receive, self._answer = receive, answer
        self._bytes = 0

    async def __call__(self) -> dict:
        if self._answer.too_large:
            return {"type": "http.disconnect"}
        message = await self._receive()
        if message["type"] == "http.request":
            self._bytes += len(message.get("body", b""))
            if self._bytes > self._answer.most:
                self._answer.too_large = True
                await self._answer.refuse(self._rest)
                return {"type": "http.disconnect"}
        return message

    async def _rest(self) -> None:
        """Read what is sent for another while, and forget it."""
        left, more = REST, True
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER):
                while more and left > 0:
                    message = await self._receive()
                    left, more = left - len(message.get("body", b"")), message.get("more_body", False)


def too_large(most: int) -> str:
    """What is said of a body that has more bytes."""
    return f"a request may have {most // 2**20} MB there"
