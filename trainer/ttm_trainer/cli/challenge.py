"""`ttm-app challenge`: the ICME 2026 Academic Text-to-Music challenge, from a model to figures beside the entries."""

from __future__ import annotations

from pathlib import Path

import click

from musicgen_app.cli.completion import MODEL
from musicgen_app.cli.groups import Group
from musicgen_app.cli.terminal import print_json
from musicgen_app.errors import FileError

from .evaluate_more import PATH, REPORT, options, run

FOLDER = click.argument("folder", type=click.Path(path_type=Path))
PROMPTS = click.option("--prompts", type=PATH, help="The prompt file, columns id and prompt.  [default: built-in]")
EMBEDDER = click.option(
    "--embedder", default="laion-clap-90.14", show_default=True, metavar="NAME", help="aligner, clap or a folder."
)
EPILOG = """
\b
Examples:
  ttm-app challenge make runs/mine/bundle --prompts final_test_prompts.csv --out entry
  ttm-app challenge check entry/submission --prompts final_test_prompts.csv
  ttm-app models download laion-clap-90.14
  ttm-app challenge score entry/submission --prompts final_test_prompts.csv --reference music/ -o report.json
"""


@click.group(
    cls=Group, short_help="The 2026 text-to-music challenge: make, check and score a submission.", epilog=EPILOG
)
def challenge() -> None:
    """Make a submission to the ICME 2026 text-to-music challenge, check it against the rules, and score it.

    Every figure names its embedder and reference. Those of the organisers were taken against a reference that they keep
    to themselves, so figures from here stand in columns of their own beside them.
    """


@challenge.command(short_help="A submission folder of a model.")
@click.argument("model", type=MODEL)
@click.option("--out", type=PATH, required=True, help="OUT/submission is what is made; run again to go on.")
@PROMPTS
@click.option("--seeds", type=click.IntRange(1, 64), default=1, show_default=True, help="Candidates of each prompt.")
@click.option("--reference", type=PATH, help="Real music: choose by FAD to it too, not by CLAP score alone.")
@EMBEDDER
@click.option("--weight", type=click.FloatRange(0), default=1.0, show_default=True, help="Of CLAP score beside FAD.")
@options("seed", "steps", "guidance", "device", "json", "quiet")
def make(device, as_json, quiet, **values) -> None:
    """Make one clip a prompt with MODEL, as WAV at 44.1 kHz.

    With --seeds several are made, and the set with the lowest FAD - weight * CLAP score is kept, as an entry of 2026
    chose. The rules ask for one generation a prompt without a choice, and OUT/choice.json says what was done.
    """
    from ..evaluation.challenge.making import Making, make_submission, text

    run(make_submission, Making(**values), text, device, None, False, as_json, quiet)


@challenge.command(short_help="A folder against the rules.")
@FOLDER
@PROMPTS
@options("json")
def check(folder, prompts, as_json) -> None:
    """Check the names, number, formats, rates and lengths of the files in FOLDER; a line a fault, exit code 3.

    Without --prompts the ids are 0 to 99.
    """
    from ..evaluation.challenge.rules import check_submission, report
    from ..evaluation.clips.prompts import read_prompts

    ids = [prompt.id for prompt in read_prompts(prompts).prompts] if prompts else None
    checked = check_submission(folder, ids)
    if as_json:
        print_json(checked.rows())
    else:
        click.echo(report(checked))
    if checked.faults:
        raise FileError(f"{folder} breaks the rules in {len(checked.faults)} places: they are listed above")


@challenge.command(short_help="FAD, CLAP score and CCS of a folder, beside the published entries.")
@FOLDER
@PROMPTS
@click.option("--reference", type=PATH, help="Folder of real music, or a prepared folder; without it there is no FAD.")
@EMBEDDER
@click.option("--judge", metavar="NAME", help="Who decides on concepts: a folder or an address.  [default: no CCS]")
@click.option("--judge-model", default="", metavar="NAME", help="The model of a judge that is a server.")
@options("bootstrap", *REPORT)
def score(folder, output, force, as_json, quiet, **values) -> None:
    """Measure the first 10 s of the clips in FOLDER as the challenge did, as far as that is public.

    FAD and CLAP score use music_audioset_epoch_15_esc_90.14.pt, which `ttm-app models download laion-clap-90.14` gets.
    With another --embedder every figure says that it is not the challenge's. CCS needs its judge, Qwen3-Omni-30B-A3B,
    as a folder or behind an address.
    """
    from ..evaluation.challenge.scores import Challenge, measure_challenge, text

    run(measure_challenge, Challenge(audio=folder, **values), text, "auto", output, force, as_json, quiet)


@challenge.command(short_help="The published entries, with their sources.")
def entries() -> None:
    """Print the published entries and what the organisers measured beside them, as a Markdown table."""
    from ..evaluation.challenge.published import table

    click.echo(table())
