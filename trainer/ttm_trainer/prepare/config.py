"""The settings of a preparation: which stretches of the music to train on, and what to compute of them."""

from __future__ import annotations

from dataclasses import dataclass

from musicgen_app.errors import RequestError

REWRITTEN = "rewritten"  # the style of captions that are only for the second stage of the score-aware recipe


@dataclass(frozen=True)
class Preparation:
    """How data is made ready for training. Raises RequestError for an impossible value.

    encoders: "sketch" (the bundled ones), a system of `models.paper_systems`, or a model whose text encoder and codec
    to use. embedder: scores the segments and gives the REPA-CLAP targets: "aligner" (the bundled one), "clap" or a
    folder. seconds: of a segment; None takes whole files. high, medium: tiers of the score; None: the embedder's own.
    candidates: stretches that are scored in every track; keep: how many of them are trained on, at most. muq: also
    store MuQ's features. clusters: pairs such as ("text", 50). val, test: fractions of the tracks that are held out.
    """

    encoders: str = "sketch"
    embedder: str = "aligner"
    candidates: int = 15
    keep: int = 6
    seconds: float | None = 10.0
    high: float | None = None
    medium: float | None = None
    muq: bool = False
    clusters: tuple[tuple[str, int], ...] = ()
    seed: int = 0
    val: float = 0.01
    test: float = 0.0

    def __post_init__(self):
        if not 1 <= self.keep <= self.candidates:
            raise RequestError(
                f"{self.keep} of {self.candidates} candidates cannot be kept: keep 1 to {self.candidates}"
            )
        if self.seconds is not None and not 0.5 <= self.seconds <= 600:
            raise RequestError(f"segments of {self.seconds} s cannot be: use 0.5 to 600, or whole files")
        tiers = [tier for tier in (-1.0, self.medium, self.high, 1.0) if tier is not None]
        if tiers != sorted(tiers):
            raise RequestError(f"tiers of {self.high} and {self.medium} cannot be: -1 <= medium <= high <= 1")
        if not (self.val >= 0 and self.test >= 0 and self.val + self.test < 1):
            raise RequestError(f"held-out fractions of {self.val} and {self.test} leave nothing to train on")
        for by, k in self.clusters:
            if by not in ("text", "audio") or k < 1:
                raise RequestError(f"clusters {by}-{k} cannot be: use text-K or audio-K with K of 1 or more")
