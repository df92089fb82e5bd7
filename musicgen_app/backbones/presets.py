"""Named backbone sizes: preset name (+ overrides) -> a freshly initialised backbone."""

from __future__ import annotations

from dataclasses import dataclass, fields

from torch import nn

from ..errors import ModelError
from .fluxaudio.model import FluxAudio, FluxAudioConfig
from .mamba.model import Mamba, MambaConfig

FAMILIES = {"fluxaudio": (FluxAudio, FluxAudioConfig), "mamba": (Mamba, MambaConfig)}


@dataclass(frozen=True)
class Preset:
    """A backbone family, its configuration and how many trainable parameters that makes."""

    family: str
    config: dict
    parameters: int | None = None


PRESETS = {
    "mamba-189m": Preset("mamba", {}, 189_094_784),
    "dit-450m": Preset("fluxaudio", {}, 449_134_400),
    "fluxaudio-s": Preset("fluxaudio", {"latent_dim": 20, "hidden": 448, "fused_depth": 8}, 120_106_388),
    "fluxaudio-l": Preset("fluxaudio", {"latent_dim": 20, "fused_depth": 8, "heads": 14}, 478_417_684),
    "sketch-dit": Preset(
        "fluxaudio",
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
        "mamba", {"latent_dim": 64, "hidden": 256, "depth": 6, "heads": 4, "text_dim": 512}, 13_693_504
    ),
}


def configuration(preset: str, overrides: dict | None = None) -> FluxAudioConfig | MambaConfig:
    """A preset's configuration with some of its fields replaced; ModelError for an unknown name or field."""
    if preset not in PRESETS:
        raise ModelError(f"unknown backbone preset {preset!r}: use one of {', '.join(PRESETS)}")
    family, config = PRESETS[preset].family, PRESETS[preset].config | (overrides or {})
    kind = FAMILIES[family][1]
    unknown = sorted(config.keys() - {field.name for field in fields(kind)})
    if unknown:
        raise ModelError(f"backbone preset {preset!r} has no setting {', '.join(unknown)}: remove it")
    return kind(**config)


def build(preset: str, overrides: dict | None = None) -> nn.Module:
    """Build a preset with some fields of its configuration replaced; ModelError for an unknown name or field."""
    config = configuration(preset, overrides)
    return FAMILIES[PRESETS[preset].family][0](config)


def trainable_parameters(model: nn.Module) -> int:
    """The number of parameters that training changes (frozen entries of the state dict are not counted)."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
