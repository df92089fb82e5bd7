"""`ttm-app evaluate following`: prompts with known targets -> clips -> how much of what was asked for is heard.

Every figure of a model stands between a floor and a ceiling, measured by the same estimators. The floor is its own
clips against other prompts. The ceiling is real unseen clips against their captions in the place of prompts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from musicgen_app import __version__
from musicgen_app.engine import CancelToken, Engine, Progress
from musicgen_app.errors import FileError, RequestError
from musicgen_app.models.installed import find

from ..prepare.embedders import Embedder, load_embedder
from .clips.adherence_scores import Scores, joined, measure
from .clips.attribute_probe import AttributeProbe
from .clips.clip_features import ClipFeatures, FeatureExtractor, extract_all, fit_probe, unseen
from .clips.generate_clips import describe, make
from .clips.prompts import Prompt
from .clips.targets import KINDS, Target, TargetSet, read_targets, real_targets
from .clips.work import Work
from .metrics.embeddings import Vectors
from .report import figure

SCHEMA = 1
ALL = "all"
AGAIN = 1000  # further clips of a prompt have seeds so far off


@dataclass(frozen=True)
class PromptAdherence:
    """What to measure."""

    model: str
    against: tuple[str, ...] = ()  # other models on the same prompts and seeds
    prompts: Path | None = None  # None: the built-in ones
    data: Path | None = None  # dataset folder: real clips, and what the attribute probe learns from
    count: int | None = None  # prompts of each kind
    clips: int = 1  # a prompt, of different seeds
    best_of: int = 1  # candidates of each clip, ranked by the bundled aligner
    seed: int = 0
    seconds: float = 10.0
    steps: int | None = None
    guidance: float | None = None
    embedder: str = "aligner"
    real: int = 150  # unseen clips of the dataset folder
    fitted: int = 1500  # training clips that the probe is fitted on
    resamples: int = 1000
    audio_out: Path | None = None  # where clips are kept, in a folder a model


def measure_adherence(
    settings: PromptAdherence,
    engine: Engine | None = None,
    *,
    embedder: Embedder | None = None,
    show: Callable[[str], None] = print,
    progress: Callable[[Progress], None] | None = None,
    cancel: CancelToken | None = None,
) -> dict:
    """All measures by kind of prompt as a JSON-safe report. Same settings and weights: the same report.

    Raises RequestError, FileError, ModelError, DependencyError, Cancelled.
    """
    models = (settings.model, *settings.against)
    if len(set(models)) < len(models):
        raise RequestError("--against names a model twice: give another one")
    bundles = [find(model) for model in models]  # a missing one is found out before anything is computed
    labels = _labels([f"{bundle.name} {bundle.config['version']}" for bundle in bundles])
    work, engine = Work(show, progress, cancel), engine or Engine()
    targets = read_targets(settings.prompts).some(settings.count)
    vectors = Vectors(embedder or load_embedder(settings.embedder), windowed=False)
    rows = unseen(settings.data, settings.real) if settings.data else []
    probe: AttributeProbe | None = None
    right: dict[str, float] = {}
    if settings.data and rows:
        probe, right = fit_probe(settings.data, vectors, settings.fitted, rows, show, work.tick)
    extractor = FeatureExtractor(vectors, probe)
    report = {
        "schema": SCHEMA,
        "app": f"ttm-app {__version__}",
        "embedder": vectors.embedder.name,
        "prompts": {"name": targets.name, "sha256": targets.sha256, "used": len(targets.targets)},
        "real": {"data": str(settings.data), "clips": len(rows)} if rows else None,
        "listener": right,
        "models": [],
        "notes": notes(settings, rows, bool(probe)),
        "bad": [],
    }
    options = {"resamples": settings.resamples}
    measured: dict[str, dict[str, dict[str, Scores]]] = {}
    if rows:
        measured["real"] = _real(rows, extractor, report, work)
    with ExitStack() as stack:
        folder = settings.audio_out or Path(stack.enter_context(TemporaryDirectory(prefix="ttm-app-following-")))
        for model, label in zip(models, labels, strict=True):
            measured[label] = _model(settings, engine, model, label, targets, folder, extractor, report, work)
    report["figures"] = _figures(labels, measured, options)
    return report


def _labels(names: Sequence[str]) -> list[str]:
    """Names of columns, told apart where two models are called the same."""
    return [name if names.count(name) == 1 else f"{name} ({names[:n].count(name) + 1})" for n, name in enumerate(names)]


def notes(settings: PromptAdherence, rows: Sequence[dict], probe: bool) -> list[str]:
    """What a reader of the figures has to know. rows: those of the real clips."""
    lines = [
        "floor: the model's own clips against other prompts of the kind; for `top` what chance gives",
        "drums: prompts with and without drums count alike, so that always drums would give 50 %",
        "tempo and key are estimated from the sound: the column `real` says how often that is right",
        "chords: share of the whole bars in which, of the chords that a prompt names, the right one fits best",
    ]
    if settings.embedder == "aligner":
        lines.insert(0, "the aligner is this project's own and was trained on music of the same composer")
    if settings.best_of > 1:
        lines.insert(0, f"best of {settings.best_of} by the bundled aligner, which judges fit and genre here as well")
    else:
        lines.insert(0, "single shot: one clip a prompt, none chosen")
    if not settings.data:
        return [*lines, "no ceiling, genre, instruments and drums: they need --data"]
    lines.append("real: held-out clips with their own captions; those are of the templates the aligner was trained on")
    if not any(row["captions"].get("free") for row in rows):
        lines.append("real clips have no captions in free wording: short ones stand for them")
    if probe:
        lines.append(
            "genre, instruments and drums are told by a classifier on the same vectors, right as often as stands above"
        )
    return lines


def _real(rows: Sequence[dict], extractor: FeatureExtractor, report: dict, work: Work) -> dict[str, dict[str, Scores]]:
    pairs = {kind: real_targets(rows, kind) for kind in KINDS}
    clips = list(dict.fromkeys(clip for some in pairs.values() for _, clip in some))
    heard, bad = extract_all(extractor, clips, work.ticker("listening to real clips"))
    report["bad"] += bad
    return _by_kind(
        [(target, heard[clip]) for some in pairs.values() for target, clip in some if clip in heard], extractor
    )


def _model(
    settings: PromptAdherence,
    engine: Engine,
    model: str,
    label: str,
    targets: TargetSet,
    folder: Path,
    extractor: FeatureExtractor,
    report: dict,
    work: Work,
) -> dict[str, dict[str, Scores]]:
    wanted = {target.id: target for target in targets.targets}
    prompts = _prompts(targets, settings.clips)
    work.show(f"making {len(prompts)} clips with {label}")
    made = make(
        engine, model, prompts, folder / label.replace(" ", "-"), settings.seed, work.ticker(f"clips of {label}"),
        work.cancel, seconds=settings.seconds, steps=settings.steps, guidance=settings.guidance,
        best_of=settings.best_of,
    )  # fmt: skip
    heard, bad = extract_all(extractor, [clip for _, clip in made.pairs], work.ticker(f"listening to {label}"))
    report["models"].append({"label": label} | describe(model, made, engine, settings.seed, settings.clips))
    report["bad"] += made.failed + bad
    pairs = [(wanted[prompt.id.partition(".")[0]], heard[clip]) for prompt, clip in made.pairs if clip in heard]
    if not pairs:
        raise FileError(f"{label} gave no usable clips: {report['bad'][0]['reason']}")
    return _by_kind(pairs, extractor)


def _prompts(targets: TargetSet, clips: int) -> list[Prompt]:
    """Each prompt as often as clips are wanted; the seed of a clip does not depend on what else is made."""
    return [
        Prompt(target.number + AGAIN * again, target.id + (f".{again}" if again else ""), target.text, {})
        for again in range(clips)
        for target in targets.targets
    ]


def _by_kind(pairs: Sequence[tuple[Target, ClipFeatures]], extractor: FeatureExtractor) -> dict[str, dict[str, Scores]]:
    """The measures of each kind of prompt, and of all kinds together where there are several."""
    kinds = [kind for kind in KINDS if any(target.kind == kind for target, _ in pairs)]
    found = {kind: _measured([pair for pair in pairs if pair[0].kind == kind], extractor) for kind in kinds}
    return found | ({ALL: joined(list(found.values()))} if len(kinds) > 1 else {})


def _measured(pairs: Sequence[tuple[Target, ClipFeatures]], extractor: FeatureExtractor) -> dict[str, Scores]:
    targets, heard = zip(*pairs, strict=True)
    texts = list(dict.fromkeys(target.text for target in targets))
    vectors = dict(zip(texts, extractor.vectors.embedder.text(texts), strict=True))
    return measure(targets, heard, np.stack([vectors[target.text] for target in targets]))


def _figures(labels: Sequence[str], measured: dict[str, dict[str, dict[str, Scores]]], options: dict) -> list[dict]:
    """One entry a kind and measure: "models" {label: figure}, "floor", "real" (or None), "share", "gain"."""
    first, *others = labels
    entries = []
    for kind, scores in measured[first].items():
        for name, own in scores.items():
            real = measured.get("real", {}).get(kind, {}).get(name)
            known = {label: measured[label].get(kind, {}).get(name) for label in labels}
            entry: dict[str, Any] = {
                "kind": kind,
                "measure": name,
                "models": {
                    label: figure(name, each.value(**options), len(each.ids)) for label, each in known.items() if each
                },
                "floor": figure(name, own.chance(**options), len(own.ids)),
                "real": figure(name, real.value(**options), len(real.ids)) if real else None,
                "share": None,
                "gain": {},
            }
            if real and (share := own.share(real.value(resamples=0).value, **options)):
                entry["share"] = figure(f"{name}, share of the way", share, len(own.ids))
            for label in others:
                other = known[label]
                if other and (gain := own.gain(other, **options)):
                    entry["gain"][label] = figure(f"{name}, gain", gain, len(own.ids))
            entries.append(entry)
    return entries
