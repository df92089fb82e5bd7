"""A loaded backbone, made ready for fast inference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from .fluxaudio import inference as fluxaudio_inference
from .fluxaudio.mean_flow import MeanFlow
from .fluxaudio.model import FluxAudio
from .mamba import inference as mamba_inference
from .mamba.model import Mamba

READY: dict[type[nn.Module], Callable[[Any, torch.dtype], None]] = {
    FluxAudio: fluxaudio_inference.make_ready,
    MeanFlow: fluxaudio_inference.make_ready,
    Mamba: mamba_inference.make_ready,
}


def prepare(backbone: nn.Module, dtype: torch.dtype) -> None:
    """Make a loaded backbone ready for inference on the device it is on, in place: its large products in `dtype`.

    Inputs, outputs and everything else are float32. The weights may be of any dtype, and none is in memory twice.
    Afterwards the backbone can no longer be trained, saved or moved. A plug-in's backbone computes in float32, unless
    it has a method `make_ready(dtype)`.
    """
    if type(backbone) in READY:
        READY[type(backbone)](backbone, dtype)
    elif callable(own := getattr(backbone, "make_ready", None)):
        own(dtype)
    else:
        backbone.float()
