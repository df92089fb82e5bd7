"""The sketch codec: a small convolutional autoencoder from 32 kHz mono audio to 12.5 latents a second, and back.

waveform (B, 1, N) -> log-magnitude STFT frames (B, 5T, F) -> ConvNeXt encoder -> latents (B, T, D)
-> ConvNeXt decoder -> magnitude and phase of STFT frames (B, 5T, F) -> inverse STFT -> waveform (B, 1, N)

The shape features -> backbone -> inverse-STFT head follows Vocos (Siuzdak, 2023, arXiv 2306.00814), the blocks follow
ConvNeXt (Liu et al., 2022, arXiv 2201.03545). Frames of 2,048 samples overlap four times.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..bundle import load_state, load_strict
from ..errors import ModelError


@dataclass(frozen=True)
class SketchCodecConfig:
    sample_rate: int = 32_000
    n_fft: int = 2048
    hop: int = 512
    frames_per_latent: int = 5
    latent_dim: int = 64
    encoder_width: int = 320
    encoder_blocks: int = 5
    latent_width: int = 512  # blocks at the latent rate, in both halves
    latent_blocks: int = 2
    decoder_width: int = 512
    decoder_blocks: int = 7


class ConvNeXtBlock(nn.Module):
    """Depthwise convolution over time, then a pointwise MLP; (B, T, C) -> (B, T, C)."""

    def __init__(self, width: int, layer_scale: float):
        super().__init__()
        self.conv = nn.Conv1d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, 3 * width)
        self.down = nn.Linear(3 * width, width)
        self.scale = nn.Parameter(torch.full((width,), layer_scale))

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv(x.transpose(1, 2)).transpose(1, 2)
        return x + self.scale * self.down(F.gelu(self.up(self.norm(h))))


def _blocks(width: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(ConvNeXtBlock(width, 1 / max(count, 1)) for _ in range(count)))


def frame(waveform: Tensor, n_fft: int, hop: int) -> Tensor:
    """Waveform (B, N), N a multiple of `hop` -> complex STFT (B, N / hop, n_fft / 2 + 1), frames centred in their hop."""
    side = (n_fft - hop) // 2
    mode = "reflect" if waveform.shape[-1] > side else "constant"
    padded = F.pad(waveform[:, None], (side, side), mode=mode)[:, 0]
    window = torch.hann_window(n_fft, device=waveform.device)
    return torch.fft.rfft(padded.unfold(-1, n_fft, hop) * window)


def overlap_add(spectrum: Tensor, n_fft: int, hop: int) -> Tensor:
    """Inverse of `frame`: complex STFT (B, T, n_fft / 2 + 1) -> waveform (B, T * hop)."""
    side = (n_fft - hop) // 2
    window = torch.hann_window(n_fft, device=spectrum.device)
    frames = torch.fft.irfft(spectrum, n=n_fft) * window  # (B, T, n_fft)
    count = frames.shape[1]
    length = (count - 1) * hop + n_fft

    def add(columns: Tensor) -> Tensor:  # (B, n_fft, T) -> (B, length)
        return F.fold(columns, (1, length), kernel_size=(1, n_fft), stride=(1, hop))[:, 0, 0]

    summed = add(frames.transpose(1, 2))
    envelope = add((window**2).expand(1, count, n_fft).transpose(1, 2))
    return (summed / envelope.clamp_min(1e-4))[:, side : side + count * hop]


class Encoder(nn.Module):
    """Log-magnitude frames (B, 5T, F) -> latents (B, T, D)."""

    def __init__(self, config: SketchCodecConfig):
        super().__init__()
        self.ratio = config.frames_per_latent
        self.project = nn.Linear(config.n_fft // 2 + 1, config.encoder_width)
        self.norm = nn.LayerNorm(config.encoder_width)
        self.frames = _blocks(config.encoder_width, config.encoder_blocks)
        self.merge = nn.Linear(config.encoder_width * self.ratio, config.latent_width)
        self.latents = _blocks(config.latent_width, config.latent_blocks)
        self.final_norm = nn.LayerNorm(config.latent_width)
        self.out = nn.Linear(config.latent_width, config.latent_dim)

    def forward(self, magnitude: Tensor) -> Tensor:
        x = self.frames(self.norm(self.project(magnitude)))
        x = x.reshape(x.shape[0], x.shape[1] // self.ratio, -1)  # five frames side by side
        return self.out(self.final_norm(self.latents(self.merge(x))))


class Decoder(nn.Module):
    """Latents (B, T, D) -> complex STFT frames (B, 5T, F)."""

    def __init__(self, config: SketchCodecConfig):
        super().__init__()
        self.ratio = config.frames_per_latent
        self.project = nn.Conv1d(config.latent_dim, config.latent_width, 3, padding=1)
        self.latents = _blocks(config.latent_width, config.latent_blocks)
        self.split = nn.Linear(config.latent_width, config.decoder_width * self.ratio)
        self.norm = nn.LayerNorm(config.decoder_width)
        self.frames = _blocks(config.decoder_width, config.decoder_blocks)
        self.final_norm = nn.LayerNorm(config.decoder_width)
        self.out = nn.Linear(config.decoder_width, config.n_fft + 2)

    def forward(self, latents: Tensor) -> Tensor:
        x = self.latents(self.project(latents.transpose(1, 2)).transpose(1, 2))
        x = self.split(x)
        x = x.reshape(x.shape[0], x.shape[1] * self.ratio, -1)
        log_magnitude, phase = self.out(self.final_norm(self.frames(self.norm(x)))).float().chunk(2, dim=-1)
        return torch.polar(log_magnitude.clamp_max(6.0).exp(), phase)


class SketchCodec(nn.Module):
    """See the module docstring. Follows the `Codec` protocol."""

    channels = 1

    def __init__(self, config: SketchCodecConfig | None = None):
        super().__init__()
        self.config = config = config or SketchCodecConfig()
        self.sample_rate = config.sample_rate
        self.latent_dim = config.latent_dim
        self.samples_per_latent = config.hop * config.frames_per_latent
        self.latent_rate = config.sample_rate / self.samples_per_latent
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)

    def encode(self, waveform: Tensor) -> Tensor:
        """Waveform (B, 1, N) -> latents (B, T, D); the end is padded with silence to a whole latent."""
        waveform = F.pad(waveform[:, 0], (0, -waveform.shape[-1] % self.samples_per_latent))
        spectrum = frame(waveform, self.config.n_fft, self.config.hop)
        return self.encoder(spectrum.abs().clamp_min(1e-4).log())

    def decode(self, latents: Tensor) -> Tensor:
        """Latents (B, T, D) -> waveform (B, 1, T * 2,560), float32."""
        return overlap_add(self.decoder(latents), self.config.n_fft, self.config.hop)[:, None]


def save_codec(codec: SketchCodec, folder: Path) -> None:
    """Write `config.json` and `model.safetensors` (16-bit floats) into `folder` (made if missing)."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"kind": "sketch", **asdict(codec.config)}, indent=2) + "\n")
    state = {name: tensor.detach().half().contiguous() for name, tensor in codec.state_dict().items()}
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})


def load_codec(folder: Path, sha256: str | None = None) -> SketchCodec:
    """Read a codec folder written by `save_codec`, in eval mode; raises ModelError when it does not fit."""
    try:
        config = json.loads((folder / "config.json").read_text())
        if config.pop("kind") != "sketch":
            raise ValueError("not a sketch codec")
        codec = SketchCodec(SketchCodecConfig(**config))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ModelError(f"{folder / 'config.json'}: not a sketch codec ({error}); install the model again") from error
    load_strict(codec, load_state(folder / "model.safetensors", sha256), folder)
    return codec.eval().requires_grad_(False)
