"""The selective scan of Mamba: inputs (B, T, I) and per-step dt, B, C -> outputs (B, T, I).

h_t = exp(dt_t A) h_{t-1} + dt_t B_t x_t,   y_t = C_t . h_t + D x_t       (Gu & Dao, 2023, section 3)
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import torch
from torch import Tensor


def selective_scan(x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor) -> Tensor:
    """The reference: everything at once except the recurrence itself, in float32 or better.

    x, dt (B, T, I) with dt > 0; A (I, N) negative; B, C (B, T, N); D (I,). Returns y (B, T, I) in the dtype of x.
    """
    dtype = torch.promote_types(x.dtype, torch.float32)
    u, dt, A, B, C, D = (value.to(dtype) for value in (x, dt, A, B, C, D))
    decay = torch.exp(dt[..., None] * A)
    drive = (dt * u)[..., None] * B[:, :, None]
    state = torch.zeros_like(drive[:, 0])
    outputs = []
    for decay_t, drive_t, C_t in zip(decay.unbind(1), drive.unbind(1), C[:, :, None].unbind(1), strict=True):
        state = torch.addcmul(drive_t, decay_t, state)
        outputs.append((state * C_t).sum(-1))
    return (torch.stack(outputs, dim=1) + D * u).to(x.dtype)


@functools.cache
def choose(device: torch.device) -> Callable[..., Tensor]:
    """The fastest scan for this device, a function like `selective_scan`: mamba-ssm's kernel on CUDA if installed."""
    if device.type == "cuda":
        try:
            from mamba_ssm.ops.selective_scan_interface import selective_scan_fn
        except ImportError:
            return selective_scan
        return lambda *values: _on_kernel(selective_scan_fn, *values)
    return selective_scan


def _on_kernel(kernel: Callable, x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor) -> Tensor:
    """`selective_scan` by mamba-ssm's kernel, which wants the time axis last and one dtype for x, dt, B and C."""
    u, dt, B, C = (value.to(x.dtype).transpose(1, 2).contiguous() for value in (x, dt, B, C))
    return kernel(u, dt, A.float(), B, C, D.float()).transpose(1, 2)
