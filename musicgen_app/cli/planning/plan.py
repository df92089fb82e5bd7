"""`ttm-app plan`: what a prompt, a plan or both would be played as, and where each part of it comes from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...errors import RequestError
from ..completion import MODEL
from ..generation.length_options import BARS
from ..generation.plan_options import PLAN, check_words, given_plan, plan_options
from ..groups import CommandGroup
from ..terminal import print_json
from . import changes

if TYPE_CHECKING:
    from ...models.installed import ResolvedRequest
    from ...songbook.decision import Decision

EPILOG = """
\b
A plan in a file is a chord sheet (.txt), JSON (.json), MIDI (.mid), or a clip that ttm-app made. A
sheet is written so:
  tempo 96 · 4/4 · key Am · no drums
  intro 4 | verse 8: Am F C/E E7 | chorus 8 drums: F G Am (Am E7)
A chord is a bar, (Am E7) share one, and so do chords between two | lines. % repeats a bar, x2 all before it.

\b
Examples:
  ttm-app plan "folk guitar, 96 BPM, chords: Am F C G"
  ttm-app plan "folk guitar" --plan song.txt --key Cm --json
  ttm-app plan song.txt
  ttm-app plan examples waltz > waltz.txt
  ttm-app plan transpose waltz.txt 3 -o higher.txt
  ttm-app plan to-midi waltz.txt -o waltz.mid
  ttm-app plan to-sheet clip.wav
"""


@click.group(cls=CommandGroup, epilog=EPILOG, short_help="Show what would be played and why; change plans.")
@click.argument("prompt", required=False, metavar="[PROMPT|FILE]")
@PLAN
@plan_options
@click.option("--seed", type=int, metavar="N", help="What is borrowed depends on it.  [default: 0]")
@click.option("--seconds", type=float, metavar="S", help="Length of the clip.  [default: the plan's, or 10]")
@BARS
@click.option("--model", type=MODEL, metavar="NAME", help="Model name or folder.  [default: sketch]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def plan(context: click.Context, prompt: str | None, as_json: bool, **values) -> None:
    """Show what a PROMPT, or the plan in a FILE, would be played as, without playing it."""
    if context.invoked_subcommand is not None:
        return
    given = {name: value for name, value in values.items() if value is not None}
    if prompt is not None and (prompt == "-" or os.path.isfile(prompt)):
        if "plan" in given:
            raise RequestError("the plan is a FILE or that of --plan, not both: give a PROMPT in words")
        given["plan"], prompt = Path(prompt), None
    if prompt is not None:
        check_words(prompt)
    if "plan" in given:
        given["plan"] = given_plan(given["plan"])
    decision, resolved = _decide(prompt, given)
    seconds = _seconds(decision, resolved)
    if as_json:
        print_json(decision.to_dict(seconds))
    else:
        from .table import table

        click.echo(table(decision, seconds, None if prompt is None else resolved.request.seed))


def _seconds(decision: Decision, resolved: ResolvedRequest) -> float:
    """How long the clip of a decision is. Raises RequestError where it cannot have the bars that are asked for."""
    from ...control.bars import extent_in_bars
    from ...request import SECONDS

    request, bundle = resolved
    if not request.in_bars:
        return request.length
    return extent_in_bars(decision.plan, request.bars, request.loop, (SECONDS[0], bundle.max_seconds)).seconds


def _decide(prompt: str | None, given: dict) -> tuple[Decision, ResolvedRequest]:
    """The decision for a prompt, whose model is loaded, or for a plan alone, where nothing is borrowed."""
    from ...machine import user_settings
    from ...models.installed import resolve
    from ...request import PLANNING, GenerationRequest, with_defaults
    from ...songbook.decision import decide

    if prompt is None and not any(name in given for name in PLANNING):
        raise RequestError('give a PROMPT, such as ttm-app plan "slow waltz", or a FILE with a plan')
    values = with_defaults({"prompt": prompt or "music", "seed": 0} | given, user_settings.load().request())
    resolved = resolve(GenerationRequest(**values))
    if prompt is None:
        (decision,) = decide("", None, [0], None, resolved.request.wishes, resolved.bundle.grid_layout)
        return decision, resolved
    from ...engine import Engine

    engine = Engine(device="cpu")
    resolved = engine.resolve(GenerationRequest(**values))
    return engine.decide(resolved)[0], resolved


changes.add_to(plan)
