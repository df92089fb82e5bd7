"""/strip: what the browser asks when something was done in a plan strip. Who may ask is the app's business."""

from __future__ import annotations

import asyncio
import json
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
    from fastapi.responses import Response

    routes = APIRouter()
    turn = asyncio.Semaphore(AT_ONCE)

    def said(values: dict, status: int = 200, headers: dict | None = None) -> Response:
        """JSON in ASCII, so that whatever was typed can be sent back."""
        return Response(json.dumps(values), status, headers, "application/json")

    async def strip(request: Request) -> Response:
        """The strip after an action, or {"problem": ...}, which leaves it as it was."""
        try:
            values = parse_object(await raw_body(request, BYTES))
            if turn.locked():
                raise Problem(429, "many change plans: try again in a moment")
            async with turn:
                return said(await asyncio.to_thread(answer, context, values))
        except Problem as refusal:
            return said({"problem": str(refusal)}, refusal.status, refusal.headers)
        except TTMError as error:
            return said({"problem": str(error)})  # of what was typed, which is no mistake of the page

    strip.__annotations__["request"] = Request
    routes.add_api_route("/strip", strip, methods=["POST"], include_in_schema=False, response_model=None)
    return routes
