"""More music of bands and stages: grunge to gospel, big band to samba."""

from __future__ import annotations

from .genre import MINOR, POP, SOUL, SOUL_MINOR, Genre

STAGES: dict[str, Genre] = {
    "grunge": Genre(
        (92, 138),
        ("minor", "minor", "mixolydian"),
        {
            "bright": ("I bVII IV I", "I IV bVII I", "I IV"),
            "dark": ("i III VII IV", "i VI VII i", "i VI III VII", "i bII"),
        },
        {"bright": ("raw", "gritty", "energetic"), "dark": ("angry", "gritty", "moody", "raw")},
        ("garage", "teen film", "skateboarding", "concert"),
        """drums | grunge, rock | rock drums, acoustic drums | at=.25
        bass | grunge, rock | electric bass | at=.2
        chords | grunge, power | distorted guitar | at=.6
        chords | eighths, strum, grunge | clean electric guitar, overdriven guitar | top=.8
        melody | riff, slow, mid | overdriven guitar, distorted guitar | p=.7 at=.6""",
        loose=0.4,
        rooms=("room",),
        odd=((7, 8), (6, 8)),
        tonics=(2, 4, 7, 9, 11),
        pentatonic=0.7,
        level=0.92,
        master={"drive": 0.35},
    ),
    "surf rock": Genre(
        (140, 176),
        ("minor", "major", "mixolydian"),
        {"bright": ("I IV I V", "I vi IV V", "I bVII IV I"), "dark": ("i VII VI V", "i iv i V", "i VII i V")},
        {"bright": ("energetic", "playful", "sunny"), "dark": ("energetic", "driving", "adventurous")},
        ("beach", "surfing", "summer", "1960s film"),
        """drums | surf | acoustic drums, rock drums | at=.2
        bass | surf, rootfifth | electric bass | at=.2
        chords | eighths, surf | clean electric guitar | at=.3
        melody | mid, fast, riff | clean electric guitar, overdriven guitar | at=.1 c=66
        chords | quarters, held | organ | p=.4 at=.6
        melody | mid | saxophone | p=.3 at=.85""",
        loose=0.3,
        rooms=("plate",),
        fills=("toms", "snare"),
        tonics=(2, 4, 7, 9),
        level=0.85,
    ),
    "prog rock": Genre(
        (92, 156),
        ("minor", "dorian", "lydian", "major"),
        {
            "bright": ("I II I II", "I bVII IV I", "I V/3 vi IV", "Imaj7 II/T Imaj7 vi7"),
            "dark": ("i VII VI VII", "i IV i IV", "i VI III VII", "i bII VII i", "i v/3 VI iv"),
        },
        {"bright": ("adventurous", "epic", "energetic"), "dark": ("dramatic", "intense", "epic", "mysterious")},
        ("concert", "fantasy", "space", "journey"),
        """drums | rock, metal | rock drums, acoustic drums | at=.25
        bass | rock, eighths, rootfifth | electric bass, fretless bass | at=.2
        chords | power, chug | overdriven guitar, distorted guitar | at=.55
        chords | held, ostinato, strum | organ, piano, clean electric guitar, acoustic guitar |
        arpeggio | up8, pick, sync16 | arpeggiated synth, clean electric guitar, piano | p=.6 at=.2
        melody | fast, mid, sync | square lead, overdriven guitar, saw lead, flute, violin | at=.5
        pad | pad | strings, choir pad, warm pad | p=.5""",
        metres=((4, 4), (7, 8), (5, 4)),
        odd=((7, 8), (5, 4), (9, 8), (6, 4), (3, 4)),
        loose=0.3,
        rooms=("room", "hall", "plate"),
        colour=0.3,
        level=0.85,
    ),
    "post-rock": Genre(
        (72, 124),
        ("major", "minor", "lydian"),
        {
            "bright": ("I V vi IV", "Imaj7 IVmaj7", "I iii IV IV", "vi IV I V"),
            "dark": ("i VI III VII", "i VI", "i v VI iv"),
        },
        {"bright": ("hopeful", "epic", "dreamy"), "dark": ("melancholic", "epic", "atmospheric", "introspective")},
        ("documentary", "mountain", "farewell", "winter"),
        """arpeggio | pick, up8, broken | clean electric guitar, guitar harmonics |
        pad | pad | warm pad, strings, airy pad | p=.8
        drums | ballad, rock, march | acoustic drums, rock drums | at=.5
        bass | held, ballad, eighths | electric bass | at=.45
        chords | tremolo, eighths | overdriven guitar, distorted guitar | at=.8
        melody | slow, long | overdriven guitar, clean electric guitar, violin, glockenspiel, cello | at=.55""",
        form="arc",
        metres=((4, 4), (4, 4), (3, 4), (6, 8)),
        odd=((5, 4), (12, 8)),
        loose=0.4,
        rooms=("hall", "cathedral", "plate"),
        bars_per_chord=(1, 2),
        level=0.75,
    ),
    "indie rock": Genre(
        (108, 152),
        ("major", "major", "minor"),
        {"bright": POP + ("I iii IV IV",), "dark": MINOR},
        {"bright": ("happy", "energetic", "nostalgic", "bright"), "dark": ("nostalgic", "restless", "moody")},
        ("road trip", "summer", "teen film", "city"),
        """drums | indie, rock | acoustic drums, rock drums | at=.3
        bass | eighths, rock | electric bass | at=.3
        chords | eighths, strum | clean electric guitar, acoustic guitar | at=0
        arpeggio | pick, up8 | clean electric guitar, muted guitar | p=.6 at=.2
        melody | mid, riff, sync | clean electric guitar, overdriven guitar, glockenspiel, square lead, trumpet | at=.5
        chords | held, quarters | organ, piano | p=.4 at=.6
        percussion | tambourine | tambourine | p=.5 at=.6""",
        loose=0.4,
        rooms=("room", "plate"),
        tonics=(0, 2, 4, 7, 9),
        level=0.8,
    ),
    "ska": Genre(
        (132, 176),
        ("major", "major", "minor"),
        {"bright": POP + ("I IV I V", "I vi ii V"), "dark": ("i iv VII III", "i VII i V", "i iv i V")},
        {"bright": ("happy", "cheerful", "energetic", "playful"), "dark": ("playful", "energetic", "cool")},
        ("party", "skateboarding", "street", "comedy"),
        """drums | ska, punk | acoustic drums | at=.2
        bass | ska, walking | electric bass, double bass | at=.2
        chords | offbeat | clean electric guitar, muted guitar |
        chords | offbeat | organ, piano | p=.6 at=.3
        melody | sync, mid, riff | trumpet, brass, saxophone, trombone | at=.4
        melody | thirds | trombone, saxophone | p=.6 at=.6 harm=1 db=-2""",
        loose=0.35,
        rooms=("room",),
        level=0.82,
    ),
    "gospel": Genre(
        (66, 128),
        ("major", "major", "major", "blues"),
        {
            "bright": (
                "I I7/3 IV #ivo7 I/5 V7 I I",
                "I IV I V7",
                "I I7 IV iv6 I/5 V7 I I7",
                "IV V/T I vi7 ii7 V7 I I7",
                "I,I7/3 IV,#ivo7 I/5,vi7 ii7,V7",
            ),
        },
        {"bright": ("uplifting", "joyful", "soulful", "hopeful", "triumphant")},
        ("church", "celebration", "Sunday morning", "wedding"),
        """chords | gospel, ballad | piano, electric grand piano |
        chords | held, gospel | organ | at=.15
        drums | gospel | acoustic drums, rock drums | at=.4
        bass | gospel, ballad | electric bass | at=.35
        pad | pad | voices, choir pad | p=.8 at=.3
        percussion | clapping, tambourine | hand claps, tambourine | p=.7 at=.5
        melody | sync, slow, mid | saxophone, organ, piano, trumpet, voices | p=.6 at=.55""",
        metres=((4, 4), (4, 4), (12, 8)),
        odd=((12, 8), (6, 8), (3, 4)),
        swing=(0.5, 0.6),
        swing_unit=0.25,
        loose=0.5,
        rooms=("room", "hall", "cathedral"),
        colour=0.5,
        pentatonic=0.7,
        level=0.8,
    ),
    "soul": Genre(
        (68, 122),
        ("major", "dorian", "minor"),
        {"bright": SOUL + ("I IV I IV", "I vi IV V", "I iii7 IV V"), "dark": SOUL_MINOR},
        {"bright": ("soulful", "warm", "romantic", "happy"), "dark": ("passionate", "soulful", "smooth", "cool")},
        ("love", "late night", "city", "1960s film"),
        """drums | soul, funk | acoustic drums | at=.25
        bass | gospel, boombap, funk | electric bass | at=.25
        chords | charleston, ballad, gospel | electric piano, piano, organ |
        chords | skank, funk | clean electric guitar, muted guitar | p=.7 at=.3
        melody | sync, mid, slow | saxophone, trumpet, brass, clean electric guitar, organ | at=.45
        melody | thirds | trombone, trumpet | p=.4 at=.7 harm=1 db=-3
        pad | pad | strings, voices | p=.5 at=.5
        percussion | tambourine, congas | tambourine, congas | p=.5 at=.5""",
        odd=((12, 8), (6, 8)),
        loose=0.45,
        rooms=("room", "plate"),
        colour=0.4,
        pentatonic=0.6,
        level=0.75,
    ),
    "big band": Genre(
        (124, 220),
        ("major", "major", "minor"),
        {
            "bright": ("I6 VI7 ii7 V7", "I6,VI7 ii7,V7", "I6 I7 IV6 #ivo7 I6/5 VI7 ii7 V7", "ii7 V7 I6 I6"),
            "dark": ("i6 i6 iiø V7", "i6 VI7 iiø,V7 i6", "i,i/7 VI7,V7"),
        },
        {"bright": ("swinging", "happy", "glamorous", "energetic"), "dark": ("dramatic", "cool", "glamorous")},
        ("ballroom", "1940s film", "casino", "New York"),
        """drums | big band | jazz drums, acoustic drums | at=.2
        bass | walking | double bass | at=.15
        chords | charleston, quarters | brass |  at=.4
        chords | quarters, charleston | piano, jazz guitar |
        melody | swing, riff | saxophone, trumpet, clarinet, trombone, muted trumpet | at=.2
        melody | thirds | saxophone, trumpet | p=.7 at=.6 harm=1 db=-2
        melody | riff | trombone, baritone saxophone | p=.5 at=.75 c=55""",
        odd=((3, 4), (5, 4)),
        swing=(0.62, 0.67),
        loose=0.4,
        rooms=("room", "hall"),
        fills=("snare", "toms", "stop"),
        colour=0.4,
        level=0.82,
    ),
    "lounge": Genre(
        (84, 128),
        ("major", "major", "dorian"),
        {"bright": SOUL + ("Imaj7 VI7 ii7 V7", "Imaj7 bIIImaj7 ii7 V7"), "dark": SOUL_MINOR},
        {"bright": ("relaxed", "elegant", "smooth", "cool"), "dark": ("cool", "smoky", "sophisticated")},
        ("cocktail bar", "hotel", "restaurant", "late night"),
        """drums | bossa, swing, ballad | brushed drums, jazz drums | at=.35
        bass | bossa, walking, ballad | double bass, fretless bass | at=.2
        chords | charleston, bossa, held | electric piano, piano, jazz guitar, vibraphone |
        melody | slow, sync, swing | saxophone, vibraphone, flute, piano, muted trumpet, jazz guitar | at=.3
        pad | pad | strings, warm pad | p=.4 at=.5
        percussion | shaker, congas | shaker, bongos | p=.4 at=.5""",
        swing=(0.5, 0.62),
        loose=0.45,
        rooms=("room", "plate"),
        fills=("soft", "none"),
        colour=0.6,
        level=0.58,
    ),
    "acid jazz": Genre(
        (96, 122),
        ("dorian", "dorian", "minor"),
        {"bright": ("I7 IV7",), "dark": ("i9 IV13", "i7 ii7", "i9 i9 bVII7 IV7", "i7,IV7 i7,IV7 VImaj7 V7")},
        {"bright": ("groovy",), "dark": ("groovy", "cool", "funky", "energetic")},
        ("club", "city", "fashion show", "late night"),
        """drums | funk, breakbeat | acoustic drums, breakbeat drums | at=.2
        bass | funk, boombap | electric bass, slap bass, double bass | at=.2
        chords | stabs, funk, charleston | electric piano, organ, clavinet |
        chords | funk | muted guitar, clean electric guitar | p=.6 at=.35
        melody | bebop, sync, riff | saxophone, flute, trumpet, organ, vibraphone | at=.4
        percussion | congas | congas, bongos | p=.5 at=.4""",
        form="loop",
        odd=((5, 4), (7, 8), (6, 4)),
        swing=(0.5, 0.58),
        swing_unit=0.25,
        loose=0.35,
        rooms=("room",),
        fills=("snare", "toms", "stop"),
        colour=0.5,
        level=0.8,
    ),
    "afrobeat": Genre(
        (98, 126),
        ("dorian", "dorian", "mixolydian", "major"),
        {"bright": ("I I IV I", "I7", "I IV V IV", "I ii I ii"), "dark": ("i7", "i7 IV7", "i i VII i", "i7 v7")},
        {"bright": ("happy", "groovy", "festive", "sunny"), "dark": ("groovy", "hypnotic", "driving", "confident")},
        ("party", "street", "dance floor", "Lagos"),
        """drums | afrobeat | acoustic drums | at=.15
        percussion | afro bell, congas | hand drums, congas | at=.1
        bass | afrobeat, funk | electric bass | at=.2
        chords | afrobeat, funk | clean electric guitar, muted guitar |
        arpeggio | pick, sync16 | clean electric guitar, muted guitar | p=.5 at=.3
        chords | afrobeat, stabs | organ, electric piano | p=.7 at=.3
        melody | riff, sync | brass, saxophone, trumpet, organ | at=.45
        melody | thirds | trombone, baritone saxophone | p=.5 at=.6 harm=1 db=-2""",
        form="loop",
        odd=((12, 8),),
        loose=0.35,
        rooms=("room",),
        fills=("snare", "none", "toms"),
        pentatonic=0.6,
        level=0.8,
    ),
    "salsa": Genre(
        (88, 108),
        ("minor", "major", "dorian"),
        {
            "bright": ("I IV V IV", "ii7 V7 I I", "I,IV V7,IV", "I VI7 ii V7"),
            "dark": ("i iv V7 i", "i,iv V7,i", "i VII VI V7", "iv i V7 i"),
        },
        {"bright": ("festive", "happy", "energetic"), "dark": ("passionate", "fiery", "festive")},
        ("dance floor", "carnival", "summer", "Havana"),
        """percussion | congas | congas | at=.1
        percussion | salsa | timbales | at=.35
        percussion | guiro, shaker | shaker, claves | p=.7
        bass | tumbao | double bass, electric bass | at=.1
        chords | montuno | piano |
        melody | sync, riff, mid | trumpet, brass, trombone, flute | at=.45
        melody | thirds | trombone, trumpet | p=.7 at=.6 harm=1 db=-2
        percussion | clapping | cowbell | p=.3 at=.7""",
        form="loop",
        loose=0.3,
        rooms=("room", "plate"),
        fills=("none",),
        colour=0.2,
        level=0.82,
    ),
    "samba": Genre(
        (92, 112),
        ("major", "major", "minor"),
        {
            "bright": ("I6 VI7 ii7 V7", "I I IV V", "Imaj7 VI7 ii7,V7 Imaj7", "I vi ii V7"),
            "dark": ("i iv V7 i", "i6 iiø,V7", "i VII VI V7"),
        },
        {"bright": ("festive", "happy", "energetic", "sunny"), "dark": ("festive", "passionate", "nostalgic")},
        ("carnival", "Rio", "street", "summer"),
        """percussion | samba | hand drums, marching drums, acoustic drums | at=.15
        percussion | shaker, tambourine | shaker, tambourine | p=.7
        bass | samba, bossa | electric bass, double bass | at=.25
        chords | samba, bossa | nylon guitar, acoustic guitar |
        arpeggio | pick, banjo | banjo, nylon guitar | p=.4 at=.4
        melody | sync, mid, fast | flute, whistle, trombone, piano, accordion, trumpet | at=.4
        chords | montuno | piano | p=.4 at=.5""",
        form="loop",
        metres=((4, 4), (2, 4)),
        odd=((2, 4),),
        loose=0.35,
        rooms=("room",),
        fills=("none",),
        level=0.8,
        colour=0.3,
    ),
}
