"""Optimizer, learning-rate schedules and exponential moving averages of the weights."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from torch import nn

FUSED = {"cpu", "cuda"}  # devices on which PyTorch updates all parameters in one kernel


def adamw(
    modules: list[nn.Module],
    lr: float,
    weight_decay: float,
    betas: tuple[float, float] = (0.9, 0.95),
    eps: float = 1e-8,
) -> torch.optim.AdamW:
    """AdamW over all trainable parameters; weight decay only on matrices and filters."""
    parameters = [p for module in modules for p in module.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    fused = all(p.device.type in FUSED for p in parameters)
    return torch.optim.AdamW(groups, lr=lr, betas=betas, eps=eps, fused=fused)


def warm(step: int, warmup: int) -> float:
    """Linear warm-up: a factor that reaches 1 at the last of the `warmup` first steps."""
    return min(1.0, (step + 1) / warmup) if warmup else 1.0


def cosine(step: int, total: int, warmup: int, floor: float) -> float:
    """Half a cosine from 1 at the end of the warm-up down to `floor` at `total`."""
    progress = min(1.0, max(0.0, (step - warmup) / max(1, total - warmup)))
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * progress))


def steps_down(step: int, total: int, milestones: Sequence[float], gamma: float = 0.1) -> float:
    """1, multiplied by `gamma` after each of the milestones, which are fractions of `total`."""
    return gamma ** sum(step >= round(fraction * total) for fraction in milestones)


def warmup_cosine(step: int, total: int, warmup: int, floor: float) -> float:
    """Learning-rate factor: linear over `warmup` steps, then a half cosine down to `floor` at `total`."""
    return warm(step, warmup) * cosine(step, total, warmup, floor)


def set_lr(optimizer: torch.optim.Optimizer, lr: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = lr


def power_exponent(sigma_rel: float) -> float:
    """The exponent gamma of the power-function average whose width is `sigma_rel` of the training so far.

    Karras et al., 2024 (arXiv 2312.02696), section 3.1: sigma_rel^2 = (gamma + 1) / ((gamma + 2)^2 (gamma + 3)), solved
    for gamma. 0.05 and 0.1 are the usual widths; at most 0.28 makes sense.
    """
    t = sigma_rel**-2
    return float(np.roots([1, 7, 16 - t, 12 - t]).real.max())


M = TypeVar("M", bound=nn.Module)


class EMA(Generic[M]):
    """Exponential moving average of a module's parameters, kept as a second module (`average`).

    With `decay` d: the decay of a step is min(d, (1 + step) / (10 + step)), so that early averages do not remember the
    initial weights. With `sigma_rel`: the power-function average of Karras et al., 2024 (arXiv 2312.02696, equation 4),
    decay (1 - 1/n)^(gamma + 1) at the n-th update, so that the average always spans the same share of the training.
    share_frozen: parameters that are not trained are those of the module itself, not copies.
    """

    def __init__(self, module: M, decay: float | None, sigma_rel: float | None = None, share_frozen: bool = False):
        shared = {id(p): p for p in module.parameters() if not p.requires_grad} if share_frozen else {}
        self.average: M = copy.deepcopy(module, dict[int, Any](shared)).requires_grad_(False).eval()
        self.decay_limit = decay
        self.exponent = None if sigma_rel is None else power_exponent(sigma_rel) + 1

    def decay(self, step: int) -> float:
        """What is kept of the average at the update of step `step` (counted from 0)."""
        if self.exponent is not None:
            return (1 - 1 / (step + 1)) ** self.exponent
        assert self.decay_limit is not None  # one of the two is given
        return min(self.decay_limit, (1 + step) / (10 + step))

    @torch.no_grad()
    def update(self, module: nn.Module, step: int) -> None:
        """Take in the parameters of `module` after the update of step `step`."""
        pairs = zip(self.average.parameters(), module.parameters(), strict=True)
        trained = [(mean.data, p.detach()) for mean, p in pairs if p.requires_grad]
        means, now = [mean for mean, _ in trained], [p for _, p in trained]
        torch._foreach_lerp_(means, now, 1 - self.decay(step))
