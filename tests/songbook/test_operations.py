"""What can be done to a plan."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musicgen_app.control import operations as op
from musicgen_app.control.plan import Plan, Section
from musicgen_app.control.theory import parse_chord
from musicgen_app.errors import RequestError
from musicgen_app.songbook.plan_files import plan_bytes
from musicgen_app.songbook.sheet import read_row, read_sheet
from support.plans import plans

SONG = read_sheet("tempo 90 · 4/4 · key Am\nverse 8: Am F C/E E7\nchorus 4 3/4 tempo 120 key C: C G7").plan


def symbols(plan: Plan, number: int = 0) -> list[str]:
    return [symbol for symbol, _ in plan.sections[number].chords]


def test_transposed_chords_are_spelt_by_their_key():
    up = op.transpose(SONG, 8)
    assert up.key == "F minor" and symbols(up) == ["Fm", "Db", "Ab/C", "C7"]  # never C# and G#
    assert up.sections[1].key == "Ab major" and symbols(up, 1) == ["Ab", "Eb7"]
    assert op.transpose(SONG, 0) is SONG and symbols(op.transpose(op.transpose(SONG, -5), 5)) == symbols(SONG)


@settings(max_examples=60, deadline=None)
@given(plans, st.integers(-24, 24))
def test_transposing_moves_every_note_alike_and_nothing_else(plan, semitones):
    moved = op.transpose(plan, semitones)
    moved.check()
    for old, new in zip((plan, *plan.sections), (moved, *moved.sections), strict=True):
        for (before, length), (after, same) in zip(old.chords, new.chords, strict=True):
            assert length == same and bool(before) == bool(after)
            if before:
                root, quality, bass = parse_chord(before)
                assert parse_chord(after) == ((root + semitones) % 12, quality, (bass + semitones) % 12)


def test_another_key_moves_and_another_mode_recolours():
    assert symbols(op.in_key(SONG, "C minor")) == ["Cm", "Ab", "Eb/G", "G7"]
    major = op.in_key(SONG, "A major")
    assert symbols(major)[:2] == ["A", "F#m"] and major.key == "A major"
    assert op.in_key(Plan(chords=(("C", 4.0),)), "F minor") == Plan(key="F minor", chords=(("C", 4.0),))


def test_tempo_and_metre():
    assert (op.at_tempo(SONG, 45.0).tempo, op.at_tempo(SONG, 45.0).sections[1].tempo) == (45.0, 60.0)
    seven = op.in_metre(SONG, "7/8")
    assert seven.metre == "7/8" and [length for _, length in seven.sections[0].chords] == [3.5] * 4
    assert seven.sections[1].metre is None and seven.sections[1].chords == (("C", 3.5), ("G7", 3.5))


def test_what_would_be_impossible_is_refused():
    with pytest.raises(RequestError, match="not possible: .*a tempo"):
        op.at_tempo(SONG, 800)
    with pytest.raises(RequestError, match="not possible"):
        plan_bytes(Plan(2000.0), ".json")
    assert isinstance(op.at_tempo(SONG, 100).tempo, float)


def test_other_chords():
    other = op.with_chords(SONG, read_row("Dm (G C)").chords)
    assert other.chords == (("Dm", 4.0), ("G", 2.0), ("C", 2.0)) and not any(s.chords for s in other.sections)
    assert [s.key for s in other.sections] == [None, None]
    one = op.with_chords(SONG, read_row("F").chords, "CHORUS")
    assert one.sections[0] == SONG.sections[0] and one.sections[1].chords == (("F", 3.0),)
    with pytest.raises(RequestError, match="no section 'bridge'"):
        op.with_chords(SONG, read_row("F").chords, "bridge")
    with pytest.raises(RequestError, match="do not fit"):
        op.with_chords(SONG, read_row("C F G C C").chords, "chorus")


def test_substitutes():
    assert symbols(op.substitute(SONG, "tritone")) == ["Am", "F", "C/E", "Bb7"]
    assert symbols(op.substitute(SONG, "tritone"), 1) == ["C", "Db7"]
    assert symbols(op.substitute(SONG, "relative", 2)) == ["Am", "Dm", "C/E", "E7"]
    for kind, number in (("tritone", 1), ("relative", 99), ("sideways", None)):
        with pytest.raises(RequestError):
            op.substitute(SONG, kind, number)


def test_variations_are_those_of_their_seed():
    varied = [op.vary(SONG, seed) for seed in range(12)]
    assert op.vary(SONG, 3) == varied[3] and len(set(varied)) > 4
    for plan in varied:
        plan.check()
        assert (plan.tempo, plan.key, plan.metre) == (SONG.tempo, SONG.key, SONG.metre)
        assert all(symbols(plan, n)[0] == symbols(SONG, n)[0] for n in (0, 1))
        for n in (0, 1):
            assert sum(x for _, x in plan.sections[n].chords) == sum(x for _, x in SONG.sections[n].chords)


def test_more_sections():
    bridge = Section(4.0, "bridge")
    assert [s.name for s in op.extend(SONG, bridge, 1).sections] == ["verse", "bridge", "chorus"]
    assert op.extend(Plan(), bridge).sections == (bridge,)
    assert [s.name for s in op.repeat(SONG, 2).sections] == ["verse", "chorus"] * 2
    assert [s.name for s in op.repeat(SONG, 3, "chorus").sections] == ["verse", "chorus", "chorus", "chorus"]
    with pytest.raises(RequestError, match="500 are the most"):
        op.repeat(SONG, 400)
    with pytest.raises(RequestError, match="once or more"):
        op.repeat(SONG, 10**9)
    with pytest.raises(RequestError, match="there is no chord 999: the plan has"):
        op.substitute(SONG, "tritone", 999)
    with pytest.raises(RequestError, match="chord 1 of .* has no tritone substitute"):
        op.substitute(Plan(chords=(("C", 4.0),)), "tritone", 1)
