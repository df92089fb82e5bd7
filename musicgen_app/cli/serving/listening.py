"""What `gui` and `serve` share: their options, the socket that they listen on, and the secret of who comes in."""

from __future__ import annotations

import errno
import os
import socket
import ssl
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ...errors import FileError, RequestError
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
ROOT_PATH = click.option("--root-path", metavar="PATH", help="Path under which a proxy shows it, such as /music.")
PROXIES = click.option(
    "--proxies", metavar="ADDRESSES", help="Proxies whose X-Forwarded-For, -Proto and -Host count, such as 127.0.0.1."
)
CERTIFICATE = click.option(
    "--certificate", type=click.Path(), metavar="FILE", help="Certificate (PEM), with its chain: answer over HTTPS."
)
CERTIFICATE_KEY = click.option(
    "--certificate-key", type=click.Path(), metavar="FILE", help="Its private key (PEM), where it is another file."
)
DEVICE = click.option("--device", type=click.Choice(DEVICES), help="Where to compute.  [auto]")
PRECISION = click.option("--precision", type=click.Choice(PRECISIONS), help="Of the matrix products.  [auto]")
JSON = click.option("--json", "as_json", is_flag=True, help="Print the address as one JSON object.")


def chosen_settings(network: dict[str, Any], **others: Any) -> Settings:
    """The settings in force with what was given of NETWORK and others. Raises RequestError and FileError."""
    from ...machine import user_settings

    for name in ("certificate", "certificate_key"):
        network[name] = None if network[name] is None else Path(network[name]).expanduser().absolute()
    chosen = user_settings.load(**{f"gui_{name}": value for name, value in network.items()}, **others)
    if chosen.gui_certificate_key and not chosen.gui_certificate:
        raise RequestError("a key without its certificate: give --certificate too")
    if chosen.gui_certificate:
        _check_certificate(chosen.gui_certificate, chosen.gui_certificate_key)
    return chosen


def network_options(command: Callable) -> Callable:
    """Adds the options on where and how to listen, which are the argument `network` of chosen_settings."""
    for option in reversed((PORT, HOST, ROOT_PATH, PROXIES, CERTIFICATE, CERTIFICATE_KEY)):
        command = option(command)
    return command


def _check_certificate(certificate: Path, key: Path | None) -> None:
    """Raises FileError: HTTPS cannot be spoken with it."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=lambda: "")
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        where = certificate if key is None else f"{certificate} with {key}"
        reason = "no such file" if isinstance(error, FileNotFoundError) else str(error).partition(" (_ssl")[0]
        raise FileError(
            f"cannot use the certificate {where}: {reason}; it must be PEM, its key without a password"
        ) from None


def announce(url: str, chosen: Settings, as_json: bool) -> None:
    """Print where it answers."""
    print_json({"url": url, "library": str(chosen.library)}) if as_json else click.echo(url)


def secret_for(chosen: Settings, given: str | None, variable: str, option: str, asked: str) -> str | None:
    """The password or key of those who come in: given, else of the environment, else asked for on a terminal.

    None where only this computer can come in and none was given. RequestError: needed and not given, or too short.
    """
    from ...server.access import is_loopback

    password = given if given is not None else os.environ.get(variable) or None
    if is_loopback(chosen.gui_host) and not chosen.gui_proxies and password is None:
        return None
    if password is None and sys.stdin.isatty():
        password = click.prompt(asked, hide_input=True, confirmation_prompt=True, err=True)
    if password is None:
        what = chosen.gui_host if not is_loopback(chosen.gui_host) else "it through a proxy"
        raise RequestError(f"others can reach {what}, so a password is needed: set {variable} or give {option}")
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
