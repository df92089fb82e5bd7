"""/v1/library: what was made, found and changed by the id of a clip alone; no path comes in or goes out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response

from ...errors import RequestError
from ...library.item import TAG_LENGTH, checked_tags
from ...request import TEXT_LENGTH
from .. import downloads, requests
from ..bodies import json_object
from ..downloads import PlanForm, Sound
from .answers import PLAN_FILE, SIDECAR, SOUNDS, answers, file, gives, takes

if TYPE_CHECKING:
    from ..context import Context

MOST = 200  # clips of one answer
CHANGES = ("title", "tags", "favourite")


def router(context: Context) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/library", tags=["library"])
    library = context.library
    _add_search(routes, context)

    @routes.get("/{id}", responses=answers(gives("The clip.", "Clip"), 404))
    def get_clip(id: str) -> Response:
        """All that is known about a clip."""
        return JSONResponse(requests.clip(downloads.item_of(library, id)))

    @routes.patch(
        "/{id}",
        openapi_extra=takes("ClipChange"),
        responses=answers(gives("The clip now.", "Clip"), 400, 404, 413, 422),
    )
    async def change_clip(id: str, request: Request) -> Response:
        """Change title, tags or whether it is a favourite."""
        values = await json_object(request)
        if not values or not values.keys() <= {*CHANGES}:
            raise RequestError(f"a clip has {', '.join(CHANGES)} that can be changed: give at least one, and no others")
        if values.get("tags") is not None:
            checked_tags(values["tags"])
        await run_in_threadpool(downloads.item_of, library, id)
        return JSONResponse(requests.clip(await run_in_threadpool(library.update, id, **values)))

    @routes.delete("/{id}", responses=answers(gives("The clip, in the trash.", "Clip"), 404))
    def delete_clip(id: str) -> Response:
        """Move a clip to the trash."""
        return JSONResponse(requests.clip(library.delete(downloads.item_of(library, id).id)[0]))

    @routes.post("/{id}/restore", responses=answers(gives("The clip, back.", "Clip"), 404))
    def restore_clip(id: str) -> Response:
        """Bring a clip back from the trash."""
        return JSONResponse(requests.clip(library.restore(downloads.item_of(library, id).id)[0]))

    _add_files(routes, context)
    return routes


def _add_search(routes: APIRouter, context: Context) -> None:
    """The route that finds clips."""

    @routes.get("", responses=answers(gives("The newest first.", "Clips"), 422))
    def list_clips(
        text: Annotated[str, Query(max_length=TEXT_LENGTH)] = "",
        model: Annotated[str | None, Query(max_length=TEXT_LENGTH)] = None,
        since: Annotated[str | None, Query(max_length=64)] = None,
        until: Annotated[str | None, Query(max_length=64)] = None,
        favourite: bool | None = None,
        tag: Annotated[str | None, Query(max_length=TAG_LENGTH)] = None,
        trashed: bool = False,
        limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
        offset: Annotated[int, Query(ge=0, le=2**31)] = 0,
    ) -> Response:
        """Clips that meet all conditions: each word of `text` is in title, prompt or tags; dates are such as
        2026-01-31. `total` is how many there are on all pages."""
        conditions: dict[str, Any] = {
            "text": text,
            "model": model,
            "since": since,
            "until": until,
            "favourite": favourite,
            "tag": tag,
            "trashed": trashed,
        }
        found = context.library.search(**conditions, limit=limit, offset=offset)
        return JSONResponse(
            {"total": context.library.count(**conditions), "clips": [requests.clip(item) for item in found]}
        )


def _add_files(routes: APIRouter, context: Context) -> None:
    """The routes of a clip's files."""
    library = context.library

    @routes.get("/{id}/audio", responses=answers(file("The sound, whole or in ranges.", *SOUNDS), 404))
    def clip_audio(id: str, format: Sound | None = None, download: bool = False) -> Response:
        """The sound, by default as it is kept, byte for byte."""
        item = downloads.item_of(library, id)
        return downloads.sound(library, item, f".{format}" if format else item.path.suffix, download)

    @routes.get("/{id}/plan", responses=answers(PLAN_FILE, 404))
    def clip_plan(id: str, format: PlanForm = PlanForm.JSON) -> Response:
        """The plan that it was made to."""
        return downloads.plan_of(downloads.item_of(library, id), format)

    @routes.get("/{id}/sidecar", responses=answers(SIDECAR, 404))
    def clip_sidecar(id: str) -> Response:
        """All that made it, as in the file beside it."""
        return downloads.sidecar_of(downloads.item_of(library, id))
