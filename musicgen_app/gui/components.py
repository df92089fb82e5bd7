"""The page's own components: gr.HTML whose value is data, drawn by static/*.js, so that no text becomes HTML."""

from __future__ import annotations

import time
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import RequestError, TTMError
from .clip_card import card

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import gradio

    from ..library.library import Library

STATIC = Path(__file__).parent / "static"
# Of an event that is the page's own: its answer is the response to its own request. Gradio's queue would send it over a
# stream that is closed whenever no answer is due, and the answer to what is pressed just then would stay behind.
PRIVATE = {"api_visibility": "private", "queue": False}


def component(kind: str, value: object, options: str = "{}", **named) -> gradio.HTML:
    """The component that `ttm.<kind>` of static/*.js draws; what is done in it arrives as a `click` with data."""
    import gradio as gr

    return gr.HTML(
        value,
        html_template=f'<div class="ttm ttm-{kind}"></div>',
        js_on_load=f"ttm.{kind}(element.querySelector('.ttm'), props, trigger, watch, {options});",
        apply_default_css=False,
        show_label=False,
        container=False,
        padding=False,
        **named,
    )


def problem(error: str = "") -> str:
    """One line beside the form that says what is wrong, or nothing."""
    return f'<p class="problem" role="alert">{escape(error)}</p>' if error else ""


def now() -> int:
    """A time in microseconds, for `stamp`."""
    return time.monotonic_ns() // 1_000


def cards(library: Library, ids: Iterable[str], empty: str, trash: bool = False, stamp: int | None = None) -> dict:
    """The value of a `cards` part: these clips, in this order, as they are now; those that are gone are left out.

    stamp: when the work on it began (default: now); of two values the page shows the one begun last, whichever comes
    first.
    """
    clips, stamp = [], now() if stamp is None else stamp
    for id in dict.fromkeys(ids):
        try:
            clips.append(card(library.get(id)))
        except TTMError:
            continue
    return {"clips": clips, "empty": empty, "trash": trash, "stamp": stamp}


def ids_of(value: dict | None) -> list[str]:
    """The ids in the value of a `cards` part, as a browser sent it back."""
    clips = value.get("clips") if isinstance(value, dict) else None
    return [str(clip.get("id")) for clip in clips if isinstance(clip, dict)] if isinstance(clips, list) else []


def change(library: Library, event: dict) -> None:
    """Do what was asked for on a card. Raises a TTMError; an unknown action is ignored."""
    several = event.get("ids")
    ids = [str(id) for id in (several if isinstance(several, list) else [event.get("id")])]
    actions: dict[str, Callable[[], object]] = {
        "keep": lambda: library.update(ids[0], favourite=not library.get(ids[0]).favourite),
        "rename": lambda: library.update(ids[0], title=event.get("title")),
        "tag": lambda: library.update(ids[0], tags=_texts(event.get("tags"))),
        "delete": lambda: library.delete(ids),
        "restore": lambda: library.restore(ids),
        "purge": lambda: library.purge(ids),
    }
    actions.get(str(event.get("action")), lambda: None)()


def _texts(value: object) -> list:
    if not isinstance(value, list):
        raise RequestError("tags must be a list of texts")
    return value
