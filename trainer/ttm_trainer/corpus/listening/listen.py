"""Listens to a corpus of recordings: every row gets estimated facts, a plan, and captions made of them.

A file is done when its rows name the listener, a digest of the code's version and the calibration; a build that was
stopped goes on with the others, and another listener begins anew. A row keeps the captions and facts of its own.
"""

from __future__ import annotations

import hashlib
import json
import random
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import soundfile

from musicgen_app.errors import FileError

from ...data.corpus_reader import read_stereo
from ..build import digest, finish, results, write_rows
from . import calibration as calibrations
from .captions import recorded_captions
from .evidence import Sound, hear
from .facts import clip_facts
from .plans import Estimate, estimate

VERSION = 1  # of what is heard and told; another one listens to everything again
SPAN = 30.0  # seconds that are heard at once: three clips
OWN = "own"  # a fact: which captions and facts a row had before


def listen(
    folder: Path,
    calibration: Path = calibrations.BUILT_IN,
    workers: int = 1,
    progress: Callable[[dict], None] | None = None,
) -> dict:
    """Write estimated facts, plans and captions into the rows of a corpus of recordings, then `finish`.

    `progress` gets {"done", "total", "rate" (seconds of sound a second), "left" (seconds), "failed"} after each file.
    Returns {"files", "heard", "failed": [message], "rate", "told": Counter of clips by field, "clips", "hours"}.
    Raises FileError: no corpus, one whose facts are known, or a calibration that cannot be read.
    """
    folder = Path(folder)
    _check(folder)
    calibrations.load(calibration)
    listener = _listener(calibration)
    paths = sorted((folder / "rows").glob("*.json"))
    todo = [path for path in paths if not _done(path, listener)]
    task = partial(_listen_to, folder, calibration, listener)
    begun, heard, failed, rate = time.monotonic(), 0.0, [], 0.0
    for count, result in enumerate(results(task, todo, workers), 1):
        heard += result["seconds"]
        failed += [result["error"]] if result["error"] else []
        elapsed = time.monotonic() - begun
        rate = heard / elapsed
        if progress:
            left, number = elapsed / count * (len(todo) - count), len(paths) - len(todo) + count
            progress({"done": number, "total": len(paths), "rate": rate, "left": left, "failed": failed})
    told: Counter = Counter()
    for path in paths:
        for row in json.loads(path.read_text("utf-8")):
            told.update(_told(row.get("facts") or {}))
    made = finish(folder)
    return {"files": len(paths), "heard": len(todo) - len(failed), "failed": failed, "rate": rate, "told": told, **made}


def _told(facts: dict) -> list[str]:
    """The fields that a clip's facts and plan tell."""
    plan, names = facts.get("plan", {}), ("tempo", "metre", "key", "chords", "drums")
    found = [name for name in names if name in facts] + ["plan with beats"] * ("tempo" in plan)
    return found + ["plan with bars"] * (plan.get("counted") == "bar")


def _check(folder: Path) -> None:
    """FileError where a folder holds no corpus of recordings."""
    try:
        kind = json.loads((folder / "meta.json").read_text("utf-8")).get("set")
    except (OSError, ValueError, AttributeError) as error:
        raise FileError(f"{folder} is no corpus: make one with `ttm-app corpus recorded --out {folder}`") from error
    if kind != "recorded":
        raise FileError(f"{folder} is a {kind} corpus, whose facts are known: only recordings are listened to")


def _listener(calibration: Path) -> str:
    """What made the estimates: 12 hex digits of the version and the calibration."""
    return hashlib.sha256(f"{VERSION}".encode() + calibration.read_bytes()).hexdigest()[:12]


def _done(path: Path, listener: str) -> bool:
    rows = json.loads(path.read_text("utf-8"))
    return all((row.get("facts") or {}).get("listener") == listener for row in rows)


def _listen_to(folder: Path, calibration: Path, listener: str, path: Path) -> dict:
    """Listen to the file of some rows and write them anew -> {"seconds", "error"}; one that fails keeps its rows."""
    try:
        rows = json.loads(path.read_text("utf-8"))
        seconds = 0.0
        for begin, span in _spans(rows):
            audio, rate = _read(folder / span[0]["path"], begin, span[-1]["start"] + span[-1]["seconds"])
            sound = hear(audio, rate)
            heard = estimate(sound, calibrations.load(calibration))
            seconds += sum(row["seconds"] for row in span)
            for row in span:
                _write_facts(row, sound, heard, begin, listener)
        write_rows(folder, path.stem, rows)
    except FileError:
        raise
    except Exception as error:  # a bad file must not stop the rest; it is reported
        return {"seconds": 0.0, "error": f"{path.stem}: {type(error).__name__}: {error}"}
    return {"seconds": seconds, "error": None}


def _spans(rows: list[dict]) -> list[tuple[float, list[dict]]]:
    """The rows of one file in groups that are heard at once, each with the second where that begins.

    A group is of neighbours within SPAN seconds. What is left at the end of a run is heard with what is before it.
    """
    rows = sorted(rows, key=lambda row: (row["path"], row["start"]))
    breaks = [
        number
        for number, (a, b) in enumerate(pairwise(rows), 1)
        if a["path"] != b["path"] or abs(a["start"] + a["seconds"] - b["start"]) > 1e-3
    ]
    found: list[tuple[float, list[dict]]] = []
    for first, end in pairwise([0, *breaks, len(rows)]):
        group: list[dict] = []
        for row in rows[first:end]:
            if group and row["start"] + row["seconds"] - group[0]["start"] > SPAN + 1e-3:
                found.append((group[0]["start"], group))
                group = []
            group.append(row)
        if group:
            last = group[-1]["start"] + group[-1]["seconds"]
            found.append((min(group[0]["start"], max(rows[first]["start"], last - SPAN)), group))
    return found


def _read(path: Path, begin: float, end: float) -> tuple[np.ndarray, int]:
    rate = soundfile.info(path).samplerate
    return read_stereo(path, round(begin * rate), round((end - begin) * rate)), rate


def _write_facts(row: dict, sound: Sound, heard: Estimate, begin: float, listener: str) -> None:
    """Estimated facts and captions of a row, in place; what it had of its own stays, and wins."""
    before = row.get("facts") or {}
    own = before.get(OWN) or {"captions": sorted(row["captions"]), "facts": sorted(before)}
    kept = {name: before[name] for name in own["facts"] if name in before}
    facts = clip_facts(sound, heard, row["start"] - begin, row["seconds"]) | kept
    told = {name: value for name, value in facts.items() if name not in ("plan", "estimated")}
    made = recorded_captions(row["source"], told, random.Random(digest("listen", row["id"])))
    mine = {style: row["captions"][style] for style in own["captions"] if style in row["captions"]}
    row["captions"] = made | mine
    row["facts"] = facts | {"listener": listener, OWN: own}
