"""The challenge's figures of a folder of clips: FAD and CLAP score on the first 10 s, and CCS with a judge.

What is public of the official evaluation is done as it says. The embedder is music_audioset_epoch_15_esc_90.14.pt, read
as weights alone; another one is measured too, under its own name. The reference of the official FAD is hidden: figures
name the one that was given. Whether its windows overlap is not said either, so both variants of `evaluation.report` are
given. CCS asks a judge, Qwen3-Omni-30B-A3B, whose questions are not public; without one there is no CCS.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from musicgen_app.engine import CancelToken, Engine, Progress
from musicgen_app.machine import paths
from musicgen_app.machine.checksums import sha256
from musicgen_app.models.bundle import WEIGHTS
from musicgen_app.models.published import EMBEDDERS, ORIGIN

from ...prepare.embedders import Embedder
from ..clips.prompts import BUILT_IN, read_prompts
from ..metrics.judges import Judge
from ..standard import Evaluation, evaluate_model
from ..tables import standard
from .published import CHECKPOINT, JUDGE, table
from .rules import SECONDS, check_submission

OFFICIAL = "laion-clap-90.14"  # of `published.EMBEDDERS`
NO_CCS = (
    f"no CCS: its judge is {JUDGE}, which is not here; give its folder or the address of a server that runs it as"
    " --judge. The wording of the official questions is not public, so it would be asked those of ttm-app"
)
NO_FAD = "no FAD: it needs --reference, a folder of real music; that of the challenge is hidden"


@dataclass(frozen=True)
class Challenge:
    """What to measure: the sound files of a folder, named by the prompts' ids. Names are as in `Evaluation`."""

    audio: Path
    prompts: Path | None = None  # None: the built-in set
    reference: Path | None = None
    embedder: str = OFFICIAL
    judge: str | None = None
    judge_model: str = ""
    resamples: int = 1000


def measure_challenge(
    settings: Challenge,
    engine: Engine | None = None,
    *,
    embedder: Embedder | None = None,
    judge: Judge | None = None,
    show: Callable[[str], None] = print,
    progress: Callable[[Progress], None] | None = None,
    cancel: CancelToken | None = None,
) -> dict:
    """A report as of `evaluate_model`, with "challenge": {"official_embedder", "seconds", "rules", "missing"}.

    Raises as `evaluate_model`.
    """
    what = Evaluation(
        audio=settings.audio,
        prompts=settings.prompts or BUILT_IN,
        reference=settings.reference,
        embedder=settings.embedder,
        judge=settings.judge or "none",
        judge_model=settings.judge_model,
        seconds=SECONDS,
        resamples=settings.resamples,
    )
    ids = [prompt.id for prompt in read_prompts(what.prompts).prompts]
    rules = check_submission(settings.audio, ids)
    report = evaluate_model(what, engine, embedder=embedder, judge=judge, show=show, progress=progress, cancel=cancel)
    missing = ([] if settings.reference else [NO_FAD]) + ([] if "judge" in report else [NO_CCS])
    facts = {"official_embedder": settings.embedder == OFFICIAL and not embedder and is_official(), "seconds": SECONDS}
    report["challenge"] = facts | {"rules": rules.rows(), "missing": missing}
    if not facts["official_embedder"]:
        _rename(report)
    return report | {"notes": []}


def is_official() -> bool:
    """Whether the installed embedder was made of the challenge's very file, and its weights are as they were then."""
    folder, part = paths.embedders() / OFFICIAL, EMBEDDERS[OFFICIAL]
    try:
        origin = json.loads((folder / ORIGIN).read_text(encoding="utf-8"))
        return origin["sha256"] == part.sha256[part.files[0]] and origin["weights_sha256"] == sha256(folder / WEIGHTS)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _rename(report: dict) -> None:
    """No other checkpoint goes by the official name: a figure says that its embedder is not the challenge's."""
    report["embedder"]["name"] = other_name(report["embedder"]["name"])
    for row in report["figures"]:
        if "embedder" in row:
            row["embedder"] = other_name(row["embedder"])
        if "judge" in row:
            row["judge"] = row["judge"].replace(CHECKPOINT, OFFICIAL)


def other_name(name: str) -> str:
    """The name of an embedder that is not the challenge's, as figures show it."""
    return f"{name.replace(CHECKPOINT, OFFICIAL)}, not the challenge's"


def text(report: dict) -> str:
    """The report for people: its figures, what is missing and why, faults of the folder, and the published entries."""
    rules = report["challenge"]["rules"]
    lines = [standard.table(report), *(f"note: {why}" for why in report["challenge"]["missing"])]
    lines += [f"rule broken: {fault}" for fault in rules["faults"]]
    return "\n".join([*lines, "", table(report)])
