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
ROUND: tuple[str, ...] = GENRES  # what a corpus goes through


def genre_of(index: int) -> str:
    """The genre of piece `index` of a corpus."""
    return ROUND[index % len(ROUND)]
