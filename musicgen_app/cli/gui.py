"""`ttm-app gui`: the page in the browser, for this computer alone unless a --host is given."""

from __future__ import annotations

import errno
import os
import socket
import sys
from importlib.util import find_spec

import click

from ..errors import DependencyError, RequestError
from ..machine.user_settings import DEVICES, PRECISIONS

PORTS = 100  # how many after the default one are tried
PASSWORD = "TTM_APP_GUI_PASSWORD"
PASSWORD_LENGTH = 8  # at least, where others can reach the page

EPILOG = """
\b
Examples:
  ttm-app gui
  ttm-app gui --port 8000 --no-open
  TTM_APP_GUI_PASSWORD=... ttm-app gui --host 0.0.0.0

\b
Others on the network get in only with the password; what they send is not encrypted on its way.
Stop it with Ctrl-C: a clip that is being made is given up, all that is finished is in the library.
"""


@click.command(epilog=EPILOG, short_help="Make music in the browser.")
@click.option("--port", type=int, metavar="N", help="Port to listen on.  [default: 7860, or the next that is free]")
@click.option("--host", metavar="ADDRESS", help="Address to listen on; any but this computer's own needs a password.")
@click.option("--password", metavar="TEXT", help=f"Password of the page; better in {PASSWORD}, where no one sees it.")
@click.option("--open/--no-open", "opens", default=None, help="Open it in the browser.  [default: on a desktop]")
@click.option("--device", type=click.Choice(DEVICES), help="Where to compute.  [auto]")
@click.option("--precision", type=click.Choice(PRECISIONS), help="Of the matrix products.  [auto]")
@click.option("--json", "as_json", is_flag=True, help="Print the address as one JSON object.")
def gui(
    port: int | None,
    host: str | None,
    password: str | None,
    opens: bool | None,
    device: str | None,
    precision: str | None,
    as_json: bool,
) -> None:
    """Make music in the browser: write, listen, compare, keep. Prints the address and runs until Ctrl-C."""
    from ..machine import user_settings

    if find_spec("gradio") is None:
        raise DependencyError("the page needs the package gradio: pip install gradio")
    chosen = user_settings.load(gui_host=host, gui_port=port, device=device, precision=precision)
    password = _password(chosen.gui_host, password)
    listener = _listener(chosen.gui_host, chosen.gui_port, any_port=chosen.origin("gui_port") == "default")

    def ready(url: str) -> None:
        from .terminal import print_json

        print_json({"url": url, "library": str(chosen.library)}) if as_json else click.echo(url)
        if opens or (opens is None and not as_json and _desktop()):
            import webbrowser

            webbrowser.open(url)

    from ..gui.server import serve

    serve(chosen, listener, password, ready)


def _password(host: str, given: str | None) -> str | None:
    """The password, asked for on a terminal where one is needed. RequestError: needed and not given, or too short."""
    from ..gui.access import is_loopback

    password = given if given is not None else os.environ.get(PASSWORD) or None
    if is_loopback(host) and password is None:
        return None
    if password is None and sys.stdin.isatty():
        password = click.prompt(
            "Password for those who open the page", hide_input=True, confirmation_prompt=True, err=True
        )
    if password is None:
        raise RequestError(f"others can reach {host}, so a password is needed: set {PASSWORD} or give --password")
    if len(password) < PASSWORD_LENGTH:
        raise RequestError(f"the password is too short: give it at least {PASSWORD_LENGTH} characters")
    return password


def _listener(host: str, port: int, any_port: bool) -> socket.socket:
    """A socket that listens there; where the default port is taken, on the next free one. Raises RequestError."""
    for candidate in (port, *(range(port + 1, port + PORTS) if any_port else ()), *((0,) if any_port else ())):
        try:
            return _bound(host, candidate)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                reason = error.strerror or str(error)
                raise RequestError(f"cannot listen on {host} port {candidate}: {reason}; choose another") from None
    raise RequestError(f"port {port} of {host} is taken: choose another --port, or leave it out")


def _bound(host: str, port: int) -> socket.socket:
    family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":  # elsewhere this would let two servers share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


def _desktop() -> bool:
    """A person at a terminal of a machine with a screen?"""
    screen = sys.platform in ("darwin", "win32") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return bool(screen) and sys.stdout.isatty()
