"""The journal of a rewriting: append-only lines beside the file to come, so that a run killed at any moment goes on.

OUT.journal.jsonl: its first line holds the settings, each further line one caption with what became of it.
OUT.refused.jsonl: the captions no reply was good for, with the last reply as it came and why it was refused.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from musicgen_app.errors import FileError
from musicgen_app.machine import files


def journal_of(out: Path) -> Path:
    """Where the journal of a caption file is."""
    return out.with_name(f"{out.stem}.journal.jsonl")


def refused_of(out: Path) -> Path:
    """Where its refused replies are."""
    return out.with_name(f"{out.stem}.refused.jsonl")


def read_rows(path: Path) -> tuple[dict | None, list[dict], int]:
    """The settings, the rows and the length in bytes of the whole lines of a journal; None: it has no first line yet.

    What follows the last whole line, as a kill or a full disk leaves it, does not count. Raises FileError.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None, [], 0
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror}") from error
    settings, rows, length = None, [], 0
    for line in data.splitlines(keepends=True):
        try:
            row = json.loads(line) if line.endswith(b"\n") else None
        except ValueError:
            row = None
        if not isinstance(row, dict):
            break
        if settings is None:
            if not isinstance(row.get("settings"), dict):
                break
            settings = row["settings"]
        else:
            rows.append(row)
        length += len(line)
    if settings is None and b"\n" in data:
        raise FileError(f"{path} is no journal of captions: move it away, or write to another file")
    return settings, rows, length


class Journal:
    """Open with `opened`; `done` maps the number of each finished caption to its row."""

    def __init__(self, out: Path, done: dict[int, dict]):
        self.out, self.done = out, done

    def add(self, rows: list[dict], refused: list[dict]) -> None:
        """Keep the rows of a batch on the disk before going on. Raises FileError, also where the disk is full."""
        if refused:
            _append(refused_of(self.out), refused)
        _append(journal_of(self.out), rows)
        self.done |= {row["item"]: row for row in rows}


@contextmanager
def opened(out: Path, settings: dict) -> Iterator[Journal]:
    """The journal of `out` for one writer at a time, begun or gone on with.

    Raises FileError when it was made with other settings (each difference named), when another program writes it, or
    when `out` is there without a journal.
    """
    path = journal_of(out)
    with files.reported(f"write into {out.parent}", "give another -o"):
        out.parent.mkdir(parents=True, exist_ok=True)
    busy = f"another program is writing {out}: wait for its end, or give another -o"
    with files.locked(out.with_name(f".{out.name}.lock"), busy):
        found, rows, length = read_rows(path)
        if found is None:
            if out.exists():
                raise FileError(f"{out} exists already, and has no journal beside it: give another -o")
            path.unlink(missing_ok=True)
            _append(path, [{"settings": settings}])
        else:
            _same(path, found, json.loads(json.dumps(settings)))
            os.truncate(path, length)
        yield Journal(out, {row["item"]: row for row in rows if isinstance(row.get("item"), int)})


def _same(path: Path, was: dict, now: dict) -> None:
    changes = [
        f"{key} was {was.get(key)!r}, now {now.get(key)!r}" for key in sorted(was | now) if was.get(key) != now.get(key)
    ]
    if changes:
        raise FileError(f"{path} was made with other settings ({'; '.join(changes)}): use the same ones, or another -o")


def _append(path: Path, rows: list[dict]) -> None:
    data = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    try:
        with open(path, "ab") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise FileError(f"cannot write {path}: {error.strerror}; make room, then run the same command again") from error
