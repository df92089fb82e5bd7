"""Training the sketch codec: exact resume, the frozen encoder, the held-out split; spectra of its losses."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from safetensors.torch import load_file

from musicgen_app.analysis.spectra import log_mel, mel_filters
from musicgen_app.codecs.sketch import StereoCodec, StereoCodecConfig, load_codec
from musicgen_app.errors import FileError, ModelError
from ttm_trainer.codec.losses import reconstruction, waveform_error
from ttm_trainer.codec.train import CodecTraining, audio_files, learning_rate, segment_batch, train_codec
from ttm_trainer.runtime import checkpoint
from ttm_trainer.training.optim import warmup_cosine

RATE = 8_000
CODEC = StereoCodecConfig(
    RATE, n_fft=256, hop=64, frames_per_latent=5, mid_dim=8, stereo_dim=4, bands=16, stereo_bands=4,
    frame_components=16, encoder_width=16, encoder_blocks=1, latent_width=16, latent_blocks=1, decoder_width=16,
    decoder_blocks=1,
)  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """Six one-second clips in three files, one file held out."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    rows = []
    (folder / "audio").mkdir()
    for number in range(3):
        wave = 0.3 * np.sin(2 * np.pi * (220 + 110 * number) * np.arange(2 * RATE) / RATE) + 0.01 * rng.standard_normal(
            2 * RATE
        )
        soundfile.write(folder / "audio" / f"{number}.flac", wave, RATE)
        for start in (0.0, 1.0):
            rows.append({
                "id": f"{number}-{start:.0f}", "path": f"audio/{number}.flac", "start": start, "seconds": 1.0,
                "split": "val" if number == 2 else "train", "set": "composed", "genre": "test",
                "captions": {"short": [f"a tone number {number}"], "long": ["a long steady tone at 120 BPM"]},
                "facts": {"tempo": 120.0}, "licence": "CC0-1.0", "source": "seed; nothing",
            })  # fmt: skip
    (folder / "manifest.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    return folder


def weights(folder: Path, name: str = "model") -> dict[str, torch.Tensor]:
    return load_file(checkpoint.latest(folder) / f"{name}.safetensors")


def equal(a: dict, b: dict) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


@pytest.mark.slow
def test_codec_run_resumes_and_freezes_its_encoder(data, tmp_path):
    settings = CodecTraining(
        (str(data),), steps=6, joint_steps=3, batch=2, latents=14, warmup=1, initial_segments=20, config=CODEC
    )
    out = train_codec(settings, tmp_path / "straight", show=lambda line: None)
    assert load_codec(out).config == CODEC
    train_codec(settings, tmp_path / "resumed", stop_at=4, show=lambda line: None)
    frozen = weights(tmp_path / "resumed", "codec")
    train_codec(settings, tmp_path / "resumed", show=lambda line: None)
    end = weights(tmp_path / "resumed", "codec")
    assert equal(end, weights(tmp_path / "straight", "codec"))
    assert all(torch.equal(frozen[k], end[k]) for k in end if k.startswith("encoder."))
    assert any(not torch.equal(frozen[k], end[k]) for k in end if k.startswith("decoder."))


def test_a_codec_gets_another_decoder_for_the_same_latents(data, tmp_path):
    settings = CodecTraining(
        (str(data),), steps=3, joint_steps=1, batch=2, latents=14, warmup=1, initial_segments=20, config=CODEC
    )
    first = load_codec(train_codec(settings, tmp_path / "first", show=lambda line: None))
    again = replace(settings, joint_steps=0, init=str(tmp_path / "first" / "codec"))
    second = load_codec(train_codec(again, tmp_path / "second", show=lambda line: None))
    assert equal(first.encoder.state_dict(), second.encoder.state_dict())
    assert not equal(first.decoder.state_dict(), second.decoder.state_dict())
    with pytest.raises(ModelError, match="does not fit"):
        train_codec(replace(again, config=replace(CODEC, mid_dim=6)), tmp_path / "other", show=lambda line: None)


def test_what_is_exact_has_no_error_and_what_is_worse_has_more():
    codec = StereoCodec(CODEC)
    wave = 0.3 * torch.randn(2, 2, 320 * 10, generator=torch.Generator().manual_seed(0))
    frames = codec.frames(wave)
    exact = torch.cat([frames.magnitude.add(CODEC.floor).log(), frames.stereo], dim=-1)
    assert all(error < 0.02 for error in reconstruction(codec, exact, frames))
    worse = [reconstruction(codec, exact + size * torch.randn_like(exact), frames) for size in (0.2, 0.5, 1.0)]
    for errors in zip(*worse, strict=True):
        assert list(errors) == sorted(errors) and errors[0] > 0.02


def test_the_waveform_error_is_of_the_magnitudes_and_moves_them():
    codec = StereoCodec(CODEC)
    wave = (0.3 * torch.sin(2 * torch.pi * 440 * torch.arange(64 * 80) / RATE)).expand(1, 2, -1)
    frames = codec.frames(wave)
    exact = torch.cat([frames.magnitude.add(CODEC.floor).log(), frames.stereo], dim=-1)
    louder = (exact + 0.5 * (torch.arange(exact.shape[-1]) < CODEC.bins)).requires_grad_()
    error = waveform_error(codec, louder, wave)
    assert float(error.detach()) > float(waveform_error(codec, exact, wave)) + 0.2
    error.backward()
    assert louder.grad.sum() > 0  # less of it is nearer


def test_codec_segments_come_from_the_training_split_alone(data):
    files = audio_files((str(data),), "train", RATE)
    with pytest.raises(FileError, match="8,000 Hz.*48,000"):
        audio_files((str(data),), "train", 48_000)
    assert [file.samples for file in files] == [2 * RATE, 2 * RATE]
    a = segment_batch(files, 3, 1000, seed=0, step=5)
    assert a.shape == (3, 2, 1000) and torch.equal(a, segment_batch(files, 3, 1000, seed=0, step=5))
    assert a.abs().max() < 1


def test_learning_rates():
    assert warmup_cosine(0, 100, 10, 0.1) == pytest.approx(0.1)
    assert warmup_cosine(10, 100, 10, 0.1) == pytest.approx(1.0)
    assert warmup_cosine(100, 100, 10, 0.1) == pytest.approx(0.1)
    settings = CodecTraining((), steps=1000, joint_steps=500)
    assert learning_rate(settings, 499) < 0.25 * settings.lr < learning_rate(settings, 650)


def test_mel_filters_cover_every_band():
    filters = mel_filters(32_000, 256, 40)
    torch.testing.assert_close(filters.sum(0), torch.ones(40))
    mel = log_mel(torch.sin(2 * torch.pi * 1000 * torch.arange(8000) / 8000)[None], 8000, 512, 20)
    centres = (mel_filters(8000, 512, 20) * torch.linspace(0, 4000, 257)[:, None]).sum(0)
    assert centres[mel.mean(1).argmax()].item() == pytest.approx(1000, abs=200)
