"""Trains a generator by conditional flow matching: cached latents and caption features -> checkpoints.

The loss is the mean squared error of the velocity (Lipman et al., 2023, arXiv 2210.02747) at times drawn from a
logit-normal distribution, with the channels weighted by how much of the sound hangs on each (`Cache.weights`); captions
are dropped at random for classifier-free guidance. Batch, noise, times and dropout of a step come from (seed, step)
alone: a run that was stopped goes on exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import nn

from musicgen_app import flow
from musicgen_app.backbones.presets import build, trainable_parameters
from musicgen_app.conditioning import TextCondition

from . import checkpoint
from .latents import Cache
from .optim import EMA, adamw, set_lr, warmup_cosine
from .progress import Log


@dataclass(frozen=True)
class Training:
    """Settings of a run; a checkpoint made with others is refused (but for `steps`, which may grow)."""

    preset: str = "sketch-dit"
    overrides: dict = field(default_factory=dict)
    steps: int = 5_800
    batch: int = 32
    crop: int = 62  # frames of a training crop in the first part of the run
    crop_until: int = 3_200  # from this step on whole clips are used, in batches of the same number of frames
    lr: float = 7e-4
    warmup: int = 200
    floor: float = 0.05
    weight_decay: float = 0.01
    drop: float = 0.1
    ema: float = 0.999
    seed: int = 0
    save_every: int = 250


def batch_of(cache: Cache, clips: list[dict], settings: Training, step: int) -> tuple[torch.Tensor, np.ndarray]:
    """The clips of a step: normalised latents (B, T, D) and the number of one caption each."""
    rng = np.random.default_rng((settings.seed, step))
    whole = clips[0]["frames"]
    frames = min(settings.crop, whole) if step < settings.crop_until else whole
    count = max(1, round(settings.batch * min(settings.crop, whole) / frames))
    chosen = [clips[i] for i in rng.integers(len(clips), size=count)]
    first = np.array([clip["frame"] + rng.integers(clip["frames"] - frames + 1) for clip in chosen])
    captions = np.array([clip["captions"][rng.integers(len(clip["captions"]))] for clip in chosen])
    return cache.normalised(first, frames), captions


def flow_loss(
    model: nn.Module,
    data: torch.Tensor,
    text: TextCondition,
    drop: torch.Tensor | None,
    generator: torch.Generator,
    weights: torch.Tensor | float = 1.0,
) -> torch.Tensor:
    """Flow-matching loss of a batch (B, T, D), one value an item (B,); `weights` (D,) says what a channel counts."""
    noise = torch.randn(data.shape, generator=generator)
    t = torch.randn(len(data), generator=generator).sigmoid()
    with torch.autocast("cpu", torch.bfloat16):
        cond = model.condition(text.tokens, text.mask, text.vector, drop)
        v = flow.velocity(model, flow.interpolate(data, noise, t), t, cond)
    return ((v.float() - flow.target(data, noise)).square() * weights).mean(dim=(1, 2))


@torch.inference_mode()
def validate(model: nn.Module, cache: Cache, clips: list[dict], seed: int) -> dict[str, float]:
    """Loss on up to 192 held-out clips with their own caption, and with another clip's (same noise and times)."""
    rng = np.random.default_rng(seed)
    chosen = [clips[i] for i in rng.permutation(len(clips))[:192]]
    captions = np.array([clip["captions"][rng.integers(len(clip["captions"]))] for clip in chosen])
    losses = {"val": [], "val_shuffled": []}
    for start in range(0, len(chosen), 32):
        part = slice(start, start + 32)
        data = cache.normalised(np.array([c["frame"] for c in chosen[part]]), chosen[0]["frames"])
        for name, numbers in (("val", captions[part]), ("val_shuffled", np.roll(captions, 7)[part])):
            generator = torch.Generator().manual_seed(seed + start)
            losses[name].append(flow_loss(model, data, cache.text(numbers), None, generator, cache.weights))
    return {name: torch.cat(values).mean().item() for name, values in losses.items()}


def train(
    settings: Training, cache: Cache, out: Path, stop_at: int | None = None, show: Callable[[str], None] = print
) -> nn.Module:
    """Run (or go on with) a training run in `out` and return the model with averaged weights.

    `stop_at` ends early at a step, keeping the schedule of the whole run. Raises ModelError for an unusable checkpoint.
    """
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(settings.seed)
    model = build(settings.preset, settings.overrides)
    average = EMA(model, settings.ema)
    optimizer = adamw([model], settings.lr, settings.weight_decay)
    modules, optimizers = {"model": model, "average": average.average}, {"model": optimizer}
    fixed = {k: v for k, v in asdict(settings).items() if k not in ("steps", "crop_until", "save_every")}
    newest = checkpoint.latest(out)
    start = checkpoint.load(newest, modules, optimizers, fixed) if newest else 0
    end = min(stop_at or settings.steps, settings.steps)
    clips, held_out = cache.split("train"), cache.split("val")
    show(
        f"{settings.preset}: {trainable_parameters(model) / 1e6:.1f}M parameters, {len(clips)} clips, from step {start}"
    )
    log = Log(out / "log.jsonl", start, end, show)
    for step in range(start, end):
        generator = torch.Generator().manual_seed((settings.seed << 32) + step)
        data, captions = batch_of(cache, clips, settings, step)
        drop = torch.rand(len(data), generator=generator) < settings.drop
        set_lr(optimizer, settings.lr * warmup_cosine(step, settings.steps, settings.warmup, settings.floor))
        loss = flow_loss(model, data, cache.text(captions), drop, generator, cache.weights).mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        average.update(model, step)
        log.step(step + 1, loss=loss.detach(), gradient=norm)
        if (step + 1) % settings.save_every == 0 or step + 1 == end:
            checkpoint.save(out, step + 1, modules, optimizers, fixed)
            if held_out:
                measured = validate(average.average, cache, held_out, settings.seed)
                log.write({"step": step + 1, **{name: round(value, 5) for name, value in measured.items()}})
                show("  ".join(f"{name} {value:.4f}" for name, value in measured.items()))
    return average.average
