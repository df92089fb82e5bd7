"""A training run of seconds, with everything on that could spoil an exact resume; also a program for subprocess tests.

python tests/support/tiny_training.py PREPARED SETTINGS OUT OPTIONS [OUT OPTIONS]...

SETTINGS are those to change of TINY, OPTIONS those of `train` for the run in OUT, both in JSON.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from support.prepared_folder import write_tiny
from ttm_trainer.prepare.prepared_folder import Prepared
from ttm_trainer.runtime.stage_runner import check_settings, part_folder, write_part
from ttm_trainer.training.loop import EmaSettings, Phase, Training, train
from ttm_trainer.training.timesteps import Beta

SCRIPT = Path(__file__)
DIT = {"latent_dim": 8, "hidden": 32, "depth": 2, "fused_depth": 1, "heads": 1, "mlp_width": 32, "text_dim": 16,
       "text_len": 10, "vector_dim": 16}  # fmt: skip
MAMBA = {"latent_dim": 8, "hidden": 16, "depth": 1, "heads": 1, "text_dim": 16, "time_dim": 16, "dropout": 0.1}
PHASES = (Phase(8, 3e-3, warmup=2, schedule="step"), Phase(8, 1e-3, crop=10, batch=4, styles=("qwen",), fraction=0.7))

TINY = Training(
    preset="sketch-mamba",
    overrides=MAMBA,
    phases=PHASES,
    batch=6,
    micro=4,
    clusters=("text", 3),
    timesteps=Beta(1.0),
    repa_clap=0.2,
    repa_muq=0.1,
    ema=EmaSettings(sigma_rel=0.1),
    save_every=2,
    validate_every=4,
    validation_items=4,
    log_every=4,
)


def tiny_folder(folder: Path) -> Prepared:
    """A prepared folder of 40 items with MuQ features and three clusters."""
    prepared = write_tiny(folder, items=40, vector_dim=16, muq=True)
    labels = (prepared.tracks % 3).astype(np.int32)
    check_settings(folder / "clusters" / "text-3", {"random": True})
    write_part(part_folder(folder, "clusters/text-3", 0), {"labels": labels})
    return prepared


def changed(settings: dict) -> Training:
    """TINY with other settings, as JSON gives them; "steps" are those of the first phase, then the only one."""
    settings = dict(settings)
    if "steps" in settings:
        settings["phases"] = (replace(PHASES[0], steps=settings.pop("steps")),)
    return replace(TINY, **settings)


def quiet(line: str) -> None:
    pass


def contents(folder: Path) -> dict[str, torch.Tensor]:
    """Every tensor of a checkpoint."""
    files = sorted(folder.glob("*.safetensors"))
    return {f"{file.stem}:{key}": value for file in files for key, value in load_file(file).items()}


def main(prepared: str, settings: str, *runs: str) -> None:
    for out, options in zip(runs[::2], runs[1::2], strict=True):
        result = train(
            changed(json.loads(settings)), Prepared(prepared), Path(out), device="cpu", **json.loads(options)
        )
        print(f"stopped: {result.stopped}")


if __name__ == "__main__":
    main(*sys.argv[1:])
