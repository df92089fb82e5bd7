"""Validation loss on a fixed set of (item, caption, time, noise): the same for every run on the same data.

The times are spread evenly over [0, 1] and not drawn from the run's own schedule, captions are never dropped and
alignment losses are left out, so that curves of runs with other settings can be compared.
"""

from __future__ import annotations

import numpy as np
import torch

from ..prepare.prepared_folder import Prepared
from ..runtime.distributed import Team
from ..runtime.randomness import noise, rng
from .batch import Batch, pick
from .objective import Objective

SEED = 0  # not the run's
LONGEST = 1024  # frames of an item that are looked at


class Validation:
    """Up to `count` held-out items, shared by the processes of `team`. `batch` items a forward pass."""

    def __init__(self, prepared: Prepared, count: int, batch: int, team: Team):
        self.prepared, self.team, self.batch = prepared, team, batch
        held_out = prepared.items("val")
        self.items = np.sort(rng(SEED, 0, "validation items").permutation(held_out)[:count])
        self.captions = self._captions() if len(self.items) else np.array([], dtype=np.int64)
        n = len(self.items)
        order = rng(SEED, 0, "validation times").permutation(n)
        self.times = torch.from_numpy(((order + 0.5) / max(n, 1)).astype(np.float32))

    def _captions(self) -> np.ndarray:
        draws = rng(SEED, 0, "validation captions").random(len(self.items))
        return np.array([pick(self.prepared.captions(int(i)), u) for i, u in zip(self.items, draws, strict=True)])

    @torch.no_grad()
    def loss(self, objective: Objective) -> dict[str, float]:
        """Mean flow-matching loss with each item's own caption as "val", with another item's as "val_shuffled".

        Their difference says how much the model listens to the text. Empty when nothing is held out.
        """
        if not len(self.items):
            return {}
        training, n = objective.training, len(self.items)
        objective.eval()
        every = np.arange(self.team.rank, -(-n // self.team.world) * self.team.world, self.team.world)
        sums = torch.zeros(3, dtype=torch.float64)
        for start in range(0, len(every), self.batch):  # as many passes in every process: some numbers come round again
            numbers, fresh = every[start : start + self.batch] % n, every[start : start + self.batch] < n
            for column, captions in enumerate((self.captions, np.roll(self.captions, n // 2))):
                batch = self._batch(numbers, captions, objective.grid_layout).to(self.team.device)
                losses = objective(batch)["flow"].double().cpu()
                sums[column] += losses[torch.from_numpy(fresh)].sum()
            sums[2] += fresh.sum()
        objective.train(training)
        own, shuffled, count = self.team.sum(sums).tolist()
        return {"val": own / count, "val_shuffled": shuffled / count}

    def _batch(self, numbers: np.ndarray, captions: np.ndarray, layout: int | None) -> Batch:
        items = self.items[numbers]
        frames = min(LONGEST, int(self.prepared.frames[self.items].max()))
        latents, mask = self.prepared.latents(items, frames)
        text = self.prepared.text(captions[numbers])
        return Batch(
            items=torch.from_numpy(items),
            data=latents,
            mask=mask,
            noise=noise(SEED, 0, "validation noise", numbers, latents.shape[1:]),
            t=self.times[numbers],
            drop=torch.zeros(len(items), dtype=torch.bool),
            tokens=text.tokens,
            text_mask=text.mask,
            vector=text.vector,
            grid=self.prepared.grids(items, frames, layout=layout) if layout else None,
        )
