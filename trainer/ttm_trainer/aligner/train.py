"""Trains the aligner: dataset folders -> cache -> checkpoints -> aligner folder.

Symmetric InfoNCE with a learned temperature, as in CLIP (Radford et al., 2021, arXiv 2103.00020) and CLAP (Wu et al.,
2023, arXiv 2211.06687). A batch holds clips of different tracks, so that no clip stands against its own track's
captions. Each clip is a random excerpt, changed as recordings differ (level, colour, noise, bandwidth) and masked as in
SpecAugment (Park et al., 2019, arXiv 1904.08779), with several random captions of random styles.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from musicgen_app.aligner import Aligner, AlignerConfig, Towers, load_aligner
from musicgen_app.analysis.numbers import NUMBERS
from musicgen_app.codecs.acestep_v1.mel import FLOOR
from musicgen_app.errors import FileError
from musicgen_app.machine.device import cpu_autocast
from musicgen_app.models.bundle import load_strict
from musicgen_app.text import TextCondition

from ..runtime import checkpoint
from ..runtime.progress import Log
from ..runtime.randomness import rng, seed_for
from ..training.optim import EMA, adamw, set_lr, warmup_cosine
from .data import Clips, open_clips
from .export import export

DECIBEL = np.log(10) / 20  # of a magnitude, in natural logarithms
STRIDE = 32  # frames; the length of an excerpt is a multiple of it, so that few shapes have to be prepared
LARGEST_SCALE = np.log(100)  # of the inverse temperature, as in CLIP
# The second edition: it hears up to 18 kHz, and numbers of tempo, harmony and width.
EDITION = AlignerConfig(sample_rate=48_000, n_fft=3_072, hop=960, mels=96, high=18_000.0, numbers=NUMBERS)


@dataclass(frozen=True)
class AlignerTraining:
    """Settings of a run; a checkpoint made with others is refused."""

    steps: int = 2_400
    batch: int = 192  # clips, each of another track
    captions: int = 4  # of each clip a step
    excerpt: tuple[float, float] = (5.0, 8.0)  # seconds of a clip; one length a step
    lr: float = 1e-3
    warmup: int = 100
    floor: float = 0.01  # last learning rate as a share of the first
    weight_decay: float = 0.05
    betas: tuple[float, float] = (0.9, 0.98)
    clip: float = 1.0  # largest norm of the gradient
    ema: float = 0.995
    unit_drop: float = 0.1  # share of a caption's clauses and words left out
    seed: int = 0
    init: str | None = None  # aligner folder to start from, in place of random weights
    config: AlignerConfig = EDITION


def info_nce(audio: Tensor, text: Tensor, scale: Tensor) -> Tensor:
    """Symmetric InfoNCE of unit vectors (B, W) in pairs, `scale` the inverse temperature; log(B) if useless."""
    logits = scale * audio @ text.T
    target = torch.arange(len(audio))
    return 0.5 * (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target))


def augment(mels: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """Log-mel excerpts (B, mels, T) as other recordings of the same music: level, colour, noise, bandwidth, masks."""
    count, bands, frames = mels.shape
    quietest = mels.min()
    knots = np.linspace(0, 6, bands)
    left, share = knots.astype(int), knots % 1
    colour = draw.normal(0, 2.5, (count, 8))  # dB at knots over the bands, linear between them
    curve = colour[:, left] * (1 - share) + colour[:, left + 1] * share
    level = draw.normal(0, 2, (count, 1))
    mels = mels + (DECIBEL * (curve + level))[:, :, None].astype(np.float32)
    for mel in mels:
        if draw.random() < 0.3:  # noise, 40 to 75 dB under the loudest band
            mel[:] = np.logaddexp(mel, mel.max() - DECIBEL * draw.uniform(40, 75))
        if draw.random() < 0.15:  # a lossy file without its highest bands
            mel[-int(draw.integers(1, bands // 6)) :] = quietest
        for _ in range(2):
            width = int(draw.integers(0, bands // 8 + 1))
            first = int(draw.integers(0, bands - width + 1))
            mel[first : first + width] = mel.mean()
            length = int(draw.integers(0, frames // 8 + 1))
            first = int(draw.integers(0, frames - length + 1))
            mel[:, first : first + length] = mel.mean()
    return np.maximum(mels, np.log(FLOOR, dtype=np.float32))


def draw_batch(
    clips: Clips, tracks: list[np.ndarray], settings: AlignerTraining, step: int
) -> tuple[Tensor, Tensor | None, list[TextCondition]]:
    """Excerpts (B, mels, T) of clips of different tracks, the numbers (B, K) of these clips where the aligner hears
    any, and `captions` times B captions: all from (seed, step)."""
    draw = rng(settings.seed, step, "batch")
    chosen = draw.choice(len(tracks), min(settings.batch, len(tracks)), replace=False)
    numbers = [int(draw.choice(tracks[track])) for track in chosen]
    rate = settings.config.sample_rate / settings.config.hop
    frames = round(draw.uniform(*settings.excerpt) * rate / STRIDE) * STRIDE
    frames = min(max(frames, STRIDE), clips.mels.shape[2])
    starts = draw.integers(0, clips.mels.shape[2] - frames + 1, len(numbers))
    mels = np.stack([clips.mels[n, :, s : s + frames] for n, s in zip(numbers, starts, strict=True)])
    texts = [
        _drop_units(clips.text(np.array([_caption(clips, n, draw) for n in numbers])), settings.unit_drop, draw)
        for _ in range(settings.captions)
    ]
    heard = None if clips.numbers is None else torch.from_numpy(clips.numbers[numbers])
    return torch.from_numpy(augment(mels.astype(np.float32), draw)), heard, texts


def _caption(clips: Clips, clip: int, draw: np.random.Generator) -> int:
    """A random caption of a random style of a clip."""
    captions = clips.captions_of(clip)
    styles = clips.caption_style[captions]
    return int(draw.choice(captions[styles == draw.choice(np.unique(styles))]))


def _drop_units(text: TextCondition, share: float, draw: np.random.Generator) -> TextCondition:
    keep = torch.from_numpy(draw.random(text.mask.shape) >= share)
    return TextCondition(text.tokens, text.mask & keep, text.vector)


def loss_of(towers: Towers, mels: Tensor, heard: Tensor | None, texts: list[TextCondition]) -> Tensor:
    """The mean InfoNCE of the clips with each of their captions."""
    with cpu_autocast():
        audio = towers.audio(mels, heard)
        vectors = [towers.text(text.tokens, text.mask, text.vector) for text in texts]
    scale = towers.scale.clamp(max=LARGEST_SCALE).exp()
    return torch.stack([info_nce(audio, text, scale) for text in vectors]).mean()


@torch.inference_mode()
def validation_loss(towers: Towers, clips: Clips, tracks: list[np.ndarray], batch: int) -> float:
    """InfoNCE of one whole clip a track with its first caption, over full batches; nothing is random."""
    batch, losses = min(batch, len(tracks)), []
    for first in range(0, len(tracks) - batch + 1, batch):
        numbers = np.array([track[0] for track in tracks[first : first + batch]])
        text = clips.text(np.array([clips.captions_of(n)[0] for n in numbers]))
        mels = torch.from_numpy(clips.mels[numbers].astype(np.float32))
        heard = None if clips.numbers is None else torch.from_numpy(clips.numbers[numbers])
        losses.append(float(loss_of(towers, mels, heard, [text])))
    return float(np.mean(losses))


def _learn(
    towers: Towers,
    average: EMA,
    optimizer: torch.optim.Optimizer,
    settings: AlignerTraining,
    step: int,
    mels: Tensor,
    heard: Tensor | None,
    texts: list[TextCondition],
) -> Tensor:
    """One step of the optimizer, and of the average; the loss before it."""
    torch.manual_seed(seed_for(settings.seed, step, "dropout"))
    set_lr(optimizer, settings.lr * warmup_cosine(step, settings.steps, settings.warmup, settings.floor))
    loss = loss_of(towers.train(), mels, heard, texts)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(towers.parameters(), settings.clip)
    optimizer.step()
    average.update(towers, step)
    for mean, now in zip(average.average.buffers(), towers.buffers(), strict=True):
        mean.copy_(now)
    return loss


def train_aligner(
    settings: AlignerTraining,
    data: list[Path],
    out: Path,
    *,
    stop_at: int | None = None,
    max_hours: float | None = None,
    save_every: int = 100,
    cache: Path | None = None,
    show: Callable[[str], None] = print,
) -> Path | None:
    """Run, or go on with, a training run in `out`; at the end the averaged weights are written to `out/aligner`.

    `stop_at` (a step) and `max_hours` end it early with a checkpoint and without changing its schedule: the result is
    None then, and the same call goes on. `cache`: where the features are kept (`out/cache`). Validation clips are
    looked at, never trained on. FileError: no captioned clips; ModelError: a checkpoint of other settings, or an
    aligner to start from that cannot be read or has other sizes.
    """
    began = time.monotonic()
    out.mkdir(parents=True, exist_ok=True)
    clips = open_clips(data, settings.config, cache or out / "cache", show)
    tracks, unseen = clips.tracks("train"), clips.tracks("val")
    if len(tracks) < 2:
        raise FileError("the aligner needs captioned clips of at least two training tracks: give more --data")
    torch.manual_seed(settings.seed)
    towers = Towers(settings.config)
    if settings.init and not checkpoint.latest(out):
        load_strict(towers, load_aligner(settings.init).towers.state_dict(), settings.init)
    average = EMA(towers, settings.ema)
    optimizers = {"adamw": adamw([towers], settings.lr, settings.weight_decay, settings.betas)}
    modules, fixed = {"towers": towers, "average": average.average}, asdict(settings)
    newest = checkpoint.latest(out)
    start = checkpoint.load(newest, modules, optimizers, fixed) if newest else 0
    end = min(stop_at or settings.steps, settings.steps)
    size = sum(p.numel() for p in towers.parameters()) / 1e6
    show(f"aligner: {size:.1f}M parameters, {len(tracks)} training tracks, {len(unseen)} unseen, from step {start}")
    log = Log(out / "log.jsonl", start, end, show)
    for step in range(start, end):
        batch = draw_batch(clips, tracks, settings, step)
        loss = _learn(towers, average, optimizers["adamw"], settings, step, *batch)
        log.step(step + 1, loss=loss.item(), scale=towers.scale.exp().item())
        late = max_hours is not None and time.monotonic() - began > max_hours * 3600
        if (step + 1) % save_every == 0 or step + 1 == end or late:
            checkpoint.save(out, step + 1, modules, optimizers, fixed)
            if unseen:
                value = validation_loss(average.average, clips, unseen, settings.batch)
                log.write({"step": step + 1, "validation": round(value, 5)})
                show(f"step {step + 1}: loss on unseen tracks {value:.3f}")
        if late:
            break
    log.close()
    newest = checkpoint.latest(out)
    if newest is None or checkpoint.step_of(newest) < settings.steps:
        show(f"stopped before the last step ({settings.steps}); run the same command to go on")
        return None
    recipe = {name: value for name, value in fixed.items() if name != "config"}
    return export(Aligner(settings.config, average.average), data, out / "aligner", recipe, show)
