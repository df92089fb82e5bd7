"""`ttm-app evaluate`: FAD, CLAP score and concept coverage of a model or of a folder of audio, with intervals."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ..errors import FileError
from .output import cancel_on_signals, print_json, print_note, progress_line

EPILOG = """
\b
Measures:
  FAD         distance to the reference, in two variants that cannot be compared with each other
  CLAP score  mean cosine of prompt and clip
  CCS         share of the prompts' concepts (genre, instrument, mood) a judge hears in the clips
  --probe     prompt following, tempo, drums and copying, on captions the model never saw
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
"""


@click.command(epilog=EPILOG, short_help="Measure a model: FAD, CLAP score, concept coverage.")
@click.argument("model", required=False)
@click.option("--prompts", metavar="FILE", help="Prompt file, or built-in.")
@click.option("--audio", type=click.Path(path_type=Path), help="Measure these files, named by the prompts' ids.")
@click.option("--reference", type=click.Path(path_type=Path), help="Folder of real music, or a prepared folder.")
@click.option("--embedder", default="aligner", show_default=True, metavar="NAME", help="aligner, clap or a folder.")
@click.option("--judge", metavar="NAME", help="Who decides on concepts.  [default: the embedder]")
@click.option("--judge-model", default="", metavar="NAME", help="The model of a judge that is a server.")
@click.option("--control/--no-control", default=None, help="Ask the judge about absent concepts too.  [if cheap]")
@click.option("--fad", type=click.Choice(["windowed", "per-file", "both"]), default="both", show_default=True)
@click.option("--extrapolate", is_flag=True, help="Also estimate the FAD of endlessly many clips.")
@click.option("--whole-reference", is_flag=True, help="Use all of each reference file, not its first --seconds.")
@click.option("--count", type=click.IntRange(1), help="Use this many prompts, spread over the file.  [default: all]")
@click.option("--seconds", type=click.FloatRange(0.5), default=10.0, show_default=True, help="Of each clip.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--steps", type=int, help="Sampler steps.  [default: the model's]")
@click.option("--guidance", type=float, help="Guidance.  [default: the model's]")
@click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda", "mps"]), default="auto", help="To generate.  [auto]"
)
@click.option("--bootstrap", "resamples", type=click.IntRange(0), default=1000, show_default=True, help="Resamples.")
@click.option("--probe", type=click.Path(path_type=Path), help="Prepared folder the model was trained on.")
@click.option("--probe-clips", type=click.IntRange(2), default=60, show_default=True, help="Held-out captions.")
@click.option("--audio-out", type=click.Path(path_type=Path), help="Keep the clips here; go on with those there.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write the report here as JSON.")
@click.option("--force", is_flag=True, help="Replace the report that is there.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON instead of a table.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def evaluate(prompts, output, force, as_json, quiet, device, **values) -> None:
    """Measure MODEL, or with --audio a folder of clips. One clip a prompt, single shot."""
    from trainer.evaluation.prompts import BUILT_IN
    from trainer.evaluation.run import Evaluation
    from trainer.evaluation.run import evaluate as measure
    from trainer.evaluation.table import table

    from ..audio import check_free, save_bytes
    from ..engine import CancelToken, Engine

    if output:
        if output.suffix.lower() != ".json":
            raise FileError(f"{output.name!r}: the report is JSON, end its name in .json")
        check_free(output, force)
    settings = Evaluation(prompts=BUILT_IN if prompts == "built-in" else prompts and Path(prompts), **values)
    token = CancelToken()
    show = (lambda line: None) if quiet else print_note
    with cancel_on_signals(token), progress_line(show=not quiet) as progress:
        report = measure(settings, Engine(device=device), show=show, progress=progress, cancel=token)
    if output:
        text = json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        save_bytes(output, text.encode(), overwrite=force)
    if as_json:
        print_json(report)
    else:
        click.echo(table(report))
