"""The selective scan and the causal convolution of a Mamba mixer in plain PyTorch: what every kernel must equal.

The causal convolution gives u (B, T, I) from x; the selective scan gives y (B, T, I) from u and per-step dt, B, C:

h_t = exp(dt_t A) h_{t-1} + dt_t B_t u_t,   y_t = (C_t . h_t + D u_t) silu(z_t)     (Gu & Dao, 2023, section 3)
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def selective_scan(
    x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, z: Tensor, reverse: bool = False
) -> Tensor:
    """The reference: everything at once except the recurrence itself, in float32 or better.

    x, dt, z (B, T, I), dt before its softplus; A (I, N) negative; B, C (B, T, N); D (I,). With `reverse` time runs from
    the last step to the first. Returns y (B, T, I) in the dtype of x.
    """
    dtype = torch.promote_types(x.dtype, torch.float32)
    u, dt, A, B, C, D, z = (value.to(dtype) for value in (x, dt, A, B, C, D, z))
    dt = F.softplus(dt)
    decay = torch.exp(dt[..., None] * A)
    drive = (dt * u)[..., None] * B[:, :, None]
    state = torch.zeros_like(drive[:, 0])
    steps = list(zip(decay.unbind(1), drive.unbind(1), C[:, :, None].unbind(1), strict=True))
    outputs = []
    for decay_t, drive_t, C_t in reversed(steps) if reverse else steps:
        state = torch.addcmul(drive_t, decay_t, state)
        outputs.append((state * C_t).sum(-1))
    y = torch.stack(outputs[::-1] if reverse else outputs, dim=1)
    return ((y + D * u) * F.silu(z)).to(x.dtype)


def causal_convolution(x: Tensor, weight: Tensor, bias: Tensor, reverse: bool = False) -> Tensor:
    """silu of a convolution of every channel by itself: x (B, T, I), weight (I, 1, K), bias (I,) -> (B, T, I).

    Step t sees the steps t - K + 1 .. t, or with `reverse` t .. t + K - 1 (the last tap meets step t either way).
    """
    kernel, length = weight.shape[-1], x.shape[1]
    weight = (weight.flip(-1) if reverse else weight).to(x.dtype)
    y = F.conv1d(x.mT, weight, bias.to(x.dtype), padding=kernel - 1, groups=len(weight))
    return F.silu((y[..., -length:] if reverse else y[..., :length]).mT)
