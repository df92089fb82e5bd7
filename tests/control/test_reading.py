"""What a prompt is read as: understood, approximated, not understood; what is wanted, and what not."""

from __future__ import annotations

import numpy as np
import pytest

from musicgen_app.control.planner import plans_for
from musicgen_app.control.prompt_parser import parse_prompt, read_prompt, two_sides


def kinds(demands) -> list[str]:
    return [demand.kind for demand in demands]


@pytest.mark.parametrize(
    ("prompt", "wanted", "negative"),
    [
        ("not techno, something acoustic", "something acoustic", "techno"),
        ("no jazz please, just calm guitar", "calm guitar", "jazz"),
        ("techno without kick", "techno", "kick"),
        ("anything but Irish. Something Balkan", "Something Balkan", "Irish"),
        ("rock ballad but no guitar solo, Bb major", "rock ballad, Bb major", "guitar solo"),
        ("guitar instead of piano", "guitar", "piano"),
        ("kein Techno, lieber Jazz", "lieber Jazz", "Techno"),
        ("trap, no hats, no vocals, sad", "trap, sad", "hats, vocals"),
        ("pads, no drums", "pads, no drums", ""),  # the plan says it, and captions do
        ("pads, don't use drums", "pads, no drums", ""),
        ("not EDM", "music", "EDM"),
        ("heavy metal, no mercy whatsoever", "heavy metal, no mercy whatsoever", ""),
        ("a waltz", "a waltz", ""),
    ],
)
def test_what_is_refused_goes_to_the_other_side(prompt, wanted, negative):
    reading = read_prompt(prompt)
    assert (reading.wanted, reading.negative) == (wanted, negative)
    assert two_sides(prompt, "noise") == (wanted, f"noise, {negative}" if negative else "noise")


@pytest.mark.parametrize(
    ("prompt", "drums"),
    [
        ("don't use drums", False),
        ("drums are not wanted", False),
        ("percussion: none", False),
        ("skip the drums", False),
        ("keep the drums out of it", False),
        ("ohne Schlagzeug", False),
        ("sans batterie", False),
        ("без барабанов", False),
        ("ドラムなし", False),
        ("neither drums nor bass", False),
        ("drum and bass without the drums", False),
        ("please don't leave out the drums", True),
        ("not too many drums", True),
        ("techno without kick", None),
        ("no congas, but a drum kit", True),
        ("drums and no drums", None),
        ("no drums until the chorus", None),
        ("maybe drums", None),
        ("chicken drumsticks", None),
        ("batterie de mon téléphone", None),
        ("no 808s", None),
    ],
)
def test_drums(prompt, drums):
    assert parse_prompt(prompt).drums is drums


@pytest.mark.parametrize(
    ("prompt", "key"),
    [
        ("in Fm", "F minor"),
        ("F#m", "F# minor"),
        ("key of Bb", "Bb"),
        ("blues in E", "E"),
        ("H minor", "B minor"),
        ("c-Moll", "C minor"),
        ("B-Dur", "Bb major"),
        ("11A, 128 bpm", "F# minor"),
        ("Si bemol menor", "Bb minor"),
        ("phrygisch auf E", "E phrygian"),
        ("D Freygish scale", "D phrygian dominant"),
        ("the relative minor of C", "A minor"),
        ("minor blues in G", "G minor"),
        ("ハ長調", "C major"),
        ("до-диез минор", "C# minor"),
        ("E.T. in flat shoes", None),
        ("a minor inconvenience", None),
        ("mi mayor deseo es una canción", None),
        ("a major label, A-side", None),
        ("B movie, D-tier budget", None),
        ("Am I dreaming", None),
    ],
)
def test_keys(prompt, key):
    assert parse_prompt(prompt).key == key


@pytest.mark.parametrize(
    ("prompt", "tempo", "kind"),
    [
        ("♩=88", 88, "understood"),
        ("tempo around ninety", 90, "understood"),
        ("122 bmp", 122, "understood"),
        ("two beats per second", 120, "understood"),
        ("half of 140 bpm", 70, "understood"),
        ("280 bpm", 280, "understood"),
        ("cent vingt-huit bpm", 128, "understood"),
        ("120-128 bpm", 124, "approximated"),
        ("techno 128", 128, "approximated"),
        ("at least 140 bpm", 140, "approximated"),
        ("1128 bpm", None, "not_understood"),
        ("-120 bpm", None, "not_understood"),
        ("0 bpm", None, "not_understood"),
        ("tempo infinity bpm", None, "not_understood"),
    ],
)
def test_tempi(prompt, tempo, kind):
    reading = read_prompt(prompt)
    assert reading.facts.tempo == tempo
    assert "tempo" in kinds(getattr(reading, kind))


@pytest.mark.parametrize("prompt", ["120 km/h", "100 tracks", "the 80s", "33 rpm", "60 fps", "at 2 am", "route 66"])
def test_numbers_that_are_no_tempi(prompt):
    assert parse_prompt(prompt).tempo is None


@pytest.mark.parametrize(
    ("prompt", "metre"),
    [
        ("7/8", "7/8"),
        ("cut time", "2/2"),
        ("jazz in five", "5/4"),
        ("slip jig", "9/8"),
        ("seven-eight", "7/8"),
        ("Dreivierteltakt", "3/4"),
        ("tres por cuatro", "3/4"),
        ("4分の3拍子", "3/4"),
        ("ein Walzer", "3/4"),
        ("24/7", None),
        ("3/4 of the audience", None),
        ("no waltz", None),
        ("ready in five", None),
        ("by 6/8, our wedding", None),
    ],
)
def test_metres(prompt, metre):
    assert parse_prompt(prompt).metre == metre


def test_what_cannot_be_done_is_told():
    reading = read_prompt(
        "a woman sings lyrics, verse and chorus, 30 seconds, 7/0 time, J-Dur, a Q7 chord, then key change"
    )
    assert {"form", "length", "metre", "key", "chords"} <= set(kinds(reading.not_understood))
    assert "voice" in kinds(reading.approximated)
    assert all(demand.why for demand in (*reading.approximated, *reading.not_understood))


def test_a_second_tempo_or_key_is_told():
    reading = read_prompt("120 bpm in C major, then 90 bpm in F minor")
    assert reading.facts.tempo == 120 and reading.facts.key == "C major"
    assert sorted(kinds(reading.approximated)) == ["key", "tempo"]


def test_a_language_that_the_models_did_not_learn_is_told():
    assert read_prompt("ein langsames Lied mit Gitarre und ohne Schlagzeug").approximated[-1].kind == "language"
    assert read_prompt("a slow song with a guitar").approximated == ()


def test_demands_are_json_as_others_read_it():
    (demand,) = read_prompt("C7alt, 1128 bpm").to_dict()["not_understood"]
    assert demand["text"] == "1128 bpm" and demand["as"] == "" and "400 BPM" in demand["why"]


def test_a_vector_holds_what_it_has_a_place_for():
    assert not parse_prompt("7/8, 280 bpm").vector().any()
    dotted, quarters = parse_prompt("♩.=80"), parse_prompt("120 bpm")
    assert np.array_equal(dotted.vector(), quarters.vector())


def test_plans_follow_what_is_read():
    (degrees,) = plans_for(parse_prompt("I V vi IV, key of G major, 7/8, ♩.=80, shuffle"), None, [0], None)
    assert [symbol for symbol, _ in degrees.chords] == ["G", "D", "Em", "C"]
    assert (degrees.metre, degrees.tempo, degrees.swing) == ("7/8", 120, 0.667)
    (somewhere,) = plans_for(parse_prompt("I V vi IV, no idea which key"), None, [0], None)
    assert [symbol for symbol, _ in somewhere.chords] == ["C", "G", "Am", "F"] and somewhere.key == "C major"
    (modal,) = plans_for(parse_prompt("D dorian"), None, [0], None)
    assert modal.key == "D dorian"
