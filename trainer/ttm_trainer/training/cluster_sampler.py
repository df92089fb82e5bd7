"""Mini-batches from one cluster each (UT-AIST: Yoshida, Chen, Fukayama, ICME 2026 Grand Challenge, section II-C.2).

The paper, after CommonIT (Rao et al., 2024, arXiv 2410.03077): clusters come in a new order every epoch, and a cluster
gives batch after batch until fewer samples than a batch are left, which are deferred. Here that is arithmetic. A
cluster of n samples is an endless stream, one shuffled pass over the cluster after the other, and after e epochs it has
given

    floor(e n / B)  batches of B,

so what was left over comes first in the next epoch and every sample is drawn equally often. The batch of any step is
found without walking through the steps before it.

The paper also says that the rest of a cluster is "deferred to the next cluster". `Stream` takes that by the word: the
clusters of an epoch follow one another in one stream, which is cut into batches, so the rest of a cluster shares a
batch with the beginning of the next one. Every sample is drawn once an epoch, and such batches are of several clusters.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache
from typing import Literal

import numpy as np

from musicgen_app.errors import RequestError

PASSES, ORDER = 0, 1  # what a random stream is for
Remainder = Literal["next-epoch", "next-cluster"]  # where the rest of a cluster goes


def batches_of(labels: np.ndarray, batch: int, seed: int, remainder: Remainder = "next-epoch") -> ClusterBatches:
    """The batches of a run: `ClusterBatches`, or `Stream`. Raises RequestError."""
    return (Stream if remainder == "next-cluster" else ClusterBatches)(labels, batch, seed)


class ClusterBatches:
    """The batches of a run: a pure function of (labels, batch size, seed, step), which keeps no place.

    labels: (N,) integers, the cluster of each sample; a single cluster is plain shuffling. In a cluster smaller than a
    batch a sample fills several places of a batch, and the cluster waits until a whole batch is due.
    Raises RequestError when there is no sample, or a batch size or seed that cannot be.
    """

    def __init__(self, labels: np.ndarray, batch: int, seed: int):
        labels = np.asarray(labels)
        if labels.ndim != 1 or not len(labels):
            raise RequestError("there are no samples to make batches of: give more data")
        if batch < 1 or seed < 0:
            raise RequestError(f"batches of {batch} with seed {seed} cannot be: use at least 1, and a seed from 0")
        self.size, self.seed = batch, seed
        self.samples = np.argsort(labels, kind="stable")  # cluster after cluster
        self.counts = np.unique(labels, return_counts=True)[1]
        self.starts = np.cumsum(self.counts) - self.counts
        self._table = (-1, np.array([]), np.array([]))

    def batch(self, step: int) -> np.ndarray:
        """The positions (batch,) in `labels` of the samples of a step, counted from 0."""
        epoch = self.epoch(step)
        order, ends = self._epoch_table(epoch)
        within = step - self.first_step(epoch)
        place = int(np.searchsorted(ends, within, side="right"))
        cluster = int(order[place])
        count, given = int(self.counts[cluster]), self._given(epoch)[cluster]
        first = self.size * int(given + within - (ends[place - 1] if place else 0))
        passes, places = np.divmod(np.arange(first, first + self.size), count)
        chosen = np.empty(self.size, dtype=np.int64)
        for number in range(passes[0], passes[-1] + 1):
            here = passes == number
            chosen[here] = _shuffled(count, self.seed, cluster, number)[places[here]]
        return self.samples[self.starts[cluster] + chosen]

    def epoch(self, step: int) -> int:
        """The epoch that a step belongs to, counted from 0."""
        late = (step + len(self.counts)) * self.size // len(self.samples) + 1  # first_step(late) > step
        return bisect_right(range(late + 1), step, key=self.first_step) - 1

    def first_step(self, epoch: int) -> int:
        """The number of steps before an epoch. It is that of the next one when no cluster has a whole batch due."""
        return int(self._given(epoch).sum())

    def _given(self, epoch: int) -> np.ndarray:
        """Batches that each cluster has given before an epoch (K,)."""
        return epoch * self.counts // self.size

    def _due(self, epoch: int) -> np.ndarray:
        """What each cluster gives in an epoch (K,): batches here."""
        return self._given(epoch + 1) - self._given(epoch)

    def _epoch_table(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """The clusters (K,) in the order of an epoch, and after how much of what is due each of them is done (K,)."""
        known, order, ends = self._table  # of the last epoch asked for
        if known != epoch:
            order = _rng(self.seed, ORDER, epoch).permutation(len(self.counts))
            ends = np.cumsum(self._due(epoch)[order])
            self._table = (epoch, order, ends)
        return order, ends


class Stream(ClusterBatches):
    """The same where the rest of a cluster goes to the next one: batches cut from one stream of clusters.

    After the last cluster of an epoch the first one of the next epoch goes on.
    """

    def batch(self, step: int) -> np.ndarray:
        """The positions (batch,) in `labels` of the samples of a step, counted from 0."""
        epochs, places = np.divmod(np.arange(step * self.size, (step + 1) * self.size), len(self.samples))
        chosen = np.empty(self.size, dtype=np.int64)
        for epoch in np.unique(epochs):
            here = epochs == epoch
            order, ends = self._epoch_table(int(epoch))
            turns = np.searchsorted(ends, places[here], side="right")
            rows = []
            for turn, place in zip(turns, places[here], strict=True):
                cluster, first = int(order[turn]), int(ends[turn - 1]) if turn else 0
                count = int(self.counts[cluster])
                rows.append(self.starts[cluster] + _shuffled(count, self.seed, cluster, int(epoch))[place - first])
            chosen[here] = rows
        return self.samples[chosen]

    def epoch(self, step: int) -> int:
        """The epoch in which the first sample of a step is drawn."""
        return step * self.size // len(self.samples)

    def first_step(self, epoch: int) -> int:
        """The first step that begins in an epoch, or after it where no step does."""
        return -(-epoch * len(self.samples) // self.size)

    def _due(self, epoch: int) -> np.ndarray:
        return self.counts


def rank_slice(batch, rank: int, world: int):
    """What process `rank` of `world` computes: its equal share of anything (array or tensor) that is one row a sample.

    Raises RequestError when the shares cannot be equal: averaging gradients over processes needs that.
    """
    share, rest = divmod(len(batch), world)
    if rest:
        raise RequestError(f"a batch of {len(batch)} cannot be shared by {world} processes: use a multiple of {world}")
    return batch[rank * share : (rank + 1) * share]


@lru_cache(maxsize=4)  # successive batches come from the same passes
def _shuffled(count: int, seed: int, cluster: int, number: int) -> np.ndarray:
    """Pass `number` over a cluster of `count` samples: each of them once (count,)."""
    return _rng(seed, PASSES, cluster, number).permutation(count)


def _rng(seed: int, *key: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
