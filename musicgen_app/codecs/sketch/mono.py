"""The first two editions of the sketch codec: 32 kHz mono audio <-> 12.5 latents a second.

waveform (B, 1, N) -> log-magnitude STFT frames (B, 5T, F) -> ConvNeXt encoder -> latents (B, T, D)
-> ConvNeXt decoder -> log-magnitude frames (B, 5T, F) -> phase reconstruction -> waveform (B, 1, N)

Frames of 2,048 samples overlap four times, which is sharp enough for single harmonics.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from .codec import SpectrumCodec
from .networks import blocks, matmul, one_after_another, side_by_side
from .phases import frame

FLOOR = 0.005  # smallest STFT magnitude that the encoder sees; a full-scale sine has 512


@dataclass(frozen=True)
class SketchCodecConfig:
    sample_rate: int = 32_000
    n_fft: int = 2048
    hop: int = 512
    frames_per_latent: int = 5
    latent_dim: int = 64
    frame_components: int = 256  # principal components of one frame that the encoder network sees
    encoder_width: int = 320
    encoder_blocks: int = 5
    latent_width: int = 512  # blocks at the latent rate, in both halves
    latent_blocks: int = 2
    decoder_width: int = 512
    decoder_blocks: int = 7
    phase_iterations: int = 6
    floor: float = 0.002  # STFT magnitude below which what the decoder gives flattens out


class Encoder(nn.Module):
    """Log-magnitude frames (B, 5T, F) -> latents (B, T, D): a fixed linear map plus what the network adds to it.

    The network sees whitened principal components of each frame (`whiten`, also fixed): the bins of a log spectrum rise
    and fall together, and a first layer on the bins themselves would learn badly.
    """

    def __init__(self, config: SketchCodecConfig):
        super().__init__()
        self.ratio = config.frames_per_latent
        bins = config.n_fft // 2 + 1
        self.linear = nn.Linear(bins * self.ratio, config.latent_dim).requires_grad_(False)
        self.whiten = nn.Linear(bins, config.frame_components).requires_grad_(False)
        self.project = nn.Linear(config.frame_components, config.encoder_width)
        self.norm = nn.LayerNorm(config.encoder_width)
        self.frames = blocks(config.encoder_width, config.encoder_blocks)
        self.merge = nn.Linear(config.encoder_width * self.ratio, config.latent_width)
        self.latents = blocks(config.latent_width, config.latent_blocks)
        self.final_norm = nn.LayerNorm(config.latent_width)
        self.out = nn.Linear(config.latent_width, config.latent_dim)

    def forward(self, magnitude: Tensor) -> Tensor:
        x = side_by_side(self.frames(self.norm(self.project(self.whiten(magnitude)))), self.ratio)
        return self.linear(side_by_side(magnitude, self.ratio)) + self.out(self.final_norm(self.latents(self.merge(x))))


class Decoder(nn.Module):
    """Latents (B, T, D) -> log-magnitude frames (B, 5T, F): a fixed linear map plus what the network adds to it."""

    def __init__(self, config: SketchCodecConfig):
        super().__init__()
        self.ratio = config.frames_per_latent
        self.linear = nn.Linear(config.latent_dim, (config.n_fft // 2 + 1) * self.ratio).requires_grad_(False)
        self.project = nn.Conv1d(config.latent_dim, config.latent_width, 3, padding=1)
        self.latents = blocks(config.latent_width, config.latent_blocks)
        self.split = nn.Linear(config.latent_width, config.decoder_width * self.ratio)
        self.norm = nn.LayerNorm(config.decoder_width)
        self.frames = blocks(config.decoder_width, config.decoder_blocks)
        self.final_norm = nn.LayerNorm(config.decoder_width)
        self.out = nn.Linear(config.decoder_width, config.n_fft // 2 + 1)

    def forward(self, latents: Tensor) -> Tensor:
        x = self.latents(self.project(latents.transpose(1, 2)).transpose(1, 2))
        x = self.frames(self.norm(one_after_another(matmul(self.split, x).float(), self.ratio)))
        return one_after_another(self.linear(latents), self.ratio) + matmul(self.out, self.final_norm(x))


class SketchCodec(SpectrumCodec):
    """See the module docstring."""

    kind, channels, loudest = "sketch", 1, 7.0
    encoder: Encoder
    decoder: Decoder

    def __init__(self, config: SketchCodecConfig | None = None):
        config = config or SketchCodecConfig()
        super().__init__(config, config.latent_dim, Encoder(config), Decoder(config))

    def log_magnitude(self, waveform: Tensor) -> Tensor:
        """Waveform (B, N), N a multiple of 2,560 -> natural-log STFT magnitude (B, 5T, F), floored at `FLOOR`."""
        return frame(waveform, self.config.n_fft, self.config.hop).abs().clamp_min(FLOOR).log()

    def encode(self, waveform: Tensor) -> Tensor:
        """Waveform (B, 1, N) -> latents (B, T, D); the end is padded with silence to a whole latent."""
        waveform = F.pad(waveform[:, 0], (0, -waveform.shape[-1] % self.samples_per_latent))
        return self.encoder(self.log_magnitude(waveform))

    def spread(self, mid: Tensor, output: Tensor, hop: int) -> Tensor:
        return mid[:, None]
