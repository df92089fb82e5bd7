"""What this project's numba kernels share: how they are compiled and cached, read tensors, and share out their work.

Imported only by modules that need numba, which takes half a second to import and may not be installed. A kernel has
the signature `kernel(first, last, *values)` and computes the tasks first..last, each by itself in a fixed order, so
that results do not depend on how the tasks are shared out. bfloat16, which numba does not know, is read and written as
the upper half of a float32.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import numpy as np
import torch
from numba.extending import overload
from torch import Tensor

from . import paths

NUMBA: Any = numba.config  # whose attributes are made at run time
ROUND = np.float32(3 << 22)  # adding it to a float32 rounds to an integer, which stands in the low bits of the sum


@functools.cache
def cache_folder() -> str | None:
    """Where compiled kernels are kept: NUMBA_CACHE_DIR or the user's cache; None where that cannot be written."""
    if NUMBA.CACHE_DIR:
        return NUMBA.CACHE_DIR
    folder = paths.cache() / "numba"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return str(folder) if os.access(folder, os.W_OK) else None


def compiled(function: Callable, sums: bool = False) -> Callable:
    """`function`, to be compiled on its first call; with `sums` additions may be reordered, to vectorise a sum."""
    folder, configured = cache_folder(), NUMBA.CACHE_DIR
    NUMBA.CACHE_DIR = folder or configured  # numba looks at it here, once
    try:
        return numba.njit(
            function,
            nogil=True,
            cache=folder is not None,
            error_model="numpy",
            fastmath={"contract", "reassoc", "nsz"} if sums else {"contract"},
        )
    finally:
        NUMBA.CACHE_DIR = configured


def tensor_rows(x: Tensor) -> tuple[np.ndarray, int]:
    """x (B, T, W), copied only if its rows are not dense, as a flat array and the distance from row to row.

    numba vectorises a loop only if it knows that the elements are neighbours, which arrays with strides do not tell.
    """
    x = x.detach()
    batch, length, width = x.shape
    stride = x.stride(1) if length > 1 else x.stride(0)
    dense, even = width == 1 or x.stride(2) == 1, batch == 1 or x.stride(0) == length * stride
    if not (dense and even):
        x, stride = x.contiguous(), width
    flat = x.as_strided(((batch * length - 1) * stride + width,), (1,))
    return (flat.view(torch.uint16) if x.dtype == torch.bfloat16 else flat).numpy(), stride


def in_parallel(kernel: Callable, tasks: int, *values) -> None:
    """kernel(first, last, *values) for shares of range(tasks), on as many threads as torch uses.

    They are Python's threads, as the kernels hold no lock. Numba's own threads either end the process when two callers
    meet, or need a second OpenMP library beside torch's.
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


@compiled
def row(rows, r, lo, hi):
    """Channels lo..hi of row r; rows are a flat array and the distance from row to row."""
    flat, stride = rows
    return flat[r * stride + lo : r * stride + hi]


def widen(row, out):
    """Copy a row of float32 or bfloat16 into `out`, float32."""


def narrow(values, row):
    """Copy float32 values into a row of float32 or (rounded to nearest, ties to even) bfloat16."""


@overload(widen)
def widen_overload(row, out):
    if row.dtype == numba.uint16:

        def copy(row, out):
            for i in range(out.size):
                out[i] = np.uint32(np.uint32(row[i]) << 16).view(np.float32)
    else:

        def copy(row, out):
            for i in range(out.size):
                out[i] = row[i]

    return copy


@overload(narrow)
def narrow_overload(values, row):
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
