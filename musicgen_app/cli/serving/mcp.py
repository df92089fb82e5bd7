"""`ttm-app mcp`: the app as tools of an agent, over the Model Context Protocol on stdin and stdout."""

from __future__ import annotations

from importlib.util import find_spec

import click

from ...errors import DependencyError
from .listening import DEVICE, PRECISION

EPILOG = """
\b
An agent starts it. Its settings name the command, for example
  {"mcpServers": {"ttm-app": {"command": "ttm-app", "args": ["mcp"]}}}
It needs the package mcp: pip install "ttm-app[mcp]"
"""


@click.command(epilog=EPILOG, short_help="Be a tool of an agent (MCP).")
@DEVICE
@PRECISION
def mcp(device: str | None, precision: str | None) -> None:
    """Answer an agent over the Model Context Protocol on stdin and stdout, until it closes them."""
    from ...machine import user_settings

    if find_spec("mcp") is None:
        raise DependencyError('agents need the package mcp: pip install "ttm-app[mcp]"')
    chosen = user_settings.load(device=device, precision=precision)

    from ...server.agents.answering import answer

    answer(chosen)
