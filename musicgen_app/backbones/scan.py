"""The two parts of a Mamba mixer that run along time, forwards or backwards, and their kernels.

The causal convolution gives u (B, T, I) from x; the selective scan gives y (B, T, I) from u and per-step dt, B, C:

h_t = exp(dt_t A) h_{t-1} + dt_t B_t u_t,   y_t = (C_t . h_t + D u_t) silu(z_t)     (Gu & Dao, 2023, section 3)

The plain PyTorch versions here are the reference and run anywhere; `choose` finds the fastest for a device.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple

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


class Kernels(NamedTuple):
    """Functions like `selective_scan` and `causal_convolution`, and what computes them."""

    name: str
    scan: Callable[..., Tensor]
    convolve: Callable[..., Tensor]


REFERENCE = Kernels("PyTorch reference (slow)", selective_scan, causal_convolution)


def describe(device: torch.device) -> str:
    """What computes the scan on this device, in a few words."""
    return choose(device).name


@functools.cache
def choose(device: torch.device) -> Kernels:
    """The fastest kernels for this device: by numba on a CPU, by mamba-ssm on CUDA, else the reference.

    Where a package is installed but cannot be loaded, the name says why.
    """
    try:
        if device.type == "cpu":
            from . import scan_cpu

            return Kernels("numba", scan_cpu.scan, scan_cpu.convolve)
        if device.type == "cuda":
            from mamba_ssm.ops.selective_scan_interface import selective_scan_fn

            return Kernels("mamba-ssm", functools.partial(_on_kernel, selective_scan_fn), causal_convolution)
    except ImportError as error:
        if error.name not in ("numba", "mamba_ssm"):
            return REFERENCE._replace(name=f"{REFERENCE.name}; the fast one cannot be loaded: {error}")
    return REFERENCE


def _on_kernel(
    kernel: Callable,
    x: Tensor,
    dt: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor,
    z: Tensor,
    reverse: bool = False,
) -> Tensor:
    """`selective_scan` by mamba-ssm's kernel: it wants the time axis last, time running forwards, and one dtype."""

    def turned(value: Tensor) -> Tensor:
        value = value.to(x.dtype).transpose(1, 2)
        return (value.flip(2) if reverse else value).contiguous()

    u, dt, B, C, z = map(turned, (x, dt, B, C, z))
    y = kernel(u, dt, A.float().contiguous(), B, C, D.float(), z=z, delta_softplus=True)
    return (y.flip(2) if reverse else y).transpose(1, 2)
