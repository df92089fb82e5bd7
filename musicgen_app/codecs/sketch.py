"""The sketch codec: a small convolutional autoencoder from 32 kHz mono audio to 12.5 latents a second, and back.

waveform (B, 1, N) -> log-magnitude STFT frames (B, 5T, F) -> ConvNeXt encoder -> latents (B, T, D)
-> ConvNeXt decoder -> log-magnitude frames (B, 5T, F) -> phase reconstruction -> waveform (B, 1, N)

The blocks follow ConvNeXt (Liu et al., 2022, arXiv 2201.03545). Frames of 2,048 samples overlap four times, which is
sharp enough for single harmonics. Phases are not coded: they start from the frequencies of the spectral peaks, as in
single-pass spectrogram inversion (Beauregard et al., DAFx 2015), and are made consistent by the fast Griffin-Lim
algorithm (Perraudin et al., WASPAA 2013).

Everything but the starting phases depends on a bounded stretch of the clip. So a long clip is decoded in chunks that
see this stretch on either side, and each chunk hands on to the next how far its phases have turned.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import ModelError
from ..models.bundle import load_state, load_strict
from .chunks import spans

KERNEL = 7  # of the depthwise convolutions, in frames or latents
CHUNK_SECONDS = 60.0  # decoded at once: some 300 MB
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


class ConvNeXtBlock(nn.Module):
    """Depthwise convolution over time, then a pointwise MLP; (B, T, C) -> (B, T, C)."""

    def __init__(self, width: int, layer_scale: float):
        super().__init__()
        self.conv = nn.Conv1d(width, width, KERNEL, padding=KERNEL // 2, groups=width)
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, 3 * width)
        self.down = nn.Linear(3 * width, width)
        self.scale = nn.Parameter(torch.full((width,), layer_scale))

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv(x.transpose(1, 2)).transpose(1, 2)
        return x + self.scale * self.down(F.gelu(_matmul(self.up, self.norm(h))))


def _matmul(layer: nn.Linear, x: Tensor) -> Tensor:
    """`layer(x)` in the precision of its weights; see `SketchCodec.prepare`."""
    return layer(x.to(layer.weight.dtype))


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
    frames = torch.fft.irfft(spectrum, n=n_fft).mul_(window).unflatten(-1, (overlap, hop))  # (B, T, overlap, hop)
    weight = (window**2).unflatten(-1, (overlap, hop))
    batch, count = frames.shape[:2]
    total = frames.new_zeros(batch, count + overlap - 1, hop)
    envelope = frames.new_zeros(count + overlap - 1, hop)
    for part in range(overlap):
        total[:, part : part + count] += frames[:, :, part]
        envelope[part : part + count] += weight[part]
    return total.div_(envelope.clamp_min_(1e-4)).flatten(1)[:, side : side + count * hop]


def count_turns(magnitude: Tensor, n_fft: int, hop: int, before: Tensor | float = 0.0) -> Tensor:
    """Turns (B, T, F), float64, that every bin has made by each frame at the frequency of its nearest spectral peak.

    magnitude (B, T, F); `before` (B, F) are the turns made before its first frame.
    """
    bins = torch.arange(magnitude.shape[-1], device=magnitude.device)
    level = magnitude.clamp_min(1e-5).log_()
    low, mid, high = level[..., :-2], level[..., 1:-1], level[..., 2:]
    is_peak = F.pad((mid >= low) & (mid > high), (1, 1))
    offset = (0.5 * (low - high) / (low - 2 * mid + high).clamp_max_(-1e-6)).clamp_(-0.5, 0.5)  # vertex of a parabola
    frequency = F.pad(offset.add_(bins[1:-1]), (1, 1))  # in bins
    far = 2 * len(bins)
    below = torch.where(is_peak, bins, -far).cummax(dim=-1).values
    above = torch.where(is_peak, bins, far).flip(-1).cummin(dim=-1).values.flip(-1)
    nearest = torch.where(bins - below <= above - bins, below, above).clamp_(0, len(bins) - 1)
    turns = frequency.gather(-1, nearest).double().mul_(hop / n_fft)
    turns[:, 0] += before
    return turns.cumsum_(dim=1)


def griffin_lim(magnitude: Tensor, phase: Tensor, n_fft: int, hop: int, iterations: int) -> Tensor:
    """STFT magnitude and starting phase (B, T, F) -> waveform (B, T * hop) whose STFT has about these magnitudes.

    An iteration lets every frame see the n_fft / hop - 1 frames on either side that overlap it.
    """
    momentum = 0.99
    spectrum = torch.polar(magnitude, phase)
    previous = torch.zeros_like(spectrum)
    for _ in range(iterations):
        consistent = frame(overlap_add(spectrum, n_fft, hop), n_fft, hop)
        # Real arithmetic, one pass a line: complex abs() and division take three times as long.
        ahead = torch.lerp(torch.view_as_real(previous), torch.view_as_real(consistent), 1 + momentum)
        real, imaginary = ahead.unbind(-1)
        scale = torch.addcmul(real * real, imaginary, imaginary).clamp_min_(1e-16).rsqrt_().mul_(magnitude)
        spectrum, previous = torch.view_as_complex(ahead.mul_(scale[..., None])), consistent
    return overlap_add(spectrum, n_fft, hop)


def reconstruct(magnitude: Tensor, n_fft: int, hop: int, iterations: int, turns: Tensor | None = None) -> Tensor:
    """STFT magnitude (B, T, F) -> waveform (B, T * hop); `turns` (default: counted here) see `count_turns`."""
    if turns is None:
        turns = count_turns(magnitude, n_fft, hop)
    alternate = torch.arange(magnitude.shape[-1], device=magnitude.device) / 2  # signs of a windowed sinusoid's bins
    phase = (turns + alternate).frac_().mul_(2 * math.pi).float()
    return griffin_lim(magnitude, phase, n_fft, hop, iterations)


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
        x = self.frames(self.norm(_one_after_another(_matmul(self.split, x).float(), self.ratio)))
        return _one_after_another(self.linear(latents), self.ratio) + _matmul(self.out, self.final_norm(x))


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
        self.chunk = round(CHUNK_SECONDS * self.latent_rate)
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)

    @property
    def phase_context(self) -> int:
        """Latents on either side that the phases of a frame depend on: one overlap an iteration, and the last sum."""
        c = self.config
        return math.ceil((c.phase_iterations + 1) * (c.n_fft // c.hop - 1) / c.frames_per_latent)

    @property
    def context(self) -> int:
        """Latents on either side beyond which nothing changes what is decoded, or encoded."""
        c, reach = self.config, KERNEL // 2
        frames_to_encode = c.n_fft // c.hop + reach * c.encoder_blocks
        frames_to_decode = reach * c.decoder_blocks
        encode = math.ceil(frames_to_encode / c.frames_per_latent) + reach * c.latent_blocks
        decode = math.ceil(frames_to_decode / c.frames_per_latent) + reach * c.latent_blocks + 1
        return max(encode, decode + self.phase_context)

    def log_magnitude(self, waveform: Tensor) -> Tensor:
        """Waveform (B, N), N a multiple of 2,560 -> natural-log STFT magnitude (B, 5T, F), floored at `FLOOR`."""
        return frame(waveform, self.config.n_fft, self.config.hop).abs().clamp_min(FLOOR).log()

    def encode(self, waveform: Tensor) -> Tensor:
        """Waveform (B, 1, N) -> latents (B, T, D); the end is padded with silence to a whole latent."""
        waveform = F.pad(waveform[:, 0], (0, -waveform.shape[-1] % self.samples_per_latent))
        return self.encoder(self.log_magnitude(waveform))

    def decode(self, latents: Tensor) -> Tensor:
        """Latents (B, T, D) -> waveform (B, 1, T * 2,560), float32."""
        return self.finish(self.decoder(latents))

    def decode_chunks(self, latents: Tensor) -> Iterator[Tensor]:
        """Latents (B, T, D) -> waveform (B, 1, n) of one chunk after the other; together what `decode` gives."""
        return self.decode_chunks_with(self.decoder, latents)

    def decode_chunks_with(self, network: Callable[[Tensor], Tensor], latents: Tensor) -> Iterator[Tensor]:
        """`decode_chunks` with another network in the place of the decoder's (an ONNX session)."""
        c, ratio, near = self.config, self.config.frames_per_latent, self.phase_context
        before: Tensor | float = 0.0
        for start, stop in spans(latents.shape[1], self.chunk):
            seen, first = max(0, start - self.context), max(0, start - near)  # by the network, by the phases
            magnitude = self.magnitude(network(latents[:, seen : stop + self.context]))
            magnitude = magnitude[:, (first - seen) * ratio : (stop + near - seen) * ratio]
            turns = count_turns(magnitude, c.n_fft, c.hop, before)
            passed = (max(0, stop - near) - first) * ratio  # frames that the next chunk does not see
            before = turns[:, passed - 1] if passed else before
            waveform = reconstruct(magnitude, c.n_fft, c.hop, c.phase_iterations, turns)[:, None]
            hop = self.samples_per_latent
            yield waveform[..., (start - first) * hop : (stop - first) * hop]

    def decoder_module(self) -> Decoder:
        """The decoder network: latents (B, T, D) -> log-magnitude frames (B, 5T, F)."""
        return self.decoder

    def finish(self, output: Tensor) -> Tensor:
        """Log-magnitude frames (B, 5T, F) -> waveform (B, 1, T * 2,560)."""
        c = self.config
        return reconstruct(self.magnitude(output), c.n_fft, c.hop, c.phase_iterations)[:, None]

    def magnitude(self, output: Tensor) -> Tensor:
        """What the decoder gave (B, 5T, F) -> STFT magnitude; what is at the floor is silence."""
        return F.threshold(output.float().clamp(max=7.0).exp() - self.config.floor, 1e-6, 0.0)

    def prepare(self, dtype: torch.dtype) -> None:
        """Keep the large matrices of the decoder in `dtype`; everything between them stays float32.

        Where the processor multiplies bfloat16, that takes a third of the time. It changes the log-magnitudes by 0.0015
        (root mean square; 0.02 at most), where the codec's own error is 0.25. The phases differ and are no worse.
        """
        if dtype not in (torch.float32, torch.bfloat16):
            raise ValueError(f"the sketch codec decodes in float32 or bfloat16, not {dtype}")
        for block in (*self.decoder.latents, *self.decoder.frames):
            block.up.to(dtype)
            block.down.to(dtype)
        self.decoder.split.to(dtype)
        self.decoder.out.to(dtype)


def save_codec(codec: SketchCodec, folder: Path, data: list[dict] | None = None) -> None:
    """Write `config.json` and `model.safetensors` (16-bit floats) into `folder` (made if missing).

    `data` says what it was trained on: [{"name", "licence", "hours"}].
    """
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    config = {"kind": "sketch", **asdict(codec.config), "data": data or []}
    (folder / "config.json").write_bytes((json.dumps(config, indent=2) + "\n").encode())
    state = {name: tensor.detach().half().contiguous() for name, tensor in codec.state_dict().items()}
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})


def load_codec(folder: Path, sha256: str | None = None) -> SketchCodec:
    """Read a codec folder written by `save_codec`, in eval mode; raises ModelError when it does not fit."""
    try:
        config = json.loads((folder / "config.json").read_text())
        if config.pop("kind") != "sketch":
            raise ValueError("not a sketch codec")
        config.pop("data")
        config.setdefault("floor", FLOOR)  # where the first edition's file says nothing
        codec = SketchCodec(SketchCodecConfig(**config))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ModelError(f"{folder / 'config.json'}: not a sketch codec ({error}); install the model again") from error
    load_strict(codec, load_state(folder / "model.safetensors", sha256), folder)
    return codec.eval().requires_grad_(False)
