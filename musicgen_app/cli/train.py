"""`ttm-app train`: a dataset folder -> latents -> a trained generator -> a bundle that `generate --model` plays."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(short_help="Train a generator on a dataset folder.")
@click.option(
    "--data",
    "data",
    multiple=True,
    required=True,
    type=click.Path(path_type=Path),
    help="Dataset folder; may be given again.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("runs/generator"), show_default=True, help="Run folder."
)
@click.option("--codec", type=click.Path(path_type=Path), help="Codec folder.  [default: the bundled sketch codec]")
@click.option("--preset", default="sketch-dit", show_default=True, help="Backbone preset.")
@click.option("--steps", type=click.IntRange(1), default=5_800, show_default=True)
@click.option("--stop-at", type=click.IntRange(1), help="Stop at this step of the schedule; run again to go on.")
@click.option("--batch", type=click.IntRange(1), default=32, show_default=True, help="Five-second crops a step.")
@click.option("--lr", type=click.FloatRange(0, min_open=True), default=7e-4, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--name", default="mine", show_default=True, help="Name of the model.")
@click.option("--licence", default="CC-BY-SA-4.0", show_default=True, help="Licence of the weights; mind your data's.")
def train(data, out, codec, preset, steps, stop_at, batch, lr, seed, name, licence) -> None:
    """Train a generator. A run that was stopped, even by kill -9, goes on when the command is run again.

    The model is written to OUT/bundle; play it with `ttm-app generate PROMPT --model OUT/bundle`.
    """
    from trainer.generator import train_bundle
    from trainer.loop import Training

    from .. import paths
    from .output import print_note

    settings = Training(preset=preset, steps=steps, crop_until=round(0.55 * steps), batch=batch, lr=lr, seed=seed)
    bundle = train_bundle(
        settings,
        list(data),
        codec or paths.assets() / "sketch" / "codec",
        out,
        name=name,
        licence=licence,
        stop_at=stop_at,
        show=print_note,
    )
    click.echo(bundle.path)
