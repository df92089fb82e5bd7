"""The whole of a training: music -> prepared folder -> checkpoints -> bundle. Run again, it goes on where it was.

Everything of a run is in one folder: prepared/ (unless the data are prepared already), step-0012000/ (checkpoints),
metrics.jsonl, run.json (the recipe, as it was run), times.png (how times are drawn), latent.json (the statistics of a
model that training began from), previews/, curves.png, CREDITS.md and, at the end, bundle/ (with --lora: adapter/).
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from torch import nn

from musicgen_app import __version__
from musicgen_app.control.grid import WIDTHS, layout_of
from musicgen_app.errors import FileError
from musicgen_app.machine import files
from musicgen_app.models import installed
from musicgen_app.models.adapters import Adapter
from musicgen_app.models.bundle import Bundle

from .output.adapter_export import export_adapter
from .output.credits import licence_note
from .output.export import About, export, export_plain, trained_rows
from .output.preview import PROMPTS, Previews
from .prepare.clusters import make_clusters
from .prepare.encoders import Encoders
from .prepare.pipeline import prepare
from .prepare.prepared_folder import META, Prepared
from .recipes.fit_to_data import asked, fitted, for_device
from .recipes.recipe import Recipe
from .runtime import checkpoint
from .runtime.locks import alone
from .runtime.run_folder import LATENT, PREPARED, RECORD, TIMES
from .runtime.stage_runner import SETTINGS, heed, stage_settings
from .training import timesteps
from .training.config import NEWER, harmless
from .training.loop import Result, train

WAIT = 2.0  # seconds between two looks at what the first process prepares


@dataclass(frozen=True)
class TrainingJob:
    """What to do: `recipe` on the music in `data`, everything of it in `out`.

    captions, separate, workers: as in `prepare`; prompts: of the previews; max_hours: from the start of `run`, with
    preparation. The rest is as in `loop.train`.
    """

    recipe: Recipe
    data: tuple[Path, ...]
    out: Path
    about: About = About()
    captions: dict[str, Path] = field(default_factory=dict)
    separate: bool = False
    workers: int = 1
    resume: str | Path = "auto"
    stop_at: int | None = None
    max_hours: float | None = None
    prompts: tuple[str, ...] = PROMPTS
    device: str = "auto"


@dataclass(frozen=True)
class Outcome:
    """Where the run is, and its model or adapter: None where it was stopped before its end (or before `stop_at`)."""

    result: Result
    bundle: Bundle | Adapter | None


def run(job: TrainingJob, show: Callable[[str], None] = print) -> Outcome:
    """Do a job, or go on with it. Of several processes the first one prepares and writes, the others wait for it.

    Raises FileError when another run is at work in the folder, Unfinished when the time is over before training began,
    and what `prepare`, `fitted`, `train` and `export` raise; whatever was done until then is kept.
    """
    main = is_main()
    until = None if job.max_hours is None else time.monotonic() + 3600 * job.max_hours
    with alone(job.out) if main else nullcontext():
        recipe, prepared, notes = (ready if main else wait_until_ready)(job, show, until)
        result = train(
            recipe.training,
            prepared,
            job.out,
            resume=job.resume,
            stop_at=job.stop_at,
            max_hours=None if until is None else max(0.0, until - time.monotonic()) / 3600,
            on_preview=previews(job, recipe, prepared, show),
            device=job.device,
            show=show,
        )
        if not main or not (result.finished or result.stopped == "stop_at"):
            return Outcome(result, None)
        if result.adapter is not None:
            made = export_adapter(result.adapter, result.step, recipe, prepared, job.about, job.out, notes)
            return Outcome(result, made)
        return Outcome(result, export(result.model, result.step, recipe, prepared, job.about, job.out, notes))


def is_main() -> bool:
    """Whether this process is the only one of its run, or the first of several."""
    return os.environ.get("RANK", "0") == "0"


def ready(
    job: TrainingJob, show: Callable[[str], None] = print, until: float | None = None
) -> tuple[Recipe, Prepared, tuple[str, ...]]:
    """Prepare what is not prepared yet: the recipe fitted to the data, the data, and notes on what was changed."""
    prepared = prepare_data(job, show, until)
    recipe, notes = _fitted(job, prepared)
    doubt = licence_note(trained_rows(prepared), job.about.licence)
    notes += [doubt] if doubt else []
    for note in notes:
        show(f"note: {note}")
    by, k = recipe.training.clusters
    if not _has_clusters(prepared, by, k):
        make_clusters(prepared, by, k, prepared.meta["preparation"]["seed"], recipe.training.batch, show)
    newest = checkpoint.latest(job.out) if job.resume == "auto" else None
    if newest:  # other settings are refused before they are written down
        before = checkpoint.read_state(newest)["settings"]["training"]
        after = {"training": asdict(recipe.training)}
        checkpoint.refuse_other(newest, {"training": before}, after, harmless(before))
    write_record(job, recipe, notes)
    timesteps.picture(recipe.training.timesteps, job.out / TIMES)
    return recipe, prepared, tuple(notes)


def wait_until_ready(
    job: TrainingJob, show: Callable[[str], None] = print, until: float | None = None
) -> tuple[Recipe, Prepared, tuple[str, ...]]:
    """The result of `ready`, once the first process has prepared it; that process tells what goes wrong."""
    folder = given(job.data) or job.out / PREPARED
    while True:
        if (folder / META).exists():
            prepared = Prepared(folder)
            recipe, notes = _fitted(job, prepared)
            if _has_clusters(prepared, *recipe.training.clusters):
                return recipe, prepared, tuple(notes)
        heed(until, "the first process still prepared the data")
        time.sleep(WAIT)


def _fitted(job: TrainingJob, prepared: Prepared) -> tuple[Recipe, list[str]]:
    recipe, notes = fitted(_as_begun(job), prepared)
    recipe, more = for_device(recipe, job.device)
    return recipe, notes + more + _normalise(job, recipe, prepared)


def _as_begun(job: TrainingJob) -> Recipe:
    """The recipe; of a run that an earlier version began, with what its recipe had then, but for what was asked for."""
    newest = checkpoint.latest(job.out) if job.resume == "auto" else None
    if newest is None:
        return job.recipe
    begun = checkpoint.read_state(newest)["settings"]["training"]
    return _with_plans_as_begun(_with_draws_as_begun(job.recipe, begun), begun)


def _with_draws_as_begun(recipe: Recipe, begun: dict) -> Recipe:
    """How captions are drawn and scores are normalised, as it was when the run began."""
    captions, times = begun.get("captions", NEWER["captions"]), recipe.training.timesteps
    if recipe.training.captions != captions and not asked(recipe, "training.captions"):
        recipe = recipe.with_training(captions=captions)
    before = begun["timesteps"].get("normalisation")
    said = recipe.origins.get("training.timesteps.normalisation", "").startswith("--")  # the whole is by --beta-lambda
    if isinstance(times, timesteps.Beta) and before not in (None, times.normalisation) and not said:
        recipe = recipe.with_training(timesteps=replace(times, normalisation=before))
    return recipe


def _with_plans_as_begun(recipe: Recipe, begun: dict) -> Recipe:
    """Plans in the layout in which the run was told them."""
    training, before = recipe.training, begun["overrides"].get("grid_dim")
    if asked(recipe, "model.grid_dim") or not training.grid_layout:
        return recipe
    if before not in WIDTHS.values() or before == WIDTHS[training.grid_layout]:
        return recipe
    given = training.given if layout_of(before) > 1 or asked(recipe, "training.given") else 0.0
    return recipe.with_training(overrides=dict(training.overrides) | {"grid_dim": before}, given=given)


def _normalise(job: TrainingJob, recipe: Recipe, prepared: Prepared) -> list[str]:
    """Normalise latents with the statistics of the model that training begins from, if its codec made them.

    The statistics are kept in the run folder, so that a run that goes on does not need that model any more.
    Returns notes for the record.
    """
    init, kept = recipe.training.init, job.out / LATENT
    if not init:
        return []
    known = json.loads(kept.read_text("utf-8")) if kept.exists() else {}
    if known.get("init") != init:
        bundle = installed.find(init)
        same = Encoders(bundle).codec_identity() == stage_settings(prepared.folder, "latents")["codec"]
        known = {"init": init, "latent": bundle.config["latent"] if same else None}
        files.write(kept, json.dumps(known).encode(), overwrite=True)
    if known["latent"] is None:
        return [f"{init} has another codec than these data: it begins with latents that it does not know"]
    prepared.normalise_as(known["latent"])
    return [f"latents are normalised as those of {init}"]


def prepare_data(job: TrainingJob, show: Callable[[str], None] = print, until: float | None = None) -> Prepared:
    """The prepared folder that was given, or the one made of the music that was given. Raises as `prepare`."""
    folder = given(job.data)
    if folder:
        return Prepared(folder)
    made = prepare(
        list(job.data),
        job.out / PREPARED,
        job.recipe.preparation,
        captions={style: Path(file) for style, file in job.captions.items()},
        separate=job.separate,
        workers=job.workers,
        until=until,
        show=show,
    )
    assert made is not None  # only a shard of several gives none
    return made


def given(data: tuple[Path, ...]) -> Path | None:
    """The prepared folder among the data; None where they are music. FileError: it is not finished, or not alone."""
    first = ("sounds", "manifest")  # stages
    begun = [folder for folder in data if any((folder / stage / SETTINGS).exists() for stage in first)]
    if not begun:
        return None
    if len(data) > 1:
        raise FileError(f"{begun[0]} is a prepared folder: give it alone, or the music of all of them")
    if not (begun[0] / META).exists():
        raise FileError(f"{begun[0]} is not prepared to its end: run the same `ttm-app prepare` again")
    return begun[0]


def previews(job: TrainingJob, recipe: Recipe, prepared: Prepared, show: Callable[[str], None]) -> Previews:
    """The previews that are made every `preview_every` steps."""

    def write(model: nn.Module, step: int, folder: Path) -> Bundle:
        return export_plain(model, step, recipe, prepared, job.about, folder)

    return Previews(job.out, write, job.prompts, min(recipe.seconds["native"], 10.0), device=job.device, show=show)


def write_record(job: TrainingJob, recipe: Recipe, notes: list[str]) -> Path:
    """Write run.json, the record of the run: versions, data, and every parameter with its origin."""
    record = {
        "schema": 1,
        "ttm_app": __version__,
        "recipe": recipe.name,
        "data": [str(folder) for folder in job.data],
        "captions": {style: str(file) for style, file in job.captions.items()},
        "about": asdict(job.about),
        "notes": notes,
        "parameters": {name: [value, recipe.origin(name)] for name, value in recipe.parameters().items()},
    }
    return files.write(job.out / RECORD, json.dumps(record, indent=1).encode(), overwrite=True)


def _has_clusters(prepared: Prepared, by: str, k: int) -> bool:
    try:
        prepared.clusters(by, k)
    except FileError:
        return False
    return True
