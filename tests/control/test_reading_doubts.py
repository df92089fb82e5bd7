"""Kinds of demands that were once read as something else in silence: each is read, or told."""

from __future__ import annotations

import pytest

from musicgen_app.control.prompt_parser import parse_prompt, read_prompt


def told(prompt: str) -> set[str]:
    """Kinds of what is approximated or not understood."""
    reading = read_prompt(prompt)
    return {demand.kind for demand in (*reading.approximated, *reading.not_understood)} - {"language"}


@pytest.mark.parametrize(
    ("prompt", "tempo"),
    [
        ("rumba, 100 ppm", 100), ("house at 122 bmp", 122), ("trap 130 bbpm", 130), ("90 bpn", 90),
        ("120 b p m house", 120), ("pop, 105 beats pr minute", 105), ("T=88 jazz", 88), ("93 and a half bpm", 93.5),
        ("120 per minute", 120), ("90 уд/мин", 90), ("128bpm_Am_house", 128),
    ],
)  # fmt: skip
def test_units_of_tempo(prompt, tempo):
    assert parse_prompt(prompt).tempo == tempo and "tempo" not in told(prompt)


@pytest.mark.parametrize(
    ("prompt", "tempo"),
    [("174 drum and bass", 174), ("one-forty dubstep", 140), ("dnb @174 reese bass", 174), ("techno/130/dark", 130)],
)
def test_numbers_without_a_unit_are_guessed_and_told(prompt, tempo):
    assert parse_prompt(prompt).tempo == tempo and "tempo" in told(prompt)


@pytest.mark.parametrize("prompt", ["l20 bpm", "33 rpm vinyl", "techno130bpm", "100 bpm +/- 5", "walking pace"])
def test_other_numbers_and_units_are_no_silent_tempo(prompt):
    assert parse_prompt(prompt).tempo in (None, 100)
    assert prompt.startswith("33") or "tempo" in told(prompt)


@pytest.mark.parametrize(
    ("prompt", "chords"),
    [
        ("Am, F, C, G and a nice melody", ("Am", "F", "C", "G")),
        ("play Dm G C a few times", ("Dm", "G", "C")),
        ("use Am F C G as a loop", ("Am", "F", "C", "G")),
        ("a song with chords Am F and a C", ("Am", "F", "C")),
        ("C G a F", ("C", "G", "Am", "F")),
        ("am f c g a nice ballad", ("Am", "F", "C", "G")),
        ("Em->C->G->D", ("Em", "C", "G", "D")),
        ("Am-F-C-G-", ("Am", "F", "C", "G")),
        ("<Am> <F>", ("Am", "F")),
        ("Em, C, G & D", ("Em", "C", "G", "D")),
        ("E5 G5 A5 riff, palm muted", ("E5", "G5", "A5")),
        ("E9 vamp, funk", ("E9",)),
        ("C△7 A-7 D-7 G7", ("Cmaj7", "Am7", "Dm7", "G7")),
        ("Chords: C, H♭9xx, G", ("C", "G")),
        ("| Am | Zm7 | F |", ("Am", "F")),
        ("Am 2 bars, F 2 bars, C 1 bar", ("Am", "F", "C")),
        ("verse: Am F x2, chorus: C G", ("Am", "F", "Am", "F", "C", "G")),
        ("ii7b5 V7 i in G minor", ("Am7b5", "D7", "Gm")),
        ("I maj7 vi7 in Bb", ("Bbmaj7", "Gm7")),
        ("🎸 Em C G D 🥁", ("Em", "C", "G", "D")),
    ],
)
def test_rows_of_chords(prompt, chords):
    assert parse_prompt(prompt).chords == chords


@pytest.mark.parametrize(
    "prompt",
    ["Am F a C G", "Em, C, G and maybe D", "Chords: C, H♭9xx, G", "| Am | Zm7 | F |", "Am 2 bars, F 2 bars, C 1 bar",
     "verse: Am F, chorus: C G", "rhythm changes in Bb", "blues changes in F", "1 5 6 4", "same chords as Let It Be",
     "C or F"],
)  # fmt: skip
def test_what_is_doubtful_of_chords_is_told(prompt):
    assert "chords" in told(prompt)


@pytest.mark.parametrize("prompt", ["melody: C4 D4 E4", "bass line A A G F", "notes: C E G B", "E5 G5 A5 melody"])
def test_notes_of_a_melody_are_no_chords(prompt):
    assert parse_prompt(prompt).chords == () and "melody" in told(prompt)


@pytest.mark.parametrize(
    ("prompt", "key", "chords"),
    [
        ("langsam, D-Dur, D A Hm G", "D major", ("D", "A", "Bm", "G")),
        ("key Am progression i-VI-III-VII", "A minor", ("Am", "F", "C", "G")),
        ("in A major key", "A major", ()),
        ("a sad minor song", "minor", ()),
        ("eine Polka in B", "Bb", ()),
        ("A단조 80bpm", "A minor", ()),
        ("cminor", "C minor", ()),
        ("Dm vibe", "D minor", ()),
        ("deep house 122 bpm Gm", "G minor", ()),
    ],
)
def test_keys(prompt, key, chords):
    facts = parse_prompt(prompt)
    assert facts.key == key and facts.chords == chords


@pytest.mark.parametrize("prompt", ["C or D minor", "key of C or G", "C major and also F# minor the whole time"])
def test_another_key_is_told(prompt):
    demands = read_prompt(prompt)
    keys = [one.text for one in (*demands.approximated, *demands.not_understood) if one.kind == "key"]
    assert len(keys) == 2


@pytest.mark.parametrize(
    ("prompt", "drums", "refused"),
    [
        ("jazz without saxophone and without drums", False, ("saxophone", "drums")),
        ("I hate drum machines but I want real drums", True, ("drum machines",)),
        ("no electronic drums", None, ("electronic drums",)),
        ("not many drums", True, ()),
        ("all instruments but drums", False, ("drums",)),
        ("I don't want it to have drums", False, ("drums",)),
        ("don't you dare put drums in", False, ("drums",)),
        ("no need for drums", False, ("drums",)),
        ("alles ausser Schlagzeug", False, ("Schlagzeug",)),
        ("no 🥁", False, ("🥁",)),
        ("🥁❌ piano", False, ("🥁",)),
        ("🚫🥁 piano", False, ("🥁",)),
        ("🎹 🥁", True, ()),
    ],
)
def test_drums_and_refusals(prompt, drums, refused):
    reading = read_prompt(prompt)
    assert reading.facts.drums is drums and reading.unwanted == refused


def test_a_refused_kind_of_drums_is_told():
    assert "drums" in told("no electronic drums") and "no" not in read_prompt("no electronic drums").wanted


@pytest.mark.parametrize("prompt", ["no 4/4, 3/4", "3/4, not 4/4"])
def test_a_refused_metre_is_none(prompt):
    assert parse_prompt(prompt).metre == "3/4" and read_prompt(prompt).unwanted == ("4/4",)


@pytest.mark.parametrize(
    "prompt",
    [
        "a song for my hamster he is very fast",
        "my car is fast",
        "slower than usual",
        "10% slower",
        "quick, I need a calm song",
        "the race car drives fast",
    ],
)
def test_a_pace_of_something_else_is_left_open_and_told(prompt):
    assert parse_prompt(prompt).pace is None and "pace" in told(prompt)


@pytest.mark.parametrize("prompt", ["the song is fast", "it should be fast", "fast techno"])
def test_a_pace_of_the_music_is_read(prompt):
    assert parse_prompt(prompt).pace == "fast"


@pytest.mark.parametrize(("prompt", "swing"), [("jazz, swing 60%", 0.6), ("no swing", 0.5), ("shuffle", 0.667)])
def test_swing(prompt, swing):
    assert parse_prompt(prompt).swing == swing


@pytest.mark.parametrize(
    "prompt",
    ["Beatles-style pop", "Drake type beat", "something like Queen", "en el estilo de Paco de Lucia", "alla Morricone",
     "in the vein of Tool", "it reminds me of Radiohead", "mozart-like sonata", "wie Rammstein"],
)  # fmt: skip
def test_names_of_artists_are_told(prompt):
    assert "name" in told(prompt)


@pytest.mark.parametrize(
    "prompt",
    ["Jazz style", "Italian style", "Trap type beat", "something like Jazz", "like a rainy day", "Summer vibes"],
)
def test_words_that_are_no_names(prompt):
    assert "name" not in told(prompt)


@pytest.mark.parametrize(
    ("prompt", "kind"),
    [("a 10 hour sleep track", "length"), ("12 bar blues in E", "form"), ("triplet feel", "feel"),
     ("the drums drop out in the bridge", "form"), ("at 60 (dotted quarter)", "tempo")],
)  # fmt: skip
def test_what_no_plan_holds_is_told(prompt, kind):
    assert kind in told(prompt)
