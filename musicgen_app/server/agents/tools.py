"""What an agent can do: the table TOOLS.

A tool takes and gives what the HTTP API does, from the same functions. It may name files, since an agent that starts
the app is on this computer. To add one, write its function and put it into TOOLS.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

from ...control.plan import TEMPI
from ...daw.kinds import KINDS, MOST_CLIPS
from ...errors import RequestError
from ...models import installed
from .. import requests
from ..editing.edits import editing, layering, named_source
from ..request_queue import ENDED
from ..routes import plans
from ..schemas import EDIT_REQUEST, LAYERS_REQUEST, OPERATIONS, QUESTION, REQUEST, Schema, object_of

if TYPE_CHECKING:
    from ...library.library import Item
    from ..context import Context
    from ..editing.edits import Read
    from ..work import Work

BEAT = 0.1  # seconds between two looks at the queue
OWNER = "agent"
SHARES = {"text": (0.0, 0.0), "sampling": (0.0, 0.9), "decoding": (0.9, 0.1)}  # of a clip: beginning and part
Tell = Callable[[float, float | None, str], Awaitable[None]]  # progress, total, message
Values = dict[str, Any]


@dataclass(frozen=True)
class Tool:
    """What an agent can do: about it, the JSON Schema of its values, and (context, values, tell) -> a JSON object."""

    about: str
    schema: Schema
    call: Callable[[Context, Values, Tell], Awaitable[Values]]


async def made(work: Callable[[Context, Values], Work], context: Context, values: Values, tell: Tell) -> Values:
    """Do the work of some values; an agent that does not wait for it any more cancels it."""
    ticket = await anyio.to_thread.run_sync(requests.submit, context, OWNER, values, work)
    try:
        far = -1.0
        while not ticket.over:
            at = ticket.progress
            if at is not None:
                begin, share = SHARES[at.stage]
                now = ticket.part + begin + share * at.step / at.total
                if now > far:  # layers begin a stage again for each part
                    far = now
                    await tell(now, ticket.parts, at.stage)
            await anyio.sleep(BEAT)
    finally:
        if not ticket.over:
            context.requests.cancel(OWNER, ticket.id)
    if ticket.state != "done":
        assert ticket.state in ENDED
        raise RequestError(ticket.error or "it was cancelled")
    return {"clips": [_clip(item) for item in ticket.items], "notes": list(ticket.notes)}


def looping(context: Context, values: Values) -> Work:
    """The clips of a loop. Raises as `requests.generation`."""
    if "loop" in values:
        raise RequestError("this tool always makes a loop: leave loop out")
    return requests.generation(context, values | {"loop": True})


def editing_files(context: Context, values: Values) -> Work:
    """An edit of a clip of the library, or of a sound file. Raises as `editing`."""
    return editing(context, values, _source)


def _source(context: Context, named: str) -> Read:
    """What reads a file, or the clip of an id. Raises Problem."""
    from ...editing.source import read_source

    path = Path(named).expanduser().absolute()
    if "\x00" not in named and os.path.isfile(path):
        return lambda: read_source(path)
    return named_source(context, named)


async def plan(context: Context, values: Values, tell: Tell) -> Values:
    """What would be played."""
    return await anyio.to_thread.run_sync(plans.decision, context, values)


async def change_plan(context: Context, values: Values, tell: Tell) -> Values:
    """A plan after operations."""
    return await anyio.to_thread.run_sync(plans.operated, values)


async def export(context: Context, values: Values, tell: Tell) -> Values:
    """Files for a DAW or a sampler, of clips."""
    from ...library import hand_over

    _check_names("export", values, EXPORT)
    given = dict(values)
    clips, kind, output = (given.pop(name, None) for name in EXPORT["required"])
    if not isinstance(clips, list) or not all(isinstance(clip, str) and "\x00" not in clip for clip in clips):
        raise RequestError("clips must be a list of ids or of names of files")
    if not isinstance(output, str) or not output or "\x00" in output:
        raise RequestError("output must be the name of the file, or for stems of the folder, to write")
    if not isinstance(given.get("title", ""), str) or not isinstance(given.get("loop", False), bool):
        raise RequestError("title must be text, loop true or false")
    target = Path(output).expanduser().absolute()
    write = partial(hand_over.export, clips, kind, target, library=context.library, **given)
    return {"files": [str(path) for path in await anyio.to_thread.run_sync(write)]}


async def library(context: Context, values: Values, tell: Tell) -> Values:
    """Clips that were made."""
    _check_names("the library", values, LIBRARY)
    if "id" in values:
        return {"clips": [_clip(context.library.get(values["id"]))]}
    conditions: dict[str, Any] = {"limit": 20} | values
    found = context.library.search(**conditions)
    return {"clips": [_clip(item) for item in found]}


async def models(context: Context, values: Values, tell: Tell) -> Values:
    """The installed models."""
    return {"models": [requests.model(bundle) for bundle in installed.list_models(context.models_dir)]}


def _check_names(what: str, values: Values, schema: Schema) -> None:
    unknown = values.keys() - schema["properties"].keys()
    if unknown:
        raise RequestError(f"{what} has no {ascii(min(unknown))[:40]}: give {', '.join(schema['properties'])}")


def _clip(item: Item) -> Values:
    """A clip, with its file."""
    return {"file": str(item.path)} | {n: v for n, v in requests.clip(item).items() if n not in ("links", "format")}


def _with(schema: Schema, required: list[str], **properties: Schema | None) -> Schema:
    """A schema with other properties; None: without one."""
    kept = {name: value for name, value in (schema["properties"] | properties).items() if value is not None}
    return schema | {"properties": kept, "required": required}


FILE = {"type": "string", "description": "Id of a clip of the library, or a sound file.", "maxLength": 4_096}
LOOP = _with(REQUEST, ["prompt"], loop=None, seconds=None)
EDIT = _with(EDIT_REQUEST, ["clip", "edit"], clip=FILE)
EXPORT = object_of(
    ["clips", "kind", "output"],
    clips={"type": "array", "items": FILE, "minItems": 1, "maxItems": MOST_CLIPS, "description": "Layers of a plan."},
    kind={"type": "string", "enum": list(KINDS), "description": " ".join(f"{n}: {k.more}" for n, k in KINDS.items())},
    output={"type": "string", "description": "The new file, with its suffix, or for stems the new folder."},
    title={"type": "string", "maxLength": 2_000},
    bpm={"type": "number", "minimum": TEMPI[0], "maximum": TEMPI[1], "description": "Where the clips do not say it."},
    metre={"type": "string", "maxLength": 100},
    key={"type": "string", "maxLength": 100},
    loop={"type": "boolean"},
)
LIBRARY = object_of(
    [],
    id={"type": "string", "description": "One clip, by its id."},
    text={"type": "string", "description": "Every word is in the title, the prompt or the tags."},
    model={"type": "string"},
    since={"type": "string", "description": "Such as 2026-01-31."},
    until={"type": "string"},
    favourite={"type": "boolean"},
    tag={"type": "string"},
    limit={"type": "integer", "minimum": 1, "maximum": 200},
    offset={"type": "integer", "minimum": 0},
)
TOOLS: dict[str, Tool] = {
    "generate": Tool(
        "Make music from a prompt; gives files, seeds and the plan that was played.",
        REQUEST,
        partial(made, requests.generation),
    ),
    "loop": Tool(
        "Make a loop: a clip whose end is followed by its beginning. Its length is in bars, or that of the sections.",
        LOOP,
        partial(made, looping),
    ),
    "edit": Tool(
        "Continue a clip or a recording, play bars of it again, vary it, end it or add a part, as a new clip.",
        EDIT,
        partial(made, editing_files),
    ),
    "layers": Tool(
        "Make parts, such as bass and drums, on one plan: a file of their sum, and one of each.",
        LAYERS_REQUEST,
        partial(made, layering),
    ),
    "plan": Tool("Show what a prompt or a plan would be played as, and why, without playing it.", QUESTION, plan),
    "change_plan": Tool("Transpose, reharmonise, vary, extend or repeat a plan.", OPERATIONS, change_plan),
    "library": Tool("Find clips that were made before, the newest first.", LIBRARY, library),
    "export": Tool("Write clips as a project for a DAW, as MIDI, or as files for samplers.", EXPORT, export),
    "models": Tool("List the installed models.", object_of([]), models),
}
