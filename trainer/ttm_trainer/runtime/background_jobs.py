"""Training runs in the background: options -> a program of its own, that outlives the page and the server.

Each is `python -m musicgen_app train ...` in a session of its own, with a record in `paths.jobs()`: what was asked for,
and which process does it. All else is in the run folder: `train.log` (what the program says), `outcome.json` (what it
prints at its end), and what the trainer writes there. So any later program finds its jobs again.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import musicgen_app
import ttm_trainer
from musicgen_app.errors import Cancelled, FileError, RequestError
from musicgen_app.machine import files, paths

from .run_folder import BUNDLE, LOG, METRICS, OUTCOME, PREPARED, RECORD

if TYPE_CHECKING:
    import psutil

    from .progress import Position

SCHEMA = 1
OF_A_RUN = (RECORD, PREPARED, METRICS, LOG)  # one of these is in every folder that a run was begun in
TAIL = 64 * 1024  # bytes at the end of a log that are read
BUSY = 30.0  # seconds to wait for another program
CLOCK = 2.0  # seconds by which two readings of when a process began may differ
REASONS = {"time limit": "its time was over", "stop_at": "as far as it was to go"}
RUNNING, STOPPING, FINISHED, STOPPED, FAILED, KILLED = "running", "stopping", "finished", "stopped", "failed", "killed"


@dataclass(frozen=True)
class BackgroundJob:
    """A run that was started in the background.

    arguments: those of `ttm-app train`; folder: where it was started, which relative paths in them start from; process:
    its number and when the system says it began (seconds), None before that is known; log_from: bytes of the log that
    are of an earlier start; asked_to_stop: since its last start.
    """

    id: str
    out: Path
    arguments: tuple[str, ...]
    folder: str
    started: str
    process: tuple[int, float] | None = None
    log_from: int = 0
    asked_to_stop: bool = False

    @property
    def name(self) -> str:
        return self.out.name


@dataclass(frozen=True)
class Preview:
    """A clip that the model of a step made of a fixed prompt."""

    step: int
    title: str
    path: Path


@dataclass(frozen=True)
class Status:
    """How a job is doing.

    state: "running", "stopping" (after the step in flight), "finished", "stopped" (to be gone on with), "failed", or
    "killed" (it ended without a word); message: what that means, on one line. position: None before the first step.
    rows: those of metrics.jsonl; log: the last lines. bundle: the model, once there is one.
    """

    state: str
    message: str
    position: Position | None
    rows: list[dict]
    log: list[str]
    previews: list[Preview]
    bundle: Path | None

    @property
    def running(self) -> bool:
        return self.state in (RUNNING, STOPPING)


class Jobs:
    """The jobs whose records are in `folder` (default: the user's), each found by its id."""

    def __init__(self, folder: Path | None = None):
        self.folder = Path(folder or paths.jobs())

    def scan(self) -> tuple[list[BackgroundJob], dict[Path, FileError]]:
        """Every job, newest first, and the records that cannot be read with what is wrong with them."""
        jobs, faults = [], {}
        for path in sorted(self.folder.glob("[!.]*.json")):
            try:
                jobs.append(_read(path))
            except FileError as error:
                faults[path] = error
        return sorted(jobs, key=lambda job: job.started, reverse=True), faults

    def list(self) -> list[BackgroundJob]:
        """Every job, newest first."""
        return self.scan()[0]

    def get(self, id: str) -> BackgroundJob:
        """The job of this id. Raises FileError."""
        if not re.fullmatch("[0-9a-f]{12}", id):
            raise FileError(f"{id!r} is no job")
        return _read(self._record(id))

    def start(self, options: Mapping[str, Any]) -> BackgroundJob:
        """Start `ttm-app train` with options by their names, "data" (folders) and "out" among them.

        None and "" leave an option out, True is a flag, a list gives an option several times. A folder that holds a run
        goes on with it. Raises RequestError (a folder that cannot be, or is at work already) and FileError.
        """
        data = [paths.expanded(folder).absolute() for folder in options["data"]]
        out = check_folders(data, Path(str(options["out"])))
        arguments = to_arguments({**options, "data": data, "out": out})
        job = BackgroundJob(_id_of(out), out, arguments, os.getcwd(), _now())
        return self._start(job)

    def resume(self, id: str) -> BackgroundJob:
        """Run the same command again: it goes on from the last checkpoint. Raises as `start`."""
        return self._start(replace(self.get(id), started=_now(), asked_to_stop=False))

    def stop(self, id: str, at_once: bool = False) -> BackgroundJob:
        """Ask a job to end after the step in flight, with a checkpoint; `at_once` ends it now: the last one counts.

        Raises RequestError where it does not run.
        """
        import psutil

        job = self.get(id)
        process = process_of(job)
        if process is None:
            raise RequestError(f"{job.name} does not run")
        job = replace(job, asked_to_stop=True)
        self._write(job)  # first, so that an end without a word is known to be this one
        with suppress(psutil.NoSuchProcess):  # it has ended meanwhile
            process.kill() if at_once else process.terminate()
        return job

    def forget(self, id: str) -> None:
        """Take a job from the list; its run folder stays as it is. Raises RequestError while it runs."""
        job = self.get(id)
        if process_of(job):
            raise RequestError(f"{job.name} is running: stop it first")
        self._record(id).unlink(missing_ok=True)

    def state(self, job: BackgroundJob) -> tuple[str, str]:
        """The state of a job and what it means; see `Status`."""
        if process_of(job):
            return (STOPPING, "stops after the step in flight") if job.asked_to_stop else (RUNNING, "")
        outcome = _outcome(job.out / OUTCOME)
        error = outcome.get("error")
        if isinstance(error, dict) and error.get("code") != Cancelled.exit_code:
            return FAILED, str(error.get("message"))
        if outcome.get("finished") is True:
            return FINISHED, f"all {outcome.get('step')} steps are done"
        if outcome or job.asked_to_stop:
            step = f"after step {outcome['step']}, " if "step" in outcome else ""
            return (
                STOPPED,
                f"{step}{REASONS.get(str(outcome.get('stopped')), 'as asked')}; it goes on when you resume it",
            )
        return KILLED, "it ended without a word (killed, or out of memory): the log may tell; it goes on when resumed"

    def status(self, job: BackgroundJob, lines: int = 200) -> Status:
        """How a job is doing, with the last `lines` of its log."""
        from .progress import position, rows

        state, message = self.state(job)
        log = _tail(job.out / LOG, job.log_from)
        bundle = job.out / BUNDLE
        at, end = next(filter(None, map(position, reversed(log))), None), _outcome(job.out / OUTCOME).get("step")
        if at and type(end) is int:
            at = replace(at, step=end)
        return Status(
            state,
            message or _doing(log),
            at,
            [row for row in rows(job.out / METRICS) if isinstance(row, dict) and isinstance(row.get("step"), int)],
            log[-lines:],
            previews(job.out),
            bundle if (bundle / "config.json").is_file() else None,
        )

    def _start(self, job: BackgroundJob) -> BackgroundJob:
        with self._held():
            record = self._record(job.id)
            if record.exists() and process_of(_read(record)):
                raise RequestError(f"{job.out} is at work already: stop it, or give another folder")
            try:
                job.out.mkdir(parents=True, exist_ok=True)
                with open(job.out / LOG, "ab") as log, open(job.out / OUTCOME, "wb") as outcome:
                    job = replace(job, process=None, log_from=log.tell())
                    self._write(job)  # first, so that no program runs that nobody knows of
                    process = _spawn(job, outcome, log)
            except OSError as error:
                raise FileError(f"cannot train in {job.out}: {error.strerror or error}; give another folder") from error
            job = replace(job, process=(process.pid, _began(process.pid)))
            self._write(job)
            return job

    @contextmanager
    def _held(self) -> Iterator[None]:
        """Nobody else starts a job meanwhile."""
        with files.reported(f"write in {self.folder}"):
            self.folder.mkdir(parents=True, exist_ok=True)
        busy = f"another program is starting a training of {self.folder}: try again"
        with files.locked(self.folder / ".lock", busy, BUSY):
            yield

    def _record(self, id: str) -> Path:
        return self.folder / f"{id}.json"

    def _write(self, job: BackgroundJob) -> None:
        value = {"schema": SCHEMA, **asdict(job), "out": str(job.out)}
        files.write(self._record(job.id), json.dumps(value, indent=1).encode(), overwrite=True)


def to_arguments(options: Mapping[str, object]) -> tuple[str, ...]:
    """Options by their names -> arguments, each a single item: {"max_hours": 2} -> ("--max-hours=2",)."""
    arguments = []
    for name, value in options.items():
        flag = f"--{name.replace('_', '-')}"
        for item in value if isinstance(value, (list, tuple)) else [value]:
            if item is True:
                arguments.append(flag)
            elif not (item is None or item is False or item == ""):  # 0 is a value
                arguments.append(f"{flag}={item}")
    if any("\0" in argument for argument in arguments):
        raise RequestError("a null character cannot be part of a setting: remove it")
    return tuple(arguments)


def check_folders(data: Sequence[Path], out: Path) -> Path:
    """The run folder, absolute, where it and the data can be what they are to be; else RequestError or FileError."""
    try:
        if not data:
            raise RequestError("give the folder with the music")
        for folder in data:
            if not folder.is_dir():
                raise FileError(f"{folder} is no folder: give the folder with the music")
        out = paths.expanded(out)
        if not out.is_absolute():
            raise RequestError(f"{out} does not say where it is: give the run folder with its whole path")
        out = out.resolve()
        if any(out.is_relative_to(folder.resolve()) for folder in data):
            raise RequestError(f"{out} lies in the folder with the music: give the run a folder elsewhere")
        if out.exists() and not out.is_dir():
            raise FileError(f"{out} is a file: give the run a folder")
        if out.is_dir() and any(out.iterdir()) and not any((out / name).exists() for name in OF_A_RUN):
            raise RequestError(f"{out} holds something else: give the run a new folder, or that of a run to go on with")
    except (OSError, ValueError, RuntimeError) as error:  # no permission, a null character, an unknown ~user
        raise FileError(f"{out} cannot be used: {getattr(error, 'strerror', None) or error}") from error
    return out


def process_of(job: BackgroundJob) -> psutil.Process | None:
    """The process that does a job now: of its number, and begun when it began; None where there is none."""
    import psutil

    if job.process is None:
        return None
    number, began = job.process
    try:
        process = psutil.Process(number)
        same = abs(process.create_time() - began) < CLOCK
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except (psutil.Error, OverflowError, ValueError):
        return None


def previews(run: Path) -> list[Preview]:
    """What can be heard of a run, newest step first."""
    found = []
    for path in run.glob("previews/step-*/*.wav"):
        step = re.fullmatch(r"step-(\d{7,})", path.parent.name)
        if step and not path.name.startswith("."):
            found.append(Preview(int(step[1]), re.sub(r"^\d+-", "", path.stem).replace("-", " "), path))
    return sorted(found, key=lambda preview: (-preview.step, preview.path.name))


def _spawn(job: BackgroundJob, outcome, log) -> subprocess.Popen:
    """The program of a job, in a session of its own: nothing that ends this one ends it."""
    packages = [Path(package.__path__[0]).resolve().parent for package in (musicgen_app, ttm_trainer)]
    path = filter(None, [*map(str, packages), os.environ.get("PYTHONPATH")])
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path)}
    flags = ("CREATE_NEW_PROCESS_GROUP", "DETACHED_PROCESS")  # the like on Windows
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "musicgen_app", "train", *job.arguments, "--json"],
        stdin=subprocess.DEVNULL,
        stdout=outcome,
        stderr=log,
        cwd=job.folder if os.path.isdir(job.folder) else None,
        env=environment,
        start_new_session=True,
        creationflags=sum(getattr(subprocess, flag, 0) for flag in flags),
    )
    threading.Thread(target=process.wait, daemon=True).start()  # else its number stays taken after its end
    return process


def _began(number: int) -> float:
    """When a process that was just started began; now, where it has ended meanwhile."""
    import psutil

    try:
        return psutil.Process(number).create_time()
    except psutil.Error:
        return time.time()


def _read(path: Path) -> BackgroundJob:
    """The job of a record. Raises FileError: missing, or no record."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        if value["schema"] != SCHEMA:
            raise ValueError(f"schema {value['schema']!r}")
        out, process = value["out"], value["process"]
        texts = [value["id"], out, value["folder"], value["started"], *value["arguments"]]
        numbers = [value["log_from"], *(process or (0, 0))]
        if not all(isinstance(text, str) and "\0" not in text for text in texts) or value["id"] != path.stem:
            raise ValueError("not what a job is made of")
        if not all(type(number) in (int, float) for number in numbers) or len(numbers) != 3:
            raise ValueError("not the numbers of a job")
        return BackgroundJob(
            id=value["id"],
            out=Path(out),
            arguments=tuple(value["arguments"]),
            folder=value["folder"],
            started=value["started"],
            process=(int(process[0]), float(process[1])) if process else None,
            log_from=int(value["log_from"]),
            asked_to_stop=value["asked_to_stop"] is True,
        )
    except OSError as error:
        raise FileError(f"cannot read the job {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError) as error:
        raise FileError(f"{path} is no record of a job ({error}): remove it") from error


def _outcome(path: Path) -> dict:
    """What a job printed at its end; {} where it printed nothing (that is JSON)."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _tail(path: Path, start: int) -> list[str]:
    """The last lines of a log, from byte `start` on at the earliest."""
    try:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            begin = max(start, size - TAIL, 0)
            file.seek(begin)
            lines = file.read(TAIL).decode(errors="replace").splitlines()
    except OSError:
        return []
    lines = ["".join(c if c.isprintable() else "?" for c in line.expandtabs()) for line in lines]
    return lines[1:] if begin > start else lines


def _doing(log: Sequence[str]) -> str:
    """What a running job is at."""
    return log[-1] if log else "starting"


def _id_of(out: Path) -> str:
    """A run folder has one job."""
    return hashlib.sha256(str(out).encode(errors="surrogateescape")).hexdigest()[:12]


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
