"""Which stretches of a track are looked at: random ones, the same whoever draws them.

Score-aware training (arXiv 2606.07387, section II-A) draws 15 random stretches of 10 s a file.
"""

from __future__ import annotations

import hashlib

import numpy as np

from ...data.audio_reader import duration
from ...data.track import Track
from ..config import Preparation


def candidates(track: Track, preparation: Preparation) -> list[tuple[float, float]]:
    """(start, seconds) of the stretches of a track that are scored, in order of time.

    They are random and depend on the seed and the track's id alone. A track no longer than a stretch gives one from its
    start, and so does any track where whole tracks are wanted. Raises FileError where the file cannot be read.
    """
    seconds = track.seconds
    if seconds is None:
        seconds = (track.length or duration(track.file)) - track.start
    window = preparation.seconds
    if window is None or seconds <= window:
        return [(track.start, seconds)]
    starts = random(preparation.seed, track.id, "candidates").uniform(0, seconds - window, preparation.candidates)
    return [(track.start + start, window) for start in np.sort(starts).tolist()]


def random(seed: int, track: str, purpose: str) -> np.random.Generator:
    """The random numbers of one track, whichever process asks and whatever other tracks there are."""
    key = hashlib.sha256(f"{seed}\0{purpose}\0{track}".encode("utf-8", "surrogateescape")).digest()
    return np.random.default_rng(int.from_bytes(key[:16], "little"))
