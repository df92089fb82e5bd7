"""The aligner: texts and music -> unit vectors whose cosine says how well they fit. It stands in for CLAP offline.

Two small networks trained together (`ttm_trainer.aligner`) as in CLIP (Radford et al., 2021, arXiv 2103.00020) and CLAP
(Wu et al., 2023, arXiv 2211.06687). Texts: vectors of the frozen sentence encoder -> attention -> (width,). Audio:
log-mel spectrogram -> residual convolutions -> mean over time, and in the second edition numbers of tempo, harmony and
width (`analysis.numbers`) beside it -> (width,). A folder holds `aligner.json` and `model.safetensors`.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .audio import resample
from .codecs.acestep_v1.mel import LogMel
from .errors import FileError, GenerationError, ModelError, RequestError
from .machine import files, paths
from .models.bundle import WEIGHTS, load_state, load_strict
from .text import SentenceTokens, TextEncoder

SCHEMA = 1
CONFIG = "aligner.json"  # not config.json: that would make the folder look like a generator's
LEVEL = 0.1  # RMS that every window is brought to: loudness is left out of the comparison
SLACK = 0.05  # windows: a rest shorter than this, such as a codec's last frame, is no window of its own
CHUNK = 32  # windows, or prompts, that go through a network at once


@dataclass(frozen=True)
class AlignerConfig:
    """Sizes of both networks and of the front end."""

    sample_rate: int = 32_000
    seconds: float = 10.0  # of the window that is embedded at once
    n_fft: int = 2048
    hop: int = 640
    mels: int = 80
    low: float = 30.0  # Hz, range of the mel bands
    high: float = 14_000.0
    width: int = 256  # of the vectors
    text_units: int = 48  # clauses and words kept of a prompt
    text_width: int = 256
    text_blocks: int = 2
    heads: int = 8
    audio_widths: tuple[int, ...] = (64, 128, 256, 384)  # channels of each stage
    audio_blocks: tuple[int, ...] = (1, 1, 1, 1)  # of each stage; the first of every stage but the first one halves
    dropout: float = 0.1
    numbers: int = 0  # how many of `analysis.numbers` it hears beside the spectrogram: all, or none

    @property
    def samples(self) -> int:
        """Samples of a window, a multiple of the hop."""
        return round(self.seconds * self.sample_rate / self.hop) * self.hop


class AskBlock(nn.Module):
    """A state (B, 1, D) attends to a sequence (B, S, D), then an MLP follows; both with pre-norm residuals."""

    def __init__(self, width: int, heads: int, dropout: float):
        super().__init__()
        self.norm_state, self.norm_mlp = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, heads, dropout=dropout, batch_first=True)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Dropout(dropout), nn.Linear(4 * width, width)
        )

    def forward(self, state: Tensor, sequence: Tensor, padding: Tensor) -> Tensor:
        asked, _ = self.attention(self.norm_state(state), sequence, sequence, padding, need_weights=False)
        state = state + asked
        return state + self.mlp(self.norm_mlp(state))


class TextTower(nn.Module):
    """Sentence-encoder vectors -> unit vectors: that of the whole prompt attends to those of its clauses and words."""

    def __init__(self, config: AlignerConfig):
        super().__init__()
        width, source = config.text_width, SentenceTokens.width
        self.sentence, self.unit = nn.Linear(source, width), nn.Linear(source, width)
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(AskBlock(width, config.heads, config.dropout) for _ in range(config.text_blocks))
        self.out = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, config.width))

    def forward(self, tokens: Tensor, mask: Tensor, vector: Tensor) -> Tensor:
        """Tokens (B, S, 512) with mask (B, S), whole prompts (B, 512) -> (B, width)."""
        scale = math.sqrt(vector.shape[-1])  # the encoder's unit vectors have components of about 1 / scale
        state = self.sentence(scale * vector)[:, None]
        sequence = torch.cat([state, self.unit(scale * tokens)], dim=1)  # never empty, even for a prompt of no units
        sequence = self.dropout(self.norm(sequence))
        padding = F.pad(~mask, (1, 0), value=False)
        for block in self.blocks:
            state = block(state, sequence, padding)
        return F.normalize(self.out(state[:, 0]).float(), dim=-1)


class ConvBlock(nn.Module):
    """Two 3x3 convolutions with batch norm and a shortcut (He et al., 2016, arXiv 1512.03385); halves when asked."""

    def __init__(self, width_in: int, width: int, stride: int):
        super().__init__()
        self.first = nn.Conv2d(width_in, width, 3, stride, 1, bias=False)
        self.second = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.norm_first, self.norm_second = nn.BatchNorm2d(width), nn.BatchNorm2d(width)
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1:
            self.shortcut = nn.Sequential(
                nn.AvgPool2d(stride, ceil_mode=True), nn.Conv2d(width_in, width, 1, bias=False), nn.BatchNorm2d(width)
            )

    def forward(self, x: Tensor) -> Tensor:
        h = F.relu(self.norm_first(self.first(x)))
        return F.relu(self.norm_second(self.second(h)) + self.shortcut(x))


class AudioTower(nn.Module):
    """Log-mel spectrogram (B, mels, T) of any length, and numbers (B, K) -> unit vectors (B, width)."""

    def __init__(self, config: AlignerConfig):
        super().__init__()
        widths, blocks = config.audio_widths, config.audio_blocks
        self.norm = nn.BatchNorm1d(config.mels)
        self.stem = nn.Sequential(nn.Conv2d(1, widths[0], 7, 4, 3, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU())
        stages = []
        for stage, (width, count) in enumerate(zip(widths, blocks, strict=True)):
            stages.append(ConvBlock(widths[stage - 1] if stage else width, width, 2 if stage else 1))
            stages += [ConvBlock(width, width, 1) for _ in range(count - 1)]
        self.stages = nn.Sequential(*stages)
        bands, inner = math.ceil(config.mels / 2 ** (len(widths) + 1)), 2 * config.width
        self.numbers: nn.Module | None = None
        if config.numbers:
            self.numbers = nn.Sequential(
                nn.BatchNorm1d(config.numbers), nn.Dropout(config.dropout), nn.Linear(config.numbers, inner), nn.GELU()
            )
        seen = bands * widths[-1] + (inner if config.numbers else 0)
        self.out = nn.Sequential(
            nn.Dropout(2 * config.dropout), nn.Linear(seen, inner), nn.GELU(),
            nn.Dropout(config.dropout), nn.Linear(inner, config.width),
        )  # fmt: skip

    def forward(self, mel: Tensor, numbers: Tensor | None = None) -> Tensor:
        x = self.norm(mel)[:, None].contiguous(memory_format=torch.channels_last)
        x = self.stages(self.stem(x)).mean(dim=3).flatten(1)  # (B, channels * bands)
        if self.numbers is not None:
            assert numbers is not None, "this aligner hears numbers beside the spectrogram"
            x = torch.cat([x, self.numbers(numbers)], dim=1)
        return F.normalize(self.out(x).float(), dim=-1)


class Towers(nn.Module):
    """All that is trained: both networks and the temperature, kept as the logarithm of its inverse."""

    def __init__(self, config: AlignerConfig):
        super().__init__()
        self.text, self.audio = TextTower(config), AudioTower(config)
        self.scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))


class Aligner:
    """Texts and music -> unit vectors (B, width), float32; their dot product is the score of a pair.

    `Aligner(AlignerConfig(...))` has random weights, `save_aligner` and `load_aligner` keep and read trained ones.
    tiers: {"high", "medium"}: the scores from which a clip counts as fitting its caption well, or passably.
    encoder: the sentence encoder, made on first use unless one is given.
    """

    def __init__(
        self,
        config: AlignerConfig | None = None,
        towers: Towers | None = None,
        *,
        tiers: dict[str, float] | None = None,
        name: str = "aligner untrained",
        encoder: TextEncoder | None = None,
    ):
        self.config = config or AlignerConfig()
        self.towers = (towers or Towers(self.config)).eval()
        self.tiers = tiers or {"high": 0.33, "medium": 0.2}
        self.name = name
        if encoder is not None:
            self.encoder = encoder
        c = self.config
        self._log_mel = LogMel(c.sample_rate, c.n_fft, c.hop, c.mels, c.low, c.high)

    @property
    def sample_rate(self) -> int:
        return self.config.sample_rate

    @property
    def seconds(self) -> float:
        return self.config.seconds

    @property
    def width(self) -> int:
        return self.config.width

    @cached_property
    def encoder(self) -> TextEncoder:
        return SentenceTokens(self.config.text_units)

    @torch.inference_mode()
    def text(self, prompts: list[str]) -> np.ndarray:
        """Prompts -> (B, width)."""
        rows = [np.zeros((0, self.width), np.float32)]
        for first in range(0, len(prompts), CHUNK):
            condition = self.encoder.encode(list(prompts[first : first + CHUNK]))
            rows.append(self.towers.text(condition.tokens, condition.mask, condition.vector).numpy())
        return np.concatenate(rows)

    @torch.inference_mode()
    def audio(self, waves: np.ndarray) -> np.ndarray:
        """Audio (B, N) or (B, channels, N) at `sample_rate` -> (B, width).

        Longer than `seconds`: the mean over windows that cover it evenly; shorter: repeated to fill one.
        RequestError: of another shape, no samples, or not finite.
        """
        windows, count = self._windows(waves)
        rows = [np.zeros((0, self.width), np.float32)]
        for first in range(0, len(windows), CHUNK):
            some = windows[first : first + CHUNK]
            rows.append(self.towers.audio(self.log_mel(some.mean(dim=1)), self.numbers(some)).numpy())
        mean = np.concatenate(rows).reshape(-1, count, self.width).mean(axis=1)
        return mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-9)

    def score(self, clip: np.ndarray, sample_rate: int, text: np.ndarray) -> float:
        """How well a clip (channels, samples) at sample_rate fits a text, a row of `text`: their cosine, -1..1."""
        return float(self.audio(resample(clip, sample_rate, self.sample_rate)[None])[0] @ text)

    def log_mel(self, windows: Tensor) -> Tensor:
        """Windows (B, N), N a multiple of the hop -> log-mel spectrogram (B, mels, N / hop), each at the same level."""
        rms = windows.square().mean(dim=1, keepdim=True).sqrt().clamp_min(1e-5)
        return self._log_mel(windows * (LEVEL / rms))

    def numbers(self, windows: Tensor) -> Tensor | None:
        """The numbers (B, K) of windows (B, channels, N); None where the aligner hears none."""
        if not self.config.numbers:
            return None
        from .analysis.numbers import heard_numbers

        return torch.from_numpy(np.stack([heard_numbers(window.numpy(), self.sample_rate) for window in windows]))

    def _windows(self, waves: np.ndarray) -> tuple[Tensor, int]:
        """Audio (B, [C,] N) -> windows (B * count, C, samples), those of a clip one after the other."""
        waves = np.asarray(waves, np.float32)
        waves = waves[:, None] if waves.ndim == 2 else waves
        if waves.ndim != 3 or 0 in waves.shape[1:]:
            raise RequestError(f"audio for the aligner must be (clips, [channels,] samples), not {waves.shape}")
        if not np.isfinite(waves).all():
            raise RequestError("audio for the aligner holds NaN or infinite samples")
        need, length = self.config.samples, waves.shape[-1]
        if length < need:
            waves = np.tile(waves, (1, 1, -(-need // length)))[..., :need]
        count = max(1, math.ceil(waves.shape[-1] / need - SLACK))
        starts = np.linspace(0, waves.shape[-1] - need, count).round().astype(int)
        windows = np.stack([waves[..., start : start + need] for start in starts], axis=1)
        return torch.from_numpy(windows.reshape(-1, waves.shape[1], need)), count


def save_aligner(aligner: Aligner, folder: Path, **notes) -> Path:
    """Write `model.safetensors` (float16) and then `aligner.json`, each all or nothing.

    notes: more entries of the JSON object, such as licence, data and figures. FileError: cannot be written.
    """
    from safetensors.torch import save

    folder = Path(folder)
    tensors = {
        name: (tensor.half() if tensor.is_floating_point() else tensor).contiguous()
        for name, tensor in aligner.towers.state_dict().items()
    }
    if any(not tensor.isfinite().all() for tensor in tensors.values()):
        raise FileError(f"the aligner's weights do not fit into float16: {folder} was not written")
    data = save(tensors, metadata={"format": "pt"})
    record = {"schema": SCHEMA, "kind": "aligner", "config": asdict(aligner.config), "tiers": aligner.tiers}
    record |= notes | {"files": {WEIGHTS: hashlib.sha256(data).hexdigest()}}
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"cannot make the folder {folder}: {error.strerror}") from error
    files.write(folder / WEIGHTS, data, overwrite=True)
    files.write(folder / CONFIG, (json.dumps(record, indent=2, ensure_ascii=False) + "\n").encode(), overwrite=True)
    return folder


def load_aligner(folder: str | os.PathLike | None = None) -> Aligner:
    """The aligner of a folder, or the one that comes with the app, in float32 on the CPU.

    ModelError: not an aligner, changed or truncated, or weights that do not fit the configuration.
    """
    folder = Path(folder) if folder is not None else paths.assets() / "aligner"
    where = folder / CONFIG
    try:
        record = json.loads(where.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"{folder} is not an aligner: it has no {CONFIG}") from None
    except OSError as error:
        raise ModelError(f"cannot read {where}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{where} is not valid JSON ({error}); install it again") from error
    if not isinstance(record, dict) or record.get("kind") != "aligner":
        raise ModelError(f"{where} does not describe an aligner; install it again")
    if record.get("schema") != SCHEMA:
        raise ModelError(f"{where}: schema {record.get('schema')!r}, but this ttm-app reads {SCHEMA}; update ttm-app")
    try:
        fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in record["config"].items()}
        tiers = {name: float(record["tiers"][name]) for name in ("high", "medium")}
        digest = str(record["files"][WEIGHTS])
        aligner = Aligner(AlignerConfig(**fields), tiers=tiers, name=f"aligner {digest[:8]}")
    except (ArithmeticError, AttributeError, KeyError, RuntimeError, TypeError, ValueError, AssertionError) as error:
        raise ModelError(f"{where} cannot be built ({type(error).__name__}: {error}); install it again") from error
    load_strict(aligner.towers, load_state(folder / WEIGHTS, digest), folder / WEIGHTS)
    aligner.towers.requires_grad_(False)
    return aligner


def tier(score: float, tiers: dict[str, float]) -> str:
    """The tier of a score: "high", "medium" or "low"."""
    return next((name for name in ("high", "medium") if score >= tiers[name]), "low")


class Candidate(NamedTuple):
    """A clip (channels, samples) of one seed, its score, and how many of its fellows had no usable sound."""

    seed: int
    clip: np.ndarray
    score: float
    unusable: int


def best_of(
    candidates: Iterable[tuple[int, np.ndarray | GenerationError]], score: Callable[[np.ndarray], float] | None
) -> Candidate:
    """The candidate that scores highest; without `score` the first usable one. GenerationError: none is usable."""
    best, faults = None, []
    for seed, clip in candidates:
        if isinstance(clip, GenerationError):
            faults.append(clip)
            continue
        value = score(clip) if score else 0.0
        if best is None or value > best[2]:
            best = seed, clip, value
    if best is None:
        raise faults[0]
    return Candidate(*best, len(faults))
