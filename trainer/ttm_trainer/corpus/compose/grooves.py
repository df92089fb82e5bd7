"""Rhythm: drum grooves and fills, comping, bass and arpeggio patterns, written as strings of sixteenth notes.

Drums: X accent, x normal, o soft, g ghost, ? sometimes. Comping: x or X starts a chord, - holds it.
Bass: 1 3 5 6 7 8 are chord degrees (8 the octave), - holds. Sixteen steps are a 4/4 bar, twelve a 3/4 or 6/8 bar.
"""

from __future__ import annotations

KICK, KICK2, RIM, SNARE, CLAP, SNARE2 = 36, 35, 37, 38, 39, 40
HAT, PEDAL, OPEN, CRASH, RIDE, BELL = 42, 44, 46, 49, 51, 53
TOM_LOW, TOM_MID, TOM_HIGH, TAMBOURINE, COWBELL, SHAKER = 43, 47, 50, 54, 56, 70
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
    "ballad 12": ({KICK: "X.....o.....", SNARE: "......X.....", HAT: "x.o.o.x.o.o."},),
    "shuffle 12": ({KICK: "X.....o...o.", SNARE: "......X.....", RIDE: "x.o.o.x.o.o."},),
    "waltz 12": (
        {KICK: "x...........", SNARE: "....o...o...", HAT: "o...o...o..."},
        {RIDE: "x...x.o.x...", PEDAL: "....o...o...", KICK: "o..........."},
    ),
    "march 12": ({SNARE: "x...o...o.oo", KICK: "X..........."},),
    "epic 12": ({TOM_LOW: "X..x..X.x.x.", KICK: "X.....x....."},),
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
    "shaker 12": ({SHAKER: "x.g.o.x.g.o."}, {TAMBOURINE: "....x...x..."}),
    "hand drums 12": ({CONGA_LOW: "X.....x.....", CONGA_OPEN: "..o.x...o.x.", SHAKER: "x.o.o.x.o.o."},),
    "timpani": (
        {TOM_LOW: "X...............", TOM_MID: "............o.oo"},
        {TOM_LOW: "X.......x.......", CRASH: "o..............."},
    ),
    "timpani 12": ({TOM_LOW: "X.......o.o."},),
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

COMPING: dict[str, tuple[str, ...]] = {
    "stabs": ("x-.x-..x-..x-.x.", "x..x..x...x..x..", "..x-..x-..x-..x-", "x-.x..x-.x..x-.."),
    "offbeat": ("..x-..x-..x-..x-",),
    "skank": ("....x.......x...", "....x.x.....x.x.", "..x...x...x...x."),
    "quarters": ("x--.x--.x--.x--.", "X---x---x---x---"),
    "eighths": ("X-x-x-x-X-x-x-x-", "x.x.X.x.x.x.X.x."),
    "charleston": ("x-----x-........", "..x-......x---..", "......x-....x-..", "x--...x-......x-"),
    "bossa": ("x-..x-.x..x-..x.", "x--x--x--.x--x--", "x-.x..x-..x-.x.."),
    "funk": ("x..x..x.x..x.x..", "..x..x....x..xx.", "x.x....x..x.x..."),
    "ballad": ("x-------x-------", "x-------x---x---", "x---x---x---x---"),
    "held": ("x---------------",),
    "strum": ("X---x-x-..x-x-x-", "X---x---x-x-x-x-", "X---x-xx--x-x-xx", "X-x-X-xxX-x-X-xx"),
    "power": ("X-----x-X-x-----", "X-x-x-x-X-x-x-x-", "X---------x-x---", "X--x--x-X--x--x-"),
    "chug": ("X.xxX.xxX.xxX.xx", "X.xxx.x.xxX.x.x.", "XxxXxxXxX.x.X.xx", "X..X..X.X.xxX---"),
    "boomchick": ("....x-......x-..", "....x-xx....x-xx"),
    "shuffle": ("X-x-X-x-X-x-X-x-", "..x-..x-..x-..x-"),
    "montuno": ("x-x..x.x.x.x.x-.", "x..xx.x..x.xx.x."),
    "latin": ("x..x..x...x.x...", "..x.xx..x.x.xx.."),
    "swell": ("x---------------", "x-------x-------"),
    "ostinato": ("X.xxx.xxX.xxx.xx", "X-x-X-x-X-x-X-x-", "x.x.x.x.x.x.x.x."),
    "held 12": ("x-----------",),
    "swell 12": ("x-----------",),
    "ballad 12": ("x-----x-----", "x---x---x---"),
    "waltz 12": ("....x-..x-..", "....x---x-.."),
    "strum 12": ("X---x-x-x-x-", "X---x---x---", "X-x-x-X-x-x-"),
    "quarters 12": ("x--.x--.x--.",),
    "shuffle 12": ("X-----x-....", "x-x-x-x-x-x-"),
    "ostinato 12": ("X-x-x-X-x-x-", "X.xxx.xxx.xx"),
    "skank 12": ("..x...x...x.",),
}

BASS: dict[str, tuple[str, ...]] = {
    "offbeat": ("..1-..1-..1-..1-", "..1-..1-..1-..8-"),
    "house": ("1-..1-.1..1-..1-", "1..1..1-..8.1-..", "1-..8-.1..5-8-.."),
    "rolling": (".111.111.111.111", ".11811181.11.118"),
    "octaves": ("1-8-1-8-1-8-1-8-", "1.8.1.8.1.8.5.8."),
    "eighths": ("1-1-1-1-1-1-1-1-", "1-1-1-1-1-1-1-5-"),
    "sixteenths": ("1111111111111111", "1.111.111.111.11"),
    "dnb": ("1-----..1-..5---", "1--1--1-....7-8-", "1-------..1-1-5-"),
    "wobble": ("1-1-1-1-111-1-8-", "1--1--1-1-1-11--", "1---1-1-1---8-5-"),
    "trap": ("1------1..1-----", "1-----1-....1---", "1---------1--1--"),
    "boombap": ("1-----.1..5-1...", "1--1....1-..7-5-", "1---..1---....5-"),
    "rock": ("1-1-1-1-1-1-1-1-", "1-----1-1-1-----", "1-1-..1-1-1-5-8-"),
    "rootfifth": ("1-------5-------", "1---5---1---5---"),
    "country": ("1---....5---....", "1---....5---3-5-"),
    "ballad": ("1-------....5-1-", "1-----------5---", "1-------5-----3-"),
    "bossa": ("1-----5-5-----1-", "1-----5-5-----5-"),
    "funk": ("1-.1..8.1.7-8.5.", "1..8..1.7.8.1.5-", "1-.8.71.1-..5-7."),
    "reggae": ("1---..3-5-----..", "....1-1-3-5-....", "1-.1..5-3-1-...."),
    "blues": ("1-1-3-3-5-5-6-5-", "1---3---5---6---", "1---3---5---7---"),
    "latin": ("1-....5---..8---", "......5-----8---"),
    "held": ("1---------------",),
    "chip": ("1-8-1-8-1-8-1-8-", "1.1.8.1.1.1.8.5.", "1-5-8-5-1-5-8-5-"),
    "chug": ("1.111.111.111.11", "1-1-1-1-1-1-1-1-"),
    "held 12": ("1-----------",),
    "ballad 12": ("1-----5-----", "1-------5---"),
    "waltz 12": ("1---........", "1-------5---"),
    "rootfifth 12": ("1-----5-----", "1---5---8---"),
    "blues 12": ("1-1-3-5-5-6-", "1---3-5---6-"),
    "rock 12": ("1-1-1-5-5-1-",),
    "country 12": ("1---........", "1-------5---"),
}

# Arpeggios: sixteenths per note and indices into the voicing (4 and up are an octave higher).
ARPEGGIOS: dict[str, tuple[tuple[int, tuple[int, ...]], ...]] = {
    "up16": ((1, (0, 1, 2, 3)), (1, (0, 1, 2, 4)), (1, (0, 2, 1, 3, 2, 4, 3, 5))),
    "updown16": ((1, (0, 1, 2, 3, 4, 3, 2, 1)), (1, (0, 2, 4, 5, 4, 2))),
    "sync16": ((1, (0, -1, 2, 4, -1, 2, 0, 3)), (1, (0, 2, -1, 4, 2, -1, 3, -1)), (1, (0, -1, -1, 2, -1, -1, 4, -1))),
    "up8": ((2, (0, 1, 2, 3)), (2, (0, 2, 4, 2)), (2, (0, 1, 2, 4, 2, 1))),
    "wide": ((2, (0, 2, 4, 5, 4, 2)), (2, (0, 2, 4, 6, 5, 4, 2, 4))),
    "alberti": ((2, (0, 2, 1, 2)), (1, (0, 2, 1, 2))),
    "broken": ((2, (0, 2, 3, 4, 5, 4, 3, 2)), (2, (0, 1, 2, 3, 2, 1)), (2, (0, 2, 4, 5, 6, 5, 4, 2))),
    "pick": ((2, (0, 2, 1, 3, 0, 3, 1, 2)), (2, (0, 3, 2, 3, 1, 3, 2, 3)), (1, (0, -1, 2, 3, 1, -1, 3, 2))),
    "slow": ((4, (0, 2, 1, 3)), (4, (0, 1, 2, 4)), (8, (0, 2, 4, 1)), (4, (2, -1, 4, -1, 3, 1))),
    "harp": ((1, (0, 1, 2, 3, 4, 5, 6, 7, 6, 5, 4, 3, 2, 1)), (2, (0, 1, 2, 3, 4, 5, 6, 7))),
    "banjo": ((1, (0, 2, 3, 1, 2, 3, 0, 3)), (1, (2, 1, 3, 0, 2, 1, 3, 2))),
}
