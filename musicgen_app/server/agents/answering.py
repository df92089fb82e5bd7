"""The loop that answers an agent over MCP on stdin and stdout."""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import anyio
import mcp_types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

from ... import __version__
from ...errors import Cancelled, TTMError
from ..problems import Problem
from ..serving import context_of
from .tools import TOOLS

if TYPE_CHECKING:
    from ...machine.user_settings import Settings
    from ..context import Context

ENDS = [number for name in ("SIGINT", "SIGTERM", "SIGHUP") if (number := getattr(signal, name, None)) is not None]

ABOUT = """Makes music from text on this computer. `plan` shows what would be played (tempo, key, chords, sections) and
what of a prompt was understood; change it with `change_plan` and give it to `generate` as `plan`. `loop` makes a clip
whose end is followed by its beginning, `layers` the parts of one piece. `edit` continues a clip or any recording, or
plays bars of it again, varies it, ends it, or adds a part; the clip itself is never changed. `export` writes clips for
a DAW or a sampler. Every clip is kept in the library, where `library` finds it again. The same request with the same
seed gives the same music."""


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
        context.recordings.close()
