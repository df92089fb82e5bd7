"""The ACE-Step v1 codec: sizes, mel, files on disk, windows, the fast decoder against diffusers' own."""

from __future__ import annotations

import json
import re
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from musicgen_app.codecs.acestep_v1 import codec as acestep_v1
from musicgen_app.codecs.acestep_v1 import vocoder
from musicgen_app.codecs.acestep_v1.codec import DCAE, VOCODER, WEIGHTS, AceStepV1
from musicgen_app.codecs.acestep_v1.dcae import FastDecoder
from musicgen_app.codecs.acestep_v1.mel import mel_filters
from musicgen_app.codecs.acestep_v1.vocoder import (
    Vocoder,
    VocoderConfig,
    WeightNormConv,
    fold_weight_norm,
    windows,
)
from musicgen_app.codecs.chunks import decode_chunked, encode_chunked
from musicgen_app.errors import ModelError
from support.codec_files import TINY_DCAE, TINY_VOCODER, dcae_config, randomise, write_acestep_v1


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("acestep-v1")
    write_acestep_v1(path)
    return path


@pytest.fixture(scope="module")
def codec(folder) -> AceStepV1:
    return AceStepV1.load(folder)


@pytest.fixture
def copy(folder, tmp_path):
    """The files, to be damaged."""
    return shutil.copytree(folder, tmp_path / "copy")


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


# --- sizes and names of the public model


@pytest.mark.slow
def test_full_size_counts_and_names():
    from diffusers import AutoencoderDC

    with torch.device("meta"):
        dcae = AutoencoderDC.from_config(dcae_config([128, 256, 512, 1024], 8, 32, [2, 2, 3, 3], [3, 3, 3, 3]))
        voice = Vocoder()
        codec = AceStepV1(dcae, voice)
    assert (parameters(dcae), len(dcae.state_dict())) == (156_812_426, 192)
    assert (parameters(voice), len(voice.state_dict())) == (103_005_138, 713)
    assert (parameters(voice.backbone), parameters(voice.head)) == (19_419_136, 83_586_002)
    assert (codec.sample_rate, codec.channels, codec.latent_dim, codec.samples_per_latent) == (44_100, 2, 128, 4096)
    assert codec.latent_rate == pytest.approx(10.7666, abs=1e-4)
    norm, conv = r"(weight|bias)", r"(bias|weight_g|weight_v)"
    names = "|".join(
        [
            rf"backbone\.channel_layers\.[0-3]\.[01]\.{norm}",
            rf"backbone\.stages\.[0-3]\.[0-8]\.(gamma|(dwconv|norm|pwconv1|pwconv2)\.{norm})",
            rf"backbone\.norm\.{norm}",
            rf"head\.(conv_pre|conv_post|ups\.[0-6])\.{conv}",
            rf"head\.resblocks\.([0-9]|1[0-9]|2[0-7])\.convs[12]\.[0-2]\.{conv}",
            r"mel_transform\.(spectrogram\.window|mel_scale\.fb)",
        ]
    )
    assert not [name for name in voice.state_dict() if not re.fullmatch(names, name)]
    shapes = {name: tuple(tensor.shape) for name, tensor in voice.state_dict().items()}
    assert shapes["head.ups.0.weight_v"] == (1024, 512, 8)
    assert shapes["head.ups.0.weight_g"] == (1024, 1, 1)
    assert shapes["head.resblocks.3.convs1.2.weight_v"] == (512, 512, 13)
    assert shapes["backbone.channel_layers.1.0.weight"] == (128,)
    assert shapes["backbone.channel_layers.1.1.weight"] == (256, 128, 1)
    assert shapes["mel_transform.mel_scale.fb"] == (1025, 128)


# --- mel


def test_mel_filters_are_slaney():
    from transformers.audio_utils import mel_filter_bank

    expected = mel_filter_bank(1025, 128, 40.0, 16_000.0, 44_100, norm="slaney", mel_scale="slaney")
    np.testing.assert_allclose(mel_filters(44_100, 2048, 128, 40, 16_000).numpy(), expected, atol=1e-7)


@pytest.mark.parametrize("frames", [2, 7, 8])
def test_mel_has_a_frame_every_512_samples(frames):
    mel = VocoderConfig().mel_transform()(torch.randn(3, 512 * frames))
    assert mel.shape == (3, 128, frames)


def test_a_sine_is_in_its_mel_band_and_silence_at_the_floor():
    transform = VocoderConfig().mel_transform()
    sine = torch.sin(2 * torch.pi * 1000 * torch.arange(512 * 40) / 44_100)[None]
    peak = transform(sine)[0, :, 20].argmax().item()
    centres = transform.mel_scale.fb.argmax(dim=0) * 44_100 / 2048  # Hz
    assert abs(centres[peak].item() - 1000) < 44_100 / 2048
    # the mean magnitude of a full-scale sine in its band: half the sum of the window is 512
    assert transform(torch.zeros(1, 4096)).max().item() < -5
    energy = (transform(sine).exp()[0, :, 20] / transform.mel_scale.fb.sum(dim=0)).max().item()
    assert 100 < energy < 512


# --- files


def test_loads_what_the_files_say(codec, folder):
    stored = load_file(folder / VOCODER / WEIGHTS)
    loaded = codec.vocoder.state_dict()
    assert loaded.keys() == stored.keys()
    for name in ("head.ups.1.weight_v", "backbone.stages.1.1.gamma", "mel_transform.mel_scale.fb"):
        torch.testing.assert_close(loaded[name].float(), stored[name].float(), atol=0, rtol=0)
    weights = load_file(folder / DCAE / WEIGHTS)
    torch.testing.assert_close(codec.encoder.conv_in.weight, weights["encoder.conv_in.weight"], check_dtype=False)


def test_newer_names_of_weight_norm_load_too(codec, copy):
    path = copy / VOCODER / WEIGHTS
    newer = {"weight_g": "parametrizations.weight.original0", "weight_v": "parametrizations.weight.original1"}
    state = load_file(path)
    renamed = {}
    for name, tensor in state.items():
        stem, _, last = name.rpartition(".")
        renamed[f"{stem}.{newer.get(last, last)}"] = tensor
    assert renamed.keys() != state.keys()
    save_file(renamed, path)
    loaded = AceStepV1.load(copy).vocoder.state_dict()
    torch.testing.assert_close(loaded["head.ups.0.weight_g"].float(), state["head.ups.0.weight_g"].float())


def truncate(path):
    path.write_bytes(path.read_bytes()[:-1000])


def edit(name: str, change):
    def edited(path):
        state = load_file(path)
        change(state, name)
        save_file(state, path)

    return edited


def set_nan(state, name):
    state[name].view(-1)[3] = float("nan")


def set_int(state, name):
    state[name] = state[name].int()


def set_half(state, name):
    state[name] = state[name] / 2


def set_longer(state, name):
    state[name] = torch.cat([state[name]] * 2)


def set_extra(state, name):
    state["extra"] = torch.ones(1)


def remove(state, name):
    del state[name]


@pytest.mark.parametrize(
    ("file", "damage", "message"),
    [
        (f"{DCAE}/{WEIGHTS}", truncate, "truncated"),
        (f"{VOCODER}/{WEIGHTS}", truncate, "truncated"),
        (f"{VOCODER}/{WEIGHTS}", lambda path: path.unlink(), "missing"),
        (f"{DCAE}/config.json", lambda path: path.unlink(), r"config\.json is missing"),
        (f"{VOCODER}", shutil.rmtree, r"config\.json is missing"),
        (f"{DCAE}", shutil.rmtree, r"config\.json is missing"),
        (f"{VOCODER}/config.json", lambda path: path.write_text("{"), "does not describe"),
        (f"{VOCODER}/config.json", lambda path: path.write_text('{"dims": 3}'), "does not describe"),
        (f"{VOCODER}/config.json", lambda path: path.write_text("{}"), "does not fit"),
        (f"{DCAE}/config.json", lambda path: path.write_text("[]"), "does not describe"),
        (f"{DCAE}/config.json", lambda path: path.write_text(json.dumps({**TINY_DCAE, "latent_channels": 4})), "fit"),
        (
            f"{DCAE}/config.json",
            lambda path: path.write_text(json.dumps({**TINY_DCAE, "decoder_norm_types": "batch_norm"})),
            "batch_norm",
        ),
        (f"{VOCODER}/{WEIGHTS}", edit("head.ups.0.weight_v", set_nan), "head.ups.0.weight_v.*not finite"),
        (f"{DCAE}/{WEIGHTS}", edit("decoder.conv_in.weight", set_nan), "decoder.conv_in.weight.*not finite"),
        (f"{VOCODER}/{WEIGHTS}", edit("head.ups.0.weight_v", set_int), "int32"),
        (f"{VOCODER}/{WEIGHTS}", edit("mel_transform.mel_scale.fb", set_half), "mel_scale"),
        (f"{VOCODER}/{WEIGHTS}", edit("backbone.norm.bias", set_longer), "wrong shape: backbone.norm.bias"),
        (f"{VOCODER}/{WEIGHTS}", edit("backbone.norm.bias", remove), "missing: backbone.norm.bias"),
        (f"{DCAE}/{WEIGHTS}", edit("", set_extra), "unknown: extra"),
    ],
)
def test_damaged_files_are_one_clear_line(copy, file, damage, message):
    damage(copy / file)
    with pytest.raises(ModelError, match=message) as caught:
        AceStepV1.load(copy)
    assert "\n" not in str(caught.value)


# --- encoding and decoding


@pytest.mark.parametrize("samples", [1, 4096, 4097, 30_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_shapes_for_any_length(codec, samples, channels):
    with torch.no_grad():
        latents = codec.encode(torch.randn(2, channels, samples) * 0.1)
        frames = -(-samples // 4096)
        assert latents.shape == (2, frames, codec.latent_dim)
        wave = codec.decode(latents)
    assert wave.shape == (2, 2, frames * 4096)
    assert wave.dtype == torch.float32
    assert torch.isfinite(wave).all()
    assert 0.01 < wave.std() < 0.9  # neither dead nor saturated


def test_encoding_is_the_published_arithmetic(codec):
    """Mono is doubled, the end padded with silence, mel and latents scaled, latents flattened channel by channel."""
    wave = torch.randn(1, 1, 10_000) * 0.1
    with torch.no_grad():
        padded = torch.nn.functional.pad(wave, (0, 3 * 4096 - 10_000))[:, 0]
        mel = codec.vocoder.mel_transform(padded)
        picture = ((mel + 11) / 14 - 0.5) / 0.5
        latents = (codec.encoder.float()(torch.stack([picture, picture], dim=1)) + 1.9091) * 0.1786  # (1, 2, 16, 3)
        found = codec.encode(wave)
    assert found.shape == (1, 3, 32)
    torch.testing.assert_close(found[0, 1, 1 * 16 + 5], latents[0, 1, 5, 1])
    torch.testing.assert_close(found, latents.reshape(1, 32, 3).transpose(1, 2))


def test_decoding_is_the_published_arithmetic(folder):
    """diffusers' own decoder, layers with their weight norm, nothing in tiles."""
    codec = AceStepV1.load(folder)
    latents = torch.randn(2, 5, codec.latent_dim)
    with torch.no_grad():
        picture = codec.decoder.float()(latents.transpose(1, 2).reshape(2, -1, 16, 5) / 0.1786 - 1.9091)
        mel = (picture * 0.5 + 0.5) * 14 - 11
        wave = codec.vocoder.float()(mel.flatten(0, 1)).reshape(2, 2, -1)
        assert any(isinstance(module, WeightNormConv) for module in codec.vocoder.modules())
        found = codec.decode(latents)
        assert not any(isinstance(module, WeightNormConv) for module in codec.vocoder.modules())
    torch.testing.assert_close(found, wave, atol=1e-4 * wave.abs().max().item(), rtol=0)
    assert wave.std() > 0.01


@pytest.mark.parametrize("frames", [1, 2, 9])
def test_fast_decoder_is_diffusers_decoder(frames):
    from diffusers import AutoencoderDC

    torch.manual_seed(1)
    decoder = AutoencoderDC.from_config(TINY_DCAE).decoder.eval().requires_grad_(False)
    randomise(decoder)
    latents = torch.randn(2, 2, 16, frames)
    expected = decoder(latents)
    found = FastDecoder(decoder, torch.float32)(latents)
    torch.testing.assert_close(found, expected, atol=1e-4 * expected.abs().max().item(), rtol=0)


def test_folding_weight_norm_changes_nothing():
    torch.manual_seed(0)
    voice = Vocoder(TINY_VOCODER).eval().requires_grad_(False)
    randomise(voice)
    mel = torch.randn(1, 128, 5)
    expected = voice(mel)
    layer = voice.head.ups[0]
    direction = layer.weight_v / layer.weight_v.square().sum(dim=(1, 2), keepdim=True).sqrt()
    fold_weight_norm(voice, torch.float32)
    torch.testing.assert_close(voice(mel), expected)
    torch.testing.assert_close(voice.head.ups[0].weight[:, :, 0], direction * layer.weight_g)
    assert not any(isinstance(module, WeightNormConv) for module in voice.modules())


def test_bfloat16_is_near_float32(folder):
    plain, fast = AceStepV1.load(folder), AceStepV1.load(folder)
    fast.prepare(torch.bfloat16)
    latents = torch.randn(1, 12, plain.latent_dim)
    with torch.no_grad():
        expected, found = plain.decode(latents), fast.decode(latents)
    assert found.dtype == torch.float32
    error = (found - expected).norm() / expected.norm()
    assert 1e-5 < error < 0.1
    wave = torch.randn(1, 2, 9000) * 0.1
    torch.testing.assert_close(fast.encode(wave), plain.encode(wave))  # encoding stays float32
    with pytest.raises(RuntimeError, match="prepared already"):
        fast.prepare(torch.float32)


# --- windows


def test_windows_cover_everything_with_their_context():
    generator = np.random.default_rng(0)
    for total, size, reach in generator.integers((1, 2, 0), (3000, 400, 100), (500, 3)).tolist():
        parts = list(windows(total, size, reach))
        assert [start for _, _, start, _ in parts] == [0, *(stop for *_, stop in parts[:-1])]
        assert parts[-1][3] == total
        assert len({last - first for first, last, _, _ in parts}) == 1
        for first, last, start, stop in parts:
            assert 0 <= first <= start < stop <= last <= total
            assert first == 0 or start - first >= reach
            assert last == total or last - stop >= reach


def test_context_of_the_vocoder_is_its_receptive_field():
    config = VocoderConfig(depths=(1, 1), dims=(8, 16), num_mels=16, upsample_initial_channel=128)
    assert (VocoderConfig().context, config.context) == (93, 45)
    torch.manual_seed(0)
    voice = Vocoder(config).eval().requires_grad_(False)
    mel = torch.randn(1, 128, 95, requires_grad=True)
    (gradient,) = torch.autograd.grad(voice(mel)[..., 47 * 512 : 48 * 512].sum(), mel)
    frames = gradient[0].abs().sum(dim=0).nonzero()[:, 0]
    assert 47 - config.context <= frames.min() <= 47 - config.context + 6
    assert 47 + config.context - 6 <= frames.max() <= 47 + config.context


def test_windows_and_tiles_of_the_vocoder_change_nothing(monkeypatch):
    torch.manual_seed(0)
    voice = Vocoder(TINY_VOCODER).eval().requires_grad_(False)
    randomise(voice)
    voice.prepare(torch.float32)
    mel = torch.randn(1, 128, 120)
    whole = voice(mel)
    monkeypatch.setattr(vocoder, "TILE", 2**12)
    monkeypatch.setattr(vocoder, "MIN_TILE", 256)
    torch.testing.assert_close(voice(mel, tiled=True), whole, atol=1e-5, rtol=1e-4)
    context, middle = TINY_VOCODER.context, whole[..., 50 * 512 : 60 * 512]
    window = voice(mel[..., 50 - context : 60 + context])[..., context * 512 : -context * 512]
    torch.testing.assert_close(window, middle, atol=1e-5, rtol=1e-4)
    assert (voice(mel[..., 50:60]) - middle).abs().max() > 0.01


@pytest.mark.slow
def test_chunks_equal_the_whole_up_to_a_window_and_are_near_it_beyond(folder, monkeypatch):
    codec = AceStepV1.load(folder)
    monkeypatch.setattr(codec, "chunk", 24)
    monkeypatch.setattr(codec, "context", 8)
    monkeypatch.setattr(acestep_v1, "VOCODER_FRAMES", 128)
    torch.manual_seed(0)
    seen = []
    short, long = torch.randn(1, 40, codec.latent_dim), torch.randn(1, 90, codec.latent_dim)
    torch.testing.assert_close(decode_chunked(codec, short), codec.decode(short), atol=1e-5, rtol=1e-4)
    with torch.no_grad():
        whole = codec.decode(long)
    pieces = decode_chunked(codec, long, lambda done, total: seen.append((done, total)))
    assert pieces.shape == whole.shape
    assert 1e-6 < (pieces - whole).norm() / whole.norm() < 0.1
    assert len(seen) > 3 and seen[-1] == (90, 90)
    wave = torch.randn(1, 2, 90 * 4096 - 100) * 0.1
    with torch.no_grad():
        latents = codec.encode(wave)
    chunked = encode_chunked(codec, wave)
    assert chunked.shape == latents.shape
    assert 1e-6 < (chunked - latents).norm() / latents.norm() < 0.1


def test_decoder_module_is_decode(codec):
    latents = torch.randn(1, 6, codec.latent_dim)
    with torch.no_grad():
        network = codec.decoder_module()
        torch.testing.assert_close(codec.finish(network(latents)), codec.decode(latents), atol=1e-5, rtol=1e-4)
