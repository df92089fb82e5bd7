"""Context -> the page as an application: tabs, APIs, queue, and what may be fetched."""

from __future__ import annotations

import hashlib
import importlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from .. import plugins
from ..errors import TTMError
from ..machine import paths
from .components import STATIC

if TYPE_CHECKING:
    import gradio
    from fastapi import APIRouter

    from ..server.context import Context

TABS = {"create": "Create", "library": "Library", "models": "Models"}  # module -> label; plug-ins bring more
UPLOAD = "50mb"  # the largest file that can be uploaded
DAY = (3_600, 86_400)  # seconds: every hour, uploads older than a day are deleted
SCRIPTS = ("page.js", "strip_bars.js", "strip.js", "clips.js")
STYLES = ("page.css", "strip.css")
SESSIONS = 100  # open pages whose state is remembered; each takes 0.2 MB
OFF = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GRADIO_SHARE": "False",
    "GRADIO_SSR_MODE": "False",
    "GRADIO_MCP_SERVER": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}


def build_page(context: Context) -> gradio.Blocks:
    """The page with its tabs, each built by the module of its name, and the API."""
    os.environ.update(OFF | {"GRADIO_TEMP_DIR": str(uploads())})  # read when gradio is imported
    with _no_proxy():
        import gradio as gr

    from . import api
    from .components import component

    with gr.Blocks(title="ttm-app", analytics_enabled=False, fill_width=True, delete_cache=DAY) as page:
        api.build_api(context)  # first, so that no function of a tab takes one of its names
        component("masthead", None, elem_id="masthead")
        with gr.Tabs(selected="create", elem_id="tabs"):
            for name, label, module in _tabs():
                with gr.Tab(label, id=name, elem_id=f"tab-{name}"):
                    module.build(context)
    page.queue(default_concurrency_limit=None, max_size=None)
    page.state_session_capacity = SESSIONS
    return page


def uploads() -> Path:
    """The folder of what was uploaded."""
    return paths.cache() / "gui"


@contextmanager
def _no_proxy() -> Iterator[None]:
    """No proxy in the environment: importing Gradio makes clients that stop at one they cannot use, and ask nothing."""
    hidden = {name: os.environ.pop(name) for name in [*os.environ] if name.lower().endswith("_proxy")}
    try:
        yield
    finally:
        os.environ.update(hidden)


def _tabs() -> Iterator[tuple[str, str, ModuleType]]:
    """Id, label and module of every tab. A plug-in's that cannot be imported is left out and told."""
    for name, label in TABS.items():
        yield name, label, importlib.import_module(f".tabs.{name}", __package__)
    for name in plugins.names("tabs"):
        try:
            module = plugins.load("tabs", name)
        except TTMError as error:
            print(f"the page does without a tab: {error}", file=sys.stderr)
            continue
        yield name, module.LABEL, module


def application(context: Context) -> Callable:
    """The page, its files, its functions for gradio_client and the HTTP API; who may come in is `access.Guard`'s."""
    page = build_page(context)
    import gradio as gr
    from fastapi import FastAPI

    from ..server.api import mount
    from .clip_routes import router
    from .doors import Doors
    from .strip.routes import router as strip_router
    from .theme import theme

    outer = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    outer.include_router(router(context.library))
    outer.include_router(strip_router(context))
    outer.include_router(_scripts())
    mount(outer, context)
    gr.mount_gradio_app(
        outer,
        page,
        path="/",
        theme=theme(),
        css="".join((STATIC / name).read_text(encoding="utf-8") for name in STYLES),
        footer_links=[],
        max_file_size=UPLOAD,
        show_error=False,  # but for those that a function tells on purpose
        ssr_mode=False,
        run_history=False,
        favicon_path=str(STATIC / "favicon.svg"),
    )
    tags = (f'<script src="./scripts/{name}?{_digest(name)}"></script>' for name in SCRIPTS)
    return Doors(outer, uploads(), "".join(tags))


def _scripts() -> APIRouter:
    """/scripts/NAME: what the page adds to Gradio."""
    from fastapi import APIRouter, HTTPException
    from fastapi.responses import FileResponse

    routes = APIRouter()

    @routes.get("/scripts/{name}", include_in_schema=False)
    def script(name: str):
        if name not in SCRIPTS:
            raise HTTPException(404)
        kept = {"Cache-Control": "private, max-age=31536000, immutable"}
        return FileResponse(STATIC / name, media_type="text/javascript", headers=kept)

    return routes


def _digest(name: str) -> str:
    """Of a script, so that no browser keeps an old one."""
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
