"""`ttm-app aligner`: train, measure and use the small text–audio embedder that stands in for CLAP offline."""

from __future__ import annotations

from pathlib import Path

import click

from musicgen_app.cli.groups import Group

FOLDER = click.Path(path_type=Path)
DATA = click.option(
    "--data", "data", multiple=True, required=True, type=FOLDER, help="Dataset folder; may be given again."
)
WHICH = click.option("--aligner", "folder", type=FOLDER, help="Aligner folder.  [default: the one in the app]")
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.group(cls=Group, short_help="Train, measure and use the text-audio aligner.")
def aligner() -> None:
    """The aligner scores how well music fits a text; it stands in for CLAP offline."""


@aligner.command()
@DATA
@click.option("--out", type=FOLDER, default=Path("runs/aligner"), show_default=True, help="Run folder.")
@click.option("--steps", type=click.IntRange(1), help="Steps of the whole run.  [default: 2400]")
@click.option("--batch", type=click.IntRange(2), help="Clips a step, each of another track.  [default: 192]")
@click.option("--lr", type=click.FloatRange(0, min_open=True), help="Learning rate.  [default: 0.001]")
@click.option("--init", type=FOLDER, help="Aligner folder to start from, in place of random weights.")
@click.option("--hours", type=click.FloatRange(0, min_open=True), help="Stop after so long; run again to go on.")
@click.option("--stop-at", type=click.IntRange(1), help="Stop at this step of the schedule; run again to go on.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
def train(data, out, steps, batch, lr, init, hours, stop_at, seed) -> None:
    """Train an aligner. A run that was stopped, even by kill -9, goes on when the command is run again.

    The aligner is written to OUT/aligner once the last step is done. The exit code is 75 where --hours or --stop-at
    ended it before.
    """
    from musicgen_app.cli.terminal import cancellable, print_note
    from musicgen_app.errors import Unfinished

    from ..aligner.train import AlignerTraining, train_aligner
    from ..runtime.locks import alone

    given = {"steps": steps, "batch": batch, "lr": lr, "init": init and str(init)}
    settings = AlignerTraining(seed=seed, **{name: value for name, value in given.items() if value is not None})
    with cancellable(), alone(out):
        folder = train_aligner(settings, list(data), out, stop_at=stop_at, max_hours=hours, show=print_note)
    if folder is None:  # which is told
        click.get_current_context().exit(Unfinished.exit_code)
    click.echo(folder)


@aligner.command()
@DATA
@WHICH
@JSON
@click.option("-o", "--output", type=FOLDER, help="Also write the report as JSON, and pictures, into this folder.")
@click.option("--all-clips", is_flag=True, help="Of data that it was not trained on: the training clips too.")
def evaluate(data, folder, as_json, output, all_clips) -> None:
    """Retrieval, attributes and scores on the unseen clips of dataset folders."""
    from musicgen_app.aligner import load_aligner
    from musicgen_app.cli.terminal import print_json, print_note

    from ..aligner.evaluate import evaluate_aligner
    from ..aligner.report import table, write_report

    report = evaluate_aligner(load_aligner(folder), list(data), print_note, None if all_clips else "val")
    if output:
        write_report(report, output)
    if as_json:
        print_json(report)
    else:
        click.echo(table(report))


@aligner.command()
@click.argument("audio", nargs=-1, required=True, type=FOLDER)
@click.option("--prompt", required=True, help="The text to compare with.")
@WHICH
@JSON
def score(audio, prompt, folder, as_json) -> None:
    """How well audio files fit a text: their cosine, from -1 to 1, and the tier it is in."""
    from musicgen_app.aligner import load_aligner, tier
    from musicgen_app.audio import read
    from musicgen_app.cli.terminal import one_line, print_json

    judge = load_aligner(folder)
    text = judge.text([prompt])[0]
    rows = []
    for path in audio:
        wave, rate, _ = read(path)
        value = judge.score(wave, rate, text)
        rows.append({"file": str(path), "score": round(value, 4), "tier": tier(value, judge.tiers)})
    if as_json:
        print_json({"aligner": judge.name, "prompt": prompt, "tiers": judge.tiers, "scores": rows})
        return
    for row in rows:
        click.echo(f"{row['score']:+.3f}  {row['tier']:<6}  {one_line(str(row['file']))}")
