"""Measures a model on captions it never saw, beside the real music they belong to: does it follow, does it copy?

Prompt following. A linear probe, fitted on training items through the codec, maps a fixed audio descriptor to the
caption's vector. A clip is scored by the cosine between the probe's answer and the vector of a caption: of its own
(matched), of another clip's (shuffled), and its own is ranked among 20. Real unseen items through the codec are the
ceiling. The probe is this project's own and knows nothing of the generator.

Tempo and drums, where the manifest's facts tell them: how often the tempo heard is the caption's, and how well the
strength of onsets tells music with drums from music without.

Copying. For five-second excerpts, the highest cosine between their latents and any excerpt of the training items:
generated clips beside real unseen ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from musicgen_app.engine import CancelToken, Engine
from musicgen_app.errors import FileError

from ..prepared import Prepared
from ..reading import read
from .bootstrap import Interval, bootstrap
from .descriptors import beatiness, descriptor, tempo
from .making import make
from .prompts import Prompt

RANKED = 20  # captions among which the own one is ranked
EXCERPT = 5.0  # seconds
BLOCK = 256  # training items compared at once


class Probe:
    """Ridge regression from standardised descriptors to caption vectors, fitted in closed form."""

    def __init__(self, descriptors: np.ndarray, vectors: np.ndarray, ridge: float = 100.0):
        self.mean, self.std = descriptors.mean(0), descriptors.std(0) + 1e-6
        self.centre = vectors.mean(0)
        x = (descriptors - self.mean) / self.std
        self.weights = np.linalg.solve(x.T @ x + ridge * np.eye(x.shape[1]), x.T @ (vectors - self.centre))

    def scores(self, descriptors: np.ndarray, vectors: np.ndarray) -> np.ndarray:
        """Cosines (clips, captions), both sides centred on the mean caption."""
        answer = (descriptors - self.mean) / self.std @ self.weights
        wanted = vectors - self.centre
        answer = answer / np.maximum(np.linalg.norm(answer, axis=1, keepdims=True), 1e-9)
        return answer @ (wanted / np.maximum(np.linalg.norm(wanted, axis=1, keepdims=True), 1e-9)).T


@dataclass(frozen=True)
class Held:
    """What is known of one held-out item and of the clip made for its caption."""

    facts: dict
    caption: str
    vector: np.ndarray
    real: np.ndarray  # audio (N,), through the codec
    made: np.ndarray
    real_latents: np.ndarray  # (frames, D), normalised
    made_latents: np.ndarray


class Sounds:
    """Items of a prepared folder as sound, and sound as their latents, by the codec of a loaded model.

    Raises FileError when the folder's latents are not of that codec.
    """

    def __init__(self, engine: Engine, model: str, prepared: Prepared):
        self.codec, self.device, self.prepared = engine.load(model).codec, engine.device, prepared
        mine, theirs = (self.codec.latent_dim, self.codec.latent_rate), (prepared.latent_dim, prepared.latent_rate)
        if mine != theirs:
            raise FileError(
                f"{prepared.folder} has latents of {theirs[0]} dims at {theirs[1]:g} Hz, but {model} of {mine[0]} at"
                f" {mine[1]:g} Hz: prepare the data with this model's codec"
            )
        self.mean, self.std = (torch.tensor(prepared.meta["latent"][name]) for name in ("mean", "std"))

    def latents(self, item: int) -> torch.Tensor:
        """All normalised latents of an item (1, frames, D)."""
        return self.prepared.latents(np.array([item]), int(self.prepared.frames[item]))[0]

    @torch.inference_mode()
    def decoded(self, item: int) -> np.ndarray:
        """A real item through the codec, mono (N,) float32."""
        latents = self.latents(item) * self.std + self.mean
        return self.codec.decode(latents.to(self.device))[0].mean(dim=0).float().cpu().numpy()

    @torch.inference_mode()
    def encoded(self, path: Path) -> np.ndarray:
        """A file's latents (frames, D), normalised as the prepared ones."""
        audio = torch.from_numpy(read(path, self.codec.sample_rate, self.codec.channels))
        latents = self.codec.encode(audio[None].to(self.device))[0].float().cpu()
        return ((latents - self.mean) / self.std).numpy()


def fit_probe(sounds: Sounds, items: np.ndarray, tick: Callable[[int, int], None]) -> Probe:
    """The probe of some training items through the codec, with the mean vector of each item's captions."""
    rows, vectors = [], []
    for number, item in enumerate(items.tolist()):
        tick(number, len(items))
        rows.append(descriptor(sounds.decoded(item), sounds.codec.sample_rate))
        vectors.append(sounds.prepared.text_vectors(sounds.prepared.captions(item)).mean(axis=0))
    tick(len(items), len(items))
    return Probe(np.stack(rows), np.stack(vectors))


def measure(
    engine: Engine,
    model: str,
    prepared: Prepared,
    folder: Path,
    clips: int = 60,
    fitted: int = 500,
    compared: int = 20_000,
    seed: int = 1000,
    resamples: int = 1000,
    show: Callable[[str], None] = print,
    tick: Callable[[str, int, int], None] = lambda stage, done, total: None,
    cancel: CancelToken | None = None,
    **settings,
) -> tuple[list[dict], list[dict]]:
    """All figures of the module docstring as rows {"name", "of", "value", "low", ...}, and the clips that failed.

    clips: held-out captions, one clip each, made in `folder`; fitted: training items of the probe; compared: training
    items that copies are looked for in (drawn at random where there are more). Raises FileError: another codec than the
    prepared folder's, too few held-out items.
    """
    sounds = Sounds(engine, model, prepared)
    rng = np.random.default_rng(0)
    held_out, training = prepared.items("val"), prepared.items("train")
    if len(held_out) < 2 or not len(training):
        raise FileError(f"{prepared.folder} has {len(held_out)} held-out and {len(training)} training items: too few")
    held_out = rng.permutation(held_out)[:clips]
    captions = np.array([rng.choice(prepared.captions(item)) for item in held_out.tolist()])
    training = rng.permutation(training)
    show(f"probe: fitting on {min(fitted, len(training))} training items")
    probe = fit_probe(sounds, training[:fitted], lambda done, total: tick("fitting the probe", done, total))
    seconds = float(prepared.frames[held_out].max() / prepared.latent_rate)
    prompts = [
        Prompt(n, f"held-out-{i}", prepared.caption(c), {})
        for n, (i, c) in enumerate(zip(held_out, captions, strict=True))
    ]
    show(f"probe: {len(prompts)} clips of held-out captions")
    made = make(
        engine, model, prompts, folder, seed, lambda d, t: tick("clips of held-out captions", d, t), cancel,
        seconds=seconds, **settings,
    )  # fmt: skip
    vectors = prepared.text_vectors(captions)
    rows = [
        _held(sounds, int(held_out[prompt.number]), prompt.text, vectors[prompt.number], clip.path)
        for prompt, clip in made.pairs
    ]
    if len(rows) < 2:
        raise FileError(f"{model} gave {len(rows)} usable clips of {len(prompts)}: nothing can be measured")
    options = {"resamples": resamples, "seed": 0}
    rate = sounds.codec.sample_rate
    figures = _following(probe, rows, rate, options) + _tempo(rows, rate, options) + _drums(rows, rate, options)
    figures += _copying(prepared, rows, training[:compared], options, lambda d, t: tick("looking for copies", d, t))
    return figures, made.failed


def _held(sounds: Sounds, item: int, caption: str, vector: np.ndarray, path: Path) -> Held:
    return Held(
        facts=sounds.prepared.track(item).get("facts", {}),
        caption=caption,
        vector=vector,
        real=sounds.decoded(item),
        made=read(path, sounds.codec.sample_rate, 1)[0],
        real_latents=sounds.latents(item)[0].numpy(),
        made_latents=sounds.encoded(path),
    )


def _following(probe: Probe, rows: list[Held], rate: int, options: dict) -> list[dict]:
    vectors = np.stack([row.vector for row in rows])
    figures = []
    for of in ("real", "made"):
        scores = probe.scores(np.stack([descriptor(getattr(row, of), rate) for row in rows]), vectors)
        n, ranks = len(scores), ranked(scores)
        own = np.diag(scores)
        values = {
            "matched": own,
            "shuffled": (scores.sum(axis=1) - own) / (n - 1),
            "top 1": (ranks < 1).astype(float),
            "top 3": (ranks < 3).astype(float),
        }
        among = f" of {min(RANKED, n)}"
        for name, each in values.items():
            name = "prompt following, " + (name + among if name.startswith("top") else f"{name} cosine")
            figures.append(_figure(name, of, _mean(each, options), n))
    return figures


def ranked(scores: np.ndarray, seed: int = 0) -> np.ndarray:
    """Of each row of (n clips, n captions), how many of up to 19 other captions score at least its own (n,)."""
    n, rng = len(scores), np.random.default_rng(seed)
    ranks = []
    for i in range(n):
        others = rng.choice(np.delete(np.arange(n), i), size=min(RANKED, n) - 1, replace=False)
        ranks.append(int((scores[i, others] >= scores[i, i]).sum()))
    return np.array(ranks)


def _tempo(rows: list[Held], rate: int, options: dict) -> list[dict]:
    """Share of clips whose estimated tempo is within 4 % of the one their caption tells; octaves counted apart."""
    told = [row for row in rows if "bpm" in row.caption.lower() and row.facts.get("tempo")]
    figures = []
    for of in ("real", "made") if told else ():
        ratios = np.array([tempo(getattr(row, of), rate) / float(row.facts["tempo"]) for row in told])
        right = np.abs(ratios - 1) <= 0.04
        octave = right | (np.abs(ratios * 2 - 1) <= 0.04) | (np.abs(ratios / 2 - 1) <= 0.04)
        figures.append(_figure("tempo right", of, _mean(right, options), len(told)))
        figures.append(_figure("tempo right or an octave off", of, _mean(octave, options), len(told)))
    return figures


def _drums(rows: list[Held], rate: int, options: dict) -> list[dict]:
    """Area under the ROC curve of `beatiness` between captions with drums and without; 0.5 is chance."""
    told = [row for row in rows if isinstance(row.facts.get("drums"), bool)]
    drums = np.array([row.facts["drums"] for row in told], dtype=bool)
    if not drums.any() or drums.all():
        return []
    figures = []
    for of in ("real", "made"):
        beats = np.array([beatiness(getattr(row, of), rate) for row in told])
        interval = bootstrap(lambda clips, beats=beats: _area(beats[clips], drums[clips]), len(told), **options)
        figures.append(_figure("drums told apart (ROC area)", of, interval, len(told)))
    return figures


def _area(values: np.ndarray, positive: np.ndarray) -> float:
    yes, no = values[positive], values[~positive]
    if not len(yes) or not len(no):
        return 0.5  # a resample of one kind alone tells nothing
    difference = yes[:, None] - no
    return float((difference > 0).mean() + 0.5 * (difference == 0).mean())


def _copying(
    prepared: Prepared, rows: list[Held], training: np.ndarray, options: dict, tick: Callable[[int, int], None]
) -> list[dict]:
    length = min(round(EXCERPT * prepared.latent_rate), *(len(part) for r in rows for part in _latents(r)))
    excerpts = np.stack([part[:length] for row in rows for part in _latents(row)])
    best = nearest(excerpts, prepared, training, tick)
    figures = []
    for column, of in enumerate(("real", "made")):
        mine = best[column::2]
        name = "nearest training excerpt, cosine, "
        for what, share in (("median", 0.5), ("95th percentile", 0.95)):
            interval = bootstrap(lambda c, mine=mine, share=share: np.quantile(mine[c], share), len(mine), **options)
            figures.append(_figure(name + what, of, interval, len(mine)))
        figures.append(_figure(name + "highest", of, Interval(float(mine.max())), len(mine)))  # extremes have none
    return figures


def _latents(row: Held) -> tuple[np.ndarray, np.ndarray]:
    return row.real_latents, row.made_latents


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


def _mean(values: np.ndarray, options: dict) -> Interval:
    values = np.asarray(values, dtype=float)
    return bootstrap(lambda clips: values[clips].mean(), len(values), **options)


def _figure(name: str, of: str, interval: Interval, clips: int) -> dict:
    what = {"real": "real unseen music through the codec", "made": "generated"}[of]
    return {"name": name, "of": what, "clips": clips, "interval": interval}
