"""Optimizer, learning-rate schedule and exponential moving average of the weights."""

from __future__ import annotations

import copy
import math

import torch
from torch import nn


def adamw(modules: list[nn.Module], lr: float, weight_decay: float, betas: tuple[float, float] = (0.9, 0.95)):
    """AdamW over all trainable parameters; weight decay only on matrices and filters."""
    parameters = [p for module in modules for p in module.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=lr, betas=betas)


def warmup_cosine(step: int, total: int, warmup: int, floor: float) -> float:
    """Learning-rate factor: linear from 0 over `warmup` steps, then a half cosine down to `floor` at `total`."""
    if step < warmup:
        return (step + 1) / warmup
    progress = min(1.0, (step - warmup) / max(1, total - warmup))
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * progress))


def set_lr(optimizer: torch.optim.Optimizer, lr: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = lr


class EMA:
    """Exponential moving average of a module's parameters, kept as a second module (`average`).

    The decay is min(decay, (1 + step) / (10 + step)), so that early averages do not remember the initial weights.
    """

    def __init__(self, module: nn.Module, decay: float):
        self.average = copy.deepcopy(module).requires_grad_(False).eval()
        self.decay = decay

    @torch.no_grad()
    def update(self, module: nn.Module, step: int) -> None:
        decay = min(self.decay, (1 + step) / (10 + step))
        for mean, now in zip(self.average.parameters(), module.parameters(), strict=True):
            mean.lerp_(now, 1 - decay)
