"""What `generate` and its batches share: request -> file name, result -> file (and sidecar) and a line on stdout.

The words of a prompt never become a name as they stand: see `paths.slug` and `safe_stem`.
"""

from __future__ import annotations

import json
import re
import tempfile
import unicodedata
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...errors import Cancelled, FileError
from ...request import PLANNING
from ..terminal import cancel_on_signals, print_json, print_note, progress_line

if TYPE_CHECKING:
    from ...engine import CancelToken, Engine, Progress
    from ...machine.user_settings import Settings
    from ...models.installed import ResolvedRequest
    from ...request import GenerationRequest, GenerationResult
    from ...server.resident import ServerEngine

JSON_SCHEMA = 1
STEM_BYTES = 200  # leaves room in the 255 of a file system for a variation's number, the suffix and the sidecar's
WAV_TEXT_BYTES = 1_200  # prompt and negative prompt that surely fit the comment of a WAV file with all the rest
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)  # devices in every folder of Windows


def unsafe(text: str) -> str | None:
    """The first character of a text that no file name may have on every system, or None."""
    return next((c for c in text if c in '/\\:*?"<>|' or unicodedata.category(c)[0] == "C"), None)


def safe_stem(stem: str) -> str:
    """A file name without suffix and unsafe characters -> one that is neither hidden, nor a device, nor too long."""
    stem = stem.encode()[:STEM_BYTES].decode(errors="ignore").strip(". ") or "music"
    return f"_{stem}" if _RESERVED.match(stem) else stem


def numbered(path: Path, count: int) -> list[Path]:
    """The files of `count` variations: song.wav, or song-1.wav, song-2.wav ..."""
    if count == 1:
        return [path]
    return [path.with_name(f"{path.stem}-{i + 1}{path.suffix}") for i in range(count)]


def wants_sidecar(asked: bool | None, target: Path, request: GenerationRequest) -> bool:
    """Whether the clip gets a sidecar: as asked, else where its texts may be too long for the tag of a WAV."""
    if asked is not None:
        return asked
    plan = {name: value for name, value in request.to_dict().items() if name in PLANNING and value is not None}
    texts = json.dumps([request.prompt, request.negative, *plan.values()], ensure_ascii=False)
    return target.suffix.lower() == ".wav" and len(texts.encode()) > WAV_TEXT_BYTES


def check_folder(folder: Path) -> None:
    """Find out before the model runs that nothing could be written here after it. Raises FileError.

    What a killed run left here is put right before.
    """
    from ...library.clip_files import settle_sidecars
    from ...machine.files import sweep

    sweep(folder)
    settle_sidecars(folder)
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise FileError(f"cannot write in {folder}: {error.strerror}; choose another folder") from error


def check_target(target: Path, sidecar: bool | None, force: bool) -> None:
    """Find out before the model runs that a file could not be written after it. Raises FileError."""
    from ...audio import check_target
    from ...library.metadata import sidecar_path
    from ...machine.files import check_free

    check_target(target, force)
    if sidecar:
        check_free(sidecar_path(target), force)
    check_folder(target.parent)


def write_clips(
    make: Callable[[Callable[[Progress], None] | None, CancelToken], list[GenerationResult]],
    targets: list[Path],
    chosen: Settings,
    sidecar: bool | None,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Make clips, write each to its file, and keep a copy. Cancelled says how many were written.

    sidecar: None for where the tags of the file are too small.
    """
    from ...engine import CancelToken
    from ...library.metadata import needs_sidecar
    from .. import library

    token, written, keeping = CancelToken(), 0, chosen.keep
    with cancel_on_signals(token):
        try:
            with progress_line(show=not quiet) as progress:
                results = make(progress, token)
            for note in dict.fromkeys(note for result in results for note in result.notes):
                print_note(f"warning: {note}")
            for result, target in zip(results, targets, strict=True):
                if token.cancelled:
                    raise KeyboardInterrupt
                beside = needs_sidecar(result, target) if sidecar is None else sidecar
                saved = save(result, target, beside, force)
                written += 1
                print_clip(result, target, saved, as_json, quiet)
                keeping = keeping and library.keep(result, target, chosen.library)
        except KeyboardInterrupt:
            done = f"{written} of {len(targets)} files were written" if written else "nothing was written"
            raise Cancelled(f"cancelled; {done}") from None


def save(result: GenerationResult, target: Path, sidecar: bool, force: bool) -> Path | None:
    """Write one clip, its sidecar too if it gets one, and return that one's path. FileError: then neither is there."""
    from ...library.clip_files import write_clip

    return write_clip(result, target, sidecar, overwrite=force)


def print_clip(
    result: GenerationResult, target: Path, sidecar: Path | None, as_json: bool, quiet: bool, **where: int
) -> None:
    """One line on stdout for a written clip; `where` goes into its JSON object."""
    request = result.request
    if as_json:
        channels, samples = result.audio.shape
        made = {"schema": JSON_SCHEMA, **where, "path": str(target), "sidecar": str(sidecar) if sidecar else None}
        sound = {"sample_rate": result.sample_rate, "channels": channels, "samples": samples}
        made_by = {"model": result.model, "timings": result.seconds_taken, "computed": result.computed}
        chosen = asdict(result.choice) if result.choice else {}
        plan = {"played": result.plan.to_dict()} if result.plan else {}
        plan |= result.decision.reading() if result.decision else {}
        read: dict = {"read_as": result.read_as} if result.read_as else {}
        read |= {"edit": result.edit} if result.edit else {}
        plan |= {"extent": asdict(result.extent)} if result.extent and request.in_bars else {}
        print_json(made | request.to_dict() | chosen | sound | made_by | read | plan)
    elif quiet:
        click.echo(str(target))
    else:
        best = f"  best of {result.choice.best_of} (score {result.choice.score:.2f})" if result.choice else ""
        meant = f"  read as {result.read_as}" if result.read_as else ""
        planned = f"  {result.plan.describe()}" if result.plan and result.plan.describe() else ""
        if result.edit:
            stretches = ", ".join(f"{begin:.2f}-{end:.2f} s" for begin, end in result.edit["kept"])
            meant += f"  kept {stretches or 'nothing'}"
        click.echo(f"{target}  {_length(result)}  seed {request.seed}{best}{meant}{planned}")


def _length(result: GenerationResult) -> str:
    """The length of a clip in seconds and, where it was asked for so, in bars: "16 s (8 bars, loop)"."""
    from ...control.bars import in_words

    extent = result.extent
    if extent is not None and extent.bars is not None:
        return f"{extent.seconds:.5g} s ({in_words(extent.bars)}{', loop' if extent.loop else ''})"
    seconds = result.request.length
    return (f"{seconds:.3f}".rstrip("0").rstrip(".") if result.edit else f"{seconds:g}") + " s"


def tell_where_it_goes_on(engine: Engine | ServerEngine, request: ResolvedRequest, before: str = "") -> None:
    """Tell that a long clip was begun earlier, and how far it is."""
    if done := engine.steps_done(request):
        total = (request.request.steps or 0) * len(request.request.seeds)
        print_note(f"note: {before}goes on from step {done} of {total} (seed {request.request.seed})")
