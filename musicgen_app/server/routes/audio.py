"""/v1/audio/music: JSON in, the bytes of a sound file out, in the manner of OpenAI's speech route."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from ...errors import RequestError
from .. import downloads, requests
from ..access import visitor_of
from ..bodies import json_object
from .answers import SOUNDS, answers, file, takes
from .jobs import finished, owner_of

if TYPE_CHECKING:
    from ..context import Context

RENAMED = {"input": "prompt", "response_format": "format"}


def router(context: Context) -> APIRouter:
    """The route."""
    routes = APIRouter(prefix="/audio", tags=["audio"])

    @routes.post(
        "/music",
        openapi_extra=takes("MusicRequest"),
        responses=answers(file("The clip.", *SOUNDS), 400, 404, 409, 413, 422, 429, 503),
    )
    async def make_music(request: Request) -> Response:
        """One clip, answered when it is made: the same bytes as `ttm-app generate` writes.

        The headers X-Clip-Id and X-Seed say which it is in the library and what makes it again. Close the connection
        to cancel it.
        """
        values = _renamed(await json_object(request))
        owner, visitor = owner_of(request), visitor_of(request.scope)
        ticket = await asyncio.to_thread(lambda: requests.submit(context, owner, values, visitor=visitor))
        await finished(context, ticket, request)
        item = await asyncio.to_thread(downloads.item_of, context.library, ticket.items[0].id)
        answer = await asyncio.to_thread(downloads.sound, context.library, item, ticket.suffix, True)
        answer.headers["X-Clip-Id"], answer.headers["X-Seed"] = item.id, str(item.request.seed)
        return answer

    return routes


def _renamed(values: dict[str, Any]) -> dict[str, Any]:
    """The fields of a job for those of OpenAI's names. Raises RequestError: both of two names, or several clips."""
    if "variations" in values:
        raise RequestError("this route makes one clip: ask /v1/jobs for variations")
    for theirs, ours in RENAMED.items():
        if theirs in values and ours in values:
            raise RequestError(f"{theirs} is another name of {ours}: give one of them")
    return {RENAMED.get(name, name): value for name, value in values.items()}
