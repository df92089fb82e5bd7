"""The server as a process in the networks of others: behind nginx and Caddy, over HTTPS, IPv6 and SOCKS."""

from __future__ import annotations

import contextlib
import http.client
import json
import shutil
import socket
import ssl
import subprocess
import time
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest

from support.gui_server import GuiServer

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "server"
PASSWORD = "correct horse"
KEY = {"Authorization": f"Bearer {PASSWORD}"}


def free_port() -> int:
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        return line.getsockname()[1]


def fetch(port: int, path: str, body: bytes | None = None, method: str | None = None, source="127.0.0.1", **headers):
    """One request from an address of this computer; the status, the headers and the body."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=60, source_address=(source, 0))
    with contextlib.closing(line):
        line.request(method or ("GET" if body is None else "POST"), path, body, headers)
        answer = line.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


@contextlib.contextmanager
def running(command: list, port: int):
    """A program that listens there."""
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            assert process.poll() is None, process.stdout.read()
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.communicate(timeout=30)


def nginx(folder: Path, port: int, behind: int):
    """nginx with the example of the documentation, as a process of its own."""
    if not (program := shutil.which("nginx")):
        pytest.skip("there is no nginx (Debian: apt install nginx-light)")
    text = (EXAMPLES / "nginx.conf").read_text(encoding="utf-8")
    assert "listen 80;" in text and "http://127.0.0.1:7860;" in text
    text = text.replace("listen 80;", f"listen 127.0.0.1:{port};").replace(":7860;", f":{behind};")
    places = "".join(f"{n}_temp_path {folder};" for n in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    whole = f"daemon off; pid {folder}/pid; error_log {folder}/log; worker_processes 1; events {{}}"
    (folder / "nginx.conf").write_text(f"{whole} http {{ access_log off; {places} {text} }}", encoding="utf-8")
    return running([program, "-c", folder / "nginx.conf", "-p", folder, "-e", folder / "log"], port)


def caddy(folder: Path, port: int, behind: int):
    """Caddy with the example of the documentation, without HTTPS."""
    if not (program := shutil.which("caddy")):
        pytest.skip("there is no caddy")
    text = (EXAMPLES / "Caddyfile").read_text(encoding="utf-8")
    assert "\nmusic.example {" in text and "127.0.0.1:7860" in text
    text = text.replace("\nmusic.example {", f"\nhttp://:{port} {{").replace(":7860", f":{behind}")
    (folder / "Caddyfile").write_text("{\n\tadmin off\n\tauto_https off\n}\n" + text, encoding="utf-8")
    return running([program, "run", "--config", folder / "Caddyfile", "--adapter", "caddyfile"], port)


@pytest.mark.parametrize("proxy", [nginx, caddy])
def test_a_sub_path_behind_a_proxy(tmp_path, tiny_bundle, proxy):
    port, behind = free_port(), free_port()
    (tmp_path / "proxy").mkdir()
    with proxy(tmp_path / "proxy", port, behind):
        server = GuiServer(tmp_path, tiny_bundle.path)
        options = ("--root-path", "/music", "--proxies", "127.0.0.1", "--password", PASSWORD, "--port", str(behind))
        assert server.start(*options) == f"http://127.0.0.1:{behind}/music/"
        try:
            check_page(port)
            check_programs(port, tmp_path)
            check_guesses(port)
        finally:
            assert server.stop() == 0
        assert "Traceback" not in server.errors.read_text() and not server.log.exists()


def check_page(port: int) -> None:
    """Log in as a browser does, and look at the page."""
    origin = f"http://127.0.0.1:{port}"
    assert fetch(port, "/music")[:1] == (308,) and fetch(port, "/music")[1]["location"].endswith("/music/")
    browser = {"Accept": "text/html", "Origin": origin}
    assert fetch(port, "/music/", **browser)[0] == 401
    form = urlencode({"password": PASSWORD}).encode()
    status, heads, told = fetch(port, "/music/login", form, **browser)
    assert status == 303, told
    assert (status, heads["location"]) == (303, "./") and "Path=/music/;" in heads["set-cookie"]
    cookie = {"Cookie": heads["set-cookie"].split(";")[0]}
    status, heads, page = fetch(port, "/music/", **browser, **cookie)
    assert status == 200 and f'"root":"{origin}/music"'.encode() in page
    assert "nonce-" in heads["content-security-policy"]
    assert fetch(port, "/music/theme.css", **cookie)[0] == fetch(port, "/music/scripts/page.js", **cookie)[0] == 200
    assert fetch(port, "/music/", Origin="http://evil.example", **cookie)[0] == 403
    evil = {"X-Forwarded-Host": "evil.example", "X-Gradio-Server": "http://evil.example"}
    assert b"evil" not in fetch(port, "/music/", **browser, **cookie, **evil)[2]


def check_programs(port: int, folder: Path) -> None:
    """The API and gradio_client, under the path."""
    from gradio_client import Client

    url = f"http://127.0.0.1:{port}/music/"
    client = Client(url, verbose=False, download_files=str(folder / "downloads"), auth=("", PASSWORD))
    (clip,) = client.predict("soft bells", api_name="/generate")["clips"]
    assert Path(clip["file"]).read_bytes().startswith(b"RIFF")
    status, heads, body = fetch(port, "/music/v1/jobs", b'{"prompt": "bells"}', **KEY)
    assert status == 202 and heads["location"] == f"/music/v1/jobs/{json.loads(body)['id']}"
    told = json.loads(fetch(port, "/music/v1/openapi.json", **KEY)[2])
    assert told["servers"] == [{"url": "/music/v1"}]
    assert fetch(port, "/music/v1/openapi.json")[0] == 401


def check_guesses(port: int) -> None:
    """They are counted for who guesses, not for the proxy, nor for an address that is invented."""
    guess = {"Authorization": "Bearer guess"}
    statuses = [
        fetch(port, "/music/v1/", source="127.0.0.2", **guess, **{"X-Forwarded-For": f"203.0.113.{i}"})[0]
        for i in range(12)
    ]
    assert statuses[0] == 401 and statuses[-1] in (401, 429)
    assert fetch(port, "/music/v1/", source="127.0.0.3", **KEY)[0] == 200


@pytest.fixture
def certificate(tmp_path) -> tuple[Path, Path]:
    """A certificate for this computer that nobody has signed, and its key."""
    if not (program := shutil.which("openssl")):
        pytest.skip("there is no openssl")
    files = tmp_path / "ttm.pem", tmp_path / "ttm.key"
    made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=studio"]
    command = [program, *made, "-out", str(files[0]), "-keyout", str(files[1])]
    subprocess.run(command, check=True, capture_output=True)
    return files


def test_https_with_a_certificate(tmp_path, tiny_bundle, certificate):
    server = GuiServer(tmp_path, tiny_bundle.path)
    options = ("--certificate", str(certificate[0]), "--certificate-key", str(certificate[1]), "--password", PASSWORD)
    url = server.start(*options)
    try:
        assert url.startswith("https://127.0.0.1:")
        trust = ssl.create_default_context(cafile=certificate[0])
        trust.check_hostname = False
        line = http.client.HTTPSConnection("127.0.0.1", urlsplit(url).port, timeout=30, context=trust)
        line.request("POST", "/login", urlencode({"password": PASSWORD}), {"Accept": "application/json"})
        answer = line.getresponse()
        assert answer.status == 200 and "; Secure" in answer.headers["set-cookie"]
        ran = server.run("generate", "soft bells", "--server", "auto", "--seed", "3", "-o", "a.wav")
        assert ran.returncode == 0 and "cannot be used" not in ran.stderr, ran.stderr
    finally:
        assert server.stop() == 0


@pytest.mark.parametrize("what", ["missing", "none", "other key"])
def test_a_certificate_that_is_none_is_one_line(tmp_path, tiny_bundle, certificate, what):
    server = GuiServer(tmp_path, tiny_bundle.path)
    pem, key = certificate
    if what == "missing":
        pem = tmp_path / "nothing.pem"
    elif what == "none":
        pem.write_text("hello")
    else:
        key.write_text(pem.read_text())
    ran = server.run("serve", "--port", "0", "--certificate", str(pem), "--certificate-key", str(key))
    assert ran.returncode == 3 and ran.stderr.startswith("error: cannot use the certificate "), ran.stderr
    assert ran.stderr.count("\n") == 1
    ran = server.run("serve", "--port", "0", "--certificate-key", str(key))
    assert ran.returncode == 2 and "give --certificate too" in ran.stderr


def test_a_proxy_that_others_come_through_needs_a_password(tmp_path, tiny_bundle):
    server = GuiServer(tmp_path, tiny_bundle.path)
    ran = server.run("serve", "--port", "0", "--proxies", "127.0.0.1")
    assert ran.returncode == 2 and "through a proxy, so a password is needed" in ran.stderr
    for bad in (("--root-path", "music"), ("--root-path", "/music/"), ("--root-path", "/../x"), ("--proxies", "nginx")):
        ran = server.run("serve", "--port", "0", *bad)
        assert ran.returncode == 2 and ran.stderr.count("\n") == 1, ran.stderr


def test_ipv6(tmp_path, tiny_bundle):
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this computer has no IPv6")
    server = GuiServer(tmp_path, tiny_bundle.path)
    url = server.start("--host", "::1")
    try:
        assert url.startswith("http://[::1]:")
        line = http.client.HTTPConnection("::1", urlsplit(url).port, timeout=30)
        line.request("GET", "/")
        answer = line.getresponse()
        assert answer.status == 200 and f'"root":"{url.rstrip("/")}"'.encode() in answer.read()
    finally:
        assert server.stop() == 0


@pytest.mark.parametrize("proxy", ["socks://127.0.0.1:9/", "::nonsense::"])
def test_a_proxy_of_the_environment_stops_nothing(tmp_path, tiny_bundle, monkeypatch, proxy):
    for name in ("ALL_PROXY", "all_proxy", "HTTP_PROXY", "https_proxy"):
        monkeypatch.setenv(name, proxy)
    server = GuiServer(tmp_path, tiny_bundle.path)
    port = urlsplit(server.start()).port
    try:
        assert fetch(port, "/")[0] == 200
        status, _, sound = fetch(port, "/v1/audio/music", b'{"prompt": "soft bells"}')
        assert status == 200 and sound.startswith(b"RIFF")
        body = json.dumps({"data": ["soft bells"], "session_hash": "x"}).encode()
        head = {"Content-Type": "application/json"}
        assert fetch(port, "/gradio_api/call/models", b'{"data": []}', **head)[0] == 200, body
    finally:
        assert server.stop() == 0
    assert "Traceback" not in server.errors.read_text(), server.errors.read_text()
