"""Music of bands: rock to country."""

# ruff: noqa: E501
from __future__ import annotations

from .genre import MINOR, POP, SOUL, SOUL_MINOR, Genre

BANDS: dict[str, Genre] = {
    "rock": Genre(
        (104, 152),
        ("major", "mixolydian", "minor", "minor"),
        {"bright": POP + ("I bVII IV I", "I IV I V"), "dark": MINOR + ("i VII VI VII", "i III VII IV")},
        {
            "bright": ("energetic", "uplifting", "powerful", "anthemic"),
            "dark": ("energetic", "gritty", "powerful", "driving", "rebellious"),
        },
        ("road trip", "sport", "action", "concert", "motor racing"),
        """drums | rock | rock drums, acoustic drums | at=.35
        bass | rock, eighths | electric bass | at=.3
        chords | power, strum | distorted guitar, overdriven guitar | at=.5
        chords | strum, eighths | clean electric guitar, acoustic guitar, piano, organ | p=.65 at=0
        melody | mid, riff, sync, fast | overdriven guitar, distorted guitar, clean electric guitar | at=.6 p=.85
        melody | thirds | distorted guitar | p=.25 at=.9 harm=1 db=-3""",
        loose=0.35,
        rooms=("room", "plate"),
        tonics=(0, 2, 4, 7, 9, 11, 5),
        pentatonic=0.7,
        level=0.92,
        master={"drive": 0.15},
    ),
    "metal": Genre(
        (120, 180),
        ("minor", "phrygian", "minor"),
        {"dark": ("i i VI VII", "i VI VII i", "i i bII i", "i VII VI V", "i i iv VI")},
        {"dark": ("aggressive", "heavy", "dark", "intense", "powerful", "furious")},
        ("battle", "action", "horror", "extreme sport"),
        """drums | metal | rock drums | at=.3
        bass | chug | electric bass | at=.3
        chords | chug | distorted guitar | at=.25
        chords | power | distorted guitar | at=.5 p=.8
        melody | fast, riff, mid | overdriven guitar, distorted guitar | at=.7 p=.85 c=74
        melody | thirds | overdriven guitar | p=.45 at=.85 harm=1 db=-2
        arpeggio | up8, pick | clean electric guitar | at=0 top=.5 p=.9
        pad | pad | strings, choir pad | p=.3""",
        loose=0.2,
        rooms=("room", "plate"),
        tonics=(2, 4, 0, 11, 9, 7),
        level=1.0,
        master={"drive": 0.25},
    ),
    "punk rock": Genre(
        (156, 190),
        ("major", "major", "minor"),
        {"bright": POP + ("I IV V IV", "I V IV IV"), "dark": MINOR},
        {
            "bright": ("energetic", "fast-paced", "happy", "rebellious"),
            "dark": ("rebellious", "energetic", "fast-paced", "angry"),
        },
        ("skateboarding", "party", "sport"),
        """drums | punk | rock drums, acoustic drums | at=.3
        bass | eighths | electric bass | at=.2
        chords | eighths, power | distorted guitar, overdriven guitar | at=.1
        chords | eighths | overdriven guitar | at=.6 p=.6
        melody | mid, riff | overdriven guitar | at=.65 p=.8""",
        loose=0.3,
        rooms=("room",),
        tonics=(0, 2, 4, 7, 9, 11),
        pentatonic=0.6,
        level=0.98,
        master={"drive": 0.25},
    ),
    "jazz": Genre(
        (96, 200),
        ("major", "major", "minor", "dorian"),
        {
            "bright": (
                "ii7 V7 Imaj7 VI7",
                "Imaj7,vi7 ii7,V7 iii7,VI7 ii7,V7",
                "Imaj7 IVmaj7 iii7,VI7 ii7,V7",
                "ii7 V7 Imaj7 Imaj7 ii7 V7 iii7 VI7",
            ),
            "dark": ("i7 iiø,V7 i7 iiø,V7", "i6 iv7 iiø V7", "iv7 VII7 IIImaj7 VImaj7 iiø V7 i6 i6", "i7 i7 iv7 V7"),
        },
        {
            "bright": ("sophisticated", "playful", "relaxed", "elegant", "upbeat"),
            "dark": ("smoky", "sophisticated", "mysterious", "moody", "cool"),
        },
        ("jazz club", "cocktail bar", "late night", "city", "restaurant"),
        """drums | swing | jazz drums, brushed drums | at=.3
        bass | walking | double bass | at=.2
        chords | charleston | piano, piano, jazz guitar, electric piano |
        melody | swing, bebop | saxophone, trumpet, piano, vibraphone, jazz guitar, muted trumpet, clarinet, trombone, flute | at=.4
        melody | thirds | trumpet, trombone, saxophone | p=.2 at=.85 harm=1 db=-3""",
        swing=(0.61, 0.68),
        loose=0.5,
        rooms=("room", "room", "plate"),
        fills=("soft", "snare"),
        level=0.7,
    ),
    "bossa nova": Genre(
        (112, 148),
        ("major", "major", "minor"),
        {
            "bright": (
                "Imaj7 II7 ii7 V7",
                "Imaj9 vi7 ii9 V13",
                "Imaj7 Imaj7 ii7 V7 iii7 VI7 ii7 V7",
                "IVmaj7 iv6 iii7 VI7 ii7 V7 Imaj7 Imaj7",
            ),
            "dark": ("i9 iv9 iiø V7", "i7 VImaj7 iiø V7", "i6 i6 iiø V7 iv7 VII7 IIImaj7 V7"),
        },
        {
            "bright": ("relaxed", "warm", "romantic", "breezy", "mellow"),
            "dark": ("mellow", "romantic", "nostalgic", "intimate"),
        },
        ("beach", "summer", "restaurant", "travel", "vacation"),
        """chords | bossa | nylon guitar |
        bass | bossa | double bass, electric bass, fretless bass | at=.3
        drums | bossa | brushed drums, acoustic drums, jazz drums | at=.45 db=-4
        percussion | shaker | shaker | p=.4 at=.5
        melody | sync, mid, slow | flute, saxophone, piano, vibraphone, clarinet, electric piano, muted trumpet, accordion | at=.4
        pad | pad | strings | p=.25 at=.7""",
        loose=0.45,
        rooms=("room", "plate"),
        fills=("soft", "none"),
        level=0.62,
    ),
    "funk": Genre(
        (94, 118),
        ("dorian", "dorian", "mixolydian"),
        {
            "bright": ("I7 I7 IV7 I7", "I9 IV9", "I7 bVII IV7 I7"),
            "dark": ("i7 IV7", "i9 i9 IV9 i9", "i7 i7 VII IV7", "i7 ii7 i7 IV9"),
        },
        {"bright": ("funky", "groovy", "upbeat", "cheerful"), "dark": ("funky", "groovy", "cool", "confident")},
        ("party", "street", "comedy", "dance floor"),
        """drums | funk | acoustic drums, rock drums | at=.25
        bass | funk | slap bass, electric bass, slap bass | at=.2
        chords | funk | clean electric guitar, muted guitar | at=.35
        chords | funk, stabs, skank | clavinet, organ, electric piano | p=.8 at=.2
        melody | sync, riff, fast | brass, saxophone, trumpet, synth brass, organ | at=.6
        percussion | congas, tambourine | congas, tambourine | p=.4 at=.6
        melody | thirds | trombone | p=.3 at=.9 harm=1 db=-3""",
        form="loop",
        swing=(0.5, 0.56),
        swing_unit=0.25,
        loose=0.35,
        rooms=("room",),
        fills=("snare", "toms", "stop"),
        pentatonic=0.7,
        level=0.85,
    ),
    "disco": Genre(
        (110, 126),
        ("minor", "major", "dorian"),
        {"bright": SOUL + POP, "dark": SOUL_MINOR + ("i7 iv7 VII IIImaj7", "i VII VI V")},
        {"bright": ("happy", "upbeat", "groovy", "glamorous"), "dark": ("groovy", "glamorous", "energetic", "sensual")},
        ("party", "dance floor", "fashion show", "summer"),
        """drums | disco | acoustic drums, drum machine | at=.25
        bass | octaves, funk | electric bass, synth bass, slap bass | at=.3
        chords | funk, eighths | clean electric guitar, muted guitar | at=.4
        pad | pad | strings, synth strings |
        chords | stabs, offbeat | electric piano, piano, clavinet | p=.6 at=.3
        melody | sync, mid | strings, brass, saxophone, flute, saw lead | at=.6
        percussion | congas, tambourine | congas, tambourine | p=.5 at=.5""",
        loose=0.2,
        rooms=("plate", "room"),
        fills=("toms", "snare", "hats"),
        sidechain=0.1,
    ),
    "reggae": Genre(
        (68, 86),
        ("major", "major", "minor", "dorian"),
        {
            "bright": ("I IV I V", "I V vi IV", "I I IV IV", "I ii I ii"),
            "dark": ("i iv i iv", "i VII i VII", "i i iv v", "i VII VI VII"),
        },
        {"bright": ("laid-back", "happy", "sunny", "relaxed"), "dark": ("laid-back", "chill", "moody", "dubby")},
        ("beach", "summer", "island", "vacation", "travel"),
        """drums | reggae | acoustic drums | at=.2
        bass | reggae | electric bass, sub bass | at=.2
        chords | skank | clean electric guitar, muted guitar |
        chords | skank, offbeat | organ, piano, electric piano | p=.85 at=.2
        melody | mid, sync, slow | trombone, saxophone, organ, harmonica, trumpet, brass, clean electric guitar | at=.5
        percussion | congas, shaker | hand drums, shaker | p=.35 at=.5""",
        form="loop",
        swing=(0.5, 0.6),
        loose=0.4,
        rooms=("plate", "room"),
        fills=("toms", "snare"),
        level=0.72,
        pentatonic=0.5,
    ),
    "blues": Genre(
        (66, 124),
        ("blues",),
        {"bright": ("I7 I7 I7 I7 IV7 IV7 I7 I7 V7 IV7 I7 V7", "I7 IV7 I7 I7 IV7 IV7 I7 VI7 ii7 V7 I7 V7")},
        {"bright": ("soulful", "gritty", "laid-back", "raw", "bluesy")},
        ("bar", "road trip", "late night", "train journey"),
        """drums | shuffle | acoustic drums, rock drums, brushed drums | at=.35
        bass | blues, walking | electric bass, double bass | at=.3
        chords | shuffle, charleston | piano, organ, clean electric guitar, honky-tonk piano |
        chords | shuffle | overdriven guitar, acoustic guitar, clean electric guitar | p=.6 at=.35
        melody | swing, sync, mid | overdriven guitar, harmonica, clean electric guitar, saxophone, piano | at=.35""",
        form="loop",
        metres=((4, 4), (4, 4), (4, 4), (6, 8)),
        swing=(0.62, 0.67),
        loose=0.5,
        rooms=("room",),
        fills=("snare", "toms"),
        tonics=(0, 2, 4, 5, 7, 9, 10),
        pentatonic=1.0,
        level=0.78,
    ),
    "folk": Genre(
        (84, 126),
        ("major", "major", "mixolydian", "dorian"),
        {
            "bright": POP + ("I IV I V", "I bVII IV I"),
            "dark": ("i VII i VII", "i IV i VII", "i III VII IV", "i VII VI VII"),
        },
        {
            "bright": ("warm", "peaceful", "hopeful", "cheerful", "gentle"),
            "dark": ("wistful", "gentle", "melancholic", "earthy", "nostalgic"),
        },
        ("nature", "campfire", "travel", "countryside", "storytelling"),
        """chords | strum, pick | acoustic guitar, nylon guitar |
        bass | rootfifth, ballad | double bass, electric bass | p=.6 at=.4
        melody | mid, slow | fiddle, flute, harmonica, accordion, recorder, acoustic guitar, violin, ocarina, clarinet | at=.4
        arpeggio | pick, banjo | banjo, acoustic guitar, dulcimer, harp | p=.5 at=.5
        percussion | shaker, tambourine, hand drums | shaker, tambourine, hand drums | p=.45 at=.55
        pad | pad | strings, accordion, cello | p=.3 at=.6""",
        metres=((4, 4), (4, 4), (3, 4), (6, 8)),
        loose=0.55,
        rooms=("room", "hall"),
        fills=("none",),
        tonics=(0, 2, 4, 7, 9),
        pentatonic=0.4,
        level=0.6,
    ),
    "country": Genre(
        (88, 132),
        ("major", "major", "mixolydian"),
        {"bright": ("I I IV IV V V I I", "I IV V I", "I V IV I", "I IV I V", "I vi IV V")},
        {"bright": ("happy", "cheerful", "upbeat", "warm", "easygoing")},
        ("road trip", "countryside", "western film", "farm"),
        """chords | boomchick, strum | acoustic guitar |
        bass | country | electric bass, double bass | at=.2
        drums | train, ballad | acoustic drums, brushed drums | at=.4
        melody | mid, fast, sync | fiddle, clean electric guitar, banjo, harmonica, honky-tonk piano | at=.4
        arpeggio | banjo, pick | banjo, clean electric guitar | p=.55 at=.55
        chords | charleston, ballad | piano, honky-tonk piano, organ | p=.4 at=.6""",
        swing=(0.5, 0.58),
        loose=0.4,
        rooms=("room",),
        fills=("snare", "soft"),
        tonics=(0, 2, 4, 7, 9),
        pentatonic=0.8,
        level=0.75,
    ),
}
