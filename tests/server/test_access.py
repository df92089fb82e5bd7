"""Who may come in: passwords as keys, tries that are counted before a body is read, bodies that are counted as they
come. The guard of a page is tested in tests/gui too."""

from __future__ import annotations

import asyncio
import base64
import json
import time

import pytest

from musicgen_app.server import access
from musicgen_app.server.gate import answers, tries
from musicgen_app.server.gate.proxies import Proxies, networks

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
        "type": "http", "scheme": "http", "method": method, "path": path, "client": (client, 1),
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
    monkeypatch.setattr(tries.time, "monotonic", lambda: now[0])
    app = access.Guard(inner, "0.0.0.0", PASSWORD)
    statuses = [visit(app, authorization=f"Bearer {i}")[0] for i in range(tries.TRIES + 2)]
    assert statuses == [401] * tries.TRIES + [429] * 2
    assert visit(app, authorization=f"Bearer {PASSWORD}")[0] == 429  # a right guess tells nothing now
    assert visit(app, client="10.0.0.2", authorization=f"Bearer {PASSWORD}")[0] == 200  # the owner elsewhere
    waits = []
    for _ in range(9):
        began = now[0]
        while visit(app, authorization="Bearer guess")[0] == 429:
            now[0] += 0.5
        waits.append(now[0] - began)
    assert waits == sorted(waits) and waits[0] < 2 and waits[-1] == tries.LONGEST
    now[0] += tries.LONGEST
    assert visit(app, authorization=f"Bearer {PASSWORD}")[0] == 200
    assert visit(app, authorization="Bearer guess")[0] == 401  # counted from anew


def test_one_who_is_in_stays_in_while_others_guess():
    app = access.Guard(inner, "0.0.0.0", PASSWORD)
    _, headers, _ = visit(app, "/login", [b"password=correct+horse"])
    cookie = headers[b"set-cookie"].decode().split(";")[0]
    for i in range(tries.TRIES + 5):
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
    assert statuses.count(401) == tries.TRIES and statuses.count(429) == 300 - tries.TRIES


def test_a_network_of_ipv6_is_one_address():
    app = access.Guard(inner, "0.0.0.0", PASSWORD)
    statuses = [visit(app, client=f"2001:db8::{i:x}", authorization="Bearer x")[0] for i in range(tries.TRIES + 1)]
    assert statuses[-1] == 429
    assert visit(app, client="2001:db8:0:1::1", authorization="Bearer x")[0] == 401
    assert visit(app, client="::ffff:10.0.0.9", authorization="Bearer x")[0] == 401


def test_only_so_many_addresses_are_remembered(monkeypatch):
    monkeypatch.setattr(tries, "ADDRESSES", 50)
    app = access.Guard(inner, "0.0.0.0", PASSWORD)
    for i in range(200):
        visit(app, client=f"10.0.{i}.1", authorization="Bearer x")
    assert len(app._tries._of) == 50


def test_a_customer_with_many_networks_of_ipv6_waits_too():
    app = access.Guard(inner, "0.0.0.0", PASSWORD)
    most = tries.TRIES * tries.WIDE
    statuses = [visit(app, client=f"2001:db8:7:{i:x}::1", authorization="Bearer x")[0] for i in range(most + 1)]
    assert statuses == [401] * most + [429]
    assert visit(app, client="2001:db8:8::1", authorization=f"Bearer {PASSWORD}")[0] == 200


def test_after_an_hour_an_address_begins_anew(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(tries.time, "monotonic", lambda: now[0])
    app = access.Guard(inner, "0.0.0.0", PASSWORD)
    for _ in range(tries.TRIES):
        visit(app, authorization="Bearer x")
    now[0] += tries.FORGOTTEN + 2
    assert [visit(app, authorization="Bearer x")[0] for _ in range(tries.TRIES)] == [401] * tries.TRIES


def test_a_password_that_never_comes_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(access, "PATIENCE", 0.05)
    app = access.Guard(inner, "0.0.0.0", PASSWORD)
    sent = []

    async def never():
        await asyncio.sleep(60)

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/login",
        "client": ("10.0.0.1", 1),
        "headers": [(b"host", b"x")],
    }
    asyncio.run(app(scope, never, send))
    assert sent[0]["status"] == 400


# --- sessions


def logged_in(app, **headers) -> str:
    """The cookie of a new session."""
    return visit(app, "/login", [b"password=correct+horse"], **headers)[1][b"set-cookie"].decode()


def test_a_session_outlives_the_server_and_ends_with_the_password_or_its_time(monkeypatch):
    key = b"k" * 32
    cookie = logged_in(access.Guard(inner, "0.0.0.0", PASSWORD, key=key)).split(";")[0]
    assert visit(access.Guard(inner, "0.0.0.0", PASSWORD, key=key), cookie=cookie)[0] == 200
    assert visit(access.Guard(inner, "0.0.0.0", "another one", key=key), cookie=cookie)[0] == 401
    assert visit(access.Guard(inner, "0.0.0.0", PASSWORD, key=b"l" * 32), cookie=cookie)[0] == 401
    later = time.time() + 31 * 86_400
    monkeypatch.setattr("musicgen_app.server.gate.sessions.time.time", lambda: later)
    assert visit(access.Guard(inner, "0.0.0.0", PASSWORD, key=key), cookie=cookie)[0] == 401


@pytest.mark.parametrize("forged", ["", "..", "9999999999.x.", "9999999999.x.00", "x.y.z", "\u00ff.1"])
def test_a_forged_session_opens_nothing(forged):
    assert visit(access.Guard(inner, "0.0.0.0", PASSWORD), cookie=f"ttm-app={forged}")[0] == 401


def test_a_changed_session_opens_nothing():
    app = access.Guard(inner, "0.0.0.0", PASSWORD)
    cookie = logged_in(app).split(";")[0]
    for at in (9, 12, len(cookie) - 1):
        changed = cookie[:at] + ("0" if cookie[at] != "0" else "1") + cookie[at + 1 :]
        assert visit(app, cookie=changed)[0] == 401


def test_the_key_of_sessions_is_this_users_alone(home):
    from musicgen_app.machine import paths
    from musicgen_app.server.gate import sessions

    key = sessions.own_key()
    path = paths.config() / sessions.FILE
    assert sessions.own_key() == key == path.read_bytes() and not path.stat().st_mode & 0o077
    path.chmod(0o644)  # others could have read it
    assert sessions.own_key() != key


# --- behind a proxy


async def telling(scope, receive, send):
    """Says what it sees of a request."""
    told = {name: scope[name] for name in ("scheme", "path", "root_path")} | {"client": scope["client"][0]}
    told |= {"visitor": scope[access.VISITOR], "heads": sorted(name.decode() for name, _ in scope["headers"])}
    told["host"] = dict(scope["headers"])[b"host"].decode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": json.dumps(told).encode()})


FORWARDED = {
    "x_forwarded_for": "203.0.113.9, 198.51.100.7, 10.0.0.2",
    "x_forwarded_proto": "https",
    "x_forwarded_host": "music.example",
    "authorization": f"Bearer {PASSWORD}",
}


def seen(client: str, proxies: str, **options) -> dict:
    app = access.Guard(telling, "0.0.0.0", PASSWORD, proxies=Proxies(networks(proxies)), **options)
    return json.loads(visit(app, client=client, x_gradio_server="http://evil.example", **FORWARDED)[2])


def test_a_trusted_proxy_says_who_asks_and_how():
    told = seen("10.0.0.1", "10.0.0.0/8")
    assert (told["client"], told["visitor"]) == ("198.51.100.7", "198.51.100.7")  # what came before it is hearsay
    assert (told["scheme"], told["host"]) == ("https", "music.example")
    assert told["heads"] == ["authorization", "host"]


@pytest.mark.parametrize(("client", "proxies"), [("10.0.0.1", ""), ("192.0.2.1", "10.0.0.0/8"), ("", "10.0.0.0/8")])
def test_nobody_else_is_believed(client, proxies):
    told = seen(client, proxies)
    assert (told["client"], told["host"], told["heads"]) == (client, "127.0.0.1:7860", ["authorization", "host"])


@pytest.mark.parametrize(
    ("hops", "client"),
    [("unknown", "10.0.0.1"), ("203.0.113.9:4711", "203.0.113.9"), ("[2001:db8::1]:443", "2001:db8::1"),
     ("2001:db8::1", "2001:db8::1"), ("1.2.3.4, <script>", "10.0.0.1"), ("", "10.0.0.1")],
)  # fmt: skip
def test_what_a_proxy_may_write(hops, client, monkeypatch):
    monkeypatch.setitem(FORWARDED, "x_forwarded_for", hops)
    assert seen("10.0.0.1", "10.0.0.1")["client"] == client


def test_tries_behind_a_proxy_are_counted_by_client():
    app = access.Guard(inner, "127.0.0.1", PASSWORD, proxies=Proxies(networks("127.0.0.1")))
    guess = {"client": "127.0.0.1", "authorization": "Bearer x"}
    statuses = [visit(app, x_forwarded_for="203.0.113.9", **guess)[0] for _ in range(tries.TRIES + 1)]
    assert statuses[-1] == 429
    assert visit(app, x_forwarded_for="203.0.113.8", **guess)[0] == 401


def test_the_address_of_a_guess_cannot_be_invented():
    app = access.Guard(inner, "0.0.0.0", PASSWORD)
    statuses = [visit(app, x_forwarded_for=f"10.1.1.{i}", authorization="Bearer x")[0] for i in range(tries.TRIES + 1)]
    assert statuses[-1] == 429


@pytest.mark.parametrize("asked", ["/music/v1/jobs", "/v1/jobs"])  # a proxy that keeps the path, and one that strips it
def test_a_path_of_its_own(asked):
    app = access.Guard(telling, "127.0.0.1", root="/music")
    told = json.loads(visit(app, asked)[2])
    assert (told["root_path"], told["path"]) == ("/music", "/music/v1/jobs")
    status, headers, _ = visit(app, "/music", method="GET")
    assert (status, headers[b"location"]) == (307, b"/music/")
    app = access.Guard(inner, "0.0.0.0", PASSWORD, root="/music")
    assert "Path=/music/;" in visit(app, "/music/login", [b"password=correct+horse"])[1][b"set-cookie"].decode()


def test_a_session_over_https_is_for_https_alone():
    assert "Secure" not in logged_in(access.Guard(inner, "0.0.0.0", PASSWORD))
    assert "Secure" in logged_in(access.Guard(inner, "0.0.0.0", PASSWORD, secure=True))
    behind = access.Guard(inner, "0.0.0.0", PASSWORD, proxies=Proxies(networks("10.0.0.1")))
    assert "Secure" in logged_in(behind, x_forwarded_proto="https")


def test_a_page_for_others_needs_a_password():
    with pytest.raises(AssertionError):
        access.Guard(inner, "127.0.0.1", proxies=Proxies(networks("127.0.0.1")))


# --- what is sent beside an answer


def test_what_is_no_page_runs_nothing():
    _, headers, _ = visit(access.Guard(inner, "127.0.0.1"))
    assert b"default-src 'none'" in headers[b"content-security-policy"]
    assert headers[b"content-security-policy"].endswith(b"sandbox")


def test_a_cross_site_request_of_a_page_is_refused_without_an_origin_too():
    app = access.Guard(inner, "127.0.0.1")
    cross = {"method": "GET", "sec_fetch_site": "cross-site"}
    assert visit(app, sec_fetch_mode="no-cors", **cross)[0] == 403  # a picture, a sound or a script of another page
    assert visit(app, sec_fetch_mode="navigate", **cross)[0] == 200  # a link


def test_a_socket_is_refused():
    sent = []

    async def send(message):
        sent.append(message)

    asyncio.run(access.Guard(inner, "127.0.0.1")({"type": "websocket", "headers": [], "path": "/"}, None, send))
    assert sent == [{"type": "websocket.close", "code": 1008}]


# --- bodies


@pytest.mark.parametrize("app", [inner, forgiving])
@pytest.mark.parametrize("path", ["/v1/jobs", "/gradio_api/upload"])
def test_a_body_without_a_length_is_counted_as_it_comes(app, path, monkeypatch):
    for name in ("BODY_BYTES", "UPLOAD_BYTES"):
        monkeypatch.setattr(access, name, 1_000)
    monkeypatch.setattr(answers, "REST", 800)
    seen: list[int] = []
    guard = access.Guard(app, "127.0.0.1")
    status, _, body = asyncio.run(_visit(guard, path, [b"x" * 300] * 50, "POST", "127.0.0.1", {}, seen))
    assert status == 413 and sum(seen) <= 1_200 + 900 and b"MB" in body and b"inside" not in body
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
