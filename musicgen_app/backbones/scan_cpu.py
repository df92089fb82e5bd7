"""The selective scan and the causal convolution on a CPU, forwards and backwards in time, with their gradients.

Imported by `scan.choose` alone, as numba takes half a second to import and may not be installed.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from . import scan_kernels as kernels
from .scan import causal_convolution, selective_scan

DTYPES = (torch.float32, torch.bfloat16)


def scan(x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, z: Tensor, reverse: bool = False) -> Tensor:
    """`selective_scan`, compiled for float32 and bfloat16."""
    if x.dtype not in DTYPES:
        return selective_scan(x, dt, A, B, C, D, z, reverse)
    dt, B, C, z = (value.to(x.dtype) for value in (dt, B, C, z))
    return _apply(_Scan, x, dt, A.float(), B, C, D.float(), z, reverse)


def convolve(x: Tensor, weight: Tensor, bias: Tensor, reverse: bool = False) -> Tensor:
    """`causal_convolution`, compiled for float32 and bfloat16."""
    if x.dtype not in DTYPES:
        return causal_convolution(x, weight, bias, reverse)
    return _apply(_Convolution, x, weight.float(), bias.float(), reverse)


def _apply(function: type[torch.autograd.Function], *values) -> Tensor:
    if torch.is_grad_enabled() and any(isinstance(v, Tensor) and v.requires_grad for v in values):
        return function.apply(*values)
    return function.run(*values, keep=False)[0]


class _Scan(torch.autograd.Function):
    @staticmethod
    def run(x, dt, A, B, C, D, z, reverse, keep):
        """y, A as the kernels want it (N, I), and with `keep` the states before every chunk (B, chunks, N, I)."""
        batch, length, inner = x.shape
        y, A = x.new_empty(x.shape), A.detach().t().contiguous()
        kept = A.new_empty(batch if keep else 0, -(-length // kernels.CHUNK), *A.shape)
        _in_parallel(
            kernels.scan_forward,
            batch * _blocks(inner),
            *(length, reverse, _rows(x), _rows(dt), A.numpy(), _rows(B), _rows(C)),
            *(D.detach().contiguous().numpy(), _rows(z), _rows(y), kept.numpy()),
        )
        return y, A, kept

    @staticmethod
    def forward(ctx, *values):
        y, A, kept = _Scan.run(*values, keep=True)
        x, dt, _, B, C, D, z, ctx.reverse = values
        ctx.save_for_backward(x, dt, A, B, C, D, z, kept)
        return y

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gy):
        x, dt, A, B, C, D, z, kept = ctx.saved_tensors
        batch, length, inner = x.shape
        blocks = _blocks(inner)
        gx, gdt, gz = (x.new_empty(x.shape) for _ in range(3))
        gA, gD = A.new_empty(batch, *A.shape), A.new_empty(batch, inner)
        gB, gC = (A.new_empty(blocks, batch * length, B.shape[2]) for _ in range(2))
        _in_parallel(
            kernels.scan_backward,
            batch * blocks,
            *(length, ctx.reverse, _rows(x), _rows(dt), A.numpy(), _rows(B), _rows(C)),
            *(D.detach().contiguous().numpy(), _rows(z), kept.numpy(), _rows(gy.to(x.dtype))),
            *(_rows(gx), _rows(gdt), gA.numpy(), gB.numpy(), gC.numpy(), gD.numpy(), _rows(gz)),
        )
        gB, gC = (part.sum(0).view(B.shape).to(x.dtype) for part in (gB, gC))
        return gx, gdt, gA.sum(0).t(), gB, gC, gD.sum(0), gz, None


class _Convolution(torch.autograd.Function):
    @staticmethod
    def run(x, weight, bias, reverse, keep):
        """y and the taps as the kernels want them (K, I); nothing else is kept."""
        batch, length, inner = x.shape
        y, taps = x.new_empty(x.shape), weight.detach()[:, 0].t().contiguous()
        _in_parallel(
            kernels.convolve_forward,
            batch * _blocks(inner),
            *(length, reverse, _rows(x), taps.numpy(), bias.detach().contiguous().numpy(), _rows(y)),
        )
        return y, taps

    @staticmethod
    def forward(ctx, *values):
        y, taps = _Convolution.run(*values, keep=True)
        x, _, bias, ctx.reverse = values
        ctx.save_for_backward(x, taps, bias)
        return y

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gy):
        x, taps, bias = ctx.saved_tensors
        batch, length, inner = x.shape
        gx, g_taps, g_bias = x.new_empty(x.shape), taps.new_empty(batch, *taps.shape), taps.new_empty(batch, inner)
        _in_parallel(
            kernels.convolve_backward,
            batch * _blocks(inner),
            *(length, ctx.reverse, _rows(x), taps.numpy(), bias.detach().contiguous().numpy()),
            *(_rows(gy.to(x.dtype)), _rows(gx), g_taps.numpy(), g_bias.numpy()),
        )
        return gx, g_taps.sum(0).t()[:, None], g_bias.sum(0), None


def _blocks(channels: int) -> int:
    return -(-channels // kernels.BLOCK)


def _rows(x: Tensor) -> tuple[np.ndarray, int]:
    """x (B, T, W), copied only if its rows are not dense, as a flat array and the distance from row to row.

    numba vectorises a loop only where it knows the elements to be neighbours: arrays with strides would not do.
    """
    x = x.detach()
    batch, length, width = x.shape
    stride = x.stride(1) if length > 1 else x.stride(0)
    dense, even = width == 1 or x.stride(2) == 1, batch == 1 or x.stride(0) == length * stride
    if not (dense and even):
        x, stride = x.contiguous(), width
    flat = x.as_strided(((batch * length - 1) * stride + width,), (1,))
    return (flat.view(torch.uint16) if x.dtype == torch.bfloat16 else flat).numpy(), stride


def _in_parallel(kernel: Callable, tasks: int, *values) -> None:
    """kernel(first, last, *values) for shares of range(tasks), on as many threads as torch uses.

    They are Python's threads (the kernels hold no lock), as numba's own either end the process when two of its callers
    meet or need an OpenMP library beside torch's.
    """
    threads = max(1, min(torch.get_num_threads(), tasks))
    edges = [tasks * i // threads for i in range(threads + 1)]
    others = zip(edges[1:-1], edges[2:], strict=True)
    shares = [_pool(threads - 1, os.getpid()).submit(kernel, *share, *values) for share in others]
    kernel(0, edges[1], *values)
    for share in shares:
        share.result()


@functools.cache
def _pool(threads: int, process: int) -> ThreadPoolExecutor:
    """Threads of this process: one that was forked has none of its parent's."""
    return ThreadPoolExecutor(threads, "scan")
