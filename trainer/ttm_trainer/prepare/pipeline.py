"""Music and captions -> the prepared folder that training reads. This is the table of contents of `prepare`.

sounds         every file, read whole: length, level, faults    data.sound_facts, after data.separation if it is wanted
manifest       the tracks with their captions and splits        data.survey
null, text     features of no text, and of every caption        stages.text_features
scores         random stretches of every track, and how well    stages.candidates, stages.scores
               each of them fits the captions
segments       the stretches that are kept: the items           stages.selection
latents        what the codec makes of every item               stages.latents
muq            what MuQ makes of every item, if it is wanted    stages.muq
prepared.json  what the folder holds, statistics of latents     latent_statistics, score_report
clusters/BY-K  groups of items that are alike                   clusters

All but prepared.json are stages that `runtime.stage_runner.run_stage` runs in parts. So the whole goes on where it was
stopped, and several machines can share it. `prepared_folder` opens the result.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..data import separation
from ..data.manifest import Findings, find, scan, summary, summary_lines
from ..data.survey import refuse_nothing, survey
from ..data.track import Track, part_count
from ..runtime.stage_runner import SETTINGS, StageWorker, digest, missing_parts, run_stage, show_rows, writing
from .config import Preparation

if TYPE_CHECKING:
    from .prepared_folder import Prepared


def prepare(
    data: list[Path],
    out: Path,
    preparation: Preparation,
    *,
    captions: dict[str, Path] | None = None,
    separate: bool = False,
    shard: tuple[int, int] = (0, 1),
    workers: int = 1,
    until: float | None = None,
    show: Callable[[str], None] = print,
) -> Prepared | None:
    """Run every stage that is not done yet, and open the result.

    captions: tables by style, besides those that lie in the data. separate: take the vocals away first. shard (i, n):
    make only every n-th part. Where parts of other shards are needed and not there yet, this says so and returns None;
    call it again when they are there. until: the time (of time.monotonic) at which to stop. A bad file is reported and
    left out. Raises FileError (nothing to train on, other settings than those that `out` was made with, a full disk),
    Unfinished (at `until`), ModelError and DependencyError.
    """
    from .score_report import fit_line
    from .stages.latents import Latents
    from .stages.muq import MuqFrames
    from .stages.scores import Scores
    from .stages.selection import Segments
    from .stages.text_features import NullText, Text

    out = Path(out)
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
    look = partial(find, data, captions, skip=out)
    if separate and not separation.separate(look()[0], out, shard=shard, until=until, show=show):
        return None
    chosen = _choose(data, out, preparation, captions, shard, workers, until, show)
    if chosen is None:
        return None
    tracks, findings = chosen
    _write_manifest(tracks, findings, data, captions, preparation, out, show)

    preparation = with_tiers(preparation)
    parts = part_count(len(tracks))
    run = partial(_run, out, workers, until, show)
    run(NullText(out, preparation))
    run(Text(out, preparation), parts, shard)
    run(Scores(out, preparation), parts, shard)
    if _waits(out, ["scores"], parts, show):
        return None
    run(Segments(out, preparation))
    if said := fit_line(out, preparation):
        show(said)
    run(Latents(out, preparation), parts, shard)
    if preparation.muq:
        run(MuqFrames(out, preparation, show), parts, shard)
    if _waits(out, ["text", "latents"] + ["muq"] * preparation.muq, parts, show):
        return None
    return add_clusters(_finish(out, preparation, show), preparation.clusters, preparation.seed, show)


def _choose(
    data: list[Path],
    out: Path,
    preparation: Preparation,
    captions: dict[str, Path] | None,
    shard: tuple[int, int],
    workers: int,
    until: float | None,
    show: Callable[[str], None],
) -> tuple[list[Track], Findings] | None:
    """The tracks of the manifest and what is told of them; None where other shards have files left to hear."""
    stems, held_out = out / separation.FOLDER, (preparation.seed, preparation.val, preparation.test)
    if begun_before_sounds(out):
        tracks, bad = scan(data, captions, *held_out, stems=stems, skip=out)
        return tracks, Findings(bad)
    found = survey(
        out, data, captions, *held_out, stems=stems, skip=out, shard=shard, workers=workers, until=until, show=show
    )
    if found is None:
        return None
    refuse_nothing(found, data)
    return found.tracks, found.findings


def begun_before_sounds(out: Path) -> bool:
    """Whether a folder was begun by a version that did not hear files before it chose among them: it goes on so."""
    return (out / "manifest" / SETTINGS).is_file() and not (out / "sounds").is_dir()


def with_tiers(preparation: Preparation) -> Preparation:
    """The preparation with the tiers of its embedder where it names none. CLAP has those of arXiv 2606.07387."""
    if None not in (preparation.high, preparation.medium):
        return preparation
    from .embedders import load_embedder

    own = getattr(load_embedder(preparation.embedder), "tiers", {"high": 0.33, "medium": 0.20})
    named = {name: getattr(preparation, name) for name in own}
    return replace(preparation, **{name: own[name] if tier is None else tier for name, tier in named.items()})


def add_clusters(
    prepared: Prepared, clusters: Iterable[tuple[str, int]], seed: int = 0, show: Callable[[str], None] = print
) -> Prepared:
    """Make the clusters that a prepared folder lacks, and return the folder. See `clusters.make_clusters`."""
    from .clusters import make_clusters

    for by, k in clusters:
        if k > 1:  # one cluster needs no file
            make_clusters(prepared, by, k, seed, show=show)
    return prepared


def _run(
    out: Path,
    workers: int,
    until: float | None,
    show: Callable[[str], None],
    worker: StageWorker,
    parts: int = 1,
    shard: tuple[int, int] = (0, 1),
) -> None:
    """Run a stage. One of a single part is run by every shard, so that none has to wait for it."""
    run_stage(out, worker.name, worker.settings, parts, worker, shard=shard, workers=workers, until=until, show=show)


def _waits(out: Path, stages: list[str], parts: int, show: Callable[[str], None]) -> bool:
    """Whether parts of these stages are missing, which other shards have to make; if so, say it."""
    missing = {stage: len(missing_parts(out, stage, parts)) for stage in stages}
    for stage, count in missing.items():
        if count:
            show(f"{stage}: this shard is done, {count} parts of others are not; run this again when they are")
    return any(missing.values())


def _write_manifest(
    tracks: list[Track],
    findings: Findings,
    data: list[Path],
    captions: dict[str, Path] | None,
    preparation: Preparation,
    out: Path,
    show: Callable[[str], None],
) -> None:
    """The stage "manifest". Its settings show when the data has changed."""
    rows = [{name: value for name, value in asdict(track).items() if name != "length" or value} for track in tracks]
    settings = {
        "data": [os.path.abspath(folder) for folder in data],
        "captions": {style: os.path.abspath(path) for style, path in (captions or {}).items()},
        **{name: getattr(preparation, name) for name in ("seed", "val", "test")},
        "tracks": len(rows),
        "instrumental stems": sum(track.facts.get("stem") == "instrumental" for track in tracks),
        "digest of tracks and captions": digest({"tracks": rows}),
    }
    run_stage(out, "manifest", settings, 1, lambda part: {"tracks": rows, **vars(findings)}, show=show)
    show_rows("manifest: note:", findings.doubts, "manifest/00000/doubts.jsonl", show)
    for line in summary_lines(summary(tracks, findings.bad)):
        show(line)


def _finish(out: Path, preparation: Preparation, show: Callable[[str], None]) -> Prepared:
    """Open a folder whose stages are all there, after writing prepared.json unless it is there and fits."""
    from .latent_statistics import finish
    from .prepared_folder import META, Prepared

    if (out / META).is_file():
        prepared = Prepared(out)
        made = dict(prepared.meta["preparation"])
        wanted = json.loads(json.dumps(asdict(preparation)))
        for more in ("clusters", *(["muq"] if made["muq"] else [])):  # what a folder may have beyond what is wanted
            made[more] = wanted[more]
        if made == wanted:
            return prepared
    show("statistics of the latents, with a sketch codec a minute at most")
    return finish(out, preparation)
