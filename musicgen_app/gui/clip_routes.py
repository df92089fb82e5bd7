"""The addresses of clips: /clips/ID.wav (.flac .ogg .mp3), /clips/ID.png (spectrogram), /clips.zip?ids=ID,ID.

A clip is named by its id alone, so no path ever comes from the browser. What the library holds is sent as it is, byte
for byte and with ranges; another format is converted on the way.
"""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

from ..errors import TTMError
from ..machine.user_settings import FORMATS
from .clip_card import spectrogram_png

if TYPE_CHECKING:
    from fastapi import APIRouter

    from ..library.library import Library

ZIPPED = 500  # clips in one zip


def router(library: Library) -> APIRouter:
    """The routes; who may use them is the app's business."""
    from fastapi import APIRouter, HTTPException
    from fastapi.responses import FileResponse, Response

    from ..server.downloads import HEADERS, sound, temporary

    routes = APIRouter()

    @routes.get("/clips/{name}", include_in_schema=False)
    def clip(name: str, download: bool = False):
        match = re.fullmatch(r"([0-9a-z]{4,64})(\.[a-z0-9]{3,4})", name)
        if not match or match[2] not in (*FORMATS, ".png"):
            raise HTTPException(404)
        try:
            item = library.get(match[1])
            if match[2] == ".png":
                return Response(spectrogram_png(item.path), media_type="image/png", headers=HEADERS)
            return sound(library, item, match[2], download)
        except TTMError as error:
            raise HTTPException(404, str(error)) from None

    @routes.get("/clips.zip", include_in_schema=False)
    def export(ids: str, suffix: str = ""):
        chosen = ids.split(",")
        if len(chosen) > ZIPPED or not all(re.fullmatch("[0-9a-z]{4,64}", id) for id in chosen):
            raise HTTPException(404)
        if suffix and suffix not in FORMATS:
            raise HTTPException(404)
        folder, after = temporary()
        try:
            path = library.export(chosen, folder / "ttm-app.zip", suffix or None)
        except TTMError as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise HTTPException(404, str(error)) from None
        return FileResponse(path, media_type="application/zip", filename=path.name, headers=HEADERS, background=after)

    return routes
