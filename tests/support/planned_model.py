"""The tiny model with a grid, and pieces whose plans it borrows."""

from __future__ import annotations

import numpy as np
import torch
from safetensors.torch import save_file

from musicgen_app.control import planner
from musicgen_app.control.grid import WIDTHS
from musicgen_app.control.plan import Plan
from musicgen_app.control.planner import Pieces
from musicgen_app.models.bundle import write_bundle


def pieces() -> Pieces:
    """Six slow minor ones that lie one way, six fast major ones that lie the other."""
    slow = [Plan(60.0 + n, "4/4", 0.0, "D minor", (("Dm", 4.0), ("A", 4.0)), False) for n in range(6)]
    fast = [Plan(160.0 + n, "4/4", 0.0, "G major", (("G", 4.0), ("D", 4.0)), True) for n in range(6)]
    vectors = np.array([[1.0, 0.01 * n] for n in range(6)] + [[0.01 * n, 1.0] for n in range(6)], dtype=np.float32)
    return Pieces(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), tuple(slow + fast))


def wide() -> Pieces:
    """The pieces with vectors as long as those of the bundled sentence encoder."""
    few = pieces()
    vectors = np.random.default_rng(0).standard_normal((len(few.plans), 512)).astype(np.float32)
    return Pieces(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), few.plans)


def planned(tiny_parts, folder, tensors=None, grid=1):
    """The tiny model with a grid, and pieces of given tensors."""
    from musicgen_app.backbones.presets import build_backbone

    config, state, files = tiny_parts
    backbone = {**config["backbone"], "overrides": config["backbone"]["overrides"] | {"grid_dim": WIDTHS.get(grid, 60)}}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        fresh = build_backbone("sketch-dit", backbone["overrides"]).state_dict()
    new = {key: torch.randn_like(value) * 0.1 for key, value in fresh.items() if key.startswith("grid_input_proj")}
    if tensors is not None:
        folder.mkdir(parents=True, exist_ok=True)
        save_file(tensors, folder / planner.FILE)
        files = files | {planner.FILE: folder / planner.FILE}
    named = config | {"name": "planned", "backbone": backbone | {"grid": grid}}
    return write_bundle(folder / "model", named, state | new, "", files)
