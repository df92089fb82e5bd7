"""`ttm-app evaluate loops`: prompts -> loops -> whether anything is heard where their ends meet their beginnings.

The seam is a bar line like any other: what changes there is compared with what changes at the bar lines inside.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from musicgen_app import __version__
from musicgen_app.analysis.beats import find_beats
from musicgen_app.analysis.seam import bar_changes, bar_dips, seam_step
from musicgen_app.control.theory import bar_length
from musicgen_app.engine import CancelToken, Engine, Progress
from musicgen_app.errors import FileError, GenerationError, RequestError
from musicgen_app.library.clip_files import write_clip
from musicgen_app.library.metadata import needs_sidecar
from musicgen_app.models.installed import find
from musicgen_app.request import GenerationRequest, GenerationResult

from .clips.generate_clips import make_folder
from .clips.prompts import Prompt, read_prompts
from .clips.targets import SETS
from .clips.work import Work
from .metrics.bootstrap import mean_interval
from .report import figure

SCHEMA = 1
BARS = 8
ALLOWED = {"change": 1.1, "step": 1.5, "tempo": 0.2}  # the most that counts as no seam; of the tempo in percent
MULTIPLES = (1, 2, 1 / 2, 3, 1 / 3, 3 / 2, 2 / 3)  # of a tempo that a listener may count instead


@dataclass(frozen=True)
class LoopSeams:
    """What to measure."""

    model: str
    prompts: Path | None = None  # None: `adherence` and `free-wording`, which together name every genre
    count: int = 100  # prompts, spread over the file
    bars: int = BARS
    plain: bool = False  # also clips of the same bars that are no loops
    seed: int = 0
    steps: int | None = None
    guidance: float | None = None
    resamples: int = 1000
    audio_out: Path | None = None  # folder that the loops are kept in


def measure_loops(
    settings: LoopSeams,
    engine: Engine | None = None,
    *,
    show: Callable[[str], None] = print,
    progress: Callable[[Progress], None] | None = None,
    cancel: CancelToken | None = None,
) -> dict:
    """The figures of every loop, and of all together, as a JSON-safe report. Raises RequestError, FileError,
    ModelError, Cancelled."""
    if settings.bars < 2:
        raise RequestError("the seam is compared with bar lines inside the loop: use 2 bars or more")
    bundle, work, engine = find(settings.model), Work(show, progress, cancel), engine or Engine()
    prompts = chosen_prompts(settings.prompts, settings.count)
    kinds = [("loop", True), ("plain", False)][: 1 + settings.plain]
    if settings.audio_out:
        make_folder(settings.audio_out)
    clips: list[dict] = []
    bad: list[dict] = []
    for number, prompt in enumerate(prompts):
        work.tick("loops", number, len(prompts))
        request = GenerationRequest(
            prompt.text, seed=settings.seed + prompt.number, model=str(bundle.path), bars=settings.bars,
            steps=settings.steps, guidance=settings.guidance,
        )  # fmt: skip
        try:
            made = {kind: _made(engine, request, loop, cancel) for kind, loop in kinds}
        except (GenerationError, RequestError) as error:  # RequestError: the bars take longer than the model makes
            bad.append({"id": prompt.id, "reason": str(error)})
            continue
        clips.append({"id": prompt.id, "prompt": prompt.text, **{kind: facts(clip) for kind, clip in made.items()}})
        if settings.audio_out:
            loop = made["loop"]
            path = settings.audio_out / f"{prompt.id}.wav"
            write_clip(loop, path, needs_sidecar(loop, path), overwrite=True)
    work.tick("loops", len(prompts), len(prompts))
    if not clips:
        raise FileError(f"no loop was made: {bad[0]['reason']}")
    return {
        "schema": SCHEMA,
        "app": f"ttm-app {__version__}",
        "model": {"name": bundle.name, "version": bundle.config["version"], "weights_sha256": bundle.weights_sha256},
        "bars": settings.bars,
        "seeds": f"{settings.seed} + number of the prompt in its file",
        "computed": {"device": engine.device.type, "precision": engine.precision},
        "figures": {kind: _figures([clip[kind] for clip in clips], settings.resamples) for kind, _ in kinds},
        "clips": clips,
        "bad": bad,
    }


def chosen_prompts(source: Path | None, count: int) -> list[Prompt]:
    """So many prompts, spread evenly over a file, or over the two built-in sets. Raises FileError."""
    names = ("adherence", "free-wording") if source is None else (str(source),)
    files = [SETS.get(name, Path(name)) for name in names]
    prompts = [prompt for file in files for prompt in read_prompts(file).prompts]
    if count > len(prompts):
        raise FileError(f"there are {len(prompts)} prompts, not {count}: ask for fewer")
    return [prompts[number * len(prompts) // count] for number in range(count)]


def _made(engine: Engine, request: GenerationRequest, loop: bool, cancel: CancelToken | None) -> GenerationResult:
    (clip,) = engine.generate(replace(request, loop=loop), cancel=cancel)
    return clip


def facts(clip: GenerationResult) -> dict:
    """What is measured of one clip of whole bars; tempi and their errors in percent."""
    assert clip.extent is not None and clip.extent.bars is not None and clip.decision is not None
    stretch = clip.decision.plan.stretches[0]
    bars, seconds = int(clip.extent.bars), clip.audio.shape[1] / clip.sample_rate
    seam, *inner = bar_changes(clip.audio, clip.sample_rate, bars)
    dip, *dips = bar_dips(clip.audio, clip.sample_rate, bars)
    asked = stretch.tempo or np.nan
    played = bars * bar_length(stretch.metre) * 60 / seconds
    twice = np.tile(clip.audio.mean(axis=0), 2)  # a beat that stumbles over the seam fits no one tempo
    heard = find_beats(twice, clip.sample_rate).tempo
    return {
        "tempo": asked,
        "metre": stretch.metre,
        "seconds": seconds,
        "seam": float(seam),
        "inner": float(np.mean(inner)),
        "dip": float(dip - np.mean(dips)),
        "step": seam_step(clip.audio, clip.sample_rate),
        "tempo_error": 100 * abs(played / asked - 1),
        "heard": heard,
        "heard_error": 100 * min(abs(heard * factor / asked - 1) for factor in MULTIPLES),
    }


def _figures(clips: list[dict], resamples: int) -> list[dict]:
    """The figures of all clips of one kind."""
    column = {
        name: np.array([clip[name] for clip in clips]) for name in ("seam", "inner", "step", "dip", "heard_error")
    }
    change = mean_interval(column["seam"], column["inner"], resamples=resamples)
    step = mean_interval(column["step"], resamples=resamples)
    heard = mean_interval(column["heard_error"] <= ALLOWED["tempo"], resamples=resamples)
    tempo = float(max(clip["tempo_error"] for clip in clips))
    return [
        figure("change of spectrum at the seam / at inner bar lines", change, len(clips), most=ALLOWED["change"]),
        figure("sample step at the seam / nearby", step, len(clips), most=ALLOWED["step"]),
        figure(
            "level at the seam, in dB above inner bar lines",
            mean_interval(column["dip"], resamples=resamples),
            len(clips),
        ),
        {"name": "tempo, largest error in %", "value": tempo, "clips": len(clips), "most": ALLOWED["tempo"]},
        figure("share whose tempo is heard within 0.2 %, over the seam", heard, len(clips)),
    ]


def table(report: dict) -> str:
    """The report as lines of text."""
    model = report["model"]
    lines = [f"{model['name']} {model['version']} (weights {model['weights_sha256'][:8]}), {report['bars']} bars"]
    for kind, figures in report["figures"].items():
        lines += ["", f"{kind.upper():<56} {'VALUE':>8}   {'95 % INTERVAL':<16} {'AT MOST':>7}  CLIPS"]
        for row in figures:
            interval = f"{row['low']:.3f} to {row['high']:.3f}" if "low" in row else ""
            most = f"{row['most']:g}" if "most" in row else ""
            lines.append(f"{row['name']:<56} {row['value']:>8.3f}   {interval:<16} {most:>7}  {row['clips']}")
    lines += [f"left out: {row['id']}: {row['reason']}" for row in report["bad"]]
    return "\n".join(lines)
