"""How a route is described: its answers by name of their schema, and the body that it takes."""

from __future__ import annotations

from typing import Any

JSON = "application/json"
SOUNDS = ("audio/wav", "audio/flac", "audio/ogg", "audio/mpeg")


def named(schema: str) -> dict[str, Any]:
    """A reference to one of `schemas.NAMED`."""
    return {"$ref": f"#/components/schemas/{schema}"}


def takes(schema: str) -> dict[str, Any]:
    """The JSON body of a route."""
    return {"requestBody": {"required": True, "content": {JSON: {"schema": named(schema)}}}}


def gives(about: str, schema: str) -> dict[str, Any]:
    """A JSON answer."""
    return {"description": about, "content": {JSON: {"schema": named(schema)}}}


def file(about: str, *types: str) -> dict[str, Any]:
    """An answer that is a file of one of these types."""
    return {"description": about, "content": {one: {"schema": {"type": "string", "format": "binary"}} for one in types}}


def answers(well: dict[str, Any], *refusals: int, status: int = 200) -> dict[int | str, dict[str, Any]]:
    """The answers of a route: where all is well, and its refusals by their statuses."""
    return {status: well, **{one: gives(REFUSALS[one], "Error") for one in refusals}}


REFUSALS = {
    400: "The body is not what it should be, or was cut off.",
    404: "There is no such thing.",
    409: "It is too early or too late for that.",
    413: "The body is too large.",
    422: "A value is not allowed.",
    429: "Too many requests wait: try again later.",
    503: "The model, a file or the engine cannot be used now.",
}

PLAN_FILE = file("The plan.", JSON, "text/plain", "audio/midi")
SIDECAR = {"description": "All that made it.", "content": {JSON: {"schema": {"type": "object"}}}}
