"""The cookies of browsers that gave the password: signed, so that they outlive the server and end with the password."""

from __future__ import annotations

import hmac
import secrets
import time
from contextlib import suppress
from pathlib import Path

from ...errors import FileError
from ...machine import files, paths

COOKIE = "ttm-app"
DAYS = 30  # that a session lasts
KEY_BYTES = 32
FILE = "session.key"


class Sessions:
    """key: secret bytes; a cookie that another key or another password signed opens nothing."""

    def __init__(self, password: str, key: bytes) -> None:
        self._key = hmac.digest(key, password.encode(), "sha256")

    def new(self) -> str:
        """The cookie of a session that begins now."""
        told = f"{int(time.time()) + DAYS * 86_400}.{secrets.token_urlsafe(16)}"
        return f"{told}.{self._sign(told)}"

    def find(self, cookie: str) -> str | None:
        """The name of the session of a cookie; None: it is none of ours, or has ended."""
        told, _, signature = cookie.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._sign(told).encode()):
            return None
        end, _, name = told.partition(".")
        return name if int(end) > time.time() else None

    def _sign(self, told: str) -> str:
        return hmac.digest(self._key, told.encode(), "sha256").hex()


def own_key() -> bytes:
    """The key of this user's servers, drawn once; where it cannot be kept, one that ends with this server."""
    path = paths.config() / FILE
    key = _kept(path)
    if key is None:
        key = secrets.token_bytes(KEY_BYTES)
        with suppress(FileError):
            files.write_private(path, key)
    return key


def _kept(path: Path) -> bytes | None:
    """What the file has, if it has a key that only this user can read."""
    with suppress(OSError):
        key = path.read_bytes()
        if len(key) == KEY_BYTES and not path.is_symlink() and not path.stat().st_mode & 0o077:
            return key
    return None
