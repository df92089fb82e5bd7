"""The snake activation on a CPU in one pass over memory, compiled by numba on its first call.

Imported by `codec` alone and only to prepare one, as numba takes a second to import and may not be installed.
PyTorch needs five passes over tensors too large for the caches, and a sine that is exact to the last bit.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from ...machine.numba_kernels import ROUND, compiled, in_parallel, narrow, row, tensor_rows, widen

# sin(pi r)^2 for |r| <= 1/2 is q (c0 + q (c1 + ...)) with q = r^2, within 5e-8
SINE_SQUARED = tuple(np.float32(c) for c in (9.8696042, -32.469664, 42.727065, -30.100643, 13.048364, -3.3563336))


def snake(x: Tensor, rate: Tensor, depth: Tensor, dtype: torch.dtype) -> Tensor:
    """x + depth * sin(rate * x)^2 in `dtype`; x (B, C, 1, N) in memory as (B, N, C), so is what it gives.

    x and `dtype` are float32 or bfloat16; rate and depth are float32, C numbers each.
    """
    steps = x[:, :, 0].transpose(1, 2)
    out = torch.empty(steps.shape, dtype=dtype)
    channels = (rate.detach().flatten() / math.pi).numpy(), depth.detach().flatten().numpy()
    in_parallel(_snake, steps.shape[0] * steps.shape[1], tensor_rows(steps), tensor_rows(out), *channels)
    return out.transpose(1, 2)[:, :, None]


@compiled
def _snake(first, last, x, y, rate, depth):
    """Rows first..last of x into y; rate in half turns, so that the squared sine has the period 1."""
    width = rate.size
    values = np.empty(width, np.float32)
    for r in range(first, last):
        widen(row(x, r, 0, width), values)
        for i in range(width):
            turns = values[i] * rate[i]
            turns -= (turns + ROUND) - ROUND
            q = turns * turns
            series = SINE_SQUARED[4] + q * SINE_SQUARED[5]
            series = SINE_SQUARED[3] + q * series
            series = SINE_SQUARED[2] + q * series
            series = SINE_SQUARED[1] + q * series
            series = SINE_SQUARED[0] + q * series
            values[i] += depth[i] * q * series
        narrow(values, row(y, r, 0, width))
