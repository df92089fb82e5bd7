"""The autoencoder of ACE-Step 1.5 (arXiv 2602.00744): 48 kHz stereo <-> 25 latents of 64 numbers a second.

waveform (B, 2, N) -> Encoder -> mean and spread (B, T, 64) -> latents (B, T, 64) -> Decoder -> waveform (B, 2, 1920 T)

The network is Oobleck, from Stable Audio (Evans et al., 2024, arXiv 2402.04825): residual units of dilated convolutions
with snake activations (Ziyin et al., 2020, arXiv 2006.08195), between convolutions that lower the rate and raise it
again. It reads the files that diffusers writes for its AutoencoderOobleck.

Tensors in the network are (B, C, 1, N), in memory as (B, N, C): PyTorch's two-dimensional convolutions take that layout
as it is, while its one-dimensional ones copy to another layout and back.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...errors import ModelError
from ...models.bundle import load_state, load_strict

DILATIONS = (1, 3, 9)  # of the three residual units of a block
REACH = 3 * sum(DILATIONS)  # positions to either side that they see
TILE = 8192  # positions that go through a block at once: few enough for the caches, many enough to repay the margins


@dataclass(frozen=True)
class OobleckConfig:
    """Named as in the `config.json` of diffusers; the defaults are those of ACE-Step 1.5."""

    sampling_rate: int = 48_000
    audio_channels: int = 2
    decoder_input_channels: int = 64  # numbers in a latent
    encoder_hidden_size: int = 128  # also what the encoder gives: a mean and a spread for every number of the latent
    decoder_channels: int = 128
    downsampling_ratios: tuple[int, ...] = (2, 4, 4, 6, 10)
    channel_multiples: tuple[int, ...] = (1, 2, 4, 8, 16)

    def __post_init__(self):
        for field in fields(self):
            value = getattr(self, field.name)
            numbers = value if field.type.startswith("tuple") else (value,)
            if not isinstance(numbers, tuple) or not all(type(n) is int and n > 0 for n in numbers):
                raise ValueError(f"{field.name} is {value!r}")
        if len(self.downsampling_ratios) != len(self.channel_multiples):
            raise ValueError("downsampling_ratios and channel_multiples differ in length")
        if any(ratio % 2 for ratio in self.downsampling_ratios):
            raise ValueError("a downsampling ratio is odd")
        if self.encoder_hidden_size != 2 * self.decoder_input_channels:
            raise ValueError("encoder_hidden_size is not twice decoder_input_channels")

    @property
    def hop(self) -> int:
        """Samples per latent."""
        return math.prod(self.downsampling_ratios)


class Snake(nn.Module):
    """x + sin(alpha x)^2 / beta in every channel, both kept as logarithms (arXiv 2206.04658); (B, C, 1, N)."""

    def __init__(self, width: int):
        super().__init__()
        self.alpha = nn.Parameter(torch.zeros(width, 1, 1))
        self.beta = nn.Parameter(torch.zeros(width, 1, 1))
        self.dtype: torch.dtype | None = None  # what it gives; None: what it is given
        self.kernel: Callable[..., Tensor] | None = None

    def forward(self, x: Tensor) -> Tensor:
        rate, depth = self.alpha.exp(), 1 / (self.beta.exp() + 1e-9)
        if self.kernel:
            return self.kernel(x, rate, depth, self.dtype)
        return (x + depth * torch.sin(rate * x).square()).to(self.dtype or x.dtype)


class Upsample(nn.Module):
    """Transposed convolution of 2 * stride taps: (B, C, 1, N) -> (B, C', 1, stride * N).

    Every output sample depends on two neighbouring inputs, so all `stride` phases are the channels of one ordinary
    convolution with two taps, and in memory as (B, N, C) they already lie in their order in time.
    """

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.stride = stride
        self.weight = nn.Parameter(torch.empty(stride * outputs, inputs, 1, 2))
        self.bias = nn.Parameter(torch.empty(outputs))

    def forward(self, x: Tensor) -> Tensor:
        phases = F.conv2d(x, self.weight, self.bias.repeat(self.stride), padding=(0, 1))
        y = phases[:, :, 0].transpose(1, 2).reshape(len(x), -1, len(self.bias))  # (B, stride * (N + 1), C')
        half = self.stride // 2
        return y[:, half:-half].transpose(1, 2)[:, :, None]


class ResidualUnit(nn.Module):
    def __init__(self, width: int, dilation: int):
        super().__init__()
        self.snake1 = Snake(width)
        self.conv1 = _convolution(width, width, 7, dilation=dilation)
        self.snake2 = Snake(width)
        self.conv2 = _convolution(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(self.snake2(self.conv1(self.snake1(x))))


class EncoderBlock(nn.Module):
    """(B, C, 1, stride * N) -> (B, C', 1, N)."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.stride = stride
        self.res_unit1, self.res_unit2, self.res_unit3 = (ResidualUnit(inputs, d) for d in DILATIONS)
        self.snake1 = Snake(inputs)
        self.conv1 = _convolution(inputs, outputs, 2 * stride, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv1(self.snake1(self.res_unit3(self.res_unit2(self.res_unit1(x)))))


class DecoderBlock(nn.Module):
    """(B, C, 1, N) -> (B, C', 1, stride * N). The residual sum is kept in float32: that costs next to nothing."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.stride = stride
        self.snake1 = Snake(inputs)
        self.conv_t1 = Upsample(inputs, outputs, stride)
        self.res_unit1, self.res_unit2, self.res_unit3 = (ResidualUnit(outputs, d) for d in DILATIONS)

    def forward(self, x: Tensor) -> Tensor:
        return self.res_unit3(self.res_unit2(self.res_unit1(self.conv_t1(self.snake1(x)).float())))


class Encoder(nn.Module):
    """Waveform (B, channels, N), N a multiple of the hop -> mean and spread, side by side (B, T, 2D)."""

    def __init__(self, config: OobleckConfig):
        super().__init__()
        widths = [config.encoder_hidden_size * multiple for multiple in (1, *config.channel_multiples)]
        self.conv1 = _convolution(config.audio_channels, widths[0], 7)
        blocks = list(map(EncoderBlock, widths, widths[1:], config.downsampling_ratios))
        self.block, self.strides = nn.ModuleList(blocks), [block.stride for block in blocks]
        self.snake1 = Snake(widths[-1])
        self.conv2 = _convolution(widths[-1], config.encoder_hidden_size, 3)
        self.tile: int | None = None

    def forward(self, waveform: Tensor) -> Tensor:
        x = waveform[:, :, None].contiguous(memory_format=torch.channels_last)
        first, *blocks = self.block
        x = _in_tiles(lambda x: first(self.conv1(x)), x, self.tile, down=self.strides[0])
        for block, stride in zip(blocks, self.strides[1:], strict=True):
            x = _in_tiles(block, x, self.tile, down=stride)
        return self.conv2(self.snake1(x))[:, :, 0].transpose(1, 2)

    @property
    def context(self) -> int:
        """Latents to either side of a chunk that its latents depend on."""
        reach = 1
        for stride in reversed(self.strides):
            reach = reach * stride + stride // 2 + REACH
        return math.ceil((reach + 3) / math.prod(self.strides))


class Decoder(nn.Module):
    """Latents (B, T, D) -> waveform (B, channels, hop * T), float32."""

    def __init__(self, config: OobleckConfig):
        super().__init__()
        widths = [config.decoder_channels * multiple for multiple in (1, *config.channel_multiples)][::-1]
        self.conv1 = _convolution(config.decoder_input_channels, widths[0], 7)
        blocks = list(map(DecoderBlock, widths, widths[1:], config.downsampling_ratios[::-1]))
        self.block, self.strides = nn.ModuleList(blocks), [block.stride for block in blocks]
        self.snake1 = Snake(widths[-1])
        self.conv2 = _convolution(widths[-1], config.audio_channels, 7, bias=False)
        self.tile: int | None = None

    def forward(self, latents: Tensor) -> Tensor:
        x = self.conv1(latents.to(self.conv1.weight.dtype).transpose(1, 2)[:, :, None])
        *blocks, last = self.block
        for block, stride in zip(blocks, self.strides[:-1], strict=True):
            x = _in_tiles(block, x, self.tile, up=stride)
        x = _in_tiles(lambda x: self.conv2(self.snake1(last(x))), x, self.tile, up=self.strides[-1])
        return x[:, :, 0].float()

    @property
    def context(self) -> int:
        """Latents to either side of a chunk that its samples depend on."""
        reach = 3
        for stride in reversed(self.strides):
            reach = math.ceil((reach + REACH - stride // 2) / stride) + 1
        return reach + 3


class AceStepV15(nn.Module):
    """See the module docstring. Follows the `Codec` and `ExportableCodec` protocols."""

    chunk = 256  # latents: 10 s, so that the usual clip is one chunk

    def __init__(self, config: OobleckConfig | None = None):
        super().__init__()
        config = config or OobleckConfig()
        self.sample_rate = config.sampling_rate
        self.channels = config.audio_channels
        self.latent_dim = config.decoder_input_channels
        self.samples_per_latent = config.hop
        self.latent_rate = config.sampling_rate / config.hop
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        self.context = max(self.encoder.context, self.decoder.context)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read `config.json` and `diffusion_pytorch_model.safetensors` of `folder`, or of `vae/` in it.

        Ready to use, in float32. Raises ModelError for files that are missing, truncated, or not those of an Oobleck.
        """
        folder = folder / "vae" if (folder / "vae").is_dir() else folder
        config = _read_config(folder / "config.json")
        file = folder / "diffusion_pytorch_model.safetensors"
        state = fold(load_state(file), file)
        with torch.device("meta"):
            codec = cls(config)
        load_strict(codec, state, file, assign=True)
        return codec.eval().requires_grad_(False)

    def posterior(self, waveform: Tensor) -> tuple[Tensor, Tensor]:
        """Waveform (B, channels or 1, N) -> mean and standard deviation of the latents, both (B, T, D)."""
        waveform = waveform.expand(-1, self.channels, -1)
        waveform = F.pad(waveform, (0, -waveform.shape[-1] % self.samples_per_latent))
        mean, spread = self.encoder(waveform).chunk(2, dim=-1)
        return mean, F.softplus(spread) + 1e-4

    def encode(self, waveform: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Waveform (B, channels, N) -> latents (B, T, D): their mean, or with a `generator` one sample of them.

        The end is padded with silence to a whole latent; mono (B, 1, N) becomes stereo.
        """
        mean, deviation = self.posterior(waveform)
        if generator is None:
            return mean
        noise = torch.randn(mean.shape, generator=generator, device=generator.device)
        return mean + deviation * noise.to(mean.device)

    def decode(self, latents: Tensor) -> Tensor:
        """Latents (B, T, D) -> waveform (B, channels, T * samples_per_latent), float32."""
        return self.finish(self.decoder(latents))

    def prepare(self, dtype: torch.dtype) -> None:
        """Make it fast where it is now, in place, for inference only: the decoder's convolutions compute in `dtype`.

        The sums of the residual units, the last convolution and the encoder stay float32.
        """
        device = self.decoder.conv2.weight.device
        kernel = _snake_kernel(device)
        for half, precision in ((self.encoder, torch.float32), (self.decoder, dtype)):
            half.tile = TILE if device.type == "cpu" else None
            for module in half.modules():
                if isinstance(module, Snake):
                    module.dtype, module.kernel = precision, kernel
                elif isinstance(module, nn.Conv2d | Upsample):
                    module.to(precision, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.decoder.snake1.dtype = torch.float32  # the waveform itself is not rounded
        self.decoder.conv2.float()

    def decoder_module(self) -> nn.Module:
        """Latents (B, T, D) -> waveform (B, channels, T * samples_per_latent); to export before `prepare`."""
        return self.decoder

    def finish(self, output: Tensor) -> Tensor:
        """Nothing is left to do after the decoder network."""
        return output


def fold(state: dict[str, Tensor], where: Path) -> dict[str, Tensor]:
    """The state of diffusers' AutoencoderOobleck as that of `AceStepV15`, in float32: weight norm is multiplied out.

    Takes the tensors out of `state` one by one. Raises ModelError for weights that are not finite.
    """
    folded = {}
    for name in sorted(state):  # g comes before v
        if name.endswith(".weight_g") and f"{name[:-1]}v" in state:
            continue
        tensor = state.pop(name).float()
        if name.endswith((".alpha", ".beta")):
            tensor = tensor.reshape(-1, 1, 1)
        elif name.endswith(".weight_v") and f"{name[:-1]}g" in state:
            norm = tensor.flatten(1).norm(dim=1)[:, None, None]
            tensor = tensor * (state.pop(f"{name[:-1]}g").float() / norm)
            tensor = _phases(tensor) if ".conv_t1." in name else tensor[:, :, None]
            name = name.removesuffix("_v")
        if not tensor.sum().isfinite():  # much faster than asking every number
            raise ModelError(f"{where}: {name} is not finite; get this file again")
        folded[name] = tensor
    return folded


def _phases(weight: Tensor) -> Tensor:
    """Weight of a transposed convolution (C, C', 2 stride) -> of `Upsample` (stride C', C, 1, 2), earlier tap first."""
    inputs, outputs, taps = weight.shape
    rows = weight.flatten(1).t().contiguous().view(outputs, 2, taps // 2, inputs)  # PyTorch transposes matrices fast
    return rows.flip(1).permute(2, 0, 1, 3).flatten(0, 1).transpose(1, 2)[:, :, None]


def _convolution(
    inputs: int, outputs: int, taps: int, dilation: int = 1, stride: int = 1, bias: bool = True
) -> nn.Conv2d:
    """(B, C, 1, N) -> (B, C', 1, N / stride)."""
    padding = (taps - stride) * dilation // 2
    return nn.Conv2d(inputs, outputs, (1, taps), (1, stride), (0, padding), (1, dilation), bias=bias)


def _in_tiles(stage: Callable[[Tensor], Tensor], x: Tensor, tile: int | None, up: int = 1, down: int = 1) -> Tensor:
    """stage(x), x (B, C, 1, N), computed so that about `tile` positions are in work at a time; all at once if None.

    The stage is a block, maybe with one more convolution of seven taps at its faster end. It raises the rate by `up` or
    lowers it by `down`. Every tile sees what it depends on to either side, so the result is the same.
    """
    length = x.shape[-1]
    margin = math.ceil((REACH + 3 + down / 2) / down) * down if down > 1 else math.ceil((REACH + 3) / up) + 1
    step = tile // (up * down) * down if tile else length
    if length <= step + 2 * margin:
        return stage(x)
    pieces = []
    for start in range(0, length, step):
        first, stop = max(0, start - margin), min(start + step, length)
        piece = stage(x[..., first : stop + margin])
        pieces.append(piece[..., (start - first) * up // down : (stop - first) * up // down])
    return torch.cat(pieces, dim=-1)


def _snake_kernel(device: torch.device) -> Callable[..., Tensor] | None:
    """The compiled snake activation, or None where there is none: on other devices, and without numba."""
    if device.type != "cpu" or find_spec("numba") is None:
        return None
    from .snake_numba import snake

    return snake


def _read_config(path: Path) -> OobleckConfig:
    """Raises ModelError where it is missing or describes something else."""
    try:
        config = json.loads(path.read_text())
        if config.get("_class_name") != "AutoencoderOobleck":
            raise ValueError(f"it describes {config.get('_class_name')!r}")
        values: dict[str, Any] = {name: value for name, value in config.items() if not name.startswith("_")}
        values = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
        return OobleckConfig(**values)
    except FileNotFoundError:
        raise ModelError(f"{path} is missing: this folder is not, or only half, the ACE-Step 1.5 codec") from None
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise ModelError(f"{path} is not of the ACE-Step 1.5 codec ({error}); get it again") from error
