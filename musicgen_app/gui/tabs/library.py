"""The Library tab: every clip that was kept, found again by words, model, date, favourites and tag."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import gradio as gr
from gradio.context import Context as Building

from ...errors import TTMError
from ..components import PRIVATE, cards, change, component, ids_of, now, problem

if TYPE_CHECKING:
    from ...library.library import Library
    from ...server.context import Context

PAGE = 12  # clips
ANY = "any"
NOTHING_YET = "The library is empty. Every clip made here or with ttm-app generate is kept in it."
NOTHING_FOUND = "No clip fits. Try fewer words, or take a filter away."
EMPTY_TRASH = "The trash is empty."


def build(context: Context) -> None:
    """The tab's components and events."""
    library = context.library
    with gr.Column(elem_id="library"):
        filters = _filters()
        trouble = gr.HTML(problem(), padding=False)
        found = gr.HTML("", elem_id="found", padding=False)
        clips = component("cards", cards(library, [], ""), options="{dates: true, select: true}", elem_id="kept")
        with gr.Row(elem_classes="pager", visible=False) as pager:
            newer = gr.Button("Newer", size="sm", elem_id="newer", min_width=100)
            older = gr.Button("Older", size="sm", elem_id="older", min_width=100)
    offset = gr.State(0)
    text, model, tag, *_, trash = filters

    def fresh(*values):
        return look(library, 0, *values)

    def choices():
        models, tags = names(library)
        return gr.update(choices=[ANY, *models]), gr.update(choices=[ANY, *tags])

    quiet = {"show_progress": "hidden", **PRIVATE}
    page = [trouble, found, clips, offset, newer, older, pager]
    Building.root_block.load(fresh, filters, page, **quiet)
    Building.block.select(fresh, filters, page, **quiet).then(choices, None, [model, tag], **quiet)
    text.submit(fresh, filters, page, **quiet)
    for one in filters:
        one.change(fresh, filters, page, trigger_mode="always_last", **quiet)
    for button, step in ((newer, -PAGE), (older, PAGE)):
        button.click(partial(turn, library, step), [offset, *filters], page, **quiet)

    def act(shown, trash, event: gr.EventData):
        return pressed(library, shown, trash, event._data)

    clips.click(act, [clips, trash], [clips, trouble], trigger_mode="multiple", **quiet)


def _filters() -> list[gr.components.Component]:
    """The fields that say which clips are meant, in the order of the arguments of `conditions_of`."""
    with gr.Row(elem_classes="filters"):
        text = gr.Textbox(
            label="Search", placeholder="words of the prompt, title or tags", max_lines=1, scale=3, min_width=300,
            elem_id="search",
        )  # fmt: skip
        model = gr.Dropdown([ANY], value=ANY, label="Model", min_width=130)
        tag = gr.Dropdown([ANY], value=ANY, label="Tag", min_width=130)
        day = {"max_lines": 1, "min_width": 130, "elem_classes": "day"}  # made a date field by clips.js
        since = gr.Textbox(label="From", **day)
        until = gr.Textbox(label="Until", **day)
    with gr.Row(elem_classes="ticks"):
        favourite = gr.Checkbox(False, label="Favourites only", min_width=140)
        trash = gr.Checkbox(False, label="Trash", min_width=140, elem_id="trash")
    return [text, model, tag, since, until, favourite, trash]


def look(library: Library, start: int, *values) -> tuple:
    """One page of what fits the fields, from clip `start` on: values of the page's components."""
    began = now()
    try:
        conditions = conditions_of(*values)
        total = library.count(**conditions)
        start = max(0, min(int(start), (total - 1) // PAGE * PAGE))
        items = library.search(**conditions, limit=PAGE, offset=start)
    except TTMError as error:
        return (problem(str(error)), *[gr.skip()] * 6)
    empty = EMPTY_TRASH if values[-1] else NOTHING_FOUND if library.count() else NOTHING_YET
    line = (
        f"{start + 1} to {start + len(items)} of {total}"
        if total > PAGE
        else f"{total} clip{'s' if total != 1 else ''}"
    )
    return (
        problem(),
        f'<p class="hint" role="status">{line if total else ""}</p>',
        cards(library, [item.id for item in items], empty, values[-1], began),
        start,
        gr.update(interactive=start > 0),
        gr.update(interactive=start + PAGE < total),
        gr.update(visible=total > PAGE),
    )


def turn(library: Library, step: int, start: int, *values) -> tuple:
    """The page of `look` that is `step` clips on from the one that begins at clip `start`."""
    return look(library, start + step, *values)


def pressed(library: Library, shown: dict | None, trash: bool, data: dict) -> tuple[dict, str]:
    """Do what was pressed on a card; the cards then, and what went wrong.

    In the trash, what was restored is gone from it; elsewhere what was deleted leaves a line with Undo.
    """
    empty, trouble = EMPTY_TRASH if trash else NOTHING_FOUND, problem()
    try:
        change(library, data)
    except TTMError as error:
        trouble = problem(str(error))
    now_shown = cards(library, ids_of(shown), "", trash)["clips"]
    left = [clip["id"] for clip in now_shown if clip["trashed"] or not trash]
    return cards(library, left, empty, trash), trouble


def conditions_of(text: str, model: str, tag: str, since: str, until: str, favourite: bool, trash: bool) -> dict:
    """The arguments of `Library.search` for the fields of the form."""
    return {
        "text": text or "",
        "model": None if model in (None, "", ANY) else model,
        "tag": None if tag in (None, "", ANY) else tag,
        "since": (since or "").strip() or None,
        "until": (until or "").strip() or None,
        "favourite": True if favourite else None,
        "trashed": bool(trash),
    }


def names(library: Library) -> tuple[list[str], list[str]]:
    """The models and the tags that occur in the library, in order."""
    items = library.search()
    return sorted({item.request.model for item in items}), sorted({tag for item in items for tag in item.tags})
