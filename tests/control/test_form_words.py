"""Words of form: which parts a clip gets, what the plan makes of them, and what is told where it cannot."""

from __future__ import annotations

import pytest

from musicgen_app.control.plan import Plan
from musicgen_app.control.planner import shaped
from musicgen_app.control.prompt_parser import parse_prompt, read_prompt
from musicgen_app.songbook.decision import decide
from musicgen_app.songbook.wishes import Wishes

SONG = "techno, 120 bpm, Am F C G, "


def parts(prompt: str) -> list[tuple[str, bool | None]]:
    return [(part.name, part.drums) for part in parse_prompt(prompt).form]


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("intro without drums then beat drops", [("intro", False), ("drop", True)]),
        ("techno, no drums in the intro", [("intro", False), ("verse", True)]),
        ("no drums until the drop", [("build", False), ("drop", True)]),
        ("drums only in the chorus", [("verse", False), ("chorus", True)]),
        ("drums come in after the intro", [("intro", False), ("verse", True)]),
        ("house with a breakdown", [("drop", None), ("breakdown", False), ("drop", None)]),
        ("build-up then a huge drop", [("build", None), ("drop", None)]),
        ("starts soft, builds up, huge chorus", [("intro", None), ("build", None), ("chorus", None)]),
        ("intro, verse, chorus, outro", [("intro", None), ("verse", None), ("chorus", None), ("outro", None)]),
        ("a huge drop after a build-up", [("build", None), ("drop", None)]),
        ("crescendo", [("intro", None), ("build", None), ("drop", None)]),
    ],
)
def test_parts_of_a_clip(prompt, expected):
    assert parts(prompt) == expected
    assert any("share of the clip" in demand.why for demand in read_prompt(prompt).approximated)


@pytest.mark.parametrize(
    "prompt",
    [
        "podcast intro music",
        "a guitar with chorus and reverb",
        "an emotional breakdown in my kitchen",
        "a verse",
        "no drop",
    ],
)
def test_words_that_tell_of_one_thing_alone_make_no_parts(prompt):
    assert parts(prompt) == []


def test_parts_share_the_bars_of_a_clip_and_the_chords_go_on():
    plan = Plan(tempo=120.0, chords=(("Am", 4.0), ("F", 4.0), ("C", 4.0)), drums=True)
    made = shaped(plan, parse_prompt("with a breakdown"), 16.0)
    assert [(s.name, s.bars, s.drums) for s in made.sections] == [
        ("drop", 3, None), ("breakdown", 2, False), ("drop", 3, None),
    ]  # fmt: skip
    assert [symbol for s in made.sections for symbol, _ in s.chords] == ["Am", "F", "C", "Am", "F", "C", "Am", "F"]
    assert made.sections[1].energy < made.sections[0].energy
    made.check()


def test_a_clip_without_room_or_tempo_has_no_parts():
    facts = parse_prompt("with a breakdown")
    assert shaped(Plan(tempo=120.0), facts, 3.0) is None
    assert shaped(Plan(), facts, 30.0) is None


def test_the_last_chord_of_an_ending_rings():
    plan = shaped(Plan(tempo=120.0, chords=(("C", 4.0),)), parse_prompt("rock, ends with a big chord"), 10.0, ends=True)
    assert plan.ends and plan.quarters == 16  # four bars, and two seconds of the last chord


@pytest.mark.parametrize(
    ("layout", "seconds", "wishes", "why"),
    [
        (None, 20.0, Wishes(), "follows no plan"),
        (2, 1.0, Wishes(), "too few bars"),
        (2, 20.0, Wishes(form="verse 4 | chorus 4"), "wins over the prompt"),
    ],
)
def test_parts_that_a_clip_does_not_get_are_told(layout, seconds, wishes, why):
    (decision,) = decide(SONG + "with a breakdown", None, [0], None, wishes, layout, seconds=seconds)
    assert any(one.text == "breakdown" and why in one.why for one in decision.not_understood)


def test_a_decision_has_the_parts():
    (decision,) = decide(SONG + "with a breakdown, clear ending", None, [0], None, layout=2, seconds=20.0)
    assert [s.name for s in decision.plan.sections] == ["drop", "breakdown", "drop"] and decision.plan.ends
    (first,) = decide(SONG + "clear ending", None, [0], None, layout=1, seconds=20.0)
    assert not first.plan.ends and any("where the music is over" in one.why for one in first.not_understood)
    (silent,) = decide(SONG + "no drums until the drop", None, [0], None, Wishes(drums=False), 2, seconds=20.0)
    assert not any(stretch.drums for stretch in silent.plan.stretches)
