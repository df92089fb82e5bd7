"""What `ttm-app train --dry-run` prints: every parameter and where it comes from, the data, memory and time."""

from __future__ import annotations

import os

from musicgen_app.machine.files import in_words

from ..output.model_card import plain
from ..prepare.prepared_folder import META, Prepared
from ..recipes.fit_to_data import fitted, for_device
from ..recipes.recipe import Recipe, encoder_sizes, latent_rate
from ..run import TrainingJob, given
from ..runtime.progress import duration
from ..runtime.run_folder import PREPARED
from .estimate import estimate

WHOLE_FILE = 240.0  # seconds that a file is taken to last where whole files are trained on and none is known yet


def dry_run_facts(job: TrainingJob) -> dict:
    """Facts of a run as JSON, with nothing written. Raises RequestError, FileError and ModelError as the run would."""
    prepared, recipe = _data(job), job.recipe
    notes: list[str] = []
    if prepared:
        recipe, notes = fitted(recipe, prepared)
    recipe, more = for_device(recipe, job.device)
    frames, tokens = _shape(recipe, prepared)
    found = estimate(recipe.training, frames, tokens, int(os.environ.get("WORLD_SIZE", "1")), job.device)
    rows = [{"name": n, "value": value, "from": recipe.origin(n)} for n, value in recipe.parameters().items()]
    items = {split: len(prepared.items(split)) for split in ("train", "val", "test")} if prepared else None
    return {
        "recipe": recipe.name,
        "title": recipe.title,
        "out": str(job.out),
        "parameters": rows,
        "items": items,
        "frames": frames,
        "notes": notes + more,
        "checkpoint_bytes": found.weights + found.optimizer + found.average,
        "estimate": found.to_dict(),
    }


def dry_run_lines(facts: dict) -> list[str]:
    """The facts as text."""
    width = max(len(row["name"]) for row in facts["parameters"])
    values = [plain(row["value"]) for row in facts["parameters"]]
    wide = min(40, max(map(len, values)))
    table = [
        f"{row['name']:<{width}}  {value:<{wide}}  {row['from']}"
        for row, value in zip(facts["parameters"], values, strict=True)
    ]
    found, items = facts["estimate"], facts["items"]
    data = (
        "  ".join(f"{count:,} {split}" for split, count in items.items())
        if items
        else "not prepared yet: this command does it first, and tells how many items there are"
    )
    kinds = ("weights", "gradients", "optimizer", "average", "activations")
    return [
        f"{facts['recipe']}: {facts['title']}",
        "",
        *table,
        "",
        f"items       {data}",
        *(f"note        {note}" for note in facts["notes"]),
        f"model       {found['parameters']:,} parameters",
        f"memory      {in_words(found['memory'])}: " + ", ".join(f"{kind} {in_words(found[kind])}" for kind in kinds),
        f"time        {duration(found['seconds'])}: {found['steps']:,} steps of {found['seconds_a_step']:.3g} s, plus"
        " preparing, checkpoints and validation",
        f"            {found['how']}",
        f"disk        {in_words(facts['checkpoint_bytes'])} a checkpoint",
        f"nothing was changed; without --dry-run this would run in {facts['out']}",
    ]


def _data(job: TrainingJob) -> Prepared | None:
    """The prepared data, where they are prepared."""
    folder = given(job.data) or job.out / PREPARED
    return Prepared(folder) if (folder / META).exists() else None


def _shape(recipe: Recipe, prepared: Prepared | None) -> tuple[int, int]:
    """Frames of the longest item and tokens of a text, as far as they can be known."""
    if prepared:
        tokens = prepared.meta["text"]["length"] or encoder_sizes(recipe.preparation.encoders)["text_len"]
        return int(prepared.frames.max()), tokens
    seconds = recipe.preparation.seconds or WHOLE_FILE
    encoders = recipe.preparation.encoders
    return round(seconds * latent_rate(encoders)), encoder_sizes(encoders)["text_len"]
