"""The Create tab: prompt and settings -> clips to listen to, compare and keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .context import Context


def build(context: Context) -> None:
    """The tab's components and events."""
