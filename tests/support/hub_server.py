"""A hub of models over real HTTP on this machine, with the faults that networks have."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

BLOCK = 1 << 20
PAGE = b"<html><body>Please log in to this network</body></html>"
CODES = {404: "EntryNotFound", 403: "GatedRepo"}


LARGE = {".bin", ".pt", ".pth", ".safetensors"}  # suffixes of files that are told by their SHA-256


@lru_cache(maxsize=256)
def digest(path: Path, size: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def etag(path: Path) -> str:
    """What a hub calls the bytes of a file: their SHA-256, or git's name for those of a text."""
    size = path.stat().st_size
    if path.suffix in LARGE:
        return digest(path, size)
    return hashlib.sha1(b"blob %d\0" % size + path.read_bytes()).hexdigest()


class Hub(ThreadingHTTPServer):
    """`files`: repository -> name of a file -> the file on this disk; every repository has the one commit `revision`.

    status: of every answer (or of those whose file is in `refused`), if not 200; stop_after: bytes after which a body
    breaks off, for the next `breaks` requests; page: a login page comes in place of the bytes; ranges: whether parts of
    files are given; bodies: (file, first byte) of every GET.
    """

    def __init__(self, files: dict[str, dict[str, Path]], revisions: dict[str, str]):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.revisions = files, revisions
        self.status, self.refused, self.page, self.ranges = 200, set[str](), False, True
        self.stop_after, self.breaks = 0, 0
        self.bodies: list[tuple[str, int]] = []
        self.tokens: set[str | None] = set()

    def handle_error(self, request, client_address) -> None:
        """A client that went away is no fault of the hub's."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *args) -> None:
        pass

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def answer(self, body: bool) -> None:
        hub = self.server
        hub.tokens.add(self.headers.get("Authorization"))
        found = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", self.path)
        path = hub.files.get(found[1], {}).get(found[3]) if found else None
        refused = hub.status != 200 and (not hub.refused or (found and found[3] in hub.refused))
        if refused or path is None:
            self.refuse(hub.status if refused else 404)
            return
        commit, size = hub.revisions[found[1]], path.stat().st_size
        first = int(re.match(r"bytes=(\d+)-", self.headers.get("Range", "bytes=0-"))[1]) if body and hub.ranges else 0
        if body and hub.page:
            self.send(200, {"Content-Type": "text/html", "Content-Length": str(len(PAGE))})
            self.wfile.write(PAGE)
            return
        facts = {"X-Repo-Commit": commit, "ETag": f'"{etag(path)}"', "Content-Length": str(size - first)}
        if body and hub.ranges:
            facts["Content-Range"] = f"bytes {first}-{size - 1}/{size}"
        self.send(206 if body and hub.ranges else 200, facts)
        if body:
            hub.bodies.append((found[3], first))
            self.write(path, first, size)

    def send(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def refuse(self, status: int) -> None:
        self.send(status, {"X-Error-Code": CODES.get(status, ""), "Content-Length": "0", "Retry-After": "7"})

    def write(self, path: Path, first: int, size: int) -> None:
        hub, left = self.server, size - first
        if hub.breaks and left > hub.stop_after:
            hub.breaks -= 1
            left, self.close_connection = hub.stop_after, True
        with open(path, "rb") as file:
            file.seek(first)
            while left > 0:
                block = file.read(min(BLOCK, left))
                self.wfile.write(block)
                left -= len(block)


@contextmanager
def running(files: dict[str, dict[str, Path]], revisions: dict[str, str]) -> Iterator[Hub]:
    """The hub, answering until the end of the `with`."""
    hub = Hub(files, revisions)
    threading.Thread(target=hub.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield hub
    finally:
        hub.shutdown()
        hub.server_close()
