"""What Windows refuses and POSIX allows, refused here too: so that code for both can be tested on one.

Only what is open for writing can be flushed; folders cannot be opened; a rename replaces nothing; nothing that is open,
or has an open file inside, can be moved, replaced or deleted.
"""

from __future__ import annotations

import errno
import os
import shutil

import pytest

SHARING_VIOLATION = 32  # Windows' number of the last of the rules


def apply(patch: pytest.MonkeyPatch) -> None:
    """Set the rules until the patch is undone."""
    import fcntl

    real = {name: getattr(os, name) for name in ("open", "fsync", "rename", "replace", "unlink", "remove")}

    def opened(path, flags, *arguments, **options):
        if os.path.isdir(path):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real["open"](path, flags, *arguments, **options)

    def fsync(handle):
        if fcntl.fcntl(handle, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, "Bad file descriptor")
        real["fsync"](handle)

    def rename(source, target, **options):
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, "Cannot create a file when that file already exists", str(target))
        _refuse_open(source)
        real["rename"](source, target, **options)

    def replace(source, target, **options):
        if os.path.isdir(target) and not os.path.islink(target):
            raise PermissionError(errno.EACCES, "Access is denied", str(target))
        _refuse_open(source, target)
        real["replace"](source, target, **options)

    def unlink(path, **options):
        _refuse_open(path)
        real["unlink"](path, **options)

    for name, rule in (("open", opened), ("fsync", fsync), ("rename", rename), ("replace", replace)):
        patch.setattr(os, name, rule)
    for name in ("unlink", "remove"):
        patch.setattr(os, name, unlink)
    patch.setattr(shutil, "_use_fd_functions", False)  # which open folders


def _refuse_open(*paths: str | os.PathLike) -> None:
    held = _open_files()
    for path in map(os.path.realpath, paths):
        if any(file == path or file.startswith(path + os.sep) for file in held):
            error = PermissionError(errno.EACCES, "The file is being used by another process", path)
            error.winerror = SHARING_VIOLATION
            raise error


def _open_files() -> set[str]:
    """The files that this process has open or mapped into memory."""
    held = set()
    for handle in os.listdir("/proc/self/fd"):
        try:
            held.add(os.readlink(f"/proc/self/fd/{handle}"))
        except OSError:  # that of the listing itself
            continue
    with open("/proc/self/maps") as maps:
        held |= {line.split(maxsplit=5)[5].strip() for line in maps if len(line.split(maxsplit=5)) == 6}
    return held
