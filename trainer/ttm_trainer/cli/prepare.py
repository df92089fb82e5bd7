"""`ttm-app prepare`: a folder of music with captions -> the prepared folder that `ttm-app train` reads."""

from __future__ import annotations

import re
import time
from pathlib import Path

import click

from musicgen_app.cli.terminal import cancellable, print_json, print_note
from musicgen_app.errors import Unfinished


def caption_tables(context: click.Context, option: click.Option, values: tuple[str, ...]) -> dict[str, Path]:
    tables = {}
    for value in values:
        style, equals, path = value.partition("=")
        if not (style and equals and path):
            raise click.BadParameter(f"{value!r} is not STYLE=FILE, such as qwen=captions/jamendo_qwen.json")
        tables[style] = Path(path)
    return tables


def _clusters(context: click.Context, option: click.Option, values: tuple[str, ...]) -> tuple[tuple[str, int], ...]:
    clusters = []
    for value in values:
        found = re.fullmatch(r"(text|audio)[-:](\d+)", value)
        if not found:
            raise click.BadParameter(f"{value!r} is not text-K or audio-K, such as text-50")
        clusters.append((found[1], int(found[2])))
    return tuple(clusters)


def _shard(context: click.Context, option: click.Option, value: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)/(\d+)", value)
    if not match or int(match[1]) >= int(match[2]):
        raise click.BadParameter(f"{value!r} is not I/N with I below N, such as 0/4, 1/4, 2/4 and 3/4 for four")
    return int(match[1]), int(match[2])


def _seconds(context: click.Context, option: click.Option, value: str) -> float | None:
    if value == "all":
        return None
    try:
        return float(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is neither a number nor all") from None


@click.command(short_help="Make music and captions ready for training.")
@click.option(
    "--data",
    multiple=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of music with captions; may be given again.",
)
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder for the prepared data."
)
@click.option(
    "--captions",
    multiple=True,
    callback=caption_tables,
    metavar="STYLE=FILE",
    help="JSON, JSONL, CSV or TSV of paths and captions, besides those in the data; may be given again.",
)
@click.option(
    "--encoders",
    default="sketch",
    show_default=True,
    help="Text encoder and codec: sketch, mamba-189m, dit-450m, or the name or folder of a model.",
)
@click.option(
    "--embedder",
    help="Scores the segments: aligner, clap or a folder.  [default: clap with encoders that use it, else aligner]",
)
@click.option(
    "--seconds", default="10", show_default=True, callback=_seconds, help="Length of a segment; all: whole files."
)
@click.option(
    "--candidates", type=click.IntRange(1, 1000), default=15, show_default=True, help="Segments scored a file."
)
@click.option("--keep", type=click.IntRange(1), default=6, show_default=True, help="Segments kept of a file, at most.")
@click.option("--high", type=float, help="Score of a good segment.  [default: the embedder's, 0.33 for CLAP]")
@click.option(
    "--medium", type=float, help="Score below which a segment is left out.  [default: the embedder's, 0.20 for CLAP]"
)
@click.option("--muq", is_flag=True, help="Also MuQ features, for REPA-MuQ; its weights are non-commercial.")
@click.option(
    "--clusters",
    multiple=True,
    callback=_clusters,
    metavar="BY-K",
    help="Also k-means clusters, such as text-50 or audio-500; may be given again.",
)
@click.option("--separate", is_flag=True, help="Take vocals away first, with an installed separator.")
@click.option("--val", type=click.FloatRange(0, 0.5), default=0.01, show_default=True, help="Tracks held out.")
@click.option(
    "--test", type=click.FloatRange(0, 0.5), default=0.0, show_default=True, help="Tracks held out for tests."
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="The same seed, the same data.")
@click.option(
    "--shard", default="0/1", callback=_shard, metavar="I/N", help="Make only every N-th part, from part I on."
)
@click.option("--workers", type=click.IntRange(1, 256), default=1, show_default=True, help="Processes.")
@click.option("--max-hours", type=click.FloatRange(0, min_open=True), help="Stop after this time; run again to go on.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def prepare(
    data, out, captions, clusters, separate, embedder, shard, workers, max_hours, as_json, quiet, **options
) -> None:
    """Make music and captions ready for training. Run it again to go on after an interruption.

    FOLDER may have the layout of the ICME 2026 challenge (00/1085700.mp3, 00/1085700_instrumental.mp3 and tables of
    captions in captions/), hold any sound files with a .txt beside each or a table of captions, or come from `ttm-app
    corpus`. Every file is read whole first, as `ttm-app data check` does; those that cannot be used are reported and
    left out. Without --data, clusters are added to a prepared folder. Prints the folder. The exit code is 75 where
    parts of other shards are not there yet, or --max-hours ended it: run it again.
    """
    from ..prepare.config import Preparation
    from ..prepare.pipeline import add_clusters
    from ..prepare.pipeline import prepare as prepare_data
    from ..prepare.prepared_folder import Prepared

    show = (lambda line: None) if quiet else print_note
    until = None if max_hours is None else time.monotonic() + 3600 * max_hours
    with cancellable():
        if data:
            preparation = Preparation(embedder=embedder or _embedder(options["encoders"]), clusters=clusters, **options)
            try:
                prepared = prepare_data(
                    list(data), out, preparation,
                    captions=captions, separate=separate, shard=shard, workers=workers, until=until, show=show,
                )  # fmt: skip
            except Unfinished as error:
                prepared = None
                print_note(str(error))
        elif clusters:
            prepared = add_clusters(Prepared(out), clusters, options["seed"], show)
        else:
            raise click.UsageError("name a folder of music with --data, or clusters to add with --clusters")
    if as_json:
        facts = {} if prepared is None else {"counts": prepared.meta["counts"], "scores": prepared.meta["scores"]}
        print_json({"folder": str(out), "complete": prepared is not None, **facts})
    elif prepared is not None:
        click.echo(out)
    if prepared is None:  # parts of other shards are missing, or the time was over
        click.get_current_context().exit(Unfinished.exit_code)


def _embedder(encoders: str) -> str:
    """The embedder that goes with encoders where none is named."""
    from musicgen_app.models.paper_systems import SYSTEMS

    return "clap" if encoders in SYSTEMS and "clap" in SYSTEMS[encoders].text else "aligner"
