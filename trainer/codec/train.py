"""Trains the sketch codec: dataset folders -> checkpoints -> codec folder.

Two stages in one run. Up to `joint_steps` encoder and decoder learn to reconstruct; noise on the latents makes the
latent space smooth. Then the encoder is frozen, so that latents no longer change and a generator can be trained on them,
while the decoder goes on with a spectrogram discriminator beside the reconstruction losses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch

from musicgen_app.codecs.sketch import SketchCodec, SketchCodecConfig, overlap_add, save_codec
from musicgen_app.errors import FileError

from .. import checkpoint
from ..dataset import read_mono, read_rows
from ..optim import EMA, adamw, set_lr, warmup_cosine
from ..progress import Log
from .losses import SpectrogramDiscriminator, discriminator_loss, generator_loss, mel_error, sharp_error


@dataclass(frozen=True)
class CodecTraining:
    """Settings of a codec run; a checkpoint made with others is refused."""

    data: tuple[str, ...]
    steps: int = 12_000
    joint_steps: int = 5_000
    batch: int = 8
    latents: int = 12  # latent frames a training segment (12 = 0.96 s)
    lr: float = 7e-4
    warmup: int = 100
    floor: float = 0.05  # last learning rate of the second stage as a share of its first
    latent_noise: float = 0.1
    latent_penalty: float = 0.01  # on the mean square of the latents
    adversarial: float = 0.1
    matching: float = 1.0
    ema: float = 0.998
    seed: int = 0
    config: SketchCodecConfig = field(default_factory=SketchCodecConfig)


def segment_batch(files: list[tuple[str, int]], batch: int, samples: int, seed: int, step: int) -> torch.Tensor:
    """Random segments (batch, samples), a function of (seed, step) alone; quiet ones are drawn again, levels vary."""
    rng = np.random.default_rng((seed, step))
    weights = np.array([length for _, length in files], dtype=float)
    weights /= weights.sum()
    segments = []
    while len(segments) < batch:
        path, length = files[rng.choice(len(files), p=weights)]
        segment = read_mono(path, int(rng.integers(0, max(1, length - samples))), samples)
        gain = 10 ** (rng.uniform(-9, 3) / 20)
        if np.abs(segment).max() > 1e-3:
            segments.append(segment * min(gain, 0.99 / np.abs(segment).max()))
    return torch.from_numpy(np.stack(segments).astype(np.float32))


def audio_files(folders: tuple[str, ...], split: str) -> list[tuple[str, int]]:
    """(path, length in samples) of every distinct audio file of a split."""
    import soundfile

    paths = sorted({str(Path(row["folder"]) / row["path"]) for f in folders for row in read_rows(Path(f)) if row["split"] == split})
    return [(path, soundfile.info(path).frames) for path in paths]


def learning_rate(settings: CodecTraining, step: int) -> float:
    """Warm-up and half a cosine for each stage; the second starts at half the rate."""
    if step < settings.joint_steps:
        return settings.lr * warmup_cosine(step, settings.joint_steps, settings.warmup, 0.2)
    rest = settings.steps - settings.joint_steps
    return 0.5 * settings.lr * warmup_cosine(step - settings.joint_steps, rest, settings.warmup, settings.floor)


def train(settings: CodecTraining, out: Path, stop_at: int | None = None, show: Callable[[str], None] = print) -> Path:
    """Run (or go on with) a training run in `out` and write the averaged codec to `out/codec` at the end.

    `stop_at` ends the run early at a step, keeping the schedule of the whole run. Raises FileError for a folder without
    audio, ModelError for a checkpoint of other settings.
    """
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(settings.seed)
    codec = SketchCodec(settings.config)
    judge = SpectrogramDiscriminator()
    average = EMA(codec, settings.ema)
    optimizers = {
        "codec": adamw([codec], settings.lr, 0.01, (0.8, 0.95)),
        "judge": adamw([judge], settings.lr, 0.01, (0.8, 0.95)),
    }
    modules = {"codec": codec, "judge": judge, "average": average.average}
    fixed = {k: v for k, v in asdict(settings).items() if k not in ("data", "steps")}
    newest = checkpoint.latest(out)
    start = checkpoint.load(newest, modules, optimizers, fixed) if newest else 0
    files = audio_files(settings.data, "train")
    if not files:
        raise FileError(f"no audio to train on in {', '.join(settings.data)}")
    samples = settings.latents * codec.samples_per_latent
    end = min(stop_at or settings.steps, settings.steps)
    show(f"codec: {sum(p.numel() for p in codec.parameters()) / 1e6:.1f}M parameters, {len(files)} files, from step {start}")
    log = Log(out / "log.jsonl", start, end, show)
    for step in range(start, end):
        torch.manual_seed((settings.seed << 32) + step)
        target = segment_batch(files, settings.batch, samples, settings.seed, step)
        joint = step < settings.joint_steps
        if step == settings.joint_steps:
            codec.encoder.load_state_dict(average.average.encoder.state_dict())
        codec.encoder.requires_grad_(joint)
        lr = learning_rate(settings, step)
        set_lr(optimizers["codec"], lr)
        set_lr(optimizers["judge"], lr / 2)
        with torch.autocast("cpu", torch.bfloat16):
            latents = codec.encode(target[:, None]).float()
            noisy = latents + settings.latent_noise * torch.randn_like(latents)
            frames = codec.decoder(noisy)
        output = overlap_add(frames, settings.config.n_fft, settings.config.hop)
        mel, sharp = mel_error(output, target, codec.sample_rate), sharp_error(output, target)
        loss = mel + 0.5 * sharp
        scalars = {"mel": mel.detach(), "sharp": sharp.detach(), "latent_rms": latents.detach().square().mean().sqrt()}
        if joint:
            loss = loss + settings.latent_penalty * latents.square().mean()
        else:
            with torch.autocast("cpu", torch.bfloat16):
                judged = discriminator_loss(judge(target), judge(output.detach()))
            optimizers["judge"].zero_grad(set_to_none=True)
            judged.backward()
            optimizers["judge"].step()
            with torch.autocast("cpu", torch.bfloat16):
                adversarial, matching = generator_loss(judge(target), judge(output))
            ramp = min(1.0, (step - settings.joint_steps) / 300)
            loss = loss + ramp * (settings.adversarial * adversarial + settings.matching * matching)
            scalars |= {"judge": judged.detach(), "matching": matching.detach()}
        optimizers["codec"].zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(codec.parameters(), 1.0)
        optimizers["codec"].step()
        average.update(codec, step)
        log.step(step + 1, **scalars)
        if (step + 1) % 250 == 0 or step + 1 == end:
            checkpoint.save(out, step + 1, modules, optimizers, fixed)
    save_codec(average.average, out / "codec")
    return out / "codec"
