"""Backbones: noisy latents (B, T, D), time (B,) and a text condition -> velocity (B, T, D).

Every backbone is an nn.Module with `latent_dim`, `time_axis` ("data_at_one" or "noise_at_one": where its own training
puts data or noise), `condition(tokens, mask, vector, drop=None)`, `null_condition(batch)` and
`forward(x, t, cond, return_hidden=False)`.
"""

from __future__ import annotations


def concat_conditions(a, b):
    """Two conditions of one backbone, of batches A and B, as one condition of batch A + B (a first)."""
    return a.join(b)


def expand_condition(cond, batch: int):
    """A condition of batch 1, repeated (without copying) to `batch`."""
    return type(cond)(*(part.expand(batch, *part.shape[1:]) for part in cond))
