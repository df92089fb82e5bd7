"""All results, kept: GenerationResult -> audio file + sidecar in the library -> found again.

    FOLDER/2026-01/slow-piano-7-0123456789ab.wav          audio, the same bytes as `ttm-app generate` writes
    FOLDER/2026-01/slow-piano-7-0123456789ab.wav.json     its sidecar, with title, tags and favourite
    FOLDER/.trash/                                        what was deleted and can be restored
    FOLDER/.index.sqlite                                  made from the files whenever it is needed (`index`)

An item is where its audio file is. That file is added, moved or removed in one step, and its sidecar follows. What a
killed process has left undone is put right by the next look at the folder. Several processes may work at once.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import IO

from .. import audio
from ..daw.timeline import timeline_of
from ..errors import FileError, RequestError
from ..machine import files, paths
from ..request import GenerationResult, check_whole
from .clip_files import fetch_sidecar, follow, followed_by, settle_sidecars
from .index import Index, conditions
from .item import NAME, NOTE, TRASH, Item, changed, checked_note, item_from, moment, read_item
from .metadata import (
    AI_MARK,
    full_tags,
    is_cut,
    parse,
    read_sidecar,
    record_of,
    request_in,
    sidecar_bytes,
    sidecar_for,
    sidecar_path,
    tags_for,
    timeline_for,
)

__all__ = ["Item", "Library", "Report"]

ID = re.compile(r"[0-9a-f]{12}")
LOCK = ".lock"
BUSY = 30.0  # seconds to wait for another process


@dataclass(frozen=True)
class Report:
    """What is in a library: items outside and inside the trash, and the files that cannot be shown, each with why."""

    items: int
    trashed: int
    unreadable: dict[Path, str]


class Library:
    """The results in `folder` (default: the user's). Nothing is created before something is kept."""

    def __init__(self, folder: str | os.PathLike | None = None):
        self.folder = paths.expanded(folder or paths.results()).absolute()
        self._swept = False
        self._index = Index(self.folder, self._find_sidecar)

    # --- putting in

    def add(
        self, result: GenerationResult, suffix: str = ".wav", source: str = "python", written: Path | None = None
    ) -> Item:
        """Keep a result as audio (the suffix is the format) and sidecar. Raises FileError; then nothing was kept.

        written: a file that `audio.write` made of this result in this format; its bytes are copied.
        """
        record = sidecar_for(result, "") | {NOTE: {"created": moment(datetime.now(UTC)), "source": source}}

        def write(path: Path) -> None:
            if written is None:
                audio.write(path, result.audio, result.sample_rate, tags_for(result), timeline=timeline_for(result))
            else:
                _copy(written, path)

        return self._place(record, suffix, write)

    def adopt(self, path: str | os.PathLike, source: str = "cli") -> Item:
        """Keep a copy of an audio file that ttm-app made, with what its sidecar says where it has one.

        Raises FileError for a file that is not ours, RequestError for one that asks for something impossible.
        """
        path = Path(path)
        record = _described(path)
        note = {"created": changed(path)} | checked_note(record.get(NOTE, {})) | {"source": source}
        return self._place(record | {NOTE: note}, path.suffix, lambda target: _copy(path, target))

    def _place(self, record: dict, suffix: str, write: Callable[[Path], None]) -> Item:
        """Put a sound that `write` writes into the library, then its sidecar: with the sound the item is there."""
        suffix = _format(suffix)
        month = record[NOTE]["created"][:7]
        request = request_in(record, self.folder)
        if request.seed is None:
            raise RequestError("the record has no seed, so the clip could not be made again")
        name = f"{paths.slug(request.prompt)}-{request.seed}-{secrets.token_hex(6)}{suffix}"
        path = self.folder / month / name
        data = sidecar_bytes(record | {"file": name})
        item = item_from(path, parse(data.decode(), path))
        self._make(month)
        if not self._swept:
            self._sweep()
        with followed_by(path, data):
            write(path)
        return item

    # --- finding

    def get(self, id: str) -> Item:
        """The item of that id, in the trash or not. FileError: there is none."""
        found = self._index.select("id = ?", [id], 1, 0) if isinstance(id, str) and ID.fullmatch(id) else []
        if not found:
            raise FileError(f"there is no item {str(id)[:40]!r} in the library {self.folder}: see ttm-app library list")
        return found[0]

    def search(
        self,
        text: str = "",
        model: str | None = None,
        since: str | date | None = None,
        until: str | date | None = None,
        favourite: bool | None = None,
        tag: str | None = None,
        trashed: bool | None = False,
        limit: int | None = None,
        offset: int = 0,
    ) -> list[Item]:
        """The items that meet every condition given, newest first; none whose files are gone.

        text: each of its words is somewhere in the title, the prompt or the tags; since, until: dates or times, the
        latter inclusive, in local time unless they say otherwise; trashed: None for both. Raises RequestError.
        """
        where, values = conditions(text, model, since, until, favourite, tag, trashed)
        limit = None if limit is None else check_whole("limit", limit, 0, 2**31)
        return self._index.select(where, values, limit, check_whole("offset", offset, 0, 2**31))

    def count(
        self,
        text: str = "",
        model: str | None = None,
        since: str | date | None = None,
        until: str | date | None = None,
        favourite: bool | None = None,
        tag: str | None = None,
        trashed: bool | None = False,
    ) -> int:
        """How many items `search` would find."""
        return self._index.count(*conditions(text, model, since, until, favourite, tag, trashed))

    def unreadable(self) -> dict[Path, str]:
        """The audio files that cannot be shown, and why."""
        return self._index.faults()

    # --- changing

    def update(
        self, id: str, *, title: str | None = None, tags: Iterable[str] | None = None, favourite: bool | None = None
    ) -> Item:
        """Change what is not None; an empty title is the prompt again. Raises FileError, RequestError."""
        with self._alone():
            item = self.get(id)
            note = {
                "created": item.created,
                "source": item.source,
                "title": item.title if title is None else title or item.request.prompt,
                "tags": list(item.tags if tags is None else tags),
                "favourite": item.favourite if favourite is None else favourite,
            }
            record = read_sidecar(item.path) | {NOTE: checked_note(note)}
            files.write(item.sidecar, sidecar_bytes(record), overwrite=True)
            return read_item(item.path)

    def delete(self, ids: str | Iterable[str]) -> list[Item]:
        """Move items to the trash. FileError: one of them does not exist; then none was moved."""
        with self._alone():
            return [item if item.trashed else self._move(item, TRASH) for item in self._items(ids)]

    def restore(self, ids: str | Iterable[str]) -> list[Item]:
        """Move items back from the trash. Raises as `delete`."""
        with self._alone():
            return [self._move(item, item.created[:7]) if item.trashed else item for item in self._items(ids)]

    def purge(self, ids: str | Iterable[str] | None = None) -> int:
        """Delete items in the trash for ever (default: all that is in it) and return how many. Raises FileError."""
        if not self.folder.is_dir():
            return 0
        with self._alone():
            if ids is None:
                listed = self._index.audio_files(TRASH)
            else:
                items = self._items(ids)
                if kept := [item.id for item in items if not item.trashed]:
                    raise FileError(f"{kept[0]} is not in the trash: delete it first")
                listed = [item.path for item in items]
            for path in listed:
                with files.reported(f"delete {path}"):
                    path.unlink()
                    sidecar_path(path).unlink(missing_ok=True)
            self._sweep_trash()
            return len(listed)

    # --- taking out

    def convert(self, id: str, suffix: str, folder: str | os.PathLike, force: bool = False) -> Path:
        """Write the sound of an item into `folder` in the format of `suffix`, with its tags; returns the file.

        The same format is a copy, byte for byte. A WAV whose tag is too small for the prompt gets its sidecar too.
        Raises FileError.
        """
        item = self.get(id)
        target = Path(folder) / _renamed(item, suffix)
        with files.writing(target, force) as file:
            _write_as(item, target.name, file)
        if is_cut(target):
            files.write(sidecar_path(target), _sidecar_as(item, target.name), force)
        return target

    def export(
        self, ids: str | Iterable[str], target_zip: str | os.PathLike, suffix: str | None = None, force: bool = False
    ) -> Path:
        """Write items, audio (in the format of `suffix`, default: as they are) and sidecars, into a new ZIP archive.

        Raises FileError; then there is no archive, and one that was there is as it was.
        """
        items = self._items(ids)
        if not items:
            raise RequestError("nothing to export: name at least one item")
        with files.writing(Path(target_zip), force) as file, zipfile.ZipFile(file, "w") as archive:
            for item in items:
                name = _renamed(item, suffix)
                with archive.open(_entry(name, item), "w", force_zip64=True) as entry:
                    _write_as(item, name, entry)
                archive.writestr(_entry(sidecar_path(name).name, item), _sidecar_as(item, name))
        return Path(target_zip)

    def reindex(self) -> Report:
        """Read all files again, clear up what killed processes left hidden, and say what is there. Raises FileError."""
        self._sweep()
        with suppress(FileError), self._alone():
            self._sweep_trash()
        self._index.rebuild()
        return Report(self.count(), self.count(trashed=True), self.unreadable())

    # --- how

    def _items(self, ids: str | Iterable[str]) -> list[Item]:
        return [self.get(id) for id in dict.fromkeys([ids] if isinstance(ids, str) else ids)]

    def _move(self, item: Item, folder: str) -> Item:
        """Move an item's files to another folder of the library, the sound first: with it the item is there."""
        target = self._make(folder) / item.path.name
        if os.path.lexists(target):
            raise FileError(f"{target} exists already: move it elsewhere")
        with files.reported(f"move {item.path} to {target.parent}"):
            files.rename(item.path, target)
            follow(item.sidecar, sidecar_path(target))
        return read_item(target)

    def _make(self, name: str) -> Path:
        folder = self.folder / name
        with files.reported(f"keep anything in {self.folder}"):
            folder.mkdir(parents=True, exist_ok=True)
        if folder.is_symlink():
            raise FileError(f"{folder} is a link: the library wants a folder there")
        return folder

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """No other process changes items meanwhile. Raises FileError where the library cannot be changed at all."""
        if not self.folder.is_dir():
            raise FileError(f"there is no library in {self.folder} yet")
        busy = f"another program is changing the library {self.folder}: try again"
        with files.locked(self.folder / LOCK, busy, BUSY):
            yield

    def _find_sidecar(self, path: Path) -> None:
        """Put a sidecar beside a sound that has none: the one that was to follow it, else one made from its tags."""
        target = sidecar_path(path)
        fetch_sidecar(path)
        of_old = path.with_name(f".{target.name}")  # where it waited in version 0.1
        for source in (of_old, *(self.folder / name / target.name for name in self._index.folders())):
            if source.is_file() and not source.is_symlink() and not os.path.lexists(source.with_suffix("")):
                follow(source, target)
        if not os.path.lexists(target):
            note = {"created": changed(path), "source": "python"}
            files.write(target, sidecar_bytes(_described(path) | {"file": path.name, NOTE: note}))

    def _sweep(self) -> None:
        """Clear up what killed processes have left hidden."""
        self._swept = True
        for name in self._index.folders():
            files.sweep(self.folder / name)
            settle_sidecars(self.folder / name)

    def _sweep_trash(self) -> None:
        """Delete the sidecars in the trash whose sound is nowhere; nobody else may be changing items."""
        folders = [self.folder / name for name in self._index.folders()]
        for path in (self.folder / TRASH).glob("*.json"):
            if NAME.fullmatch(path.stem) and not any((folder / path.stem).exists() for folder in folders):
                with suppress(OSError):
                    path.unlink()


def _described(path: Path) -> dict:
    """The sidecar of an audio file made by ttm-app: its own where that is of the same clip, else what its tags say."""
    known = record_of(path)
    channels, samples, sample_rate = audio.shape_of(path)
    record = AI_MARK | known | {"sample_rate": sample_rate, "channels": channels, "samples": samples}
    with suppress(FileError):
        beside = read_sidecar(path)
        if all(beside.get(name) == value for name, value in known.items()):
            record = beside
    return record


def _copy(source: Path, target: Path) -> None:
    with files.writing(target) as file:
        _write_from(source, file)


def _write_from(source: Path, file: IO[bytes]) -> None:
    with files.reported(f"read {source}"):
        sound = open(source, "rb")
    with sound:
        shutil.copyfileobj(sound, file)


def _format(suffix: str) -> str:
    if suffix.lower() not in audio.FORMATS:
        raise FileError(f"{suffix!r} is no format: use {', '.join(audio.FORMATS)}")
    return suffix.lower()


def _renamed(item: Item, suffix: str | None) -> str:
    """The name of an item's file in the format of `suffix`. Raises FileError."""
    return item.path.stem + (item.path.suffix if suffix is None else _format(suffix))


def _write_as(item: Item, name: str, file: IO[bytes]) -> None:
    """Write the sound of an item, in the format of `name`, into an open file. Raises FileError."""
    suffix = Path(name).suffix
    if suffix == item.path.suffix:
        _write_from(item.path, file)
    else:
        sound, sample_rate, _ = audio.read(item.path)
        loop = item.request.loop
        timeline = timeline_of(item.played, sound.shape[1] / sample_rate, loop) if item.played else None
        file.write(audio.encode(sound, sample_rate, suffix, full_tags(item.path), timeline))


def _sidecar_as(item: Item, name: str) -> bytes:
    """The sidecar of an item for a file of that name. Raises FileError."""
    return sidecar_bytes(read_sidecar(item.path) | {"file": name})


def _entry(name: str, item: Item) -> zipfile.ZipInfo:
    """A file of a ZIP archive, readable once unpacked, with the time the item was made as far as the format has it."""
    made = datetime.fromisoformat(item.created).astimezone()
    entry = zipfile.ZipInfo(name, (min(max(made.year, 1980), 2107), *made.timetuple()[1:6]))
    entry.external_attr = 0o644 << 16
    return entry
