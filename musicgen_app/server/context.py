"""What every tab is given: the one engine, the queue in front of it, the library and the settings.

A tab's module has `build(context) -> None`, which is called inside its `gr.Tab`, and, in a plug-in, its LABEL.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from .editing.recordings import Recordings

if TYPE_CHECKING:
    from ..library.library import Library
    from ..machine.user_settings import Settings
    from .request_queue import EngineHolder, RequestQueue


@dataclass(frozen=True)
class Context:
    """What the tabs share. `models_dir` None is the user's own folder, as in `models.installed`."""

    engine: EngineHolder
    library: Library
    settings: Settings
    requests: RequestQueue
    models_dir: Path | None = None
    recordings: Recordings = field(default_factory=Recordings)
