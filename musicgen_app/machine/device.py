"""What this machine computes with: the device and the precision that "auto" stands for."""

from __future__ import annotations

import torch

from ..errors import RequestError

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}


def pick_device(name: str) -> torch.device:
    """ "auto" is CUDA, then Apple's MPS, then the CPU. Raises RequestError for a device that is not there."""
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(kind for kind, available in there.items() if available))
    if not there.get(name, False):
        raise RequestError(
            f"device {name!r} is not available here; use one of {', '.join(k for k in there if there[k])}"
        )
    return torch.device(name)


def pick_precision(name: str, device: torch.device) -> str:
    """ "fp32" or "bf16"; "auto" is bf16 where the hardware multiplies bfloat16 matrices natively, else fp32.

    Raises RequestError for another name.
    """
    if name == "auto":
        return "bf16" if has_fast_bfloat16(device) else "fp32"
    if name not in PRECISIONS:
        raise RequestError(f"precision {name!r} is unknown; use auto, {' or '.join(PRECISIONS)}")
    return name


def has_fast_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 matrix products are faster than float32 ones there."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device.type == "cpu" and not cpu_features().isdisjoint({"amx_bf16", "avx512_bf16"})


def cpu_autocast() -> torch.autocast:
    """A context in which the CPU computes matrix products in bfloat16, if it multiplies that natively."""
    return torch.autocast("cpu", torch.bfloat16, enabled=has_fast_bfloat16(torch.device("cpu")))


def cpu_features() -> set[str]:
    """The instruction sets of the processor that torch can use, such as "avx512_bf16" (empty for an old torch)."""
    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return {name for name, value in capabilities.items() if value is True}
