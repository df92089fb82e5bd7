"""Public codecs' files, laid out as they are, with random weights of small networks."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

from musicgen_app.codecs.acestep_v1.codec import DCAE, VOCODER, WEIGHTS
from musicgen_app.codecs.acestep_v1.vocoder import Vocoder, VocoderConfig
from musicgen_app.codecs.mmaudio.bigvgan import BigVGAN
from musicgen_app.codecs.mmaudio.codec import VAE

BLOCKS = ["ResBlock", "ResBlock", "ResBlock", "EfficientViTBlock"]


def dcae_config(widths: list[int], latent_channels: int, head: int, encoder_layers: list, decoder_layers: list) -> dict:
    """The keys of the public `config.json`."""
    return {
        "_class_name": "AutoencoderDC",
        "in_channels": 2,
        "latent_channels": latent_channels,
        "attention_head_dim": head,
        "encoder_block_types": BLOCKS,
        "decoder_block_types": BLOCKS,
        "encoder_block_out_channels": widths,
        "decoder_block_out_channels": widths,
        "encoder_layers_per_block": encoder_layers,
        "decoder_layers_per_block": decoder_layers,
        "encoder_qkv_multiscales": [[], [], [5], [5]],
        "decoder_qkv_multiscales": [[], [], [5], [5]],
        "upsample_block_type": "interpolate",
        "downsample_block_type": "Conv",
        "decoder_norm_types": "rms_norm",
        "decoder_act_fns": "silu",
        "scaling_factor": 0.41407,
    }


TINY_DCAE = dcae_config([4, 8, 16, 32], 2, 8, [1, 1, 1, 1], [1, 1, 1, 1])
TINY_VOCODER = VocoderConfig(
    depths=(1, 2),
    dims=(8, 16),
    upsample_rates=(8, 8, 8),
    upsample_kernel_sizes=(16, 16, 16),
    resblock_kernel_sizes=(3, 5),
    resblock_dilation_sizes=((1, 3), (1, 3)),
    num_mels=16,
    upsample_initial_channel=32,
)


def randomise(module: nn.Module) -> None:
    """Random values, of about the size that keeps a signal, where fresh modules have zeros and ones."""
    for name, parameter in module.named_parameters():
        if name.endswith("weight_g"):
            parameter.data *= 2 * torch.rand_like(parameter) + 1
        elif parameter.ndim == 1:
            nn.init.normal_(parameter, std=0.3)


def write_acestep_v1(folder, seed: int = 0) -> None:
    """A small random codec in the layout of the public files: two folders, 16-bit safetensors."""
    from diffusers import AutoencoderDC

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        dcae, voice = AutoencoderDC.from_config(TINY_DCAE), Vocoder(TINY_VOCODER)
        randomise(dcae)
        randomise(voice)
    dcae.half().save_pretrained(folder / DCAE)
    (folder / VOCODER).mkdir()
    config = {"_class_name": "ADaMoSHiFiGANV1", "_diffusers_version": "0.32.2", **vars(TINY_VOCODER)}
    (folder / VOCODER / "config.json").write_text(json.dumps(config))
    save_file({name: tensor.half() for name, tensor in voice.state_dict().items()}, folder / VOCODER / WEIGHTS)


def write_mmaudio(folder: Path, newer_names: bool = False) -> Path:
    """Both files with random weights of small networks, as the public ones are laid out."""
    torch.manual_seed(0)
    vae, vocoder = VAE(width=8), BigVGAN(width=64)
    state = vae.state_dict() | {"data_mean": torch.full((80,), -1.5), "data_std": torch.full((80,), 0.9)}
    state = {name: 3 * value if value.ndim == 3 else value for name, value in state.items()}  # any norm will do
    torch.save(state, folder / "v1-16.pth")
    names = {"weight_g": "parametrizations.weight.original0", "weight_v": "parametrizations.weight.original1"}
    generator = vocoder.state_dict()
    for old, new in names.items() if newer_names else ():
        generator = {name.replace(old, new): value for name, value in generator.items()}
    torch.save({"generator": generator}, folder / "best_netG.pt")
    return folder
