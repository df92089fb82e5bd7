"""MMAudio's 16 kHz codec: layers against their definitions, files in the public layout, lengths, chunks, faults."""

from __future__ import annotations

import math

import onnxruntime
import pytest
import torch
from scipy.signal import firwin, kaiser_atten, kaiser_beta

from musicgen_app.codecs.chunks import decode_chunked, encode_chunked
from musicgen_app.codecs.mmaudio.bigvgan import BigVGAN, LowPass, SnakeBeta, Upsample, low_pass
from musicgen_app.codecs.mmaudio.codec import (
    VAE,
    AttentionBlock,
    MMAudio16k,
    effective_weight,
    pixel_norm,
    residual,
    save,
    silu,
)
from musicgen_app.codecs.onnx import OPSET
from musicgen_app.errors import ModelError
from support.codec_files import write_mmaudio


@pytest.fixture(scope="module")
def codec(tmp_path_factory) -> MMAudio16k:
    return MMAudio16k.from_public(write_mmaudio(tmp_path_factory.mktemp("mmaudio")))


def test_full_size_has_the_published_shapes():
    with torch.device("meta"):
        vocoder, vae = BigVGAN(), VAE()
    assert sum(p.numel() for p in vocoder.parameters()) == 112_231_250
    shapes = {name: tuple(value.shape) for name, value in vae.state_dict().items()}
    assert shapes["encoder.conv_out.weight"] == (40, 1536, 3)
    assert shapes["decoder.up.1.upsample.conv.weight"] == (768, 768, 3)
    assert shapes["encoder.down.0.downsample.conv2.weight"] == (384, 384, 1)
    assert shapes["decoder.up.0.block.0.nin_shortcut.weight"] == (384, 768, 1)
    assert shapes["decoder.mid.attn_1.qkv.weight"] == (4608, 1536, 1)


def test_layers_keep_the_variance():
    torch.manual_seed(0)
    x = torch.randn(4, 256, 200)
    weight = effective_weight(7 * torch.randn(64, 256, 3))
    assert torch.nn.functional.conv1d(x, weight).var() == pytest.approx(1, abs=0.05)
    assert residual(x, torch.randn_like(x)).var() == pytest.approx(1, abs=0.02)
    assert silu(torch.randn(100_000)).square().mean() == pytest.approx(1, abs=0.02)
    assert pixel_norm(5 * x).square().mean(dim=1) == pytest.approx(torch.ones(4, 200), abs=1e-3)


def test_low_pass_is_the_kaiser_window_design():
    width, half_transition = 12, 0.3
    beta = kaiser_beta(kaiser_atten(width // 2, 4 * half_transition))
    assert low_pass().flatten().numpy() == pytest.approx(firwin(width, 0.5, window=("kaiser", beta)), abs=1e-6)


def test_resampling_keeps_length_level_and_low_tones():
    tone = torch.sin(2 * math.pi * 0.05 * torch.arange(400.0))[None, None, None].repeat(1, 3, 1, 1)
    doubled = Upsample()(tone)
    assert doubled.shape == (1, 3, 1, 800)
    assert Upsample()(torch.ones(1, 1, 1, 50)) == pytest.approx(torch.ones(1, 1, 1, 100), abs=0.02)
    back = LowPass()(doubled)
    assert back.shape == tone.shape
    assert (back - tone)[..., 20:-20].abs().max() < 0.02


def test_snake_beta_formula():
    snake = SnakeBeta(2)
    snake.alpha.data, snake.beta.data = torch.tensor([0.0, 1.0]), torch.tensor([0.5, -0.5])
    x = torch.linspace(-2, 2, 9).expand(1, 2, 1, 9)
    expected = [v + math.sin(v * math.e) ** 2 / math.exp(-0.5) for v in x[0, 1, 0].tolist()]
    assert snake(x)[0, 1, 0].detach() == pytest.approx(torch.tensor(expected), abs=1e-5)


@pytest.mark.parametrize("samples, frames", [(1, 1), (512, 1), (513, 2), (16_000, 32)])
def test_lengths(codec, samples, frames):
    latents = codec.encode(0.1 * torch.randn(2, 1, samples))
    assert latents.shape == (2, frames, 20)
    assert codec.decode(latents).shape == (2, 1, 512 * frames)


def test_both_ways_of_naming_weight_norm_load(codec, tmp_path):
    other = MMAudio16k.from_public(write_mmaudio(tmp_path, newer_names=True))
    latents = torch.randn(1, 4, 20)
    assert torch.equal(other.decode(latents), codec.decode(latents))


def test_a_louder_band_of_the_input_is_the_louder_band_of_the_mel(codec):
    tone = torch.sin(2 * math.pi * 1000 * torch.arange(16_000) / 16_000)[None]
    mel = codec.mel(tone)
    assert mel.shape == (1, 80, 62)
    peak = mel[0].mean(dim=1).argmax().item()
    assert 26 <= peak <= 27  # 1 kHz is 15 of the 45.2 mels up to 8 kHz, so band 15 / 45.2 * 81 - 1


def test_prepared_equals_unprepared(tmp_path):
    codec, latents = MMAudio16k.from_public(write_mmaudio(tmp_path)), torch.randn(1, 6, 20)
    expected = codec.decode(latents)
    codec.prepare(torch.float32)
    assert (codec.decode(latents) - expected).norm() < 1e-4 * expected.norm()


@pytest.mark.slow
def test_chunked_is_close_to_whole(codec, monkeypatch):
    """Not equal: the one attention layer of either half sees the chunk and its context instead of the whole clip."""
    monkeypatch.setattr(MMAudio16k, "chunk", 64)
    monkeypatch.setattr(MMAudio16k, "context", 32)
    latents = torch.randn(1, 200, 20)
    whole, pieces = codec.decode(latents), decode_chunked(codec, latents)
    assert (whole - pieces).norm() < 0.2 * whole.norm()
    waveform = 0.1 * torch.randn(1, 1, 100 * 512)
    whole, pieces = codec.encode(waveform), encode_chunked(codec, waveform)
    assert (whole - pieces).norm() < 0.2 * whole.norm()


@pytest.mark.slow
def test_its_attention_runs_in_onnx(tmp_path):
    """The one layer that the exporter is particular about; the whole network takes it half a minute to trace."""
    attention, x = AttentionBlock(32).eval(), torch.randn(1, 32, 7)
    torch.onnx.export(attention, (x,), tmp_path / "attention.onnx", dynamo=True, opset_version=OPSET, verbose=False)
    (found,) = onnxruntime.InferenceSession(tmp_path / "attention.onnx").run(None, {"x": x.numpy()})
    torch.testing.assert_close(torch.from_numpy(found), attention(x), atol=1e-5, rtol=1e-5)


def test_saved_and_loaded_is_the_same(codec, tmp_path):
    save(codec, tmp_path)
    latents = torch.randn(1, 4, 20)
    assert torch.equal(MMAudio16k.load(tmp_path).decode(latents), codec.decode(latents))
    with pytest.raises(ModelError, match="SHA-256"):
        MMAudio16k.load(tmp_path, "0" * 64)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ModelError, match="v1-16.pth is missing"):
        MMAudio16k.from_public(tmp_path)


@pytest.mark.slow
def test_other_networks_are_refused(tmp_path):
    write_mmaudio(tmp_path)
    torch.save({"generator": {"conv_pre.weight_v": torch.zeros(64, 80, 7)}}, tmp_path / "best_netG.pt")
    with pytest.raises(ModelError, match="missing"):
        MMAudio16k.from_public(tmp_path)
    torch.save({"weight": torch.zeros(2)}, tmp_path / "v1-16.pth")
    with pytest.raises(ModelError, match="unknown: weight"):
        MMAudio16k.from_public(tmp_path)
