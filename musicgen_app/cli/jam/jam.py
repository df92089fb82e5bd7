"""`ttm-app jam`: one warm engine in the terminal; each line is a prompt, or a change of what plays."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...errors import TTMError
from ...machine import user_settings
from ..completion import FORMAT, MODEL
from ..terminal import ended_by_signals, print_error, print_note

if TYPE_CHECKING:
    from .conversation import Conversation
    from .lines import Pipe, Terminal
    from .session import Session

EPILOG = """
\b
What can be typed:
  slow piano over soft strings                a prompt: a new clip
  slower, no drums                            the same, slower and without drums
  Am F C G     in G minor     3/4     90 bpm  chords, key, metre, tempo
  longer     20 seconds     as bossa nova     length, another style
  repaint bars 5-8     continue 8 bars     vary 0.4     ending     add a bass line
  again     undo     redo     keep song.wav   another seed, back, forth, a file
  command                                     the ttm-app generate that gives the same bytes
  help                                        all of it

\b
Ctrl-C gives up the clip that is being made, Ctrl-D ends the session. What was not kept is gone then.
Piped in, every line is done, one that cannot be is reported, and the exit code is 0 when all was
done, else that of the first failure. stdout has the files that were kept, and what history, plan and
command print; all else is on stderr.

\b
Examples:
  ttm-app jam --play
  printf '%s\\n' 'folk guitar' 'slower' 'keep slow.wav' | ttm-app jam --seed 7
"""


@click.command(epilog=EPILOG, short_help="Make music line by line, and change what plays.")
@click.option("--play", is_flag=True, help="Play every clip, by a program that is installed (ffplay, aplay ...).")
@click.option("--model", type=MODEL, metavar="NAME", help="Model name or folder.  [default: sketch]")
@click.option("--seconds", type=float, metavar="S", help="Length of a clip.  [default: 10]")
@click.option("--seed", type=int, metavar="N", help="Of every new prompt.  [default: drawn]")
@click.option("--steps", type=int, metavar="N", help="Sampler steps.  [default: the model's]")
@click.option("--out-dir", type=click.Path(path_type=Path), metavar="DIR", help="Where keep writes to.  [default: .]")
@click.option("--format", type=FORMAT, help="Of files that are named by the app.  [default: wav]")
@click.option("--device", type=click.Choice(user_settings.DEVICES), help="Where to compute.  [default: auto]")
@click.option("--precision", type=click.Choice(user_settings.PRECISIONS), help="Of the matrix products.")
@click.option("--decoder", type=click.Choice(user_settings.DECODERS), help="What turns latents into sound.")
@click.option("--server", metavar="auto|off|URL", help="Make clips through a ttm-app server that runs.  [default: off]")
@click.option("--keep/--no-keep", default=None, help="A copy of what is kept goes into the library.  [default: keep]")
def jam(
    play: bool,
    out_dir: Path | None,
    format: str | None,
    device: str | None,
    precision: str | None,
    decoder: str | None,
    server: str | None,
    keep: bool | None,
    **values,
) -> None:
    """Type a prompt, hear it, and say what shall be different. One engine stays in memory, so that a clip takes no
    longer than its music needs."""
    chosen = user_settings.load(
        format=format, device=device, precision=precision, decoder=decoder, server=server, keep=keep
    )
    from . import lines
    from .conversation import Conversation, no_player
    from .player import Player

    session = _session(chosen, {name: value for name, value in values.items() if value is not None})
    player = Player() if play else None
    source = lines.source()
    try:
        if player is not None and not player.name:
            print_note(no_player())
        conversation = Conversation(session, player, out_dir or Path(), source.interactive)
        with ended_by_signals("ended; what was not kept is gone"):
            code = _talk(source, conversation)
    finally:
        source.close()
        session.close()
        if player is not None:
            player.close()
    conversation.farewell()
    click.get_current_context().exit(code)


def _session(chosen: user_settings.Settings, usual: dict) -> Session:
    """A session with its model in memory. Raises RequestError for options that no clip could have, ModelError."""
    from ...server.resident import engine_for
    from ..generation.plan_options import resolved
    from .changes import begun
    from .session import Session

    engine = engine_for(chosen, print_note)
    session = Session(engine, chosen, usual)
    bundle = resolved(session.request(begun("music", usual)), chosen).bundle
    engine.load(bundle)
    print_note(f"{bundle.name} {bundle.config['version']} is ready: type a prompt, or help")
    return session


def _talk(source: Terminal | Pipe, conversation: Conversation) -> int:
    """Answer line after line; the exit code. Cancelled ends it where a signal that ends programs came."""
    from .conversation import Given

    code, number, goes_on = 0, 0, True
    while goes_on:
        number += 1
        conversation.before_a_line()
        try:
            line = source.read()
            if line is None:
                break
            goes_on = conversation.answer(line)
        except Given:
            continue
        except KeyboardInterrupt:
            if not source.interactive:
                raise
            conversation.silence()
            print_note("")
        except TTMError as error:
            if error.exit_code == 130:
                raise
            failed = print_error(str(error), error.exit_code, False, None if source.interactive else number)
            code = code or (0 if source.interactive else failed)
    return code
