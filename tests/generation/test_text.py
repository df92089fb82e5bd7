"""Prompts -> tokens and vectors."""

from __future__ import annotations

import json
import logging
import pickle
import shutil
import socket
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from musicgen_app.control.prompt_parser import parse_prompt
from musicgen_app.errors import DependencyError, ModelError
from musicgen_app.models.bundle import Bundle
from musicgen_app.models.paper_systems import SYSTEMS
from musicgen_app.text import CLAUSES, SentenceTokens, T5Clap, T5Tokens, load_text_encoder, null_features, text_units
from support.frozen_parts import install, write_clap, write_t5

PROMPTS = ["calm piano", "upbeat electronic music with drums, bass and a bright guitar"]


@pytest.fixture(scope="module")
def encoder():
    return SentenceTokens(length=24)


@pytest.mark.slow
def test_what_a_prompt_states_stands_behind_its_sentence():
    plain, told = SentenceTokens(24), SentenceTokens(24, stated=True)
    prompt = "calm piano, 92 BPM, no drums"
    with_it, without = told.encode([prompt]).vector[0], plain.encode([prompt]).vector[0]
    assert torch.equal(with_it[:512], without)
    assert torch.equal(with_it[512:], torch.from_numpy(parse_prompt(prompt).vector()))
    assert not told.encode(["calm piano"]).vector[0, 512:].any()


def test_units_are_clauses_then_words():
    assert text_units("A slow waltz, with soft Strings.", 24) == [
        "a slow waltz",
        "soft strings",
        "slow",
        "waltz",
        "soft",
        "strings",
    ]


def test_units_are_cut_to_the_length():
    prompt = ", ".join(f"word{i}" for i in range(60))
    units = text_units(prompt, 24)
    assert len(units) == 24 and units[CLAUSES - 1] == "word11" and units[CLAUSES] == "word0"


def test_shapes_and_padding(encoder):
    features = encoder.encode(["calm piano", "fast metal, loud drums"])
    assert (
        features.tokens.shape == (2, 24, 512) and features.mask.shape == (2, 24) and features.vector.shape == (2, 512)
    )
    assert features.mask.sum(1).tolist() == [3, 6]
    assert not features.tokens[~features.mask].any()
    torch.testing.assert_close(features.vector.norm(dim=1), torch.ones(2), atol=1e-3, rtol=0)


def test_alone_equals_in_a_batch(encoder):
    both, alone = encoder.encode(["calm piano", "techno"]), encoder.encode(["techno"])
    assert torch.equal(both.tokens[1:], alone.tokens) and torch.equal(both.vector[1:], alone.vector)


@pytest.mark.parametrize("prompt", ["xqzvw blorptang", "日本の音楽", "🎸🎸🎸", "...", "a" * 2000, "\u200b"])
def test_unknown_words_do_not_break_it(encoder, prompt):
    features = encoder.encode([prompt])
    assert torch.isfinite(features.tokens).all() and torch.isfinite(features.vector).all()


def test_related_prompts_are_nearer(encoder):
    a, b, c = encoder.encode(
        ["upbeat EDM with pulsing synths", "energetic dance music", "slow sad piano ballad"]
    ).vector
    assert a @ b > a @ c + 0.1


@pytest.fixture(scope="session")
def public_files(tmp_path_factory) -> dict[str, Path]:
    """Small checkpoints as the public repositories hold them."""
    folder = tmp_path_factory.mktemp("public")
    write_t5(folder / "flan-t5-base", width=16)
    write_t5(folder / "flan-t5-large", width=24)
    write_clap(folder / "clap-general")
    return {path.name: path for path in folder.iterdir()}


@pytest.fixture
def downloaded(public_files, tmp_path, monkeypatch) -> dict[str, Path]:
    """The same, downloaded into the Hugging Face cache; the network cannot be used."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(socket.socket, "connect", lambda *args: pytest.fail("the network was used"))
    return {name: install(name, files, tmp_path / "hub") for name, files in public_files.items()}


def bundle_of(system: str, **changes) -> Bundle:
    return Bundle(Path("models/mine"), {"text": SYSTEMS[system].text | changes})


@pytest.fixture
def t5(public_files) -> T5Tokens:
    return T5Tokens(public_files["flan-t5-base"], 128)


@pytest.fixture
def t5_clap(public_files) -> T5Clap:
    return T5Clap(public_files["flan-t5-large"], public_files["clap-general"])


def test_mamba_gets_t5_tokens(downloaded):
    encoder = load_text_encoder(bundle_of("mamba-189m"))
    features = encoder.encode(PROMPTS)
    longest = features.mask.sum(1).max()
    assert features.tokens.shape == (2, longest, 16) and features.tokens.dtype == torch.float32
    assert features.mask.dtype == torch.bool and features.mask[1].all() and not features.mask[0].all()
    assert features.vector is None and features.cut == 0 and encoder.width == 16


def test_dit_gets_77_tokens_and_a_vector(downloaded):
    encoder = load_text_encoder(bundle_of("dit-450m"))
    features = encoder.encode(PROMPTS)
    assert features.tokens.shape == (2, 77, 24) and features.vector.shape == (2, 512)
    torch.testing.assert_close(features.vector.norm(dim=1), torch.ones(2))


def test_loading_is_silent(downloaded, capfd):
    """`transformers` would report the audio tower that is passed over, and draw a bar."""
    said = []
    handler = logging.Handler()
    handler.emit = said.append
    logging.getLogger("transformers").addHandler(handler)
    try:
        load_text_encoder(bundle_of("dit-450m")).encode(["word " * 1000])
    finally:
        logging.getLogger("transformers").removeHandler(handler)
    assert said == [] and capfd.readouterr() == ("", "")


def test_t5_is_the_encoder_of_the_whole_model(t5, public_files):
    from tokenizers import Tokenizer
    from transformers import T5ForConditionalGeneration

    folder = public_files["flan-t5-base"]
    ids = Tokenizer.from_file(str(folder / "tokenizer.json")).encode(PROMPTS[1]).ids
    model = T5ForConditionalGeneration.from_pretrained(folder).eval()
    with torch.no_grad():
        expected = model.get_encoder()(torch.tensor([ids])).last_hidden_state
    assert ids[-1] == 1 and t5.encode(PROMPTS).mask[1].sum() == len(ids)
    torch.testing.assert_close(t5.encode([PROMPTS[1]]).tokens, expected)


def test_clap_is_the_text_tower_of_the_whole_model(t5_clap, public_files):
    from transformers import ClapModel, RobertaTokenizer

    folder = public_files["clap-general"]
    inputs = RobertaTokenizer.from_pretrained(folder)(
        PROMPTS, padding="max_length", max_length=77, truncation=True, return_tensors="pt"
    )
    with torch.no_grad():
        expected = ClapModel.from_pretrained(folder).eval().get_text_features(**inputs).pooler_output
    torch.testing.assert_close(t5_clap.encode(PROMPTS).vector, expected)


def test_padding_does_not_change_what_is_real(t5, t5_clap, public_files):
    alone, together = t5.encode(PROMPTS[:1]), t5.encode(PROMPTS)
    real = alone.tokens.shape[1]
    torch.testing.assert_close(together.tokens[:1, :real], alone.tokens)
    fixed, both = t5_clap.encode(PROMPTS[:1]), t5_clap.encode(PROMPTS)
    torch.testing.assert_close(both.tokens[:1], fixed.tokens)
    torch.testing.assert_close(both.vector[:1], fixed.vector)
    short = T5Tokens(public_files["flan-t5-large"], 77, "longest").encode(PROMPTS[:1])
    torch.testing.assert_close(fixed.tokens[:, : short.tokens.shape[1]], short.tokens)


def test_padding_of_a_fixed_length_has_features_too(t5_clap):
    features = t5_clap.encode(PROMPTS[:1])
    padding = features.tokens[0][~features.mask[0]]
    assert len(padding) > 60 and (padding.norm(dim=-1) > 0.1).all()


def test_what_does_not_fit_is_counted(public_files):
    encoder = T5Tokens(public_files["flan-t5-base"], 6)
    words = "calm piano music with soft strings slow upbeat"  # eight tokens and the end
    whole = T5Tokens(public_files["flan-t5-base"], 128).encode([words])
    features = encoder.encode(["piano", words])
    assert whole.tokens.shape[1] == 9 and whole.cut == 0
    assert features.tokens.shape[1] == 6 and features.cut == 3
    expected = encoder.encode(["calm piano music with soft"]).tokens  # cut text ends like any other
    torch.testing.assert_close(features.tokens[1:], expected)


def test_no_text(t5, t5_clap):
    tokens, vector = null_features(t5_clap)
    assert tokens.shape == (77, 24) and vector.shape == (512,)
    empty = t5_clap.encode([""])
    assert torch.equal(tokens, empty.tokens[0]) and torch.equal(vector, empty.vector[0])
    tokens, vector = null_features(t5)
    assert tokens.shape == (1, 16) and vector is None


@pytest.mark.parametrize("prompt", ["日本の音楽 🎸", "...", "\u200b", "a" * 2000])
def test_any_text_has_features(prompt, t5_clap):
    features = t5_clap.encode([prompt])
    assert torch.isfinite(features.tokens).all() and torch.isfinite(features.vector).all()


def test_bfloat16_is_near(public_files, t5_clap):
    folders = public_files["flan-t5-large"], public_files["clap-general"]
    half, full = T5Clap(*folders, dtype=torch.bfloat16).encode(PROMPTS), t5_clap.encode(PROMPTS)
    for a, b in ((half.tokens, full.tokens), (half.vector, full.vector)):
        assert a.dtype == torch.float32 and not torch.equal(a, b)
        assert torch.cosine_similarity(a, b, dim=-1).min() > 0.999


def test_the_same_prompt_is_encoded_once(t5):
    assert t5.encode(PROMPTS).tokens is t5.encode(list(PROMPTS)).tokens


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_weights_stay_in_the_file(t5, public_files):
    weights = str(public_files["flan-t5-base"] / "model.safetensors")
    mapped = [line.split()[0] for line in Path("/proc/self/maps").read_text().splitlines() if line.endswith(weights)]
    spans = [tuple(int(end, 16) for end in span.split("-")) for span in mapped]
    assert all(any(a <= p.data_ptr() < b for a, b in spans) for p in t5._model.parameters())


def test_not_downloaded_names_the_command(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelError, match="ttm-app models download flan-t5-base"):
        load_text_encoder(bundle_of("mamba-189m"))


def test_half_downloaded_names_the_command(downloaded):
    (downloaded["clap-general"] / "merges.txt").resolve().unlink()
    with pytest.raises(ModelError, match="merges.txt is missing.*ttm-app models download clap-general"):
        load_text_encoder(bundle_of("dit-450m"))


def test_encoders_inside_the_bundle(public_files, tmp_path):
    shutil.copytree(public_files["flan-t5-base"], tmp_path / "text" / "t5")
    text = {"kind": "t5", "length": 8, "t5": {"path": "text/t5"}}
    features = load_text_encoder(Bundle(tmp_path, {"text": text})).encode(PROMPTS)
    assert features.tokens.shape == (2, 8, 16) and features.cut > 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ({"kind": "t6"}, "unknown text encoder 't6'"),
        ({"kind": "t5"}, "names no 't5'"),
        ({"kind": "t5-clap", "t5": {"path": "a"}}, "names no 'clap'"),
        ({"kind": "t5", "t5": {"path": "a"}, "length": "128"}, "no usable length"),
        ({"kind": "t5", "t5": {"path": "a"}, "length": 128, "padding": "left"}, "no usable length and padding"),
    ],
)
def test_a_config_that_does_not_fit(text, expected):
    with pytest.raises(ModelError, match=expected):
        load_text_encoder(Bundle(Path("mine"), {"text": text}))


def test_a_missing_package_is_one_line(public_files, monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(DependencyError, match="pip install transformers"):
        T5Tokens(public_files["flan-t5-base"], 128)


def without(key: str):
    def change(folder: Path) -> None:
        state = {name: tensor for name, tensor in load_file(folder / "model.safetensors").items() if key not in name}
        save_file(state, folder / "model.safetensors", {"format": "pt"})

    return change


def test_the_decoder_is_not_needed(public_files, tmp_path, t5):
    folder = shutil.copytree(public_files["flan-t5-base"], tmp_path / "t5")
    without("decoder")(folder)
    assert not [name for name in load_file(folder / "model.safetensors") if "decoder" in name]
    assert torch.equal(T5Tokens(folder, 128).encode(PROMPTS).tokens, t5.encode(PROMPTS).tokens)


def cut_short(folder: Path) -> None:
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(data[: len(data) // 2])


def other_sizes(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"d_ff": 8}))


@pytest.mark.parametrize(
    "damage",
    [
        without("encoder.block.1.layer.0.SelfAttention.q"),
        without("shared"),
        cut_short,
        other_sizes,
        lambda folder: (folder / "config.json").unlink(),
        lambda folder: (folder / "config.json").write_text("{"),
        lambda folder: (folder / "tokenizer.json").write_text("{}"),
        lambda folder: (folder / "tokenizer.json").unlink(),
        lambda folder: (folder / "model.safetensors").unlink(),
    ],
)
def test_a_damaged_t5_is_one_line(damage, public_files, tmp_path, capfd):
    folder = shutil.copytree(public_files["flan-t5-base"], tmp_path / "t5")
    damage(folder)
    with pytest.raises(ModelError) as caught:
        T5Tokens(folder, 128)
    assert str(folder) in str(caught.value) and "\n" not in str(caught.value) and len(str(caught.value)) < 500
    assert capfd.readouterr() == ("", "")


def test_code_in_a_checkpoint_is_never_run(public_files, tmp_path):
    folder = shutil.copytree(public_files["clap-general"], tmp_path / "clap")

    class Bomb:
        def __reduce__(self):
            return Path.touch, (tmp_path / "was-run",)

    state = torch.load(folder / "pytorch_model.bin", weights_only=True) | {"bomb": Bomb()}
    torch.save(state, folder / "pytorch_model.bin", pickle_module=pickle)
    with pytest.raises(ModelError) as caught:
        T5Clap(public_files["flan-t5-large"], folder)
    assert "\n" not in str(caught.value) and not (tmp_path / "was-run").exists()


def test_flan_t5_large_is_what_the_dit_takes():
    from transformers import T5Config, T5EncoderModel

    from musicgen_app.backbones.fluxaudio.model import FluxAudioConfig

    sizes = {"d_model": 1024, "d_ff": 2816, "num_layers": 24, "num_heads": 16, "vocab_size": 32128}
    with torch.device("meta"):
        encoder = T5EncoderModel(T5Config(feed_forward_proj="gated-gelu", **sizes))
        states = encoder(torch.zeros(1, 77, dtype=torch.long)).last_hidden_state
    assert sum(p.numel() for p in encoder.parameters()) == 341_231_104
    assert states.shape == (1, FluxAudioConfig.text_len, FluxAudioConfig.text_dim)
