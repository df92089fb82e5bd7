"""Context -> the page: tabs, queue, what may be fetched, and who may come in."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import gradio

    from .context import Context

TABS = {"create": "Create", "library": "Library", "models": "Models", "train": "Train"}  # module -> label


def build(context: Context) -> gradio.Blocks:
    """The page with its tabs; each is built by the module of its name."""
    import gradio as gr

    with gr.Blocks(title="ttm-app", analytics_enabled=False) as page:
        for name, label in TABS.items():
            with gr.Tab(label, id=name):
                importlib.import_module(f".{name}", __package__).build(context)
    return page
