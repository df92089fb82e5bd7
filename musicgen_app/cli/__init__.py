"""The command line: arguments -> exit code. `main` is the console script; one module a command, imported when used.

stdout carries data only (paths, tables, JSON), stderr everything else. An error is one line on stderr, and with
`--json` also one object on stdout.
"""

from __future__ import annotations

import difflib
import importlib
import os
import sys

import click

from .. import __version__
from ..errors import Cancelled, TTMError
from .terminal import print_error

COMMANDS = (
    "generate", "gui", "library", "models", "prepare", "captions", "train", "evaluate",
    "corpus", "codec", "aligner", "export", "bench", "doctor", "settings", "paths",
)  # fmt: skip

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
  0 done                              4 model unknown, damaged or tampered with
  1 unexpected error, stdout closed   5 the model's output is not usable
  2 bad option or request             6 an optional package is missing
  3 file cannot be read or written    130 cancelled (Ctrl-C, SIGTERM)

\b
Environment:
  TTM_APP_HOME     one folder for models, settings, results and cache
  TTM_APP_SECONDS  as the setting "seconds", and so for every setting (ttm-app settings)
  TTM_APP_DEBUG    1 shows the traceback of an unexpected error
"""


class LazyGroup(click.Group):
    """Finds the command `name` as the attribute `name` of the module `musicgen_app.cli.name`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        return getattr(importlib.import_module(f".{name}", __name__), name)

    def resolve_command(self, ctx: click.Context, args: list[str]):
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"commands: {', '.join(COMMANDS)}"
            ctx.fail(f"no command {args[0]!r}; {hint}")
        return super().resolve_command(ctx, args)


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


def main() -> None:
    """Console script."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # a title or path must not crash a terminal that lacks UTF-8
    sys.exit(run())
