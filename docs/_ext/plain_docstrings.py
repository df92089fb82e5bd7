"""Docstrings of this project are plain text with `code`; this turns them into reStructuredText for autodoc."""

from __future__ import annotations

import re
from itertools import groupby


def setup(app) -> dict:
    app.connect("autodoc-process-docstring", lambda app, what, name, thing, options, lines: convert(lines))
    return {"parallel_read_safe": True}


def convert(lines: list[str]) -> None:
    """Convert the lines of one docstring in place, paragraph by paragraph; indented lines are shown as they are."""
    converted: list[str] = []
    for n in reversed(range(1, len(lines))):
        if lines[n].startswith("- ") and lines[n - 1] and not lines[n - 1].startswith(("- ", " ")):
            lines.insert(n, "")  # a list is a paragraph of its own
    for blank, group in groupby(lines, key=lambda line: not line.strip()):
        paragraph = list(group)
        if blank or paragraph[0].startswith((">>>", ".. ")):
            converted += paragraph
        elif any(line.startswith(" ") for line in paragraph) and not paragraph[0].startswith("- "):
            converted += ["::", "", *(f"    {line}" for line in paragraph)]
        else:
            converted += map(_inline, paragraph)
    lines[:] = converted


def _inline(line: str) -> str:
    parts = re.split(r"(`+[^`]*`+)", line)
    return "".join(_literal(part) if n % 2 else re.sub(r"([*|\\]|_\b)", r"\\\1", part) for n, part in enumerate(parts))


def _literal(part: str) -> str:
    """`code` as a literal, which must not touch the word behind it."""
    return f"``{part.strip('`')}``\\ "
