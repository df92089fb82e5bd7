"""`ttm-app evaluate sweep`: sampler settings -> quality against network evaluations, one point at a time, resumable.

Each point makes the same clips, of captions of held-out real clips and of the same seeds. Quality is the mean cosine of
prompt and clip, and the Fréchet distance to the held-out clips (one vector a clip), both by the same embedder. Guidance
needs a pass of the network over a doubled batch, which counts as two evaluations; guidance by the plan makes it three,
joint guidance two again.

OUT/points/NAME.json   one point; what is there is not made again
OUT/sweep.json         all points, the fronts and the knee
OUT/sweep.png          both qualities against evaluations
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from musicgen_app import __version__, sampling
from musicgen_app.audio import resample
from musicgen_app.engine import CancelToken, Engine, Progress
from musicgen_app.errors import FileError, GenerationError, RequestError
from musicgen_app.machine import files
from musicgen_app.models.bundle import Bundle
from musicgen_app.models.installed import ResolvedRequest, completed, find
from musicgen_app.models.sampler import sampler_fault
from musicgen_app.request import ODE_SOLVERS, GenerationRequest

from ..prepare.embedders import Embedder, load_embedder
from .clips.clip_features import unseen
from .clips.targets import KINDS, clip_of, real_targets
from .clips.work import Work
from .metrics import fad
from .metrics.bootstrap import bootstrap, mean_interval
from .metrics.embeddings import Vectors, windows
from .metrics.pareto import front, knee, together
from .report import figure

SCHEMA = 1
FEWEST = 8  # clips of a point


@dataclass(frozen=True)
class Sweep:
    """What to try: every solver with every number of steps, guidance, interval and power of the times.

    powers: () is the model's own; joint: try everything by joint guidance as well. Both are settings of a model, not of
    a request: see `models.sampler`.
    """

    model: str
    data: Path  # dataset folder
    out: Path
    solvers: tuple[str, ...] = ODE_SOLVERS
    steps: tuple[int, ...] = (4, 8, 16, 32)
    guidance: tuple[float, ...] = (1.0, 2.0, 3.0, 4.5)
    intervals: tuple[tuple[float, float], ...] = ((0.0, 1.0), (0.1, 0.8))
    powers: tuple[float, ...] = ()
    joint: bool = False
    clips: int = 40
    real: int = 300  # held-out clips that are the reference
    seed: int = 0
    seconds: float = 10.0
    embedder: str = "aligner"
    resamples: int = 200


def run_sweep(
    settings: Sweep,
    engine: Engine | None = None,
    *,
    embedder: Embedder | None = None,
    show: Callable[[str], None] = print,
    progress: Callable[[Progress], None] | None = None,
    cancel: CancelToken | None = None,
) -> dict:
    """Make the points that are not there yet, and report all of them. Cancelled, it goes on from the next point.

    Raises RequestError, FileError (also: `out` holds a sweep of something else), ModelError, Cancelled.
    """
    if settings.clips < FEWEST:
        raise RequestError(f"a point needs {FEWEST} clips to be measured: ask for more")
    work, engine, bundle = Work(show, progress, cancel), engine or Engine(), find(settings.model)
    asked = points_of(settings, bundle)
    vectors = Vectors(embedder or load_embedder(settings.embedder), windowed=False)
    rows = unseen(settings.data, max(settings.real, settings.clips))
    prompts = captions(rows, settings.clips)
    about = _about(settings, bundle, vectors.embedder, prompts)
    _check(settings.out, about)
    reference: fad.Moments | None = None
    text: np.ndarray | None = None
    for number, point in enumerate(asked):
        path = settings.out / "points" / f"{name_of(point)}.json"
        if path.exists():
            continue
        if reference is None:
            good, _ = vectors.usable([clip_of(row) for row in rows], work.ticker("embedding the reference"))
            if len(good) < 2:
                raise FileError(f"{settings.data} has {len(good)} held-out clips that can be read: two are needed")
            reference = fad.moments(np.stack([vectors.first(clip) for clip in good]))
            text = vectors.embedder.text(prompts)
        assert text is not None  # as the reference is
        show(f"point {number + 1} of {len(asked)}: {words(settings_of(point))}")
        measured = _measure(engine, point, prompts, text, reference, vectors.embedder, settings, work)
        files.write(path, _json(measured))
    report = about | {"default": _default(bundle)} | summary([_read(settings.out, point) for point in asked])
    files.write(settings.out / "sweep.json", _json(report), overwrite=True)
    draw(report, settings.out / "sweep.png")
    return report


def points_of(settings: Sweep, bundle: Bundle) -> list[ResolvedRequest]:
    """The resolved requests of all points, those of few evaluations first; without guidance there is no interval.

    The model of each is the same, with the sampler of the point.
    """
    found = {}
    for variant in _variants(settings, bundle):
        for solver, steps, guidance, interval in itertools.product(
            settings.solvers, settings.steps, settings.guidance, settings.intervals
        ):
            request = GenerationRequest(
                "x", seconds=settings.seconds, seed=settings.seed, model=str(bundle.path), solver=solver, steps=steps,
                guidance=guidance, guidance_interval=(0.0, 1.0) if guidance == 1 else interval,
            ).validated()  # fmt: skip
            point = ResolvedRequest(completed(request, variant), variant)
            found[name_of(point)] = point
    return sorted(found.values(), key=lambda point: (evaluations(*point), name_of(point)))


def _variants(settings: Sweep, bundle: Bundle) -> list[Bundle]:
    """The model with every power and way of guidance in its sampler. Raises RequestError."""
    found = []
    joints = [bundle.joint_guidance] + [True] * (settings.joint and not bundle.joint_guidance)
    for power, joint in itertools.product(settings.powers or (bundle.power,), joints):
        sampler = bundle.sampler | {"power": power, "joint_guidance": joint}
        sampler = sampler | {"plan_guidance": 1.0} if joint else sampler
        if fault := sampler_fault(sampler):
            raise RequestError(fault)
        found.append(replace(bundle, config=bundle.config | {"sampler": sampler}))
    return found


def settings_of(point: ResolvedRequest) -> dict:
    """What makes a point, JSON-safe."""
    request, bundle = point.request.to_dict(), point.bundle
    settings = {name: request[name] for name in ("solver", "steps", "guidance", "guidance_interval")}
    return settings | {"power": bundle.power, "joint_guidance": bundle.joint_guidance}


def name_of(point: ResolvedRequest) -> str:
    request, bundle = point
    low, high = request.guidance_interval or (0.0, 1.0)
    more = ("" if bundle.power == 1 else f"-power-{bundle.power:g}") + "-joint" * bundle.joint_guidance
    return f"{request.solver}-{request.steps}-{request.guidance:g}-{low:g}-{high:g}{more}"


def words(point: dict) -> str:
    """A point for people."""
    low, high = point["guidance_interval"]
    where = "" if (low, high) == (0.0, 1.0) else f" from {low:g} to {high:g}"
    where += " of text and plan together" if point["joint_guidance"] else ""
    times = "" if point["power"] == 1 else f" on t = u^{point['power']:g}"
    return f"{point['solver']}, {point['steps']} steps{times}, guidance {point['guidance']:g}{where}"


def evaluations(request: GenerationRequest, bundle: Bundle) -> int:
    """Network evaluations for one clip, counted by running the sampler itself with a velocity of zero."""
    count, guided = 0, 1 + (request.guidance != 1) + (bundle.follows_plans and bundle.plan_guidance != 1)
    assert request.guidance_interval and request.steps and request.solver  # the request is resolved
    low, high = request.guidance_interval

    def velocity(x: torch.Tensor, t: float, end: float | None = None) -> torch.Tensor:
        nonlocal count
        count += guided if low <= t <= high else 1
        return x

    sampling.sample(velocity, torch.zeros(1, 1, 1), request.steps, request.solver, power=bundle.power)
    return count


def captions(rows: Sequence[dict], count: int) -> list[str]:
    """One caption of each of the first rows that have any, the kinds by turns. FileError: too few."""
    kinds = [kind for kind in KINDS if kind != "free"]
    found: list[str] = []
    for row in rows:
        kind = kinds[len(found) % len(kinds)]
        found += [target.text for target, _ in real_targets([row], kind) or real_targets([row], "short")][:1]
        if len(found) == count:
            return found
    raise FileError(f"only {len(found)} held-out clips have captions, not {count}: ask for fewer --clips")


def _about(settings: Sweep, bundle: Bundle, embedder: Embedder, prompts: list[str]) -> dict:
    """What all points of a folder have in common."""
    return {
        "schema": SCHEMA,
        "app": f"ttm-app {__version__}",
        "model": {"name": bundle.name, "version": bundle.config["version"], "weights_sha256": bundle.weights_sha256},
        "data": str(settings.data),
        "embedder": embedder.name,
        "clips": len(prompts),
        "reference_clips": settings.real,
        "seconds": settings.seconds,
        "seeds": f"{settings.seed} + number of the clip",
    }


def _default(bundle: Bundle) -> dict:
    """The sampler that the model names."""
    sampler = bundle.sampler
    interval = list(sampler.get("guidance_interval") or (0.0, 1.0))
    settings = {name: sampler[name] for name in ("solver", "steps", "guidance")} | {"guidance_interval": interval}
    return settings | {"power": bundle.power, "joint_guidance": bundle.joint_guidance}


def _check(out: Path, about: dict) -> None:
    """Write down what the sweep in the folder is made of, or compare it with that. FileError where they differ."""
    path = out / "about.json"
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        (out / "points").mkdir(parents=True, exist_ok=True)
        files.write(path, _json(about))
        return
    except (OSError, ValueError) as error:
        raise FileError(f"cannot read {path} ({error}): choose another --out") from error
    other = [name for name in about if name != "app" and known.get(name) != about[name]]
    if other:
        raise FileError(f"{out} holds a sweep of another {', '.join(other)}: choose another --out")


def _read(out: Path, point: ResolvedRequest) -> dict:
    path = out / "points" / f"{name_of(point)}.json"
    try:
        return settings_of(point) | json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FileError(f"{path} cannot be read ({error}): remove it and run again") from error


def _measure(
    engine: Engine,
    point: ResolvedRequest,
    prompts: Sequence[str],
    text: np.ndarray,
    reference: fad.Moments,
    embedder: Embedder,
    settings: Sweep,
    work: Work,
) -> dict:
    vectors, own, failed, taken, began = [], [], 0, 0.0, time.perf_counter()
    for number, prompt in enumerate(prompts):
        work.tick(words(settings_of(point)), number, len(prompts))
        asked = replace(point.request, prompt=prompt, seed=settings.seed + number)
        try:
            (result,) = engine.generate(point._replace(request=asked), cancel=work.cancel)
        except GenerationError:
            failed += 1
            continue
        taken += sum(result.seconds_taken.values())
        wave = resample(result.audio, result.sample_rate, embedder.sample_rate).mean(axis=0)
        vectors.append(embedder.audio(windows(wave, embedder.sample_rate, embedder.seconds)[:1])[0])
        own.append(float(vectors[-1] @ text[number]))
    found = settings_of(point) | {"evaluations": evaluations(*point), "failed": failed}
    if len(vectors) < FEWEST:
        return found | {"alignment": None, "fad": None}
    distance = fad.Distance([vector[None] for vector in vectors], reference)
    interval = bootstrap(distance.exact, len(vectors), settings.resamples, centred=True, fast=distance.fast)
    return found | {
        "alignment": figure("alignment", mean_interval(np.array(own), resamples=settings.resamples), len(own)),
        "fad": figure("FAD per-file", interval, len(vectors)),
        "seconds_a_clip": round(taken / len(vectors), 3),
        "wall_seconds": round(time.perf_counter() - began, 1),
    }


def summary(points: Sequence[dict]) -> dict:
    """Points with the fronts (numbers of points) of both qualities and of both together, and the knee of the last."""
    usable = [number for number, point in enumerate(points) if point["fad"]]
    if not usable:
        return {"points": list(points), "fronts": {}, "knee": None}
    costs = [points[i]["evaluations"] for i in usable]
    qualities: dict[str, Any] = {
        "alignment": [points[i]["alignment"]["value"] for i in usable],
        "fad": [-points[i]["fad"]["value"] for i in usable],
    }
    qualities["together"] = together(*qualities.values())
    fronts = {name: [usable[i] for i in front(costs, values)] for name, values in qualities.items()}
    return {"points": list(points), "fronts": fronts, "knee": usable[knee(costs, qualities["together"])]}


def table(report: dict) -> str:
    """The points that nothing beats, as lines of text."""
    model = report["model"]
    lines = [
        f"{model['name']} {model['version']} (weights {model['weights_sha256'][:8]}): {len(report['points'])} points of"
        f" {report['clips']} clips, by {report['embedder']}",
        f"the model's own default: {words(report['default'])}",
        "",
        f"{'evaluations':>11}  {'alignment':<26}{'FAD (one vector a clip)':<26}{'s a clip':<10}settings",
    ]
    best = sorted({i for numbers in report["fronts"].values() for i in numbers})
    for number in best:
        point = report["points"][number]
        cells = "".join(f"{_cell(point[name]):<26}" for name in ("alignment", "fad"))
        knee_ = "   <- knee of both" if number == report["knee"] else ""
        seconds = f"{point['seconds_a_clip']:.2f}"
        lines.append(f"{point['evaluations']:>11}  {cells}{seconds:<10}{words(point)}{knee_}")
    lines += ["", "note: FAD comes out the larger, the fewer the clips: compare it with points of as many alone"]
    return "\n".join(lines)


def _cell(entry: dict) -> str:
    ends = f" ({entry['low']:.3f} to {entry['high']:.3f})" if "low" in entry else ""
    return f"{entry['value']:.3f}{ends}"


def draw(report: dict, path: Path) -> None:
    """Both qualities against evaluations, with their fronts, the knee and the model's default. FileError."""
    from ..runtime.charts import COLOURS, picture

    points = report["points"]
    solvers = list(dict.fromkeys(point["solver"] for point in points))
    with picture(path, 1, 2, (9.6, 4.2)) as axes:
        for ax, (name, title) in zip(axes, (("alignment", "Alignment"), ("fad", "FAD (lower is better)")), strict=True):
            for solver, colour in zip(solvers, COLOURS, strict=False):
                some = [point for point in points if point["solver"] == solver and point[name]]
                x, y = [point["evaluations"] for point in some], [point[name]["value"] for point in some]
                ax.scatter(x, y, s=14, color=colour, alpha=0.7, label=solver)
            best = [points[i] for i in report["fronts"].get(name, ())]
            ax.step([p["evaluations"] for p in best], [p[name]["value"] for p in best], where="post", color="#4a4a4a")
            default = [point for point in points if all(point[k] == v for k, v in report["default"].items())]
            marked = [("knee of both", points[report["knee"]], "o")] if report["knee"] is not None else []
            for label, point, marker in [*marked, *(("default", point, "s") for point in default)]:
                if point[name]:
                    at = (point["evaluations"], point[name]["value"])
                    ax.scatter(*at, s=90, facecolors="none", edgecolors="black", marker=marker, label=label)
            ax.set_xscale("log", base=2)
            ax.xaxis.set_major_formatter("{x:g}")
            ax.set(xlabel="network evaluations a clip", title=title)
        axes[1].invert_yaxis()
        axes[0].legend()
        if report["knee"] is not None:
            axes[0].set_title(f"Alignment; knee: {words(points[report['knee']])}")


def _json(value: dict) -> bytes:
    return (json.dumps(value, indent=1, allow_nan=False) + "\n").encode()
