"""/v1/edits and /v1/layers: work on recordings, and parts on one plan, as jobs of the queue that all work has."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from fastapi.responses import Response

from ..bodies import json_object
from ..editing.edits import editing, layering
from .answers import answers, gives, takes
from .jobs import accepted

if TYPE_CHECKING:
    from ..context import Context

AT_ONCE = 2  # recordings that are read and listened to, before they are in the queue
REFUSALS = (400, 404, 413, 422, 429)


def router(context: Context) -> APIRouter:
    """The routes."""
    routes = APIRouter(tags=["edits"])
    reading = asyncio.Semaphore(AT_ONCE)
    queued = answers(gives("It is in the queue.", "Job"), *REFUSALS, status=202)

    @routes.post("/edits", status_code=202, openapi_extra=takes("EditRequest"), responses=queued)
    async def edit_clip(request: Request) -> Response:
        """Continue a clip of the library or a recording that was sent, play parts of it again, vary it, end it or add a
        part. Outside the edited parts its samples stay to the bit. The clip itself is never changed: the results of the
        job are new ones."""
        values = await json_object(request)
        async with reading:
            return await accepted(context, request, values, editing)

    @routes.post("/layers", status_code=202, openapi_extra=takes("LayersRequest"), responses=queued)
    async def make_layers(request: Request) -> Response:
        """Parts on one plan: the first result is their sum, then follows each of them."""
        return await accepted(context, request, await json_object(request), layering)

    return routes
