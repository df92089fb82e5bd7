"""The page's functions for programs: /generate, /models, /library, to be called with gradio_client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

import gradio as gr

from ..errors import TTMError
from ..models import installed
from ..server.work import Generation
from .tabs.create_form import check_suffix, request_from

if TYPE_CHECKING:
    from ..library.library import Item
    from ..server.context import Context
    from ..server.request_queue import Ticket

BEAT = 0.1  # seconds between two looks at the queue
MOST = 200  # clips of one look into the library


def build_api(context: Context) -> None:
    """Add the endpoints to the page that is being built."""
    for endpoint in (_generate(context), _models(context), _library(context)):
        gr.api(endpoint, api_name=endpoint.__name__)


def _generate(context: Context) -> Callable:
    """The endpoint /generate; gradio reads its name, types and docstring."""

    async def generate(
        prompt: str,
        seconds: float | None = None,
        seed: int | None = None,
        variations: int = 1,
        model: str | None = None,
        negative: str = "",
        steps: int | None = None,
        guidance: float | None = None,
        guidance_interval: list[float] | None = None,
        solver: str | None = None,
        loudness: float | None = None,
        best_of: int = 1,
        conditions: dict[str, float] | None = None,
        plan: dict | str | None = None,
        bpm: float | None = None,
        key: str | None = None,
        metre: str | None = None,
        chords: str | None = None,
        drums: bool | None = None,
        form: str | None = None,
        bars: int | None = None,
        loop: bool = False,
        adapters: dict[str, float] | None = None,
        format: str | None = None,
        request: gr.Request = None,
    ) -> AsyncIterator[dict[str, Any]]:
        """Make music from a prompt. Says where the request stands whenever that changes; the last answer has all clips.

        An answer is {"state", "before", "stage", "step", "total", "clips"}; the states are "waiting", "running", "done"
        and "cancelled". A clip is {"id", "file", "title", "prompt", "seed", "seconds", "model", "created", "tags",
        "favourite", "played"}; with gradio_client `file` is the path of the downloaded sound. What is left out is as in
        the app's settings; a seed is drawn. `bars` is the length in bars in place of `seconds`, and with `loop` the
        end goes on with the beginning. `plan` is the JSON of a plan or the text of a chord sheet, `played` the
        plan that the clip was made to, or null.
        """
        values = {
            "prompt": prompt, "negative": negative, "seed": seed, "variations": variations, "steps": steps,
            "guidance": guidance, "guidance_interval": guidance_interval, "solver": solver, "best_of": best_of,
            "conditions": conditions, "plan": plan, "bpm": bpm, "key": key, "metre": metre, "chords": chords,
            "drums": drums, "form": form, "bars": bars, "loop": loop, "adapters": adapters,
            **given(seconds=seconds, model=model, loudness=loudness),
        }  # fmt: skip
        try:
            suffix = check_suffix(format or context.settings.format)
            resolved = await asyncio.to_thread(request_from, values, context.models_dir, context.settings.request())
            work = Generation(resolved)
            ticket = await asyncio.to_thread(context.requests.submit, request.session_hash, work, suffix, "api")
        except TTMError as problem:
            raise _error(problem) from None
        async for answer in _followed(context, ticket):
            yield answer

    return generate


async def _followed(context: Context, ticket: Ticket) -> AsyncIterator[dict[str, Any]]:
    """Where a request stands, whenever that changes; the last answer has its clips. gr.Error: it failed."""
    try:
        told = None
        while not ticket.over:
            if told != (told := stand(context, ticket)):
                yield told
            await asyncio.sleep(BEAT)
    except (asyncio.CancelledError, GeneratorExit):  # nobody waits for it any more
        context.requests.cancel(ticket.owner, ticket.id)
        raise
    if ticket.error:
        raise gr.Error(ticket.error, print_exception=False)
    yield stand(context, ticket)


def _models(context: Context) -> Callable:
    """The endpoint /models."""

    def models() -> list[dict[str, Any]]:
        """The installed models: {"name", "title", "licence", "native_seconds", "max_seconds", "sampler"} each."""
        return [
            {
                "name": bundle.name,
                "title": bundle.config["title"],
                "licence": bundle.licence,
                "native_seconds": bundle.native_seconds,
                "max_seconds": bundle.max_seconds,
                "sampler": bundle.sampler,
            }
            for bundle in installed.list_models(context.models_dir)
        ]

    return models


def _library(context: Context) -> Callable:
    """The endpoint /library."""

    def library(text: str = "", limit: int = 20, offset: int = 0, favourite: bool = False) -> list[dict[str, Any]]:
        """The newest clips of the library whose prompt, title or tags have every word of `text`."""
        try:
            if not 1 <= limit <= MOST or offset < 0:
                raise gr.Error(f"limit must be from 1 to {MOST}, offset 0 or more", print_exception=False)
            return clips(context.library.search(text, favourite=favourite or None, limit=limit, offset=offset))
        except TTMError as problem:
            raise _error(problem) from None

    return library


def _error(problem: TTMError) -> gr.Error:
    return gr.Error(str(problem), print_exception=False)


def stand(context: Context, ticket: Ticket) -> dict:
    """Where a request stands: how many are before it, what it is at, and its clips so far."""
    at = ticket.progress if ticket.state == "running" else None
    where = {"stage": at.stage, "step": at.step, "total": at.total} if at else dict.fromkeys(("stage", "step", "total"))
    return {"state": ticket.state, "before": context.requests.position(ticket), **where, "clips": clips(ticket.items)}


def given(**values: object) -> dict:
    return {name: value for name, value in values.items() if value is not None}


def clips(items: list[Item] | tuple[Item, ...]) -> list[dict]:
    """The clips as JSON; `file` is what gradio_client downloads."""
    return [
        {
            "id": item.id,
            "file": {"path": str(item.path), "orig_name": item.path.name, "meta": {"_type": "gradio.FileData"}},
            "title": item.title,
            "prompt": item.request.prompt,
            "seed": item.request.seed,
            "seconds": item.samples / item.sample_rate,
            "model": item.request.model,
            "created": item.created,
            "tags": list(item.tags),
            "favourite": item.favourite,
            "played": item.played.to_dict() if item.played else None,
        }
        for item in items
    ]
