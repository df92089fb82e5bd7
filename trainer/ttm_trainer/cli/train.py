"""`ttm-app train`: a folder of music with captions -> a model of your own that `generate --model` plays."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from musicgen_app.cli.completion import MODEL, Name, installed_models, systems
from musicgen_app.cli.groups import CommandGroup
from musicgen_app.cli.terminal import print_json, print_note
from musicgen_app.errors import Cancelled, RequestError, Unfinished
from musicgen_app.machine.user_settings import DEVICES

from ..recipes import NAMES
from ..runtime.run_folder import METRICS
from ..training import PRECISIONS

if TYPE_CHECKING:
    from ..run import TrainingJob

RENAMED = {"preset": "recipe"}  # options of earlier versions, in the records of jobs and in people's scripts
SIGNALS = ("SIGTERM", "Ctrl-C")
TIMESTEPS = ("uniform", "logit-normal", "beta")
FOLDER = click.Path(path_type=Path)
ENCODERS = Name(lambda: [*systems(), *installed_models()], folders=True)
RECIPE = click.option("--recipe", default="sketch", type=click.Choice(NAMES), show_default=True, help="Whose recipe.")
DEVICE = click.option("--device", default="auto", type=click.Choice(DEVICES), show_default=True)

EPILOG = """
\b
Examples:
  ttm-app train --data jamendo/
  ttm-app train --data jamendo/ --recipe score-aware --dry-run
  ttm-app train --data jamendo/ --recipe ut-aist --encoders sketch --clusters text-50 --out runs/text-50
  ttm-app train --data my-songs/ --lora 8 --steps 1000 --name mine
  ttm-app train --data jamendo/ --set weight_decay=0.1 --set model.hidden=384
  ttm-app train plot runs/text-50 runs/audio-50 -o curves.png
  ttm-app train bench --recipe ut-aist --encoders sketch
  ttm-app train jobs
"""


@click.group(
    cls=CommandGroup,
    epilog=EPILOG,
    short_help="Train a model on a folder of music, or plot its curves.",
    context_settings={"token_normalize_func": lambda name: RENAMED.get(name, name)},
)
@click.option("--data", multiple=True, type=FOLDER, help="Folder of music, or prepared; repeatable.")
@click.option("--captions", multiple=True, metavar="STYLE=FILE", help="A file of captions and the style to call it.")
@click.option("--separate", is_flag=True, help="Take vocals away first, with an installed separator.")
@RECIPE
@click.option("--out", type=FOLDER, help="Run folder.  [default: runs/RECIPE]")
@click.option("--encoders", type=ENCODERS, help="sketch, a system, a model or a codec folder.  [default: the recipe's]")
@click.option("--init", type=MODEL, help="Begin with the weights of a model of the same sizes (fine-tuning).")
@click.option("--lora", type=click.IntRange(1, 256), metavar="RANK", help="Train an adapter of --init; 8 is usual.")
@click.option("--steps", type=click.IntRange(1), help="Steps of all phases together; they keep their proportions.")
@click.option("--batch", type=click.IntRange(1), help="Samples a step, over all processes.")
@click.option("--micro", type=click.IntRange(1), help="Samples a forward pass; gradients of several add up.")
@click.option("--lr", type=click.FloatRange(0, min_open=True), help="Highest learning rate of the first phase.")
@click.option("--clusters", metavar="BY-K", help="text-50, audio-500 ...: what a batch has in common; or none.")
@click.option("--timesteps", type=click.Choice(TIMESTEPS), help="How times are drawn; beta is score-aware's.")
@click.option("--beta-lambda", type=click.FloatRange(0), help="Of the score-aware schedule, which it chooses.")
@click.option("--repa-clap", type=click.FloatRange(0), help="Weight of alignment with CLAP (the aligner); 0 for none.")
@click.option("--repa-muq", type=click.FloatRange(0), help="Weight of alignment with MuQ (non-commercial weights).")
@click.option("--ema", metavar="DECAY", help="Averaged weights: a decay, sigma:WIDTH (relative), or none.")
@click.option("--precision", type=click.Choice(PRECISIONS), help="Of the matrix products.")
@DEVICE
@click.option(
    "--seed", type=click.IntRange(0), help="Of weights, batches, noise; that of the data is preparation.seed."
)
@click.option("--resume", default="auto", metavar="auto|never|PATH", show_default=True, help="Where to go on from.")
@click.option("--stop-at", type=click.IntRange(1), help="Stop at this step of the schedule; run again to go on.")
@click.option(
    "--max-hours", type=click.FloatRange(0, min_open=True), help="Stop this long after the start; run again to go on."
)
@click.option("--save-every", type=click.IntRange(1), help="Steps between checkpoints.")
@click.option("--preview-every", type=click.IntRange(0), help="Steps between previews as WAV; 0 for none.")
@click.option("--preview-prompt", "prompts", multiple=True, help="Prompt of a preview; repeatable.")
@click.option(
    "--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes that prepare the data."
)
@click.option("--name", default="mine", show_default=True, help="Name of the model.")
@click.option("--title", default="", help="Title of the model.  [default: its name]")
@click.option("--licence", default="CC-BY-SA-4.0", show_default=True, help="Licence of the weights; mind your data's.")
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="Any parameter that --dry-run prints.")
@click.option("--dry-run", is_flag=True, help="Print every parameter, memory and time, and change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def train(context: click.Context, dry_run: bool, as_json: bool, **options) -> None:
    """Train a generator on a folder of music with captions, and write a model to OUT/bundle (an adapter: OUT/adapter).

    DATA is a folder in the layout of the ICME 2026 challenge (00/1085700.mp3 and a caption JSON), any folder of audio
    with captions, a folder of `ttm-app corpus`, or one of `ttm-app prepare`. A run that was stopped, even by kill -9,
    goes on when the same command is run again. Where --max-hours (preparation counts) or --stop-at ended it, the exit
    code is 75; where a signal did, after a checkpoint, 130.
    """
    if context.invoked_subcommand:
        return
    from ..costs.dry_run import dry_run_facts, dry_run_lines
    from ..options import job_of

    job = job_of(options)
    if dry_run:
        facts = dry_run_facts(job)
        if as_json:
            print_json(facts)
        else:
            click.echo("\n".join(dry_run_lines(facts)))
        return
    context.exit(_run(job, as_json))


@train.command(short_help="Draw the curves of training runs.")
@click.argument("runs", nargs=-1, required=True, type=FOLDER)
@click.option("-o", "--output", type=FOLDER, default=Path("curves.png"), show_default=True, help="Picture to write.")
@click.option("--force", is_flag=True, help="Replace a picture that exists.")
def plot(runs: tuple[Path, ...], output: Path, force: bool) -> None:
    """Draw loss, validation loss, learning rate and gradient norm of RUNS, one over the other, as a PNG."""
    from musicgen_app.machine import files

    from ..runtime.charts import curves

    files.check_free(output, force)
    curves({_label(run, runs): run / METRICS if run.is_dir() else run for run in runs}, output)
    click.echo(output)


@train.command(short_help="Measure how fast a recipe trains here.")
@RECIPE
@click.option("--encoders", type=ENCODERS, help="As in train: shapes of the data.  [default: the recipe's]")
@click.option("--batch", type=click.IntRange(1), help="Samples a step.  [default: the recipe's]")
@click.option("--precision", type=click.Choice(PRECISIONS[:2]), help="Of this trainer.  [default: the recipe's]")
@click.option("--seconds", type=click.FloatRange(1, 600), default=20.0, show_default=True, help="For each loop.")
@DEVICE
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def bench(recipe, encoders, batch, precision, seconds, device, as_json) -> None:
    """Samples a second of this trainer, of a plain PyTorch loop of the same model, and of the loader alone.

    The model is of the recipe's size with random weights, the data are made up. Run nothing else meanwhile.
    """
    from ..costs.bench import loader, measure
    from ..options import recipe_for

    made = recipe_for(recipe, encoders, batch=batch, precision=precision)
    report = measure(made, seconds, device, print_note) | {"loader": loader(made, min(seconds, 10.0))}
    if as_json:
        print_json(report)
        return
    click.echo(
        f"{recipe}: {report['parameters'] / 1e6:.1f}M parameters, batches of {report['batch']} x {report['frames']}"
        f" frames, {report['threads']} threads on {report['device']}"
    )
    for name, rate in report["samples_per_second"].items():
        ratio = report["faster_than"].get(name)
        click.echo(f"  {name:<18} {rate:8.2f} samples/s" + (f"   ttm-app is {ratio:.2f} x as fast" if ratio else ""))
    found = report["loader"]
    click.echo(
        f"  {'loader alone':<18} {found['samples_per_second']:8.0f} samples/s, a folder of {found['items']:,} items"
        f" opened in {found['open_seconds']:.1f} s"
    )


@train.command(short_help="List trainings in the background.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def jobs(as_json: bool) -> None:
    """List the trainings that were started from the page (`ttm-app gui`), newest first: state, steps, run folder."""
    from ..runtime.background_jobs import Jobs

    found = Jobs()
    listed, faults = found.scan()
    for fault in faults.values():
        print_note(str(fault))
    rows = []
    for job in listed:
        status = found.status(job, lines=1)
        at = status.position
        steps = {"step": at.step, "steps": at.total} if at else {"step": None, "steps": None}
        rows.append({"id": job.id, "state": status.state, **steps, "message": status.message, "out": str(job.out)})
    if as_json:
        print_json(rows)
        return
    if not rows:
        print_note("none yet: the page (ttm-app gui) starts them; those of a terminal are not listed")
    for row in rows:
        done = f"{row['step']}/{row['steps']}" if row["steps"] else "-"
        click.echo(f"{row['state']:<9} {done:>15}  {row['out']}")


def job_from(arguments: Sequence[str]) -> TrainingJob:
    """The job that arguments of `ttm-app train` ask for. Raises RequestError and FileError."""
    from ..options import job_of

    try:
        options = train.make_context("train", list(arguments)).params
    except click.UsageError as error:
        raise RequestError(error.format_message()) from error
    return job_of(options)


def _run(job: TrainingJob, as_json: bool) -> int:
    """Train, print what came of it, and return the exit code."""
    from ..run import is_main, run

    try:
        outcome = run(job, print_note)
    except Unfinished as error:  # the time was over before training began
        print_note(str(error))
        if as_json and is_main():
            facts = {"step": 0, "finished": False, "stopped": "time limit", "code": error.exit_code}
            print_json(facts | {"bundle": None, "checkpoint": ""})
        return error.exit_code if is_main() else 0
    result, bundle = outcome.result, outcome.bundle
    if not is_main():  # the first process tells; a launcher would end it where another one fails
        return 0
    code = 0 if result.finished else Cancelled.exit_code if result.stopped in SIGNALS else Unfinished.exit_code
    if as_json:
        where = {"bundle": str(bundle.path) if bundle else None, "checkpoint": str(result.checkpoint or "")}
        facts = {"step": result.step, "finished": result.finished, "stopped": result.stopped, "code": code}
        print_json(facts | where)
    elif bundle:
        click.echo(bundle.path)
    if result.stopped == "stop_at":  # the loop tells of the others
        print_note(f"--stop-at: stopped after step {result.step}; run it again with another --stop-at to go on")
    return code


def _label(run: Path, runs: tuple[Path, ...]) -> str:
    """What a run is called in a picture: its folder's name, or its path where several have that name."""
    names = [other.resolve().name for other in runs]
    name = run.resolve().name
    return name if names.count(name) == 1 else str(run)
