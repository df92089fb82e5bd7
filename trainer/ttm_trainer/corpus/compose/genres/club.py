"""More electronic and urban music: hardstyle to trap soul."""

from __future__ import annotations

from .genre import CLUB, MINOR, POP, SOUL, SOUL_MINOR, Genre

CLUB_MUSIC: dict[str, Genre] = {
    "hardstyle": Genre(
        (148, 160),
        ("minor", "minor", "phrygian", "major"),
        {"bright": POP, "dark": CLUB + MINOR},
        {"bright": ("euphoric", "energetic", "uplifting"), "dark": ("aggressive", "energetic", "intense", "euphoric")},
        ("festival", "gym", "party", "racing"),
        """drums | hardstyle, gabber | distorted drum machine, drum machine | at=.45
        bass | hardstyle, offbeat | reese bass, synth bass | at=.5
        melody | mid, sync, riff | supersaw lead, saw lead, square lead | at=.6 c=76
        chords | held, quarters | supersaw chords | at=.75
        pad | pad | strings, choir pad, airy pad, warm pad | p=.8 at=.1
        melody | slow | piano, bells, violin | p=.5 at=.2 top=.6
        arpeggio | up16, sync16 | arpeggiated synth, plucked synth | p=.4 at=.5
        effect | rise | riser | p=.8""",
        form="club",
        loose=0.02,
        rooms=("hall", "plate"),
        fills=("snare", "stop", "hats"),
        sidechain=0.7,
        level=0.95,
        master={"drive": 0.45},
    ),
    "psytrance": Genre(
        (138, 148),
        ("phrygian", "minor", "phrygian"),
        {"dark": ("i", "i i bII i", "i i VI VII", "i bII")},
        {"dark": ("hypnotic", "driving", "energetic", "mysterious")},
        ("festival", "forest party", "desert", "space"),
        """drums | techno, trance | drum machine | at=.35
        bass | rolling | acid bass, synth bass, sub bass | at=.35
        arpeggio | sync16, up16, updown16 | arpeggiated synth, plucked synth | at=.3
        melody | riff, fast | saw lead, square lead, sitar | p=.7 at=.65
        pad | pad | airy pad, drone, choir pad, sweep pad |
        effect | rise | riser | p=.7
        effect | sweep | noise sweep | p=.6""",
        form="club",
        loose=0.02,
        rooms=("hall",),
        fills=("hats", "stop", "none"),
        bars_per_chord=(1, 2),
        sidechain=0.5,
    ),
    "UK garage": Genre(
        (128, 136),
        ("minor", "minor", "dorian", "major"),
        {"bright": SOUL + POP, "dark": SOUL_MINOR + CLUB},
        {"bright": ("groovy", "uplifting", "smooth"), "dark": ("groovy", "moody", "cool", "sensual")},
        ("club", "night", "city", "party"),
        """drums | garage | drum machine, acoustic drums, 808 drums | at=.3
        bass | twostep, dnb | sub bass, reese bass, synth bass | at=.4
        chords | twostep, stabs, offbeat | organ, electric piano, piano, plucked synth | at=.15
        pad | pad | warm pad, strings, airy pad | p=.6
        melody | sync, riff | plucked synth, bells, saxophone, vibraphone, voices | p=.7 at=.55
        percussion | shaker | shaker | p=.4 at=.5""",
        form="club",
        loose=0.15,
        swing=(0.57, 0.64),
        swing_unit=0.25,
        rooms=("plate", "room"),
        fills=("snare", "hats", "stop"),
        colour=0.4,
        sidechain=0.3,
    ),
    "phonk": Genre(
        (120, 160),
        ("minor", "phrygian", "minor"),
        {"dark": ("i", "i bII", "i i VI VII", "i VI", "i i v VI")},
        {"dark": ("aggressive", "dark", "menacing", "confident", "driving")},
        ("street racing", "night drive", "gym", "drifting"),
        """drums | phonk, house | distorted drum machine, 808 drums | at=.3
        bass | phonk, trap | sub bass, reese bass, acid bass | at=.35
        melody | riff, sync | cowbell lead, plucked synth, bells | at=.15
        pad | pad | choir pad, drone, strings, voices | p=.6
        chords | stabs | electric piano, supersaw chords | p=.35 at=.6
        effect | vinyl | vinyl crackle | p=.4""",
        form="loop",
        loose=0.04,
        rooms=("plate", "hall"),
        fills=("stop", "hats", "none"),
        pentatonic=0.4,
        sidechain=0.4,
        master={"drive": 0.5},
    ),
    "drill": Genre(
        (138, 146),
        ("minor", "phrygian", "minor"),
        {"dark": ("i i VI VI", "i VI i v", "i bII i bII", "i iv VI V")},
        {"dark": ("menacing", "dark", "cold", "confident", "moody")},
        ("street", "night", "city", "urban film"),
        """drums | drill | 808 drums, drum machine | at=.4
        bass | trap, wobble | sub bass | at=.45
        melody | riff, sync, mid | piano, bells, plucked synth, flute, violin, voices | at=.15
        pad | pad | strings, choir pad, airy pad | p=.7
        arpeggio | slow, up8 | piano, plucked synth, pizzicato strings | p=.4 at=.5""",
        form="loop",
        loose=0.06,
        rooms=("hall", "plate"),
        fills=("hats", "stop", "none"),
        pentatonic=0.3,
    ),
    "future bass": Genre(
        (140, 160),
        ("major", "major", "minor"),
        {"bright": SOUL + POP, "dark": SOUL_MINOR + MINOR},
        {"bright": ("uplifting", "dreamy", "energetic", "bright"), "dark": ("emotional", "energetic", "dreamy")},
        ("summer", "festival", "vlog", "gaming"),
        """drums | halftime, trap | drum machine, 808 drums | at=.5
        bass | held, trap | sub bass, reese bass | at=.55
        chords | stabs, blocks, charleston | supersaw chords | at=.7
        melody | sync, mid | plucked synth, supersaw lead, bells, voices | at=.35
        chords | held, ballad | piano, electric piano | p=.6 top=.7
        arpeggio | up16, up8 | plucked synth, arpeggiated synth, kalimba | p=.6 at=.3
        effect | rise | riser | p=.8""",
        form="club",
        loose=0.05,
        rooms=("plate", "hall"),
        fills=("snare", "hats"),
        colour=0.5,
        sidechain=0.7,
    ),
    "amapiano": Genre(
        (108, 116),
        ("minor", "dorian", "minor"),
        {"bright": SOUL, "dark": SOUL_MINOR + ("i9 i9 iv9 v7",)},
        {"bright": ("groovy", "happy", "laid-back"), "dark": ("groovy", "hypnotic", "smooth", "laid-back")},
        ("party", "summer", "dance floor", "street"),
        """percussion | shaker | shaker | at=.1
        drums | amapiano | drum machine, 808 drums | at=.35
        bass | tumbao, phonk | acid bass, sub bass, synth bass | at=.45
        chords | charleston, ballad, twostep | electric piano, piano, organ |
        pad | pad | warm pad, airy pad | p=.6
        melody | sync, slow | saxophone, plucked synth, flute, vibraphone, marimba | p=.6 at=.5
        percussion | congas | congas | p=.5 at=.5""",
        form="loop",
        loose=0.2,
        swing=(0.52, 0.57),
        swing_unit=0.25,
        rooms=("plate", "room"),
        fills=("hats", "none"),
        colour=0.5,
        sidechain=0.2,
    ),
    "reggaeton": Genre(
        (86, 102),
        ("minor", "minor", "major"),
        {"bright": POP, "dark": MINOR + ("i VI III VII", "i iv VII III", "i VI iv V")},
        {"bright": ("festive", "happy", "sunny"), "dark": ("sensual", "confident", "groovy", "festive")},
        ("party", "summer", "club", "beach"),
        """drums | reggaeton | drum machine, 808 drums, electronic drums | at=.3
        bass | reggaeton, trap | sub bass, synth bass | at=.4
        chords | reggaeton, offbeat | plucked synth, nylon guitar, piano, marimba, supersaw chords | at=.1
        melody | sync, riff | plucked synth, bells, flute, square lead, trumpet, steel drums | p=.8 at=.5
        pad | pad | warm pad, strings, airy pad | p=.5
        percussion | shaker, congas | shaker, timbales | p=.4 at=.6""",
        form="loop",
        loose=0.08,
        rooms=("plate", "room"),
        fills=("stop", "hats", "snare"),
        sidechain=0.3,
    ),
    "dance pop": Genre(
        (100, 132),
        ("major", "minor", "minor", "major"),
        {"bright": POP + ("IVmaj7 V iii7 vi", "IV V vi I"), "dark": MINOR + ("VImaj7 VII v7 i",)},
        {
            "bright": ("catchy", "energetic", "bright", "playful", "upbeat"),
            "dark": ("confident", "catchy", "energetic", "cool"),
        },
        ("dance practice", "fashion show", "party", "commercial"),
        """drums | kpop, pop, jersey | drum machine, electronic drums, 808 drums | at=.3
        bass | octaves, eighths, funk, reggaeton | synth bass, sub bass, reese bass | at=.4
        chords | stabs, offbeat, funk | supersaw chords, plucked synth, clean electric guitar, synth brass | at=.35
        arpeggio | up16, sync16 | plucked synth, arpeggiated synth, bells | p=.6 at=.5
        melody | sync, riff, fast | supersaw lead, square lead, plucked synth, bells, orchestra hit | at=.45
        pad | pad | strings, warm pad, voices | p=.5
        percussion | clapping | hand claps | p=.4 at=.7
        effect | rise | riser | p=.6""",
        loose=0.05,
        rooms=("plate", "room"),
        fills=("snare", "hats", "stop"),
        colour=0.3,
        sidechain=0.4,
    ),
    "synthpop": Genre(
        (102, 130),
        ("minor", "major", "dorian"),
        {"bright": POP, "dark": MINOR},
        {"bright": ("upbeat", "retro", "bright"), "dark": ("retro", "moody", "cool", "nostalgic")},
        ("1980s film", "night", "city", "dance floor"),
        """drums | synthwave, electro, pop | electronic drums, 808 drums, drum machine | at=.25
        bass | sixteenths, octaves, eighths | synth bass | at=.2
        chords | stabs, quarters, held | synth strings, synth brass, supersaw chords | at=.35
        melody | mid, sync, riff | square lead, saw lead, bells, synth brass | at=.4
        arpeggio | up16, up8 | arpeggiated synth, plucked synth | p=.6 at=.3
        pad | pad | warm pad, synth strings, choir pad | p=.6""",
        loose=0.06,
        rooms=("plate", "hall"),
        fills=("toms", "snare"),
        sidechain=0.1,
    ),
    "industrial": Genre(
        (84, 132),
        ("minor", "phrygian", "phrygian"),
        {"dark": ("i", "i bII", "i i bII VII", "i VI bII i")},
        {"dark": ("menacing", "mechanical", "aggressive", "dark", "cold")},
        ("factory", "future", "war", "science fiction"),
        """drums | industrial, halftime | distorted drum machine, rock drums, electronic drums | at=.2
        bass | sixteenths, chug, acid | reese bass, acid bass, synth bass | at=.3
        chords | chug, power | distorted guitar, supersaw chords | p=.7 at=.55
        pad | drone | drone | p=.8
        melody | riff, slow | square lead, saw lead, piano, tubular bells | p=.6 at=.6
        percussion | taiko | war drums | p=.5 at=.7
        effect | sweep | noise sweep | p=.6""",
        form="loop",
        loose=0.05,
        rooms=("hall", "plate"),
        fills=("toms", "stop", "none"),
        level=0.95,
        master={"drive": 0.5},
    ),
    "trip hop": Genre(
        (72, 96),
        ("minor", "minor", "dorian"),
        {"dark": SOUL_MINOR + ("i i iv i", "i VI", "i bII")},
        {"dark": ("moody", "smoky", "melancholic", "cool", "dark")},
        ("late night", "city", "rainy day", "crime film"),
        """drums | triphop, boombap | acoustic drums, drum machine | at=.3
        bass | held, boombap, ballad | electric bass, sub bass, double bass | at=.25
        chords | held, ballad, charleston | electric piano, piano, organ, jazz guitar |
        pad | pad | strings, tremolo strings, warm pad, voices | p=.7
        melody | slow, sync | muted trumpet, violin, guitar harmonics, cello, theremin lead | p=.7 at=.45
        effect | vinyl | vinyl crackle | p=.6""",
        form="loop",
        swing=(0.52, 0.6),
        swing_unit=0.25,
        loose=0.4,
        rooms=("hall", "plate"),
        fills=("soft", "snare", "none"),
        colour=0.4,
        level=0.65,
        master={"lofi": 0.4},
    ),
    "downtempo": Genre(
        (80, 108),
        ("major", "dorian", "minor"),
        {"bright": SOUL, "dark": SOUL_MINOR},
        {"bright": ("chill", "warm", "smooth", "relaxed"), "dark": ("chill", "dreamy", "mysterious", "smooth")},
        ("lounge", "sunset", "beach", "spa", "travel"),
        """drums | triphop, halftime, shaker | drum machine, acoustic drums | at=.4
        bass | dnb, ballad, held | sub bass, fretless bass, electric bass | at=.35
        pad | pad | warm pad, airy pad, sweep pad |
        chords | charleston, held, twostep | electric piano, jazz guitar, nylon guitar | p=.8
        arpeggio | up8, slow | kalimba, plucked synth, harp | p=.5 at=.3
        melody | slow, sync | saxophone, flute, vibraphone, plucked synth, nylon guitar | p=.7 at=.5
        percussion | shaker, congas | shaker, congas, bongos | p=.5 at=.5""",
        form="loop",
        loose=0.25,
        rooms=("plate", "hall"),
        fills=("soft", "none"),
        colour=0.4,
        level=0.6,
        sidechain=0.1,
    ),
    "trap soul": Genre(
        (60, 78),
        ("minor", "major", "dorian"),
        {"bright": SOUL, "dark": SOUL_MINOR},
        {"bright": ("romantic", "smooth", "sensual", "warm"), "dark": ("moody", "sensual", "emotional", "smooth")},
        ("late night", "love", "bedroom", "city"),
        """drums | trap, triphop | 808 drums, drum machine | at=.35
        bass | trap, held | sub bass | at=.4
        chords | held, ballad, charleston | electric piano, piano, clean electric guitar, jazz guitar |
        pad | pad | warm pad, airy pad, voices, strings | p=.7
        melody | slow, sync | plucked synth, bells, saxophone, clean electric guitar, flute | p=.6 at=.5""",
        form="loop",
        loose=0.2,
        rooms=("hall", "plate"),
        fills=("soft", "hats", "none"),
        colour=0.6,
        level=0.6,
    ),
}
