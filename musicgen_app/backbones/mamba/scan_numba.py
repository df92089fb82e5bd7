"""The loops over time of a Mamba mixer, compiled by numba when they are first called: what `scan_cpu` calls.

A task of a kernel is one block of channels of one item. The state of a block (N, W) stays in the first-level cache
while time runs over it.

The innermost loops stay vectorised because
- the exponential is written out;
- arrays are dense in their last axis, and their type says so;
- a loop writes at most two arrays, as the compiler cannot prove of more that they do not overlap;
- arrays are indexed inside a loop, not sliced, as slices are counted references.
"""

from __future__ import annotations

import functools

import numpy as np

from ...machine.numba_kernels import ROUND, compiled, narrow, row, widen

BLOCK = 128  # channels of a block: enough to fill the vector units, few enough for the first-level cache
CHUNK = 16  # time steps between the states that the forward pass keeps for the backward pass

ONE = np.float32(1)
LOG2_E = np.float32(1.4426950408889634)
# 2^f for |f| <= 1/2 is 1 + f (c0 + f (c1 + ...)) within 1e-7, and exact at 0 so that a long memory does not drift
EXP2 = tuple(np.float32(c) for c in (0.6931470, 0.24022242, 0.055507336, 0.009671513, 0.0013264727))
ARTANH = tuple(np.float32(2 / k) for k in (1, 3, 5, 7, 9, 11))  # 2 artanh(s) = s (2 + s^2 (2/3 + ...))
LOWEST = np.float32(-126)  # the exponent of the smallest normal float32: 2^z is never less than 2^-126


@compiled
def _exp2(z):
    """2^z for z <= 127 to 2e-7, without branches or calls."""
    z = max(z, LOWEST)
    shifted = z + ROUND
    f = z - (shifted - ROUND)
    power = EXP2[3] + f * EXP2[4]
    power = EXP2[2] + f * power
    power = EXP2[1] + f * power
    power = EXP2[0] + f * power
    power = ONE + f * power
    exponent = np.float32(shifted).view(np.int32) << 23
    return np.int32(np.float32(power).view(np.int32) + exponent).view(np.float32)


@compiled
def _sigmoid(x):
    e = _exp2(-abs(x) * LOG2_E)
    return (ONE if x >= 0 else e) / (ONE + e)


@compiled
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


@compiled
def _row_number(item, step, length, reverse):
    """Where step `step` of an item stands among all rows, time running forwards or backwards."""
    return item * length + (length - 1 - step if reverse else step)


@functools.partial(compiled, sums=True)
def _dot(a, b):
    total = np.float32(0)
    for i in range(a.size):
        total += a[i] * b[i]
    return total


@compiled
def _empty(*shape):
    return np.empty(shape, np.float32)


@compiled
def _zeros(*shape):
    return np.zeros(shape, np.float32)


# --- the selective scan -----------------------------------------------------------------------------------------------


@compiled
def scan_forward(first, last, length, reverse, x, dt, A, B, C, D, z, y, kept):
    """y and, unless `kept` (B, chunks, N, I) is empty, the state before every chunk of CHUNK steps; A (N, I)."""
    states, inner = A.shape
    blocks = -(-inner // BLOCK)
    for task in range(first, last):
        item, lo = task // blocks, task % blocks * BLOCK
        hi = min(lo + BLOCK, inner)
        width = hi - lo
        rate, skip = A[:, lo:hi] * LOG2_E, D[lo:hi]
        state = _zeros(states, width)
        u, d, gate, drive, out = _empty(width), _empty(width), _empty(width), _empty(width), _empty(width)
        B_t, C_t = _empty(states), _empty(states)
        for step in range(length):
            r = _row_number(item, step, length, reverse)
            if kept.size and step % CHUNK == 0:
                kept[item, step // CHUNK, :, lo:hi] = state
            widen(row(x, r, lo, hi), u)
            widen(row(dt, r, lo, hi), d)
            widen(row(z, r, lo, hi), gate)
            widen(row(B, r, 0, states), B_t)
            widen(row(C, r, 0, states), C_t)
            for i in range(width):
                d[i] = _softplus(d[i])
                drive[i] = d[i] * u[i]
            for i in range(width):
                out[i] = skip[i] * u[i]
            for n in range(states):
                b, c = B_t[n], C_t[n]
                for i in range(width):
                    state[n, i] = _exp2(d[i] * rate[n, i]) * state[n, i] + drive[i] * b
                    out[i] += c * state[n, i]
            for i in range(width):
                out[i] *= gate[i] * _sigmoid(gate[i])
            narrow(out, row(y, r, lo, hi))


@compiled
def scan_backward(first, last, length, reverse, x, dt, A, B, C, D, z, kept, gy, gx, gdt, gA, gB, gC, gD, gz):
    """The gradients; those of shared values in parts to be summed: gA (B, N, I), gD (B, I), gB, gC (blocks, B T, N).

    From the last chunk of time to the first: its states are computed again from `kept`, then gone through backwards.
    """
    states, inner = A.shape
    blocks = -(-inner // BLOCK)
    for task in range(first, last):
        item, block = task // blocks, task % blocks
        lo = block * BLOCK
        hi = min(lo + BLOCK, inner)
        width = hi - lo
        rate, skip = A[:, lo:hi] * LOG2_E, D[lo:hi]
        u, raw, d, drive = _empty(CHUNK, width), _empty(CHUNK, width), _empty(CHUNK, width), _empty(CHUNK, width)
        B_t, C_t = _empty(CHUNK, states), _empty(CHUNK, states)
        state, decay = _empty(CHUNK + 1, states, width), _empty(CHUNK, states, width)
        carry = _zeros(states, width)  # the gradient that reaches a state from the step after it
        g, gate, out, g_out = _empty(width), _empty(width), _empty(width), _empty(width)
        g_drive, g_d, g_rate, g_skip = _empty(width), _empty(width), _zeros(states, width), _zeros(width)
        for chunk in range(-(-length // CHUNK) - 1, -1, -1):
            start = chunk * CHUNK
            steps = min(CHUNK, length - start)
            state[0] = kept[item, chunk, :, lo:hi]
            for k in range(steps):
                r = _row_number(item, start + k, length, reverse)
                widen(row(x, r, lo, hi), u[k])
                widen(row(dt, r, lo, hi), raw[k])
                widen(row(B, r, 0, states), B_t[k])
                widen(row(C, r, 0, states), C_t[k])
                for i in range(width):
                    d[k, i] = _softplus(raw[k, i])
                    drive[k, i] = d[k, i] * u[k, i]
                _advance(d[k], drive[k], rate, B_t[k], state[k], decay[k], state[k + 1])
            for k in range(steps - 1, -1, -1):
                r = _row_number(item, start + k, length, reverse)
                widen(row(gy, r, lo, hi), g)
                widen(row(z, r, lo, hi), gate)
                _read(u[k], skip, C_t[k], state[k + 1], out)
                _gate_backward(gate, out, g, g_out)
                narrow(g_out, row(gz, r, lo, hi))
                for i in range(width):
                    g_skip[i] += g[i] * u[k, i]
                _step_backward(
                    *(g, B_t[k], C_t[k], d[k], drive[k], rate, state[k], decay[k], state[k + 1], carry),
                    *(g_drive, g_d, g_rate, gB[block, r], gC[block, r]),
                )
                for i in range(width):
                    g_out[i] = g[i] * skip[i] + g_drive[i] * d[k, i]
                narrow(g_out, row(gx, r, lo, hi))
                for i in range(width):
                    g_out[i] = (g_d[i] + g_drive[i] * u[k, i]) * _sigmoid(raw[k, i])
                narrow(g_out, row(gdt, r, lo, hi))
        gA[item, :, lo:hi] = g_rate
        gD[item, lo:hi] = g_skip


@compiled
def _advance(d, drive, rate, B, before, decay, after):
    """The recurrence of one step: decay = exp(d A), after = decay * before + drive * B, all (N, W)."""
    for n in range(B.size):
        b = B[n]
        for i in range(d.size):
            decay[n, i] = _exp2(d[i] * rate[n, i])
        for i in range(d.size):
            after[n, i] = decay[n, i] * before[n, i] + drive[i] * b


@compiled
def _read(u, skip, C, state, out):
    """out = C . state + D u, what the gate is applied to."""
    for i in range(u.size):
        out[i] = skip[i] * u[i]
    for n in range(C.size):
        c = C[n]
        for i in range(u.size):
            out[i] += c * state[n, i]


@compiled
def _gate_backward(gate, out, g, g_gate):
    """From the gradient g of out * silu(gate) to that of the gate, and in place of g to that of out."""
    for i in range(g.size):
        opened = _sigmoid(gate[i])
        g_gate[i] = g[i] * out[i] * opened * (ONE + gate[i] * (ONE - opened))
        g[i] *= gate[i] * opened


@compiled
def _step_backward(g, B, C, d, drive, rate, before, decay, after, carry, g_drive, g_d, g_rate, g_B, g_C):
    """Back through `_read` and `_advance` of one step: sets g_drive, g_d, g_B and g_C, adds to g_rate, moves carry."""
    g_state, g_exponent = _empty(g.size), _empty(g.size)
    g_drive[:] = 0
    g_d[:] = 0
    for n in range(B.size):
        b, c = B[n], C[n]
        for i in range(g.size):
            g_state[i] = c * g[i] + carry[n, i]
            g_drive[i] += b * g_state[i]
        for i in range(g.size):
            carry[n, i] = decay[n, i] * g_state[i]
            g_exponent[i] = carry[n, i] * before[n, i]
        for i in range(g.size):
            g_d[i] += g_exponent[i] * rate[n, i]
            g_rate[n, i] += g_exponent[i] * d[i]
        g_B[n] = _dot(g_state, drive)
        g_C[n] = _dot(g, after[n])
    for i in range(g.size):
        g_d[i] /= LOG2_E


# --- the causal convolution -------------------------------------------------------------------------------------------


@compiled
def _convolve_step(taps, bias, recent, step, out):
    """out = bias + sum over the taps, the last one on step `step`; the row of step s is at s % K in recent (K, W)."""
    for i in range(out.size):
        out[i] = bias[i]
    for k in range(len(taps)):
        seen = (step + 1 + k) % len(taps)
        for i in range(out.size):
            out[i] += taps[k, i] * recent[seen, i]


@compiled
def convolve_forward(first, last, length, reverse, x, taps, bias, y):
    """y = silu of the convolution; taps (K, I)."""
    kernel, inner = taps.shape
    blocks = -(-inner // BLOCK)
    for task in range(first, last):
        item, lo = task // blocks, task % blocks * BLOCK
        hi = min(lo + BLOCK, inner)
        own_taps, own_bias = taps[:, lo:hi].copy(), bias[lo:hi]
        recent, out = _zeros(kernel, hi - lo), _empty(hi - lo)
        for step in range(length):
            r = _row_number(item, step, length, reverse)
            widen(row(x, r, lo, hi), recent[step % kernel])
            _convolve_step(own_taps, own_bias, recent, step, out)
            for i in range(out.size):
                out[i] *= _sigmoid(out[i])
            narrow(out, row(y, r, lo, hi))


@compiled
def convolve_backward(first, last, length, reverse, x, taps, bias, gy, gx, g_taps, g_bias):
    """The gradients; those of taps and bias by item: (B, K, I) and (B, I). g is that of what goes into the silu."""
    kernel, inner = taps.shape
    blocks = -(-inner // BLOCK)
    for task in range(first, last):
        item, lo = task // blocks, task % blocks * BLOCK
        hi = min(lo + BLOCK, inner)
        own_taps, own_bias = taps[:, lo:hi].copy(), bias[lo:hi]
        width = hi - lo
        recent, out, g = _zeros(kernel, width), _empty(width), _empty(length, width)
        g_own_taps, g_own_bias = _zeros(kernel, width), _zeros(width)
        for step in range(length):
            r = _row_number(item, step, length, reverse)
            widen(row(x, r, lo, hi), recent[step % kernel])
            widen(row(gy, r, lo, hi), g[step])
            _convolve_step(own_taps, own_bias, recent, step, out)
            for i in range(out.size):
                opened = _sigmoid(out[i])
                g[step, i] *= opened * (ONE + out[i] * (ONE - opened))
                g_own_bias[i] += g[step, i]
            for k in range(kernel):
                seen = (step + 1 + k) % kernel
                for i in range(out.size):
                    g_own_taps[k, i] += g[step, i] * recent[seen, i]
        for step in range(length):
            r = _row_number(item, step, length, reverse)
            out[:] = 0
            for k in range(max(0, kernel - length + step), kernel):
                seen_at = step + kernel - 1 - k
                for i in range(out.size):
                    out[i] += own_taps[k, i] * g[seen_at, i]
            narrow(out, row(gx, r, lo, hi))
        g_taps[item, :, lo:hi] = g_own_taps
        g_bias[item, lo:hi] = g_own_bias
