"""Who may come in: an ASGI layer in front of everything the server answers.

A page that listens on this computer only answers to its own names, so that no web site can reach it by pointing its
own name here. A request sent by another site's page is refused. With a password, nothing but the login page is served
until it was given: once in the browser, as `auth=("", PASSWORD)` of gradio_client, or with every request of a program,
`Authorization: Bearer PASSWORD` or Basic with any name. Bytes of a body are counted as they come.
"""

from __future__ import annotations

import asyncio
import binascii
import hmac
import ipaddress
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from .problems import error_body

COOKIE = "ttm-app"
BODY_BYTES = 64 * 2**20  # of a request
TRIES, LONGEST = 10, 60.0  # wrong passwords of an address before it has to wait, and the most seconds it waits
ADDRESSES = 10_000  # whose tries are remembered
API = "/v1"  # whose refusals are JSON
# Doors of Gradio's that this page does not need: they fetch from elsewhere, or keep and show what others did
SHUT = re.compile(
    r"/(gradio_api/)?(proxy=|file=[a-z]+:/|vibe-|undo-vibe|monitoring|run-history|runs|process_recording)"
)
TOO_LARGE = f"a request may have {BODY_BYTES // 2**20} MB"
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


class Tries:
    """Passwords tried from each address. Every wrong one beyond TRIES makes the next wait twice as long."""

    def __init__(self) -> None:
        self._of: OrderedDict[str, tuple[int, float]] = OrderedDict()  # address -> wrong ones, when the next may come

    def begin(self, address: str) -> bool:
        """Whether a password from there may be looked at; it counts as wrong from now on."""
        now = time.monotonic()
        wrong, next_one = self._of.get(address, (0, now))
        if now < next_one:
            return False
        wrong += 1
        wait = 0.0 if wrong < TRIES else min(LONGEST, 2.0 ** (wrong - TRIES))
        self._of[address] = (wrong, now + wait)
        self._of.move_to_end(address)
        if len(self._of) > ADDRESSES:
            self._of.popitem(last=False)
        return True

    def right(self, address: str) -> None:
        """The password that was begun last from there was right."""
        self._of.pop(address, None)


class Guard:
    """`app` behind the checks.

    host: the address it listens on; password: None where none is needed; token: what lets programs of this computer's
    user in as well.
    """

    def __init__(self, app: Callable, host: str, password: str | None = None, token: str | None = None) -> None:
        assert password or is_loopback(host), "an open address needs a password"
        self.app = app
        self.local = is_loopback(host)
        self.password = password
        self.token = token
        self._cookies: set[str] = set()
        self._tries = Tries()
        self._open: set[asyncio.Task] = set()  # the answers being given, some of which have no end of their own

    def close(self) -> None:
        """End all answers, so that the server can stop."""
        for task in self._open:
            task.cancel()

    async def __call__(self, scope: dict, receive: Callable, send: Callable) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        path, address = scope["path"], _address(scope)
        page = scope.get("method") == "GET" and "text/html" in headers.get("accept", "")
        refusal: tuple | None = self._refusal(path, headers)
        if refusal is None and self.password and path == "/login" and scope.get("method") == "POST":
            return await self._login(address, headers, receive, send)
        if refusal is None and self.password:
            refusal = self._stranger(address, headers, page and not _is_api(path))
        if refusal:
            status, text, html = (*refusal, False)[:3]
            return await _answer(send, status, text, html, path=path)
        task = asyncio.current_task()
        assert task is not None  # uvicorn runs each request in one
        self._open.add(task)
        answer = _Answer(send, path)
        try:
            await self.app(scope, _Counted(receive, answer), answer)
        except asyncio.CancelledError:
            await answer.end()
        except Exception:
            if not answer.too_large:  # else the app has only missed the rest of the body
                raise
            await answer.refuse()
        finally:
            self._open.discard(task)

    def _refusal(self, path: str, headers: dict[str, str]) -> tuple[int, str] | None:
        host = headers.get("host", "")
        if self.local and not is_loopback(_name(host)):
            return 403, "this ttm-app answers on this computer only"
        origin = headers.get("origin")
        if origin is not None and _netloc(origin) != host:
            return 403, "this request comes from another site"
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length[:20]) > BODY_BYTES:
            return 413, TOO_LARGE
        if SHUT.match(path):
            return 404, "there is no such page"
        return None

    def _stranger(self, address: str, headers: dict[str, str], page: bool) -> tuple[int, str, bool] | None:
        """Why this request is refused, or None: it has the cookie, or the password or the token with it."""
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            cookie = None
        if cookie is not None and cookie.value in self._cookies:
            return None
        given = _credential(headers.get("authorization", ""))
        if given is None:
            return 401, LOGIN % "" if page else "a password is needed", page
        if self.token and _same(given, self.token):
            return None
        if not self._tries.begin(address):
            return 429, "too many tries: wait a minute", False
        if not _same(given, self.password or ""):
            return 401, "wrong password", False
        self._tries.right(address)
        return None

    async def _login(self, address: str, headers: dict[str, str], receive: Callable, send: Callable) -> None:
        """Form {"password"} -> a cookie; to a browser's form the page, to a program JSON."""
        page = "text/html" in headers.get("accept", "")
        if not self._tries.begin(address):  # before the body, or many could be sent at once
            return await _answer(
                send, 429, LOGIN % "Too many tries: wait a minute." if page else "too many tries", page
            )
        assert self.password is not None  # without one there is nothing to log in to
        form = parse_qs((await _body(receive, 4_096)).decode("utf-8", "replace"), keep_blank_values=True)
        if not _same(form.get("password", [""])[0], self.password):
            return await _answer(send, 401, LOGIN % "That is not the password." if page else "wrong password", page)
        self._tries.right(address)
        name = secrets.token_urlsafe(32)
        self._cookies.add(name)
        cookie = [(b"set-cookie", f"{COOKIE}={name}; HttpOnly; SameSite=Strict; Path=/".encode())]
        if page:
            return await _answer(send, 303, "", more=[*cookie, (b"location", b"./")])
        await _answer(send, 200, '{"success": true}', more=[*cookie, (b"content-type", b"application/json")])


def _same(given: str, secret: str) -> bool:
    """Whether two texts are equal, in a time that tells nothing of where they differ."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), secret.encode())


def _credential(header: str) -> str | None:
    """The secret in an Authorization header, Bearer or (with any name) Basic; None: there is none in it."""
    kind, _, value = header.partition(" ")
    if kind.lower() == "bearer":
        return value.strip().encode("latin-1").decode("utf-8", "replace")
    if kind.lower() == "basic":
        try:
            return binascii.a2b_base64(value.strip()).decode("utf-8", "replace").partition(":")[2]
        except (ValueError, binascii.Error):
            return ""
    return None


def _address(scope: dict) -> str:
    """Whom tries are counted for: the address of the client, of IPv6 the network that one home has."""
    client = (scope.get("client") or [""])[0]
    try:
        address = ipaddress.ip_address(client)
    except ValueError:
        return client
    if address.version == 6 and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return client


def _is_api(path: str) -> bool:
    return path == API or path.startswith(API + "/")


def _netloc(origin: str) -> str | None:
    """The host and port of an Origin header; None: it has no such."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


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


async def _answer(
    send: Callable, status: int, text: str, page: bool = False, more: list | None = None, path: str = ""
) -> None:
    """A whole answer: HTML, JSON for the API, or text."""
    kind, body = b"text/html; charset=utf-8" if page else b"text/plain; charset=utf-8", text.encode()
    if _is_api(path):
        kind, body = b"application/json", error_body(status, text, 1)
    known = [(b"www-authenticate", b"Bearer")] if status == 401 and _is_api(path) else []
    known += [(b"connection", b"close")] if status == 413 else []  # so that the rest need not be read
    heads = [*HEADERS, *known, *(more or [(b"content-type", kind)])]
    await send({"type": "http.response.start", "status": status, "headers": heads})
    await send({"type": "http.response.body", "body": body})


class _Answer:
    """`send` of ASGI that adds HEADERS, can be ended early, and refuses what was too large whatever the app answers."""

    def __init__(self, send: Callable, path: str) -> None:
        self._send, self._path = send, path
        self._begun = self._ended = False
        self.too_large = False

    async def __call__(self, message: dict) -> None:
        if self.too_large and (not self._begun or self._ended):
            return await self.refuse()
        if message["type"] == "http.response.start":
            self._begun = True
            message = message | {"headers": [*message["headers"], *HEADERS]}
        await self._send(message)
        self._ended = message["type"] == "http.response.body" and not message.get("more_body", False)

    async def refuse(self) -> None:
        """Say once that the body was too large."""
        if not self._begun:
            self._begun = self._ended = True
            await _answer(self._send, 413, TOO_LARGE, path=self._path)

    async def end(self) -> None:
        if not self._begun:
            await _answer(self._send, 503, "ttm-app is stopping", path=self._path)
        elif not self._ended:
            await self._send({"type": "http.response.body", "body": b""})


class _Counted:
    """`receive` of ASGI that counts the bytes of a body as they come; one that is too large ends as if cut off."""

    def __init__(self, receive: Callable, answer: _Answer) -> None:
        self._receive, self._answer = receive, answer
        self._bytes = 0

    async def __call__(self) -> dict:
        if self._answer.too_large:
            return {"type": "http.disconnect"}
        message = await self._receive()
        if message["type"] == "http.request":
            self._bytes += len(message.get("body", b""))
            if self._bytes > BODY_BYTES:
                self._answer.too_large = True
                return {"type": "http.disconnect"}
        return message
