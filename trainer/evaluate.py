"""Measures a bundle on captions it never saw: does it follow the prompt, and does it copy?

Prompt following. A linear probe, fitted on real training clips, maps a fixed audio descriptor to the caption's text
vector. A generated clip is scored by the cosine between the probe's answer and the vector of a prompt: of its own
prompt (matched), of another clip's (shuffled), and its own prompt is ranked among 20. Real unseen clips through the
codec are the ceiling. The probe is this project's own and knows nothing of the generator.

Copying. For five-second excerpts, the highest cosine between their latents and any excerpt of the training latents:
generated clips beside real unseen clips.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from musicgen_app.codecs.base import Codec
from musicgen_app.engine import Engine
from musicgen_app.request import GenerationRequest

from .latents import Cache
from .spectra import log_mel

RANKED = 20  # prompts among which the own one is ranked
EXCERPT = 62  # latent frames (5 s)


def descriptor(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """What a clip (N,) sounds like, independent of its place in time: (D,) float32.

    Mean and spread of 64 log-mel bands, their spread of change, the pitch-class profile, and the autocorrelation of
    the onset strength at lags of 0.2 to 2 s.
    """
    mel = log_mel(torch.from_numpy(audio)[None], sample_rate, 2048, 64, hop=512)[0].numpy()  # (T, 64)
    change = np.diff(mel, axis=0)
    rate = sample_rate / 512
    correlation = autocorrelation(np.maximum(change, 0).mean(axis=1))
    lags = np.linspace(0.2 * rate, 2.0 * rate, 48).round().astype(int)
    bass = autocorrelation(np.maximum(change[:, :6], 0).mean(axis=1))
    treble = autocorrelation(np.maximum(change[:, 44:], 0).mean(axis=1))
    parts = [mel.mean(0), mel.std(0), change.std(0), chroma(audio, sample_rate)]
    parts += [c[lags] for c in (correlation, bass, treble)]
    return np.concatenate(parts).astype(np.float32)


def autocorrelation(signal: np.ndarray) -> np.ndarray:
    """Autocorrelation of a zero-mean signal (T,) at every lag, 1 at lag 0."""
    centred = signal - signal.mean()
    spectrum = np.fft.rfft(centred, 2 * len(centred))
    correlation = np.fft.irfft(np.abs(spectrum) ** 2)[: len(centred)]
    return correlation / max(correlation[0], 1e-9)


def chroma(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """Share of the energy between 55 and 2,000 Hz in each of the twelve pitch classes (12,), C first."""
    window = np.hanning(8192)
    frames = np.lib.stride_tricks.sliding_window_view(audio, 8192)[::4096] * window
    energy = (np.abs(np.fft.rfft(frames)) ** 2).sum(axis=0)
    frequencies = np.fft.rfftfreq(8192, 1 / sample_rate)
    inside = (frequencies > 55) & (frequencies < 2000)
    classes = np.round(12 * np.log2(frequencies[inside] / 440) + 69).astype(int) % 12
    profile = np.bincount(classes, np.sqrt(energy[inside]), minlength=12)
    return profile / max(profile.sum(), 1e-9)


def tempo(audio: np.ndarray, sample_rate: int) -> float:
    """Tempo in beats a minute from the onset autocorrelation, favouring 60-180; octave errors are possible."""
    mel = log_mel(torch.from_numpy(audio)[None], sample_rate, 1024, 40, hop=256)[0].numpy()
    correlation = autocorrelation(np.maximum(np.diff(mel, axis=0), 0).mean(axis=1))
    rate = sample_rate / 256
    beats = np.arange(50, 201, 0.5)
    position = np.arange(len(correlation))

    def at(lag: np.ndarray) -> np.ndarray:
        return np.interp(lag, position, correlation)

    lag = 60 * rate / beats
    score = at(lag) + 0.5 * at(2 * lag) + 0.5 * at(4 * lag)
    return float(beats[np.argmax(score * np.exp(-0.5 * (np.log2(beats / 115) / 0.9) ** 2))])


class Probe:
    """Ridge regression from standardised descriptors to caption vectors, fitted in closed form."""

    def __init__(self, descriptors: np.ndarray, vectors: np.ndarray, ridge: float = 100.0):
        self.mean, self.std = descriptors.mean(0), descriptors.std(0) + 1e-6
        self.centre = vectors.mean(0)
        x = (descriptors - self.mean) / self.std
        self.weights = np.linalg.solve(x.T @ x + ridge * np.eye(x.shape[1]), x.T @ (vectors - self.centre))

    def scores(self, descriptors: np.ndarray, vectors: np.ndarray) -> np.ndarray:
        """Cosines (clips, prompts), both sides centred on the mean caption."""
        answer = (descriptors - self.mean) / self.std @ self.weights
        wanted = vectors - self.centre
        answer = answer / np.linalg.norm(answer, axis=1, keepdims=True)
        return answer @ (wanted / np.linalg.norm(wanted, axis=1, keepdims=True)).T


def following(scores: np.ndarray, seed: int = 0) -> dict[str, float]:
    """Summary of a score matrix (n clips, n prompts) whose diagonal is matched."""
    n = len(scores)
    rng = np.random.default_rng(seed)
    ranks = []
    for i in range(n):
        others = rng.choice(np.delete(np.arange(n), i), size=min(RANKED, n) - 1, replace=False)
        ranks.append(int((scores[i, others] >= scores[i, i]).sum()))
    off = scores[~np.eye(n, dtype=bool)]
    ranks = np.array(ranks)
    return {
        "matched": float(np.diag(scores).mean()),
        "shuffled": float(off.mean()),
        "top1_of_20": float((ranks < 1).mean()),
        "top3_of_20": float((ranks < 3).mean()),
    }


def nearest(excerpts: np.ndarray, latents: np.ndarray, block: int = 60_000) -> np.ndarray:
    """Highest cosine (n,) of each excerpt (n, EXCERPT, D) with any excerpt of the latent stream (F, D)."""
    n, length, dim = excerpts.shape
    flat = excerpts.reshape(n, -1)
    flat = flat / np.linalg.norm(flat, axis=1, keepdims=True)
    kernels = torch.from_numpy(flat.reshape(n, length, dim).transpose(0, 2, 1).copy())  # (n, D, L)
    best = np.full(n, -1.0)
    for start in range(0, len(latents) - length, block):
        part = torch.from_numpy(np.ascontiguousarray(latents[start : start + block + length].T, dtype=np.float32))
        dots = torch.nn.functional.conv1d(part[None], kernels)[0]
        energy = torch.nn.functional.conv1d((part**2).sum(0)[None, None], torch.ones(1, 1, length))[0].sqrt()
        best = np.maximum(best, (dots / energy.clamp_min(1e-6)).amax(dim=1).numpy())
    return best


def decoded(codec: Codec, cache: Cache, clip: dict) -> np.ndarray:
    """A real clip through the codec, (N,) float32."""
    latents = cache.latents[clip["frame"] : clip["frame"] + clip["frames"]].astype(np.float32)
    with torch.inference_mode():
        return codec.decode(torch.from_numpy(latents)[None])[0, 0].numpy()


def fit_probe(codec: Codec, cache: Cache, clips: int = 500) -> Probe:
    """The probe of `clips` random training clips through the codec, with the mean vector of each clip's captions."""
    training = cache.split("train")
    training = [training[i] for i in np.random.default_rng(1).permutation(len(training))[:clips]]
    descriptors = np.stack([descriptor(decoded(codec, cache, clip), codec.sample_rate) for clip in training])
    vectors = np.stack([cache.vectors[clip["captions"]].astype(np.float32).mean(axis=0) for clip in training])
    return Probe(descriptors, vectors)


def evaluate(
    engine: Engine,
    model: str,
    cache: Cache,
    clips: int = 60,
    show: Callable[[str], None] = print,
    probe: Probe | None = None,
    **request,
) -> dict:
    """All figures of the module docstring for `clips` held-out captions, as a JSON-safe dictionary.

    `request` overrides fields of the GenerationRequest (steps, guidance, ...). One clip a prompt, single shot.
    """
    codec = engine.load(model).codec
    rate = codec.sample_rate
    rng = np.random.default_rng(0)
    held_out = cache.split("val")
    held_out = [held_out[i] for i in rng.permutation(len(held_out))[:clips]]
    captions = [clip["captions"][int(rng.integers(len(clip["captions"])))] for clip in held_out]
    vectors = cache.vectors[captions].astype(np.float32)
    if probe is None:
        show("fitting the probe on training clips")
        probe = fit_probe(codec, cache)
    show(f"generating {len(held_out)} clips")
    real, made, made_latents, tempos, drums = [], [], [], [], []
    for number, (clip, index) in enumerate(zip(held_out, captions, strict=True)):
        text = cache.captions[index]
        seconds = clip["frames"] / codec.latent_rate
        asked = GenerationRequest(text, seconds=seconds, seed=1000 + number, model=model, **request)
        (result,) = engine.generate(asked)
        ours, theirs = result.audio[0], decoded(codec, cache, clip)
        real.append(descriptor(theirs, rate))
        made.append(descriptor(ours, rate))
        with torch.inference_mode():
            made_latents.append(codec.encode(torch.from_numpy(result.audio)[None])[0].numpy())
        if "bpm" in text.lower():
            tempos.append((clip["facts"]["tempo"], tempo(theirs, rate), tempo(ours, rate)))
        drums.append((clip["facts"].get("drums", False), beatiness(theirs, rate), beatiness(ours, rate)))
        if (number + 1) % 20 == 0:
            show(f"{number + 1}/{len(held_out)} clips")
    mean, std = (np.asarray(cache.meta[name], dtype=np.float32) for name in ("mean", "std"))
    inside = np.zeros(len(cache.latents), dtype=bool)
    for clip in cache.split("train"):
        inside[clip["frame"] : clip["frame"] + clip["frames"]] = True
    stream = (cache.latents[inside].astype(np.float32) - mean) / std
    real_latents = [cache.latents[c["frame"] : c["frame"] + EXCERPT].astype(np.float32) for c in held_out]

    def nearness(latents: list[np.ndarray]) -> dict[str, float]:
        best = nearest(np.stack([(part[:EXCERPT] - mean) / std for part in latents]), stream)
        return {"median": float(np.median(best)), "p95": float(np.quantile(best, 0.95)), "max": float(best.max())}

    return {
        "clips": len(held_out),
        "real_unseen": following(probe.scores(np.stack(real), vectors)),
        "generated": following(probe.scores(np.stack(made), vectors)),
        "tempo": tempo_report(tempos),
        "drums_separated": drums_report(drums),
        "nearest_training_excerpt": {"generated": nearness(made_latents), "real_unseen": nearness(real_latents)},
    }


def beatiness(audio: np.ndarray, sample_rate: int) -> float:
    """How strongly sudden broadband onsets stand out: the 95th percentile of the summed rise of a log-mel spectrum."""
    mel = log_mel(torch.from_numpy(audio)[None], sample_rate, 1024, 40, hop=256)[0].numpy()
    return float(np.quantile(np.maximum(np.diff(mel, axis=0), 0).mean(axis=1), 0.95))


def drums_report(rows: list[tuple[bool, float, float]]) -> dict:
    """How well `beatiness` separates prompts with drums from those without: area under the ROC curve, 0.5 is chance."""

    def area(column: int) -> float | None:
        yes, no = ([row[column] for row in rows if row[0] is wanted] for wanted in (True, False))
        return float(np.mean([(a > b) + 0.5 * (a == b) for a in yes for b in no])) if yes and no else None

    return {"with": sum(row[0] for row in rows), "without": sum(not row[0] for row in rows), "real_unseen": area(1),
            "generated": area(2)}  # fmt: skip


def tempo_report(rows: list[tuple[float, float, float]]) -> dict:
    """Share of clips whose estimated tempo is within 4 % of the caption's, octaves counted apart."""
    if not rows:
        return {"clips": 0}

    def share(column: int, factors: tuple[float, ...]) -> float:
        return float(np.mean([any(abs(r[column] / (r[0] * f) - 1) <= 0.04 for f in factors) for r in rows]))

    return {
        "clips": len(rows),
        "real_unseen": share(1, (1.0,)),
        "real_unseen_or_octave": share(1, (0.5, 1.0, 2.0)),
        "generated": share(2, (1.0,)),
        "generated_or_octave": share(2, (0.5, 1.0, 2.0)),
    }
