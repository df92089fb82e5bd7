"""The Library tab: every clip ever made here, found again by words, model, date, tag."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .context import Context


def build(context: Context) -> None:
    """The tab's components and events."""
