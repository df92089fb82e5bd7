"""Who may come in: an ASGI layer in front of everything the server answers.

A page that listens on this computer only answers to its own names, so that no web site can reach it by pointing its
own name here. A request sent by another site's page is refused. With a password, nothing but the login page is served
until it was given: once in the browser, or as `auth=("", PASSWORD)` of gradio_client.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import re
import secrets
import time
from collections import deque
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

COOKIE = "ttm-app"
BODY_BYTES = 64 * 2**20  # of a request
TRIES, MINUTE = 10, 60.0  # wrong passwords a minute, from everybody together
# Doors of Gradio's that this page does not need: they fetch from elsewhere, or keep and show what others did
SHUT = re.compile(
    r"/(gradio_api/)?(proxy=|file=[a-z]+:/|vibe-|undo-vibe|monitoring|run-history|runs|process_recording)"
)
HEADERS = [(b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"same-origin"), (b"x-frame-options", b"DENY")]

LOGIN = """<!doctype html><html lang="en"><meta charset="utf-8"><title>ttm-app</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<style>body{font:16px/1.5 system-ui,sans-serif;display:grid;place-items:center;min-height:90vh;margin:0}
form{width:min(20rem,88vw);display:grid;gap:.75rem}h1{font-size:1.25rem;margin:0}input,button{font:inherit;padding:.6rem;
border-radius:.5rem;border:1px solid #8888}button{background:#0f766e;color:#fff;border:0}p{margin:0}</style>
<form method="post" action="login"><h1>ttm-app</h1><label for="password">Password of this ttm-app</label>
<input id="password" name="password" type="password" autocomplete="current-password" autofocus required>
<p role="alert">%s</p><button>Open</button></form></html>"""


def is_loopback(host: str) -> bool:
    """Whether only this computer can reach that address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class Guard:
    """`app` behind the checks. host: the address it listens on; password: None where none is needed."""

    def __init__(self, app: Callable, host: str, password: str | None = None) -> None:
        assert password or is_loopback(host), "an open address needs a password"
        self.app = app
        self.local = is_loopback(host)
        self.password = password
        self._tokens: set[str] = set()
        self._wrong: deque[float] = deque(maxlen=TRIES)
        self._open: set[asyncio.Task] = set()  # the answers being given, some of which have no end of their own

    def close(self) -> None:
        """End all answers, so that the server can stop."""
        for task in self._open:
            task.cancel()

    async def __call__(self, scope: dict, receive: Callable, send: Callable) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        refusal = self._refusal(scope["path"], headers)
        if refusal:
            return await _answer(send, *refusal)
        if self.password and scope["path"] == "/login" and scope.get("method") == "POST":
            return await self._login(headers, receive, send)
        if self.password and not self._known(headers):
            page = scope.get("method") == "GET" and "text/html" in headers.get("accept", "")
            return await _answer(send, 401, LOGIN % "" if page else "a password is needed", page)
        task = asyncio.current_task()
        assert task is not None  # uvicorn runs each request in one
        self._open.add(task)
        answer = _Answer(send)
        try:
            await self.app(scope, receive, answer)
        except asyncio.CancelledError:
            await answer.end()
        finally:
            self._open.discard(task)

    def _refusal(self, path: str, headers: dict[str, str]) -> tuple[int, str] | None:
        host = headers.get("host", "")
        if self.local and not is_loopback(_name(host)):
            return 403, "this ttm-app answers on this computer only"
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            return 403, "this request comes from another site"
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > BODY_BYTES:
            return 413, f"a request may have {BODY_BYTES // 2**20} MB"
        if SHUT.match(path):
            return 404, "there is no such page"
        return None

    def _known(self, headers: dict[str, str]) -> bool:
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            return False
        return cookie is not None and cookie.value in self._tokens

    async def _login(self, headers: dict[str, str], receive: Callable, send: Callable) -> None:
        """Form {"password"} -> a cookie; to a browser's form the page, to a program JSON."""
        page = "text/html" in headers.get("accept", "")
        now = time.monotonic()
        if len(self._wrong) == TRIES and now - self._wrong[0] < MINUTE:
            return await _answer(
                send, 429, LOGIN % "Too many tries: wait a minute." if page else "too many tries", page
            )
        assert self.password is not None  # without one there is nothing to log in to
        form = parse_qs((await _body(receive, 4_096)).decode("utf-8", "replace"), keep_blank_values=True)
        given = form.get("password", [""])[0]
        if not hmac.compare_digest(given.encode("utf-8", "replace"), self.password.encode()):
            self._wrong.append(now)
            return await _answer(send, 401, LOGIN % "That is not the password." if page else "wrong password", page)
        token = secrets.token_urlsafe(32)
        self._tokens.add(token)
        cookie = [(b"set-cookie", f"{COOKIE}={token}; HttpOnly; SameSite=Strict; Path=/".encode())]
        if page:
            return await _answer(send, 303, "", more=[*cookie, (b"location", b"./")])
        await _answer(send, 200, '{"success": true}', more=[*cookie, (b"content-type", b"application/json")])


def _name(host: str) -> str:
    """The name in a Host header, without the port."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


async def _body(receive: Callable, most: int) -> bytes:
    body, more = b"", True
    while more and len(body) <= most:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body[:most]


async def _answer(send: Callable, status: int, text: str, page: bool = False, more: list | None = None) -> None:
    kind = [] if more else [(b"content-type", b"text/html; charset=utf-8" if page else b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": status, "headers": [*HEADERS, *kind, *(more or [])]})
    await send({"type": "http.response.body", "body": text.encode()})


class _Answer:
    """`send` of ASGI that adds HEADERS, and can be ended early."""

    def __init__(self, send: Callable) -> None:
        self._send = send
        self._begun = self._ended = False

    async def __call__(self, message: dict) -> None:
        if message["type"] == "http.response.start":
            self._begun = True
            message = message | {"headers": [*message["headers"], *HEADERS]}
        await self._send(message)
        self._ended = message["type"] == "http.response.body" and not message.get("more_body", False)

    async def end(self) -> None:
        if not self._begun:
            await _answer(self._send, 503, "ttm-app is stopping")
        elif not self._ended:
            await self._send({"type": "http.response.body", "body": b""})
