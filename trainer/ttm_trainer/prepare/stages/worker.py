"""What the workers of all stages share: the folder, the preparation, and what is read from them.

A worker is what `runtime.stage_runner.run_stage` runs: `name`, `settings` (what its rows depend on) and `worker(part)`,
which gives Rows. It is made from the folder and the preparation alone, and only these are sent to another process. What
is heavy is loaded there, once, at the first call. `prepare.prepared_folder` says which arrays a stage writes.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from ...data.track import Track, load_tracks, part_tracks
from ...runtime.stage_runner import digest, stage_settings
from ..config import Preparation
from ..encoders import Encoders, find_encoders


class Worker:
    """What the workers share. Raises ModelError and DependencyError where an encoder is not on this machine."""

    name: str

    def __init__(self, folder: Path, preparation: Preparation):
        self.folder, self.preparation = Path(folder), preparation

    def __reduce__(self):
        return type(self), (self.folder, self.preparation)

    @cached_property
    def tracks(self) -> list[Track]:
        return load_tracks(self.folder)

    @cached_property
    def encoders(self) -> Encoders:
        return find_encoders(self.preparation.encoders)

    def numbers(self, part: int) -> range:
        """The numbers of the tracks of a part."""
        return part_tracks(part, len(self.tracks))

    def made_from(self, stage: str) -> str:
        """A digest of the settings of a stage that this one reads."""
        return digest(stage_settings(self.folder, stage))
