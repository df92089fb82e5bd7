"""Pages that are written when the site is built: one a command, from its --help, and the API.

They lie in `commands/` and `api/`, which git ignores, and every build makes them, so they cannot go stale.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from pathlib import Path

import click

PACKAGES = ("musicgen_app", "ttm_trainer")
WIDTH = 96  # characters of a line of help
FACES = ("__main__", "cli", "gui", "bench")  # what only people call; their code is read in the repository


def setup(app) -> dict:
    app.connect("builder-inited", lambda app: write_pages(Path(app.srcdir)))
    return {"parallel_read_safe": True}


def write_pages(docs: Path) -> None:
    """Write all generated pages below the folder of the documentation."""
    from musicgen_app.cli import root

    for folder, pages in (("commands", command_pages(root)), ("api", api_pages())):
        files = {docs / folder / f"{name}.md": text for name, text in pages.items()}
        (docs / folder).mkdir(exist_ok=True)
        for stale in set((docs / folder).iterdir()) - files.keys():
            stale.unlink()
        for file, text in files.items():
            if not file.exists() or file.read_text(encoding="utf-8") != text:  # else the built page still holds
                file.write_text(text, encoding="utf-8")


def command_pages(root: click.Group) -> dict[str, str]:
    """Name of a page -> its text: "index", with the help of ttm-app itself, and one for every command."""
    from musicgen_app import plugins
    from musicgen_app.cli import COMMANDS

    context = click.Context(root, info_name="ttm-app", terminal_width=WIDTH, **root.context_settings)
    own = {*COMMANDS, *plugins.listed()["ttm-app"]["commands"]}  # and none of a plug-in that is installed here
    names = [name for name in root.list_commands(context) if name in own]
    index = f"# Command line\n\n{_help(root, context)}\n{_contents(names)}"
    pages = {name: "\n".join(_sections(root.get_command(context, name), name, context, 1)) for name in names}
    return {"index": index} | pages


def _sections(command: click.Command, name: str, parent: click.Context, level: int) -> list[str]:
    """The section of a command and, below it, those of the commands in it."""
    context = click.Context(command, parent, name, terminal_width=WIDTH, **command.context_settings)
    sections = [f"{'#' * level} {context.command_path}\n\n{_help(command, context)}"]
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            if found is not None and not found.hidden:
                sections += _sections(found, below, context, level + 1)
    return sections


def _help(command: click.Command, context: click.Context) -> str:
    return f"```text\n{command.get_help(context)}\n```\n"


def api_pages() -> dict[str, str]:
    """Name of a page -> its text: "index", and one for every module or folder at the top of both packages."""
    pages, index = {}, ["# API\n"]
    for package in PACKAGES:
        groups: dict[str, list[str]] = {}
        for module in sorted(_modules(package)):
            groups.setdefault(".".join(module.split(".")[:2]), []).append(module)
        for group, modules in groups.items():
            pages[group] = "\n".join([f"# {group}\n", *(_module(one, group) for one in modules)])
        index.append(f"## {package}\n\n{_contents(groups)}")
    return {"index": "\n".join(index)} | pages


def _modules(package: str) -> list[str]:
    """A package and every module in it."""
    folders = import_module(package).__path__
    found = [module.name for module in pkgutil.walk_packages(folders, f"{package}.")]
    return [name for name in (package, *found) if name.split(".")[1:2] not in [[face] for face in FACES]]


def _module(name: str, group: str) -> str:
    title = "" if name == group else f"## {name}\n\n"
    return f"{title}```{{eval-rst}}\n.. automodule:: {name}\n   :members:\n```\n"


def _contents(names) -> str:
    return "\n".join(["```{toctree}", ":maxdepth: 1", "", *names, "```", ""])
