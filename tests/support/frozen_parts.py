"""Small random FLAN-T5 and CLAP checkpoints in their public on-disk format, laid out as a Hugging Face download."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

WORDS = "calm piano music with soft strings slow upbeat electronic drums bass guitar rock jazz warm bright".split()


def write_t5(folder: Path, width: int = 16) -> None:
    """A whole sequence-to-sequence model, as the public repositories hold it: the encoder is about half of it."""
    import torch
    from transformers import T5Config, T5ForConditionalGeneration

    sizes = {"d_model": width, "d_ff": 24, "d_kv": 8, "num_layers": 2, "num_heads": 2, "vocab_size": 128}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = T5ForConditionalGeneration(T5Config(feed_forward_proj="gated-gelu", **sizes))
    model.save_pretrained(folder)
    write_t5_tokenizer(folder)


def write_t5_tokenizer(folder: Path) -> None:
    """A unigram tokenizer of letters and a few words, with the public one's way through: spaces to "▁", then "</s>"."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)] + ["▁", ",", "."]
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    pieces += [(letter, -6.0) for letter in letters] + [(f"▁{word}", -3.0) for word in WORDS]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=2))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    tokenizer.save(str(folder / "tokenizer.json"))
    special = {"eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    config = {"tokenizer_class": "T5Tokenizer", "extra_ids": 0, "model_max_length": 512, **special}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    (folder / "special_tokens_map.json").write_text(json.dumps(special))


def write_clap(folder: Path) -> None:
    """A whole CLAP with its audio tower, as `pytorch_model.bin`, and the byte-level tokenizer of RoBERTa."""
    import torch
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import ClapConfig, ClapModel

    text = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2}
    audio = {"hidden_size": 32, "patch_embeds_hidden_size": 4, "depths": [1, 1, 1, 1], "num_attention_heads": [1] * 4}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = ClapModel(ClapConfig(text_config={"vocab_size": 300, **text}, audio_config=audio))
    folder.mkdir(parents=True, exist_ok=True)
    model.config.save_pretrained(folder)
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    pieces = ["<s>", "<pad>", "</s>", "<unk>", *sorted(ByteLevel.alphabet()), "<mask>"]
    (folder / "vocab.json").write_text(json.dumps({piece: index for index, piece in enumerate(pieces)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "RobertaTokenizer"}))
    (folder / "special_tokens_map.json").write_text("{}")


def install(name: str, files: Path, cache: Path) -> Path:
    """Put `files` into a Hugging Face cache (`HF_HUB_CACHE`) as the part `name`; returns the snapshot folder."""
    from musicgen_app.models.hub import PARTS

    part = PARTS[name]
    repository = cache / f"models--{part.repo.replace('/', '--')}"
    snapshot = repository / "snapshots" / part.revision
    (repository / "blobs").mkdir(parents=True)
    for file in part.files:
        blob = repository / "blobs" / hashlib.sha256((files / file).read_bytes()).hexdigest()
        shutil.copyfile(files / file, blob)
        (snapshot / file).parent.mkdir(parents=True, exist_ok=True)
        (snapshot / file).symlink_to(blob)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(part.revision)
    return snapshot
