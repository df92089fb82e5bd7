"""Songs in ChordPro and lyrics with chords in them, as chord sheets."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest

from musicgen_app.errors import RequestError
from musicgen_app.songbook.plan_files import parse_plan
from musicgen_app.songbook.sheet import read_sheet

SONG = """{title: A day}
{artist: Nobody}
{key: G}
{tempo: 88}
{time: 3/4}
{capo: 2}
{comment: Intro}
[G] [D]

{start_of_verse: Verse 1}
[G]Today is [D]gonna be the day, no?
That they're [Em7]gonna throw it [C]back to you
And time has no chords here
{end_of_verse}
{soc}
[C]And [D]all the roads
{eoc}
{comment: Verse 2}
Words without any chord
{comment: play it softly}
{chorus}
{sot}
e|--0--|
{eot}
{columns: 2}
"""


def test_a_song_in_chordpro():
    sheet = read_sheet(SONG)
    plan = sheet.plan
    assert (plan.tempo, plan.metre, plan.key, sheet.about) == (88, "3/4", "G major", "A day")
    assert [(one.name, [symbol for symbol, _ in one.chords]) for one in plan.sections] == [
        ("Intro", ["G", "D"]), ("Verse 1", ["G", "D", "Em7", "C"]), ("chorus", ["C", "D"]),
        ("Verse 1", ["G", "D", "Em7", "C"]), ("chorus", ["C", "D"]),
    ]  # fmt: skip
    assert plan.sections[0].chords[0] == ("G", 3.0)
    told = {what: meaning for what, meaning, _ in sheet.told}
    assert told == {"capo 2": "chords as they are written", "lyrics": "not sung", "{sot}": "left out",
                    "Verse 2": "as Verse 1", "{columns}": "left out"}  # fmt: skip
    assert any("lyrics: not sung" in note for note in parse_plan(SONG.encode()).notes)


@pytest.mark.parametrize(
    ("text", "chords"),
    [
        ("[Am]Hello my [F]friend\n[C]how are [G]you", ["Am", "F", "C", "G"]),
        ("[Am]la la [F]la\nLa la la", ["Am", "F"]),
        ("[Am] la la la [F] la", ["Am", "F"]),
        ("Hello [Am] my friend [F] again", ["Am", "F"]),
        ("no drums\n[Am]No drums, he said: [F]no", ["Am", "F"]),
        ("[Chorus]\n[Am7]Sing[*twice] [D/F#]along\nend", ["Am7", "D/F#"]),
    ],
)
def test_lyrics_with_chords(text, chords):
    sheet = read_sheet(text)
    assert [symbol for symbol, _ in sheet.plan.sections[0].chords] == chords
    assert ("lyrics", "not sung") in {one[:2] for one in sheet.told}


@pytest.mark.parametrize(
    "text", ["[A] 8: Cm7 F7 | [A] | [B] 4: Gm7", "[Am] [F]", "verse: [Am] [F]", "[A] 2 key C dorian: Dm", "[Am]x2"]
)
def test_brackets_of_a_sheet_are_no_lyrics(text):
    assert read_sheet(text).told == ()


def test_places_of_what_is_wrong_stay():
    with pytest.raises(RequestError, match="line 3, column 5"):
        read_sheet("{title: x}\n[Verse]\nAm  Xyz7 F |\n")
    with pytest.raises(RequestError, match="no metre"):
        read_sheet("{time: 7/9}\n[Am]La")


@pytest.mark.parametrize(
    ("text", "tempo"),
    [("♩.=88 6/8", 132), ("♩. = 88 · 6/8", 132), ("tempo ♩=90", 90), ("q.=60", 90), ("♪=180", 90), ("h = 50", 100)],
)
def test_a_tempo_of_another_note(text, tempo):
    assert read_sheet(text).plan.tempo == tempo


def test_a_tempo_of_a_note_needs_a_number():
    with pytest.raises(RequestError, match="line 1, column 6.*no number"):
        read_sheet("♩. = fast")


OVER = """Autumn Road
by Nobody

Key: G    Tempo: 92    Capo: 2

[Intro]
G  D  Em  C

Verse 1
G              D/F#
Walking down a long road
And he said: go home
Em7       C   (x2)
La la la

[Chorus x2]
C           G
Autumn road
e|--0--2--|

Verse 2
Second morning on the way

Repeat Chorus
"""


def test_chords_over_lyrics():
    sheet = read_sheet(OVER)
    verse = ["G", "D/F#", "Em7", "C", "G", "D/F#", "Em7", "C"]
    assert (sheet.plan.tempo, sheet.plan.key, sheet.about) == (92, "G major", "Autumn Road")
    assert _sections(sheet.plan) == [
        ("Intro", ["G", "D", "Em", "C"]), ("Verse 1", verse), ("Chorus", ["C", "G"]), ("Chorus", ["C", "G"]),
        ("Verse 1", verse), ("Chorus", ["C", "G"]),
    ]  # fmt: skip
    told = {what: meaning for what, meaning, _ in sheet.told}
    assert told == {"Autumn Road": "the title", "by Nobody": "left out", "Capo: 2": "chords as they are written",
                    "lyrics": "not sung", "tablature": "left out", "Verse 2": "as Verse 1"}  # fmt: skip


def test_chords_over_lyrics_without_a_heading():
    plan = read_sheet("G     D\nOh what a day\nC\nI am\n\nChorus:\nF  G\nAnd it goes on and on\n").plan
    assert _sections(plan) == [("song", ["G", "D", "C"]), ("Chorus", ["F", "G"])]


def test_a_name_below_chords_is_no_lyric():
    plan = read_sheet("Strophe\nAm  F  C  G\nKehrvers\nF  G\nStrophe\nKehrvers").plan
    assert [one.name for one in plan.sections] == ["Strophe", "Kehrvers", "Strophe", "Kehrvers"]


def test_syllables_are_no_chords():
    assert _sections(read_sheet("{title: x}\n[G]la [C]la\nLa la la\n[D]oh, I know").plan) == [("song", ["G", "C", "D"])]
    assert _sections(read_sheet("[La]canto la [Mi]la vita").plan) == [("song", ["A", "E"])]


def test_numbered_verses_in_lyrics():
    plan = read_sheet("Verse 1\n[G]walk [D]on\nChorus\n[C]oh yes\nVerse 2\n[G]run [D]off").plan
    assert _sections(plan) == [("Verse 1", ["G", "D"]), ("Chorus", ["C"]), ("Verse 2", ["G", "D"])]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Capo 2\nverse: G D", "Capo 2"),
        ("key G, capo 2nd fret\nverse: G D", "capo 2nd fret"),
        ("Tuning: EADGBE\nverse: G D", "Tuning: EADGBE"),
        ("G 320003\nverse: G D", "G 320003"),
        ("verse: G <D>", "<D>"),
        ("{title: x}\n[G]walk [*softly] [D]on", "[*softly]"),
        ("A day\n\n[verse]\nG D", "A day"),
        ("C F C F\nverse: G D", "chords before the first section"),
    ],
)
def test_what_stands_around_a_song_is_told(text, told):
    sheet = read_sheet(text)
    assert [symbol for symbol, _ in sheet.plan.sections[0].chords] == ["G", "D"]
    assert told in [what for what, *_ in sheet.told]


def test_a_title_before_the_key_on_its_line():
    sheet = read_sheet("Night Train     Key: A   132 bpm   3/4\nV1\n1 4\n6- 5 1\nV2\n4 5\nTag: 1 1\nC: 4 4\n")
    assert (sheet.about, sheet.plan.key, sheet.plan.metre) == ("Night Train", "A major", "3/4")
    assert _sections(sheet.plan) == [
        ("V1", ["A", "D", "F#m", "E", "A"]), ("V2", ["D", "E"]), ("Tag", ["A", "A"]), ("C", ["D", "D"]),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text", ["time " * 20_000, "a" + " " * 90_000 + "[", "G   D\noh my dear\n" * 5_000, "a b\n" * 20_000, "\n" * 90_000]
)
def test_hostile_sheets_take_seconds(text):
    begin = time.process_time()
    with suppress(RequestError):
        read_sheet(text)
    assert time.process_time() - begin < 20


def _sections(plan):
    return [(one.name, [symbol for symbol, _ in one.chords]) for one in plan.sections]
