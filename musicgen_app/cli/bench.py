"""`ttm-app bench`: speed, memory and errors of the systems on this machine, with random weights or a model's own."""

from __future__ import annotations

import click

from ..errors import Cancelled
from ..machine.user_settings import DECODERS, PRECISIONS
from .completion import MODEL_OR_SYSTEM

BOTH = "both"


@click.command(short_help="Measure speed, memory and errors.")
@click.argument("models", nargs=-1, type=MODEL_OR_SYSTEM, metavar="[MODEL]...")
@click.option("--seconds", type=click.FloatRange(0.5, 600), default=10.0, show_default=True, help="Length of the clip.")
@click.option("--steps", type=click.IntRange(1, 1000), help="Sampler steps.  [default: the system's own]")
@click.option("--repeats", type=click.IntRange(1, 100), default=3, show_default=True, help="Runs that give the median.")
@click.option("--threads", type=click.IntRange(1), help="Threads to compute with.  [default: all cores]")
@click.option("--precision", type=click.Choice([*PRECISIONS[1:], BOTH]), default=BOTH, show_default=True)
@click.option("--decoder", type=click.Choice([*DECODERS[1:], BOTH]), default=BOTH, show_default=True)
@click.option("--against", type=click.Choice(["musicgen-small"]), help="Measure this too, and compare.")
@click.option("--growth", is_flag=True, help="Also one step and decoding at 10 s to 10 min: time and memory a minute.")
@click.option("--quick", is_flag=True, help="Fewer steps, single runs: a look, not a measurement.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def bench(context, models, seconds, steps, repeats, threads, precision, decoder, against, growth, quick, as_json):
    """Measure each MODEL: a system of the papers (random weights of its exact sizes, no download) or an installed one.

    The default is all systems of the papers. Every part is measured in a process of its own. Nothing is extrapolated:
    whole clips are made with all their steps. Random models lie in the temporary folder (TMPDIR) meanwhile, up to 3 GB.
    """
    from ..bench.run import BenchSettings, run
    from ..bench.table import lines
    from .terminal import print_json, print_note

    report = run(
        BenchSettings(
            models=models,
            seconds=seconds,
            steps=steps,
            repeats=repeats,
            threads=threads,
            precisions=PRECISIONS[1:] if precision == BOTH else (precision,),
            decoders=DECODERS[1:] if decoder == BOTH else (decoder,),
            against=against,
            growth=growth,
            quick=quick,
        ),
        print_note,
    )
    if as_json:
        print_json(report)
    else:
        click.echo("\n".join(lines(report)))
    if report["cancelled"]:
        context.exit(Cancelled.exit_code)
    if report["faults"]:
        context.exit(report["faults"][0]["code"])
