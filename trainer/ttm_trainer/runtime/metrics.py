"""Logs of numbers by step: FOLDER/metrics.jsonl of a run, log.jsonl of other trainings. One JSON object a line."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

from musicgen_app.errors import FileError

METRICS = "metrics.jsonl"


def rows(path: Path) -> list[dict]:
    """The rows of a log, in order; what is no row is left out, as is a last line that was cut off by a kill."""
    if not path.exists():
        return []
    parsed = (_row(line) for line in path.read_text(encoding="utf-8").splitlines())
    return [row for row in parsed if row is not None]


def last(path: Path, names: Sequence[str]) -> dict[str, float]:
    """The last value of each of `names` that a log has one of; not a value that is null or not finite."""
    found = {name: row[name] for row in rows(path) for name in names if name in row}
    return {name: value for name, value in found.items() if value is not None and math.isfinite(value)}


def series(path: Path, names: Sequence[str]) -> dict[str, dict[int, float]]:
    """The finite values by step of each of `names` that a log has numbers for. Of a step logged twice the last counts.

    A last line that is cut off (the run was killed, or writes just now) is left out. Raises FileError for a log that
    cannot be read, has another line that is no row, or has no numbers.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(f"{path} cannot be read ({error}): give the {METRICS} of a run") from error
    found: dict[str, dict[int, float]] = {}
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            for name in names:
                if row.get(name) is not None and math.isfinite(row[name]):
                    found.setdefault(name, {})[int(row["step"])] = float(row[name])
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            if number < len(lines):
                raise FileError(f"{path}: line {number} is no row of metrics; remove it") from error
    if not found:
        raise FileError(f"{path} holds no metrics yet: plot it after some steps")
    return {name: dict(sorted(values.items())) for name, values in found.items()}


def _row(line: str) -> dict | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) else None
