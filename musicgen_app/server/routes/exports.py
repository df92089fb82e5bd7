"""/v1/exports: clips of the library as projects of DAWs, MIDI and stems."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from ...control.plan import TEMPI
from ...daw.kinds import MOST_CLIPS
from ...request import TEXT_LENGTH, check_text
from ..editing.exports import TYPES, exported
from .answers import answers, file

if TYPE_CHECKING:
    from ..context import Context

TEXT = 100  # characters of a metre and of a key


class ExportKind(StrEnum):
    """Kinds of export that are one file."""

    REAPER = "reaper"
    DAWPROJECT = "dawproject"
    MIDI = "midi"
    ZIP = "zip"


def router(context: Context) -> APIRouter:
    """The route."""
    routes = APIRouter(prefix="/exports", tags=["library"])

    @routes.get("/{kind}", responses=answers(file("The file.", *TYPES.values()), 404, 422))
    def export_clips(
        kind: ExportKind,
        clip: Annotated[list[str], Query(min_length=1, max_length=MOST_CLIPS)],
        title: Annotated[str | None, Query(max_length=TEXT_LENGTH)] = None,
        bpm: Annotated[float | None, Query(ge=TEMPI[0], le=TEMPI[1])] = None,
        metre: Annotated[str | None, Query(max_length=TEXT)] = None,
        key: Annotated[str | None, Query(max_length=TEXT)] = None,
        loop: bool | None = None,
    ) -> Response:
        """One clip, or several as layers of one plan (give `clip` several times). reaper: a ZIP of the project and its
        sounds; zip: WAV files for samplers. bpm, metre, key and loop say what the clips do not, or say wrong."""
        title = None if title is None else check_text("title", title, least=1)
        return exported(context.library, clip, kind.value, title=title, bpm=bpm, metre=metre, key=key, loop=loop)

    return routes
