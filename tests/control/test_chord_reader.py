"""Chord symbols as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicgen_app.control.chord_reader import GERMAN, LATIN, MOST_CHORDS, NO_CHORD, read_chord, read_chords
from musicgen_app.control.theory import QUALITIES, parse_chord, spell


@pytest.mark.parametrize(
    ("text", "symbol"),
    [("Am", "Am"), ("C/E", "C/E"), ("CM7", "Cmaj7"), ("Cmaj", "C"), ("A-7", "Am7"), ("G^7", "Gmaj7"), ("GΔ", "Gmaj7"),
     ("Cmin", "Cm"), ("Csus", "Csus4"), ("B♭ø", "Bbm7b5"), ("Bø7", "Bm7b5"), ("Co7", "Cdim7"), ("C°", "Cdim"),
     ("Ch7", "Cm7b5"), ("C+", "Caug"), ("C7#5", "Caug7"), ("G7(b9)", "G7b9"), ("Em(maj7)", "Emmaj7"),
     ("CmM7", "Cmmaj7"),
     ("A-^7", "Ammaj7"), ("Am7-5", "Am7b5"), ("Cadd2", "Cadd9"), ("C(no3)", "C5"), ("C6/9", "C69"), ("am", "Am"),
     ("bbm7", "Bbm7"), ("Hm", "Bm"), ("Fism7", "F#m7"), ("cis", "C#m"), ("cis-Moll", "C#m"), ("A-Dur", "A"),
     ("As", "Ab"), ("Asus2", "Asus2"), ("La m", "Am"), ("Fa", "F"), ("Do#", "C#"), ("Sib", "Bb"), ("Sol/Si", "G/B"),
     ("Mi m7♭5", "Em7b5"), ("Si bemol menor", "Bbm"), ("F sharp minor", "F#m"), ("D/F#", "D/F#"), ("N.C.", NO_CHORD)],
)  # fmt: skip
def test_symbols(text, symbol):
    read = read_chord(text)
    assert read.symbol == symbol and read.text == text
    assert (read.why == "") == (symbol != NO_CHORD)


@pytest.mark.parametrize(
    ("text", "symbol", "says"),
    [("C7alt", "C7#9", "usual"), ("C11", "C9sus4", "usual"), ("Cmaj7#11", "Cmaj7", "#11"), ("C13b9", "C7b9", "13"),
     ("Cm69", "Cm6", "9"), ("C9#11/E", "C9/E", "#11")],
)  # fmt: skip
def test_what_the_model_does_not_know_becomes_the_nearest_and_says_so(text, symbol, says):
    assert read_chord(text).symbol == symbol and says in read_chord(text).why


@pytest.mark.parametrize(
    "text", ["Q7", "Calm", "Bass", "Aug", "Dim", "C/E/G", "/C", "", " ", "C" * 50, "Hello", "Cdim99"]
)
def test_what_is_no_chord(text):
    assert read_chord(text) is None


@pytest.mark.parametrize("quality", QUALITIES)
def test_the_names_of_the_models_own_chords_are_read_as_they_are(quality):
    for symbol in (f"Eb{quality}", f"F#{quality}/A"):
        assert read_chord(symbol) == (symbol, symbol, "")


@pytest.mark.parametrize(
    ("row", "symbols"),
    [("C/E F G Am", "C/E F G Am"), ("CM7 A-7 D7 G^7", "Cmaj7 Am7 D7 Gmaj7"), ("Am-F-C-G", "Am F C G"),
     ("am f c g", "Am F C G"), ("[Am] [F]", "Am F"), ("Am H7", "Am B7"), ("B Es F H", "Bb Eb F B"),
     ("La m, Fa", "Am F"),
     ("Do7 Fa Sol7", "C7 F G7"), ("(Em C) x2 then G D", "Em C Em C G D"), ("| Bm | G | % | A | x4", "Bm G G A"),
     ("E-7 / A7 / D^7 / B-7", "Em7 A7 Dmaj7 Bm7"), ("| G / / / | C / D / |", "G C D"), ("F→G→Em→Am", "F G Em Am"),
     ("cis-Moll, A-Dur, E-Dur, H-Dur", "C#m A E B"), ("A minor, F major, C, G7", "Am F C G7"),
     ("|: B♭-9 | E♭13 :|", "Bbm9 Eb13"), ("a F C e", "Am F C Em"), ("Em – Em(maj7) – Em6", "Em Emmaj7 Em6")],
)  # fmt: skip
def test_rows(row, symbols):
    assert [read.symbol for read in read_chords(row)] == symbols.split()


@pytest.mark.parametrize(
    ("row", "key", "symbols"),
    [("ii-V-I", "Bb", "Cm F Bb"), ("ii7–V7–Imaj7", "Eb major", "Fm7 Bb7 Ebmaj7"),
     ("i VII VI V", "A minor", "Am G F E"),
     ("i bVII bVI V", "A minor", "Am G F E"), ("iiø7 V7b9 i", "C minor", "Dm7b5 G7b9 Cm"),
     ("bVI-bVII-I", "C", "Ab Bb C"),
     ("1 6- 4 5", "D", "D Bm G A"), ("1 5/7 6- 4", "G", "G D/F# Em C"), ("1-5-6-4", "G", "G D Em C"),
     ("V7/V V7 I", "C major", "D7 G7 C"), ("viio7 i", "A minor", "G#dim7 Am"), ("i IV7", "D dorian", "Dm G7")],
)  # fmt: skip
def test_degrees(row, key, symbols):
    assert [read.symbol for read in read_chords(row, key)] == symbols.split()


def test_what_cannot_be_read_in_a_row_is_told():
    row = read_chords("Q7 Am I V")
    assert [read.symbol for read in row] == [None, "Am", None, None] and all(
        read.why for read in row if not read.symbol
    )
    assert "no key" in row[-1].why


def test_the_habit_of_naming_notes():
    """The row tells it; where it does not, the caller may, and the doubt is told."""
    assert [read.symbol for read in read_chords("B F C")] == ["B", "F", "C"]
    doubtful = read_chords("B F C", names=GERMAN)
    assert doubtful[0].symbol == "Bb" and "H or Bb" in doubtful[0].why and not doubtful[1].why
    assert read_chord("Do7", LATIN).symbol == "C7" and read_chord("Do7").symbol == "Ddim7"


def test_repeats_are_bounded():
    assert len(read_chords("(Am F) x99 " * 50 + "G")) <= MOST_CHORDS


@given(st.one_of(st.text(max_size=120), st.text("ABCDEFGHabm#b7-^/()|%x2IViv ,°øΔ", max_size=60)))
def test_any_text_can_be_read(text):
    for read in [read_chord(text), *read_chords(text), *read_chords(text, "E minor")]:
        if read and read.symbol:
            parse_chord(read.symbol)


@pytest.mark.parametrize(
    ("symbol", "key", "spelt"),
    [("A#", "F minor", "Bb"), ("C#m7", "F minor", "Dbm7"), ("Gb", "E minor", "F#"), ("C#", "C major", "Db"),
     ("G#dim", "A minor", "G#dim"), ("Ab/D#", "E major", "G#/D#"), ("B", "Gb major", "Cb"), ("E", "Eb major", "E"),
     ("A#", None, "A#"), ("", "F minor", ""), ("D#7", "Bb", "Eb7")],
)  # fmt: skip
def test_spelling_by_key(symbol, key, spelt):
    assert spell(symbol, key) == spelt
