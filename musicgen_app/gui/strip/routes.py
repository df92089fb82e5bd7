"""/strip: what the browser asks when something was done in a plan strip. Who may ask is the app's business."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ...errors import TTMError
from ...server.bodies import parse_object, raw_body
from ...server.problems import Problem
from .actions import answer

if TYPE_CHECKING:
    from fastapi import APIRouter

    from ...server.context import Context

BYTES = 2_000_000  # of a question: a MIDI file of the largest size in base64, and the strip
AT_ONCE = 8  # questions that are answered at a time


def router(context: Context) -> APIRouter:
    """The route."""
    from fastapi import APIRouter, Request
    from fastapi.responses import JSONResponse

    routes = APIRouter()
    turn = asyncio.Semaphore(AT_ONCE)

    async def strip(request: Request) -> JSONResponse:
        """The strip after an action, or {"problem": ...}, which leaves it as it was."""
        try:
            values = parse_object(await raw_body(request, BYTES))
            if turn.locked():
                raise Problem(429, "many change plans: try again in a moment")
            async with turn:
                return JSONResponse(await asyncio.to_thread(answer, context, values))
        except Problem as refusal:
            return JSONResponse({"problem": str(refusal)}, refusal.status, refusal.headers)
        except TTMError as error:
            return JSONResponse({"problem": str(error)}, 422)

    strip.__annotations__["request"] = Request
    routes.add_api_route("/strip", strip, methods=["POST"], include_in_schema=False, response_model=None)
    return routes
