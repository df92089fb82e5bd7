"""Caches what the generator trains on: dataset folders + codec -> latents, caption features and their index.

cache/
  latents.npy    (frames, D) float16, all files one after the other; opened memory-mapped
  clips.jsonl    one clip a line: first frame, frames, split, captions (numbers into captions.jsonl), id, genre, facts
  captions.jsonl one caption a line
  units.npy      (U, 512) float16: the vector of every distinct text unit; unit 0 is the zero vector (padding)
  tokens.npy     (captions, S) int32: the units of each caption
  vectors.npy    (captions, 512) float16: the vector of each whole caption
  meta.json      codec hash, latent statistics (mean, std per channel), weight of each channel, counts
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import torch

from musicgen_app.bundle import sha256
from musicgen_app.codecs.sketch import SketchCodec, load_codec
from musicgen_app.conditioning import SentenceTokens, TextCondition, text_units
from musicgen_app.errors import FileError

from .dataset import read_mono, read_rows


@dataclass(frozen=True)
class Cache:
    """An opened cache; see the module docstring for the arrays."""

    latents: np.ndarray
    clips: list[dict]
    captions: list[str]
    units: np.ndarray
    tokens: np.ndarray
    vectors: np.ndarray
    meta: dict

    @property
    def weights(self) -> torch.Tensor:
        """What each latent channel counts in the loss (D,), mean 1."""
        return torch.tensor(self.meta["weights"])

    def split(self, name: str) -> list[dict]:
        return [clip for clip in self.clips if clip["split"] == name]

    def text(self, captions: np.ndarray) -> TextCondition:
        """Features of a batch of captions given by number."""
        tokens = self.tokens[captions]
        return TextCondition(
            torch.from_numpy(self.units[tokens].astype(np.float32)),
            torch.from_numpy(tokens > 0),
            torch.from_numpy(self.vectors[captions].astype(np.float32)),
        )

    def normalised(self, first: np.ndarray, frames: int) -> torch.Tensor:
        """Latents (B, frames, D) from each first frame, zero mean and unit variance per channel."""
        mean, std = (np.asarray(self.meta[name], dtype=np.float32) for name in ("mean", "std"))
        return torch.from_numpy((np.stack([self.latents[f : f + frames] for f in first]) - mean) / std)


def open_cache(folder: Path) -> Cache:
    """Open a finished cache; raises FileError when it is not there."""
    if not (folder / "meta.json").exists():
        raise FileError(f"{folder} is no finished cache: run the command again")
    arrays = [np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("latents", "units", "tokens", "vectors")]
    clips, captions = (
        [json.loads(line) for line in (folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]
        for name in ("clips", "captions")
    )
    latents, units, tokens, vectors = arrays
    meta = json.loads((folder / "meta.json").read_text())
    return Cache(latents, clips, captions, units, tokens, vectors, meta)


def prepare(data: list[Path], codec_folder: Path, cache: Path, show: Callable[[str], None] = print) -> Cache:
    """Build the cache in `cache`, or open it when it was made with the same codec from the same clips.

    Only clips with captions are taken. A file that cannot be read is reported and left out. Raises FileError when
    nothing is left, or when the folder holds a cache of something else.
    """
    rows = [row for folder in data for row in read_rows(folder) if any(row["captions"].values())]
    if not rows:
        raise FileError(f"no captioned clips in {', '.join(map(str, data))}")
    identity = {"codec": sha256(codec_folder / "model.safetensors"), "clips": len(rows), "first": rows[0]["id"]}
    if (cache / "meta.json").exists():
        opened = open_cache(cache)
        if {name: opened.meta[name] for name in identity} != identity:
            raise FileError(f"{cache} was made from other clips or another codec: remove it or give another --out")
        return opened
    temporary = cache.with_name(f".{cache.name}.{os.getpid()}")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    codec = load_codec(codec_folder)
    clips, failed = _encode(rows, codec, temporary, show)
    if not clips:
        raise FileError("none of the files could be encoded")
    _text_features(clips, temporary, show)
    latents = np.load(temporary / "latents.npy", mmap_mode="r").astype(np.float32)
    meta = {
        **identity,
        "failed": failed,
        "hours": round(sum(row["seconds"] for row in rows) / 3600, 3),
        "mean": latents.mean(axis=0).tolist(),
        "std": latents.std(axis=0).clip(1e-3).tolist(),
    }
    meta["weights"] = channel_weights(codec, latents, np.array(meta["std"])).tolist()
    (temporary / "meta.json").write_text(json.dumps(meta))
    os.replace(temporary, cache)
    return open_cache(cache)


@torch.inference_mode()
def channel_weights(codec: SketchCodec, latents: np.ndarray, std: np.ndarray) -> torch.Tensor:
    """How far the decoded log-magnitudes move when a channel moves by half its deviation, relative to the mean (D,)."""
    sample = torch.from_numpy(latents[np.linspace(0, len(latents) - 1, min(400, len(latents))).astype(int)])[None]
    plain = codec.decoder(sample)
    steps = 0.5 * torch.diag(torch.from_numpy(std.astype(np.float32)))
    moved = torch.stack([(codec.decoder(sample + step) - plain).square().mean().sqrt() for step in steps])
    return moved / moved.mean()


@torch.inference_mode()
def _encode(
    rows: list[dict], codec: SketchCodec, out: Path, show: Callable[[str], None]
) -> tuple[list[dict], list[str]]:
    """Encode each file once; returns the clips with their place in latents.npy, and the files that failed."""
    by_file: dict[str, list[dict]] = {}
    for row in rows:
        by_file.setdefault(f"{row['folder']}/{row['path']}", []).append(row)
    parts, clips, failed, frames, began, shown = [], [], [], 0, time.monotonic(), 0.0
    for number, (path, members) in enumerate(by_file.items(), 1):
        try:
            audio = torch.from_numpy(read_mono(path, 0, soundfile.info(path).frames))
        except (OSError, RuntimeError) as error:
            failed.append(f"{path}: {error}")
            show(f"skipped {path}: {error}")
            continue
        with torch.autocast("cpu", torch.bfloat16):
            latents = codec.encode(audio[None, None])[0].float().numpy().astype(np.float16)
        for row in members:
            first, count = round(row["start"] * codec.latent_rate), round(row["seconds"] * codec.latent_rate)
            if first + count <= len(latents):
                captions = [c for style in row["captions"].values() for c in style]
                kept = {name: row[name] for name in ("id", "split", "genre", "facts", "seconds", "path", "start")}
                clips.append({**kept, "frame": frames + first, "frames": count, "captions": captions})
        parts.append(latents)
        frames += len(latents)
        elapsed = time.monotonic() - began
        if elapsed - shown > 15 or number == len(by_file):
            shown = elapsed
            rate = frames / codec.latent_rate / elapsed
            left = elapsed / number * (len(by_file) - number)
            show(f"latents: {number}/{len(by_file)} files  {rate:.0f}x real time  {left / 60:.1f} min left")
    if parts:
        np.save(out / "latents.npy", np.concatenate(parts))
    return clips, failed


def _text_features(clips: list[dict], out: Path, show: Callable[[str], None]) -> None:
    """Write the caption files and `clips.jsonl`, in which captions have become numbers."""
    encoder = SentenceTokens()
    captions = sorted({caption for clip in clips for caption in clip["captions"]})
    number = {caption: i for i, caption in enumerate(captions)}
    units: dict[str, int] = {}
    tokens = np.zeros((len(captions), encoder.length), dtype=np.int32)
    for row, caption in enumerate(captions):
        for column, unit in enumerate(text_units(caption, encoder.length)):
            tokens[row, column] = units.setdefault(unit, len(units) + 1)
    show(f"text: {len(captions)} captions, {len(units)} distinct words and clauses")
    table = np.zeros((len(units) + 1, encoder.width), dtype=np.float16)
    for unit, i in units.items():
        table[i] = encoder.vector(unit).numpy()
    np.save(out / "units.npy", table)
    np.save(out / "tokens.npy", tokens)
    np.save(out / "vectors.npy", np.stack([encoder.vector(c.lower()).numpy() for c in captions]).astype(np.float16))
    lines = (json.dumps({**clip, "captions": [number[c] for c in clip["captions"]]}) for clip in clips)
    (out / "clips.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (out / "captions.jsonl").write_text("\n".join(json.dumps(c) for c in captions) + "\n", encoding="utf-8")
