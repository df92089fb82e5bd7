"""The one writer of files and folders: what it writes is whole on the disk, or not there, on POSIX and on Windows.

Whatever is being made lies beside its place under a hidden name, reaches the disk, and then gets its own name in one
step. So a process that is killed leaves nothing but hidden names, and the next process that writes there sweeps them:

    .MACHINE-PROCESS-TIME.part        a file or folder that was being made: it is deleted
    .MACHINE-PROCESS-TIME.NAME.old    a folder that was being replaced: it becomes NAME again where NAME is missing

The name tells who writes and since when, so nothing of a living process is swept: on the same machine one asks for the
process, and what another machine (or container) left goes a day after its last change.
"""

from __future__ import annotations

import errno
import functools
import hashlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from ..errors import FileError

DAY = 86_400.0  # seconds
SHARE = 0.01  # of the time may go into looking for leftovers, in a folder of very many files
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
LONGEST = 255  # bytes of a file's name on most systems
ATTEMPTS = 20  # to replace a folder that others replace at the same moment
IN_USE = (5, 32)  # Windows: another program, a virus scanner often, has the file open
PAUSES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)  # seconds to wait for it
_OWNER = re.compile(  # or, as version 0.1 named them, no owner
    r"\.(?:(?P<machine>[0-9a-f]{8})-(?P<process>[0-9]+)-(?P<time>[0-9a-f]{8})[0-9a-f]{8}|[0-9a-f]{32})\."
)
_LEFT = re.compile(_OWNER.pattern + r"(?:part|(?P<name>.+)\.old)", re.DOTALL)
_next_sweep: dict[str, float] = {}  # by folder, on the monotonic clock


def check_free(path: str | os.PathLike, overwrite: bool) -> None:
    """FileError if no file can be made at `path`, or one is there and must not be replaced."""
    path = Path(path)
    if os.path.isdir(path):  # unlike Path.is_dir, False for a name the system cannot hold
        raise FileError(f"{path} is a folder: name a file in it")
    if not os.path.isdir(path.parent):
        raise FileError(f"the folder {path.parent} does not exist: create it first")
    try:
        path.lstat()  # true even of a broken link
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        why = getattr(error, "strerror", None) or "it is not a file name"
        raise FileError(f"cannot write {path.name!r}: {why}; choose another name") from error
    if not overwrite:
        raise _exists(path)


def check_room(needs: dict[Path, int], what: str, advice: str = "free some space") -> None:
    """FileError if a disk has too little room; needs: bytes that `what` takes in each folder, which need not exist."""
    disks: dict[int, tuple[Path, int]] = {}
    for folder, size in needs.items():
        folder = folder.absolute()
        while not folder.exists():
            folder = folder.parent
        disk = folder.stat().st_dev
        disks[disk] = folder, disks.get(disk, (folder, 0))[1] + size
    for folder, size in disks.values():
        free = shutil.disk_usage(folder).free
        if free < size:
            raise FileError(f"{what} needs {in_words(size)}, but only {in_words(free)} are free in {folder}: {advice}")


def in_words(size: float) -> str:
    """Bytes for people: 89 MB, 1.74 GB."""
    if size >= 1e9:
        return f"{size / 1e9:.2f} GB"
    return f"{size / 1e6:.0f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"


def write(path: str | os.PathLike, data: bytes, overwrite: bool = False) -> Path:
    """Write a whole file, as `writing` does. Raises FileError."""
    with writing(path, overwrite) as file:
        file.write(data)
    return Path(path)


def write_private(path: str | os.PathLike, data: bytes) -> Path:
    """Write a file, whole or not at all, that this user alone can read; its folder is made. Raises FileError."""
    path = Path(path)
    with reported(f"write {path}"):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        new = hidden(path.parent)
        try:
            with open(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
                file.write(data)
            os.replace(new, path)
        finally:
            new.unlink(missing_ok=True)
    return path


@contextmanager
def writing(path: str | os.PathLike, overwrite: bool = False) -> Iterator[BinaryIO]:
    """An open file whose bytes become the file `path` at the end of the `with`, or nothing where that is left early.

    Without overwrite a file of that name is never replaced, even one made in the meantime. Raises FileError.
    """
    path = Path(path)
    check_free(path, overwrite)
    _sweep_at_times(path.parent)
    temporary = hidden(path.parent)
    with reported(f"write {path}"):
        try:
            with open(temporary, "xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            if overwrite:
                _move(temporary, path)
            else:
                _name_new(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    sync(path.parent)


@contextmanager
def writing_folder(path: str | os.PathLike, overwrite: bool = False, advice: str | None = None) -> Iterator[Path]:
    """A hidden folder to fill; all in it becomes the folder `path` at the end, or is gone where the `with` fails.

    overwrite: a folder (or a link to one) that is there is replaced at that moment, else it is refused. Files in it may
    not be open at the end. advice: what the user can do where it fails. Raises FileError, also for what the disk
    refuses within the `with`.
    """
    path = Path(path)
    if not overwrite and os.path.lexists(path):
        raise _exists(path)
    with reported(f"write {path}", advice):
        with scratch(path.parent) as new:
            yield new
            for made in new.rglob("*"):
                sync(made)
            sync(new)
            _place(new, path, overwrite)
        sync(path.parent)


@contextmanager
def scratch(folder: str | os.PathLike) -> Iterator[Path]:
    """A hidden folder inside `folder` (made if missing), for files that get a place later; gone at the end. OSError."""
    _sweep_at_times(Path(folder))
    made = hidden(Path(folder))
    try:
        made.mkdir(parents=True)
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def rename(source: str | os.PathLike, target: str | os.PathLike) -> None:
    """Give a file, synced before, another name on the same disk; a file of that name is replaced. OSError."""
    source, target = Path(source), Path(target)
    _move(source, target)
    sync(target.parent)
    if source.parent != target.parent:
        sync(source.parent)


def remove_folder(path: str | os.PathLike) -> None:
    """Delete a folder, or a link to one; nobody sees half of it. Raises OSError, and then it is all there."""
    path = Path(path)
    if path.is_symlink():
        path.unlink()
        return
    gone = hidden(path.parent)
    _move(path, gone)
    shutil.rmtree(gone, ignore_errors=True)


def sync(path: str | os.PathLike) -> None:
    """Wait until a file that may be written, or the list of names in a folder, is on the disk. OSError for a file.

    Windows flushes only what is open for writing, and opens no folders.
    """
    if os.path.isdir(path):
        with suppress(OSError):
            _flush(path, os.O_RDONLY)
    else:
        _flush(path, os.O_RDWR)


def sweep(folder: str | os.PathLike) -> None:
    """Clear up what killed processes left in a folder; see the top of this module. What cannot be deleted stays."""
    try:
        with os.scandir(Path(folder)) as entries:
            left = [(Path(entry.path), match) for entry in entries if (match := _LEFT.fullmatch(entry.name))]
    except OSError:
        return
    for path, match in left:
        with suppress(OSError):
            if not is_abandoned(path):
                continue
            if match["name"] and not os.path.lexists(path.with_name(match["name"])):
                _move(path, path.with_name(match["name"]))
            else:
                _delete(path)


def hidden(folder: Path, tail: str = "part") -> Path:
    """A new hidden name in a folder that tells which process uses it, and since when; nothing is made."""
    return folder / f".{_machine()}-{os.getpid()}-{int(time.time()):08x}{secrets.token_hex(4)}.{tail}"


def is_abandoned(path: Path) -> bool:
    """Whether the process is gone that gave `path` its `hidden` name. OSError: the file or folder is gone itself."""
    owner = _OWNER.match(path.name)
    if owner is None:  # not one of ours
        return False
    changed = max(path.lstat().st_mtime, int(owner["time"] or "0", 16))  # a folder that is moved is not changed by that
    if owner["machine"] != _machine():
        return changed < time.time() - DAY
    import psutil

    try:  # a process of that number that began long after the last change is another one
        process = psutil.Process(int(owner["process"]))
        return process.status() == psutil.STATUS_ZOMBIE or process.create_time() > changed + DAY
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:
        return False


@contextmanager
def locked(path: str | os.PathLike, busy: str, seconds: float = 0.0) -> Iterator[None]:
    """Hold the lock file `path`; the system lets go of it however this process ends.

    Raises FileError, with the text `busy`, where another process (or thread) holds it for so many seconds.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(path, timeout=seconds)
    with reported(f"write {path}"):
        try:
            lock.acquire()
        except Timeout:
            raise FileError(busy) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def reported(what: str, advice: str | None = None) -> Iterator[None]:
    """What the disk refuses becomes a FileError "cannot WHAT: the reason; advice" of one line."""
    try:
        yield
    except Exception as error:
        if not _is_of_disk(error):
            raise
        if advice is None:
            full = _number(error) in FULL
            advice = "free some space or choose another folder" if full else "choose another folder or name"
        raise FileError(f"cannot {what}: {reason(error)}; {advice}") from error


def reason(error: Exception) -> str:
    """What the system said, in its own words."""
    number = _number(error)
    return getattr(error, "strerror", None) or (os.strerror(number) if number else " ".join(str(error).split()))


def _number(error: Exception) -> int | None:
    """The system's number of an error; safetensors tells it as text."""
    told = re.search(r"\(os error (\d+)\)", str(error))
    return getattr(error, "errno", None) or (int(told[1]) if told else None)


def _is_of_disk(error: Exception) -> bool:
    from safetensors import SafetensorError  # which is how safetensors reports that a disk is full

    return isinstance(error, OSError | SafetensorError)


def _exists(path: Path) -> FileError:
    return FileError(f"{path} exists already: choose another name or use --force")


def _flush(path: str | os.PathLike, how: int) -> None:
    number = os.open(path, how)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _move(source: Path, target: Path) -> None:
    """Give `source` the name `target`, in place of what has it; for a moment, waits for other programs of Windows."""
    for pause in PAUSES:
        try:
            os.replace(source, target)
            return
        except PermissionError as error:
            if getattr(error, "winerror", None) not in IN_USE:
                raise
            time.sleep(pause)
    os.replace(source, target)


def _name_new(temporary: Path, path: Path) -> None:
    """Give the temporary file a name that is free, else FileError: a hard link replaces no file, as a rename does."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise _exists(path) from None
    except OSError:  # a file system without hard links (FAT, some network shares): reserve the name, then replace
        try:
            open(path, "xb").close()
        except FileExistsError:
            raise _exists(path) from None
        try:
            _move(temporary, path)
        except BaseException:
            path.unlink()
            raise


def _place(new: Path, path: Path, overwrite: bool) -> None:
    """Give the folder `new` its name, in place of a folder or link that has it; the last of several wins."""
    for attempt in range(ATTEMPTS):
        old = hidden(path.parent, f"{path.name}.old")
        if len(os.fsencode(old.name)) > LONGEST:  # where nothing is replaced, it is not needed
            if os.path.lexists(path):
                raise FileError(f"cannot replace {path}: its name is too long; remove it first")
            old = hidden(path.parent)
        try:
            if overwrite:
                with suppress(FileNotFoundError):
                    _move(path, old)
            elif os.path.lexists(path):
                raise _exists(path)
            try:
                _move(new, path)
                return
            except OSError:
                if not os.path.lexists(path) or attempt + 1 == ATTEMPTS:  # else another process was quicker
                    raise
        finally:
            if os.path.lexists(old) and not os.path.lexists(path):
                _move(old, path)
            _delete(old)


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _sweep_at_times(folder: Path) -> None:
    """`sweep`, but not at every one of many thousand files."""
    began, name = time.monotonic(), os.path.abspath(folder)
    if began >= _next_sweep.get(name, began):
        sweep(folder)
        ended = time.monotonic()
        _next_sweep[name] = ended + (ended - began) / SHARE


@functools.cache
def _machine() -> str:
    """Eight digits for this machine; in a container, whose processes have numbers of their own, for that."""
    import socket

    processes = ""
    with suppress(OSError):
        processes = os.readlink("/proc/self/ns/pid")
    return hashlib.sha256(f"{socket.gethostname()} {processes}".encode()).hexdigest()[:8]
