"""MeanFlow on FluxAudio's network: the mean velocity between two times, for music in one step or a few.

The backbone of MeanAudio (Li et al., 2025, arXiv 2508.06098): FluxAudio with a second time embedding, after MeanFlow
(Geng et al., 2025, arXiv 2505.13447). Guidance is trained into it and not to be given again. State names are the public
ones.
"""

from __future__ import annotations

from torch import Tensor, nn

from ..layers import TimeEmbedding
from .model import FluxAudio, FluxAudioCondition, FluxAudioConfig


class MeanFlow(FluxAudio):
    """x (B, T, D) on the noise-at-one axis, t and end (B,), condition -> mean velocity (B, T, D) between t and end.

    Without `end` it is the velocity at t itself, as a FluxAudio gives it.
    """

    gives_means = True

    def __init__(self, config: FluxAudioConfig):
        super().__init__(config)
        self.r_embed = TimeEmbedding(config.hidden)
        if not self.latent_mean.is_meta:
            for layer in self.r_embed.mlp:
                if isinstance(layer, nn.Linear):
                    nn.init.normal_(layer.weight, std=0.02)
                    nn.init.zeros_(layer.bias)

    @property
    def time_embeddings(self) -> list[TimeEmbedding]:
        return [self.t_embed, self.r_embed]

    def forward(
        self, x: Tensor, t: Tensor, cond: FluxAudioCondition, return_hidden: bool = False, end: Tensor | None = None
    ) -> Tensor | tuple[Tensor, Tensor]:
        return self._at(x, self.t_embed(t) + self.r_embed(t if end is None else end), cond, return_hidden)
