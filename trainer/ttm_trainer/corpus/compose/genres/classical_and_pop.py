"""Classical, film, pop and world music: classical piano to new age."""

# ruff: noqa: E501
from __future__ import annotations

from .genre import CINEMA, CLASSICAL, CLASSICAL_MINOR, MINOR, POP, Genre

CLASSICAL_AND_POP: dict[str, Genre] = {
    "classical piano": Genre(
        (58, 138),
        ("major", "minor", "minor"),
        {"bright": CLASSICAL, "dark": CLASSICAL_MINOR},
        {
            "bright": ("elegant", "graceful", "gentle", "romantic", "playful"),
            "dark": ("melancholic", "romantic", "emotional", "dramatic", "introspective"),
        },
        ("reflection", "film", "romance", "concert hall", "ballet"),
        """arpeggio | alberti, broken, wide, up8 | piano | slot=piano c=52 db=0
        melody | slow, mid, fast | piano | slot=piano c=76 at=.2
        melody | thirds | piano | slot=piano harm=1 p=.4 at=.7
        bass | held, rootfifth | piano | slot=piano p=.5 at=.6 c=40""",
        form="arc",
        metres=((4, 4), (4, 4), (3, 4), (6, 8)),
        loose=0.75,
        rooms=("hall", "room"),
        level=0.62,
    ),
    "orchestral": Genre(
        (72, 138),
        ("major", "minor", "major", "lydian"),
        {"bright": CLASSICAL + POP + ("I IV bVII IV", "I II I V"), "dark": CLASSICAL_MINOR + MINOR},
        {
            "bright": ("majestic", "heroic", "adventurous", "triumphant", "noble"),
            "dark": ("dramatic", "epic", "tense", "powerful", "tragic"),
        },
        ("adventure", "fantasy", "film", "history", "victory"),
        """pad | pad, swell | strings |
        chords | ostinato | pizzicato strings, strings, tremolo strings | p=.6 at=.45
        bass | held, rootfifth | contrabass, tuba, bassoon | at=.3
        melody | slow, mid | french horn, trumpet, violin, oboe, flute, clarinet | at=.25
        melody | line | cello, french horn, bassoon, viola | p=.6 at=.5 c=58
        arpeggio | harp, broken | harp, celesta, glockenspiel | p=.45 at=.3
        chords | held, ballad | brass, trombone | p=.7 at=.8
        melody | thirds | trumpet, piccolo, oboe | p=.4 at=.85 harm=1 db=-3
        percussion | timpani, march | orchestral percussion | p=.8 at=.75""",
        form="arc",
        metres=((4, 4), (4, 4), (3, 4), (6, 8)),
        loose=0.5,
        rooms=("hall", "cathedral"),
        fills=("none", "snare"),
        level=0.72,
    ),
    "cinematic": Genre(
        (64, 132),
        ("minor", "minor", "dorian"),
        {"dark": CINEMA},
        {"dark": ("epic", "dramatic", "tense", "dark", "mysterious", "emotional")},
        ("film", "trailer", "adventure", "battle", "documentary"),
        """pad | pad | strings, choir pad, warm pad, synth strings |
        chords | ostinato | strings, pizzicato strings, piano, plucked synth | at=.3 p=.85
        pad | drone | drone | p=.5
        bass | held, rootfifth | contrabass, cello, sub bass | at=.4
        percussion | epic | orchestral percussion, hand drums, electronic drums | at=.6 p=.9
        melody | slow, long | french horn, violin, cello, piano, brass, english horn | at=.45
        melody | line | trombone, french horn | p=.5 at=.8 c=55
        arpeggio | up8, sync16, slow | piano, harp, arpeggiated synth, tubular bells | p=.4 at=.2
        effect | rise | riser | p=.4""",
        form="arc",
        metres=((4, 4), (4, 4), (4, 4), (6, 8), (3, 4)),
        loose=0.35,
        rooms=("hall", "cathedral"),
        fills=("toms", "none"),
        bars_per_chord=(1, 2),
        level=0.78,
    ),
    "string quartet": Genre(
        (66, 132),
        ("major", "minor"),
        {"bright": CLASSICAL, "dark": CLASSICAL_MINOR},
        {
            "bright": ("elegant", "graceful", "refined", "lively"),
            "dark": ("emotional", "melancholic", "dramatic", "tense"),
        },
        ("wedding", "period drama", "concert hall", "romance"),
        """melody | mid, slow, fast | violin | c=79
        melody | thirds, line | violin | slot=second harm=1 c=69 at=.3 db=-3
        melody | line, inner | viola | c=60 at=.2 db=-2
        bass | rootfifth, held, ballad | cello | c=45""",
        form="arc",
        metres=((4, 4), (4, 4), (3, 4)),
        loose=0.55,
        rooms=("hall", "room"),
        level=0.66,
    ),
    "waltz": Genre(
        (96, 184),
        ("major", "major", "minor"),
        {"bright": CLASSICAL + ("I I V7 V7 V7 V7 I I", "I vi ii V7"), "dark": CLASSICAL_MINOR},
        {
            "bright": ("elegant", "romantic", "playful", "graceful", "whimsical"),
            "dark": ("romantic", "nostalgic", "mysterious", "whimsical"),
        },
        ("ballroom", "carousel", "fairy tale", "Paris", "romance"),
        """bass | waltz | contrabass, double bass, cello, tuba |
        chords | waltz | piano, accordion, strings, pizzicato strings, harpsichord |
        melody | mid, slow | violin, accordion, flute, clarinet, music box, piano, celesta | at=.2
        melody | thirds | oboe, violin, clarinet | p=.35 at=.8 harm=1 db=-3
        pad | pad | strings | p=.4 at=.7
        arpeggio | harp, broken | harp, music box, glockenspiel | p=.35 at=.6
        drums | waltz | brushed drums | p=.25 at=.7""",
        metres=((3, 4),),
        loose=0.5,
        rooms=("hall", "room"),
        fills=("none",),
        level=0.64,
    ),
    "pop ballad": Genre(
        (60, 88),
        ("major", "major", "minor"),
        {"bright": POP + ("I,V vi,IV I,V IV", "IV V iii vi"), "dark": MINOR},
        {
            "bright": ("romantic", "emotional", "hopeful", "tender", "warm"),
            "dark": ("sad", "emotional", "melancholic", "heartfelt", "bittersweet"),
        },
        ("love", "romance", "wedding", "farewell", "memories"),
        """chords | ballad, held | piano, electric piano | slot=keys
        arpeggio | broken, up8, pick | piano, acoustic guitar, nylon guitar | p=.6 at=.3
        bass | ballad, held | electric bass, fretless bass | at=.45
        drums | ballad | acoustic drums, brushed drums, drum machine | at=.55
        pad | pad | strings, warm pad, synth strings | at=.4
        melody | slow, mid, sync | piano, violin, saxophone, flute, clean electric guitar, cello, oboe | at=.35""",
        metres=((4, 4), (4, 4), (6, 8)),
        loose=0.45,
        rooms=("hall", "plate"),
        fills=("soft", "toms"),
        pentatonic=0.3,
        level=0.62,
    ),
    "pop": Genre(
        (96, 126),
        ("major", "major", "major", "minor"),
        {"bright": POP, "dark": MINOR},
        {
            "bright": ("happy", "upbeat", "bright", "catchy", "optimistic"),
            "dark": ("catchy", "moody", "cool", "driving"),
        },
        ("commercial", "summer", "advertising", "travel"),
        """drums | pop | acoustic drums, drum machine, electronic drums | at=.4
        bass | eighths, rock, octaves | electric bass, synth bass | at=.4
        chords | strum, quarters, eighths | acoustic guitar, piano, clean electric guitar | at=0
        arpeggio | up8, sync16, pick | muted guitar, plucked synth, marimba, glockenspiel | p=.6 at=.3
        melody | sync, mid, riff | plucked synth, bells, piano, square lead, clean electric guitar, xylophone, saw lead | at=.5
        pad | pad | warm pad, strings, synth strings | p=.5 at=.6
        percussion | shaker, tambourine | shaker, tambourine | p=.4 at=.7""",
        loose=0.2,
        rooms=("plate", "room"),
        fills=("snare", "toms", "hats"),
        pentatonic=0.5,
        sidechain=0.1,
    ),
    "latin": Genre(
        (92, 124),
        ("minor", "major", "dorian"),
        {
            "bright": ("I IV V IV", "I ii V7 I", "I vi ii V7"),
            "dark": ("i iv V7 i", "i VII VI V7", "i iv i V7", "i i iv V7"),
        },
        {"bright": ("festive", "happy", "energetic", "sunny"), "dark": ("passionate", "festive", "fiery", "sensual")},
        ("carnival", "summer", "travel", "fiesta"),
        """percussion | congas | congas | at=.2
        drums | latin | acoustic drums | p=.7 at=.5
        bass | latin | electric bass, double bass | at=.25
        chords | montuno, latin | piano, nylon guitar |
        melody | sync, mid | trumpet, brass, flute, nylon guitar, accordion, saxophone, steel drums | at=.45
        melody | thirds | trumpet, trombone | p=.45 at=.8 harm=1 db=-2
        percussion | shaker | shaker | p=.4 at=.6""",
        loose=0.35,
        rooms=("room", "plate"),
        fills=("toms", "snare"),
        level=0.8,
    ),
    "world fusion": Genre(
        (72, 116),
        ("dorian", "phrygian", "mixolydian", "minor"),
        {"bright": ("I", "I I bVII I", "I bVII"), "dark": ("i", "i i VII i", "i VII", "i i bII i")},
        {
            "bright": ("exotic", "warm", "earthy", "meditative"),
            "dark": ("exotic", "mysterious", "hypnotic", "meditative", "earthy"),
        },
        ("travel", "desert", "documentary", "ancient times", "nature"),
        """pad | drone | drone, strings |
        percussion | hand drums | hand drums | at=.4
        arpeggio | up8, pick, slow | sitar, koto, dulcimer, kalimba, harp | at=.2
        melody | slow, mid, fast | sitar, shakuhachi, pan flute, oboe, fiddle, koto, flute, ocarina | at=.35
        bass | held, rootfifth | double bass, fretless bass, sub bass | p=.6 at=.5
        percussion | shaker | shaker | p=.4 at=.7
        pad | pad | airy pad, warm pad | p=.4 at=.6""",
        form="arc",
        loose=0.5,
        rooms=("hall", "room"),
        fills=("none", "toms"),
        bars_per_chord=(1, 2),
        pentatonic=0.4,
        level=0.65,
    ),
    "new age": Genre(
        (58, 88),
        ("major", "major", "lydian", "minor"),
        {
            "bright": ("Iadd9 V vi IV", "Imaj7 IVmaj7", "I iii IV V", "IVadd9 Iadd9 V vi"),
            "dark": ("iadd9 VI III VII", "i iv VI VII"),
        },
        {
            "bright": ("peaceful", "relaxing", "soothing", "hopeful", "serene"),
            "dark": ("serene", "introspective", "soothing", "dreamy"),
        },
        ("spa", "yoga", "meditation", "nature", "sunrise"),
        """arpeggio | broken, slow, up8, harp | harp, piano, kalimba, nylon guitar, electric piano |
        pad | pad | warm pad, strings, airy pad, choir pad |
        melody | slow, long | flute, pan flute, bells, piano, ocarina, celesta, violin | at=.4
        bass | held | fretless bass, sub bass | p=.4 at=.6
        percussion | shaker | shaker | p=.15 at=.7""",
        form="arc",
        loose=0.5,
        rooms=("cathedral", "hall"),
        metres=((4, 4), (4, 4), (3, 4)),
        bars_per_chord=(1, 1, 2),
        pentatonic=0.6,
        level=0.5,
    ),
}
