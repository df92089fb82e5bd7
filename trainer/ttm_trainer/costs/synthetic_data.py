"""A prepared folder of any size, made of sparse files of zeros, for measurements that need no music."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..prepare.prepared_folder import META, Prepared
from ..runtime.stage_runner import Rows, check_settings, part_folder, write_part

PART_TRACKS = 256


@dataclass(frozen=True)
class Shapes:
    """Sizes of what is stored of an item and of a caption. vector_dim: of the text's own vector, 0 for none."""

    frames: int = 250
    latent_dim: int = 64
    rate: float = 25.0
    tokens: int = 77
    text_dim: int = 1024
    vector_dim: int = 512
    audio_width: int = 512


def write_sparse(folder: Path, tracks: int, per_track: int, shapes: Shapes, val: int = 0) -> Prepared:
    """Write a prepared folder with `per_track` items and two captions a track, and open it.

    Its large arrays are holes, so it takes little of the disk whatever its size; scores are random. The last `val`
    tracks are held out. Raises FileError.
    """
    item = np.arange(tracks * per_track)
    track = item // per_track
    zeros = np.zeros(len(item))
    _write(folder, "manifest", 0, {"tracks": [{"id": str(n)} for n in range(tracks)]})
    segments: Rows = {"track": track, "start": zeros, "seconds": zeros + shapes.frames / shapes.rate}
    segments |= {"score": np.random.default_rng(0).uniform(0.1, 0.5, len(item)).astype(np.float32)}
    segments |= {"split": (track >= tracks - val).astype(np.int8)}
    _write(folder, "segments", 0, segments | {"part": track // PART_TRACKS, "row": item % (PART_TRACKS * per_track)})
    for part in range(-(-tracks // PART_TRACKS)):
        own = np.arange(part * PART_TRACKS, min((part + 1) * PART_TRACKS, tracks))
        items, captions = len(own) * per_track, len(own) * 2
        _write(folder, "latents", part, {"offsets": np.arange(items + 1) * shapes.frames})
        _write(folder, "text", part, {
            "offsets": np.arange(captions + 1) * shapes.tokens, "lengths": np.full(captions, shapes.tokens),
            "track": np.repeat(own, 2), "style": np.tile([0, 1], len(own)),
        })  # fmt: skip
        _write(folder, "scores", part, {})
        _hole(part_folder(folder, "latents", part) / "values.npy", (items * shapes.frames, shapes.latent_dim))
        _hole(part_folder(folder, "text", part) / "values.npy", (captions * shapes.tokens, shapes.text_dim))
        _hole(part_folder(folder, "text", part) / "vectors.npy", (captions, shapes.vector_dim or shapes.audio_width))
        _hole(part_folder(folder, "scores", part) / "audio.npy", (items, shapes.audio_width))
    null: Rows = {"tokens": np.zeros((shapes.tokens, shapes.text_dim), np.float16)}
    _write(folder, "null", 0, null | ({"vector": np.zeros(shapes.vector_dim, np.float16)} if shapes.vector_dim else {}))
    channels = {"mean": 0.0, "std": 1.0, "weights": 1.0}
    meta = {
        "schema": 1,
        "latent": {"rate": shapes.rate, **{name: [value] * shapes.latent_dim for name, value in channels.items()}},
        "text": {
            "dim": shapes.text_dim, "length": shapes.tokens, "vector": bool(shapes.vector_dim),
            "styles": ["first", "second"],
        },
    }  # fmt: skip
    (folder / META).write_text(json.dumps(meta))
    return Prepared(folder)


def _hole(path: Path, shape: tuple[int, int]) -> None:
    """A float16 array of zeros that takes no room on a disk with sparse files."""
    with open(path, "wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f2", "fortran_order": False, "shape": shape})
        file.truncate(file.tell() + 2 * shape[0] * shape[1])


def _write(folder: Path, stage: str, part: int, rows: Rows) -> None:
    check_settings(folder / stage, {"synthetic": True})
    write_part(part_folder(folder, stage, part), rows)
