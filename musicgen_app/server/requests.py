"""JSON of a program -> a resolved request in the queue; tickets, clips and models -> JSON.

Nothing is clamped or guessed: what a request may have is said by `request`, `songbook.wishes` and its model, and a key
that nobody knows is refused. No path comes in or goes out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ModelError, RequestError
from ..machine import paths
from ..machine.user_settings import FORMATS, as_suffix
from ..models import installed
from ..models.adapters import adapted, find_installed
from ..request import GenerationRequest, with_defaults
from .problems import Problem
from .work import Generation, Work

if TYPE_CHECKING:
    from ..library.library import Item
    from ..models.bundle import Bundle
    from .context import Context
    from .request_queue import Ticket

API = "/v1"


def generation(context: Context, values: dict[str, Any]) -> Generation:
    """The clips of a JSON object. Raises Problem (no such model) and RequestError."""
    return Generation(resolved(context, values))


def submit(
    context: Context, owner: str, values: dict[str, Any], work: Callable[[Context, dict], Work] = generation
) -> Ticket:
    """A place in the queue for the work of a JSON object, which has "format" beside it.

    Raises QueueFull, and what `work` raises: Problem (no such model or adapter), RequestError.
    """
    values = dict(values)
    suffix = suffix_of(values.pop("format", None), context.settings.format)
    return context.requests.submit(owner, work(context, values), suffix, "api")


def resolved(context: Context, values: dict[str, Any]) -> GenerationRequest:
    """The resolved request of a JSON object. Raises Problem (no such model or adapter) and RequestError."""
    request = GenerationRequest.from_dict(with_defaults(values, context.settings.request()))
    return installed.completed(request, model_of(context, request.model, request.adapters))


def model_of(context: Context, name: str, adapters: Mapping[str, float] | None = None) -> Bundle:
    """The installed model of that name with installed adapters. Raises Problem: one is missing, or does not fit."""
    try:
        return adapted(installed.find_installed(name, context.models_dir), adapters or {}, find_installed)
    except ModelError as error:
        raise Problem(404, str(error), error.exit_code) from None


def suffix_of(format: object, usual: str) -> str:
    """The suffix of a format such as "wav" (None: the usual one). Raises RequestError."""
    if format is None:
        return usual
    if not isinstance(format, str) or as_suffix(format) not in FORMATS:
        raise RequestError(f"format must be one of {', '.join(suffix[1:] for suffix in FORMATS)}")
    return as_suffix(format)


def job(context: Context, ticket: Ticket) -> dict[str, Any]:
    """A ticket as JSON: what was asked for, and where it stands."""
    asked = {"request": ticket.request.to_dict()} | ticket.work.about
    return standing(context, ticket) | {"format": ticket.suffix[1:]} | asked


def standing(context: Context, ticket: Ticket) -> dict[str, Any]:
    """Where a ticket stands. The state is read first, so that the last clips are there once it says "done"."""
    state = ticket.state
    at, pace = (ticket.progress, ticket.pace) if state == "running" else (None, None)
    where = f"{API}/jobs/{ticket.id}"
    return {
        "id": ticket.id,
        "state": state,
        "before": context.requests.position(ticket),
        "part": ticket.part + 1 if state == "running" else None,
        "parts": ticket.parts if state == "running" else None,
        "stage": at.stage if at else None,
        "step": at.step if at else None,
        "total": at.total if at else None,
        "rate": round(pace.rate, 3) if pace else None,
        "stage_seconds_left": round(pace.left, 1) if pace else None,
        "notes": list(ticket.notes),
        "error": {"message": without_folders(context, ticket.error), "code": ticket.code} if ticket.error else None,
        "clips": [short_clip(item) for item in ticket.items],
        "links": {"self": where, "events": f"{where}/events", "results": f"{where}/results"},
    }


def short_clip(item: Item) -> dict[str, Any]:
    """A clip of a job: what tells it from the others, and where it is."""
    return {
        "id": item.id,
        "seed": item.request.seed,
        "seconds": item.samples / item.sample_rate,
        "edited": item.edited,
        "links": _links(item),
    }


def clip(item: Item) -> dict[str, Any]:
    """All that is known about a clip of the library, but its files' names."""
    facts = item.to_dict()
    known = {name: value for name, value in facts.items() if name not in ("path", "sidecar")}
    return known | {"seconds": item.samples / item.sample_rate, "format": item.path.suffix[1:], "links": _links(item)}


def _links(item: Item) -> dict[str, str]:
    where = f"{API}/library/{item.id}"
    return {"self": where, **{name: f"{where}/{name}" for name in ("audio", "plan", "sidecar")}}


def model(bundle: Bundle) -> dict[str, Any]:
    """A model as JSON, with the names that OpenAI's list of models has."""
    return {
        "id": bundle.name,
        "object": "model",
        "created": int(bundle.path.stat().st_mtime),
        "owned_by": "ttm-app",
        "title": bundle.config["title"],
        "version": bundle.config["version"],
        "licence": bundle.licence,
        "native_seconds": bundle.native_seconds,
        "max_seconds": bundle.max_seconds,
        "sampler": bundle.sampler,
        "follows_plans": bundle.follows_plans,
        "conditions": bundle.scalars,
    }


def without_folders(context: Context, text: str) -> str:
    """A message without the folders of this computer, which are nobody's business elsewhere."""
    models = [context.models_dir or paths.models(), paths.adapters(), paths.assets()]
    folders = [context.library.folder, *models, paths.cache(), Path.home()]
    for folder in sorted(map(str, folders), key=len, reverse=True):
        if len(folder) > 1:
            text = text.replace(folder + "/", "").replace(folder, "the folder")
    return text
