"""/v1/jobs: requests for music in the queue that the page has too; progress, cancelling and results."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from .. import downloads, requests
from ..bodies import json_object
from ..downloads import PlanForm, Sound
from ..problems import Problem, problem_of_code
from ..request_queue import Ticket
from .answers import PLAN_FILE, SIDECAR, SOUNDS, answers, file, gives, takes

if TYPE_CHECKING:
    from ...library.library import Item
    from ..context import Context
    from ..work import Work

BEAT = 0.1  # seconds between two looks at the queue
QUIET = 15.0  # seconds without news, after which a comment says that the line is open


def router(context: Context) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/jobs", tags=["jobs"])

    @routes.post(
        "",
        status_code=202,
        openapi_extra=takes("Request"),
        responses=answers(gives("It is in the queue.", "Job"), 400, 404, 413, 422, 429, status=202),
    )
    async def create_job(request: Request) -> Response:
        """Ask for music. The answer comes at once; the job says how far it is."""
        return await accepted(context, request, await json_object(request), requests.generation)

    @routes.get("", responses=answers(gives("Your jobs, in the order they came.", "Jobs")))
    def list_jobs(request: Request) -> Response:
        """The jobs from your address: those that wait or run, and for a while those that have ended."""
        tickets = context.requests.tickets(owner_of(request))
        return JSONResponse({"jobs": [requests.job(context, ticket) for ticket in tickets]})

    @routes.get("/{id}", responses=answers(gives("Where it stands.", "Job"), 404))
    def get_job(id: str) -> Response:
        """Where a job stands."""
        return JSONResponse(requests.job(context, _ticket(context, id)))

    @routes.delete("/{id}", responses=answers(gives("It is cancelled, or will be at its next step.", "Job"), 404, 409))
    def cancel_job(id: str) -> Response:
        """Cancel a job: at once where it waits, at its next step where it runs. What was finished is kept."""
        ticket = _ticket(context, id)
        if ticket.over:
            raise Problem(409, f"the job is {ticket.state} already")
        context.requests.cancel(ticket.owner, ticket.id)
        return JSONResponse(requests.job(context, ticket))

    @routes.get("/{id}/events", responses=answers(file("Events until the job ends.", "text/event-stream"), 404))
    async def job_events(id: str) -> Response:
        """Server-sent events: "progress" whenever where it stands changes, and "end". Their data is a job."""
        quiet = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(_events(context, _ticket(context, id)), 200, quiet, "text/event-stream")

    _add_results(routes, context)
    return routes


def _add_results(routes: APIRouter, context: Context) -> None:
    """The routes of what a job has made."""

    @routes.get("/{id}/results", responses=answers(gives("Its clips.", "Clips"), 404, 409))
    def job_results(id: str) -> Response:
        """The clips of a job that is done. 409: it is not, or it failed."""
        ticket = _ticket(context, id)
        if ticket.state != "done":
            raise _unfinished(ticket)
        clips = [requests.clip(item) for item in ticket.items]
        return JSONResponse({"total": len(clips), "clips": clips})

    @routes.get("/{id}/results/{number}/audio", responses=answers(file("The sound.", *SOUNDS), 404, 409))
    def job_audio(id: str, number: int, format: Sound | None = None) -> Response:
        """The sound of clip `number` (from 1), as soon as it is there; by default in the format that was asked for."""
        item = _item(context, id, number)
        return downloads.sound(context.library, item, f".{format}" if format else item.path.suffix, download=True)

    @routes.get("/{id}/results/{number}/plan", responses=answers(PLAN_FILE, 404, 409))
    def job_plan(id: str, number: int, format: PlanForm = PlanForm.JSON) -> Response:
        """The plan that clip `number` was made to."""
        return downloads.plan_of(_item(context, id, number), format)

    @routes.get("/{id}/results/{number}/sidecar", responses=answers(SIDECAR, 404, 409))
    def job_sidecar(id: str, number: int) -> Response:
        """All that made clip `number`, as in the file beside it."""
        return downloads.sidecar_of(_item(context, id, number))


async def accepted(
    context: Context, request: Request, values: dict[str, Any], work: Callable[[Context, dict[str, Any]], Work]
) -> Response:
    """The answer that a job is in the queue: the work of a JSON object. Raises as `requests.submit`."""
    ticket = await asyncio.to_thread(requests.submit, context, owner_of(request), values, work)
    where = {"Location": f"{requests.API}/jobs/{ticket.id}"}
    return JSONResponse(requests.job(context, ticket), 202, where)


def owner_of(request: Request) -> str:
    """Whose requests take turns with those of others: the address they come from."""
    return f"api {request.client.host if request.client else ''}"


async def finished(context: Context, ticket: Ticket, request: Request) -> None:
    """Wait for a ticket. Where the client goes away, or the server stops, it is cancelled.

    Raises Problem: it failed, or was cancelled.
    """
    try:
        while not ticket.over:
            if await request.is_disconnected():
                raise Problem(409, "the client went away: cancelled", 130)
            await asyncio.sleep(BEAT)
    finally:
        if not ticket.over:
            context.requests.cancel(ticket.owner, ticket.id)
    if ticket.state == "cancelled":
        raise Problem(409, "cancelled; nothing was kept", 130)
    if ticket.state == "failed":
        raise problem_of_code(ticket.error, ticket.code)


def _ticket(context: Context, id: str) -> Ticket:
    ticket = context.requests.find(id)
    if ticket is None:
        raise Problem(404, f"there is no job {id[:40]!a}, or it ended a while ago: its clips are in the library")
    return ticket


def _item(context: Context, id: str, number: int) -> Item:
    """Clip `number` of a job, from 1, as it is in the library now. Raises Problem."""
    ticket = _ticket(context, id)
    items = ticket.items
    if not 1 <= number <= ticket.work.count:
        raise Problem(404, f"the job has no clip {str(number)[:20]}: they are numbered from 1")
    if number > len(items):
        raise _unfinished(ticket)
    return downloads.item_of(context.library, items[number - 1].id)


def _unfinished(ticket: Ticket) -> Problem:
    return Problem(409, f"the job is {ticket.state}" + ("" if ticket.over else ": wait for its end"))


async def _events(context: Context, ticket: Ticket) -> AsyncIterator[str]:
    told: dict[str, Any] = {}
    heard = time.monotonic()
    while True:
        now = requests.standing(context, ticket)
        over = now["state"] == ticket.state and ticket.over
        if now != told or over:
            told, heard = now, time.monotonic()
            yield f"event: {'end' if over else 'progress'}\ndata: {json.dumps(now)}\n\n"
            if over:
                return
        elif time.monotonic() - heard > QUIET:
            heard = time.monotonic()
            yield ": still here\n\n"
        await asyncio.sleep(BEAT)
