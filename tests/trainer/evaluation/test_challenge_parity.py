"""The figures of `ttm-app challenge` against the package `laion-clap`, on random weights of the published architecture.

The package is for development only: without it this is skipped. No extra has it, for it wants an older NumPy than is
used here: `pip install --no-deps laion-clap torchlibrosa`, with what these import.
"""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
import torch

from support.fake_embedder import tone
from support.published_files import write_tokenizer

CONFIG = {
    "model_type": "HTSAT", "model_name": "base", "sample_rate": 48_000, "audio_length": 1024, "clip_samples": 480_000,
    "mel_bins": 64, "window_size": 1024, "hop_size": 480, "fmin": 50, "fmax": 14_000, "class_num": 527,
}  # fmt: skip


@pytest.fixture
def public(tmp_path, monkeypatch):
    """LAION's own network with random weights, and its tokenizer: everything of it but the file that is downloaded."""
    import transformers
    from transformers import RobertaConfig, RobertaModel, RobertaTokenizer

    for kind in ("Bert", "Roberta", "Bart"):  # the package asks the network for these when it is imported
        tokenizer = getattr(transformers, f"{kind}Tokenizer")
        monkeypatch.setattr(tokenizer, "from_pretrained", classmethod(lambda cls, name: None))
    package = pytest.importorskip("laion_clap")
    from clap_module.model import CLAP, CLAPAudioCfp, CLAPTextCfg

    monkeypatch.undo()
    write_tokenizer(tmp_path / "tokenizer")
    config = RobertaConfig(
        vocab_size=261, num_hidden_layers=2, max_position_embeddings=514, type_vocab_size=1, layer_norm_eps=1e-5
    )
    monkeypatch.setattr(RobertaModel, "from_pretrained", classmethod(lambda cls, name: RobertaModel(config)))
    torch.manual_seed(0)
    own = package.CLAP_Module.__new__(package.CLAP_Module)
    torch.nn.Module.__init__(own)
    own.enable_fusion, own.model_cfg = False, {"audio_cfg": CONFIG}
    own.model = CLAP(
        1024, CLAPAudioCfp(**CONFIG), CLAPTextCfg(77, 261, 512, 8, 2, "roberta"), enable_fusion=False
    ).eval()
    own.tokenize = RobertaTokenizer(str(tmp_path / "tokenizer/vocab.json"), str(tmp_path / "tokenizer/merges.txt"))
    return own


@torch.no_grad()
def test_fad_and_clap_score_are_those_of_the_public_package(public, tmp_path):
    from musicgen_app.convert.laion_clap import write_clap
    from ttm_trainer.evaluation.challenge.scores import Challenge, measure_challenge
    from ttm_trainer.evaluation.clips.clips import all_clips
    from ttm_trainer.evaluation.metrics.embeddings import windows
    from ttm_trainer.prepare.embedders import ClapEmbedder

    prompts = ["a low tone", "a top tone of much longer words", "drums"]
    for i in range(3):
        tone(tmp_path / "clips" / f"{i}.wav", i, 2.0, seed=i)
        tone(tmp_path / "reference" / f"{i}.wav", 3 - i, 2.0, seed=10 + i)
    (tmp_path / "prompts.csv").write_text("id,prompt\n" + "\n".join(f"{i},{text}" for i, text in enumerate(prompts)))
    state = {f"module.{name}": value for name, value in public.model.state_dict().items()}
    torch.save({"state_dict": state}, tmp_path / "clap.pt")
    write_clap(tmp_path / "clap.pt", tmp_path / "tokenizer", tmp_path / "clap", audio=True)

    report = measure_challenge(
        Challenge(tmp_path / "clips", tmp_path / "prompts.csv", tmp_path / "reference", resamples=0),
        embedder=ClapEmbedder(tmp_path / "clap", device="cpu"), show=lambda line: None,
    )  # fmt: skip
    found = {row["name"]: row["value"] for row in report["figures"]}

    def heard(folder) -> list[np.ndarray]:
        cuts = [windows(clip.wave(48_000), 48_000, 10.0) for clip in all_clips(folder, 10.0)]
        return [public.get_audio_embedding_from_data(list(cut)) for cut in cuts]

    mine, real = heard(tmp_path / "clips"), heard(tmp_path / "reference")
    text = public.get_text_embedding(prompts)
    clap = np.mean([windowed[0] @ row for windowed, row in zip(mine, text, strict=True)])
    assert found["CLAP score"] == pytest.approx(clap, abs=1e-4)  # the package rounds sound to 16 bits
    a, b = (np.concatenate(side).astype(np.float64) for side in (mine, real))
    root = scipy.linalg.sqrtm(np.cov(a.T) @ np.cov(b.T)).real
    fad = np.square(a.mean(0) - b.mean(0)).sum() + np.trace(np.cov(a.T) + np.cov(b.T) - 2 * root)
    print(f"FAD {found['FAD windowed']:.6f}, public {fad:.6f}; CLAP {found['CLAP score']:.6f}, public {clap:.6f}")  # -s
    assert found["FAD windowed"] == pytest.approx(fad, rel=1e-2, abs=1e-5)
