"""The ACE-Step v1 codec (arXiv 2506.00045): 44.1 kHz stereo <-> 128 numbers, 10.77 times a second.

waveform (B, 2, N) -> log-mel of each channel (B, 2, 128, 8T) -> DCAE encoder (B, 8, 16, T) -> latents (B, T, 128)
-> DCAE decoder -> log-mel -> vocoder, each channel alone -> waveform (B, 2, 4096 T)

The DCAE is diffusers' `AutoencoderDC`, a picture autoencoder that sees a stereo mel spectrogram as a picture with two
colours; its `scaling_factor` is not used. The vocoder is in `vocoder`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...errors import ModelError
from ...models.bundle import load_state, load_strict
from .dcae import FastDecoder
from .vocoder import Vocoder, VocoderConfig, windows

if TYPE_CHECKING:
    from diffusers import AutoencoderDC

DCAE, VOCODER = "music_dcae_f8c8", "music_vocoder"  # the public folders
CONFIG, WEIGHTS = "config.json", "diffusion_pytorch_model.safetensors"
MEL_LOW, MEL_HIGH = -11.0, 3.0  # log-mel that becomes -1 and 1
LATENT_SHIFT, LATENT_SCALE = -1.9091, 0.1786
VOCODER_FRAMES = 2048  # mel frames (24 s) that go through the vocoder at once
_REMEDY = "get the files with `ttm-app models download acestep-v1`"
_DECODER = {  # what `FastDecoder` computes
    "decoder_norm_types": "rms_norm",
    "decoder_act_fns": "silu",
    "decoder_conv_act_fn": "relu",
    "decoder_in_shortcut": True,
    "upsample_block_type": "interpolate",
}


class AceStepV1(nn.Module):
    """See the module docstring. Follows the `Codec` protocol; `load` reads the public files.

    Long clips are decoded in windows. The vocoder's windows see all that they depend on, so they change nothing. The
    DCAE attends over its whole input, so its windows of `chunk` + 2 x `context` latents change the sound a little: by
    31 dB less than the sound itself on 60 s of random latents with random weights, the hardest case.
    """

    channels = 2
    chunk, context = 384, 64

    def __init__(self, dcae: AutoencoderDC, vocoder: Vocoder):
        super().__init__()
        self.decoder: nn.Module
        self.encoder, self.decoder, self.vocoder = dcae.encoder, dcae.decoder, vocoder
        config: Any = dcae.config
        self.frames_per_latent = 2 ** (len(config.encoder_block_out_channels) - 1)
        self.rows = vocoder.config.n_mels // self.frames_per_latent  # of the latent picture
        self.latent_dim = config.latent_channels * self.rows
        self.sample_rate = vocoder.config.sampling_rate
        self.samples_per_latent = vocoder.config.hop_length * self.frames_per_latent
        self.latent_rate = self.sample_rate / self.samples_per_latent

    @classmethod
    def load(cls, folder: str | os.PathLike) -> Self:
        """The codec in a local copy of the public folders, in eval mode. ModelError: a file is missing or does not fit.

        Weights stay mapped as they are in the files (16-bit) until `prepare` or `encode` makes the working copy.
        """
        folder = Path(folder)
        with torch.device("meta"):
            dcae = _build_dcae(folder / DCAE)
            vocoder = _build_vocoder(folder / VOCODER)
        _load_weights(dcae, folder / DCAE / WEIGHTS)
        _load_weights(vocoder, folder / VOCODER / WEIGHTS)
        _check_mel(vocoder, folder / VOCODER / WEIGHTS)
        return cls(dcae, vocoder).eval().requires_grad_(False)

    def encode(self, waveform: Tensor) -> Tensor:
        """Waveform (B, 1 or 2, N) -> latents (B, T, 128), T = ceil(N / 4096); the end is padded with silence."""
        self.encoder.float()
        waveform = F.pad(waveform.float().expand(-1, 2, -1), (0, -waveform.shape[-1] % self.samples_per_latent))
        mel = self.vocoder.mel_transform(waveform.flatten(0, 1)).unflatten(0, (-1, 2))
        picture = (mel - MEL_LOW) / (MEL_HIGH - MEL_LOW) * 2 - 1
        latents = (self.encoder(picture) - LATENT_SHIFT) * LATENT_SCALE  # (B, 8, 16, T)
        return latents.flatten(1, 2).transpose(1, 2)

    def decode(self, latents: Tensor) -> Tensor:
        """Latents (B, T, 128) -> waveform (B, 2, 4096 T), float32."""
        return torch.cat(list(self._decode(latents, latents.shape[1])), dim=-1)

    def decode_chunks(self, latents: Tensor) -> Iterator[Tensor]:
        """Latents (B, T, 128) -> pieces of the waveform (B, 2, n), in order, in flat memory.

        The same as `decode` up to `chunk` + 2 x `context` latents (47.6 s).
        """
        return self._decode(latents, self.chunk + 2 * self.context)

    def prepare(self, dtype: torch.dtype) -> None:
        """Fold the weight norm and rearrange the decoder, in place; from then on it computes in `dtype`."""
        if isinstance(self.decoder, FastDecoder):
            raise RuntimeError("the codec is prepared already; load it again for another dtype")
        self.decoder = FastDecoder(self.decoder, dtype)
        self.vocoder.prepare(dtype)

    def decoder_module(self) -> nn.Module:
        """Latents (B, T, 128) -> waveform (B, 2, 4096 T), for export: all of it at once, whatever T is."""
        self._ensure_prepared()
        return _Network(self)

    def finish(self, output: Tensor) -> Tensor:
        """The network gives the waveform itself."""
        return output

    def _ensure_prepared(self) -> None:
        if not isinstance(self.decoder, FastDecoder):
            self.prepare(torch.float32)

    def _mel(self, latents: Tensor) -> Tensor:
        """Latents (B, T, 128) -> log-mel (B, 2, 128, 8T)."""
        picture = self.decoder(latents.transpose(1, 2).unflatten(1, (-1, self.rows)) / LATENT_SCALE + LATENT_SHIFT)
        return (picture + 1) / 2 * (MEL_HIGH - MEL_LOW) + MEL_LOW

    def _decode(self, latents: Tensor, size: int) -> Iterator[Tensor]:
        """Pieces of the waveform; the DCAE sees windows of `size` latents. Mel frames are kept until the end."""
        self._ensure_prepared()
        batch, count = latents.shape[:2]
        ratio, hop = self.frames_per_latent, self.vocoder.config.hop_length
        mel = torch.empty(batch, 2, self.vocoder.config.n_mels, count * ratio, device=latents.device)
        ready = 0  # mel frames
        parts = windows(count, size, self.context)
        for first, last, start, stop in windows(count * ratio, VOCODER_FRAMES, self.vocoder.config.context):
            while ready < last:
                left, right, begin, end = next(parts)
                piece = self._mel(latents[:, left:right].float())
                mel[..., begin * ratio : end * ratio] = piece[..., (begin - left) * ratio : (end - left) * ratio]
                ready = end * ratio
            sound = self.vocoder(mel[..., first:last].flatten(0, 1), tiled=True).unflatten(0, (batch, 2))[:, :, 0]
            yield sound[..., (start - first) * hop : (stop - first) * hop]


class _Network(nn.Module):
    """The decoder of a codec as one plain function of the latents."""

    def __init__(self, codec: AceStepV1):
        super().__init__()
        self.codec = codec

    def forward(self, latents: Tensor) -> Tensor:
        mel = self.codec._mel(latents)
        return self.codec.vocoder(mel.flatten(0, 1)).unflatten(0, (-1, 2))[:, :, 0]


def _build_dcae(folder: Path) -> AutoencoderDC:
    from diffusers import AutoencoderDC

    with _explained(folder / CONFIG):
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        for key, value in _DECODER.items():
            found = config.get(key, value)
            if any(item != value for item in (found if isinstance(found, list) else [found])):
                raise ValueError(f"{key} is {found!r}, not {value!r}")
        widths = config["decoder_block_out_channels"]
        if any(after != 2 * before for before, after in pairwise(widths)):
            raise ValueError(f"decoder_block_out_channels is {widths}, not doubling")
        return AutoencoderDC.from_config(config)


def _build_vocoder(folder: Path) -> Vocoder:
    with _explained(folder / CONFIG):
        return Vocoder(VocoderConfig.read(folder / CONFIG))


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn what goes wrong with a configuration into a ModelError."""
    try:
        yield
    except FileNotFoundError:
        raise ModelError(f"{path} is missing: {_REMEDY}") from None
    except (OSError, ArithmeticError, LookupError, RuntimeError, TypeError, ValueError, AttributeError) as error:
        reason = " ".join(str(error).split())
        raise ModelError(f"{path} does not describe this codec ({reason}): {_REMEDY}") from error


def _load_weights(module: nn.Module, path: Path) -> None:
    """Put the tensors of a file in place of those of `module`, as they are. ModelError: do not fit, or not numbers."""
    state = {_plain_name(name): tensor for name, tensor in load_state(path).items()}
    for name, tensor in state.items():
        if tensor.dtype not in (torch.float16, torch.bfloat16, torch.float32):
            raise ModelError(f"{path}: {name} is {tensor.dtype}, not a floating-point weight: {_REMEDY}")
        if not tensor.sum(dtype=torch.float32).isfinite():
            raise ModelError(f"{path}: {name} holds values that are not finite: {_REMEDY}")
    load_strict(module, state, path, assign=True)


def _plain_name(name: str) -> str:
    """The name of a weight-normed tensor before PyTorch 2.0, which newer files may have under its newer one."""
    name = name.replace("parametrizations.weight.original0", "weight_g")
    return name.replace("parametrizations.weight.original1", "weight_v")


def _check_mel(vocoder: Vocoder, path: Path) -> None:
    """Make the mel buffers of the file float32. ModelError: they are not what the configuration says (in 16 bits)."""
    expected = vocoder.config.mel_transform().state_dict()
    for name, found in vocoder.mel_transform.float().state_dict().items():
        if not torch.allclose(found, expected[name], rtol=0.01, atol=0.01 * expected[name].max().item()):
            raise ModelError(f"{path}: mel_transform.{name} is not that of {CONFIG}: {_REMEDY}")
