"""Clusters of the training data by k-means, from text or from audio, for batches of one cluster each.

UT-AIST (Yoshida, Chen and Fukayama, ICME 2026 Grand Challenge, section II-C.1) clusters the text vectors of captions,
or the latents of the audio, with K = 50 or 500. It does not say how several captions of a track, or the frames of a
latent, become one vector: here it is their mean. K-means is scikit-learn's KMeans, over all vectors in every round,
where they fit into FULL bytes: 330,000 of 512 numbers do. More are clustered by MiniBatchKMeans (Sculley, 2010).
Clusters that are there stay as they are.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Sequence
from math import ceil, gcd
from pathlib import Path

import numpy as np

from musicgen_app.errors import DependencyError, RequestError
from musicgen_app.machine import files

from ..runtime import charts
from ..runtime.stage_runner import digest, load_part, run_stage, stage_settings
from ..runtime.tensors import masked_mean
from .prepared_folder import Prepared

BLOCK = 4_096  # captions read at a time, and samples of a k-means step
FULL = 1 << 30  # bytes of vectors up to which k-means goes through all of them in every round
ITEMS = 256  # items whose latents are read at a time
WASTE = 0.1  # share of the samples left to the next epoch, above which a warning is shown


def make_clusters(
    prepared: Prepared,
    by: str,
    k: int,
    seed: int = 0,
    batch: int = 32,
    show: Callable[[str], None] = print,
    styles: Sequence[str] | None = None,
) -> Path:
    """Make the k clusters by "text" or "audio", unless they are there, and a report on them for batches of `batch`.

    Every item gets a label, held-out ones too, but only training items shape the clusters. styles: the caption styles
    that count (None: all). Returns the folder, PREPARED/clusters/BY-K, with 00000/labels.npy (N,) int32, report.json
    and report.png. Raises RequestError for an impossible `by` or k, FileError when other clusters are there under this
    name, and DependencyError without scikit-learn.
    """
    if by not in ("text", "audio"):
        raise RequestError(f"there are no clusters by {by!r}: use text or audio")
    train = prepared.items("train")
    if not 1 <= k <= len(train):
        raise RequestError(f"{k} clusters cannot be made of {len(train)} training items")

    def work(part: int) -> dict[str, np.ndarray]:
        show(f"clusters: {k} by {by} of {len(prepared):,} items")
        if by == "text":
            vectors, owner = text_vectors(prepared, styles)
        else:
            vectors, owner = audio_vectors(prepared), np.arange(len(prepared))
        weights = np.bincount(owner[train], minlength=len(vectors))
        if by == "audio":
            vectors = standardised(vectors, weights)
        return {"labels": fit(vectors, k, seed, weights)[owner]}

    sources = ("segments", "text" if by == "text" else "latents")
    settings = {"by": by, "k": k, "seed": seed, "styles": styles and list(styles)}
    settings["from"] = {name: digest(stage_settings(prepared.folder, name)) for name in sources}
    name = f"clusters/{by}-{k}"
    folder = run_stage(prepared.folder, name, settings, 1, work, show=show)
    write_report(folder, load_part(prepared.folder, name, 0)["labels"][train], batch, show)
    return folder


def fit(vectors: np.ndarray, k: int, seed: int, weights: np.ndarray | None = None) -> np.ndarray:
    """The cluster (M,) int32 of each vector (M, W) float32, by k-means with k-means++ starts.

    weights (M,): how many samples a vector stands for; one of weight 0 is labelled but shapes nothing. Where there are
    fewer different vectors than k, some clusters stay empty. Raises DependencyError without scikit-learn.
    """
    if k == 1:
        return np.zeros(len(vectors), dtype=np.int32)
    try:
        from sklearn.cluster import KMeans, MiniBatchKMeans
        from sklearn.exceptions import ConvergenceWarning
    except ImportError as error:
        raise DependencyError("clusters need the package scikit-learn: pip install scikit-learn") from error
    weights = np.ones(len(vectors)) if weights is None else np.asarray(weights, dtype=np.float64)
    counted = weights > 0
    if vectors.nbytes <= FULL:
        means = KMeans(k, random_state=seed, n_init=3)
    else:
        means = MiniBatchKMeans(k, random_state=seed, batch_size=max(BLOCK, 4 * k), n_init=3)
    with warnings.catch_warnings():  # empty clusters, which the report counts
        warnings.simplefilter("ignore", ConvergenceWarning)
        means.fit(vectors[counted], sample_weight=weights[counted])
    return means.predict(vectors).astype(np.int32)


def text_vectors(prepared: Prepared, styles: Sequence[str] | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The mean text vector of the captions of each track (M, W) float32, and the row of each item in it (N,)."""
    _, first, owner = np.unique(prepared.tracks, return_index=True, return_inverse=True)
    captions = [prepared.captions(item, styles) for item in first]
    counts = np.array([len(numbers) for numbers in captions])
    numbers, track = np.concatenate(captions), np.repeat(np.arange(len(first)), counts)
    sums = None
    for start in range(0, len(numbers), BLOCK):
        block = prepared.text_vectors(numbers[start : start + BLOCK])
        sums = np.zeros((len(first), block.shape[1]), dtype=np.float32) if sums is None else sums
        np.add.at(sums, track[start : start + BLOCK], block)
    return sums / np.maximum(counts, 1)[:, None].astype(np.float32), owner


def audio_vectors(prepared: Prepared) -> np.ndarray:
    """The mean latent of each item over its frames (N, D) float32."""
    pooled = np.empty((len(prepared), prepared.latent_dim), dtype=np.float32)
    for start in range(0, len(prepared), ITEMS):
        items = np.arange(start, min(start + ITEMS, len(prepared)))
        pooled[items] = masked_mean(*prepared.latents(items, int(prepared.frames[items].max()))).numpy()
    return pooled


def standardised(vectors: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Vectors (M, W) with every channel moved and scaled to mean 0, deviation 1 over the samples they stand for."""
    mean = np.average(vectors, axis=0, weights=weights)
    std = np.sqrt(np.average((vectors - mean) ** 2, axis=0, weights=weights))
    return ((vectors - mean) / np.maximum(std, 1e-6)).astype(np.float32)


def report(labels: np.ndarray, batch: int) -> dict:
    """What clusters (labels (N,) of the training samples) mean for batches of `batch` samples.

    sizes: of the clusters that have samples, largest first. small_clusters: how many are smaller than a batch.
    plain_rule: what dropping the remainders would cost: samples wasted in every epoch, and samples never used.
    deferred: what the rule of `training.cluster_sampler` does instead: samples left to the next epoch after the first
    one, and on average; none is lost. share_left: the share of the samples that both rules leave out of the first
    epoch. longest_wait: epochs until the smallest cluster fills its first batch.
    """
    sizes = np.sort(np.unique(labels, return_counts=True)[1])[::-1]
    small = sizes[sizes < batch]
    left = int((sizes % batch).sum())
    waiting = sum(batch - gcd(int(n), batch) for n in sizes) / 2  # n, 2 n, 3 n ... modulo the batch, on average
    return {
        "samples": len(labels),
        "batch": batch,
        "clusters": len(sizes),
        "smallest": int(sizes[-1]),
        "median": float(np.median(sizes)),
        "largest": int(sizes[0]),
        "small_clusters": len(small),
        "plain_rule": {"wasted": left, "never_used": int(small.sum())},
        "deferred": {"first_epoch": left, "mean": waiting, "lost": 0},
        "share_left": left / len(labels),
        "longest_wait": ceil(batch / int(sizes[-1])),
        "sizes": sizes.tolist(),
    }


def warning(facts: dict) -> str | None:
    """One line for clusters too fine for the data, or None. The paper found K = 50 better than 500 in its metrics."""
    clusters, small, batch, samples = (facts[name] for name in ("clusters", "small_clusters", "batch", "samples"))
    if facts["share_left"] <= WASTE:
        return None
    rare = f", and {small} clusters below a batch come up once in up to {facts['longest_wait']} epochs" if small else ""
    advice = max(1, min(clusters // 2, samples // (10 * batch)))  # half a batch of each is left: about 5 %
    return (
        f"warning: {clusters} clusters are many for {samples:,} samples in batches of {batch}: every epoch leaves"
        f" {facts['share_left']:.0%} of them to the next{rare}; use at most {advice} clusters, or smaller batches"
    )


def write_report(folder: Path, labels: np.ndarray, batch: int, show: Callable[[str], None] = print) -> dict:
    """Write report.json and report.png beside the labels, show one line of it and any warning; returns the report."""
    facts = report(labels, batch)
    files.write(folder / "report.json", json.dumps(facts, indent=1).encode(), overwrite=True)
    picture(facts, folder / "report.png", f"{folder.name}: {facts['samples']:,} samples")
    show(
        f"clusters/{folder.name}: {facts['clusters']} of {facts['smallest']:,} to {facts['largest']:,} samples,"
        f" {facts['small_clusters']} below a batch of {batch};"
        f" {facts['share_left']:.1%} of the samples wait for the next epoch, none is lost"
    )
    if line := warning(facts):
        show(line)
    return facts


def picture(facts: dict, path: Path, title: str) -> None:
    """Draw the sizes of the clusters, largest first, and the size of a batch."""
    sizes, batch = np.array(facts["sizes"]), facts["batch"]
    places, small = np.arange(1, len(sizes) + 1), sizes < batch
    with charts.picture(path) as axes:
        blue, orange = charts.COLOURS[:2]
        for chosen, colour, where in ((~small, blue, "of at least a batch"), (small, orange, "below a batch")):
            if chosen.any():
                axes.bar(places[chosen], sizes[chosen], 1.0, color=colour, label=f"{chosen.sum()} {where}")
        axes.axhline(batch, color=charts.COLOURS[-1], linewidth=1, linestyle="--", label=f"a batch of {batch}")
        axes.set(yscale="log", xlim=(0.5, len(sizes) + 0.5), ylim=(0.5, 3 * max(batch, sizes[0])))
        axes.set(xlabel="clusters, largest first", ylabel="samples")
        axes.yaxis.set_major_formatter("{x:,.0f}")
        axes.grid(axis="x", visible=False)
        axes.legend(loc="upper right", ncols=3)
        axes.set_title(title)
