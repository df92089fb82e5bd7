"""Songs in ChordPro and lyrics with chords in them, as chord sheets."""

from __future__ import annotations

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
