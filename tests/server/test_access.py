"""Who may come in: passwords as keys, tries that are counted before a body is read, bodies that are counted as they
come. The guard of a page is tested in tests/gui too."""

from __future__ import annotations

import asyncio
import base64
import json

import pytest

from musicgen_app.server import access

PASSWORD = "correct horse"


async def inner(scope, receive, send):
    """Reads its whole body and answers."""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RuntimeError("the client went away")
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"inside"})


async def forgiving(scope, receive, send):
    """Answers whatever becomes of its body."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 500, "headers": []})
    await send({"type": "http.response.body", "body": b"inside"})


def visit(app, path="/v1/jobs", parts=(b"",), method="POST", client="10.0.0.1", **headers):
    """One request whose body comes in parts, without a length; the status, the headers and the body."""
    return asyncio.run(_visit(app, path, parts, method, client, headers))


async def _visit(app, path, parts, method, client, headers, seen=None):
    sent, left = [], list(parts)
    named = {"host": "127.0.0.1:7860"} | {name.replace("_", "-"): value for name, value in headers.items()}
    scope = {
        "type": "http", "method": method, "path": path, "client": (client, 1),
        "headers": [(name.encode(), value.encode("utf-8")) for name, value in named.items()],
    }  # fmt: skip

    async def receive():
        part = left.pop(0)
        if seen is not None:
            seen.append(len(part))
        return {"type": "http.request", "body": part, "more_body": bool(left)}

    async def send(message):
        sent.append(message)

    await app(scope, receive, send)
    assert [message["type"] for message in sent].count("http.response.start") == 1
    return sent[0]["status"], dict(sent[0]["headers"]), b"".join(m.get("body", b"") for m in sent[1:])


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.mark.parametrize(
    "header", [f"Bearer {PASSWORD}", f"bearer  {PASSWORD} ", basic("me", PASSWORD), basic("", PASSWORD)]
)
def test_the_password_is_the_key_of_programs(header):
    app = access.Guard(inner, "0.0.0.0", PASSWORD)
    assert visit(app, authorization=header)[0] == 200


def test_a_key_may_have_any_letters():
    app = access.Guard(inner, "0.0.0.0", "schlüssel und mehr")
    assert visit(app, authorization="Bearer schlüssel und mehr")[0] == 200
    assert visit(app, authorization=basic("ü", "schlüssel und mehr"))[0] == 200


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer wrong",
        basic("me", "wrong"),
        "Basic %%%",
        "Basic",
        "Digest x",
        PASSWORD,
        "Bearer " + "x" * 99_999,
    ],
)
def test_anything_else_is_refused_in_the_one_shape(header):
    status, headers, body = visit(access.Guard(inner, "0.0.0.0", PASSWORD), authorization=header)
    assert status == 401 and headers[b"content-type"] == b"application/json" and b"inside" not in body
    assert json.loads(body)["error"]["type"] == "unauthorized" and headers[b"www-authenticate"] == b"Bearer"


def test_without_a_key_nothing_of_the_api_is_told():
    app = access.Guard(inner, "0.0.0.0", PASSWORD)
    for path in ("/v1", "/v1/openapi.json", "/v1/models", "/openapi.json", "/docs"):
        assert visit(app, path, method="GET")[0] == 401


def test_the_token_of_this_user_opens_too():
    app = access.Guard(inner, "0.0.0.0", PASSWORD, token="a token of the user")
    assert visit(app, authorization="Bearer a token of the user")[0] == 200
    assert visit(app, authorization="Bearer ")[0] == 401


# --- tries


def test_tries_slow_an_address_down_and_nobody_else(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(access.time, "monotonic", lambda: now[0])
    app = access.Guard(inner, "0.0.0.0", PASSWORD)
    statuses = [visit(app, authorization=f"Bearer {i}")[0] for i in range(access.TRIES + 2)]
    assert statuses == [401] * access.TRIES + [429] * 2
    assert visit(app, authorization=f"Bearer {PASSWORD}")[0] == 429  # a right guess tells nothing now
    assert visit(app, client="10.0.0.2", authorization=f"Bearer {PASSWORD}")[0] == 200  # the owner elsewhere
    waits = []
    for _ in range(9):
        began = now[0]
        while visit(app, authorization="Bearer guess")[0] == 429:
            now[0] += 0.5
        waits.append(now[0] - began)
    assert waits == sorted(waits) and waits[0] < 2 and waits[-1] == access.LONGEST
    now[0] += access.LONGEST
    assert visit(app, authorization=f"Bearer {PASSWORD}")[0] == 200
    assert visit(app, authorization="Bearer guess")[0] == 401  # counted from anew


def test_one_who_is_in_stays_in_while_others_guess():
    app = access.Guard(inner, "0.0.0.0", PASSWORD)
    _, headers, _ = visit(app, "/login", [b"password=correct+horse"])
    cookie = headers[b"set-cookie"].decode().split(";")[0]
    for i in range(access.TRIES + 5):
        visit(app, authorization=f"Bearer {i}")
    assert visit(app, cookie=cookie)[0] == 200


def test_many_tries_at_once_are_counted_before_their_bodies_come():
    """Three hundred logins are begun, and all bodies are sent only then."""
    app = access.Guard(inner, "0.0.0.0", PASSWORD)

    async def all_at_once():
        gate = asyncio.Event()

        async def one(number: int) -> int:
            sent = []

            async def receive():
                await gate.wait()
                return {"type": "http.request", "body": b"password=%d" % number, "more_body": False}

            async def send(message):
                sent.append(message)

            scope = {"type": "http", "method": "POST", "path": "/login", "client": ("10.0.0.1", 1)}
            await app(scope | {"headers": [(b"host", b"x")]}, receive, send)
            return sent[0]["status"]

        tasks = [asyncio.create_task(one(number)) for number in range(300)]
        await asyncio.sleep(0.05)
        gate.set()
        return await asyncio.gather(*tasks)

    statuses = asyncio.run(all_at_once())
    assert statuses.count(401) == access.TRIES and statuses.count(429) == 300 - access.TRIES


def test_a_network_of_ipv6_is_one_address():
    app = access.Guard(inner, "0.0.0.0", PASSWORD)
    statuses = [visit(app, client=f"2001:db8::{i:x}", authorization="Bearer x")[0] for i in range(access.TRIES + 1)]
    assert statuses[-1] == 429
    assert visit(app, client="2001:db8:0:1::1", authorization="Bearer x")[0] == 401
    assert visit(app, client="::ffff:10.0.0.9", authorization="Bearer x")[0] == 401


def test_only_so_many_addresses_are_remembered(monkeypatch):
    monkeypatch.setattr(access, "ADDRESSES", 50)
    app = access.Guard(inner, "0.0.0.0", PASSWORD)
    for i in range(200):
        visit(app, client=f"10.0.{i}.1", authorization="Bearer x")
    assert len(app._tries._of) == 50


# --- bodies


@pytest.mark.parametrize("app", [inner, forgiving])
@pytest.mark.parametrize("path", ["/v1/jobs", "/gradio_api/upload"])
def test_a_body_without_a_length_is_counted_as_it_comes(app, path, monkeypatch):
    monkeypatch.setattr(access, "BODY_BYTES", 1_000)
    seen: list[int] = []
    guard = access.Guard(app, "127.0.0.1")
    status, _, body = asyncio.run(_visit(guard, path, [b"x" * 300] * 50, "POST", "127.0.0.1", {}, seen))
    assert status == 413 and sum(seen) <= 1_200 and b"MB" in body and b"inside" not in body
    if path.startswith("/v1"):
        assert json.loads(body)["error"]["type"] == "too_large"
    assert visit(access.Guard(inner, "127.0.0.1"), path, [b"x" * 300] * 3)[0] == 200


def test_an_error_of_the_app_is_still_its_own():
    async def broken(scope, receive, send):
        raise RuntimeError("a mistake")

    with pytest.raises(RuntimeError, match="a mistake"):
        visit(access.Guard(broken, "127.0.0.1"))


@pytest.mark.parametrize("origin", ["http://[", "http://evil.example", "null", ""])
def test_an_origin_that_is_none_is_refused(origin):
    assert visit(access.Guard(inner, "127.0.0.1"), origin=origin)[0] == 403
