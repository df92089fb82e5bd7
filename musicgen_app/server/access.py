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
import secrets
from collections.abc import Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from .gate.answers import LOGIN, Answer, Counted, answer, is_api, read, too_large
from .gate.proxies import Proxies
from .gate.sessions import COOKIE, DAYS, Sessions
from .gate.tries import Tries, networks_of

BODY_BYTES, UPLOAD_BYTES = 16 * 2**20, 64 * 2**20  # of a request, and of one that brings a file
UPLOADS = ("/gradio_api/upload", "/v1/recordings")
PATIENCE = 10.0  # seconds for the body of a login
VISITOR = "ttm.visitor"  # key of a scope: whom quotas are counted for, a login or an address


def visitor_of(scope: Mapping) -> str:
    """Whom the limits of the queue are counted for: the login or the address of a request that the guard let in."""
    return str(scope.get(VISITOR) or (scope.get("client") or [""])[0])


def is_loopback(host: str) -> bool:
    """Whether only this computer can reach that address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class Guard:
    """`app` behind the checks.

    host: the address it listens on; password: None where none is needed; token: what lets programs of this computer's
    user in as well; proxies: whose word on the client is taken; root: the path under which a proxy shows the server,
    "" or such as "/music"; secure: it speaks HTTPS itself; key: what sessions are signed with.
    """

    def __init__(
        self,
        app: Callable,
        host: str,
        password: str | None = None,
        token: str | None = None,
        proxies: Proxies | None = None,
        root: str = "",
        secure: bool = False,
        key: bytes | None = None,
    ) -> None:
        assert password or (is_loopback(host) and not proxies), "an open address needs a password"
        self.app = app
        self.local = is_loopback(host) and not proxies
        self.password, self.token = password, token
        self.proxies, self.root, self.secure = proxies or Proxies(), root, secure
        self._sessions = Sessions(password or "", key or secrets.token_bytes(32))
        self._tries = Tries()
        self._open: set[asyncio.Task] = set()  # the answers being given, some of which have no end of their own

    def close(self) -> None:
        """End all answers, so that the server can stop."""
        for task in self._open:
            task.cancel()

    async def __call__(self, scope: dict, receive: Callable, send: Callable) -> None:
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        if scope["type"] != "http":
            return await send({"type": "websocket.close", "code": 1008})
        scope = self.proxies.seen(scope)
        if self.root and scope["path"] == self.root:  # relative addresses of the page need the slash
            return await answer(send, 307, "", more=[(b"location", f"{self.root}/".encode())])
        path = scope["path"].removeprefix(self.root) if scope["path"].startswith(self.root + "/") else scope["path"]
        address = (scope.get("client") or [""])[0]
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        page = scope["method"] == "GET" and "text/html" in headers.get("accept", "")
        refusal: tuple | None = self._refusal(path, headers)
        if refusal is None and self.password and path == "/login" and scope["method"] == "POST":
            return await self._login(address, headers, scope, receive, send)
        visitor: str | tuple = networks_of(address)[0][0]
        if refusal is None and self.password:
            visitor = self._visitor(address, headers, page and not is_api(path))
            refusal = visitor if isinstance(visitor, tuple) else None
        if refusal:
            status, text, html = (*refusal, False)[:3]
            return await answer(send, status, text, html, path=path)
        scope |= {"root_path": self.root, "path": self.root + path, VISITOR: visitor}
        await self._pass(scope, receive, Answer(send, path, most_bytes(path)))

    async def _pass(self, scope: dict, receive: Callable, given: Answer) -> None:
        """Let the app answer."""
        task = asyncio.current_task()
        assert task is not None  # uvicorn runs each request in one
        self._open.add(task)
        try:
            await self.app(scope, Counted(receive, given), given)
        except asyncio.CancelledError:
            await given.end()
        except Exception:
            if not given.too_large:  # else the app has only missed the rest of the body
                raise
            await given.refuse()
        finally:
            self._open.discard(task)

    def _refusal(self, path: str, headers: dict[str, str]) -> tuple[int, str] | None:
        host = headers.get("host", "")
        if self.local and not is_loopback(_name(host)):
            return 403, "this ttm-app answers on this computer only"
        origin = headers.get("origin")
        if origin is not None and _netloc(origin) != host:
            return 403, "this request comes from another site"
        if headers.get("sec-fetch-site") == "cross-site" and headers.get("sec-fetch-mode") != "navigate":
            return 403, "this request comes from another site"
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length[:20]) > most_bytes(path):
            return 413, too_large(most_bytes(path))
        return None

    def _visitor(self, address: str, headers: dict[str, str], page: bool) -> str | tuple[int, str, bool]:
        """Whom quotas are counted for: a session, or an address that sent the password or the token; else a refusal."""
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            cookie = None
        session = self._sessions.find(cookie.value) if cookie is not None else None
        if session is not None:
            return f"session {session}"
        given = _credential(headers.get("authorization", ""))
        if given is None:
            return 401, LOGIN % "" if page else "a password is needed", page
        if self.token and _same(given, self.token):
            return networks_of(address)[0][0]
        if not self._tries.begin(address):
            return 429, "too many tries: wait a minute", False
        if not _same(given, self.password or ""):
            return 401, "wrong password", False
        self._tries.right(address)
        return networks_of(address)[0][0]

    async def _login(
        self, address: str, headers: dict[str, str], scope: dict, receive: Callable, send: Callable
    ) -> None:
        """Form {"password"} -> a cookie; to a browser's form the page, to a program JSON."""
        page = "text/html" in headers.get("accept", "")

        async def refuse(status: int, text: str, told: str) -> None:
            await answer(send, status, LOGIN % told if page else text, page)

        if not self._tries.begin(address):  # before the body, or many could be sent at once
            return await refuse(429, "too many tries", "Too many tries: wait a minute.")
        assert self.password is not None  # without one there is nothing to log in to
        try:
            form = parse_qs((await read(receive, 4_096, PATIENCE)).decode("utf-8", "replace"), keep_blank_values=True)
        except (TimeoutError, ValueError):
            return await refuse(400, "the password did not come", "The password did not come: try again.")
        if not _same(form.get("password", [""])[0], self.password):
            return await refuse(401, "wrong password", "That is not the password.")
        self._tries.right(address)
        secure = "; Secure" if self.secure or scope.get("scheme") == "https" else ""
        about = f"HttpOnly; SameSite=Strict; Path={self.root}/; Max-Age={DAYS * 86_400}{secure}"
        cookie = [(b"set-cookie", f"{COOKIE}={self._sessions.new()}; {about}".encode())]
        if page:
            return await answer(send, 303, "", more=[*cookie, (b"location", b"./")])
        await answer(send, 200, '{"success": true}', more=[*cookie, (b"content-type", b"application/json")])


def most_bytes(path: str) -> int:
    """How many a body may have that is sent there."""
    return UPLOAD_BYTES if path.rstrip("/") in UPLOADS else BODY_BYTES


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
