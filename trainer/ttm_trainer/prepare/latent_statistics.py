"""The last step of preparation: statistics of the latents, and prepared.json, which says what the folder holds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from musicgen_app.codecs.sketch import SpectrumCodec
from musicgen_app.errors import FileError
from musicgen_app.machine import files

from ..data.track import load_tracks, part_count
from ..runtime.stage_runner import Rows, load_part, stage_settings
from .config import Preparation
from .embedders import Muq
from .encoders import Encoders, find_encoders
from .prepared_folder import META, SCHEMA, SPLITS, Prepared
from .score_report import score_report

CHUNK = 65_536  # frames that are summed up at once
SAMPLE = 400  # frames that channel weights are found on
SMALLEST = 1e-3  # standard deviation, of a channel that hardly ever changes


def finish(folder: Path, preparation: Preparation) -> Prepared:
    """Write prepared.json into a folder whose stages are all there, draw the picture of its scores, and open it.

    Raises FileError, ModelError and DependencyError.
    """
    meta = describe(folder, preparation) | {"scores": score_report(folder, preparation)}
    files.write(Path(folder) / META, (json.dumps(meta, indent=1) + "\n").encode(), overwrite=True)
    return Prepared(folder)


def describe(folder: Path, preparation: Preparation) -> dict:
    """What prepared.json says of the data: {"schema", "preparation", "latent", "text", "audio", "muq", "counts"}.

    Raises FileError where a stage is not finished, or no item is left to train on.
    """
    encoders = find_encoders(preparation.encoders)
    tracks = len(load_tracks(folder))
    segments = load_part(folder, "segments", 0)
    parts = range(part_count(tracks))
    captions = [load_part(folder, "text", part) for part in parts]
    missing = [name for name in ("null", *(["muq"] if preparation.muq else [])) if not (Path(folder) / name).is_dir()]
    if missing:
        raise FileError(f"{folder} has no stage {missing[0]!r} yet: run `ttm-app prepare` again")
    splits = {name: int((segments["split"] == n).sum()) for n, name in enumerate(SPLITS)}
    return {
        "schema": SCHEMA,
        "preparation": asdict(preparation),
        "latent": _latent(folder, encoders, segments),
        "text": {
            "encoder": encoders.text,
            "dim": captions[0]["values"].shape[1],
            "length": encoders.length,
            "vector": "vector" in load_part(folder, "null", 0),
            "styles": stage_settings(folder, "text")["styles"],
        },
        "audio": {
            "embedder": stage_settings(folder, "scores")["embedder"],
            "width": load_part(folder, "scores", 0)["audio"].shape[1],
        },
        "muq": {"rate": Muq.rate, "layers": list(Muq.layers)} if preparation.muq else None,
        "counts": {
            "tracks": tracks,
            "items": len(segments["track"]),
            "captions": sum(len(rows["lengths"]) for rows in captions),
            "splits": splits,
            "hours": round(float(segments["seconds"].sum()) / 3600, 3),
        },
    }


def moments(frames: Iterator[np.ndarray]) -> tuple[np.ndarray, np.ndarray, int]:
    """Mean and standard deviation of each channel (D,) over chunks of frames (n, D), and how many frames there were.

    In float64 and one pass, chunks merged as by Chan et al. (1979). Raises FileError where there are no frames.
    """
    count, mean, spread = 0, np.zeros(()), np.zeros(())
    for chunk in frames:
        if not len(chunk):
            continue
        chunk = chunk.astype(np.float64)
        total, own = count + len(chunk), chunk.mean(axis=0)
        spread = spread + chunk.var(axis=0) * len(chunk) + (own - mean) ** 2 * (count * len(chunk) / total)
        mean = mean + (own - mean) * (len(chunk) / total)
        count = total
    if not count:
        raise FileError("no item is left to train on: every file was left out, or no score reached the medium tier")
    return mean, np.sqrt(spread / count), count


@torch.inference_mode()
def channel_weights(codec: SpectrumCodec, latents: np.ndarray, std: np.ndarray) -> np.ndarray:
    """How far what is decoded moves when a channel moves by half its deviation, relative to the mean (D,).

    latents: (n, D) frames that are like the data.
    """
    sample = torch.from_numpy(latents.astype(np.float32))[None]
    plain = codec.decoder(sample)
    steps = 0.5 * torch.diag(torch.from_numpy(std.astype(np.float32)))
    heard = codec.audibility.sqrt()
    moved = torch.stack([((codec.decoder(sample + step) - plain) * heard).square().mean().sqrt() for step in steps])
    return (moved / moved.mean()).numpy()


def training_frames(folder: Path, segments: Rows) -> Iterator[np.ndarray]:
    """The latents of the training items, in chunks (n, D)."""
    for part in np.unique(segments["part"]).tolist():
        rows = load_part(folder, "latents", part)
        training = segments["split"][segments["part"] == part] == SPLITS.index("train")
        wanted = np.repeat(training, np.diff(rows["offsets"]))
        for first in range(0, len(wanted), CHUNK):
            yield rows["values"][first : first + CHUNK][wanted[first : first + CHUNK]]


def _latent(folder: Path, encoders: Encoders, segments: Rows) -> dict:
    """Entry "latent": codec, frames a second, mean and std per channel; of the sketch codec also channel weights."""
    mean, std, count = moments(training_frames(folder, segments))
    std = std.clip(SMALLEST)
    if encoders.latent:
        mean, std = (np.full(len(mean), value) for value in encoders.latent)
    codec = encoders.load_codec()
    latent = {"codec": encoders.codec, "rate": codec.latent_rate, "mean": mean.tolist(), "std": std.tolist()}
    if isinstance(codec, SpectrumCodec):
        sample = _spread(training_frames(folder, segments), count, SAMPLE)
        latent["weights"] = channel_weights(codec.to("cpu"), sample, std).tolist()
    return latent


def _spread(chunks: Iterator[np.ndarray], total: int, count: int) -> np.ndarray:
    """At most `count` of `total` frames that come in chunks, evenly spread (n, D)."""
    places = np.linspace(0, total - 1, min(count, total)).astype(int)
    picked, first = [], 0
    for chunk in chunks:
        here = places[(places >= first) & (places < first + len(chunk))] - first
        picked.append(chunk[here])
        first += len(chunk)
    return np.concatenate(picked)
