"""`ttm-app evaluate`: FAD, CLAP score and concept coverage of a model or of a folder of audio, with intervals."""

from __future__ import annotations

from pathlib import Path

import click

from musicgen_app.cli.completion import Name, installed_models
from musicgen_app.cli.groups import CommandGroup
from musicgen_app.errors import ModelError

from . import evaluate_more
from .evaluate_more import PATH, REPORT, options

EPILOG = """
\b
Measures:
  FAD         distance to the reference, in two variants that cannot be compared with each other
  CLAP score  mean cosine of prompt and clip
  CCS         share of the prompts' concepts (genre, instrument, mood) a judge hears in the clips
  With --embedder statistics FAD compares figures of the sound that no training used (and nothing else is measured).
  Each figure is printed with its variant, embedder or judge, reference, sample counts and 95 % interval.

\b
Prompt files:
  .csv with columns id,prompt and, if you like, genre,instrument,mood; .jsonl with the same; .txt, one a line
  Without --prompts: 100 prompts of this project's own, "built-in". Clip ID.wav has seed --seed + place in the file.

\b
Judges:
  aligner, clap  zero-shot with an embedder   FOLDER  an audio language model run by transformers
  none           no CCS                       http:// https://  a server with the OpenAI protocol and --judge-model;
                                              its key, if any, is read from OPENAI_API_KEY

\b
Examples:
  ttm-app evaluate sketch --count 20 --reference music/ -o report.json
  ttm-app evaluate runs/mine/bundle --prompts prompts.csv --reference music/ --audio-out clips/
  ttm-app evaluate --audio clips/ --prompts prompts.csv --reference music/ --embedder clap --judge qwen2-audio/
  ttm-app evaluate following runs/mine/bundle --against sketch --data corpus -o following.json
  ttm-app evaluate plan sketch waltz blues my-song.txt --audio-out clips/
"""
COMMANDS = ("following", "plan", "music", "loops", "sweep", "examples", "show")  # of such a model the path is given
MODEL = Name(lambda: [*installed_models(), *COMMANDS], "MODEL", folders=True)


@click.group(
    cls=CommandGroup,
    commands=[getattr(evaluate_more, name) for name in COMMANDS],
    epilog=EPILOG,
    short_help="Measure a model: FAD, CLAP score, prompt following.",
)
@click.argument("model", required=False, type=MODEL)
@click.option("--prompts", metavar="FILE", help="Prompt file, or built-in.")
@click.option("--audio", type=PATH, help="Measure these files, named by the prompts' ids.")
@click.option("--reference", type=PATH, help="Folder of real music, or a prepared folder.")
@options("any-embedder")
@click.option("--judge", metavar="NAME", help="Who decides on concepts.  [default: the embedder]")
@click.option("--judge-model", default="", metavar="NAME", help="The model of a judge that is a server.")
@click.option("--control/--no-control", default=None, help="Ask the judge about absent concepts too.  [if cheap]")
@click.option("--fad", type=click.Choice(["windowed", "per-file", "both"]), default="both", show_default=True)
@click.option("--extrapolate", is_flag=True, help="Also estimate the FAD of endlessly many clips.")
@click.option("--whole-reference", is_flag=True, help="Use all of each reference file, not its first --seconds.")
@click.option("--count", type=click.IntRange(1), help="Use this many prompts, spread over the file.  [default: all]")
@options("seconds", "seed", "steps", "guidance", "device", "bootstrap", "audio-out", *REPORT)
@click.pass_context
def evaluate(context, model, prompts, output, force, as_json, quiet, device, **values) -> None:
    """Measure MODEL, or with --audio a folder of clips. One clip a prompt, single shot.

    The commands take other measures, each with a --help of its own.
    """
    if context.invoked_subcommand:
        return
    _check_word(context, model)
    from ..evaluation.clips.prompts import BUILT_IN
    from ..evaluation.standard import Evaluation, evaluate_model
    from ..evaluation.tables.standard import table

    settings = Evaluation(
        model=model, prompts=BUILT_IN if prompts == "built-in" else prompts and Path(prompts), **values
    )
    evaluate_more.run(evaluate_model, settings, table, device, output, force, as_json, quiet)


def _check_word(context: click.Context, word: str | None) -> None:
    """Refuse a word that is no model but almost a command."""
    from musicgen_app.cli.groups import Group
    from musicgen_app.models.installed import find

    if word is None or not isinstance(context.command, Group):
        return
    near = context.command.nearest(context, word)
    if near:
        try:
            find(word)
        except ModelError:
            context.fail(f"no command or model {word!r}; did you mean {near}?")
