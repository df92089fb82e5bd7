"""Clips -> what is heard in them: the vector of the embedder, tempo, key, and what the attribute probe tells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from musicgen_app.analysis.key import key
from musicgen_app.analysis.tempo import tempo
from musicgen_app.errors import FileError

from ...aligner.data import read_clips
from ...data.corpus_reader import known_facts
from ..metrics.embeddings import Vectors
from .attribute_probe import AttributeProbe, accuracy, fit
from .clips import Clip
from .descriptors import descriptor
from .targets import clip_of

RATE = 32_000  # Hz, of everything that is not the embedder
Tick = Callable[[str, int, int], None]  # stage, done, total


@dataclass(frozen=True, eq=False)
class ClipFeatures:
    """What is heard in a clip; what no probe was there to tell is None or empty."""

    vector: np.ndarray  # (W,) of the embedder
    tempo: float
    key: tuple[int, str]
    drums: bool | None = None
    genres: tuple[str, ...] = ()  # from likely to unlikely
    instruments: dict[str, bool] | None = None
    clip: Clip | None = None  # it was heard in, to look for the chords that a prompt names


class FeatureExtractor:
    """Measures clips, each one once."""

    def __init__(self, vectors: Vectors, probe: AttributeProbe | None = None):
        self.vectors, self.probe = vectors, probe
        self._heard: dict[Clip, ClipFeatures] = {}

    def extract(self, clip: Clip) -> ClipFeatures:
        """Raises FileError for a clip that cannot be read."""
        if clip not in self._heard:
            wave = clip.wave(RATE)
            vector = self.vectors.first(clip)
            attributes = self.probe.attributes(_features(vector, wave)) if self.probe else {}
            self._heard[clip] = ClipFeatures(vector, tempo(wave, RATE), key(wave, RATE), **attributes, clip=clip)
        return self._heard[clip]


def features(clip: Clip, vectors: Vectors) -> np.ndarray:
    """The features (D,) that an `AttributeProbe` reads. Raises FileError for a clip that cannot be read."""
    return _features(vectors.first(clip), clip.wave(RATE))


def _features(vector: np.ndarray, wave: np.ndarray) -> np.ndarray:
    return np.concatenate([vector, descriptor(wave, RATE)]).astype(np.float64)


def unseen(folder: Path, count: int) -> list[dict]:
    """Up to `count` rows of the held-out tracks of a dataset folder, of as many tracks as possible. FileError: none."""
    rows = [rows_[number] for rows_ in _tracks(read_clips([folder], "val")) for number in range(len(rows_))]
    firsts: dict[str, int] = {}
    for row in rows:
        row["_place"] = firsts[row["path"]] = firsts.get(row["path"], -1) + 1
    return sorted(rows, key=lambda row: row["_place"])[:count]


def _tracks(rows: Sequence[dict]) -> list[list[dict]]:
    """Rows by track; the order of tracks, and of the clips of each, is drawn once for all."""
    tracks: dict[str, list[dict]] = {}
    for row in rows:
        tracks.setdefault(row["path"], []).append(row)
    rng = np.random.default_rng(0)
    return [[tracks[path][i] for i in rng.permutation(len(tracks[path]))] for path in rng.permutation(sorted(tracks))]


def fit_probe(
    folder: Path, vectors: Vectors, clips: int, unseen_rows: Sequence[dict], show: Callable[[str], None], tick: Tick
) -> tuple[AttributeProbe | None, dict]:
    """A probe fitted on up to `clips` training clips of a dataset folder, and how right it is on unseen rows.

    None where the folder's training clips have no facts or are too few.
    """
    rows = [row for track in _tracks(read_clips([folder], "train")) for row in track if known_facts(row)]
    rows = [rows[i] for i in np.random.default_rng(1).permutation(len(rows))[:clips]]
    known = [row for row in unseen_rows if known_facts(row)]
    if len(rows) < 2 or not known:
        return None, {}
    show(f"attribute probe: fitting on {len(rows)} training clips")
    x = _all_features(rows, vectors, lambda done, total: tick("fitting the probe", done, total))
    try:
        probe = fit(x, [known_facts(row) for row in rows], [row["path"] for row in rows])
    except ValueError as error:
        show(f"no attribute probe: {error}")
        return None, {}
    x = _all_features(known, vectors, lambda done, total: tick("testing the probe", done, total))
    return probe, accuracy(probe, x, [known_facts(row) for row in known])


def _all_features(rows: Sequence[dict], vectors: Vectors, tick: Callable[[int, int], None]) -> np.ndarray:
    result = []
    for number, row in enumerate(rows):
        tick(number, len(rows))
        result.append(features(clip_of(row), vectors))
    tick(len(rows), len(rows))
    return np.stack(result)


def extract_all(
    extractor: FeatureExtractor, clips: Sequence[Clip], tick: Callable[[int, int], None]
) -> tuple[dict[Clip, ClipFeatures], list[dict]]:
    """What is heard in the clips that can be read, and {"id", "path", "reason"} of the others."""
    heard, bad = {}, []
    for number, clip in enumerate(clips):
        tick(number, len(clips))
        try:
            heard[clip] = extractor.extract(clip)
        except FileError as error:
            bad.append({"id": clip.id, "path": str(clip.path), "reason": str(error)})
    tick(len(clips), len(clips))
    return heard, bad
