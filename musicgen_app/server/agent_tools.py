"""The app as tools of an agent over MCP: the table TOOLS, and the loop that answers.

A tool takes and gives what the HTTP API does, from the same functions. It may name files, since an agent that starts
the app is on this computer. To add one, write its function and put it into TOOLS.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio
import mcp_types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

from .. import __version__
from ..errors import Cancelled, RequestError, TTMError
from ..models import installed
from . import requests
from .problems import Problem
from .request_queue import ENDED
from .routes import plans
from .schemas import OPERATIONS, QUESTION, REQUEST, Schema, object_of
from .serving import context_of

if TYPE_CHECKING:
    from ..library.library import Item
    from ..machine.user_settings import Settings
    from .context import Context

BEAT = 0.1  # seconds between two looks at the queue
OWNER = "agent"
ENDS = [number for name in ("SIGINT", "SIGTERM", "SIGHUP") if (number := getattr(signal, name, None)) is not None]
SHARES = {"text": (0.0, 0.0), "sampling": (0.0, 0.9), "decoding": (0.9, 0.1)}  # of a clip: beginning and part
Tell = Callable[[float, float | None, str], Awaitable[None]]  # progress, total, message
Values = dict[str, Any]

ABOUT = """Makes music from text on this computer. `plan` shows what would be played (tempo, key, chords, sections) and
what of a prompt was understood; change it with `change_plan` and give it to `generate` as `plan`. Every clip is kept in
the library, where `library` finds it again. The same request with the same seed gives the same music."""


@dataclass(frozen=True)
class Tool:
    """What an agent can do: about it, the JSON Schema of its values, and (context, values, tell) -> a JSON object."""

    about: str
    schema: Schema
    call: Callable[[Context, Values, Tell], Awaitable[Values]]


async def generate(context: Context, values: Values, tell: Tell) -> Values:
    """Make music; an agent that does not wait for it any more cancels it."""
    ticket = await anyio.to_thread.run_sync(requests.submit, context, OWNER, values)
    try:
        told = None
        while not ticket.over:
            at = ticket.progress
            if at is not None and told != (told := (ticket.part, at.stage, at.step)):
                begin, share = SHARES[at.stage]
                await tell(ticket.part + begin + share * at.step / at.total, ticket.parts, at.stage)
            await anyio.sleep(BEAT)
    finally:
        if not ticket.over:
            context.requests.cancel(OWNER, ticket.id)
    if ticket.state != "done":
        assert ticket.state in ENDED
        raise RequestError(ticket.error or "it was cancelled")
    return {"clips": [_clip(item) for item in ticket.items], "notes": list(ticket.notes)}


async def plan(context: Context, values: Values, tell: Tell) -> Values:
    """What would be played."""
    return await anyio.to_thread.run_sync(plans.decision, context, values)


async def change_plan(context: Context, values: Values, tell: Tell) -> Values:
    """A plan after operations."""
    return await anyio.to_thread.run_sync(plans.operated, values)


async def library(context: Context, values: Values, tell: Tell) -> Values:
    """Clips that were made."""
    unknown = values.keys() - LIBRARY["properties"].keys()
    if unknown:
        raise RequestError(f"the library has no {ascii(min(unknown))[:40]}: give {', '.join(LIBRARY['properties'])}")
    if "id" in values:
        return {"clips": [_clip(context.library.get(values["id"]))]}
    conditions: dict[str, Any] = {"limit": 20} | values
    found = context.library.search(**conditions)
    return {"clips": [_clip(item) for item in found]}


async def models(context: Context, values: Values, tell: Tell) -> Values:
    """The installed models."""
    return {"models": [requests.model(bundle) for bundle in installed.list_models(context.models_dir)]}


def _clip(item: Item) -> Values:
    """A clip, with its file."""
    return {"file": str(item.path)} | {n: v for n, v in requests.clip(item).items() if n not in ("links", "format")}


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
    "generate": Tool("Make music from a prompt; gives files, seeds and the plan that was played.", REQUEST, generate),
    "plan": Tool("Show what a prompt or a plan would be played as, and why, without playing it.", QUESTION, plan),
    "change_plan": Tool("Transpose, reharmonise, vary, extend or repeat a plan.", OPERATIONS, change_plan),
    "library": Tool("Find clips that were made before, the newest first.", LIBRARY, library),
    "models": Tool("List the installed models.", object_of([]), models),
}


def server(context: Context) -> Server:
    """The tools as an MCP server, on no transport yet."""

    async def list_tools(asked: Any, params: Any) -> mcp_types.ListToolsResult:
        tools = [
            mcp_types.Tool(name=name, description=tool.about, input_schema=tool.schema) for name, tool in TOOLS.items()
        ]
        return mcp_types.ListToolsResult(tools=tools)

    async def call_tool(asked: Any, params: mcp_types.CallToolRequestParams) -> mcp_types.CallToolResult:
        tool = TOOLS.get(params.name)
        if tool is None:
            return _refused(f"there is no tool {params.name[:40]!a}: there are {', '.join(TOOLS)}")
        try:
            made = await tool.call(context, params.arguments or {}, asked.session.report_progress)
        except (TTMError, Problem) as error:
            return _refused(str(error))
        text = mcp_types.TextContent(type="text", text=json.dumps(made))
        return mcp_types.CallToolResult(content=[text], structured_content=made)

    return Server("ttm-app", version=__version__, instructions=ABOUT, on_list_tools=list_tools, on_call_tool=call_tool)


def _refused(message: str) -> mcp_types.CallToolResult:
    return mcp_types.CallToolResult(content=[mcp_types.TextContent(type="text", text=message)], is_error=True)


async def _end_on_signals(context: Context) -> None:
    """Ctrl-C and SIGTERM stop the engine and end the process: its thread that reads stdin would wait for ever."""
    with suppress(NotImplementedError), anyio.open_signal_receiver(*ENDS) as signals:
        async for _ in signals:
            await anyio.to_thread.run_sync(context.requests.close)
            print("error: cancelled", file=sys.stderr, flush=True)
            os._exit(Cancelled.exit_code)


def answer(settings: Settings) -> None:
    """Answer an agent on stdin and stdout until it closes them."""
    context = context_of(settings)
    tools = server(context)

    async def loop() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_end_on_signals, context)
            async with stdio_server() as (reading, writing):
                await tools.run(reading, writing, tools.create_initialization_options())
            tasks.cancel_scope.cancel()

    try:
        anyio.run(loop)
    finally:
        context.requests.close()
