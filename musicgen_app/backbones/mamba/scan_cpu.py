"""The selective scan and the causal convolution on a CPU, forwards and backwards in time, with their gradients.

Imported by `scan.choose` alone, as numba takes half a second to import and may not be installed.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ...machine.numba_kernels import in_parallel, tensor_rows
from . import scan_numba as kernels
from .scan_reference import causal_convolution, selective_scan

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


def _apply(function: type[_Scan] | type[_Convolution], *values) -> Tensor:
    if torch.is_grad_enabled() and any(isinstance(v, Tensor) and v.requires_grad for v in values):
        return function.apply(*values)
    return function.run(False, *values)[0]


class _Scan(torch.autograd.Function):
    @staticmethod
    def run(keep, x, dt, A, B, C, D, z, reverse):
        """y, A as the kernels want it (N, I), and with `keep` the states before every chunk (B, chunks, N, I)."""
        batch, length, inner = x.shape
        y, A = x.new_empty(x.shape), A.detach().t().contiguous()
        kept = A.new_empty(batch if keep else 0, -(-length // kernels.CHUNK), *A.shape)
        in_parallel(
            kernels.scan_forward,
            batch * _blocks(inner),
            *(length, reverse, tensor_rows(x), tensor_rows(dt), A.numpy(), tensor_rows(B), tensor_rows(C)),
            *(D.detach().contiguous().numpy(), tensor_rows(z), tensor_rows(y), kept.numpy()),
        )
        return y, A, kept

    @staticmethod
    def forward(ctx, *values):
        y, A, kept = _Scan.run(True, *values)
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
        in_parallel(
            kernels.scan_backward,
            batch * blocks,
            *(length, ctx.reverse, tensor_rows(x), tensor_rows(dt), A.numpy(), tensor_rows(B), tensor_rows(C)),
            *(D.detach().contiguous().numpy(), tensor_rows(z), kept.numpy(), tensor_rows(gy.to(x.dtype))),
            *(tensor_rows(gx), tensor_rows(gdt), gA.numpy(), gB.numpy(), gC.numpy(), gD.numpy(), tensor_rows(gz)),
        )
        gB, gC = (part.sum(0).view(B.shape).to(x.dtype) for part in (gB, gC))
        return gx, gdt, gA.sum(0).t(), gB, gC, gD.sum(0), gz, None


class _Convolution(torch.autograd.Function):
    @staticmethod
    def run(keep, x, weight, bias, reverse):
        """y and the taps as the kernels want them (K, I); nothing else is kept."""
        batch, length, inner = x.shape
        y, taps = x.new_empty(x.shape), weight.detach()[:, 0].t().contiguous()
        in_parallel(
            kernels.convolve_forward,
            batch * _blocks(inner),
            *(length, reverse, tensor_rows(x), taps.numpy(), bias.detach().contiguous().numpy(), tensor_rows(y)),
        )
        return y, taps

    @staticmethod
    def forward(ctx, *values):
        y, taps = _Convolution.run(True, *values)
        x, _, bias, ctx.reverse = values
        ctx.save_for_backward(x, taps, bias)
        return y

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gy):
        x, taps, bias = ctx.saved_tensors
        batch, length, inner = x.shape
        gx, g_taps, g_bias = x.new_empty(x.shape), taps.new_empty(batch, *taps.shape), taps.new_empty(batch, inner)
        in_parallel(
            kernels.convolve_backward,
            batch * _blocks(inner),
            *(length, ctx.reverse, tensor_rows(x), taps.numpy(), bias.detach().contiguous().numpy()),
            *(tensor_rows(gy.to(x.dtype)), tensor_rows(gx), g_taps.numpy(), g_bias.numpy()),
        )
        return gx, g_taps.sum(0).t()[:, None], g_bias.sum(0), None


def _blocks(channels: int) -> int:
    return -(-channels // kernels.BLOCK)
