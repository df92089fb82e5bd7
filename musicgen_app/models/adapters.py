"""Adapters: small changes of a model's weights that are kept apart from them, in the file format of the package `peft`.

A folder: `adapter_config.json` + `adapter_model.safetensors`, as peft writes and reads them, with `adapter.json` (what
it is, whose weights it was trained on, the SHA-256 of its own) and `README.md`. For every layer that it changes it
holds two thin matrices A and B, and the layer's weights W become W + strength * alpha / rank * B A (LoRA; Hu et al.,
2021, arXiv 2106.09685). Nothing but these two JSON files and the safetensors file is ever read.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ModelError
from ..machine import files, paths
from ..machine.checksums import sha256
from .bundle import CARD, WEIGHTS, Applied, Bundle, load_state

if TYPE_CHECKING:
    from torch import Tensor, nn

SCHEMA = 1
PEFT_CONFIG, PEFT_WEIGHTS, FACTS = "adapter_config.json", "adapter_model.safetensors", "adapter.json"
PREFIX = "base_model.model."  # which peft puts before the names of the layers
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
LARGEST_CONFIG = 2**20  # bytes
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
# What peft can do beyond plain LoRA changes what the file means: each has to be as it is when it is not asked for.
_PLAIN: dict[str, tuple] = {
    "use_dora": (False, None), "use_rslora": (False, None), "fan_in_fan_out": (False, None), "lora_bias": (False, None),
    "bias": ("none", None), "modules_to_save": (None, []), "rank_pattern": ({}, None), "alpha_pattern": ({}, None),
    "trainable_token_indices": (None,), "target_parameters": (None, []),
}  # fmt: skip


@dataclass(frozen=True)
class Adapter:
    """An opened adapter folder. scale: alpha / rank; facts: those of `adapter.json`, {} where there is none."""

    path: Path
    name: str
    scale: float
    rank: int
    weights_sha256: str
    facts: dict

    @property
    def licence(self) -> str:
        return self.facts.get("licence", "unknown")

    @property
    def base(self) -> dict:
        """{"name", "version", "weights_sha256"} of the model that it was trained on; {} where it does not say."""
        return self.facts.get("base", {})

    def factors(self) -> dict[str, tuple[Tensor, Tensor]]:
        """A (rank, in, ...) and B (out, rank, ...) of every layer that it changes. ModelError: damaged, not finite."""
        import torch

        state = load_state(self.path / PEFT_WEIGHTS, self.weights_sha256)
        names = {re.sub(r"\.lora_[AB]\.weight$", "", key) for key in state}
        expected = {f"{name}.lora_{part}.weight" for name in names for part in "AB"}
        if not state or expected != state.keys() or not all(name.startswith(PREFIX) for name in names):
            raise ModelError(f"{self.path / PEFT_WEIGHTS} does not hold the two matrices of every layer that it names")
        if not all(value.is_floating_point() and torch.isfinite(value).all() for value in state.values()):
            raise ModelError(f"{self.path / PEFT_WEIGHTS} has values that are not finite numbers")
        return {
            name.removeprefix(PREFIX): (state[f"{name}.lora_A.weight"], state[f"{name}.lora_B.weight"])
            for name in sorted(names)
        }


def open_adapter(path: str | os.PathLike) -> Adapter:
    """Read and check the two JSON files of an adapter folder. ModelError says what is wrong with it."""
    path = Path(path)
    if not os.path.lexists(path / PEFT_CONFIG):
        raise ModelError(f"{path} is not an adapter: it has no {PEFT_CONFIG}")
    config = _read(path / PEFT_CONFIG)
    pickles = sorted(file.name for file in path.iterdir() if file.suffix.lower() in PICKLES)
    if pickles:
        raise ModelError(f"{path} holds {pickles[0]!a}, a format that can run code: do not use it, or take that out")
    if not (path / PEFT_WEIGHTS).is_file():
        raise ModelError(f"{path} has no {PEFT_WEIGHTS}: the adapter is incomplete")
    rank: Any = config.get("r")
    alpha: Any = config.get("lora_alpha")
    if config.get("peft_type") != "LORA":
        raise ModelError(f"{path / PEFT_CONFIG}: only adapters of the kind LORA can be used")
    whole = type(rank) is int and 0 < rank <= 4_096
    if not whole or type(alpha) not in (int, float) or not math.isfinite(alpha) or not 0 < alpha <= 1e6:
        raise ModelError(f"{path / PEFT_CONFIG}: 'r' or 'lora_alpha' is not a positive number that can be")
    for name, plain in _PLAIN.items():
        if config.get(name, plain[0]) not in plain:
            raise ModelError(f"{path / PEFT_CONFIG} asks for {name}, which this app does not know")
    facts = _read(path / FACTS) if os.path.lexists(path / FACTS) else {}
    if facts:
        _check_facts(facts, path / FACTS)
    try:
        digest = sha256(path / PEFT_WEIGHTS)
    except OSError as error:
        raise ModelError(f"cannot read {path / PEFT_WEIGHTS}: {error.strerror}") from error
    if facts and facts["weights_sha256"] != digest:
        raise ModelError(f"{path / PEFT_WEIGHTS} was changed or is truncated (SHA-256 differs)")
    name = facts.get("name") or re.sub(r"[^a-z0-9._-]+", "-", path.resolve().name.lower()).strip("-._")[:64]
    return Adapter(path, name or "adapter", alpha / rank, rank, digest, facts)


def is_adapter(path: str | os.PathLike) -> bool:
    """Whether there is an adapter folder at this path, usable or not."""
    return os.path.lexists(paths.expanded(path) / PEFT_CONFIG)


def scan(root: str | os.PathLike | None = None) -> tuple[list[Adapter], dict[Path, ModelError]]:
    """The adapters that were installed, by name, and the folders that cannot be used with what is wrong with them."""
    found, faults = [], {}
    for config in sorted(Path(root or paths.adapters()).glob(f"[!.]*/{PEFT_CONFIG}")):
        try:
            found.append(replace(open_adapter(config.parent), name=config.parent.name))
        except ModelError as error:
            faults[config.parent] = error
    return found, faults


def find(name_or_path: str, root: str | os.PathLike | None = None) -> Adapter:
    """The installed adapter of this name, else the adapter folder at this path. ModelError: there is none."""
    if not _is_installed(name_or_path, root) and (
        os.sep in name_or_path or "/" in name_or_path or is_adapter(name_or_path)
    ):
        return open_adapter(paths.expanded(name_or_path))
    return find_installed(name_or_path, root)


def find_installed(name: str, root: str | os.PathLike | None = None) -> Adapter:
    """The installed adapter of that name; never a folder, which a page or a program must not choose. ModelError."""
    if _is_installed(name, root):
        return replace(open_adapter(Path(root or paths.adapters()) / name), name=name)
    known = ", ".join(adapter.name for adapter in scan(root)[0]) or "none"
    raise ModelError(f"unknown adapter {name[:80]!a}; installed: {known} (ttm-app models import FOLDER adds one)")


def _is_installed(name: str, root: str | os.PathLike | None) -> bool:
    return NAME.fullmatch(name) is not None and os.path.lexists(Path(root or paths.adapters()) / name)


def adapted(bundle: Bundle, wanted: Mapping[str, float], find: Callable[[str], Adapter] = find) -> Bundle:
    """The model with these adapters, name or folder -> strength. ModelError: not found, or one for other weights.

    find: gives the adapter of a name; for requests from elsewhere `find_installed`.
    """
    applied: list[Applied] = []
    for reference, strength in wanted.items():
        adapter = find(reference)
        base = adapter.base.get("weights_sha256", bundle.config["files"][WEIGHTS])
        if base != bundle.config["files"][WEIGHTS]:
            made_for = f"{adapter.base['name']} (weights {base[:8]})"
            here = f"{bundle.name} (weights {bundle.config['files'][WEIGHTS][:8]})"
            raise ModelError(f"the adapter {adapter.name} is for {made_for}, not for {here}: choose that --model")
        if adapter.name in [one.name for one in applied]:
            raise ModelError(f"two adapters are called {adapter.name}: give it once, with another strength")
        applied.append(Applied(adapter.path, adapter.name, adapter.weights_sha256, float(strength)))
    return replace(bundle, adapters=tuple(applied))


def apply(backbone: nn.Module, applied: Sequence[Applied]) -> None:
    """Add adapters to the weights of a loaded backbone, in place; sums are float32, the result has the dtype of before.

    ModelError: one changes a layer that is not there, or not of its shape, or is not the one that was found before.
    """
    import torch
    from torch import nn

    layers, sums = dict(targets(backbone)), dict[str, torch.Tensor]()
    for one in applied:
        adapter = open_adapter(one.path)
        if adapter.weights_sha256 != one.weights_sha256:
            raise ModelError(f"{one.path} was changed meanwhile: try again")
        for name, (a, b) in adapter.factors().items():
            weight = layers[name].weight if name in layers else None
            if weight is None or not _fits(weight, a, b, adapter.rank):
                has = "it has no such layer" if weight is None else f"its weights are {tuple(weight.shape)}"
                raise ModelError(f"the adapter {one.name} is for another model: of {ascii(name)[:80]}, {has}")
            before = sums.get(name, weight.detach().float())
            sums[name] = before + one.strength * adapter.scale * product(a.float(), b.float())
    for name, total in sums.items():
        stored = total.to(layers[name].weight.dtype)
        stored = stored if torch.isfinite(stored).all() else total
        layers[name].weight = nn.Parameter(stored, requires_grad=False)


def product(a: Tensor, b: Tensor) -> Tensor:
    """A (rank, in, ...) and B (out, rank, ...) -> B A (out, in, ...)."""
    return (b.flatten(1) @ a.flatten(1)).view(b.shape[0], *a.shape[1:])


def targets(backbone: nn.Module) -> Iterator[tuple[str, Any]]:
    """The layers that adapters change, by name: every Linear and ungrouped convolution, within blocks or not."""
    from torch import nn

    for name, layer in backbone.named_modules():
        if isinstance(layer, nn.Linear) or isinstance(layer, nn.Conv1d) and layer.groups == 1:
            yield name, layer


def write_adapter(
    path: str | os.PathLike,
    factors: Mapping[str, tuple[Tensor, Tensor]],
    alpha: float,
    facts: dict,
    card: str,
    extra_files: Mapping[str, Path] | None = None,
    overwrite: bool = False,
) -> Adapter:
    """Write an adapter folder in one step. factors: A and B by layer; facts: {"name", "base", "licence", ...}.

    Raises FileError (exists already, cannot be written) and ModelError (facts that are not valid).
    """
    from safetensors.torch import save_file

    state = {
        f"{PREFIX}{name}.lora_{part}.weight": value.detach().cpu().contiguous()
        for name, pair in sorted(factors.items())
        for part, value in zip("AB", pair, strict=True)
    }
    rank = min(a.shape[0] for a, _ in factors.values())
    config = {
        "peft_type": "LORA", "task_type": None, "base_model_name_or_path": facts["base"]["name"], "r": rank,
        "lora_alpha": alpha, "target_modules": sorted(factors), "bias": "none", "inference_mode": True,
    }  # fmt: skip
    path = Path(path)
    with files.writing_folder(path, overwrite) as new:
        save_file(state, new / PEFT_WEIGHTS, metadata={"format": "pt"})
        (new / PEFT_WEIGHTS).chmod(0o644)
        for name, source in (extra_files or {}).items():
            (new / name).write_bytes(Path(source).read_bytes())
        facts = {"schema": SCHEMA, **facts, "weights_sha256": sha256(new / PEFT_WEIGHTS)}
        _check_facts(facts, path / FACTS)
        for name, content in ((PEFT_CONFIG, config), (FACTS, facts)):
            (new / name).write_bytes((json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode())
        (new / CARD).write_bytes(card.encode())
    return open_adapter(path)


def _fits(weight: Tensor, a: Tensor, b: Tensor, rank: int) -> bool:
    ones = (1,) * (weight.ndim - 2)
    return tuple(a.shape) == (rank, *weight.shape[1:]) and tuple(b.shape) == (weight.shape[0], rank, *ones)


def _read(path: Path) -> dict:
    """The JSON object in a file. ModelError: it is none, or far too large."""
    try:
        if not path.is_file():  # a named pipe would be waited for
            raise ModelError(f"{path} is not a file; remove it")
        with open(path, "rb") as file:
            content = file.read(LARGEST_CONFIG + 1)
        found = json.loads(content.decode()) if len(content) <= LARGEST_CONFIG else None
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path} is not valid JSON ({str(error)[:100]})") from error
    if not isinstance(found, dict):
        raise ModelError(f"{path} is not a JSON object of less than {LARGEST_CONFIG:,} bytes")
    return found


def _check_facts(facts: dict, where: Path) -> None:
    """Raise ModelError where these are not the facts of an adapter."""
    if facts.get("schema") != SCHEMA:
        raise ModelError(
            f"{where}: schema {str(facts.get('schema'))[:20]!a}, but this ttm-app reads {SCHEMA}: update it"
        )
    base = facts["base"] if isinstance(facts.get("base"), dict) else {}
    texts = [facts.get("name"), facts.get("licence"), base.get("name"), *base.values()]
    digests = [facts.get("weights_sha256"), base.get("weights_sha256")]
    if not (
        all(isinstance(text, str) for text in [*texts, *digests])
        and NAME.fullmatch(facts["name"])
        and all(re.fullmatch("[0-9a-f]{64}", str(digest)) for digest in digests)
    ):
        raise ModelError(f"{where} does not say its name, licence, base and SHA-256 as an adapter does")
