"""A small random prepared folder, written directly: no audio, no encoders. For tests of what reads one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from musicgen_app.control.plan import Plan
from ttm_trainer.prepare.prepared_folder import Prepared
from ttm_trainer.runtime.stage_runner import Rows, check_settings, part_folder, write_part


def write_tiny(
    folder: Path,
    items: int = 24,
    frames: int = 20,
    latent_dim: int = 8,
    text_dim: int = 16,
    width: int = 12,
    *,
    vector_dim: int | None = None,
    length: int | None = 10,
    real_padding: bool = False,
    styles: tuple[str, ...] = ("qwen", "flamingo"),
    per_track: int = 2,
    part_tracks: int = 5,
    genres: int = 3,
    rate: float = 25.0,
    ragged: bool = True,
    scores: bool = True,
    val: int = 2,
    muq: bool = False,
    muq_dim: int = 1024,
    plans: bool = False,
    named: bool = False,
    seed: int = 0,
) -> Prepared:
    """Write a valid folder of `items` items and open it.

    Every track belongs to one of `genres`, which is what its latents, captions and audio vectors have in common, so a
    model can learn something. Items have `frames` latents, with `ragged` half of them fewer. The last `val` tracks are
    the validation split. length: of the token sequence (None: that of the batch's longest, as T5 "longest");
    real_padding: padding positions are stored too and are not zero (as T5 with CLAP); vector_dim: of the global text
    vector (None: text_dim; 0: the encoder gives none, as T5 alone); width: of the embedder's vectors; plans: every
    track has one, of tempo 100 + its number; named: the facts tell every track's genre.
    """
    rng = np.random.default_rng(seed)
    tracks = -(-items // per_track)
    track = np.arange(items) // per_track
    genre = np.arange(tracks) % genres
    vector_dim = text_dim if vector_dim is None else vector_dim
    taste = {n: rng.standard_normal((genres, n)) for n in {latent_dim, text_dim, width, vector_dim or width, muq_dim}}
    count = np.full(items, frames)
    if ragged:
        count[1::2] = rng.integers(max(1, frames // 2), frames + 1, len(count[1::2]))

    def near(n: int, kinds: np.ndarray, spread: float = 0.5) -> np.ndarray:
        return (taste[n][kinds] + spread * rng.standard_normal((len(kinds), n))).astype(np.float16)

    def unit(vectors: np.ndarray) -> np.ndarray:
        return (vectors / np.linalg.norm(vectors.astype(np.float32), axis=1, keepdims=True)).astype(np.float16)

    def ragged_rows(n: int, kinds: np.ndarray, counts: np.ndarray) -> Rows:
        return {"values": near(n, np.repeat(kinds, counts)), "offsets": np.concatenate([[0], np.cumsum(counts)])}

    rows = [
        {
            "id": f"{n:04d}", "path": f"{n:04d}.wav", "root": "", "start": 0.0, "seconds": per_track * frames / rate,
            "captions": {style: [f"{style} caption of track {n}"] for style in styles}, "licence": "CC0-1.0",
            "source": "random", "split": "val" if n >= tracks - val else "train", "set": "tiny",
            "facts": ({"plan": Plan(100 + n, "3/4", 0.0, "A minor", (("Am", 3), ("F", 3))).to_dict()} if plans else {})
            | ({"genre": f"genre {genre[n]}"} if named else {}),
        }
        for n in range(tracks)
    ]  # fmt: skip
    _write(folder, "manifest", 0, {"tracks": rows, "bad": []})
    part = track // part_tracks
    row = np.concatenate([np.arange(n) for n in np.unique(part, return_counts=True)[1]])
    segments = {
        "track": track.astype(np.int32),
        "start": (np.arange(items) % per_track) * frames / rate,
        "seconds": count / rate,
        "score": (rng.uniform(0.1, 0.5, items) if scores else np.full(items, np.nan)).astype(np.float32),
        "split": (track >= tracks - val).astype(np.int8),
        "part": part.astype(np.int32),
        "row": row.astype(np.int32),
    }
    _write(folder, "segments", 0, segments)
    stored = 0
    for number in range(part.max() + 1):
        here = part == number
        kinds = genre[track[here]]
        audio = {"track": segments["track"][here], "start": segments["start"][here], "score": segments["score"][here]}
        _write(folder, "scores", number, {**audio, "audio": unit(near(width, kinds))})
        latents = ragged_rows(latent_dim, kinds, count[here])
        _write(folder, "latents", number, latents)
        if muq:
            _write(folder, "muq", number, ragged_rows(muq_dim, kinds, np.round(count[here] / rate * 25).astype(int)))
        captioned = np.repeat(np.unique(track[here]), len(styles))
        style = np.tile(np.arange(len(styles)), len(np.unique(track[here])))
        lengths = rng.integers(2, (length or 10) + 1, len(captioned))
        text = ragged_rows(text_dim, genre[captioned], np.full(len(lengths), length) if real_padding else lengths)
        captions = [{"caption": rows[t]["captions"][styles[s]][0]} for t, s in zip(captioned, style, strict=True)]
        _write(folder, "text", number, {
            **text, "lengths": lengths, "track": captioned, "style": style.astype(np.int16),
            "vectors": unit(near(vector_dim or width, genre[captioned])), "captions": captions,
        })  # fmt: skip
        stored += len(captioned)
    null = {"tokens": 0.1 * rng.standard_normal((length or 1, text_dim)).astype(np.float16)}
    _write(folder, "null", 0, null | ({"vector": unit(near(vector_dim, genre[:1]))[0]} if vector_dim else {}))
    values = np.concatenate(
        [np.load(part_folder(folder, "latents", n) / "values.npy") for n in range(part.max() + 1)], dtype=np.float32
    )
    meta = {
        "schema": 1,
        "preparation": {"encoders": "sketch", "embedder": "aligner", "seed": seed},
        "latent": {
            "codec": {"kind": "sketch", "path": "codec"}, "rate": rate,
            "mean": values.mean(0).tolist(), "std": values.std(0).tolist(), "weights": [1.0] * latent_dim,
        },
        "text": {"dim": text_dim, "length": length, "vector": bool(vector_dim), "styles": list(styles)},
        "audio": {"embedder": "tiny", "width": width},
        "muq": {"rate": 25.0} if muq else None,
        "counts": {"tracks": tracks, "items": items, "captions": stored},
    }  # fmt: skip
    (folder / "prepared.json").write_text(json.dumps(meta))
    return Prepared(folder)


def _write(folder: Path, stage: str, part: int, rows: Rows) -> None:
    check_settings(folder / stage, {"random": True})
    write_part(part_folder(folder, stage, part), rows)
