"""`ttm-app generate`: a prompt, a file of prompts, or a file made earlier -> audio files, the request in their tags."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...errors import Cancelled, RequestError
from ...machine import paths, unfinished, user_settings
from ...request import SOLVERS, parse_adapters, parse_conditions
from ..terminal import print_note, read_stdin
from .length_options import length_of, length_options
from .output_files import check_target, numbered, tell_where_it_goes_on, wants_sidecar, write_clips
from .plan_options import PLAN, check_words, given_plan, plan_options, resolved
from .shared_options import ADAPTER, COMPUTING, SAMPLING, WRITING, with_options

if TYPE_CHECKING:
    from ...models.bundle import Bundle
    from ...models.installed import ResolvedRequest
    from ...request import GenerationRequest, GenerationResult

STDIN_BYTES = 1_000_000

EPILOG = """
\b
Files:
  Without -o the file is named after the prompt and the seed, in the current folder, as WAV. Another copy goes into
  the library (ttm-app library list), unless --no-keep. Defaults can be changed: ttm-app settings.
  If -o is a folder, the file gets that name there. The suffix chooses the format: .wav .flac .ogg .mp3
  With -n 3, -o song.wav gives song-1.wav song-2.wav song-3.wav, made with seeds N, N+1, N+2.
  Each is the clip of its seed alone: on a CPU to the last bit, on a GPU up to rounding.
  A clip that is longer than the model plays at once, and was stopped, goes on when the same command is run again.
  With --best-of 4 each is the best of four clips, of seeds N to N+3 (the next of N+4 to N+7), by the score
  of the aligner that comes with the app. Its tags have its own seed: --from makes it again alone.

\b
What is played:
  --plan has a chord sheet (such as the examples of ttm-app plan examples), JSON or MIDI. --bpm, --key,
  --metre, --chords, --drums and --form win over it, it wins over the prompt, and what nobody says is
  borrowed. Show it first: ttm-app plan. A plan with sections and a tempo sets the length,
  unless there is --seconds.

\b
Many prompts:
  --prompts FILE makes a clip of every line; - is stdin. A line is a prompt, or a JSON object such as
  {"prompt": "slow piano", "seconds": 20, "output": "piano.flac"}, whose keys are prompt, output,
  negative, seconds, bars, loop, seed, steps, guidance, guidance_interval, solver, variations, model,
  loudness, best_of, conditions, adapters, and of what is played plan, bpm, key, metre, chords, drums
  and form.
  Blank lines and lines that start with # are skipped. What a line leaves open, options decide.
  A line without a seed, where there is no --seed either, gets one from its prompt: in every run
  the same. So run the same command again to go on: files that are there already are passed over.
  A file of that name but of another request is an error, unless --force says to replace it.
  --name may have {line} (in the file), {index} (among the prompts), {slug} (the prompt in short),
  {seed} (of --best-of the first), {model} and {n} (of the variation); {line:04d} is a width,
  {slug:.20} a length.
  A line that cannot be made is reported and the rest goes on; lines of one model are made together.
  The exit code is 0 when all is there, else that of the first failure.

\b
Examples:
  ttm-app generate "slow piano over soft strings" -o piano.wav
  echo "driving techno, 128 bpm" | ttm-app generate - -o techno.mp3 --json
  ttm-app generate --from piano.wav --seconds 30 -o longer.wav
  ttm-app generate --prompts prompts.txt --out-dir songs --format flac --seconds 20
  ttm-app generate "folk guitar" --plan song.txt -o folk.wav
  ttm-app generate "folk guitar" --chords "Am F C E7" --bpm 96 --no-drums -o folk.wav
  ttm-app generate "dusty house beat" --loop 8bars --bpm 122 -o beat.wav
"""


@click.command(epilog=EPILOG, short_help="Make music from a prompt.")
@click.argument("prompt", required=False)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File to write, or a folder to write into.")
@click.option("--seconds", type=float, metavar="S", help="Length of the clip.  [default: 10]")
@length_options
@click.option("-n", "--variations", type=int, metavar="N", help="How many clips, with seeds one apart.  [default: 1]")
@with_options(*SAMPLING)
@click.option("--guidance-interval", type=float, nargs=2, metavar="LO HI", help="Guide only here: 0 noise, 1 music.")
@click.option("--solver", type=click.Choice(SOLVERS), help="[default: the model's]")
@click.option("--loudness", type=float, metavar="LUFS", help="Bring the clip to this loudness, such as -14.")
@click.option(
    "--condition", "conditions", multiple=True, metavar="NAME=NUMBER", help="A number the model is told: reward=0.9."
)
@ADAPTER
@PLAN
@plan_options
@with_options(*COMPUTING)
@click.option("--server", metavar="auto|off|URL", help="Make it through a ttm-app server that runs.  [default: off]")
@click.option("--from", "source", type=click.Path(path_type=Path), help="Make this file again; options given here win.")
@click.option("--prompts", type=click.Path(path_type=Path), metavar="FILE", help="A clip of every line; - is stdin.")
@click.option("--out-dir", type=click.Path(path_type=Path), metavar="DIR", help="--prompts: folder to write into.  [.]")
@click.option("--name", metavar="TEMPLATE", help="--prompts: names of the files.  [default: {line:04d}-{slug}-{seed}]")
@with_options(*WRITING)
def generate(
    prompt: str | None,
    output: Path | None,
    device: str | None,
    precision: str | None,
    decoder: str | None,
    server: str | None,
    source: Path | None,
    prompts: Path | None,
    out_dir: Path | None,
    name: str | None,
    format: str | None,
    sidecar: bool | None,
    keep: bool | None,
    force: bool,
    as_json: bool,
    quiet: bool,
    conditions: tuple[str, ...],
    adapters: tuple[str, ...],
    bars: int | None,
    loop: str | None,
    no_loop: bool,
    **values,
) -> None:
    """Make music from PROMPT and write it to an audio file. PROMPT "-" is read from stdin."""
    flags = {"device": device, "precision": precision, "decoder": decoder, "sidecar": sidecar, "keep": keep}
    chosen = user_settings.load(**flags, format=format, server=server)
    given = {name: value for name, value in values.items() if value is not None}
    given |= length_of(bars, loop, no_loop)
    if conditions:
        given["conditions"] = parse_conditions(conditions)
    if adapters:
        given["adapters"] = parse_adapters(adapters)
    if "plan" in given:
        given["plan"] = given_plan(given["plan"])
    if prompts is not None:
        from .batch import make_all

        if any(value is not None for value in (prompt, output, source)):
            raise RequestError("--prompts takes the place of PROMPT and --from, --out-dir and --name that of -o")
        code = make_all(prompts, given, chosen, out_dir or Path(), name, force=force, as_json=as_json, quiet=quiet)
        click.get_current_context().exit(code)
    if out_dir is not None or name is not None:
        raise RequestError("--out-dir and --name are for --prompts: -o names the file, or the folder, of one prompt")
    if prompt is not None:
        if prompt != "-":
            check_words(prompt)
        given["prompt"] = _stdin() if prompt == "-" else prompt
    request = _request(source, given, chosen)
    resolution = _going_on(request, resolved(request, chosen))
    request = resolution.request
    if source:
        _warn_of_other_weights(source, resolution.bundle)
    if format and output is not None and not os.path.isdir(output):
        raise RequestError(f"the suffix of {output} chooses its format: leave --format out")
    targets = _targets(output, request, chosen.format)
    sidecar = wants_sidecar(chosen.sidecar, targets[0], request)
    for target in targets:
        check_target(target, sidecar, force)
    write_clips(partial(_make, resolution, chosen), targets, chosen, sidecar, force, as_json, quiet)


def _make(request: ResolvedRequest, chosen: user_settings.Settings, progress, token) -> list[GenerationResult]:
    """The clips of a request, by a server that runs where that is wanted. Cancelled says whether it can go on."""
    from ...server.resident import engine_for

    engine = engine_for(chosen, print_note)
    tell_where_it_goes_on(engine, request)
    try:
        return engine.generate(request, progress, token)
    except Cancelled as error:
        again = "; run the same command again to go on" if engine.steps_done(request) else ""
        raise Cancelled(f"{error}{again}") from None


def _stdin() -> str:
    try:
        return read_stdin(STDIN_BYTES).decode("utf-8")
    except UnicodeDecodeError as error:
        raise RequestError(f"the prompt on stdin is not UTF-8 text (byte {error.start + 1})") from error


def _request(source: Path | None, given: dict, chosen: user_settings.Settings) -> GenerationRequest:
    """The request of `source`, or that of the settings, with what the command line says on top."""
    from ...library.metadata import request_from
    from ...request import GenerationRequest, over, with_defaults

    if source is not None:
        request = request_from(source)
        for several in given.keys() & {"conditions", "adapters"}:
            given = given | {several: getattr(request, several) | given[several]}
        return GenerationRequest(**over(vars(request), given)).validated()
    if "prompt" not in given and "plan" not in given:
        raise RequestError('give a PROMPT, such as ttm-app generate "slow piano", or --plan FILE, or --from FILE')
    values = with_defaults(given, chosen.request())
    if "prompt" not in given:
        print_note(f"note: without a prompt it is what the plan is called: {values['prompt']}")
    return GenerationRequest(**values).validated()


def _going_on(asked: GenerationRequest, found: ResolvedRequest) -> ResolvedRequest:
    """A request with the seed of the same one that was stopped, where it asks for none."""
    if asked.seed is not None:
        return found
    name = unfinished.asked_for(found.request.to_dict(), found.bundle.weights_sha256)
    seed = unfinished.seed_of(unfinished.folder(), name)
    return found if seed is None else found._replace(request=replace(found.request, seed=seed))


def _targets(output: Path | None, request: GenerationRequest, suffix: str) -> list[Path]:
    """The files to write, one a variation; where the name is left to us it ends in `suffix`."""
    if output is None or os.path.isdir(output):
        best = f"-best-of-{request.best_of}" if request.best_of > 1 else ""
        output = (output or Path()) / f"{paths.slug(request.prompt)}-{request.seed}{best}{suffix}"
    return numbered(output, request.variations)


def _warn_of_other_weights(source: Path, bundle: Bundle) -> None:
    from ...library.metadata import origin

    if origin(source)["weights"] != bundle.weights_sha256:
        print_note(f"warning: {source} was made with other weights than {bundle.name} has; it will sound different")
