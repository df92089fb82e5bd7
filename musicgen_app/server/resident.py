"""`ttm-app generate` through a server that runs already: found by a small file, asked over HTTP, with the same bytes.

The file `server.json` is in a folder for what runs; only this user can read it. It says where the server answers, its
version, what it computes with, and a token that lets this user's programs in. Whatever does not fit (another version,
another model of that name, another device) is refused by the server, and the clip is made here instead.

An answer is lines of JSON, {"progress": ...} as it goes, then {"results": [...]} or {"error": ...}; after results come
their sounds, float32, one after the other.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import urlsplit

import numpy as np

from .. import __version__
from ..errors import Cancelled, DependencyError, FileError, GenerationError, ModelError, RequestError, TTMError
from ..machine import files, paths, unfinished
from ..request import Choice, GenerationRequest, GenerationResult
from ..songbook.wishes import Wishes

if TYPE_CHECKING:
    from ..editing.edit import Edit
    from ..editing.source import Source
    from ..engine import CancelToken, Engine, Progress
    from ..machine.user_settings import Settings
    from ..models.bundle import Bundle
    from ..models.installed import ResolvedRequest

FILE = "server.json"
ROUTE = "/v1/engine"
KEY = "TTM_APP_API_KEY"
COMPUTING = ("device", "precision", "decoder")
OFF, AUTO = "off", "auto"
CONNECT = 2.0  # seconds
SILENCE = 60.0  # seconds without a line after which the server is given up; it sends one at least every second
LINE = 4_000_000  # bytes of a line of JSON
SOUNDS = 2**32  # bytes of all sounds
FAULTS = (OSError, http.client.HTTPException, ValueError, KeyError, TypeError, AttributeError, RecursionError)
KINDS = {
    kind.exit_code: kind for kind in (RequestError, FileError, ModelError, GenerationError, DependencyError, Cancelled)
}
DEMANDS = ("understood", "approximated", "not_understood")


class Unusable(Exception):
    """No server can do this; why, in one line."""


# --- the file


def announce(settings: Settings, url: str, token: str) -> Path:
    """Say where the server answers, to this user alone. Raises FileError."""
    path = paths.running() / FILE
    facts = {"pid": os.getpid(), "url": url, "version": __version__, "token": token, **computing(settings)}
    return files.write_private(path, json.dumps(facts).encode())


def withdraw() -> None:
    """Take the file away, where it is of this process."""
    path = paths.running() / FILE
    with suppress(OSError, Unusable):
        if _read(path)["pid"] == os.getpid():
            path.unlink()


def _read(path: Path) -> dict[str, Any]:
    """What the file says. Raises Unusable, also where others could have written it."""
    try:
        status = path.lstat()
        if os.name == "posix" and (status.st_uid != os.getuid() or status.st_mode & 0o077 or path.is_symlink()):
            raise Unusable(f"{path} is not this user's alone")
        facts = json.loads(path.read_text(encoding="utf-8")[:10_000])
        return {name: facts[name] for name in ("pid", "url", "version", "token", *COMPUTING)}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise Unusable("no server runs") from None


def computing(settings: Settings) -> dict[str, str]:
    """What a result depends on beside its request."""
    return {name: getattr(settings, name) for name in COMPUTING}


# --- the client


def engine_for(settings: Settings, tell: Callable[[str], None]) -> Engine | ServerEngine:
    """What makes clips under these settings: a server that runs, where the setting `server` wants one, or an Engine.

    `tell` is given a line where a server was wanted and cannot be had later on. Raises RequestError.
    """
    if settings.server != OFF:
        with suppress(Unusable):
            return ServerEngine(settings, tell)
    return own_engine(settings)


def own_engine(settings: Settings) -> Engine:
    """An engine in this process."""
    from ..engine import Engine

    return Engine(
        device=settings.device,
        precision=settings.precision,
        decoder=settings.decoder,
        unfinished=unfinished.folder(),
    )


class ServerEngine:
    """As `Engine.generate`, through a server; where that cannot do it, by an engine of its own.

    Raises Unusable: the setting is "auto", and no server of this version runs that computes in the same way.
    """

    def __init__(self, settings: Settings, tell: Callable[[str], None]) -> None:
        self._settings, self._tell = settings, tell
        self._engine: Engine | None = None  # once the server could not be used
        self._url, self._token = settings.server, os.environ.get(KEY, "")
        if settings.server == AUTO:
            facts = _read(paths.running() / FILE)
            if facts["version"] != __version__ or any(facts[name] != getattr(settings, name) for name in COMPUTING):
                raise Unusable("the server that runs is another version, or computes otherwise")
            self._url, self._token = str(facts["url"]), str(facts["token"])

    def steps_done(self, request: ResolvedRequest) -> int:
        """As `Engine.steps_done`, once an engine of its own is at work; what a server has begun, the server knows."""
        return self._engine.steps_done(request) if self._engine else 0

    def load(self, bundle: Bundle) -> None:
        """Nothing: the server has the model. For callers that want it read before the first clip."""

    def generate(
        self,
        request: ResolvedRequest,
        progress: Callable[[Progress], None] | None = None,
        cancel: CancelToken | None = None,
    ) -> list[GenerationResult]:
        """As `Engine.generate`. Raises what that raises."""
        if self._engine is None:
            try:
                return self._ask(request, progress, cancel)
            except Unusable as problem:
                if self._settings.server != AUTO:
                    raise RequestError(
                        f"the server {self._url} cannot be used: {problem}; leave --server out"
                    ) from None
                self._tell(f"note: the running server cannot be used ({problem}): made here instead")
            self._engine = own_engine(self._settings)
        return self._engine.generate(request, progress, cancel)

    def edit(
        self,
        source: Source,
        edit: Edit,
        request: GenerationRequest | None = None,
        progress: Callable[[Progress], None] | None = None,
        cancel: CancelToken | None = None,
    ) -> list[GenerationResult]:
        """As `Engine.edit`, in this process: the recording is here."""
        self._engine = self._engine or own_engine(self._settings)
        return self._engine.edit(source, edit, request, progress, cancel)

    def _ask(
        self,
        request: ResolvedRequest,
        progress: Callable[[Progress], None] | None,
        cancel: CancelToken | None,
    ) -> list[GenerationResult]:
        wanted = replace(request.request, model=request.bundle.name).to_dict()
        body = {"version": __version__, "bundle": digest(request.bundle), "computing": computing(self._settings)}
        try:
            line = self._connect()
            try:
                heads = {"Content-Type": "application/json", "Authorization": f"Bearer {self._token}"}
                line.request("POST", ROUTE, json.dumps(body | {"request": wanted}), heads)
                answer = line.getresponse()
                if answer.status != 200:
                    raise Unusable(_message(answer.read(LINE)))
                found = _followed(answer, progress, cancel)
            finally:
                line.close()
        except FAULTS as error:
            raise Unusable(f"{type(error).__name__}: {error}") from None
        return [replace(one, request=replace(one.request, model=request.request.model)) for one in found]

    def _connect(self) -> http.client.HTTPConnection:
        where = urlsplit(self._url)
        kinds = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
        if where.scheme not in kinds or not where.hostname:
            raise RequestError(f"--server {self._url[:80]!a} is no address such as http://127.0.0.1:7860")
        line = kinds[where.scheme](where.hostname, where.port, timeout=CONNECT)
        line.connect()
        line.sock.settimeout(SILENCE)
        return line


def _followed(
    answer: http.client.HTTPResponse, progress: Callable[[Progress], None] | None, cancel: CancelToken | None
) -> list[GenerationResult]:
    """The results at the end of an answer. Leaving it early closes the line, and so cancels the work."""
    from ..engine import Progress

    while line := answer.readline(LINE):
        if cancel is not None and cancel.cancelled:
            raise Cancelled("cancelled; nothing was written")
        told = json.loads(line)
        if "progress" in told and progress is not None:
            progress(Progress(**told["progress"]))
        if "error" in told:
            raise _error(told["error"])
        if "results" in told:
            return [unpacked(facts, answer) for facts in told["results"]]
    raise Unusable("the server went away")


def _message(body: bytes) -> str:
    with suppress(ValueError, KeyError, TypeError, RecursionError):
        return str(json.loads(body)["error"]["message"])[:300]
    return "it does not answer as this app does"


def _error(facts: dict[str, Any]) -> TTMError:
    """The error of the app that has this exit code."""
    return KINDS.get(facts["code"], TTMError)(str(facts["message"]))


# --- results on the way


def digest(bundle: Bundle) -> str:
    """Of all that a model is: its config and its adapters have the hashes of their files."""
    facts = [bundle.config, [one.identity for one in bundle.adapters]]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def packed(result: GenerationResult) -> dict[str, Any]:
    """A result as JSON, without its sound."""
    decision = result.decision
    return {
        "shape": list(result.audio.shape),
        "sample_rate": result.sample_rate,
        "request": result.request.to_dict(),
        "model": result.model,
        "seconds_taken": result.seconds_taken,
        "computed": result.computed,
        "notes": list(result.notes),
        "choice": asdict(result.choice) if result.choice else None,
        "plan": result.plan.to_dict() if result.plan else None,
        "read_as": result.read_as,
        "extent": asdict(result.extent) if result.extent else None,
        "decision": decision and {
            "plan": decision.plan.to_dict(),
            "origin": decision.origin,
            "genre": decision.genre,
            "worked_out": decision.worked_out,
            **{name: [asdict(one) for one in getattr(decision, name)] for name in DEMANDS},
        },
    }  # fmt: skip


def unpacked(facts: dict[str, Any], sounds: BinaryIO | http.client.HTTPResponse) -> GenerationResult:
    """A result from its JSON, its sound read from where it comes next. Raises ValueError, KeyError or TypeError."""
    from ..control.bars import Extent
    from ..control.reading.text import Demand
    from ..songbook.decision import Decision

    channels, samples = (int(size) for size in facts["shape"])
    size = 4 * channels * samples
    if not 0 < size <= SOUNDS:
        raise ValueError("a sound of no possible size")
    data = sounds.read(size)
    if len(data) != size:
        raise ValueError("a sound was cut off")
    decision = facts["decision"]
    if decision is not None:
        demands = {name: tuple(Demand(**one) for one in decision[name]) for name in DEMANDS}
        decision = Decision(
            _plan(decision["plan"]),
            decision["origin"],
            decision["genre"],
            **demands,
            worked_out=tuple(decision["worked_out"]),
        )
    return GenerationResult(
        np.frombuffer(data, "<f4").reshape(channels, samples).astype(np.float32),
        facts["sample_rate"],
        GenerationRequest.from_dict(facts["request"]),
        facts["model"],
        facts["seconds_taken"],
        facts["computed"],
        tuple(facts["notes"]),
        Choice(**facts["choice"]) if facts["choice"] else None,
        _plan(facts["plan"]) if facts["plan"] else None,
        facts["read_as"],
        decision,
        Extent(**facts["extent"]) if facts["extent"] else None,
    )


def _plan(facts: dict[str, Any]) -> Any:
    return Wishes.checked({"plan": facts}).sheet.plan


def new_token() -> str:
    """A token that nobody guesses."""
    return secrets.token_urlsafe(32)
