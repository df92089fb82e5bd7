"""The sketch codec: STFT pair, phase reconstruction, shapes, files."""

from __future__ import annotations

import pytest
import torch

from musicgen_app.codecs.sketch import (
    SketchCodec,
    SketchCodecConfig,
    frame,
    load_codec,
    overlap_add,
    reconstruct,
    save_codec,
)
from musicgen_app.errors import ModelError

TINY = SketchCodecConfig(
    8_000, n_fft=256, hop=64, latent_dim=8, frame_components=16, encoder_width=16, encoder_blocks=1,
    latent_width=16, latent_blocks=1, decoder_width=16, decoder_blocks=1,
)  # fmt: skip


def tone(frequency: float, seconds: float = 1.0, rate: int = 32_000) -> torch.Tensor:
    return 0.5 * torch.sin(2 * torch.pi * frequency * torch.arange(int(seconds * rate)) / rate)


def test_overlap_add_inverts_frame():
    wave = torch.randn(2, 64 * 40)
    torch.testing.assert_close(overlap_add(frame(wave, 256, 64), 256, 64), wave, atol=1e-5, rtol=0)


@pytest.mark.parametrize("frequency", [110.0, 441.7, 3000.0])
def test_phase_reconstruction_keeps_a_tone_where_it_was(frequency):
    wave = tone(frequency)[None, : 512 * 60]
    rebuilt = reconstruct(frame(wave, 2048, 512).abs(), 2048, 512, 12)[0, 8192:-8192]
    spectrum = torch.fft.rfft(rebuilt * torch.hann_window(len(rebuilt)), n=2**17).abs()
    assert spectrum.argmax().item() * 32_000 / 2**17 == pytest.approx(frequency, abs=1.0)
    assert rebuilt.square().mean().sqrt().item() == pytest.approx(0.5 / 2**0.5, rel=0.15)


def test_more_iterations_bring_magnitudes_nearer():
    torch.manual_seed(0)
    wave = (tone(220) + 0.3 * tone(1234) + 0.05 * torch.randn(32_000))[None, : 512 * 60]
    wanted = frame(wave, 2048, 512).abs()

    def error(iterations: int) -> float:
        return (frame(reconstruct(wanted, 2048, 512, iterations), 2048, 512).abs() - wanted).norm().item()

    assert error(12) < 0.6 * error(0)


@pytest.mark.parametrize("samples", [1, 319, 320, 321, 8_000])
def test_shapes_for_any_length(samples):
    codec = SketchCodec(TINY).eval()
    latents = codec.encode(torch.randn(2, 1, samples))
    frames = -(-samples // 320)
    assert latents.shape == (2, frames, 8)
    wave = codec.decode(latents)
    assert wave.shape == (2, 1, frames * 320)
    assert torch.isfinite(wave).all()


def test_default_size_and_rate():
    codec = SketchCodec()
    assert (codec.sample_rate, codec.latent_rate, codec.latent_dim) == (32_000, 12.5, 64)


def test_decoding_alone_equals_decoding_in_a_batch():
    codec = SketchCodec(TINY).eval()
    latents = torch.randn(3, 10, 8)
    with torch.inference_mode():
        torch.testing.assert_close(codec.decode(latents)[1:2], codec.decode(latents[1:2]), atol=1e-4, rtol=1e-3)


def test_files_round_trip_and_refuse_what_does_not_fit(tmp_path):
    codec = SketchCodec(TINY).eval()
    save_codec(codec, tmp_path)
    loaded = load_codec(tmp_path)
    latents = torch.randn(1, 5, 8)
    torch.testing.assert_close(loaded.decoder(latents), codec.decoder(latents), atol=2e-2, rtol=2e-2)  # 16-bit file
    with pytest.raises(ModelError, match="SHA-256"):
        load_codec(tmp_path, "0" * 64)
    (tmp_path / "config.json").write_text('{"kind": "sketch", "latent_dim": 9, "data": []}')
    with pytest.raises(ModelError, match="does not fit"):
        load_codec(tmp_path)
    (tmp_path / "config.json").write_text('{"kind": "other"}')
    with pytest.raises(ModelError, match="not a sketch codec"):
        load_codec(tmp_path)
