"""/v1/plans: what would be played and why, what can be done to a plan, and its forms: sheet, JSON and MIDI."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from ...control.operations import checked
from ...errors import RequestError
from ...models.installed import ResolvedRequest
from ...request import PLANNING
from ...songbook.changes import changed
from ...songbook.decision import decide
from ...songbook.plan_files import MOST_BYTES, parse_plan, plan_bytes
from ...songbook.sheet_writer import write_sheet
from ...songbook.wishes import Wishes
from .. import requests
from ..bodies import json_object, raw_body
from ..downloads import PLANS, PlanForm
from ..problems import Problem
from .answers import answers, file, gives, named, takes

if TYPE_CHECKING:
    from ...control.plan import Plan
    from ..context import Context

AT_ONCE = 4  # questions that may wait for the engine
MOST_OPERATIONS = 100  # of one request
QUESTION = ("prompt", "negative", "seconds", "seed", "model", *PLANNING)


def router(context: Context) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/plans", tags=["plans"])
    asked = asyncio.Semaphore(AT_ONCE)

    refusals = (400, 404, 413, 422, 429, 503)

    @routes.post(
        "", openapi_extra=takes("PlanQuestion"), responses=answers(gives("The plan, and why.", "Decision"), *refusals)
    )
    async def decide_plan(request: Request) -> Response:
        """What a prompt, a plan or both would be played as, where each part comes from, and what was understood."""
        values = await json_object(request)
        if asked.locked():
            raise Problem(429, "many ask for plans: try again in a moment")
        async with asked:
            return JSONResponse(await asyncio.to_thread(decision, context, values))

    @routes.post("/operations", openapi_extra=takes("PlanOperations"),
                 responses=answers(gives("The plan now.", "WrittenPlan"), 400, 413, 422))  # fmt: skip
    async def change_plan(request: Request) -> Response:
        """Transpose, reharmonise, vary, extend: operations in order, each {"name": ...} with its values."""
        values = await json_object(request)
        return JSONResponse(await asyncio.to_thread(operated, values))

    forms = [kind.partition(";")[0] for _, kind in PLANS.values()]
    body = {"requestBody": {"required": True, "content": {
        "application/json": {"schema": named("Plan")}, "text/plain": {"schema": {"type": "string"}},
        "audio/midi": {"schema": {"type": "string", "format": "binary"}}}}}  # fmt: skip

    @routes.post("/convert", openapi_extra=body, responses=answers(file("The plan.", *forms), 400, 413, 422))
    async def convert_plan(request: Request, to: PlanForm = PlanForm.JSON) -> Response:
        """A plan as a sheet, JSON or MIDI (the body says itself which it is) in another form."""
        data = await raw_body(request, MOST_BYTES)
        suffix, kind = PLANS[to]
        return Response(await asyncio.to_thread(lambda: plan_bytes(parse_plan(data).plan, suffix)), media_type=kind)

    return routes


def decision(context: Context, values: dict[str, Any]) -> dict[str, Any]:
    """What a request of these fields would be made to, as JSON.

    Without a prompt nothing is borrowed, and no model is loaded. Raises Problem, RequestError, ModelError, EngineBusy.
    """
    for name in values:
        if name not in QUESTION:
            raise RequestError(f"a plan has no {ascii(name)[:40]}: the keys are {', '.join(QUESTION)}")
    prompted = "prompt" in values
    if not prompted and not any(values.get(name) is not None for name in PLANNING):
        raise RequestError(f"give a prompt, or one of {', '.join(PLANNING)}")
    request = requests.resolved(context, {"prompt": "music", "seed": 0} | values)
    bundle = requests.model_of(context, request.model)
    if prompted:
        found = context.engine.decide(ResolvedRequest(request, bundle))
    else:
        (found,) = decide("", None, [0], None, request.wishes, bundle.grid_layout)
    facts = {n: v for n, v in found.to_dict(request.length).items() if n in ("genre", "sections")}
    about = {"seconds": request.length, "seed": request.seed, "model": request.model}
    return written(found.plan) | about | facts | found.reading()


def operated(values: dict[str, Any]) -> dict[str, Any]:
    """The plan of {"plan", "operations"} after them, as JSON. Raises RequestError."""
    if values.keys() != {"plan", "operations"}:
        raise RequestError('give {"plan": ..., "operations": [{"name": "transpose", "semitones": 3}, ...]}')
    steps = values["operations"]
    if not isinstance(steps, list) or len(steps) > MOST_OPERATIONS:
        raise RequestError(f"operations must be a list of at most {MOST_OPERATIONS}")
    wishes = Wishes.checked({"plan": values["plan"]})
    plan = wishes.sheet.plan
    for step in steps:
        if not isinstance(step, dict):
            raise RequestError('an operation must be an object such as {"name": "transpose", "semitones": 3}')
        plan = changed(plan, step.get("name"), {name: value for name, value in step.items() if name != "name"})
    notes = [f"{one.text}: read as {one.symbol or 'no chord'} ({one.why})" for one in wishes.changes]
    return written(checked(plan)) | {"notes": notes}


def written(plan: Plan) -> dict[str, Any]:
    """A plan as JSON and as a sheet."""
    return {"plan": plan.to_dict(), "sheet": write_sheet(plan)}
