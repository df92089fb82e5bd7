"""Folders of music -> the tracks to train on, every file heard to its end: what `prepare` does first, and `data check`.

`manifest.find` says which files have captions, the stage "sounds" what is in them. Then it is decided which tracks are
kept, how long they are, which recordings are the same, and who is held out.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from musicgen_app.errors import FileError

from ..runtime.stage_runner import load_part, missing_parts, run_stage
from .manifest import Findings, find
from .sound_facts import Sounds
from .splits import split
from .track import Track

LATE = 0.05  # seconds that a clip may end after its file
SHOWN = 3  # reasons in an error


@dataclass(frozen=True)
class Survey:
    """What is in folders of music.

    tracks: those that are kept, with splits and lengths, in the order of their folders and paths. found: all that have
    captions. findings: what is told of them and of files without captions. sounds: the row of `sound_facts` of every
    file that was heard, by path. copies: number of the group of recordings that are the same, by path.
    """

    tracks: list[Track]
    found: list[Track]
    findings: Findings
    sounds: Mapping[str, dict]
    copies: Mapping[str, int]


def survey(
    folder: Path,
    data: list[Path],
    captions: dict[str, Path] | None = None,
    seed: int = 0,
    val: float = 0.01,
    test: float = 0.0,
    *,
    stems: Path | None = None,
    skip: Path | None = None,
    shard: tuple[int, int] = (0, 1),
    workers: int = 1,
    until: float | None = None,
    empty: bool = False,
    show: Callable[[str], None] = print,
) -> Survey | None:
    """Find the tracks, hear all their files (the stage "sounds" in `folder`), and decide which are kept.

    The rest is as in `manifest.find` and `run_stage`. None where other shards have files left to hear. Raises FileError
    (no music with captions and not `empty`, other settings, a full disk) and Unfinished at `until`.
    """
    tracks, findings = find(data, captions, stems=stems, skip=skip, empty=empty)
    origin = {"data": list(map(os.path.abspath, data)), "captions": _absolute(captions or {})}
    work = Sounds((str(track.file) for track in tracks), origin)
    run_stage(folder, work.name, work.settings, work.parts, work, shard=shard, workers=workers, until=until, show=show)
    if missing := len(missing_parts(folder, work.name, work.parts)):
        show(f"{work.name}: this shard is done, {missing} parts of others are not; run this again when they are")
        return None
    heard = {row["path"]: row for part in range(work.parts) for row in load_part(folder, work.name, part)["sounds"]}
    return decided(tracks, findings, heard, seed, val, test)


def decided(
    found: list[Track], findings: Findings, sounds: Mapping[str, dict], seed: int, val: float, test: float
) -> Survey:
    """Which tracks are kept, with their lengths and splits; what is left out or doubtful is added to the findings."""
    kept = []
    told: set[str] = set()
    for track in found:
        heard = sounds[str(track.file)]
        reason = heard["reason"] or _outside(track, heard["seconds"])
        if reason:
            findings.bad.append(track.left_out(reason))
            continue
        if heard["path"] not in told:
            told.add(heard["path"])
            for remark in heard["remarks"]:
                findings.doubt(track.id, track.file, remark)
        if track.seconds is not None and track.start + track.seconds > heard["seconds"] + LATE:
            end = track.start + track.seconds
            findings.doubt(track.id, track.file, f"its clip ends at {end:.1f} s, the file at {heard['seconds']:.1f} s")
        kept.append(replace(track, length=heard["seconds"]))
    digests = {path: row["digest"] for path, row in sounds.items() if row["digest"] and not row["reason"]}
    copies = _copies(digests)
    first: dict[int, str] = {}
    for path, number in copies.items():
        if first.setdefault(number, path) != path:
            findings.doubt("", path, f"the same recording as {first[number]}: both are in the same split")
    tracks, torn = split(kept, seed, val, test, digests)
    for said in torn:
        findings.doubt("", "", said)
    return Survey(tracks, found, findings, sounds, copies)


def refuse_nothing(survey: Survey, data: list[Path]) -> None:
    """Raise FileError, with the first reasons, where no track is kept."""
    if survey.tracks:
        return
    reasons = [f"{row['path']} {row['reason']}" for row in survey.findings.bad if row["id"]]
    more = f"; and {len(reasons) - SHOWN} more" if len(reasons) > SHOWN else ""
    raise FileError(
        f"none of the {len(survey.found)} tracks with captions in {', '.join(map(str, data))} can be used"
        f" ({'; '.join(reasons[:SHOWN])}{more}): `ttm-app data check` lists every one"
    )


def _absolute(captions: Mapping[str, Path]) -> dict[str, str]:
    return {style: os.path.abspath(path) for style, path in captions.items()}


def _outside(track: Track, seconds: float) -> str:
    """Why a clip is left out: it begins after the end of its file."""
    if track.start and track.start >= seconds:
        return f"ends after {seconds:.1f} s, before its clip from {track.start:.1f} s"
    return ""


def _copies(digests: Mapping[str, str]) -> dict[str, int]:
    """The number of its group, from 1 on, of every file whose sound is that of another one."""
    groups: dict[str, list[str]] = {}
    for path in sorted(digests):
        groups.setdefault(digests[path], []).append(path)
    several = [paths for paths in groups.values() if len(paths) > 1]
    return {path: number for number, paths in enumerate(several, 1) for path in paths}
