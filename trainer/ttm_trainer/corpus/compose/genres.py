"""What makes each genre sound like itself: tempo, modes, progressions, form, moods and layers of instruments.

A layer line reads "role | styles | instruments | options": styles and instruments are comma-separated choices, one of
each is drawn for a piece. Options: at=lowest section energy it plays in, p=chance to be in a piece, db=gain offset,
c=register centre (MIDI), slot=layers sharing a slot are one player, harm=the layer follows the melody of the piece.
"""

# ruff: noqa: E501
from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Genre:
    """One genre; `progressions` and `moods` are keyed "bright" (major-like modes) and "dark" (minor-like modes)."""

    tempo: tuple[int, int]
    modes: tuple[str, ...]
    progressions: dict[str, tuple[str, ...]]
    moods: dict[str, tuple[str, ...]]
    themes: tuple[str, ...]
    layers: str
    form: str = "song"  # "song" | "club" | "loop" | "arc"
    metres: tuple[tuple[int, int], ...] = ((4, 4),)
    swing: tuple[float, float] = (0.5, 0.5)
    swing_unit: float = 0.5
    loose: float = 0.5  # humanisation, 0 machine .. 1 rubato
    rooms: tuple[str, ...] = ("room", "plate")
    fills: tuple[str, ...] = ("toms", "snare")
    bars_per_chord: tuple[int, ...] = (1,)
    pentatonic: float = 0.2  # chance that melodies use five notes
    sidechain: float = 0.0
    tonics: tuple[int, ...] = tuple(range(12))
    level: float = 0.8  # playing force 0..1
    master: dict = field(default_factory=dict)


POP = ("I V vi IV", "vi IV I V", "I vi IV V", "I IV vi V", "IV I V vi", "I iii IV V", "I V IV V", "I ii IV V")
MINOR = (
    "i VI III VII",
    "i VII VI VII",
    "i iv VI V",
    "i VI iv V",
    "i III VII VI",
    "VI VII i i",
    "i v VI iv",
    "i VII iv VI",
)
CLUB = ("i i VI VII", "i VI III VII", "i iv i VII", "VI VII i i", "i VII VI VI", "i i iv VI", "i III VII iv")
SOUL = (
    "Imaj7 vi7 ii9 V9",
    "ii9 V13 Imaj9 vi7",
    "Imaj9 IVmaj9 iii7 vi9",
    "IVmaj9 iii7 ii9 Imaj9",
    "Imaj7 iii7 IVmaj7 iv6",
)
SOUL_MINOR = ("i9 iv9 VImaj7 V7", "iv9 VII9 IIImaj9 VImaj7", "i9 VImaj9 iv9 v7", "VImaj7 v7 i9 i9", "i7 VImaj7 III iv9")
CLASSICAL = ("I IV V7 I", "I vi ii V7", "I V7 vi iii IV I ii V7", "I ii6,V7 I vi ii V7 I I", "I V I,IV V7")
CLASSICAL_MINOR = ("i iv V7 i", "i VI iio V7", "i V7 i iv i,V7 i VI V7", "i iv VII III VI iio V7 i", "i v VI V7")
CINEMA = ("i VI III VII", "i VI iv V", "i i VI VI III III VII VII", "i VII VI iv", "i v VI III")

STYLES: dict[str, Genre] = {
    "house": Genre(
        (118, 128),
        ("minor", "minor", "dorian", "major"),
        {"bright": POP + ("Imaj7 IVmaj7 ii7 V7", "IVmaj7 V7 iii7 vi7"), "dark": CLUB + ("i7 iv7 VII7 IIImaj7",)},
        {
            "bright": ("uplifting", "energetic", "happy", "bright", "groovy"),
            "dark": ("groovy", "energetic", "hypnotic", "sensual", "driving"),
        },
        ("party", "club", "dance floor", "summer", "fashion show"),
        """drums | house | drum machine, drum machine, 808 drums | at=.3
        percussion | congas, shaker | congas, shaker | p=.45 at=.55
        bass | offbeat, house, octaves | synth bass, sub bass, synth bass | at=.5
        chords | stabs, offbeat, quarters | piano, supersaw chords, organ, plucked synth, electric piano | at=.35
        pad | pad | warm pad, airy pad, strings | p=.6
        melody | sync, riff, mid | saw lead, plucked synth, supersaw lead, vibraphone, saxophone | p=.75 at=.75
        arpeggio | sync16, up16 | arpeggiated synth, bells | p=.35 at=.6
        effect | rise | riser | p=.6
        effect | sweep | noise sweep | p=.5""",
        form="club",
        loose=0.05,
        swing=(0.5, 0.56),
        swing_unit=0.25,
        rooms=("plate", "room"),
        fills=("hats", "stop", "snare"),
        sidechain=0.6,
    ),
    "techno": Genre(
        (124, 138),
        ("minor", "phrygian", "dorian"),
        {"dark": ("i", "i i i bII", "i i VI VII", "i", "i i iv i")},
        {"dark": ("dark", "driving", "hypnotic", "intense", "mechanical", "cold")},
        ("club", "warehouse", "night", "future", "technology"),
        """drums | techno | drum machine, drum machine, electronic drums | at=.3
        bass | rolling, offbeat, acid, sixteenths | acid bass, synth bass, sub bass, reese bass | at=.4
        arpeggio | sync16, up16, updown16 | arpeggiated synth, plucked synth | p=.8 at=.45
        chords | stabs, offbeat | supersaw chords, plucked synth, synth strings | p=.6 at=.6
        pad | pad | drone, airy pad, warm pad | p=.8
        melody | riff | square lead, saw lead, bells | p=.4 at=.85
        percussion | shaker, congas | shaker, congas | p=.3 at=.7
        effect | rise | riser | p=.5
        effect | sweep | noise sweep | p=.6""",
        form="club",
        loose=0.03,
        rooms=("hall", "plate"),
        fills=("hats", "stop", "none"),
        bars_per_chord=(1, 2),
        sidechain=0.6,
    ),
    "trance": Genre(
        (132, 142),
        ("minor", "minor", "minor", "major"),
        {"bright": POP, "dark": CLUB + MINOR},
        {
            "bright": ("euphoric", "uplifting", "energetic"),
            "dark": ("euphoric", "uplifting", "epic", "energetic", "dreamy"),
        },
        ("festival", "party", "club", "space", "night drive"),
        """drums | trance | drum machine | at=.5
        bass | rolling, offbeat | synth bass | at=.55
        chords | held, quarters, stabs | supersaw chords | at=.8
        melody | mid, sync, slow | supersaw lead, saw lead, plucked synth | at=.65 c=76
        arpeggio | up16, updown16, sync16 | arpeggiated synth, plucked synth | at=.25
        pad | pad | warm pad, airy pad, strings, choir pad |
        melody | slow | piano, bells | p=.4 at=.3 top=.65 c=72
        effect | rise | riser | p=.8
        effect | sweep | noise sweep | p=.7""",
        form="club",
        loose=0.03,
        rooms=("hall", "plate"),
        fills=("snare", "hats"),
        sidechain=0.7,
    ),
    "drum and bass": Genre(
        (166, 178),
        ("minor", "minor", "dorian", "major"),
        {"bright": SOUL + POP, "dark": CLUB + SOUL_MINOR},
        {
            "bright": ("energetic", "uplifting", "fast-paced"),
            "dark": ("energetic", "intense", "fast-paced", "dark", "driving"),
        },
        ("sport", "racing", "video game", "action", "club"),
        """drums | breakbeat | breakbeat drums, drum machine, acoustic drums | at=.4
        bass | dnb, held, wobble | reese bass, sub bass, synth bass | at=.5
        pad | pad | warm pad, airy pad, strings, synth strings |
        chords | ballad, held, stabs | electric piano, piano, plucked synth | p=.6 at=.3
        melody | slow, sync, mid | square lead, saw lead, flute, bells, piano | p=.7 at=.6
        arpeggio | sync16, up8 | arpeggiated synth, plucked synth, harp | p=.5 at=.3
        effect | rise | riser | p=.6""",
        form="club",
        loose=0.06,
        rooms=("plate", "hall"),
        fills=("snare", "toms", "hats"),
        bars_per_chord=(2, 2, 1),
        sidechain=0.3,
    ),
    "dubstep": Genre(
        (138, 146),
        ("minor", "phrygian"),
        {"dark": ("i i VI VI", "i VI i VII", "i bII i i", "i i VI V")},
        {"dark": ("heavy", "dark", "aggressive", "menacing", "intense")},
        ("action", "video game", "trailer", "extreme sport"),
        """drums | halftime | drum machine, 808 drums, electronic drums | at=.5
        bass | wobble, dnb | reese bass, synth bass, acid bass | at=.65
        bass | held | sub bass | at=.6 p=.5
        melody | sync, slow, riff | square lead, saw lead, bells, plucked synth | p=.8 at=.3
        pad | pad | drone, choir pad, airy pad, strings |
        arpeggio | sync16, up8 | arpeggiated synth, music box, plucked synth | p=.6 at=.25 top=.8
        effect | rise | riser | p=.8
        effect | sweep | noise sweep | p=.6""",
        form="club",
        loose=0.04,
        rooms=("hall",),
        fills=("snare", "stop", "hats"),
        sidechain=0.3,
        master={"drive": 0.3},
    ),
    "electro": Genre(
        (112, 130),
        ("minor", "dorian", "phrygian"),
        {"dark": CLUB},
        {"dark": ("robotic", "groovy", "driving", "cool", "futuristic")},
        ("technology", "future", "video game", "commercial"),
        """drums | electro | 808 drums, drum machine, electronic drums | at=.25
        bass | sixteenths, octaves, acid, funk | acid bass, synth bass | at=.35
        chords | stabs, offbeat | supersaw chords, synth strings, synth brass | p=.7 at=.5
        melody | riff, sync, fast | square lead, saw lead, bells, synth brass | at=.6 p=.85
        arpeggio | up16, sync16 | arpeggiated synth, plucked synth | p=.5 at=.4
        pad | pad | synth strings, airy pad, warm pad | p=.5
        effect | sweep | noise sweep | p=.4""",
        form="club",
        loose=0.03,
        rooms=("room", "plate"),
        fills=("hats", "snare", "stop"),
        sidechain=0.3,
    ),
    "synthwave": Genre(
        (84, 116),
        ("minor", "minor", "major", "dorian"),
        {"bright": POP, "dark": MINOR},
        {
            "bright": ("nostalgic", "uplifting", "dreamy"),
            "dark": ("nostalgic", "dark", "driving", "dreamy", "mysterious"),
        },
        ("night drive", "city at night", "science fiction", "1980s film"),
        """drums | synthwave | electronic drums, drum machine, 808 drums | at=.4
        bass | octaves, eighths, sixteenths | synth bass, synth bass, acid bass | at=.25
        pad | pad | warm pad, synth strings, airy pad |
        arpeggio | up16, updown16, up8 | arpeggiated synth, plucked synth | p=.8 at=.3
        melody | slow, mid, sync | saw lead, square lead, supersaw lead, saxophone, bells | at=.55
        chords | stabs, held | synth brass, supersaw chords, electric piano | p=.45 at=.8""",
        loose=0.08,
        rooms=("hall", "plate"),
        fills=("toms", "snare"),
        bars_per_chord=(1, 2),
        sidechain=0.25,
    ),
    "chiptune": Genre(
        (110, 176),
        ("major", "major", "minor"),
        {"bright": POP + ("I bVII IV I", "I IV V V"), "dark": MINOR},
        {
            "bright": ("playful", "happy", "energetic", "quirky", "cheerful"),
            "dark": ("adventurous", "intense", "driving", "retro"),
        },
        ("video game", "retro gaming", "platform game", "adventure", "pixel art"),
        """melody | mid, fast, sync | chiptune lead | at=.2
        arpeggio | up16, updown16 | chiptune arpeggio | at=.4 p=.85
        bass | chip, octaves, eighths | chiptune bass | at=.2
        drums | chip | 8-bit drums | at=.4
        melody | thirds | square lead | at=.8 p=.4 harm=1 db=-5""",
        loose=0.0,
        rooms=("dry", "room"),
        fills=("snare", "hats"),
        level=0.85,
    ),
    "ambient": Genre(
        (52, 84),
        ("major", "lydian", "dorian", "minor", "minor"),
        {
            "bright": ("Imaj7 IVmaj7", "Imaj9 iii7 IVmaj7 IVmaj7", "Iadd9 IVadd9", "I ii I IV", "IVmaj9 Imaj9"),
            "dark": ("i9 VImaj7", "iadd9 VI III VII", "i iv i VI", "i7 iv9", "i VII i VI"),
        },
        {
            "bright": ("calm", "peaceful", "dreamy", "ethereal", "meditative", "relaxing"),
            "dark": ("atmospheric", "mysterious", "dreamy", "dark", "introspective", "melancholic"),
        },
        ("space", "meditation", "nature", "sleep", "underwater", "documentary"),
        """pad | pad | warm pad, airy pad, strings, choir pad |
        pad | drone | drone | p=.6
        melody | long, slow | bells, piano, flute, airy pad, plucked synth, celesta, shakuhachi | p=.75 at=.4
        arpeggio | slow, up8, broken | plucked synth, electric piano, bells, harp, kalimba, piano | p=.6 at=.35
        pad | pad | airy pad, synth strings, choir pad | p=.5 at=.6 c=72
        bass | held | sub bass | p=.3 at=.7""",
        form="arc",
        loose=0.5,
        rooms=("cathedral", "hall"),
        bars_per_chord=(1, 2),
        pentatonic=0.6,
        level=0.5,
    ),
    "lo-fi hip hop": Genre(
        (68, 92),
        ("major", "dorian", "minor"),
        {"bright": SOUL, "dark": SOUL_MINOR},
        {
            "bright": ("chill", "relaxed", "mellow", "warm", "cozy"),
            "dark": ("mellow", "melancholic", "nostalgic", "chill", "dreamy"),
        },
        ("study", "late night", "rainy day", "coffee shop", "relaxation"),
        """drums | boombap | acoustic drums, 808 drums, drum machine | at=.45
        chords | ballad, charleston, held | electric piano, piano, jazz guitar, nylon guitar, vibraphone |
        bass | boombap, ballad, held | electric bass, sub bass, double bass, fretless bass | at=.4
        melody | mid, sync, slow | piano, electric piano, nylon guitar, saxophone, flute, vibraphone, muted trumpet, kalimba | p=.75 at=.5
        pad | pad | warm pad, strings | p=.4
        effect | vinyl | vinyl crackle | p=.8""",
        form="loop",
        swing=(0.55, 0.63),
        swing_unit=0.25,
        loose=0.6,
        rooms=("room", "plate"),
        fills=("soft", "none"),
        pentatonic=0.6,
        level=0.6,
        master={"lofi": 0.6, "brightness": -3},
    ),
    "hip hop": Genre(
        (82, 100),
        ("minor", "minor", "dorian"),
        {"dark": SOUL_MINOR + ("i i iv i", "i VI i VII")},
        {"dark": ("groovy", "confident", "gritty", "cool", "laid-back")},
        ("street", "city", "sport", "urban film"),
        """drums | boombap | acoustic drums, drum machine, 808 drums | at=.3
        bass | boombap, funk | electric bass, sub bass, synth bass | at=.35
        chords | stabs, charleston, held | electric piano, piano, organ, brass, clavinet | at=.2
        melody | riff, sync | strings, flute, square lead, clean electric guitar, trumpet, saw lead, piano | p=.75 at=.6
        pad | pad | strings, warm pad | p=.35""",
        form="loop",
        swing=(0.54, 0.6),
        swing_unit=0.25,
        loose=0.35,
        rooms=("room", "plate"),
        fills=("stop", "snare", "soft"),
        pentatonic=0.6,
    ),
    "trap": Genre(
        (128, 150),
        ("minor", "minor", "phrygian"),
        {"dark": ("i i VI VI", "i VI i v", "i i VI V", "i iv VI V")},
        {"dark": ("dark", "menacing", "confident", "moody", "heavy")},
        ("street", "night", "city", "urban film"),
        """drums | trap | 808 drums | at=.45
        bass | trap | sub bass | at=.5
        melody | riff, sync, mid | bells, plucked synth, flute, piano, music box, koto | at=.2
        arpeggio | up8, sync16, slow | plucked synth, harp, bells | p=.4 at=.6
        pad | pad | choir pad, strings, airy pad, warm pad | p=.7
        chords | held, ballad | strings, brass, piano | p=.4 at=.7
        effect | rise | riser | p=.3""",
        form="loop",
        loose=0.05,
        rooms=("hall", "plate"),
        fills=("hats", "stop", "none"),
        pentatonic=0.4,
    ),
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
GENRES: tuple[str, ...] = tuple(STYLES)
