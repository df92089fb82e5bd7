"""The two places where the rest of a cluster can go, measured: `python -m support.remainders` prints the table."""

from __future__ import annotations

import numpy as np

from ttm_trainer.training.cluster_sampler import batches_of


def remainders(clusters: int, samples: int, batch: int, seed: int = 0) -> dict[str, dict[str, float]]:
    """Of an epoch (the second) in both forms: the share of batches "mixed" of several clusters, and the share of the
    samples "waiting" for another epoch at its end. Sizes of clusters fall like 1, 1/2, 1/3 ..., as of text clusters."""
    shares = 1 / np.arange(1, clusters + 1)
    ends = np.cumsum(shares / shares.sum()) * samples
    labels = np.searchsorted(ends, np.arange(samples) + 0.5).clip(max=clusters - 1)
    facts = {}
    for form in ("next-epoch", "next-cluster"):
        batches = batches_of(labels, batch, seed, form)
        steps = range(batches.first_step(1), batches.first_step(2))
        mixed = sum(len(np.unique(labels[batches.batch(step)])) > 1 for step in steps)
        left = 0 if form == "next-cluster" else int((2 * batches.counts % batch).sum())
        facts[form] = {"batches": len(steps), "mixed": mixed / len(steps), "waiting": left / samples}
    return facts


if __name__ == "__main__":
    for k in (50, 500):
        for name, row in remainders(k, 334_206, 32).items():
            print(f"{k:>4} clusters, {name:<13}", ", ".join(f"{key} {value:.4f}" for key, value in row.items()))
