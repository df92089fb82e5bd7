"""A plug-in of ttm-app in one file: a model that hums, the more letters the prompt has, the higher."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import click
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from musicgen_app.backbones.presets import Family, Preset
from musicgen_app.text import TextCondition

WEIGHTS = "codec/model.safetensors"  # of the codec, inside a model

# A codec: waveform <-> latents. See musicgen_app.codecs.base.Codec.


class HumCodec:
    """Latents (B, T, 1), 50 a second, are semitones above the lowest pitch; the waveform is a sine of their mean."""

    sample_rate, channels = 8_000, 1
    latent_dim, latent_rate, samples_per_latent = 1, 50.0, 160
    chunk, context = 1_000, 0

    def __init__(self, lowest: float):
        self.lowest = lowest  # Hz

    def encode(self, waveform: Tensor) -> Tensor:
        raise NotImplementedError("this codec only plays")

    def decode(self, latents: Tensor) -> Tensor:
        frequency = self.lowest * 2 ** (latents.mean(dim=1) / 12)  # (B, 1)
        time = torch.arange(latents.shape[1] * self.samples_per_latent) / self.sample_rate
        return torch.sin(2 * torch.pi * frequency * time)[:, None]

    def to(self, device: torch.device) -> HumCodec:
        return self

    def prepare(self, dtype: torch.dtype) -> None:
        pass


def load_codec(bundle) -> HumCodec:
    """The codec of a bundle, with its weights, whose hash is checked."""
    return HumCodec(bundle.load(WEIGHTS)["lowest"].item())


# A text encoder: prompts -> features. See musicgen_app.text.TextEncoder.


class Letters:
    """One token a prompt: how many letters it has."""

    def encode(self, prompts: list[str]) -> TextCondition:
        counts = torch.tensor([[[float(len(prompt))]] for prompt in prompts])  # (B, 1, 1)
        return TextCondition(counts, torch.ones(len(prompts), 1, dtype=torch.bool), vector=None)


def load_text_encoder(bundle, device: torch.device, dtype: torch.dtype) -> Letters:
    return Letters()


# A backbone: noisy latents, time and a condition -> velocity. See musicgen_app.backbones.


class HumCondition(NamedTuple):
    """What the backbone keeps of a text: tensors with a batch axis first."""

    letters: Tensor

    def join(self, other: HumCondition) -> HumCondition:
        return HumCondition(torch.cat([self.letters, other.letters]))


@dataclass(frozen=True)
class HumConfig:
    latent_dim: int = 1
    grid_dim: int = 0  # it is not told the plan of the music


class Hum(nn.Module):
    """The straight way from any noise to `gain` times the number of letters."""

    time_axis = "data_at_one"

    def __init__(self, config: HumConfig):
        super().__init__()
        self.config, self.latent_dim = config, config.latent_dim
        self.gain = nn.Parameter(torch.ones(()))

    def condition(self, tokens, mask, vector, drop=None) -> HumCondition:
        return HumCondition(tokens[:, 0])

    def null_condition(self, batch: int) -> HumCondition:
        return HumCondition(torch.zeros(batch, 1))

    def forward(self, x: Tensor, t: Tensor, cond: HumCondition, return_hidden: bool = False):
        velocity = (self.gain * cond.letters[:, None] - x) / (1 - t[:, None, None])
        return (velocity, x) if return_hidden else velocity


PRESET = Preset(Family("hum", Hum, HumConfig), {})


# A command. It writes a model of the parts above: a folder that `ttm-app generate --model` plays.


@click.command(short_help="Write a model that hums.")
@click.argument("folder", type=click.Path(path_type=Path))
def hum(folder: Path) -> None:
    """Write a model that hums to FOLDER."""
    from musicgen_app.models.bundle import write_bundle

    config = {
        "name": "hum",
        "title": "Hums",
        "version": "1",
        "backbone": {"preset": "hum"},
        "text": {"kind": "hum"},
        "codec": {"kind": "hum", "path": "codec"},
        "latent": {"mean": [0.0], "std": [1.0]},
        "sampler": {"solver": "euler", "steps": 4, "guidance": 1.0, "guidance_interval": None},
        "seconds": {"native": 10.0, "max": 60.0},
        "licence": "CC0-1.0",
        "training": {},
        "data": [],
    }
    with TemporaryDirectory() as temporary:
        weights = Path(temporary) / "codec.safetensors"
        save_file({"lowest": torch.tensor(200.0)}, weights)
        write_bundle(folder, config, Hum(HumConfig()).state_dict(), "# hum\n", {WEIGHTS: weights})
    click.echo(folder)
