"""Music of few or of one: solos, drums alone, choirs, drones, bowls, minimalism."""

# ruff: noqa: E501
from __future__ import annotations

from .genre import CLASSICAL, CLASSICAL_MINOR, MINOR, POP, Genre

_EVERYTHING = (
    "piano, electric piano, harpsichord, celesta, music box, vibraphone, marimba, xylophone, dulcimer, organ, church organ, "
    "accordion, harmonica, nylon guitar, acoustic guitar, jazz guitar, clean electric guitar, overdriven guitar, "
    "distorted guitar, violin, viola, cello, contrabass, harp, trumpet, trombone, tuba, muted trumpet, french horn, "
    "saxophone, baritone saxophone, oboe, english horn, bassoon, clarinet, piccolo, flute, recorder, pan flute, "
    "shakuhachi, ocarina, whistle, sitar, banjo, koto, shamisen, kalimba, fiddle, steel drums, bagpipes, shawm, "
    "handpan, reed organ, saw lead, square lead, bells, plucked synth, double bass, electric bass, slap bass, "
    "synth bass, guitar harmonics, tubular bells, glockenspiel, electric grand piano, clavinet, toy piano, honky-tonk piano"
)
_CHORDAL = (
    "piano, electric piano, harpsichord, celesta, vibraphone, marimba, organ, church organ, accordion, nylon guitar, "
    "acoustic guitar, jazz guitar, clean electric guitar, harp, kalimba, koto, banjo, dulcimer, handpan, music box"
)

STILLNESS: dict[str, Genre] = {
    "solo instrument": Genre(
        (56, 152),
        ("major", "minor", "dorian", "mixolydian", "phrygian", "blues"),
        {"bright": CLASSICAL + POP, "dark": CLASSICAL_MINOR + MINOR},
        {
            "bright": ("intimate", "gentle", "playful", "warm", "expressive"),
            "dark": ("lonely", "melancholic", "expressive", "intimate", "dramatic"),
        },
        ("reflection", "practice", "concert hall", "film"),
        f"""melody | slow, mid, fast, sync, swing, riff, bebop | {_EVERYTHING} |""",
        form="arc",
        metres=((4, 4), (3, 4), (6, 8)),
        odd=((5, 4), (7, 8), (12, 8), (2, 4), (9, 8)),
        loose=0.6,
        rooms=("room", "hall", "dry", "plate"),
        fills=("none",),
        pentatonic=0.3,
        level=0.66,
    ),
    "duet": Genre(
        (60, 144),
        ("major", "minor", "dorian", "lydian"),
        {"bright": CLASSICAL + POP, "dark": CLASSICAL_MINOR + MINOR},
        {
            "bright": ("intimate", "gentle", "warm", "playful"),
            "dark": ("melancholic", "intimate", "emotional", "mysterious"),
        },
        ("reflection", "romance", "concert hall", "living room"),
        f"""chords | ballad, quarters, pick, broken, alberti, up8, held | {_CHORDAL} |
        melody | slow, mid, fast, sync | {_EVERYTHING} |""",
        form="arc",
        metres=((4, 4), (3, 4), (6, 8)),
        odd=((5, 4), (7, 8), (12, 8), (2, 4)),
        loose=0.55,
        rooms=("room", "hall", "dry"),
        fills=("none",),
        level=0.64,
    ),
    "drum solo": Genre(
        (84, 180),
        ("minor",),
        {"dark": ("i",)},
        {"dark": ("energetic", "powerful", "intense", "driving", "virtuosic")},
        ("concert", "practice", "action", "sport"),
        """drums | rock, funk, breakbeat, metal, swing, samba, punk, disco, afrobeat, shuffle | acoustic drums, rock drums, jazz drums, drum machine, 808 drums, electronic drums, brushed drums |""",
        form="loop",
        metres=((4, 4), (4, 4), (4, 4), (6, 8)),
        odd=((7, 8), (5, 4), (3, 4), (12, 8)),
        loose=0.4,
        rooms=("room", "dry", "plate"),
        percussive=True,
        level=0.9,
    ),
    "percussion ensemble": Genre(
        (84, 144),
        ("minor",),
        {"dark": ("i",)},
        {"dark": ("hypnotic", "energetic", "driving", "earthy", "powerful")},
        ("ritual", "dance", "jungle", "documentary", "carnival"),
        """percussion | hand drums, congas, darbuka, afro bell | hand drums, congas, bongos |
        percussion | taiko, epic, samba, drumline | war drums, marching drums, orchestral percussion | p=.7 at=.3
        percussion | shaker, tambourine, guiro | shaker, tambourine | p=.8 at=.2
        percussion | afro bell, blocks, salsa | cowbell, claves, timbales, woodblocks | p=.6 at=.5
        percussion | clapping, palmas | hand claps | p=.4 at=.6""",
        form="arc",
        metres=((4, 4), (4, 4), (6, 8)),
        odd=((12, 8), (7, 8), (5, 4)),
        loose=0.4,
        rooms=("room", "hall"),
        fills=("none",),
        percussive=True,
        level=0.85,
    ),
    "choir": Genre(
        (52, 96),
        ("major", "minor", "dorian", "mixolydian"),
        {
            "bright": (*CLASSICAL, "I IV/T V/T I", "I,V/3 vi,iii IV,I/3 ii,V", "I bVII IV I"),
            "dark": (*CLASSICAL_MINOR, "i VII VI v", "i,iv/5 i,V i,VI iv,V", "i VI III VII"),
        },
        {
            "bright": ("serene", "solemn", "hopeful", "ethereal"),
            "dark": ("solemn", "mysterious", "mournful", "ethereal"),
        },
        ("church", "cathedral", "memorial", "fantasy", "heaven"),
        """pad | pad | voices, choir pad |
        melody | slow, long, mid | voices, choir pad | p=.7 at=.3 c=74
        melody | line | voices, choir pad | p=.5 at=.4 c=55
        bass | held, halves | voices | p=.6 at=.3 c=48
        pad | drone | church organ, reed organ, voices | p=.35 at=.4
        arpeggio | broken | harp | p=.1 at=.5""",
        form="arc",
        metres=((4, 4), (4, 4), (3, 4)),
        odd=((6, 4), (6, 8), (2, 2)),
        loose=0.4,
        rooms=("cathedral", "cathedral", "hall"),
        fills=("none",),
        bars_per_chord=(1, 1, 2),
        level=0.55,
    ),
    "drone": Genre(
        (40, 72),
        ("minor", "phrygian", "dorian", "lydian", "major"),
        {"bright": ("I", "I", "Isus2", "I IV/T"), "dark": ("i", "i", "Isus4", "I5", "i bII/T", "i VII/T")},
        {
            "bright": ("meditative", "ethereal", "peaceful"),
            "dark": ("dark", "hypnotic", "mysterious", "cold", "meditative"),
        },
        ("space", "meditation", "cave", "underwater", "sleep"),
        """pad | drone | drone, strings, reed organ, bagpipes, sitar |
        pad | drone, pad | airy pad, warm pad, sweep pad, choir pad, church organ | p=.7
        pad | pad | airy pad, voices, synth strings | p=.4 at=.5 c=72
        melody | long | bells, shakuhachi, tubular bells, cello | p=.25 at=.6""",
        form="still",
        loose=0.5,
        rooms=("cathedral", "hall"),
        fills=("none",),
        bars_per_chord=(2, 4),
        level=0.5,
    ),
    "meditation": Genre(
        (44, 66),
        ("major", "lydian", "dorian", "minor"),
        {"bright": ("Iadd9", "I IV/T", "Isus2 I", "Imaj7 IVmaj7"), "dark": ("iadd9", "i VI", "i7 iv7", "I5")},
        {"bright": ("meditative", "calm", "peaceful", "soothing"), "dark": ("meditative", "calm", "introspective")},
        ("meditation", "yoga", "spa", "sleep", "breathing exercise"),
        """melody | long, slow | singing bowls, tubular bells, bells |
        pad | drone | drone, airy pad, strings | p=.7
        pad | pad | warm pad, airy pad, choir pad, sweep pad | p=.7
        melody | long, slow | pan flute, shakuhachi, flute, harp, kalimba | p=.45 at=.4
        arpeggio | slow | singing bowls, harp, kalimba | p=.3 at=.3
        effect | waves | ocean waves, birds | p=.35""",
        form="still",
        loose=0.6,
        rooms=("cathedral", "hall"),
        fills=("none",),
        bars_per_chord=(2, 1),
        pentatonic=0.8,
        level=0.42,
    ),
    "handpan": Genre(
        (72, 112),
        ("minor", "dorian", "minor"),
        {"dark": ("i", "i VII", "i VI VII i", "i VI", "i v VI v")},
        {"dark": ("hypnotic", "meditative", "warm", "dreamy", "earthy")},
        ("street", "meditation", "travel", "sunset", "nature"),
        """arpeggio | up8, pick, sync16, broken | handpan |
        melody | mid, sync | handpan | p=.7 c=66
        percussion | hand drums, shaker | hand drums, shaker | p=.4 at=.5
        pad | pad | airy pad, warm pad, drone | p=.4 at=.3
        melody | slow, long | flute, shakuhachi, cello | p=.25 at=.55""",
        form="arc",
        metres=((4, 4), (6, 8), (4, 4)),
        odd=((7, 8), (5, 4)),
        loose=0.4,
        rooms=("hall", "room", "cathedral"),
        fills=("none",),
        pentatonic=0.8,
        level=0.6,
    ),
    "kalimba": Genre(
        (72, 118),
        ("major", "major", "minor", "mixolydian"),
        {"bright": POP + ("I IV", "I bVII IV I"), "dark": ("i VII VI VII", "i VI III VII", "i IV")},
        {"bright": ("gentle", "warm", "playful", "dreamy", "innocent"), "dark": ("dreamy", "nostalgic", "gentle")},
        ("nature", "study", "children", "sunrise", "sleep"),
        """melody | mid, slow, sync | kalimba |
        arpeggio | up8, broken, pick | kalimba | slot=second
        pad | pad | warm pad, airy pad, strings | p=.4 at=.3
        percussion | shaker, hand drums | shaker, hand drums | p=.3 at=.5
        bass | held, ballad | double bass, fretless bass | p=.2 at=.5""",
        form="arc",
        metres=((4, 4), (3, 4), (6, 8)),
        odd=((12, 8), (5, 4)),
        loose=0.4,
        rooms=("room", "hall"),
        fills=("none",),
        pentatonic=0.5,
        level=0.52,
    ),
    "minimalism": Genre(
        (108, 168),
        ("major", "mixolydian", "dorian", "minor", "lydian"),
        {
            "bright": ("I", "I IV", "Iadd9 V/T", "I iii", "Imaj7 V"),
            "dark": ("i", "i VI", "i VII", "i9 VImaj7", "iadd9 v"),
        },
        {"bright": ("hypnotic", "bright", "restless"), "dark": ("hypnotic", "introspective", "restless", "tense")},
        ("documentary", "city", "technology", "time lapse"),
        """arpeggio | up8, broken, sync16, wide | marimba, piano, vibraphone, clarinet, plucked synth |
        arpeggio | up16, up8, broken, updown16 | marimba, piano, xylophone, strings, organ | at=.2
        melody | riff | clarinet, violin, flute, marimba, saxophone | p=.7 at=.4
        chords | ostinato, tremolo | strings, pizzicato strings, organ, piano | p=.6 at=.5
        melody | line | cello, bassoon, clarinet | p=.5 at=.6 c=58
        bass | held, halves | contrabass, electric bass | p=.4 at=.6
        pad | pad | strings, voices | p=.4 at=.7""",
        form="arc",
        metres=((4, 4), (6, 8), (3, 4)),
        odd=((5, 4), (7, 8), (12, 8), (9, 8), (6, 4)),
        loose=0.15,
        rooms=("room", "hall"),
        fills=("none",),
        bars_per_chord=(2, 4),
        level=0.65,
    ),
}
