"""The model card of a trained generator: what it is, what it was trained on and how, its figures, its limits."""

from __future__ import annotations

import json
import math
from pathlib import Path

from ..recipes.recipe import Recipe
from ..runtime import progress

LIMITS = """\
It makes instrumental music of the kind it was trained on, from English captions like those it saw; it does not sing and
knows no artists. Tempo, key and chords given in a prompt steer little unless the captions named them. Clips longer than
those of the training data keep their sound but have no form. No listening test was made."""


def card(recipe: Recipe, config: dict, metrics: dict, curves: str | None) -> str:
    """Markdown without front matter. config: the bundle's; metrics: see `last_figures`; curves: a picture's name."""
    training, hours = config["training"], sum(row["hours"] for row in config["data"] if row["part"] == "generator")
    parts = [
        f"# {config['title']}",
        f"A text-to-music generator of {training['parameters']:,} parameters (preset `{recipe.training.preset}`),"
        f" trained from scratch with ttm-app by the recipe `{recipe.name}` ({recipe.title}) for {training['step']:,} of"
        f" {training['steps']:,} steps on {hours:.2f} hours of captioned music ({training['items']:,} items).",
        f'Play it with `ttm-app generate "slow piano" --model {config["name"]}`, or with the path of this folder.',
        "## Training data",
        _table(("part", "data", "licence", "hours"), [_data_row(row) for row in config["data"]]),
        "Sources and makers: [CREDITS.md](CREDITS.md).",
        "## Figures",
        _figures(metrics),
        *([f"![Loss, validation loss and learning rate over the steps]({curves})"] if curves else []),
        "## Recipe",
        *([f"On these data: {'; '.join(training['notes'])}."] if training["notes"] else []),
        _table(("parameter", "value", "from"), _recipe_rows(recipe)),
        "## Limits",
        LIMITS,
        "## Licence",
        f"Weights: {config['licence']}. Whether that suits the licences of the data above is for whoever publishes the"
        " model to judge.",
    ]
    return "\n\n".join(parts) + "\n"


def adapter_card(facts: dict, base_licence: str, metrics: dict) -> str:
    """Markdown of an adapter without front matter. facts: those of its `adapter.json`; base_licence: of its model."""
    base, training, hours = facts["base"], facts["training"], sum(row["hours"] for row in facts["data"])
    settings: list[tuple[str, ...]] = [(f"`{name}`", plain(value)) for name, value in training["settings"].items()]
    parts = [
        f"# {facts['title']}",
        f"An adapter (LoRA of rank {training['settings']['training.lora']}) of the text-to-music model `{base['name']}`"
        f" {base['version']}, whose generator has the SHA-256 `{base['weights_sha256']}`. It was trained with"
        f" ttm-app for {training['step']:,} of {training['steps']:,} steps on {hours:.2f} hours of captioned music"
        f" ({training['items']:,} items).",
        f'Use it with `ttm-app models import FOLDER` and `ttm-app generate "slow piano" --model {base["name"]}'
        f" --adapter {facts['name']}`, or with the path of this folder.",
        "## Training data",
        _table(("data", "licence", "hours"), [_data_row({"part": "", **row})[1:] for row in facts["data"]]),
        "Sources and makers: [CREDITS.md](CREDITS.md).",
        "## Figures",
        _figures(metrics),
        "## Settings",
        *([f"On these data: {'; '.join(training['notes'])}."] if training["notes"] else []),
        _table(("parameter", "value"), settings),
        "## Licence",
        f"The adapter: {facts['licence']}. The model that it changes: {base_licence}. Whether that suits the licences"
        " of the data above is for whoever publishes it to judge.",
    ]
    return "\n\n".join(parts) + "\n"


def last_figures(path: Path) -> dict:
    """{"loss", "val", "val_shuffled", "val_step"}: the last values in a run's metrics.jsonl, where it has any."""
    found: dict = {}
    for row in progress.rows(path):
        found |= {name: row[name] for name in ("loss", "val", "val_shuffled") if name in row}
        if "val" in row:
            found["val_step"] = row["step"]
    return {name: value for name, value in found.items() if value is not None and math.isfinite(value)}


def _figures(metrics: dict) -> str:
    lines = []
    if "loss" in metrics:
        lines.append(f"- training loss, mean of the last steps logged: {metrics['loss']:.4f}")
    if "val" in metrics:
        others = f", {metrics['val_shuffled']:.4f} with those of others" if "val_shuffled" in metrics else ""
        own = f"{metrics['val']:.4f} with their own captions"
        lines.append(f"- loss on held-out items at step {metrics['val_step']:,}: {own}{others}")
    lines.append("- FAD, CLAP score and concept coverage: not measured here, see `ttm-app evaluate`")
    return "\n".join(lines)


def _data_row(row: dict) -> tuple[str, ...]:
    return row["part"], row["name"], row["licence"], f"{row['hours']:.2f}"


def _recipe_rows(recipe: Recipe) -> list[tuple[str, ...]]:
    return [(f"`{name}`", plain(value), recipe.origin(name)) for name, value in recipe.parameters().items()]


def plain(value: object) -> str:
    """A parameter as `--set` would take it."""
    return value if isinstance(value, str) else json.dumps(value).replace("null", "none")


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    cells = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in cells)
