"""Music for screens and occasions: horror to Christmas."""

# ruff: noqa: E501
from __future__ import annotations

from .genre import CINEMA, CLASSICAL, MINOR, POP, Genre

SCREENS: dict[str, Genre] = {
    "horror": Genre(
        (46, 92),
        ("phrygian", "minor", "phrygian"),
        {"dark": ("i", "i bII", "i i #ivo7 i", "i bvo", "i6 bIIaug", "imaj7 biimaj7", "io7 bIIo7", "i V+")},
        {"dark": ("scary", "tense", "dark", "mysterious", "menacing")},
        ("horror", "haunted house", "dark forest", "ghost story"),
        """pad | drone | drone, tremolo strings, strings |
        pad | pad | tremolo strings, choir pad, airy pad, sweep pad | p=.8
        melody | slow, long | music box, celesta, toy piano, piano, violin, voices, theremin lead | p=.8 at=.1
        chords | swell, ostinato | tremolo strings, pizzicato strings, church organ | p=.6 at=.5
        percussion | heartbeat, braam | war drums, orchestral percussion | p=.7 at=.35
        bass | held | contrabass, sub bass | p=.6 at=.3
        arpeggio | slow, up8 | piano, harp, music box | p=.4 at=.2
        effect | rise | riser | p=.5""",
        form="arc",
        metres=((4, 4), (3, 4)),
        odd=((5, 4), (7, 8)),
        loose=0.5,
        rooms=("cathedral", "hall"),
        fills=("none",),
        bars_per_chord=(1, 2),
        level=0.62,
    ),
    "trailer": Genre(
        (72, 120),
        ("minor", "minor", "phrygian"),
        {"dark": CINEMA + ("i bII i VII", "i i VI VII", "i VI VII v/3")},
        {"dark": ("epic", "dramatic", "intense", "powerful", "menacing")},
        ("trailer", "battle", "superhero film", "sport"),
        """chords | ostinato | strings, synth strings, piano, pizzicato strings | at=.2
        percussion | epic, taiko, braam | war drums, orchestral percussion | at=.45
        drums | halftime, epic | electronic drums, rock drums | p=.4 at=.75
        bass | held, eighths | sub bass, contrabass, synth bass | at=.3
        chords | held, blocks | brass, trombone | at=.65
        pad | pad | choir pad, voices, strings | p=.8 at=.4
        melody | slow, long | french horn, violin, brass, voices, piano | p=.8 at=.35
        effect | rise | riser | p=.9
        effect | sweep | noise sweep | p=.5""",
        form="club",
        metres=((4, 4), (4, 4), (3, 4), (6, 8)),
        odd=((12, 8), (7, 8), (5, 4)),
        loose=0.2,
        rooms=("hall", "cathedral"),
        fills=("toms", "stop", "none"),
        level=0.92,
        master={"drive": 0.2},
    ),
    "boss battle": Genre(
        (144, 192),
        ("minor", "phrygian", "minor"),
        {"dark": ("i VI VII i", "i i bII bII", "i VII VI V", "i VI iv V", "i #ivo7 VI V")},
        {"dark": ("intense", "fast-paced", "furious", "adventurous", "driving")},
        ("video game", "boss fight", "retro gaming", "battle"),
        """drums | battle, chip, metal | 8-bit drums, rock drums | at=.15
        bass | chip, chug, octaves | chiptune bass, electric bass, synth bass | at=.1
        melody | fast, riff, sync | chiptune lead, square lead | at=.2
        arpeggio | up16, updown16, sync16 | chiptune arpeggio |
        melody | thirds | chiptune lead, square lead | p=.5 at=.6 harm=1 db=-4
        chords | chug, power | distorted guitar | p=.3 at=.6
        pad | pad | choir pad, strings, synth strings | p=.3 at=.5""",
        odd=((7, 8), (5, 4), (3, 4)),
        loose=0.02,
        rooms=("dry", "room"),
        fills=("snare", "toms"),
        level=0.92,
    ),
    "fantasy game": Genre(
        (72, 118),
        ("major", "lydian", "dorian", "minor"),
        {"bright": ("I II I II", "I bVII IV I", "I V vi IV", "Iadd9 IVadd9"), "dark": MINOR + ("i IV i VII",)},
        {"bright": ("adventurous", "peaceful", "whimsical", "hopeful"), "dark": ("mysterious", "epic", "adventurous")},
        ("video game", "fantasy", "village", "forest", "exploration"),
        """melody | mid, slow | flute, ocarina, oboe, recorder, french horn, violin, whistle |
        arpeggio | harp, broken, up8 | harp, celesta, nylon guitar, piano |
        pad | pad | strings, choir pad, voices |
        bass | held, rootfifth | contrabass, cello | p=.7 at=.4
        melody | line | cello, french horn, clarinet | p=.5 at=.5 c=58
        percussion | jig, hand drums, timpani | hand drums, orchestral percussion | p=.6 at=.55
        chords | ostinato | pizzicato strings | p=.4 at=.4""",
        form="arc",
        metres=((4, 4), (3, 4), (6, 8)),
        odd=((5, 4), (9, 8)),
        loose=0.45,
        rooms=("hall", "cathedral"),
        fills=("none",),
        level=0.66,
    ),
    "western film": Genre(
        (76, 124),
        ("minor", "minor", "dorian"),
        {"dark": ("i VII VI VII", "i III VII i", "i VI III VII", "i v i VII", "i IV i VII")},
        {"dark": ("dramatic", "tense", "lonely", "heroic", "adventurous")},
        ("western film", "desert", "duel", "horse ride"),
        """melody | slow, mid | whistle, harmonica, trumpet, clean electric guitar, ocarina |
        arpeggio | pick, up8 | nylon guitar, acoustic guitar, banjo |
        chords | boomchick, strum | acoustic guitar | p=.7 at=.3
        bass | country, rootfifth | double bass, electric bass | at=.3
        percussion | train, march | acoustic drums, marching drums | p=.7 at=.45
        pad | pad | strings, voices, choir pad | p=.7 at=.5
        melody | line | tubular bells, french horn | p=.3 at=.7""",
        form="arc",
        odd=((6, 8), (12, 8), (3, 4)),
        loose=0.4,
        rooms=("hall", "plate"),
        fills=("none", "snare"),
        level=0.72,
    ),
    "spy film": Genre(
        (96, 148),
        ("minor", "minor", "dorian"),
        {"dark": ("i i iv i", "imaj7 iv", "i,i/7 VI,V7", "i VI i V7", "i6 i6 iv6 V7", "i VI7 i VI7")},
        {"dark": ("mysterious", "cool", "tense", "confident")},
        ("spy film", "heist", "casino", "1960s film"),
        """bass | walking, eighths, rootfifth | double bass, electric bass | at=.05
        melody | riff, sync, mid | clean electric guitar, saxophone, muted trumpet, flute | at=.1 c=64
        chords | stabs, charleston | brass, vibraphone, organ, electric piano |
        drums | swing, rock, bossa | jazz drums, acoustic drums, brushed drums | at=.25
        percussion | congas | bongos, congas | p=.6 at=.2
        pad | pad | strings, tremolo strings | p=.5 at=.5""",
        odd=((5, 4), (7, 8), (6, 8)),
        swing=(0.5, 0.62),
        loose=0.4,
        rooms=("room", "plate"),
        fills=("soft", "snare", "stop"),
        colour=0.4,
        level=0.74,
    ),
    "quirky comedy": Genre(
        (88, 138),
        ("major", "major", "minor", "lydian"),
        {"bright": ("I VI7 II7 V7", "I V I V", "I I ii V7", "I #io7 ii V7"), "dark": ("i V7 i V7", "i iv V7 i")},
        {"bright": ("playful", "quirky", "whimsical", "cheerful"), "dark": ("mysterious", "quirky", "playful")},
        ("comedy", "cartoon", "cooking show", "pets"),
        """chords | offbeat, oompah, skank | pizzicato strings, piano, muted guitar |
        bass | polka, country, rootfifth | double bass, tuba, bassoon | at=.05
        melody | sync, mid, fast | clarinet, bassoon, xylophone, marimba, whistle, oboe, glockenspiel | at=.1
        melody | thirds | flute, clarinet | p=.4 at=.6 harm=1 db=-3
        percussion | blocks, shaker, tambourine | woodblocks, shaker, tambourine | p=.7 at=.4
        arpeggio | up8 | pizzicato strings, harp | p=.4 at=.5""",
        metres=((4, 4), (4, 4), (2, 4), (3, 4)),
        odd=((5, 4), (7, 8), (2, 4)),
        loose=0.4,
        rooms=("room", "dry"),
        fills=("none", "stop"),
        level=0.65,
    ),
    "children's song": Genre(
        (92, 136),
        ("major",),
        {"bright": ("I I V7 I", "I IV V7 I", "I V7 I V7", "I IV I V7", "I vi IV V7")},
        {"bright": ("happy", "playful", "cheerful", "innocent")},
        ("kindergarten", "toys", "cartoon", "birthday party"),
        """melody | mid | toy piano, xylophone, glockenspiel, recorder, whistle, flute, ocarina, music box |
        chords | strum, quarters, oompah | acoustic guitar, piano, accordion, nylon guitar |
        bass | rootfifth, polka | double bass, electric bass, tuba | p=.8 at=.2
        percussion | tambourine, clapping, shaker, blocks | tambourine, hand claps, shaker, woodblocks | p=.7 at=.35
        arpeggio | up8, alberti | piano, glockenspiel, pizzicato strings | p=.4 at=.4
        melody | thirds | recorder, clarinet, whistle | p=.4 at=.6 harm=1 db=-3""",
        metres=((4, 4), (4, 4), (2, 4), (3, 4), (6, 8)),
        loose=0.3,
        rooms=("room", "dry"),
        fills=("none",),
        tonics=(0, 2, 5, 7),
        colour=0.0,
        level=0.66,
    ),
    "lullaby": Genre(
        (58, 92),
        ("major", "major", "lydian"),
        {"bright": ("I IV I V7", "I V I IV", "Iadd9 IVadd9 Iadd9 V", "I iii IV I", *CLASSICAL[:2])},
        {"bright": ("gentle", "tender", "peaceful", "soothing")},
        ("sleep", "baby", "bedtime story", "night"),
        """melody | slow, mid | music box, celesta, glockenspiel, flute, kalimba, piano, ocarina, voices |
        arpeggio | broken, slow, up8, alberti | harp, nylon guitar, piano, music box, kalimba |
        pad | pad | strings, warm pad, voices, airy pad | p=.6 at=.3
        bass | held, ballad | cello, double bass | p=.3 at=.5""",
        form="arc",
        metres=((3, 4), (4, 4), (6, 8)),
        odd=((9, 8), (6, 4)),
        loose=0.5,
        rooms=("hall", "room"),
        fills=("none",),
        level=0.42,
    ),
    "Christmas": Genre(
        (72, 160),
        ("major", "major", "major", "minor"),
        {
            "bright": (
                "I vi ii7 V7",
                "I IV I V7",
                "I,I/3 IV,iv I/5,V7 I",
                "I VI7 ii7 V7",
                "I #io7 ii7 V7",
                "I V vi IV",
            ),
            "dark": ("i iv V7 i", "i VII VI V7"),
        },
        {"bright": ("festive", "cheerful", "warm", "cozy", "joyful"), "dark": ("solemn", "mysterious", "nostalgic")},
        ("Christmas", "winter", "shopping", "family"),
        """percussion | sleigh | sleigh bells | p=.85 at=.3
        chords | charleston, quarters, ballad, shuffle | piano, electric piano, jazz guitar |
        pad | pad | strings, choir pad, voices | p=.8
        melody | mid, swing, slow | glockenspiel, celesta, tubular bells, trumpet, flute, violin, piano, saxophone | at=.05
        bass | walking, rootfifth, ballad | double bass, electric bass | p=.8 at=.3
        drums | swing, pop, ballad | brushed drums, jazz drums, acoustic drums | p=.6 at=.5
        arpeggio | harp, broken | harp, celesta, music box | p=.5 at=.2
        melody | thirds | clarinet, french horn, trumpet | p=.4 at=.6 harm=1 db=-3""",
        metres=((4, 4), (4, 4), (3, 4), (12, 8)),
        odd=((12, 8), (6, 8)),
        swing=(0.5, 0.64),
        loose=0.4,
        rooms=("hall", "room", "plate"),
        fills=("soft", "none"),
        colour=0.4,
        level=0.66,
    ),
    "circus": Genre(
        (112, 176),
        ("major", "major", "minor"),
        {"bright": ("I #io7 V7 V7", "I VI7 II7 V7", "I I V7 V7", "I IV iv I"), "dark": ("i i V7 V7", "i iv V7 i")},
        {"bright": ("playful", "festive", "quirky", "energetic"), "dark": ("quirky", "mysterious", "playful")},
        ("circus", "carousel", "cartoon", "fair"),
        """melody | fast, mid | calliope, piccolo, clarinet, trumpet, accordion |
        chords | oompah, offbeat | calliope, organ, brass, accordion |
        bass | polka, march | tuba, bassoon | at=.05
        drums | polka, march | acoustic drums, marching drums | p=.8 at=.3
        melody | thirds | clarinet, trumpet, piccolo | p=.6 at=.5 harm=1 db=-3
        arpeggio | up16, up8 | xylophone, glockenspiel | p=.4 at=.6""",
        metres=((2, 4), (4, 4), (3, 4)),
        odd=((6, 8),),
        loose=0.3,
        rooms=("room", "dry"),
        fills=("snare", "none"),
        level=0.8,
    ),
    "corporate": Genre(
        (96, 128),
        ("major",),
        {"bright": POP + ("I V/3 vi IV", "Iadd9 Vadd9 vi7 IVadd9", "IVadd9 I V vi")},
        {"bright": ("optimistic", "uplifting", "bright", "hopeful", "warm")},
        ("presentation", "technology", "advertising", "start-up"),
        """arpeggio | up8, pick, sync16 | muted guitar, plucked synth, marimba, piano |
        chords | held, quarters, strum | piano, acoustic guitar, clean electric guitar | p=.8
        pad | pad | warm pad, strings | p=.8
        bass | eighths, held | electric bass, synth bass | at=.4
        drums | pop, indie | drum machine, acoustic drums | at=.5
        percussion | clapping, shaker | hand claps, shaker | p=.5 at=.5
        melody | mid, slow, sync | bells, glockenspiel, clean electric guitar, piano, strings | p=.7 at=.55""",
        loose=0.15,
        rooms=("plate", "hall"),
        fills=("snare", "toms", "soft"),
        level=0.68,
        colour=0.2,
    ),
}
