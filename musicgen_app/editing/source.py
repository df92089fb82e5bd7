"""A recording that is edited: sound file or clip -> Source, with what is known of it.

Of what the app made, plan and prompt are in its tags and sidecar. Of any other, they are heard (`hearing`).
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from .. import audio
from ..control.plan import Plan
from ..errors import FileError, RequestError
from ..request import GenerationRequest, GenerationResult

SHORTEST, LONGEST = 0.5, 900.0  # seconds
LIMITS = f"{SHORTEST:g} s to {LONGEST / 60:g} minutes"
MOST_CHANNELS = 2
RATES = (8_000, 192_000)  # Hz
FINER = ("PCM_32", "FLOAT", "DOUBLE")  # samples that the 24 bits of the app's files do not hold


@dataclass(frozen=True, eq=False)
class Source:
    """A recording that is edited. Raises FileError where it cannot be.

    audio: (channels, samples) float32; plan: None where it is not known; request: that which made it, None where it is
    not of the app; weights: the SHA-256 of those of the model that made it; name: of its file.
    """

    audio: np.ndarray
    sample_rate: int
    plan: Plan | None = None
    request: GenerationRequest | None = None
    weights: str = ""
    name: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        name = self.name or "the recording"
        if self.audio.ndim != 2 or not 1 <= self.audio.shape[0] <= MOST_CHANNELS:
            raise FileError(f"{name} has {self.audio.shape[0]} channels: mix it down to 1 or 2")
        if not RATES[0] <= self.sample_rate <= RATES[1]:
            raise _odd_rate(name, self.sample_rate)
        if not SHORTEST <= self.seconds <= LONGEST:
            raise FileError(f"{name} has {_told(self.seconds)}: an edit takes {LIMITS}")
        if not np.isfinite(self.audio).all():
            raise FileError(f"{name} holds samples that are no numbers: export it again")
        if np.square(self.audio, dtype=np.float64).mean() < 10 ** (audio.SILENCE / 10):
            raise FileError(f"{name} is silent: there is nothing to go on from")

    @classmethod
    def of(cls, result: GenerationResult, name: str = "") -> Source:
        """What the engine has made, as it is."""
        return cls(result.audio, result.sample_rate, result.plan, result.request, result.model["weights_sha256"], name)

    @property
    def seconds(self) -> float:
        return self.audio.shape[1] / self.sample_rate

    @property
    def sha256(self) -> str:
        """Of the samples, as float32, channel after channel."""
        return hashlib.sha256(np.ascontiguousarray(self.audio).tobytes()).hexdigest()

    def about(self) -> dict:
        """JSON-safe: what a record says of it."""
        return {"name": self.name, "sha256": self.sha256}


def read_source(path: str | Path, name: str | None = None) -> Source:
    """The recording in a sound file, with the plan and the request that its tags and its sidecar know.

    name: what it is called (default: the name of the file). Raises FileError, which also says the limits: channels,
    rate and length.
    """
    from ..library.metadata import made_by, origin, plan_in

    path = Path(path)
    name = name or path.name
    channels, samples, rate = audio.shape_of(path)  # what the header says, before all of it is read
    if channels > MOST_CHANNELS:
        raise FileError(f"{path} has {channels} channels: mix it down to 1 or 2")
    if not RATES[0] <= rate <= RATES[1]:
        raise _odd_rate(str(path), rate)
    if samples > LONGEST * rate:
        raise FileError(f"{path} has {_told(samples / rate)}: an edit takes {LIMITS}")
    sound, rate, _ = audio.read(path, most=round(LONGEST * rate))
    source = Source(sound, rate, name=name)
    if (subtype := audio.subtype_of(path)) in FINER:
        source = replace(source, notes=(f"{name} holds {subtype} samples, of which 24 bits are kept",))
    with suppress(FileError, RequestError):  # it is not of the app
        source = replace(source, request=made_by(path), plan=plan_in(path), weights=origin(path)["weights"])
    return source


def _odd_rate(name: str, rate: int) -> FileError:
    return FileError(f"{name} has {rate:,} samples a second: convert it to 44100 or 48000")


def _told(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds < 60 else f"{seconds / 60:.0f} minutes"
