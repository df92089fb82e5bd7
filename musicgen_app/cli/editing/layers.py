"""`ttm-app layers`: parts on one plan -> a file each, and their sum."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import click

from ...errors import RequestError
from ...machine import paths, user_settings
from ...request import DRAWN_SEEDS, parse_adapters
from ..generation.output_files import check_target, write_clips
from ..generation.plan_options import PLAN, given_plan, plan_options
from ..generation.shared_options import ADAPTER, COMPUTING, SAMPLING, WRITING, with_options

EPILOG = """
\b
Each PART is a clip of its own, made to the same plan from the same seed: they are in time, and add up to the sum.
-o song.wav gives song.wav, the sum, and song-bass.wav, song-keys.wav ... With --json, and in the sidecar, each
says under "heard" how well it fits each of the parts alone, from -1 to 1: whether it holds only its own.

\b
Examples:
  ttm-app layers bass keys drums --bpm 108 --chords "Am F C G" -o song.wav
  ttm-app layers "upright bass" piano --style "slow jazz" --plan song.txt --best-of 4 --levels "-3,0"
"""


@click.command(epilog=EPILOG, short_help="Make parts that fit together, a file each.")
@click.argument("parts", nargs=-1, required=True, metavar="PART...")
@click.option("--style", metavar="TEXT", help="What all parts are like, such as lo-fi hip hop.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File of the sum, or a folder to write into.")
@click.option("--levels", metavar="DB,DB,...", help="How loud the parts are, 0 as they are made.")
@click.option("--seconds", type=float, metavar="S", help="Length.  [default: the plan's, or 10]")
@with_options(*SAMPLING)
@ADAPTER
@PLAN
@plan_options
@with_options(*COMPUTING, *WRITING)
def layers(
    parts: tuple[str, ...],
    style: str | None,
    output: Path | None,
    levels: str | None,
    device: str | None,
    precision: str | None,
    decoder: str | None,
    format: str | None,
    sidecar: bool | None,
    keep: bool | None,
    force: bool,
    as_json: bool,
    quiet: bool,
    adapters: tuple[str, ...],
    **values,
) -> None:
    """Make each PART, such as bass, on one plan: a file each, and their sum."""
    from ...editing.layers import checked_parts
    from ...editing.preparation import with_or_without_prompt

    chosen = user_settings.load(
        device=device, precision=precision, decoder=decoder, sidecar=sidecar, keep=keep, format=format
    )
    given = {name: value for name, value in values.items() if value is not None}
    names, wanted = checked_parts(parts, None if levels is None else _numbers(levels))
    if adapters:
        given["adapters"] = parse_adapters(adapters)
    if "plan" in given:
        given["plan"] = given_plan(given["plan"])
    defaults = {"seed": secrets.randbelow(DRAWN_SEEDS), "model": chosen.request()["model"]}
    request = with_or_without_prompt(defaults | given | {"prompt": style})
    if output is None or os.path.isdir(output):
        output = (output or Path()) / f"{paths.slug(' '.join(names))}-{request.seed}{chosen.format}"
    targets = [output, *(output.with_name(f"{output.stem}-{paths.slug(name)}{output.suffix}") for name in names)]
    if len({target.name for target in targets}) < len(targets):
        raise RequestError("two parts would have one file: name them so that their letters differ")
    for target in targets:
        check_target(target, chosen.sidecar, force)

    def make(progress, token):
        from ...server.resident import own_engine

        return own_engine(chosen).layers(names, request, wanted, progress, token)

    write_clips(make, targets, chosen, chosen.sidecar, force, as_json, quiet)


def _numbers(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise RequestError(f"--levels {text[:40]!a}: write numbers in dB with commas, such as 0,-3,-6") from None
