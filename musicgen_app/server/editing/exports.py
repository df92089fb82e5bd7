"""Clips of the library -> one file for a DAW, a sampler or a sequencer, as an answer."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from fastapi.responses import FileResponse

from ...daw.kinds import KINDS, PACKED
from ...errors import FileError, TTMError
from .. import downloads
from ..problems import Problem

if TYPE_CHECKING:
    from ...library.library import Library

ONE_FILE = {name: kind for name, kind in KINDS.items() if kind.suffixes}  # a folder cannot be sent
TYPES = {PACKED: "application/zip", ".mid": "audio/midi", ".dawproject": "application/octet-stream"}


def suffix_of(kind: str) -> str:
    """How the file that is sent ends: that of a project has its sounds inside."""
    suffixes = ONE_FILE[kind].suffixes
    return PACKED if PACKED in suffixes else suffixes[0]


def exported(library: Library, ids: list[str], kind: str, **values: Any) -> FileResponse:
    """Clips as one kind of ONE_FILE. values: as in `hand_over.export`. Raises Problem, RequestError."""
    from ...library import hand_over

    items = [downloads.item_of(library, id) for id in ids]
    suffix = suffix_of(kind)
    name = items[0].path.stem + ("" if len(items) == 1 else "-and-more") + suffix
    folder, after = downloads.temporary()
    try:
        hand_over.export([item.id for item in items], kind, folder / name, library=library, **values)
    except TTMError as error:
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, FileError):  # the clip is not what that needs
            raise Problem(422, str(error), error.exit_code) from None
        raise
    return FileResponse(
        folder / name, media_type=TYPES[suffix], filename=name, headers=downloads.HEADERS, background=after
    )
