"""`ttm-app serve`: the HTTP API without the page."""

from __future__ import annotations

import click

from .listening import DEVICE, HOST, JSON, PORT, PRECISION, announce, listener_on, secret_for

KEY = "TTM_APP_API_KEY"

EPILOG = """
\b
Examples:
  ttm-app serve
  curl http://127.0.0.1:7860/v1/audio/music -d '{"prompt": "slow piano", "seed": 7}' -o piano.wav
  TTM_APP_API_KEY=... ttm-app serve --host 0.0.0.0

\b
/v1/openapi.json describes every address. Where there is a key, programs send it with every request,
as "Authorization: Bearer KEY"; what they send is not encrypted on its way.
Stop it with Ctrl-C: a clip that is being made is given up, all that is finished is in the library.
"""


@click.command(epilog=EPILOG, short_help="Answer programs over HTTP, without the page.")
@PORT
@HOST
@click.option("--api-key", metavar="TEXT", help=f"Key that programs must send; better in {KEY}, where no one sees it.")
@DEVICE
@PRECISION
@JSON
def serve(
    port: int | None, host: str | None, api_key: str | None, device: str | None, precision: str | None, as_json: bool
) -> None:
    """Answer programs over HTTP, with the queue and the limits of the page. Prints the address, runs until Ctrl-C."""
    from ...machine import user_settings

    chosen = user_settings.load(gui_host=host, gui_port=port, device=device, precision=precision)
    key = secret_for(chosen.gui_host, api_key, KEY, "--api-key", "Key for programs")
    listener = listener_on(chosen.gui_host, chosen.gui_port, any_port=chosen.origin("gui_port") == "default")

    from ...server import serving
    from ...server.api import application

    serving.serve(chosen, listener, key, application, lambda url: announce(url, chosen, as_json))
