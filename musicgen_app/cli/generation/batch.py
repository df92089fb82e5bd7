"""`ttm-app generate --prompts FILE`: lines of prompts -> one audio file a clip; run again, it goes on where it stopped.

plan: lines -> resolved requests with file names, nothing touched -> run: those whose file is there already are passed
over, the others made, those of one model together. A line that cannot be made is reported and the rest goes on. Several
processes may run the same batch: each clip is made by the one that claims it.
"""

from __future__ import annotations

import hashlib
import os
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...errors import Cancelled, DependencyError, FileError, ModelError, RequestError, TTMError
from ...machine.paths import slug
from ..library import keep
from ..terminal import cancel_on_signals, print_error, print_json, print_note, progress_line
from .claims import claim, sweep
from .output_files import JSON_SCHEMA, check_folder, numbered, print_clip, save, tell_where_it_goes_on, wants_sidecar
from .prompt_file import NAME, Failure, Names, Prompt, output_name, read

if TYPE_CHECKING:
    from ...engine import CancelToken, Engine, Progress
    from ...machine.user_settings import Settings
    from ...models.bundle import Bundle
    from ...models.installed import ResolvedRequest
    from ...request import GenerationRequest, GenerationResult
    from ...server.resident import ServerEngine

SECONDS_A_BAR, FORM = 2.0, 16  # about, until a clip's tempo is known; and bars of a form


@dataclass(frozen=True)
class PlannedClip:
    """One clip of a batch: the line it is of, its resolved request (of one variation), its file."""

    line: int
    request: GenerationRequest
    bundle: Bundle
    target: Path
    sidecar: bool

    @property
    def weights(self) -> tuple:
        """What it needs in memory: the model's folder, and what changes it."""
        return self.bundle.path, self.bundle.adapters

    @property
    def resolved(self) -> ResolvedRequest:
        """What the engine takes."""
        from ...models.installed import ResolvedRequest

        return ResolvedRequest(self.request, self.bundle)


def make_all(
    source: Path, given: dict, chosen: Settings, folder: Path, template: str | None = None, **options: bool
) -> int:
    """The whole batch of a file of prompts ("-": stdin): `plan`, then `run` with its options; returns the exit code.

    given: fields of GenerationRequest that go before the settings, for lines that do not give them.
    """
    names = Names(NAME if template is None else template)
    clips = plan(read(source), given, names, folder, chosen.format, chosen.sidecar, chosen.request())
    return run(clips, chosen, folder, **options)


def plan(
    prompts: Iterable[Prompt | Failure],
    defaults: dict,
    names: Names,
    folder: Path,
    suffix: str,
    sidecar: bool | None = None,
    settings: dict | None = None,
) -> list[PlannedClip | Failure]:
    """Every clip of a batch, in the order of the lines; nothing is written or loaded.

    defaults: fields of GenerationRequest for lines that do not give them, settings: those for what both leave open;
    sidecar: None for where one is needed.
    RequestError: impossible defaults, no prompt at all, two clips with one name.
    """
    from ...models.adapters import adapted
    from ...models.installed import completed
    from ...request import GenerationRequest, over, with_defaults

    usual = settings or {}
    GenerationRequest.from_dict(with_defaults({"prompt": "any"} | defaults, usual))  # found out once, not at every line
    find, seen = _finder(), Counter[str]()
    taken: dict[str, int] = {}
    clips: list[PlannedClip | Failure] = []
    for prompt in prompts:
        if isinstance(prompt, Failure):
            clips.append(prompt)
            continue
        try:
            request = GenerationRequest.from_dict(with_defaults(over(defaults, prompt.values), usual))
            if request.seed is None:
                seen[request.prompt] += 1
                request = replace(request, seed=seed_of(request.prompt, seen[request.prompt]))
            bundle = adapted(find(request.model), request.adapters)
            request = _lengthened(request, bundle) if request.borrows_length else completed(request, bundle)
            targets = _targets(prompt, request, bundle, names, folder, suffix)
        except TTMError as error:
            clips.append(Failure(prompt.line, error))
            continue
        for target, seed in zip(targets, request.seeds[:: request.best_of], strict=True):
            name = unicodedata.normalize("NFC", target.name).casefold()
            if name in taken:
                where = " and ".join(f"line {line}" for line in sorted({taken[name], prompt.line}))
                raise RequestError(f"two clips would have the name {target.name} ({where}): change --name or output")
            taken[name] = prompt.line
            one = replace(request, seed=seed, variations=1)
            clips.append(PlannedClip(prompt.line, one, bundle, target, wants_sidecar(sidecar, target, one)))
    if not clips:
        raise RequestError("there are no prompts: write one a line")
    return clips


def _lengthened(request: GenerationRequest, bundle: Bundle) -> GenerationRequest:
    """A request with nothing left open whose length depends on what it borrows."""
    from ...engine import Engine

    return Engine(device="cpu").resolve(replace(request, model=str(bundle.path))).request


def seed_of(prompt: str, occurrence: int) -> int:
    """The seed of a prompt without one, 0..2**32-1, the same in every run; occurrence: how often it came, from 1.

    It does not depend on the other lines, so lines may be added, moved and taken away.
    """
    return int.from_bytes(hashlib.sha256(f"{occurrence} {prompt}".encode()).digest()[:4], "big")


def run(
    clips: list[PlannedClip | Failure],
    chosen: Settings,
    folder: Path,
    force: bool = False,
    as_json: bool = False,
    quiet: bool = False,
) -> int:
    """Make the clips that are not there yet and return the exit code: 0, or that of the first failure.

    chosen: what to compute with, and where copies are kept; force: replace files of other requests. Raises FileError
    (nothing can be written there), RequestError (no such device) and Cancelled.
    """
    total, tally = sum(isinstance(clip, PlannedClip) for clip in clips), _Tally(as_json, quiet)
    if total:
        _make_folder(folder)
    waiting: dict[tuple, list[PlannedClip]] = {}  # by model, so that each is loaded once
    for clip in clips:
        try:
            if isinstance(clip, Failure):
                raise clip.error
            if _is_there(clip, force):
                tally.keep(clip)
            else:
                waiting.setdefault(clip.weights, []).append(clip)
        except TTMError as error:
            tally.fail(clip.line, error)
    if waiting:
        from ...engine import CancelToken
        from ...server.resident import engine_for

        engine = engine_for(chosen, print_note)
        token, library = CancelToken(), chosen.library if chosen.keep else None
        todo = [clip for group in waiting.values() for clip in group]
        sweep()
        with cancel_on_signals(token):
            try:
                theirs = _make(todo, engine, token, library, force, tally)
                _make(theirs, engine, token, library, force, tally, wait=True)
            except (Cancelled, FileError, KeyboardInterrupt) as error:
                kind, reason = (FileError, error) if isinstance(error, FileError) else (Cancelled, "cancelled")
                done = f"{tally.made + tally.kept} of {total} files are done"
                raise kind(f"{reason}; {done}; run the same command again to go on") from None
    tally.close()
    return tally.code


def _make(
    clips: list[PlannedClip],
    engine: Engine | ServerEngine,
    token: CancelToken,
    library: Path | None,
    force: bool,
    tally: _Tally,
    wait: bool = False,
) -> list[PlannedClip]:
    """Make clips one after the other; those that another process is at, unless we `wait` for it, are returned.

    Raises Cancelled, KeyboardInterrupt, and FileError where the disk takes none.
    """
    meter = _Meter([_work(clip.request) for clip in clips])
    broken: dict[tuple, TTMError] = {}
    theirs: list[PlannedClip] = []
    for number, clip in enumerate(clips):
        try:
            if clip.weights in broken:
                raise broken[clip.weights]
            if token.cancelled:
                raise KeyboardInterrupt
            engine.load(clip.bundle)
            meter.start()
            with claim(clip.target, lambda: wait and not token.cancelled) as ours:
                if not ours:
                    theirs.append(clip)
                elif _is_there(clip, force):  # another process has made it meanwhile
                    tally.keep(clip)
                else:
                    _clear_remains(clip)
                    tell_where_it_goes_on(engine, clip.resolved, f"line {clip.line}: ")
                    with progress_line(not tally.quiet, f"{number + 1} of {len(clips)}  ", meter.left) as progress:
                        (result,) = engine.generate(clip.resolved, progress, token)
                    tally.make(clip, result, save(result, clip.target, clip.sidecar, force))
                    if library and not keep(result, clip.target, library):
                        library = None  # and no more: that was told once
        except Cancelled:
            raise
        except TTMError as error:
            if isinstance(error, FileError) and not os.path.lexists(clip.target):  # the disk: the next would fail too
                raise FileError(f"line {clip.line}: {error}") from error
            if isinstance(error, ModelError | DependencyError):
                broken[clip.weights] = error
            tally.fail(clip.line, error)
        meter.next()
    if theirs and token.cancelled:
        raise KeyboardInterrupt
    return theirs


def _finder() -> Callable[[str], Bundle]:
    """`installed.find` that looks for every model once."""
    from ...models.installed import find

    known: dict[str, Bundle | ModelError] = {}

    def look(name: str) -> Bundle:
        if name not in known:
            try:
                known[name] = find(name)
            except ModelError as error:
                known[name] = error
        found = known[name]
        if isinstance(found, ModelError):
            raise found
        return found

    return look


def _targets(
    prompt: Prompt, request: GenerationRequest, bundle: Bundle, names: Names, folder: Path, suffix: str
) -> list[Path]:
    """The files of a prompt, one a variation. Raises RequestError."""
    if prompt.output is not None:
        return numbered(folder / output_name(prompt.output, suffix), request.variations)
    about: dict[str, int | str] = {
        "index": prompt.index,
        "line": prompt.line,
        "slug": slug(request.prompt),
        "model": bundle.name,
    }
    return [
        folder / (names(request.variations, **about, seed=seed, n=number) + suffix)
        for number, seed in enumerate(request.seeds[:: request.best_of], start=1)
    ]


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"cannot make the folder {folder}: {error.strerror}; choose another --out-dir") from error
    check_folder(folder)


def _is_there(clip: PlannedClip, force: bool) -> bool:
    """Whether this very clip is there, written whole. FileError: its name is another's and `force` is not set."""
    from ...audio import check_target
    from ...library.metadata import sidecar_path

    check_target(clip.target, overwrite=True)
    beside = sidecar_path(clip.target)
    existing = next((path for path in (clip.target, beside) if os.path.lexists(path)), None)
    if existing is None or (existing == beside and not clip.sidecar):
        return False
    problem = _difference(existing, clip)
    if problem and not force:
        raise FileError(f"{existing} exists already {problem}: change --name, or replace it with --force")
    return existing == clip.target and not problem


def _clear_remains(clip: PlannedClip) -> None:
    """Take away a sidecar of this clip that stands there without the clip: what a killed run left."""
    from ...library.metadata import sidecar_path

    beside = sidecar_path(clip.target)
    if clip.sidecar and os.path.lexists(beside) and not os.path.lexists(clip.target) and not _difference(beside, clip):
        beside.unlink(missing_ok=True)


def _difference(path: Path, clip: PlannedClip) -> str:
    """In what a file differs from a planned clip; empty if it is of the same request and weights."""
    from ...library.metadata import origin, request_from

    try:
        named = {one.name: one.strength for one in clip.bundle.adapters}
        if request_from(path, choosing=True) != replace(clip.request, model=clip.bundle.name, adapters=named):
            return "and is of another request"
        if origin(path)["weights"] != clip.bundle.weights_sha256:
            return f"and was made with other weights of {clip.bundle.name}"
    except (FileError, RequestError) as error:
        return f"and is no clip of this request ({error})"
    return ""


def _work(request: GenerationRequest) -> float:
    """How long a clip takes in comparison to others: the sampler's evaluations, a second of music each."""
    from ...request import EVALUATIONS

    assert request.steps is not None  # the request is resolved
    seconds = request.length if request.seconds else SECONDS_A_BAR * (request.bars or FORM)
    return seconds * request.steps * EVALUATIONS[request.solver or ""] * request.best_of


class _Meter:
    """The time that is left of a batch, from what it has taken so far."""

    def __init__(self, work: list[float]):
        self._work, self._total, self._number, self._done = work, sum(work), 0, 0.0
        self._part = 0.0
        self._began: float | None = None

    def start(self) -> None:
        """The first clip begins, its model is loaded."""
        self._began = self._began or time.monotonic()

    def left(self, progress: Progress) -> float | None:
        """Seconds left when the clip in hand is so far; None before its first step."""
        if progress.stage == "sampling":
            self._part = progress.step / progress.total
        done = self._done + self._part * self._work[self._number]
        if not done or self._began is None:
            return None
        return (time.monotonic() - self._began) * (self._total - done) / done

    def next(self) -> None:
        """The clip in hand is finished."""
        self._done += self._work[self._number]
        self._number, self._part = self._number + 1, 0.0


@dataclass
class _Tally:
    """Tells what became of each clip, counts it, and keeps the exit code."""

    as_json: bool
    quiet: bool
    made: int = 0
    kept: int = 0
    failed: int = 0
    code: int = 0

    def make(self, clip: PlannedClip, result: GenerationResult, sidecar: Path | None) -> None:
        self.made += 1
        for note in result.notes:
            print_note(f"warning: line {clip.line}: {note}")
        print_clip(result, clip.target, sidecar, self.as_json, self.quiet, line=clip.line)

    def keep(self, clip: PlannedClip) -> None:
        self.kept += 1
        if self.as_json:
            print_json({"schema": JSON_SCHEMA, "line": clip.line, "path": str(clip.target), "skipped": True})
        else:
            click.echo(str(clip.target) if self.quiet else f"{clip.target}  is there already")

    def fail(self, line: int, error: TTMError) -> None:
        self.failed += 1
        code = print_error(str(error), error.exit_code, self.as_json, line)
        self.code = self.code or code

    def close(self) -> None:
        counts = {"made": self.made, "there already": self.kept, "failed": self.failed}
        if not self.quiet:
            print_note(", ".join(f"{count} {what}" for what, count in counts.items() if count))
