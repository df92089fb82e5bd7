"""`ttm-app generate`: prompt (or a file made earlier) -> audio files, with the request in their tags."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .. import paths, settings
from ..errors import Cancelled, FileError, RequestError
from .output import cancel_on_signals, print_json, print_note, progress_line

if TYPE_CHECKING:
    from ..bundle import Bundle
    from ..request import GenerationRequest, GenerationResult

JSON_SCHEMA = 1
STDIN_BYTES = 1_000_000
WAV_TEXT_BYTES = 1_200  # prompt and negative prompt that surely fit the comment of a WAV file with all the rest

EPILOG = """
\b
Files:
  Without -o the file is named after the prompt and the seed, in the current folder, as WAV. Another copy goes into
  the library (ttm-app library list), unless --no-keep. Defaults can be changed: ttm-app settings.
  If -o is a folder, the file gets that name there. The suffix chooses the format: .wav .flac .ogg .mp3
  With -n 3, -o song.wav gives song-1.wav song-2.wav song-3.wav, made with seeds N, N+1, N+2.
  Each is the clip of its seed alone: on a CPU to the last bit, on a GPU up to rounding.

\b
Examples:
  ttm-app generate "slow piano over soft strings" -o piano.wav
  echo "driving techno, 128 bpm" | ttm-app generate - -o techno.mp3 --json
  ttm-app generate --from piano.wav --seconds 30 -o longer.wav
"""


@click.command(epilog=EPILOG, short_help="Make music from a prompt.")
@click.argument("prompt", required=False)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File to write, or a folder to write into.")
@click.option("--seconds", type=float, metavar="S", help="Length of the clip.  [default: 10]")
@click.option("--seed", type=int, metavar="N", help="The same seed gives the same music.  [default: drawn]")
@click.option("-n", "--variations", type=int, metavar="N", help="How many clips, with seeds one apart.  [default: 1]")
@click.option("--model", metavar="NAME", help="Model name or folder.  [default: sketch]")
@click.option("--negative", metavar="TEXT", help="What the music should not be like.")
@click.option("--steps", type=int, metavar="N", help="Sampler steps.  [default: the model's]")
@click.option("--guidance", type=float, metavar="G", help="How closely to follow the prompt; 1 is none.")
@click.option("--guidance-interval", type=float, nargs=2, metavar="LO HI", help="Guide only here: 0 noise, 1 music.")
@click.option("--solver", metavar="NAME", help="euler, midpoint or heun.  [default: the model's]")
@click.option("--loudness", type=float, metavar="LUFS", help="Bring the clip to this loudness, such as -14.")
@click.option("--device", type=click.Choice(settings.DEVICES), help="Where to compute.  [default: auto]")
@click.option(
    "--precision",
    type=click.Choice(settings.PRECISIONS),
    help="Of the matrix products; auto is bf16 where the hardware has it.  [default: auto]",
)
@click.option(
    "--decoder",
    type=click.Choice(settings.DECODERS),
    help="What turns latents into sound; auto is what the model names.  [default: auto]",
)
@click.option("--from", "source", type=click.Path(path_type=Path), help="Make this file again; options given here win.")
@click.option(
    "--sidecar/--no-sidecar",
    default=None,
    help="Also write FILE.json with all that made the clip.  [default: for a WAV whose prompt is too long for its tag]",
)
@click.option("--keep/--no-keep", default=None, help="Keep a copy in the library.  [default: keep]")
@click.option("--force", is_flag=True, help="Replace files that exist.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a file.")
@click.option("-q", "--quiet", is_flag=True, help="Print only the paths; no progress.")
def generate(
    prompt: str | None,
    output: Path | None,
    device: str | None,
    precision: str | None,
    decoder: str | None,
    source: Path | None,
    sidecar: bool | None,
    keep: bool | None,
    force: bool,
    as_json: bool,
    quiet: bool,
    **values,
) -> None:
    """Make music from PROMPT and write it to an audio file. PROMPT "-" is read from stdin."""
    from ..store import find
    from . import library

    chosen = settings.load(device=device, precision=precision, decoder=decoder, sidecar=sidecar, keep=keep)
    given = {name: value for name, value in values.items() if value is not None}
    if prompt is not None:
        given["prompt"] = _stdin() if prompt == "-" else prompt
    request = _request(source, given, chosen)
    bundle = find(request.model)
    request = request.resolved(bundle.sampler, bundle.max_seconds)
    if source:
        _warn_of_other_weights(source, bundle)
    targets = _targets(output, request, chosen.format)
    sidecar = chosen.sidecar
    if sidecar is None:
        sidecar = targets[0].suffix.lower() == ".wav" and _text_bytes(request) > WAV_TEXT_BYTES
    for target in targets:
        _check_target(target, sidecar, force)

    from ..engine import CancelToken, Engine

    engine = Engine(device=chosen.device, precision=chosen.precision, decoder=chosen.decoder)
    token, written, keeping = CancelToken(), 0, chosen.keep
    with cancel_on_signals(token):
        try:
            with progress_line(show=not quiet) as progress:
                results = engine.generate(request, progress, token)
            for note in results[0].notes:
                print_note(f"warning: {note}")
            for result, target in zip(results, targets, strict=True):
                if token.cancelled:
                    raise KeyboardInterrupt
                beside = _write(result, target, sidecar, force)
                written += 1
                _print(result, target, beside, as_json, quiet)
                keeping = keeping and library.keep(result, target, chosen.library)
        except KeyboardInterrupt:
            done = f"{written} of {len(targets)} files were written" if written else "nothing was written"
            raise Cancelled(f"cancelled; {done}") from None


def _stdin() -> str:
    try:
        return sys.stdin.buffer.read(STDIN_BYTES).decode("utf-8")
    except UnicodeDecodeError as error:
        raise RequestError(f"the prompt on stdin is not UTF-8 text (byte {error.start + 1})") from error


def _request(source: Path | None, given: dict, chosen: settings.Settings) -> GenerationRequest:
    """The request of `source`, or that of the settings, with what the command line says on top."""
    from ..provenance import request_from
    from ..request import GenerationRequest

    if source is not None:
        return replace(request_from(source), **given).validated()
    if "prompt" not in given:
        raise RequestError('give a PROMPT, such as ttm-app generate "slow piano", or --from FILE')
    return GenerationRequest(**chosen.request() | given).validated()


def _targets(output: Path | None, request: GenerationRequest, suffix: str) -> list[Path]:
    """The files to write, one a variation; where the name is left to us it ends in `suffix`."""
    if output is None or os.path.isdir(output):
        output = (output or Path()) / f"{paths.slug(request.prompt)}-{request.seed}{suffix}"
    if request.variations == 1:
        return [output]
    return [output.with_name(f"{output.stem}-{i + 1}{output.suffix}") for i in range(request.variations)]


def _text_bytes(request: GenerationRequest) -> int:
    return len(json.dumps([request.prompt, request.negative], ensure_ascii=False).encode())


def _check_target(target: Path, sidecar: bool, force: bool) -> None:
    """Find out before the model runs that a file could not be written after it. Raises FileError."""
    from ..audio import check_free, check_target
    from ..provenance import sidecar_path

    check_target(target, force)
    if sidecar:
        check_free(sidecar_path(target), force)
    try:
        tempfile.TemporaryFile(dir=target.parent).close()
    except OSError as error:
        raise FileError(f"cannot write in {target.parent}: {error.strerror}; choose another folder") from error


def _warn_of_other_weights(source: Path, bundle: Bundle) -> None:
    from ..provenance import origin

    if origin(source)["weights"] != bundle.weights_sha256:
        print_note(f"warning: {source} was made with other weights than {bundle.name} has; it will sound different")


def _write(result: GenerationResult, target: Path, sidecar: bool, force: bool) -> Path | None:
    """Write one clip and then its sidecar, if wanted; returns the sidecar's path."""
    from ..audio import write
    from ..provenance import tags_for, write_sidecar

    write(target, result.audio, result.sample_rate, tags_for(result), overwrite=force)
    return write_sidecar(result, target, overwrite=force) if sidecar else None


def _print(result: GenerationResult, target: Path, sidecar: Path | None, as_json: bool, quiet: bool) -> None:
    """One line on stdout for a written clip."""
    request = result.request
    if as_json:
        channels, samples = result.audio.shape
        made = {"schema": JSON_SCHEMA, "path": str(target), "sidecar": str(sidecar) if sidecar else None}
        sound = {"sample_rate": result.sample_rate, "channels": channels, "samples": samples}
        made_by = {"model": result.model, "timings": result.seconds_taken, "computed": result.computed}
        print_json(made | request.to_dict() | sound | made_by)
    elif quiet:
        click.echo(str(target))
    else:
        click.echo(f"{target}  {request.seconds:g} s  seed {request.seed}")
