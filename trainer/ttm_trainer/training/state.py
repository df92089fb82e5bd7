"""The state of a run: weights, their average and the optimizer. It is new or from a checkpoint, and can be saved."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor, nn

from musicgen_app.backbones.presets import build_backbone
from musicgen_app.errors import FileError

from ..prepare.prepared_folder import Prepared
from ..runtime import checkpoint
from ..runtime.distributed import Team
from . import lora
from .config import Training, harmless
from .objective import Objective, begin_from, new_objective
from .optim import EMA, adamw


class State:
    """A run at a step, on the device of `team`, spread over its processes; from the checkpoint `folder` if given.

    objective: what is trained; wrapped: the same, to be called; averaged: the averaged model without heads, to be
    validated (the trained one when no average is kept). Raises ModelError for a checkpoint that is unusable or was made
    with other settings or data.
    """

    def __init__(self, training: Training, prepared: Prepared, team: Team, folder: Path | None = None):
        self.training, self.team = training, team
        self.settings = json.loads(json.dumps({"training": asdict(training), "data": fingerprint(prepared)}))
        self.step, self.skipped, self.bad_in_a_row, self.saved = 0, 0, 0, folder
        self.window: dict = {}  # of the log, at the step of the checkpoint
        self.looked = True  # whether what was due at that step, validation and previews, was done
        self.objective = new_objective(training, prepared)
        if training.init and training.lora:
            self.settings["base"] = lora.base_sha256(training.init)
            lora.attach(self.objective.model, training.init, training.lora, training.seed)
        elif training.init and not folder:
            begin_from(self.objective.model, training.init)
        average = training.ema
        self.ema = EMA(self.objective.model, average.decay, average.sigma_rel, bool(training.lora)) if average else None
        if folder:
            saved = checkpoint.read_state(folder)
            checkpoint.refuse_other(folder, saved["settings"], self.settings, harmless(saved["settings"]["training"]))
            self.step = checkpoint.load(folder, self._modules(), {})

        self.objective.to(team.device)
        model = self.ema.average.to(team.device) if self.ema else self.objective.model
        self.averaged = Objective(model, nn.ModuleDict(), training, self.objective.weights)
        if self.ema:
            team.spread(self.averaged)
        team.spread(self.objective)
        self.wrapped = team.wrap(self.objective)
        self.optimizer = adamw([self.objective], training.rate(0), training.weight_decay, training.betas, training.eps)
        self.scaler = torch.amp.GradScaler(team.device.type, enabled=training.precision == "fp16")
        if folder:
            checkpoint.load(folder, {}, {"model": self.optimizer})
            self.skipped, self.bad_in_a_row = saved["extra"]["skipped"], saved["extra"]["bad_in_a_row"]
            self.scaler.load_state_dict(saved["extra"]["scaler"])
            self.window, self.looked = saved["extra"].get("window", {}), saved["extra"].get("looked", True)

    def save(self, run: Path, window: dict, looked: bool) -> None:
        """Write a checkpoint into the folder `run`; all processes call this. Raises FileError when that fails.

        window: of the log; looked: whether what is due at this step, validation and previews, was done.
        """
        numbers = {"skipped": self.skipped, "bad_in_a_row": self.bad_in_a_row, "scaler": self.scaler.state_dict()}
        numbers |= {"window": window, "looked": looked}
        modules, optimizers, keep = self._modules(), {"model": self.optimizer}, self.training.keep
        self.saved = checkpoint.save(
            run, self.step, modules, optimizers, self.settings, keep, numbers, on_main=self.team.on_main
        )

    def model(self) -> nn.Module:
        """The averaged model (without an average the trained one), whole, in evaluation mode; all processes call this.

        Spread weights (FSDP) and sums with an adapter are copied; else it is the model that goes on to be averaged:
        leave it as it is.
        """
        if not self.team.shards and not self.training.lora:
            return self.averaged.model.eval()
        average = self.averaged.model
        state = lora.merged(average) if self.training.lora else checkpoint.whole(average.state_dict())
        with torch.device("meta"):
            model = build_backbone(self.training.preset, self.training.overrides)
        model.load_state_dict(state, assign=True)
        return model.to(self.team.device).eval()

    def adapter(self) -> dict[str, tuple[Tensor, Tensor]] | None:
        """The averaged factors of the adapter, where one is trained."""
        return lora.factors(self.averaged.model) if self.training.lora else None

    def _modules(self) -> dict[str, nn.Module]:
        models: dict[str, nn.Module] = {"model": self.objective.model}
        if self.ema:
            models["average"] = self.ema.average
        if self.training.lora:
            models = {name: lora.parts(model) for name, model in models.items()}
        return {**models, "heads": self.objective.heads}


def starting_point(out: Path, resume: str | Path) -> Path | None:
    """The checkpoint to go on from, or None for a new run; see `train`. Raises FileError."""
    newest = checkpoint.latest(out)
    if resume == "auto":
        return newest
    if resume == "never":
        if newest:
            raise FileError(f"{out} holds a run already ({newest.name}): give another --out, or remove it")
        return None
    asked = Path(resume)
    folder = asked if (asked / checkpoint.STATE).exists() else checkpoint.latest(asked)
    if folder is None:
        raise FileError(f"{asked} is neither a checkpoint nor a run that has one")
    if newest and checkpoint.step_of(newest) > checkpoint.read_state(folder)["step"]:
        raise FileError(f"{out} holds a later checkpoint, {newest.name}: move it away, or give another --out")
    return folder


def fingerprint(prepared: Prepared) -> dict:
    """A fingerprint by which a run knows whether a folder still holds the data that it began with."""
    statistics = json.dumps([prepared.meta["latent"][name] for name in ("mean", "std")])
    items = {split: len(prepared.items(split)) for split in ("train", "val")}
    return {**items, "latents": hashlib.sha256(statistics.encode()).hexdigest()[:16]}
