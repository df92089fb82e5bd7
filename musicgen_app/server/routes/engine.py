"""/v1/engine: for `ttm-app generate --server`, a resolved request -> its results themselves, kept nowhere.

It is no part of the described API: its form changes with the version.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse

from ... import __version__
from ...errors import RequestError
from ...models.installed import completed
from ...request import GenerationRequest
from .. import requests, resident
from ..bodies import json_object
from ..problems import Problem
from ..work import Generation
from .jobs import BEAT, owner_of

if TYPE_CHECKING:
    from ..context import Context
    from ..request_queue import Ticket

ALIVE = 0.5  # seconds after which an empty line says that the server is there
KEYS = {"version", "bundle", "computing", "request"}


def router(context: Context) -> APIRouter:
    """The route."""
    routes = APIRouter()

    @routes.post("/engine", include_in_schema=False)
    async def compute(request: Request) -> Response:
        """Progress and results, as `resident` reads them."""
        values = await json_object(request)
        wanted = await asyncio.to_thread(_checked, context, values)
        ticket = await asyncio.to_thread(
            lambda: context.requests.submit(
                owner_of(request), Generation(wanted), context.settings.format, "cli", keep=False
            )
        )
        return StreamingResponse(_answer(context, ticket), media_type="application/octet-stream")

    return routes


def _checked(context: Context, values: dict[str, Any]) -> GenerationRequest:
    """The request, if this server gives the bytes that its sender would. Raises Problem and RequestError."""
    if values.keys() != KEYS:
        raise RequestError(f"give {', '.join(sorted(KEYS))}")
    if values["version"] != __version__:
        raise Problem(409, f"the server is ttm-app {__version__}")
    if values["computing"] != resident.computing(context.settings):
        raise Problem(409, "the server computes with another device, precision or decoder")
    wanted = GenerationRequest.from_dict(values["request"])
    bundle = requests.model_of(context, wanted.model, wanted.adapters)
    if values["bundle"] != resident.digest(bundle):
        raise Problem(409, f"the server has another model {bundle.name}, or other adapters")
    return completed(wanted, bundle)


async def _answer(context: Context, ticket: Ticket) -> AsyncIterator[bytes]:
    """Lines of JSON, then sounds; who does not listen to the end cancels."""
    try:
        told, heard = None, 0.0
        while not ticket.over:
            if ticket.progress != told or time.monotonic() - heard > ALIVE:
                told, heard = ticket.progress, time.monotonic()
                yield _line({"progress": asdict(told)} if told else {})
            await asyncio.sleep(BEAT)
    finally:
        if not ticket.over:
            context.requests.cancel(ticket.owner, ticket.id)
    if ticket.state != "done":
        message = ticket.error or "cancelled; nothing was written"
        yield _line({"error": {"message": message, "code": ticket.code or 130}})
        return
    results, ticket.results = ticket.results, ()
    yield _line({"results": [resident.packed(result) for result in results]})
    for result in results:
        yield np.ascontiguousarray(result.audio, "<f4").tobytes()


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value).encode() + b"\n"
