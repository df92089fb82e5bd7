"""A score -> the plan that its notes follow, section by section: what a generator is told of a window."""

from __future__ import annotations

from collections.abc import Iterator

from musicgen_app.control.plan import Plan
from musicgen_app.control.plan import Section as PlannedSection

from ..compose.score import Score, Section

RHYTHM = ("drums", "percussion")
EARLY = 0.1  # beats by which a note may come before the section that it belongs to


def metre_of(score: Score, section: Section | None = None) -> str:
    """Such as "7/8"."""
    beats, unit = (section.metre if section else None) or score.metre
    return f"{beats}/{unit}"


def bar_of(score: Score, section: Section) -> float:
    """Quarter notes of a bar of a section."""
    beats, unit = section.metre or score.metre
    return beats * 4 / unit


def drums_in(score: Score, section: Section) -> bool | None:
    """Whether drums play in a section: in most of its bars, in none, or (None) in a few."""
    bar = bar_of(score, section)
    bars = max(1, round((section.end - section.start) / bar))
    beaten = {
        int((note.start + EARLY - section.start) / bar)
        for part in score.parts
        if part.role in RHYTHM
        for note in part.notes
        if section.start <= note.start + EARLY < section.end
    }
    return True if 2 * len(beaten) >= bars else None if beaten else False


def form_known(score: Score) -> bool:
    """Whether there is more to say than that it is one section without a name."""
    return len(score.sections) > 1 or any(section.name for section in score.sections)


def window_plan(score: Score, start: float, drums: bool) -> Plan:
    """The plan of the piece from `start` (seconds) on, with drums or without; see `musicgen_app.control.plan.Plan`.

    A form that is not known, that of one section without a name, makes a plan without sections.
    """
    begin = round(score.beat_at(start), 4)
    swing = None if score.swing is None else score.swing if score.swing_unit == 0.5 else 0.5
    if not form_known(score):
        chords = _joined(slots(score))
        return Plan(score.tempo, metre_of(score), begin, score.key, chords, drums, swing=swing)
    sections = tuple(
        PlannedSection(
            bars=round((section.end - section.start) / bar_of(score, section), 6),
            name=section.name,
            chords=_joined(_of_section(section)),
            drums=drums_in(score, section),
            energy=section.energy,
            tempo=section.tempo,
            metre=metre_of(score, section) if section.metre else None,
            key=section.key,
        )
        for section in score.sections
    )
    return Plan(
        score.tempo, metre_of(score), begin, score.key, (), drums, sections, ends=not score.excerpt, swing=swing
    )


def slots(score: Score) -> Iterator[tuple[str, float, float]]:
    """Chord, beginning and end in beats of every slot of the form."""
    for section in score.sections:
        yield from _of_section(section)


def _of_section(section: Section) -> Iterator[tuple[str, float, float]]:
    for index, symbol in enumerate(section.chords):
        width = (section.end - section.start) / len(section.chords)
        yield symbol, section.start + index * width, section.start + (index + 1) * width


def _joined(found: Iterator[tuple[str, float, float]]) -> tuple[tuple[str, float], ...]:
    """(symbol, length in quarter notes), neighbours of one symbol as one."""
    chords: list[tuple[str, float, float]] = []
    for symbol, begin, end in found:
        begin = chords.pop()[1] if chords and chords[-1][0] == symbol else begin
        chords.append((symbol, begin, end))
    return tuple((symbol, round(end - begin, 4)) for symbol, begin, end in chords)
