"""The standard evaluation: settings -> clips -> figures -> one JSON-safe report; what `ttm-app evaluate` runs.

A figure in the report carries all that it depends on: {"name", "variant", "value", "low", "high", "confidence",
"interval", "resamples", "better", "clips", "samples", "embedder", "reference", ..., "warnings"}.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from musicgen_app import __version__
from musicgen_app.engine import CancelToken, Engine, Progress
from musicgen_app.errors import FileError, RequestError
from musicgen_app.models.installed import find

from ..prepare.embedders import Embedder, load_embedder
from .clips.clips import Clip, all_clips, match, open_reference
from .clips.generate_clips import describe, make
from .clips.prompts import Prompt, PromptSet, read_prompts
from .clips.work import Work
from .metrics.embeddings import Vectors
from .metrics.judges import AudioLanguageModel, Endpoint, Judge, ZeroShot
from .metrics.statistics import NAME as STATISTICS
from .metrics.statistics import SoundStatistics
from .report import alignment, coverage, distances

SCHEMA = 1
VARIANTS = ("windowed", "per-file", "both")
ZERO_SHOT = ("aligner", "clap")


@dataclass(frozen=True)
class Evaluation:
    """What to measure. Exactly one of model and audio; audio without prompts gives FAD alone."""

    model: str | None = None  # generate with this model ...
    audio: Path | None = None  # ... or take the sound files of this folder, named by the prompts' ids
    prompts: Path | None = None  # None: the built-in set (with audio: none)
    reference: Path | None = None  # folder of sound files or prepared folder; None: no FAD
    embedder: str = "aligner"  # "aligner", "clap", a folder, or "statistics", which knows no words: FAD alone
    judge: str | None = None  # "aligner", "clap", a folder, an address; None: the embedder; "none": no CCS
    judge_model: str = ""  # of an address
    control: bool | None = None  # ask the judge about other prompts' concepts too; None: where that is cheap
    fad: str = "both"  # of VARIANTS
    extrapolate: bool = False
    whole_reference: bool = False  # all of each reference file instead of its first `seconds`
    count: int | None = None  # prompts, spread evenly over the file
    seed: int = 0
    seconds: float = 10.0  # of each clip that are made and measured
    steps: int | None = None
    guidance: float | None = None
    resamples: int = 1000
    audio_out: Path | None = None  # where made clips are kept


def evaluate_model(
    settings: Evaluation,
    engine: Engine | None = None,
    *,
    embedder: Embedder | None = None,
    judge: Judge | None = None,
    show: Callable[[str], None] = print,
    progress: Callable[[Progress], None] | None = None,
    cancel: CancelToken | None = None,
) -> dict:
    """All figures of the settings as a JSON-safe report. Same settings and weights: the same report.

    embedder, judge: instead of those the settings name. Every clip that gave no figure is in "bad" with its reason.
    Raises RequestError (settings that do not go together), FileError, ModelError, DependencyError, Cancelled.
    """
    _check(settings)
    work = Work(show, progress, cancel)
    prompts = None
    if settings.prompts or settings.model:
        prompts = read_prompts(settings.prompts).some(settings.count)
    reference = None
    if settings.reference:
        reference = open_reference(settings.reference, None if settings.whole_reference else settings.seconds)
    vectors = Vectors(embedder or _embedder(settings.embedder), settings.fad != "per-file" and bool(reference))
    if prompts is not None:
        judge = judge or _judge(settings, vectors)
    if settings.model:
        find(settings.model)  # a missing model is found out before anything is computed
    report = {"schema": SCHEMA, "app": f"ttm-app {__version__}", "embedder": _about(vectors.embedder)}
    with ExitStack() as stack:
        folder = settings.audio_out or Path(stack.enter_context(TemporaryDirectory(prefix="ttm-app-evaluate-")))
        clips, source, bad = _clips(settings, engine, prompts, folder, work)
        report |= source
        good, unreadable = vectors.usable([clip for _, clip in clips], work.ticker("embedding"))
        bad += unreadable
        for row in bad:
            show(f"left out {row['id']}: {row['reason']}")
        if not good:
            raise FileError(
                f"none of {len(clips) + len(bad) - len(unreadable)} clips can be measured: {bad[0]['reason']}"
            )
        pairs = [(prompt, clip) for prompt, clip in clips if clip in set(good)]
        figures, rows = [], [_row(prompt, clip, settings) for prompt, clip in pairs]
        many, tick = settings.resamples, work.tick
        if reference:
            variants = VARIANTS[:2] if settings.fad == "both" else (settings.fad,)
            figures += distances(variants, good, reference, vectors, report, settings.extrapolate, show, many, tick)
        asked = [(prompt, clip) for prompt, clip in pairs if prompt is not None]
        if prompts is not None and not wordless(vectors.embedder):
            figures += alignment(asked, vectors, rows, settings.resamples)
        if judge is not None and prompts is not None:
            control = judge.cheap if settings.control is None else settings.control
            figures += coverage(judge, asked, prompts, control, rows, report, many, tick)
    notes = [] if reference else ["no FAD: it needs --reference"]
    if prompts is not None and wordless(vectors.embedder):
        notes.append(f"no CLAP score: the embedder {settings.embedder} knows no words")
    return report | {"figures": figures, "notes": notes, "bad": bad, "clips": rows}


def _check(settings: Evaluation) -> None:
    """Raises RequestError for settings that do not go together."""

    def need(condition: object, message: str) -> None:
        if not condition:
            raise RequestError(message)

    need((settings.model is None) != (settings.audio is None), "give either a MODEL or --audio FOLDER")
    need(settings.fad in VARIANTS, f"--fad is one of {', '.join(VARIANTS)}")
    nothing = settings.audio and not settings.prompts and not settings.reference
    need(not nothing, "nothing to measure: --audio needs --prompts (CLAP score, CCS) or --reference (FAD)")
    deaf = settings.embedder == STATISTICS and not settings.reference and settings.judge in (None, "none")
    need(not deaf, f"nothing to measure: --embedder {STATISTICS} knows no words, so it needs --reference (FAD)")
    need(settings.judge != STATISTICS, f"{STATISTICS} knows no words, so it cannot judge: use aligner or clap")
    need(settings.prompts or settings.model or settings.count is None, "--count needs --prompts")


def _embedder(name: str) -> Embedder:
    return SoundStatistics() if name == STATISTICS else load_embedder(name)


def wordless(embedder: Embedder) -> bool:
    """Whether an embedder has no vectors of words."""
    return isinstance(embedder, SoundStatistics)


def _about(embedder: Embedder) -> dict:
    facts = {name: getattr(embedder, name) for name in ("sample_rate", "seconds", "width")}
    return {"name": embedder.name, **facts}


def _judge(settings: Evaluation, vectors: Vectors) -> Judge | None:
    """The judge that the settings name; where they name none the embedder itself, if it knows words."""
    name = settings.judge
    if name == "none" or name is None and wordless(vectors.embedder):
        return None
    if name is None or name == settings.embedder:
        return ZeroShot(vectors)
    if name in ZERO_SHOT:
        return ZeroShot(Vectors(load_embedder(name), windowed=False))
    if name.startswith(("http://", "https://")):
        return Endpoint(name, settings.judge_model)
    if not Path(name).is_dir():
        raise FileError(f"there is no judge {name}: give {', '.join(ZERO_SHOT)}, none, a model's folder or an address")
    return AudioLanguageModel(Path(name))


def _clips(
    settings: Evaluation, engine: Engine | None, prompts: PromptSet | None, folder: Path, work: Work
) -> tuple[list[tuple[Prompt | None, Clip]], dict, list[dict]]:
    """The clips with their prompts, what the report says of them, and what is missing."""
    if prompts is None:
        assert settings.audio is not None  # see `_check`
        clips = all_clips(settings.audio, settings.seconds)
        return [(None, clip) for clip in clips], {"source": {"audio": str(settings.audio)}}, []
    about: dict[str, Any] = {"name": prompts.name, "sha256": prompts.sha256, "used": len(prompts.prompts)}
    about["concepts"] = "found by the word lists" if prompts.extracted else "given in the file"
    if settings.audio:
        found = match(settings.audio, prompts.prompts, settings.seconds)
        bad = [{"id": name, "path": None, "reason": "no file of this id"} for name in found.missing]
        if found.unknown:
            work.show(f"{len(found.unknown)} files are named after no id and left out, such as {found.unknown[0]}")
        source = {"audio": str(settings.audio), "files_without_prompt": found.unknown}
        return list(found.pairs), {"source": source, "prompts": about}, bad
    assert settings.model is not None  # see `_check`
    engine = engine or Engine()
    work.show(f"making {len(prompts.prompts)} clips with {settings.model}")
    made = make(
        engine, settings.model, prompts.prompts, folder, settings.seed, work.ticker("clips"), work.cancel,
        seconds=settings.seconds, steps=settings.steps, guidance=settings.guidance,
    )  # fmt: skip
    if made.kept or made.remade:
        work.show(f"{made.kept} clips were there already, {made.remade} of other settings were made again")
    return (
        list(made.pairs),
        {"source": describe(settings.model, made, engine, settings.seed), "prompts": about},
        made.failed,
    )


def _row(prompt: Prompt | None, clip: Clip, settings: Evaluation) -> dict:
    """The row of one clip in the report; the measures add to it."""
    row: dict[str, Any] = {"id": clip.id}
    if prompt:
        row["prompt"] = prompt.text
    if prompt and settings.model:
        row["seed"] = settings.seed + prompt.number
    return row
