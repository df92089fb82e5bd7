"""Clips and vectors -> the figures of a report, each with its interval and all that it depends on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from musicgen_app.errors import FileError

from .clips.clips import Clip, Reference
from .clips.prompts import Prompt, PromptSet
from .metrics import ccs, fad
from .metrics.bootstrap import CONFIDENCE, Interval, bootstrap, mean_interval
from .metrics.clap_score import cosines
from .metrics.concepts import KINDS
from .metrics.embeddings import HOP, Vectors
from .metrics.judges import Judge

Pairs = Sequence[tuple[Prompt, Clip]]
Tick = Callable[[str, int, int], None]  # stage, done, total


def figure(name: str, interval: Interval, clips: int, **conditions) -> dict:
    """One entry of the report's figures."""
    ends: dict[str, object] = {}
    if interval.resamples:
        ends = {"confidence": CONFIDENCE, "low": interval.low, "high": interval.high, "resamples": interval.resamples}
        ends["interval"] = "percentile bootstrap over clips"
    return {"name": name, "value": interval.value, **ends, "clips": clips, **conditions}


def distances(
    variants: Sequence[str],
    clips: Sequence[Clip],
    reference: Reference,
    vectors: Vectors,
    report: dict,
    extrapolate: bool,
    show: Callable[[str], None],
    resamples: int,
    tick: Tick,
) -> list[dict]:
    """FAD in some of the variants "windowed" and "per-file". Raises FileError when either side has too little."""
    theirs, bad = vectors.usable(reference.clips, lambda done, total: tick("embedding the reference", done, total))
    for row in bad:
        show(f"reference: left out {row['id']}: {row['reason']}")
    report["reference"] = {"name": reference.name, "what": reference.what, "files": len(theirs), "bad": bad}
    if not theirs:
        raise FileError(f"no file of the reference {reference.name} can be measured: {bad[0]['reason']}")
    about = {"embedder": vectors.embedder.name, "reference": f"{reference.name} ({reference.what})"}
    figures = []
    for variant in variants:
        mine, others = (_embeddings(variant, side, vectors) for side in (clips, theirs))
        result = _distance(variant, mine, others, vectors.embedder.width, extrapolate, resamples, tick)
        figures.append(result | {"variant": _words(variant, vectors)} | about)
    return figures


def _embeddings(variant: str, clips: Sequence[Clip], vectors: Vectors) -> list[np.ndarray]:
    """The vectors (windows, D) of each clip; "per-file": one vector of length 1."""
    if variant == "windowed":
        return [vectors.of(clip) for clip in clips]
    rows = [vectors.first(clip)[None] for clip in clips]
    return [row / max(np.linalg.norm(row), 1e-9) for row in rows]


def _words(variant: str, vectors: Vectors) -> str:
    """What a variant does, for the reader of a figure."""
    embedder = vectors.embedder
    if variant == "windowed":
        how = f"{embedder.seconds:g}-s windows every {HOP:g} s, the last ones filled with zeros"
    else:
        how = f"one L2-normalised embedding a file, of its first {embedder.seconds:g} s"
    return f"mono {embedder.sample_rate} Hz, {how}"


def _distance(
    variant: str,
    mine: list[np.ndarray],
    others: list[np.ndarray],
    width: int,
    extrapolate: bool,
    resamples: int,
    tick: Tick,
) -> dict:
    counts = {"clips": sum(map(len, mine)), "reference": sum(map(len, others))}
    if min(counts.values()) < 2:
        raise FileError(f"FAD needs two embeddings a side: there are {counts['clips']} and {counts['reference']}")
    distance = fad.Distance(mine, fad.moments(np.concatenate(others)))
    interval = bootstrap(
        distance.exact,
        len(mine),
        resamples,
        centred=True,
        fast=distance.fast,
        tick=lambda done, total: tick(f"interval of FAD {variant}", done, total),
    )
    warnings = [
        f"only {count} embeddings of the {what} for {width} dimensions: the distance comes out too large and can only"
        " be compared with one of as many"
        for what, count in counts.items()
        if count <= width
    ]
    samples = {"samples": counts["clips"], "reference_clips": len(others), "reference_samples": counts["reference"]}
    result = figure(f"FAD {variant}", interval, len(mine), **samples, better="lower", warnings=warnings)
    if interval.resamples:
        result["interval"] += " (reference kept), moved by the bias of the resamples"
        result["bias"] = interval.bias
    if extrapolate and (limit := fad.extrapolate(distance)):
        result["extrapolated"] = {"value": limit.value, "r2": limit.r2, "points": limit.points}
    return result


def alignment(pairs: Pairs, vectors: Vectors, rows: list[dict], resamples: int) -> list[dict]:
    """CLAP score, beside that of the same clips with other prompts; each clip's goes into its row."""
    own, foreign = cosines([prompt.text for prompt, _ in pairs], [clip for _, clip in pairs], vectors)
    for row, score in zip(rows, own, strict=True):
        row["clap"] = float(score)
    embedder = vectors.embedder.name
    score = figure(
        "CLAP score",
        mean_interval(own, resamples=resamples),
        len(own),
        variant="mean cosine of prompt and clip",
        embedder=embedder,
        better="higher",
    )
    if len(own) < 2:
        return [score]
    words = "mean cosine of a clip and the other prompts"
    chance = mean_interval(foreign, resamples=resamples)
    return [score, figure("CLAP score, shuffled", chance, len(own), variant=words, embedder=embedder)]


def coverage(
    judge: Judge,
    pairs: Pairs,
    prompts: PromptSet,
    control: bool,
    rows: list[dict],
    report: dict,
    resamples: int,
    tick: Tick,
) -> list[dict]:
    """CCS of all concepts and of each kind, and how often the judge claims to hear concepts of other prompts."""
    verdicts = ccs.judge_clips(judge, pairs, control, tick=lambda done, total: tick("judging", done, total))
    for row, verdict in zip(rows, verdicts, strict=True):
        row["concepts"] = verdict.rows()
    silent = ccs.unanswered(verdicts)
    report["judge"] = {"name": judge.name, "unanswered": silent}
    source = "found in the prompts by the word lists" if prompts.extracted else "given in the prompt file"
    about: dict[str, Any] = {"variant": f"hits / concepts, concepts {source}", "judge": judge.name}
    about["warnings"] = [f"{silent} questions have no answer and count as not heard"] if silent else []
    figures = []
    for name, kind, foreign in _coverages(control):
        hits, asked = ccs.counts(verdicts, kind, foreign)
        if asked.sum():
            better = {} if foreign else {"better": "higher"}
            interval = mean_interval(hits, asked, resamples=resamples)
            figures.append(figure(name, interval, len(pairs), samples=int(asked.sum()), **better, **about))
    wanted = len(KINDS) * len(pairs)
    if figures and (found := figures[0]["samples"]) < wanted:
        few = f"{found} concepts for {len(pairs)} prompts, not {len(KINDS)} each"
        figures[0]["warnings"] = [few, *about["warnings"]]
    return figures


def _coverages(control: bool) -> list[tuple[str, str | None, bool]]:
    """Name, kind of concept (None: all) and whether of other prompts, of each coverage to report."""
    kinds = [(f"CCS, {kind} alone", kind, False) for kind in KINDS]
    return [("CCS", None, False), *kinds, *([("CCS, concepts of other prompts", None, True)] if control else [])]
