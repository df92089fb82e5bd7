"""How long ten seconds of music will take: what was measured on one machine, by how fast products are on this one.

The figures are those of stand-ins with random weights, in the precision that is picked there. It is an estimate: what
is not a product of matrices, and memory, are taken to be as much faster or slower.
"""

from __future__ import annotations

import functools
import time

# Seconds of one thread of an AMD EPYC with AVX-512 and bfloat16 instructions: one evaluation of the network, and all
# that is done once (the text, and above all the vocoder).
EVALUATION = {"fluxaudio-s": 0.365, "meanaudio-s": 0.365, "fluxaudio-l": 1.23, "meanaudio-l": 1.23}
ONCE = 11.2
BUSY = 25.0  # percent of all cores
PRODUCT = 0.0075  # seconds of `product_seconds` there


def ten_seconds(system: str, steps: int, guidance: float) -> float | None:
    """About how many seconds ten seconds of music take here with Euler or mean steps; None: not measured."""
    if system not in EVALUATION:
        return None
    is_busy()  # before this process is busy itself
    evaluations = steps * (1 if guidance == 1 else 2)
    return (ONCE + evaluations * EVALUATION[system]) * product_seconds() / PRODUCT


@functools.cache
def is_busy() -> bool:
    """Whether other programs took a good part of the processor when `product_seconds` was measured."""
    import psutil

    return psutil.cpu_percent(interval=0.2) > BUSY


@functools.cache
def product_seconds() -> float:
    """The time of one product of matrices of the size that these networks have, in the precision that is picked."""
    import torch
    import torch.nn.functional as F

    from ..machine.device import PRECISIONS, pick_precision

    dtype = PRECISIONS[pick_precision("auto", torch.device("cpu"))]
    x, weights = torch.rand(312, 896).to(dtype), [torch.rand(2560, 896).to(dtype) for _ in range(8)]
    taken = []
    with torch.inference_mode():
        for _ in range(6):
            start = time.perf_counter()
            for weight in weights:
                F.linear(x, weight)
            taken.append((time.perf_counter() - start) / len(weights))
    return min(taken)
