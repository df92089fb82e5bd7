"""Small computations on tensors that preparation and training share."""

from __future__ import annotations

import torch
from torch import Tensor


def masked_mean(values: Tensor, mask: Tensor | None = None) -> Tensor:
    """Mean of (B, T) or (B, T, C) over the valid frames: (B,) or (B, C). Zero for a sample without any."""
    if mask is None:
        return values.mean(dim=1)
    valid = mask.reshape(mask.shape + (1,) * (values.ndim - 2))
    return torch.where(valid, values, 0).sum(dim=1) / valid.sum(dim=1).clamp_min(1)
