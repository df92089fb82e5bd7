"""Progress of long work: a line on the terminal, and the same numbers as JSON lines and for TensorBoard."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from musicgen_app.errors import FileError
from musicgen_app.machine import files

SPEED = "speed.jsonl"  # how fast a run went and what it held, which no two runs have in common
NOT_FINITE = "not_finite"  # steps whose loss or gradient was no number
PATIENCE = 30.0  # seconds after which a line is shown even when its numbers are not due


class Log:
    """Collects the scalars of each step; every `every` steps writes their means to `path` and to `show`.

    The means are over the values that are finite, with the number of the other steps under "not_finite", and depend
    on the steps alone: what was collected since the last row (`window`) goes into checkpoints, so that a run that goes
    on writes the rows of a straight one. The last step has a row, too. How fast it went is in SPEED beside `path`.

    Rows in `path` of steps after `start` are dropped first: they are from a run that was killed, and come again. With
    `board`, the folder of a TensorBoard log, the scalars also go there when the package `tensorboard` is installed.
    Without a path nothing is kept.
    """

    def __init__(
        self,
        path: Path | None,
        start: int,
        total: int,
        show: Callable[[str], None] = print,
        every: int = 50,
        board: Path | None = None,
        window: dict | None = None,
    ):
        self.path, self.start, self.total, self.show, self.every = path, start, total, show, every
        self.window: dict[str, list] = {name: list(pair) for name, pair in (window or {}).items()}  # sum, count
        self.samples = 0
        self.clock = self.shown = time.monotonic()
        self.last = start
        if path:
            for file in (path, path.with_name(SPEED)):
                _drop_rows(file, start, early=bool(window) and start < total)
        self.board = _board(board, start) if path and board else None

    def step(self, step: int, samples: int = 0, **scalars: float) -> None:
        """Record step number `step` (counted from 1), of `samples` samples."""
        finite = {name: float(value) for name, value in scalars.items() if math.isfinite(value)}
        for name, value in (finite if len(finite) == len(scalars) else finite | {NOT_FINITE: 1.0}).items():
            total, count = self.window.get(name, (0.0, 0))
            self.window[name] = [total + value, count + 1]
        self.samples += samples
        now = time.monotonic()
        full = step % self.every == 0
        due = full or step == self.total
        if not due and now - self.shown < PATIENCE:
            return
        self.shown = now
        means = {name: round(total / count, 5) for name, (total, count) in self.window.items()}
        if NOT_FINITE in means:
            means[NOT_FINITE] = self.window[NOT_FINITE][1]
        elapsed = max(now - self.clock, 1e-9)
        rate = (step - self.last) / elapsed
        speed = {"samples_per_second": round(self.samples / elapsed, 3)} if self.samples else {}
        self.show(self._line(step, means, rate, speed.get("samples_per_second")))
        if due:
            self.write({"step": step, **means})
            self.write({"step": step, "steps_per_second": round(rate, 3), **speed, "memory": memory()}, SPEED)
            self.samples = 0
            self.clock, self.last = now, step
        if full:  # the row of a last step is of a window that goes on, should the run go on
            self.window = {}

    @contextmanager
    def paused(self) -> Iterator[None]:
        """The time spent within it is not counted as time of steps."""
        began = time.monotonic()
        yield
        self.clock += time.monotonic() - began

    def write(self, row: dict, name: str | None = None) -> None:
        """Append one row, which has a "step", to the log, or to the file `name` beside it.

        Raises FileError when that fails (the disk is full, say).
        """
        if not self.path:
            return
        path = self.path.with_name(name) if name else self.path
        row = {key: value for key, value in row.items() if not isinstance(value, float) or math.isfinite(value)}
        try:
            with open(path, "a", encoding="utf-8") as file:
                file.write(json.dumps(row, allow_nan=False) + "\n")
        except OSError as error:
            raise FileError(f"cannot write {path}: {error.strerror}; free some space and run again") from error
        if self.board:
            for key, value in row.items():
                if key != "step" and isinstance(value, (int, float)):
                    self.board.add_scalar(key, value, row["step"])

    def close(self) -> None:
        if self.board:
            self.board.close()

    def _line(self, step: int, means: dict[str, float], rate: float, samples: float | None) -> str:
        parts = [f"step {step}/{self.total}", *(f"{name} {value:.4g}" for name, value in means.items())]
        parts.append(f"{samples:.1f} samples/s" if samples is not None else f"{rate:.2f} steps/s")
        parts.append(f"{duration((self.total - step) / rate)} left")
        used = memory()
        return "  ".join(parts + ([f"{used / 2**30:.1f} GiB"] if used else []))


@dataclass(frozen=True)
class Position:
    """How far a run is, from a line of its log: `speed` and `left` in words, "22.1 samples/s" and "12 min"."""

    step: int
    total: int
    speed: str
    left: str


def position(line: str) -> Position | None:
    """A line that `Log` showed of a step, read back; None for any other line."""
    found = re.fullmatch(r"step (\d+)/(\d+)\s.*?([\d.]+ (?:samples|steps)/s)\s+(.*) left(\s+[\d.]+ GiB)?", line)
    return Position(int(found[1]), int(found[2]), found[3], found[4]) if found else None


def duration(seconds: float) -> str:
    """A time in words: 40 s, 12 min, 3.5 h, 2.1 days."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.1f} days"


def memory() -> int | None:
    """The most memory (bytes) held so far: of the GPU where there is one, else of the process."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    from musicgen_app.bench.measure import peak_memory

    return peak_memory()


def rows(path: Path) -> list[dict]:
    """The rows of a log; a last line that was cut short by a kill is left out."""
    if not path.exists():
        return []
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def _drop_rows(path: Path, after: int, early: bool) -> None:
    """Drop the rows of later steps, and `early` means that a run which ended at `after` wrote before they were due."""
    if not path.exists():
        return

    def kept(row: dict) -> bool:
        step = row.get("step", 0)
        return step < after or (step == after and not (early and ("loss" in row or path.name == SPEED)))

    text = "".join(json.dumps(row) + "\n" for row in rows(path) if kept(row))
    files.write(path, text.encode(), overwrite=True)


def _board(folder: Path, start: int):
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder), purge_step=start + 1)
