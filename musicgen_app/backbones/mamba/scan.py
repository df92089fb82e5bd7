"""The two parts of a Mamba mixer that run along time, forwards or backwards: the fastest kernels for a device.

`scan_reference` says what they compute.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from .scan_reference import causal_convolution, selective_scan


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
