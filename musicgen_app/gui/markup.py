"""What the Models and Train tabs share: text -> HTML with every character harmless; when a tab comes into view."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape

PRIVATE = {"api_visibility": "private"}  # of an event that is the page's own
NOTES = {  # kind -> background and edge of a note; variables of the theme, so that they suit light and dark
    "info": ("var(--block-background-fill)", "var(--border-color-primary)"),
    "good": ("var(--block-background-fill)", "var(--color-accent)"),
    "error": ("var(--error-background-fill)", "var(--error-border-color)"),
}
CELL = "text-align:left; vertical-align:top; padding:.3em .8em .3em 0; border:0"


def note(text: str, kind: str = "info") -> str:
    """A short message, read aloud by screen readers when it appears; "" for no text."""
    if not text:
        return ""
    back, edge = NOTES[kind]
    style = f"margin:0; padding:.6em .9em; border-left:4px solid {edge}; background:{back}; overflow-wrap:anywhere"
    return f'<p role="{"alert" if kind == "error" else "status"}" style="{style}">{escape(text)}</p>'


def facts(rows: Mapping[str, object], title: str = "") -> str:
    """Names and values, one beside the other; rows of None or "" are left out."""
    cells = "".join(
        f'<tr><th scope="row" style="{CELL}; font-weight:600; white-space:nowrap">{escape(name)}</th>'
        f'<td style="{CELL}; overflow-wrap:anywhere">{escape(str(value))}</td></tr>'
        for name, value in rows.items()
        if value not in (None, "")
    )
    return f"{_caption(title)}<table style='border-collapse:collapse; width:100%'><tbody>{cells}</tbody></table>"


def table(head: Sequence[str], rows: Iterable[Sequence[object]], title: str = "") -> str:
    """A table with a head; it scrolls sideways where it is wider than the page."""
    tops = "".join(f'<th scope="col" style="{CELL}; font-weight:600">{escape(name)}</th>' for name in head)
    body = "".join(
        "<tr>" + "".join(f'<td style="{CELL}">{escape(str(value))}</td>' for value in row) + "</tr>" for row in rows
    )
    return (
        f"{_caption(title)}<div style='overflow-x:auto'><table style='border-collapse:collapse'>"
        f"<thead><tr>{tops}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def fold(title: str, content: str) -> str:
    """HTML that is shown when its title is pressed."""
    head = f"<summary style='cursor:pointer'>{escape(title)}</summary>"
    return f"<details style='margin-top:.8em'>{head}{content}</details>"


def on_show(work: Callable, outputs: list) -> None:
    """Run `work` when the page is opened, and each time the tab that is being built comes into view."""
    import gradio as gr
    from gradio.context import Context

    events = [Context.root_block.load]
    if isinstance(Context.block, gr.Tab):
        events.append(Context.block.select)
    gr.on(events, work, None, outputs, show_progress="hidden", **PRIVATE)


def words(message: str) -> str:
    """A message of the command line in the words of the page."""
    message = message.replace("choose another --name, or --force to replace it", "give another name, or tick Replace")
    message = message.replace("give the same ones or another --out", "give the same ones or another run folder")
    return re.sub(r"(^|[\s'(])--([a-z])", r"\1\2", message)


def size(count: float) -> str:
    """Bytes in words: 89 MB, 1.74 GB."""
    if count >= 1e9:
        return f"{count / 1e9:.2f} GB"
    return f"{count / 1e6:.0f} MB" if count >= 1e6 else f"{count / 1e3:.0f} kB"


def _caption(title: str) -> str:
    return f"<h4 style='margin:1em 0 .2em'>{escape(title)}</h4>" if title else ""
