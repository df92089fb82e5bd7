"""Checkpoints: folders `step-0012000/` that are complete or not there at all, whenever the process is killed.

Each holds one safetensors file a module and an optimizer, and `state.json`: the step, the settings and a few numbers.
All randomness of a training step is drawn from (seed, step), so nothing else is needed to go on exactly. Tensors that
are spread over processes (FSDP) are gathered and saved whole: a checkpoint does not tell how many processes wrote it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from musicgen_app.errors import ModelError
from musicgen_app.machine import files

from .flat_names import flatten

STATE = "state.json"


def found(run: Path) -> list[Path]:
    """The complete checkpoints of a run folder, oldest first."""
    folders = (path for path in run.glob("step-*") if re.fullmatch(r"step-\d{7,}", path.name))
    return sorted((path for path in folders if (path / STATE).exists()), key=step_of)


def latest(run: Path) -> Path | None:
    """The complete checkpoint with the highest step, or None."""
    return next(reversed(found(run)), None)


def step_of(folder: Path) -> int:
    """The step a checkpoint's name tells."""
    return int(folder.name.removeprefix("step-"))


def save(
    run: Path,
    step: int,
    modules: Mapping[str, nn.Module],
    optimizers: Mapping[str, torch.optim.Optimizer],
    settings: dict,
    keep: int = 2,
    extra: dict | None = None,
    on_main: Callable[[Callable[[], Path]], Path] = lambda work: work(),
) -> Path:
    """Write `run/step-NNNNNNN` and remove all but the `keep` newest; returns the folder.

    `extra` are numbers and strings that `load` gives back. With several processes all of them call this, and `on_main`
    runs the writing in one. Raises FileError when it cannot be written (the disk is full, say): whatever was there
    before is untouched.
    """
    tensors = {name: whole(module.state_dict()) for name, module in modules.items()}
    tensors |= {_optimizer_file(name): whole(_flat(optimizer)) for name, optimizer in optimizers.items()}
    state = {"step": step, "settings": settings, "extra": extra or {}}
    return on_main(lambda: _write(run, step, tensors, state, keep))


def load(folder: Path, modules: Mapping[str, nn.Module], optimizers: dict, settings: dict | None = None) -> int:
    """Restore modules and optimizers in place and return the step.

    Raises ModelError when the checkpoint is unreadable, or was made with other `settings` (names what differs).
    """
    state = read_state(folder)
    if settings is not None:
        refuse_other(folder, state["settings"], settings)
    try:
        for name, module in modules.items():
            module.load_state_dict(load_file(folder / f"{name}.safetensors"), strict=True)
        for name, optimizer in optimizers.items():
            _restore(optimizer, load_file(folder / f"{_optimizer_file(name)}.safetensors"))
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
        raise _unusable(folder, error) from error
    return state["step"]


def read_state(folder: Path) -> dict:
    """{"step", "settings", "extra"} of a checkpoint. Raises ModelError when it is unreadable."""
    try:
        state = json.loads((folder / STATE).read_text(encoding="utf-8"))
        return {"step": int(state["step"]), "settings": state["settings"], "extra": state.get("extra", {})}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _unusable(folder, error) from error


def refuse_other(
    folder: Path, old: dict, new: dict, ignore: Callable[[str, object, object], bool] | None = None
) -> None:
    """Raise ModelError that names every setting of `new` which the checkpoint was not made with, as "name: old -> new".

    Nested settings are named by dotted paths. `ignore(name, old, new)` says which differences do no harm; a setting
    that is on one side only has None on the other.
    """
    before, after = flatten(old), flatten(json.loads(json.dumps(new)))
    names = [name for name in before | after if before.get(name) != after.get(name)]
    differ = [name for name in names if not (ignore and ignore(name, before.get(name), after.get(name)))]
    if differ:
        listed = ", ".join(f"{name}: {before.get(name)} -> {after.get(name)}" for name in differ[:12])
        more = f" and {len(differ) - 12} more" if len(differ) > 12 else ""
        raise ModelError(f"{folder} was made with other settings ({listed}{more}): give the same ones or another --out")


def whole(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors, contiguous; those spread over processes are gathered, by all of them, on the CPU."""
    gathered = {
        name: value.full_tensor().cpu() if hasattr(value, "full_tensor") else value for name, value in tensors.items()
    }
    return {name: value.detach().contiguous() for name, value in gathered.items()}


def _write(run: Path, step: int, tensors: dict[str, dict[str, Tensor]], state: dict, keep: int) -> Path:
    final, kept = run / f"step-{step:07d}", latest(run)
    advice = "free some space and run the same command again" + (f"; it goes on from {kept.name}" if kept else "")
    with files.writing_folder(final, overwrite=True, advice=advice) as new:
        for name, values in tensors.items():
            save_file(values, new / f"{name}.safetensors")
        (new / STATE).write_text(json.dumps(state, indent=2), encoding="utf-8")
    for old in found(run)[:-keep]:
        with files.reported(f"remove {old}"):
            files.remove_folder(old)
    return final


def _optimizer_file(name: str) -> str:
    return f"optimizer-{name}"


def _flat(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The optimizer's tensors by "number of the parameter/name"; its other numbers are settings of the run."""
    state = optimizer.state_dict()["state"]
    return {f"{number}/{name}": value for number, values in state.items() for name, value in values.items()}


def _restore(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """The inverse of `_flat`, for an optimizer of the same parameters, spread over processes or not."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        number, name = key.split("/")
        parameter = parameters[int(number)]
        if value.ndim and value.shape != parameter.shape:
            raise ValueError(f"{key} has the shape {tuple(value.shape)}, its parameter {tuple(parameter.shape)}")
        state.setdefault(int(number), {})[name] = _spread(value, parameter) if value.ndim else value
    optimizer.load_state_dict(optimizer.state_dict() | {"state": state})


def _spread(value: Tensor, parameter: Any) -> Tensor:
    """A whole tensor, distributed over processes as `parameter` is."""
    if not hasattr(parameter, "full_tensor"):
        return value
    from torch.distributed.tensor import distribute_tensor

    return distribute_tensor(value.to(parameter.device), parameter.device_mesh, parameter.placements)


def _unusable(folder: Path, error: Exception) -> ModelError:
    reason = " ".join(str(error).split())
    return ModelError(f"checkpoint {folder} cannot be used ({reason}): remove it to go on from the one before")
