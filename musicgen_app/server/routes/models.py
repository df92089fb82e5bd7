"""/v1/models: what is installed, in the form of OpenAI's list with more beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from ...models import installed
from .. import requests
from .answers import answers, gives

if TYPE_CHECKING:
    from ..context import Context


def router(context: Context) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/models", tags=["models"])

    @routes.get("", responses=answers(gives("By name.", "Models")))
    def list_models() -> Response:
        """The installed models."""
        found = installed.list_models(context.models_dir)
        return JSONResponse({"object": "list", "data": [requests.model(bundle) for bundle in found]})

    @routes.get("/{name}", responses=answers(gives("The model.", "Model"), 404))
    def get_model(name: str) -> Response:
        """One installed model."""
        return JSONResponse(requests.model(requests.model_of(context, name)))

    return routes
