"""Traditional music of places: tango to klezmer, pipes, marching bands, and old music."""

from __future__ import annotations

from .genre import CLASSICAL, CLASSICAL_MINOR, Genre

PLACES: dict[str, Genre] = {
    "tango": Genre(
        (112, 132),
        ("minor", "minor", "major"),
        {
            "bright": ("I V7 V7 I", "I VI7 ii V7"),
            "dark": ("i i V7 V7", "i iv V7 i", "i V7/3 V7 i", "iv i V7 i", "i,i/7 iv,V7 i V7"),
        },
        {"bright": ("elegant", "playful", "romantic"), "dark": ("passionate", "dramatic", "sensual", "fiery")},
        ("ballroom", "Buenos Aires", "romance", "night"),
        """bass | tango, rootfifth | contrabass, double bass | at=.1
        chords | tango | piano |
        chords | tango, quarters | accordion | p=.8 at=.3
        melody | sync, mid, slow | violin, accordion, nylon guitar, cello | at=.1
        melody | thirds, line | violin, accordion | p=.5 at=.6 harm=1 db=-3
        drums | tango | brushed drums | p=.2 at=.7
        pad | pad | strings | p=.3 at=.6""",
        metres=((4, 4), (4, 4), (2, 4)),
        odd=((2, 4),),
        loose=0.5,
        rooms=("room", "hall"),
        fills=("none",),
        level=0.75,
    ),
    "flamenco": Genre(
        (92, 168),
        ("phrygian", "phrygian", "minor"),
        {"dark": ("iv III II I", "i VII VI V", "I II I II", "i bII i bII", "I II III II")},
        {"dark": ("passionate", "fiery", "intense", "dramatic")},
        ("Spain", "dance", "desert", "night"),
        """chords | flamenco, strum | nylon guitar |
        melody | fast, sync | nylon guitar, acoustic guitar | at=.2
        percussion | palmas | hand claps, hand drums | p=.85 at=.25
        percussion | palmas | hand drums | p=.4 at=.6
        bass | rootfifth, held | double bass, fretless bass | p=.4 at=.5
        melody | slow | flute, violin | p=.3 at=.5""",
        form="arc",
        metres=((4, 4), (3, 4), (12, 8)),
        odd=((12, 8), (3, 4)),
        loose=0.5,
        rooms=("room", "hall"),
        fills=("none",),
        level=0.78,
    ),
    "celtic": Genre(
        (88, 128),
        ("major", "dorian", "mixolydian", "minor"),
        {
            "bright": ("I V I IV", "I bVII I IV", "I IV I V", "I vi IV V"),
            "dark": ("i VII i VII", "i VII VI VII", "i III VII i"),
        },
        {"bright": ("lively", "cheerful", "warm", "hopeful"), "dark": ("wistful", "mysterious", "lively", "earthy")},
        ("pub", "green hills", "medieval fantasy", "dance"),
        """melody | fast, mid | fiddle, whistle, flute, accordion, recorder |
        chords | strum | acoustic guitar, dulcimer | at=.1
        arpeggio | broken, pick, harp | harp, dulcimer, acoustic guitar | p=.6
        percussion | jig | hand drums | p=.8 at=.35
        bass | rootfifth, held | double bass, cello | p=.6 at=.4
        melody | thirds | fiddle, accordion | p=.4 at=.6 harm=1 db=-3
        pad | drone | bagpipes, strings | p=.3 at=.3""",
        metres=((6, 8), (4, 4), (4, 4)),
        odd=((9, 8), (3, 4), (12, 8)),
        loose=0.45,
        rooms=("room", "hall"),
        fills=("none",),
        tonics=(2, 4, 7, 9, 0),
        pentatonic=0.3,
        level=0.7,
    ),
    "bagpipes": Genre(
        (72, 108),
        ("mixolydian", "major"),
        {"bright": ("I I bVII I", "I IV I bVII", "I I", "I bVII IV I", "I V I I")},
        {"bright": ("proud", "solemn", "majestic", "heroic")},
        ("parade", "Scotland", "memorial", "highlands"),
        """melody | mid, fast, slow | bagpipes |
        pad | drone | bagpipes | slot=drone
        percussion | drumline, march | marching drums | p=.7 at=.4
        melody | thirds | bagpipes | p=.4 at=.6 harm=1 db=-3
        pad | pad | strings, choir pad | p=.2 at=.5""",
        form="arc",
        metres=((4, 4), (2, 4), (6, 8), (3, 4)),
        odd=((6, 8), (2, 4), (9, 8)),
        loose=0.35,
        rooms=("hall", "room"),
        fills=("none",),
        tonics=(10, 9),
        level=0.85,
    ),
    "balkan": Genre(
        (104, 168),
        ("phrygian", "minor", "dorian"),
        {"dark": ("i i VII i", "i iv V7 i", "i bII i VII", "i VII VI V", "I bII I bII")},
        {"dark": ("lively", "festive", "fiery", "passionate")},
        ("wedding", "dance", "village festival", "travel"),
        """drums | balkan | acoustic drums, hand drums | at=.2
        bass | polka, rootfifth | tuba, electric bass | at=.1
        chords | oompah, offbeat, strum | brass, accordion, acoustic guitar |
        melody | fast, sync | trumpet, clarinet, accordion, fiddle, saxophone | at=.1
        melody | thirds | trumpet, clarinet | p=.7 at=.4 harm=1 db=-2""",
        metres=((4, 4), (7, 8), (2, 4), (9, 8)),
        odd=((7, 8), (9, 8), (5, 4)),
        loose=0.4,
        rooms=("room",),
        fills=("none", "snare"),
        level=0.85,
    ),
    "klezmer": Genre(
        (96, 160),
        ("minor", "phrygian"),
        {"dark": ("i iv V7 i", "i i iv i", "I bII I bII", "i VII i V7", "iv i V7 i")},
        {"dark": ("playful", "wistful", "lively", "festive")},
        ("wedding", "dance", "old town", "comedy"),
        """melody | fast, mid, sync | clarinet, fiddle, violin, accordion |
        melody | thirds | fiddle, trumpet, accordion | p=.5 at=.5 harm=1 db=-3
        chords | oompah, offbeat | accordion, piano, dulcimer |
        bass | polka, rootfifth | tuba, double bass | at=.1
        drums | polka, train, balkan | brushed drums, acoustic drums | p=.7 at=.4""",
        metres=((2, 4), (4, 4)),
        odd=((3, 4), (2, 4)),
        loose=0.5,
        rooms=("room",),
        fills=("none", "snare"),
        level=0.75,
    ),
    "polka": Genre(
        (104, 136),
        ("major", "major", "minor"),
        {"bright": ("I I V7 V7 V7 V7 I I", "I IV V7 I", "I V7 I V7"), "dark": ("i i V7 V7 V7 V7 i i", "i iv V7 i")},
        {"bright": ("cheerful", "happy", "playful", "festive"), "dark": ("playful", "lively")},
        ("beer garden", "village festival", "dance", "comedy"),
        """melody | mid, fast | accordion, clarinet, trumpet, fiddle |
        chords | oompah, offbeat | accordion, brass, piano | at=.05
        bass | polka | tuba, double bass | at=.05
        drums | polka, train | acoustic drums, brushed drums | at=.3
        melody | thirds | clarinet, trumpet, accordion | p=.5 at=.5 harm=1 db=-3""",
        metres=((2, 4), (2, 4), (4, 4)),
        loose=0.35,
        rooms=("room",),
        fills=("snare", "none"),
        level=0.78,
    ),
    "Middle Eastern": Genre(
        (76, 128),
        ("phrygian", "phrygian", "minor"),
        {"dark": ("i", "I bII I bII", "i bII", "i iv i bII", "i i VII i")},
        {"dark": ("mysterious", "hypnotic", "exotic", "passionate")},
        ("desert", "market", "ancient times", "travel"),
        """percussion | darbuka | hand drums, bongos | at=.2
        percussion | tambourine | tambourine | p=.6 at=.4
        melody | fast, mid, slow | shawm, dulcimer, oboe, violin, flute, nylon guitar |
        arpeggio | pick, up8 | dulcimer, sitar, nylon guitar | p=.6 at=.2
        pad | drone | strings, drone |
        pad | pad | strings | p=.5 at=.5
        bass | held, rootfifth | double bass, fretless bass | p=.5 at=.4""",
        form="arc",
        metres=((4, 4), (4, 4), (9, 8), (7, 8)),
        odd=((7, 8), (9, 8), (5, 4)),
        loose=0.5,
        rooms=("room", "hall"),
        fills=("none",),
        level=0.7,
    ),
    "mariachi": Genre(
        (96, 148),
        ("major", "major", "minor"),
        {"bright": ("I I V7 V7", "I IV V7 I", "I V7 I I"), "dark": ("i iv V7 i", "i VII VI V7")},
        {"bright": ("festive", "happy", "proud", "romantic"), "dark": ("passionate", "dramatic")},
        ("fiesta", "wedding", "Mexico", "restaurant"),
        """melody | mid, sync | trumpet | at=.3
        melody | thirds | trumpet, violin | p=.8 at=.3 harm=1 db=-2
        melody | slow, mid | violin, strings | p=.7
        chords | boomchick, strum | acoustic guitar, nylon guitar |
        bass | rootfifth, country | double bass | at=.05
        percussion | shaker | shaker, hand claps | p=.3 at=.6""",
        metres=((4, 4), (3, 4), (6, 8)),
        odd=((2, 4),),
        loose=0.45,
        rooms=("room",),
        fills=("none",),
        level=0.8,
    ),
    "bluegrass": Genre(
        (112, 160),
        ("major", "major", "mixolydian"),
        {"bright": ("I I IV I V V I I", "I IV I V", "I bVII I V", "I vi IV V")},
        {"bright": ("lively", "cheerful", "happy", "rustic")},
        ("farm", "countryside", "road trip", "barn dance"),
        """arpeggio | banjo | banjo |
        chords | boomchick, strum | acoustic guitar |
        chords | offbeat | muted guitar, dulcimer | p=.6 at=.2
        bass | country, rootfifth | double bass | at=.05
        melody | fast, mid | fiddle, banjo, acoustic guitar, harmonica | at=.3
        melody | thirds | fiddle | p=.4 at=.6 harm=1 db=-3""",
        odd=((3, 4), (2, 4)),
        loose=0.4,
        rooms=("room",),
        fills=("none",),
        tonics=(7, 2, 9, 0, 4),
        pentatonic=0.6,
        level=0.75,
    ),
    "marching band": Genre(
        (100, 132),
        ("major", "major", "minor"),
        {
            "bright": ("I I V7 I", "I IV V7 I", "I V7 V7 I", "IV I V7 I", "I VI7 II7 V7"),
            "dark": ("i iv V7 i", "i VII VI V7"),
        },
        {"bright": ("proud", "triumphant", "energetic", "cheerful"), "dark": ("dramatic", "solemn", "proud")},
        ("parade", "football match", "school", "victory"),
        """percussion | drumline, march | marching drums | at=.05
        bass | march, polka, rootfifth | tuba | at=.1
        chords | fanfare, offbeat, quarters | brass, trombone | at=.2
        melody | mid, sync, fast | trumpet, clarinet, piccolo, brass | at=.3
        melody | thirds | trumpet, clarinet | p=.7 at=.4 harm=1 db=-2
        melody | line | trombone, french horn | p=.6 at=.6 c=57
        arpeggio | up8 | glockenspiel | p=.3 at=.7""",
        metres=((2, 4), (4, 4), (2, 2), (6, 8)),
        odd=((6, 8),),
        loose=0.35,
        rooms=("room", "dry"),
        fills=("none",),
        tonics=(10, 3, 5, 8, 0),
        level=0.88,
    ),
    "medieval": Genre(
        (76, 132),
        ("dorian", "dorian", "mixolydian", "minor"),
        {"bright": ("I bVII I bVII", "I IV I V"), "dark": ("i VII i VII", "i VII VI VII", "i III VII i", "i v i VII")},
        {"bright": ("festive", "rustic", "playful"), "dark": ("mysterious", "earthy", "adventurous", "wistful")},
        ("tavern", "castle", "medieval fantasy", "market"),
        """melody | mid, fast | recorder, flute, fiddle, shawm, whistle |
        chords | strum, held | nylon guitar, harpsichord, dulcimer |
        arpeggio | harp, pick, up8 | harp, nylon guitar, dulcimer | p=.6
        percussion | jig, hand drums, tambourine | hand drums, tambourine | p=.75 at=.3
        pad | drone | bagpipes, strings, reed organ | p=.5 at=.2
        bass | rootfifth, held | cello, contrabass | p=.5 at=.3""",
        form="arc",
        metres=((6, 8), (4, 4), (3, 4)),
        odd=((2, 4), (9, 8), (5, 4)),
        loose=0.5,
        rooms=("room", "hall"),
        fills=("none",),
        level=0.68,
    ),
    "baroque": Genre(
        (66, 126),
        ("major", "minor"),
        {
            "bright": (*CLASSICAL, "I,V/3 vi,iii/5 IV,I/3 ii,V7", "I IV,viio iii,vi ii,V7 I", "I,V I,V vi,iii IV,V"),
            "dark": (*CLASSICAL_MINOR, "i,iv VII,III VI,iio V7", "i,V7/3 i,V7 i,iv V7", "i v/3 VI V7"),
        },
        {"bright": ("elegant", "graceful", "refined", "cheerful"), "dark": ("solemn", "dramatic", "elegant", "noble")},
        ("palace", "period drama", "church", "concert hall"),
        """chords | quarters, held, ballad | harpsichord |
        bass | rootfifth, eighths, march | cello, contrabass, bassoon | at=.1
        melody | fast, mid, slow | violin, oboe, flute, recorder, trumpet, harpsichord | at=.05
        melody | thirds, line | violin, oboe, recorder | p=.7 at=.3 harm=1 db=-2
        arpeggio | broken, alberti, up8 | harpsichord, church organ, strings | p=.5 at=.3
        pad | pad | church organ, strings | p=.5 at=.4""",
        form="arc",
        metres=((4, 4), (3, 4), (6, 8)),
        odd=((2, 2), (9, 8), (12, 8)),
        loose=0.3,
        rooms=("hall", "cathedral", "room"),
        fills=("none",),
        level=0.68,
    ),
}
