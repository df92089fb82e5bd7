"""Named backbone sizes: preset name (+ overrides) -> a freshly initialised backbone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from torch import nn

from .. import plugins
from ..errors import ModelError
from .base import Backbone
from .fluxaudio.mean_flow import MeanFlow
from .fluxaudio.model import FluxAudio, FluxAudioConfig
from .mamba.model import Mamba, MambaConfig


@dataclass(frozen=True)
class Family:
    """A kind of backbone: `model(config)` builds one (see `backbones` for what it must have), `config` is a dataclass.

    A condition of its models is a NamedTuple of tensors or None, each with a batch axis first, with a method `join`.
    """

    name: str
    model: Callable[[Any], Backbone]
    config: type


@dataclass(frozen=True)
class Preset:
    """A backbone family, its configuration and how many trainable parameters that makes."""

    family: Family
    config: dict
    parameters: int | None = None


FLUXAUDIO, MAMBA = Family("fluxaudio", FluxAudio, FluxAudioConfig), Family("mamba", Mamba, MambaConfig)
MEANFLOW = Family("meanflow", MeanFlow, FluxAudioConfig)
_SMALL = {"latent_dim": 20, "hidden": 448, "fused_depth": 8}
_LARGE = {"latent_dim": 20, "fused_depth": 8, "heads": 14}
PRESETS = {
    "mamba-189m": Preset(MAMBA, {}, 189_094_784),
    "dit-450m": Preset(FLUXAUDIO, {}, 449_134_400),
    "fluxaudio-s": Preset(FLUXAUDIO, _SMALL, 120_106_388),
    "fluxaudio-l": Preset(FLUXAUDIO, _LARGE, 478_417_684),
    "meanaudio-s": Preset(MEANFLOW, _SMALL, 120_422_676),
    "meanaudio-l": Preset(MEANFLOW, _LARGE, 479_451_668),
    "sketch-dit": Preset(
        FLUXAUDIO,
        {
            "hidden": 320,
            "depth": 6,
            "fused_depth": 4,
            "heads": 5,
            "text_dim": 512,
            "text_len": 48,
            "mlp_width": 512,
            "input_kernel": 3,
        },
        21_736_128,
    ),
    "sketch-mamba": Preset(
        MAMBA, {"latent_dim": 64, "hidden": 256, "depth": 6, "heads": 4, "text_dim": 512}, 13_693_504
    ),
}

DEEPEST, WIDEST = 1_000, 1_000_000  # blocks and any other size that a backbone may have; more is a fault of its config


def find(name: str) -> Preset:
    """The preset of that name, the app's own or a plug-in's; ModelError for an unknown one."""
    preset = PRESETS.get(name) or plugins.load("backbones", name)
    if preset is None:
        known = ", ".join([*PRESETS, *plugins.names("backbones")])
        raise ModelError(f"unknown backbone preset {name!r}: use one of {known}, or install the plug-in that brings it")
    return preset


def configuration(preset: str, overrides: dict | None = None) -> Any:
    """A preset's configuration with some of its fields replaced; ModelError for an unknown name or field."""
    found = find(preset)
    kind, config = found.family.config, found.config | (overrides or {})
    unknown = sorted(config.keys() - {field.name for field in fields(kind)})
    if unknown:
        raise ModelError(f"backbone preset {preset!r} has no setting {', '.join(unknown)}: remove it")
    for name, value in (overrides or {}).items():
        if isinstance(value, int) and not 0 <= value <= (DEEPEST if name.endswith(("depth", "scalars")) else WIDEST):
            raise ModelError(f"{name} of a backbone cannot be {value}: no model that is known has that")
    return kind(**config)


def build_backbone(preset: str, overrides: dict | None = None) -> Backbone:
    """Build a preset with some fields of its configuration replaced; ModelError for an unknown name or field."""
    return find(preset).family.model(configuration(preset, overrides))


def trainable_parameters(model: nn.Module) -> int:
    """The number of parameters that training changes (frozen entries of the state dict are not counted)."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
