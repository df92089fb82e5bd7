"""LAION's CLAP files (HTSAT-base, no fusion) -> the networks of `transformers`.

The published files are whole training states: the network under `state_dict`, its names after `module.`. A table maps
them; names that it does not know are an error, as are weights that are missing or of another shape. Wu et al., 2023,
arXiv 2211.06687.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..errors import ModelError
from ..models.bundle import WEIGHTS, load_strict
from ..models.torch_file import read_checkpoint

if TYPE_CHECKING:
    from transformers import ClapConfig

# Parts of names, in the order in which they are replaced.
_RENAMED = [
    (r"^text_branch\.", "text_model."),
    (r"^audio_branch\.", "audio_model.audio_encoder."),
    (r"_projection\.0\.", "_projection.linear1."),
    (r"_projection\.2\.", "_projection.linear2."),
    (r"\.bn0\.", ".batch_norm."),
    (r"\.attn\.proj\.", ".attention.output.dense."),
    (r"\.attn\.", ".attention.self."),
    (r"\.mlp\.fc1\.", ".intermediate.dense."),
    (r"\.mlp\.fc2\.", ".output.dense."),
    (r"\.norm1\.", ".layernorm_before."),
    (r"\.norm2\.", ".layernorm_after."),
]
# What the files hold besides: the mel front end, which `transformers` computes itself, the heads and the transforms of
# training, and what is made anew.
_LEFT_OUT = re.compile(
    r"audio_branch\.(spectrogram_extractor|logmel_extractor|tscam_conv|head)\.|(text|audio)_transform\."
    r"|audio_branch\.layers\.\d+\.blocks\.\d+\.attn_mask$|text_branch\.embeddings\.(position|token_type)_ids$"
)
_FIRST = "text_branch.embeddings.word_embeddings.weight"
HEAD = 64  # width of an attention head of the text tower
AUDIO_HEAD = 32  # and of the audio tower
FRONT_END = {  # what the audio tower hears: ten seconds of mono at 48 kHz, as 64 mel bands
    "feature_size": 64,
    "sampling_rate": 48_000,
    "hop_length": 480,
    "max_length_s": 10,
    "fft_window_size": 1024,
    "frequency_min": 50,
    "frequency_max": 14_000,
    "truncation": "rand_trunc",
    "padding": "repeatpad",
}


def read_clap(path: str | os.PathLike) -> dict[str, Tensor]:
    """The state of a published CLAP file by the names of `transformers.ClapModel`; no code in it is run.

    ModelError: it is no such file, or holds weights under names that are not known.
    """
    tensors = read_checkpoint(path)
    prefix = next((name.removesuffix(_FIRST) for name in tensors if name.endswith(_FIRST)), None)
    if prefix is None:
        raise ModelError(f"{path} is no CLAP of LAION: it has no {_FIRST}")
    state: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        own = name.removeprefix(prefix)
        if name.startswith(prefix) and not _LEFT_OUT.match(own):
            state |= _mapped(own, tensor)
    return state


def _mapped(name: str, tensor: Tensor) -> dict[str, Tensor]:
    """One tensor of a file by its new name, or names: queries, keys and values of the audio tower are one there."""
    for pattern, new in _RENAMED:
        name = re.sub(pattern, new, name)
    if ".qkv." not in name:
        return {name: tensor}
    parts = zip(("query", "key", "value"), tensor.chunk(3), strict=True)
    return {name.replace(".qkv.", f".{part}."): values for part, values in parts}


def config_of(state: dict[str, Tensor]) -> ClapConfig:
    """The sizes of a network with this state (see `read_clap`)."""
    from transformers import ClapConfig

    words, audio = state["text_model.embeddings.word_embeddings.weight"], "audio_model.audio_encoder"
    inner = state["text_model.encoder.layer.0.intermediate.dense.weight"]
    width = state[f"{audio}.patch_embed.proj.weight"].shape[0]
    depths = [_count(state, rf"{audio}\.layers\.{stage}\.blocks\.(\d+)\.") for stage in range(4)]
    text = {
        "vocab_size": words.shape[0],
        "hidden_size": words.shape[1],
        "intermediate_size": inner.shape[0],
        "num_hidden_layers": _count(state, r"text_model\.encoder\.layer\.(\d+)\."),
        "num_attention_heads": max(1, words.shape[1] // HEAD),
        "max_position_embeddings": state["text_model.embeddings.position_embeddings.weight"].shape[0],
        "layer_norm_eps": 1e-5,  # RoBERTa's; that of `transformers` for CLAP is another
    }
    sound = {
        "patch_embeds_hidden_size": width,
        "hidden_size": 8 * width,
        "depths": depths,
        "num_attention_heads": [max(1, width * 2**stage // AUDIO_HEAD) for stage in range(4)],
    }
    dim = state["text_projection.linear2.weight"].shape[0]
    return ClapConfig(text_config=text, audio_config=sound, projection_dim=dim)


def write_clap(path: str | os.PathLike, tokenizer: Path, folder: Path, audio: bool = False) -> None:
    """Write a published CLAP file as a folder that `transformers` reads, weights as safetensors: the text tower alone,
    or with `audio` both.

    tokenizer: folder with RoBERTa's vocab.json and merges.txt. ModelError as `read_clap`, and where weights do not fit.
    """
    from safetensors.torch import save_file
    from transformers import ClapFeatureExtractor, ClapModel, ClapTextModelWithProjection

    state = read_clap(path)
    try:
        config = config_of(state)
    except KeyError as error:
        raise ModelError(f"{path} is no CLAP of LAION: it has no {error.args[0]}") from None
    with torch.device("meta"):
        text_config = config.text_config
        text_config.projection_dim = config.projection_dim
        model = ClapModel(config) if audio else ClapTextModelWithProjection(text_config)
    wanted, audio_names = model.state_dict(), ("audio_", "logit_scale_")
    own = {name: value for name, value in state.items() if audio or not name.startswith(audio_names)}
    own |= {
        name: made for name, value in wanted.items() if name not in own and (made := _made(name, value)) is not None
    }
    load_strict(model, own, path, assign=True)
    folder.mkdir(parents=True, exist_ok=True)
    model.config.save_pretrained(folder)
    save_file(
        {name: value.contiguous() for name, value in model.state_dict().items()}, folder / WEIGHTS, {"format": "pt"}
    )
    for file in ("vocab.json", "merges.txt"):
        shutil.copyfile(tokenizer / file, folder / file)
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "RobertaTokenizer"}))
    (folder / "special_tokens_map.json").write_text("{}")
    if audio:
        ClapFeatureExtractor(**FRONT_END).save_pretrained(folder)


def _made(name: str, value: Tensor) -> Tensor | None:
    """A buffer that the files lack: the numbers of the positions and of the only type of tokens."""
    if name.endswith("position_ids"):
        return torch.arange(value.shape[-1])[None]
    return torch.zeros(value.shape, dtype=torch.long) if name.endswith("token_type_ids") else None


def _count(state: dict[str, Tensor], pattern: str) -> int:
    """How many numbers the names have where the pattern has its group."""
    return len({found[1] for name in state if (found := re.match(pattern, name))})
