"""A dataset folder -> what the aligner trains on: log-mel spectrograms and text vectors, computed once and cached.

CACHE/meta.json                what the cache was made from
CACHE/mels.npy                 (clips, mels, frames) float16
CACHE/numbers.npy              (clips, K) float32, where the aligner hears numbers
CACHE/vectors.npy              (texts, 512) float16: every distinct caption, clause and word
CACHE/captions.npz             per caption: clip, style, its text and those of its units (-1: none)
"""

from __future__ import annotations

import hashlib
import io
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from musicgen_app.aligner import Aligner, AlignerConfig
from musicgen_app.audio import resample
from musicgen_app.errors import FileError
from musicgen_app.machine import files
from musicgen_app.text import SentenceTokens, TextCondition, text_units

from ..data.corpus_reader import read_rows, read_stereo
from ..runtime.progress import duration


@dataclass(frozen=True)
class Clips:
    """The cached clips that have captions; arrays are memory-mapped, row i of each belongs to `rows[i]`."""

    rows: list[dict]
    mels: np.ndarray  # (N, mels, frames) float16
    vectors: np.ndarray  # (texts, 512) float16
    caption_clip: np.ndarray  # (C,) int: captions in the order of their clips
    caption_style: np.ndarray  # (C,) int, into `styles`
    caption_text: np.ndarray  # (C,) int, into `vectors`
    caption_units: np.ndarray  # (C, S) int, into `vectors`; -1 where there is none
    styles: tuple[str, ...]
    numbers: np.ndarray | None = None  # (N, K) float32

    def tracks(self, split: str) -> list[np.ndarray]:
        """The clips of every audio file of a split: one array of clip numbers a file."""
        files: dict[str, list[int]] = {}
        for number, row in enumerate(self.rows):
            if row["split"] == split:
                files.setdefault(f"{row['folder']}/{row['path']}", []).append(number)
        return [np.array(numbers) for numbers in files.values()]

    def captions_of(self, clip: int) -> np.ndarray:
        """The captions of a clip."""
        return np.arange(*np.searchsorted(self.caption_clip, (clip, clip + 1)))

    def text(self, captions: np.ndarray) -> TextCondition:
        """The sentence encoder's features of captions, as the aligner's text network takes them."""
        units = self.caption_units[captions]
        mask = units >= 0
        units, mask = units[:, : mask.sum(1).max()], mask[:, : mask.sum(1).max()]
        tokens = np.where(mask[..., None], self.vectors[np.maximum(units, 0)], 0).astype(np.float32)
        vectors = self.vectors[self.caption_text[captions]].astype(np.float32)
        return TextCondition(torch.from_numpy(tokens), torch.from_numpy(mask), torch.from_numpy(vectors))


def read_clips(folders: list[Path], split: str | None = None) -> list[dict]:
    """The rows of dataset folders that have captions, of one split or of all. FileError: there are none."""
    rows = [row for folder in folders for row in read_rows(Path(folder)) if row.get("captions")]
    rows = [row for row in rows if split in (None, row["split"])]
    if not rows:
        raise FileError(f"no captioned {split or ''} clips in {', '.join(map(str, folders))}".replace("  ", " "))
    return rows


def read_wave(row: dict, sample_rate: int, seconds: float | None = None) -> np.ndarray:
    """The clip of a row, stereo float32 (2, samples) at a sample rate; its first `seconds`. FileError: unreadable."""
    import soundfile

    path = f"{row['folder']}/{row['path']}"
    try:
        rate = soundfile.info(path).samplerate
        length = min(row["seconds"], seconds or row["seconds"])
        wave = read_stereo(path, round(row["start"] * rate), round(length * rate))
    except (OSError, RuntimeError) as error:
        raise FileError(f"cannot read {path}: {error}; remove its rows from the manifest or mend it") from error
    return wave if rate == sample_rate else resample(wave, rate, sample_rate)


def open_clips(folders: list[Path], config: AlignerConfig, cache: Path, show: Callable[[str], None] = print) -> Clips:
    """The clips of dataset folders, from `cache`; what is not there yet is computed first.

    FileError: no captioned clips, unreadable audio, or a cache that was made from something else.
    """
    rows = read_clips(folders)
    cache.mkdir(parents=True, exist_ok=True)
    _check_meta(cache / "meta.json", rows, config)
    numbers = cache / "numbers.npy" if config.numbers else None
    if not all(path.exists() for path in (cache / "mels.npy", numbers) if path):
        _cache_sounds(rows, config, cache, show)
    if not (cache / "captions.npz").exists():
        _cache_texts(rows, config.text_units, cache, show)
    captions = np.load(cache / "captions.npz")
    return Clips(
        rows,
        np.load(cache / "mels.npy", mmap_mode="r"),
        np.load(cache / "vectors.npy", mmap_mode="r"),
        captions["clip"], captions["style"], captions["text"], captions["units"],
        tuple(str(style) for style in captions["styles"]),
        np.load(numbers) if numbers else None,
    )  # fmt: skip


def _check_meta(where: Path, rows: list[dict], config: AlignerConfig) -> None:
    """Note what the cache is made from, or compare it with what it was made from."""
    front = ("sample_rate", "seconds", "n_fft", "hop", "mels", "low", "high", "text_units", "numbers")
    wanted = {name: asdict(config)[name] for name in front}
    told = json.dumps([[row["id"], row["split"], row["captions"]] for row in rows], sort_keys=True)
    wanted["clips"] = hashlib.sha256(told.encode()).hexdigest()
    if where.exists():
        found = json.loads(where.read_text(encoding="utf-8"))
        differ = [f"{name} {found.get(name)} -> {wanted[name]}" for name in wanted if found.get(name) != wanted[name]]
        if differ:
            raise FileError(
                f"{where.parent} was made from other data ({', '.join(differ)}): remove it or use another --out"
            )
        return
    files.write(where, json.dumps(wanted, indent=2).encode())


def _cache_sounds(rows: list[dict], config: AlignerConfig, cache: Path, show: Callable[[str], None]) -> None:
    front = Aligner(config)
    tell = _teller(len(rows), "clips", show)
    advice = "free some space and run again"
    with files.reported(f"write {cache}", advice), files.scratch(cache) as folder:
        shape = (len(rows), config.mels, config.samples // config.hop)
        mels = np.lib.format.open_memmap(folder / "mels.npy", "w+", np.float16, shape)
        numbers = np.zeros((len(rows), config.numbers), np.float32)
        for place, row in enumerate(rows):
            wave = read_wave(row, config.sample_rate, config.seconds)
            whole = np.tile(wave, -(-config.samples // wave.shape[1]))[:, : config.samples]
            window = torch.from_numpy(whole)[None]
            mels[place] = front.log_mel(window.mean(dim=1))[0].numpy()
            if (heard := front.numbers(window)) is not None:
                numbers[place] = heard[0].numpy()
            tell(place + 1)
        mels.flush()
        del mels  # Windows moves no file that is open
        if config.numbers:
            np.save(folder / "numbers.npy", numbers)
        for path in sorted(folder.iterdir(), reverse=True):  # the mels last: they mark the cache as whole
            files.sync(path)
            files.rename(path, cache / path.name)


def _cache_texts(rows: list[dict], length: int, cache: Path, show: Callable[[str], None]) -> None:
    styles = sorted({style for row in rows for style in row["captions"]})
    told = [
        (clip, styles.index(style), caption.lower(), text_units(caption, length))
        for clip, row in enumerate(rows)
        for style, captions in row["captions"].items()
        for caption in captions
    ]
    texts = sorted({text for _, _, caption, units in told for text in (caption, *units)})
    number = {text: i for i, text in enumerate(texts)}
    encoder, tell = SentenceTokens(length), _teller(len(texts), "texts", show)
    vectors = np.zeros((len(texts), encoder.width), np.float16)
    for i, text in enumerate(texts):
        vectors[i] = encoder.vector(text)
        tell(i + 1)
    units = np.full((len(told), length), -1, np.int32)
    for row, (_, _, _, pieces) in zip(units, told, strict=True):
        row[: len(pieces)] = [number[piece] for piece in pieces]
    columns: dict[str, Any] = {
        "clip": np.array([clip for clip, *_ in told], np.int32),
        "style": np.array([style for _, style, *_ in told], np.int8),
        "text": np.array([number[caption] for _, _, caption, _ in told], np.int32),
        "units": units,
        "styles": np.array(styles),
    }
    contents = {"vectors.npy": io.BytesIO(), "captions.npz": io.BytesIO()}
    np.save(contents["vectors.npy"], vectors)
    np.savez(contents["captions.npz"], **columns)
    for name, data in contents.items():
        files.write(cache / name, data.getvalue(), overwrite=True)


def _teller(total: int, what: str, show: Callable[[str], None]) -> Callable[[int], None]:
    """A function that shows every twenty seconds how many of `total` are done, and how long the rest will take."""
    began = last = time.monotonic()

    def tell(done: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last > 20 or done == total:
            rate, last = done / max(now - began, 1e-9), now
            show(f"{what} {done}/{total}  {rate:.0f}/s  {duration((total - done) / rate)} left")

    return tell
