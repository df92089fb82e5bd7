"""A trained adapter and its data -> an adapter folder, with card and credits, that `generate --adapter` takes."""

from __future__ import annotations

import json
from pathlib import Path

from torch import Tensor

from musicgen_app.machine import files
from musicgen_app.models import installed
from musicgen_app.models.adapters import Adapter, write_adapter
from musicgen_app.models.bundle import WEIGHTS

from ..prepare.prepared_folder import Prepared
from ..recipes.recipe import Recipe
from ..runtime.run_folder import ADAPTER, METRICS
from .credits import credits_of, licences_of
from .export import CREDITS, About, trained_rows
from .model_card import adapter_card, last_figures


def export_adapter(
    factors: dict[str, tuple[Tensor, Tensor]],
    step: int,
    recipe: Recipe,
    prepared: Prepared,
    about: About,
    run: Path,
    notes: tuple[str, ...] = (),
) -> Adapter:
    """Write `run/adapter` with the averaged factors of a step, and return it. Raises FileError and ModelError."""
    base, training, rows = installed.find(recipe.training.init or ""), recipe.training, trained_rows(prepared)
    facts = {
        "name": about.name,
        "title": about.title or about.name,
        "version": about.version,
        "licence": about.licence,
        "base": {
            "name": base.name, "version": base.config["version"], "weights_sha256": base.config["files"][WEIGHTS],
        },
        "training": {
            "recipe": recipe.name,
            "step": step,
            "steps": training.steps,
            "items": len(prepared.items("train")),
            "settings": {name: value for name, value in recipe.parameters().items() if name.startswith("training.")},
            "notes": list(notes),
        },
        "data": licences_of(rows),
    }  # fmt: skip
    head = f"license: {json.dumps(about.licence.lower())}\nlibrary_name: ttm-app\npipeline_tag: text-to-audio"
    card = f"---\n{head}\ntags:\n  - music\n  - lora\n---\n\n" + adapter_card(
        facts, base.licence, last_figures(run / METRICS)
    )
    credited = files.write(run / CREDITS, f"# Credits\n\n{credits_of(rows)}".encode(), overwrite=True)
    return write_adapter(run / ADAPTER, factors, training.lora, facts, card, {CREDITS: credited}, overwrite=True)
