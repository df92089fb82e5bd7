from __future__ import annotations

import builtins
import json
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from musicgen_app.aligner import Aligner, AlignerConfig, save_aligner
from musicgen_app.errors import DependencyError, ModelError
from support.frozen_parts import write_clap
from ttm_trainer.prepare import embedders
from ttm_trainer.prepare.embedders import MUQ, ClapEmbedder, Muq, cover, embedder_name, load_embedder

RATE = 8_000  # of the tiny CLAP; its window is one second


@pytest.fixture(scope="module")
def clap_folder(tmp_path_factory) -> Path:
    from transformers import ClapFeatureExtractor

    folder = tmp_path_factory.mktemp("clap")
    write_clap(folder)
    sizes = {"sampling_rate": RATE, "max_length_s": 1, "fft_window_size": 256, "hop_length": 80, "frequency_max": 4000}
    ClapFeatureExtractor(truncation="rand_trunc", **sizes).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def clap(clap_folder) -> ClapEmbedder:
    return ClapEmbedder(clap_folder, device="cpu")


def waves(*shape: int) -> np.ndarray:
    return (0.1 * np.random.default_rng(0).standard_normal(shape)).astype(np.float32)


@pytest.mark.slow
def test_clap_gives_what_transformers_gives(clap, clap_folder):
    from transformers import ClapFeatureExtractor, ClapModel, RobertaTokenizer

    model = ClapModel.from_pretrained(clap_folder).eval()
    prompts, clips = ["calm piano", "fast drums, bright"], waves(2, RATE)
    tokens = RobertaTokenizer.from_pretrained(clap_folder)(prompts, padding=True, return_tensors="pt")
    features = ClapFeatureExtractor.from_pretrained(clap_folder)(list(clips), sampling_rate=RATE, return_tensors="pt")
    with torch.no_grad():
        whole = model(**tokens, input_features=features["input_features"].float())
    assert (clap.sample_rate, clap.seconds, clap.width) == (RATE, 1.0, whole.text_embeds.shape[1])
    np.testing.assert_allclose(clap.text(prompts), whole.text_embeds, atol=1e-5)
    np.testing.assert_allclose(clap.audio(clips), whole.audio_embeds, atol=1e-5)


def test_clap_vectors_are_unit_and_do_not_depend_on_the_batch(clap):
    clips = waves(embedders.CHUNK + 3, RATE)
    vectors = clap.audio(clips)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(clap.audio(clips[-1:])[0], vectors[-1], atol=1e-5)
    prompts = [f"piano {n}" for n in range(embedders.CHUNK + 2)]
    np.testing.assert_allclose(clap.text(prompts[-1:])[0], clap.text(prompts)[-1], atol=1e-5)
    assert clap.text([]).shape == (0, clap.width)


def test_a_long_clip_is_the_mean_over_windows_that_cover_it(clap):
    clip = waves(1, RATE * 5 // 2)
    windows = [clip[:, start : start + RATE] for start in (0, RATE * 3 // 4, RATE * 3 // 2)]
    mean = np.mean([clap.audio(window)[0] for window in windows], axis=0)
    np.testing.assert_allclose(clap.audio(clip)[0], mean / np.linalg.norm(mean), atol=1e-5)


def test_a_short_clip_is_repeated(clap):
    clip = waves(1, RATE // 4)
    np.testing.assert_allclose(clap.audio(clip), clap.audio(np.tile(clip, (1, 4))), atol=1e-5)


@pytest.mark.parametrize(("total", "count"), [(5, 1), (10, 1), (11, 2), (25, 3)])
def test_windows_cover_a_clip_evenly(total, count):
    clips = np.arange(2 * total).reshape(2, total)
    windows, found = cover(clips, 10)
    assert found == count and windows.shape == (2 * count, min(10, total))
    assert windows[0, 0] == 0 and windows[count - 1, -1] == total - 1 and windows[count, 0] == total
    assert set(windows[:count].ravel()) == set(range(total))


def test_a_damaged_clap_is_one_line(clap_folder, tmp_path):
    for name, message in (("preprocessor_config.json", "has no preprocessor_config.json"), ("config.json", "config")):
        folder = shutil.copytree(clap_folder, tmp_path / name)
        (folder / name).unlink()
        with pytest.raises(ModelError, match=message):
            ClapEmbedder(folder)
        (folder / name).write_text("{")
        with pytest.raises(ModelError, match="cannot be loaded"):
            ClapEmbedder(folder)
    folder = shutil.copytree(clap_folder, tmp_path / "weights")
    state = torch.load(folder / "pytorch_model.bin", weights_only=True)
    torch.save({name: t for name, t in state.items() if "audio" not in name}, folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match="does not hold this CLAP"):
        ClapEmbedder(folder, device="cpu").audio(waves(1, RATE))


def test_embedders_are_found_by_name_and_folder(clap_folder, tmp_path, monkeypatch):
    assert embedder_name(str(clap_folder)).startswith("clap ")
    assert isinstance(load_embedder(str(clap_folder)), ClapEmbedder)
    sizes = {"text_width": 16, "heads": 2, "text_blocks": 1, "width": 8, "audio_widths": (4, 4, 4, 4)}
    folder = save_aligner(Aligner(AlignerConfig(**sizes)), tmp_path / "aligner")
    assert embedder_name(str(folder)) == load_embedder(str(folder)).name and load_embedder(str(folder)).width == 8
    with pytest.raises(ModelError, match="'nothing' is no embedder"):
        load_embedder("nothing")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    with pytest.raises(ModelError, match="ttm-app models download clap-general"):
        load_embedder("clap")


class FakeMuq:
    """As muq.MuQ: `from_pretrained(folder)`, and hidden states of which layer n holds n."""

    @classmethod
    def from_pretrained(cls, folder: str) -> FakeMuq:
        assert (Path(folder) / "config.json").is_file()
        return cls()

    def float(self):
        return self

    to = eval = requires_grad_ = lambda self, *arguments: self

    def __call__(self, waves, output_hidden_states):
        frames = round(waves.shape[1] / 24_000 * 25)
        return SimpleNamespace(hidden_states=[torch.full((len(waves), frames, 1024), float(n)) for n in range(13)])


def test_muq_is_the_mean_of_layers_three_to_nine_and_says_its_licence(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setitem(sys.modules, "muq", SimpleNamespace(MuQ=FakeMuq))
    with pytest.raises(ModelError, match=f"hf download {MUQ}.*CC-BY-NC-4.0"):
        Muq(show=lambda line: None)
    revision = "a" * 40
    snapshot = tmp_path / f"models--{MUQ.replace('/', '--')}" / "snapshots" / revision
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text(json.dumps({}))
    (snapshot.parent.parent / "refs").mkdir()
    (snapshot.parent.parent / "refs/main").write_text(revision)
    said = []
    muq = Muq(show=said.append, device="cpu")
    assert len(said) == 1 and "CC-BY-NC-4.0" in said[0] and muq.name == f"{MUQ}@aaaaaaaa"
    frames = muq.frames(waves(2, 24_000 * 35))  # in two pieces
    assert frames.shape == (2, 875, 1024) and (frames == 6).all()


def test_without_the_package_muq_says_how_to_get_it(monkeypatch):
    def without_muq(name, *arguments, real=builtins.__import__, **more):
        if name == "muq":
            raise ImportError("No module named 'muq'")
        return real(name, *arguments, **more)

    monkeypatch.setattr(builtins, "__import__", without_muq)
    with pytest.raises(DependencyError, match="pip install muq.*CC-BY-NC-4.0"):
        Muq()
