"""What the manifest knows of the training tracks, for the bundle: plans to borrow, and captions of known genre."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from musicgen_app.control.genre_classifier import is_name
from musicgen_app.control.planner import Pieces

from ..data.corpus_reader import is_estimated
from ..prepare.prepared_folder import Prepared


def known_plans(prepared: Prepared, count: int) -> Pieces | None:
    """The plans of up to `count` training tracks, from their beginnings, with the mean vectors of their captions.

    They are spread evenly over the data; plans of recordings, which have gaps, are left out. None where no track has
    a plan, or the text encoder gives no vectors.
    """
    written = [
        item for item in _first_items(prepared).tolist() if not is_estimated(prepared.track(item).get("facts") or {})
    ]
    found = [(item, plan) for item in written if (plan := prepared.plan(item)).tempo]
    if not found or not prepared.meta["text"]["vector"]:
        return None
    chosen = [found[i] for i in _spread(len(found), count)]
    means = [prepared.sentence_vectors(prepared.captions(item)).mean(axis=0) for item, _ in chosen]
    return Pieces(np.stack(means), tuple(replace(plan, start=0.0) for _, plan in chosen))


def known_genres(prepared: Prepared, count: int) -> tuple[np.ndarray, list[str]]:
    """Vectors (n, V) of the captions of up to `count` training tracks whose genre is known, and the genre of each.

    The tracks are spread evenly over the data. Nothing, (0, 0), where the text encoder gives no vectors.
    """
    items = _first_items(prepared)
    items = items if prepared.meta["text"]["vector"] else items[:0]
    vectors: list[np.ndarray] = [np.zeros((0, 0), np.float32)]
    genres: list[str] = []
    for item in items[_spread(len(items), count)].tolist():
        genre = (prepared.track(item).get("facts") or {}).get("genre")
        if isinstance(genre, str) and is_name(genre):
            own = prepared.sentence_vectors(prepared.captions(item))
            vectors.append(own)
            genres += [genre] * len(own)
    return np.concatenate(vectors[1:] or vectors), genres


def _first_items(prepared: Prepared) -> np.ndarray:
    """Numbers (int64) of the first training item of every training track."""
    items = prepared.items("train")
    return items[np.unique(prepared.tracks[items], return_index=True)[1]]


def _spread(total: int, count: int) -> np.ndarray:
    """At most `count` of the numbers below `total` (int64), evenly spread."""
    return np.linspace(0, total - 1, min(count, total)).round().astype(int)
