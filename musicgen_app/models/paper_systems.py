"""The systems of the papers: what turns a backbone preset into a whole text-to-music model.

A preset (`backbones/presets.py`) is a network. To make music it needs the text encoders it was trained with, the codec
whose latents it writes, how those latents were normalised, and a sampler. Those are here, as the papers give them.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import ModelError
from .hub import source


@dataclass(frozen=True)
class System:
    """One system: `text`, `codec`, `sampler` and `seconds` are entries of a bundle's config, ready to be copied.

    latent: (mean, std) that hold for every dimension, or None where a checkpoint brings its own, one per dimension;
    parts: the names in `hub.PARTS` that it needs.
    """

    title: str
    text: dict
    codec: dict
    latent: tuple[float, float] | None
    sampler: dict
    seconds: dict
    parts: tuple[str, ...]
    paper: str


# Latent dimensions -> the codec they belong to.
CODECS = {128: "acestep-v1", 64: "acestep-v15"}
MMAUDIO = "mmaudio-16k"  # of 20 dimensions: a codec whose public files no revision pins, so a model holds it itself


def codec_for(latent_dim: int) -> dict:
    """The codec config for latents of that many dimensions. ModelError: this version has no codec for them."""
    if latent_dim not in CODECS:
        known = ", ".join(f"{dim} ({name})" for dim, name in CODECS.items())
        raise ModelError(
            f"no codec for latents of {latent_dim} dimensions: this ttm-app decodes {known}; and 20 (MMAudio's 16 kHz"
            " VAE) where --codec-files names the folder with v1-16.pth and best_netG.pt"
            + ("; 40 are those of MMAudio's 44.1 kHz VAE, which it does not have" if latent_dim == 40 else "")
        )
    return {"kind": CODECS[latent_dim], "source": source(CODECS[latent_dim])}


def _euler(steps: int, guidance: float) -> dict:
    return {"solver": "euler", "steps": steps, "guidance": guidance, "guidance_interval": None}


_SECONDS = {"native": 10.0, "max": 300.0}
# The challenge baseline and what was built on it: FLAN-T5-large tokens with a global CLAP vector.
_T5_CLAP = {
    "kind": "t5-clap",
    "length": 77,
    "t5": source("flan-t5-large"),
    "clap": source("clap-general"),
}
_T5_CLAP_PARTS = ("flan-t5-large", "clap-general")
_BASELINE = "FluxAudio, the baseline of the ICME 2026 text-to-music challenge (arXiv 2605.21538)"
_MEANAUDIO = "MeanAudio (arXiv 2508.06098)"
_ONE_STEP = {"solver": "mean", "steps": 1, "guidance": 1.0, "guidance_interval": None}

SYSTEMS = {
    "mamba-189m": System(
        title="Bidirectional Mamba, 189 M",
        text={"kind": "t5", "length": 128, "padding": "longest", "t5": source("flan-t5-base")},
        codec=codec_for(128),
        latent=(0.0527, 0.8134),
        sampler=_euler(steps=100, guidance=3.5),
        seconds=_SECONDS,
        parts=("flan-t5-base", "acestep-v1"),
        paper="the UCSD entry of the ICME 2026 text-to-music challenge",
    ),
    "dit-450m": System(
        title="Score-aware DiT, 450 M",
        text=_T5_CLAP,
        codec=codec_for(64),
        latent=None,
        sampler=_euler(steps=25, guidance=4.5),
        seconds=_SECONDS,
        parts=(*_T5_CLAP_PARTS, "acestep-v15"),
        paper="score-aware training for text-to-music (arXiv 2606.07387)",
    ),
    "fluxaudio-s": System(
        title="FluxAudio-S, 120 M",
        text=_T5_CLAP,
        codec={"kind": MMAUDIO, "path": "codec"},
        latent=None,
        sampler=_euler(steps=25, guidance=4.5),
        seconds=_SECONDS,
        parts=_T5_CLAP_PARTS,
        paper=_BASELINE,
    ),
    "fluxaudio-l": System(
        title="FluxAudio-L, 478 M",
        text=_T5_CLAP,
        codec={"kind": MMAUDIO, "path": "codec"},
        latent=None,
        sampler=_euler(steps=25, guidance=4.5),
        seconds=_SECONDS,
        parts=_T5_CLAP_PARTS,
        paper=_BASELINE,
    ),
    "meanaudio-s": System(
        title="MeanAudio-S, 120 M",
        text=_T5_CLAP,
        codec={"kind": MMAUDIO, "path": "codec"},
        latent=None,
        sampler=_ONE_STEP,
        seconds=_SECONDS,
        parts=_T5_CLAP_PARTS,
        paper=_MEANAUDIO,
    ),
    "meanaudio-l": System(
        title="MeanAudio-L, 479 M",
        text=_T5_CLAP,
        codec={"kind": MMAUDIO, "path": "codec"},
        latent=None,
        sampler=_ONE_STEP,
        seconds=_SECONDS,
        parts=_T5_CLAP_PARTS,
        paper=_MEANAUDIO,
    ),
}
