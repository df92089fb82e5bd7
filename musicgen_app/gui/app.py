"""Context -> the page as an application: tabs, APIs, queue, and what may be fetched."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import TYPE_CHECKING

from .. import plugins
from ..errors import TTMError
from ..machine import paths
from .components import STATIC

if TYPE_CHECKING:
    import fastapi
    import gradio

    from ..server.context import Context

TABS = {"create": "Create", "library": "Library", "models": "Models"}  # module -> label; plug-ins bring more
UPLOAD = "50mb"  # the largest file that can be uploaded
DAY = (3_600, 86_400)  # seconds: every hour, uploads older than a day are deleted
SCRIPTS = ("page.js", "strip_bars.js", "strip.js", "clips.js")
STYLES = ("page.css", "strip.css")
OFF = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GRADIO_SHARE": "False",
    "GRADIO_SSR_MODE": "False",
    "GRADIO_MCP_SERVER": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}


def build_page(context: Context) -> gradio.Blocks:
    """The page with its tabs, each built by the module of its name, and the API."""
    os.environ.update(OFF | {"GRADIO_TEMP_DIR": str(paths.cache() / "gui")})  # read when gradio is imported
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
    return page


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


def application(context: Context) -> fastapi.FastAPI:
    """The page, its files, its functions for gradio_client and the HTTP API; who may come in is `access.Guard`'s."""
    page = build_page(context)
    import gradio as gr
    from fastapi import FastAPI

    from ..server.api import mount
    from .clip_routes import router
    from .strip.routes import router as strip_router
    from .theme import theme

    outer = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    outer.include_router(router(context.library))
    outer.include_router(strip_router(context))
    mount(outer, context)
    scripts = "".join(f"<script>{(STATIC / name).read_text(encoding='utf-8')}</script>" for name in SCRIPTS)
    gr.mount_gradio_app(
        outer,
        page,
        path="/",
        theme=theme(),
        css="".join((STATIC / name).read_text(encoding="utf-8") for name in STYLES),
        head=scripts,
        footer_links=[],
        allowed_paths=[str(context.library.folder)],
        max_file_size=UPLOAD,
        show_error=True,
        ssr_mode=False,
        run_history=False,
        favicon_path=str(STATIC / "favicon.svg"),
    )
    return outer
