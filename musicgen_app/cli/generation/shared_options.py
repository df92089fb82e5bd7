"""Options that commands which make clips share: how they are sampled, what computes them, where they are written."""

from __future__ import annotations

from collections.abc import Callable

import click

from ...machine import user_settings
from ..completion import FORMAT, MODEL

BEST_OF = click.option("--best-of", type=int, metavar="N", help="Make N of each, keep the best.  [default: 1]")
SEED = click.option("--seed", type=int, metavar="N", help="The same seed gives the same music.  [default: drawn]")
NEGATIVE = click.option("--negative", metavar="TEXT", help="What the music should not be like.")
GUIDANCE = click.option("--guidance", type=float, metavar="G", help="How closely to follow the prompt; 1 is none.")
ADAPTER = click.option(
    "--adapter", "adapters", multiple=True, metavar="NAME[:STRENGTH]", help="Change the model by it; repeatable.  [:1]"
)
SAMPLING = (
    SEED,
    BEST_OF,
    click.option("--model", type=MODEL, metavar="NAME", help="Model name or folder.  [default: sketch]"),
    NEGATIVE,
    click.option("--steps", type=int, metavar="N", help="Sampler steps.  [default: the model's]"),
    GUIDANCE,
)
COMPUTING = (
    click.option("--device", type=click.Choice(user_settings.DEVICES), help="Where to compute.  [default: auto]"),
    click.option(
        "--precision",
        type=click.Choice(user_settings.PRECISIONS),
        help="Of the matrix products; auto is bf16 where the hardware has it.  [default: auto]",
    ),
    click.option(
        "--decoder",
        type=click.Choice(user_settings.DECODERS),
        help="What turns latents into sound; auto is what the model names.  [default: auto]",
    ),
)
WRITING = (
    click.option("--format", type=FORMAT, help="Of files that are named by the app.  [default: wav]"),
    click.option(
        "--sidecar/--no-sidecar",
        default=None,
        help="Also write FILE.json with all that made it.  [default: for a WAV whose prompt is too long for its tag]",
    ),
    click.option("--keep/--no-keep", default=None, help="Keep a copy in the library.  [default: keep]"),
    click.option("--force", is_flag=True, help="Replace files that exist."),
    click.option("--json", "as_json", is_flag=True, help="Print one JSON object a file."),
    click.option("-q", "--quiet", is_flag=True, help="Print only the paths; no progress."),
)


def with_options(*options: Callable[[Callable], Callable]) -> Callable[[Callable], Callable]:
    """A decorator that gives a command these options, in this order."""

    def decorated(command: Callable) -> Callable:
        for option in reversed(options):
            command = option(command)
        return command

    return decorated
