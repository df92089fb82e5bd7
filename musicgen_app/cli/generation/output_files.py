"""What `generate` and its batches share: request -> file name, result -> file (and sidecar) and a line on stdout.

The words of a prompt never become a name as they stand: see `paths.slug` and `safe_stem`.
"""

from __future__ import annotations

import json
import re
import tempfile
import unicodedata
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...errors import FileError
from ...request import PLANNING
from ..terminal import print_json, print_note

if TYPE_CHECKING:
    from ...engine import Engine
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
        read = {"read_as": result.read_as} if result.read_as else {}
        plan |= {"extent": asdict(result.extent)} if result.extent and request.in_bars else {}
        print_json(made | request.to_dict() | chosen | sound | made_by | read | plan)
    elif quiet:
        click.echo(str(target))
    else:
        best = f"  best of {result.choice.best_of} (score {result.choice.score:.2f})" if result.choice else ""
        meant = f"  read as {result.read_as}" if result.read_as else ""
        planned = f"  {result.plan.describe()}" if result.plan and result.plan.describe() else ""
        click.echo(f"{target}  {_length(result)}  seed {request.seed}{best}{meant}{planned}")


def _length(result: GenerationResult) -> str:
    """The length of a clip in seconds and, where it was asked for so, in bars: "16 s (8 bars, loop)"."""
    from ...control.bars import in_words

    extent = result.extent
    if extent is None or extent.bars is None:
        return f"{result.request.seconds:g} s"
    return f"{extent.seconds:.5g} s ({in_words(extent.bars)}{', loop' if extent.loop else ''})"


def tell_where_it_goes_on(engine: Engine | ServerEngine, request: ResolvedRequest, before: str = "") -> None:
    """Tell that a long clip was begun earlier, and how far it is."""
    if done := engine.steps_done(request):
        total = (request.request.steps or 0) * len(request.request.seeds)
        print_note(f"note: {before}goes on from step {done} of {total} (seed {request.request.seed})")
