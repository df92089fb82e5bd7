"""All random numbers of a training step, as a function of (seed, step, purpose): no state to save or restore.

A run that is killed and resumed, or computed by more processes, draws the same numbers. Purposes keep draws apart: one
more draw for one thing changes nothing for the others.
"""

from __future__ import annotations

import zlib

import numpy as np
import torch


def rng(seed: int, step: int, purpose: str, item: int = 0) -> np.random.Generator:
    """NumPy's generator for one purpose of a step; `item` tells the samples of a batch apart."""
    return np.random.Generator(np.random.PCG64(_sequence(seed, step, purpose, item)))


def generator(seed: int, step: int, purpose: str, item: int = 0) -> torch.Generator:
    """PyTorch's generator (on the CPU) for one purpose of a step."""
    return torch.Generator().manual_seed(seed_for(seed, step, purpose, item))


def seed_for(seed: int, step: int, purpose: str, item: int = 0) -> int:
    """A seed in [0, 2^63) for code that wants a plain number."""
    return int(_sequence(seed, step, purpose, item).generate_state(1, np.uint64)[0] >> np.uint64(1))


def noise(seed: int, step: int, purpose: str, items, shape: tuple[int, ...]) -> torch.Tensor:
    """Standard normal numbers (len(items), *shape) float32; each item has a stream of its own."""
    drawn = np.empty((len(items), *shape), dtype=np.float32)
    for row, item in zip(drawn, items, strict=True):
        rng(seed, step, purpose, int(item)).standard_normal(dtype=np.float32, out=row)
    return torch.from_numpy(drawn)


def _sequence(seed: int, step: int, purpose: str, item: int) -> np.random.SeedSequence:
    return np.random.SeedSequence(seed, spawn_key=(step, zlib.crc32(purpose.encode()), item))
