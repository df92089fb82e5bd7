"""Drum grooves and fills, written as strings of sixteenth notes: X accent, x normal, o soft, g ghost, ? sometimes.

Grooves are those of a 4/4 bar; "march 3/4" are those of one metre, which are taken instead of fitted ones.
"""

from __future__ import annotations

KICK, KICK2, RIM, SNARE, CLAP, SNARE2 = 36, 35, 37, 38, 39, 40
HAT, PEDAL, OPEN, CRASH, RIDE, BELL = 42, 44, 46, 49, 51, 53
TOM_LOW, TOM_MID, TOM_HIGH, TAMBOURINE, COWBELL, SHAKER = 43, 47, 50, 54, 56, 70
SPLASH, TIMBALE_HIGH, TIMBALE_LOW, GUIRO, WOODBLOCK_LOW = 55, 65, 66, 73, 77
BONGO_HIGH, BONGO_LOW, CONGA_MUTE, CONGA_OPEN, CONGA_LOW = 60, 61, 62, 63, 64
AGOGO_HIGH, AGOGO_LOW, CABASA, CLAVES, WOODBLOCK, TRIANGLE = 67, 68, 69, 75, 76, 81

STRENGTH = {"X": 118, "x": 100, "o": 78, "g": 42, "?": 60}

Groove = dict[int, str]

GROOVES: dict[str, tuple[Groove, ...]] = {
    "house": (
        {KICK: "X...X...X...X...", CLAP: "....x.......x...", OPEN: "..x...x...x...x.", HAT: "o.?.o.?.o.?.o.?."},
        {KICK: "X...X...X...X...", CLAP: "....x.......x..?", HAT: "oox.oox.oox.oox.", OPEN: "..............x."},
        {KICK: "X...X...X...X..?", SNARE: "....x.......x...", OPEN: "..x...x...x...x.", SHAKER: "ogogogogogogogog"},
    ),
    "techno": (
        {KICK: "X...X...X...X...", HAT: "..x...x...x...x.", CLAP: "............x...", RIM: "...o..o....o..o."},
        {KICK: "X...X...X...X...", HAT: "xoxoxoxoxoxoxoxo", CLAP: "....x.......x...", COWBELL: "..?....?..?....."},
        {KICK: "X...X...X...X..?", RIDE: "..x...x...x...x.", HAT: "o.o.o.o.o.o.o.o.", TOM_LOW: "...o......o..o.."},
    ),
    "trance": (
        {KICK: "X...X...X...X...", CLAP: "....x.......x...", OPEN: "..x...x...x...x.", HAT: "xoooxoooxoooxooo"},
        {KICK: "X...X...X...X...", SNARE: "....x.......x...", OPEN: "..x...x...x...x.", RIDE: "o...o...o...o..."},
    ),
    "breakbeat": (
        {KICK: "X.........X.....", SNARE: "....X..g.g..X..g", HAT: "x.o.x.o.x.o.x.o."},
        {KICK: "X.X.......XX....", SNARE: "....X..g.g..X...", HAT: "x.xox.xox.xox.xo"},
        {KICK: "X.........X..?..", SNARE: "....X..g.X....X.", RIDE: "x.x.x.x.x.x.x.x."},
    ),
    "halftime": (
        {KICK: "X.....?...x.....", SNARE: "........X.......", HAT: "x.o.x.o.x.o.xoxo"},
        {KICK: "X..x......?..x..", SNARE: "........X.....?.", HAT: "x..ox..ox..ox.oo"},
    ),
    "electro": (
        {KICK: "X.....x...x.....", SNARE: "....X.......X...", HAT: "x.xox.xox.xox.xo", COWBELL: "..?..?..?..?...."},
        {KICK: "X..x..x....x....", CLAP: "....X.......X...", HAT: "xoxoxoxoxoxoxoxo"},
    ),
    "synthwave": (
        {KICK: "X...X...X...X...", SNARE: "....X.......X...", HAT: "x.o.x.o.x.o.x.o."},
        {KICK: "X.....x.X.......", SNARE: "....X.......X...", HAT: "xoxoxoxoxoxoxoxo"},
    ),
    "chip": (
        {KICK: "X...x...X...x...", SNARE: "....X.......X...", HAT: "x.x.x.x.x.x.x.x."},
        {KICK: "X..x..x.X.......", SNARE: "....X.......X.xx", HAT: "xoxoxoxoxoxoxoxo"},
    ),
    "boombap": (
        {KICK: "X.....?x..x.....", SNARE: "....X..g....X..g", HAT: "x.o.x.o.x.o.x.o."},
        {KICK: "X..x....?.x..x..", SNARE: "....X.......X...", HAT: "x.oox.o.x.oox.o."},
        {KICK: "X.x.......X.....", RIM: "....x.......x..?", HAT: "o.o.o.o.o.o.o.o."},
    ),
    "trap": (
        {KICK: "X......x..X.....", CLAP: "........X.......", HAT: "x.x.x.xxx.x.xxxx"},
        {KICK: "X.....X....x....", SNARE: "........X.....?.", HAT: "x.xxx.x.x.xxx.xx", OPEN: "......?........."},
    ),
    "rock": (
        {KICK: "X.....x.X.x.....", SNARE: "....X.......X...", HAT: "x.o.x.o.x.o.x.o."},
        {KICK: "X.x.....X.x...x.", SNARE: "....X.......X..g", HAT: "x.x.x.x.x.x.x.x."},
        {KICK: "X......xX.......", SNARE: "....X..g.g..X...", RIDE: "x.o.x.o.x.o.x.o."},
    ),
    "punk": (
        {KICK: "X...x.x.X...x.x.", SNARE: "..X...X...X...X.", HAT: "x.x.x.x.x.x.x.x."},
        {KICK: "X.....x.X.....x.", SNARE: "....X.......X...", OPEN: "x.x.x.x.x.x.x.x."},
    ),
    "metal": (
        {KICK: "XxXxXxXxXxXxXxXx", SNARE: "....X.......X...", RIDE: "x...x...x...x..."},
        {KICK: "X.xxX.xxX.xxX.xx", SNARE: "....X.......X...", CRASH: "x.......x.......", HAT: "....x.......x..."},
        {KICK: "X..X..X.X..X..X.", SNARE: "........X.......", OPEN: "x...x...x...x..."},
    ),
    "swing": (
        {RIDE: "x...x.o.x...x.o.", PEDAL: "....x.......x...", KICK: "g...g...g...g...", SNARE: "......?...?....?"},
        {RIDE: "x...x.o.x...x.o.", PEDAL: "....x.......x...", SNARE: "..?.......g....?", KICK: "?.........?....."},
    ),
    "bossa": (
        {KICK: "x.....ox......o.", RIM: "x.....x.....x...", HAT: "o.o.o.o.o.o.o.o."},
        {KICK: "x.....ox......o.", RIM: "..x.....x..x....", HAT: "oooooooooooooooo"},
    ),
    "funk": (
        {KICK: "X..x..x...x..x..", SNARE: "....X..g.g.gX..g", HAT: "xoxoxoxoxoxoxoxo"},
        {KICK: "X.x.......x..x..", SNARE: "....X..g.g..X.g.", HAT: "x.xox.xox.xox.x.", OPEN: "..............x."},
    ),
    "disco": (
        {KICK: "X...X...X...X...", SNARE: "....X.......X...", OPEN: "..x...x...x...x.", HAT: "x.......x......."},
        {KICK: "X...X...X...X...", CLAP: "....X.......X...", HAT: "xoooxoooxoooxooo", OPEN: "..x...x...x...x."},
    ),
    "reggae": (
        {KICK: "........X.......", RIM: "........x.......", HAT: "x.o.x.o.x.o.x.oo"},
        {KICK: "X.......X.......", SNARE: "....?...X.......", HAT: "o.x.o.x.o.x.o.x."},
    ),
    "shuffle": (
        {KICK: "X.......X.....o.", SNARE: "....X.......X...", HAT: "x.o.x.o.x.o.x.o."},
        {KICK: "X.....o.X.......", SNARE: "....X.g.....X.g.", RIDE: "x.o.x.o.x.o.x.o."},
    ),
    "train": (
        {KICK: "x...x...x...x...", SNARE: "ggoxggoxggoxggox"},
        {KICK: "x.......x.......", SNARE: "g.gxg.gxg.gxg.gx", HAT: "....o.......o..."},
    ),
    "ballad": (
        {KICK: "X.........x.....", SNARE: "....x.......x...", HAT: "o.o.o.o.o.o.o.o."},
        {KICK: "X.......X.x.....", RIM: "....x.......x...", HAT: "o.g.o.g.o.g.o.g."},
    ),
    "pop": (
        {KICK: "X.....x.X.......", SNARE: "....X.......X...", HAT: "x.o.x.o.x.o.x.o."},
        {KICK: "X..x....X.x.....", CLAP: "....X.......X...", HAT: "xooxxooxxooxxoox"},
    ),
    "march": (
        {SNARE: "x.gox.gox.goxooo", KICK: "X.......x......."},
        {SNARE: "x...xooox...xooo", KICK: "X.......x.......", CRASH: "o..............."},
    ),
    "epic": (
        {TOM_LOW: "X..x..x.X..x..x.", KICK: "X.......X......."},
        {TOM_LOW: "X...x.x.X...xxxx", TOM_MID: "..o...o...o.....", KICK: "X...............", SNARE: "........x......."},
    ),
    "latin": (
        {KICK: "x..x..x.x..x..x.", SNARE: "...x..x....x..x.", HAT: "x.o.x.o.x.o.x.o."},
        {KICK: "x...x...x...x...", SNARE: "...x..x....x..x.", SHAKER: "xoxoxoxoxoxoxoxo"},
    ),
    "ballad 6/8": ({KICK: "X.....o.....", SNARE: "......X.....", HAT: "x.o.o.x.o.o."},),
    "ballad 12/8": (
        {KICK: "X...........X...o.......", SNARE: "......X...........X.....", HAT: "x.o.o.x.o.o.x.o.o.x.o.o."},
        {KICK: "X.........o.X...........", RIM: "......x...........x.....", HAT: "o.o.o.o.o.o.o.o.o.o.o.o."},
    ),
    "shuffle 6/8": ({KICK: "X.....o...o.", SNARE: "......X.....", RIDE: "x.o.o.x.o.o."},),
    "shuffle 12/8": (
        {KICK: "X.........o.X...........", SNARE: "......X...........X...g.", HAT: "x.o.x.x.o.x.x.o.x.x.o.x."},
        {KICK: "X...........X.....o...o.", SNARE: "......X...........X.....", RIDE: "x...x.x...x.x...x.x...x."},
    ),
    "waltz 3/4": (
        {KICK: "x...........", SNARE: "....o...o...", HAT: "o...o...o..."},
        {RIDE: "x...x.o.x...", PEDAL: "....o...o...", KICK: "o..........."},
    ),
    "march 3/4": ({SNARE: "x...o...o.oo", KICK: "X..........."},),
    "march 2/4": (
        {SNARE: "x.goxxgo", KICK: "X...o..."},
        {SNARE: "..x...xo", KICK: "X...X...", CRASH: "o......."},
    ),
    "march 6/8": ({SNARE: "x.o.o.x.o.oo", KICK: "X.....X....."},),
    "polka": (
        {KICK: "X...X...X...X...", SNARE: "..x...x...x...x."},
        {KICK: "X...X...X...X...", SNARE: "..x...xx..x...xx"},
    ),
    "polka 2/4": ({KICK: "X...X...", SNARE: "..x...x.", HAT: "o.o.o.o."}, {KICK: "X...X...", SNARE: "..x...xx"}),
    "epic 6/8": ({TOM_LOW: "X..x..X.x.x.", KICK: "X.....x....."},),
    "epic 3/4": ({TOM_LOW: "X..x..x.x.x.", KICK: "X..........."},),
    "epic 5/4": (
        {TOM_LOW: "X..x..x.x.x.X..xx.x.", KICK: "X...........X......."},
        {TOM_LOW: "X.x.x.X.x.x.X.x.X.xx", TOM_MID: "............o...o...", KICK: "X...........X......."},
    ),
    "epic 7/8": (
        {TOM_LOW: "X.x.X.x.X.x.xx", KICK: "X...X...X....."},
        {TOM_LOW: "X..xX..xX..x.x", KICK: "X.......X....."},
    ),
    "epic 9/8": ({TOM_LOW: "X..x..X..x..X.x.x.", KICK: "X...........X....."},),
    "epic 12/8": ({TOM_LOW: "X.x.x.X.....X.x.x.X.x.xx", KICK: "X.....X.....X.....X....."},),
    "rock 7/8": (
        {KICK: "X.......X.....", SNARE: "....X.......X.", HAT: "x.x.x.x.x.x.x."},
        {KICK: "X..x....X.x...", SNARE: "....X......X..", RIDE: "x.o.x.o.x.o.o."},
    ),
    "rock 5/4": (
        {KICK: "X.....x.....X.......", SNARE: "....X...X.......X...", HAT: "x.o.x.o.x.o.x.o.x.o."},
        {KICK: "X...x.......X.x.....", SNARE: "........X.......X..g", RIDE: "x.o.x.o.x.o.x.o.x.o."},
    ),
    "rock 9/8": ({KICK: "X.....x.....X.....", SNARE: "......X.........X.", HAT: "x.o.o.x.o.o.x.o.o."},),
    "metal 7/8": (
        {KICK: "XxXxXxXxXxXxXx", SNARE: "....X.......X.", CRASH: "x.............", RIDE: "x...x...x....."},
        {KICK: "X.xxX.xxX.xxxx", SNARE: "........X.....", OPEN: "x...x...x....."},
    ),
    "metal 5/4": ({KICK: "X.xxX.xxX.xxX.xxX.xx", SNARE: "....X...X.......X...", RIDE: "x...x...x...x...x..."},),
    "swing 5/4": (
        {
            RIDE: "x...x.o.x...x.o.x...",
            PEDAL: "....x.......x...x...",
            KICK: "o.......?...o.......",
            SNARE: "......?.....g....?..",
        },
    ),
    "swing 3/4": ({RIDE: "x...x.o.x.o.", PEDAL: "....x...x...", KICK: "o...........", SNARE: "......?....g"},),
    "swing 7/8": ({RIDE: "x.x.x.x.x.x.x.", PEDAL: "....x.......x.", KICK: "o.......o.....", SNARE: "..?.......g..."},),
    "balkan 7/8": (
        {TOM_LOW: "X...X...X.....", TAMBOURINE: "x.o.x.o.x.o.o.", SNARE: "......o.....oo"},
        {KICK: "X...X...X.....", RIM: "..x...x...x.x.", TAMBOURINE: "o.o.o.o.o.o.o."},
    ),
    "balkan 9/8": ({TOM_LOW: "X.....X.....X.....", TAMBOURINE: "x.o.o.x.o.o.x.o.oo", RIM: "....x.....x.....x."},),
    "balkan": ({KICK: "X...x...X...x...", SNARE: "..x...x...x..xx.", TAMBOURINE: "o.o.o.o.o.o.o.o."},),
    "jig 6/8": ({CONGA_LOW: "X...o.X...o.", CONGA_OPEN: "..o.....o.o."}, {TOM_LOW: "X.o.o.X.o.oo"}),
    "jig 9/8": ({CONGA_LOW: "X...o.X...o.X...o.", CONGA_OPEN: "..o.....o.....o.o."},),
    "jig": ({TOM_LOW: "X.o.x.o.X.o.x.oo"}, {CONGA_LOW: "X..ox.o.X..ox.o.", TAMBOURINE: "....o.......o..."}),
    "hardstyle": (
        {KICK: "X...X...X...X...", OPEN: "..x...x...x...x.", CLAP: "....x.......x..."},
        {KICK: "X...X...X...X.XX", HAT: "o.x.o.x.o.x.o.x.", SNARE: "....x.......x..."},
    ),
    "gabber": ({KICK: "X.X.X.X.X.X.X.X.", OPEN: "..x...x...x...x.", CLAP: "....X.......X..."},),
    "garage": (
        {KICK: "X.........x.....", SNARE: "....X.......X...", HAT: "..x..ox...x..ox.", SHAKER: "ogogogogogogogog"},
        {KICK: "X......x..x.....", CLAP: "....X.......X..g", HAT: "o.xo.ox.o.xo.ox.", RIM: ".......o.....o.."},
    ),
    "phonk": (
        {KICK: "X.....X...X.....", CLAP: "....X.......X...", HAT: "x.x.x.x.x.x.xxxx", COWBELL: "..............?."},
        {KICK: "X..X..X...X..X..", SNARE: "....X.......X...", HAT: "xxx.x.x.xxx.x.x."},
    ),
    "drill": (
        {KICK: "X......X..X.....", SNARE: "......X.......X.", HAT: "x..x..x.x..x..xx"},
        {KICK: "X.....X......X..", CLAP: "......X......X..", HAT: "x..x..xxx..x..x."},
    ),
    "amapiano": (
        {KICK: "X...X...X...X...", SHAKER: "o.xoo.xoo.xoo.xo", TOM_LOW: "...x..x....x..x.", RIM: "......x......x.."},
        {KICK: "X.......X.......", SHAKER: "oxooxoooxoooxooo", CONGA_LOW: "...x..x..x....x.", CLAP: "....?.......x..."},
    ),
    "reggaeton": (
        {KICK: "X...X...X...X...", SNARE: "...x..x....x..x.", HAT: "o.o.o.o.o.o.o.o."},
        {KICK: "X...X...X...X...", RIM: "...X..X....X..X.", SHAKER: "xoxoxoxoxoxoxoxo"},
    ),
    "industrial": (
        {KICK: "X...X...X...X...", SNARE: "....X..o....X...", COWBELL: "..o..o....o..o..", TOM_LOW: "......x.......xx"},
        {KICK: "X..X..X.X..X..X.", SNARE: "....X.......X.X.", CRASH: "x...............", HAT: "xxxxxxxxxxxxxxxx"},
    ),
    "triphop": (
        {KICK: "X.....x...X.....", SNARE: "....X..g....X.g.", HAT: "o.o.ogo.o.o.ogo."},
        {KICK: "X..x......x..x..", SNARE: "....X.......X..g", RIDE: "x.o.x.o.x.o.x.o."},
    ),
    "jersey": ({KICK: "X...X...X..X..X.", CLAP: "....x.......x...", HAT: "o.xoo.xoo.xoo.xo"},),
    "kpop": (
        {KICK: "X...X...X...X..x", CLAP: "....X.......X..o", HAT: "xoxxxoxxxoxxxoxx"},
        {KICK: "X..X..X...X.....", SNARE: "....X.......X...", HAT: "x.xxx.xxx.xxx.xx", SHAKER: "o.o.o.o.o.o.o.o."},
    ),
    "grunge": (
        {KICK: "X.X.....X.X..x..", SNARE: "....X.......X...", OPEN: "x...x...x...x..."},
        {KICK: "X......XX.X.....", SNARE: "....X..g....X...", CRASH: "x...x...x...x..."},
    ),
    "surf": (
        {KICK: "X...X...X...X...", SNARE: "....X.X.....X.X.", RIDE: "x.x.x.x.x.x.x.x."},
        {KICK: "X.......X.......", SNARE: "..X.X...X.X.X...", TOM_LOW: "x.x.x.x.x.x.x.x."},
    ),
    "indie": (
        {KICK: "X...X...X...X...", SNARE: "....X.......X...", OPEN: "..x...x...x...x."},
        {KICK: "X.....X.X.......", SNARE: "....X.......X...", TAMBOURINE: "x.x.x.x.x.x.x.x."},
    ),
    "ska": (
        {KICK: "X.......X.......", RIM: "....x.......x...", HAT: "..x...x...x...x."},
        {KICK: "....X.......X...", SNARE: "....x.......x...", RIDE: "x.x.x.x.x.x.x.x."},
    ),
    "gospel": (
        {KICK: "X..x..x...x.....", SNARE: "....X..g.g..X..g", HAT: "x.x.x.x.x.x.x.x."},
        {KICK: "X.x...x...x..x..", SNARE: "....X.......X.gX", TAMBOURINE: "..x...x...x...x."},
    ),
    "gospel 12/8": (
        {KICK: "X.........x.X...........", SNARE: "......X...........X.....", TAMBOURINE: "x.x.x.x.x.x.x.x.x.x.x.x."},
        {KICK: "X.....o.....X...x.......", CLAP: "......X...........X.....", RIDE: "x.o.x.x.o.x.x.o.x.x.o.x."},
    ),
    "clapping": ({CLAP: "....X.......X..."}, {CLAP: "....X.....x.X...", TAMBOURINE: "..o...o...o...o."}),
    "soul": (
        {KICK: "X.......X.x.....", SNARE: "x...x...x...x...", TAMBOURINE: "....x.......x..."},
        {KICK: "X.....x.X.....x.", SNARE: "....X.......X...", HAT: "x.o.x.o.x.o.x.o."},
    ),
    "big band": (
        {RIDE: "x...x.o.x...x.o.", PEDAL: "....x.......x...", KICK: "o...o...o...o...", SNARE: "....?.......x..?"},
        {HAT: "x...x.x.x...x.x.", KICK: "x...x...x...x...", SNARE: "....g..?....g.x."},
    ),
    "afrobeat": (
        {KICK: "X.....x.X.....x.", SNARE: "...g..x....g.x..", HAT: "x.xox.xox.xox.xo", OPEN: "..............x."},
        {KICK: "X..x....X..x..x.", RIM: "..x..x....x..x..", HAT: "oxooxoxooxooxoxo"},
    ),
    "afro bell": (
        {AGOGO_HIGH: "x..x..x...x.x...", AGOGO_LOW: "..............x.", SHAKER: "x.ox.ox.o.x.x.oo"},
        {CLAVES: "x..x..x...x.x...", SHAKER: "xoxoxoxoxoxoxoxo"},
    ),
    "afro bell 12/8": ({AGOGO_HIGH: "x...x...x.x...x...x...x.", SHAKER: "x.o.o.x.o.o.x.o.o.x.o.o."},),
    "salsa": (
        {
            COWBELL: "x...x.x.x...x.x.",
            TIMBALE_HIGH: "....o.....o.o...",
            CONGA_OPEN: "......xx......xx",
            CONGA_MUTE: "..x.x.....x.x...",
        },
        {CLAVES: "x..x..x...x.x...", TIMBALE_LOW: "x.xxx.xxx.xxx.xx", CONGA_OPEN: "......xx......xx"},
    ),
    "guiro": ({GUIRO: "x...x.x.x...x.x."}, {SHAKER: "xoxoxoxoxoxoxoxo", GUIRO: "x.......x......."}),
    "samba": (
        {
            KICK: "o...X..oo...X..o",
            SNARE: "x.gxx.gx.xgx.xgx",
            SHAKER: "xgoxxgoxxgoxxgox",
            AGOGO_HIGH: "x.x...x..x...x..",
        },
        {
            KICK: "o...X...o...X...",
            TAMBOURINE: "xgoxxgoxxgoxxgox",
            SNARE: "..x..x.x..x.x..x",
            AGOGO_LOW: "..x..x....x.x...",
        },
    ),
    "samba 2/4": ({KICK: "o...X..o", SNARE: "x.gxx.gx", SHAKER: "xgoxxgox", AGOGO_HIGH: "x.x..x.x"},),
    "tango": ({KICK: "X..x....X..x....", RIM: "............x.x."}, {KICK: "X...x...X...x.x."}),
    "palmas": (
        {CLAP: "..x...x.x.x...x.", CONGA_LOW: "X.....x.X.....x."},
        {CLAP: "x.xxx.xxx.xxx.xx", CONGA_LOW: "X..x..x.X..x..x.", CONGA_OPEN: "....o.......o.oo"},
    ),
    "palmas 12/8": ({CLAP: "..x...x.x...x.x...x.x...", CONGA_LOW: "X.....X.....X.....X....."},),
    "palmas 3/4": ({CLAP: "..x.x.x.x.x.", CONGA_LOW: "X.....x....."},),
    "drumline": (
        {SNARE: "XggxggxgXggxggxg", KICK: "X.......X.......", TOM_MID: "..o...o.....o..."},
        {SNARE: "x.xxXgxxx.xxXgxx", KICK: "X...x...X.x.x...", CRASH: "x...............", TOM_LOW: "......xx......xx"},
    ),
    "drumline 6/8": ({SNARE: "Xgoxgoxggxgg", KICK: "X.....X....."},),
    "darbuka": (
        {CONGA_LOW: "X.......X.......", CONGA_OPEN: "..x...x...xx..x.", BONGO_HIGH: "....x..x....x..x"},
        {CONGA_LOW: "X..x....X.......", CONGA_OPEN: "......x...x.x...", TAMBOURINE: "o.oxo.oxo.oxo.ox"},
    ),
    "taiko": (
        {TOM_LOW: "X.....x.X.....xx", TOM_MID: "..o.o.....o.o..."},
        {TOM_LOW: "X..X..X.X..X..X.", WOODBLOCK: "....x.......x..."},
    ),
    "blocks": ({WOODBLOCK: "x.o.x.o.x.oox.o.", WOODBLOCK_LOW: "....x.......x..."}, {CLAVES: "x..x..x...x.x..."}),
    "sleigh": ({TAMBOURINE: "x.o.x.o.x.o.x.o."}, {TAMBOURINE: "xoxoxoxoxoxoxoxo", TRIANGLE: "x.......x......."}),
    "battle": (
        {KICK: "X.X.X.X.X.X.X.X.", SNARE: "....X.......X...", HAT: "xxxxxxxxxxxxxxxx"},
        {KICK: "X..XX..XX..XX..X", SNARE: "....X.......X.XX", HAT: "x.x.x.x.x.x.x.x."},
    ),
    "heartbeat": ({KICK: "X.x............."}, {TOM_LOW: "X..x............"}, {TOM_LOW: "X.......x......."}),
    "braam": ({TOM_LOW: "X.......x.....x.", CRASH: "o..............."}, {TOM_LOW: "X.......X.X.XXXX"}),
    "shaker": (
        {SHAKER: "xgogxgogxgogxgog"},
        {CABASA: "o.x.o.x.o.x.o.x."},
        {SHAKER: "..x...x...x...x.", TAMBOURINE: "....x.......x..."},
    ),
    "congas": (
        {CONGA_MUTE: "x..ox..ox..ox...", CONGA_OPEN: "......x.......xx", CONGA_LOW: "...........?...."},
        {CONGA_OPEN: "..x...x.....x.x.", CONGA_LOW: "...x......xx....", SHAKER: "xgogxgogxgogxgog"},
        {BONGO_HIGH: "x.oox.o.x.oox.o.", BONGO_LOW: "......x.......x.", CLAVES: "x..x..x...x.x..."},
    ),
    "tambourine": (
        {TAMBOURINE: "..x...x...x...x."},
        {TAMBOURINE: "xoxoxoxoxoxoxoxo"},
        {TAMBOURINE: "....X.......X..."},
    ),
    "hand drums": (
        {CONGA_LOW: "X.....x...x.....", CONGA_OPEN: "...x..o.x...x.o.", BONGO_HIGH: "..g..g.g..g..g.g"},
        {TOM_LOW: "X.......x.......", CONGA_OPEN: "..ox..o...ox..oo", AGOGO_HIGH: "?...?...?...?..."},
    ),
    "shaker 6/8": ({SHAKER: "x.g.o.x.g.o."},),
    "shaker 3/4": ({SHAKER: "x.g.o.g.o.g."}, {TAMBOURINE: "....x...x..."}),
    "hand drums 6/8": ({CONGA_LOW: "X.....x.....", CONGA_OPEN: "..o.x...o.x.", SHAKER: "x.o.o.x.o.o."},),
    "timpani": (
        {TOM_LOW: "X...............", TOM_MID: "............o.oo"},
        {TOM_LOW: "X.......x.......", CRASH: "o..............."},
    ),
    "timpani 3/4": ({TOM_LOW: "X.......o.o."},),
    "hand drums 7/8": ({CONGA_LOW: "X...X...X.....", CONGA_OPEN: "..o...o...x.x.", BONGO_HIGH: "...g...g...g.g"},),
    "hand drums 5/4": ({CONGA_LOW: "X.....x.....X.......", CONGA_OPEN: "...x..o.x.x...x.o.x."},),
}

# Replacements for the last beats of a section, in sixteenths counted back from the bar line.
FILLS: dict[str, tuple[Groove, ...]] = {
    "toms": (
        {SNARE: "xx......", TOM_HIGH: "..xx....", TOM_MID: "....xx..", TOM_LOW: "......xX"},
        {SNARE: "x.xx", TOM_LOW: "...X"},
        {TOM_HIGH: "x.o.....", TOM_MID: "...xo...", TOM_LOW: ".....xxX", KICK: "x...x..."},
    ),
    "snare": ({SNARE: "ooooxxxX"}, {SNARE: "gogoxoxX", KICK: "x...x..."}, {SNARE: "x.xX"}),
    "stop": ({KICK: "X......."}, {KICK: "X...", CLAP: "..xx"}),
    "hats": ({HAT: "xxxxxxxx", SNARE: "....x.xx"}, {OPEN: "x.......", SNARE: "....x..x"}),
    "soft": ({SNARE: "g.o.o.x."}, {RIM: "..o..o.o"}),
}
