"""`ttm-app gui`: the page in the browser, for this computer alone unless a --host is given."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec

import click

from ...errors import DependencyError
from .listening import DEVICE, HOST, JSON, PORT, PRECISION, announce, listener_on, secret_for

PASSWORD = "TTM_APP_GUI_PASSWORD"

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
@PORT
@HOST
@click.option("--password", metavar="TEXT", help=f"Password of the page; better in {PASSWORD}, where no one sees it.")
@click.option("--open/--no-open", "opens", default=None, help="Open it in the browser.  [default: on a desktop]")
@DEVICE
@PRECISION
@JSON
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
    from ...machine import user_settings

    if find_spec("gradio") is None:
        raise DependencyError("the page needs the package gradio: pip install gradio")
    chosen = user_settings.load(gui_host=host, gui_port=port, device=device, precision=precision)
    password = secret_for(chosen.gui_host, password, PASSWORD, "--password", "Password for those who open the page")
    listener = listener_on(chosen.gui_host, chosen.gui_port, any_port=chosen.origin("gui_port") == "default")

    def ready(url: str) -> None:
        announce(url, chosen, as_json)
        if opens or (opens is None and not as_json and _desktop()):
            import webbrowser

            webbrowser.open(url)

    from ...gui.app import application
    from ...server.serving import serve

    serve(chosen, listener, password, application, ready)


def _desktop() -> bool:
    """A person at a terminal of a machine with a screen?"""
    screen = sys.platform in ("darwin", "win32") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return bool(screen) and sys.stdout.isatty()
