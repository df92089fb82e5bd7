"""Adapters for the tiny models of the tests."""

from __future__ import annotations

from pathlib import Path

import torch

from musicgen_app.models.adapters import Adapter, targets, write_adapter
from musicgen_app.models.bundle import WEIGHTS, Bundle, load_backbone


def write_random(folder: Path, bundle: Bundle, rank: int = 2, seed: int = 0, alpha: float = 2.0) -> Adapter:
    """An adapter for every layer of a model that can have one, strong enough to be heard."""
    random = torch.Generator().manual_seed(seed)
    factors = {}
    for name, layer in targets(load_backbone(bundle)):
        out, *rest = layer.weight.shape
        a = torch.randn(rank, *rest, generator=random)
        factors[name] = a, 0.05 * torch.randn(out, rank, *([1] * (len(rest) - 1)), generator=random)
    base = {"name": bundle.name, "version": "1", "weights_sha256": bundle.config["files"][WEIGHTS]}
    facts = {"name": folder.name, "base": base, "licence": "CC0-1.0"}
    return write_adapter(folder, factors, alpha, facts, f"# {folder.name}\n")
