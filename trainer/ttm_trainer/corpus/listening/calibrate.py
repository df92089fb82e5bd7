"""Composed pieces -> a calibration of the listener, in a file, with the table that says how far it can be trusted."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import soundfile

from musicgen_app.control.plan import Plan
from musicgen_app.errors import FileError

from ...data.corpus_reader import read_rows, read_stereo
from ..build import results, write_file
from .calibration import fit, reliability
from .evidence import EVIDENCE, hear
from .listen import SPAN
from .truth import right

FEWEST = 40  # pieces


def calibrate(
    folders: Sequence[Path],
    out: Path | None = None,
    pieces: int | None = None,
    workers: int = 1,
    progress: Callable[[dict], None] | None = None,
) -> dict:
    """Hear the first SPAN seconds of up to `pieces` composed pieces of corpora, spread evenly -> {"pieces", "table"}.

    The table is `calibration.reliability`; the calibration is written to `out`. `progress` as in `listen`. Raises
    FileError: too few pieces with a plan, or `out` cannot be written.
    """
    found = [piece for folder in folders for piece in _pieces(Path(folder))]
    if pieces and pieces < len(found):
        found = [found[i] for i in np.linspace(0, len(found) - 1, pieces).round().astype(int)]
    if len(found) < FEWEST:
        raise FileError(f"{len(found)} composed pieces with a plan, but {FEWEST} are the fewest: build a larger corpus")
    begun, numbers = time.monotonic(), list(range(len(found)))
    heard: dict[int, tuple[dict, dict]] = {}
    for count, (number, evidence, truth) in enumerate(results(partial(_compare, found), numbers, workers), 1):
        heard[number] = evidence, truth
        elapsed = time.monotonic() - begun
        if progress:
            rate, left = SPAN * count / elapsed, elapsed / count * (len(found) - count)
            progress({"done": count, "total": len(found), "rate": rate, "left": left, "failed": []})
    ordered = [heard[number] for number in numbers]
    evidence = {field: [one[0][field] for one in ordered] for field in EVIDENCE}
    truth = {field: [one[1][field] for one in ordered] for field in (*EVIDENCE, "energy")}
    try:
        fitted, table = fit(evidence, truth), reliability(evidence, truth)
    except ValueError as error:
        raise FileError(f"the pieces cannot calibrate anything: {error}") from error
    report = {"pieces": len(found), "table": table}
    if out:
        fits = {field: one.to_dict() for field, one in fitted.fits.items()}
        write_file(out, json.dumps({"fits": fits} | report, separators=(",", ":")) + "\n")
    return report


def _pieces(folder: Path) -> list[tuple[str, dict]]:
    """The file and plan of every piece of a composed corpus whose beginning is in it."""
    found = {}
    for row in read_rows(folder):
        facts = row.get("facts") or {}
        if not row["start"] and "estimated" not in facts and "tempo" in facts.get("plan", {}):
            found[f"{folder}/{row['path']}"] = facts["plan"]
    return sorted(found.items())


def _compare(found: list[tuple[str, dict]], number: int) -> tuple[int, dict, dict]:
    """The number of a piece, the evidence heard in it, and which answers are right."""
    path, plan = found[number]
    info = soundfile.info(path)
    audio = read_stereo(path, 0, min(info.frames, round(SPAN * info.samplerate)))
    sound = hear(audio, info.samplerate)
    return number, sound.evidence, right(sound, Plan.from_dict(plan))
