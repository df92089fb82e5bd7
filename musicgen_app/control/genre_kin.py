"""Genres that models know, seen from what people ask for: the nearest to a style, and those that cannot be meant.

A classifier of sentences hears "EDM" as trance and "solo acoustic guitar, calm" as rock. A style that a model has no
name for has near relatives that it may know, and instruments or a refusal rule genres out.
"""

from __future__ import annotations

import re

from .reading.words import DRUMS

# A style -> genres that a model may know instead, the nearest first.
KIN = {
    "edm": "house techno trance", "deep house": "house", "tropical house": "house", "progressive house": "house trance",
    "tech house": "house techno", "french house": "house disco", "garage": "house", "future garage": "house",
    "melodic techno": "techno trance", "minimal techno": "techno", "dub techno": "techno", "industrial": "techno",
    "rave": "techno trance", "hardstyle": "techno trance", "gabber": "techno", "psytrance": "trance", "goa": "trance",
    "eurodance": "trance house", "euro disco": "disco", "italo disco": "disco synthwave",
    "jungle": "drum and bass", "breakcore": "drum and bass", "liquid drum and bass": "drum and bass",
    "future bass": "dubstep", "electronica": "electro", "electronic": "electro", "idm": "electro",
    "synth pop": "synthwave pop", "new wave": "synthwave pop", "vaporwave": "synthwave", "chillwave": "synthwave",
    "boom bap": "hip hop", "rap": "hip hop", "trip hop": "hip hop", "grime": "hip hop trap",
    "phonk": "trap hip hop", "lo-fi": "lo-fi hip hop", "bebop": "jazz", "hard bop": "jazz", "big band": "jazz",
    "swing": "jazz", "free jazz": "jazz", "gypsy jazz": "jazz", "jazz fusion": "jazz", "acid jazz": "jazz funk",
    "ragtime": "jazz", "stride": "jazz", "bossa nova": "latin", "samba": "latin", "salsa": "latin", "mambo": "latin",
    "merengue": "latin", "cumbia": "latin", "rumba": "latin", "reggaeton": "latin", "timba": "latin", "bolero": "latin",
    "son cubano": "latin", "tango": "latin", "mariachi": "latin", "choro": "bossa nova latin", "forro": "latin",
    "kizomba": "latin", "maracatu": "latin", "partido alto": "latin", "frevo": "latin", "dancehall": "reggae",
    "dub": "reggae", "ska": "reggae", "motown": "funk", "soul": "funk", "neo soul": "funk", "r&b": "funk",
    "boogie": "blues", "rockabilly": "rock country", "rock and roll": "rock", "surf rock": "rock", "grunge": "rock",
    "shoegaze": "rock", "britpop": "rock", "math rock": "rock", "prog rock": "rock", "post-rock": "rock",
    "punk": "punk rock", "pop punk": "punk rock", "emo": "punk rock", "hardcore": "punk rock", "metalcore": "metal",
    "grindcore": "metal", "doom metal": "metal", "heavy metal": "metal", "honky tonk": "country",
    "western swing": "country", "bluegrass": "country folk", "celtic": "folk", "sea shanty": "folk", "jig": "folk",
    "reel": "folk", "hornpipe": "folk", "slip jig": "folk", "polka": "folk", "klezmer": "world fusion folk",
    "afrobeat": "world fusion funk", "fado": "folk", "flamenco": "folk latin", "tarantella": "folk",
    "ballad": "pop ballad", "first dance": "pop ballad waltz",
    "city pop": "pop", "k-pop": "pop", "j-pop": "pop", "drone": "ambient", "dark ambient": "ambient",
    "chillout": "ambient", "downtempo": "ambient lo-fi hip hop", "soundtrack": "cinematic", "classical": "orchestral",
    "baroque": "orchestral string quartet", "nocturne": "classical piano", "musette": "waltz",
}  # fmt: skip
_FIRST_DANCE = re.compile(r"(?<!\w)(?:first|wedding|bridal|father[\s-]daughter)\s+dance(?!\w)", re.IGNORECASE)
_NAMES = re.compile(
    r"classical piano|string quartet|drum and bass|lo-fi hip hop|hip hop|bossa nova|world fusion|punk rock|pop ballad"
    r"|new age|\S+"
)
_CLUB = frozenset("techno house trance dubstep electro disco synthwave chiptune trap".split()) | {"drum and bass"}
_BANDS = frozenset("rock metal funk reggae".split()) | {"punk rock", "hip hop"}
_MANY = frozenset(("orchestral", "string quartet", "cinematic"))
_PIANO = frozenset(("classical piano",))
_STRUMMED = (
    r"(?:acoustic|classical|nylon(?:[\s-]string)?|spanish|fingerpicked|fingerstyle|steel[\s-]string|12[\s-]string|folk)"
    r"[\s-]+guitars?|ukuleles?|lutes?|harps?|banjos?|mandolins?|dulcimers?|kalimbas?|sitars?|kotos?|ouds?"
)
_BOWED = (
    r"violins?|violas?|cellos?|flutes?|clarinets?|oboes?|bassoons?|recorders?|harmonicas?|bagpipes?|shakuhachi|handpan"
    r"|accordions?"
)
_KEYS = r"(?:grand\s+|upright\s+|felt\s+)?pianos?|harpsichord|celesta|(?:church|pipe)\s+organ"
_ALONE = (
    r"(?<!\w)(?:(?:an?\s+)?(?:solo|single|lone|only|just|nothing\s+but|unaccompanied)\s+(?:an?\s+|one\s+)?(?:\w+\s+)?"
    r"(?:{0})(?!\w)|(?:{0})\s+(?:solo(?!s)|only|alone|unaccompanied)(?!\w))"
)
_SOFT = re.compile(r"(?<!\w)(?:calm|soft|gentle|quiet|peaceful|soothing|relax\w+|tender|delicate|lullab\w+)(?!\w)")
_SOLO = (  # an instrument that is alone, and the genres that are not made of it
    (re.compile(_ALONE.format(_STRUMMED), re.IGNORECASE), _CLUB | _BANDS | _MANY | _PIANO),
    (re.compile(_ALONE.format(_BOWED), re.IGNORECASE), _CLUB | _BANDS | _MANY | _PIANO),
    (re.compile(_ALONE.format(_KEYS), re.IGNORECASE), _CLUB | _BANDS | _MANY),
)
_ACOUSTIC = re.compile(rf"(?<!\w)(?:{_STRUMMED}|{_BOWED}|{_KEYS})(?!\w)", re.IGNORECASE)
_BEATEN = re.compile(rf"(?<!\w)(?:{DRUMS}|electric|distort\w+|synth\w*|loud|heavy|beats?)(?!\w)", re.IGNORECASE)
_LOUD = _CLUB | frozenset(("metal", "punk rock", "rock"))


def nearest(style: str, known: tuple[str, ...]) -> str:
    """Of the genres that a model knows the nearest to a style; "" where none is near."""
    if style in known:
        return style
    return next((name for name in _NAMES.findall(KIN.get(style, "")) if name in known), "")


def occasion(prompt: str) -> str:
    """What a prompt asks for music for, where that is as good as a style; "" for nothing of that kind."""
    return "first dance" if _FIRST_DANCE.search(prompt) else ""


def ruled_out(prompt: str, drums: bool | None = None) -> frozenset[str]:
    """Genres that a prompt cannot mean, by the instruments it names. drums: whether it asks for or refuses them."""
    found: set[str] = set()
    if drums is not True:
        for alone, without in _SOLO:
            found |= without if alone.search(prompt) else frozenset()
    if _ACOUSTIC.search(prompt) and _SOFT.search(prompt) and drums is not True and not _BEATEN.search(prompt):
        found |= _LOUD
    if drums is False:
        found |= _CLUB - {"synthwave", "chiptune", "electro"} | {"metal", "punk rock"}
    return frozenset(found)
