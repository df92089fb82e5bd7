"""The third sketch codec: 48 kHz stereo audio <-> 12.5 latents a second.

waveform (B, 2, N) -> log-magnitude STFT of the mid, and what the side is to it band by band (B, 8T, ...)
-> ConvNeXt encoder -> latents (B, T, D) -> ConvNeXt decoder -> the same -> phase reconstruction of the mid, the side
made from it -> waveform (B, 2, N)

Mid is the mean of both channels, side half their difference. In each of some 32 bands the side is the mid times a gain
(where a sound stands between the loudspeakers) and a rest of its own (width), as in parametric stereo (Breebaart et
al., EURASIP JASP 2005:9). The rest is rebuilt by all-pass filters from the mid. Latents start as principal
components of mel bands: these carry most of what is heard, and single bins are left to the decoder.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .codec import SpectrumCodec
from .networks import blocks, matmul, one_after_another, principal, set_whitening, side_by_side
from .phases import frame, overlap_add

ENCODER_FLOOR = 0.005  # smallest STFT magnitude that the encoder sees
BAND_FLOOR = 0.002  # and smallest magnitude of a band
QUIET = 1e-4  # power of a band of the mid below which the side has no gain
GAIN = 2.0  # largest gain from mid to side
REST = (-5.8, 2.0)  # log of the side's rest, relative to the mid
DELAYS, FEEDBACK = (0.0031, 0.0043, 0.0057), 0.6  # of the all-passes that the side's rest is made with, in seconds
DECORRELATION = 0.1  # seconds after which nothing is left of them


@dataclass(frozen=True)
class StereoCodecConfig:
    sample_rate: int = 48_000
    n_fft: int = 1920
    hop: int = 480
    frames_per_latent: int = 8
    mid_dim: int = 128  # latents that start as principal components of the mid
    stereo_dim: int = 24  # and those that do not
    bands: int = 128  # mel bands of the mid
    stereo_bands: int = 32
    frame_components: int = 256  # principal components of one frame that the encoder network sees
    encoder_width: int = 320
    encoder_blocks: int = 4
    latent_width: int = 512  # blocks at the latent rate, in both halves
    latent_blocks: int = 2
    decoder_width: int = 512
    decoder_blocks: int = 6
    phase_iterations: int = 6
    floor: float = 0.002  # STFT magnitude below which what the decoder gives flattens out

    @property
    def bins(self) -> int:
        return self.n_fft // 2 + 1


@lru_cache
def mel_bands(sample_rate: int, n_fft: int, bands: int) -> Tensor:
    """Triangular filters (n_fft / 2 + 1, bands), equally spaced on the HTK mel scale, each of sum 1."""
    hertz = torch.linspace(0, sample_rate / 2, n_fft // 2 + 1)
    low, high = (2595 * math.log10(1 + edge / 700) for edge in (20.0, sample_rate / 2))
    edges = 700 * (10 ** (torch.linspace(low, high, bands + 2) / 2595) - 1)
    rising = (hertz[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - hertz[:, None]) / (edges[2:] - edges[1:-1])
    filters = torch.minimum(rising, falling).clamp_min(0)
    nearest = (hertz[:, None] - edges[1:-1]).abs().argmin(0)  # a band narrower than a bin takes the nearest bin
    empty = filters.sum(0) == 0
    filters[nearest[empty], empty.nonzero()[:, 0]] = 1.0
    return filters / filters.sum(0)


class Frames:
    """What the codec sees of a waveform: `magnitude` of the mid (B, T, F) and `stereo` (B, T, 2 * stereo_bands).

    stereo: the gain from mid to side in every band, then the log of what of the side is left, relative to the mid.
    `power` (B, T, stereo_bands) is that of the mid.
    """

    def __init__(self, waveform: Tensor, config: StereoCodecConfig):
        mid, side = waveform.mean(dim=1), (waveform[:, 0] - waveform[:, 1]) / 2
        spectrum, side_spectrum = (frame(channel, config.n_fft, config.hop) for channel in (mid, side))
        filters = mel_bands(config.sample_rate, config.n_fft, config.stereo_bands).to(waveform.device)
        self.magnitude = spectrum.abs()
        self.power = self.magnitude.square() @ filters + QUIET
        gain = ((side_spectrum * spectrum.conj()).real @ filters / self.power).clamp(-GAIN, GAIN)
        rest = (side_spectrum.abs().square() @ filters - gain.square() * self.power).clamp_min(0)
        self.stereo = torch.cat([gain, 0.5 * (rest / self.power + 1e-5).log().clamp(2 * REST[0], 2 * REST[1])], dim=-1)


class StereoEncoder(nn.Module):
    """Magnitudes (B, 8T, F) and stereo (B, 8T, 2S) -> latents (B, T, D).

    A fixed linear map of the mel bands of the mid plus what a network adds to it. The network sees whitened principal
    components of each frame.
    """

    def __init__(self, config: StereoCodecConfig):
        super().__init__()
        self.config = c = config
        self.linear = nn.Linear(c.bands * c.frames_per_latent, c.mid_dim).requires_grad_(False)
        self.whiten = nn.Linear(c.bins, c.frame_components).requires_grad_(False)
        self.project = nn.Linear(c.frame_components + 2 * c.stereo_bands, c.encoder_width)
        self.norm = nn.LayerNorm(c.encoder_width)
        self.frames = blocks(c.encoder_width, c.encoder_blocks)
        self.merge = nn.Linear(c.encoder_width * c.frames_per_latent, c.latent_width)
        self.latents = blocks(c.latent_width, c.latent_blocks)
        self.final_norm = nn.LayerNorm(c.latent_width)
        self.out = nn.Linear(c.latent_width, c.mid_dim + c.stereo_dim)

    def forward(self, magnitude: Tensor, stereo: Tensor) -> Tensor:
        ratio = self.config.frames_per_latent
        x = torch.cat([self.whiten(magnitude.clamp_min(ENCODER_FLOOR).log()), stereo], dim=-1)
        x = side_by_side(self.frames(self.norm(self.project(x))), ratio)
        fixed = self.linear(side_by_side(band_levels(magnitude, self.config), ratio))
        added = self.out(self.final_norm(self.latents(self.merge(x))))
        return F.pad(fixed, (0, self.config.stereo_dim)) + added


class StereoDecoder(nn.Module):
    """Latents (B, T, D) -> (B, 8T, F + 2S): log-magnitudes of the mid, then stereo as in `Frames`.

    The magnitudes are a fixed linear map to mel bands, spread over the bins, plus what a network adds to that.
    """

    def __init__(self, config: StereoCodecConfig):
        super().__init__()
        self.config = c = config
        self.linear = nn.Linear(c.mid_dim, c.bands * c.frames_per_latent).requires_grad_(False)
        self.spread = nn.Linear(c.bands, c.bins)
        self.project = nn.Conv1d(c.mid_dim + c.stereo_dim, c.latent_width, 3, padding=1)
        self.latents = blocks(c.latent_width, c.latent_blocks)
        self.split = nn.Linear(c.latent_width, c.decoder_width * c.frames_per_latent)
        self.norm = nn.LayerNorm(c.decoder_width)
        self.frames = blocks(c.decoder_width, c.decoder_blocks)
        self.final_norm = nn.LayerNorm(c.decoder_width)
        self.out = nn.Linear(c.decoder_width, c.bins + 2 * c.stereo_bands)

    def forward(self, latents: Tensor) -> Tensor:
        c = self.config
        x = self.latents(self.project(latents.transpose(1, 2)).transpose(1, 2))
        x = self.frames(self.norm(one_after_another(matmul(self.split, x).float(), c.frames_per_latent)))
        bands = one_after_another(self.linear(latents[..., : c.mid_dim]), c.frames_per_latent)
        return F.pad(self.spread(bands).float(), (0, 2 * c.stereo_bands)) + matmul(self.out, self.final_norm(x)).float()


def band_levels(magnitude: Tensor, config: StereoCodecConfig) -> Tensor:
    """Magnitudes (B, T, F) -> natural log of their mel bands (B, T, bands)."""
    filters = mel_bands(config.sample_rate, config.n_fft, config.bands).to(magnitude.device)
    return (magnitude @ filters).clamp_min(BAND_FLOOR).log()


class StereoCodec(SpectrumCodec):
    """See the module docstring."""

    kind, channels, loudest = "sketch-stereo", 2, 7.5
    encoder: StereoEncoder
    decoder: StereoDecoder
    sums, memory = 3, DECORRELATION  # the side is made of the mid's frames and of its filtered frames

    def __init__(self, config: StereoCodecConfig | None = None):
        config = config or StereoCodecConfig()
        super().__init__(config, config.mid_dim + config.stereo_dim, StereoEncoder(config), StereoDecoder(config))

    @property
    def audibility(self) -> Tensor:
        """Bins by the mel scale; the side's gains together half as much as all bins, its rests a quarter of that."""
        c = self.config
        gain = torch.full((c.stereo_bands,), 0.5 * c.bins / c.stereo_bands)
        return torch.cat([bin_weights(c.sample_rate, c.bins), gain, gain / 4])

    @torch.no_grad()
    def initialise(self, magnitude: Tensor) -> None:
        """Start as principal components of the mel bands of magnitudes (B, 8T, F); the networks start at zero."""
        c, encoder, decoder = self.config, self.encoder, self.decoder
        bands, levels = band_levels(magnitude, c), magnitude.clamp_min(ENCODER_FLOOR).log()
        mean, basis, scale, emphasis = principal(
            side_by_side(bands, c.frames_per_latent), c.mid_dim, torch.ones(c.bands * c.frames_per_latent)
        )
        set_whitening(encoder.linear, mean, basis, scale, emphasis)
        decoder.linear.weight.copy_(basis * scale)
        decoder.linear.bias.copy_(mean)
        set_whitening(encoder.whiten, *principal(levels, c.frame_components, bin_weights(c.sample_rate, c.bins)))
        x, y = bands.flatten(0, 1), levels.flatten(0, 1)  # bins from bands by ridge regression
        centred = x - x.mean(dim=0)
        slope = torch.linalg.solve(centred.T @ centred + 10 * torch.eye(c.bands), centred.T @ (y - y.mean(dim=0)))
        decoder.spread.weight.copy_(slope.T)
        decoder.spread.bias.copy_(y.mean(dim=0) - x.mean(dim=0) @ slope)
        for layer in (encoder.out, decoder.out):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        nn.init.normal_(encoder.out.weight[c.mid_dim :], std=0.02)

    def frames(self, waveform: Tensor) -> Frames:
        """What the encoder sees of a waveform (B, 2, N), N a multiple of `samples_per_latent`."""
        return Frames(waveform, self.config)

    def encode(self, waveform: Tensor) -> Tensor:
        """Waveform (B, 2, N) -> latents (B, T, D); the end is padded with silence to a whole latent."""
        frames = self.frames(F.pad(waveform, (0, -waveform.shape[-1] % self.samples_per_latent)))
        return self.encoder(frames.magnitude, frames.stereo)

    def spread(self, mid: Tensor, output: Tensor, hop: int) -> Tensor:
        """The mid (B, N) and what the decoder gave of the side (in `output`) -> both channels (B, 2, N)."""
        c = self.config
        spectrum = frame(mid, c.n_fft, hop)
        filters = mel_bands(c.sample_rate, c.n_fft, c.stereo_bands).to(mid.device)
        shares = filters / filters.sum(dim=1, keepdim=True).clamp_min(1e-6)  # bins between two bands mix them
        bands = shares.T  # (S, F)
        gain, rest = output[..., c.bins :].float().split(c.stereo_bands, dim=-1)
        other = frame(_filtered(mid, _decorrelator(c.sample_rate).to(mid.device)), c.n_fft, hop)
        side_spectrum = spectrum * (gain @ bands) + other * (rest.clamp(*REST).exp() @ bands)
        side = overlap_add(side_spectrum, c.n_fft, hop)
        return torch.stack([mid + side, mid - side], dim=1)


def _filtered(waveform: Tensor, response: Tensor) -> Tensor:
    """Waveform (B, N) convolved with an impulse response (M,), (B, N)."""
    size = waveform.shape[-1] + len(response)
    spectrum = torch.fft.rfft(waveform, size) * torch.fft.rfft(response, size)
    return torch.fft.irfft(spectrum, size)[:, : waveform.shape[-1]]


@lru_cache
def bin_weights(sample_rate: int, bins: int) -> Tensor:
    """How much each STFT bin (bins,) counts: by the slope of the mel scale, so that low bins count most; mean 1."""
    weights = 1 / (700 + torch.linspace(0, sample_rate / 2, bins))
    return weights / weights.mean()


@lru_cache
def _decorrelator(sample_rate: int) -> Tensor:
    """Impulse response (N,) of three all-passes in a row (Schroeder, JAES 1961).

    What it gives has the spectrum of what it is given, and does not sound from the same place.
    """
    response = torch.zeros(round(DECORRELATION * sample_rate))
    response[0] = 1.0
    for delay in (round(seconds * sample_rate) for seconds in DELAYS):
        given, response = response, torch.zeros_like(response)
        for start in range(0, len(given), delay):  # y[n] = x[n - delay] - G x[n] + G y[n - delay], block by block
            here = slice(start, start + delay)
            before = slice(start - delay, min(start, start - delay + len(given[here])))
            response[here] = -FEEDBACK * given[here]
            if start:
                response[here] += given[before] + FEEDBACK * response[before]
    return response
