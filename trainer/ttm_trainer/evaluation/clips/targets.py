"""Targets, which say what a clip ought to be: those of prompts, and of real clips by what their captions tell.

`prompt_sets/adherence.csv` holds the prompts, written by hand and never trained on. They are of four kinds: "short"
(genre, instrument and mood in 10 to 25 words, as in the challenge), "long" (the same in 30 to 60), "free" (as people
type) and "dense" (tempo and key as well). Its columns are id, kind, prompt, genre (of the corpus), instruments (of
`attribute_probe.INSTRUMENTS`, with semicolons between), tempo, key, and whether the prompt asks for drums (yes, no,
unsaid). `prompt_sets/free_wording.csv` has the same columns and 99 more prompts in free wording, three for each genre,
by another writer than the requests of the corpus; `prompt_sets/chords.csv` 24 that name a tempo and four chords, a bar
each, so that a clip of ten seconds has four whole bars.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from musicgen_app.analysis.key import parse_key
from musicgen_app.control.plan import Plan
from musicgen_app.control.planner import plans_for
from musicgen_app.control.prompt_parser import parse_prompt
from musicgen_app.errors import FileError

from ...data.corpus_reader import is_estimated, known_facts
from .attribute_probe import groups_of
from .clips import Clip
from .prompts import Prompt, read_prompts

BUILT_IN = Path(__file__).parents[1] / "prompt_sets" / "adherence.csv"
SETS = {name: BUILT_IN.with_name(f"{name.replace('-', '_')}.csv") for name in ("adherence", "free-wording", "chords")}
KINDS = {
    "short": "genre, instrument and mood, 10-25 words",
    "long": "the same, 30-60 words",
    "free": "free wording",
    "dense": "with tempo and key",
}
NEAREST = {"free": "short"}  # kind of prompt -> caption style of real clips that stands for it, where it has none
NAMED = 3  # instruments of a real clip that count as named: the most important ones
DRUMS = {"yes": True, "no": False, "unsaid": None}


@dataclass(frozen=True)
class Target:
    """What a text asks for; None, or nothing, where it says nothing."""

    id: str
    kind: str
    text: str
    genre: str | None = None
    instruments: tuple[str, ...] = ()
    tempo: float | None = None
    key: tuple[int, str] | None = None  # tonic, "major" or "minor"
    drums: bool | None = None
    plan: Plan | None = None  # tempo, metre and chords, where it names tempo and chords
    number: int = 0  # its place in the whole file, so that its seed does not depend on what else is made


@dataclass(frozen=True)
class TargetSet:
    name: str
    sha256: str
    targets: tuple[Target, ...]

    def some(self, count: int | None) -> TargetSet:
        """The first `count` of each kind, or all."""
        kinds = {target.kind: [t for t in self.targets if t.kind == target.kind] for target in self.targets}
        return TargetSet(self.name, self.sha256, tuple(t for group in kinds.values() for t in group[:count]))


def read_targets(path: Path | None = None) -> TargetSet:
    """The prompts of a CSV file with the columns above, or of a set of SETS (None: the first). Raises FileError."""
    source = SETS.get(str(path), path) or BUILT_IN
    prompts = read_prompts(source)
    rows = csv.DictReader(io.StringIO(source.read_text("utf-8-sig"), newline=""))
    targets = tuple(_target(row, prompt, source) for row, prompt in zip(rows, prompts.prompts, strict=True))
    return TargetSet(source.name, prompts.sha256, targets)


def _target(row: dict, prompt: Prompt, source: Path) -> Target:
    row = {name.strip().lower(): cell.strip() for name, cell in row.items()}
    try:
        if row["kind"] not in KINDS:
            raise ValueError(f"kind {row['kind']!r}, not one of {', '.join(KINDS)}")
        if "." in prompt.id:
            raise ValueError("an id with a dot")
        return Target(
            prompt.id,
            row["kind"],
            prompt.text,
            row["genre"] or None,
            tuple(filter(None, row["instruments"].split(";"))),
            float(row["tempo"]) if row["tempo"] else None,
            parse_key(row["key"]) if row["key"] else None,
            DRUMS[row["drums"]],
            _plan(prompt.text),
            prompt.number,
        )
    except KeyError as error:
        raise FileError(f"{source}, id {prompt.id}: no {error}; drums are yes, no or unsaid") from error
    except ValueError as error:
        raise FileError(f"{source}, id {prompt.id}: {error}") from error


def _plan(text: str) -> Plan | None:
    (plan,) = plans_for(parse_prompt(text), None, [0], None)  # what it states, and nothing else
    return plan if plan.tempo and plan.chords else None


def clip_of(row: dict) -> Clip:
    """The clip of a row of a dataset folder."""
    return Clip(row["id"], Path(row["folder"]) / row["path"], float(row["start"]), float(row["seconds"]))


def real_targets(rows: Sequence[dict], kind: str) -> list[tuple[Target, Clip]]:
    """Real clips (rows of dataset folders) with their captions as prompts of a kind; rows without such are left out."""
    pairs = []
    for row in rows:
        captions = row["captions"].get(kind) or row["captions"].get(NEAREST.get(kind, kind))
        if captions:
            pairs.append((_told(row, kind, captions[0]), clip_of(row)))
    return pairs


def _told(row: dict, kind: str, caption: str) -> Target:
    """The target of a real clip: tempo and key only where its caption tells them, and not by ear."""
    facts, told = known_facts(row), parse_prompt("" if is_estimated(row.get("facts") or {}) else caption)
    return Target(
        row["id"],
        kind,
        caption,
        facts.get("genre") or None,
        tuple(dict.fromkeys(g for name in facts.get("instruments", ())[:NAMED] for g in groups_of(name)[:1])),
        told.tempo,
        None if told.tonic is None else (told.tonic, "minor" if told.minor else "major"),
        facts.get("drums"),
    )
