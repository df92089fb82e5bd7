"""Results on disk: files with tags, an index over them, a trash.

>>> from musicgen_app.library import Library
"""

from __future__ import annotations

from .library import Library

__all__ = ["Library"]
