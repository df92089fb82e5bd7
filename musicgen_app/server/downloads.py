"""A clip of the library -> an answer with its sound, its plan or its sidecar. A clip is named by its id alone."""

from __future__ import annotations

import re
import shutil
import tempfile
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi.responses import FileResponse, Response
from starlette.background import BackgroundTask

from ..control.plan import Plan
from ..errors import FileError, TTMError
from ..songbook.plan_files import plan_bytes
from .problems import Problem

if TYPE_CHECKING:
    from ..library.library import Item, Library

TYPES = {".wav": "audio/wav", ".flac": "audio/flac", ".ogg": "audio/ogg", ".mp3": "audio/mpeg"}
TEXT = "text/plain; charset=utf-8"
HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "private, max-age=3600"}
ID = re.compile("[0-9a-z]{4,64}")


class Sound(StrEnum):
    """Formats of a sound file."""

    WAV = "wav"
    FLAC = "flac"
    OGG = "ogg"
    MP3 = "mp3"


class PlanForm(StrEnum):
    """Forms of a plan."""

    JSON = "json"
    SHEET = "sheet"
    MIDI = "midi"


PLANS = {  # form of a plan -> its suffix and type
    PlanForm.JSON: (".json", "application/json"),
    PlanForm.SHEET: (".txt", TEXT),
    PlanForm.MIDI: (".mid", "audio/midi"),
}


def item_of(library: Library, id: str) -> Item:
    """The clip of that id. Raises Problem: there is none."""
    try:
        if ID.fullmatch(id):
            return library.get(id)
    except FileError:
        pass
    raise Problem(404, f"there is no clip {id[:40]!a} in the library")


def temporary() -> tuple[Path, BackgroundTask]:
    """A folder, and what deletes it once the answer is sent."""
    folder = Path(tempfile.mkdtemp(prefix="ttm-app-"))
    return folder, BackgroundTask(shutil.rmtree, folder, ignore_errors=True)


def sound(library: Library, item: Item, suffix: str, download: bool = False) -> FileResponse:
    """The sound of a clip in the format of a suffix of TYPES, byte for byte where it is kept so. Raises FileError."""
    path, after = item.path, None
    if path.suffix.lower() != suffix:
        folder, after = temporary()
        try:
            path = library.convert(item.id, suffix, folder)
        except TTMError:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    name = item.path.stem + suffix if download else None
    return FileResponse(path, media_type=TYPES[suffix], filename=name, headers=HEADERS, background=after)


def plan_of(item: Item, form: PlanForm) -> Response:
    """The plan that a clip was made to, or what its request said of one; RequestError: the form cannot hold it.

    Raises Problem: there is none.
    """
    suffix, kind = PLANS[form]
    wishes = item.request.wishes
    if item.played is None and not wishes.given:
        raise Problem(404, f"the clip {item.id} was made to no plan")
    plan = item.played or wishes.over(Plan())
    about = {"Content-Disposition": f'attachment; filename="{item.path.stem}{suffix}"'}
    return Response(plan_bytes(plan, suffix), media_type=kind, headers=HEADERS | about)


def sidecar_of(item: Item) -> FileResponse:
    """All that is known about a clip, as its sidecar has it."""
    return FileResponse(item.sidecar, media_type="application/json", headers=HEADERS)
