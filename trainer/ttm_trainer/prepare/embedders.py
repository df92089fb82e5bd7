"""Frozen networks that hear music: embedders, for scores of text and music, and MuQ, for features of every frame.

An embedder turns text and music into unit vectors; their cosine says how well both fit. `load_embedder` gives the
bundled aligner, or LAION's CLAP (Wu et al., 2023, arXiv 2211.06687), which `transformers` runs. `Muq` (Zhu et al.,
2025, arXiv 2501.01108) needs its own package; its weights are for non-commercial use only.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from contextlib import contextmanager
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
import torch.nn.functional as F

from musicgen_app import aligner
from musicgen_app.errors import DependencyError, ModelError
from musicgen_app.machine import paths
from musicgen_app.machine.checksums import sha256
from musicgen_app.machine.device import pick_device
from musicgen_app.models import hub
from musicgen_app.models.published import EMBEDDERS
from musicgen_app.text import ClapVector

CLAP = "clap-general"  # the part that "clap" stands for
CLAP_FILES = ("config.json", "preprocessor_config.json")
MUQ = "OpenMuQ/MuQ-large-msd-iter"
MUQ_NOTICE = (
    "MuQ's weights are under CC-BY-NC-4.0: they, and perhaps a model trained with them, may not be used commercially"
)
CHUNK = 16  # windows, or prompts, that go through a network at once


class Embedder(Protocol):
    """name: of its weights; sample_rate: in Hz; seconds: of the window it hears at once; width: W, of its vectors."""

    @property
    def name(self) -> str: ...

    @property
    def sample_rate(self) -> int: ...

    @property
    def seconds(self) -> float: ...

    @property
    def width(self) -> int: ...

    def text(self, prompts: list[str]) -> np.ndarray:
        """Prompts -> unit vectors (B, W) float32."""

    def audio(self, waves: np.ndarray) -> np.ndarray:
        """Mono audio (B, N) float32 at `sample_rate` -> unit vectors (B, W) float32.

        A long clip gives the mean over its windows.
        """


@lru_cache(maxsize=2)
def load_embedder(name: str) -> Embedder:
    """The embedder "aligner", "clap", a CLAP of `hub.PARTS` or of LAION's own files (`published.EMBEDDERS`), or one in
    a folder; it is kept for the next call.

    Raises ModelError (it is not on this machine, damaged, or no embedder) and DependencyError.
    """
    folder, identity = _find(name)
    if identity is None:
        return aligner.load_aligner(folder)
    assert folder is not None  # only the bundled aligner is in no folder of its own
    return ClapEmbedder(folder, identity)


def embedder_name(name: str) -> str:
    """The `name` of an embedder, without loading a CLAP. Raises ModelError."""
    return _find(name)[1] or load_embedder(name).name


def _find(name: str) -> tuple[Path | None, str | None]:
    """The folder of an embedder (None: the bundled aligner), and the name of a CLAP (None: it is an aligner)."""
    if name == "aligner":
        return None, None
    part = CLAP if name == "clap" else name
    if part in hub.PARTS and part.startswith("clap"):
        source = hub.source(part)
        return hub.locate(source, ""), f"{source['repo']}@{source['revision'][:8]}"
    if name in EMBEDDERS:
        folder = paths.embedders() / name
        if not folder.is_dir():
            raise ModelError(f"{name} is not on this machine: get it with `ttm-app models download {name}`")
        return folder, f"{EMBEDDERS[name].files[0].removesuffix('.pt')} of LAION"
    if name == "statistics":
        raise ModelError(
            "statistics knows no words: it is for the FAD of `ttm-app evaluate` alone; use aligner or clap"
        )
    folder = paths.expanded(name)
    if (folder / aligner.CONFIG).is_file():
        return folder, None
    for weights in ("model.safetensors", "pytorch_model.bin"):
        if (folder / "config.json").is_file() and (folder / weights).is_file():
            return folder, f"clap {sha256(folder / weights)[:8]}"
    raise ModelError(f"{name!r} is no embedder: use aligner, clap, {', '.join(EMBEDDERS)}, or a folder")


class ClapEmbedder:
    """CLAP from a folder as `transformers` writes it (`config.json`, `preprocessor_config.json`, weights, tokenizer).

    Clips shorter than its window are repeated until they nearly fill it, as in CLAP's training. Longer clips are
    covered evenly by windows. Raises ModelError and DependencyError.
    """

    def __init__(self, folder: Path, name: str = "clap", device: torch.device | str | None = None):
        self.folder, self.name, self.device = Path(folder), name, device or pick_device("auto")
        for file in CLAP_FILES:
            if not (self.folder / file).is_file():
                raise ModelError(f"the CLAP in {folder} has no {file}: download it again, or put that file there")
        with _library(self.folder) as transformers:
            self._features = transformers.ClapFeatureExtractor.from_pretrained(self.folder, local_files_only=True)
            self.width = transformers.ClapConfig.from_pretrained(self.folder, local_files_only=True).projection_dim
        self.sample_rate, self.seconds = self._features.sampling_rate, float(self._features.max_length_s)

    @cached_property
    def _texts(self) -> ClapVector:
        return ClapVector(self.folder, self.device)

    @cached_property
    def _audios(self) -> torch.nn.Module:
        with _library(self.folder) as transformers:
            model, found = transformers.ClapAudioModelWithProjection.from_pretrained(
                self.folder, local_files_only=True, output_loading_info=True, ignore_mismatched_sizes=True
            )
        missing = found["missing_keys"] & dict(model.named_parameters()).keys()
        if missing or found["mismatched_keys"]:
            wrong = len(missing) + len(found["mismatched_keys"])
            raise ModelError(f"{self.folder} does not hold this CLAP: {wrong} of its tensors are missing or do not fit")
        return model.to(self.device).eval().requires_grad_(False)

    def text(self, prompts: list[str]) -> np.ndarray:
        """Prompts -> unit vectors (B, W) float32."""
        chunks = (prompts[first : first + CHUNK] for first in range(0, len(prompts), CHUNK))
        vectors = [self._texts.encode(list(chunk)).cpu().numpy() for chunk in chunks]
        return np.concatenate([np.zeros((0, self.width), np.float32), *vectors])

    def audio(self, waves: np.ndarray) -> np.ndarray:
        """Mono audio (B, N) float32 at `sample_rate` -> unit vectors (B, W) float32."""
        windows, count = cover(waves, round(self.seconds * self.sample_rate))
        parts = [self._embed(windows[first : first + CHUNK]) for first in range(0, len(windows), CHUNK)]
        vectors = np.concatenate([np.zeros((0, self.width), np.float32), *parts])
        mean = vectors.reshape(-1, count, self.width).mean(axis=1)
        return mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-9)

    @torch.inference_mode()
    def _embed(self, windows: np.ndarray) -> np.ndarray:
        """Windows (B, N), N at most what it sees at once -> unit vectors (B, W)."""
        features = self._features(list(windows), sampling_rate=self.sample_rate, return_tensors="pt")["input_features"]
        # None is longer than a window. The extractor marks one at random as such for the fusion models, to no use here.
        is_longer = torch.zeros(len(windows), 1, dtype=torch.bool)
        found = self._audios(input_features=features.float().to(self.device), is_longer=is_longer.to(self.device))
        return F.normalize(found.audio_embeds.float(), dim=-1).cpu().numpy()


class Muq:
    """MuQ's hidden states as targets of REPA-MuQ (score-aware training, arXiv 2606.07387), 25 frames a second.

    The paper aligns with "layers 3 through 9" of the conformer without saying how; here a target is the mean of the
    hidden states after those layers. Says its licence through `show`. Raises DependencyError without the package `muq`,
    ModelError where the weights are not on this machine.
    """

    sample_rate, rate, width = 24_000, 25.0, 1024
    layers = tuple(range(3, 10))
    piece = 30 * sample_rate  # samples that go through at once

    def __init__(self, show: Callable[[str], None] = print, device: torch.device | str | None = None):
        try:
            import muq
        except ImportError as error:
            raise DependencyError(
                f"MuQ features need its package ({error}): pip install muq, or leave --muq away. {MUQ_NOTICE}"
            ) from error
        show(MUQ_NOTICE)
        folder = muq_folder()
        self.name, self.device = f"{MUQ}@{folder.name[:8]}", device or pick_device("auto")
        self._model = muq.MuQ.from_pretrained(str(folder)).float().to(self.device).eval().requires_grad_(False)

    @property
    def conformer(self) -> Any:
        """Its encoder, a Wav2Vec2 conformer of `transformers`. Raises ModelError where the package has it elsewhere."""
        found = [part for part in self._model.modules() if hasattr(part, "embed_positions") and hasattr(part, "layers")]
        if not found:
            raise ModelError("this version of the package muq has no conformer: pip install muq==0.1.0")
        return found[0]

    @torch.inference_mode()
    def frames(self, waves: np.ndarray) -> np.ndarray:
        """Mono audio (B, N) float32 at 24 kHz -> (B, T, 1024) float32, T about 25 N / 24,000."""
        pieces = []
        for first in range(0, waves.shape[1], self.piece):
            piece = torch.from_numpy(np.ascontiguousarray(waves[:, first : first + self.piece])).to(self.device)
            states = self._model(piece, output_hidden_states=True).hidden_states
            pieces.append(torch.stack([states[layer] for layer in self.layers]).float().mean(dim=0).cpu())
        return torch.cat(pieces, dim=1).numpy()


def muq_folder() -> Path:
    """Where MuQ's weights are in the Hugging Face cache; never uses the network. Raises ModelError."""
    library = hub.library()
    try:
        return Path(library.snapshot_download(MUQ, local_files_only=True, cache_dir=hub.cache()))
    except (library.errors.LocalEntryNotFoundError, ValueError) as error:
        raise ModelError(f"{MUQ} is not on this machine: get it with `hf download {MUQ}`. {MUQ_NOTICE}") from error


def cover(waves: np.ndarray, length: int) -> tuple[np.ndarray, int]:
    """Clips (B, N) -> windows (B * count, min(N, length)) that cover each evenly, one clip after the other; count."""
    total = waves.shape[1]
    count = math.ceil(total / length)
    starts = np.linspace(0, max(0, total - length), count).round().astype(int)
    windows = np.stack([waves[:, start : start + length] for start in starts], axis=1)
    return windows.reshape(-1, windows.shape[-1]), count


@contextmanager
def _library(folder: Path):
    """`transformers`, kept quiet; what it raises while it reads a folder becomes one line."""
    hub.library()
    try:
        import transformers
    except ImportError as error:
        raise DependencyError(f"CLAP needs the package transformers ({error}): pip install transformers") from error
    from transformers.utils import logging

    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield transformers
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, json.JSONDecodeError) as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        raise ModelError(f"the CLAP in {folder} cannot be loaded ({reason}): download it again") from error
    finally:
        logging.set_verbosity(verbosity)
