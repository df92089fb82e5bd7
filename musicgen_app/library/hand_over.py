"""Clips, by file or by id -> a project of a DAW, a MIDI file or stems, whole on the disk or not there.

A clip's plan comes from its sidecar, from that of its copy in the library, from the request in its tags, and its tempo,
in a WAV, from its acid chunk. What the caller says wins over it, and is all there is for a sound without one. Nothing
is ever written over a clip.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from .. import audio
from ..control.operations import at_tempo, in_key, in_metre
from ..control.plan import Plan
from ..daw.arrangement import Arrangement, Track
from ..daw.dawproject import add_file, entry, write_dawproject
from ..daw.kinds import KINDS, MOST_CLIPS, PACKED
from ..daw.reaper import reaper_project
from ..daw.riff import read_acid
from ..daw.stems import layer_names, stem, stem_names
from ..daw.timeline import timeline_of
from ..errors import FileError, RequestError
from ..machine import files, paths
from ..songbook.midi_writer import write_midi
from ..songbook.wishes import Wishes
from .library import ID, Library
from .metadata import is_cut, is_of, made_by, played_in, read_sidecar, sidecar_path

SEARCHED_WORDS = 8  # of a prompt, to find the copy of a clip
UNTITLED = "Music"
AI_KEY = '"ai_generated"'  # in the comment of every clip that ttm-app made


@dataclass(frozen=True)
class Clip:
    """A sound that was named. plan: None where none is known."""

    name: str
    path: Path
    plan: Plan | None
    loop: bool


def export(
    clips: Sequence[str | os.PathLike],
    kind: str,
    output: str | os.PathLike,
    *,
    title: str | None = None,
    bpm: float | None = None,
    metre: str | None = None,
    key: str | None = None,
    loop: bool | None = None,
    library: Library | None = None,
    force: bool = False,
) -> list[Path]:
    """Write clips as one of KINDS to `output` and return the files that were made.

    clips: sound files, or ids of items of the library (default: the user's). Several are layers: tracks of a project,
    files among the stems. title: of the project, and the first word of the names of stems; default: what the names of
    the clips share. bpm (quarter notes a minute), metre, key ("Am"), loop: of all clips; None is as they say. Raises
    FileError, RequestError; then nothing was written.
    """
    if not isinstance(kind, str) or kind not in KINDS:
        raise RequestError(f"{str(kind)[:40]!a} is no kind of export: use {', '.join(KINDS)}")
    if not 0 < len(clips) <= MOST_CLIPS:
        raise RequestError(f"name between 1 and {MOST_CLIPS} clips")
    target = Path(output)
    _check_target(target, kind, force)
    told = Wishes.checked({"bpm": bpm, "metre": metre, "key": key})
    found = [_corrected(find_clip(clip, library), told, loop) for clip in clips]
    return WRITERS[kind](found, title, target, force)


def find_clip(named: str | os.PathLike, library: Library | None = None) -> Clip:
    """The clip of a file or of an id, with its plan where one is known. Raises FileError."""
    path, name = Path(named), Path(named).stem
    if ID.fullmatch(str(named)) and not os.path.isfile(path):
        item = (library or Library()).get(str(named))
        path, name = item.path, item.title
    plan, loop = _made_to(path, library or Library())
    if (acid := read_acid(path)) is not None:
        loop = loop or acid.loop
        if plan is None or plan.tempo is None:
            plan = replace(plan or Plan(), tempo=acid.tempo, metre=acid.metre)
    return Clip(name, path, plan, loop)


def _made_to(path: Path, library: Library) -> tuple[Plan | None, bool]:
    """The plan that a clip was made to, and whether it is a loop: of its sidecar, of its copy in the library, which has
    one, or what its request says. None, False for what others made. Raises FileError.
    """
    comment = audio.read_tags(path).get("comment", "")
    if AI_KEY not in comment or (is_cut(path) and not sidecar_path(path).is_file()):
        return None, False
    try:
        request = made_by(path)
        if not sidecar_path(path).is_file():
            named = " ".join(request.prompt.split()[:SEARCHED_WORDS])
            for item in library.search(named, model=request.model):
                if is_of(read_sidecar(item.path), path):
                    return item.played, request.loop
        return played_in(path), request.loop
    except RequestError as error:
        raise FileError(str(error)) from None


def _check_target(target: Path, kind: str, force: bool) -> None:
    """FileError where the output cannot be of this name, before anything is read."""
    suffixes = KINDS[kind].suffixes
    if not suffixes:
        if os.path.lexists(target):
            raise FileError(f"{target} exists already: name a new folder")
        return
    if target.suffix.lower() not in suffixes:
        raise FileError(f"{target.name!r} does not end in {' or '.join(suffixes)}: end it so")
    files.check_free(target, force)


def _corrected(clip: Clip, told: Wishes, loop: bool | None) -> Clip:
    """A clip with what is told of it in the place of what it says."""
    if told.given:
        plan = clip.plan or Plan()
        plan = in_metre(plan, told.metre) if told.metre else plan
        plan = at_tempo(plan, told.bpm) if told.bpm is not None else plan
        clip = replace(clip, plan=in_key(plan, told.key) if told.key else plan)
    return clip if loop is None else replace(clip, loop=loop)


def _one_plan(clips: list[Clip]) -> Plan:
    """The plan that all clips share. Raises FileError, RequestError."""
    plans = []
    for clip in clips:
        if clip.plan is None:
            raise FileError(f"{clip.path} has no plan: say its tempo with --bpm")
        plans.append(clip.plan)
    if any(plan != plans[0] for plan in plans):
        raise RequestError("the clips have different plans: export them one by one")
    return plans[0]


def _track(clip: Clip, name: str) -> Track:
    """The sound of a clip as a track. Raises FileError: it has no sound, or no tempo is known."""
    channels, samples, sample_rate = audio.shape_of(clip.path)
    if not samples:
        raise FileError(f"{clip.path} has no sound in it: name another file")
    timeline = timeline_of(clip.plan or Plan(), samples / sample_rate, clip.loop)
    if not timeline.spans:
        raise FileError(f"{clip.path} has no plan with a tempo: say it with --bpm")
    return Track(name, clip.path, channels, samples, sample_rate, timeline)


def _arranged(clips: list[Clip], title: str | None) -> tuple[str, tuple[Track, ...]]:
    """The title, and a track for each clip, named by what is different in the names of the clips. FileError."""
    shared, names = layer_names([clip.name for clip in clips])
    tracks = tuple(_track(clip, name) for clip, name in zip(clips, names, strict=True))
    return title or shared or UNTITLED, tracks


def _reaper(clips: list[Clip], title: str | None, target: Path, force: bool) -> list[Path]:
    """A project that refers to the sounds where they are or, in a ZIP, to those in it."""
    arrangement = Arrangement(*_arranged(clips, title))
    if target.suffix.lower() != PACKED:
        return [files.write(target, reaper_project(arrangement, target.absolute().parent), force)]
    names = [f"{number:02d}-{paths.slug(track.name)}" for number, track in enumerate(arrangement.tracks, 1)]
    inside = [Path(name + track.file.suffix.lower()) for name, track in zip(names, arrangement.tracks, strict=True)]
    moved = [replace(track, file=file) for track, file in zip(arrangement.tracks, inside, strict=True)]
    project = reaper_project(Arrangement(arrangement.title, tuple(moved)), Path())
    with files.writing(target, force) as file, zipfile.ZipFile(file, "w") as archive:
        archive.writestr(entry(f"{paths.slug(arrangement.title)}.rpp"), project)
        for name, track in zip(inside, arrangement.tracks, strict=True):
            add_file(archive, str(name), track.file)
    return [target]


def _dawproject(clips: list[Clip], title: str | None, target: Path, force: bool) -> list[Path]:
    arrangement = Arrangement(*_arranged(clips, title))
    with files.writing(target, force) as file:
        write_dawproject(arrangement, file)
    return [target]


def _midi(clips: list[Clip], title: str | None, target: Path, force: bool) -> list[Path]:
    return [files.write(target, write_midi(_one_plan(clips)), force)]


def _stems(clips: list[Clip], title: str | None, target: Path, force: bool) -> list[Path]:
    stems = _named_stems(clips, title)
    with files.writing_folder(target) as folder:
        for name, track in stems.items():
            (folder / name).write_bytes(stem(track))
    return [target / name for name in stems]


def _zip(clips: list[Clip], title: str | None, target: Path, force: bool) -> list[Path]:
    stems = _named_stems(clips, title)
    with files.writing(target, force) as file, zipfile.ZipFile(file, "w") as archive:
        for name, track in stems.items():
            archive.writestr(entry(name), stem(track))
    return [target]


def _named_stems(clips: list[Clip], title: str | None) -> dict[str, Track]:
    title, tracks = _arranged(clips, title)
    return dict(zip(stem_names(title, tracks), tracks, strict=True))


# Clips, their title (None: what their names share), the output, whether it may be replaced -> the files that were made.
Writer = Callable[[list[Clip], str | None, Path, bool], list[Path]]
WRITERS: dict[str, Writer] = {
    "reaper": _reaper,
    "dawproject": _dawproject,
    "midi": _midi,
    "stems": _stems,
    "zip": _zip,
}
