"""The one runner of all stages of preparation: work(part) -> rows -> a folder of files that is whole or not there.

FOLDER/NAME/settings.json, then FOLDER/NAME/00000/, 00001/ ...: one folder a part, one .npy an array, one .jsonl a list.
A part gets its name when all of it is on the disk, so a run that is killed at any moment leaves whole parts only, and
the next run makes the others. Several runners may share a folder: each part is renamed
once, whoever comes second drops its own.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol

import numpy as np

from musicgen_app.errors import FileError, TTMError, Unfinished
from musicgen_app.machine import files

from .flat_names import flatten
from .progress import duration

Rows = dict[str, Any]  # by name, an array or a list of JSON rows
SETTINGS = "settings.json"
ADVICE = "free some space, or choose another folder, and run again (the parts that are there are whole and stay)"
LINES = 10  # bad items of one part that are shown; all of them are in its bad.jsonl
EVERY = 5.0  # seconds between two lines of progress


class StageWorker(Protocol):
    """The work of one stage, small enough to be sent to another process; what is heavy is loaded at the first call."""

    @property
    def name(self) -> str: ...

    @property
    def settings(self) -> dict: ...

    def __call__(self, part: int) -> Rows: ...


def run_stage(
    folder: Path,
    name: str,
    settings: dict,
    parts: int,
    work: Callable[[int], Rows] | StageWorker,
    *,
    shard: tuple[int, int] = (0, 1),
    workers: int = 1,
    until: float | None = None,
    show: Callable[[str], None] = print,
) -> Path:
    """Run work(part) for the parts of this shard (part % n == i) that are not there yet; returns `folder / name`.

    work gives the rows of a part; its list "bad" ({"id", "path", "reason"}) names the items it left out, which are
    shown and counted. With several workers, work runs in spawned processes of one compute thread each and must be
    picklable; they end with this process, however it ends. until: the time (of time.monotonic) at which to stop.

    Raises Unfinished at that time, FileError when the folder was made with other settings (each difference named), when
    the disk is full, or when a shard is not i of n; and what work raises, which stops the stage.
    """
    i, n = shard
    if not 0 <= i < n:
        raise FileError(f"there is no shard {i} of {n}: count from 0/{n} to {n - 1}/{n}")
    stage = folder / name
    check_settings(stage, settings)
    files.sweep(stage)
    todo = [part for part in missing_parts(folder, name, parts) if part % n == i]
    progress = StageProgress(name, len(todo), show)
    task = partial(_run_part, stage, work)
    if workers <= 1 or len(todo) <= 1:
        for part in todo:
            heed(until, f"{name} had {progress.done} of {len(todo)} parts")
            progress.part(part, task(part))
    else:
        with _pool(task, min(workers, len(todo))) as submit:
            futures = {submit(part): part for part in todo}
            for future in as_completed(futures):
                progress.part(futures[future], future.result())
                if progress.done < len(todo):
                    heed(until, f"{name} had {progress.done} of {len(todo)} parts")
    return stage


def heed(until: float | None, where: str) -> None:
    """Raise Unfinished when the time (of time.monotonic) has come; `where` says how far the work is."""
    if until is not None and time.monotonic() >= until:
        raise Unfinished(f"time limit: {where}; run the same command to go on")


def load_part(folder: Path, name: str, part: int) -> Rows:
    """The rows of a part, arrays memory-mapped. Raises FileError where it is missing or unreadable."""
    source = part_folder(folder, name, part)
    try:
        found = sorted(source.iterdir())
        arrays = {file.stem: np.load(file, mmap_mode="r") for file in found if file.suffix == ".npy"}
        lists = {
            file.stem: [json.loads(line) for line in file.read_bytes().splitlines()]
            for file in found
            if file.suffix == ".jsonl"
        }
    except (OSError, ValueError) as error:
        raise FileError(f"{source} cannot be read ({files.reason(error)}): prepare the data again") from error
    return arrays | lists


def part_folder(folder: Path, name: str, part: int) -> Path:
    """Where the rows of a part are."""
    return folder / name / f"{part:05d}"


def missing_parts(folder: Path, name: str, parts: int) -> list[int]:
    """The numbers below `parts` whose rows are not there yet."""
    stage = folder / name
    there = set(os.listdir(stage)) if stage.is_dir() else set()
    return [part for part in range(parts) if f"{part:05d}" not in there]


def stage_settings(folder: Path, name: str) -> dict:
    """The settings a stage was made with. Raises FileError where there are none."""
    path = folder / name / SETTINGS
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise FileError(f"{path} cannot be read ({files.reason(error)}): prepare the data first") from error


def digest(settings: dict) -> str:
    """A short name (16 hexadecimal digits) of settings: stages keep that of the stages they are made from."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


def check_settings(stage: Path, settings: dict) -> None:
    """Write settings.json of a new stage, or FileError naming what differs from the one that is there."""
    wanted = json.loads(json.dumps(settings))  # tuples become lists, as they will be read
    path = stage / SETTINGS
    with writing(stage):
        stage.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        try:
            files.write(path, json.dumps(wanted, indent=1).encode())
            return
        except FileError:
            if not path.exists():  # else another runner was first
                raise
    found = flatten(stage_settings(stage.parent, stage.name))
    wanted = flatten(wanted)
    changes = [
        f"{key} was {_value(found, key)}, now {_value(wanted, key)}"
        for key in sorted(found | wanted)
        if found.get(key) != wanted.get(key)
    ]
    if changes:
        raise FileError(
            f"{stage} was made with other settings ({'; '.join(changes)}): use the same ones or another folder"
        )


def write_part(target: Path, rows: Rows) -> bool:
    """Write rows as the folder `target`, whole or not at all; False where it was there already. Raises FileError."""
    try:
        with files.writing_folder(target, advice=ADVICE) as new:
            for name, values in rows.items():
                _write(new, name, values)
    except FileError:
        if target.is_dir():  # another runner was first
            return False
        raise
    return True


def writing(folder: Path) -> AbstractContextManager[None]:
    """What the disk refuses within it becomes a FileError of one line."""
    return files.reported(f"write in {folder}", ADVICE)


def show_rows(before: str, rows: list[dict], file: str, show: Callable[[str], None]) -> None:
    """Show the first of {"id", "path", "reason"}, and in which file all of them are."""
    for row in rows[:LINES]:
        path, reason = row["path"] or row["id"], row["reason"]
        show(f"{before} {reason if path in reason else f'{path}: {reason}'}")
    if len(rows) > LINES:
        show(f"{before} {len(rows) - LINES} more, see {file}")


class StageProgress:
    """Lines such as "latents: 12/218 parts, 3.1/min, 66 min left, 2 bad", at most one every few seconds."""

    def __init__(self, name: str, total: int, show: Callable[[str], None]):
        self.name, self.total, self.show = name, total, show
        self.done, self.bad = 0, 0
        self.began = self.shown = time.monotonic()

    def part(self, part: int, bad: list[dict]) -> None:
        """A part is done; `bad` are the items it left out."""
        show_rows(f"{self.name}: left out", bad, f"{self.name}/{part:05d}/bad.jsonl", self.show)
        self.done += 1
        self.bad += len(bad)
        now = time.monotonic()
        if now - self.shown >= EVERY or self.done == self.total:
            self.shown = now
            elapsed = max(now - self.began, 1e-6)
            left = duration(elapsed / self.done * (self.total - self.done))
            line = f"{self.name}: {self.done}/{self.total} parts, {60 * self.done / elapsed:.1f}/min, {left} left"
            self.show(line + (f", {self.bad} bad" if self.bad else ""))


def _run_part(stage: Path, work: Callable[[int], Rows], part: int) -> list[dict]:
    """Make one part, unless another runner did in the meantime -> its bad items."""
    target = stage / f"{part:05d}"
    if target.is_dir():
        return []
    rows = work(part)
    return rows.get("bad", []) if write_part(target, rows) else []


@contextmanager
def _pool(task: Callable[[int], list[dict]], workers: int) -> Iterator[Callable[[int], Future]]:
    """Spawned workers, as a function part -> future of task(part). On an error or Ctrl-C they end at once."""
    lifeline, held = get_context("spawn").Pipe(duplex=False)  # workers watch one end; the other closes when we end
    executor = ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=_start_worker, initargs=(task, lifeline)
    )
    threads = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"  # inherited by the workers, before they import numpy or torch
    try:
        yield lambda part: executor.submit(_run_in_worker, part)
    except BrokenProcessPool as error:
        raise TTMError(
            "a worker process was killed, for want of memory perhaps: run again, with fewer --workers"
        ) from error
    finally:
        held.close()
        executor.shutdown(cancel_futures=True)
        os.environ.pop("OMP_NUM_THREADS") if threads is None else os.environ.update(OMP_NUM_THREADS=threads)


_task: Callable[[int], list[dict]] | None = None  # of this worker process


def _start_worker(task: Callable[[int], list[dict]], lifeline: Connection) -> None:
    """Prepare a worker process: it keeps the task and dies with the process that started it."""
    global _task
    _task = task
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the starter, which closes the lifeline

    def watch() -> None:
        with suppress(EOFError, OSError):
            lifeline.recv_bytes()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _run_in_worker(part: int) -> list[dict]:
    assert _task is not None  # `_start_worker` has set it
    return _task(part)


def _write(folder: Path, name: str, values: np.ndarray | list[dict]) -> None:
    """An array as NAME.npy or a list as NAME.jsonl."""
    suffix = ".npy" if isinstance(values, np.ndarray) else ".jsonl"
    with open(folder / (name + suffix), "xb") as file:
        if isinstance(values, np.ndarray):
            # Through a plain write method: numpy's own way to a file loses the reason why a write failed.
            np.save(SimpleNamespace(write=file.write), values, allow_pickle=False)
        else:
            file.writelines(_line(row) for row in values)


def _line(row: dict) -> bytes:
    """A row as JSON; names of files that are no text of the system's encoding are kept as they are."""
    return json.dumps(row, ensure_ascii=False, allow_nan=False).encode("utf-8", "surrogatepass") + b"\n"


def _value(settings: dict, key: str) -> str:
    return json.dumps(settings[key], ensure_ascii=False) if key in settings else "not there"
