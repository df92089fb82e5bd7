"""A model folder, or a checkpoint of a paper system's shape -> a model on this machine.

A model folder, or a .zip file of one, is checked and copied. A checkpoint goes file -> tensors (`models.torch_file`) ->
state of the backbone (`state_mapping`) -> bundle, with what `models.paper_systems` says of the preset.
"""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ..backbones.presets import FLUXAUDIO, MEANFLOW, PRESETS
from ..errors import FileError, ModelError, RequestError
from ..machine import files, paths
from ..machine.checksums import sha256
from ..models import installed
from ..models.bundle import CONFIG, Bundle, open_bundle, write_bundle
from ..models.hub import source
from ..models.paper_systems import MMAUDIO, SYSTEMS, System, codec_for
from ..models.torch_file import find_file, read_checkpoint
from .state_mapping import DTYPES, EMPTY, STATISTICS, WEIGHTS, Report, map_state, size_of


@dataclass(frozen=True)
class Known:
    """What is known of a checkpoint beside its tensors: entries of the model's config, files that go into the model by
    their names there, and what tries it out before it is put in its place."""

    config: dict
    files: dict[str, Path]
    check: Callable[[Bundle], None]


MAX_CONFIG = 10 * 2**20  # bytes of a config.json in a .zip
_T5_OF_WIDTH = {768: "flan-t5-base", 1024: "flan-t5-large"}


def import_model(
    path: str | os.PathLike,
    preset: str | None = None,
    name: str | None = None,
    *,
    force: bool = False,
    models_dir: str | os.PathLike | None = None,
    **options,
) -> tuple[Bundle, Report | None]:
    """Add what lies at `path` to the user's models: with a preset a checkpoint, else a model folder or .zip.

    options: those of `import_checkpoint`, for a checkpoint only. The report tells how a checkpoint was read. Raises as
    `import_checkpoint` and `models.installed.install`.
    """
    path = paths.expanded(path)
    if preset:
        return import_checkpoint(path, preset, name, force=force, models_dir=models_dir, **options)
    needless = [f"--{key.replace('_', '-')}" for key, value in options.items() if value is not None]
    if not ((path / CONFIG).is_file() or is_zipped_model(path)):
        find_file(path)
        raise RequestError(f"{path} is no model folder: for a checkpoint say --preset, one of {', '.join(SYSTEMS)}")
    if needless:
        raise RequestError(f"a model folder is taken as it is: leave out {', '.join(needless)}, or say --preset")
    with model_folder(path) as folder:
        return installed.install(folder, name, force, models_dir), None


def import_checkpoint(
    path: str | os.PathLike,
    preset: str,
    name: str | None = None,
    *,
    title: str | None = None,
    licence: str | None = None,
    weights: str | None = None,
    latent_stats: str | os.PathLike | None = None,
    codec_files: str | os.PathLike | None = None,
    dtype: str | None = None,
    force: bool = False,
    models_dir: str | os.PathLike | None = None,
    known: Known | None = None,
) -> tuple[Bundle, Report]:
    """Write the model `models_dir/name` from a checkpoint (a file, or a folder with one) of a system's shape.

    name: default is that of the file; weights: "ema" or "model" where the file has both (default "ema"); latent_stats:
    JSON file {"mean": [...], "std": [...]} in place of the checkpoint's own; codec_files: the folder with MMAudio's two
    files, which become part of the model (for 20 latent dimensions; other codecs are downloaded parts); dtype: "fp32",
    "bf16" or "fp16", default as stored; force: replace a model `name`; known: what is known of it besides.
    Raises RequestError, FileError (cannot be read or written, exists already), ModelError (does not fit); nothing is
    left behind then.
    """
    _check_choice("preset", preset, SYSTEMS)
    _check_choice("weights", weights, WEIGHTS)
    _check_choice("dtype", dtype, DTYPES)
    system, file = SYSTEMS[preset], find_file(path)
    name = installed.check_name(name or re.sub(r"[^a-z0-9._-]+", "-", file.stem.lower()).strip("._-"))
    if not force:
        installed.check_free(name, models_dir)

    state, report = map_state(read_checkpoint(file), preset, weights=weights, dtype=DTYPES.get(dtype or ""), where=file)
    dim = report.overrides.get("latent_dim", size_of(preset, "latent_dim"))
    codec = {"kind": MMAUDIO, "path": "codec"} if codec_files else codec_for(dim)
    latent = _statistics(state, preset, dim, latent_stats, file)
    config = _config(name, title, licence, preset, report, file, {"codec": codec, "latent": latent})
    if known:
        config |= known.config | {"training": config["training"] | known.config.get("training", {})}
    if PRESETS[preset].family in (FLUXAUDIO, MEANFLOW):
        _complete_fluxaudio(state, report, config, file)
    card = _card(config, system, report.parameters)
    folder = installed.folder_of(name, models_dir)
    with _codec_files(codec_files, dim, folder.absolute().parent) as extra:
        extra |= known.files if known else {}
        size = sum(tensor.nbytes for tensor in state.values()) + sum(path.stat().st_size for path in extra.values())
        installed.check_space(size, models_dir)
        bundle = write_bundle(folder, config, state, card, extra, force, known.check if known else None)
    return bundle, report


def _config(
    name: str, title: str | None, licence: str | None, preset: str, report: Report, file: Path, entries: dict
) -> dict:
    """The config of the model that becomes of a checkpoint; `entries`: those that are known already."""
    system = SYSTEMS[preset]
    return {
        "name": name,
        "title": _plain(title or f"{system.title}, from {file.name}"),
        "version": "1",
        "licence": _plain(licence or "unknown"),
        "backbone": {"preset": preset, "overrides": report.overrides},
        "text": _text(system, report.overrides.get("text_dim", size_of(preset, "text_dim"))),
        **entries,
        "sampler": system.sampler,
        "seconds": system.seconds,
        "training": {
            "imported_from": _plain(file.name),
            "sha256": sha256(file),
            "taken": (report.part or "the whole file") + (" (moving average)" if report.averaged else ""),
        },
        "data": [{"name": "not known: an imported checkpoint", "licence": "unknown"}],
    }


def is_zipped_model(path: Path) -> bool:
    """Whether a file is a .zip with a model in it (what torch.save writes is a zip file, too)."""
    try:
        with zipfile.ZipFile(path) as archive:
            return _root(archive) is not None
    except (OSError, ValueError, zipfile.BadZipFile):
        return False


@contextmanager
def model_folder(path: Path) -> Iterator[Path]:
    """A model folder: `path` itself, or what a .zip file of one holds, unpacked until the end of the `with`.

    Of a .zip only the files are unpacked that its config lists, and its card. Raises FileError (damaged, no room) and
    ModelError (not a model).
    """
    if path.is_dir():
        yield path
        return
    with tempfile.TemporaryDirectory() as scratch:
        try:
            with zipfile.ZipFile(path) as archive:
                _unpack(archive, Path(scratch))
        except (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
            reason = getattr(error, "strerror", None) or error
            raise FileError(f"cannot unpack {path}: {reason}; copy it again, or free some space") from error
        yield Path(scratch)


def _unpack(archive: zipfile.ZipFile, folder: Path) -> None:
    root, sizes = _root(archive), {info.filename: info.file_size for info in archive.infolist()}
    if root is None or sizes[root + CONFIG] > MAX_CONFIG:
        raise ModelError(f"{archive.filename} holds no model: a .zip of a model folder has one {CONFIG}")
    (folder / CONFIG).write_bytes(archive.read(root + CONFIG))
    wanted = [name for name in (installed.CARD, *open_bundle(folder).config["files"]) if root + name in sizes]
    files.check_room({folder: sum(sizes[root + name] for name in wanted)}, f"unpacking {archive.filename}")
    for name in wanted:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        with archive.open(root + name) as source, open(folder / name, "xb") as target:
            shutil.copyfileobj(source, target)


def _root(archive: zipfile.ZipFile) -> str | None:
    """What the names of a model's files begin with in an archive: "" or "folder/"; None where it holds no model."""
    names = archive.namelist()
    if CONFIG in names:
        return ""
    configs = [name for name in names if re.fullmatch(r"[^/\\]+/" + re.escape(CONFIG), name)]
    return configs[0].removesuffix(CONFIG) if len(configs) == 1 else None


def _complete_fluxaudio(state: dict[str, Tensor], report: Report, config: dict, where: Path) -> None:
    """Add the statistics that are used, and the features of the empty prompt where the checkpoint lacks them."""
    for name, key in zip(STATISTICS, ("mean", "std"), strict=True):
        state[name] = torch.tensor(config["latent"][key]).view(1, 1, -1)
    report.computed = [name for name in EMPTY if name not in state]
    if report.computed:
        features = _empty_features(config, report.computed, where)
        state |= {name: features[name] for name in report.computed}


def _statistics(
    state: dict[str, Tensor], preset: str, dim: int, file: str | os.PathLike | None, where: Path
) -> dict[str, list[float]]:
    """Mean and standard deviation of the latents, one number a dimension: of `file`, the checkpoint, or the paper."""
    of_paper = SYSTEMS[preset].latent
    if file is not None:
        latent = _statistics_file(file, dim)
    elif all(name in state for name in STATISTICS):
        latent = {"mean": state["latent_mean"].flatten().tolist(), "std": state["latent_std"].flatten().tolist()}
    elif of_paper is not None and dim == size_of(preset, "latent_dim"):
        latent = {"mean": [of_paper[0]] * dim, "std": [of_paper[1]] * dim}
    else:
        raise ModelError(
            f"{where} does not say how its latents were normalised: give --latent-stats FILE, a JSON file with the mean"
            f" and std of the {dim} latent dimensions it was trained on"
        )
    if min(latent["std"]) <= 0:
        raise ModelError(f"{file or where}: a standard deviation of the latents is not positive")
    return latent


def _statistics_file(file: str | os.PathLike, dim: int) -> dict[str, list[float]]:
    try:
        content = json.loads(Path(file).read_text(encoding="utf-8"))
        latent = {key: [float(value) for value in content[key]] for key in ("mean", "std")}
    except OSError as error:
        raise FileError(f"cannot read {file}: {error.strerror}") from error
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise FileError(f'{file} is not a JSON object {{"mean": [...], "std": [...]}} of numbers') from error
    for key, values in latent.items():
        if len(values) != dim or not all(map(math.isfinite, values)):
            raise FileError(f"{file}: {key!r} must be {dim} finite numbers")
    return latent


def _empty_features(config: dict, names: list[str], where: Path) -> dict[str, Tensor]:
    """The features of the empty prompt, by the frozen text encoders."""
    from ..text import load_text_encoder, null_features

    try:
        tokens, vector = null_features(load_text_encoder(Bundle(where, config)))
        assert vector is not None  # the encoders of this family give one
        return dict(zip(EMPTY, (tokens, vector), strict=True))
    except ModelError as error:
        raise ModelError(
            f"{where} has no {' and '.join(names)}, which the text encoders have to make: run"
            f" `ttm-app models download {config['backbone']['preset']}` first ({error})"
        ) from error


@contextmanager
def _codec_files(source: str | os.PathLike | None, dim: int, root: Path) -> Iterator[dict[str, Path]]:
    """The files of the codec that go into the bundle, by their names there: those of MMAudio's, as safetensors.

    They are written to a hidden folder in `root` until the end of the `with`.
    """
    if source is None:
        yield {}
        return
    from ..codecs.mmaudio.codec import LATENT_DIM, MMAudio16k, save

    if dim != LATENT_DIM:
        raise RequestError(f"--codec-files is for latents of {LATENT_DIM} dimensions, but this checkpoint writes {dim}")
    with files.reported(f"write to {root}"), files.scratch(root) as scratch:
        save(MMAudio16k.from_public(Path(source)), scratch)
        yield {f"codec/{made.name}": made for made in scratch.iterdir()}


def _text(system: System, width: int) -> dict:
    """The text config of a system, with the FLAN-T5 whose tokens have that width."""
    if width not in _T5_OF_WIDTH:
        known = ", ".join(f"{dim} ({name})" for dim, name in _T5_OF_WIDTH.items())
        raise ModelError(f"no text encoder gives tokens of {width} values: this ttm-app has {known}")
    return system.text | {"t5": source(_T5_OF_WIDTH[width])}


def _card(config: dict, system: System, parameters: int) -> str:
    """The model card: Markdown with the front matter of the Hugging Face hub."""
    backbone, origin = config["backbone"], config["training"]
    sizes = "".join(f", {key} {value}" for key, value in backbone["overrides"].items())
    known = "ttm-app did not train it and knows neither its training data nor its quality."
    if "source" in origin:
        learned = "; ".join(row["name"] for row in config["data"])
        known = f"It was published at {origin['source']} and learned from: {learned}."
    return f"""---
license: {json.dumps(config["licence"].lower())}
pipeline_tag: text-to-audio
library_name: ttm-app
tags:
  - music
  - text-to-music
  - flow-matching
---

# {config["title"]}

A generator of {parameters:,} parameters (preset `{backbone["preset"]}`{sizes}) with the architecture of {system.paper}.

Imported by ttm-app from the file `{origin["imported_from"]}` (taken: {origin["taken"]}; SHA-256 of the file
`{origin["sha256"]}`). {known}
Licence of the weights: {config["licence"]}.

Play it with `ttm-app generate "slow piano" --model {config["name"]}`.
"""


def _check_choice(option: str, value: str | None, allowed: Iterable[str]) -> None:
    if value is not None and value not in allowed:
        raise RequestError(f"unknown --{option} {value!r}: use one of {', '.join(allowed)}")


def _plain(text: str) -> str:
    """On one line, and without characters that no file or terminal should get (file names may hold any)."""
    return "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))
