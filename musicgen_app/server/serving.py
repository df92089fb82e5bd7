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
from .access import Guard, is_loopback
from .context import Context
from .gate.lines import allow_many, patient
from .gate.proxies import Proxies, networks
from .gate.sessions import own_key
from .request_queue import EngineHolder, RequestQueue

if TYPE_CHECKING:
    import uvicorn

    from ..machine.user_settings import Settings


MUSIC = 3_600.0  # seconds that a visitor may have waiting where others can come in
WARM = 5.0  # seconds after the start, when a page has been drawn


def context_of(settings: Settings) -> Context:
    """What the tabs share, under these settings. Loads no model and makes no folder."""
    from ..library.library import Library

    holder, library = EngineHolder(lambda: resident.own_engine(settings)), Library(settings.library)
    return Context(holder, library, settings, RequestQueue(holder, library, settings.gui_queue, _music(settings)))


def _music(settings: Settings) -> float | None:
    """Seconds of music that a visitor may have waiting; where nobody else can come in, any number unless it is set."""
    alone = is_loopback(settings.gui_host) and not settings.gui_proxies
    return settings.gui_seconds if settings.gui_seconds is not None or alone else MUSIC


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
    allow_many()
    app = guarded(build(context), settings, password, token)

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
            _announce(settings, address_of(listener, settings), token)
            ready(address_of(listener, settings))
            warming.start()

        async def shutdown(self, sockets=None):
            warming.cancel()
            app.close()
            await super().shutdown(sockets)

    try:
        Server(_config(app, settings)).run(sockets=[listener])
    finally:
        resident.withdraw()
        context.requests.close()
        context.recordings.close()


def _config(app: Guard, settings: Settings) -> uvicorn.Config:
    """How uvicorn listens and speaks."""
    import uvicorn

    config = uvicorn.Config(
        app,
        log_level="warning",
        timeout_graceful_shutdown=2,
        server_header=False,
        lifespan="on",
        proxy_headers=False,  # it would believe whoever is on this computer; gate.proxies asks the settings
        ws="none",
        ssl_certfile=settings.gui_certificate,
        ssl_keyfile=settings.gui_certificate_key,
    )
    config.load()
    config.http_protocol_class = patient(config.http_protocol_class, app.proxies)
    return config


def guarded(app: Callable, settings: Settings, password: str | None, token: str | None) -> Guard:
    """The application behind the checks that these settings ask for."""
    proxies = Proxies(networks(settings.gui_proxies or ""))
    secure, root = settings.gui_certificate is not None, settings.gui_root_path or ""
    return Guard(app, settings.gui_host, password, token, proxies, root, secure, own_key() if password else None)


def _announce(settings: Settings, url: str, token: str) -> None:
    """Say to this user's programs where the server is; without that it works as well."""
    try:
        resident.announce(settings, url, token)
    except FileError as error:
        print(f"note: ttm-app generate will not find this server: {error}", file=sys.stderr)


def address_of(listener: socket.socket, settings: Settings) -> str:
    """The address to open: of this computer, where the socket listens on all of them."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    kind = "https" if settings.gui_certificate else "http"
    return f"{kind}://{f'[{host}]' if ':' in host else host}:{port}{settings.gui_root_path or ''}/"


def _warm() -> None:
    """Import what the first clip needs while its prompt is being written."""
    importlib.import_module("..engine", __package__)
