"""What the Models and Train tabs share: text -> HTML with every character harmless; when a tab comes into view."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape

from .components import PRIVATE

NOTES = {  # kind -> background and edge of a note; variables of the theme, so that they suit light and dark
    "info": ("var(--block-background-fill)", "var(--border-color-primary)"),
    "good": ("var(--block-background-fill)", "var(--color-accent)"),
    "error": ("var(--error-background-fill)", "var(--error-border-color)"),
}
CELL = "text-align:left; vertical-align:top; padding:.25em 1.2em .25em 0; border:0"
FAINT = "color:var(--body-text-color-subdued)"
PLAIN = {"padding": False, "apply_default_css": False}  # of a gr.HTML


def note(text: str, kind: str = "info") -> str:
    """A short message, read aloud by screen readers when it appears; "" for no text."""
    if not text:
        return ""
    back, edge = NOTES[kind]
    style = f"margin:0; padding:.6em .9em; border-left:4px solid {edge}; background:{back}; overflow-wrap:anywhere"
    return f'<p role="{"alert" if kind == "error" else "status"}" style="{style}">{escape(text)}</p>'


def panel(*content: str) -> str:
    """A box around HTML, in the looks of the page's other blocks."""
    style = (
        "border:1px solid var(--border-color-primary); border-radius:var(--block-radius); padding:.9em 1.1em;"
        " background:var(--block-background-fill)"
    )
    return f'<div style="{style}">{"".join(content)}</div>'


def facts(rows: Mapping[str, object], colours: Mapping[str, str] | None = None) -> str:
    """Names and values, one beside the other; rows of None or "" are left out. colours: of the curve of a name."""
    cells = "".join(
        f'<dt style="{FAINT}">{_swatch((colours or {}).get(name))}{escape(name)}</dt>'
        f'<dd style="margin:0; overflow-wrap:anywhere">{escape(str(value))}</dd>'
        for name, value in rows.items()
        if value not in (None, "")
    )
    style = "display:grid; grid-template-columns:fit-content(45%) 1fr; gap:.4em 1.2em; margin:0"
    return f'<dl style="{style}">{cells}</dl>'


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table with a head; it scrolls sideways where it is wider than the page."""
    tops = "".join(f'<th scope="col" style="{CELL}; {FAINT}; font-weight:inherit">{escape(name)}</th>' for name in head)
    body = "".join(
        "<tr>" + "".join(f'<td style="{CELL}">{escape(str(value))}</td>' for value in row) + "</tr>" for row in rows
    )
    table = f"<table style='border-collapse:collapse'><thead><tr>{tops}</tr></thead><tbody>{body}</tbody></table>"
    return f"<div style='overflow:auto; max-height:26em' tabindex='0'>{table}</div>"


def bar(done: float, label: str) -> str:
    """How far something is: `done` is 0 to 1."""
    share = round(100 * min(max(done, 0.0), 1.0))
    return (
        f'<div role="progressbar" aria-label="{escape(label)}" aria-valuemin="0" aria-valuemax="100"'
        f' aria-valuenow="{share}" style="height:6px; border-radius:3px; margin:0 0 .9em; overflow:hidden;'
        f' background:var(--border-color-primary)"><div style="height:100%; width:{share}%;'
        ' background:var(--button-primary-background-fill)"></div></div>'
    )


def scroll(lines: Iterable[str], label: str) -> str:
    """Lines in a box that shows the last ones."""
    text = "".join(f"<div>{escape(line)}</div>" for line in lines)
    style = (
        "max-height:15em; overflow:auto; display:flex; flex-direction:column-reverse; font-family:var(--font-mono);"
        " font-size:.85em; line-height:1.5; overflow-wrap:anywhere"
    )
    return f'<div role="log" aria-label="{escape(label)}" tabindex="0" style="{style}"><div>{text}</div></div>'


def heading(text: str) -> str:
    """The title of what follows."""
    return f"<h3 style='margin:0 0 .6em; font-size:1.05em; font-weight:600'>{escape(text)}</h3>"


def fold(title: str, content: str) -> str:
    """HTML that is shown when its title is pressed."""
    head = f"<summary style='cursor:pointer; padding:.4em 0'>{escape(title)}</summary>"
    return f"<details style='margin-top:.6em'>{head}{content}</details>"


def markdown(text: str) -> str:
    """Markdown as HTML that holds no HTML of its own, runs nothing and fetches nothing: pictures are their words, and
    links lead only to pages of the web.
    """
    from markdown_it import MarkdownIt

    def picture(self, tokens, index, options, env) -> str:
        return escape(tokens[index].content)

    def link(self, tokens, index, options, env) -> str:
        target = str(tokens[index].attrs.get("href", ""))
        if not target.startswith(("https://", "http://")):
            return "<a>"
        return f'<a href="{escape(target)}" target="_blank" rel="noopener noreferrer nofollow">'

    renderer = MarkdownIt("commonmark", {"html": False}).enable("table")
    renderer.add_render_rule("image", picture)
    renderer.add_render_rule("link_open", link)
    return f'<div class="prose">{renderer.render(text)}</div>'


def on_show(work: Callable, outputs: list, inputs: list | None = None) -> None:
    """Run `work` when the page is opened, and each time the tab that is being built comes into view."""
    import gradio as gr
    from gradio.context import Context

    events = [Context.root_block.load]
    if isinstance(Context.block, gr.Tab):
        events.append(Context.block.select)
    gr.on(events, work, inputs, outputs, show_progress="hidden", **PRIVATE)


def words(message: str) -> str:
    """A message of the command line in the words of the page."""
    message = message.replace("choose another name, or --force to replace it", "give another name, or tick Replace")
    message = message.replace("give the same ones or another --out", "give the same ones or another run folder")
    return re.sub(r"(^|[\s'(])--([a-z])", r"\1\2", message)


def _swatch(colour: str | None) -> str:
    style = (
        f"display:inline-block; width:1em; height:3px; margin-right:.5em; vertical-align:middle; background:{colour}"
    )
    return f'<span style="{style}"></span>' if colour else ""
