"""The genres of composed music, in three families: name -> `Genre`.

The order is part of what a seed makes: new genres come last.
"""

from __future__ import annotations

from .bands import BANDS
from .classical_and_pop import CLASSICAL_AND_POP
from .electronic import ELECTRONIC
from .genre import Genre

STYLES: dict[str, Genre] = ELECTRONIC | BANDS | CLASSICAL_AND_POP
GENRES: tuple[str, ...] = tuple(STYLES)
