"""What prompts state in so many words."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicgen_app.control.prompt_parser import BPM, WIDTH, PromptFacts, parse_prompt


@pytest.mark.parametrize(
    ("prompt", "tempo"),
    [
        ("driving techno, 128 bpm", 128),
        ("house at 124 BPM in A minor", 124),
        ("a 92-bpm hip hop beat", 92),
        ("slow ballad, 68.5 beats per minute", 68.5),
        ("Tempo 140 BPM, metre 4/4", 140),
        ("tempo: 95, calm", 95),
        ("an 80s track with 12 strings", None),
        ("999 bpm hardcore", None),
        ("15 bpm drone", None),
        ("music from 1984", None),
    ],
)
def test_tempo(prompt, tempo):
    assert parse_prompt(prompt).tempo == tempo


@pytest.mark.parametrize(
    ("prompt", "tonic", "minor"),
    [
        ("in C major", 0, False),
        ("a piece in F# minor", 6, True),
        ("key of Bb major", 10, False),
        ("E flat major march", 3, False),
        ("house, 124 BPM, A minor, 4/4", 9, True),
        ("a waltz in a minor", 9, True),
        ("D dorian jam", 2, True),
        ("G mixolydian", 7, False),
        ("a minor detail of a great song", None, None),
        ("The harmony is in a minor key", None, True),
        ("set in a major key", None, False),
        ("A major key ballad", None, False),
        ("C-sharp minor prelude", 1, True),
        ("slow piano", None, None),
    ],
)
def test_key(prompt, tonic, minor):
    assert (parse_prompt(prompt).tonic, parse_prompt(prompt).minor) == (tonic, minor)


@pytest.mark.parametrize(
    ("prompt", "metre"),
    [("jig in 6/8", "6/8"), ("3/4 time", "3/4"), ("a slow waltz", "3/4"), ("techno, four on the floor", "4/4"),
     ("odd 7/8 groove", "7/8"), ("recorded on 11/4/2020", None), ("piano", None)],
)  # fmt: skip
def test_metre(prompt, metre):
    assert parse_prompt(prompt).metre == metre


@pytest.mark.parametrize(
    ("prompt", "drums"),
    [("pads, no drums", False), ("a drumless intro", False), ("strings without any percussion", False),
     ("brushes whisper on the snare", True), ("rattling hi hats", True), ("congas and trumpets", True),
     ("floating, no rhythm at all", False), ("double kick", True), ("the song kicks off slowly", None),
     ("rock with loud drums", True), ("808 and a bass", True), ("solo flute", None)],
)  # fmt: skip
def test_drums(prompt, drums):
    assert parse_prompt(prompt).drums is drums


@pytest.mark.parametrize(
    ("prompt", "chords"),
    [("piano, chords Am F C G, slow", ("Am", "F", "C", "G")), ("Chords: C-Gsus4-Am.", ("C", "Gsus4", "Am")),
     ("a progression of F#m7 | B♭maj7 | E♭", ("F#m7", "Bbmaj7", "Eb")),
     ("chords Dm7, G7, Cmaj7", ("Dm7", "G7", "Cmaj7")),
     ("chords Am", ("Am",)), ("lush chords and a Bass", ()), ("piano chords Calm", ()),
     ("C G Am F", ("C", "G", "Am", "F"))],
)  # fmt: skip
def test_chords(prompt, chords):
    assert parse_prompt(prompt).chords == chords


@pytest.mark.parametrize(
    ("prompt", "pace"),
    [
        ("slow piano over soft strings", "slow"),
        ("an unhurried Adagio", "slow"),
        ("Up-tempo jazz", "fast"),
        ("rock, fast and loud", "fast"),
        ("not too fast, not slow either", None),
        ("begins slow, ends fast", None),
        ("breakfast in bed, slower", "slow"),
        ("upbeat pop", None),
    ],
)
def test_pace(prompt, pace):
    assert parse_prompt(prompt).pace == pace
    assert not parse_prompt(prompt).vector().any()  # it is for the plan alone


def test_nothing_stated_is_nothing():
    assert not PromptFacts().vector().any() and PromptFacts().vector().shape == (WIDTH,)


def test_near_tempi_have_near_vectors():
    def apart(a: float, b: float) -> float:
        return float(np.linalg.norm(PromptFacts(tempo=a).vector() - PromptFacts(tempo=b).vector()))

    assert apart(120, 120) == 0 < apart(120, 122) < apart(120, 127) < apart(120, 140)


@given(st.floats(*BPM), st.integers(0, 11), st.booleans(), st.sampled_from(["4/4", "3/4", "6/8"]), st.booleans())
def test_every_part_has_a_place_of_its_own(tempo, tonic, minor, metre, drums):
    parts = [
        PromptFacts(tempo=tempo),
        PromptFacts(tonic=tonic),
        PromptFacts(minor=minor),
        PromptFacts(metre=metre),
        PromptFacts(drums=drums),
    ]
    whole = PromptFacts(tempo, tonic, minor, metre, drums).vector()
    assert np.array_equal(whole, sum(part.vector() for part in parts))
    assert all(part.vector().any() for part in parts)


@given(st.text(max_size=300))
def test_any_text_can_be_read(text):
    assert np.isfinite(parse_prompt(text).vector()).all()
