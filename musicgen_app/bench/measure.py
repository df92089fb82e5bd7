"""How things are measured: time as the median of several runs, peak memory of the process, errors."""

from __future__ import annotations

import math
import re
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np


def timed(run: Callable[[], object], repeats: int, patience: float = 20.0) -> dict:
    """{"seconds": the median, "runs": of how many}. The caller has run it once before, so that nothing is cold.

    At most `repeats` runs; fewer when another one would take the sum over `patience` seconds.
    """
    taken: list[float] = []
    while not taken or (len(taken) < repeats and sum(taken) + max(taken) <= patience):
        start = time.perf_counter()
        run()
        taken.append(time.perf_counter() - start)
    return {"seconds": statistics.median(taken), "runs": len(taken)}


def peak_memory() -> int | None:
    """The most memory (bytes) that this process has ever held, mapped files included; None where it is not told."""
    try:  # Linux: what getrusage tells there includes what the parent held when it started this process
        status = Path("/proc/self/status").read_text(encoding="ascii")
        if found := re.search(r"VmHWM:\s*(\d+) kB", status):
            return 1024 * int(found[1])
    except OSError:
        pass
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def relative_error(value: np.ndarray, reference: np.ndarray) -> float:
    """RMS of the difference over the RMS of the reference."""
    value, reference = value.astype(np.float64), reference.astype(np.float64)
    return float(np.linalg.norm(value - reference) / np.linalg.norm(reference))


def snr_db(value: np.ndarray, reference: np.ndarray) -> float | None:
    """The reference's power over that of the difference, in dB; None when there is no difference."""
    error = relative_error(value, reference)
    return -20 * math.log10(error) if error else None
