"""Chord sheets: what they say, what they refuse and where, and that a plan survives being written."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musicgen_app.control.key_names import read_key, short_key
from musicgen_app.control.plan import MAX_CHORDS, Plan, Section
from musicgen_app.errors import RequestError
from musicgen_app.songbook.plan_files import parse_plan
from musicgen_app.songbook.sheet import read_form, read_row, read_sheet
from musicgen_app.songbook.sheet_writer import write_sheet
from support.plans import plans

EXAMPLE = """\
tempo 96 · 4/4 · key Am · swing 60% · drums · ends   # as a guitarist writes it
intro 4 | verse 8: Am F C/E E7 | chorus 8: F G Am Am
"""


def names(text: str) -> list[str]:
    return [section.name for section in read_sheet(text).plan.sections]


def row(text: str, bar: float = 4.0, **more) -> tuple:
    return read_row(text, **more).chords(bar)


def test_a_sheet_says_all_that_a_plan_has():
    plan = read_sheet(EXAMPLE).plan
    assert (plan.tempo, plan.metre, plan.key, plan.swing, plan.drums, plan.ends) == (
        96,
        "4/4",
        "A minor",
        0.6,
        True,
        True,
    )
    assert plan.sections == (
        Section(4.0, "intro"),
        Section(8.0, "verse", (("Am", 4.0), ("F", 4.0), ("C/E", 4.0), ("E7", 4.0))),
        Section(8.0, "chorus", (("F", 4.0), ("G", 4.0), ("Am", 4.0), ("Am", 4.0))),
    )


@settings(max_examples=300, deadline=None)
@given(plans)
def test_a_plan_survives_a_sheet(plan):
    text = write_sheet(plan)
    assert read_sheet(text).plan == plan
    assert write_sheet(read_sheet(text).plan) == text


@pytest.mark.parametrize(
    ("text", "chords"),
    [
        ("Am F", (("Am", 4), ("F", 4))),
        ("Am - F, G", (("Am", 4), ("F", 4), ("G", 4))),
        ("Am-F-G", (("Am", 4), ("F", 4), ("G", 4))),
        ("(Am F) C", (("Am", 2), ("F", 2), ("C", 4))),
        ("(Am . . F)", (("Am", 3), ("F", 1))),
        ("| Am / / F | C |", (("Am", 3), ("F", 1), ("C", 4))),
        ("| Am | . F | % |", (("Am", 6), ("F", 4), ("F", 2))),
        ("Am % F", (("Am", 4), ("Am", 4), ("F", 4))),
        ("Am F x2 G", (("Am", 4), ("F", 4), ("Am", 4), ("F", 4), ("G", 4))),
        ("|: Am | F :| C |", (("Am", 4), ("F", 4), ("Am", 4), ("F", 4), ("C", 4))),
        ("Am*2.5 ?*1.5", (("Am", 2.5), ("", 1.5))),
        ("| Am F |", (("Am", 2), ("F", 2))),
        ("Am\nF", (("Am", 4), ("F", 4))),
        ("CM7 A-7 F#m7(b5)", (("Cmaj7", 4), ("Am7", 4), ("F#m7b5", 4))),
    ],
)  # fmt: skip
def test_rows_of_chords(text, chords):
    assert row(text) == chords


def test_degrees_and_names_of_other_languages():
    assert row("1 5 6m 4", key="G major") == (("G", 4), ("D", 4), ("Em", 4), ("C", 4))
    assert row("ii V I", key="Bb major") == (("Cm", 4), ("F", 4), ("Bb", 4))
    assert row("B H7 Em")[0] == ("Bb", 4.0)  # where H is a note, B is B flat
    with pytest.raises(RequestError, match="a degree, but no key is named"):
        row("1 4 5")
    assert read_sheet("key C\nverse: 1 | 4 5 |").plan.sections[0].chords == (("C", 4), ("F", 2), ("G", 2))


def test_chords_that_no_model_knows_are_told():
    sheet = read_sheet("Am C7alt")
    assert [(one.text, one.symbol) for one in sheet.changes] == [("C7alt", "C7#9")]
    assert sheet.changes[0].why


def test_a_section_that_was_there_before_comes_again():
    plan = read_sheet("verse 8 drums energy 0.4: Am F | chorus x2: G C | verse | verse 4 | [chorus] | verse: C").plan
    verse, chorus = plan.sections[0], plan.sections[1]
    assert plan.sections[2] == chorus and plan.sections[3] == verse
    assert plan.sections[4] == Section(4.0, "verse", verse.chords)
    assert plan.sections[5] == chorus and plan.sections[6] == Section(1.0, "verse", (("C", 4.0),))


def test_a_chart_with_a_section_on_many_lines():
    text = "{title: A song}\n{key: G}\n{tempo: 90}\n[Verse 1]\n| G | C |\n| D | G |\n[Chorus]\n| C D | G |\n"
    text += "[Verse 1]\nends"
    plan = read_sheet(text).plan
    assert [(section.name, section.bars) for section in plan.sections] == [
        ("Verse 1", 4),
        ("Chorus", 2),
        ("Verse 1", 4),
    ]
    assert plan.sections[0].chords[2] == ("D", 4.0) and (plan.key, plan.tempo, plan.ends) == ("G major", 90, True)


def test_heads_of_sections():
    plan = read_sheet("drop 8 no drums ff tempo 140 7/8 key D dorian: Dm | pickup 1 beat: G7 | middle eight 8").plan
    drop = Section(8.0, "drop", (("Dm", 3.5),), False, 1.0, 140.0, "7/8", "D dorian")
    assert plan.sections == (drop, Section(0.25, "pickup", (("G7", 1.0),)), Section(8.0, "middle eight"))
    assert names("A 8 | A | B 8 | A") == ["A", "A", "B", "A"]
    assert names("verse 1 8: Am | verse 2 8: F") == ["verse 1", "verse 2"]
    assert names("solo 4: Am\nsolo") == ["solo", "solo"]  # which "sol" with a ring is a chord, too


def test_a_form_takes_sections_from_the_plan():
    plan = read_sheet("verse 8: Am F | chorus 4 drums: G").plan
    formed = read_form("chorus | verse x2 | bridge 2: C | ends", plan).plan
    assert [section.name for section in formed.sections] == ["chorus", "verse", "verse", "bridge"] and formed.ends
    assert formed.sections[0] == plan.sections[1]
    with pytest.raises(RequestError, match="a form has sections alone"):
        read_form("tempo 90\nverse 8", plan)


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ("tempo nan", "line 1, column 7", "no number"),
        ("tempo 0", "line 1, column 1", "must lie between"),
        ("7/9", "line 1, column 1", "no metre"),
        ("key Q", "line 1, column 1", "no key"),
        ("swing 90%", "line 1, column 7", "between 50%"),
        ("tempo 96 tempo 97", "line 1, column 10", "second time"),
        ("4/4 loud", "line 1, column 5", "header"),
        ("verse 8: Am\n\ntempo 90", "line 3, column 1", "after the first section"),
        ("verse 8: Am Xyz", "line 1, column 13", "no chord"),
        ("verse 0", "line 1, column 1", "how many bars"),
        ("verse 2: Am F C G", "line 1, column 1", "do not fit"),
        ("verse 99999", "line 1, column 1", "at most 10,000"),
        ("verse -4: Am", "line 1, column 7", "head of a section"),
        ("{start_of_verse", "line 1, column 1", "no directive"),
        ("bridge", "line 1, column 1", "how many bars"),
        ("verse 8 energy 2: Am", "line 1, column 9", "from 0 to 1"),
        ("verse 8 bass: Am", "line 1, column 9", "head of a section"),
        ("verse 8: %", "line 1, column 10", "there is none"),
        ("verse 8: Am . F", "line 1, column 13", "beats need bar lines"),
        ("verse 8: (Am F", "line 1, column 10", "no partner"),
        ("verse 8: Am )", "line 1, column 13", "no chord before"),
        ("A 8: F G | B 8: C D | A", "line 1, column 23", "write \\[A\\]"),
        ("verse 8 x9999: Am", "line 1, column 9", "repeated from 1 to 500"),
        ("verse 8: Am x9999 x9999", "line 1, column 19", "repeats nothing"),
        ("verse 9000: Am x5000 F x9999", "line 1, column 24", "more than 10,000 chords"),
        ("Am " * (MAX_CHORDS + 1), "line 1, column 30001", "more than 10,000 chords"),
        ("verse 8: " + "C" * 5000, "line 1, column 10", "no chord"),
        ("verse: " + "Am-" * 5000, "line 1, column 8", "no chord"),
        ("vamp 8\n" * 501, "line 501, column 1", "more than 500 sections"),
        ("ends", "line 1, column 1", "no sections"),
        ("verse 8: Am\u0000", "line 1, column 10", "no chord"),
        ('"verse 8: Am', "line 1, column 1", "no partner"),
        ("x" * 100_001, "line 1, column 1", "100,000 are the most"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line_with_its_place(text, place, reason):
    with pytest.raises(RequestError, match=reason) as caught:
        read_sheet(text)
    assert str(caught.value).startswith(place) and len(str(caught.value)) < 250 and "\n" not in str(caught.value)


PIECES = (
    'verse 8 : | |: :| ( ) Am F/C % . x2 x drums no tempo 96 bpm key 7/8 [ ] " ends swing'
    " 60% energy *2 Am*2 1 ii H7 # · { } chords pickup beat A ? /"
).split() + ["\n"]


@settings(max_examples=400, deadline=None)
@given(st.text(max_size=60) | st.lists(st.sampled_from(PIECES), max_size=14).map(" ".join))
def test_any_text_is_a_plan_or_refused_with_its_place(text):
    try:
        plan = read_sheet(text).plan
    except RequestError as error:
        assert re.match(r"line \d+, column \d+: .", str(error))
    else:
        plan.check()
        assert read_sheet(write_sheet(plan)).plan == plan


def test_a_sheet_that_cannot_hold_a_plan_says_so():
    with pytest.raises(RequestError, match="keep it as JSON"):
        write_sheet(Plan(sections=(Section(1.0, "long", (("C", 8.0), ("F", 8.0))),)))


@pytest.mark.parametrize(
    ("text", "key"),
    [("Am", "A minor"), ("F# minor", "F# minor"), ("Bb", "Bb major"), ("d dorian", "D dorian"), ("c-Moll", "C minor"),
     ("H minor", "B minor"), ("E blues", "E blues"), ("la mineur", "A minor"), ("Gm", "G minor"),
     ("Do menor", "C minor"), ("C harmonic minor", "C harmonic minor"), ("es-Moll", "Eb minor"), ("Bb", "Bb major")],
)  # fmt: skip
def test_keys(text, key):
    assert read_key(text) == key and read_key(short_key(key)) == key
    assert read_sheet(f"key {text} · no drums\nverse 4 key {text} drums").plan == Plan(
        key=key, drums=False, sections=(Section(4.0, "verse", drums=True, key=key),)
    )


@pytest.mark.parametrize("text", ["Am drums please", "Am or C", "C major and fast", "C 3/4", "Cs-dur", "hs-moll", "8"])
def test_what_is_more_than_a_key_or_another_word_is_none(text):
    with pytest.raises(ValueError, match="is no key"):
        read_key(text)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b" \n", "the file is empty"),
        (b'{"tempo": 90, "tempo": 120}', "'tempo' stands twice"),
        (b'{"sections": [{"bars": 4, "bars": 8}]}', "'bars' stands twice"),
    ],
)
def test_a_file_that_says_nothing_or_one_thing_twice_is_refused(data, reason):
    with pytest.raises(RequestError, match=f"line 1, column 1: {reason}"):
        parse_plan(data)


@pytest.mark.parametrize(
    ("text", "bars"),
    [
        ("Verse 1: Am F C G\nVerse 2: F G", [4, 2]),
        ("Verse 1\nAm F C G\nVerse 2", [4, 4]),
        ("[Verse] Am F (2x)", [4]),
        ("[Chorus (x2)]\nAm F", [2, 2]),
        ("Chorus (x2): Am F", [2, 2]),
        ("Intro (4 bars): Am F", [4]),
        ("Verse: Am F\nRepeat verse x2", [2, 2, 2]),
        ("Key = G\nTempo = 90\nverse: G", [1]),
        ("Time signature: 3/4\nverse: G", [1]),
    ],
)
def test_habits_of_guitarists(text, bars):
    assert [section.bars for section in read_sheet(text).plan.sections] == bars


def test_a_row_of_names_is_no_section():
    with pytest.raises(RequestError, match="line 3, column 1: 'Form'.*name alone"):
        read_sheet("A: Am F\nB: C G\nForm: A A B A")


def test_a_sheet_of_windows_is_read():
    assert parse_plan("verse: Am F".encode("utf-16")).plan == read_sheet("verse: Am F").plan
    with pytest.raises(RequestError, match="save it as UTF-8"):
        parse_plan("Höhe: Am".encode("latin-1"))
