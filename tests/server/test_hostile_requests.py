"""Hundreds of requests that no honest program sends: none is answered with 500, and nothing outside is read."""

from __future__ import annotations

import json
import random

import jsonschema
import pytest

from musicgen_app.engine import Engine
from musicgen_app.errors import GenerationError
from musicgen_app.server import schemas

REQUESTS = 600
SECRET = "the secret of this test"
WORDS = [
    "", " ", "0", "-1", "1e999", "nan", "null", "true", "../../etc/passwd", "..%2f..%2fsecret.txt", "%00", "%ff",
    "a" * 5_000, "\u202e", "<script>", "' OR 1=1 --", "🎵", "wav", "json", "midi", "2026-99-99", "%", "Am F C G",
    "tempo 96\nverse 4: Am F", "verse 4 | verse x9999", "0123456789ab", "ffffffffffff", "C:\\x", "file:///etc/passwd",
    "x\x00y", "Q" * 2_001, "9" * 400,
]  # fmt: skip
TYPES = ["application/json", "text/html", "multipart/form-data; boundary=x", ""]
BROKEN = [b"", b"[" * 5_000, b"\xff\xfe\x00", b"MThd\x00\x00", b'{"a":', b"null"]
LEAVES = [None, True, False, 0, -1, 1, 7, 1.5, -0.0, 1e308, 2**63, 10**30, [], {}, [[]], {"": 0}, *WORDS]


def value(draw: random.Random, depth: int = 0):
    """Any JSON value."""
    kind = draw.random()
    if depth > 4 or kind < 0.7:
        return draw.choice(LEAVES)
    if kind < 0.85:
        return [value(draw, depth + 1) for _ in range(draw.randrange(4))]
    return {str(draw.choice(WORDS)): value(draw, depth + 1) for _ in range(draw.randrange(4))}


def near(draw: random.Random, schema: dict):
    """A value as a schema has it, but for what chance changes."""
    if draw.random() < 0.04:
        return value(draw)
    for name in ("anyOf", "oneOf"):
        if name in schema:
            return near(draw, draw.choice(schema[name]))
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return draw.choice(schema["enum"])
    kind = schema.get("type")
    if kind == "object":
        chosen = [n for n in schema.get("properties", {}) if n in schema.get("required", ()) or draw.random() < 0.12]
        return {name: near(draw, schema["properties"][name]) for name in chosen if draw.random() < 0.97}
    if kind == "array":
        items = schema.get("prefixItems") or [schema.get("items", {})] * draw.choice((0, 1, 2, 3))
        return [near(draw, item) for item in items if isinstance(item, dict)]
    if kind in ("number", "integer"):
        low, high = schema.get("minimum", 0), schema.get("maximum", 100)
        return draw.choice([low, high, (low + high) // 2, low - 1, high + 1])
    return draw.choice([True, False]) if kind == "boolean" else draw.choice([*WORDS, "tiny", "Am", "4/4", "A minor"])


def body_of(draw: random.Random, content: dict) -> bytes:
    """A body for a route: near to what it takes, or bytes of any kind."""
    kind = draw.random()
    if kind < 0.15:
        return draw.choice(
            [b"", b"[" * 5_000, b"\xff\xfe\x00", b"MThd\x00\x00", b'{"a":', b"null", draw.randbytes(200)]
        )
    schema = content.get("application/json", {}).get("schema", {})
    named = schemas.NAMED.get(schema.get("$ref", "").rpartition("/")[2], {})
    made = near(draw, named) if kind < 0.9 else value(draw)
    return json.dumps(made).encode()


@pytest.fixture
def silent(monkeypatch):
    """Whatever is asked for, nothing is made."""

    def fail(*arguments, **options):
        raise GenerationError("the model produced silence")

    monkeypatch.setattr(Engine, "generate", fail)


@pytest.mark.slow
def test_no_request_is_answered_with_a_mistake_of_ours(client, context, make, silent, tmp_path):
    draw = random.Random(0)
    (tmp_path / "secret.txt").write_text(SECRET)
    job = make()["id"]
    paths = client.get("/v1/openapi.json").json()["paths"]
    routes = [(path, method, operation) for path, methods in paths.items() for method, operation in methods.items()]
    statuses = []
    for _ in range(REQUESTS):
        path, method, operation = draw.choice(routes)
        method = draw.choice([method] * 9 + ["put", "delete", "post", "options"])
        for name in ("id", "number", "name"):
            path = path.replace(f"{{{name}}}", draw.choice([*WORDS[2:12], job, "1", "tiny"]))
        asked = [p["name"] for p in operation.get("parameters", []) if p["in"] == "query"] + ["x"]
        query = {draw.choice(asked): draw.choice(WORDS) for _ in range(draw.randrange(3))}
        content = operation.get("requestBody", {}).get("content", {})
        body = body_of(draw, content) if method in ("post", "patch") else b""
        headers = {"content-type": draw.choice(TYPES)}
        answer = client.request(method, f"/v1{path}", params=query, content=body, headers=headers)
        statuses.append(answer.status_code)
        assert answer.status_code < 500 or answer.status_code == 503, (method, path, query, body[:300], answer.text)
        assert SECRET.encode() not in answer.content and b"root:" not in answer.content
        if answer.status_code >= 400:
            jsonschema.validate(answer.json(), schemas.ERROR)
            assert str(tmp_path) not in answer.text
    assert {200, 202, 404, 422} <= set(statuses), sorted(set(statuses))
    assert client.get("/v1").status_code == 200 and (tmp_path / "secret.txt").read_text() == SECRET
