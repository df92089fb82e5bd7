"""MMAudio's 16 kHz codec (Cheng et al., 2024, arXiv 2412.15322): the latents of FluxAudio-S and FluxAudio-L.

waveform (B, 1, N) at 16 kHz -> log10-mel (B, 80, N / 256) -> VAE encoder -> latents (B, N / 512, 20)
-> VAE decoder -> log10-mel -> BigVGAN -> waveform

The VAE is a 1-d convolutional network of magnitude-preserving layers (Karras et al., 2024, arXiv 2312.02696): weights
of unit norm, activations and sums scaled so that signals keep their variance. Modules are named as in the public file.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...errors import ModelError
from ...models.bundle import WEIGHTS, load_state, load_strict
from ...models.torch_file import read_checkpoint
from ..acestep_v1.mel import mel_filters
from .bigvgan import BigVGAN

Network = TypeVar("Network", bound=nn.Module)
VAE_FILE, VOCODER_FILE = "v1-16.pth", "best_netG.pt"
SAMPLE_RATE, N_FFT, HOP, MELS = 16_000, 1024, 256, 80
LATENT_DIM = 20
MULTIPLES = (1, 2, 4)  # of the width, by level
HALVED = 1  # the level of the decoder that doubles the rate; the encoder halves it after the level before
SKIP = 0.3  # share of the branch in a residual sum
CLIP = 256.0


def silu(x: Tensor) -> Tensor:
    """SiLU that keeps the variance of a normal signal (equation 81)."""
    return F.silu(x) / 0.596


def residual(x: Tensor, branch: Tensor) -> Tensor:
    """Sum that keeps the variance (equation 88)."""
    return x.lerp(branch, SKIP) / math.hypot(1 - SKIP, SKIP)


def pixel_norm(x: Tensor, dim: int = 1) -> Tensor:
    """x with unit mean square along `dim` (equation 30)."""
    norm = torch.linalg.vector_norm(x, dim=dim, keepdim=True)
    return x / (1e-4 + norm / math.sqrt(x.shape[dim]))


def effective_weight(weight: Tensor) -> Tensor:
    """The filters (out, in, k) that a stored weight stands for: of unit norm, to keep the variance (eq. 47 and 66)."""
    fan_in = weight[0].numel()
    norm = torch.linalg.vector_norm(weight.float(), dim=(1, 2), keepdim=True)
    return weight.float() / (1e-4 + norm / math.sqrt(fan_in)) / math.sqrt(fan_in)


def _conv(inputs: int, outputs: int, kernel: int) -> nn.Conv1d:
    return nn.Conv1d(inputs, outputs, kernel, padding=kernel // 2, bias=False)


class ResnetBlock(nn.Module):
    """(B, C, T) -> (B, C', T)."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.conv1 = _conv(inputs, outputs, 3)
        self.conv2 = _conv(outputs, outputs, 3)
        self.nin_shortcut = _conv(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        x = pixel_norm(x)
        return residual(self.nin_shortcut(x), self.conv2(silu(self.conv1(silu(x))))).clamp(-CLIP, CLIP)


class AttentionBlock(nn.Module):
    """One head of attention over time, q, k and v normalised: (B, C, T) -> (B, C, T)."""

    def __init__(self, width: int):
        super().__init__()
        self.qkv = _conv(width, 3 * width, 1)
        self.proj_out = _conv(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        qkv = self.qkv(x).unflatten(1, (-1, 3))  # (B, C, 3, T): the rows of q, k and v alternate
        q, k, v = (part.transpose(1, 2)[:, None] for part in pixel_norm(qkv).unbind(2))  # one head
        return residual(x, self.proj_out(F.scaled_dot_product_attention(q, k, v)[:, 0].transpose(1, 2)))


class Middle(nn.Module):
    """(B, C, T) -> (B, C, T)."""

    def __init__(self, width: int):
        super().__init__()
        self.block_1 = ResnetBlock(width, width)
        self.attn_1 = AttentionBlock(width)
        self.block_2 = ResnetBlock(width, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.block_2(self.attn_1(self.block_1(x)))


class Level(nn.Module):
    """Residual blocks of one width: (B, C, T) -> (B, C', T)."""

    def __init__(self, inputs: int, outputs: int, count: int):
        super().__init__()
        self.block = nn.ModuleList(ResnetBlock(inputs if i == 0 else outputs, outputs) for i in range(count))

    def forward(self, x: Tensor) -> Tensor:
        for block in self.block:
            x = block(x)
        return x


class Downsample(nn.Module):
    """(B, C, 2T) -> (B, C, T)."""

    def __init__(self, width: int):
        super().__init__()
        self.conv1 = _conv(width, width, 1)
        self.conv2 = _conv(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv2(F.avg_pool1d(self.conv1(x), 2))


class Upsample(nn.Module):
    """(B, C, T) -> (B, C, 2T)."""

    def __init__(self, width: int):
        super().__init__()
        self.conv = _conv(width, width, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x.repeat_interleave(2, dim=-1))


class Encoder(nn.Module):
    """Normalised mel (B, 80, 2T) -> mean and log variance of the latents (B, 2D, T)."""

    def __init__(self, mels: int, latent_dim: int, width: int):
        super().__init__()
        self.conv_in = _conv(mels, width, 3)
        widths = [width] + [width * multiple for multiple in MULTIPLES]
        self.down = nn.ModuleList(Level(a, b, 2) for a, b in zip(widths, widths[1:], strict=False))
        self.down[HALVED - 1].downsample = Downsample(widths[HALVED])
        self.mid = Middle(widths[-1])
        self.conv_out = _conv(widths[-1], 2 * latent_dim, 3)
        self.learnable_gain = nn.Parameter(torch.zeros(()))

    def forward(self, mel: Tensor) -> Tensor:
        x = self.conv_in(mel)
        for index, level in enumerate(self.down):
            x = level(x)
            if index == HALVED - 1:
                x = level.get_submodule("downsample")(x)
        return self.conv_out(silu(self.mid(x)))


class Decoder(nn.Module):
    """Latents (B, D, T) -> normalised mel (B, 80, 2T)."""

    def __init__(self, mels: int, latent_dim: int, width: int):
        super().__init__()
        widths = [width * multiple for multiple in MULTIPLES] + [width * MULTIPLES[-1]]
        self.conv_in = _conv(latent_dim, widths[-1], 3)
        self.mid = Middle(widths[-1])
        self.up = nn.ModuleList(Level(b, a, 3) for a, b in zip(widths, widths[1:], strict=False))
        self.up[HALVED].upsample = Upsample(widths[HALVED])
        self.conv_out = _conv(width, mels, 3)
        self.learnable_gain = nn.Parameter(torch.zeros(()))

    def forward(self, latents: Tensor) -> Tensor:
        x = self.mid(self.conv_in(latents))
        for index in reversed(range(len(self.up))):
            x = self.up[index](x)
            if index == HALVED:
                x = self.up[index].get_submodule("upsample")(x)
        return self.conv_out(silu(x))


class VAE(nn.Module):
    """Log10-mel <-> latents; `data_mean` and `data_std` (1, 80, 1) normalise the mel bands."""

    def __init__(self, mels: int = MELS, latent_dim: int = LATENT_DIM, width: int = 384):
        super().__init__()
        self.data_mean: Tensor
        self.data_std: Tensor
        self.register_buffer("data_mean", torch.zeros(1, mels, 1))
        self.register_buffer("data_std", torch.ones(1, mels, 1))
        self.encoder = Encoder(mels, latent_dim, width)
        self.decoder = Decoder(mels, latent_dim, width)

    def encode(self, mel: Tensor) -> Tensor:
        """Log10-mel (B, 80, 2T) -> mean of the latents (B, T, D)."""
        return self.encoder((mel - self.data_mean) / self.data_std).chunk(2, dim=1)[0].transpose(1, 2)

    def decode(self, latents: Tensor) -> Tensor:
        """Latents (B, T, D) -> log10-mel (B, 80, 2T)."""
        return self.decoder(latents.transpose(1, 2)) * self.data_std + self.data_mean


class MMAudio16k(nn.Module):
    """See the module docstring. Follows the `Codec` protocol.

    The VAE has an attention layer in either half, so a clip of more than one chunk (31 s) is not quite what it would be
    in one piece: that layer then sees a chunk and its context (4 s on either side) instead of the whole clip.
    """

    sample_rate, channels = SAMPLE_RATE, 1
    samples_per_latent = 2 * HOP
    latent_rate = SAMPLE_RATE / samples_per_latent
    chunk, context = 960, 128

    def __init__(self, vae: VAE, vocoder: BigVGAN):
        super().__init__()
        self.vae, self.vocoder = vae, vocoder
        self.latent_dim = vae.decoder.conv_in.in_channels
        self.window: Tensor
        self.filters: Tensor
        self.register_buffer("window", torch.hann_window(N_FFT), persistent=False)
        self.register_buffer("filters", mel_filters(SAMPLE_RATE, N_FFT, MELS, 0, SAMPLE_RATE / 2), persistent=False)

    @classmethod
    def load(cls, folder: Path, sha256: str | None = None) -> MMAudio16k:
        """Read a folder that `save` wrote, in eval mode. ModelError where it does not fit."""
        where = folder / WEIGHTS
        state = load_state(where, sha256)
        sizes = {name: state[name].shape[0] for name in ("vae.encoder.conv_in.weight", "vocoder.conv_pre.bias")}
        codec = cls(
            _unfilled(lambda: VAE(width=sizes["vae.encoder.conv_in.weight"])),
            _unfilled(lambda: BigVGAN(MELS, sizes["vocoder.conv_pre.bias"])),
        )
        load_strict(codec, state, where)
        return codec.eval().requires_grad_(False)

    @classmethod
    def from_public(cls, folder: Path) -> MMAudio16k:
        """From a folder with the public `v1-16.pth` and `best_netG.pt`. ModelError: missing, or not these networks."""
        return cls(_read_vae(folder / VAE_FILE), _read_vocoder(folder / VOCODER_FILE)).eval().requires_grad_(False)

    def mel(self, waveform: Tensor) -> Tensor:
        """Waveform (B, N), N a multiple of 256 -> log10-mel (B, 80, N / 256)."""
        side = (N_FFT - HOP) // 2
        mode = "reflect" if waveform.shape[-1] > side else "constant"
        padded = F.pad(waveform[:, None], (side, side), mode=mode)[:, 0]
        spectrum = torch.fft.rfft(padded.unfold(-1, N_FFT, HOP) * self.window)
        magnitude = (spectrum.real.square() + spectrum.imag.square() + 1e-9).sqrt()
        return (magnitude @ self.filters).clamp_min(1e-5).log10().transpose(1, 2)

    def encode(self, waveform: Tensor) -> Tensor:
        """Waveform (B, 1 or more, N) -> latents (B, T, 20), T = ceil(N / 512); channels are mixed down."""
        mono = waveform.mean(dim=1)
        return self.vae.encode(self.mel(F.pad(mono, (0, -mono.shape[-1] % self.samples_per_latent))))

    def decode(self, latents: Tensor) -> Tensor:
        """Latents (B, T, 20) -> waveform (B, 1, 512 T), float32."""
        return self.vocoder(self.vae.decode(latents))

    def prepare(self, dtype: torch.dtype) -> None:
        """Fold the vocoder's weight norm and let its convolutions compute in `dtype`."""
        self.vocoder.prepare(dtype)

    def decoder_module(self) -> nn.Module:
        """Latents (B, T, 20) -> waveform, for export."""
        return _Decode(self.vae, self.vocoder)

    def finish(self, output: Tensor) -> Tensor:
        return output


class _Decode(nn.Module):
    def __init__(self, vae: VAE, vocoder: BigVGAN):
        super().__init__()
        self.vae, self.vocoder = vae, vocoder

    def forward(self, latents: Tensor) -> Tensor:
        return self.vocoder(self.vae.decode(latents))


def save(codec: MMAudio16k, folder: Path) -> None:
    """Write `model.safetensors` into `folder`: the network as it runs, without code, to be part of a bundle."""
    from safetensors.torch import save_file

    save_file(codec.state_dict(), folder / WEIGHTS, metadata={"format": "pt"})


def _unfilled(build: Callable[[], Network]) -> Network:
    """A network whose numbers are still to be loaded, all of them: no time goes into random ones."""
    with torch.device("meta"):
        network = build()
    return network.to_empty(device="cpu")


def _read_vae(path: Path) -> VAE:
    state = {name: tensor.float() for name, tensor in _read(path).items()}
    for name, tensor in list(state.items()):
        if name in ("data_mean", "data_std"):
            state[name] = tensor.reshape(1, -1, 1)
        elif tensor.ndim == 3:
            state[name] = effective_weight(tensor)
    for half in ("encoder", "decoder"):
        gain = state.get(f"{half}.learnable_gain")
        if gain is not None and f"{half}.conv_out.weight" in state:
            state[f"{half}.conv_out.weight"] *= gain + 1
    width, mels = state["encoder.conv_in.weight"].shape[:2] if "encoder.conv_in.weight" in state else (384, MELS)
    vae = _unfilled(lambda: VAE(mels, width=width))
    load_strict(vae, state, path)
    return vae


def _read_vocoder(path: Path) -> BigVGAN:
    state = {_vocoder_name(name): tensor for name, tensor in _read(path).items()}
    first = state.get("conv_pre.weight_v")
    width, mels = first.shape[:2] if first is not None else (1536, MELS)
    vocoder = _unfilled(lambda: BigVGAN(mels, width))
    load_strict(vocoder, state, path)
    return vocoder


def _vocoder_name(name: str) -> str:
    """Our name of a tensor of the file, which may nest its tensors and name weight norm in PyTorch's newer way."""
    newer = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}
    stem = name.removeprefix("generator/")
    for new, old in newer.items():
        stem = stem.replace(new, old)
    return stem


def _read(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise ModelError(f"{path} is missing: it comes with MMAudio and with MeanAudio; name the folder that has it")
    return read_checkpoint(path)
