"""What takes back what was said before it, what contradicts it, and other ways of prompts that were met late."""

from __future__ import annotations

import pytest

from musicgen_app.control.prompt_parser import Reading, read_prompt


def doubts(reading: Reading, kind: str) -> list[str]:
    """What is told of a kind."""
    return [demand.text for demand in (*reading.approximated, *reading.not_understood) if demand.kind == kind]


@pytest.mark.parametrize(
    ("prompt", "kind", "value", "replaced"),
    [
        ("90 bpm, no wait, make that 140 bpm. drill.", "tempo", 140, ["90 bpm"]),
        ("120 bpm, sorry, I mean 124 bpm, house", "tempo", 124, ["120 bpm"]),
        ("100 bpm, non, plutôt 110 bpm, piano", "tempo", 110, ["100 bpm"]),
        ("100 BPM. No, 95 BPM.", "tempo", 95, ["100 BPM"]),
        ("C minor, or rather D minor, piano", "key", "D minor", ["C minor"]),
        ("was mit 96 BPM machen, ach nein, 98 BPM, Klavier", "tempo", 98, ["96 BPM"]),
        ("a-Moll, nein, lieber e-Moll, Klavier", "key", "E minor", ["a-Moll"]),
        ("3/4, wait, 4/4, piano", "metre", "4/4", ["3/4"]),
    ],
)
def test_what_is_taken_back_is_told_and_the_later_holds(prompt, kind, value, replaced):
    reading = read_prompt(prompt)
    assert getattr(reading.facts, kind) == value
    assert doubts(reading, kind) == replaced
    assert not reading.unwanted


def test_a_number_that_it_is_made():
    assert read_prompt("anything between 118 and 122 bpm, but make it exactly 121").facts.tempo == 121
    assert read_prompt("make it 90 seconds long").facts.tempo is None
    reading = read_prompt("70 bpm (feels like 140), trap")
    assert reading.facts.tempo == 70 and doubts(reading, "tempo") == ["140"]


@pytest.mark.parametrize(
    ("prompt", "kind", "value", "told"),
    [
        ("a steady 80 bpm and also a steady 150 bpm", "tempo", 80, ["80 bpm", "150 bpm"]),
        ("pop in C major, and all of it must be in F# minor", "key", "C major", ["C major", "F# minor"]),
        ("techno in 4/4 and 3/4 at once", "metre", "4/4", ["4/4", "3/4"]),
        ("starts in C major and ends in A minor", "key", "C major", ["A minor"]),
        ("90 bpm, then 120 bpm", "tempo", 90, ["120 bpm"]),
    ],
)
def test_of_a_contradiction_both_sides_are_told_and_of_a_change_the_second(prompt, kind, value, told):
    reading = read_prompt(prompt)
    assert getattr(reading.facts, kind) == value
    assert doubts(reading, kind) == told


@pytest.mark.parametrize(
    ("prompt", "unwanted", "drums"),
    [
        ("pagode não, samba não, quero um choro", ("pagode", "samba"), None),
        ("drums no, piano yes", ("drums",), False),
        ("Schlagzeug nein, Klavier ja", ("Schlagzeug",), False),
        ("batería no, piano sí", ("batería",), False),
        ("rock no, jazz yes", ("rock",), None),
        ("techno? no thanks, a harp", ("techno",), None),
        ("anything BUT christmas music", ("christmas",), None),
        ("no elevator music please, a funky groove", ("elevator",), None),
        ("R&B, no snaps, no drums", ("snaps", "drums"), False),
        ("it was a story of yes and no, piano", (), None),
        ("no wait, a piano", (), None),
        ("oh no, another folk song", (), None),
        ("rock'n'roll, oui; disco, non", ("disco",), None),
        ("Don't do trap. Don't do drill. A waltz", ("trap", "drill"), None),
    ],
)
def test_refusals_behind_their_noun_and_in_lists(prompt, unwanted, drums):
    reading = read_prompt(prompt)
    assert reading.unwanted == unwanted
    assert reading.facts.drums is drums


@pytest.mark.parametrize(
    ("prompt", "key"),
    [("the relative minor of E flat major", "C minor"), ("three flats, major, for violin", "Eb major"),
     ("a minor key with two sharps, cello", "B minor"), ("no sharps or flats", None),
     ("in one sharp, minor", "E minor"), ("nothing in a major key please", None)],
)  # fmt: skip
def test_keys_by_what_they_are_beside(prompt, key):
    assert read_prompt(prompt).facts.key == key


def test_what_stands_beside_the_words_of_a_song_is_read():
    reading = read_prompt(
        "waltz, 90 bpm: [G]Snow on the [D]roof, my love - that's the verse, C major please, banjo, no drums"
    )
    assert reading.facts.chords == ("G", "D")
    assert (reading.facts.tempo, reading.facts.metre, reading.facts.key) == (90, "3/4", "C major")
    assert reading.facts.drums is False
    assert doubts(reading, "voice") == ["[G]Snow on the [D]roof, my love - that's the verse"]


@pytest.mark.parametrize(
    ("prompt", "chords"),
    [("start in Am go to F end in G", "Am F G"), ("begin on Dm, move to G7 and finish on C, jazz", "Dm G7 C"),
     ("Am+F+C+G, pop", "Am F C G"),
     ("Am for 4 bars then E7 for 4 bars", "Am E7"), ("C+ F C+/E G, pop", "Caug F Caug/E G")],
)  # fmt: skip
def test_rows_of_chords_with_other_links(prompt, chords):
    reading = read_prompt(prompt)
    assert " ".join(reading.facts.chords) == chords
    assert set(doubts(reading, "chords")) <= {"Am for 4 bars then E7"}  # a bar each


@pytest.mark.parametrize(
    ("prompt", "names"),
    [("inspired by bach, harpsichord", ["bach"]), ("like queen, but slower", ["queen"]),
     ("a song in the style of prince", ["prince"]), ("fit for a queen", []), ("music from Brazil, guitar", []),
     ("song from Frozen, piano", ["Frozen"]), ("inspired by the sound of rush hour", [])],
)  # fmt: skip
def test_artists_in_small_letters(prompt, names):
    assert doubts(read_prompt(prompt), "name") == names


@pytest.mark.parametrize(
    ("prompt", "tempo", "told"),
    [("noire pointée à 54, guitare", 54, []),
     ("house, in the low 120s", 121.5, ["in the low 120s"]),
     ("sub-100 bpm dub", 100, ["sub-100 bpm"]),
     ("half as fast as 140 bpm", 70, []), ("double the tempo of 65", 130, []),
     ("tempo eighty-something", 80, ["tempo eighty"]),
     ("at the speed of a resting heart", None, ["speed of a resting heart"])],
)  # fmt: skip
def test_tempi_that_are_said_by_another(prompt, tempo, told):
    reading = read_prompt(prompt)
    assert reading.facts.tempo == tempo
    assert doubts(reading, "tempo") == told


@pytest.mark.parametrize(
    ("prompt", "kind"),
    [("drones around C#", "key"), ("the same key as my last one", "key"),
     ("drop D, heavy riff", "pitch"), ("half step down tuning, blues", "pitch"),
     ("maj7 chords everywhere", "chords"), ("something like 'Clair de Lune'", "name")],
)  # fmt: skip
def test_what_is_left_over_is_told(prompt, kind):
    assert doubts(read_prompt(prompt), kind)


def test_chords_of_sections_without_a_sign():
    assert read_prompt("verse Am F, chorus C G, 120bpm indie rock").facts.chords == ("Am", "F", "C", "G")


def test_as_is_no_note_in_english():
    assert read_prompt("Could it be in the same key as my last one? Bm").facts.key == "B minor"
