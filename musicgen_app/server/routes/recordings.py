"""/v1/recordings: sound files sent in order to edit them, and what is known or heard of each."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response

from ...errors import FileError, RequestError
from ..bodies import counted
from ..editing.edits import known_plan
from ..editing.recordings import MOST_BYTES, NAME_LENGTH, Recording
from ..problems import Problem
from ..request_queue import EngineBusy
from ..requests import API
from .answers import SOUNDS, answers, gives
from .jobs import owner_of

if TYPE_CHECKING:
    from ..context import Context

AT_ONCE = 2  # recordings that are listened to
BODY = {"requestBody": {"required": True, "content": {
    kind: {"schema": {"type": "string", "format": "binary", "maxLength": MOST_BYTES}} for kind in SOUNDS}}}  # fmt: skip


def router(context: Context) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/recordings", tags=["edits"])
    listening = asyncio.Semaphore(AT_ONCE)

    async def told(recording: Recording) -> dict[str, Any]:
        async with listening:
            return await asyncio.to_thread(about, context, recording)

    @routes.post(
        "",
        status_code=201,
        openapi_extra=BODY,
        responses=answers(gives("It is here.", "Recording"), 400, 413, 422, 429, 503, status=201),
    )
    async def send_recording(
        request: Request, name: Annotated[str | None, Query(max_length=NAME_LENGTH)] = None
    ) -> Response:
        """Send a sound file (WAV, FLAC, OGG or MP3 of 0.5 s to 15 minutes, mono or stereo) as the body. The answer has
        its id, for /v1/edits, and the plan that is known or heard. `name` is what results are said to be made of."""
        with context.recordings.arriving(owner_of(request), name) as recording:
            with open(recording.path, "xb") as file:
                async for part in counted(request, MOST_BYTES):
                    file.write(part)
            facts = await told(recording)
        return JSONResponse(facts, 201, {"Location": f"{API}/recordings/{recording.id}"})

    @routes.get("/{id}", responses=answers(gives("The recording.", "Recording"), 404))
    async def get_recording(id: str) -> Response:
        """What is known or heard of a recording."""
        return JSONResponse(await told(context.recordings.get(id)))

    @routes.delete("/{id}", status_code=204, responses=answers({"description": "It is gone."}, 404, status=204))
    def delete_recording(id: str) -> Response:
        """Delete a recording. One that nobody deletes is gone an hour after it was last used."""
        context.recordings.remove(id)
        return Response(status_code=204)

    return routes


def about(context: Context, recording: Recording) -> dict[str, Any]:
    """A recording as JSON, with the plan that it was made to, or that is heard in it. Raises Problem."""
    from ...editing.hearing import heard_plan

    try:
        source = recording.read()
    except FileError as error:
        raise Problem(422, str(error), error.exit_code) from None
    notes, known = list(source.notes), False
    try:
        plan = source.plan or known_plan(context, source)
        known = plan is not None
        if plan is None:
            plan, heard = heard_plan(source)
            notes += heard
    except (EngineBusy, RequestError) as error:  # RequestError: no bar begins in it
        plan = None
        notes.append(str(error))
    return {
        "id": recording.id,
        "name": recording.name,
        "seconds": source.seconds,
        "sample_rate": source.sample_rate,
        "channels": len(source.audio),
        "plan": plan.to_dict() if plan else None,
        "known": known,
        "notes": notes,
        "links": {"self": f"{API}/recordings/{recording.id}"},
    }
