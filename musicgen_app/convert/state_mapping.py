"""A checkpoint's tensors -> the state of a preset's backbone, strictly, with a report of what was done.

The backbone's own names show where a file keeps the weights (nested dicts, prefixes, averages). Every one of them must
then be there, of the right shape and finite, and no unknown one may stand among them.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..backbones.base import Backbone
from ..backbones.mamba.model import Mamba, SineEmbedding
from ..backbones.presets import PRESETS, build_backbone, trainable_parameters
from ..errors import ModelError
from ..models.paper_systems import SYSTEMS

WEIGHTS = ("ema", "model")
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
_FLOATS = (torch.float64, *DTYPES.values())

# Buffers that public FluxAudio files hold and that are computed here.
_STRAY = {"t_embed.freqs", "r_embed.freqs", "latent_rot", "text_rot"}
# Last parts of names that are no weights: module states, and what averaging wrappers (nitrous-ema, ema-pytorch,
# torch.optim.swa_utils) keep beside their weights.
_STRAY_ENDS = {"_extra_state", "initted", "step", "n_averaged"}
# Entries that may come from elsewhere than the weights: latent statistics, features of the empty prompt, null vector.
STATISTICS = ("latent_mean", "latent_std")
EMPTY = ("empty_string_feat", "empty_string_feat_c")
_SUPPLIED = {*STATISTICS, *EMPTY, "null_token"}
# Sizes that a checkpoint may have otherwise than its preset: where each is seen (name, axis).
_FLUXAUDIO_SIZES = {"latent_dim": ("audio_input_proj.0.weight", 1), "text_dim": ("text_input_proj.0.weight", 1)}
_SIZES = {
    "fluxaudio": _FLUXAUDIO_SIZES,
    "meanflow": _FLUXAUDIO_SIZES,
    "mamba": {"latent_dim": ("input_proj.proj.weight", 1), "text_dim": ("blocks.0.cross.k.weight", 1)},
}


@dataclass
class Report:
    """What `map_state` did: tensors mapped, of these renamed, dropped; other parts of the file that were left alone."""

    part: str  # where in the file the weights were: "ema_model", "model_state", or "" for the whole file
    averaged: bool  # whether that is a moving average of the weights
    overrides: dict  # sizes that are not the preset's
    parameters: int
    tensors: int = 0
    renamed: int = 0
    dropped: list[str] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)
    computed: list[str] = field(default_factory=list)  # not in the file: made on this machine
    dtypes: dict[str, int] = field(default_factory=dict)  # name -> parameters stored so


@dataclass
class _Fit:
    """How a checkpoint meets the names of one backbone; it fits where `faults` is empty."""

    prefix: str
    own: dict[str, Tensor]  # by our names
    backbone: Backbone  # on the meta device
    overrides: dict
    dropped: list[str]
    unused: list[str]
    faults: dict[str, list[str]]


def map_state(
    tensors: dict[str, Tensor],
    preset: str,
    overrides: dict | None = None,
    *,
    weights: str | None = None,
    dtype: torch.dtype | None = None,
    where: str | os.PathLike = "the checkpoint",
) -> tuple[dict[str, Tensor], Report]:
    """The tensors of `read_checkpoint` -> the state of the preset's backbone by our names, checked one by one.

    overrides: sizes of the backbone that differ; latent_dim and text_dim are seen in the file where not given. Latent
    statistics and features of the empty prompt are in the state only where the checkpoint has them. Every float dtype
    is kept (float64 becomes float32) unless `dtype` asks for another.
    ModelError names every tensor that is missing, unknown, of another shape, not finite or not of a float dtype.
    """
    fit = _fit(tensors, preset, overrides or {}, weights, where)
    if fit is None or fit.faults:
        faults = {"none of its names": list(tensors)} if fit is None else fit.faults
        found = "; ".join(f"{kind}: {_some(names)}" for kind, names in faults.items())
        raise ModelError(f"{where} does not fit --preset {preset} ({found}){_hint(tensors, preset, weights, where)}")
    state = {name: _usable(name, tensor, dtype, where) for name, tensor in fit.own.items()}
    if isinstance(fit.backbone, Mamba):
        _complete_mamba(state, tensors, fit.backbone, where)
    stored: Counter[str] = Counter()
    for tensor in state.values():
        stored[_kind(tensor.dtype)] += tensor.numel()
    report = Report(
        part=fit.prefix.rstrip("./"),
        averaged=_is_average(fit.prefix),
        overrides=fit.overrides,
        parameters=trainable_parameters(fit.backbone),
        tensors=len(state),
        renamed=len(state.keys() - fit.own.keys()) + (len(fit.own) if fit.prefix != _dict_of(fit.prefix) else 0),
        dropped=fit.dropped,
        unused=fit.unused,
        dtypes=dict(stored),
    )
    return state, report


def _fit(
    tensors: dict[str, Tensor], preset: str, overrides: dict, weights: str | None, where: str | os.PathLike
) -> _Fit | None:
    """How the checkpoint meets the preset; None where it has none of its names."""
    wanted = _on_meta(preset, overrides).state_dict()
    if "null_token" in wanted:
        tensors = {key: tensor for key, tensor in tensors.items() if not _is_null(key)}
    copies = _copies(tensors, wanted)
    if not copies:
        return None
    prefix = _choose(copies, weights, where)
    own, beside, unused = _split(tensors, prefix, copies)
    overrides = _seen_sizes(own, preset) | overrides
    backbone = _on_meta(preset, overrides)
    wanted = backbone.state_dict()
    dropped = [name for name in [*own, *beside] if name not in wanted and _is_stray(name)]
    own = {name: tensor for name, tensor in own.items() if name not in dropped}
    faults = {
        "missing": [name for name in wanted if name not in own and name not in _SUPPLIED],
        "unknown": [name for name in own if name not in wanted] + [name for name in beside if name not in dropped],
        "wrong shape": [
            f"{name} {tuple(own[name].shape)} instead of {tuple(tensor.shape)}"
            for name, tensor in wanted.items()
            if name in own and own[name].shape != tensor.shape
        ],
    }
    faults = {kind: names for kind, names in faults.items() if names}
    return _Fit(prefix, own, backbone, overrides, dropped, unused, faults)


def _copies(tensors: dict[str, Tensor], wanted: dict[str, Tensor]) -> list[str]:
    """The prefixes under which the checkpoint holds the names of a backbone, in the order of the file."""
    found: Counter[str] = Counter()
    for key in tensors:
        parts = re.split(r"(?<=[./])", key)  # "model_state/", "blocks.", "0.", "D"
        for i in range(len(parts)):
            if "".join(parts[i:]) in wanted:
                found["".join(parts[:i])] += 1
    most = max(found.values(), default=0)
    return [prefix for prefix, count in found.items() if 2 * count > most]  # the rest are chance hits


def _choose(copies: list[str], weights: str | None, where: str | os.PathLike) -> str:
    """One of the copies: an average (the first of several) before the plain weights, unless `weights` says which."""
    averages = [prefix for prefix in copies if _is_average(prefix)]
    plain = [prefix for prefix in copies if prefix not in averages]
    chosen = {"ema": averages, "model": plain, None: averages or plain}[weights]
    named = [prefix.rstrip("./") or "the whole file" for prefix in copies]
    if not chosen:
        raise ModelError(f"{where} has no weights of the kind {weights!r}: it holds {_some(named)}")
    if chosen is plain and len(plain) > 1:
        raise ModelError(f"{where} holds several sets of weights ({_some(named)}): save the one you want alone")
    return chosen[0]


def _is_average(prefix: str) -> bool:
    return re.search(r"(^|[./])ema", prefix) is not None


def _split(
    tensors: dict[str, Tensor], prefix: str, copies: list[str]
) -> tuple[dict[str, Tensor], list[str], list[str]]:
    """What is under `prefix` without it; names beside it in the same dict of the file; the file's other parts."""
    own, beside, unused = {}, [], {}
    inner_first = sorted(copies, key=len, reverse=True)
    for key, tensor in tensors.items():
        copy = next((c for c in inner_first if key.startswith(c) and _dict_of(key) == _dict_of(c)), None)
        if copy == prefix:
            own[key.removeprefix(prefix)] = tensor
        elif copy is not None:
            unused[copy.rstrip("./") or "other weights"] = True
        elif _dict_of(key) == _dict_of(prefix):
            beside.append(key)
        else:
            unused[key.split("/")[0]] = True
    return own, beside, list(unused)


def _dict_of(key: str) -> str:
    """The nested dict that a key or prefix is in: "model_state/blocks.0.D" -> "model_state/"."""
    return key[: key.rfind("/") + 1]


def _is_stray(name: str) -> bool:
    return name in _STRAY or re.split("[./]", name)[-1] in _STRAY_ENDS


def _is_null(key: str) -> bool:
    """Does it belong to UCSD's text conditioner, whose one weight is the null text vector?"""
    return re.split("[./]", key)[0] == "cond_state"


def _seen_sizes(own: dict[str, Tensor], preset: str) -> dict:
    """The sizes of `_SIZES` that the checkpoint has otherwise than the preset."""
    seen = {}
    for size, (name, axis) in _SIZES[PRESETS[preset].family.name].items():
        if name in own and own[name].ndim > axis and own[name].shape[axis] not in (0, size_of(preset, size)):
            seen[size] = own[name].shape[axis]
    return seen


def size_of(preset: str, name: str) -> int:
    """A size in the configuration of a preset."""
    return getattr(PRESETS[preset].family.config(**PRESETS[preset].config), name)


def _on_meta(preset: str, overrides: dict) -> Backbone:
    with torch.device("meta"):
        return build_backbone(preset, overrides)


def _hint(tensors: dict[str, Tensor], preset: str, weights: str | None, where: str | os.PathLike) -> str:
    """Where another preset fits, a note that says so."""
    for other in SYSTEMS:
        if other != preset:
            fit = _fit(tensors, other, {}, weights, where)
            if fit is not None and not fit.faults:
                return f"; this looks like --preset {other}"
    return ""


def _complete_mamba(
    state: dict[str, Tensor], tensors: dict[str, Tensor], backbone: Mamba, where: str | os.PathLike
) -> None:
    """Add the null text vector, which UCSD's files keep under `cond_state`; undo a rounding of the time frequencies."""
    shape = backbone.null_token.shape
    if "null_token" not in state:
        nulls = [key for key in tensors if _is_null(key)]
        fitting = [key for key in nulls if tensors[key].numel() == shape.numel()]
        if len(fitting) != 1:
            raise ModelError(
                f"{where} needs one null text vector of {shape.numel()} values under cond_state, but has {len(fitting)}"
                f" ({_some(nulls) or 'no cond_state'})"
            )
        state["null_token"] = _usable(fitting[0], tensors[fitting[0]].reshape(shape), None, where)
    given, exact = state["time_embed.freqs"], SineEmbedding(backbone.config.time_dim).freqs
    if not torch.allclose(given.float(), exact, rtol=0.01):  # a 16-bit copy is still the same
        raise ModelError(f"{where}: time_embed.freqs are not the frequencies of this backbone's time embedding")
    state["time_embed.freqs"] = given if given.dtype == exact.dtype else exact


def _usable(name: str, tensor: Tensor, dtype: torch.dtype | None, where: str | os.PathLike) -> Tensor:
    """The tensor in a dtype that a bundle stores, contiguous, finite, and sharing its memory with no other."""
    if tensor.layout != torch.strided or tensor.device.type != "cpu" or tensor.dtype not in _FLOATS:
        kinds = ", ".join(map(_kind, _FLOATS))
        raise ModelError(f"{where}: {name} is {tensor.dtype} ({tensor.layout}), but weights must be dense {kinds}")
    if dtype is not None and name not in _SUPPLIED and name != "time_embed.freqs":
        tensor = tensor.to(dtype)
    elif tensor.dtype == torch.float64:
        tensor = tensor.float()
    if not tensor.isfinite().all():
        raise ModelError(f"{where}: {name} has values that are not finite (as {_kind(tensor.dtype)})")
    alone = tensor.is_contiguous() and tensor.untyped_storage().nbytes() == tensor.nbytes
    return tensor if alone else tensor.clone(memory_format=torch.contiguous_format)


def _kind(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _some(names: list[str]) -> str:
    """The first few names and how many more there are."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
