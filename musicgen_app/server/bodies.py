"""The body of an HTTP request -> bytes, or a JSON object, both within limits that are kept while it comes in."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from typing import Any

from fastapi import Request
from starlette.requests import ClientDisconnect

from .problems import Problem

JSON_BYTES = 1_000_000  # more than the longest plan takes
DEPTH = 32  # objects and lists within each other
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.S)


async def counted(request: Request, most: int) -> AsyncIterator[bytes]:
    """The body as it comes. Raises Problem where it has more than `most` bytes, however it is sent, or is cut off."""
    size = 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > most:
                raise Problem(413, f"the body may have {most:,} bytes: shorten it")
            yield part
    except ClientDisconnect:
        raise Problem(400, "the body ended before its end") from None


async def raw_body(request: Request, most: int = JSON_BYTES) -> bytes:
    """The whole body. Raises as `counted`."""
    return b"".join([part async for part in counted(request, most)])


async def json_object(request: Request) -> dict[str, Any]:
    """The body as a JSON object. Raises Problem."""
    return parse_object(await raw_body(request))


def parse_object(data: bytes) -> dict[str, Any]:
    """A JSON object, nested no deeper than DEPTH, without NaN and without a key that comes twice. Raises Problem."""
    if _depth(data) > DEPTH:
        raise Problem(400, f"the JSON nests too deep: {DEPTH} objects or lists within each other are the most")
    try:
        value = json.loads(data.decode(), parse_constant=_no_number, object_pairs_hook=_once)
    except UnicodeDecodeError:
        raise Problem(400, "the body is not UTF-8 text") from None
    except (ValueError, RecursionError) as error:
        reason = getattr(error, "msg", None) or "a number is too long"
        raise Problem(400, f"the body is not JSON: {reason}") from None
    if not isinstance(value, dict):
        raise Problem(400, 'the body must be a JSON object such as {"prompt": "slow piano"}')
    return value


def _depth(data: bytes) -> int:
    """How deep brackets are nested outside of texts."""
    deepest = depth = 0
    for sign in re.findall(rb"[\[\]{}]", _STRING.sub(b"", data)):
        depth += 1 if sign in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _no_number(name: str) -> None:
    raise Problem(400, f"the body is not JSON: {name} is no number there")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Problem(400, f"the key {ascii(twice)[:60]} is given twice")
    return found
