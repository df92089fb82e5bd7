"""A trained generator, its data and the encoders of these -> a bundle folder that the app plays."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from torch import Tensor, nn

from musicgen_app.backbones.presets import build_backbone, trainable_parameters
from musicgen_app.control import genre_classifier, planner
from musicgen_app.errors import DependencyError, FileError
from musicgen_app.machine import files
from musicgen_app.models.bundle import Bundle, frozen_parts, write_bundle

from ..prepare.encoders import Encoders, find_encoders
from ..prepare.prepared_folder import Prepared
from ..recipes.recipe import Recipe
from ..runtime import charts
from ..runtime.run_folder import BUNDLE, METRICS
from ..runtime.stage_runner import load_part
from . import genre_fitting
from .credits import credits_of, licences_of
from .model_card import card, last_figures
from .track_facts import known_genres, known_plans

CREDITS = "CREDITS.md"
CODEC_TITLE = "## The codec"  # of the part of a model's credits that is about its codec
PIECES = 2_048  # whose plans a model borrows
TAUGHT = 4_096  # tracks whose captions teach it to read genres
CURVES = "curves.png"
KEPT = (".json", ".safetensors", ".bin", ".md", ".onnx", ".data")  # files of a frozen part that go into a bundle


@dataclass(frozen=True)
class About:
    """What the trainer of a model says of it: `name` is of a-z, 0-9, '.', '_' and '-'."""

    name: str = "mine"
    title: str = ""
    licence: str = "CC-BY-SA-4.0"
    version: str = "1"


def export(
    model: nn.Module,
    step: int,
    recipe: Recipe,
    prepared: Prepared,
    about: About,
    run: Path,
    notes: tuple[str, ...] = (),
) -> Bundle:
    """Write `run/bundle` with the averaged weights of a step, its card, credits and curves, and return it.

    An earlier bundle of this run is replaced once the new one is complete. Raises FileError (disk) and
    ModelError (the encoders are not on this machine any more, or `about` has no proper name).
    """
    encoders = find_encoders(prepared.meta["preparation"]["encoders"])
    rows = trained_rows(prepared)
    config = bundle_config(step, recipe, prepared, about, encoders) | {
        "data": [{"part": "generator", **row} for row in licences_of(rows)] + _codec_data(encoders)
    }
    config["training"] |= {"parameters": _parameters(recipe), "notes": list(notes)}
    metrics = run / METRICS
    files = encoder_files(encoders) | {CREDITS: _write_credits(run / CREDITS, rows, encoders)} | _draw(metrics, run)
    files |= _write_pieces(run, prepared) if recipe.training.grid_layout else {}
    files |= _write_genres(run, prepared)
    text = card(recipe, config, last_figures(metrics), CURVES if CURVES in files else None)
    return replace_bundle(run / BUNDLE, config, half(model.state_dict()), text, files)


def export_plain(model: nn.Module, step: int, recipe: Recipe, prepared: Prepared, about: About, folder: Path) -> Bundle:
    """Write a bundle without card and credits to `folder`, to be heard on this machine only. Raises as `export`."""
    encoders = find_encoders(prepared.meta["preparation"]["encoders"])
    config, files = bundle_config(step, recipe, prepared, about, encoders), encoder_files(encoders)
    files |= _write_pieces(folder.parent, prepared) if recipe.training.grid_layout else {}
    files |= _write_genres(folder.parent, prepared)
    return replace_bundle(folder, config, half(model.state_dict()), "", files)


def bundle_config(step: int, recipe: Recipe, prepared: Prepared, about: About, encoders: Encoders) -> dict:
    """The config of a bundle, without the entries of `data`, which say what it was trained on."""
    latent, train = prepared.meta["latent"], prepared.items("train")
    longest = round(float(prepared.frames[train].max()) / prepared.latent_rate, 1)
    codec = dict(encoders.codec)
    return {
        "name": about.name,
        "title": about.title or about.name,
        "version": about.version,
        "backbone": {"preset": recipe.training.preset, "overrides": dict(recipe.training.overrides)}
        | ({"grid": recipe.training.grid_layout} if recipe.training.grid_layout else {}),
        "text": encoders.text,
        "codec": codec | ({"path": "codec"} if "path" in codec else {}),
        "latent": {name: latent[name] for name in ("mean", "std")},
        "sampler": recipe.sampler,
        "seconds": recipe.seconds | {"native": min(recipe.seconds["native"], longest)},
        "licence": about.licence,
        "training": {
            "recipe": recipe.name,
            "step": step,
            "steps": recipe.training.steps,
            "items": len(train),
            "settings": {name: value for name, value in recipe.parameters().items() if name.startswith("training.")},
        },
        "data": [],
    }


def encoder_files(encoders: Encoders) -> dict[str, Path]:
    """The frozen parts that lie in folders of a model, by their names in a new bundle."""
    files: dict[str, Path] = {}
    for part in frozen_parts({"text": encoders.text, "codec": encoders.codec}):
        if "path" in part:
            folder, name = encoders.bundle.path / part["path"], "codec" if part == encoders.codec else part["path"]
            found = (path for path in sorted(folder.iterdir()) if path.is_file() and path.suffix in KEPT)
            files |= {f"{name}/{path.name}": path for path in found if not path.name.startswith(".")}
    files.pop(f"codec/{CREDITS}", None)  # the credits of the new bundle have its lines
    return files


def trained_rows(prepared: Prepared) -> list[dict]:
    """{"set", "licence", "source", "seconds"} of each track that was trained on: seconds of all its items together."""
    tracks = load_part(prepared.folder, "manifest", 0)["tracks"]
    train = prepared.items("train")
    seconds = np.bincount(prepared.tracks[train], prepared.frames[train] / prepared.latent_rate, len(tracks))
    return [
        {"set": track["set"] or "own", "licence": track["licence"], "source": track["source"], "seconds": float(length)}
        for track, length in zip(tracks, seconds, strict=True)
        if length
    ]


def half(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """A state dict with matrices and filters in 16 bits. Vectors, and what does not fit into these, stay unchanged."""

    def shrink(tensor: Tensor) -> Tensor:
        if tensor.dtype != torch.float32 or tensor.ndim < 2:
            return tensor
        small = tensor.half()
        return small if torch.isfinite(small).all() else tensor

    return {name: shrink(tensor) for name, tensor in state.items()}


def replace_bundle(out: Path, config: dict, state: dict[str, Tensor], text: str, files: dict[str, Path]) -> Bundle:
    """Write a bundle to `out`; one that is there is replaced once the new one is complete.

    text: the card without front matter; files: what is copied into the bundle, by its name there. Raises FileError
    (disk) or ModelError (the config is not valid).
    """
    return write_bundle(out, config, state, front_matter(config["licence"]) + text, files, overwrite=True)


def front_matter(licence: str) -> str:
    """The YAML head of a model card, as the Hugging Face hub reads it."""
    tags = "\n".join(f"  - {tag}" for tag in ("music", "text-to-music", "flow-matching"))
    head = f"license: {json.dumps(licence.lower())}\npipeline_tag: text-to-audio\nlibrary_name: ttm-app\ntags:\n{tags}"
    return f"---\n{head}\n---\n\n"


def _parameters(recipe: Recipe) -> int:
    with torch.device("meta"):
        return trainable_parameters(build_backbone(recipe.training.preset, recipe.training.overrides))


def _codec_data(encoders: Encoders) -> list[dict]:
    """What the codec inside the bundle was trained on, where it says so."""
    config = encoders.bundle.path / encoders.codec.get("path", "") / "config.json"
    if "path" not in encoders.codec or not config.exists():
        return []
    return [{"part": "codec", **row} for row in json.loads(config.read_text(encoding="utf-8")).get("data") or []]


def _write_credits(path: Path, rows: list[dict], encoders: Encoders) -> Path:
    text = f"# Credits\n\n## The generator\n\n{credits_of(rows)}"
    codec = _codec_credits(encoders)
    if codec:
        text += f"\n{CODEC_TITLE}\n\n{codec}"
    return files.write(path, text.encode(), overwrite=True)


def _codec_credits(encoders: Encoders) -> str:
    """Whose music the codec heard: its own credits, or what those of the model around it say of it."""
    if "path" not in encoders.codec:
        return ""
    folder = encoders.bundle.path / encoders.codec["path"]
    if (folder / CREDITS).exists():
        return (folder / CREDITS).read_text(encoding="utf-8")
    around = folder.parent / CREDITS
    return around.read_text(encoding="utf-8").partition(f"{CODEC_TITLE}\n\n")[2] if around.exists() else ""


def _write_pieces(folder: Path, prepared: Prepared) -> dict[str, Path]:
    """Plans for prompts that do not state one; see `musicgen_app.control.planner`."""
    pieces = known_plans(prepared, PIECES)
    return {} if pieces is None else _write_tensors(folder / planner.FILE, pieces.tensors())


def _write_genres(folder: Path, prepared: Prepared) -> dict[str, Path]:
    """The classifier that finds the genre of prompts that name none; see `musicgen_app.control.genre_classifier`."""
    reader = genre_fitting.fit(*known_genres(prepared, TAUGHT))
    return {} if reader is None else _write_tensors(folder / genre_classifier.FILE, reader.tensors())


def _write_tensors(path: Path, tensors: dict[str, Tensor]) -> dict[str, Path]:
    return {path.name: files.write(path, safetensors.torch.save(tensors), overwrite=True)}


def _draw(metrics: Path, run: Path) -> dict[str, Path]:
    """The curves of the run, where they can be drawn."""
    try:
        charts.curves(metrics, run / CURVES)
    except (DependencyError, FileError):
        return {}
    return {CURVES: run / CURVES}
