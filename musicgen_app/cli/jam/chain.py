"""A clip and the edits that were made to it, one upon the other, as the commands of the app make them.

Between two edits a clip is what it is in a file: a WAV of 24 bits under the name that the app gives it, with its tags.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...library.metadata import needs_sidecar
from ...machine import paths
from ..generation.output_files import wants_sidecar

if TYPE_CHECKING:
    from ...editing.edit import Edit
    from ...editing.source import Source
    from ...machine.user_settings import Settings
    from ...request import GenerationRequest, GenerationResult

OF_SESSION = ("model", "steps")  # options of a session that hold for edits too


@dataclass(frozen=True)
class Step:
    """One edit. given: fields of its request, with its seed; text: as it was typed."""

    edit: Edit
    given: dict[str, Any] = field(default_factory=dict)
    text: str = ""

    def with_seed(self, seed: int) -> Step:
        return replace(self, given=self.given | {"seed": seed})


def stem(given: dict[str, Any], steps: Sequence[Step]) -> str:
    """The name, without suffix, that the commands give to the clip of a request after some edits."""
    name = f"{paths.slug(given['prompt'])}-{given['seed']}"
    for step in steps:
        name = f"{paths.slug(name)}-{step.edit.kind}-{step.given['seed']}"
    return name


def sidecar_wanted(result: GenerationResult, target: Path, settings: Settings) -> bool:
    """Whether a file gets a sidecar, as the command that makes it decides."""
    if result.edit and settings.sidecar is None:
        return needs_sidecar(result, target)
    return wants_sidecar(settings.sidecar, target, result.request)


class Files:
    """Where clips lie while they are edited; nothing is left of it after `close`."""

    def __init__(self, settings: Settings):
        self._settings = settings
        self._folder: tempfile.TemporaryDirectory | None = None

    def source(self, result: GenerationResult, name: str) -> Source:
        """A clip as an edit reads it from its file. Raises FileError."""
        from ...editing.source import read_source
        from ...library.clip_files import write_clip

        self._folder = self._folder or tempfile.TemporaryDirectory(prefix="ttm-app-jam-")
        path = Path(self._folder.name) / f"{name}.wav"
        write_clip(result, path, sidecar_wanted(result, path, self._settings), overwrite=True)
        return read_source(path)

    def close(self) -> None:
        """Delete the files."""
        if self._folder is not None:
            self._folder.cleanup()


def request_of(step: Step, source: Source, usual: dict[str, Any], model: str) -> tuple[GenerationRequest, list[str]]:
    """The request of an edit in a session with options, and what to tell of it. Raises RequestError."""
    from ...editing.preparation import asked_for

    held = {name: usual[name] for name in OF_SESSION if name in usual}
    return asked_for(source, held | step.given, model)
