"""`ttm-app evaluate following`, `plan`, `music`, `loops`, `sweep`, `examples`: a model's abilities, in their parts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import click

from musicgen_app.cli.completion import MODEL
from musicgen_app.cli.terminal import cancel_on_signals, print_json, print_note, progress_line
from musicgen_app.errors import FileError
from musicgen_app.machine.user_settings import DEVICES
from musicgen_app.request import SOLVERS

PATH = click.Path(path_type=Path)


def options(*names: str) -> Callable:
    """The options of these names, in this order, as one decorator."""

    def decorate(function: Callable) -> Callable:
        for name in reversed(names):
            function = OPTIONS[name](function)
        return function

    return decorate


OPTIONS = {
    "data": click.option("--data", type=PATH, help="Dataset folder with unseen real clips, as of `corpus build`."),
    "seconds": click.option("--seconds", type=click.FloatRange(0.5), default=10.0, show_default=True, help="A clip."),
    "seed": click.option("--seed", type=click.IntRange(0), default=0, show_default=True),
    "steps": click.option("--steps", type=int, help="Sampler steps.  [default: the model's]"),
    "guidance": click.option("--guidance", type=float, help="Guidance.  [default: the model's]"),
    "embedder": click.option(
        "--embedder",
        default="aligner",
        show_default=True,
        metavar="NAME",
        help="aligner, clap, laion-clap-90.14 or a folder.",
    ),
    "any-embedder": click.option(
        "--embedder",
        default="aligner",
        show_default=True,
        metavar="NAME",
        help="aligner, statistics (FAD alone), clap, laion-clap-90.14 or a folder.",
    ),
    "real": click.option("--real", type=click.IntRange(5), default=150, show_default=True, help="Unseen real clips."),
    "bootstrap": click.option(
        "--bootstrap", "resamples", type=click.IntRange(0), default=1000, show_default=True, help="Resamples."
    ),
    "device": click.option("--device", type=click.Choice(DEVICES), default="auto", help="To generate.  [auto]"),
    "audio-out": click.option("--audio-out", type=PATH, help="Keep the clips here; go on with those there."),
    "output": click.option("-o", "--output", type=PATH, help="Write the report here as JSON."),
    "force": click.option("--force", is_flag=True, help="Replace the report that is there."),
    "json": click.option("--json", "as_json", is_flag=True, help="Print the report as JSON instead of a table."),
    "quiet": click.option("-q", "--quiet", is_flag=True, help="No progress."),
}
REPORT = ("output", "force", "json", "quiet")


def run(
    measure: Callable[..., dict],
    settings: object,
    table: Callable[[dict], str],
    device: str,
    output: Path | None,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Measure, with a progress line, and print and write the report."""
    from musicgen_app.engine import CancelToken, Engine
    from musicgen_app.machine import files

    if output:
        if output.suffix.lower() != ".json":
            raise FileError(f"{output.name!r}: the report is JSON, end its name in .json")
        files.check_free(output, force)
    token = CancelToken()
    show = (lambda line: None) if quiet else print_note
    with cancel_on_signals(token), progress_line(show=not quiet) as progress:
        report = measure(settings, Engine(device=device), show=show, progress=progress, cancel=token)
    if output:
        text = json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        files.write(output, text.encode(), overwrite=force)
    if as_json:
        print_json(report)
    else:
        click.echo(table(report))


@click.command(short_help="How much of what prompts ask for is heard.")
@click.argument("model", type=MODEL)
@click.option(
    "--against", multiple=True, type=MODEL, metavar="MODEL", help="Another model, on the same prompts; repeatable."
)
@click.option(
    "--prompts",
    type=PATH,
    help="adherence, free-wording or chords, or a CSV with the columns of these.  [default: adherence]",
)
@click.option("--count", type=click.IntRange(1), help="Prompts of each kind.  [default: all]")
@click.option("--clips", type=click.IntRange(1, 50), default=1, show_default=True, help="Of each prompt.")
@click.option("--best-of", type=click.IntRange(1, 16), default=1, show_default=True, help="Candidates of each clip.")
@click.option("--fitted", type=click.IntRange(2), default=1500, show_default=True, help="Clips the classifier learns.")
@options("data", "real", "seconds", "seed", "steps", "guidance", "embedder", "bootstrap", "device", "audio-out")
@options(*REPORT)
def following(device, output, force, as_json, quiet, **values) -> None:
    """Does MODEL follow prompts it never saw? Genre, instruments, drums, tempo, key, chords, and fit of text and music.

    Four kinds of prompts: short, long, freely worded, and dense with tempo and key. Each figure stands between a floor,
    the same clips against other prompts, and, with --data, a ceiling: real unseen clips heard by the same estimators.
    --prompts chords: the share of the bars in which the chord that was named fits best, of those in the prompt.
    """
    from ..evaluation.prompt_adherence import PromptAdherence, measure_adherence
    from ..evaluation.tables.adherence import table

    run(measure_adherence, PromptAdherence(**values), table, device, output, force, as_json, quiet)


@click.command(short_help="How much of a song's plan is heard.")
@click.argument("model", type=MODEL)
@click.argument("songs", nargs=-1, metavar="[SONG]...")
@click.option("--count", type=click.IntRange(1), help="The first so many songs.  [default: all]")
@click.option("--seeds", type=click.IntRange(1, 50), default=1, show_default=True, help="Clips of each song.")
@options("seed", "steps", "guidance", "bootstrap", "device", "audio-out", *REPORT)
def plan(device, output, force, as_json, quiet, **values) -> None:
    """Does MODEL play what a SONG says? Chords bar by bar and by quality, tempo, key, sections' drums and energy.

    A SONG is a file with a plan, or a name that `ttm-app plan examples` lists; its prompt is what its line "style: ..."
    says. Without any: fifteen songs of 64 bars, of three keys and five metres. Of each song and seed it is also
    measured whether other chords leave the onsets where they are.
    """
    from ..evaluation.plan_obedience import PlanObedience, measure_obedience
    from ..evaluation.tables.obedience import table

    run(measure_obedience, PlanObedience(**values), table, device, output, force, as_json, quiet)


@click.command(short_help="Sampler settings: quality against network evaluations.")
@click.argument("model", type=MODEL)
@click.option("--data", type=PATH, required=True, help="Dataset folder with unseen real clips and captions.")
@click.option("--out", type=PATH, required=True, help="Folder of the points; run again to go on.")
@click.option(
    "--solver", "solvers", multiple=True, type=click.Choice(SOLVERS), help="Repeatable.  [default: all but mean]"
)
@click.option("--steps", multiple=True, type=click.IntRange(1), help="Repeatable.  [default: 4, 8, 16, 32]")
@click.option("--guidance", multiple=True, type=float, help="Repeatable.  [default: 1, 2, 3, 4.5]")
@click.option(
    "--interval", "intervals", nargs=2, multiple=True, type=float, metavar="LOW HIGH",
    help="Where guidance acts, 0 noise to 1 music; repeatable.  [default: 0 1 and 0.1 0.8]",
)  # fmt: skip
@click.option(
    "--power", "powers", multiple=True, type=float, metavar="P",
    help="Times t = u^P: above 1 the first steps are short; repeatable.  [default: the model's]",
)  # fmt: skip
@click.option("--joint", is_flag=True, help="Try text and plan guided together too: two evaluations in place of three.")
@click.option("--clips", type=click.IntRange(1), default=40, show_default=True, help="Of each point.")
@click.option("--real", type=click.IntRange(5), default=300, show_default=True, help="Unseen clips, the reference.")
@options("seconds", "seed", "embedder", "device", "json", "quiet")
def sweep(device, as_json, quiet, **values) -> None:
    """Try every combination of solver, steps, guidance, its interval and times; show which of them nothing beats.

    Writes OUT/sweep.json and OUT/sweep.png. Stopped, even by kill -9, it goes on with the next point when run again.
    """
    from ..evaluation.sweep import Sweep, run_sweep, table

    chosen = {name: value for name, value in values.items() if value != ()}
    run(run_sweep, Sweep(**chosen), table, device, None, False, as_json, quiet)


@click.command(short_help="What a listener would notice: beat, harmony, clicks, whine, holes, copies.")
@click.argument("model", type=MODEL)
@click.option("--data", type=PATH, required=True, help="Dataset folder with unseen real clips, as of `corpus build`.")
@click.option("--clips", type=click.IntRange(2), default=48, show_default=True, help="Of different prompts.")
@click.option("--varied", type=click.IntRange(0), default=8, show_default=True, help="Prompts made of several seeds.")
@click.option("--seeds", type=click.IntRange(1, 50), default=4, show_default=True, help="Of those.")
@click.option("--prepared", type=PATH, help="Prepared folder the model was trained on: look for copies of it.")
@click.option("--sheet", type=PATH, help="Draw the spectrograms of all clips as this PNG, with what is odd.")
@options("real", "seconds", "seed", "steps", "guidance", "embedder", "bootstrap", "device", "audio-out", *REPORT)
def music(device, output, force, as_json, quiet, **values) -> None:
    """Clips of MODEL beside unseen real ones: what sounds wrong, how often, and in which clips.

    A value is odd where hardly one real clip in a hundred has it.
    """
    from musicgen_app.machine import files

    from ..evaluation.audio_quality import AudioQuality, measure_quality, table

    if values["sheet"]:
        files.check_free(values["sheet"], force)
    run(measure_quality, AudioQuality(**values), table, device, output, force, as_json, quiet)


@click.command(short_help="Whether loops have a seam that is heard.")
@click.argument("model", type=MODEL)
@click.option("--prompts", type=PATH, help="adherence, free-wording, or a file.  [default: both, so all genres]")
@click.option("--count", type=click.IntRange(1), default=100, show_default=True, help="Prompts, spread over the file.")
@click.option("--bars", type=click.IntRange(2), default=8, show_default=True, help="Of each loop.")
@click.option("--plain", is_flag=True, help="Measure the same clips without --loop as well.")
@options("seed", "steps", "guidance", "bootstrap", "device", "audio-out", *REPORT)
def loops(device, output, force, as_json, quiet, **values) -> None:
    """Loops of MODEL, played round and round: what changes where the end meets the beginning, and their tempo.

    The change of the spectrum at the seam is compared with that at the other bar lines, the step from the last sample
    to the first with others nearby. The tempo is that of the length, and the one that is heard over the seam.
    """
    from ..evaluation.loop_seams import LoopSeams, measure_loops, table

    run(measure_loops, LoopSeams(**values), table, device, output, force, as_json, quiet)


@click.command(short_help="Kept reports as the tables of a model card.")
@click.argument("reports", nargs=-1, required=True, type=PATH)
def show(reports) -> None:
    """Print REPORTS (JSON) of `evaluate following`, `evaluate music` and `codec evaluate` as Markdown tables.

    Those of `music` stand side by side in one table, in the order in which they are given.
    """
    from ..evaluation.tables.model_card import cards

    click.echo(cards([_report(path) for path in reports]))


def _report(path: Path) -> dict:
    """A report that was kept. Raises FileError."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FileError(f"cannot read {path}: {getattr(error, 'strerror', None) or 'it is not JSON'}") from error
    if not isinstance(report, dict):
        raise FileError(f"{path} is no report of `ttm-app evaluate`")
    return report


@click.command(short_help="A page with 20 fixed examples to listen to.")
@click.argument("models", nargs=-1, required=True, type=MODEL)
@click.option("--out", type=PATH, default=Path("examples"), show_default=True, help="Folder; run again to go on.")
@click.option("--count", type=click.IntRange(1), help="The first so many.  [default: all 20]")
@options("seconds", "device", "quiet")
def examples(models, out, count, seconds, device, quiet) -> None:
    """Make the same 20 prompts and seeds with one or several MODELS, and a page to hear and see them.

    OUT/index.html loads nothing from elsewhere: it can be opened from a disk or put on a server with its folder.
    """
    from musicgen_app.engine import CancelToken, Engine

    from ..evaluation.examples import make_examples

    token = CancelToken()
    show = (lambda line: None) if quiet else print_note
    with cancel_on_signals(token), progress_line(show=not quiet) as progress:
        page = make_examples(
            models, out, Engine(device=device), count=count, seconds=seconds, show=show, progress=progress, cancel=token
        )
    click.echo(page)
