"""A submission folder of a model: OUT/submission/ID.wav at 44.1 kHz, and OUT/choice.json, which says how it was made.

OUT/seed-N/ holds what the model made, so that a run that was stopped goes on.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from musicgen_app import audio
from musicgen_app.engine import CancelToken, Engine, Progress
from musicgen_app.errors import GenerationError, RequestError
from musicgen_app.machine import files
from musicgen_app.models.installed import find

from ...data.audio_reader import read
from ...prepare.embedders import Embedder, load_embedder
from ..clips.clips import Clip, open_reference
from ..clips.generate_clips import make
from ..clips.prompts import Prompt, PromptSet, read_prompts
from ..clips.work import Work
from ..metrics.embeddings import Vectors
from .rules import SAMPLE_RATE, SECONDS
from .scores import OFFICIAL, is_official, other_name
from .selection import select

RECORD, SUBMISSION = "choice.json", "submission"
RULE = "chosen among several seeds a prompt: the challenge asks for one generation a prompt without a choice"


@dataclass(frozen=True)
class Making:
    """seeds: candidates a prompt; with one nothing is chosen. weight: of the CLAP score beside FAD, see `selection`."""

    model: str
    out: Path
    prompts: Path | None = None  # None: the built-in set
    seeds: int = 1
    seed: int = 0
    reference: Path | None = None
    embedder: str = OFFICIAL
    weight: float = 1.0
    steps: int | None = None
    guidance: float | None = None


def make_submission(
    settings: Making,
    engine: Engine | None = None,
    *,
    embedder: Embedder | None = None,
    show: Callable[[str], None] = print,
    progress: Callable[[Progress], None] | None = None,
    cancel: CancelToken | None = None,
) -> dict:
    """Make the folder and return what OUT/choice.json says.

    Raises RequestError (settings that do not go together), FileError, ModelError, DependencyError, Cancelled, and
    GenerationError where the model makes no usable sound of a prompt.
    """
    if settings.seeds < 2 and settings.reference:
        raise RequestError("--reference is what clips of several seeds are chosen by: give --seeds 2 or more")
    work, engine = Work(show, progress, cancel), engine or Engine()
    prompts = read_prompts(settings.prompts)
    bundle = find(settings.model, engine.models_dir)
    vectors = None
    if settings.seeds > 1:  # a missing embedder is found out before anything is made
        vectors = Vectors(embedder or load_embedder(settings.embedder), windowed=settings.reference is not None)
    candidates = _candidates(settings, engine, prompts, work)
    record: dict = {
        "model": {"name": bundle.name, "version": bundle.config["version"], "weights_sha256": bundle.weights_sha256},
        "prompts": {"name": prompts.name, "sha256": prompts.sha256},
        "seeds_a_prompt": settings.seeds,
    }
    chosen = [0] * len(candidates)
    if vectors is not None:
        reference = open_reference(settings.reference, SECONDS) if settings.reference else None
        texts = [prompt.text for prompt in prompts.prompts]
        found = select(
            texts, candidates, vectors, reference.clips if reference else None, settings.weight, work.ticker("choosing")
        )
        chosen, name = found.chosen, vectors.embedder.name
        own = settings.embedder == OFFICIAL and not embedder and is_official()
        record |= {"embedder": name if own else other_name(name), "weight": settings.weight, "figures": found.rows()}
        record |= {"reference": reference.name if reference else None, "not_by_the_rules": RULE}
        show(f"note: {RULE}")
    record["seed_of_prompt"] = {
        prompt.id: _seed(settings, prompts, prompt, number)
        for prompt, number in zip(prompts.prompts, chosen, strict=True)
    }
    _write(settings.out, [clips[i] for clips, i in zip(candidates, chosen, strict=True)], record)
    return record


def _seed(settings: Making, prompts: PromptSet, prompt: Prompt, number: int) -> int:
    return settings.seed + number * len(prompts.prompts) + prompt.number


def _candidates(settings: Making, engine: Engine, prompts: PromptSet, work: Work) -> list[list[Clip]]:
    """The clips of each prompt, one a seed."""
    rows: list[list[Clip]] = [[] for _ in prompts.prompts]
    for number in range(settings.seeds):
        first = settings.seed + number * len(prompts.prompts)
        made = make(
            engine, settings.model, prompts.prompts, settings.out / f"seed-{number}", first,
            work.ticker(f"clips of seed {number + 1} of {settings.seeds}"), work.cancel,
            seconds=SECONDS, steps=settings.steps, guidance=settings.guidance,
        )  # fmt: skip
        if made.failed:
            failed = made.failed[0]
            raise GenerationError(f"no clip of prompt {failed['id']} ({failed['reason']}): try another --seed")
        for row, (_, clip) in zip(rows, made.pairs, strict=True):
            row.append(clip)
    return rows


def _write(out: Path, clips: list[Clip], record: dict) -> None:
    """The submission, whole or not at all; one of before is replaced."""
    with files.writing_folder(out / SUBMISSION, overwrite=True) as new:
        for clip in clips:
            wave = read(clip.path, SAMPLE_RATE, 2)[:, : round(SECONDS * SAMPLE_RATE)]
            audio.write(new / f"{clip.id}.wav", wave, SAMPLE_RATE, audio.read_tags(clip.path))
    files.write(out / RECORD, (json.dumps(record, indent=1, ensure_ascii=False) + "\n").encode(), overwrite=True)


def text(record: dict) -> str:
    """What was made, for people."""
    model = record["model"]
    lines = [f"{len(record['seed_of_prompt'])} clips of {model['name']} {model['version']}"]
    if "figures" in record:
        lines[0] += f", each the best of {record['seeds_a_prompt']} seeds by {record['embedder']}"
        lines[0] += f", reference {record['reference']}" if record["reference"] else ", by CLAP score alone"
        for name, row in record["figures"].items():
            far = "" if row["FAD windowed"] is None else f"FAD windowed {row['FAD windowed']:.4f}, "
            lines.append(f"  {name.replace('_', ' '):<8} {far}CLAP score {row['CLAP score']:.4f}")
        lines.append(f"note: {record['not_by_the_rules']}")
    return "\n".join(lines)
