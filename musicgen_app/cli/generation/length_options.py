"""Options that give the length of a clip in bars, and make it a loop: --bars 8, --bars 8 --loop, --loop 8bars."""

from __future__ import annotations

import re
from collections.abc import Callable

import click

from ...errors import RequestError
from .shared_options import with_options

AS_LONG = "as long as --bars or the sections"  # what --loop means without a length
BARS = click.option("--bars", type=int, metavar="N", help="Length of the clip in bars, in place of --seconds.")
OPTIONS = (
    BARS,
    click.option(
        "--loop", is_flag=False, flag_value=AS_LONG, metavar="[Nbars]", help="A loop, of so many bars: --loop 8bars."
    ),
    click.option("--no-loop", is_flag=True, help="--from a loop: a clip that is none."),
)


def length_options(command: Callable) -> Callable:
    """The command with --bars, --loop and --no-loop."""
    return with_options(*OPTIONS)(command)


def length_of(bars: int | None, loop: str | None, no_loop: bool) -> dict:
    """The fields of a request that these options give. Raises RequestError."""
    if loop and no_loop:
        raise RequestError("--loop and --no-loop are opposites: give one")
    given: dict = {} if bars is None else {"bars": bars}
    if loop == AS_LONG:
        return given | {"loop": True}
    if loop:
        found = re.fullmatch(r"([0-9]{1,9})\s*(bars?)?", loop.strip(), re.ASCII | re.IGNORECASE)
        if not found:
            raise RequestError(
                f"--loop takes a number of bars, such as --loop 8bars, not {ascii(loop)[:60]}: a PROMPT goes before it"
            )
        if bars not in (None, int(found[1])):
            raise RequestError(f"--loop {loop} and --bars {bars} are two lengths: give one")
        return {"bars": int(found[1]), "loop": True}
    return given | ({"loop": False} if no_loop else {})
