"""The kernels of `scan` on a CPU, compiled by numba when they are first called and kept in the user's cache folder.

Imported by `scan.choose` alone, as numba takes a second to import and may not be installed.

The state of a block of channels (N, W) stays in the first-level cache while time runs over it, and the loops over
channels are plain enough for the compiler to vectorise; the exponential is written out for the same reason. bfloat16,
which numba does not know, is read and written as the upper half of a float32. Every (item, block of channels) is
computed by itself in a fixed order, so the results do not depend on the number of threads.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import torch
from numba.extending import overload
from torch import Tensor

from .. import paths
from .scan import causal_convolution, selective_scan

DTYPES = (torch.float32, torch.bfloat16)
BLOCK = 128  # channels of a block: enough to fill the vector units, few enough for state and decay to stay in L1
CHUNK = 16  # time steps between the states that the forward pass keeps for the backward pass

LOG2_E = np.float32(1.4426950408889634)
# 2^f for |f| <= 1/2 is 1 + f (c1 + f (c2 + ...)) within 1e-7, exact at 0 so that a long memory does not drift
EXP2 = tuple(np.float32(c) for c in (0.6931470, 0.24022242, 0.055507336, 0.009671513, 0.0013264727))
ARTANH = tuple(np.float32(2 / k) for k in (1, 3, 5, 7, 9, 11))  # 2 artanh(s) = s (2 + s^2 (2/3 + ...))
LOWEST = np.float32(-126)  # the exponent of the smallest normal float32: 2^z is never less than 2^-126
ROUND = np.float32(3 << 22)  # adding it rounds to an integer, which stands in the low bits of the sum


def _cache_folder() -> str | None:
    """The user's folder for compiled kernels, or None where it cannot be written."""
    folder = paths.cache() / "numba"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return str(folder) if os.access(folder, os.W_OK) else None


def _compiled(function: Callable, sums: bool = False) -> Callable:
    """`function` compiled on its first call; with `sums` the compiler may reorder additions, to vectorise them."""
    folder, default = numba.config.CACHE_DIR or _cache_folder(), numba.config.CACHE_DIR
    numba.config.CACHE_DIR = folder or default
    try:
        return numba.njit(
            function,
            nogil=True,
            cache=folder is not None,
            error_model="numpy",
            fastmath={"contract", "reassoc", "nsz"} if sums else {"contract"},
        )
    finally:
        numba.config.CACHE_DIR = default


# --- one number -------------------------------------------------------------------------------------------------------


@_compiled
def _exp2(z):
    """2^z for z <= 127 to 2e-7, without branches or calls."""
    z = max(z, LOWEST)
    shifted = z + ROUND
    f = z - (shifted - ROUND)
    power = EXP2[3] + f * EXP2[4]
    power = EXP2[2] + f * power
    power = EXP2[1] + f * power
    power = EXP2[0] + f * power
    power = np.float32(1) + f * power
    exponent = np.float32(shifted).view(np.int32) << 23
    return np.int32(np.float32(power).view(np.int32) + exponent).view(np.float32)


@_compiled
def _sigmoid(x):
    e = _exp2(-abs(x) * LOG2_E)
    return (np.float32(1) if x >= 0 else e) / (np.float32(1) + e)


@_compiled
def _softplus(x):
    """log(1 + e^x) = max(x, 0) + log(1 + e), e = e^-|x|; log(1 + e) = 2 artanh(e / (2 + e)) to 2e-7."""
    e = _exp2(-abs(x) * LOG2_E)
    s = e / (np.float32(2) + e)
    square = s * s
    series = ARTANH[4] + square * ARTANH[5]
    series = ARTANH[3] + square * series
    series = ARTANH[2] + square * series
    series = ARTANH[1] + square * series
    series = ARTANH[0] + square * series
    return max(x, np.float32(0)) + s * series


# --- one row: the channels lo..hi of an item at one time ----------------------------------------------------------------


@_compiled
def _row(rows, r, lo, hi):
    """Channels lo..hi of row r of what `_rows` gives."""
    flat, stride = rows
    return flat[r * stride + lo : r * stride + hi]


def _widen(row, out):
    """Copy a row of float32 or bfloat16 into `out`, float32."""


def _narrow(values, row):
    """Copy float32 values into a row of float32 or (rounded to nearest, ties to even) bfloat16."""


@overload(_widen)
def _widen_overload(row, out):
    if row.dtype == numba.uint16:

        def copy(row, out):
            for i in range(out.size):
                out[i] = np.uint32(np.uint32(row[i]) << 16).view(np.float32)
    else:

        def copy(row, out):
            for i in range(out.size):
                out[i] = row[i]

    return copy


@overload(_narrow)
def _narrow_overload(values, row):
    if row.dtype == numba.uint16:

        def copy(values, row):
            for i in range(values.size):
                bits = np.float32(values[i]).view(np.uint32)
                row[i] = np.uint32(bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
    else:

        def copy(values, row):
            for i in range(values.size):
                row[i] = values[i]

    return copy


def _dot(a, b):
    total = np.float32(0)
    for i in range(a.size):
        total += a[i] * b[i]
    return total


_dot = _compiled(_dot, sums=True)


# --- the kernels: tasks first..last, a task being one block of channels of one item -------------------------------------


@_compiled
def _empty(size):
    return np.empty(size, np.float32)


@_compiled
def _advance(d, drive, rate, B, before, decay, after):
    """The recurrence of one time step: decay = exp(d A), after = decay * before + drive * B, all (N, W)."""
    for n in range(B.size):
        b = B[n]
        for i in range(d.size):
            decay[n, i] = _exp2(d[i] * rate[n, i])
        for i in range(d.size):
            after[n, i] = decay[n, i] * before[n, i] + drive[i] * b


@_compiled
def _scan_forward(first, last, length, reverse, x, dt, A, B, C, D, z, y, kept):
    """y and, unless `kept` (B, chunks, N, I) is empty, the state before every chunk of CHUNK steps."""
    states, inner = A.shape
    blocks = -(-inner // BLOCK)
    for task in range(first, last):
        item, lo = task // blocks, task % blocks * BLOCK
        hi = min(lo + BLOCK, inner)
        rate = A[:, lo:hi] * LOG2_E
        skip = D[lo:hi]
        state = np.zeros((states, hi - lo), np.float32)
        u, d, gate, drive, out = _empty(hi - lo), _empty(hi - lo), _empty(hi - lo), _empty(hi - lo), _empty(hi - lo)
        B_t, C_t = _empty(states), _empty(states)
        for step in range(length):
            r = item * length + (length - 1 - step if reverse else step)
            if kept.size and step % CHUNK == 0:
                kept[item, step // CHUNK, :, lo:hi] = state
            _widen(_row(x, r, lo, hi), u)
            _widen(_row(dt, r, lo, hi), d)
            _widen(_row(z, r, lo, hi), gate)
            _widen(_row(B, r, 0, states), B_t)
            _widen(_row(C, r, 0, states), C_t)
            for i in range(u.size):
                d[i] = _softplus(d[i])
                drive[i] = d[i] * u[i]
                out[i] = skip[i] * u[i]
            for n in range(states):
                b, c = B_t[n], C_t[n]
                for i in range(u.size):
                    state[n, i] = _exp2(d[i] * rate[n, i]) * state[n, i] + drive[i] * b
                    out[i] += c * state[n, i]
            for i in range(u.size):
                out[i] *= gate[i] * _sigmoid(gate[i])
            _narrow(out, _row(y, r, lo, hi))


@_compiled
def _scan_backward(first, last, length, reverse, x, dt, A, B, C, D, z, kept, gy, gx, gdt, gA, gB, gC, gD, gz):
    """The gradients; those of shared values by part: gA (B, N, I), gD (B, I), gB and gC (blocks, B T, N).

    From the last chunk of time to the first: the chunk's states are computed again from `kept`, then gone through
    backwards. `carry` is the gradient that reaches a state from the step after it.
    """
    states, inner = A.shape
    blocks = -(-inner // BLOCK)
    for task in range(first, last):
        item, block = task // blocks, task % blocks
        lo = block * BLOCK
        hi = min(lo + BLOCK, inner)
        rate = A[:, lo:hi] * LOG2_E
        skip = D[lo:hi]
        width = hi - lo
        carry, g_rate = np.zeros((states, width), np.float32), np.zeros((states, width), np.float32)
        state = np.empty((CHUNK + 1, states, width), np.float32)
        decay = np.empty((CHUNK, states, width), np.float32)
        u, raw = np.empty((CHUNK, width), np.float32), np.empty((CHUNK, width), np.float32)
        d, drive = np.empty((CHUNK, width), np.float32), np.empty((CHUNK, width), np.float32)
        B_t, C_t = np.empty((CHUNK, states), np.float32), np.empty((CHUNK, states), np.float32)
        gate, out, g, row = _empty(width), _empty(width), _empty(width), _empty(width)
        g_state, g_drive, g_d, g_skip = _empty(width), _empty(width), _empty(width), _empty(width)
        g_skip[:] = 0
        for chunk in range(-(-length // CHUNK) - 1, -1, -1):
            start = chunk * CHUNK
            steps = min(CHUNK, length - start)
            state[0] = kept[item, chunk, :, lo:hi]
            for k in range(steps):
                r = item * length + (length - 1 - start - k if reverse else start + k)
                _widen(_row(x, r, lo, hi), u[k])
                _widen(_row(dt, r, lo, hi), raw[k])
                _widen(_row(B, r, 0, states), B_t[k])
                _widen(_row(C, r, 0, states), C_t[k])
                u_k, raw_k, d_k, drive_k = u[k], raw[k], d[k], drive[k]
                for i in range(d_k.size):
                    d_k[i] = _softplus(raw_k[i])
                    drive_k[i] = d_k[i] * u_k[i]
                _advance(d_k, drive_k, rate, B_t[k], state[k], decay[k], state[k + 1])
            for k in range(steps - 1, -1, -1):
                r = item * length + (length - 1 - start - k if reverse else start + k)
                u_k, raw_k, d_k, drive_k = u[k], raw[k], d[k], drive[k]
                _widen(_row(gy, r, lo, hi), g)
                _widen(_row(z, r, lo, hi), gate)
                for i in range(g.size):
                    out[i] = skip[i] * u_k[i]
                for n in range(states):
                    c = C_t[k, n]
                    for i in range(g.size):
                        out[i] += c * state[k + 1, n, i]
                for i in range(g.size):
                    open_ = _sigmoid(gate[i])
                    row[i] = g[i] * out[i] * open_ * (np.float32(1) + gate[i] * (np.float32(1) - open_))
                    g[i] *= gate[i] * open_
                _narrow(row, _row(gz, r, lo, hi))
                for i in range(g.size):
                    g_skip[i] += g[i] * u_k[i]
                g_drive[:] = 0
                g_d[:] = 0
                for n in range(states):
                    b, c = B_t[k, n], C_t[k, n]
                    for i in range(g.size):
                        g_state[i] = c * g[i] + carry[n, i]
                        g_drive[i] += b * g_state[i]
                    for i in range(g.size):
                        carry[n, i] = decay[k, n, i] * g_state[i]
                        row[i] = carry[n, i] * state[k, n, i]  # the gradient of d A
                    for i in range(g.size):
                        g_d[i] += row[i] * rate[n, i]
                        g_rate[n, i] += row[i] * d_k[i]
                    gB[block, r, n] = _dot(g_state, drive_k)
                    gC[block, r, n] = _dot(state[k + 1, n], g)
                for i in range(g.size):
                    row[i] = g[i] * skip[i] + g_drive[i] * d_k[i]
                _narrow(row, _row(gx, r, lo, hi))
                for i in range(g.size):
                    g_d[i] = (g_d[i] / LOG2_E + g_drive[i] * u_k[i]) * _sigmoid(raw_k[i])
                _narrow(g_d, _row(gdt, r, lo, hi))
        gA[item, :, lo:hi] = g_rate
        gD[item, lo:hi] = g_skip


@_compiled
def _convolve_step(taps, bias, recent, step, out):
    """out = bias + sum over the taps, the last one on step `step`; the row of step s is at s % K in recent (K, W)."""
    for i in range(out.size):
        out[i] = bias[i]
    for k in range(len(taps)):
        seen = (step + 1 + k) % len(taps)
        for i in range(out.size):
            out[i] += taps[k, i] * recent[seen, i]


@_compiled
def _convolve_forward(first, last, length, reverse, x, taps, bias, y):
    """y = silu of the convolution; taps (K, I)."""
    kernel, inner = taps.shape
    blocks = -(-inner // BLOCK)
    for task in range(first, last):
        item, lo = task // blocks, task % blocks * BLOCK
        hi = min(lo + BLOCK, inner)
        own_taps, own_bias = taps[:, lo:hi].copy(), bias[lo:hi]
        recent, out = np.zeros((kernel, hi - lo), np.float32), _empty(hi - lo)
        for step in range(length):
            r = item * length + (length - 1 - step if reverse else step)
            _widen(_row(x, r, lo, hi), recent[step % kernel])
            _convolve_step(own_taps, own_bias, recent, step, out)
            for i in range(out.size):
                out[i] *= _sigmoid(out[i])
            _narrow(out, _row(y, r, lo, hi))


@_compiled
def _convolve_backward(first, last, length, reverse, x, taps, bias, gy, gx, g_taps, g_bias):
    """The gradients; those of taps and bias by item: (B, K, I) and (B, I). g is that of what goes into the silu."""
    kernel, inner = taps.shape
    blocks = -(-inner // BLOCK)
    for task in range(first, last):
        item, lo = task // blocks, task % blocks * BLOCK
        hi = min(lo + BLOCK, inner)
        own_taps, own_bias = taps[:, lo:hi].copy(), bias[lo:hi]
        recent, out = np.zeros((kernel, hi - lo), np.float32), _empty(hi - lo)
        g = np.empty((length, hi - lo), np.float32)
        g_own_taps, g_own_bias = np.zeros((kernel, hi - lo), np.float32), np.zeros(hi - lo, np.float32)
        for step in range(length):
            r = item * length + (length - 1 - step if reverse else step)
            _widen(_row(x, r, lo, hi), recent[step % kernel])
            _widen(_row(gy, r, lo, hi), g[step])
            _convolve_step(own_taps, own_bias, recent, step, out)
            for i in range(out.size):
                open_ = _sigmoid(out[i])
                g[step, i] *= open_ * (np.float32(1) + out[i] * (np.float32(1) - open_))
                g_own_bias[i] += g[step, i]
            for k in range(kernel):
                seen = (step + 1 + k) % kernel
                for i in range(out.size):
                    g_own_taps[k, i] += g[step, i] * recent[seen, i]
        for step in range(length):
            r = item * length + (length - 1 - step if reverse else step)
            out[:] = 0
            for k in range(max(0, kernel - length + step), kernel):
                seen_at = step + kernel - 1 - k
                for i in range(out.size):
                    out[i] += own_taps[k, i] * g[seen_at, i]
            _narrow(out, _row(gx, r, lo, hi))
        g_taps[item, :, lo:hi] = g_own_taps
        g_bias[item, lo:hi] = g_own_bias


# --- torch ------------------------------------------------------------------------------------------------------------


def scan(
    x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, z: Tensor, reverse: bool = False
) -> Tensor:
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
        kept = A.new_empty(batch if keep else 0, -(-length // CHUNK), *A.shape)
        _in_parallel(
            _scan_forward,
            batch * -(-inner // BLOCK),
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
        blocks = -(-inner // BLOCK)
        gx, gdt, gz = (x.new_empty(x.shape) for _ in range(3))
        gA, gD = A.new_empty(batch, *A.shape), A.new_empty(batch, inner)
        gB, gC = (A.new_empty(blocks, batch * length, B.shape[2]) for _ in range(2))
        _in_parallel(
            _scan_backward,
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
            _convolve_forward,
            batch * -(-inner // BLOCK),
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
            _convolve_backward,
            batch * -(-inner // BLOCK),
            *(length, ctx.reverse, _rows(x), taps.numpy(), bias.detach().contiguous().numpy()),
            *(_rows(gy.to(x.dtype)), _rows(gx), g_taps.numpy(), g_bias.numpy()),
        )
        return gx, g_taps.sum(0).t()[:, None], g_bias.sum(0), None


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
