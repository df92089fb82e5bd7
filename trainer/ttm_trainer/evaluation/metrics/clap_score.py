"""CLAP score: how near a clip is to its own prompt, the cosine of two vectors of an embedder.

Wu et al. 2023, arXiv 2211.06687. Not clipped at 0 and not scaled. One vector a clip, its first window; the mean over
prompts is the figure.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..clips.clips import Clip
from .embeddings import Vectors


def cosines(prompts: Sequence[str], clips: Sequence[Clip], vectors: Vectors) -> tuple[np.ndarray, np.ndarray]:
    """Of each clip (n,): the cosine with its own prompt, and the mean cosine with the other prompts, its chance level.

    With a single prompt the chance level is NaN.
    """
    text = vectors.embedder.text(list(prompts)).astype(np.float64)
    audio = np.stack([vectors.first(clip) for clip in clips]).astype(np.float64)
    scores = audio @ text.T
    own = np.diag(scores)
    with np.errstate(invalid="ignore"):
        return own, np.divide(scores.sum(axis=1) - own, len(clips) - 1) if len(clips) > 1 else np.full(1, np.nan)
