"""Do clips copy the training data? The nearest neighbour of their latents among all excerpts of the training items.

For each five-second excerpt of generated clips and of unseen real ones, this is the highest cosine between its latents
and those of any excerpt of the training items, wherever that begins. A copy comes near 1. A clip that is no nearer than
unseen music is no copy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from musicgen_app.engine import Engine
from musicgen_app.errors import FileError

from ..data.audio_reader import read
from ..prepare.prepared_folder import Prepared
from .metrics.bootstrap import Interval, bootstrap
from .report import figure

EXCERPT = 5.0  # seconds
BLOCK = 256  # training items compared at once
SHARES = {"median": 0.5, "95th percentile": 0.95}


def copying(
    engine: Engine,
    model: str,
    prepared: Prepared,
    paths: Sequence[Path],
    compared: int = 20_000,
    resamples: int = 1000,
    tick: Callable[[int, int], None] = lambda done, total: None,
) -> list[dict]:
    """Figures of the nearest training excerpts of sound files, and of as many held-out items.

    compared: training items that are looked through (drawn at random where there are more). Raises FileError: latents
    of another codec than the model's, no held-out or training items, a file that cannot be read.
    """
    encoded = _encoder(engine, model, prepared)
    rng = np.random.default_rng(0)
    unseen, training = rng.permutation(prepared.items("val")), rng.permutation(prepared.items("train"))
    if not len(unseen) or not len(training):
        raise FileError(f"{prepared.folder} has {len(unseen)} held-out and {len(training)} training items: too few")
    made = [encoded(path) for path in paths]
    real = [
        prepared.latents(np.array([item]), int(prepared.frames[item]))[0][0].numpy()
        for item in unseen[: len(paths)].tolist()
    ]
    length = min(round(EXCERPT * prepared.latent_rate), *(len(part) for part in made + real))
    excerpts = np.stack([part[:length] for part in made + real])
    best = nearest(excerpts, prepared, training[:compared], tick)
    figures = []
    for of, mine in (("generated", best[: len(made)]), ("real, unseen", best[len(made) :])):
        about = {"of": of, "reference": str(prepared.folder)}
        name = "nearest training excerpt, cosine, "
        for what, share in SHARES.items():

            def at(some: np.ndarray, mine: np.ndarray = mine, share: float = share) -> float:
                return float(np.quantile(mine[some], share))

            interval = bootstrap(at, len(mine), resamples)
            figures.append(figure(name + what, interval, len(mine), **about))
        figures.append(figure(name + "highest", Interval(float(mine.max())), len(mine), **about))  # extremes have none
    return figures


def _encoder(engine: Engine, model: str, prepared: Prepared) -> Callable[[Path], np.ndarray]:
    """A function from a sound file to its latents (frames, D), normalised as the prepared ones."""
    codec = engine.load(model).codec
    mine, theirs = (codec.latent_dim, codec.latent_rate), (prepared.latent_dim, prepared.latent_rate)
    if mine != theirs:
        raise FileError(
            f"{prepared.folder} has latents of {theirs[0]} dims at {theirs[1]:g} Hz, but {model} of {mine[0]} at"
            f" {mine[1]:g} Hz: prepare the data with this model's codec"
        )
    mean, std = (torch.tensor(prepared.meta["latent"][name]) for name in ("mean", "std"))

    @torch.inference_mode()
    def encoded(path: Path) -> np.ndarray:
        audio = torch.from_numpy(read(path, codec.sample_rate, codec.channels))
        return ((codec.encode(audio[None].to(engine.device))[0].float().cpu() - mean) / std).numpy()

    return encoded


def nearest(
    excerpts: np.ndarray,
    prepared: Prepared,
    items: np.ndarray,
    tick: Callable[[int, int], None] = lambda done, total: None,
) -> np.ndarray:
    """Highest cosine (n,) of each excerpt (n, L, D) of normalised latents with any excerpt within an item."""
    n, length, dim = excerpts.shape
    flat = excerpts.reshape(n, -1).astype(np.float32)
    flat = flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-9)
    kernels = torch.from_numpy(flat.reshape(n, length, dim).transpose(0, 2, 1).copy())  # (n, D, L)
    best = torch.full((n,), -1.0)
    items = items[prepared.frames[items] >= length]
    for start in range(0, len(items), BLOCK):
        tick(start, len(items))
        block = items[start : start + BLOCK]
        latents, mask = prepared.latents(block, int(prepared.frames[block].max()))
        stream = latents.transpose(1, 2)  # (B, D, T)
        dots = torch.nn.functional.conv1d(stream, kernels)  # (B, n, T - L + 1)
        energy = torch.nn.functional.conv1d(stream.square().sum(1, keepdim=True), torch.ones(1, 1, length)).sqrt()
        cosines = (dots / energy.clamp_min(1e-6)).masked_fill(~mask[:, None, length - 1 :], -1.0)
        best = torch.maximum(best, cosines.amax(dim=(0, 2)))
    tick(len(items), len(items))
    return best.numpy()
