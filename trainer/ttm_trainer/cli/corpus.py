"""`ttm-app corpus`: build a corpus of captioned music to train on, and look at one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import click

from musicgen_app.cli.groups import Group
from musicgen_app.cli.terminal import cancellable, print_json, print_note
from musicgen_app.errors import FileError

OUT = click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Corpus folder.")
HOURS = click.option("--hours", type=click.FloatRange(0, 10_000, min_open=True), required=True, help="Hours of music.")
SEED = click.option(
    "--seed", type=click.IntRange(0), default=1, show_default=True, help="The same seed, the same corpus."
)
WORKERS = click.option("--workers", type=click.IntRange(1, 256), default=1, show_default=True, help="Processes.")
RATE = click.option(
    "--sample-rate",
    type=click.IntRange(8_000, 96_000),
    default=32_000,
    show_default=True,
    help="Hz; a codec needs 48000.",
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
QUIET = click.option("-q", "--quiet", is_flag=True, help="No progress.")


@click.group(cls=Group, short_help="Build a corpus of captioned music to train on.")
def corpus() -> None:
    """Build a corpus of captioned music to train on. Run a build again to go on after an interruption."""


@corpus.command()
@OUT
@HOURS
@SEED
@WORKERS
@RATE
@JSON
@QUIET
def build(out: Path, hours: float, seed: int, workers: int, sample_rate: int, as_json: bool, quiet: bool) -> None:
    """Compose, render and caption music (CC0); needs fluidsynth and a General MIDI soundfont."""
    from ..corpus.build import build_corpus

    with _building(out):
        show = None if quiet else _show
        _report(build_corpus(out, hours, seed, workers, sample_rate=sample_rate, progress=show), as_json)


@corpus.command()
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Folder of MIDI files.")
@OUT
@HOURS
@SEED
@WORKERS
@click.option("--licence", default="", help="Licence of the files of which the folder says none.")
@click.option("--source", default="", help="Where those files are from, and whose they are.")
@RATE
@JSON
@QUIET
def midi(
    data: Path,
    out: Path,
    hours: float,
    seed: int,
    workers: int,
    licence: str,
    source: str,
    sample_rate: int,
    as_json: bool,
    quiet: bool,
) -> None:
    """Re-orchestrate, render and caption free MIDI files; needs mido, fluidsynth and a General MIDI soundfont.

    A table sources.csv in the folder (columns file, licence, source and, where it is known, genre) says whose each
    file is; --licence and --source fill in what it leaves open. Every file is heard in many versions, with other
    instruments, in another key and at another tempo; a file is in the train or the val split with all of them.
    Files that cannot be used are named, with the reason.
    """
    from ..corpus.midi.build import build_midi

    with _building(out):
        show, note = (None, lambda line: None) if quiet else (_show, print_note)
        facts = build_midi(
            data, out, hours, seed, workers, licence, source, sample_rate=sample_rate, progress=show, note=note
        )
        _report(facts if as_json else facts | {"left_out": len(facts["left_out"])}, as_json)


@corpus.command()
@OUT
@RATE
@JSON
@QUIET
def recorded(out: Path, sample_rate: int, as_json: bool, quiet: bool) -> None:
    """Fetch freely licensed recorded music from Debian packages; `corpus listen` captions it."""
    from ..corpus.recorded import build_recorded

    with _building(out):
        show = (lambda line: None) if quiet else print_note
        _report(build_recorded(out, progress=show, sample_rate=sample_rate), as_json)


@corpus.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--calibration", type=click.Path(path_type=Path), help="Of `corpus calibrate`.  [default: built-in]")
@WORKERS
@JSON
@QUIET
def listen(folder: Path, calibration: Path | None, workers: int, as_json: bool, quiet: bool) -> None:
    """Estimate tempo, bars, key, chords and drums of the recordings in FOLDER, and caption them.

    What is likely to be right is told in facts, plans and captions, and marked as estimated, with how likely it is.
    Run it again to go on after an interruption.
    """
    from ..corpus.listening.calibration import BUILT_IN
    from ..corpus.listening.listen import listen as listen_to

    if not folder.is_dir():
        raise FileError(f"there is no folder {folder}: check the name")
    with _building(folder):
        show = None if quiet else partial(_show, what="files")
        facts = listen_to(folder, calibration or BUILT_IN, workers, show)
        _report(facts, as_json)


@corpus.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write the calibration here, as JSON.")
@click.option("--pieces", type=click.IntRange(1), help="At most so many, spread over the corpora.  [default: all]")
@click.option("--force", is_flag=True, help="Replace a file that exists.")
@WORKERS
@JSON
@QUIET
def calibrate(
    folders: tuple[Path, ...],
    output: Path | None,
    pieces: int | None,
    force: bool,
    workers: int,
    as_json: bool,
    quiet: bool,
) -> None:
    """Measure on the composed corpora in FOLDERS how often `corpus listen` is right, by how sure it is."""
    from musicgen_app.machine import files

    from ..corpus.listening.calibrate import calibrate as measure
    from ..corpus.listening.calibration import table

    if output:
        files.check_free(output, force)
    with cancellable():
        report = measure(folders, output, pieces, workers, None if quiet else _show)
    if as_json:
        print_json(report)
    else:
        click.echo(table(report["table"]))


@corpus.command()
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Folder of `corpus recorded`.")
@OUT
@click.option("--hours", type=click.FloatRange(0, min_open=True), default=2.0, show_default=True, help="How much.")
@JSON
@QUIET
def challenge(data: Path, out: Path, hours: float, as_json: bool, quiet: bool) -> None:
    """Write recorded music as MP3 with captions, in the layout of the 2026 challenge, to try `ttm-app train` on.

    The captions say what is known of a track (what it was made for) and what can be measured (tempo, drums, loudness).
    """
    from ..corpus.challenge import build_challenge

    with _building(out):
        _report(build_challenge(data, out, hours, show=(lambda line: None) if quiet else print_note), as_json)


@corpus.command()
@click.argument("folder", type=click.Path(path_type=Path))
@JSON
def recaption(folder: Path, as_json: bool) -> None:
    """Write the captions of the composed or MIDI corpus in FOLDER anew, without rendering again."""
    from ..corpus.build import recaption as write_captions

    if not folder.is_dir():
        raise FileError(f"there is no folder {folder}: check the name")
    with _building(folder):
        _report(write_captions(folder), as_json)


@corpus.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--picture", type=click.Path(path_type=Path), help="Also draw it, as a PNG.")
@click.option("--force", is_flag=True, help="Replace a picture that exists.")
@JSON
def stats(folder: Path, picture: Path | None, force: bool, as_json: bool) -> None:
    """Count the clips of the corpus in FOLDER by split, genre, instrument, tempo and all else that is known of them."""
    from musicgen_app.machine import files

    from ..corpus.stats import draw
    from ..corpus.stats import stats as stats_of

    if picture:
        files.check_free(picture, force)
    facts = stats_of(folder)
    if picture:
        draw(facts, picture)
    _report(facts, as_json)


@corpus.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--clips", type=click.IntRange(min=1), default=60, show_default=True, help="Files of each to measure.")
@click.option(
    "--seconds",
    type=click.FloatRange(min=1),
    default=30.0,
    show_default=True,
    help="Length taken from the middle of each.",
)
@JSON
def sound(folders: tuple[Path, ...], clips: int, seconds: float, as_json: bool) -> None:
    """Measure how the music in FOLDERS sounds, side by side: spectrum, loudness, dynamics, width, onsets.

    Of every figure the median is given and, in brackets, the quartiles.
    """
    from ..corpus.sound import measure, table

    measured = {str(folder): measure(folder, clips, seconds) for folder in folders}
    if as_json:
        print_json(measured)
    else:
        click.echo(table(measured))


def _show(state: dict, what: str = "pieces") -> None:
    print_note(
        f"{state['done']}/{state['total']} {what}  {state['rate']:.1f}x real time  "
        f"{state['left'] / 60:.1f} min left  {len(state['failed'])} failed"
    )


def _report(facts: dict, as_json: bool) -> None:
    if as_json:
        print_json(facts)
        return
    for key, value in facts.items():
        if isinstance(value, Counter):
            value = ", ".join(f"{name} {count}" for name, count in value.most_common())
        elif isinstance(value, list):
            value = "; ".join(map(str, value)) or "none"
        elif isinstance(value, float):
            value = f"{value:.2f}"
        click.echo(f"{key:<10} {value}")


@contextmanager
def _building(out: Path) -> Iterator[None]:
    """No other build writes into `out` meanwhile; Ctrl-C says how to go on."""
    from ..runtime.locks import alone

    with cancellable(), alone(out, "build"):
        yield
