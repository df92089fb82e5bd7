"""The README's commands exist, with the options it shows."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from musicgen_app.cli import root

README = Path(__file__).parents[2] / "README.md"
COMMANDS = [
    part.strip()
    for block in re.findall(r"```sh\n(.*?)```", README.read_text(encoding="utf-8"), re.S)
    for line in block.splitlines()
    for part in line.split("#")[0].split("|")
    if "ttm-app " in part
]


def test_there_is_an_example_of_every_command():
    shown = {shlex.split(line[line.index("ttm-app") :])[1] for line in COMMANDS}
    assert shown == set(root.list_commands(None))


@pytest.mark.parametrize("line", COMMANDS)
def test_command_parses(line):
    """Parsing checks the names of commands and options and the types of their values; nothing is run."""
    arguments = shlex.split(line[line.index("ttm-app") :])[1:]
    context, command = click.Context(root), root
    while isinstance(command, click.Group) and arguments[0] in command.list_commands(context):
        _, command, arguments = command.resolve_command(context, arguments)
    command.make_context(command.name, arguments)


def test_the_two_commands_that_ci_runs_are_marked():
    text = README.read_text(encoding="utf-8")
    for number in (1, 2):
        assert re.search(rf"^<!-- command {number} -->\n```sh\n", text, re.M)
