"""The options of `ttm-app train` -> a job, every value checked before anything is read or computed."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from musicgen_app.errors import FileError, RequestError
from musicgen_app.models import installed

from .output.export import About
from .output.preview import PROMPTS
from .recipes.papers import RECIPES
from .recipes.recipe import BUNDLED, Recipe, sizes, with_encoders
from .run import TrainingJob
from .training.config import EmaSettings, Phase
from .training.timesteps import Beta, LogitNormal, Schedule, Uniform

TRAINING = ("init", "micro", "repa_clap", "repa_muq", "precision", "seed", "save_every", "preview_every")


def job_of(options: dict) -> TrainingJob:
    """The job that options ask for, by their names; None where one was not given. Raises RequestError, FileError."""
    if not options["data"]:
        raise RequestError("give the folder with the music as --data")
    for folder in options["data"]:
        if not folder.exists():
            raise FileError(f"{folder} does not exist: give the folder with the music as --data")
    return TrainingJob(
        recipe=recipe_of(options),
        data=tuple(options["data"]),
        out=options["out"] or Path("runs") / options["recipe"],
        about=_about(options),
        captions={style: Path(file) for style, file in (_pair("--captions", text) for text in options["captions"])},
        separate=options["separate"],
        workers=options["workers"],
        resume=options["resume"] if options["resume"] in ("auto", "never") else _checkpoint(Path(options["resume"])),
        stop_at=options["stop_at"],
        max_hours=options["max_hours"],
        prompts=tuple(options["prompts"]) or PROMPTS,
        device=options["device"],
    )


def recipe_for(recipe: str, encoders: str | None = None, *, steps=None, lr=None, batch=None, **training) -> Recipe:
    """The recipe of that name with what is not None changed; training: fields of `Training`, by their names."""
    made = RECIPES[recipe]
    if encoders:
        made = with_encoders(made, encoders)
    if steps:
        made = made.with_steps(steps)
    if lr:
        made = _with_lr(made, lr)
    if batch:
        made = _with_batch(made, batch)
    for name, value in training.items():
        if value is not None:
            made = made.with_training("--" + name.replace("_", "-"), **{name: value})
    return made


def recipe_of(options: dict) -> Recipe:
    """The recipe that is named, with everything in it that options change."""
    names = ("recipe", "encoders", "steps", "lr", "batch", *TRAINING)
    recipe = recipe_for(**{name: options[name] for name in names})
    if options["lora"]:
        recipe = _with_adapter(recipe, options["lora"], options["init"] or BUNDLED, options["encoders"])
    if options["clusters"]:
        recipe = recipe.with_training("--clusters", clusters=_clusters(options["clusters"]))
    if options["ema"]:
        recipe = recipe.with_training("--ema", ema=_ema(options["ema"]))
    if options["timesteps"] or options["beta_lambda"] is not None:
        by = "--timesteps" if options["timesteps"] else "--beta-lambda"
        recipe = recipe.with_training(by, timesteps=_timesteps(recipe, options["timesteps"], options["beta_lambda"]))
    recipe = _with_changes(recipe, options["changes"])
    if recipe.training.repa_muq and not recipe.preparation.muq:
        origins = recipe.origins | {"preparation.muq": "for REPA-MuQ"}
        recipe = replace(recipe, preparation=replace(recipe.preparation, muq=True), origins=origins)
    return recipe


def _with_adapter(recipe: Recipe, rank: int, init: str, encoders: str | None) -> Recipe:
    """The recipe for an adapter of a model, whose network, encoders and sampler it takes over. Raises ModelError."""
    bundle = installed.find(init)
    backbone = bundle.config["backbone"]
    if bundle.sampler["solver"] == "mean":
        raise RequestError(
            f"{bundle.name} is a MeanFlow model, and those cannot be trained here, nor can their adapters"
        )
    if not encoders:
        recipe = with_encoders(recipe, init, by="--lora")
    of_model = {"preset": backbone["preset"], "overrides": backbone.get("overrides") or {}}
    given = {} if bundle.grid_layout and bundle.grid_layout > 1 else {"given": 0.0}
    recipe = recipe.with_training("--lora", lora=rank, init=init, **of_model, **given)
    origins = {f"model.{name}": f"the model {bundle.name}" for name in sizes(recipe.training)}
    seconds = {name: bundle.config["seconds"][name] for name in ("native", "max")}
    return replace(recipe, sampler=bundle.sampler, seconds=seconds, origins=recipe.origins | origins)


def _with_changes(recipe: Recipe, changes: Sequence[str]) -> Recipe:
    """The recipe with every KEY=VALUE; one that only holds together with another waits until that one is there."""
    waiting = list(changes)
    while waiting:
        left = []
        for text in waiting:
            try:
                recipe = recipe.changed(*_pair("--set", text))
            except RequestError as error:
                left.append(text)
                fault = error
        if len(left) == len(waiting):
            raise fault
        waiting = left
    return recipe


def _with_lr(recipe: Recipe, lr: float) -> Recipe:
    """Another learning rate of the first phase, and of the others in proportion."""
    first = recipe.training.phases[0].lr
    return _with_phases(recipe, "lr", "--lr", lambda phase: phase.lr * (lr / first))


def _with_batch(recipe: Recipe, batch: int) -> Recipe:
    """Another batch; phases with one of their own keep its proportion."""
    scale = batch / recipe.training.batch
    recipe = _with_phases(recipe, "batch", "--batch", lambda phase: phase.batch and max(1, round(phase.batch * scale)))
    return recipe.with_training("--batch", batch=batch)


def _with_phases(recipe: Recipe, name: str, by: str, value: Callable[[Phase], object]) -> Recipe:
    """The recipe with one field of every phase replaced."""
    changes: list[dict[str, Any]] = [{name: value(phase)} for phase in recipe.training.phases]
    phases = tuple(replace(phase, **change) for phase, change in zip(recipe.training.phases, changes, strict=True))
    names = [f"training.phases.{i}.{name}" for i, phase in enumerate(phases) if getattr(phase, name) is not None]
    training = replace(recipe.training, phases=phases)
    return replace(recipe, training=training, origins=recipe.origins | dict.fromkeys(names, by))


def _clusters(text: str) -> tuple[str, int]:
    if text == "none":
        return "text", 1
    found = re.fullmatch(r"(text|audio)-([1-9]\d{0,5})", text)
    if not found:
        raise RequestError(f"--clusters {text}: give text-K or audio-K, such as text-50, or none")
    return found[1], int(found[2])


def _ema(text: str) -> EmaSettings | None:
    if text == "none":
        return None
    kind, _, number = text.rpartition(":")
    try:
        value = float(number)
    except ValueError:
        value = None
    if value is None or kind not in ("", "sigma"):
        raise RequestError(f"--ema {text}: give a decay such as 0.999, sigma:WIDTH such as sigma:0.05, or none")
    return EmaSettings(decay=None, sigma_rel=value) if kind else EmaSettings(decay=value)


def _timesteps(recipe: Recipe, kind: str | None, lam: float | None) -> Schedule:
    kinds: dict[str, Callable[[], Schedule]] = {"uniform": Uniform, "logit-normal": LogitNormal, "beta": Beta}
    if lam is None:
        assert kind is not None  # one of the two is given
        return kinds[kind]()
    if kind not in (None, "beta"):
        raise RequestError(f"--beta-lambda belongs to --timesteps beta, not to {kind}")
    own = recipe.training.timesteps
    return replace(own, lam=lam) if isinstance(own, Beta) else Beta(lam=lam)


def _pair(option: str, text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        kind = "STYLE=FILE" if option == "--captions" else "KEY=VALUE"
        raise RequestError(f"{option} {text}: give it as {kind}")
    return name, value


def _about(options: dict) -> About:
    name = options["name"]
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", name):
        raise RequestError(f"{name!r} is no name for a model: give --name with a-z, 0-9, '.', '_' and '-' (64 at most)")
    return About(name=name, title=options["title"], licence=options["licence"])


def _checkpoint(folder: Path) -> Path:
    if not folder.is_dir():
        raise FileError(f"--resume {folder}: there is no such checkpoint; give auto, never, or a folder step-...")
    return folder
