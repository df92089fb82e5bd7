"""Plans of every kind, for properties that hold for all."""

from __future__ import annotations

from hypothesis import strategies as st

from musicgen_app.control.plan import Plan, Section
from musicgen_app.control.theory import METRES, MODES, QUALITIES, bar_length

lengths = st.sampled_from([1.0, 2.0, 4.0, 3.0, 8.0, 0.5, 1.5, 4 / 3, 3.5, 7.0, 0.1]) | st.floats(0.01, 100)
notes = st.sampled_from("C C# Db E Bb G# Cb".split())
symbols = st.just("") | st.builds(
    lambda note, quality, bass: note + quality + bass,
    notes,
    st.sampled_from(list(QUALITIES)),
    st.sampled_from(["", "/E", "/Bb"]),
)
chords = st.lists(st.tuples(symbols, lengths), max_size=6).map(tuple)
keys = st.builds(lambda note, mode: f"{note} {mode}", notes, st.sampled_from(list(MODES)))
names = st.sampled_from(
    [
        "verse",
        "Verse 1",
        "A",
        "drums",
        "",
        "solo",
        "ends",
        "x2",
        'a"b]',
        "key",
        "8",
        "Am F",
        " a",
        "ß·|",
        "4/4",
        "песня",
    ]
) | st.text(max_size=20).filter(str.isprintable)
sections = st.builds(
    Section,
    bars=st.sampled_from([1.0, 8.0, 0.25]) | st.floats(0.1, 30),
    name=names,
    chords=chords,
    drums=st.none() | st.booleans(),
    energy=st.none() | st.floats(0, 1),
    tempo=st.none() | st.floats(1, 1000),
    metre=st.none() | st.sampled_from(METRES),
    key=st.none() | keys,
)


def _fits(plan: Plan) -> bool:
    """Whether no section has chords beyond its end, which would never sound."""
    return all(
        sum(length for _, length in section.chords) <= section.bars * bar_length(section.metre or plan.metre)
        for section in plan.sections
    )


plans = st.builds(
    lambda ends, **facts: Plan(ends=ends and bool(facts["sections"]), **facts),
    st.booleans(),
    tempo=st.none() | st.floats(1, 1000),
    metre=st.sampled_from(METRES),
    start=st.floats(-100, 100) | st.just(0.0),
    key=st.none() | keys,
    chords=chords,
    drums=st.none() | st.booleans(),
    sections=st.lists(sections, max_size=4).map(tuple),
    swing=st.none() | st.floats(0.5, 0.75),
).filter(_fits)
