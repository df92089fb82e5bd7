"""Trains the sketch codec (its third edition): dataset folders of stereo audio -> checkpoints -> codec folder.

Two stages in one run. Up to `joint_steps` encoder and decoder learn to reconstruct; noise on the latents makes the
latent space smooth. Then the encoder is frozen, so that latents no longer change and a generator can be trained on
them, while the decoder goes on with a spectrogram discriminator beside the reconstruction losses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
import torch
from torch import Tensor

from musicgen_app.codecs.sketch import StereoCodec, StereoCodecConfig, load_codec, save_codec
from musicgen_app.codecs.sketch.stereo import Frames
from musicgen_app.errors import FileError
from musicgen_app.machine import files
from musicgen_app.machine.device import cpu_autocast
from musicgen_app.models.bundle import load_strict

from ..data.corpus_reader import read_rows, read_stereo
from ..output.credits import credits_of, licences_of
from ..runtime import checkpoint
from ..runtime.progress import Log
from ..training.optim import EMA, adamw, set_lr, warmup_cosine
from .losses import (
    SpectrogramDiscriminator,
    discriminator_loss,
    generator_loss,
    reconstruction,
    waveform_error,
)


class AudioFile(NamedTuple):
    path: str
    samples: int
    weight: float  # chance of being drawn, not normalised


@dataclass(frozen=True)
class CodecTraining:
    """Settings of a codec run; a checkpoint made with others is refused."""

    data: tuple[str, ...]
    steps: int = 9_000
    joint_steps: int = 4_000
    batch: int = 8
    initial_segments: int = 1_000  # for the principal components the codec starts from
    latents: int = 12  # latent frames a training segment (12 = 0.96 s)
    lr: float = 5e-4
    warmup: int = 100
    floor: float = 0.05  # last learning rate of the second stage as a share of its first
    latent_noise: float = 0.25  # largest deviation of the noise on latents; each segment has a level of its own
    latent_penalty: float = 0.01  # on the mean square of the latents
    bins: float = 0.3  # weights of the errors of `losses.reconstruction`
    bands: float = 3.0
    convergence: float = 0.5
    stereo: float = 0.3
    adversarial: float = 0.1
    matching: float = 1.0
    heard: float = 1.0  # weight of the error of the decoded waveform
    ema: float = 0.998
    seed: int = 0
    init: str | None = None  # codec folder to start from, in place of principal components
    config: StereoCodecConfig = field(default_factory=StereoCodecConfig)


def segment_batch(files: list[AudioFile], batch: int, samples: int, seed: int, step: int) -> torch.Tensor:
    """Random segments (batch, 2, samples), a function of (seed, step) alone.

    Quiet ones are drawn again, levels vary, and every other one has its channels exchanged.
    """
    rng = np.random.default_rng((seed, step))
    weights = np.array([file.weight for file in files])
    weights /= weights.sum()
    segments: list[np.ndarray] = []
    while len(segments) < batch:
        file = files[rng.choice(len(files), p=weights)]
        segment = read_stereo(file.path, int(rng.integers(0, max(1, file.samples - samples))), samples)
        gain, turned = 10 ** (rng.uniform(-9, 3) / 20), rng.random() < 0.5
        if np.abs(segment).max() > 1e-3:
            segments.append(segment[:: -1 if turned else 1] * min(gain, 0.99 / np.abs(segment).max()))
    return torch.from_numpy(np.stack(segments).astype(np.float32))


def audio_files(folders: tuple[str, ...], split: str, sample_rate: int) -> list[AudioFile]:
    """Every distinct audio file of a split; each folder has the same total weight, however long it is.

    Raises FileError for a file of another sample rate.
    """
    files = []
    for folder in folders:
        paths = sorted({f"{folder}/{row['path']}" for row in read_rows(Path(folder)) if row["split"] == split})
        found = [soundfile.info(path) for path in paths]
        for path, info in zip(paths, found, strict=True):
            if info.samplerate != sample_rate:
                rates = f"{info.samplerate:,} Hz, but the codec has {sample_rate:,}"
                raise FileError(f"{path} has {rates}: build the folder with --sample-rate {sample_rate}")
        lengths = [info.frames for info in found]
        files += [AudioFile(path, n, n / sum(lengths)) for path, n in zip(paths, lengths, strict=True)]
    return files


def learning_rate(settings: CodecTraining, step: int) -> float:
    """Warm-up and half a cosine for each stage; the second starts at half the rate."""
    if step < settings.joint_steps:
        return settings.lr * warmup_cosine(step, settings.joint_steps, settings.warmup, 0.2)
    rest = settings.steps - settings.joint_steps
    return 0.5 * settings.lr * warmup_cosine(step - settings.joint_steps, rest, settings.warmup, settings.floor)


class State:
    """What a run changes: the codec, its average, the discriminator that judges it, and the optimizers of both."""

    def __init__(self, settings: CodecTraining, codec: StereoCodec):
        self.settings, self.codec = settings, codec
        self.judge = SpectrogramDiscriminator(settings.config.bins)
        self.average = EMA(codec, settings.ema)
        self.optimizers = {
            "codec": adamw([codec], settings.lr, 0.01, (0.8, 0.95)),
            "judge": adamw([self.judge], settings.lr, 0.01, (0.8, 0.95)),
        }
        self.modules = {"codec": codec, "judge": self.judge, "average": self.average.average}

    def step(self, step: int, target: Tensor) -> dict[str, Tensor]:
        """Learn from the segments (B, 2, samples) of a step; its losses."""
        settings, codec = self.settings, self.codec
        joint = step < settings.joint_steps
        if step == settings.joint_steps:
            codec.encoder.load_state_dict(self.average.average.encoder.state_dict())
        lr = learning_rate(settings, step)
        set_lr(self.optimizers["codec"], lr)
        set_lr(self.optimizers["judge"], lr / 2)
        frames = codec.frames(target)
        with cpu_autocast():
            with torch.set_grad_enabled(joint):
                latents = codec.encoder(frames.magnitude, frames.stereo).float()
            levels = settings.latent_noise * torch.rand(len(latents), 1, 1)
            output = codec.decoder(latents + levels * torch.randn_like(latents)).float()
        errors = reconstruction(codec, output, frames)._asdict()
        loss = sum((getattr(settings, name) * error for name, error in errors.items()), start=torch.zeros(()))
        scalars = {name: error.detach() for name, error in errors.items()}
        if joint:
            loss = loss + settings.latent_penalty * latents.square().mean()
            scalars["latent_rms"] = latents.detach().square().mean().sqrt()
        else:
            added, judged = self._judge(step, target, frames, output)
            loss = loss + added
            scalars |= judged
        self.optimizers["codec"].zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(codec.parameters(), 1.0)
        self.optimizers["codec"].step()
        self.average.update(codec, step)
        return scalars

    def _judge(self, step: int, target: Tensor, frames: Frames, output: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Train the discriminator; what the second stage adds to the loss: of the waveform, and of the judgement."""
        settings, judge, c = self.settings, self.judge, self.codec.config
        real, ours = frames.magnitude.add(c.floor).log(), output[..., : c.bins]
        with cpu_autocast():
            judged = discriminator_loss(judge(real), judge(ours.detach()))
        self.optimizers["judge"].zero_grad(set_to_none=True)
        judged.backward()
        self.optimizers["judge"].step()
        with cpu_autocast():
            adversarial, matching = generator_loss(judge(real), judge(ours))
        ramp = min(1.0, (step - settings.joint_steps) / 300)
        heard = waveform_error(self.codec, output, target)
        scalars = {"judge": judged.detach(), "matching": matching.detach(), "heard": heard.detach()}
        fooling = ramp * (settings.adversarial * adversarial + settings.matching * matching)
        return settings.heard * heard + fooling, scalars


def train_codec(
    settings: CodecTraining, out: Path, stop_at: int | None = None, show: Callable[[str], None] = print
) -> Path:
    """Run (or go on with) a training run in `out` and write the averaged codec to `out/codec` at the end.

    `stop_at` ends the run early at a step, keeping the schedule of the whole run. Raises FileError for a folder without
    audio or with audio of another sample rate, ModelError for a checkpoint of other settings.
    """
    out.mkdir(parents=True, exist_ok=True)
    sounds = audio_files(settings.data, "train", settings.config.sample_rate)
    if not sounds:
        raise FileError(f"no audio to train on in {', '.join(settings.data)}")
    newest = checkpoint.latest(out)
    torch.manual_seed(settings.seed)
    codec = StereoCodec(settings.config)
    samples = settings.latents * codec.samples_per_latent
    if newest is None:
        _initialise(codec, settings, sounds, samples, show)
    state = State(settings, codec)
    fixed = {k: v for k, v in asdict(settings).items() if k not in ("data", "steps")}
    start = checkpoint.load(newest, state.modules, state.optimizers, fixed) if newest else 0
    end = min(stop_at or settings.steps, settings.steps)
    size = sum(p.numel() for p in codec.parameters()) / 1e6
    show(f"codec: {size:.1f}M parameters, {len(sounds)} files, from step {start}")
    log = Log(out / "log.jsonl", start, end, show)
    for step in range(start, end):
        torch.manual_seed((settings.seed << 32) + step)
        scalars = state.step(step, segment_batch(sounds, settings.batch, samples, settings.seed, step))
        log.step(step + 1, 0, **{name: value.item() for name, value in scalars.items()})
        if (step + 1) % 250 == 0 or step + 1 == end:
            checkpoint.save(out, step + 1, state.modules, state.optimizers, fixed)
    rows = [row for folder in settings.data for row in read_rows(Path(folder)) if row["split"] == "train"]
    with files.writing_folder(out / "codec", overwrite=True) as folder:
        save_codec(state.average.average, folder, licences_of(rows))
        (folder / "CREDITS.md").write_bytes(credits_of(rows).encode())
    return out / "codec"


def _initialise(
    codec: StereoCodec, settings: CodecTraining, sounds: list[AudioFile], samples: int, show: Callable[[str], None]
) -> None:
    """What a new run starts from: the weights of another codec, or principal components of the training audio."""
    if settings.init:
        load_strict(codec, load_codec(Path(settings.init)).state_dict(), settings.init)
        return
    show("principal components of the training audio")
    waves = segment_batch(sounds, settings.initial_segments, samples, settings.seed, settings.steps)
    codec.initialise(torch.cat([codec.frames(some).magnitude for some in waves.split(settings.batch)]))
