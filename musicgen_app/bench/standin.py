"""Stand-ins: a whole model of a paper system's exact sizes with random weights, in the files of a downloaded one.

Nobody has published weights for these systems. Time and memory do not depend on the numbers, as long as they stay in
range. The stand-in is a model folder that the app loads like any other, frozen parts included.
"""

from __future__ import annotations

import json
import re
import string
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, nn

from ..backbones.base import Backbone
from ..backbones.presets import build_backbone
from ..codecs.acestep_v1.vocoder import Vocoder, VocoderConfig, WeightNormConv
from ..codecs.mmaudio.bigvgan import BigVGAN
from ..codecs.mmaudio.codec import VAE, MMAudio16k
from ..codecs.mmaudio.codec import save as save_mmaudio
from ..models.bundle import Bundle, write_bundle
from ..models.paper_systems import MMAUDIO, SYSTEMS

PROMPT = (
    "Warm lo-fi hip hop with a mellow electric piano, soft vinyl crackle, a laid-back drum groove and a round bass,"
    " relaxed and nostalgic"
)
STORED = torch.float16

# Sizes of the frozen parts, by their names in `hub.PARTS` or the kind of codec; {}: those of the only public one.
SIZES: dict[str, dict] = {
    "flan-t5-base": {"d_model": 768, "d_ff": 2048, "num_layers": 12, "num_heads": 12, "d_kv": 64},
    "flan-t5-large": {"d_model": 1024, "d_ff": 2816, "num_layers": 24, "num_heads": 16, "d_kv": 64},
    "clap-general": {},
    "acestep-v1": {},
    "acestep-v15": {},
    MMAUDIO: {},
}


def write_stand_in(
    folder: Path, preset: str, overrides: dict | None = None, sizes: dict[str, dict] | None = None
) -> Bundle:
    """Write the model folder (a new one, disk: about 2 bytes a parameter). `sizes` replaces `SIZES`, for tests."""
    system, sizes = SYSTEMS[preset], sizes or SIZES
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        backbone = random_backbone(preset, overrides or {})
        dim, kind = backbone.latent_dim, system.codec["kind"]
        mean, std = system.latent or (0.0, 1.0)
        codec = {"path": "codec"} if kind == MMAUDIO else {"source": {"path": "codec"}}
        config = {
            "name": preset,
            "title": f"{system.title}, random weights",
            "version": "0",
            "licence": "CC0-1.0",
            "backbone": {"preset": preset, "overrides": overrides or {}},
            "text": system.text | {part: {"path": f"text/{part}"} for part in ("t5", "clap") if part in system.text},
            "codec": {"kind": kind, **codec},
            "latent": {"mean": [mean] * dim, "std": [std] * dim},
            "sampler": system.sampler,
            "seconds": {"native": 10.0, "max": 3600.0},
            "training": {"random": True},
            "data": [],
        }
        state = {name: tensor.to(STORED) for name, tensor in backbone.state_dict().items()}
        del backbone
        with TemporaryDirectory(dir=folder.parent) as scratch:
            inside = _mmaudio_files(Path(scratch), sizes[kind]) if kind == MMAUDIO else {}
            bundle = write_bundle(folder, config, state, f"# {preset}\n\nRandom weights, for measuring.\n", inside)
        for part in system.parts:
            WRITERS[part](folder, sizes[part])
    return bundle


def random_backbone(preset: str, overrides: dict) -> Backbone:
    """A backbone as it is before training, except that no weight is zero: a fresh one answers zero to everything."""
    backbone = build_backbone(preset, overrides)
    for parameter in backbone.parameters():
        if parameter.requires_grad and not parameter.any():
            nn.init.normal_(parameter, std=0.02)
    return backbone


def calibrate(network: nn.Module, run: Callable[[], Tensor], levels: dict[str, float]) -> Tensor:
    """Scale every layer of `network` that `run()` uses so that its output has unit variance (Mishkin & Matas, 2016).

    levels: patterns of layer names with another standard deviation. The signal of a deep network with plain random
    weights fades or explodes on its way, and errors measured on it would say nothing. Returns the output of `run`.
    """

    def scale(name: str) -> Callable:
        level = next((level for pattern, level in levels.items() if re.search(pattern, name)), 1.0)
        return lambda layer, inputs, output: _scaled(layer, output, level)

    layers = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.ConvTranspose1d, nn.ConvTranspose2d, WeightNormConv)
    named = [(name, layer) for name, layer in network.named_modules() if isinstance(layer, layers)]
    handles = [layer.register_forward_hook(scale(name)) for name, layer in named]
    with torch.no_grad():
        output = run()
    for handle in handles:
        handle.remove()
    return output


def _scaled(layer: Any, output: Tensor, level: float) -> Tensor:
    """Forward hook: change the layer so that its output has this standard deviation, and give that output."""
    factor = level / output.std().clamp_min(1e-6)
    gain = layer.weight_g if hasattr(layer, "weight_g") else layer.weight
    gain.mul_(factor)
    if layer.bias is not None:
        layer.bias.mul_(factor)
    return output * factor


def _write_t5(folder: Path, sizes: dict) -> None:
    from transformers import T5Config, T5EncoderModel

    folder = folder / "text" / "t5"
    sizes = {"vocab_size": 32_128, "feed_forward_proj": "gated-gelu", "dropout_rate": 0.0} | sizes
    T5EncoderModel(T5Config(**sizes)).to(STORED).save_pretrained(folder)
    _write_t5_tokenizer(folder)


def _write_t5_tokenizer(folder: Path) -> None:
    """A tokenizer that knows letters and the words of `PROMPT`: the prompt then has about as many tokens as usual."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    words = sorted(set(PROMPT.split()))
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", -10.0), ("▁", -4.0)]
    pieces += [(letter, -6.0) for letter in string.printable.strip()] + [(f"▁{word}", -5.0) for word in words]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=2))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    tokenizer.save(str(folder / "tokenizer.json"))
    special = {"eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>", "extra_ids": 0}
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "T5Tokenizer", **special}))


def _write_clap(folder: Path, sizes: dict) -> None:
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import ClapTextConfig, ClapTextModelWithProjection

    folder = folder / "text" / "clap"
    ClapTextModelWithProjection(ClapTextConfig(**sizes)).to(STORED).save_pretrained(folder)
    vocabulary = ["<s>", "<pad>", "</s>", "<unk>", *sorted(ByteLevel.alphabet()), "<mask>"]
    (folder / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(vocabulary)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "RobertaTokenizer"}))


def _write_acestep_v1(folder: Path, sizes: dict) -> None:
    """The mel autoencoder and the vocoder, as ACE-Step v1 keeps them."""
    from diffusers import AutoencoderDC
    from safetensors.torch import save_file

    shapes = {
        "in_channels": 2,
        "latent_channels": 8,
        "encoder_block_types": ["ResBlock"] * 3 + ["EfficientViTBlock"],
        "decoder_block_types": ["ResBlock"] * 3 + ["EfficientViTBlock"],
        "encoder_block_out_channels": [128, 256, 512, 1024],
        "decoder_block_out_channels": [128, 256, 512, 1024],
        "encoder_layers_per_block": [2, 2, 3, 3],
        "decoder_layers_per_block": [3, 3, 3, 3],
        "encoder_qkv_multiscales": [[], [], [5], [5]],
        "decoder_qkv_multiscales": [[], [], [5], [5]],
        "upsample_block_type": "interpolate",
        "downsample_block_type": "Conv",
    }
    autoencoder = AutoencoderDC(**shapes | sizes.get("dcae", {})).eval()
    vocoder = Vocoder(VocoderConfig(**sizes.get("vocoder", {}))).eval()
    z = 4.5 * torch.randn(1, 8, 16, 8)  # as wide as what the codec hands to the decoder
    mel = calibrate(autoencoder.decoder, lambda: autoencoder.decoder(z), {"^conv_out": 0.3})
    mel = 7 * mel.flatten(0, 1) - 4  # as the codec scales it: log magnitudes
    calibrate(vocoder, lambda: vocoder(mel), {"conv_post": 0.2, r"convs2|pwconv2": 0.35})
    autoencoder.to(STORED).save_pretrained(folder / "codec" / "music_dcae_f8c8")
    where = folder / "codec" / "music_vocoder"
    where.mkdir()
    (where / "config.json").write_text(json.dumps(asdict(vocoder.config)))
    state = {name: tensor.to(STORED).contiguous() for name, tensor in vocoder.state_dict().items()}
    save_file(state, where / "diffusion_pytorch_model.safetensors")


def _write_acestep_v15(folder: Path, sizes: dict) -> None:
    """The waveform autoencoder, as ACE-Step 1.5 keeps it."""
    from diffusers import AutoencoderOobleck

    shapes = {
        "encoder_hidden_size": 128,
        "downsampling_ratios": [2, 4, 4, 6, 10],
        "channel_multiples": [1, 2, 4, 8, 16],
        "decoder_channels": 128,
        "decoder_input_channels": 64,
        "audio_channels": 2,
        "sampling_rate": 48_000,
    }
    autoencoder = AutoencoderOobleck(**shapes | sizes).eval()
    z = torch.randn(1, 64, 12)
    calibrate(autoencoder.decoder, lambda: autoencoder.decoder(z), {"^conv2": 0.2, r"res_unit\d\.conv2": 0.35})
    autoencoder.to(STORED).save_pretrained(folder / "codec" / "vae")


def _mmaudio_files(folder: Path, sizes: dict) -> dict[str, Path]:
    """MMAudio's codec, which is part of the bundle itself: name in the bundle -> file, written to `folder`."""
    codec = MMAudio16k(VAE(**sizes.get("vae", {})), BigVGAN(**sizes.get("vocoder", {}))).eval()
    z = torch.randn(1, 12, codec.latent_dim)
    calibrate(codec, lambda: codec.decode(z), {"conv_post": 0.2, "convs2": 0.35})
    codec.vae.data_mean.fill_(-1.5)  # log magnitudes
    save_mmaudio(codec.to(STORED), folder)
    return {f"codec/{file.name}": file for file in folder.iterdir()}


WRITERS = {
    "flan-t5-base": _write_t5,
    "flan-t5-large": _write_t5,
    "clap-general": _write_clap,
    "acestep-v1": _write_acestep_v1,
    "acestep-v15": _write_acestep_v15,
}
