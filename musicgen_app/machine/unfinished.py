"""Latents of long clips that were not finished, so that the same request goes on where it was stopped.

Each is one small file in a folder of its own, written whole after every step of the sampler and removed when the clip
is done. What nobody asked for again within a week is removed as well.
"""

from __future__ import annotations

import hashlib
import json
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import FileError
from . import files, paths

if TYPE_CHECKING:
    from torch import Tensor

KEPT = 7 * files.DAY  # seconds
SUFFIX = ".safetensors"


def folder() -> Path:
    """Where the command line keeps them."""
    return paths.cache() / "unfinished"


def digest(facts: dict) -> str:
    """A short name of JSON-safe facts, the same for the same facts."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def asked_for(request: dict, weights: str) -> str:
    """A short name of all that a resolved request, as JSON, asks of a model of these weights (sha256) but its seed."""
    from .. import __version__

    return digest(request | {"seed": None, "model": weights, "app": __version__})


def seed_of(place: Path, asked: str) -> int | None:
    """The seed of the request that was stopped last, of those that asked for this; None where there is none."""
    found = []
    for path in place.glob(f"{asked}-*{SUFFIX}"):
        with suppress(OSError, ValueError, IndexError):
            found.append((path.stat().st_mtime, int(path.name.split("-")[1])))
    return max(found, default=(0.0, None))[1]


class Unfinished:
    """What is known of one batch of clips. asked: all that was asked for but the seed; computed: and how it is made."""

    def __init__(self, place: Path, asked: str, seed: int, first: int, computed: str):
        self.path = place / f"{asked}-{seed}-{first}-{computed}{SUFFIX}"

    def read(self, steps: int, like: Tensor) -> tuple[int, Tensor, Tensor | None] | None:
        """The steps that are done of so many, the latents after them, and the velocity that the solver goes on from,
        where it knows of one; None where nothing usable is there."""
        from safetensors import SafetensorError, safe_open

        if not self.path.is_file():
            return None
        try:
            with safe_open(self.path, "pt") as file:
                step = int((file.metadata() or {}).get("step", 0))
                latents = file.get_tensor("latents")
                velocity = file.get_tensor("velocity") if "velocity" in file.keys() else None
        except (OSError, ValueError, SafetensorError):
            return None
        known = [latents] if velocity is None else [latents, velocity]
        fit = [one.shape == like.shape and one.dtype == like.dtype and bool(one.isfinite().all()) for one in known]
        if not (0 < step <= steps and all(fit)):
            return None
        return step, latents.to(like.device), None if velocity is None else velocity.to(like.device)

    def keep(self, step: int, latents: Tensor, velocity: Tensor | None = None) -> None:
        """Write what is there after a step. A disk that takes nothing does not stop the music."""
        from safetensors.torch import save

        known = {"latents": latents} if velocity is None else {"latents": latents, "velocity": velocity}
        data = save({name: one.detach().cpu().contiguous() for name, one in known.items()}, {"step": str(step)})
        with suppress(OSError, FileError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            files.write(self.path, data, overwrite=True)

    def remove(self) -> None:
        """The clips are done. What others left long ago goes too."""
        with suppress(OSError):
            self.path.unlink(missing_ok=True)
        for path in self.path.parent.glob(f"*{SUFFIX}"):
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > KEPT:
                    path.unlink()
