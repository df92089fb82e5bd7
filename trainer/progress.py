"""One line of progress for long work: step, loss, rate and time left, on the terminal and as JSON lines in a file."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path


class Log:
    """Collects the scalars of each step; every `every` steps writes their means to `path` and to `show`."""

    def __init__(self, path: Path, start: int, total: int, show: Callable[[str], None] = print, every: int = 50):
        self.path, self.start, self.total, self.show, self.every = path, start, total, show, every
        self.began = time.monotonic()
        self.sums: dict[str, float] = {}
        self.count = 0

    def step(self, step: int, **scalars: float) -> None:
        """Record step number `step` (counted from 1)."""
        for name, value in scalars.items():
            self.sums[name] = self.sums.get(name, 0.0) + float(value)
        self.count += 1
        if step % self.every == 0 or step == self.total:
            means = {name: round(value / self.count, 5) for name, value in self.sums.items()}
            rate = (step - self.start) / (time.monotonic() - self.began)
            self.write({"step": step, **means, "steps_per_second": round(rate, 3)})
            left = (self.total - step) / rate
            text = "  ".join(f"{name} {value:.4g}" for name, value in means.items())
            self.show(f"step {step}/{self.total}  {text}  {rate:.2f} steps/s  {left / 60:.0f} min left")
            self.sums, self.count = {}, 0

    def write(self, row: dict) -> None:
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
