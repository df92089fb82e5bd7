"""All commands, one module each, imported when it is used; plug-ins bring more (`plugins`), among them the trainer's.

stdout carries data only (paths, tables, JSON), stderr everything else. An error is one line on stderr, and with
`--json` also one object on stdout.
"""

from __future__ import annotations

import importlib
import os
import sys

import click

from .. import __version__, plugins
from ..errors import Cancelled, TTMError
from .groups import Group
from .terminal import one_line, print_error

COMMANDS = {  # name -> the module that has it under that name, or under the one behind the colon
    "generate": "generation.generate",
    "jam": "jam.jam",
    "continue": "editing.edits:continue_",
    "repaint": "editing.edits",
    "vary": "editing.edits",
    "ending": "editing.edits",
    "add": "editing.edits",
    "layers": "editing.layers",
    "plan": "planning.plan",
    "gui": "serving.gui",
    "serve": "serving.serve",
    "mcp": "serving.mcp",
    "library": "library",
    "models": "models.models",
    "export": "export",
    "bench": "bench",
    "doctor": "doctor",
    "settings": "settings",
    "paths": "settings",
}

EPILOG = """
\b
Examples:
  ttm-app generate "slow piano over soft strings" -o piano.wav
  ttm-app generate "upbeat EDM" --seed 7 --seconds 20 -n 4 -o edm.flac
  ttm-app generate --from piano.wav -o same.wav
  ttm-app generate --prompts prompts.txt --out-dir songs
  ttm-app models list

\b
Exit codes:
  0    done; a reader of stdout that went away (| head) wanted no more
  1    unexpected error
  2    bad option or request
  3    file, or stdout, cannot be read or written
  4    model unknown, damaged or changed
  5    the model's output is not usable
  6    an optional package is missing
  75   ended by a limit that you set (--max-hours, --hours, --stop-at): run it again to go on
  130  cancelled (Ctrl-C, SIGTERM); training writes a checkpoint first

\b
Environment:
  TTM_APP_HOME     one folder for models, settings, results and cache
  TTM_APP_SECONDS  as the setting "seconds", and so for every setting (ttm-app settings)
  TTM_APP_DEBUG    1 shows the traceback of an unexpected error
"""


class LazyGroup(Group):
    """The app's own commands and those of plug-ins, each imported when it is first asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMANDS, *(name for name in plugins.names("commands") if name not in COMMANDS)]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name in COMMANDS:
            module, _, attribute = COMMANDS[name].partition(":")
            return getattr(importlib.import_module(f".{module}", __package__), attribute or name)
        return plugins.load("commands", name)

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:  # click would put an empty line before the error
            raise Cancelled("cancelled") from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands in two lists; one of a plug-in that cannot be imported says so and hides no other."""
        names = self.list_commands(ctx)
        for title, some in (("Commands", names[: len(COMMANDS)]), ("Commands of plug-ins", names[len(COMMANDS) :])):
            if some:
                with formatter.section(title):
                    width = formatter.width - 6 - max(map(len, some))
                    formatter.write_dl([(name, self._short_help(ctx, name, width)) for name in some])

    def _short_help(self, ctx: click.Context, name: str, width: int) -> str:
        try:
            command = self.get_command(ctx, name)
        except TTMError as error:
            return one_line(str(error))
        return command.get_short_help_str(width) if command else ""


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=EPILOG,
)
@click.version_option(__version__, prog_name="ttm-app", message="%(prog)s %(version)s")
def root() -> None:
    """Make music from text, on this computer and offline."""


def run(argv: list[str] | None = None) -> int:
    """Run one command line (default: this process's) and return its exit code; every error is reported here."""
    as_json = "--json" in (sys.argv[1:] if argv is None else argv)
    try:
        return root.main(args=argv, prog_name="ttm-app", standalone_mode=False) or 0
    except click.ClickException as error:
        usage = getattr(error, "ctx", None)
        see = f" (see {usage.command_path} --help)" if usage else ""
        return print_error(error.format_message() + see, error.exit_code, as_json)
    except TTMError as error:
        return print_error(str(error), error.exit_code, as_json)
    except (click.Abort, KeyboardInterrupt):
        return print_error("cancelled", Cancelled.exit_code, as_json)
    except Exception as error:
        if os.environ.get("TTM_APP_DEBUG") == "1":
            raise
        message = f"unexpected {type(error).__name__}: {error} (set TTM_APP_DEBUG=1 to see where)"
        return print_error(message, TTMError.exit_code, as_json)
