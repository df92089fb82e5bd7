"""Facts of a stretch of a piece: a score and a window in seconds -> what is true of it, for captions and metadata."""

from __future__ import annotations

from collections.abc import Iterator

from musicgen_app.control.plan import Plan

from ..compose.score import Note, Part, Score
from .vocabulary import AROUSED, CALM

ROLE_WEIGHT = {
    "melody": 1.5, "chords": 1.0, "arpeggio": 0.9, "pad": 0.7, "bass": 0.8, "drums": 1.0, "percussion": 0.6,
    "effect": 0.3,
}  # fmt: skip
RHYTHM = ("drums", "percussion")


def window_facts(score: Score, start: float, seconds: float) -> dict:
    """What is true of `seconds` of the piece from `start` (seconds); JSON-safe.

    A part is named when it sounds for a noticeable share of the window; "drums" is true when any percussion sounds.
    """
    first, last = start * score.tempo / 60, min((start + seconds) * score.tempo / 60, score.beats)
    heard = [(part, [n for n in part.notes if n.start < last and n.start + n.beats > first]) for part in score.parts]
    heard = [(part, notes) for part, notes in heard if notes]
    names, roles = _named(heard, first, last)
    onsets = {
        (index, round(n.start * 8)) for index, (_, notes) in enumerate(heard) for n in notes if first <= n.start < last
    }  # fmt: skip
    rate = len(onsets) / max(0.1, (last - first) * 60 / score.tempo)
    musical = [(p, n) for p, notes in heard if p.role != "effect" for n in notes]
    force = sum(n.velocity for _, n in musical) / max(1, len(musical))
    tops = [n.pitch for p, n in musical if p.role not in RHYTHM and p.role != "bass"]
    height = sum(tops) / len(tops) if tops else 48
    drums = any(p.role in RHYTHM for p, _ in heard)
    density = "sparse" if rate < 5 else "busy" if rate > 13 else "moderate"
    dynamics = "soft" if force < 60 else "loud" if force > 84 else "medium"
    overlaps: dict[str, float] = {}
    for section in score.sections:
        overlaps[section.name] = overlaps.get(section.name, 0) + max(
            0, min(last, section.end) - max(first, section.start)
        )
    pitched = [name for name in names if roles[name] not in (*RHYTHM, "effect")]
    mode = score.key.split(" ", 1)[1] if score.key else None
    bright = mode in ("major", "lydian", "mixolydian") if mode else None
    return {
        "genre": score.genre,
        "moods": _moods(score.moods, density, dynamics, drums, bright),
        "themes": list(score.themes),
        "tempo": round(score.tempo, 1),
        "bpm": round(score.tempo),
        "key": score.key,
        "tonality": {True: "major", False: "minor", None: None}[bright],
        "metre": f"{score.metre[0]}/{score.metre[1]}",
        "chords": _chords(score, first, last),
        "plan": window_plan(score, start, drums).to_dict(),
        "section": max(overlaps, key=lambda name: overlaps[name]) if overlaps else "",
        "instruments": names,
        "roles": roles,
        "drums": drums,
        "bass": any(p.role == "bass" for p, _ in heard),
        "solo": len(pitched) == 1 and not drums and len(heard) == 1,
        "notes_per_second": round(rate, 1),
        "density": density,
        "dynamics": dynamics,
        "register": "high" if height > 72 else "low" if height < 54 else "middle",
        "change": _change(heard, first, last),
        "ending": last >= score.beats - 0.5 and not score.excerpt,
        "lofi": score.master.get("lofi", 0) > 0,
        "room": score.room,
    } | ({"estimated": list(score.estimated)} if score.estimated else {})


def _named(heard: list[tuple[Part, list[Note]]], first: float, last: float) -> tuple[list[str], dict[str, str]]:
    """The instruments worth a name, the one that is heard most first, and the role of each."""
    weights: dict[str, float] = {}
    roles: dict[str, str] = {}
    for part, notes in heard:
        share = _share(part, notes, first, last)
        if share >= 0.08:
            weight = share**0.5 * ROLE_WEIGHT[part.role] * 10 ** (part.gain / 40)
            if weight > weights.get(part.name, 0):
                roles[part.name] = part.role
            weights[part.name] = max(weight, weights.get(part.name, 0))
    return sorted(weights, key=lambda name: -weights[name]), roles


def _share(part: Part, notes: list[Note], first: float, last: float) -> float:
    """Share of the window in which the part sounds; a drum stroke counts as half a beat."""
    least = 0.5 if part.role in RHYTHM else 0.0
    covered, edge = 0.0, first
    for note in notes:
        begin, end = max(note.start, edge), min(max(note.start + note.beats, note.start + least), last)
        if end > begin:
            covered += end - begin
            edge = end
    return covered / (last - first)


def window_plan(score: Score, start: float, drums: bool) -> Plan:
    """The plan of the piece from `start` (seconds) on, with drums or without; see `musicgen_app.control.plan.Plan`."""
    chords: list[tuple[str, float]] = []
    for symbol, begin, end in _slots(score):
        before = chords.pop()[1] if chords and chords[-1][0] == symbol else 0
        chords.append((symbol, round(before + end - begin, 4)))
    metre = f"{score.metre[0]}/{score.metre[1]}"
    return Plan(score.tempo, metre, round(start * score.tempo / 60, 4), score.key, tuple(chords), drums)


def _chords(score: Score, first: float, last: float) -> list[str]:
    """Symbols of the chords that sound for more than half a beat, each change once; none if one is unclear."""
    chords: list[str] = []
    for symbol, begin, end in _slots(score):
        if min(end, last) - max(begin, first) > 0.5 and (not chords or chords[-1] != symbol):
            chords.append(symbol)
    return chords if all(chords) else []


def _slots(score: Score) -> Iterator[tuple[str, float, float]]:
    """Chord, beginning and end in beats of every slot of the form."""
    for section in score.sections:
        for index, symbol in enumerate(section.chords):
            width = (section.end - section.start) / len(section.chords)
            yield symbol, section.start + index * width, section.start + (index + 1) * width


def _change(heard: list[tuple[Part, list[Note]]], first: float, last: float) -> str:
    """ "builds", "calms down" or "steady": onsets weighted by force, last third against the first third."""
    third = (last - first) / 3
    early = sum(
        n.velocity for p, notes in heard if p.role != "effect" for n in notes if first <= n.start < first + third
    )
    late = sum(n.velocity for p, notes in heard if p.role != "effect" for n in notes if last - third <= n.start < last)
    return "builds" if late > 1.8 * early + 200 else "calms down" if early > 1.8 * late + 200 else "steady"


def _moods(moods: tuple[str, ...], density: str, dynamics: str, drums: bool, bright: bool | None) -> list[str]:
    """The moods of the piece that are true of this window; where none is, one that the window has itself."""
    quiet = density == "sparse" or dynamics == "soft"
    full = density == "busy" and dynamics == "loud"
    kept = [m for m in moods if not (quiet and m in AROUSED) and not (full and m in CALM)]
    if quiet and not drums and not set(kept) & set(CALM):
        kept.append("calm" if bright else "atmospheric")
    if full and not set(kept) & set(AROUSED):
        kept.append("energetic")
    if not kept and bright is None:
        kept.append("lively" if density == "busy" else "steady" if drums and not quiet else "atmospheric")
    return list(dict.fromkeys(kept or ["atmospheric" if quiet else "lively" if bright else "moody"]))
