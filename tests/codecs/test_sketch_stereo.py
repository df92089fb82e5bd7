"""The third sketch codec: what it sees of stereo sound, chunks that equal the whole, files."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

from musicgen_app.codecs.chunks import decode_chunked, encode_chunked
from musicgen_app.codecs.sketch import StereoCodec, StereoCodecConfig, load_codec, save_codec, stereo
from musicgen_app.codecs.sketch.stereo import Frames
from musicgen_app.errors import ModelError

RATE = 8_000
TINY = StereoCodecConfig(
    RATE, n_fft=256, hop=64, frames_per_latent=5, mid_dim=8, stereo_dim=4, bands=16, stereo_bands=4,
    frame_components=16, encoder_width=16, encoder_blocks=1, latent_width=16, latent_blocks=1, decoder_width=16,
    decoder_blocks=1,
)  # fmt: skip


@pytest.fixture
def codec() -> StereoCodec:
    """Random weights, none of them zero."""
    torch.manual_seed(0)
    codec = StereoCodec(TINY).eval().requires_grad_(False)
    for parameter in codec.parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.2)
    return codec


def noise(samples: int) -> torch.Tensor:
    return 0.1 * torch.randn(1, samples, generator=torch.Generator().manual_seed(3))


def test_full_size_and_rate():
    with torch.device("meta"):
        codec = StereoCodec()
    assert (codec.sample_rate, codec.channels, codec.latent_dim, codec.latent_rate) == (48_000, 2, 152, 12.5)
    assert codec.latent_dim * codec.latent_rate <= 2_000  # numbers a second


def test_where_a_sound_stands_is_seen_and_rebuilt(codec):
    wave = noise(RATE)
    for left, right in ((1.0, 1.0), (1.0, 0.0), (0.3, 0.8)):
        placed = torch.stack([left * wave, right * wave], dim=1)
        frames = Frames(placed, TINY)
        gain, rest = frames.stereo.split(TINY.stereo_bands, dim=-1)
        torch.testing.assert_close(gain.median(), torch.tensor((left - right) / (left + right)), atol=0.02, rtol=0)
        assert rest.max() < -3  # the side has nothing of its own
        levels = frames.magnitude.add(TINY.floor).log()
        back = codec.spread(placed.mean(dim=1), torch.cat([levels, frames.stereo], dim=-1), codec.config.hop)
        for ours, theirs in zip(back[0], placed[0], strict=True):
            assert (ours - theirs).square().mean() < 0.01 * placed.square().mean()


def test_width_of_its_own_is_seen_and_rebuilt(codec):
    mid, side = noise(2 * RATE), noise(2 * RATE).flip(-1)
    wide = torch.stack([mid + 0.5 * side, mid - 0.5 * side], dim=1)
    frames = Frames(wide, TINY)
    gain, rest = frames.stereo.split(TINY.stereo_bands, dim=-1)
    assert gain.abs().mean() < 0.2 and rest.mean() == pytest.approx(math.log(0.5), abs=0.15)
    levels = frames.magnitude.add(TINY.floor).log()
    back = codec.spread(mid, torch.cat([levels, frames.stereo], dim=-1), codec.config.hop)
    torch.testing.assert_close(back.mean(dim=1), mid)
    power = ((back[:, 0] - back[:, 1]) / 2).square().mean() / (0.5 * side).square().mean()
    assert 0.7 < power < 1.4


def test_the_filters_of_the_side_change_no_spectrum():
    response = stereo._decorrelator(48_000)
    assert torch.fft.rfft(response).abs().std() < 0.01 and response[-200:].abs().max() < 2e-4


@pytest.mark.parametrize("samples", [1, 319, 320, 5_000])
def test_shapes_for_any_length(codec, samples):
    latents = codec.encode(torch.randn(2, 2, samples))
    assert latents.shape == (2, -(-samples // 320), 12)
    waveform = codec.decode(latents)
    assert waveform.shape == (2, 2, latents.shape[1] * 320) and torch.isfinite(waveform).all()


@pytest.mark.parametrize("chunk", [7, 20])
def test_chunks_equal_the_whole(codec, chunk):
    wave = torch.randn(1, 2, 320 * 50, generator=torch.Generator().manual_seed(1))
    latents = codec.encode(wave)
    whole = codec.decode(latents)
    codec.chunk = chunk
    torch.testing.assert_close(encode_chunked(codec, wave), latents, atol=1e-5, rtol=0)
    torch.testing.assert_close(decode_chunked(codec, latents), whole, atol=1e-4, rtol=0)


def test_files_round_trip_and_refuse_what_does_not_fit(codec, tmp_path):
    save_codec(codec, tmp_path, [{"name": "x", "licence": "CC0-1.0", "hours": 1}])
    again = load_codec(tmp_path)
    assert again.config == TINY
    for ours, theirs in zip(again.parameters(), codec.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-3, rtol=1e-3)
    facts = json.loads((tmp_path / "config.json").read_text())
    for change in ({"kind": "sketch"}, {"hop": None}, {"colour": 1}, {"bands": 17}):
        (tmp_path / "config.json").write_text(json.dumps(facts | change))
        with pytest.raises(ModelError):
            load_codec(tmp_path)
    with pytest.raises(ValueError):
        codec.prepare(torch.float16)


def test_it_starts_as_principal_components_of_bands():
    torch.manual_seed(0)
    codec = StereoCodec(TINY).eval()
    tones = torch.stack([0.3 * torch.sin(torch.arange(320 * 12) * f) for f in torch.linspace(0.05, 2, 40)])
    waves = torch.stack([tones, tones], dim=1) + 0.001 * torch.randn(40, 2, 320 * 12)
    frames = codec.frames(waves)
    codec.initialise(frames.magnitude)
    with torch.no_grad():
        latents = codec.encoder(frames.magnitude, frames.stereo)[..., : TINY.mid_dim]
        rebuilt = codec.decoder.linear(latents)
    assert latents.flatten(0, 1).std(dim=0).mean() == pytest.approx(1.0, abs=0.05)
    bands = stereo.band_levels(frames.magnitude, TINY)
    spread = bands - bands.mean(dim=(0, 1))
    assert (rebuilt.reshape(bands.shape) - bands).square().mean() < 0.2 * spread.square().mean()


def test_latents_of_the_side_count_beside_those_of_the_mid(codec):
    """A channel that only moves the side has a weight, and one that moves nothing has none."""
    audible = codec.audibility
    assert audible.shape == (codec.config.bins + 2 * codec.config.stereo_bands,) and (audible > 0).all()
    assert audible[: codec.config.bins].mean() == pytest.approx(1)

    class OnlyTheSide(torch.nn.Module):
        def forward(self, latents: torch.Tensor) -> torch.Tensor:
            output = torch.zeros(*latents.shape[:2], len(audible))
            output[..., -2 * codec.config.stereo_bands :] = latents[..., :1]
            return output

    from ttm_trainer.prepare.latent_statistics import channel_weights

    codec.decoder = OnlyTheSide()
    weights = channel_weights(codec, np.zeros((4, codec.latent_dim)), np.ones(codec.latent_dim))
    assert weights[0] == codec.latent_dim and not weights[1:].any()
