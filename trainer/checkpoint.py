"""Checkpoints: folders `step-0012000/` that are complete or not there at all.

Each holds one safetensors file a module, one optimizer file (tensors and numbers only) and `state.json`. All
randomness of a training step is drawn from (seed, step), so nothing else is needed to go on exactly.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from musicgen_app.errors import FileError, ModelError


def latest(run: Path) -> Path | None:
    """The complete checkpoint with the highest step, or None."""
    found = [p for p in run.glob("step-*") if re.fullmatch(r"step-\d{7}", p.name) and (p / "state.json").exists()]
    return max(found, key=lambda path: path.name, default=None)


def save(run: Path, step: int, modules: dict[str, nn.Module], optimizers: dict, settings: dict, keep: int = 2) -> Path:
    """Write `run/step-NNNNNNN` atomically, remove all but the `keep` newest. FileError: the disk is full, say."""
    final = run / f"step-{step:07d}"
    temporary = run / f".{final.name}.{os.getpid()}"
    try:
        temporary.mkdir(parents=True)
        for name, module in modules.items():
            save_file(
                {k: v.detach().contiguous() for k, v in module.state_dict().items()}, temporary / f"{name}.safetensors"
            )
        torch.save(
            {name: optimizer.state_dict() for name, optimizer in optimizers.items()}, temporary / "optimizers.pt"
        )
        (temporary / "state.json").write_text(json.dumps({"step": step, "settings": settings}, indent=2))
        for path in temporary.iterdir():
            with open(path, "rb") as file:
                os.fsync(file.fileno())
        if final.exists():
            shutil.rmtree(final)
        os.replace(temporary, final)
    except OSError as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise FileError(f"cannot write checkpoint {final}: {error.strerror}; free some space and run again") from error
    for old in sorted(run.glob("step-*"))[:-keep]:
        shutil.rmtree(old)
    return final


def load(folder: Path, modules: dict[str, nn.Module], optimizers: dict, settings: dict | None = None) -> int:
    """Restore modules and optimizers in place and return the step.

    Raises ModelError when the checkpoint is unreadable, or was made with other `settings` (names the ones that differ).
    """
    try:
        state = json.loads((folder / "state.json").read_text())
        if settings is not None:
            differ = [k for k in settings if state["settings"].get(k) != settings[k]]
            if differ:
                raise ModelError(
                    f"{folder} was made with other settings ({', '.join(differ)}): give the same ones or another --out"
                )
        for name, module in modules.items():
            module.load_state_dict(load_file(folder / f"{name}.safetensors"), strict=True)
        saved = torch.load(folder / "optimizers.pt", weights_only=True)
        for name, optimizer in optimizers.items():
            optimizer.load_state_dict(saved[name])
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
        reason = " ".join(str(error).split())
        raise ModelError(
            f"checkpoint {folder} cannot be used ({reason}): remove it to go on from the one before"
        ) from error
    return state["step"]
