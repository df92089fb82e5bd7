"""A clip on the disk: GenerationResult -> FILE and, beside it, its sidecar FILE.json; nobody finds one that is half.

The sidecar waits under a hidden name until its sound is there, and then follows it. Where a process is killed between
the two, the next one that looks there puts the sidecar in its place, or deletes it where the sound never came.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .. import audio
from ..errors import FileError
from ..machine import files
from ..request import GenerationResult
from .metadata import is_of, read_record, sidecar_bytes, sidecar_for, sidecar_path, tags_for, timeline_for

WAITING = "sidecar"  # how the hidden name of a sidecar ends that waits for its sound


def write_clip(result: GenerationResult, path: Path, sidecar: bool, overwrite: bool = False) -> Path | None:
    """Write a clip, its sidecar too if it gets one, and return that one's path. FileError: then neither is there."""
    if not sidecar:
        audio.write(path, result.audio, result.sample_rate, tags_for(result), overwrite, timeline_for(result))
        return None
    files.check_free(sidecar_path(path), overwrite)
    with followed_by(path, sidecar_bytes(sidecar_for(result, path))):
        audio.write(path, result.audio, result.sample_rate, tags_for(result), overwrite, timeline_for(result))
    return sidecar_path(path)


@contextmanager
def followed_by(sound: Path, sidecar: bytes) -> Iterator[None]:
    """Within it the sound is written; its sidecar is there right after it. Raises FileError."""
    waiting = files.hidden(sound.parent, WAITING)
    files.write(waiting, sidecar)
    try:
        yield
    except BaseException:
        waiting.unlink(missing_ok=True)
        raise
    with files.reported(f"write {sidecar_path(sound)}"):
        follow(waiting, sidecar_path(sound))


def follow(sidecar: Path, target: Path) -> None:
    """Move a sidecar to its sound. Another process, which found the sound without it, may have done so already."""
    try:
        files.rename(sidecar, target)
    except FileNotFoundError:
        if not target.exists():
            raise


def fetch_sidecar(sound: Path) -> None:
    """Put the sidecar that waits for a sound, if one does, beside it. Raises OSError."""
    for waiting in sound.parent.glob(f".*.{WAITING}"):
        if _sound_of(waiting) == sound:
            follow(waiting, sidecar_path(sound))


def settle_sidecars(folder: Path) -> None:
    """Put what waits for sounds in a folder, of processes that were killed, in its place, or delete it."""
    for waiting in folder.glob(f".*.{WAITING}"):
        with suppress(OSError):
            if files.is_abandoned(waiting):
                sound = _sound_of(waiting)
                if sound is None:
                    waiting.unlink()
                else:
                    follow(waiting, sidecar_path(sound))


def _sound_of(waiting: Path) -> Path | None:
    """The sound that a waiting sidecar is of, by the tags of both; None where it is not there."""
    try:
        record = read_record(waiting)
        sound = waiting.with_name(str(record.get("file")))
        return sound if is_of(record, sound) else None
    except (FileError, ValueError):  # ValueError: no file name
        return None
