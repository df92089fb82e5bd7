"""The HTTP API: the routes under /v1, their OpenAPI description at /v1/openapi.json, every error in one shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from .. import __version__
from ..errors import TTMError
from .problems import Problem, problem_of
from .requests import API, without_folders
from .routes import audio, edits, engine, exports, jobs, library, models, plans, recordings
from .routes.answers import answers, gives
from .schemas import NAMED

if TYPE_CHECKING:
    from .context import Context

ABOUT = """Make music from text on this computer. Ask for a job, follow its events, fetch its results.

Where the server has a password, send it as `Authorization: Bearer PASSWORD`, or as HTTP Basic with any name. Every
error is {"error": {"message", "type", "code"}}; the code is the exit code of the same mistake on the command line.
"""


def application(context: Context) -> FastAPI:
    """The server without the page: the API alone; who may come in is `access.Guard`'s business."""
    outer = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    mount(outer, context)
    _report_errors(outer, context)
    return outer


def mount(outer: FastAPI, context: Context) -> None:
    """Put the API under /v1 of a larger application."""
    outer.mount(API, api(context))


def api(context: Context) -> FastAPI:
    """The API itself."""
    app = FastAPI(
        title="ttm-app",
        version=__version__,
        description=ABOUT,
        docs_url=None,  # those pages load scripts from elsewhere
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,
    )

    @app.get("/", tags=["server"], responses=answers(gives("The server.", "Server")))
    @app.get("", include_in_schema=False)
    def server() -> Response:
        """Which version answers, and how many requests wait."""
        queue = context.requests
        facts = {"name": "ttm-app", "version": __version__, "waiting": queue.waiting, "places": queue.places}
        return JSONResponse(facts)

    for routes in (jobs, edits, recordings, plans, library, exports, models, audio, engine):
        app.include_router(routes.router(context))
    _report_errors(app, context)

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _described(app)
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]
    return app


def _described(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI description, with our schemas and how to log in."""
    found = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        servers=[{"url": API}],
    )
    parts = found.setdefault("components", {})
    parameters = {name: schema for name, schema in parts.get("schemas", {}).items() if "ValidationError" not in name}
    parts["schemas"] = NAMED | parameters
    parts["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer"},
        "basic": {"type": "http", "scheme": "basic"},
    }
    found["security"] = [{}, {"bearer": []}, {"basic": []}]
    for path in found["paths"].values():
        for operation in path.values():  # what FastAPI would answer is not what this app does
            told = operation["responses"]
            told["default"] = gives("A refusal.", "Error")
            if "HTTPValidationError" in str(told.get("422")):
                told["422"] = gives("A value is not allowed.", "Error")
    return found


def _report_errors(app: FastAPI, context: Context) -> None:
    """Every error as JSON of one shape, without folders of this computer."""

    def refused(problem: Problem) -> Response:
        shown = Problem(problem.status, without_folders(context, str(problem)), problem.code)
        return Response(shown.body(), shown.status, shown.headers, "application/json")

    @app.exception_handler(Problem)
    async def on_problem(request: Request, problem: Problem) -> Response:
        return refused(problem)

    @app.exception_handler(TTMError)
    async def on_error(request: Request, error: TTMError) -> Response:
        return refused(problem_of(error))

    @app.exception_handler(RequestValidationError)
    async def on_invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        return refused(Problem(422, f"{first['loc'][-1]}: {first['msg']}"))

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> Response:
        told = {404: "there is no such address: see /v1/openapi.json", 405: "the address does not take that method"}
        return refused(Problem(error.status_code, told.get(error.status_code, str(error.detail))))

    @app.exception_handler(Exception)
    async def on_unexpected(request: Request, error: Exception) -> Response:
        return refused(Problem(500, f"unexpected {type(error).__name__}"))
