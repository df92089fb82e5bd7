"""The sketch codec: a small convolutional autoencoder from 32 kHz mono audio to 12.5 latents a second, and back.

waveform (B, 1, N) -> log-magnitude STFT frames (B, 5T, F) -> ConvNeXt encoder -> latents (B, T, D)
-> ConvNeXt decoder -> log-magnitude frames (B, 5T, F) -> phase reconstruction -> waveform (B, 1, N)

The blocks follow ConvNeXt (Liu et al., 2022, arXiv 2201.03545). Frames of 2,048 samples overlap four times, which is
sharp enough for single harmonics. Phases are not coded: they start from the frequencies of the spectral peaks, as in
single-pass spectrogram inversion (Beauregard et al., DAFx 2015), and are made consistent by the fast Griffin-Lim
algorithm (Perraudin et al., WASPAA 2013).
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..bundle import load_state, load_strict
from ..errors import ModelError

FLOOR = 0.005  # smallest STFT magnitude that is coded; a full-scale sine has 512


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
    phase_iterations: int = 12


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


def _side_by_side(frames: Tensor, ratio: int) -> Tensor:
    """(B, ratio * T, C) -> (B, T, ratio * C)."""
    return frames.reshape(frames.shape[0], frames.shape[1] // ratio, -1)


def _principal(frames: Tensor, count: int, weights: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Components of frames (B, T, F) with bins scaled by the root of `weights`: mean, basis, deviation, scaling."""
    emphasis = weights.sqrt()
    rows = frames.flatten(0, 1) * emphasis
    mean = rows.mean(dim=0)
    _, _, basis = torch.svd_lowrank(rows - mean, q=min(count + 20, *rows.shape), niter=3)
    basis = basis[:, :count]
    return mean, basis, ((rows - mean) @ basis).std(dim=0), emphasis


def _set_whitening(layer: nn.Linear, mean: Tensor, basis: Tensor, scale: Tensor, emphasis: Tensor) -> None:
    layer.weight.copy_((basis / scale).t() * emphasis)
    layer.bias.copy_(-(mean @ basis) / scale)


def _one_after_another(latents: Tensor, ratio: int) -> Tensor:
    """(B, T, ratio * C) -> (B, ratio * T, C)."""
    return latents.reshape(latents.shape[0], latents.shape[1] * ratio, -1)


def frame(waveform: Tensor, n_fft: int, hop: int) -> Tensor:
    """Waveform (B, N), N a multiple of `hop` -> complex STFT (B, N / hop, n_fft / 2 + 1), each frame centred."""
    side = (n_fft - hop) // 2
    mode = "reflect" if waveform.shape[-1] > side else "constant"
    padded = F.pad(waveform[:, None], (side, side), mode=mode)[:, 0]
    window = torch.hann_window(n_fft, device=waveform.device)
    return torch.fft.rfft(padded.unfold(-1, n_fft, hop) * window)


def overlap_add(spectrum: Tensor, n_fft: int, hop: int) -> Tensor:
    """Inverse of `frame`: complex STFT (B, T, n_fft / 2 + 1) -> waveform (B, T * hop); `hop` divides `n_fft`."""
    overlap, side = n_fft // hop, (n_fft - hop) // 2
    window = torch.hann_window(n_fft, device=spectrum.device)
    frames = (torch.fft.irfft(spectrum, n=n_fft) * window).unflatten(-1, (overlap, hop))  # (B, T, overlap, hop)
    weight = (window**2).unflatten(-1, (overlap, hop))
    batch, count = frames.shape[:2]
    total = frames.new_zeros(batch, count + overlap - 1, hop)
    envelope = frames.new_zeros(count + overlap - 1, hop)
    for part in range(overlap):
        total[:, part : part + count] += frames[:, :, part]
        envelope[part : part + count] += weight[part]
    return (total / envelope.clamp_min(1e-4)).flatten(1)[:, side : side + count * hop]


def initial_phase(magnitude: Tensor, n_fft: int, hop: int) -> Tensor:
    """Phases (B, T, F) in which every bin turns at the frequency of its nearest spectral peak; magnitude (B, T, F)."""
    bins = torch.arange(magnitude.shape[-1], device=magnitude.device)
    level = magnitude.clamp_min(1e-5).log()
    low, mid, high = level[..., :-2], level[..., 1:-1], level[..., 2:]
    is_peak = F.pad((mid >= low) & (mid > high), (1, 1))
    offset = (0.5 * (low - high) / (low - 2 * mid + high).clamp_max(-1e-6)).clamp(-0.5, 0.5)  # vertex of a parabola
    frequency = F.pad(bins[1:-1] + offset, (1, 1))  # in bins
    far = 2 * len(bins)
    below = torch.where(is_peak, bins, -far).cummax(dim=-1).values
    above = torch.where(is_peak, bins, far).flip(-1).cummin(dim=-1).values.flip(-1)
    nearest = torch.where(bins - below <= above - bins, below, above).clamp(0, len(bins) - 1)
    turns = frequency.gather(-1, nearest).double() * (hop / n_fft)
    phase = turns.cumsum(dim=1) + bins / 2  # neighbouring bins of a windowed sinusoid alternate in sign
    return (phase.remainder(1.0) * (2 * math.pi)).float()


def reconstruct(magnitude: Tensor, n_fft: int, hop: int, iterations: int, momentum: float = 0.99) -> Tensor:
    """STFT magnitude (B, T, F) -> waveform (B, T * hop) whose STFT has about these magnitudes."""
    spectrum = torch.polar(magnitude, initial_phase(magnitude, n_fft, hop))
    previous = torch.zeros_like(spectrum)
    for _ in range(iterations):
        consistent = frame(overlap_add(spectrum, n_fft, hop), n_fft, hop)
        ahead = consistent + momentum * (consistent - previous)
        spectrum, previous = magnitude * ahead / ahead.abs().clamp_min(1e-8), consistent
    return overlap_add(spectrum, n_fft, hop)


class Encoder(nn.Module):
    """Log-magnitude frames (B, 5T, F) -> latents (B, T, D): a fixed linear map plus what the network adds to it.

    The network sees whitened principal components of each frame (`whiten`, fixed too): the bins of a log spectrum rise
    and fall together, which would make its first layer learn badly.
    """

    def __init__(self, config: SketchCodecConfig):
        super().__init__()
        self.ratio = config.frames_per_latent
        bins = config.n_fft // 2 + 1
        self.linear = nn.Linear(bins * self.ratio, config.latent_dim).requires_grad_(False)
        self.whiten = nn.Linear(bins, config.frame_components).requires_grad_(False)
        self.project = nn.Linear(config.frame_components, config.encoder_width)
        self.norm = nn.LayerNorm(config.encoder_width)
        self.frames = _blocks(config.encoder_width, config.encoder_blocks)
        self.merge = nn.Linear(config.encoder_width * self.ratio, config.latent_width)
        self.latents = _blocks(config.latent_width, config.latent_blocks)
        self.final_norm = nn.LayerNorm(config.latent_width)
        self.out = nn.Linear(config.latent_width, config.latent_dim)

    def forward(self, magnitude: Tensor) -> Tensor:
        x = _side_by_side(self.frames(self.norm(self.project(self.whiten(magnitude)))), self.ratio)
        return self.linear(_side_by_side(magnitude, self.ratio)) + self.out(
            self.final_norm(self.latents(self.merge(x)))
        )


class Decoder(nn.Module):
    """Latents (B, T, D) -> log-magnitude frames (B, 5T, F): a fixed linear map plus what the network adds to it."""

    def __init__(self, config: SketchCodecConfig):
        super().__init__()
        self.ratio = config.frames_per_latent
        self.linear = nn.Linear(config.latent_dim, (config.n_fft // 2 + 1) * self.ratio).requires_grad_(False)
        self.project = nn.Conv1d(config.latent_dim, config.latent_width, 3, padding=1)
        self.latents = _blocks(config.latent_width, config.latent_blocks)
        self.split = nn.Linear(config.latent_width, config.decoder_width * self.ratio)
        self.norm = nn.LayerNorm(config.decoder_width)
        self.frames = _blocks(config.decoder_width, config.decoder_blocks)
        self.final_norm = nn.LayerNorm(config.decoder_width)
        self.out = nn.Linear(config.decoder_width, config.n_fft // 2 + 1)

    def forward(self, latents: Tensor) -> Tensor:
        x = self.latents(self.project(latents.transpose(1, 2)).transpose(1, 2))
        x = self.frames(self.norm(_one_after_another(self.split(x), self.ratio)))
        return _one_after_another(self.linear(latents), self.ratio) + self.out(self.final_norm(x))


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

    @torch.no_grad()
    def initialise(self, levels: Tensor, weights: Tensor) -> None:
        """Start as a principal component analysis of log-magnitude frames (B, 5T, F), bins weighted by `weights` (F,).

        The linear maps become the leading components, scaled to unit variance; the networks start at zero.
        """
        ratio = self.config.frames_per_latent
        mean, basis, scale, emphasis = _principal(_side_by_side(levels, ratio), self.latent_dim, weights.repeat(ratio))
        _set_whitening(self.encoder.linear, mean, basis, scale, emphasis)
        self.decoder.linear.weight.copy_(basis * scale / emphasis[:, None])
        self.decoder.linear.bias.copy_(mean / emphasis)
        _set_whitening(self.encoder.whiten, *_principal(levels, self.config.frame_components, weights))
        for layer in (self.encoder.out, self.decoder.out):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def log_magnitude(self, waveform: Tensor) -> Tensor:
        """Waveform (B, N), N a multiple of 2,560 -> natural-log STFT magnitude (B, 5T, F), floored at `FLOOR`."""
        return frame(waveform, self.config.n_fft, self.config.hop).abs().clamp_min(FLOOR).log()

    def encode(self, waveform: Tensor) -> Tensor:
        """Waveform (B, 1, N) -> latents (B, T, D); the end is padded with silence to a whole latent."""
        waveform = F.pad(waveform[:, 0], (0, -waveform.shape[-1] % self.samples_per_latent))
        return self.encoder(self.log_magnitude(waveform))

    def decode(self, latents: Tensor) -> Tensor:
        """Latents (B, T, D) -> waveform (B, 1, T * 2,560), float32."""
        level = self.decoder(latents).float().clamp(math.log(FLOOR), 7.0)
        magnitude = level.exp() - FLOOR  # what is at the floor is silence
        c = self.config
        return reconstruct(magnitude, c.n_fft, c.hop, c.phase_iterations)[:, None]


def save_codec(codec: SketchCodec, folder: Path, data: list[dict] | None = None) -> None:
    """Write `config.json` and `model.safetensors` (16-bit floats) into `folder` (made if missing).

    `data` says what it was trained on: [{"name", "licence", "hours"}].
    """
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(
        json.dumps({"kind": "sketch", **asdict(codec.config), "data": data or []}, indent=2) + "\n"
    )
    state = {name: tensor.detach().half().contiguous() for name, tensor in codec.state_dict().items()}
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})


def load_codec(folder: Path, sha256: str | None = None) -> SketchCodec:
    """Read a codec folder written by `save_codec`, in eval mode; raises ModelError when it does not fit."""
    try:
        config = json.loads((folder / "config.json").read_text())
        if config.pop("kind") != "sketch":
            raise ValueError("not a sketch codec")
        config.pop("data")
        codec = SketchCodec(SketchCodecConfig(**config))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ModelError(f"{folder / 'config.json'}: not a sketch codec ({error}); install the model again") from error
    load_strict(codec, load_state(folder / "model.safetensors", sha256), folder)
    return codec.eval().requires_grad_(False)
