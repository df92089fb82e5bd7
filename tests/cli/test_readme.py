"""The commands that README and documentation show exist, with the options they show."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from musicgen_app.cli import root

TOP = Path(__file__).parents[2]
README = TOP / "README.md"
PAGES = (README, TOP / "CONTRIBUTING.md", *sorted((TOP / "docs").glob("*.md")))
COMMANDS = [
    part.partition(" > ")[0].strip()
    for page in PAGES
    for block in re.findall(r"^```sh\n(.*?)^```", page.read_text(encoding="utf-8"), re.S | re.M)
    for line in block.splitlines()
    for part in re.split(
        r"\|(?=\s*ttm-app)",
        line.split("#")[0].replace("accelerate launch --num_processes 8 -m musicgen_app", "ttm-app"),
    )
    if part.strip().startswith("ttm-app ")
]


def test_there_is_an_example_of_every_command():
    shown = {shlex.split(line)[1] for line in COMMANDS}
    assert shown == set(root.list_commands(None))


@pytest.mark.parametrize("line", COMMANDS)
def test_command_parses(line):
    """Parsing checks the names of commands and options and the types of their values; nothing is run."""
    arguments = shlex.split(line)[1:]
    context = root.make_context("ttm-app", arguments)
    while isinstance(context.command, click.Group) and (words := [*context._protected_args, *context.args]):
        name, command, arguments = context.command.resolve_command(context, words)
        context = command.make_context(name, arguments, parent=context)


def test_the_two_commands_that_ci_runs_are_marked():
    text = README.read_text(encoding="utf-8")
    for number in (1, 2):
        assert re.search(rf"^<!-- command {number} -->\n```sh\n", text, re.M)


def test_the_readme_is_short_and_says_first_what_is_to_be_done_first():
    text = README.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    command = text.index("<!-- command 1 -->")
    assert text.index("git clone --depth 1") < text.index("download.pytorch.org/whl/cpu") < command
