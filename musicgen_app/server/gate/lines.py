"""Connections that cost a server: those that never ask for anything, and hundreds of one address."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import suppress

from .proxies import Proxies

SILENT = 20.0  # seconds that the head of a request may take
MANY = 8_192  # files and connections of a process
EACH = 400  # connections of one address at a time


def allow_many() -> None:
    """Have the system allow this process as many open connections as it may, up to MANY."""
    with suppress(ImportError, OSError, ValueError):  # Windows has no such limit
        import resource

        least, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = MANY if most == resource.RLIM_INFINITY else min(MANY, most)
        if least < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def patient(kind: type, proxies: Proxies) -> type:
    """A protocol of uvicorn, of that kind, that gives up connections beyond these limits.

    A proxy of ours may have as many as it likes: it has limits of its own.
    """
    held: Counter[str] = Counter()

    class Patient(kind):
        _peer = ""
        _counted = False
        _since: float | None = None  # when it began to send what is no whole head yet
        _look: asyncio.TimerHandle | None = None

        def connection_made(self, transport) -> None:
            super().connection_made(transport)
            self._peer = (transport.get_extra_info("peername") or ("",))[0]
            if held[self._peer] >= EACH and not proxies.trust(self._peer):
                return transport.abort()
            held[self._peer] += 1
            self._counted = True
            self._since = time.monotonic()
            self._hang_up()

        def data_received(self, data: bytes) -> None:
            before = self.cycle
            super().data_received(data)
            if self.cycle is not before or (self.cycle is not None and not self.cycle.response_complete):
                self._since = None
            elif self._since is None:
                self._since = time.monotonic()

        def connection_lost(self, error) -> None:
            if self._counted:
                held[self._peer] -= 1
                if not held[self._peer]:
                    del held[self._peer]
            if self._look is not None:
                self._look.cancel()
            super().connection_lost(error)

        def _hang_up(self) -> None:
            """Close it, once it has been silent for too long."""
            if self._since is not None and time.monotonic() - self._since >= SILENT:
                self.transport.close()
            else:
                self._look = asyncio.get_running_loop().call_later(SILENT / 4, self._hang_up)

    return Patient
