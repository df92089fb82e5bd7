"""What the scores of the candidates are like, for prepared.json and as a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..data.track import load_tracks, part_count
from ..runtime.charts import COLOURS, picture
from ..runtime.stage_runner import load_part
from .config import Preparation
from .stages.selection import tiers


def score_report(folder: Path, preparation: Preparation) -> dict:
    """What the scores of a prepared folder's candidates are like, and the picture of it, FOLDER/segments/scores.png.

    Returns {"candidates", "mean", "median", "high", "medium", "low" (shares), "tracks", "tracks_without_items",
    "items"}; without scores only the counts. Raises FileError and DependencyError.
    """
    tracks = len(load_tracks(folder))
    scores = np.concatenate([load_part(folder, "scores", part)["score"] for part in range(part_count(tracks))])
    items = load_part(folder, "segments", 0)["track"]
    report: dict[str, float] = {"candidates": len(scores), "tracks": tracks, "items": len(items)}
    report["tracks_without_items"] = tracks - len(np.unique(items))
    scores = scores[np.isfinite(scores)]
    if not len(scores):
        return report
    high, medium = preparation.high, preparation.medium
    assert high is not None and medium is not None  # see `with_tiers`
    tier = tiers(scores, high, medium)
    report |= {name: float((tier == n).mean()) for n, name in enumerate(("low", "medium", "high"))}
    report |= {"mean": float(scores.mean()), "median": float(np.median(scores))}
    histogram(scores, high, medium, Path(folder) / "segments" / "scores.png")
    return report


def fit_line(folder: Path, preparation: Preparation) -> str | None:
    """What to say where tracks have no candidate that reaches the medium tier, and what to change; None: all have.

    Raises FileError.
    """
    tracks = load_tracks(folder)
    parts = [load_part(folder, "scores", part) for part in range(part_count(len(tracks)))]
    numbers, scores = (np.concatenate([rows[name] for rows in parts]) for name in ("track", "score"))
    medium = preparation.medium
    if preparation.seconds is None or medium is None or not len(scores):
        return None
    best = np.full(len(tracks), -np.inf)
    np.maximum.at(best, numbers, np.nan_to_num(scores, nan=-np.inf))
    scored = best[np.isfinite(best)]
    short = scored[scored < medium]
    if not len(short):
        return None
    line = (
        f"segments: {len(short):,} of {len(scored):,} tracks have no stretch that fits: the best scores of their"
        f" captions are {short.min():.2f} to {short.max():.2f}, below --medium {medium:g}."
    )
    wanted = np.floor(100 * np.quantile(scored, 0.1)) / 100
    return (
        f"{line} If the captions are right, this music scores lower than what the tiers were made for: with"
        f" --medium {wanted:.2f} nine tracks of ten have one (into a new --out)"
    )


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
