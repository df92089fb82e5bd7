"""What `gui` and `serve` share: their options, the socket that they listen on, and the secret of who comes in."""

from __future__ import annotations

import errno
import os
import socket
import sys
from typing import TYPE_CHECKING

import click

from ...errors import RequestError
from ...machine.user_settings import DEVICES, PRECISIONS
from ..terminal import print_json

if TYPE_CHECKING:
    from ...machine.user_settings import Settings

PORTS = 100  # how many after the default one are tried
PASSWORD_LENGTH = 8  # at least

PORT = click.option(
    "--port", type=int, metavar="N", help="Port to listen on.  [default: 7860, or the next that is free]"
)
HOST = click.option(
    "--host", metavar="ADDRESS", help="Address to listen on; any but this computer's own needs a password."
)
DEVICE = click.option("--device", type=click.Choice(DEVICES), help="Where to compute.  [auto]")
PRECISION = click.option("--precision", type=click.Choice(PRECISIONS), help="Of the matrix products.  [auto]")
JSON = click.option("--json", "as_json", is_flag=True, help="Print the address as one JSON object.")


def announce(url: str, chosen: Settings, as_json: bool) -> None:
    """Print where it answers."""
    print_json({"url": url, "library": str(chosen.library)}) if as_json else click.echo(url)


def secret_for(host: str, given: str | None, variable: str, option: str, asked: str) -> str | None:
    """The password or key of those who come in: given, else of the environment, else asked for on a terminal.

    None where only this computer can come in and none was given. RequestError: needed and not given, or too short.
    """
    from ...server.access import is_loopback

    password = given if given is not None else os.environ.get(variable) or None
    if is_loopback(host) and password is None:
        return None
    if password is None and sys.stdin.isatty():
        password = click.prompt(asked, hide_input=True, confirmation_prompt=True, err=True)
    if password is None:
        raise RequestError(f"others can reach {host}, so a password is needed: set {variable} or give {option}")
    if len(password) < PASSWORD_LENGTH:
        raise RequestError(f"the password is too short: give it at least {PASSWORD_LENGTH} characters")
    return password


def listener_on(host: str, port: int, any_port: bool) -> socket.socket:
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
