"""The files of a library -> an SQLite index -> items, newest first.

The files are the library; the index is only a quick way to look through them. Before every look it is brought up to
date with the folders that have changed, and where it is missing, damaged or of another schema it is made anew. Where it
cannot be written it is made in memory, so a library on a read-only disk can be searched as well.
"""

from __future__ import annotations

import os
import re
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import closing, contextmanager, suppress
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from ..control.plan import Plan
from ..errors import FileError, RequestError, TTMError
from ..request import check_text
from .item import NAME, TRASH, Item, folded, moment, read_item
from .metadata import sidecar_path

INDEX = ".index.sqlite"
SCHEMA = 2
FOLDER = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])|" + re.escape(TRASH))
SETTLED = 2_000_000_000  # ns; a folder that changed later than this may change again with the same time stamp
BUSY = 10.0  # seconds to wait for another process
ATTEMPTS = 4
WORDS = 100  # of a search
TABLES = """
CREATE TABLE folders (name TEXT PRIMARY KEY, stamp INTEGER);
CREATE TABLE items (
    folder TEXT NOT NULL, name TEXT NOT NULL, stamp TEXT NOT NULL, id TEXT NOT NULL UNIQUE, created TEXT NOT NULL,
    model TEXT NOT NULL, favourite INTEGER NOT NULL, tags TEXT NOT NULL, text TEXT NOT NULL, PRIMARY KEY (folder, name)
);
CREATE INDEX newest ON items (created DESC, id DESC);
CREATE TABLE faults (
    folder TEXT NOT NULL, name TEXT NOT NULL, stamp TEXT NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (folder, name)
);
"""
NOT_DAMAGE = {  # SQLite's result codes that say nothing about the file: it is busy, the disk is full or read-only
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_NOMEM,
}  # fmt: skip


def conditions(
    text: str,
    model: str | None,
    since: str | date | None,
    until: str | date | None,
    favourite: bool | None,
    tag: str | None,
    trashed: bool | None,
) -> tuple[str, list]:
    """The arguments of `Library.search` as an SQL condition and its values. Raises RequestError."""
    words = list(dict.fromkeys(folded(check_text("text", text, least=0)).split()))
    if len(words) > WORDS:
        raise RequestError(f"text has {len(words)} words: search for {WORDS} at most")
    conditions: list[tuple[str, str | bool]] = [("instr(text, ?) > 0", word) for word in words]
    if model is not None:
        conditions.append(("model = ?", check_text("model", model, least=1)))
    if since is not None:
        conditions.append(("created >= ?", _bound("since", since, end=False)))
    if until is not None:
        conditions.append(("created < ?", _bound("until", until, end=True)))
    if favourite is not None:
        conditions.append(("favourite = ?", bool(favourite)))
    if tag is not None:
        conditions.append(("instr(tags, ?) > 0", f"\n{folded(check_text('tag', tag, least=1))}\n"))
    if trashed is not None:
        conditions.append((f"folder {'=' if trashed else '<>'} ?", TRASH))
    return " AND ".join(["1", *(sql for sql, _ in conditions)]), [value for _, value in conditions]


def _bound(name: str, value: str | date, end: bool) -> str:
    """The first moment of a date or time, or with `end` the first moment after it, as `Item.created` has it."""
    try:
        if isinstance(value, str):
            day = re.fullmatch(r"\d{4}-\d{2}-\d{2}", value)
            value = date.fromisoformat(value) if day else datetime.fromisoformat(value)
        length = timedelta(microseconds=1)
        if not isinstance(value, datetime):
            value, length = datetime(value.year, value.month, value.day), timedelta(days=1)
        return moment(value + length if end else value)
    except (ValueError, TypeError, AttributeError, OverflowError, OSError):
        raise RequestError(f"{name} must be a date or a time such as 2026-01-31 or 2026-01-31T18:00") from None


class Index:
    """Looks through the library in `folder`. `find_sidecar(path)` is called for an audio file that has none beside it.

    Every look opens the index and closes it again: any thread or process may look at any time.
    """

    def __init__(self, folder: Path, find_sidecar: Callable[[Path], None]):
        self.folder = folder
        self.find_sidecar = find_sidecar

    def select(self, where: str, values: list, limit: int | None, offset: int) -> list[Item]:
        """Items that meet an SQL condition on `items`, newest first, each as its files are now."""
        order = f"SELECT folder, name, stamp FROM items WHERE {where} ORDER BY created DESC, id DESC LIMIT ? OFFSET ?"
        values = [*values, -1 if limit is None else limit, offset]
        stale: set[str] = set()
        for _ in range(ATTEMPTS):
            rows = self._look(lambda db: _rows(db, order, values), stale)
            found, stale = [], set()
            for folder, name, stamp in rows:
                path = self.folder / folder / name
                try:
                    if _stamp(path) != stamp:
                        raise FileError(f"{path} has changed")
                    found.append(read_item(path))
                except (TTMError, OSError):
                    stale.add(folder)
            if not stale:
                break
        return found

    def count(self, where: str, values: list) -> int:
        return self._look(lambda db: db.execute(f"SELECT COUNT(*) FROM items WHERE {where}", values).fetchone()[0])

    def faults(self) -> dict[Path, str]:
        """The audio files that cannot be shown, and why."""
        rows = self._look(lambda db: _rows(db, "SELECT folder, name, reason FROM faults ORDER BY 1, 2"))
        return {self.folder / folder / name: reason for folder, name, reason in rows}

    def rebuild(self) -> None:
        """Read every file again, and write every row of the index anew."""
        self._look(lambda db: None, set(self.folders()))

    def folders(self) -> list[str]:
        """The folders that hold items: one a month, and the trash. Links are not followed."""
        try:
            with os.scandir(self.folder) as entries:
                names = [e.name for e in entries if FOLDER.fullmatch(e.name) and e.is_dir(follow_symlinks=False)]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise FileError(f"cannot read the library {self.folder}: {error.strerror}") from error
        return sorted(names)

    def audio_files(self, folder: str) -> list[Path]:
        """The audio files in one of the folders, whether they can be shown or not."""
        return [self.folder / folder / name for name in sorted(self._list(folder))]

    def _look(self, work: Callable[[sqlite3.Connection], Any], stale: Set[str] = frozenset()) -> Any:
        """What `work` finds in the index, brought up to date before."""
        index = self.folder / INDEX
        places = (index, index, ":memory:") if self.folder.is_dir() else (":memory:",)
        if index.is_symlink():
            self._discard()
        for place in places:
            try:
                with closing(_opened(place)) as db:
                    self._refresh(db, stale)
                    return work(db)
            except sqlite3.Error as error:
                if place == ":memory:":
                    raise FileError(f"cannot index the library {self.folder}: {error}") from error
                if getattr(error, "sqlite_errorcode", 0) & 0xFF not in NOT_DAMAGE:
                    self._discard()

    def _discard(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            with suppress(OSError):
                os.unlink(self.folder / f"{INDEX}{suffix}")

    def _refresh(self, db: sqlite3.Connection, stale: Set[str]) -> None:
        """Bring the index up to date with the folders that changed since, and with those named in `stale`."""
        known = dict(db.execute("SELECT name, stamp FROM folders"))
        there = self._stamps()
        if known == there and None not in there.values() and not stale:
            return
        with _writing(db):
            known = dict(db.execute("SELECT name, stamp FROM folders"))
            there = self._stamps()  # taken before the folders are read, so that what changes meanwhile is seen later
            listed = {f: self._list(f) for f, stamp in there.items() if stamp is None or known.get(f) != stamp}
            listed |= {f: self._list(f) for f in stale & there.keys()}
            for table in ("items", "faults"):  # first all that is gone: a file may have moved from folder to folder
                for folder in known.keys() - there.keys():
                    db.execute(f"DELETE FROM {table} WHERE folder = ?", (folder,))
                for folder, files in listed.items():
                    rows = db.execute(f"SELECT name, stamp FROM {table} WHERE folder = ?", (folder,)).fetchall()
                    gone = [(folder, name) for name, stamp in rows if folder in stale or files.get(name) != stamp]
                    db.executemany(f"DELETE FROM {table} WHERE folder = ? AND name = ?", gone)
            for folder, files in listed.items():
                for name in files.keys() - _names(db, folder):
                    self._insert(db, folder, name)
            db.execute("DELETE FROM folders")
            db.executemany("INSERT INTO folders VALUES (?, ?)", there.items())

    def _stamps(self) -> dict[str, int | None]:
        """Each folder with the time of its last change; None where that is so short ago that it says nothing."""
        now, stamps = time.time_ns(), {}
        for folder in self.folders():
            with suppress(FileNotFoundError):
                changed = os.stat(self.folder / folder).st_mtime_ns
                stamps[folder] = changed if now - changed > SETTLED else None
        return stamps

    def _list(self, folder: str) -> dict[str, str]:
        """The audio files in a folder, each with the stamp of its sidecar."""
        try:
            with os.scandir(self.folder / folder) as entries:
                names = [entry.name for entry in entries if NAME.fullmatch(entry.name)]
        except OSError:
            return {}
        return {name: _stamp(self.folder / folder / name) for name in names}

    def _insert(self, db: sqlite3.Connection, folder: str, name: str) -> None:
        path = self.folder / folder / name
        try:
            if not os.path.lexists(sidecar_path(path)):
                self.find_sidecar(path)
            stamp, item = _stamp(path), read_item(path)
        except (TTMError, OSError) as error:
            if os.path.lexists(path):
                reason = str(error).encode(errors="backslashreplace").decode()
                db.execute("INSERT INTO faults VALUES (?, ?, ?, ?)", (folder, name, _stamp(path), reason))
            return
        tags = "".join(f"\n{folded(tag)}\n" for tag in item.tags)
        text = folded("\n".join((item.title, item.request.prompt, *item.tags, *_words_of(item.played))))
        row = (folder, name, stamp, item.id, item.created, item.model["name"], item.favourite, tags, text)
        try:
            db.execute("INSERT INTO items VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        except sqlite3.IntegrityError:
            reason = f"another file has the id {item.id} too: move one of them out of the library"
            db.execute("INSERT INTO faults VALUES (?, ?, 'again', ?)", (folder, name, reason))  # no file has this stamp


def _words_of(plan: Plan | None) -> list[str]:
    """What a plan can be found by: tempo, metre, key, chords and names of sections."""
    if plan is None:
        return []
    chords = dict.fromkeys(symbol for stretch in plan.stretches for symbol, _ in stretch.chords)
    tempo = [] if plan.tempo is None else [f"{plan.tempo:g} bpm"]
    return [*tempo, plan.metre, plan.key or "", " ".join(chords), *dict.fromkeys(s.name for s in plan.sections)]


def _stamp(path: Path) -> str:
    """Changes whenever the sidecar of `path` does; empty where it has none."""
    try:
        found = os.lstat(sidecar_path(path))
    except OSError:
        return ""
    return f"{found.st_mtime_ns}-{found.st_size}-{found.st_ino}"


def _rows(db: sqlite3.Connection, query: str, values: Sequence = ()) -> list[tuple]:
    """Rows that begin with a folder and a name. The index is a file like any other: both are checked."""
    rows = db.execute(query, values).fetchall()
    for folder, name, *_ in rows:
        if not (FOLDER.fullmatch(str(folder)) and NAME.fullmatch(str(name))):
            raise sqlite3.DatabaseError("a row names no file of a library")
    return rows


def _names(db: sqlite3.Connection, folder: str) -> set[str]:
    rows = "SELECT name FROM items WHERE folder = ?1 UNION ALL SELECT name FROM faults WHERE folder = ?1"
    return {name for (name,) in db.execute(rows, (folder,))}


def _opened(place: Path | str) -> sqlite3.Connection:
    """A connection to an index of this schema; one of another schema is emptied."""
    db = sqlite3.connect(place, timeout=BUSY, isolation_level=None)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        if _version(db) != SCHEMA:
            with _writing(db):
                if _version(db) != SCHEMA:  # nor has another process made it in the meantime
                    for name in ("folders", "items", "faults"):
                        db.execute(f"DROP TABLE IF EXISTS {name}")
                    for statement in filter(str.strip, TABLES.split(";")):
                        db.execute(statement)
                    db.execute(f"PRAGMA user_version = {SCHEMA}")
    except BaseException:
        db.close()
        raise
    return db


def _version(db: sqlite3.Connection) -> int:
    return db.execute("PRAGMA user_version").fetchone()[0]


@contextmanager
def _writing(db: sqlite3.Connection) -> Iterator[None]:
    """One transaction, alone among all processes."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            db.execute("ROLLBACK")
        raise
