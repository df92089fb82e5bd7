"""A trained aligner -> its folder: weights, measured tiers, evaluation, pictures and card."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from musicgen_app.aligner import Aligner, load_aligner, save_aligner
from musicgen_app.machine import files

from ..output.credits import credits_of, licences_of
from .data import read_clips
from .evaluate import evaluate_aligner, propose_tiers
from .report import LICENCE, card, write_report


def export(aligner: Aligner, data: list[Path], folder: Path, recipe: dict, show: Callable[[str], None] = print) -> Path:
    """Measure an aligner on the unseen clips of its dataset folders and write it; returns the folder.

    Where there are no unseen clips, the tiers stay as they are and there is no evaluation. recipe: the settings of the
    training, for the card. FileError: it cannot be written.
    """
    rows = read_clips(data)
    seen = [row for row in rows if row["split"] == "train"]
    report = evaluate_aligner(aligner, data, show) if any(row["split"] == "val" for row in rows) else None
    if report:
        aligner.tiers = propose_tiers(report["scores"])
    licences = licences_of(seen)
    save_aligner(aligner, folder, licence=LICENCE, recipe=recipe, data=licences)
    aligner = load_aligner(folder)  # its name, and the weights as they were rounded
    if report:
        report["aligner"] = aligner.name
        write_report(report, folder)
    texts = {"README.md": card(aligner, report, recipe, licences), "CREDITS.md": credits_of(seen)}
    for name, text in texts.items():
        files.write(folder / name, text.encode(), overwrite=True)
    return folder
