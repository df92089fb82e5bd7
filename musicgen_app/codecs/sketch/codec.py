"""What all editions of the sketch codec share: magnitudes are coded, phases are rebuilt; chunks; files."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..chunks import OnChunk, spans
from .networks import KERNEL
from .phases import close_turns, count_turns, reconstruct

CHUNK_SECONDS = 60.0  # decoded at once: some 300 MB


class SpectrumCodec(nn.Module):
    """A codec of STFT magnitudes; follows the `Codec` protocol.

    Everything but the starting phases depends on a bounded stretch of the clip. So a long clip is decoded in chunks
    that see this stretch on either side, and each chunk hands on to the next how far its phases have turned.
    """

    kind: ClassVar[str]  # in `config.json`
    channels: ClassVar[int]
    loudest: ClassVar[float]  # natural log of the largest magnitude that is decoded
    sums: ClassVar[int] = 1  # how often frames are laid over one another after the phases are made
    memory: ClassVar[float] = 0.0  # seconds for which what is made then remembers

    def __init__(self, config: Any, latent_dim: int, encoder: nn.Module, decoder: nn.Module):
        super().__init__()
        self.config = config
        self.sample_rate: int = config.sample_rate
        self.latent_dim = latent_dim
        self.samples_per_latent: int = config.hop * config.frames_per_latent
        self.latent_rate = config.sample_rate / self.samples_per_latent
        self.chunk = round(CHUNK_SECONDS * self.latent_rate)
        self.encoder, self.decoder = encoder, decoder

    @property
    def phase_context(self) -> int:
        """Latents on either side that a frame of the waveform depends on."""
        return math.ceil(self._phase_context(self.config.hop) / self.config.frames_per_latent)

    def _phase_context(self, hop: int) -> int:
        """The same in frames that are `hop` samples apart.

        One overlap of frames for each iteration of the phases and for each of `sums`, and `memory`.
        """
        c = self.config
        overlap = -(-c.n_fft // hop) - 1
        return (c.phase_iterations + self.sums) * overlap + math.ceil(self.memory * c.sample_rate / hop)

    @property
    def context(self) -> int:
        """Latents on either side beyond which nothing changes what is decoded, or encoded."""
        c, reach = self.config, KERNEL // 2
        frames_to_encode = c.n_fft // c.hop + reach * c.encoder_blocks
        frames_to_decode = reach * c.decoder_blocks
        encode = math.ceil(frames_to_encode / c.frames_per_latent) + reach * c.latent_blocks
        decode = math.ceil(frames_to_decode / c.frames_per_latent) + reach * c.latent_blocks + 1
        return max(encode, decode + self.phase_context)

    @property
    def audibility(self) -> Tensor:
        """How much each number that the decoder gives of a frame counts for the ear: (F,), or (F + 2S,) with a side."""
        return torch.ones(self.config.n_fft // 2 + 1)

    def encode(self, waveform: Tensor) -> Tensor:
        """Waveform (B, channels, N) -> latents (B, T, D); the end is padded with silence to a whole latent."""
        raise NotImplementedError

    def decode(self, latents: Tensor) -> Tensor:
        """Latents (B, T, D) -> waveform (B, channels, T * samples_per_latent), float32."""
        return self.finish(self.decoder(latents))

    def decode_chunks(self, latents: Tensor) -> Iterator[Tensor]:
        """Latents (B, T, D) -> waveform (B, channels, n) of one chunk after the other; together what `decode` gives."""
        return self.decode_chunks_with(self.decoder, latents)

    def decode_chunks_with(self, network: Callable[[Tensor], Tensor], latents: Tensor) -> Iterator[Tensor]:
        """`decode_chunks` with another network in the place of the decoder's (an ONNX session)."""
        c, ratio, near = self.config, self.config.frames_per_latent, self.phase_context
        before: Tensor | float = 0.0
        for start, stop in spans(latents.shape[1], self.chunk):
            seen, first = max(0, start - self.context), max(0, start - near)  # by the network, by the phases
            output = network(latents[:, seen : stop + self.context])
            output = output[:, (first - seen) * ratio : (stop + near - seen) * ratio]
            magnitude = self.magnitude(output)
            turns = count_turns(magnitude, c.n_fft, c.hop, before)
            passed = (max(0, stop - near) - first) * ratio  # frames that the next chunk does not see
            before = turns[:, passed - 1] if passed else before
            mid = reconstruct(magnitude, c.n_fft, c.hop, c.phase_iterations, turns)
            hop = self.samples_per_latent
            yield self.spread(mid, output, c.hop)[..., (start - first) * hop : (stop - first) * hop]

    def loop_samples(self, latents: int, samples: int) -> int:
        """How many samples `decode_loop` makes of so many latents, for a loop of so many samples: at most 0.1 % off."""
        frames = latents * self.config.frames_per_latent
        return frames * max(1, round(samples / frames))

    def decode_loop(self, latents: Tensor, samples: int, on_chunk: OnChunk | None = None) -> Tensor:
        """Latents (B, T, D) of loops -> waveform (B, channels, loop_samples(T, samples)), which begins where it ends.

        The frames lie a little closer or wider than they were coded, so that they fill the loop at their own pitch.
        """
        return self.decode_loop_with(self.decoder, latents, samples, on_chunk)

    def decode_loop_with(
        self, network: Callable[[Tensor], Tensor], latents: Tensor, samples: int, on_chunk: OnChunk | None = None
    ) -> Tensor:
        """`decode_loop` with another network in the place of the decoder's (an ONNX session)."""
        c, ratio, total = self.config, self.config.frames_per_latent, latents.shape[1]
        hop = self.loop_samples(total, samples) // (total * ratio)
        near, wide = self._phase_context(hop), self.context * ratio  # frames
        before: Tensor | float = 0.0
        outputs, turns, pieces = [], [], []
        for start, stop in spans(total, self.chunk):
            seen = network(latents[:, _places(start - self.context, stop + self.context, total)])
            outputs.append(seen[:, wide : wide + (stop - start) * ratio])
            turns.append(count_turns(self.magnitude(outputs[-1]), c.n_fft, hop, before))
            before = turns[-1][:, -1]
        output, closed = torch.cat(outputs, dim=1), close_turns(torch.cat(turns, dim=1))
        for start, stop in spans(total, self.chunk):
            around = _places(start * ratio - near, stop * ratio + near, total * ratio)
            seen = output[:, around]
            mid = reconstruct(self.magnitude(seen), c.n_fft, hop, c.phase_iterations, closed[:, around])
            pieces.append(self.spread(mid, seen, hop)[..., near * hop : (near + (stop - start) * ratio) * hop])
            if on_chunk:
                on_chunk(stop, total)
        return torch.cat(pieces, dim=-1)

    def decoder_module(self) -> nn.Module:
        """The decoder network: latents (B, T, D) -> what `finish` takes."""
        return self.decoder

    def finish(self, output: Tensor) -> Tensor:
        """What the decoder gives -> waveform (B, channels, T * samples_per_latent)."""
        c = self.config
        return self.spread(reconstruct(self.magnitude(output), c.n_fft, c.hop, c.phase_iterations), output, c.hop)

    def magnitude(self, output: Tensor) -> Tensor:
        """What the decoder gave -> STFT magnitude (B, frames, F); what is at the floor is silence."""
        levels = output[..., : self.config.n_fft // 2 + 1].float().clamp(max=self.loudest)
        return F.threshold(levels.exp() - self.config.floor, 1e-6, 0.0)

    def spread(self, mid: Tensor, output: Tensor, hop: int) -> Tensor:
        """The mean of the channels (B, N), and what the decoder gave -> all channels (B, channels, N).

        hop: samples from one frame to the next.
        """
        raise NotImplementedError

    def prepare(self, dtype: torch.dtype) -> None:
        """Keep the large matrices of the decoder in `dtype`; everything between them stays float32.

        Where the processor multiplies bfloat16, that takes a third of the time. It changes the log-magnitudes by 0.0015
        (root mean square; 0.02 at most), where the codec's own error is 0.25. The phases differ and are no worse.
        """
        if dtype not in (torch.float32, torch.bfloat16):
            raise ValueError(f"the sketch codec decodes in float32 or bfloat16, not {dtype}")
        decoder: Any = self.decoder
        for block in (*decoder.latents, *decoder.frames):
            block.up.to(dtype)
            block.down.to(dtype)
        decoder.split.to(dtype)
        decoder.out.to(dtype)


def _places(start: int, stop: int, total: int) -> Tensor:
    """Places (stop - start,) in a loop of `total`, from `start`, which may lie before it, to `stop`."""
    return torch.arange(start, stop) % total


def save_codec(codec: SpectrumCodec, folder: Path, data: list[dict] | None = None) -> None:
    """Write `config.json` and `model.safetensors` (16-bit floats) into `folder` (made if missing).

    `data` says what it was trained on: [{"name", "licence", "hours"}].
    """
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    config = {"kind": codec.kind, **asdict(codec.config), "data": data or []}
    (folder / "config.json").write_bytes((json.dumps(config, indent=2) + "\n").encode())
    state = {name: tensor.detach().half().contiguous() for name, tensor in codec.state_dict().items()}
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
