"""A model is a folder: `config.json` + `model.safetensors` + `README.md` (+ `codec/`). Folder <-> Bundle, weights.

`config.json` names everything a sampler needs (backbone, text encoder, codec, latent statistics, sampler defaults,
seconds) and, under `files`, the SHA-256 of every file that is loaded. A frozen part (text encoder, codec) is a folder
of the bundle or the files of a public repository at a pinned revision (see `hub`). Weights are safetensors, mapped
into memory and loaded strictly.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from .. import plugins
from ..errors import ModelError
from ..machine import files
from ..machine.checksums import sha256, sha256_once
from .sampler import numbers, sampler_fault

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ..backbones.base import Backbone

SCHEMA = 1
CONFIG = "config.json"
LONGEST = 600.0  # seconds of a clip of any model
WEIGHTS, CARD = "model.safetensors", "README.md"
_KEYS = {
    "name": str, "title": str, "version": str, "licence": str, "backbone": dict, "text": dict, "codec": dict,
    "latent": dict, "sampler": dict, "seconds": dict, "training": dict, "data": list, "files": dict,
}  # fmt: skip


class Applied(NamedTuple):
    """An adapter of a model, and how strongly it changes the weights; see `adapters`."""

    path: Path
    name: str
    weights_sha256: str
    strength: float

    @property
    def identity(self) -> dict:
        return {"name": self.name, "weights_sha256": self.weights_sha256, "strength": self.strength}


@dataclass(frozen=True)
class Bundle:
    """An opened model folder; `config` is validated, the weights are not read yet. adapters: what changes these."""

    path: Path
    config: dict
    adapters: tuple[Applied, ...] = ()

    @property
    def name(self) -> str:
        return self.config["name"]

    @property
    def identity(self) -> dict:
        """What a clip's tags say of the model that made it: name, version, SHA-256 of the weights, licence."""
        changes = {"adapters": [one.identity for one in self.adapters]} if self.adapters else {}
        facts = {name: self.config[name] for name in ("name", "version", "licence")}
        return facts | {"weights_sha256": self.weights_sha256} | changes

    @property
    def licence(self) -> str:
        return self.config["licence"]

    @property
    def sampler(self) -> dict:
        """Its defaults: solver, steps, guidance, guidance_interval; and how it is sampled, see `sampler`."""
        return self.config["sampler"]

    @property
    def follows_plans(self) -> bool:
        """Whether it is told tempo, bars, key and chords; see `plan.Plan`."""
        return "grid" in self.config["backbone"]

    @property
    def grid_layout(self) -> Any:
        """The layout of the grids that it was trained with, None without; see `control.grid`."""
        return self.config["backbone"].get("grid")

    @property
    def plan_guidance(self) -> float:
        """How closely it keeps to a plan, as `guidance` does for the prompt; 1 is none."""
        return float(self.sampler.get("plan_guidance", 1.0))

    @property
    def joint_guidance(self) -> bool:
        """Whether text and plan are led away from together: two evaluations a step, where it is else three."""
        return bool(self.sampler.get("joint_guidance", False))

    @property
    def power(self) -> float:
        """Of the times of its steps; see `sampling.schedule`."""
        return float(self.sampler.get("power", 1.0))

    @property
    def takes_given(self) -> bool:
        """Whether it was trained with frames that are given as they are, beside those it makes; see `grid.GIVEN`."""
        settings = self.config["training"].get("settings")
        return self.grid_layout not in (None, 1) and isinstance(settings, dict) and bool(settings.get("training.given"))

    @property
    def scalars(self) -> dict[str, dict]:
        """The numbers it is told beside the text, in their order: name -> {"default", "min", "max", "about"}."""
        return self.config.get("conditions", {})

    @property
    def native_seconds(self) -> float:
        """The length the model was trained on."""
        return float(self.config["seconds"]["native"])

    @property
    def pass_seconds(self) -> float:
        """The longest clip that it makes in one pass; a longer one is sampled in overlapping windows."""
        return float(self.config["seconds"]["max"])

    @property
    def max_seconds(self) -> float:
        """The longest clip."""
        return max(LONGEST, self.pass_seconds)

    @property
    def weights_sha256(self) -> str:
        """Of all weights: with another generator, codec, plans or adapters the same request sounds different."""
        weights: dict = {name: own for name, own in self.config["files"].items() if name.endswith(".safetensors")}
        if self.adapters:
            weights["adapters"] = [one.identity for one in self.adapters]
        if len(weights) == 1:
            return weights[WEIGHTS]
        return hashlib.sha256(json.dumps(weights, sort_keys=True).encode()).hexdigest()

    def load(self, name: str = WEIGHTS) -> dict[str, Tensor]:
        """The tensors of one file of the bundle, its SHA-256 checked. ModelError: not listed, missing, changed."""
        if name not in self.config["files"]:
            raise ModelError(f"{self.path}: {CONFIG} lists no file {name}; the model is incomplete, install it again")
        return load_state(self.path / name, self.config["files"][name])


def open_bundle(path: str | os.PathLike) -> Bundle:
    """Read and validate `config.json` of a model folder. ModelError says what is wrong with it."""
    path = Path(path)
    where = path / CONFIG
    try:
        if where.exists() and not where.is_file():  # a named pipe would be waited for
            raise ModelError(f"{where} is not a file; remove it")
        config = json.loads(where.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"{path} is not a model: it has no {CONFIG}") from None
    except OSError as error:
        raise ModelError(f"cannot read {where}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{where} is not valid JSON ({error}); install the model again") from error
    _validate(config, where)
    return Bundle(path, config)


def write_bundle(
    path: str | os.PathLike,
    config: dict,
    state_dict: dict[str, Tensor],
    card: str,
    extra_files: dict[str, Path],
    overwrite: bool = False,
    check: Callable[[Bundle], None] | None = None,
) -> Bundle:
    """Write a model folder in one step; with overwrite one that is there is replaced when the new one is complete.

    `extra_files` maps a name inside the bundle ("codec/model.safetensors") to the file to copy there; `files` of the
    config is filled with the SHA-256 of the weights and of each of them. `check` sees the whole model before it is put
    in its place, and may raise; then nothing is left.
    Raises FileError (exists already, cannot be written) or ModelError (the config is not valid).
    """
    from safetensors.torch import save_file

    path = Path(path)
    with files.writing_folder(path, overwrite) as new:
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state_dict.items()}
        save_file(tensors, new / WEIGHTS, metadata={"format": "pt"})
        (new / WEIGHTS).chmod(0o644)  # safetensors makes files that nobody else may read
        for name, source in extra_files.items():
            _check_inside(name, path)
            (new / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, new / name)
        config = {**config, "schema": SCHEMA}
        config["files"] = {name: sha256(new / name) for name in (WEIGHTS, *extra_files)}
        _validate(config, path / CONFIG)
        (new / CARD).write_bytes(card.encode())
        (new / CONFIG).write_bytes(_json(config))
        if check:
            check(Bundle(new, config))
    return Bundle(path, config)


def update_config(bundle: Bundle, codec: dict, files: dict[str, str]) -> Bundle:
    """Rewrite `config.json` with other entries `codec` and `files`, in one step; returns the bundle as it is now.

    Raises FileError (cannot be written) or ModelError (not valid any more); then the old file is still there.
    """
    return _rewrite(bundle, {**bundle.config, "codec": codec, "files": files})


def rename(bundle: Bundle, name: str) -> Bundle:
    """Give a model another name; its folder stays. Raises as `update_config`."""
    return bundle if bundle.name == name else _rewrite(bundle, {**bundle.config, "name": name})


def note_origin(bundle: Bundle, origin: dict | None) -> Bundle:
    """Note where a model was installed from, if that is known. Raises as `update_config`."""
    if origin is None:
        return bundle
    return _rewrite(bundle, bundle.config | {"training": bundle.config["training"] | {"installed_from": origin}})


def _rewrite(bundle: Bundle, config: dict) -> Bundle:
    where = bundle.path / CONFIG
    _validate(config, where)
    files.write(where, _json(config), overwrite=True)
    return Bundle(bundle.path, config)


def _json(config: dict) -> bytes:
    return (json.dumps(config, indent=2, ensure_ascii=False) + "\n").encode()


def verify(bundle: Bundle) -> None:
    """Read every file of the bundle and compare its SHA-256. ModelError names the first that differs."""
    for name, expected in bundle.config["files"].items():
        _check_sha256(bundle.path / name, expected, sha256)


def load_state(path: str | os.PathLike, expected_sha256: str | None = None) -> dict[str, Tensor]:
    """All tensors of a safetensors file; no other format is ever opened. ModelError: missing, truncated, changed."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = Path(path)
    if expected_sha256 is not None:
        _check_sha256(path, expected_sha256, sha256_once)
    try:
        return load_file(path)
    except FileNotFoundError:
        raise ModelError(f"{path} is missing; install the model again") from None
    except (SafetensorError, OSError) as error:
        raise ModelError(
            f"{path} is truncated or not a safetensors file ({error}); no other format is opened"
        ) from error


def load_strict(module: nn.Module, state: dict[str, Tensor], where: str | os.PathLike, assign: bool = False) -> None:
    """Copy the tensors of `state` into those of `module`; with `assign` put them in their place, in their own dtype.

    ModelError names every key that is missing, unknown or of another shape.
    """
    wanted = module.state_dict()
    faults = {
        "missing": [name for name in wanted if name not in state],
        "unknown": [name for name in state if name not in wanted],
        "wrong shape": [name for name in wanted if name in state and wanted[name].shape != state[name].shape],
    }
    found = [f"{kind}: {_some(names)}" for kind, names in faults.items() if names]
    if found:
        raise ModelError(f"{where} does not fit its configuration ({'; '.join(found)}); install the model again")
    module.load_state_dict(state, assign=assign)


def load_backbone(bundle: Bundle) -> Backbone:
    """The backbone of a bundle with its weights, in eval mode, on the CPU. ModelError as in `load_strict`.

    The parameters are views of the mapped file, in the dtype it stores (`prepare` or `float()` make the working copy):
    the weights are never in memory twice.
    """
    import torch

    with torch.device("meta"):
        backbone = _build(bundle)
    dims = len(bundle.config["latent"]["mean"])
    if dims != backbone.latent_dim:
        raise ModelError(f"{bundle.path}: latent statistics of {dims} dims, but the backbone has {backbone.latent_dim}")
    if bundle.sampler["solver"] == "mean" and not getattr(backbone, "gives_means", False):
        raise ModelError(f"{bundle.path}: its solver is mean, but its backbone gives no mean velocities")
    if bundle.follows_plans and not getattr(backbone.config, "grid_dim", 0):
        raise ModelError(f"{bundle.path}: its config says that it follows plans, but its backbone takes none")
    if getattr(backbone.config, "scalars", 0) != len(bundle.scalars):
        raise ModelError(f"{bundle.path}: {len(bundle.scalars)} conditions are named, but its backbone takes others")
    load_strict(backbone, bundle.load(), bundle.path / WEIGHTS, assign=True)
    return backbone.eval().requires_grad_(False)


def parameter_count(bundle: Bundle) -> int:
    """Trainable parameters of the backbone, counted on a model without storage (no weights are read)."""
    import torch

    from ..backbones.presets import trainable_parameters

    with torch.device("meta"):
        return trainable_parameters(_build(bundle))


def _check_sha256(path: Path, expected: str, digest) -> None:
    try:
        actual = digest(path)
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}; install the model again") from error
    if actual != expected:
        raise ModelError(f"{path} was changed or is truncated (SHA-256 differs); install the model again")


def _build(bundle: Bundle) -> Backbone:
    from ..backbones.presets import build_backbone

    backbone = bundle.config["backbone"]
    try:
        return build_backbone(backbone["preset"], backbone.get("overrides"))
    except (ArithmeticError, RuntimeError, TypeError, ValueError) as error:
        raise ModelError(f"{bundle.path}: its backbone cannot be built ({error}); install the model again") from error


def _validate(config: Any, where: Path) -> None:
    """Raise ModelError where `config` is not a bundle configuration of this schema."""

    def need(condition: bool, wrong: str) -> None:
        if not condition:
            raise ModelError(f"{where}: {wrong[:200]}; install the model again")

    need(isinstance(config, dict), "not a JSON object")
    if config.get("schema") != SCHEMA:
        found = config.get("schema")
        raise ModelError(f"{where}: schema {found!r}, but this ttm-app reads {SCHEMA}; update ttm-app or the model")
    for key, kind in _KEYS.items():
        need(isinstance(config.get(key), kind), f"{key!r} is missing or not a {kind.__name__}")
    need(re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", config["name"]) is not None, f"bad name {config['name']!r}")
    backbone, latent, sampler, seconds = (config[key] for key in ("backbone", "latent", "sampler", "seconds"))
    need(isinstance(backbone.get("preset"), str), "'backbone' names no preset")
    need(isinstance(backbone.get("overrides", {}), dict), "'overrides' of the backbone is not a dict")
    need(isinstance(backbone.get("grid", 1), int | str), "'grid' of the backbone names no layout")
    for part in ("text", "codec"):
        need(isinstance(config[part].get("kind"), str), f"{part!r} names no kind")
    need(config["text"].get("length", 1) in range(1, 10_000), "'length' of the text is not a number of tokens")
    for source in frozen_parts(config):
        if "path" in source:
            _check_inside(source["path"], where)
        else:
            named = isinstance(source.get("repo"), str) and isinstance(source.get("revision"), str)
            need(named, "a frozen part names neither a folder of the model nor a repository and its revision")
    mean, std = latent.get("mean"), latent.get("std")
    need(numbers(mean) and numbers(std) and len(mean) == len(std) > 0, "'latent' needs mean and std of one length")
    need(all(value > 0 for value in std), "a standard deviation in 'latent' is not positive")
    wrong = sampler_fault(sampler)
    need(not wrong, wrong)
    span = [seconds.get("native"), seconds.get("max")]
    need(numbers(span) and 0 < span[0] <= span[1], "'seconds' needs 0 < native <= max")

    scalars = config.get("conditions", {})
    need(isinstance(scalars, dict) and all(map(_is_scalar, scalars.items())), "a condition has no fitting numbers")
    codec = config["codec"]
    need(isinstance(codec.get("source", {}), dict) and isinstance(codec.get("onnx", ""), str), "'codec' names no files")
    found = "path" in codec or "source" in codec or codec["kind"] in plugins.names("codecs")
    need(found, "'codec' has neither a path nor a source")
    inside = [f"{codec['path']}/{WEIGHTS}"] if "path" in codec else []
    for name in (WEIGHTS, *inside, *([codec["onnx"]] if "onnx" in codec else [])):
        need(name in config["files"], f"'files' does not list {name}")
    for name, digest in config["files"].items():
        _check_inside(name, where)
        need(isinstance(digest, str) and re.fullmatch("[0-9a-f]{64}", digest) is not None, f"bad SHA-256 of {name!r}")


def frozen_parts(config: dict) -> list[dict]:
    """Where the frozen parts of a model are, text encoders first: {"repo", "revision"} each, or {"path"} inside it."""
    codec = config["codec"]
    sources = [config["text"].get(name) for name in ("t5", "clap")] + [codec.get("source")]
    return [source for source in sources if isinstance(source, dict)] + ([codec] if "path" in codec else [])


def _check_inside(name: Any, where: Path) -> None:
    """Refuse a file name that is not a plain relative path inside the bundle."""
    parts = PurePosixPath(name).parts if isinstance(name, str) else ()
    if not parts or parts[0] == "/" or ".." in parts or re.search(r"[\\:\x00-\x1f]", name):
        raise ModelError(f"{where}: {name!r} is not a path inside the model; do not use this model")


def _is_scalar(entry: tuple[str, Any]) -> bool:
    """Whether that is a name and {"default", "min", "max"} of a number that a model is told."""
    name, facts = entry
    if re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name) is None or not isinstance(facts, dict):
        return False
    span: list[Any] = [facts.get(key) for key in ("min", "default", "max")]
    return numbers(span) and span[0] <= span[1] <= span[2] and span[0] < span[2]


def _some(names: list[str]) -> str:
    """The first few names and how many more there are."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
