"""Tiny models of the MeanFlow family, and ones that are told numbers, made of the parts of the model `tiny`."""

from __future__ import annotations

from pathlib import Path

import torch

from musicgen_app.backbones import presets
from musicgen_app.backbones.presets import build_backbone
from musicgen_app.models.bundle import Bundle, write_bundle


def write_mean_flow(folder: Path, parts: tuple[dict, dict, dict[str, Path]]) -> Bundle:
    """`parts`: those of the fixture `tiny_parts`."""
    config, _, files = parts
    overrides = dict(presets.PRESETS["sketch-dit"].config) | config["backbone"]["overrides"]
    backbone = {"preset": "meanaudio-s", "overrides": overrides}
    sampler = {"solver": "mean", "steps": 1, "guidance": 1.0, "guidance_interval": None}
    changes = {"name": folder.name, "backbone": backbone, "sampler": sampler}
    return write_bundle(folder, config | changes, _random_state(backbone), f"# {folder.name}\n", files)


def write_told(folder: Path, parts: tuple[dict, dict, dict[str, Path]], conditions: dict) -> Bundle:
    """A model that is told these conditions."""
    config, _, files = parts
    backbone = config["backbone"] | {"overrides": config["backbone"]["overrides"] | {"scalars": len(conditions)}}
    changes = {"name": folder.name, "backbone": backbone, "conditions": conditions}
    return write_bundle(folder, config | changes, _random_state(backbone), f"# {folder.name}\n", files)


def _random_state(backbone: dict) -> dict[str, torch.Tensor]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = build_backbone(backbone["preset"], backbone["overrides"])
        for parameter in model.parameters():
            if parameter.requires_grad and not parameter.any():
                torch.nn.init.normal_(parameter, std=0.1)
    return model.state_dict()
