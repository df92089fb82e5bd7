"""Which stretches of a track are trained on: random candidates, scored, of which the best fitting are kept.

The rule is that of score-aware training (arXiv 2606.07387, section II-A): 15 random stretches of 10 s a file; those
scored 0.33 and more are high, 0.20 and more medium, the others are left out; 6 random ones of the high tier where it
has as many, else all of it and the best of the medium one.
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path

import numpy as np

from ..data.audio_reader import duration
from ..data.track import Track, load_tracks, part_count
from ..runtime.charts import COLOURS, picture
from ..runtime.stage_runner import Rows, digest, load_part, stage_settings
from .config import Preparation
from .prepared_folder import SPLITS


def candidates(track: Track, preparation: Preparation) -> list[tuple[float, float]]:
    """(start, seconds) of the stretches of a track that are scored, in order of time.

    Random ones, by the seed and the track's id alone; one from its start where the track is no longer than a stretch,
    or where whole tracks are wanted. Raises FileError where the file cannot be read.
    """
    seconds = track.seconds if track.seconds is not None else duration(track.file) - track.start
    window = preparation.seconds
    if window is None or seconds <= window:
        return [(track.start, seconds)]
    starts = random(preparation.seed, track.id, "candidates").uniform(0, seconds - window, preparation.candidates)
    return [(track.start + start, window) for start in np.sort(starts).tolist()]


def random(seed: int, track: str, purpose: str) -> np.random.Generator:
    """The random numbers of one track, whichever process asks and whatever other tracks there are."""
    key = hashlib.sha256(f"{seed}\0{purpose}\0{track}".encode()).digest()
    return np.random.default_rng(int.from_bytes(key[:16], "little"))


def tiers(scores: np.ndarray, high: float, medium: float) -> np.ndarray:
    """2 for high, 1 for medium, 0 for low; a score that is not a number is low."""
    return (scores >= high).astype(np.int64) + (scores >= medium)


def keep(scores: np.ndarray, high: float, medium: float, count: int, rng: np.random.Generator) -> np.ndarray:
    """Places in `scores` of the candidates of one track to keep, at most `count`, in their order.

    The paper does not say what happens to files with fewer than six that can be kept: here all of those are.
    """
    tier = tiers(scores, high, medium)
    best, rest = np.flatnonzero(tier == 2), np.flatnonzero(tier == 1)
    if len(best) >= count:
        return np.sort(rng.choice(best, count, replace=False))
    rest = rest[np.argsort(-scores[rest], kind="stable")]
    return np.sort(np.concatenate([best, rest[: count - len(best)]]))


class Segments:
    """The work of the stage "segments": the scores of all candidates -> the items, in one part."""

    name = "segments"

    def __init__(self, folder: Path, preparation: Preparation):
        self.folder, self.preparation = Path(folder), preparation

    @cached_property
    def settings(self) -> dict:
        p = self.preparation
        rule = {"keep": p.keep, "high": p.high, "medium": p.medium} if p.seconds is not None else {}
        return {"scores": digest(stage_settings(self.folder, "scores")), "seed": p.seed, **rule}

    def __call__(self, part: int) -> Rows:
        tracks = load_tracks(self.folder)
        chosen = []
        for number in range(part_count(len(tracks))):
            rows = load_part(self.folder, "scores", number)
            place = self._kept(rows, tracks)
            columns = {name: rows[name][place] for name in ("track", "start", "seconds", "score")}
            columns["split"] = np.array([SPLITS.index(tracks[track].split) for track in columns["track"]], np.int8)
            chosen.append(columns | {"part": np.full(len(place), number, np.int32), "row": place.astype(np.int32)})
        return {name: np.concatenate([columns[name] for columns in chosen]) for name in chosen[0]}

    def _kept(self, rows: Rows, tracks: list[Track]) -> np.ndarray:
        """Rows of a part of "scores" to keep, in their order: all of them where whole tracks are wanted."""
        p = self.preparation
        if p.seconds is None:
            return np.arange(len(rows["track"]))
        kept = [np.zeros(0, np.int64)]
        for track in np.unique(rows["track"]):
            own = np.flatnonzero(rows["track"] == track)
            rng = random(p.seed, tracks[track].id, "kept")
            kept.append(own[keep(rows["score"][own], p.high, p.medium, p.keep, rng)])
        return np.concatenate(kept)


def score_report(folder: Path, preparation: Preparation) -> dict:
    """What the scores of a prepared folder's candidates are like, and the picture of it, FOLDER/segments/scores.png.

    Returns {"candidates", "mean", "median", "high", "medium", "low" (shares), "tracks", "tracks_without_items",
    "items"}; without scores only the counts. Raises FileError and DependencyError.
    """
    tracks = len(load_tracks(folder))
    scores = np.concatenate([load_part(folder, "scores", part)["score"] for part in range(part_count(tracks))])
    items = load_part(folder, "segments", 0)["track"]
    report = {"candidates": len(scores), "tracks": tracks, "items": len(items)}
    report["tracks_without_items"] = tracks - len(np.unique(items))
    scores = scores[np.isfinite(scores)]
    if not len(scores):
        return report
    tier = tiers(scores, preparation.high, preparation.medium)
    report |= {name: float((tier == n).mean()) for n, name in enumerate(("low", "medium", "high"))}
    report |= {"mean": float(scores.mean()), "median": float(np.median(scores))}
    histogram(scores, preparation.high, preparation.medium, Path(folder) / "segments" / "scores.png")
    return report


def histogram(scores: np.ndarray, high: float, medium: float, path: Path) -> None:
    """Draw how the scores are distributed, with both thresholds and the share of each tier, as a PNG."""
    tier = tiers(scores, high, medium)
    names, colours = ("low", "medium", "high"), ("#b0b0b0", COLOURS[1], COLOURS[0])
    with picture(path) as axes:
        shares = [f"{name}: {(tier == n).mean():.1%}" for n, name in enumerate(names)]
        axes.hist([scores[tier == n] for n in range(3)], bins=60, stacked=True, color=colours, label=shares)
        for threshold in (medium, high):
            axes.axvline(threshold, color="#444444", linewidth=0.8, linestyle="--")
        axes.set_xlabel("score: mean cosine of a candidate with the captions of its track")
        axes.set_ylabel("candidates")
        axes.set_title(f"{len(scores):,} candidates, mean {scores.mean():.3f}")
        axes.legend()
