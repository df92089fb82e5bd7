"""Settings and a listening socket -> the running server, with the page or the API alone."""

from __future__ import annotations

import importlib
import signal
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..errors import FileError
from . import resident
from .access import Guard
from .context import Context
from .request_queue import EngineHolder, RequestQueue

if TYPE_CHECKING:
    from ..machine.user_settings import Settings


WARM = 5.0  # seconds after the start, when a page has been drawn


def context_of(settings: Settings) -> Context:
    """What the tabs share, under these settings. Loads no model and makes no folder."""
    from ..library.library import Library

    holder, library = EngineHolder(lambda: resident.own_engine(settings)), Library(settings.library)
    return Context(holder, library, settings, RequestQueue(holder, library, settings.gui_queue))


def serve(
    settings: Settings,
    listener: socket.socket,
    password: str | None,
    build: Callable[[Context], Callable],
    ready: Callable[[str], None],
) -> None:
    """Serve until Ctrl-C or SIGTERM what `build` makes of the context, an ASGI application, to those who may come in.

    `ready(url)` is called when it answers.
    """
    import uvicorn

    context = context_of(settings)
    warming = threading.Timer(WARM, _warm)
    warming.daemon = True
    token = resident.new_token()
    app = Guard(build(context), settings.gui_host, password, token)

    class Server(uvicorn.Server):
        @contextmanager
        def capture_signals(self):
            """Ctrl-C and SIGTERM are how it is stopped, not errors."""
            previous = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
            try:
                yield
            finally:
                for number, handler in previous.items():
                    signal.signal(number, handler)

        async def startup(self, sockets=None):
            await super().startup(sockets)
            _announce(settings, address_of(listener), token)
            ready(address_of(listener))
            warming.start()

        async def shutdown(self, sockets=None):
            warming.cancel()
            app.close()
            await super().shutdown(sockets)

    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=2, server_header=False, lifespan="on")
    try:
        Server(config).run(sockets=[listener])
    finally:
        resident.withdraw()
        context.requests.close()
        context.recordings.close()


def _announce(settings: Settings, url: str, token: str) -> None:
    """Say to this user's programs where the server is; without that it works as well."""
    try:
        resident.announce(settings, url, token)
    except FileError as error:
        print(f"note: ttm-app generate will not find this server: {error}", file=sys.stderr)


def address_of(listener: socket.socket) -> str:
    """The address to open: of this computer, where the socket listens on all of them."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def _warm() -> None:
    """Import what the first clip needs while its prompt is being written."""
    importlib.import_module("..engine", __package__)
