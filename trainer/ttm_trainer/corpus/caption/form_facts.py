"""What happens within a window of a piece: drums that enter, energy that rises, a change of key or tempo, an ending.

Every entry of `happenings` is true of the notes that sound in the window, and has its words in `wording.HAPPENINGS`.
"""

from __future__ import annotations

from ..compose.score import Note, Part, Score, Section
from .plans import EARLY, RHYTHM, drums_in, form_known, metre_of, slots

LEAST, GLIMPSE = 1.2, 0.3  # seconds of a section within a window for it to count; for its drums
STEP_OF_ENERGY = 0.22
COURSES: dict[tuple[bool | None, ...], str] = {  # whether drums play, as it changes -> what happens
    (False, True): "drums enter", (True, False): "drums leave", (True, False, True): "drums away",
    (False, True, False): "drums for a while",
}  # fmt: skip
Heard = list[tuple[Part, list[Note]]]


def seconds_in(score: Score, section: Section, first: float, last: float) -> float:
    """Seconds of a section between two beats."""
    begin, end = max(first, section.start), min(last, section.end)
    return score.seconds_at(end) - score.seconds_at(begin) if end > begin else 0.0


def main_section(score: Score, first: float, last: float) -> Section | None:
    """The section that is heard longest between two beats."""
    return max(score.sections, key=lambda section: seconds_in(score, section, first, last), default=None)


def happenings(score: Score, heard: Heard, first: float, last: float) -> list[str]:
    """What happens between two beats of a piece of which `heard` sounds; nothing where its form is not known."""
    sections = [s for s in score.sections if seconds_in(score, s, first, last) >= LEAST]
    if not sections or not form_known(score):
        return []
    glimpsed = [
        section
        for section in score.sections
        if seconds_in(score, section, first, last) >= (LEAST if drums_in(score, section) is False else GLIMPSE)
    ]
    found = [*_of_drums(score, glimpsed, heard), *_of_energy(sections, heard, first, last)]
    for before, after in zip(sections, sections[1:], strict=False):
        found += _changes(score, before, after)
    names = [section.name for section in sections]
    found += ["build and drop"] if ("build", "drop") in zip(names, names[1:], strict=False) else []
    found += list(soloists(score, heard, first, last))
    feels = {section.feel for section in sections}
    found += [feel for feel in ("half-time", "double-time") if feels == {feel}]
    chords = {chord for chord, begin, end in slots(score) if begin < last and end > first}
    chords -= set() if "chords" in score.estimated else {""}  # of what was found in the notes "" is not clear
    found += (
        ["one chord"]
        if len(chords) == 1 and "" not in chords and score.seconds_at(last) - score.seconds_at(first) > 8
        else []
    )
    found += ["stop"] if _stops(score, heard, first, last) else []
    opening = score.sections[0]
    found += ["pick-up"] if opening.name == "pick-up" and first < 0.01 and last > opening.end else []
    if not score.excerpt:
        end = score.sections[-1].end
        found += ["last chord"] if first < end - 1 and last > end - 0.5 else []
        found += ["silence"] if first < end and score.seconds_at(last) - score.seconds_at(end) > 0.6 else []
    return list(dict.fromkeys(found))


def soloists(score: Score, heard: Heard, first: float, last: float) -> dict[str, str]:
    """Who takes the solo of a window, and who opens it alone: instrument names by happening."""
    sections = [s for s in score.sections if s.name and seconds_in(score, s, first, last) >= LEAST]
    found = {}
    for section in sections:
        leads = [(_begun(notes, section), part.name) for part, notes in heard if part.role == "melody"]
        if section.name == "solo" and any(section.chords) and leads and max(leads)[0] > 3:
            found["solo"] = max(leads)[1]
    more = len({part.name for part, _ in heard}) > 1
    if more and len(sections) > 1 and (name := _alone(sections[0], heard)):
        found["alone first"] = name
    return found


def _begun(notes: list[Note], section: Section) -> int:
    """How many notes begin within a section."""
    return sum(section.start <= note.start + EARLY < section.end for note in notes)


def _alone(section: Section, heard: Heard) -> str:
    """The only instrument that plays in a section with chords, or nothing."""
    playing = {part.name for part, notes in heard if _begun(notes, section)}
    return playing.pop() if len(playing) == 1 and any(section.chords) else ""


def _of_drums(score: Score, sections: list[Section], heard: Heard) -> list[str]:
    """How the drums come and go, and whether they are ever alone."""
    flags = [drums_in(score, section) for section in sections]
    alone = [bool(flag) and not _harmony(score, section, heard) for flag, section in zip(flags, sections, strict=True)]
    if all(alone):
        return ["drums only"]
    found = ["drums first"] if alone[0] else []
    found += ["drum break"] if any(alone[1:]) else []
    course = [flag for index, flag in enumerate(flags) if index == 0 or flag != flags[index - 1]]
    told = COURSES.get(tuple(course))
    return found + ([told] if told else [])


def _harmony(score: Score, section: Section, heard: Heard) -> bool:
    """Whether there are chords in a section; where they were found in the notes, whether anything but drums plays."""
    if "chords" not in score.estimated:
        return any(section.chords)
    return any(_begun(notes, section) for part, notes in heard if part.role not in (*RHYTHM, "effect"))


def _of_energy(sections: list[Section], heard: Heard, first: float, last: float) -> list[str]:
    """Whether the music grows or calms down all the way, by a little or from one extreme to the other."""
    energies = [section.energy for section in sections if section.energy is not None]
    steps = [b - a for a, b in zip(energies, energies[1:], strict=False)]
    if not steps or any(abs(step) > 0.02 and (step > 0) != (sum(steps) > 0) for step in steps):
        return []
    third = (last - first) / 3
    early, late = _played(heard, first, first + third), _played(heard, last - third, last)
    if sum(steps) > STEP_OF_ENERGY and late > 1.15 * early:
        return ["rises", "quiet then loud"] if energies[0] < 0.45 and energies[-1] > 0.75 else ["rises"]
    if sum(steps) < -STEP_OF_ENERGY and early > 1.15 * late:
        return ["falls", "loud then quiet"] if energies[0] > 0.75 and energies[-1] < 0.45 else ["falls"]
    return []


def _played(heard: Heard, begin: float, end: float) -> float:
    """How much is struck between two beats: the force of all notes that begin."""
    musical = (notes for part, notes in heard if part.role != "effect")
    return sum(note.velocity for notes in musical for note in notes if begin <= note.start < end)


def _changes(score: Score, before: Section, after: Section) -> list[str]:
    """Key, tempo and metre from one section to the next."""
    found = []
    keys = [section.key or score.key for section in (before, after)]
    if None not in keys and keys[0] != keys[1]:
        same_mode = str(keys[0]).split(" ")[1:] == str(keys[1]).split(" ")[1:]
        found.append("higher key" if same_mode and before.key is None else "other key")
    slow, fast = (section.tempo or score.tempo for section in (before, after))
    found += ["faster"] if fast > 1.05 * slow else ["slower"] if fast < 0.95 * slow else []
    return found + (["other metre"] if metre_of(score, before) != metre_of(score, after) else [])


def _stops(score: Score, heard: Heard, first: float, last: float) -> bool:
    """Whether everybody falls silent for a moment, of a break, and goes on."""
    breaks = [s for s in score.sections if s.name == "break" and first <= s.start and s.end <= last - 0.5]
    for section in breaks:
        begun = [
            note.start for part, notes in heard if part.role != "effect" for note in notes
            if section.start + 0.5 <= note.start + EARLY < section.end
        ]  # fmt: skip
        rest = score.seconds_at(section.end) - score.seconds_at(section.start)
        if not begun and rest > 0.6:
            return True
    return False


def rhythm_of(heard: Heard) -> bool:
    """Whether any drums or percussion are heard."""
    return any(part.role in RHYTHM for part, _ in heard)
