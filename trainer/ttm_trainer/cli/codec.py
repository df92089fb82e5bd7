"""`ttm-app codec`: train the sketch codec, and measure one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import click

from musicgen_app.cli.groups import Group

FOLDER = click.Path(path_type=Path)


@click.group(cls=Group, short_help="Train and measure codecs.")
def codec() -> None:
    """Train and measure codecs."""


@codec.command()
@click.option("--data", "data", multiple=True, required=True, type=FOLDER, help="Dataset folder; may be given again.")
@click.option("--out", type=FOLDER, default=Path("runs/codec"), show_default=True, help="Run folder.")
@click.option("--steps", type=click.IntRange(1), help="Steps of the whole run.  [default: 9000]")
@click.option("--joint-steps", type=click.IntRange(0), help="Steps until the encoder is frozen.  [default: 4000]")
@click.option("--init", type=FOLDER, help="Codec folder to start from; --joint-steps 0 keeps its latents.")
@click.option("--stop-at", type=click.IntRange(1), help="Stop at this step of the schedule; run again to go on.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
def train(data, out, steps, joint_steps, init, stop_at, seed) -> None:
    """Train the sketch codec; run again to go on. The codec is written to OUT/codec.

    The exit code is 75 where --stop-at ended it before its last step.
    """
    from musicgen_app.cli.terminal import cancellable, print_note
    from musicgen_app.errors import Unfinished

    from ..codec.train import CodecTraining, train_codec
    from ..runtime.locks import alone

    given = {"steps": steps, "joint_steps": joint_steps, "init": init and str(init)}
    settings = CodecTraining(data=tuple(map(str, data)), seed=seed)
    settings = replace(settings, **{name: value for name, value in given.items() if value is not None})
    with cancellable(), alone(out):
        click.echo(train_codec(settings, out, stop_at, print_note))
    if stop_at and stop_at < settings.steps:
        print_note(f"stopped after step {stop_at} of {settings.steps}; run it again with another --stop-at to go on")
        click.get_current_context().exit(Unfinished.exit_code)


@codec.command()
@click.option("--data", "data", multiple=True, required=True, type=FOLDER, help="Dataset folder; may be given again.")
@click.option("--codec", "codecs", multiple=True, help="Codec folder, model or system; repeatable.  [default: sketch]")
@click.option("--excerpts", type=click.IntRange(1), default=60, show_default=True, help="Of each folder.")
@click.option("--seconds", type=click.FloatRange(2), default=10.0, show_default=True, help="Of an excerpt.")
@click.option("--baselines/--no-baselines", default=True, show_default=True, help="Griffin-Lim and Opus beside it.")
@click.option("--trips", multiple=True, type=click.IntRange(2, 100), help="Also after so many trips; repeatable.")
@click.option(
    "--noise",
    multiple=True,
    type=click.FloatRange(0, 10, min_open=True),
    help="Also with noise on the latents, in standard deviations; repeatable.",
)
@click.option("--picture", type=FOLDER, help="Draw spectrograms of one excerpt of each folder as this PNG.")
@click.option("--bootstrap", "resamples", type=click.IntRange(0), default=1000, show_default=True, help="Resamples.")
@click.option("-o", "--output", type=FOLDER, help="Write the report here as JSON.")
@click.option("--force", is_flag=True, help="Replace what is there.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def evaluate(
    data, codecs, excerpts, seconds, baselines, trips, noise, picture, resamples, output, force, as_json
) -> None:
    """How much of the music of held-out tracks comes back through codecs, Griffin-Lim and Opus."""
    from musicgen_app.cli.terminal import print_json, print_note
    from musicgen_app.machine import files

    from ..evaluation.codec_quality import draw, evaluate_codecs, table

    for path in filter(None, (output, picture)):
        files.check_free(path, force)
    codecs = codecs or ("sketch",)
    report = evaluate_codecs(codecs, data, excerpts, seconds, resamples, baselines, trips, noise, print_note)
    if picture:
        draw(codecs, data, picture)
    if output:
        files.write(output, (json.dumps(report, indent=2, allow_nan=False) + "\n").encode(), overwrite=force)
    if as_json:
        print_json(report)
    else:
        click.echo(table(report))
