"""`ttm-app codec`: train the sketch codec, and measure one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

FOLDER = click.Path(path_type=Path)


@click.group(short_help="Train and measure codecs.")
def codec() -> None:
    """Train and measure codecs."""


@codec.command()
@click.option("--data", "data", multiple=True, required=True, type=FOLDER, help="Dataset folder; may be given again.")
@click.option("--out", type=FOLDER, default=Path("runs/codec"), show_default=True, help="Run folder.")
@click.option("--steps", type=click.IntRange(1), help="Steps of the whole run.  [default: 9000]")
@click.option("--joint-steps", type=click.IntRange(0), help="Steps until the encoder is frozen.  [default: 4000]")
@click.option("--stop-at", type=click.IntRange(1), help="Stop at this step of the schedule; run again to go on.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
def train(data, out, steps, joint_steps, stop_at, seed) -> None:
    """Train the sketch codec; run again to go on. The codec is written to OUT/codec."""
    from trainer.codec.train import CodecTraining
    from trainer.codec.train import train as run

    from .output import print_note

    given = {"steps": steps, "joint_steps": joint_steps}
    settings = CodecTraining(data=tuple(map(str, data)), seed=seed)
    settings = replace(settings, **{name: value for name, value in given.items() if value is not None})
    click.echo(run(settings, out, stop_at, print_note))


@codec.command()
@click.option("--data", "data", multiple=True, required=True, type=FOLDER, help="Dataset folder; may be given again.")
@click.option("--codec", "folder", type=FOLDER, help="Codec folder.  [default: the bundled sketch codec]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def evaluate(data, folder, as_json) -> None:
    """Reconstruction error on the held-out tracks of each dataset folder."""
    from trainer.codec.evaluate import evaluate as measure

    from .. import paths
    from ..codecs.sketch import load_codec
    from .output import print_json

    report = {str(d): measure(load_codec(folder or paths.assets() / "sketch" / "codec"), d) for d in data}
    if as_json:
        print_json(report)
        return
    for name, figures in report.items():
        click.echo(f"{name}: " + ", ".join(f"{key} {value:.4g}" for key, value in figures.items()))
