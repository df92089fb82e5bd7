"""Chunked encoding and decoding, with a codec whose every latent and sample depends on a known neighbourhood."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from musicgen_app.codecs.chunks import decode_chunked, encode_chunked, spans

REACH = 3


class Blur:
    """Averages over REACH latents to either side; 4 samples per latent, 2 channels of 5 numbers. Notes its windows."""

    sample_rate, channels, latent_dim, latent_rate, samples_per_latent = 8, 2, 5, 2.0, 4

    def __init__(self, chunk: int = 16, context: int = REACH):
        self.chunk, self.context, self.windows = chunk, context, []

    def blur(self, x: torch.Tensor) -> torch.Tensor:
        self.windows.append(x.shape[1])
        return F.avg_pool1d(F.pad(x, (0, 0, REACH, REACH)).transpose(1, 2), 2 * REACH + 1, 1).transpose(1, 2)

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        return self.blur(latents)[..., : self.channels].repeat_interleave(4, dim=1).transpose(1, 2)

    def encode(self, waveform: torch.Tensor) -> torch.Tensor:
        waveform = F.pad(waveform, (0, -waveform.shape[-1] % 4))
        return self.blur(waveform.mean(1).unflatten(-1, (-1, 4)).mean(-1, keepdim=True).expand(-1, -1, 5))


class Running(Blur):
    """A decoder whose pieces, of 7 latents, cannot be computed apart."""

    def decode_chunks(self, latents: torch.Tensor):
        for start in range(0, latents.shape[1], 7):
            yield latents[:, start : start + 7, :2].repeat_interleave(4, dim=1).transpose(1, 2)


@pytest.mark.parametrize("frames", [1, 15, 16, 20, 21, 33, 100])
def test_chunked_equals_whole(frames):
    torch.manual_seed(frames)
    latents, waveform = torch.randn(2, frames, 5), torch.randn(2, 2, frames * 4 - 3)
    assert torch.equal(decode_chunked(Blur(), latents), Blur().decode(latents))
    assert torch.equal(encode_chunked(Blur(), waveform), Blur().encode(waveform))
    assert encode_chunked(Blur(), waveform).shape == (2, frames, 5)


def test_too_little_context_shows():
    latents, waveform = torch.randn(1, 40, 5), torch.randn(1, 2, 160)
    short = Blur(context=REACH - 1)
    assert not torch.allclose(decode_chunked(short, latents), Blur().decode(latents))
    assert not torch.allclose(encode_chunked(short, waveform), Blur().encode(waveform))


def test_windows_do_not_grow_with_the_clip():
    for frames in (50, 500):
        codec = Blur()
        decode_chunked(codec, torch.zeros(1, frames, 5))
        encode_chunked(codec, torch.zeros(1, 2, frames * 4))
        assert max(codec.windows) <= 16 + 16 // 4 + 2 * REACH


@pytest.mark.parametrize("total", [0, 1, 8, 9, 10, 11, 16, 17, 31, 100])
def test_spans_cover_everything_once(total):
    parts = list(spans(total, 8))
    assert [n for start, stop in parts for n in range(start, stop)] == list(range(total))
    assert all(8 // 4 < stop - start <= 8 + 8 // 4 for start, stop in parts if total > 8)
    assert len(parts) <= 1 or total > 10


def test_a_codec_with_a_running_state_decodes_its_own_chunks():
    latents, seen = torch.randn(1, 20, 5), []
    codec = Running()
    output = decode_chunked(codec, latents, lambda *done: seen.append(done))
    assert torch.equal(output[0, 0, ::4], latents[0, :, 0])
    assert seen == [(7, 20), (14, 20), (20, 20)]
    assert codec.windows == []  # `decode` was not asked


@pytest.mark.parametrize("run", [lambda *a: decode_chunked(Blur(), torch.zeros(1, 40, 5), *a),
                                 lambda *a: encode_chunked(Blur(), torch.zeros(1, 2, 157), *a)])  # fmt: skip
def test_every_chunk_is_reported_and_may_stop_the_work(run):
    seen = []
    run(lambda *done: seen.append(done))
    assert seen == [(16, 40), (32, 40), (40, 40)]

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(stop)


def test_no_gradients_are_kept():
    latents = torch.zeros(1, 40, 5, requires_grad=True)
    assert not decode_chunked(Blur(), latents).requires_grad
