"""The genres of composed music: name -> `Genre`.

genre                    what a genre is, and how a layer of instruments is written
electronic, club         house to lo-fi hip hop; hardstyle to trap soul
bands, stages            rock to country; grunge and gospel to big band and samba
classical_and_pop        classical piano to new age
places                   traditional and old music: tango to baroque
screens                  film, games and occasions: horror to Christmas
stillness                of few or of one: solos, drums alone, choirs, drones

The order is part of what a seed makes: new genres come last.
"""

from __future__ import annotations

from .bands import BANDS
from .classical_and_pop import CLASSICAL_AND_POP
from .club import CLUB_MUSIC
from .electronic import ELECTRONIC
from .genre import Genre
from .places import PLACES
from .screens import SCREENS
from .stages import STAGES
from .stillness import STILLNESS

MAIN: dict[str, Genre] = ELECTRONIC | BANDS | CLASSICAL_AND_POP
STYLES: dict[str, Genre] = MAIN | CLUB_MUSIC | STAGES | PLACES | SCREENS | STILLNESS
GENRES: tuple[str, ...] = tuple(STYLES)
ROUND: tuple[str, ...] = (*GENRES, *MAIN)  # what a corpus goes through: the main genres twice


def genre_of(index: int) -> str:
    """The genre of piece `index` of a corpus."""
    return ROUND[index % len(ROUND)]
