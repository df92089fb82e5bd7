"""A hub that takes uploads, over real HTTP on this machine: large files by SHA-256, the others within a commit."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

OID = "0123456789abcdef0123456789abcdef01234567"


class UploadHub(ThreadingHTTPServer):
    """repositories: name -> {"private", "files": name -> bytes} of all commits; status: of every answer, if not 200."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), UploadHandler)
        self.repositories: dict[str, dict] = {}
        self.objects: dict[str, bytes] = {}
        self.tokens: set[str | None] = set()
        self.status = 200

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class UploadHandler(BaseHTTPRequestHandler):
    server: UploadHub
    protocol_version = "HTTP/1.1"

    def log_message(self, *args) -> None:
        pass

    def do_GET(self) -> None:
        self.tell({"id": "x"}, 200)

    def do_PUT(self) -> None:
        content = self.body()
        assert hashlib.sha256(content).hexdigest() == self.path.rpartition("/")[2]
        self.server.objects[self.path.rpartition("/")[2]] = content
        self.tell({})

    def do_POST(self) -> None:
        hub, body = self.server, self.body()
        hub.tokens.add(self.headers.get("Authorization"))
        if hub.status != 200:
            return self.tell({"error": "no"}, hub.status)
        if self.path == "/api/validate-yaml":
            return self.tell({"errors": [], "warnings": []})
        if self.path == "/api/repos/create":
            asked = json.loads(body)
            name = f"{asked.get('organization')}/{asked['name']}"
            hub.repositories.setdefault(
                name, {"private": asked.get("visibility") == "private" or asked.get("private"), "files": {}}
            )
            return self.tell({"url": f"{hub.url}/{name}"})
        name, what = re.match(
            r"/(?:api/models/)?([^/]+/[^/.]+)(?:\.git/info)?/(preupload|lfs|commit)", self.path
        ).groups()
        if what == "preupload":
            files = [file["path"] for file in json.loads(body)["files"]]
            large = {path: "lfs" if path.endswith(".safetensors") else "regular" for path in files}
            return self.tell({"files": [{"path": p, "uploadMode": m, "shouldIgnore": False} for p, m in large.items()]})
        if what == "lfs":
            wanted = [{"oid": one["oid"], "size": one["size"]} for one in json.loads(body)["objects"]]
            href = [{"actions": {"upload": {"href": f"{hub.url}/objects/{one['oid']}"}}} for one in wanted]
            return self.tell({"objects": [one | action for one, action in zip(wanted, href, strict=True)]})
        files = hub.repositories[name]["files"]
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = hub.objects[value["oid"]]
        self.tell({"success": True, "commitOid": OID, "commitUrl": f"{hub.url}/{name}/commit/{OID}"})

    def body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def tell(self, answer: dict, status: int = 200) -> None:
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def taking_uploads() -> Iterator[UploadHub]:
    """The hub, answering until the end of the `with`."""
    hub = UploadHub()
    threading.Thread(target=hub.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield hub
    finally:
        hub.shutdown()
        hub.server_close()
