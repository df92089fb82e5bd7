"""`ttm-app evaluate plan`: songs -> clips made to them -> how much of what the songs say is heard.

Every song says when everything should happen, so its clip is compared with it bar by bar (`clips.obedience`). What a
model cannot follow is measured all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from musicgen_app import __version__
from musicgen_app.control.theory import parse_chord
from musicgen_app.engine import CancelToken, Engine, Progress
from musicgen_app.errors import FileError
from musicgen_app.models.installed import find

from .clips.clip_features import RATE
from .clips.clips import Clip
from .clips.generate_clips import Made, describe, make
from .clips.obedience import ChordHeard, chords_heard, key_heard, same_performance, section_levels, tempo_error
from .clips.prompts import Prompt
from .clips.songs import Song, built_in, other_chords, read_songs
from .clips.work import Work
from .metrics.bootstrap import mean_interval
from .report import figure

SCHEMA = 1
CLOSE = 0.3  # percent: a tempo that is kept
PAIR_SECONDS = 20.0  # of the clips that are compared with one another
AGAIN = 1000  # further clips of a song have seeds so far off
LEAST_STEP = 0.2  # of energy between two sections, for one to be the louder one
MEASURES = {  # of a clip -> what it is
    "tempo": f"clips whose beat is within {CLOSE:g} % of the tempo",
    "key": "clips in which the key is heard",
    "key or relative": "clips in which the key or its relative is heard",
    "drums": "pairs of sections with and without drums of which the first strikes harder (by chance 50 %)",
    "energy": "pairs of sections of different energy of which the higher one is louder (by chance 50 %)",
    "onsets": "correlation of the onsets with those of the same song and seed with other chords",
}


@dataclass(frozen=True)
class PlanObedience:
    """What to measure. songs: files, or names of the app's examples; none for the built-in ones."""

    model: str
    songs: tuple[str, ...] = ()
    count: int | None = None  # of the built-in songs
    seeds: int = 1  # clips of each song
    seed: int = 0
    steps: int | None = None
    guidance: float | None = None
    resamples: int = 1000
    audio_out: Path | None = None  # where clips are kept


def measure_obedience(
    settings: PlanObedience,
    engine: Engine | None = None,
    *,
    show: Callable[[str], None] = print,
    progress: Callable[[Progress], None] | None = None,
    cancel: CancelToken | None = None,
) -> dict:
    """All measures as a JSON-safe report. Same settings and weights: the same report.

    Raises RequestError, FileError, ModelError, Cancelled.
    """
    bundle = find(settings.model)  # a missing one is found out before anything is read
    work, engine = Work(show, progress, cancel), engine or Engine()
    songs = read_songs(settings.songs)[: settings.count] if settings.songs else built_in(settings.count)
    with ExitStack() as stack:
        folder = settings.audio_out or Path(stack.enter_context(TemporaryDirectory(prefix="ttm-app-plan-")))
        made = _clips(settings, engine, songs, folder, work)
        rows = [_heard(song, clip) for song, clip in _ticked(made.pairs, songs, work)]
        pairs = _pairs(settings, engine, songs, folder, work)
    if not rows:
        raise FileError(f"{bundle.name} gave no usable clips: {made.failed[0]['reason']}")
    for row in rows:
        row["onsets"] = pairs.get(row["id"])
    about = describe(settings.model, made, engine, settings.seed, settings.seeds)
    about["settings"].pop("seconds")
    return {
        "schema": SCHEMA,
        "app": f"ttm-app {__version__}",
        **about,
        "songs": "built-in" if not settings.songs else "of your own",
        "follows_plans": bundle.follows_plans,
        "figures": _figures(rows, settings.resamples),
        "qualities": _qualities([chord for row in rows for chord in row["heard"]]),
        "clips": [{name: value for name, value in row.items() if name != "heard"} for row in rows],
        "bad": made.failed,
    }


def _clips(settings: PlanObedience, engine: Engine, songs: Sequence[Song], folder: Path, work: Work) -> Made:
    """The clips of all songs, as long as these are."""
    takes = [
        replace(song, number=song.number + AGAIN * again, id=song.id + (f".{again}" if again else ""))
        for again in range(settings.seeds)
        for song in songs
    ]
    return _made(settings, engine, takes, folder, work, None)


def _made(
    settings: PlanObedience, engine: Engine, songs: Sequence[Song], folder: Path, work: Work, seconds: float | None
) -> Made:
    work.show(f"making {len(songs)} clips with {settings.model}")
    return make(
        engine, settings.model, [Prompt(song.number, song.id, song.prompt, {}) for song in songs], folder,
        settings.seed, work.ticker("songs"), work.cancel, {song.id: song.plan for song in songs},
        seconds=seconds, steps=settings.steps, guidance=settings.guidance,
    )  # fmt: skip


def _ticked(pairs: Sequence[tuple[Prompt, Clip]], songs: Sequence[Song], work: Work):
    """(song, clip) of every clip, with its progress."""
    of = {song.number: song for song in songs}
    for number, (prompt, clip) in enumerate(pairs):
        work.tick("listening", number, len(pairs))
        yield replace(of[prompt.number % AGAIN], id=prompt.id), clip
    work.tick("listening", len(pairs), len(pairs))


def _heard(song: Song, clip: Clip) -> dict:
    """What became of one song: JSON-safe but for "heard", its chords."""
    wave, plan = clip.wave(RATE), song.plan
    chords = chords_heard(wave, RATE, plan)
    slashes = [chord.bass for chord in chords if chord.bass is not None]
    tempi = {stretch.tempo for stretch in plan.stretches}
    error = tempo_error(wave, RATE, tempi.pop() or 0.0) if len(tempi) == 1 else None
    exact, near = key_heard(wave, RATE, plan.key) if plan.key else (None, None)
    levels = section_levels(wave, RATE, plan)
    return {
        "id": song.id,
        "metre": plan.metre,
        "key": plan.key,
        "seconds": round(len(wave) / RATE, 1),
        "chords": len(chords),
        "kept": sum(chord.kept for chord in chords),
        "slashes": len(slashes),
        "basses kept": sum(slashes),
        "tempo error": None if error is None else round(error, 3),
        "tempo": None if error is None else error <= CLOSE,
        "key is heard": exact,
        "key or relative": near,
        "drums": _share(levels, "drums", "struck", lambda a, b: a is True and b is False),
        "energy": _share(levels, "energy", "loud", lambda a, b: None not in (a, b) and a - b >= LEAST_STEP - 1e-9),
        "heard": chords,
    }


def _share(levels: Sequence[dict], wish: str, measure: str, above: Callable) -> float | None:
    """Of all pairs of sections of which one should be above the other, the share of which it is."""
    right = [one[measure] > other[measure] for one, other in product(levels, levels) if above(one[wish], other[wish])]
    return float(np.mean(right)) if right else None


def _pairs(
    settings: PlanObedience, engine: Engine, songs: Sequence[Song], folder: Path, work: Work
) -> dict[str, float]:
    """By song, how alike the onsets of two short clips of one seed are, the second with other chords.

    They begin where drums do, where there are any.
    """
    both = []
    for song in songs:
        start = next((stretch.start for stretch in song.plan.stretches if stretch.drums), song.plan.start)
        plan = replace(song.plan, start=start)
        both += [
            replace(song, id=f"{song.id}.as-it-is", plan=plan),
            replace(song, id=f"{song.id}.other-chords", plan=other_chords(plan)),
        ]
    made = _made(settings, engine, both, folder, work, PAIR_SECONDS)
    clips = {prompt.id: clip for prompt, clip in made.pairs}
    found = {}
    for song in songs:
        pair = [clips.get(f"{song.id}.{which}") for which in ("as-it-is", "other-chords")]
        waves = [clip.wave(RATE) for clip in pair if clip]
        if len(waves) == 2:
            found[song.id] = round(same_performance(waves[0], waves[1], RATE), 3)
    return found


def _figures(rows: Sequence[dict], resamples: int) -> list[dict]:
    """The measures over all clips, with intervals by resampling clips."""
    figures = []
    for name, right, count, what in (
        ("chords", "kept", "chords", "chords, bar by bar, that fit better than all other chords of their song"),
        ("basses", "basses kept", "slashes", "chords over another bass whose lowest note is heard"),
    ):
        kept, of = (np.array([row[column] for row in rows], float) for column in (right, count))
        if of.sum():
            interval = mean_interval(kept, of, resamples=resamples)
            figures.append(figure(name, interval, len(rows), what=what, of=int(of.sum())))
    for name, what in MEASURES.items():
        column = "key is heard" if name == "key" else name
        values = [float(row[column]) for row in rows if row[column] is not None]
        if values:
            interval = mean_interval(np.array(values), resamples=resamples)
            figures.append(figure(name, interval, len(values), what=what, of=len(values)))
    return figures


def _qualities(heard: Sequence[ChordHeard]) -> list[dict]:
    """By quality of chord, how often one sounds and is kept; the most frequent first."""
    by: dict[str, list[bool]] = {}
    for chord in heard:
        by.setdefault(parse_chord(chord.symbol).quality, []).append(chord.kept)
    return [
        {"quality": quality or "major", "chords": len(kept), "kept": float(np.mean(kept))}
        for quality, kept in sorted(by.items(), key=lambda entry: (-len(entry[1]), entry[0]))
    ]
