"""A style without a name of its own in a model, and genres that stated instruments rule out."""

from __future__ import annotations

import numpy as np
import pytest

from musicgen_app.control.genre_classifier import Genres
from musicgen_app.control.genre_kin import KIN, nearest, ruled_out
from musicgen_app.control.reading.words import STYLES
from musicgen_app.songbook.decision import BORROWED, decide

KNOWN = ("rock", "folk", "house", "techno", "trance", "jazz", "pop ballad", "lo-fi hip hop")


@pytest.mark.parametrize(
    ("style", "genre"),
    [("edm", "house"), ("hardstyle", "techno"), ("bebop", "jazz"), ("lo-fi", "lo-fi hip hop"), ("jazz", "jazz"),
     ("zouk", ""), ("ballad", "pop ballad")],
)  # fmt: skip
def test_the_nearest_genre_of_a_style(style, genre):
    assert nearest(style, KNOWN) == genre


def test_the_table_has_styles_that_can_be_read():
    assert set(KIN) - set(STYLES) == {"first dance"}


@pytest.mark.parametrize(
    ("prompt", "drums", "out", "left"),
    [
        ("solo acoustic guitar, calm", None, "rock", "folk"),
        ("a single violin in a church", None, "techno", "folk"),
        ("calm felt piano", None, "trance", "jazz"),
        ("something with a pulse", False, "techno", "rock"),
    ],
)
def test_instruments_and_refusals_rule_genres_out(prompt, drums, out, left):
    assert out in ruled_out(prompt, drums) and left not in ruled_out(prompt, drums)


@pytest.mark.parametrize("prompt", ["electric guitar solo over loud drums", "a guitar", "acoustic guitar and drums"])
def test_a_band_keeps_its_genres(prompt):
    assert "rock" not in ruled_out(prompt)


def sure_of(genre: str) -> Genres:
    bias = np.where(np.array(KNOWN) == genre, 5.0, np.where(np.array(KNOWN) == "folk", 3.0, 0.0)).astype(np.float32)
    return Genres(KNOWN, np.zeros((4, len(KNOWN)), dtype=np.float32), bias)


def test_a_classifier_keeps_to_what_can_be_meant():
    vector = np.ones(4, dtype=np.float32)
    assert sure_of("rock").meant("solo acoustic guitar, calm", vector) == "folk"
    assert sure_of("rock").meant("stadium guitars", vector) == "rock"
    assert sure_of("trance").meant("EDM", vector, ("edm",)) == "house"
    assert sure_of("trance").meant("for our first dance", vector) == "pop ballad"
    assert sure_of("trance").meant("techno", vector, ("techno",)) == ""


def test_a_style_for_which_another_genre_is_taken_is_told():
    (decision,) = decide("an EDM banger", None, [0], None, genre=("house", BORROWED))
    assert [(one.text, one.meaning) for one in decision.approximated] == [("EDM", "house")]
    assert "genre" not in [one.kind for one in decision.understood]
