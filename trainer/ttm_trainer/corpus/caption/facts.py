"""Facts of a stretch of a piece: a score and a window in seconds -> what is true of it, for captions and metadata."""

from __future__ import annotations

from ..compose.score import Note, Part, Score
from .form_facts import happenings, main_section, rhythm_of, soloists
from .plans import RHYTHM, metre_of, slots, window_plan
from .vocabulary import AROUSED, CALM

ROLE_WEIGHT = {
    "melody": 1.5, "chords": 1.0, "arpeggio": 0.9, "pad": 0.7, "bass": 0.8, "drums": 1.0, "percussion": 0.6,
    "effect": 0.3,
}  # fmt: skip

FAMILIES = {  # of instruments -> what their names have in common
    "guitar": ("guitar",),
    "piano": ("piano",),
    "strings": ("string", "violin", "viola", "cello", "contrabass", "fiddle"),
    "brass": ("brass", "trumpet", "trombone", "tuba", "horn"),
    "synth": ("synth", "lead", "pad", "supersaw", "drone", "chiptune", "bass", "bells"),
    "voices": ("voices", "choir"),
}


def window_facts(score: Score, start: float, seconds: float) -> dict:
    """What is true of `seconds` of the piece from `start` (seconds); JSON-safe.

    A part is named when it sounds for a noticeable share of the window; "drums" is true when any percussion sounds.
    """
    first, last = score.beat_at(start), min(score.beat_at(start + seconds), score.beats)
    heard = [(part, [n for n in part.notes if n.start < last and n.start + n.beats > first]) for part in score.parts]
    heard = [(part, notes) for part, notes in heard if notes]
    names, roles = _named(heard, first, last)
    onsets = {
        (index, round(n.start * 8)) for index, (_, notes) in enumerate(heard) for n in notes if first <= n.start < last
    }  # fmt: skip
    rate = len(onsets) / max(0.1, score.seconds_at(last) - score.seconds_at(first))
    musical = [(p, n) for p, notes in heard if p.role != "effect" for n in notes]
    force = sum(n.velocity for _, n in musical) / max(1, len(musical))
    tops = [n.pitch for p, n in musical if p.role not in RHYTHM and p.role != "bass"]
    height = sum(tops) / len(tops) if tops else 48
    drums = rhythm_of(heard)
    density = "sparse" if rate < 5 else "busy" if rate > 13 else "moderate"
    dynamics = "soft" if force < 60 else "loud" if force > 84 else "medium"
    here = main_section(score, first, last)
    tempo, key, metre = (here and here.tempo) or score.tempo, (here and here.key) or score.key, metre_of(score, here)
    key = key if any(p.role not in (*RHYTHM, "effect") for p, _ in heard) else None
    pitched = [name for name in names if roles[name] not in (*RHYTHM, "effect")]
    mode = key.split(" ", 1)[1] if key else None
    bright = mode in ("major", "lydian", "mixolydian") if mode else None
    return {
        "genre": score.genre,
        "moods": _moods(score.moods, density, dynamics, drums, bright),
        "themes": list(score.themes),
        "tempo": round(tempo, 1),
        "bpm": round(tempo),
        "key": key,
        "tonality": {True: "major", False: "minor", None: None}[bright],
        "metre": metre,
        "chords": _chords(score, first, last),
        "plan": window_plan(score, start, drums).to_dict(),
        "section": here.name if here else "",
        "happens": happenings(score, heard, first, last),
        "soloists": {what: who for what, who in soloists(score, heard, first, last).items() if who in names},
        "swing": _swing(score),
        "instruments": names,
        "roles": roles,
        "absent": _absent([part.name for part, _ in heard]),
        "drums": drums,
        "bass": any(p.role == "bass" for p, _ in heard),
        "solo": len(pitched) == 1 and not drums and len(heard) == 1,
        "notes_per_second": round(rate, 1),
        "density": density,
        "dynamics": dynamics,
        "register": "high" if height > 72 else "low" if height < 54 else "middle",
        "change": _change(heard, first, last),
        "ending": last >= (score.sections[-1].end if score.sections else score.beats) - 0.5 and not score.excerpt,
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


def _chords(score: Score, first: float, last: float) -> list[str]:
    """Symbols of the chords that sound for more than half a beat, each change once; none if one is unclear.

    Where nothing but drums plays there is no chord to tell.
    """
    chords: list[str] = []
    for symbol, begin, end in slots(score):
        if min(end, last) - max(begin, first) > 0.5 and (not chords or chords[-1] != symbol):
            chords.append(symbol)
    if "chords" not in score.estimated:
        chords = [symbol for symbol, before in zip(chords, ["", *chords], strict=False) if symbol and symbol != before]
    return chords if all(chords) else []


def _absent(names: list[str]) -> list[str]:
    """The families of FAMILIES of which no instrument is heard."""
    return [family for family, words in FAMILIES.items() if not any(word in name for word in words for name in names)]


def _swing(score: Score) -> str:
    """Which notes swing: "eighths", "sixteenths" or none."""
    if score.swing is None or score.swing < 0.56:
        return ""
    return "eighths" if score.swing_unit == 0.5 else "sixteenths"


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
