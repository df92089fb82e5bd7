"""`ttm-app evaluate music`: generated clips beside unseen real ones -> what listeners would notice, and what is odd.

A value of a clip is odd where hardly any real clip has it: below the 1st or above the 99th percentile of the real
clips, on the side that counts. The report also says how often real clips are odd.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from musicgen_app import __version__
from musicgen_app.analysis.artefacts import MEASURES, NAMES, Impression, hole, listen
from musicgen_app.engine import CancelToken, Engine, Progress
from musicgen_app.errors import FileError
from musicgen_app.models.installed import find

from ..prepare.embedders import Embedder, load_embedder
from ..prepare.prepared_folder import Prepared
from .clips.clip_features import RATE, unseen
from .clips.clips import Clip
from .clips.generate_clips import describe, make
from .clips.prompts import Prompt
from .clips.targets import clip_of, read_targets
from .clips.work import Work
from .memorisation import copying
from .metrics.bootstrap import mean_interval
from .metrics.embeddings import Vectors
from .report import figure
from .tables.spectrograms import contact_sheet

SCHEMA = 1
RARE = 0.01  # share of the real clips on either side that is odd
AGAIN = 1000  # further clips of a prompt have seeds so far off


@dataclass(frozen=True)
class AudioQuality:
    """What to measure."""

    model: str
    data: Path  # dataset folder: the real clips
    clips: int = 48  # of different prompts
    varied: int = 8  # prompts that are made of several seeds
    seeds: int = 4  # of those
    real: int = 150
    prepared: Path | None = None  # folder the model was trained on: looked through for copies
    seed: int = 0
    seconds: float = 10.0
    steps: int | None = None
    guidance: float | None = None
    embedder: str = "aligner"
    resamples: int = 1000
    audio_out: Path | None = None
    sheet: Path | None = None  # PNG of all clips


def measure_quality(
    settings: AudioQuality,
    engine: Engine | None = None,
    *,
    embedder: Embedder | None = None,
    show: Callable[[str], None] = print,
    progress: Callable[[Progress], None] | None = None,
    cancel: CancelToken | None = None,
) -> dict:
    """All measures of generated and real clips as a JSON-safe report, and the contact sheet.

    Raises RequestError, FileError, ModelError, DependencyError, Cancelled.
    """
    find(settings.model)
    work, engine = Work(show, progress, cancel), engine or Engine()
    vectors = Vectors(embedder or load_embedder(settings.embedder), windowed=False)
    rows = unseen(settings.data, settings.real)
    real, bad = notice([clip_of(row) for row in rows], work.ticker("listening to real clips"))
    if len(real) < 2:
        raise FileError(f"{settings.data} has {len(real)} unseen clips that can be read: two are needed")
    with ExitStack() as stack:
        folder = settings.audio_out or Path(stack.enter_context(TemporaryDirectory(prefix="ttm-app-music-")))
        prompts = _prompts(settings)
        show(f"making {len(prompts)} clips with {settings.model}")
        made = make(
            engine, settings.model, prompts, folder, settings.seed, work.ticker("clips"), cancel,
            seconds=settings.seconds, steps=settings.steps, guidance=settings.guidance,
        )  # fmt: skip
        heard, unreadable = notice([clip for _, clip in made.pairs], work.ticker("listening to clips"))
        bad += made.failed + unreadable
        if len(heard) < 2:
            raise FileError(f"{settings.model} gave {len(heard)} usable clips: {bad[-1]['reason']}")
        usual = np.quantile([one.bands for _, one in real], RARE, axis=0)
        limits = limits_of([one for _, one in real], usual)
        made_rows, real_rows = ([row_of(clip.id, one, usual, limits) for clip, one in some] for some in (heard, real))
        figures = _figures(made_rows, real_rows, settings.resamples)
        figures += _variation(settings, made.pairs, rows, vectors)
        copies = []
        if settings.prepared:
            paths = [clip.path for prompt, clip in made.pairs if prompt.number < AGAIN]
            copies = copying(
                engine, settings.model, Prepared(settings.prepared), paths, resamples=settings.resamples,
                tick=work.ticker("looking for copies"),
            )  # fmt: skip
        if settings.sheet:
            why = {row["id"]: ", ".join(row["odd"]) for row in made_rows}
            contact_sheet([(clip.id, clip.wave(RATE), why[clip.id]) for clip, _ in heard], RATE, settings.sheet)
        return {
            "schema": SCHEMA,
            "app": f"ttm-app {__version__}",
            **describe(settings.model, made, engine, settings.seed),
            "embedder": vectors.embedder.name,
            "real": {"data": str(settings.data), "clips": len(real)},
            "figures": figures,
            "copying": copies,
            "limits": limits,
            "clips": made_rows,
            "bad": bad,
        }


def notice(clips: Sequence[Clip], tick: Callable[[int, int], None]) -> tuple[list[tuple[Clip, Impression]], list[dict]]:
    """The clips that can be read, with their measures, and {"id", "path", "reason"} of the others."""
    found, bad = [], []
    for number, clip in enumerate(clips):
        tick(number, len(clips))
        try:
            found.append((clip, listen(clip.wave(RATE), RATE)))
        except FileError as error:
            bad.append({"id": clip.id, "path": str(clip.path), "reason": str(error)})
    tick(len(clips), len(clips))
    return found, bad


def limits_of(real: Sequence[Impression], usual: np.ndarray) -> dict[str, list[float | None]]:
    """[lowest, highest] of each measure that is not odd; None where that side never is."""
    limits = {}
    for name, (_, side, never) in MEASURES.items():
        values = [_values(one, usual)[name] for one in real]
        low, high = (float(np.quantile(values, share)) for share in (RARE, 1 - RARE))
        if never is not None:
            low, high = min(low, never), max(high, never)
        limits[name] = [low if side in ("below", "both") else None, high if side in ("above", "both") else None]
    return limits


def row_of(name: str, one: Impression, usual: np.ndarray, limits: dict[str, list[float | None]]) -> dict:
    """What the report says of a clip: its values, and what is odd about it in words."""
    values, odd = _values(one, usual), []
    where = {"whine": one.whine, "hole": hole(one.bands, usual)[1]}
    for measure, (low, high) in limits.items():
        side = "below" if low is not None and values[measure] < low else None
        side = "above" if high is not None and values[measure] > high else side
        if side:
            odd.append(NAMES[measure, side] + (f" at {where[measure]:,.0f} Hz" if measure in where else ""))
    return {"id": name, "odd": odd, "values": {measure: round(value, 4) for measure, value in values.items()}}


def _values(one: Impression, usual: np.ndarray) -> dict[str, float]:
    return one.values | {"hole": hole(one.bands, usual)[0]}


def _figures(made: Sequence[dict], real: Sequence[dict], resamples: int) -> list[dict]:
    """Means of each measure, and how often something is odd: generated clips beside real ones."""
    figures = []
    for name, (what, *_) in MEASURES.items():
        for of, rows in (("generated", made), ("real", real)):
            values = np.array([row["values"][name] for row in rows])
            interval = mean_interval(values, resamples=resamples)
            figures.append(figure(name, interval, len(rows), of=of, what=what, spread=float(values.std())))
    for name in ("anything odd", *NAMES.values()):
        for of, rows in (("generated", made), ("real", real)):
            hit = [bool(row["odd"]) if name == "anything odd" else _is_odd(row, name) for row in rows]
            interval = mean_interval(np.array(hit, float), resamples=resamples)
            figures.append(figure(name, interval, len(rows), of=of, what="share of clips", odd=True))
    return figures


def _is_odd(row: dict, name: str) -> bool:
    return any(odd == name or odd.startswith(f"{name} at ") for odd in row["odd"])


def _prompts(settings: AudioQuality) -> list[Prompt]:
    """Prompts of all kinds by turns, and the first of them again with other seeds."""
    targets = read_targets().targets
    kinds = [[target for target in targets if target.kind == kind] for kind in dict.fromkeys(t.kind for t in targets)]
    turns = [target for group in itertools.zip_longest(*kinds) for target in group if target][: settings.clips]
    return [
        Prompt(target.number + AGAIN * again, target.id + (f".{again}" if again else ""), target.text, {})
        for again in range(max(1, settings.seeds))
        for target in (turns[: settings.varied] if again else turns)
    ]


def _variation(
    settings: AudioQuality, pairs: Sequence[tuple[Prompt, Clip]], rows: Sequence[dict], vectors: Vectors
) -> list[dict]:
    """How different clips of one prompt are, compared with clips of several prompts and real pieces of one genre.

    The mean of 1 - cosine of their vectors; one value a prompt or genre.
    """
    made: dict[str, list[np.ndarray]] = {}
    genres: dict[str, list[np.ndarray]] = {}
    for prompt, clip in pairs:
        made.setdefault(prompt.text, []).append(vectors.first(clip))
    good, _ = vectors.usable([clip_of(row) for row in rows])
    names = {clip_of(row): (row.get("facts") or {}).get("genre") for row in rows}
    for clip in good:
        if (genre := names[clip]) is not None:
            genres.setdefault(genre, []).append(vectors.first(clip))
    groups = {
        "between seeds of a prompt": ("generated", list(made.values())),
        "between prompts": ("generated", [[group[0] for group in made.values()]]),
        "between pieces of a genre": ("real", list(genres.values())),
    }
    figures = []
    for name, (of, sets) in groups.items():
        values = np.array([_unlike(np.stack(group)) for group in sets if len(group) > 1])
        if len(values):
            interval = mean_interval(values, resamples=settings.resamples)
            what = "mean of 1 - cosine of vectors"
            figures.append(figure(f"variation {name}", interval, len(values), of=of, what=what, variation=True))
    return figures


def _unlike(vectors: np.ndarray) -> float:
    """Mean of 1 - cosine over all pairs of unit vectors (n, W)."""
    cosines = vectors @ vectors.T
    n = len(vectors)
    return float(1 - (cosines.sum() - np.trace(cosines)) / (n * (n - 1)))


def table(report: dict) -> str:
    """The report as lines of text."""
    model, settings = report["model"], report["settings"]
    lines = [
        f"{model['name']} {model['version']} (weights {model['weights_sha256'][:8]}): {len(report['clips'])} clips,"
        f" {settings['solver']}, {settings['steps']} steps, guidance {settings['guidance']:g}",
        f"real: {report['real']['clips']} unseen clips of {report['real']['data']}; in brackets the 95 % interval",
        "",
        f"{'':<36}{'generated':<30}{'real':<30}".rstrip(),
    ]
    by_name: dict[str, dict[str, dict]] = {}
    for entry in report["figures"]:
        by_name.setdefault(entry["name"], {})[entry["of"]] = entry
    for name, both in by_name.items():
        first = next(iter(both.values()))
        if first.get("odd") and not any(entry["value"] for entry in both.values()):
            continue
        cells = "".join(f"{_cell(both.get(of)):<30}" for of in ("generated", "real"))
        lines.append(f"{name:<36}{cells}{first['what']}")
    for entry in report["copying"]:
        lines.append(f"{entry['name']}: {entry['value']:.3f} ({entry['of']}, {entry['clips']} clips)")
    worst = sorted(report["clips"], key=lambda row: -len(row["odd"]))
    lines += ["", *(f"{row['id']}: {', '.join(row['odd'])}" for row in worst if row["odd"])]
    lines += [f"left out {row['id']}: {row['reason']}" for row in report["bad"]]
    return "\n".join(lines).rstrip()


def _cell(entry: dict | None) -> str:
    if entry is None:
        return ""
    shape = "{:.0%}" if entry.get("odd") else "{:.2f}"
    ends = f" ({shape.format(entry['low'])} to {shape.format(entry['high'])})" if "low" in entry else ""
    return shape.format(entry["value"]) + ends
