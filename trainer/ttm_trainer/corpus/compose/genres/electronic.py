"""Electronic music and hip hop: house to trap."""

# ruff: noqa: E501
from __future__ import annotations

from .genre import CLUB, MINOR, POP, SOUL, SOUL_MINOR, Genre

ELECTRONIC: dict[str, Genre] = {
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
}
