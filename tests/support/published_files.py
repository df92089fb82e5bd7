"""Files of published models as they lie on the hub, with random weights: of full shapes, or of small ones."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from torch import nn

from musicgen_app.backbones import presets
from musicgen_app.backbones.presets import Preset, build_backbone
from musicgen_app.bench.standin import calibrate
from musicgen_app.codecs.mmaudio.bigvgan import BigVGAN
from musicgen_app.codecs.mmaudio.codec import VAE, MMAudio16k
from musicgen_app.models import hub, published
from musicgen_app.models.hub import Part
from support.frozen_parts import write_t5, write_t5_tokenizer

SMALL = {"latent_dim": 20, "hidden": 32, "depth": 3, "fused_depth": 1, "heads": 1, "mlp_width": 48}
SYSTEMS = {"fluxaudio-s": presets.FLUXAUDIO, "meanaudio-s": presets.MEANFLOW}
T5_LARGE = {"d_model": 1024, "d_ff": 2816, "num_layers": 24, "num_heads": 16, "d_kv": 64, "vocab_size": 32_128}


@dataclass(frozen=True)
class ClapSizes:
    """Of the text tower (hidden, layers, words) and the audio tower (width, blocks of its stages)."""

    hidden: int = 64
    layers: int = 1
    words: int = 300
    width: int = 32
    depths: tuple[int, ...] = (1, 1, 1, 1)


def write_weights(system: str, path: Path) -> None:
    """A checkpoint as its authors save it: the plain state dict, with what their module keeps besides."""
    torch.manual_seed(0)
    backbone = build_backbone(system)
    for value in backbone.state_dict().values():
        if value.ndim > 1 and not value.any():
            nn.init.normal_(value, std=0.02)
    state = backbone.state_dict() | {"latent_std": torch.ones(1, 1, 20) * 1.5}
    torch.save(state | {"t_embed.freqs": torch.ones(128)}, path)


def write_codec(folder: Path, vae: VAE, vocoder: BigVGAN) -> None:
    """`v1-16.pth` and `best_netG.pt`, scaled so that latents make sound of a usual level."""
    codec = MMAudio16k(vae, vocoder).eval()
    z = torch.randn(1, 12, codec.latent_dim)
    calibrate(codec, lambda: codec.decode(z), {"conv_post": 0.2, "convs2": 0.35})
    vae.data_mean.fill_(-1.5)
    torch.save(vae.state_dict(), folder / published.VAE)
    torch.save({"generator": vocoder.state_dict()}, folder / published.VOCODER)


def clap_shapes(sizes: ClapSizes) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a published CLAP, spelled out from its parts: RoBERTa, HTSAT and projections to 512."""
    hidden, text = sizes.hidden, "text_branch"
    shapes: dict[str, tuple[int, ...]] = {
        f"{text}.embeddings.word_embeddings.weight": (sizes.words, hidden),
        f"{text}.embeddings.position_embeddings.weight": (514, hidden),
        f"{text}.embeddings.token_type_embeddings.weight": (1, hidden),
        f"{text}.embeddings.position_ids": (1, 514),
    }

    def both(name: str, *shape: int) -> None:
        shapes[f"{name}.weight"], shapes[f"{name}.bias"] = shape, shape[:1]

    both(f"{text}.embeddings.LayerNorm", hidden)
    for index in range(sizes.layers):
        layer = f"{text}.encoder.layer.{index}"
        for part in ("query", "key", "value"):
            both(f"{layer}.attention.self.{part}", hidden, hidden)
        both(f"{layer}.attention.output.dense", hidden, hidden)
        both(f"{layer}.attention.output.LayerNorm", hidden)
        both(f"{layer}.intermediate.dense", 4 * hidden, hidden)
        both(f"{layer}.output.dense", hidden, 4 * hidden)
        both(f"{layer}.output.LayerNorm", hidden)
    both(f"{text}.pooler.dense", hidden, hidden)
    audio, width = "audio_branch", sizes.width
    both(f"{audio}.patch_embed.proj", width, 1, 4, 4)
    both(f"{audio}.patch_embed.norm", width)
    for stage, depth in enumerate(sizes.depths):
        wide = width * 2**stage
        heads = wide // 32
        for index in range(depth):
            block = f"{audio}.layers.{stage}.blocks.{index}"
            both(f"{block}.norm1", wide)
            shapes[f"{block}.attn.relative_position_bias_table"] = (225, heads)
            shapes[f"{block}.attn.relative_position_index"] = (64, 64)
            both(f"{block}.attn.qkv", 3 * wide, wide)
            both(f"{block}.attn.proj", wide, wide)
            both(f"{block}.norm2", wide)
            both(f"{block}.mlp.fc1", 4 * wide, wide)
            both(f"{block}.mlp.fc2", wide, 4 * wide)
        if stage < 3:
            shapes[f"{audio}.layers.{stage}.downsample.reduction.weight"] = (2 * wide, 4 * wide)
            both(f"{audio}.layers.{stage}.downsample.norm", 4 * wide)
    both(f"{audio}.norm", 8 * width)
    both(f"{audio}.bn0", 64)
    shapes |= {f"{audio}.bn0.running_mean": (64,), f"{audio}.bn0.running_var": (64,)}
    shapes[f"{audio}.bn0.num_batches_tracked"] = ()
    shapes[f"{audio}.logmel_extractor.melW"] = (513, 64)
    both(f"{audio}.tscam_conv", 527, 8 * width, 2, 3)
    for tower, wide in (("text", hidden), ("audio", 8 * width)):
        both(f"{tower}_projection.0", 512, wide)
        both(f"{tower}_projection.2", 512, 512)
        both(f"{tower}_transform.sequential.0", 512, 512)
        shapes[f"logit_scale_{tower[0]}"] = ()
    return shapes


def clap_state(sizes: ClapSizes = ClapSizes()) -> dict[str, torch.Tensor]:
    """Random weights by the published names."""
    torch.manual_seed(1)
    state = {}
    for name, shape in clap_shapes(sizes).items():
        if name.endswith(("relative_position_index", "num_batches_tracked", "position_ids")):
            state[name] = torch.zeros(shape, dtype=torch.long)
        elif name.endswith(("norm.weight", "norm1.weight", "norm2.weight", "LayerNorm.weight", "bn0.weight", "_var")):
            state[name] = torch.ones(shape)
        else:
            state[name] = torch.randn(shape) * (shape[-1] ** -0.5 if len(shape) > 1 else 0.02)
    return state


def write_clap_checkpoint(path: Path, sizes: ClapSizes = ClapSizes()) -> None:
    """A whole training state, as LAION publishes it, with numbers of NumPy among its settings."""
    import numpy as np

    network = {f"module.{name}": value for name, value in clap_state(sizes).items()}
    optimizer = {"state": {0: {"step": torch.tensor(1.0), "exp_avg": torch.ones(3)}}, "param_groups": [{"lr": 1e-4}]}
    torch.save({"epoch": 15, "name": "x", "best": np.float64(0.9), "state_dict": network, "optimizer": optimizer}, path)


def write_tokenizer(folder: Path) -> None:
    """RoBERTa's two files, with the alphabet of bytes alone."""
    from tokenizers.pre_tokenizers import ByteLevel

    pieces = ["<s>", "<pad>", "</s>", "<unk>", *sorted(ByteLevel.alphabet()), "<mask>"]
    folder.mkdir(parents=True)
    (folder / "vocab.json").write_text(json.dumps({piece: index for index, piece in enumerate(pieces)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")


def write_t5_large(folder: Path) -> None:
    """An encoder of FLAN-T5-large's sizes, all zeros: a sparse file, which takes neither time nor room."""
    from transformers import T5Config, T5EncoderModel

    config = T5Config(feed_forward_proj="gated-gelu", architectures=["T5EncoderModel"], **T5_LARGE)
    config.save_pretrained(folder)
    with torch.device("meta"):
        shapes = {name: list(value.shape) for name, value in T5EncoderModel(config).named_parameters()}
    header: dict[str, dict] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, shape in shapes.items():
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [end, end := end + 4 * math.prod(shape)]}
    text = json.dumps(header).encode()
    with open(folder / "model.safetensors", "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + end)
    write_t5_tokenizer(folder)


def write_all(folder: Path, systems: dict[str, str], full: bool = False) -> dict[str, dict[str, Path]]:
    """All files of published models (name -> system), as a hub has them: repository -> name of the file -> file."""
    meanaudio, t5, roberta = (folder / name for name in ("MeanAudio", "flan-t5-large", "roberta-base"))
    meanaudio.mkdir(parents=True)
    for name, system in systems.items():
        write_weights(system, meanaudio / published.PUBLISHED[name].weights.files[0])
    write_codec(meanaudio, *((VAE(), BigVGAN()) if full else (VAE(width=8), BigVGAN(width=64))))
    sizes = ClapSizes(768, 12, 50_265, 128, (2, 2, 12, 2)) if full else ClapSizes()
    write_clap_checkpoint(meanaudio / published.CLAP, sizes)
    write_tokenizer(roberta)
    t5.mkdir()
    write_t5_large(t5) if full else write_t5(t5, width=1024)
    return listed(folder)


def listed(folder: Path) -> dict[str, dict[str, Path]]:
    """The files that `write_all` wrote to a folder."""
    owners = {"MeanAudio": "AndreasXi", "flan-t5-large": "google", "roberta-base": "FacebookAI"}
    return {
        f"{owner}/{name}": {file.name: file for file in (folder / name).iterdir()} for name, owner in owners.items()
    }


def use(monkeypatch: pytest.MonkeyPatch, files: dict[str, dict[str, Path]], small: bool = True) -> dict[str, str]:
    """Make the app expect these files in place of the real ones; returns the revision of each repository.

    small: the systems have networks of the small shapes.
    """
    from support.hub_server import digest

    def of(part: Part) -> Part:
        found = {name: files[part.repo][name] for name in part.files if name in files[part.repo]}
        known = {name: digest(path, path.stat().st_size) for name, path in found.items() if name in part.sha256}
        size = sum(path.stat().st_size for path in found.values())
        return replace(part, sha256=known, size=size)

    for system, family in SYSTEMS.items() if small else ():
        monkeypatch.setitem(presets.PRESETS, system, Preset(family, SMALL, 1))
    monkeypatch.setitem(hub.PARTS, "flan-t5-large", of(hub.PARTS["flan-t5-large"]))
    for name in ("CODEC_FILES", "CLAP_FILE", "TOKENIZER"):
        monkeypatch.setattr(published, name, of(getattr(published, name)))
    for name, model in published.PUBLISHED.items():
        if model.weights.files[0] in files["AndreasXi/MeanAudio"]:
            monkeypatch.setitem(published.PUBLISHED, name, replace(model, weights=of(model.weights)))
    if small:
        monkeypatch.setattr(published, "TEXT_TOWER", 1_000_000)
    parts = [hub.PARTS["flan-t5-large"], published.CODEC_FILES, published.TOKENIZER]
    return {part.repo: part.revision for part in parts}
