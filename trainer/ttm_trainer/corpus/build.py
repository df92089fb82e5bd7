"""A corpus on disk: scores -> audio/*/*.flac (stereo), scores/*.json.gz, rows/*.json and, merged from those,
manifest.jsonl, meta.json and CREDITS.md; and the corpus of composed pieces.

A piece is finished when its rows file exists, so an interrupted build goes on where it stopped. Scores are kept, so
that captions can be written anew (`recaption`) without rendering again.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import multiprocessing
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import soundfile

from musicgen_app.errors import DependencyError, FileError
from musicgen_app.machine import files

from .caption import captions
from .compose import composer
from .compose.score import Note, Part, Score, Section
from .render.casting import sources
from .render.render import render

SAMPLE_RATE = 32_000  # Hz, where nothing else is asked for
LICENCE = "CC0-1.0"
SILENCE = 10 ** (-50 / 20)  # RMS below which a clip is left out
VALIDATION = 0.1


def digest(*values: object) -> int:
    """63 bits, the same for the same values."""
    return int.from_bytes(hashlib.sha256(":".join(map(str, values)).encode()).digest()[:8], "big") >> 1


def piece_seed(seed: int, index: int) -> int:
    """Seed (63 bits) of piece `index` of the build with `seed`."""
    return digest("piece", seed, index)


def split_of(seed: int) -> str:
    """ "val" for about a tenth of all seeds (63 bits), else "train"."""
    return "val" if digest("split", seed) / 2**63 < VALIDATION else "train"


def write_file(path: Path, content: str | bytes) -> None:
    """Write a whole file, and its folders where they are missing. Raises FileError."""
    with files.reported(f"write {path}"):
        path.parent.mkdir(parents=True, exist_ok=True)
    files.write(path, content.encode() if isinstance(content, str) else content, overwrite=True)


def write_audio(path: Path, audio: np.ndarray, sample_rate: int) -> None:
    """Audio (C, N) -> a 16-bit FLAC file, in one step."""
    data = io.BytesIO()
    soundfile.write(data, audio.T, sample_rate, "PCM_16", format="FLAC")
    write_file(path, data.getvalue())


def write_rows(out: Path, identity: str, rows: list[dict]) -> None:
    """The rows of one file, written last: they mark it as finished."""
    write_file(out / "rows" / f"{identity}.json", json.dumps(rows, ensure_ascii=False))


def load_score(path: Path) -> Score:
    """A score kept by the build (scores/<id>.json.gz)."""
    fields = json.loads(gzip.decompress(path.read_bytes()))
    parts = tuple(Part(**{**part, "notes": tuple(Note(**n) for n in part["notes"])}) for part in fields["parts"])
    sections = tuple(
        Section(**{**section, "chords": tuple(section["chords"]), "metre": _pair(section.get("metre"))})
        for section in fields["sections"]
    )
    lists = {name: tuple(fields[name]) for name in ("moods", "themes", "metre", "estimated") if name in fields}
    return Score(**{**fields, **lists, "parts": parts, "sections": sections})


def _pair(metre: list[int] | None) -> tuple[int, int] | None:
    return (metre[0], metre[1]) if metre else None


def clip_rows(
    score: Score, audible: list[int], identity: str, path: str, clip_seconds: float, about: dict
) -> list[dict]:
    """Rows of the clips of a piece whose numbers are given; clip n covers [n, n + 1) * clip_seconds.

    about: "split", "set", "licence" and "source" of the piece.
    """
    rows = []
    for number in audible:
        start = number * clip_seconds
        facts = captions.window_facts(score, start, clip_seconds)
        draw, held_out = random.Random(digest("captions", score.seed, number)), about["split"] != "train"
        rows.append({
            "id": f"{identity}-{number}", "path": path, "start": start, "seconds": clip_seconds,
            "split": about["split"], "set": about["set"], "genre": score.genre,
            "captions": captions.captions(facts, draw, held_out),
            "facts": facts, "licence": about["licence"], "source": about["source"],
        })  # fmt: skip
    return rows


def _audible(audio: np.ndarray, sample_rate: int, clip_seconds: float) -> list[int]:
    """Numbers of the windows within the piece that are not silent."""
    samples = round(clip_seconds * sample_rate)
    clips = [audio[:, i * samples : (i + 1) * samples] for i in range(audio.shape[1] // samples)]
    return [i for i, clip in enumerate(clips) if np.sqrt(np.mean(clip**2)) >= SILENCE]


def build_piece(out: Path, seed: int, piece_seconds: float, clip_seconds: float, sample_rate: int, index: int) -> dict:
    """Compose, render and write one piece -> {"seconds", "error"}; a piece that fails leaves nothing."""
    identity = f"s{seed}-{index:06d}"
    genre = composer.genre_of(index)
    try:
        score = composer.compose(piece_seed(seed, index), seconds=piece_seconds, genre=genre)
        source = "; ".join([f"ttm-app composer seed {score.seed}", *sources(score)])
        about = {"split": split_of(score.seed), "set": "composed", "licence": LICENCE, "source": source}
        seconds = store(out, identity, index, score, clip_seconds, sample_rate, about)
    except (DependencyError, FileError, OSError):
        raise
    except Exception as error:
        return {"seconds": 0.0, "error": f"piece {index}: {genre}: {type(error).__name__}: {error}"}
    return {"seconds": seconds, "error": None}


def store(
    out: Path, identity: str, index: int, score: Score, clip_seconds: float, sample_rate: int, about: dict
) -> float:
    """Render a piece and write audio, score and, last, the rows of its audible clips; returns its seconds.

    about: as `clip_rows` takes it.
    """
    audio = render(score, sample_rate)
    path = f"audio/{index // 100:03d}/{identity}.flac"
    rows = clip_rows(score, _audible(audio, sample_rate, clip_seconds), identity, path, clip_seconds, about)
    write_audio(out / path, audio, sample_rate)
    write_file(out / "scores" / f"{identity}.json.gz", gzip.compress(json.dumps(asdict(score)).encode(), mtime=0))
    write_rows(out, identity, rows)
    return audio.shape[1] / sample_rate


def check_settings(out: Path, settings: dict, hours: float | None = None) -> None:
    """Write meta.json, or check that the folder was begun with the same settings (FileError)."""
    path = out / "meta.json"
    if path.exists():
        found = json.loads(path.read_text(encoding="utf-8"))
        other = [name for name, value in settings.items() if found.get(name) != value]
        if other:
            raise FileError(
                f"{out} was built with another {', '.join(other)}: use the same settings or choose a new folder"
            )
    elif (out / "rows").exists():
        raise FileError(f"{out} holds rows but no meta.json: choose a new folder")
    write_file(path, json.dumps(settings | ({} if hours is None else {"hours": hours}), indent=1))


def results(task: Callable, todo: list, workers: int) -> Iterator:
    """The results of `task` for each of `todo`, in any order, computed by `workers` processes."""
    if workers <= 1:
        yield from map(task, todo)
        return
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        yield from pool.imap_unordered(task, todo)


def build_corpus(
    out: Path,
    hours: float,
    seed: int,
    workers: int = 1,
    piece_seconds: float = 30.0,
    clip_seconds: float = 10.0,
    sample_rate: int = SAMPLE_RATE,
    progress: Callable[[dict], None] | None = None,
) -> dict:
    """Make (or go on with) a corpus of `hours` in the folder `out` and call `finish`.

    `progress` gets {"done", "total", "rate" (seconds of audio a second), "left" (seconds), "failed"} after each
    piece. More `hours` in the same folder extend it. Returns {"pieces", "rendered", "failed": [message], "clips",
    "hours", "rate"}. Raises FileError when the folder has other settings, DependencyError without a soundfont.
    """
    out = Path(out)
    settings = {
        "schema": 1, "set": "composed", "seed": seed, "sample_rate": sample_rate, "channels": 2,
        "piece_seconds": piece_seconds, "clip_seconds": clip_seconds, "validation": VALIDATION,
    }  # fmt: skip
    check_settings(out, settings, hours)
    total = max(1, round(hours * 3600 / piece_seconds))
    todo = [i for i in range(total) if not (out / "rows" / f"s{seed}-{i:06d}.json").exists()]
    task = partial(build_piece, out, seed, piece_seconds, clip_seconds, sample_rate)
    return make(out, task, todo, total, workers, progress)


def make(
    out: Path, task: Callable, todo: list, total: int, workers: int, progress: Callable[[dict], None] | None
) -> dict:
    """Have the pieces in `todo`, of `total`, made by a task that returns {"seconds", "error"}; then `finish`.

    `progress` and the result are those of `build_corpus`.
    """
    begun, rendered, failed, rate = time.monotonic(), 0.0, [], 0.0
    for count, result in enumerate(results(task, todo, workers), 1):
        rendered += result["seconds"]
        if result["error"]:
            failed.append(result["error"])
        elapsed = time.monotonic() - begun
        rate = rendered / elapsed
        if progress:
            left = elapsed / count * (len(todo) - count)
            done = total - len(todo) + count
            progress({"done": done, "total": total, "rate": rate, "left": left, "failed": failed})
    return {"pieces": total, "rendered": len(todo) - len(failed), "failed": failed, "rate": rate, **finish(out)}


def recaption(out: Path) -> dict:
    """Write facts and captions of every finished piece anew from its kept score, then `finish`. Raises FileError."""
    out = Path(out)
    if not (out / "scores").is_dir():
        raise FileError(f"{out} keeps no scores: give a folder of `ttm-app corpus build` or `ttm-app corpus midi`")
    for path in sorted((out / "rows").glob("*.json")):
        rows = json.loads(path.read_text("utf-8"))
        if not rows:
            continue
        score = load_score(out / "scores" / f"{path.stem}.json.gz")
        audible = [round(row["start"] / row["seconds"]) for row in rows]
        write_rows(out, path.stem, clip_rows(score, audible, path.stem, rows[0]["path"], rows[0]["seconds"], rows[0]))
    return finish(out)


def finish(out: Path) -> dict:
    """Merge rows/*.json into manifest.jsonl, complete meta.json and write CREDITS.md -> {"clips", "hours"}."""
    out = Path(out)
    rows = [row for path in sorted((out / "rows").glob("*.json")) for row in json.loads(path.read_text("utf-8"))]
    write_file(out / "manifest.jsonl", "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    hours = sum(row["seconds"] for row in rows) / 3600
    meta = json.loads((out / "meta.json").read_text("utf-8"))
    counts = {n: dict(sorted(Counter(row[n] or "unknown" for row in rows).items())) for n in ("genre", "split")}
    meta |= {"clips": len(rows), "clip_hours": round(hours, 4), "clips_by": counts}
    write_file(out / "meta.json", json.dumps(meta, indent=1))
    credits = Counter((row["licence"], re.sub(r" seed \d+", "", row["source"])) for row in rows)
    lines = [f"- {source}: {licence}, {count} clips" for (licence, source), count in sorted(credits.items())]
    write_file(out / "CREDITS.md", "# Credits\n\n" + "\n".join(lines) + "\n")
    return {"clips": len(rows), "hours": hours}
