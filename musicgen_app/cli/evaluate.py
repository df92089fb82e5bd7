"""`ttm-app evaluate`: prompt following and copying of a model, on captions it never saw."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command(short_help="Measure prompt following and copying.")
@click.option(
    "--run", "run_folder", required=True, type=click.Path(path_type=Path), help="Run folder of `ttm-app train`."
)
@click.option("--model", default="sketch", show_default=True, help="Model name or folder.")
@click.option("--clips", type=click.IntRange(20), default=60, show_default=True, help="Held-out captions to generate.")
@click.option("--steps", type=int, help="Sampler steps.  [default: the model's]")
@click.option("--guidance", type=float, help="Guidance.  [default: the model's]")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Also write the report here.")
def evaluate(run_folder, model, clips, steps, guidance, output) -> None:
    """Generate from held-out captions and measure the results; prints one JSON object."""
    from trainer.evaluate import evaluate as measure
    from trainer.latents import open_cache

    from ..engine import Engine
    from .output import print_note

    report = measure(
        Engine(), model, open_cache(run_folder / "cache"), clips, print_note, steps=steps, guidance=guidance
    )
    text = json.dumps(report, indent=2)
    if output:
        output.write_text(text + "\n", encoding="utf-8")
    click.echo(text)
