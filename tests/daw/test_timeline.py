"""A plan -> what of it lies in a clip, and when."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musicgen_app.control.plan import MAX_SECTIONS, Plan, Section
from musicgen_app.control.theory import bar_length
from musicgen_app.daw.timeline import Span, root_note, short_key, timeline_of
from support.plans import plans

SONG = Plan(
    tempo=120,
    key="A minor",
    sections=(Section(2, "intro"), Section(3.5, "verse", tempo=90), Section(2, metre="7/8", key="C major")),
)


def places(plan: Plan, seconds: float) -> list[tuple[float, str]]:
    return [(round(mark.seconds, 3), mark.text) for mark in timeline_of(plan, seconds).marks]


def test_bars_and_sections_of_a_song():
    assert places(SONG, 18.0) == [
        (0, "bar 1: intro"),
        (2, "bar 2"),
        (4, "bar 3: verse"),
        (6.667, "bar 4"),
        (9.333, "bar 5"),
        (12, "bar 6"),
        (13.333, "bar 7: section"),
        (15.083, "bar 8"),
        (16.833, "bar 9: intro"),
    ]
    sections = timeline_of(SONG, 18.0).sections
    assert [(s.text, round(s.seconds + s.length, 3)) for s in sections] == [
        ("intro", 4), ("verse", 13.333), ("section", 16.833), ("intro", 18),
    ]  # fmt: skip


def test_a_song_that_ends_is_over_within_its_clip():
    plan = Plan(tempo=60, sections=(Section(1, "all"),), ends=True)
    assert places(plan, 10.0) == [(0, "bar 1: all"), (4, "end")]
    assert timeline_of(plan, 4.0).end is None
    assert places(Plan(tempo=60, sections=plan.sections, ends=True, start=-2.0), 10.0) == [
        (0, "all"), (2, "bar 1: all"), (6, "end"),
    ]  # fmt: skip


def test_a_clip_that_begins_within_a_bar():
    """The bar lines are where they are in the music, and it is told how far into a bar the clip begins."""
    timeline = timeline_of(Plan(tempo=60, metre="3/4", start=4.0), 5.0)
    assert timeline.before == 1.0 and timeline.quarters == 5.0
    assert [mark.seconds for mark in timeline.marks] == [2.0]
    assert places(Plan(tempo=60, sections=(Section(1, "a"), Section(2, "b")), start=6.0), 7.0) == [
        (0, "b"), (2, "bar 1"), (6, "bar 2: a"),
    ]  # fmt: skip


def test_what_is_not_known_is_not_told():
    assert timeline_of(Plan(key="D dorian"), 5.0).key == "D dorian"
    timeline = timeline_of(Plan(sections=(Section(4, "a", tempo=90), Section(4, "b"))), 60.0)
    assert timeline.spans == () and timeline.tempo is None and timeline.marks == timeline.sections == []


def test_the_key_is_the_one_that_the_clip_begins_in():
    assert timeline_of(SONG, 4.0).key == "A minor"
    assert timeline_of(Plan(tempo=120, sections=SONG.sections, start=22.0), 3.0).key == "C major"


@pytest.mark.parametrize("section", [1e-300, 1e-6])
def test_sections_without_number_are_none(section):
    timeline = timeline_of(Plan(tempo=120, sections=(Section(section, "a"),)), 3600.0)
    assert timeline.spans == () and timeline.marks == []


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(plans, st.floats(0.01, 60))
def test_any_plan(plan, seconds):
    """The tempo map agrees with the plan's own clock, and every mark lies in the clip, one after the other."""
    timeline = timeline_of(plan, seconds)
    marks = [mark.seconds for mark in timeline.marks]
    assert marks == sorted(marks) and all(0 <= place <= seconds for place in marks)
    assert len(timeline.spans) <= MAX_SECTIONS
    for span in timeline.spans:
        assert isinstance(span, Span) and span.start < span.stop <= seconds
    if timeline.spans:
        moments = np.linspace(0, seconds, 7)
        ours = [timeline.quarters_at(float(moment)) for moment in moments]
        theirs = plan.quarters_at(moments) - plan.quarters_at(np.zeros(1))
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-4)
        assert 0 <= timeline.before <= bar_length(timeline.spans[0].metre)


@pytest.mark.parametrize(
    ("key", "short", "root"),
    [("A minor", "Am", 69), ("F# minor", "F#m", 66), ("Bb major", "Bb", 70), ("D dorian", "Dm", 62), ("B", "B", 71)],
)
def test_keys_of_players(key, short, root):
    assert (short_key(key), root_note(key)) == (short, root)
    assert root_note(None) is None
