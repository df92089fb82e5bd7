"""The frozen conformer of MuQ as REPA-MuQ uses it: hidden states go into its layers 3 to 9.

The score-aware paper (arXiv 2606.07387, section III-A) projects the hidden state of every frame to 1,024 numbers and
"injects" them "into layers 3 through 9 of the frozen MuQ conformer"; it has no formula for that. Here the projections
take the place of what enters layer 3, and the mean of what layers 3 to 9 make of them is compared with the mean of what
they make of the music, the target that `prepare --muq` stores. The gradient goes through seven frozen layers. The
simpler form, "features", compares the projections themselves with that target.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from musicgen_app.errors import RequestError

from ..prepare.embedders import Muq
from ..prepare.prepared_folder import Prepared


class MuqLayers(nn.Module):
    """Layers of a Wav2Vec2 conformer of `transformers`, such as MuQ's, counted from 1. Frozen, in float32.

    conformer: with `layers` and `embed_positions`. It is copied as far as it is needed.
    """

    def __init__(self, conformer: Any, layers: tuple[int, ...] = Muq.layers):
        super().__init__()
        self.positions = copy.deepcopy(conformer.embed_positions)
        self.layers = nn.ModuleList(copy.deepcopy(conformer.layers[layer - 1]) for layer in layers)
        self.float().eval().requires_grad_(False)

    def forward(self, frames: Tensor, mask: Tensor) -> Tensor:
        """Frames (B, T, width) float32 that enter the first layer, mask (B, T) -> mean of the layers' outputs.

        Frames outside of the mask are not attended to.
        """
        self.to(frames.device)
        with torch.autocast(frames.device.type, enabled=False):
            state = frames.float() * mask[..., None]
            hidden = torch.zeros(mask.shape, device=frames.device).masked_fill(~mask, torch.finfo(torch.float32).min)
            attention = hidden[:, None, None, :].expand(-1, 1, mask.shape[1], -1)
            places = self.positions(state) if self.positions is not None else None
            total = torch.zeros_like(state)
            for layer in self.layers:
                found = layer(state, attention_mask=attention, relative_position_embeddings=places)
                state = found[0] if isinstance(found, tuple) else found  # as versions of `transformers` have it
                total = total + state
        return total / len(self.layers)

    def train(self, mode: bool = True) -> MuqLayers:
        """Frozen layers stay as in use: no dropout."""
        return super().train(False)


def muq_layers(prepared: Prepared) -> MuqLayers:
    """The layers of MuQ for data whose latents have MuQ's 25 frames a second, for nothing is resampled.

    Raises RequestError for other latents, and DependencyError and ModelError as `Muq`.
    """
    if abs(prepared.latent_rate - Muq.rate) > 0.01:
        raise RequestError(
            f"MuQ's conformer hears {Muq.rate:g} frames a second, these latents have {prepared.latent_rate:g}:"
            " leave repa_muq_into at features"
        )
    return MuqLayers(Muq().conformer)
