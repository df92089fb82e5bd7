"""LAION's CLAP files: read without running code, mapped strictly, and equal to the public architecture in numbers."""

from __future__ import annotations

import json
import os
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from musicgen_app.convert.laion_clap import FRONT_END, read_clap, write_clap
from musicgen_app.errors import ModelError
from musicgen_app.models.torch_file import read_checkpoint
from musicgen_app.text import ClapVector
from support.published_files import ClapSizes, clap_state, write_clap_checkpoint, write_tokenizer

PROMPTS = ["slow piano", "a much longer prompt about drums, bass and brass"]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    folder = tmp_path_factory.mktemp("roberta") / "files"
    write_tokenizer(folder)
    return folder


@pytest.fixture
def checkpoint(tmp_path):
    write_clap_checkpoint(tmp_path / "clap.pt")
    return tmp_path / "clap.pt"


def test_the_text_tower_is_roberta_and_two_layers(checkpoint, tokenizer, tmp_path):
    """As LAION's own code has it: the pooled output of RoBERTa, two layers with a ReLU between them, unit length."""
    from transformers import RobertaConfig, RobertaModel, RobertaTokenizer

    state, sizes = clap_state(), ClapSizes()
    write_clap(checkpoint, tokenizer, tmp_path / "text")
    config = RobertaConfig(
        vocab_size=sizes.words, hidden_size=sizes.hidden, num_hidden_layers=sizes.layers, num_attention_heads=1,
        intermediate_size=4 * sizes.hidden, max_position_embeddings=514, type_vocab_size=1, layer_norm_eps=1e-5,
    )  # fmt: skip
    text = RobertaModel(config).eval()
    prefix = "text_branch."
    text.load_state_dict({n.removeprefix(prefix): v for n, v in state.items() if n.startswith(prefix)}, strict=False)
    projection = nn.Sequential(nn.Linear(sizes.hidden, 512), nn.ReLU(), nn.Linear(512, 512))
    prefix = "text_projection."
    projection.load_state_dict({n.removeprefix(prefix): v for n, v in state.items() if n.startswith(prefix)})
    words = RobertaTokenizer.from_pretrained(tmp_path / "text")
    batch = words(PROMPTS, padding="max_length", truncation=True, max_length=77, return_tensors="pt")
    with torch.no_grad():
        expected = nn.functional.normalize(projection(text(**batch).pooler_output), dim=-1)
    found = ClapVector(tmp_path / "text").encode(PROMPTS)
    assert (found - expected).abs().max() < 1e-5


def test_every_tensor_of_the_audio_tower_has_its_place(checkpoint, tokenizer, tmp_path):
    from safetensors.torch import load_file

    write_clap(checkpoint, tokenizer, tmp_path / "both", audio=True)
    found, given = load_file(tmp_path / "both" / "model.safetensors"), clap_state()
    assert torch.equal(found["audio_projection.linear2.bias"], given["audio_projection.2.bias"])
    block, own = "audio_branch.layers.1.blocks.0", "audio_model.audio_encoder.layers.1.blocks.0"
    for part, rows in zip(("query", "key", "value"), given[f"{block}.attn.qkv.weight"].chunk(3), strict=True):
        assert torch.equal(found[f"{own}.attention.self.{part}.weight"], rows)
    assert torch.equal(found[f"{own}.output.dense.weight"], given[f"{block}.mlp.fc2.weight"])
    assert torch.equal(found["audio_model.audio_encoder.batch_norm.running_var"], given["audio_branch.bn0.running_var"])
    front = json.loads((tmp_path / "both" / "preprocessor_config.json").read_text())
    assert {key: front[key] for key in FRONT_END} == FRONT_END


def test_sound_is_heard_as_by_the_public_package(tokenizer, tmp_path):
    """Audio tower, projection and mel front end against the package `laion-clap`, which is for development only."""
    htsat = pytest.importorskip("laion_clap.clap_module.htsat")
    from transformers import ClapFeatureExtractor, ClapModel

    config = SimpleNamespace(
        model_type="HTSAT", model_name="base", sample_rate=48_000, audio_length=1024, clip_samples=480_000, mel_bins=64,
        window_size=1024, hop_size=480, fmin=50, fmax=14_000, class_num=527,
    )  # fmt: skip
    torch.manual_seed(0)
    tower, state = htsat.create_htsat_model(config, enable_fusion=False).eval(), clap_state()
    projection = nn.Sequential(nn.Linear(1024, 512), nn.ReLU(), nn.Linear(512, 512))
    network = {name: value for name, value in state.items() if name.startswith(("text_", "logit_"))}
    network |= {f"audio_branch.{name}": value for name, value in tower.state_dict().items()}
    network |= {f"audio_projection.{name}": value for name, value in projection.state_dict().items()}
    torch.save({"state_dict": {f"module.{name}": value for name, value in network.items()}}, tmp_path / "clap.pt")
    write_clap(tmp_path / "clap.pt", tokenizer, tmp_path / "out", audio=True)
    time = torch.arange(480_000) / 48_000
    wave = 0.3 * torch.sin(2 * torch.pi * (220 + 200 * time) * time)
    features = ClapFeatureExtractor.from_pretrained(tmp_path / "out")
    mel = features(wave.numpy(), sampling_rate=48_000, return_tensors="pt")["input_features"]
    with torch.no_grad():
        heard = tower({"waveform": wave[None], "longer": torch.tensor([False])}, device="cpu")["embedding"]
        own = tower.logmel_extractor(tower.spectrogram_extractor(wave[None]))
        found = ClapModel.from_pretrained(tmp_path / "out").eval().get_audio_features(input_features=mel)
    found = getattr(found, "pooler_output", found)
    expected = nn.functional.normalize(projection(heard), dim=-1)
    assert (mel - own).abs().max() < 1e-3
    assert (nn.functional.normalize(found, dim=-1) - expected).abs().max() < 1e-5


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda s: s.pop("text_branch.pooler.dense.bias"), "missing: text_model.pooler.dense.bias"),
        (lambda s: s.update({"text_branch.extra": torch.ones(1)}), "unknown: text_model.extra"),
        (lambda s: s.update({"text_projection.2.bias": torch.ones(7)}), "wrong shape: text_projection.linear2.bias"),
        (lambda s: s.pop("text_branch.embeddings.word_embeddings.weight"), "is no CLAP of LAION"),
        (lambda s: s.pop("audio_branch.patch_embed.proj.weight"), "is no CLAP of LAION: it has no audio_model"),
    ],
)
def test_what_does_not_fit_is_named(change, why, tokenizer, tmp_path):
    state = clap_state()
    change(state)
    torch.save({"state_dict": state}, tmp_path / "clap.pt")
    with pytest.raises(ModelError, match=why):
        write_clap(tmp_path / "clap.pt", tokenizer, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_names_without_a_prefix_are_read_too(tmp_path):
    torch.save(clap_state(), tmp_path / "clap.pt")
    assert "text_projection.linear1.weight" in read_clap(tmp_path / "clap.pt")


@pytest.mark.parametrize("core", ["numpy._core", "numpy.core"])
def test_numbers_of_numpy_in_a_checkpoint_are_passed_over(core, tmp_path):
    path = tmp_path / "x.pt"
    torch.save({"loss": np.float64(0.5), "kind": np.int64(3), "weight": torch.ones(3)}, path)
    with zipfile.ZipFile(path) as archive:
        parts = {info.filename: archive.read(info) for info in archive.infolist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data.replace(b"numpy._core.multiarray", f"{core}.multiarray".encode()))
    assert list(read_checkpoint(path)) == ["weight"]


def test_code_is_not_run_by_way_of_numpy(tmp_path):
    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "boom"),)

    torch.save({"weight": torch.ones(3), "x": np.array([Bomb()], dtype=object)}, tmp_path / "x.pt")
    with pytest.raises(ModelError, match="asks to run code"):
        read_checkpoint(tmp_path / "x.pt")
    assert not (tmp_path / "boom").exists()
