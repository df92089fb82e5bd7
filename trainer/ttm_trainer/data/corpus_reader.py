"""Reads dataset folders: the rows of `manifest.jsonl` (or of `rows/` while a build still runs) and audio segments."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import soundfile

from musicgen_app.errors import FileError


def read_rows(folder: Path) -> list[dict]:
    """All clip rows of a dataset folder, each with `folder` added. Raises FileError when there are none."""
    manifest = folder / "manifest.jsonl"
    if manifest.exists():
        rows = [json.loads(line) for line in manifest.read_text(encoding="utf-8").splitlines()]
    else:
        rows = [row for path in sorted((folder / "rows").glob("*.json")) for row in json.loads(path.read_text("utf-8"))]
    if not rows:
        raise FileError(f"{folder} holds no clips: build it with `ttm-app corpus build --out {folder}`")
    for row in rows:
        row["folder"] = str(folder)
    return rows


def is_estimated(facts: dict) -> bool:
    """Whether facts of a clip were heard in a recording (`ttm-app corpus listen`), with how likely each is."""
    return isinstance(facts.get("estimated"), dict)


def known_facts(row: dict) -> dict:
    """The facts of a row that may count as truth: of a recording only those that were there before it was heard."""
    facts = row.get("facts") or {}
    if not is_estimated(facts):
        return facts
    return {name: facts[name] for name in facts.get("own", {}).get("facts", ()) if name in facts}


def read_mono(path: Path | str, start: int, frames: int) -> np.ndarray:
    """`frames` samples of a file from sample `start`, mixed to mono, float32 (frames,); silence past the end."""
    audio, _ = soundfile.read(path, frames=frames, start=start, dtype="float32", always_2d=True, fill_value=0.0)
    return audio.mean(axis=1)


def read_stereo(path: Path | str, start: int, frames: int) -> np.ndarray:
    """`frames` samples of a file from sample `start`, float32 (2, frames); mono twice, silence past the end."""
    audio, _ = soundfile.read(path, frames=frames, start=start, dtype="float32", always_2d=True, fill_value=0.0)
    return np.ascontiguousarray(np.broadcast_to(audio.T[:2], (2, frames)))
