"""`ttm-app data`: look at music and captions before anything is computed of them."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from musicgen_app.cli.groups import Group
from musicgen_app.cli.terminal import cancellable, print_json, print_note, printable

from .prepare import caption_tables

FOLDER = click.Path(path_type=Path)
EPILOG = """
\b
Examples:
  ttm-app data check my-songs/
  ttm-app data check jamendo/ --workers 8 --json > check.json
  ttm-app data check my-songs/ --picture check.png --write-table captions.csv
"""


@click.group(cls=Group, short_help="Check a folder of music with captions.", epilog=EPILOG)
def data() -> None:
    """Look at music and captions before anything is computed of them."""


@data.command()
@click.argument("folders", nargs=-1, required=True, type=FOLDER, metavar="FOLDER...")
@click.option("--captions", multiple=True, callback=caption_tables, metavar="STYLE=FILE", help="As in prepare.")
@click.option("--picture", type=FOLDER, help="PNG to draw: lengths, levels, faults, captions.")
@click.option("--write-table", "table", type=FOLDER, help="CSV to write: the captions as they were understood.")
@click.option("--val", type=click.FloatRange(0, 0.5), default=0.01, show_default=True, help="Tracks held out.")
@click.option("--test", type=click.FloatRange(0, 0.5), default=0.0, show_default=True, help="Held out for tests.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of what is held out.")
@click.option("--workers", type=click.IntRange(1, 256), default=1, show_default=True, help="Processes.")
@click.option("--force", is_flag=True, help="Replace files that exist.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def check(folders, captions, picture, table, val, test, seed, workers, force, as_json, quiet) -> None:
    """Read every file of FOLDER whole, as `ttm-app prepare` does first, and tell what would be trained on.

    A line a track: its split, or that it is left out and why, its true length, channels, sample rate, level (RMS,
    dBFS), share that is clipped and quiet, the number of its group where a recording is there more than once, the
    language of its captions, and the captions as they were understood. Then a line for whatever is doubtful. Nothing
    is changed. The exit code is 3 where no track can be used.
    """
    from musicgen_app.errors import FileError
    from musicgen_app.machine import files

    from ..data import check as checking
    from ..data.survey import refuse_nothing, survey

    for path in (picture, table):
        if path:
            files.check_free(path, force)
    show = (lambda line: None) if quiet else print_note
    with cancellable("cancelled"), tempfile.TemporaryDirectory(prefix="ttm-check-") as scratch:
        found = survey(Path(scratch), list(folders), captions, seed, val, test, workers=workers, empty=True, show=show)
    assert found is not None  # only a shard of several gives none
    rows = checking.check_rows(found)
    summary = checking.check_summary(rows, found)
    if as_json:
        print_json({"folders": list(map(str, folders)), "summary": summary, "tracks": rows, **vars(found.findings)})
    else:
        for line in checking.check_lines(rows, found):
            click.echo(printable(line))
        click.echo(checking.summary_line(summary))
    if picture:
        checking.draw(rows, found, picture)
    if table and found.tracks:
        for track in checking.write_table(found, len(folders), table, force):
            print_note(f"{track.file} is not in {table}: its name is no text of this system's encoding; rename it")
    try:
        refuse_nothing(found, list(folders))
    except FileError as error:
        raise FileError(str(error).partition(": `ttm-app data check`")[0]) from error
