"""A prepared folder and options with which `ttm-app train` trains the model `tiny` anew within seconds."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

from support.prepared_folder import write_tiny

SIZES = {"hidden": 32, "depth": 2, "fused_depth": 1, "heads": 1, "mlp_width": 32}


def prepare_tiny(folder: Path) -> Path:
    """Random items in the shapes of the encoders of `tiny`."""
    write_tiny(folder, frames=125, latent_dim=8, text_dim=512, length=48, rate=125.0)
    meta = json.loads((folder / "prepared.json").read_text())
    meta["preparation"]["encoders"] = "tiny"
    (folder / "prepared.json").write_text(json.dumps(meta))
    return folder


def tiny_options(data: Path, out: Path, steps: int = 6, **more: object) -> dict[str, object]:
    """Options of a run of `steps` steps, with a row of metrics every second step."""
    changes = [f"model.{name}={size}" for name, size in SIZES.items()] + ["training.log_every=2"]
    options = {"data": [data], "out": out, "name": "tones", "steps": steps, "batch": 2, "precision": "fp32"}
    return {**options, "device": "cpu", "save_every": 1000, "set": changes, **more}


def until(happened: Callable[[], object], seconds: float = 60.0) -> object:
    """What `happened` gives once it gives something."""
    end = time.monotonic() + seconds
    while not (found := happened()):
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.05)
    return found
