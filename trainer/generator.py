"""The whole training of a generator: dataset folders + codec folder -> cache -> run -> bundle."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from musicgen_app.backbones.presets import trainable_parameters
from musicgen_app.bundle import Bundle

from .credits import credits_of, licences_of
from .dataset import read_rows
from .export import export
from .latents import prepare
from .loop import Training, train

SAMPLER = {"solver": "midpoint", "steps": 16, "guidance": 3.0, "guidance_interval": [0.0, 1.0]}


def train_bundle(
    settings: Training,
    data: list[Path],
    codec_folder: Path,
    out: Path,
    *,
    name: str,
    licence: str,
    title: str | None = None,
    version: str = "1",
    stop_at: int | None = None,
    show: Callable[[str], None] = print,
) -> Bundle:
    """Prepare the cache `out/cache`, train in `out`, and write `out/bundle` (an earlier one of this run is replaced).

    Raises FileError for unusable data, ModelError for an unusable codec or checkpoint.
    """
    cache = prepare(data, codec_folder, out / "cache", show)
    model = train(settings, cache, out, stop_at, show)
    steps = min(stop_at or settings.steps, settings.steps)
    rows = [row for folder in data for row in read_rows(folder)]
    hours = sum(clip["seconds"] for clip in cache.split("train")) / 3600
    codec_data = json.loads((codec_folder / "config.json").read_text())["data"]
    credits = out / "CREDITS.md"
    credits.write_text(
        f"# Credits\n\n## The generator\n\n{credits_of(rows)}\n## The codec\n\n"
        f"{(codec_folder / 'CREDITS.md').read_text(encoding='utf-8')}",
        encoding="utf-8",
    )
    summary = {"steps_done": steps, "train_hours": round(hours, 2), **asdict(settings)}
    card = (
        f"# {title or name}\n\nA {trainable_parameters(model) / 1e6:.1f}M-parameter {settings.preset} generator, "
        f"trained with ttm-app for {steps} steps on {hours:.1f} hours of captioned music. Sources: `CREDITS.md`.\n"
    )
    shutil.rmtree(out / "bundle", ignore_errors=True)
    return export(
        model,
        settings.preset,
        settings.overrides,
        cache,
        codec_folder,
        out / "bundle",
        name=name,
        title=title or name,
        version=version,
        licence=licence,
        training=summary,
        data=[{"part": "generator", **d} for d in licences_of(rows)] + [{"part": "codec", **d} for d in codec_data],
        sampler=SAMPLER,
        card=card,
        extra_files={"CREDITS.md": credits},
    )
